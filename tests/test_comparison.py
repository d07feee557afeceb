"""The design that the data allows, the weeks used, and effects of known size, on observations made by hand."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from prodops_analysis import METRICS
from prodops_analysis.comparison import CannotSay, compare

START = date(2025, 1, 6)  # a Monday
WEEKS = 52
EIGHT = tuple("ABCDEFGH")
SOON = {team: 24 + 3 * n for n, team in enumerate("ABCD")}  # week of each rollout; E to H stay as they were
APART = {team: 24 + 6 * n for n, team in enumerate("ABCD")}  # each still a comparison when the one before is there


def instant(week, days=0.0):
    """An instant so many weeks and days after the start."""
    return pd.Timestamp(START, tz="UTC") + pd.Timedelta(weeks=week) + pd.Timedelta(days=days)


def work(value, *, teams=EIGHT, weeks=range(WEEKS), count=lambda team, week: 4, kind=lambda team, week, n: "feature"):
    """Observations on Tuesdays; `value(team, week, n)` is that of the n-th item of a team and week."""
    rows = [
        (f"{team}{week}-{n}", team, kind(team, week, n), instant(week, 1 + n / 10), float(value(team, week, n)))
        for team in teams
        for week in weeks
        for n in range(count(team, week))
    ]
    return pd.DataFrame(rows, columns=["item_id", "team", "item_type", "at", "value"]).assign(size=None, ended=True)


def noisy(seed, effect=0.0, *, rollouts=SOON, **rest):
    """Cycle times of log sd 0.8 with team speeds and week shocks, and an effect on the log scale."""
    rng = np.random.default_rng(seed)
    speed, shock = dict(zip(EIGHT, rng.normal(0, 0.4, 8), strict=True)), rng.normal(0, 0.1, WEEKS)
    return work(
        lambda t, w, n: np.exp(
            1.5 + speed[t] + shock[w] + effect * (w >= rollouts.get(t, WEEKS)) + rng.normal(0, 0.8)
        ),
        **rest,
    )  # fmt: skip


def hardly(team, week):
    """A factor within a millionth of one, another for each team and week: values that never vary get no answer."""
    return 1 + 1e-6 * np.sin(37 * ord(team) + 11 * week)


def asked(observed, rollouts=SOON, *, metric="cycle_time", as_of=None, **rest):
    """Compare with rollouts given as weeks."""
    days = {team: START + timedelta(weeks=week) for team, week in rollouts.items()}
    moment = instant(WEEKS) if as_of is None else as_of
    return compare(observed, metric=METRICS[metric], rollouts=days, as_of=moment, **rest)


def directed(found):
    """Whether an estimate claims a direction."""
    return not isinstance(found, CannotSay) and not found.low <= 0 <= found.high


@pytest.mark.parametrize(
    ("rollouts", "teams", "design"),
    [
        pytest.param(SOON, EIGHT, "several teams, staggered", id="several-beside-others"),
        pytest.param(APART, "ABCD", "several teams, staggered", id="all-adopt-one-after-another"),
        pytest.param(SOON, "ABCD", "all teams at once", id="all-adopt-too-soon-after-another"),
        pytest.param({"A": 30}, EIGHT, "one team beside comparison teams", id="one-beside-others"),
        pytest.param({"A": 30}, "A", "one team before and after", id="one-alone"),
        pytest.param(dict.fromkeys("ABCD", 30), "ABCD", "all teams at once", id="all-at-once"),
    ],
)
@pytest.mark.parametrize("effect", [-0.4, 0.0], ids=["faster", "unchanged"])
def test_design_and_known_effect(rollouts, teams, design, effect):
    """The design follows from who adopted when, and the interval of each covers the known effect."""
    found = asked(noisy(1, effect, rollouts=rollouts, teams=teams), rollouts)

    assert design == found.design
    assert found.low <= np.expm1(effect) <= found.high


def test_effect_without_noise():
    """Team speeds and weeks drop out: 0.7 of the time is a relative change of -0.3 for every adopter."""
    cycle = work(lambda t, w, n: np.exp(ord(t) % 4 / 4 + np.sin(w) / 5 + n / 2) * (0.7 if w >= SOON.get(t, 99) else 1))

    found = asked(cycle)

    # the longest twentieth is capped on both sides, which costs a little of the effect
    assert found.estimate == pytest.approx(-0.3, abs=0.015)
    assert found.by_team == pytest.approx(dict.fromkeys(SOON, -0.3), abs=0.04)


def test_a_slow_team_keeps_its_effect():
    """Teams ten times as slow as others are not capped away: their items are no outliers for that."""
    cycle = work(
        lambda t, w, n: (
            3 * (10 if t in "AE" else 1) * np.exp(n / 4) * (0.5 if w >= SOON.get(t, 99) else 1) * hardly(t, w)
        )
    )

    assert asked(cycle).by_team["A"] == pytest.approx(-0.5, abs=0.05)


def test_share_almost_without_noise():
    """Two of four items owned before, three of four after: a difference of 0.25, in points, with no days."""
    share = work(lambda t, w, n: (n < (3 if w >= SOON.get(t, 99) else 2)) * hardly(t, w))

    found = asked(share, metric="owner_at_start")

    assert found.estimate == pytest.approx(0.25, abs=1e-6)
    assert found.typical_days is None


def test_count_almost_without_noise():
    """Four items a week before, six after: 50 % more."""
    done = work(lambda t, w, n: hardly(t, w), count=lambda t, w: 6 if w >= SOON.get(t, 99) else 4)

    assert asked(done, metric="throughput").estimate == pytest.approx(0.5, abs=1e-6)


def test_weeks_without_any_item_count_as_zero():
    """Adopters deliver nothing for six weeks after the rollout: the mean falls by those weeks, seen or not."""
    after = dict.fromkeys("ABCD", 30)
    done = work(lambda t, w, n: hardly(t, w), count=lambda t, w: 0 if t in after and 30 <= w < 36 else 4)

    found = asked(done, after, metric="throughput")

    assert found.estimate == pytest.approx(-6 / (WEEKS - 30), abs=1e-6)


@pytest.mark.parametrize("quiet", [range(40), range(44, WEEKS)], ids=["joins-late", "stops-early"])
def test_a_comparison_team_that_was_not_there_makes_no_throughput_effect(quiet):
    """Weeks before a team's first item, when it did not exist yet, are not weeks in which it delivered nothing."""
    done = work(lambda t, w, n: hardly(t, w), count=lambda t, w: 0 if t in "EF" and w in quiet else 4)

    assert asked(done, metric="throughput").estimate == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize(
    ("last", "design"),
    [
        pytest.param(37, "one team before and after", id="22-items-shared"),
        pytest.param(45, "one team beside comparison teams", id="many-shared"),
    ],
)
def test_items_not_weeks_make_a_comparison(last, design):
    """Throughput needs 25 items in weeks that it shares with a comparison team, as every other metric does."""
    done = work(
        lambda t, w, n: 1.0,
        teams="AB",
        count=lambda t, w: 2 + (w * 7 + 65) % 3 if t == "A" else (3 + w % 2) * (w <= last),
    )

    assert design == asked(done, {"A": 30}, metric="throughput").design


