"""The parameters of a notebook: read from one cell, and checked before a kernel starts."""

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from prodops_analysis.errors import ReportError, SettingsError
from prodops_analysis.report.parameters import check_parameters, parameters_of

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
    nbformat.write(new_notebook(cells=[*cells, new_code_cell("window_days")]), path)
    return path


def test_parameters_are_read_with_their_type(tmp_path):
    """Each line of the cell is a parameter; a sign of a comment inside a text is no comment."""
    found = parameters_of(notebook(tmp_path, CELL + "low: int = -3\n"))

    kinds = {"workspace": "str", "window_days": "int", "confidence": "float", "shown": "bool", "change_id": "str"}
    assert kinds | {"low": "int"} == found


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        pytest.param([], "has 0 cells tagged 'parameters'; it needs one", id="no-cell"),
        pytest.param([CELL, CELL], "has 2 cells tagged 'parameters'; it needs one", id="two-cells"),
        pytest.param(["window_days = 90"], "line 1: write 'name: type = default", id="no-type"),
        pytest.param(["a: int = 1\nb: int"], "line 2: write 'name: type = default", id="no-default"),
        pytest.param(["import os"], "line 1: write 'name: type = default", id="statement"),
        pytest.param(["a.b: int = 1"], "line 1: write 'name: type = default", id="attribute"),
        pytest.param(["days: list = []"], "parameter 'days' is list; use str, int, float, bool", id="other-type"),
        pytest.param(["days: int = 9 * 10"], "2_flow.ipynb.*(days|line 1).*", id="no-literal"),
        pytest.param(["days: int = max(1, 2)"], "2_flow.ipynb.*(days|line 1)", id="call"),
        pytest.param(["days: int = 'ninety'"], "2_flow.ipynb.*days", id="default-of-another-type"),
        pytest.param(["days: int = "], "2_flow.ipynb.*line 1", id="broken-line"),
        pytest.param(["%matplotlib inline"], "2_flow.ipynb.*line 1", id="magic"),
    ],
)
def test_a_cell_that_cannot_be_read_is_refused(sources, message, tmp_path):
    """The message names the notebook and the line or parameter."""
    with pytest.raises(ReportError, match=message):
        parameters_of(notebook(tmp_path, *sources))


def test_a_missing_notebook_is_refused(tmp_path):
    """The message names the path."""
    with pytest.raises(ReportError, match=r"no notebook .*9_none.ipynb"):
        parameters_of(tmp_path / "9_none.ipynb")


def test_a_file_that_is_no_notebook_is_refused(tmp_path):
    """A text with the name of a notebook is none."""
    path = tmp_path / "text.ipynb"
    path.write_text("hello", encoding="utf-8")

    with pytest.raises(ReportError, match=r"text.ipynb is no notebook"):
        parameters_of(path)


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
