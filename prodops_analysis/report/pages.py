"""Pages that no notebook makes: the month's index, and the page in place of a report that failed."""

import copy
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

from nbformat import NotebookNode, v4

from prodops_analysis.report.html import render
from prodops_analysis.report.results import RESULT
from prodops_analysis.tables import Callout, Table, table
from prodops_analysis.workspace import History

_BEHIND = """## Data behind the reports

[metrics.json](metrics.json) holds every headline number, the folder `data` a CSV behind every chart, the folder
`notebooks` the executed notebooks, [manifest.json](manifest.json) what they were made from, and
[digest.txt](digest.txt) the month in a short text to mail or post. [All months](../index.html)."""
_LEDGER = """## Last month, seen again

Histories change after the fact. Verdicts as they were published, beside the same made from what is known today."""
Entry = tuple[str, str, str]  # slug, title, why it failed


def page_metadata(history: History, title: str, *, month: bool = True) -> dict[str, str]:
    """Return what the exporter prints around a page; `month` says whether the page is one of a month."""
    return {
        "title": title,
        "period": f"{history.period} · {history.settings.title}" if month else history.settings.title,
        "notice": history.settings.notice,
        "as_of": history.seen_from,
        "glossary": "beside" if month else "",
    }


def index_page(
    history: History, entries: Sequence[Entry], notebooks: Mapping[str, NotebookNode], ledger: Table | Callout | None
) -> str:
    """Return the month's front page: the first screens of its reports by slug, links, and the restatement ledger."""
    review = [cell for slug, nb in notebooks.items() for cell in _summaries(nb, slug)]
    rows = [(title, f"could not be made: {why}" if why else "") for _, title, why in entries]
    listed = table(rows, ["Report", "Remark"], caption="Reports", links=[f"{slug}.html" for slug, *_ in entries])
    cells = [*review, v4.new_markdown_cell("## Reports"), shown(listed)]
    if ledger is not None:
        cells += [v4.new_markdown_cell(_LEDGER), shown(ledger)]
    cells.append(v4.new_markdown_cell(_BEHIND))
    return rendered(history, "Reports of the month", cells)


def failed_page(title: str, why: str, history: History) -> str:
    """Return the page in place of a report that could not be made."""
    callout = Callout("caution", "This report could not be made", [why, "The other reports of the month are complete."])
    return rendered(history, title, [shown(callout)])


def glossary_page(history: History) -> str:
    """Return the words of the reports in plain language; each has an anchor that reports lead to."""
    title, _, text = resources.files(__package__).joinpath("glossary.md").read_text(encoding="utf-8").partition("\n")
    return rendered(history, title.removeprefix("# "), [v4.new_markdown_cell(text)])


def _summaries(notebook: NotebookNode, slug: str) -> list[NotebookNode]:
    """Return copies of the cells tagged `summary`; what they link to inside their page is linked to from outside."""
    told = [cell for cell in notebook.cells if "summary" in cell.metadata.get("tags", []) and cell.get("outputs")]
    found = copy.deepcopy(told)
    for cell in found:
        for output in cell.outputs:
            if "text/html" in output.get("data", {}):
                output.data["text/html"] = output.data["text/html"].replace('href="#', f'href="{slug}.html#')
    return found


def shown(thing: Any) -> NotebookNode:
    """Return a cell that shows a table or a callout."""
    data = {"text/html": thing._repr_html_(), "text/plain": repr(thing), RESULT: {}}
    return v4.new_code_cell(outputs=[v4.new_output("display_data", data=data)])


def rendered(history: History, title: str, cells: Sequence[NotebookNode], *, month: bool = True) -> str:
    """Return the page of a few cells."""
    notebook = v4.new_notebook(cells=list(cells), metadata={"prodops": page_metadata(history, title, month=month)})
    return render(notebook, title=title)
