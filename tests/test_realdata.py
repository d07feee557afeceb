"""Real histories, found through PRODOPS_REAL_DATA; nothing of them is kept here."""

import os
import shutil
from pathlib import Path

import pandas as pd
import pytest

from prodops_analysis import phases
from prodops_analysis.attributes import with_typed_date
from prodops_analysis.metrics import METRICS
from prodops_analysis.report.changes import assess_all
from prodops_analysis.workspace import History, load

pytestmark = pytest.mark.realdata
EXAMPLE = Path(__file__).parent.parent / "examples/kubernetes-enhancements"
TABLE = """
[[sources]]
kind = "table"
name = "kep"
path = "{path}"
[sources.columns]
item_id = "item_id"
at = "ts"
field = "field"
from_value = "from"
to_value = "to"
team = "team"
batch_id = "commit"
[sources.fields]
status = "state"
authors = "owner"
approvers = "approver"
latest_milestone = "target"

"""


def real(name: str) -> Path:
    """The table of one history."""
    return Path(os.environ["PRODOPS_REAL_DATA"]) / name / "events.csv"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory) -> Path:
    """The example's own settings and records, with the history as a table instead of a clone."""
    folder = tmp_path_factory.mktemp("kep")
    shutil.copytree(EXAMPLE / "data/experiments", folder / "data/experiments")
    shutil.copytree(EXAMPLE / "notebooks", folder / "notebooks")
    text = (EXAMPLE / "prodops.toml").read_text(encoding="utf-8")
    head, rest = text.split("[[sources]]")
    workflow = rest[rest.index("# A proposal is provisional") :]
    settings = head + TABLE.format(path=real("keps").resolve()) + workflow
    (folder / "prodops.toml").write_text(settings, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def june_2022(workspace) -> History:
    """The proposals as known at the end of June 2022."""
    return load(workspace, month="2022-06")


def test_every_row_is_an_event_or_a_listed_fault(june_2022):
    """No row of the real history is lost: events of the store and faults add up to the rows of the table."""
    rows = pd.read_csv(real("keps"), dtype=str, keep_default_na=False)
    known = rows[pd.to_datetime(rows["ts"], utc=True) <= june_2022.as_of]
    twice = known.duplicated(["item_id", "ts", "field", "from", "to"]).sum()

    assert len(known) == len(june_2022.events) + twice


def test_most_proposals_enter_the_log_already_decided(june_2022):
    """More than half of the proposals are decided in their first record, so no figure of a duration can be trusted."""
    card = june_2022.quality()
    shares = {check.name: check.share for check in card.checks}

    assert shares["created already done"] > 0.5
    assert {"not enough evidence"} == {str(said.verdict) for said in assess_all(june_2022)}


def test_the_choice_of_clock_turns_the_sign(june_2022):
    """Around 2020-05-07, 730 days each side: faster by creation cohort, slower by decision date, both printed."""
    items = with_typed_date(june_2022.items, june_2022.events, field="x.creation_date", name="typed_at")
    starts = {"typed": "typed_at", "first": "created_at"}
    around = pd.Timestamp("2020-05-07").date()

    found = phases.clock_table(items, starts=starts, end="finished_at", around=around, days=730)

    change = (found["median after"] - found["median before"]).set_axis(found["clock"] + " by " + found["placed by"])
    assert change["typed by start"] < -5
    assert change["typed by end"] > 20
    assert [0.0, 0.0] == list(found.loc[found["clock"] == "first", "median after"])


def test_unknown_words_are_listed_not_lost(june_2022):
    """A declared typing error counts as what it means; every state of the history is in the map."""
    words = set(june_2022.events.loc[june_2022.events["field"] == "state", "to_value"].dropna())
    workflow = june_2022.settings.workflow_of("sig-node")

    assert words <= set(workflow.stage_of())
    assert "implementeable" in words | set(workflow.same_as)


def test_metrics_of_real_items_are_plain_numbers(june_2022):
    """Every metric of the registry gives finite, non-negative observations on the real items."""
    for metric in METRICS.values():
        observed = metric.function(june_2022.items, as_of=june_2022.as_of)

        assert (observed["value"].dropna() >= 0).all(), metric.name
        assert observed["item_id"].is_unique, metric.name


def test_a_second_history_is_read_by_the_same_columns(tmp_path):
    """The Python enhancement proposals are read through the same column map, batch edits included."""
    stages = (
        'queue = ["Draft", "Deferred"]\ndone = ["Accepted", "Final", "Active"]\ndropped = ["Rejected", "Withdrawn"]'
    )
    (tmp_path / "prodops.toml").write_text(
        TABLE.format(path=real("peps").resolve()) + f"[workflows.default]\n{stages}\n",
        encoding="utf-8",
    )

    history = load(tmp_path)

    assert len(history.items) > 700
    assert history.events.groupby("batch_id")["item_id"].nunique().max() > 400
