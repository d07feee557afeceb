"""The design that the data allows, the weeks used, and effects of known size, on observations made by hand."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from prodops_analysis import METRICS
from prodops_analysis.comparison import CannotSay, compare

START = date(2025, 1, 6)  # a Monday
WEEKS = 52
EIGHT = tuple("ABCDEFGH")
SOON = {team: 24 + 3 * n for n, team in enumerate("ABCD")}  # week of each rollout; E to H stay as they were
APART = {team: 24 + 6 * n for n, team in enumerate("ABCD")}  # each still a comparison when the one before is there
NEAR = dict.fromkeys("ABC", 30) | {"D": 31}
EACH = "teams, each from its own rollout on, beside"


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
    return pd.DataFrame(rows, columns=["item_id", "team", "item_type", "at", "value"]).assign(
        size=None, ended=True, outcome="done", start_state="In progress", finish_state="Done"
    )


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
    return compare(
        observed, metric=METRICS[metric], rollouts=days, as_of=moment, **{"rng": np.random.default_rng(1)} | rest
    )


def directed(found):
    """Whether an estimate claims a direction."""
    return not isinstance(found, CannotSay) and not found.low <= 0 <= found.high


@pytest.mark.parametrize(
    ("rollouts", "teams", "design"),
    [
        pytest.param(
            SOON, EIGHT, f"4 {EACH} 4 teams without a rollout so far and those not yet there", id="several-beside-four"
        ),
        pytest.param(
            SOON, "ABCDE", f"4 {EACH} 1 team without a rollout so far and those not yet there", id="several-beside-one"
        ),
        pytest.param(APART, "ABCD", f"4 {EACH} those not yet there", id="all-adopt-one-after-another"),
        pytest.param(NEAR, "ABCD", "all teams at once", id="all-adopt-too-soon-after-another"),
        pytest.param({"A": 30}, EIGHT, "one team beside 7 comparison teams", id="one-beside-others"),
        pytest.param({"A": 30}, "AB", "one team beside 1 comparison team", id="one-beside-one"),
        pytest.param({"A": 30}, "A", "one team before and after, beside no other", id="one-alone"),
        pytest.param(dict.fromkeys("ABCD", 30), "ABCD", "all teams at once", id="all-at-once"),
    ],
)
@pytest.mark.parametrize("effect", [-0.4, 0.0], ids=["faster", "unchanged"])
def test_design_and_known_effect(rollouts, teams, design, effect):
    """The design follows from who adopted when, and the interval of each covers the known effect."""
    found = asked(noisy(1, effect, rollouts=rollouts, teams=teams), rollouts)

    assert design == found.design
    assert found.method.startswith(design[0].upper() + design[1:])
    assert found.low <= np.expm1(effect) <= found.high
    assert (set() if design == "all teams at once" else set(rollouts)) == set(found.by_team)
    assert found.n_teams == len(teams)


def test_work_that_nobody_is_left_to_compare_with_is_counted():
    """Of teams that all adopt it is what came after the last rollout; beside teams that never did there is none."""
    left, last = {team: WEEKS - week for team, week in APART.items()}, WEEKS - max(APART.values())

    every = asked(noisy(1, 0.0, rollouts=APART, teams="ABCD"), APART)
    beside = asked(noisy(1, 0.0, rollouts=SOON, teams=EIGHT), SOON)

    assert every.beyond == pytest.approx(len(left) * last / sum(left.values()), abs=0.05)
    assert beside.beyond == beside.beside_one == 0


def test_work_beside_one_team_alone_is_counted():
    """Of teams that all adopt it is what came between the last two rollouts; of one beside one it is all."""
    left, (_, _, third, last) = [WEEKS - week for week in APART.values()], sorted(APART.values())

    every = asked(noisy(1, 0.0, rollouts=APART, teams="ABCD"), APART)
    pair = asked(noisy(1, 0.0, rollouts={"A": 30}, teams="AB"), {"A": 30})

    assert every.beside_one == pytest.approx(3 * (last - third) / sum(left), abs=0.02)
    assert pair.beside_one == 1


def test_effect_without_noise():
    """Team speeds and weeks drop out: 0.7 of the time is a relative change of -0.3 for every adopter."""
    cycle = work(lambda t, w, n: np.exp(ord(t) % 4 / 4 + np.sin(w) / 5 + n / 2) * (0.7 if w >= SOON.get(t, 99) else 1))

    found = asked(cycle)

    # the longest twentieth is capped on both sides, which costs a little of the effect
    assert found.estimate == pytest.approx(-0.3, abs=0.015)
    by_team = {team: own.estimate for team, own in found.by_team.items()}
    assert dict.fromkeys(SOON, -0.3) == pytest.approx(by_team, abs=0.04)


def test_a_slow_team_keeps_its_effect():
    """Teams ten times as slow as others are not capped away: their items are no outliers for that."""
    cycle = work(
        lambda t, w, n: (
            3 * (10 if t in "AE" else 1) * np.exp(n / 4) * (0.5 if w >= SOON.get(t, 99) else 1) * hardly(t, w)
        )
    )

    assert asked(cycle).by_team["A"].estimate == pytest.approx(-0.5, abs=0.05)


def test_share_almost_without_noise():
    """Two of four items owned before, three of four after: a difference of 0.25, in points, with no days."""
    share = work(lambda t, w, n: (n < (3 if w >= SOON.get(t, 99) else 2)) * hardly(t, w))

    found = asked(share, metric="owner_at_start")

    assert found.estimate == pytest.approx(0.25, abs=1e-3)
    assert found.typical is None


def test_count_almost_without_noise():
    """Four items a week before, six after: 50 % more."""
    done = work(lambda t, w, n: hardly(t, w), count=lambda t, w: 6 if w >= SOON.get(t, 99) else 4)

    assert asked(done, metric="throughput").estimate == pytest.approx(0.5, abs=1e-3)


def test_weeks_without_any_item_count_as_zero():
    """Adopters deliver nothing for six weeks after the rollout: the mean falls by those weeks, seen or not."""
    after = dict.fromkeys("ABCD", 30)
    done = work(lambda t, w, n: hardly(t, w), count=lambda t, w: 0 if t in after and 30 <= w < 36 else 4)

    found = asked(done, after, metric="throughput")

    # six weeks in a row weigh a little more than one by one: the model sees that the effect is not the same all along
    assert found.estimate == pytest.approx(-6 / (WEEKS - 30), abs=0.02)


@pytest.mark.parametrize("quiet", [range(40), range(44, WEEKS)], ids=["joins-late", "stops-early"])
def test_a_comparison_team_that_was_not_there_makes_no_throughput_effect(quiet):
    """Weeks before a team's first item, when it did not exist yet, are not weeks in which it delivered nothing."""
    done = work(lambda t, w, n: hardly(t, w), count=lambda t, w: 0 if t in "EF" and w in quiet else 4)

    assert asked(done, metric="throughput").estimate == pytest.approx(0.0, abs=1e-4)


