"""Prepare an executed notebook for the page: refuse what cannot be shown, convert the prose, put the summary first."""

import re
from typing import Any

from nbconvert.preprocessors import Preprocessor
from nbformat import NotebookNode

from prodops_analysis.charts import renderer
from prodops_analysis.errors import ReportError, some
from prodops_analysis.report.prose import Prose

SHOWN = ("text/html", "text/markdown", "image/svg+xml", "image/png", "image/jpeg", "text/plain")
SILENT = "application/vnd.prodops."  # results as data, for metrics.json


class Arrange(Preprocessor):
    """Check the outputs, turn Markdown into HTML, and put the summary before everything else."""

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        """Prepare a notebook for the template; nbconvert hands over a copy."""
        check(nb)
        told, title = nb.metadata.get("prodops", {}), resources.get("prodops_title")
        first = next((cell for cell in nb.cells if cell.cell_type == "markdown"), None)
        opens = first is not None and re.match(r"\s*#\s", first.source) is not None
        if first is not None and opens:
            first.metadata["tags"] = [*first.metadata.get("tags", []), "summary"]
        front = [cell for cell in nb.cells if "summary" in cell.metadata.get("tags", [])]
        rest = [cell for cell in nb.cells if "summary" not in cell.metadata.get("tags", [])]
        prose = Prose(title="" if opens else None)
        for cell in front:
            _convert(cell, prose)
        prose.sections.clear()  # the contents list comes after these
        for cell in rest:
            _convert(cell, prose)
        nb.cells = [*filter(_shows, front), *filter(_shows, rest)]
        resources["page"] = {key: str(told.get(key) or "") for key in ("period", "notice", "as_of", "glossary")} | {
            "title": str(title or told.get("title") or prose.title or "Report"),
            "lang": str(told.get("lang") or "en"),
            "front": sum(map(_shows, front)),
            "contents": prose.sections,
        }
        return nb, resources


def check(notebook: NotebookNode) -> None:
    """Refuse a notebook that failed or that shows what a static page cannot show."""
    if notebook.metadata.get("papermill", {}).get("exception"):
        raise ReportError("the notebook stopped at an error; mend it, run it again, then render")
    for number, cell in enumerate(notebook.cells, start=1):
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                raise ReportError(f"cell {number} failed with {output.ename}: {output.evalue}; mend it and run again")
            data = output.get("data", {})
            if renderer.MIME not in data and "<script" in str(data.get("text/html", "")).lower():
                raise ReportError(
                    f"cell {number} draws with a script, which a report never runs; "
                    "call prodops_analysis.charts.renderer.enable() first, or show a table"
                )
            kinds = _kinds(output)
            if kinds and not {renderer.MIME, *SHOWN} & set(kinds):
                raise ReportError(
                    f"cell {number} shows {some(kinds)}, which a report cannot; show a chart, table or text"
                )


def _convert(cell: NotebookNode, prose: Prose) -> None:
    if cell.cell_type == "markdown":
        cell.source = prose.html(cell.source)
    if cell.cell_type == "code":
        cell.outputs = [output for output in cell.outputs if _kinds(output) or output.get("name") == "stdout"]
    for output in cell.get("outputs", []):
        if output.output_type == "execute_result":  # the base template lays out displayed data only
            output.output_type = "display_data"
        if "text/markdown" in output.get("data", {}):
            output.data["text/markdown"] = prose.html(output.data["text/markdown"])


def _shows(cell: NotebookNode) -> bool:
    if cell.cell_type == "markdown":
        return bool(cell.source.strip())
    return bool(cell.get("outputs"))


def _kinds(output: NotebookNode) -> list[str]:
    return [kind for kind in output.get("data", {}) if not kind.startswith(SILENT)]
