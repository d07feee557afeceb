"""What a notebook may be: prose, one call, one picture; no logic, no leftovers."""

import ast
import io
import json
import re
import tokenize
from collections.abc import Callable
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import pytest

FOLDER = Path(__file__).parent.parent / "notebooks"
Notebook = dict[str, Any]

LINES_AT_MOST = 10
PARAMETER_TYPES = {"str", "int", "float", "bool"}  # what papermill reads back as a type
LOGIC = (
    ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda,
    ast.For, ast.AsyncFor, ast.While, ast.comprehension, ast.If, ast.IfExp, ast.Match,
    ast.Try, ast.TryStar, ast.With, ast.AsyncWith,
)  # fmt: skip
CHECKED = "# NBVAL_CHECK_OUTPUT"
NOTEBOOK_METADATA = {"kernelspec", "language_info", "title"}
MACHINE_PATH = re.compile(r"(?<![\w.:/])/(home|Users|root|mnt|opt|srv|tmp|var|work|etc)/|\b[A-Za-z]:\\|~/")


def text(cell: Notebook) -> str:
    """The source of a cell, which the file holds as one string or as lines."""
    return "".join(cell["source"])


def tags(cell: Notebook) -> list[str]:
    """The tags of a cell."""
    return cell["metadata"].get("tags", [])


def code_cells(notebook: Notebook) -> list[tuple[int, Notebook]]:
    """Place and content of each code cell."""
    return [(i, cell) for i, cell in enumerate(notebook["cells"]) if cell["cell_type"] == "code"]


def parsed(notebook: Notebook) -> list[tuple[int, ast.Module]]:
    """Place and syntax tree of each code cell that is Python; `logic` names the others."""
    trees = []
    for place, cell in code_cells(notebook):
        try:
            trees.append((place, ast.parse(text(cell))))
        except SyntaxError:
            continue
    return trees


def parameter_faults(notebook: Notebook) -> list[str]:
    """Faults of the parameter cell, as papermill and our check of parameters read it."""
    cells = [cell for _, cell in code_cells(notebook)]
    if not cells or [cell for cell in cells if "parameters" in tags(cell)] != cells[:1]:
        return ["the first code cell, and no other, is tagged 'parameters'"]
    source = text(cells[0])
    comments = {
        token.start[0]: token.string
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    }
    faults = [f"'=' in the comment: {comment}" for comment in comments.values() if "=" in comment]
    names = []
    for node in ast.parse(source).body:
        line = ast.unparse(node)
        if not isinstance(node, ast.AnnAssign) or node.value is None:
            faults.append(f"not 'name: type = literal': {line}")
            continue
        names.append(ast.unparse(node.target))
        if ast.unparse(node.annotation) not in PARAMETER_TYPES:
            faults.append(f"type is not one of {', '.join(sorted(PARAMETER_TYPES))}: {line}")
        try:
            ast.literal_eval(node.value)
        except ValueError:
            faults.append(f"default is not a literal: {line}")
        if node.lineno != node.end_lineno or node.lineno not in comments:
            faults.append(f"no comment on its one line: {line}")
    if names[:1] != ["workspace"]:
        faults.append("the first parameter is 'workspace'")
    return faults


def logic_faults(notebook: Notebook) -> list[str]:
    """Code cells that are long, hold logic, or are not plain Python."""
    cells = code_cells(notebook)
    faults = [
        f"cell {place}: {len(text(cell).splitlines())} lines, at most {LINES_AT_MOST}"
        for place, cell in cells
        if len(text(cell).splitlines()) > LINES_AT_MOST
    ]
    trees = dict(parsed(notebook))
    faults += [f"cell {place}: not plain Python" for place, _ in cells if place not in trees]
    faults += [
        f"cell {place}: {type(node).__name__} belongs in the package"
        for place, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, LOGIC)
    ]
    return faults