@pytest.mark.parametrize(
    ("last", "design"),
    [
        pytest.param(37, "one team before and after, beside no other", id="22-items-shared"),
        pytest.param(45, "one team beside 1 comparison team", id="many-shared"),
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


def test_weeks_not_items_make_a_comparison():
    """Sixty items in three weeks shared with a comparison team are no comparison; in four weeks they are."""
    for last, design in ((32, "one team before and after, beside no other"), (33, "one team beside 1 comparison team")):
        cycle = work(
            lambda t, w, n: np.exp(np.sin(7 * w + 3 * n)), teams="AB",
            count=lambda t, w, last=last: 20 * (t == "A" or w <= last),
        )  # fmt: skip

        assert design == asked(cycle, {"A": 30}).design


def test_adopters_that_stop_are_followed():
    """Adopters that deliver nothing in the first and the last three weeks delivered less, not the same for fewer."""
    after = dict.fromkeys("ABCD", 30)
    idle = (30, 31, 32, WEEKS - 3, WEEKS - 2, WEEKS - 1)
    done = work(lambda t, w, n: hardly(t, w), count=lambda t, w: 0 if t in after and w in idle else 4)

    assert asked(done, after, metric="throughput").estimate == pytest.approx(-6 / (WEEKS - 30), abs=0.05)


def test_an_end_that_looks_like_growth_is_held_by_the_interval():
    """Adopters that deliver nothing any more in the last six weeks: put too low, as a growing fall, and covered."""
    after = dict.fromkeys("ABCD", 30)
    done = work(lambda t, w, n: hardly(t, w), count=lambda t, w: 0 if t in after and w >= WEEKS - 6 else 4)

    found = asked(done, after, metric="throughput")

    assert found.low < -6 / (WEEKS - 30) < found.high < 0


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
        pytest.param(SOON, EIGHT, 19, id="four-beside-four"),
        pytest.param(SOON, "ABCDEF", 15, id="four-beside-two"),
        pytest.param(APART, "ABCD", 15, id="four-teams-one-after-another"),
        pytest.param({"A": 24, "B": 30}, EIGHT, 12, id="two-adopters"),
        pytest.param({"A": 30}, "A", 30, id="alone"),
    ],
)
def test_degrees_of_freedom(rollouts, teams, df):
    """The model counts for 12, alone for 30; leaving teams out adds to it, carried by the smaller side."""
    assert df == asked(noisy(11, rollouts=rollouts, teams=teams), rollouts).df


