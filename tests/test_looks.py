"""When a verdict may be given: decision date, early looks, guardrails and further metrics."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from test_assessment import SMALL, START, found_by, small

from prodops_analysis import Verdict
from prodops_analysis.looks import PLANNED_WEEKS, look_at

FIRST = date(2026, 1, 5)
RELEASED = START + timedelta(weeks=SMALL["Ada"])


def at(days):
    """An instant so many days after the first rollout."""
    return pd.Timestamp(FIRST, tz="UTC") + pd.Timedelta(days=days)


@pytest.mark.parametrize(
    ("days", "left"), [(0, "14 weeks to go"), (91, "1 week to go"), (97, "1 week to go"), (97.9, "1 week to go")]
)
def test_before_the_decision_date_a_change_is_monitored(days, left):
    """The weeks to go are said, and no verdict is given."""
    look = look_at(as_of=at(days), decision_date=FIRST + timedelta(days=98), first_rollout=FIRST)
    assert look.waiting.startswith("monitoring")
    assert look.waiting.endswith(left)


@pytest.mark.parametrize("days", [98, 98.5, 99, 400])
def test_from_the_decision_date_on_the_data_until_that_day_count(days):
    """Whatever comes later changes nothing."""
    look = look_at(as_of=at(days), decision_date=FIRST + timedelta(days=98), first_rollout=FIRST)
    assert look.waiting == ""
    assert look.until == min(at(days), at(99))
    assert look.confidence == 0.95


@pytest.mark.parametrize("weeks", [1, 4, 13, 20, 25.9])
def test_an_early_look_spends_what_obrien_and_fleming_allow(weeks):
    """The critical value is 1.96 over the root of the share of planned weeks (Lan & DeMets 1983)."""
    look = look_at(as_of=at(7 * weeks), decision_date=None, first_rollout=FIRST)
    z = stats.norm.ppf(0.5 + look.confidence / 2)
    assert z == pytest.approx(1.959964 * np.sqrt(PLANNED_WEEKS / weeks), rel=1e-3) or look.confidence == 1.0
    assert look.waiting == ""


@pytest.mark.parametrize("weeks", [26, 27, 200])
def test_a_late_look_is_one_at_95_percent(weeks):
    """Half a year after the first rollout the whole error has been spent."""
    assert look_at(as_of=at(7 * weeks), decision_date=None, first_rollout=FIRST).confidence == 0.95


def test_a_monitored_change_has_no_verdict_and_no_number():
    """However large the effect is, it waits for its day."""
    made = small()
    found = made.asked(change=made.change(decision_date=made.as_of.date() + timedelta(days=30)))
    assert found.verdict is Verdict.NOT_ENOUGH_EVIDENCE
    assert found.estimate is None
    assert "monitoring" in found.reasons[0]


def test_the_verdict_of_a_decision_date_stays():
    """An export of a year later gives the same assessment to the last digit."""
    made = small()
    day = made.as_of.date() - timedelta(days=60)
    change = made.change(decision_date=day)
    then = made.asked(change=change, as_of=pd.Timestamp(day, tz="UTC") + pd.Timedelta(days=1))
    assert then.to_dict() == made.asked(change=change).to_dict()
    assert then.until == pd.Timestamp(day, tz="UTC") + pd.Timedelta(days=1)


def test_a_decision_date_before_every_rollout_is_refused():
    """A record that decides before it begins has a slip in it."""
    made = small()
    found = made.asked(change=made.change(decision_date=RELEASED - timedelta(days=7)))
    assert found.verdict is Verdict.NOT_ENOUGH_EVIDENCE
    assert "before every rollout" in found.reasons[0]


def test_an_early_look_needs_more():
    """An effect that is clear at 95 % but not at the level of the look gives no direction, and says why."""
    made = small(effect=-0.45)
    weeks = 10
    found = made.asked(as_of=pd.Timestamp(RELEASED, tz="UTC") + pd.Timedelta(weeks=weeks))
    assert found.low is not None
    assert not found.low <= 0 <= found.high
    assert found.verdict is Verdict.NOT_ENOUGH_EVIDENCE
    assert f"{weeks} of {PLANNED_WEEKS} weeks" in found.reasons[0]


def test_more_metrics_looked_at_make_the_interval_wider():
    """With k metrics each interval is that of 1 - 0.05 / k."""
    made = small()
    one, four = made.asked(), made.asked(looked_at=4)
    assert (one.estimate, one.statistic) == (four.estimate, four.statistic)
    assert four.low < one.low < one.high < four.high


def test_a_harmed_guardrail_blocks_improved():
    """Faster work whose owners got lost is no improvement; the effect itself stays to be seen."""
    made = small(added=-0.5)
    alone = made.asked()
    assert alone.verdict is Verdict.IMPROVED
    found = made.asked(change=made.change(guardrails=("owner_at_start",)))
    assert found_by(found, "guardrail owner at start").result == "blocks"
    assert found.verdict is Verdict.NOT_ENOUGH_EVIDENCE
    assert "it got worse" in found.reasons[0]
    assert alone.estimate == found.estimate


def test_an_unharmed_guardrail_blocks_nothing():
    """The same change with a guardrail that holds keeps its verdict."""
    made = small()
    found = made.asked(change=made.change(guardrails=("owner_at_start", "cycle_time", "wip")))
    assert found_by(found, "guardrail owner at start").result == "passed"
    assert found_by(found, "guardrail wip").result == "noted"
    assert not [c for c in found.checks if c.name == "guardrail cycle time"]
    assert found.verdict is Verdict.IMPROVED


def test_a_guardrail_does_not_turn_worsened_into_something_else():
    """Harm to the primary metric is said, whatever the guardrails do."""
    made = small(effect=0.6, added=-0.5)
    found = made.asked(change=made.change(guardrails=("owner_at_start",)))
    assert found.verdict is Verdict.WORSENED
