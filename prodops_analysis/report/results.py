"""Results of a report as data: what its cells showed, for metrics.json and a CSV behind every chart."""

import re
from typing import Any

import pandas as pd
from nbformat import NotebookNode

from prodops_analysis.charts import renderer
from prodops_analysis.charts.parts import is_empty

RESULT = "application/vnd.prodops.result+json"


def results_of(notebook: NotebookNode) -> dict[str, Any]:
    """Return the named results that the notebook's outputs carry."""
    found: dict[str, Any] = {}
    for output in _outputs(notebook):
        found.update(output["data"].get(RESULT, {}))
    return found


def chart_tables(notebook: NotebookNode, *, prefix: str) -> dict[str, str]:
    """Return the CSV behind every chart by its path, and note the path beside the chart for the page to link to.

    A cell that a spreadsheet would run as a formula is quoted.
    """
    tables: dict[str, str] = {}
    for output in _outputs(notebook):
        spec = output["data"].get(renderer.MIME)
        if spec and not is_empty(spec):
            path = f"{prefix}-{len(tables) + 1}-{_slug(renderer.title_of(spec)[0])}.csv"
            output.setdefault("metadata", {})["prodops_csv"] = path
            tables[path] = _csv(spec)
    return tables


def _slug(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:48] or "chart"


def _outputs(notebook: NotebookNode) -> list[dict[str, Any]]:
    return [output for cell in notebook.cells for output in cell.get("outputs", []) if "data" in output]


def _csv(spec: dict[str, Any]) -> str:
    """Write the table that a chart shows, its largest; the others are lines and labels beside it."""
    tables = [pd.DataFrame(rows, dtype=object) for rows in spec.get("datasets", {}).values()]
    largest = max(tables, key=lambda table: table.size, default=pd.DataFrame())
    quoted = largest.rename(columns=harmless).map(harmless)
    return "" if quoted.empty else str(quoted.to_csv(index=False, lineterminator="\r\n"))


def harmless(value: Any) -> Any:
    """Quote a text that a spreadsheet would run as a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(tuple("=+-@\t\r")) else value