def test_degrees_of_freedom_of_counts():
    """The model of counts is worth 20, and four teams beside four add seven."""
    assert asked(noisy(11, rollouts=SOON, teams=EIGHT), SOON, metric="throughput").df == 27


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


@pytest.mark.parametrize("metric", ["cycle_time", "throughput", "owner_at_start"])
def test_a_team_without_a_past_is_left_out_by_name(metric):
    """A team that began before its log holds nothing to compare with; the answer is that of the others without it."""
    seen = noisy(4, -0.5)
    if metric == "owner_at_start":
        seen = seen.assign(value=(seen["value"] > 4).astype(float))
    if metric == "throughput":
        seen = seen[seen["value"] > 4].assign(value=1.0)

    found = asked(seen, SOON | {"A": -9}, metric=metric)
    without = asked(
        seen[seen["team"] != "A"], {team: week for team, week in SOON.items() if team != "A"}, metric=metric
    )

    told = next(why for why in found.left_out if "A, of which no week before the rollout is known" in why)
    assert found.left_out[told] > 50
    assert ("A" not in found.by_team, "A" not in found.window) == (True, True)
    assert (found.estimate, found.low, found.high) == pytest.approx((without.estimate, without.low, without.high))


def test_where_no_team_has_a_past_nothing_is_said():
    """All work of the adopting teams lies after their rollouts: no answer, and the reason."""
    found = asked(noisy(4), {"A": -9, "B": -1})

    assert isinstance(found, CannotSay)
    assert "all work after the rollouts is of A, B, of which no week before" in found.reasons[0]


def test_weeks_left_out_are_counted():
    """The transition after the rollout counts for neither side; nor do the log's first week and its unfinished one."""
    found = asked(noisy(2), {"A": 30}, transition_weeks=3, as_of=instant(WEEKS - 1, 3))

    assert {
        "in the weeks in which the log begins or ends": 8 * 4 * 2,
        "more than two years before the first rollout": 0,
        "in weeks of transition": 4 * 3,
    } == found.left_out
    assert 8 * 4 * (WEEKS - 2) - 4 * 3 == found.n_items
    assert WEEKS - 2 == found.n_weeks
    assert (START + timedelta(weeks=1), START + timedelta(weeks=WEEKS - 1, days=-1)) == found.window["A"]


def test_weeks_long_ago_are_left_out():
    """Of three years before the first rollout the last two count."""
    rng = np.random.default_rng(1)
    cycle = work(lambda t, w, n: np.exp(rng.normal()), teams="AB", weeks=range(180), count=lambda t, w: 2)

    found = asked(cycle, {"A": 156}, as_of=instant(180))

    assert 2 * 2 * (156 - 104 - 1) == found.left_out["more than two years before the first rollout"]
    assert {date(2026, 1, 5)} == {first for first, _ in found.window.values()}


@pytest.mark.parametrize("late", [0, 12], ids=["from-the-beginning", "later"])
def test_the_first_weeks_of_a_team_count_for_no_throughput(late):
    """Items enter at their creation, so that finishes of the first eight weeks of a team are still too few."""
    rng = np.random.default_rng(1)
    done = work(
        lambda t, w, n: 1.0, teams="AB", count=lambda t, w: int(rng.poisson(5)) + 1 if t == "A" or w >= late else 0
    )
    first = done[done["at"] < done["team"].map({"A": instant(8), "B": instant(late + 8)})]

    found = asked(done, {"A": 30}, metric="throughput")

    assert len(first) == found.left_out["in the weeks in which the log begins or ends"]
    assert (START + timedelta(weeks=8), START + timedelta(weeks=late + 8)) == tuple(
        begin for begin, _ in found.window.values()
    )


