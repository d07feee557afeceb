"""Run every notebook on the sample and store only the output of its `keep_output` cell. Run: make notebooks."""

from pathlib import Path

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).parent.parent / "notebooks"


def refresh(path: Path) -> None:
    """Execute a notebook and strip everything but the line that nbval compares."""
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, kernel_name="python3", resources={"metadata": {"path": str(path.parent)}}).execute()
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            kept = "keep_output" in cell.metadata.get("tags", [])
            cell.execution_count = 1 if kept else None
            cell.outputs = [o for o in cell.outputs if o.output_type == "stream" and o.name == "stdout"] if kept else []
            for output in cell.outputs:
                output.pop("execution_count", None)
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    nbformat.write(notebook, path)
    print(path.name)


if __name__ == "__main__":
    for found in sorted(FOLDER.glob("*.ipynb")):
        refresh(found)