def test_mix_of_work_is_not_an_effect():
    """Bugs take a third of a feature's time; adopters get more bugs after the rollout, and no item gets any faster."""
    rng = np.random.default_rng(3)
    bug = {
        (t, w, n): bool(rng.uniform() < (0.7 if w >= SOON.get(t, 99) else 0.3))
        for t in EIGHT for w in range(WEEKS) for n in range(4)
    }  # fmt: skip
    cycle = work(
        lambda t, w, n: np.exp(1.5 - 1.1 * bug[t, w, n] + rng.normal(0, 0.5)),
        kind=lambda t, w, n: "bug" if bug[t, w, n] else "feature",
    )

    assert not directed(asked(cycle))


@pytest.mark.parametrize(
    ("rollouts", "teams", "df"),
    [
        pytest.param(SOON, EIGHT, 7, id="four-beside-four"),
        pytest.param(SOON, "ABCDEFG", 5, id="four-beside-three"),
        pytest.param(SOON, "ABCDEF", 3, id="four-beside-two"),
        pytest.param({"A": 24, "B": 27, "C": 30}, EIGHT, 5, id="three-beside-five"),
        pytest.param({"A": 24, "B": 30}, EIGHT, 5, id="two-adopters-by-blocks"),
        pytest.param(APART, "ABCD", 5, id="four-teams-by-blocks"),
        pytest.param({"A": 30}, EIGHT, 5, id="one-adopter-by-blocks"),
    ],
)
def test_degrees_of_freedom(rollouts, teams, df):
    """The smaller side carries the error where teams are left out; blocks of weeks count as six."""
    assert df == asked(noisy(11, rollouts=rollouts, teams=teams), rollouts).df