def finished(seed, join, *, teams="AH", rollout=30, weeks=60):
    """Finishes of teams that each start five items a week and take 25 days; H comes into the log in week `join`."""
    rng = np.random.default_rng(seed)
    rows = []
    for team in teams:
        begin = join if team == "H" else 0
        started = rng.uniform(begin, weeks, rng.poisson(5 * (weeks - begin)))
        done = started + rng.exponential(25 / 7, len(started))
        rows += [(f"{team}{n}", team, "feature", instant(w), 1.0) for n, w in enumerate(done) if w < weeks]
    return pd.DataFrame(rows, columns=["item_id", "team", "item_type", "at", "value"]).assign(
        size=None, ended=True, outcome="done", start_state="In progress", finish_state="Done"
    )


def test_a_comparison_team_that_grows_into_the_log_is_no_fall():
    """While a new team's first items are under way it finishes few; that is no fall of the adopter's throughput."""
    found = [asked(finished([seed, 3], 18), {"A": 30}, metric="throughput", as_of=instant(60)) for seed in range(12)]

    # with the first eight weeks of the new team the mean is -0.32
    assert abs(np.mean([np.log1p(f.estimate) for f in found])) < 0.2
    assert sum(map(directed, found)) <= 1


@pytest.mark.parametrize("days", [0, 2, 6], ids=["monday", "wednesday", "sunday"])
def test_a_week_is_treated_only_when_it_lies_after_the_first_day(days):
    """A rollout in mid-week leaves that week out; items of the days before it never count as after."""
    day = START + timedelta(weeks=30, days=days)
    old = {"A": 4, "B": 5}
    new = {"A": 2, "B": 5}
    cycle = work(
        lambda t, w, n: (old if instant(w, 1) < pd.Timestamp(day, tz="UTC") else new)[t] * np.exp(n / 9) * hardly(t, w),
        teams="AB",
    )

    found = compare(cycle, metric=METRICS["cycle_time"], rollouts={"A": day}, as_of=instant(WEEKS))

    assert 4 * (days > 0) == found.left_out["in weeks of transition"]
    assert found.estimate == pytest.approx(-0.5, abs=1e-3)


def test_bad_weeks_just_before_the_rollout_are_no_baseline():
    """Eight terrible weeks that set off the rollout do not make ordinary weeks after it an improvement."""
    cycle = work(lambda t, w, n: (40 if t == "A" and 22 <= w < 30 else 5 + n) * hardly(t, w))

    found = asked(cycle, {"A": 30})

    without, every = found.answers
    assert found.spell.low > 0
    assert without == pytest.approx(0, abs=0.03)
    assert every < without - 0.03
    assert not directed(found)


@pytest.mark.parametrize(
    ("faster_from", "rollouts"),
    [
        pytest.param(lambda team: SOON[team] - 6, SOON, id="each-six-weeks-before"),
        pytest.param(lambda team: 28, APART, id="all-at-one-date"),
        pytest.param(lambda team: 26, NEAR, id="before-all-of-them"),
    ],
)
def test_work_that_got_faster_at_another_time_is_no_effect(faster_from, rollouts):
    """Teams that became faster for good weeks before, or all at one date, get no direction, and the page is told."""
    cycle = work(lambda t, w, n: (5 + n) * (0.6 if t in rollouts and w >= faster_from(t) else 1) * hardly(t, w))

    found = asked(cycle, rollouts)

    step, on_top = found.lasting
    assert step == pytest.approx(-0.4, abs=0.1)
    assert abs(on_top) < 0.1
    assert not directed(found)


def test_work_that_got_faster_with_each_rollout_is_one():
    """Beside that, teams faster from their own rollout on are told so, and nothing is said to have moved before."""
    found = asked(work(lambda t, w, n: (5 + n) * (0.6 if w >= SOON.get(t, WEEKS) else 1) * hardly(t, w)))

    assert directed(found)
    assert found.lasting is None
    assert found.estimate == pytest.approx(-0.4, abs=0.02)


