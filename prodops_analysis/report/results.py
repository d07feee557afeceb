"""Results of a report as data: what its cells showed, for metrics.json and a CSV behind every chart."""

import csv
import io
from typing import Any

from nbformat import NotebookNode

RESULT = "application/vnd.prodops.result+json"
CHART = "application/vnd.vegalite.v5+json"


def results_of(notebook: NotebookNode) -> dict[str, Any]:
    """Return the named results that the notebook's outputs carry."""
    found: dict[str, Any] = {}
    for data in _outputs(notebook):
        found.update(data.get(RESULT, {}))
    return found


def chart_tables(notebook: NotebookNode) -> list[tuple[str, str]]:
    """Return (headline, CSV text) of every chart; a cell that a spreadsheet would run as a formula is quoted."""
    tables = []
    for data in _outputs(notebook):
        if CHART in data:
            spec = data[CHART]
            title = spec.get("title", {})
            tables.append((str(title.get("text", title) if isinstance(title, dict) else title), _csv(spec)))
    return tables


def _outputs(notebook: NotebookNode) -> list[dict[str, Any]]:
    return [output["data"] for cell in notebook.cells for output in cell.get("outputs", []) if "data" in output]


def _csv(spec: dict[str, Any]) -> str:
    text = io.StringIO()
    for rows in spec.get("datasets", {}).values():
        if not rows:
            continue
        writer = csv.writer(text, lineterminator="\r\n")
        names = list(dict.fromkeys(name for row in rows for name in row))
        writer.writerow(map(harmless, names))
        writer.writerows([harmless(row.get(name)) for name in names] for row in rows)
        text.write("\n")
    return text.getvalue()


def harmless(value: Any) -> Any:
    """Quote a text that a spreadsheet would run as a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(tuple("=+-@\t\r")) else value
