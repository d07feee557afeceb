"""Small builders that the tests share, and the profile under which hypothesis runs."""

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner
from hypothesis import settings as hypothesis_settings

from prodops_analysis.cli import main
from prodops_analysis.event_log import merge
from prodops_analysis.workspace import History, load

ROOT = Path(__file__).parent.parent

# the same examples on every run, whatever the speed of the machine, and no folder of examples beside the tests
hypothesis_settings.register_profile("small", max_examples=25, deadline=None, derandomize=True, database=None)
hypothesis_settings.load_profile("small")


def utc(text: str) -> pd.Timestamp:
    """An instant in UTC."""
    return pd.Timestamp(text, tz="UTC")


def rows_of(*events: tuple[Any, ...], **columns: Any) -> pd.DataFrame:
    """Raw rows, one an event.

    An event is `(item, state, at)` or `(item, field, value, at)`, each with a dict of further columns at its end where
    wanted; `columns` are the same for every row.
    """
    made = []
    for event in events:
        *fixed, rest = event if isinstance(event[-1], dict) else (*event, {})
        item, field, value, at = fixed if len(fixed) == 4 else (fixed[0], "state", fixed[1], fixed[2])
        made.append({"item_id": item, "at": utc(at), "field": field, "to_value": value, **columns, **rest})
    return pd.DataFrame(made)


def log_of(*events: tuple[Any, ...], **columns: Any) -> pd.DataFrame:
    """An event log from events as `rows_of` takes them, of team Search unless told; order in an instant as given.

    Written down by hand, not by `sort_out`, so that what reads a log is tested apart from what makes one.
    """
    missing = dict.fromkeys(("from_value", "actor", "batch_id"))
    rows = rows_of(*events, **missing | {"actor_kind": "unknown", "source": "log", "team": "Search"} | columns)
    seq = rows.groupby(["source", "item_id", "at"]).cumcount()
    return merge(rows.assign(event_id=rows["source"] + [f"-{n:06}" for n in range(len(rows))], seq=seq))


def sample_copied_to(folder: Path) -> Path:
    """Copy the sample's workspace, so that no test writes into the repository."""
    folder.mkdir(exist_ok=True)
    shutil.copy2(ROOT / "prodops.toml", folder)
    for part in ("sample", "experiments"):
        shutil.copytree(ROOT / "data" / part, folder / "data" / part)
    return folder


@pytest.fixture(scope="session")
def sample_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sample's workspace."""
    return sample_copied_to(tmp_path_factory.mktemp("sample"))


@pytest.fixture(scope="session")
def sample(sample_folder: Path) -> History:
    """The sample as its workspace gives it."""
    return load(sample_folder)


@pytest.fixture(scope="session")
def sample_month(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The month of the sample, made by the command line; its last lines are kept beside it.

    It takes a minute: of tests that run at a time, the first to come makes it and the others wait. Only read it.
    """
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "sample-month"
    said, failed = folder / "said.txt", folder / "failed.txt"
    try:
        folder.mkdir()
    except FileExistsError:
        patience = time.monotonic() + 600
        while not (said.exists() or failed.exists()) and time.monotonic() < patience:
            time.sleep(0.5)
    else:
        sample_copied_to(folder)
        result = CliRunner().invoke(main, ["report", "--workspace", str(folder)])
        (folder / "part").write_text(f"{result.output}{result.exception or ''}", encoding="utf-8")
        (folder / "part").rename(said if result.exit_code == 0 else failed)
    assert said.exists(), failed.read_text(encoding="utf-8")
    return folder / "reports/2026-09"


def chromium() -> str:
    """The path of a Chromium; a test that needs one fails without it."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.fail("no Chromium on the path: install it, or run make test")
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A headless Chromium."""
    from playwright import sync_api

    path = chromium()
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield started
        started.close()