@pytest.mark.parametrize(
    ("rollouts", "as_of", "reason"),
    [
        pytest.param({"A": 50}, WEEKS, "only 2 whole weeks after the rollout; 4 are needed", id="too-recent"),
        pytest.param(
            {"A": 46}, WEEKS, "only 24 items in whole weeks after the rollout; 25 are needed", id="too-few-items"
        ),
        pytest.param({"A": 16}, WEEKS, "only 15 usable weeks before the rollout; 16 are needed", id="short-past"),
        pytest.param(
            {"A": 1},
            WEEKS,
            "all work after the rollouts is of A, of which no week before the rollout is known",
            id="no-past",
        ),
        pytest.param({"A": 60}, WEEKS, "only 0 items in whole weeks after the rollout; 25 are needed", id="not-yet"),
    ],
)
def test_too_little(rollouts, as_of, reason):
    """Too few weeks or items give reasons with figures, and no estimate."""
    found = asked(work(lambda t, w, n: 5 + n), rollouts, as_of=instant(as_of))

    assert isinstance(found, CannotSay)
    assert reason in found.reasons


def test_too_little_followed():
    """Of a share that needs time to show, the reason tells for how long each item is followed."""
    back = work(lambda t, w, n: n % 2, weeks=range(WEEKS - 5))

    found = asked(back, {"A": WEEKS - 6}, metric="reopened")

    assert found.reasons[0] == (
        "only 4 items that could be followed for 30 days in whole weeks after the rollout; 25 are needed"
    )


def test_borders_of_too_little():
    """16 usable weeks before and 4 weeks with 25 items after are enough."""
    seven = work(lambda t, w, n: (5 + n) * hardly(t, w), weeks=range(30), count=lambda t, w: 7)

    # week 0 is where the log begins
    assert not isinstance(asked(seven, {"A": 17}, as_of=instant(30)), CannotSay)
    assert isinstance(asked(seven, {"A": 16}, as_of=instant(30)), CannotSay)
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
    assert plain.order_p == other.order_p
    assert 0 < plain.order_p < 1
    for team, own in plain.by_team.items():
        assert own.estimate == pytest.approx(other.by_team[renamed[team]].estimate, rel=1e-5)


@pytest.mark.parametrize("factor", [0.5, 0.25], ids=["half", "quarter"])
def test_unit_of_time_does_not_matter(factor):
    """A ratio is the same when all work takes half as long, where none lies across a rollout or is too short."""
    observed = noisy(7, -0.3)
    until = observed["team"].map({t: instant(w) for t, w in SOON.items()}).fillna(instant(10 * WEEKS))
    across = (observed["at"] < until) & (observed["at"] + pd.to_timedelta(observed["value"], unit="D") > until)
    observed = observed[~across & (observed["value"] > 4 / 24)]

    plain, other = asked(observed), asked(observed.assign(value=observed["value"] * factor))

    assert [plain.estimate, plain.low, plain.high] == pytest.approx([other.estimate, other.low, other.high], rel=2e-3)


def test_a_team_of_one_item_a_week():
    """Where weeks hold one item, how far items lie apart is learnt across weeks, and a null world gets no direction."""
    rng = np.random.default_rng(1)
    seen = []
    for _ in range(6):
        cycle = work(lambda t, w, n: np.exp(rng.normal(1.5, 0.8)), teams="A", weeks=range(70), count=lambda t, w: 1)
        seen.append(asked(cycle, {"A": 40}, as_of=instant(70)))

    assert not any(map(directed, seen))
    assert all(found.error > 0.15 for found in seen)


def test_a_few_weeks_of_two_alike_are_no_measure_of_spread():
    """Three weeks of two items that took equally long do not make sixty others exact."""
    rng = np.random.default_rng(2)
    twins = {w: np.exp(rng.normal(1.5, 0.8)) for w in (5, 30, 50)}
    cycle = work(
        lambda t, w, n: twins[w] * (1 + n / 20) if w in twins else np.exp(rng.normal(1.5, 0.8)),
        teams="A", weeks=range(70), count=lambda t, w: 1 + (w in twins),
    )  # fmt: skip

    found = asked(cycle, {"A": 40}, as_of=instant(70))

    assert found.error > 0.15
    assert not directed(found)