def output_faults(notebook: Notebook) -> list[str]:
    """Outputs and counts stored anywhere but in the one cell whose printed text nbval compares."""
    kept, faults = [], []
    for place, cell in code_cells(notebook):
        if "keep_output" in tags(cell):
            kept.append((place, cell))
        elif cell["outputs"] or cell["execution_count"] is not None:
            faults.append(f"cell {place}: stored output or execution count")
        elif CHECKED in text(cell):
            faults.append(f"cell {place}: {CHECKED} without the tag 'keep_output'")
    if len(kept) != 1:
        return [*faults, f"{len(kept)} cells are tagged 'keep_output', not one"]
    [(place, cell)] = kept
    if not text(cell).startswith(CHECKED):
        faults.append(f"cell {place}: does not start with '{CHECKED}'")
    if [(output["output_type"], output.get("name")) for output in cell["outputs"]] != [("stream", "stdout")]:
        faults.append(f"cell {place}: holds something else than one printed text")
    if cell["execution_count"] is None:
        faults.append(f"cell {place}: has no execution count, so nbval takes it for never run")
    return faults


def metadata_faults(notebook: Notebook) -> list[str]:
    """Metadata that an editor or one machine left behind."""
    metadata = notebook["metadata"]
    faults = [f"notebook metadata: {key}" for key in sorted(metadata.keys() - NOTEBOOK_METADATA)]
    if metadata.get("kernelspec", {}).get("name") != "python3":
        faults.append("the kernel is not 'python3'")
    if metadata.get("language_info", {"name": "python"}) != {"name": "python"}:
        faults.append("language_info holds more than the name")
    for place, cell in enumerate(notebook["cells"]):
        faults += [f"cell {place} metadata: {key}" for key in sorted(cell["metadata"].keys() - {"tags"})]
    return faults


