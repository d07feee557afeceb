"""The fold beside a second, slow one: over hostile histories both say the same of every item and every spell."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import utc
from simulator import STATES, World, simulate
from slow_fold import MAPS, hostile_log, slow_fold, walks

from prodops_analysis.event_log import validate
from prodops_analysis.settings import Settings
from prodops_analysis.work_items import fold


def by_column(rows: list[dict[str, Any]], columns: pd.Index) -> dict[str, list[Any]]:
    """Rows as columns, in which a difference is seen sooner."""
    return {name: [row[name] for row in rows] for name in columns}


def assert_same(log: pd.DataFrame, *, settings: Settings, as_of: pd.Timestamp) -> None:
    """Both folds give the same columns, rows and values."""
    made = fold(log, settings=settings, as_of=as_of)
    for frame, rows in zip((made.items, made.spells), slow_fold(log, settings=settings, as_of=as_of), strict=True):
        found = frame.astype(object).where(frame.notna(), None).to_dict("records")
        assert set(frame.columns) == set(rows[0])
        assert by_column(rows, frame.columns) == by_column(found, frame.columns)


@pytest.mark.parametrize("seed", range(20))
def test_hostile_histories(seed):
    """Over hostile histories both folds agree, whole and cut in the middle."""
    log = hostile_log(seed)

    for as_of in (utc("2026-02-01"), utc("2026-06-01")):
        assert_same(log, settings=MAPS, as_of=as_of)


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("seed", range(5))
def test_many_moves_a_day(seed, told):
    """Over exports of whole days both folds agree, with former states and without."""
    log = walks(seed).drop(columns="seq" if told else ["seq", "from_value"])

    assert_same(validate(log), settings=MAPS, as_of=utc("2026-06-01"))


@pytest.mark.parametrize("faults", [0.0, 0.4])
def test_a_simulated_organisation(faults):
    """Over the histories of a simulated organisation, sound or faulty, both folds agree."""
    teams = ("Search", "Billing", "Growth")
    world = World(teams=teams, weeks=30, items_a_week=4.0, faults=dict.fromkeys(teams, faults))
    made = simulate(world, rng=np.random.default_rng(7))

    assert_same(made.log(), settings=Settings(workflow=STATES), as_of=made.as_of)


def test_the_order_of_items_in_a_log_does_not_matter():
    """A log in order of time folds as one in order of items."""
    log, as_of = hostile_log(0), utc("2026-06-01")

    one, other = (fold(rows, settings=MAPS, as_of=as_of) for rows in (log, log.sort_values("at", kind="stable")))

    pd.testing.assert_frame_equal(one.items, other.items)
    pd.testing.assert_frame_equal(one.spells, other.spells)


def test_hostile_histories_are_hostile():
    """Every figure differs among the items, so that a fold that forgot one would be seen."""
    made = fold(hostile_log(0, items=200), settings=MAPS, as_of=utc("2026-06-01"))

    assert [] == [name for name in made.items if made.items[name].nunique(dropna=False) < 2]
    assert [] == [name for name in made.spells if made.spells[name].nunique(dropna=False) < 2]
