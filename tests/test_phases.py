"""Phases: curves and monthly levels before and after the rollouts."""

from datetime import date

import pandas as pd
import pytest

from prodops_analysis import METRICS
from prodops_analysis.phases import ADOPTING, OTHER, behaviour, curves, levels

ROLLOUTS = {"Alpha": date(2024, 3, 1), "Beta": date(2024, 4, 1)}
UNTIL = pd.Timestamp("2024-06-01", tz="UTC")


def observed(*rows):
    """Observations from (team, 'MM-DD', value, ended)."""
    return pd.DataFrame(
        [(f"I{n}", t, pd.Timestamp(f"2024-{at}", tz="UTC"), float(v), e) for n, (t, at, v, e) in enumerate(rows)],
        columns=["item_id", "team", "at", "value", "ended"],
    )


def test_each_team_has_its_own_before_and_after():
    """Starts on the first day count as after; other teams stand on neither side."""
    rows = observed(
        ("Alpha", "02-29", 9, True), ("Alpha", "03-01", 1, True), ("Beta", "03-15", 8, True),
        ("Beta", "04-01", 2, False), ("Gamma", "03-15", 99, True),
    )  # fmt: skip

    found = curves(rows, metric=METRICS["cycle_time"], rollouts=ROLLOUTS)

    assert found["before"].time.tolist() == [8.0, 9.0]
    assert found["after"].time.tolist() == [1.0, 2.0]
    assert (found["before"].n_open, found["after"].n_open) == (0, 1)


def test_a_side_without_work_has_no_curve():
    """Nothing after the rollout gives no curve, not an empty or zero one."""
    assert list(curves(observed(("Alpha", "02-01", 3, True)), metric=METRICS["cycle_time"], rollouts=ROLLOUTS)) == [
        "before"
    ]


def test_teams_without_a_date_are_no_adopters():
    """A team named in the record without a first day stays on neither side and among the others."""
    rows = observed(("Alpha", "02-01", 3, True), ("Gamma", "02-01", 50, True))
    rollouts = {"Alpha": date(2024, 3, 1), "Gamma": None}

    found = curves(rows, metric=METRICS["cycle_time"], rollouts=rollouts)
    table = levels(rows, metric=METRICS["cycle_time"], rollouts=rollouts, until=UNTIL, smallest_group=1)

    assert found["before"].time.tolist() == [3.0]
    assert dict(zip(table["group"], table["value"], strict=True)) == {ADOPTING: 3.0, OTHER: 50.0}


@pytest.mark.parametrize("name", ["throughput", "owner_at_start"])
def test_only_durations_have_curves(name):
    """A count or a share has no survival curve."""
    rows = observed(("Alpha", "02-01", 1, True))

    assert curves(rows, metric=METRICS[name], rollouts=ROLLOUTS) == {}


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        pytest.param("cycle_time", {(ADOPTING, 2): 2.0, (OTHER, 2): 4.0}, id="duration-median-with-open-items"),
        pytest.param("owner_at_start", {(ADOPTING, 2): 2.0, (OTHER, 2): 4.0}, id="share-mean"),
        pytest.param(
            "throughput", {(ADOPTING, 2): 1.5 / (29 / 7), (OTHER, 2): 2.0 / (29 / 7)}, id="count-a-week-and-team"
        ),
    ],
)
def test_levels(metric, expected):
    """One figure a month and group of teams."""
    rows = observed(
        ("Alpha", "02-01", 1, True), ("Alpha", "02-02", 2, True), ("Beta", "02-29", 3, True),
        ("Gamma", "02-10", 4, True), ("Gamma", "02-11", 4, True), ("Alpha", "06-02", 50, True),
    )  # fmt: skip

    table = levels(rows, metric=METRICS[metric], rollouts=ROLLOUTS, until=UNTIL, smallest_group=2)

    found = {(row.group, row.month.month): row.value for row in table.itertuples()}
    assert expected == pytest.approx(found)


