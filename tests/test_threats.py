"""Threats to an estimate: each named, with its size, and what it does to the verdict."""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from prodops_analysis import METRICS, Change, Settings
from prodops_analysis.checks import Subject
from prodops_analysis.comparison import AT_ONCE, Estimate
from prodops_analysis.estimators.rollout import Interval, Replay
from prodops_analysis.threats import threats
from prodops_analysis.work_items import Fold

ROLLOUT = date(2025, 6, 2)
NAMES = (
    "comparison", "trend before", "weeks just before", "season", "ordinary dates", "rollout order", "mix of work",
    "dropped work", "bulk edits", "fields filled in", "typed dates",
)  # fmt: skip


def interval(low, high):
    """An interval around its middle."""
    return Interval(estimate=(low + high) / 2, low=low, high=high)


CALM = Estimate(
    estimate=-0.2, low=-0.3, high=-0.1, design="2 teams, each from its own rollout on, beside 3 teams",
    beyond=0.0, statistic=-4.0, df=12, by_team={}, by_band={}, spell=interval(-0.1, 0.1), answers=None,
    slope=interval(-0.1, 0.1), replay=Replay(dates=12, spoken=1, widen=1.0), order_p=0.02,
    smallest_detectable=0.1, n_items=80, n_own=60, n_weeks=40, n_teams=5, window={}, left_out={}, typical=5.0,
    method="", error=0.05, ratio=True,
)  # fmt: skip


def observations(*, n=40, before=("feature", "M", "done"), after=("feature", "M", "done"), share=1.0):
    """Items of the team A and of the comparison B; `share` of A's items after the rollout are as `after` says."""
    rows = []
    for team in "AB":
        for k in range(2 * n):
            late = k >= n
            kind, size, outcome = after if late and team == "A" and (k - n) < share * n else before
            day = pd.Timestamp(ROLLOUT, tz="UTC") + pd.Timedelta(days=k - n)
            rows.append((f"{team}{k}", team, kind, size, outcome, day))
    return pd.DataFrame(rows, columns=["item_id", "team", "item_type", "size", "outcome", "at"])


def asked(found=CALM, observed=None, *, batch=1, metric="cycle_time", zone="UTC", withheld=False, **columns):
    """Check name -> check; `columns` of the work items."""
    observed = observations() if observed is None else observed
    nine = observed["at"] + pd.Timedelta(hours=9)
    items = observed[["item_id", "item_type", "size"]].assign(finish_batch=batch, ever_owned=True, started_at=nine)
    items = items.assign(finished_at=nine + pd.Timedelta(days=2)).assign(**columns)
    subject = Subject(
        folded=Fold(items=items, spells=pd.DataFrame(), as_of=pd.Timestamp("2026-01-05", tz="UTC")),
        metric=METRICS[metric], change=Change(rollouts={"A": ROLLOUT}), rollouts={"A": ROLLOUT},
        settings=Settings(workflow={"Doing": "active", "Done": "done"}, time_zone=zone), doubts={}, others=(),
    )  # fmt: skip
    return {check.name: check for check in threats(found, subject, observed, withheld=withheld)}


def test_a_calm_estimate_passes_everything():
    """Every threat is named even where there is none, in a fixed order."""
    checks = asked()

    assert tuple(checks) == NAMES
    assert {"passed"} == {check.result for check in checks.values()}


def test_orders_are_named_only_where_dealt():
    """Without dealt orders there is no check of them."""
    assert "rollout order" not in asked(replace(CALM, order_p=None))


