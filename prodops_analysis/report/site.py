"""What stands around the reports of a month: the front page over all months, and a digest to mail or post."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from nbformat import NotebookNode

from prodops_analysis.charts import renderer
from prodops_analysis.errors import counted, printable
from prodops_analysis.report.ledger import MONTHS
from prodops_analysis.report.pages import rendered, shown
from prodops_analysis.tables import Callout, number, table
from prodops_analysis.workspace import History

FIGURES = {"cycle_time": ("Cycle time", "days", ",.1f"), "throughput": ("Throughput", "a week", ",.1f"),
           "wip": ("WIP", "items", ",.0f"), "owner_at_start": ("Owner at start", "", ".0%")}  # fmt: skip
DIGEST_TAG = "digest"  # of the cell whose chart goes into the digest


def all_months_page(reports: Path, history: History) -> str:
    """Return the front page over all published months, newest first, each figure as it was published."""
    rows, links = [], []
    for path in sorted(reports.glob(f"{MONTHS}/metrics.json"), reverse=True):
        results = json.loads(path.read_text(encoding="utf-8"))
        figures = results.get("monthly-review", {}).get("figures", {})
        grades = results.get("data-quality", {}).get("grades", {})
        bad = len({place.split("/")[0] for place, grade in grades.items() if grade == "D"})
        rows.append((
            f"{pd.Period(path.parent.name):%B %Y}",
            tally(verdicts_of(results)),
            *(_figure(figures.get(name), like) for name, (_, _, like) in FIGURES.items()),
            "no grade D" if not bad else f"grade D in {counted(bad, 'team')}",
        ))  # fmt: skip
        links.append(f"{path.parent.name}/index.html")
    columns = ["Month", "Verdicts", *(label for label, *_ in FIGURES.values()), "Data"]
    units = {label: unit for label, unit, _ in FIGURES.values() if unit}
    listed = table(rows, columns, caption="Published months, newest first", units=units, links=links)
    told = [
        "A month says in its ledger what moved since.",
        "Teams whose data has grade D are left out of a figure: compare months that leave out the same ones.",
    ]
    note = Callout("note", "Figures are those that were published", told)
    return rendered(history, "Reports", [shown(listed), shown(note)], month=False)


def digest(results: Mapping[str, Mapping[str, Any]], history: History, pages: Sequence[str]) -> str:
    """Return the month in a short plain text, from the same results as its pages."""
    review = results["monthly-review"]
    lines = [f"{history.period} · {history.settings.title}"]
    lines += [f"Please note: {history.settings.notice}"] if history.settings.notice else []
    lines += ["", "The four signs"]
    lines += [f"- {name}: {sign['reading']}. {sign['said']}" for name, sign in review.get("signs", {}).items()]
    lines += ["", "Changes"]
    lines += [
        f"- {row['Change']} ({row['Stands']}): {row['Verdict']}. {row['What is known']}. "
        f"Guardrails: {row['Guardrails']}. Decision asked: {row['Decision asked']}."
        for row in review.get("changes", [])
    ] or ["- none"]
    lines += ["", f"Data as of {history.seen_from}. Shown by team, never by person.", "", "Read on"]
    lines += [f"- {page}" for page in pages]
    return "\n".join(printable(" ".join(line.split())) for line in lines) + "\n"


def digest_picture(notebook: NotebookNode) -> bytes | None:
    """Return the chart of the cell tagged for the digest as PNG, or None without one."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if DIGEST_TAG in cell.metadata.get("tags", []) and renderer.MIME in output.get("data", {}):
                return renderer.to_png(output["data"][renderer.MIME])
    return None


def verdicts_of(results: dict[str, dict[str, Any]]) -> list[str]:
    """Return the verdict words of a month."""
    return [str(found["verdict"]) for found in results.get("monthly-review", {}).get("verdicts", {}).values()]


def tally(words: Sequence[str]) -> str:
    """Write how often each word comes, such as `2 improved, 1 worsened`."""
    return ", ".join(f"{n} {word}" for word, n in sorted(Counter(words).items())) or "none"


def _figure(figure: Mapping[str, Any] | None, like: str) -> str | None:
    if figure is None or figure.get("value") is None:
        return None
    left_out = counted(len(figure["without"]), "team") if figure.get("without") else ""
    return number(float(figure["value"]), like=like) + (f" without {left_out}" if left_out else "")
