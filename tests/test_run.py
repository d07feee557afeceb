"""Running one notebook: what happens when its kernel fails."""

import nbformat
import pytest
from nbformat import v4

from prodops_analysis.errors import ReportError
from prodops_analysis.report import run

LOST = "Kernel died before replying to kernel_info"
SILENT = "Kernel didn't respond in 60 seconds"


@pytest.fixture
def kernel(monkeypatch, tmp_path):
    """Run a notebook without parameters on a kernel that fails in turn as told; returns how often it was started."""

    def execute(*failures):
        left, started = list(failures), []

        def start(*_args, **_keywords):
            started.append(True)
            if left:
                raise RuntimeError(left.pop(0))
            return v4.new_notebook()

        monkeypatch.setattr(run.papermill, "execute_notebook", start)
        cell = v4.new_code_cell("week: int = 1  # of the year", metadata={"tags": ["parameters"]})
        nbformat.write(v4.new_notebook(cells=[cell]), path := tmp_path / "note.ipynb")
        try:
            run.run_notebook(path, output=tmp_path / "out.ipynb", parameters={})
        except ReportError as error:
            return len(started), str(error)
        return len(started), "done"

    return execute


@pytest.mark.parametrize(
    ("failures", "started", "ends"),
    [
        pytest.param([], 1, "done", id="none"),
        pytest.param([LOST], 2, "done", id="a-port-was-taken"),
        pytest.param([SILENT], 2, "done", id="a-port-was-taken-and-nothing-said"),
        pytest.param([LOST, LOST], 2, f"note.ipynb: the kernel failed: {LOST}", id="it-cannot-start"),
        pytest.param(["Kernel died"], 1, "note.ipynb: the kernel failed: Kernel died", id="it-died-at-work"),
    ],
)
def test_a_kernel_that_did_not_start_is_started_once_more(kernel, failures, started, ends):
    """Only a kernel that never answered gets a second try; a failure is named with its notebook."""
    assert (started, ends) == kernel(*failures)
