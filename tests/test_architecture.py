"""The line that imports follow, and what no module of the package may do."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "prodops_analysis"
MODULES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))

# One step a line, earliest first: a room imports from its own step and from earlier ones.
LINE = (
    ("errors",),
    ("workflow", "settings", "tables"),
    ("moves",),
    ("event_log",),
    ("sources",),
    ("work_items",),
    ("attributes",),
    ("records",),
    ("estimators",),
    ("metrics",),
    ("quality",),
    ("cells",),
    ("comparison", "phases"),
    ("verdict", "checks", "looks"),
    ("answer",),
    ("assessment",),
    ("planning", "portfolio", "forecast", "friction"),
    ("charts",),
    ("workspace", "starter"),
    ("report",),
    ("__init__",),
    ("cli",),
    ("__main__",),
)
STEP = {room: step for step, rooms in enumerate(LINE) for room in rooms}

# Rooms that know less than their place on the line would allow.
ONLY = {
    "records": {"errors", "workflow", "settings", "event_log"},
    "estimators": {"errors"},
    "tables": {"errors"},
    "starter": {"errors", "workflow", "settings", "records", "sources", "metrics"},
    "workspace": {
        "errors", "workflow", "settings", "event_log", "sources", "work_items", "records", "quality",
    },
}  # fmt: skip

ESTIMATOR_LIBRARIES = {"numpy", "scipy", *sys.stdlib_module_names}
LINES_AT_MOST = 300
CLOCKS = {
    "datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today", "datetime.date.today",
    "pandas.Timestamp.now", "pandas.Timestamp.utcnow", "pandas.Timestamp.today",
    "time.time", "time.time_ns", "time.localtime", "time.gmtime", "time.ctime",
}  # fmt: skip
SEEDED = {
    "default_rng", "Generator", "BitGenerator", "SeedSequence", "PCG64", "PCG64DXSM", "Philox", "SFC64",
}  # fmt: skip


def room_of(module: str) -> str:
    """The room of a module named by its path inside the package."""
    return module.split("/")[0].removesuffix(".py")


EXISTING = {room_of(module) for module in MODULES}


def imported(module: str, source: str) -> Iterator[str]:
    """Full dotted names of everything a module imports, wherever in it the import stands."""
    here = ["prodops_analysis", *module.split("/")[:-1]]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = here[: len(here) + 1 - node.level] if node.level else []
            base = [*start, *([node.module] if node.module else [])]
            yield from (".".join([*base, alias.name]) for alias in node.names)


def rooms_imported(module: str, source: str) -> set[str]:
    """The other rooms of the package that a module imports; the public face counts as `__init__`."""
    rooms = set()
    for name in imported(module, source):
        top, _, rest = name.partition(".")
        if top == "prodops_analysis":
            room = rest.partition(".")[0]
            rooms.add(room if room in STEP or room in EXISTING else "__init__")
    return rooms - {room_of(module)}


def against_the_line(module: str, source: str) -> list[str]:
    """Imports of a module that run against the line, each with the reason."""
    room = room_of(module)
    if room not in STEP:
        return [f"room '{room}' has no place; add it to LINE in tests/test_architecture.py"]
    faults = []
    for other in sorted(rooms_imported(module, source)):
        if other not in STEP:
            faults.append(f"{other}: no place on the line; add it to LINE in tests/test_architecture.py")
        elif STEP[other] > STEP[room]:
            faults.append(f"{other}: comes after {room}")
        elif other not in ONLY.get(room, STEP):
            faults.append(f"{other}: {room} may import only {', '.join(sorted(ONLY[room]))}")
    return faults


def libraries(module: str, source: str) -> set[str]:
    """Top-level names of what a module imports from outside the package."""
    return {name.partition(".")[0] for name in imported(module, source)} - {"prodops_analysis"}


def references(source: str) -> Iterator[tuple[str, ast.expr]]:
    """Each name or attribute a module uses, spelled out in full through its imports."""
    tree = ast.parse(source)
    full = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                shown = alias.asname or alias.name.partition(".")[0]
                full[shown] = alias.name if alias.asname else shown
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            full |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}

    def spelled(node: ast.expr) -> str | None:
        if isinstance(node, ast.Name):
            return full.get(node.id)
        if isinstance(node, ast.Attribute) and (base := spelled(node.value)):
            return f"{base}.{node.attr}"
        return None

    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute) and (name := spelled(node)):
            yield name, node


def clock_readings(source: str) -> list[str]:
    """Every use of the machine's clock."""
    return [f"line {node.lineno}: {name}" for name, node in references(source) if name in CLOCKS]


def hidden_chance(source: str) -> list[str]:
    """Every use of randomness that is not a generator made from a seed."""
    faults = []
    for name, node in references(source):
        of_numpy = name.startswith("numpy.random.") and name.split(".")[2] not in SEEDED
        if of_numpy or name == "random" or name.startswith("random."):
            faults.append(f"line {node.lineno}: {name}")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and not node.args and not node.keywords:
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if called == "default_rng":
                faults.append(f"line {node.lineno}: default_rng() without a seed")
    return faults


def asserts(source: str) -> list[str]:
    """Every assert statement."""
    return [f"line {node.lineno}" for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Assert)]


def text(module: str) -> str:
    """The source of a module of the package."""
    return (PACKAGE / module).read_text(encoding="utf-8")


@pytest.mark.parametrize("module", MODULES)
def test_imports_follow_the_line(module):
    """A module imports only rooms at or before its own on the line."""
    assert against_the_line(module, text(module)) == []


@pytest.mark.parametrize("module", MODULES)
def test_nobody_imports_notebooks(module):
    """Notebooks import the package, never the other way round."""
    assert "notebooks" not in libraries(module, text(module))


