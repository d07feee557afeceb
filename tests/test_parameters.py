"""The parameters of a notebook: read from one cell, and checked before a kernel starts."""

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from prodops_analysis.errors import ReportError, SettingsError
from prodops_analysis.report.run import check_parameters

CELL = """# Literals only.
workspace: str = ""  # empty means the nearest parent
window_days: int = 90  # length of each window, days
confidence: float = 0.95
shown: bool = True  # whether to show
change_id: str = "a#b"  # a record
"""


def notebook(folder: Path, *sources: str, tags: tuple[str, ...] = ("parameters",)) -> Path:
    """A notebook with cells that carry the tags, between cells that do not."""
    cells = [new_markdown_cell("# Title")]
    cells += [new_code_cell(source, metadata={"tags": list(tags)}) for source in sources]
    path = folder / "2_flow.ipynb"
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(new_notebook(cells=[*cells, new_code_cell("window_days")], metadata={"kernelspec": kernel}), path)
    return path


def test_a_notebook_without_parameters_is_refused(tmp_path):
    """The message says what to write."""
    with pytest.raises(ReportError, match=r"2_flow.ipynb has no parameters; tag a cell 'parameters'"):
        check_parameters(notebook(tmp_path), {})


@pytest.mark.parametrize("written", ["window_days = 90", "window_days: list = []"])
def test_a_parameter_without_a_type_is_refused(written, tmp_path):
    """Nothing says then what would fit it."""
    with pytest.raises(ReportError, match=r"parameter 'window_days' needs a type; write 'window_days: int = …' \(str"):
        check_parameters(notebook(tmp_path, written), {"window_days": 30})


def test_what_is_no_notebook_is_refused(tmp_path):
    """A missing file and a text with the name of a notebook are none."""
    path = tmp_path / "text.ipynb"
    with pytest.raises(ReportError, match=r"text.ipynb is no notebook that can be run"):
        check_parameters(path, {})
    path.write_text("hello", encoding="utf-8")
    with pytest.raises(ReportError, match=r"text.ipynb is no notebook that can be run"):
        check_parameters(path, {})


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({}, id="none"),
        pytest.param({"window_days": 30, "shown": False, "workspace": "x", "confidence": 0.9}, id="each-type"),
        pytest.param({"confidence": 1}, id="whole-number-for-float"),
    ],
)
def test_parameters_that_fit_are_accepted(given, tmp_path):
    """A value of the declared type passes; a whole number is a number."""
    assert None is check_parameters(notebook(tmp_path, CELL), given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        pytest.param(
            {"window_day": 30},
            r"2_flow.ipynb takes no parameter 'window_day'; did you mean 'window_days'\? "
            r"\(it takes workspace, window_days, confidence, shown, change_id\)",
            id="misspelt",
        ),
        pytest.param({"x": 1}, r"takes no parameter 'x' \(it takes", id="unknown"),
        pytest.param(
            {"window_days": True}, "parameter 'window_days' must be int, found bool True", id="truth-for-number"
        ),
        pytest.param(
            {"window_days": "30"}, "parameter 'window_days' must be int, found str '30'", id="text-for-number"
        ),
        pytest.param({"window_days": 30.0}, "must be int, found float 30.0", id="float-for-int"),
        pytest.param({"confidence": True}, "must be float, found bool True", id="truth-for-float"),
        pytest.param({"shown": 1}, "must be bool, found int 1", id="number-for-truth"),
        pytest.param({"workspace": None}, "must be str, found NoneType None", id="nothing-for-text"),
        pytest.param({"workspace": Path("x")}, "must be str, found PosixPath", id="path-for-text"),
    ],
)
def test_parameters_that_do_not_fit_are_refused(given, message, tmp_path):
    """An unknown name comes with the nearest, a wrong type with what was found."""
    with pytest.raises(SettingsError, match=message):
        check_parameters(notebook(tmp_path, CELL), given)