def test_months_are_those_of_the_zone_asked_for():
    """Work of three o'clock UTC on the first of February is January's where that day has not begun yet."""
    rows = observed(*[("Alpha", "01-02", 1, True)] * 2, *[("Alpha", "02-01", 1, True)] * 2)
    rows = rows.assign(at=rows["at"].dt.normalize() + pd.Timedelta(hours=3))

    here, west = (
        levels(rows, metric=METRICS["cycle_time"], rollouts=ROLLOUTS, until=UNTIL.tz_convert(zone), smallest_group=1)
        for zone in ("UTC", "America/Chicago")
    )

    assert (here["month"].dt.month.tolist(), west["month"].dt.month.tolist()) == ([2], [1])


def test_small_months_and_unknown_medians_are_left_out():
    """Months below the smallest group, or whose curve does not fall to the median, have no row."""
    rows = observed(
        ("Alpha", "02-01", 1, True), *[("Alpha", "03-01", 5, False)] * 3, *[("Alpha", "04-01", 5, True)] * 2
    )  # fmt: skip

    table = levels(rows, metric=METRICS["cycle_time"], rollouts=ROLLOUTS, until=UNTIL, smallest_group=2)

    assert table["month"].dt.month.tolist() == [4]


def test_a_month_seen_in_part_is_left_out():
    """A log that begins within a month says little of it; from its first day on a month counts."""
    days = ["02-15"] * 4 + ["03-01"] * 4
    rows = observed(*[("Alpha", day, 1, True) for day in days])

    table = levels(rows, metric=METRICS["throughput"], rollouts=ROLLOUTS, until=UNTIL, smallest_group=2)

    assert table["month"].dt.month.tolist() == [3]


def test_teams_that_were_not_compared_are_left_out():
    """Only the named teams are looked at."""
    rows = observed(*[(team, "02-01", days, True) for team, days in (("Alpha", 1), ("Gamma", 4), ("Delta", 90))] * 2)

    table = levels(rows, metric=METRICS["cycle_time"], rollouts=ROLLOUTS, until=UNTIL, smallest_group=2,
                   teams=("Alpha", "Gamma"))  # fmt: skip

    assert table.set_index("group")["n"].to_dict() == {ADOPTING: 2, OTHER: 2}


def test_limits_of_a_share_end_at_all():
    """Natural process limits of a share cannot lie above 100 %."""
    days = pd.date_range("2024-01-01", periods=20, freq="7D").strftime("%m-%d")
    rows = observed(*[("Alpha", day, float(n % 4 > 0), True) for n, day in enumerate(days)])

    shown = behaviour(rows, metric=METRICS["owner_at_start"], rollouts=ROLLOUTS, until=UNTIL)

    assert shown.weeks["high"].max() == 1.0


@pytest.mark.parametrize("metric", ["cycle_time", "throughput", "unplanned"])
@pytest.mark.parametrize(
    "rows",
    [
        pytest.param((), id="nothing"),
        pytest.param((("Gamma", "02-01", 1, True),), id="others-only"),
        pytest.param((("Alpha", "05-27", 1, False),), id="one-open-item"),
    ],
)
def test_too_little_is_drawn_as_nothing(rows, metric):
    """Without observations, or before a whole week, there are no points, and no error."""
    made = observed(*rows).assign(at=lambda frame: pd.to_datetime(frame["at"], utc=True))

    month = levels(made, metric=METRICS[metric], rollouts=ROLLOUTS, until=UNTIL, smallest_group=5)
    weeks = behaviour(made, metric=METRICS[metric], rollouts=ROLLOUTS, until=UNTIL)

    assert ([], 0, 0.0) == (month["value"].tolist(), len(weeks.weeks), weeks.expected_by_luck)


def test_inputs_are_left_alone():
    """Neither function changes the observations."""
    rows = observed(("Alpha", "02-01", 1, True), ("Gamma", "03-01", 2, False))
    before = rows.copy()

    curves(rows, metric=METRICS["cycle_time"], rollouts=ROLLOUTS)
    levels(rows, metric=METRICS["cycle_time"], rollouts=ROLLOUTS, until=UNTIL, smallest_group=1)

    pd.testing.assert_frame_equal(before, rows)
