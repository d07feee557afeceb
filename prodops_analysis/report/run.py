"""Run one notebook with checked parameters; nothing half-written is left behind."""

import copy
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import papermill
from jupyter_core.utils import ensure_event_loop
from nbformat import NotebookNode

from prodops_analysis.errors import ReportError, SettingsError
from prodops_analysis.report.parameters import check_parameters

# ipykernel 7.3 and later says on every start that it talks over TCP, and at some ends that it was interrupted
_QUIET = ["--IPKernelApp.log_level=50"]
_NEVER_ANSWERED = ("before replying", "didn't respond")  # jupyter_client of a kernel that did not come up


def notebook_path(name: str, *, workspace: Path) -> Path:
    """Return a notebook by name: the workspace's own wins, then those that ship with the package."""
    package = Path(__file__).resolve().parent.parent
    for folder in (workspace / "notebooks", package / "notebooks", package.parent / "notebooks"):
        if (path := folder / f"{name}.ipynb").is_file():
            return path
    raise SettingsError(f"no notebook {name!r} in {workspace / 'notebooks'} or the package")


def run_notebook(path: Path, *, output: Path, parameters: Mapping[str, Any]) -> NotebookNode:
    """Execute a notebook in a fresh kernel and write it to `output`.

    Raises SettingsError: an unknown or ill-typed parameter; no kernel is started then.
    Raises ReportError: a cell failed; `output` then holds the notebook up to that cell, for the maintainer.
    """
    check_parameters(path, parameters)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    try:
        try:
            return _executed(path, output=output, parameters=parameters)
        except RuntimeError as error:
            # another process may take a port between choosing and opening it (papermill issue 511): once more
            if not any(told in str(error) for told in _NEVER_ANSWERED):
                raise
            return _executed(path, output=output, parameters=parameters)
    except papermill.exceptions.PapermillExecutionError as error:
        raise ReportError(f"{path.name}: {error.ename}: {error.evalue}") from error
    except RuntimeError as error:  # a kernel that could not be started or died
        raise ReportError(f"{path.name}: the kernel failed: {error}") from error
    finally:
        loop = ensure_event_loop()  # of this thread; nbclient leaves it open
        if not loop.is_running():
            loop.close()


def _executed(path: Path, *, output: Path, parameters: Mapping[str, Any]) -> NotebookNode:
    return papermill.execute_notebook(
        str(path), str(output), parameters=dict(parameters), kernel_name="python3", progress_bar=False,
        request_save_on_cell_execute=False, extra_arguments=_QUIET,
    )  # fmt: skip


def without_traces(notebook: NotebookNode) -> NotebookNode:
    """Return a copy without times and paths of this run, so that the same inputs give the same bytes."""
    kept = copy.deepcopy(notebook)
    kept.metadata.pop("papermill", None)
    for number, cell in enumerate(kept.cells):
        cell["id"] = f"cell-{number}"
        for trace in ("papermill", "execution"):
            cell.metadata.pop(trace, None)
        if "injected-parameters" in cell.metadata.get("tags", []):
            lines = [line for line in cell.source.splitlines() if not line.startswith("workspace =")]
            cell["source"] = "\n".join(lines)
    return kept