def test_no_check_tells_an_effect_that_is_withheld():
    """Where no number may be shown, none shows through a check: no rollout orders, no estimates behind a spell."""
    found = replace(CALM, answers=(-0.22, -0.41))

    open_ones, kept = asked(found), asked(found, withheld=True)

    assert "without the eight weeks before, −22%, and that with all weeks, −41%" in open_ones["weeks just before"].found
    assert kept["weeks just before"].found.endswith("a bad spell that was answered, or a pilot")
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
            "lay +40% (+20% to +60%) from the rest", id="bad-spell",
        ),
        pytest.param(
            {"answers": (0.05, -0.1), "ratio": False}, "weeks just before", "noted",
            "without the eight weeks before, +5 points, and that with all weeks, −10 points", id="both-answers",
        ),
        pytest.param({"n_teams": 1}, "season", "noted", "turn of the year is left out", id="no-season-alone"),
        pytest.param({"design": AT_ONCE}, "season", "noted", "turn of the year is left out", id="no-season-at-once"),
        pytest.param({}, "season", "passed", "same week of other teams", id="season-beside-others"),
        pytest.param(
            {"replay": Replay(dates=0, spoken=0, widen=1.0)}, "ordinary dates", "noted", "not tried: too little",
            id="no-dates",
        ),
        pytest.param({}, "ordinary dates", "passed", "spoken on 1 of 12 ordinary dates", id="calm-dates"),
        pytest.param(
            {"replay": Replay(dates=12, spoken=5, widen=1.25)}, "ordinary dates", "noted",
            "on 5 of 12 ordinary dates of the past; the interval is 25% wider for it", id="restless-dates",
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


@pytest.mark.parametrize(
    ("after", "share", "name", "told"),
    [
        pytest.param(("bug", "M", "done"), 0.125, "mix of work", "12% of the work is of other types", id="types"),
        pytest.param(("feature", "L", "done"), 0.5, "mix of work", "50% of the work is of other types", id="sizes"),
        pytest.param(
            ("feature", "M", "dropped"), 0.1, "dropped work",
            "0% before and 10% after of items dropped; a dropped item counts as not done", id="dropped",
        ),
    ],
)  # fmt: skip
def test_threats_from_the_work(after, share, name, told):
    """A tenth more of other or dropped work among the adopters is named; less is not."""
    named, fine = (asked(observed=observations(after=after, share=s)) for s in (share, 0.075))

    assert "noted" == named[name].result
    assert told in named[name].found
    assert "passed" == fine[name].result
    assert {"passed"} == {check.result for other, check in named.items() if other != name}


def test_dropped_work_of_a_share_is_not_called_unfinished():
    """Only durations count a dropped item as not done."""
    observed = observations(after=("feature", "M", "dropped"))

    assert "not done" not in asked(observed=observed, metric="owner_at_start")["dropped work"].found


def tenth_after(team="A"):
    """Whether an item is one of the tenth of a team's after its rollout."""
    observed = observations()
    late = (observed["team"] == team) & (observed["at"] >= pd.Timestamp(ROLLOUT, tz="UTC"))
    return late & (np.arange(len(observed)) % 10 == 0)


@pytest.mark.parametrize(
    ("column", "empty", "words"),
    [
        pytest.param("item_type", None, "a type", id="type"),
        pytest.param("size", "", "a size", id="size"),
        pytest.param("ever_owned", False, "an owner at some time", id="owner"),
    ],
)
def test_a_field_that_is_filled_in_more_often(column, empty, words):
    """A field that a tenth of the items lacked before, or lack after, is named with both shares."""
    full = pd.Series({"item_type": "feature", "size": "M", "ever_owned": True}[column], index=observations().index)
    early = observations()["at"] < pd.Timestamp(ROLLOUT, tz="UTC")
    some = early & (np.arange(len(full)) % 10 == 0)

    lacking = (some, tenth_after(), tenth_after("B"))

    more, fewer, other = (asked(**{column: full.mask(rows, empty)})["fields filled in"] for rows in lacking)

    assert ("noted", f"90% before and 100% after have {words}: was a field made required, or given up?") == (
        more.result, more.found
    )  # fmt: skip
    assert ("noted", f"100% before and 90% after have {words}: was a field made required, or given up?") == (
        fewer.result, fewer.found
    )  # fmt: skip
    assert other.result == "passed"


@pytest.mark.parametrize("column", ["started_at", "finished_at"])
@pytest.mark.parametrize(("zone", "hour"), [("UTC", 0), ("Europe/Berlin", 22)])
def test_typed_dates(column, zone, hour):
    """Starts or ends at midnight where the team works are dates that somebody typed; a tenth more of them is named."""
    at = observations()["at"] + pd.Timedelta(hours=9)
    typed = at.mask(tenth_after(), at.dt.normalize() + pd.Timedelta(hours=hour))

    check = asked(zone=zone, **{column: typed})["typed dates"]

    assert ("noted", "0% before and 10% after of items start or end at midnight, as typed days do") == (
        check.result, check.found
    )  # fmt: skip


@pytest.mark.parametrize(("size", "result"), [(4, "passed"), (5, "noted")])
def test_bulk_edits(size, result):
    """Finishes edited together with four others count as bulk; a tenth more of them after the rollout is named."""
    check = asked(batch=np.where(tenth_after(), size, 1))["bulk edits"]

    assert result == check.result
    assert f"0% before and {'10' if size == 5 else '0'}% after of items finished in bulk" == check.found


def test_the_comparison_is_not_the_adopter():
    """What changes in other teams is no threat of this kind."""
    observed = observations()
    other = observed.assign(item_type=observed["item_type"].mask(observed["team"] == "B", "bug"))

    assert {"passed"} == {check.result for check in asked(observed=other).values()}