def path_faults(notebook: Notebook) -> list[str]:
    """Absolute paths in code, prose or stored output."""
    strings = [
        (place, node.value)
        for place, tree in parsed(notebook)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    faults = [
        f"cell {place}: absolute path {value!r}"
        for place, value in strings
        if PurePosixPath(value).is_absolute() or PureWindowsPath(value).is_absolute()
    ]
    for place, cell in enumerate(notebook["cells"]):
        if found := MACHINE_PATH.search(text(cell) + json.dumps(cell.get("outputs", []))):
            faults.append(f"cell {place}: path of one machine near {found.group()!r}")
    return faults


RULES: list[Callable[[Notebook], list[str]]] = [
    parameter_faults,
    logic_faults,
    output_faults,
    metadata_faults,
    path_faults,
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_notebooks_keep_the_rules(rule):
    """There are notebooks, and each of them keeps the rule."""
    faults = {path.name: rule(json.loads(path.read_text(encoding="utf-8"))) for path in FOLDER.glob("*.ipynb")}

    assert faults
    assert {name: found for name, found in faults.items() if found} == {}


def test_explore_is_ten_cells():
    """From the log to an assessment of one's own change in ten cells of code, each with a word before the picture."""
    notebook = json.loads((FOLDER / "explore.ipynb").read_text(encoding="utf-8"))
    sources = [text(cell) for _, cell in code_cells(notebook)]

    assert 10 == len(sources)
    assert [source for source in sources if "assess(" in source] != []
    assert "prodops new change" in text(notebook["cells"][-2])


def code(source: str, *cell_tags: str, **fields: Any) -> Notebook:
    """A code cell, not yet run."""
    metadata = {"tags": list(cell_tags)} if cell_tags else {}
    cell = {"cell_type": "code", "metadata": metadata, "source": source, "outputs": [], "execution_count": None}
    return cell | fields


PARAMETERS = 'workspace: str = ""  # empty means the nearest parent\nwindow_days: int = 90  # length, days'
PRINTED = {"output_type": "stream", "name": "stdout", "text": "12\n"}
KEPT = code(f"{CHECKED}\nprint(n)", "keep_output", outputs=[PRINTED], execution_count=3)


def notebook_of(*cells: Notebook, parameters: str = PARAMETERS, **metadata: Any) -> Notebook:
    """A notebook with a good parameter cell, good metadata and the given cells."""
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    good = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return {"cells": [code(parameters, "parameters"), *cells], "metadata": good | metadata}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_a_good_notebook_passes(rule):
    """Prose, one call and one checked print break no rule."""
    prose = {"cell_type": "markdown", "metadata": {}, "source": "# Flow\nin / out, and/or"}

    assert rule(notebook_of(prose, code("chart = flow(items)\nchart"), KEPT)) == []


@pytest.mark.parametrize(
    "parameters",
    [
        pytest.param('as_of: str = ""  # instant', id="workspace-not-first"),
        pytest.param(PARAMETERS + "\nlow = 0.1  # share", id="no-type"),
        pytest.param('workspace: Path = ""  # folder', id="type-papermill-cannot-read"),
        pytest.param('workspace: str = home + "x"  # folder', id="not-a-literal"),
        pytest.param('workspace: str = ""', id="no-comment"),
        pytest.param('workspace: str = ""  # same as a=b', id="equals-in-comment"),
        pytest.param(PARAMETERS + "\nimport os", id="import"),
        pytest.param('workspace: str = (\n    ""\n)  # folder', id="two-lines"),
    ],
)
def test_bad_parameters_are_named(parameters):
    """Each way to spoil the parameter cell is one fault."""
    assert len(parameter_faults(notebook_of(parameters=parameters))) == 1


@pytest.mark.parametrize(
    "cells",
    [
        pytest.param([], id="no-code"),
        pytest.param([code(PARAMETERS)], id="no-tag"),
        pytest.param([code("x"), code(PARAMETERS, "parameters")], id="late"),
        pytest.param([code(PARAMETERS, "parameters"), code(PARAMETERS, "parameters")], id="twice"),
    ],
)
def test_parameters_come_first(cells):
    """A missing, untagged, late or second parameter cell is a fault."""
    faults = parameter_faults(notebook_of() | {"cells": cells})

    assert faults == ["the first code cell, and no other, is tagged 'parameters'"]


@pytest.mark.parametrize(
    "source",
    [
        "def f(): ...",
        "class A: ...",
        "for x in y: x",
        "while x: x",
        "if x: x",
        "try:\n    x\nfinally:\n    y",
        "f = lambda x: x",
        "with x: y",
        "[x for x in y]",
        "a if b else c",
        "%matplotlib inline",
        "\n".join("x" * 11),
    ],
)
def test_logic_is_named(source):
    """Each form of logic in a cell is one fault."""
    assert len(logic_faults(notebook_of(code(source)))) == 1


@pytest.mark.parametrize(
    "cells",
    [
        pytest.param([], id="none-kept"),
        pytest.param([KEPT, KEPT], id="two-kept"),
        pytest.param([KEPT, code("x", outputs=[PRINTED])], id="stored-elsewhere"),
        pytest.param([KEPT, code("x", execution_count=1)], id="count-elsewhere"),
        pytest.param([KEPT, code(f"{CHECKED}\nx")], id="checked-without-tag"),
        pytest.param([KEPT | {"source": "print(n)"}], id="not-checked"),
        pytest.param([KEPT | {"outputs": []}], id="empty"),
        pytest.param([KEPT | {"outputs": [PRINTED, PRINTED]}], id="two-texts"),
        pytest.param([KEPT | {"outputs": [PRINTED | {"name": "stderr"}]}], id="stderr"),
        pytest.param([KEPT | {"execution_count": None}], id="never-run"),
    ],
)
def test_stray_outputs_are_named(cells):
    """Each way to store too much, too little or the wrong output is one fault."""
    assert len(output_faults(notebook_of(*cells))) == 1


@pytest.mark.parametrize(
    "notebook",
    [
        pytest.param(notebook_of(widgets={}), id="noise"),
        pytest.param(notebook_of(kernelspec={"name": "conda-env-mine"}), id="kernel"),
        pytest.param(notebook_of(language_info={"name": "python", "version": "3.11.7"}), id="version"),
        pytest.param(notebook_of(code("x", metadata={"collapsed": True})), id="cell"),
    ],
)
def test_metadata_noise_is_named(notebook):
    """Each leftover of an editor is one fault."""
    assert len(metadata_faults(notebook)) == 1


@pytest.mark.parametrize(
    "cell",
    [
        pytest.param(code('read("/data/x.csv")'), id="code"),
        pytest.param(code(r'read("C:/data/x.csv")'), id="drive"),
        pytest.param({"cell_type": "markdown", "metadata": {}, "source": "see /home/ann/x"}, id="prose"),
        pytest.param({"cell_type": "markdown", "metadata": {}, "source": "see ~/x"}, id="home"),
        pytest.param(KEPT | {"outputs": [PRINTED | {"text": "/tmp/x\n"}]}, id="output"),
    ],
)
def test_machine_paths_are_named(cell):
    """A path of one machine is a fault wherever it stands."""
    assert len(path_faults(notebook_of(cell))) == 1