def test_a_comparison_team_that_comes_late_changes_next_to_nothing():
    """A team fifty times as slow that appears after the rollout is no comparison: the effect is that without it."""
    observed = noisy(1, -0.4, rollouts={"A": 30})
    late = observed[(observed["team"] != "H") | (observed["at"] >= instant(32))]
    late = late.assign(value=late["value"].where(late["team"] != "H", late["value"] * 50))

    found, without = asked(late, {"A": 30}), asked(observed[observed["team"] != "H"], {"A": 30})

    assert found.estimate == pytest.approx(without.estimate, abs=0.02)
    assert [found.low, found.high] == pytest.approx([without.low, without.high], abs=0.03)


def test_rollouts_to_come_count_as_not_yet():
    """A team that adopts after the export is a comparison like any other."""
    observed = noisy(3, -0.3)
    plain, other = asked(observed, {"A": 30}), asked(observed, {"A": 30, "B": WEEKS + 2})

    assert [plain.estimate, plain.low, plain.high] == [other.estimate, other.low, other.high]
    assert plain.design == other.design


def test_without_a_comparison_the_turn_of_the_year_is_left_out():
    """Two dead weeks at Christmas are no effect of one team alone; beside others every week counts."""
    rng = np.random.default_rng(1)
    cycle = work(lambda t, w, n: np.exp(rng.normal(1 + 2 * (50 <= w < 52), 0.5)), teams="AB", weeks=range(60))

    alone, beside = (
        asked(cycle[cycle["team"].isin(list(teams))], {"A": 36}, as_of=instant(60)) for teams in ("A", "AB")
    )

    assert 57 == alone.n_weeks  # neither the first nor 22 and 29 December
    assert 59 == beside.n_weeks
    assert not directed(alone)


@pytest.mark.parametrize(
    ("back", "left_out"),
    [
        pytest.param(53, ["2024-12-23", "2024-12-30"], id="from-22-december"),
        pytest.param(105, ["2023-12-25", "2024-01-01"], id="to-2-january"),
    ],
)
def test_the_turn_of_the_year_by_the_calendar(back, left_out):
    """Weeks that begin from 22 December to 2 January are left out, whatever the year."""
    cycle = work(lambda t, w, n: np.exp(np.sin(7 * w + 3 * n)), teams="A", weeks=range(80))
    cycle = cycle.assign(at=cycle["at"] - pd.Timedelta(weeks=back))

    found = asked(cycle, {"A": 30 - back}, as_of=instant(80 - back))

    weeks = [str(instant(w - back).date()) for w in range(1, 80)]
    assert set(left_out) <= set(weeks)
    assert len(weeks) - sum("12-22" <= week[5:] or week[5:] <= "01-02" for week in weeks) == found.n_weeks


def test_too_little_beside_the_turn_of_the_year():
    """Four weeks after the rollout of which two are left out are not four weeks."""
    rng = np.random.default_rng(1)
    cycle = work(lambda t, w, n: np.exp(rng.normal()), teams="A", weeks=range(54), count=lambda t, w: 20)

    found = asked(cycle, {"A": 50}, as_of=instant(54))

    assert found == CannotSay(reasons=("only 2 whole weeks after the rollout; 4 are needed",))
    assert not isinstance(asked(cycle, {"A": 48}, as_of=instant(54)), CannotSay)


def test_dropped_items_are_not_done():
    """Dropping a third of the work early after the rollout makes no cycle time shorter."""
    observed = noisy(4)
    first = observed["team"].map({team: instant(week) for team, week in SOON.items()})
    drop = (observed["at"] >= first) & (np.random.default_rng(4).uniform(size=len(observed)) < 0.33)
    dropped = observed.assign(
        outcome=observed["outcome"].mask(drop, "dropped"), value=observed["value"].mask(drop, observed["value"] / 4)
    )

    plain, found, naive = asked(observed), asked(dropped), asked(dropped.assign(outcome="done"))

    assert naive.high < 0
    assert not directed(found)
    assert found.estimate == pytest.approx(plain.estimate, abs=0.1)


def test_no_typical_time_where_half_were_not_done():
    """A median that the past never reached is no number."""
    observed = noisy(5)
    never = np.random.default_rng(5).uniform(size=len(observed)) < 0.65
    open_ones = observed.assign(ended=~never, value=observed["value"].mask(never, 300.0))

    found = asked(open_ones)

    assert found.typical is None
    assert np.isfinite([found.estimate, found.low, found.high]).all()


