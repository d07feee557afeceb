"""Threats that an estimate shows itself: each named, with its size, and what it does to the verdict."""

from dataclasses import replace

import pytest

from prodops_analysis.checks.threats import threats
from prodops_analysis.comparison import AT_ONCE, Estimate
from prodops_analysis.estimators.rollout import Replay
from prodops_analysis.estimators.together import Interval

NAMES = (
    "comparison", "trend before", "weeks just before", "moved at another time", "season", "ordinary dates",
    "rollout order",
)  # fmt: skip


def interval(low, high):
    """An interval around its middle."""
    return Interval(estimate=(low + high) / 2, low=low, high=high)


CALM = Estimate(
    estimate=-0.2, low=-0.3, high=-0.1, design="2 teams, each from its own rollout on, beside 3 teams",
    beyond=0.0, beside_one=0.0, new_months={}, worst_first=None, statistic=-4.0, t_any=-4.0, df=12, by_team={},
    by_band={}, spell=interval(-0.1, 0.1), answers=None, lasting=None,
    slope=interval(-0.1, 0.1), replay=Replay(dates=12, spoken=1, widen=1.0, weeks=13), order_p=0.02,
    smallest_detectable=0.1, n_items=80, n_own=60, n_weeks=40, n_teams=5, window={}, left_out={}, typical=5.0,
    method="", error=0.05, ratio=True,
)  # fmt: skip


def asked(found=CALM, *, withheld=False):
    """Check name -> check."""
    return {check.name: check for check in threats(found, withheld=withheld)}


def test_a_calm_estimate_passes_everything():
    """Every threat is named even where there is none, in a fixed order."""
    checks = asked()

    assert tuple(checks) == NAMES
    assert {"passed"} == {check.result for check in checks.values()}


@pytest.mark.parametrize(("share", "result"), [(0.24, "passed"), (0.25, "noted")])
def test_one_team_alone_to_compare_with_is_told(share, result):
    """What happened in the only team that is left would look like an effect."""
    check = asked(replace(CALM, beside_one=share))["comparison"]

    assert result == check.result
    assert ("25% of the work after the rollouts lies in weeks in which one team alone" in check.found) == (
        result == "noted"
    )


def test_orders_are_named_only_where_dealt():
    """Without dealt orders there is no check of them."""
    assert "rollout order" not in asked(replace(CALM, order_p=None))


def test_no_check_tells_an_effect_that_is_withheld():
    """Where no number may be shown, none shows through a check: no rollout orders, no estimates behind a spell."""
    found = replace(CALM, answers=(-0.22, -0.41), lasting=(-0.17, -0.03))

    open_ones, kept = asked(found), asked(found, withheld=True)

    assert (
        "without the eight weeks before, the effect is −22%, with all weeks −41%"
        in open_ones["weeks just before"].found
    )
    assert "on top of that the effect would be −3%" in open_ones["moved at another time"].found
    assert kept["weeks just before"].found.endswith("from the rest, drawn towards zero")
    assert kept["moved at another time"].found.endswith("(if it was a pilot, its date is the rollout)")
    assert set(open_ones) - set(kept) == {"rollout order"}


@pytest.mark.parametrize(
    ("parts", "name", "result", "told"),
    [
        pytest.param({"design": AT_ONCE}, "comparison", "forbids", "none is left to compare with", id="at-once"),
        pytest.param({"n_teams": 1}, "comparison", "noted", "no other team is there", id="alone"),
        pytest.param({}, "comparison", "passed", "beside 3 teams", id="beside-others"),
        pytest.param({"beyond": 0.24}, "comparison", "passed", "beside 3 teams", id="beside-others-nearly-always"),
        pytest.param({"beyond": 0.4}, "comparison", "noted", "40% of the work after the rollouts", id="nobody-waits"),
        pytest.param(
            {"slope": interval(0.1, 0.3)}, "trend before", "noted", "own trend was +20% (+10% to +30%) a year",
            id="slower",
        ),
        pytest.param({"slope": interval(-0.4, -0.2)}, "trend before", "noted", "−30% (−40% to −20%)", id="faster"),
        pytest.param(
            {"slope": interval(0.1, 0.3), "ratio": False}, "trend before", "noted",
            "+20 points (+10 to +30 points)", id="points",
        ),
        pytest.param({}, "weeks just before", "passed", "ordinary ones", id="no-spell"),
        pytest.param(
            {"answers": (0.05, -0.1), "spell": interval(0.2, 0.6)}, "weeks just before", "noted",
            "lay +40% (+20% to +60%) from the rest, drawn towards zero: a bad spell that was answered", id="bad-spell",
        ),
        pytest.param(
            {"answers": (-0.2, -0.1), "spell": interval(-0.6, -0.2)}, "weeks just before", "noted",
            "drawn towards zero: a pilot, or what came before it", id="better-before",
        ),
        pytest.param(
            {"answers": (0.05, -0.1), "ratio": False}, "weeks just before", "noted",
            "without the eight weeks before, the effect is +5 points, with all weeks −10 points", id="both-answers",
        ),
        pytest.param(
            {"lasting": (-0.2, 0.01)}, "moved at another time", "noted",
            "by −20%; on top of that the effect would be +1%", id="moved-before",
        ),
        pytest.param({}, "moved at another time", "passed", "no sign of it", id="moved-at-no-other-time"),
        pytest.param({"n_teams": 1}, "moved at another time", "noted", "one series alone", id="not-told-alone"),
        pytest.param({"n_teams": 1}, "season", "noted", "turn of the year is left out", id="no-season-alone"),
        pytest.param({"design": AT_ONCE}, "season", "noted", "turn of the year is left out", id="no-season-at-once"),
        pytest.param({}, "season", "passed", "same week of other teams", id="season-beside-others"),
        pytest.param({"n_teams": 1, "new_months": {7: 4, 8: 5}}, "season", "noted",
                     "9 weeks after lie in months that the time before lacks (July, August)", id="a-summer-after-only"),
        pytest.param({"worst_first": (0.6, 0.01)}, "worst teams first", "noted",
                     "weeks were worse than usual came first (rank correlation +0.6, p 0.01)", id="worst-first"),
        pytest.param({"worst_first": (0.6, 0.2)}, "worst teams first", "passed", "correlation +0.6, p 0.20",
                     id="by-chance"),
        pytest.param({"worst_first": (-0.6, 0.01)}, "worst teams first", "passed", "correlation −0.6, p 0.01",
                     id="best-first"),
        pytest.param(
            {"replay": Replay(dates=0, spoken=0, widen=1.0)}, "ordinary dates", "noted", "not tried: too little",
            id="no-dates",
        ),
        pytest.param({}, "ordinary dates", "passed", "spoken on 1 of 12 ordinary dates", id="calm-dates"),
        pytest.param(
            {"replay": Replay(dates=12, spoken=5, widen=1.25, weeks=13)}, "ordinary dates", "noted",
            "5 of 12 ordinary dates of the past, 13 weeks after each; the interval is 25% wider for it",
            id="restless-dates",
        ),
        pytest.param({"order_p": 0.10}, "rollout order", "passed", "10% of the rollout orders", id="rare-order"),
        pytest.param({"order_p": 0.11}, "rollout order", "noted", "11% of the rollout orders", id="common-order"),
    ],
)  # fmt: skip
def test_threats_from_the_estimate(parts, name, result, told):
    """What the estimate knows about itself decides, with its figures in the text."""
    check = asked(replace(CALM, **parts))[name]

    assert result == check.result
    assert told in check.found
