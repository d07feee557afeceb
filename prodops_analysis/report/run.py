"""Run one notebook with checked parameters; nothing half-written is left behind."""

import copy
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import papermill
from jupyter_core.utils import ensure_event_loop
from nbformat import NotebookNode

from prodops_analysis.errors import ReportError, SettingsError, did_you_mean, some

TYPES = ("str", "int", "float", "bool")  # of a parameter
# ipykernel 7.3 and later says on every start that it talks over TCP, and at some ends that it was interrupted
_QUIET = ["--IPKernelApp.log_level=50"]


def notebook_path(name: str, *, workspace: Path) -> Path:
    """Return a notebook by name: the workspace's own wins, then those that ship with the package."""
    package = Path(__file__).resolve().parent.parent
    for folder in (workspace / "notebooks", package / "notebooks", package.parent / "notebooks"):
        if (path := folder / f"{name}.ipynb").is_file():
            return path
    raise SettingsError(f"no notebook {name!r} in {workspace / 'notebooks'} or the package")


def check_parameters(path: Path, given: Mapping[str, Any]) -> None:
    """Refuse a parameter that the notebook does not take, or of another type, before a kernel starts.

    Raises
    ------
    SettingsError : which parameter, what was found, what the notebook takes.
    ReportError : no notebook, or one without parameters.
    """
    try:
        known = papermill.inspect_notebook(str(path))
    except Exception as error:  # whatever a file that is no notebook may do to its readers
        raise ReportError(f"{path.name} is no notebook that can be run: {error}") from None
    if not known:
        raise ReportError(f"{path.name} has no parameters; tag a cell 'parameters', with lines 'name: type = default'")
    for name, value in given.items():
        if name not in known:
            near = did_you_mean(name, known)
            raise SettingsError(f"{path.name} takes no parameter {name!r}{near} (it takes {', '.join(known)})")
        kind, found = known[name]["inferred_type_name"], type(value).__name__
        if kind not in TYPES:
            hint = f"write '{name}: {found} = …' ({some(TYPES)})"
            raise ReportError(f"{path.name}: parameter {name!r} needs a type; {hint}")
        if found != kind and (kind, found) != ("float", "int"):
            raise SettingsError(f"{path.name}: parameter {name!r} must be {kind}, found {found} {value!r}")


def run_notebook(path: Path, *, output: Path, parameters: Mapping[str, Any]) -> NotebookNode:
    """Execute a notebook in a fresh kernel and write it to `output`.

    Raises
    ------
    SettingsError : an unknown or ill-typed parameter; no kernel is started then.
    ReportError : a cell failed; `output` then holds the notebook up to that cell, for the maintainer.
    """
    check_parameters(path, parameters)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    try:
        try:
            return _executed(path, output=output, parameters=parameters)
        except RuntimeError as error:
            # another process may take a port between choosing and opening it (papermill issue 511): once more
            if "before replying" not in str(error):
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
