"""The shipped notebooks give the same numbers from any folder, without papermill."""

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from jupyter_core.utils import ensure_event_loop
from nbclient import NotebookClient
from traitlets.config import Config

from prodops_analysis.errors import SettingsError
from prodops_analysis.workspace import find

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize(
    "folder", [Path("/"), ROOT, ROOT / "notebooks"], ids=["root-of-the-disk", "checkout", "notebooks"]
)
def test_the_workspace_is_found_from_any_folder(folder, monkeypatch):
    """The nearest parent with settings wins, and far from any the checkout is the workspace."""
    monkeypatch.chdir(folder)

    assert ROOT == find()


def test_far_from_any_workspace_none_is_found_where_none_may_be_far(tmp_path, monkeypatch):
    """What writes takes no checkout that is not at hand."""
    monkeypatch.chdir(tmp_path)

    with pytest.raises(SettingsError, match="or above it; `prodops init DIR`"):
        find(far=False)


@pytest.mark.parametrize("name", ["data_quality", "monthly_review", "process_change"])
def test_a_notebook_runs_from_the_root_of_the_disk(name):
    """Run by hand in a folder far away, a notebook prints the very line that it stores."""
    notebook = nbformat.read(ROOT / f"notebooks/{name}.ipynb", as_version=4)
    stored = [o.text for cell in notebook.cells for o in cell.get("outputs", [])]

    quiet = Config({"KernelManager": {"transport_encryption": "auto"}})
    NotebookClient(notebook, kernel_name="python3", config=quiet, resources={"metadata": {"path": "/"}}).execute()
    ensure_event_loop().close()

    kept = [cell for cell in notebook.cells if "keep_output" in cell.metadata.get("tags", [])]
    assert stored == [o.text for cell in kept for o in cell.outputs]


def test_numbers_need_no_charts():
    """With the drawing libraries out of reach, the package still imports, loads and assesses."""
    code = (
        "import sys; sys.modules['altair'] = sys.modules['vl_convert'] = None\n"
        "from prodops_analysis import assess\n"
        "from prodops_analysis.workspace import load\n"
        "h = load()\n"
        "print(assess(h.events, None, h.change('intake-template'), as_of=h.as_of, settings=h.settings).verdict)"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)

    assert ("improved\n", "") == (run.stdout, run.stderr)