def test_degrees_of_freedom_of_one_series():
    """However long one series is, its weeks count as ten at most."""
    assert 3 <= asked(noisy(12, teams="A"), {"A": 30}).df <= 7


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        pytest.param("owner_at_start", 1.0, id="every-item-owned"),
        pytest.param("owner_at_start", 0.0, id="no-item-owned"),
        pytest.param("cycle_time", 2.0, id="every-item-takes-two-days"),
        pytest.param("throughput", 1.0, id="the-same-number-every-week"),
    ],
)
@pytest.mark.parametrize(
    ("rollouts", "teams"),
    [
        pytest.param(SOON, EIGHT, id="staggered"),
        pytest.param({"A": 30}, EIGHT, id="one-beside-others"),
        pytest.param({"A": 30}, "A", id="alone"),
    ],
)
def test_a_figure_that_never_moves_has_no_direction(metric, value, rollouts, teams):
    """Where nothing ever varies, rounding in the last bit is no effect, and the reason says so."""
    found = asked(work(lambda t, w, n: value, teams=teams), rollouts, metric=metric)

    assert isinstance(found, CannotSay)
    assert "vary" in " ".join(found.reasons)


def test_weeks_around_the_rollout_are_left_out_and_counted():
    """Eight weeks before, and the transition after, count for neither side; so do the log's first and part weeks."""
    found = asked(noisy(2), {"A": 30}, transition_weeks=3, as_of=instant(WEEKS - 1, 3))

    around = 4 * (8 + 3)
    ends = 8 * 4 * 2
    assert {around, ends} == set(found.left_out.values())
    assert 8 * 4 * WEEKS - around - ends == found.n_items


@pytest.mark.parametrize("days", [0, 2, 6], ids=["monday", "wednesday", "sunday"])
def test_a_week_is_treated_only_when_it_lies_after_the_first_day(days):
    """A rollout in mid-week leaves that week out; items of the days before it never count as after."""
    day = START + timedelta(weeks=30, days=days)
    cycle = work(lambda t, w, n: (10 if t == "A" and instant(w, 1) < pd.Timestamp(day, tz="UTC") else 5) * hardly(t, w))

    found = compare(cycle, metric=METRICS["cycle_time"], rollouts={"A": day}, as_of=instant(WEEKS))

    first_after = 30 if days == 0 else 31
    assert 4 * (WEEKS - first_after) == found.n_treated_items
    assert found.estimate == pytest.approx(-0.5, abs=1e-6)


def test_bad_weeks_just_before_the_rollout_are_no_baseline():
    """Eight terrible weeks that set off the rollout do not make ordinary weeks after it an improvement."""
    cycle = work(lambda t, w, n: (40 if t == "A" and 22 <= w < 30 else 5 + n) * hardly(t, w))

    assert asked(cycle, {"A": 30}).estimate == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("rollouts", "as_of", "reason"),
    [
        pytest.param({"A": 50}, WEEKS, "only 2 whole weeks after the rollout; 4 are needed", id="too-recent"),
        pytest.param({"A": 46}, WEEKS, "only 24 items after the rollout; 25 are needed", id="too-few-items"),
        pytest.param({"A": 24}, WEEKS, "only 15 usable weeks before the rollout; 16 are needed", id="short-past"),
        pytest.param({"A": 0}, WEEKS, "only 0 usable weeks before the rollout; 16 are needed", id="no-past"),
        pytest.param({"A": 60}, WEEKS, "only 0 items after the rollout; 25 are needed", id="not-yet"),
    ],
)
def test_too_little(rollouts, as_of, reason):
    """Too few weeks or items give reasons with figures, and no estimate."""
    found = asked(work(lambda t, w, n: 5 + n), rollouts, as_of=instant(as_of))

    assert isinstance(found, CannotSay)
    assert reason in found.reasons


