"""The simulated organisation: drawn from its generator alone, with the effects and faults it promises."""

import bundled
import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from simulator import STATES, World, simulate

from prodops_analysis.event_log import validate
from prodops_analysis.metrics import METRICS
from prodops_analysis.quality import doubtful_items
from prodops_analysis.records.changes import read_changes
from prodops_analysis.settings import Settings
from prodops_analysis.work_items import fold

SMALL = World(teams=("Search", "Billing"), weeks=30, items_a_week=4.0)
SETTINGS = Settings(workflow=STATES)


def drawn(world: World = SMALL, seed: int = 1):
    """One simulated history."""
    return simulate(world, rng=np.random.default_rng(seed))


def test_the_same_generator_gives_the_same_rows():
    """Nothing but the generator decides; the global one is left alone."""
    state = np.random.get_state()[1].tolist()  # noqa: NPY002 - it must not move

    pd.testing.assert_frame_equal(drawn().rows, drawn().rows)

    assert state == np.random.get_state()[1].tolist()  # noqa: NPY002
    assert not drawn().rows.equals(drawn(seed=2).rows)


def test_rows_are_a_valid_log_without_faults():
    """A world without planted faults gives sound events of both teams, none later than its end."""
    made = drawn()
    log = made.log()

    validate(log)
    assert len(made.rows) == len(log)
    assert {"Search", "Billing"} == set(log["team"])
    assert log["at"].max() <= made.as_of
    assert set(STATES) >= set(log.loc[log["field"] == "state", "to_value"])


def test_work_follows_its_order():
    """Without planted faults an item is created, then started, then ended."""
    made = drawn()
    items = fold(made.log(), settings=SETTINGS, as_of=made.as_of).items

    assert (items["started_at"].dropna() >= items["created_at"][items["started_at"].notna()]).all()
    assert (items["finished_at"].dropna() >= items["started_at"][items["finished_at"].notna()]).all()
    assert {"done", "dropped", "open"} == set(items["outcome"])


def test_a_planted_effect_shows():
    """A team made three times as fast finishes sooner than in the same draw without; the other does not move."""
    world = World(teams=SMALL.teams, weeks=60, items_a_week=8.0, speed={"Search": (30, -1.1)})
    base = World(teams=SMALL.teams, weeks=60, items_a_week=8.0)
    medians = []
    for given in (world, base):
        made = drawn(given)
        observed = METRICS["cycle_time"].function(
            fold(made.log(), settings=SETTINGS, as_of=made.as_of).items, as_of=made.as_of
        )
        late = observed[observed["at"] >= pd.Timestamp(given.start, tz="UTC") + pd.Timedelta(weeks=30)]
        medians.append(late.groupby("team")["value"].median())

    ratio = medians[0] / medians[1]
    assert 1.0 == ratio["Billing"]
    assert np.exp(-1.1) == pytest.approx(ratio["Search"], rel=0.15)


@pytest.mark.parametrize("kind", ["finish without start", "bulk edit", "unknown state"])
def test_planted_faults_are_found(kind):
    """What is planted in a team is what the checks find there, and nowhere else."""
    made = drawn(World(teams=SMALL.teams, weeks=60, items_a_week=8.0, faults={"Search": 0.6}))
    done = fold(made.log(), settings=SETTINGS, as_of=made.as_of)
    none = pd.DataFrame({"item_id": [], "reason": []}, dtype="str")

    touched = doubtful_items(done, faults=none, settings=SETTINGS.quality)[kind]

    assert {"Search"} == set(done.items.loc[touched, "team"])


def test_the_bundled_export_is_what_the_code_makes():
    """data/sample/events.csv is made by `python tests/bundled.py data/sample/events.csv` and by nothing else."""
    made = bundled.export().to_csv(index=False, lineterminator="\n")

    assert (ROOT / "data/sample/events.csv").read_text(encoding="utf-8") == made


def test_the_records_of_the_sample_tell_the_truth_of_the_world():
    """Rollouts of the records are the weeks in which the simulator changes something, or is said to."""
    rollouts = {
        "intake-template": bundled.INTAKE,
        "named-owner": bundled.OWNERS,
        "written-status": bundled.STATUS,
        "partner-readiness": bundled.PARTNERS,
    }

    assert {
        name: {team: bundled.rollout(week) for team, week in weeks.items()} for name, weeks in rollouts.items()
    } == {change.id: dict(change.rollouts) for change in read_changes(ROOT)}