def test_all_teams_at_once_keep_their_own_levels():
    """A slow team that is away in some weeks is no effect where all teams are drawn together."""
    rng = np.random.default_rng(6)
    cycle = work(
        lambda t, w, n: np.exp(rng.normal(1 + 2 * (t == "D"), 0.3)), teams="ABCD",
        count=lambda t, w: 4 * (t != "D" or w % 3 == 0 or w < 30),
    )  # fmt: skip

    found = asked(cycle, dict.fromkeys("ABCD", 30))

    assert found.design == "all teams at once"
    assert not directed(found)
    assert abs(found.estimate) < 0.1


def test_an_interval_at_another_confidence():
    """`at` gives the interval itself at 95 %, a wider one at 99 %, on the scale of the metric."""
    for metric in ("cycle_time", "owner_at_start"):
        observed = noisy(6, -0.3)
        if metric == "owner_at_start":
            observed = observed.assign(value=(observed["value"] > 5).astype(float))
        found, wide = asked(observed, metric=metric), asked(observed, metric=metric, confidence=0.99)

        assert (found.low, found.high) == pytest.approx(found.at(0.95))
        assert (wide.low, wide.high) == pytest.approx(found.at(0.99))
        assert wide.low < found.low < found.high < wide.high


def test_smallest_detectable_shrinks_with_data():
    """More items a week make smaller effects visible; it is a positive share either way."""
    few, many = (asked(noisy(8, count=lambda t, w, k=k: k)).smallest_detectable for k in (2, 12))

    assert 0 < many < few < 1


def test_smallest_detectable_by_hand():
    """Bloom 1995: the quantiles for 95 % certainty and 80 % power, added up, times the error; as a fall of a time."""
    found, more = asked(noisy(8)), asked(noisy(8), metric="throughput")

    for each, sign in ((found, -1), (more, 1)):
        far = (stats.t.ppf(0.975, each.df) + stats.t.ppf(0.8, each.df)) * each.error
        assert abs(np.expm1(sign * far)) == pytest.approx(each.smallest_detectable)


def test_weeks_of_both_sides_are_left_out_where_all_changed_at_once():
    """Of four teams one adopts a week later: the week between belongs to neither side."""
    found, at_once = (asked(noisy(1, teams="ABCD"), rollouts) for rollouts in (NEAR, dict.fromkeys("ABCD", 30)))

    assert found.design == at_once.design == "all teams at once"
    assert at_once.n_weeks - 1 == found.n_weeks


def test_observations_are_left_alone():
    """Comparing changes no input."""
    observed = noisy(9)
    before = observed.copy()

    asked(observed)

    pd.testing.assert_frame_equal(before, observed)


def test_null_worlds_keep_quiet():
    """Eight teams, four staggered rollouts and no effect: at most 4 of 20 worlds claim a direction (p < 0.003)."""
    assert sum(directed(asked(noisy([10, seed]))) for seed in range(20)) <= 4


@pytest.mark.parametrize(
    ("slower", "tau", "rests_on"),
    [
        pytest.param("ABCDEFGH", 1.0, "the-interval", id="worst-first"),
        pytest.param("HGFEDCBA", -1.0, "one-shape", id="best-first"),
    ],
)
def test_whether_the_worst_came_first(slower, tau, rests_on):
    """Where teams in a bad time adopted first, no direction is given beyond what the interval shows by itself."""
    longer = {team: 1.08 ** (8 - place) for place, team in enumerate(slower)}
    rollouts = {team: 20 + 3 * n for n, team in enumerate(EIGHT[:-1])}

    found = asked(work(
        lambda t, w, n: (longer[t] if 12 <= w < 20 else 1) * np.exp(ord(t) / 90 + 0.3 * np.sin(7 * w + 3 * n))
    ), rollouts)  # fmt: skip

    assert (tau, True) == (pytest.approx(found.worst_first[0]), found.worst_first[1] < 0.01)
    assert (found.t_any == found.statistic) == (rests_on == "the-interval")


def test_counts_have_no_worst_team():
    """A team that gets less done may be a smaller one."""
    observed = work(lambda t, w, n: 1.0, count=lambda t, w: 3 + (7 * w + ord(t)) % 4)

    assert asked(observed, metric="throughput").worst_first is None