def test_borders_of_too_little():
    """16 usable weeks before and 4 weeks with 25 items after are enough."""
    seven = work(lambda t, w, n: (5 + n) * hardly(t, w), weeks=range(30), count=lambda t, w: 7)

    # week 0 is where the log begins, 17 to 24 lie just before the rollout
    assert not isinstance(asked(seven, {"A": 25}, as_of=instant(30)), CannotSay)
    assert isinstance(asked(seven, {"A": 24}, as_of=instant(30)), CannotSay)
    assert not isinstance(asked(seven, {"A": 26}, as_of=instant(30)), CannotSay)
    assert isinstance(asked(seven, {"A": 27}, as_of=instant(30)), CannotSay)


def test_mostly_open_after():
    """Where more than three quarters of the work after the rollout is open, nothing is claimed."""
    cycle = work(lambda t, w, n: 5 + n)
    late = (cycle["team"] == "A") & (cycle["at"] >= instant(40))

    found = asked(cycle.assign(ended=~late), {"A": 40})

    assert found.reasons == ("100% of the items after the rollout are still open",)


def test_no_past_weeks_shared_with_the_comparison():
    """Teams that come into the log only after the rollout are no comparison: the adopters stand alone."""
    levels = dict(zip(EIGHT, [5] * 4 + [50] * 4, strict=True))
    rng = np.random.default_rng(5)
    cycle = work(
        lambda t, w, n: levels[t] * np.exp(rng.normal(0, 0.3)), count=lambda t, w: 4 * (t in "ABCD" or w >= 32)
    )

    found = asked(cycle, dict.fromkeys("ABCD", 30))

    assert found.design == "all teams at once"
    assert not directed(found)


@pytest.mark.parametrize("metric", ["cycle_time", "throughput", "owner_at_start"])
def test_names_order_and_whole_weeks_do_not_matter(metric):
    """New names, another order of rows and a shift by whole weeks change no number."""
    observed = noisy(6, -0.3)
    if metric == "owner_at_start":
        observed = observed.assign(value=(observed["value"] > 5).astype(float))
    order = np.random.default_rng(0).permutation(len(observed))
    renamed = dict(zip(EIGHT, ["z", "y", "b", "k", "a", "x", "c", "m"], strict=True))
    later = observed.assign(team=observed["team"].map(renamed), at=observed["at"] + pd.Timedelta(weeks=7))

    plain = asked(observed, metric=metric)
    other = asked(
        later.iloc[order].reset_index(drop=True),
        {renamed[t]: w + 7 for t, w in SOON.items()}, metric=metric, as_of=instant(WEEKS + 7),
    )  # fmt: skip

    for name in ("estimate", "low", "high", "smallest_detectable", "statistic"):
        assert getattr(plain, name) == pytest.approx(getattr(other, name), rel=1e-6)
    assert (plain.n_items, plain.n_weeks, plain.df) == (other.n_items, other.n_weeks, other.df)


@pytest.mark.parametrize("factor", [24.0, 0.5], ids=["hours", "days-of-48-hours"])
def test_unit_of_time_does_not_matter(factor):
    """A ratio is the same in days, hours or weeks, as long as nothing falls below the shortest duration."""
    observed = noisy(7, -0.3)

    plain, other = asked(observed), asked(observed.assign(value=observed["value"] * factor))

    assert [plain.estimate, plain.low, plain.high] == pytest.approx([other.estimate, other.low, other.high], rel=2e-3)


def test_smallest_detectable_shrinks_with_data():
    """More items a week make smaller effects visible; it is a positive share either way."""
    few, many = (asked(noisy(8, count=lambda t, w, k=k: k)).smallest_detectable for k in (2, 12))

    assert 0 < many < few < 1


def test_observations_are_left_alone():
    """Comparing changes no input."""
    observed = noisy(9)
    before = observed.copy()

    asked(observed)

    pd.testing.assert_frame_equal(before, observed)


def test_null_worlds_keep_quiet():
    """Eight teams, four staggered rollouts and no effect: at most 4 of 20 worlds claim a direction (p < 0.003)."""
    assert sum(directed(asked(noisy([10, seed]))) for seed in range(20)) <= 4