@pytest.mark.parametrize("module", [module for module in MODULES if room_of(module) == "estimators"])
def test_estimators_know_no_frames(module):
    """An estimator takes arrays: it imports numpy and scipy, and no pandas."""
    assert set() == libraries(module, text(module)) - ESTIMATOR_LIBRARIES


@pytest.mark.parametrize("module", MODULES)
def test_a_module_is_one_room(module):
    """No module is longer than 300 lines."""
    assert len(text(module).splitlines()) <= LINES_AT_MOST


@pytest.mark.parametrize("module", MODULES)
def test_input_is_refused_by_errors(module):
    """No module relies on assert, which vanishes under python -O."""
    assert asserts(text(module)) == []


@pytest.mark.parametrize("module", [module for module in MODULES if room_of(module) != "cli"])
def test_time_is_an_argument(module):
    """Only the command line reads the clock."""
    assert clock_readings(text(module)) == []


@pytest.mark.parametrize("module", MODULES)
def test_chance_is_an_argument(module):
    """Random numbers come from a generator with a seed, never from a hidden state."""
    assert hidden_chance(text(module)) == []


@pytest.mark.parametrize(
    ("module", "source", "fault"),
    [
        pytest.param("metrics/flow.py", "from prodops_analysis.report import html", "report", id="later"),
        pytest.param("metrics/flow.py", "def f():\n    import prodops_analysis.cli", "cli", id="inside"),
        pytest.param("comparison.py", "from prodops_analysis import workspace", "workspace", id="from-top"),
        pytest.param("quality.py", "from .charts import bars", "charts", id="relative"),
        pytest.param("sources/table.py", "from ..metrics.flow import x", "metrics", id="two-dots"),
        pytest.param("estimators/a.py", "from prodops_analysis.settings import S", "settings", id="arrays"),
        pytest.param("records/a.py", "from prodops_analysis.sources import x", "sources", id="narrow"),
        pytest.param("workspace.py", "from prodops_analysis.metrics import x", "metrics", id="loads-only"),
        pytest.param("metrics/flow.py", "from prodops_analysis import assess", "__init__", id="face"),
        pytest.param("errors.py", "import prodops_analysis", "__init__", id="whole"),
        pytest.param("__init__.py", "from prodops_analysis.cli import main", "cli", id="face-and-cli"),
        pytest.param("attic.py", "", "room 'attic' has no place; add it", id="unknown-room"),
    ],
)
def test_imports_against_the_line_are_named(module, source, fault):
    """An import that runs against the line is found wherever it stands and named."""
    assert [fault] == [found[: len(fault)] for found in against_the_line(module, source)]


@pytest.mark.parametrize(
    ("module", "source"),
    [
        pytest.param("settings.py", "from prodops_analysis.workflow import W", id="same-step"),
        pytest.param("metrics/flow.py", "from prodops_analysis.metrics import registry", id="same-room"),
        pytest.param("estimators/a.py", "from .survival import x\nfrom ..errors import E", id="estimators"),
        pytest.param("report/html.py", "from prodops_analysis import charts, tables", id="earlier"),
        pytest.param("cli.py", "from prodops_analysis import __version__", id="cli-and-face"),
    ],
)
def test_imports_along_the_line_pass(module, source):
    """An import from an earlier or the same room is left alone."""
    assert against_the_line(module, source) == []


def test_libraries_are_seen_in_any_form():
    """A library counts however it is imported."""
    source = "import pandas.api as p\nfrom notebooks import x\ndef f():\n    from scipy.stats import t"

    assert {"pandas", "notebooks", "scipy"} == libraries("estimators/a.py", source)


@pytest.mark.parametrize(
    "source",
    [
        "import datetime\ndatetime.datetime.now()",
        "import datetime as d\nd.date.today()",
        "from datetime import datetime as dt\ndt.now(tz=None)",
        "from datetime import datetime\nfield(default_factory=datetime.now)",
        "import time\ntime.time()",
        "from time import time\ntime()",
        "import pandas as pd\npd.Timestamp.now('UTC')",
        "import pandas\npandas.Timestamp.utcnow()",
        "from pandas import Timestamp\nTimestamp.today()",
    ],
)
def test_clock_readings_are_found(source):
    """The clock is found under whatever name it is imported, called or handed on."""
    assert len(clock_readings(source)) == 1


def test_durations_and_given_times_are_no_clock():
    """A stopwatch and a time that was handed in are left alone."""
    source = "import time\nimport pandas as pd\ntime.perf_counter()\npd.Timestamp(as_of)\nas_of.now()"

    assert clock_readings(source) == []


@pytest.mark.parametrize(
    "source",
    [
        "import numpy as np\nnp.random.seed(1)",
        "import numpy as np\nnp.random.normal()",
        "from numpy.random import rand\nrand()",
        "import random\nrandom.choice(x)",
        "from random import choice\nchoice(x)",
        "import numpy as np\nnp.random.default_rng()",
        "from numpy.random import default_rng\ndefault_rng()",
    ],
)
def test_hidden_chance_is_found(source):
    """Global or unseeded randomness is found under whatever name it is imported."""
    assert hidden_chance(source) != []


def test_seeded_chance_passes():
    """A generator made from a seed, and its draws, are left alone."""
    source = (
        "import numpy as np\ndef f(rng: np.random.Generator, seed):\n"
        "    rng.normal()\n    np.random.default_rng(seed).choice(x)"
    )

    assert hidden_chance(source) == []


def test_asserts_are_found():
    """An assert is found at any depth."""
    assert asserts("def f(x):\n    assert x") == ["line 2"]
