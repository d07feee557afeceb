"""When a verdict may be given: the decision date, its eve, and early looks that must show more."""

from datetime import date

import pandas as pd
import pytest

from prodops_analysis.looks import PLANNED_WEEKS, look_at
from prodops_analysis.settings import Settings

ROLLOUT = date(2025, 1, 6)
DECISION = date(2025, 7, 7)


def utc(text):
    """An instant in UTC."""
    return pd.Timestamp(text, tz="UTC")


def after(weeks):
    """A look without a decision date, so many weeks after the first rollout."""
    moment = pd.Timestamp(ROLLOUT, tz="UTC") + pd.Timedelta(weeks=weeks)
    return look_at(as_of=moment, decision_date=None, first_rollout=ROLLOUT, settings=Settings())


@pytest.mark.parametrize(
    ("as_of", "left"),
    [
        pytest.param("2025-06-09", "4 weeks to go", id="four-weeks"),
        pytest.param("2025-06-15 12:00", "4 weeks to go", id="parts-of-weeks-round-up"),
        pytest.param("2025-06-30", "1 week to go", id="one-week"),
        pytest.param("2025-07-06 23:59", "1 week to go", id="the-night-before"),
    ],
)
def test_before_the_decision(as_of, left):
    """Until the decision date the change is monitored, with the data there is and the weeks to go."""
    look = look_at(as_of=utc(as_of), decision_date=DECISION, first_rollout=ROLLOUT, settings=Settings())

    assert look.waiting == look.said == f"monitoring: the decision is on 2025-07-07, {left}"
    assert (look.until, look.confidence) == (utc(as_of), 0.95)


@pytest.mark.parametrize(
    ("as_of", "until"),
    [
        pytest.param("2025-07-07", "2025-07-07", id="as-the-day-begins"),
        pytest.param("2025-07-07 18:00", "2025-07-07 18:00", id="in-its-evening"),
        pytest.param("2025-07-08", "2025-07-08", id="as-it-ends"),
        pytest.param("2026-01-05", "2025-07-08", id="long-after"),
    ],
)
def test_from_the_decision_on(as_of, until):
    """From the decision date on there is one verdict at 95 %, from the data until its evening, whenever it is asked."""
    look = look_at(as_of=utc(as_of), decision_date=DECISION, first_rollout=ROLLOUT, settings=Settings())

    assert (look.waiting, look.confidence, look.until) == ("", 0.95, utc(until))
    assert look.said == "one verdict, from the data until 2025-07-07"


@pytest.mark.parametrize(
    ("weeks", "alpha"),
    [
        pytest.param(6.5, 0.0000886, id="a-quarter"),
        pytest.param(13, 0.005575, id="a-half"),
        pytest.param(19.5, 0.023625, id="three-quarters"),
        pytest.param(26, 0.05, id="all"),
        pytest.param(52, 0.05, id="later"),
    ],
)
def test_error_spent_by_early_looks(weeks, alpha):
    """Lan & DeMets 1983, alpha_1 at 5 %: 2 - 2 Phi(1.96 / sqrt(t)) of the error is spent by a share t of the weeks."""
    look = after(weeks)

    assert 1 - alpha == pytest.approx(look.confidence, abs=5e-7 if alpha < 1e-3 else 5e-6)
    assert look.waiting == ""


def test_early_looks_say_what_they_ask_for():
    """The text of an early look gives the weeks passed and the interval that must exclude no change."""
    assert after(13).said == (
        "an early look without a decision date, 13 of 26 weeks after the first rollout: to speak now, the 99.44% "
        "interval must lie wholly on one side of zero"
    )
    assert after(26).said == "26 weeks after the first rollout have passed"
    assert "the 99.99% interval" in after(1).said


def test_later_looks_ask_for_less():
    """From week to week less is asked, from next to certainty on the first day to 95 %, never below."""
    asked = [after(weeks).confidence for weeks in range(PLANNED_WEEKS + 3)]

    assert sorted(asked, reverse=True) == asked
    assert asked[0] == pytest.approx(1.0)
    assert asked[25] > 0.95
    assert [0.95] * 3 == asked[26:]


def test_a_decision_is_on_a_day_of_its_own_time_zone():
    """In Tokyo the day of the decision begins nine hours earlier, and ends so."""
    look = look_at(as_of=utc("2025-08-01"), decision_date=DECISION, first_rollout=ROLLOUT,
                   settings=Settings(time_zone="Asia/Tokyo"))  # fmt: skip

    assert look.until == utc("2025-07-07 15:00")
