"""The three lists of packages agree, and no licence in them binds the user of the kit."""

import re
import tomllib
from email.message import Message
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
DECLARED = [
    Requirement(line)
    for group in (PROJECT["dependencies"], *PROJECT["optional-dependencies"].values())
    for line in group
]

# What conda-forge calls the packages that have another name there.
CONDA_NAMES = {
    "duckdb": "python-duckdb",
    "jupyter-core": "jupyter_core",
    "pandera": "pandera-pandas",
    "playwright": "playwright-python",
}

# Packages under the LGPL that are used as they are, never copied from or changed.
WEAK_COPYLEFT: set[str] = set()


def pins(lock: str) -> dict[str, tuple[str, int]]:
    """Name -> version and number of hashes, for every pin of a lock."""
    found = {}
    for block in re.split(r"\n(?=[^\s#])", "\n" + lock)[1:]:
        name, version = re.match(r"([\w.-]+)==([^\s;]+)", block).groups()
        found[name] = (version, block.count("--hash=sha256:"))
    return found


def addresses(lock: str) -> list[str]:
    """Lines of a lock, its header aside, that name an address or choose an index."""
    option = re.compile(r"https?:|file:|^\s*(-i|-f|--index-url|--extra-index-url|--find-links)\b")
    return [line for line in lock.splitlines() if option.search(line)]


def binding_licence(name: str, fields: Message) -> str | None:
    """The licence line of package `name` that would bind a user of the kit, or None."""
    lines = [fields.get("License-Expression", ""), fields.get("License", "").partition("\n")[0]]
    lines += [line for line in fields.get_all("Classifier", []) if line.startswith("License ::")]
    for line in lines:
        is_weak = name in WEAK_COPYLEFT and re.search(r"LGPL|Lesser", line)
        if re.search(r"GPL|\bGNU\b|General Public", line) and not is_weak and " OR " not in line:
            return line
    return None


def message(**fields: str) -> Message:
    """Package metadata with these fields."""
    built = Message()
    for key, value in fields.items():
        built[key.replace("_", "-")] = value
    return built


def test_conda_lists_the_same_packages_and_ranges():
    """environment.yml names each dependency of pyproject.toml, with its range, and no other."""
    lines = [line for line in CONDA if isinstance(line, str) and line != "pip"]
    lines += [line for line in CONDA[-1]["pip"] if line != "-e ."]
    listed = {r.name: r.specifier for r in map(Requirement, lines)}

    expected = {CONDA_NAMES.get(r.name, r.name): r.specifier for r in DECLARED}
    expected["python"] = Requirement("python" + PROJECT["requires-python"]).specifier

    assert expected == listed


def test_conda_installs_the_project_with_pip():
    """Conda leaves to pip the project itself and one package of the tests."""
    left = [line for line in CONDA if not isinstance(line, str)]

    assert left == [{"pip": ["axe-playwright-python>=0.1.8", "-e ."]}]


@pytest.mark.parametrize("requirement", DECLARED, ids=lambda r: r.name)
def test_lock_pins_every_dependency_inside_its_range(requirement):
    """The lock holds each declared package, at a version that pyproject.toml allows."""
    version, _ = pins(LOCK).get(requirement.name, ("missing", 0))

    assert version != "missing"
    assert requirement.specifier.contains(version)


def test_lock_has_a_hash_for_every_pin():
    """No pin can be installed unchecked."""
    assert [name for name, (_, hashes) in pins(LOCK).items() if hashes == 0] == []


def test_lock_names_no_address():
    """The lock holds no address and chooses no index: that is the business of who installs it."""
    assert addresses(LOCK) == []


def test_no_locked_package_binds_its_user():
    """None of the locked packages installed here is under the GPL or the AGPL."""
    installed = {dist.name.lower().replace("_", "-"): dist.metadata for dist in metadata.distributions()}
    locked = installed.keys() & pins(LOCK).keys()

    assert len(locked) > len(DECLARED)
    assert {name: line for name in locked if (line := binding_licence(name, installed[name]))} == {}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({"License_Expression": "AGPL-3.0-only"}, "AGPL-3.0-only", id="expression"),
        pytest.param({"License": "GPLv3\nmore"}, "GPLv3", id="field"),
        pytest.param({"License_Expression": "LGPL-2.1-only"}, "LGPL-2.1-only", id="weak-but-not-listed"),
        pytest.param(
            {"Classifier": "License :: OSI Approved :: GNU General Public License v3 (GPLv3)"},
            "License :: OSI Approved :: GNU General Public License v3 (GPLv3)",
            id="classifier",
        ),
        pytest.param({"License_Expression": "MIT OR GPL-2.0-only"}, None, id="user-may-choose"),
        pytest.param({"License_Expression": "MPL-2.0"}, None, id="per-file"),
        pytest.param({"License": "MIT\nincompatible with no GPL"}, None, id="full-text"),
    ],
)
def test_binding_licence(fields, expected):
    """A licence of the GPL family is found wherever a package states it, unless there is a choice."""
    assert expected == binding_licence("example", message(**fields))


def test_listed_weak_copyleft_is_accepted(monkeypatch):
    """An LGPL package passes once it is listed; listing does not excuse the GPL."""
    monkeypatch.setattr("test_environment.WEAK_COPYLEFT", {"example"})

    assert binding_licence("example", message(License_Expression="LGPL-2.1-only")) is None
    assert binding_licence("example", message(License_Expression="GPL-3.0")) == "GPL-3.0"


@pytest.mark.parametrize(
    "line",
    [
        "--index-url https://example.org/simple",
        "-f wheels",
        "a @ https://example.org/a.whl",
        "b @ file:///tmp/b",
    ],
)
def test_addresses_are_found(line):
    """Every way to name an address in a lock is seen."""
    assert [line] == addresses(f"x==1 \\\n    --hash=sha256:00\n{line}\n")


def test_pins_reads_markers_and_hashes():
    """A pin's version ends before its marker, and its hashes are counted."""
    lock = "# by uv\na==1.0 ; python_version < '3.12' \\\n    --hash=sha256:0 \\\n    --hash=sha256:1\nb==2\n"

    assert pins(lock) == {"a": ("1.0", 2), "b": ("2", 0)}
