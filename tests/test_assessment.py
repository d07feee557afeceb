"""`assess` from an event log to a verdict: known effects, none, what forbids an answer, odd inputs, invariances."""

import dataclasses
import json
import re
from datetime import date, datetime, timedelta
from functools import lru_cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from simulator import STATES, World, simulate

from prodops_analysis import METRICS, Change, Settings, Verdict, Workflow, Worthwhile, assess
from prodops_analysis.comparison import Estimate
from prodops_analysis.errors import EventLogError, SettingsError
from prodops_analysis.estimators.rollout import Replay
from prodops_analysis.estimators.together import Interval
from prodops_analysis.verdict import judge

START = date(2025, 1, 6)
TWELVE = tuple(f"Team {letter}" for letter in "ABCDEFGHIJKL")
SIX = ("Ada", "Bo", "Cy", "Dee", "Eve", "Flo")
SMALL = {"Ada": 24, "Bo": 27, "Cy": 30}  # week of each rollout; Dee, Eve and Flo stay as they were
DIRECTIONS = {Verdict.IMPROVED, Verdict.WORSENED}
SETTINGS = Settings(workflow=STATES)
NUMBERS = ("estimate", "low", "high", "statistic", "smallest_detectable")
QUIET = Interval(estimate=0.0, low=-0.1, high=0.1)
AN_ESTIMATE = Estimate(
    estimate=0.0, low=-0.1, high=0.1, design="", beyond=0.0, beside_one=0.0, new_months={}, worst_first=None,
    statistic=0.0, t_any=0.0, df=12, by_team={}, by_band={}, spell=QUIET, answers=None, lasting=None, slope=QUIET,
    replay=Replay(dates=0, spoken=0, widen=1.0), order_p=None,
    smallest_detectable=0.1, n_items=0, n_own=0, n_weeks=0, n_teams=2, window={}, left_out={}, typical=None,
    method="", error=0.05, ratio=True,
)  # fmt: skip


@dataclasses.dataclass(frozen=True, eq=False)
class Made:
    """A log, when it was taken, and a change with rollouts at the given weeks."""

    log: pd.DataFrame
    as_of: pd.Timestamp
    weeks: dict

    def change(self, **rest):
        """The change of this world."""
        rest = {"rollouts": {t: START + timedelta(weeks=int(w)) for t, w in self.weeks.items()}} | rest
        return Change(**({"primary_metric": "cycle_time", "smallest_worthwhile": 0.15} | rest))

    def asked(self, *, log=None, change=None, settings=SETTINGS, as_of=None, items=None, **rest):
        """Assess, with parts replaced."""
        return assess(
            self.log if log is None else log, items, change or self.change(),
            as_of=self.as_of if as_of is None else as_of, settings=settings, **rest,
        )  # fmt: skip


@lru_cache
def twelve(seed, effect=0.0, faults=0.0):
    """Twelve staggered teams, 18 months."""
    rng = np.random.default_rng([2026, seed])
    weeks = {str(team): 26 + 3 * k for k, team in enumerate(rng.permutation(TWELVE))}
    speed = {team: (week, float(np.log1p(effect))) for team, week in weeks.items()}
    made = simulate(World(teams=TWELVE, speed=speed, faults=dict.fromkeys(TWELVE, faults)), rng=rng)
    return Made(made.log(), made.as_of, weeks)


@lru_cache
def small(seed=1, effect=-0.6, added=0.0, teams=SIX, faulty=()):
    """Six teams, one year; three adopt. The effect on cycle time is on the log scale."""
    world = World(
        teams=teams, weeks=52, items_a_week=4.0, median_days=5.0, shock_sd=0.05, season=0.0,
        speed={t: (w, effect) for t, w in SMALL.items()}, owned={t: (w, added) for t, w in SMALL.items()},
        faults=dict.fromkeys(faulty, 0.8),
    )  # fmt: skip
    made = simulate(world, rng=np.random.default_rng(seed))
    return Made(made.log(), made.as_of, {t: w for t, w in SMALL.items() if t in teams})


@lru_cache
def plain(made):
    """The answer to a world as it is."""
    return made.asked()


def found_by(assessment, name):
    """The named check."""
    return next(check for check in assessment.checks if check.name == name)


def begun_since(log, day):
    """The items of teams that were begun from a team's day on."""
    begun = log[log["to_value"] == "In progress"].groupby("item_id").agg(at=("at", "min"), team=("team", "first"))
    return set(begun.index[begun["at"] >= begun["team"].map(day)])


def renamed(made, old, new, *, teams, before=False):
    """The log in which a state has a new name from each team's rollout on (or until then)."""
    log = made.log
    first = log["team"].map({t: pd.Timestamp(START, tz="UTC") + pd.Timedelta(weeks=made.weeks.get(t, 26)) for t in SIX})
    hit = log["team"].isin(teams) & (log["field"] == "state") & (log["to_value"] == old)
    hit &= (log["at"] < first) if before else (log["at"] >= first)
    return log.assign(to_value=log["to_value"].mask(hit, new))


def says_nothing(assessment):
    """Whether the assessment gives no answer and no number, but a reason."""
    numbers = (assessment.estimate, assessment.low, assessment.high, assessment.statistic, assessment.in_unit)
    return assessment.verdict is Verdict.NOT_ENOUGH_EVIDENCE and numbers == (None,) * 5 and bool(assessment.reasons)


def test_an_effect_is_found():
    """Twelve teams get 30 % faster one after another: improved, with the truth inside the interval."""
    found = twelve(0, effect=-0.30).asked()

    assert (found.verdict, found.scale, found.metric) == (Verdict.IMPROVED, "ratio", "cycle_time")
    assert found.low <= -0.30 <= found.high
    assert set(found.by_team) <= set(TWELVE)
    assert found.in_unit[0] < 0
    assert found.in_unit[1] <= found.in_unit[0] <= found.in_unit[2]


def test_no_effect_is_not_claimed():
    """The same organisation without an effect: no direction."""
    assert twelve(0).asked().verdict not in DIRECTIONS


def test_doubtful_data_forbids_an_answer():
    """Grade D under the figure: not enough evidence although the effect is there, and no number to misuse."""
    found = twelve(0, effect=-0.30, faults=0.45).asked()

    assert says_nothing(found)
    assert found_by(found, "data quality").result == "forbids"
    assert "grade D" in " ".join(found.reasons)


def test_a_state_that_the_map_misspells_is_named():
    """With the start state unknown there is no answer, and the reason says which word the map does not know."""
    settings = Settings(
        workflow={("In Progress" if state == "In progress" else state): stage for state, stage in STATES.items()}
    )

    found = small().asked(settings=settings)

    assert says_nothing(found)
    assert "unknown state before the start ('In progress')" in " ".join(found.reasons)


@pytest.mark.parametrize(
    ("metric", "verdict", "scale"),
    [
        pytest.param("cycle_time", Verdict.IMPROVED, "ratio", id="cycle-time"),
        pytest.param("lead_time", None, "ratio", id="lead-time"),
        pytest.param("throughput", None, "ratio", id="throughput-has-not-changed"),
        pytest.param("owner_at_start", Verdict.IMPROVED, "difference", id="share-with-an-owner"),
    ],
)
def test_metrics(metric, verdict, scale):
    """Work got 45 % faster and 30 points more of it owned; throughput and lead time follow their own data."""
    found = small(seed=2, effect=-0.6, added=0.3).asked(metric=metric)

    assert (metric, scale) == (found.metric, found.scale)
    assert found.low <= found.estimate <= found.high
    assert found.verdict is verdict if verdict else found.verdict is not Verdict.WORSENED
    if metric == "owner_at_start":
        assert found.low <= 0.3 <= found.high


def reopening(made, before, after, *, seed=1):
    """The log in which a share of finished work is sent back ten days after its end and done again five days later."""
    log = made.log
    done = log[(log["field"] == "state") & (log["to_value"] == "Done")]
    day = done["team"].map({t: pd.Timestamp(START, tz="UTC") + pd.Timedelta(weeks=w) for t, w in made.weeks.items()})
    share = np.where(done["at"] >= day, after, before)
    back = done[np.random.default_rng(seed).uniform(size=len(done)) < share]
    moves = [back.assign(at=back["at"] + pd.Timedelta(days=days), to_value=to, event_id=back["event_id"] + to)
             for days, to in ((10, "In progress"), (15, "Done"))]  # fmt: skip
    return pd.concat([log, *moves], ignore_index=True)


@pytest.mark.parametrize(
    ("after", "verdict"),
    [
        pytest.param(0.1, Verdict.IMPROVED, id="less-comes-back"),
        pytest.param(0.4, Verdict.NOT_ENOUGH_EVIDENCE, id="as-much-as-before"),
        pytest.param(0.8, Verdict.WORSENED, id="more-comes-back"),
    ],
)
def test_work_that_comes_back(after, verdict):
    """Forty of a hundred finished items came back within 30 days before; the change in that share is seen in points."""
    made = small(seed=2, effect=0.0)

    found = made.asked(log=reopening(made, 0.4, after), metric="reopened")

    assert found.verdict == verdict
    assert found.low <= after - 0.4 <= found.high
    assert max(day for _, day in found.window.values()) <= (made.as_of - pd.Timedelta(days=23)).date()


def test_clearer_ownership_of_work_that_comes_back_is_no_improvement():
    """As a guardrail, more reopened work blocks the verdict that more owners at the start would get."""
    made = small(seed=2, added=0.3)
    change = made.change(primary_metric="owner_at_start", guardrails=("reopened",))

    quiet, loud = (made.asked(log=reopening(made, 0.05, after), change=change) for after in (0.05, 0.6))

    assert (quiet.verdict, loud.verdict) == (Verdict.IMPROVED, Verdict.NOT_ENOUGH_EVIDENCE)
    assert found_by(loud, "guardrail reopened work").result == "blocks"


@pytest.mark.parametrize("name", [metric.name for metric in METRICS.values() if metric.kind != "level"])
def test_every_metric_with_a_cohort_can_be_assessed(name):
    """Whatever the registry holds but levels goes all the way to an answer, if only that nothing varies."""
    assert (name, True) == ((found := small().asked(metric=name)).metric, bool(found.reasons))


def test_a_new_start_state_forbids_an_answer():
    """Adopters' start state gets another name at the rollout: measured otherwise, so no answer, and the state named."""
    made = small()
    settings = Settings(workflow={**STATES, "Doing": "active"})

    found = made.asked(log=renamed(made, "In progress", "Doing", teams=SMALL), settings=settings)

    assert says_nothing(found)
    assert found_by(found, "measurement changed at rollout").result == "forbids"
    assert "'Doing'" in " ".join(found.reasons)
    assert "'In progress'" in " ".join(found.reasons)


def test_a_declared_name_is_answered():
    """With `same_as` the renamed start state gives the answer that it gave under its old name."""
    made = small()
    settings = Settings(workflow=Workflow.of(STATES, same_as={"Doing": "In progress"}))

    found = made.asked(log=renamed(made, "In progress", "Doing", teams=SMALL), settings=settings)

    as_it_was = plain(made)
    assert (as_it_was.verdict, as_it_was.estimate) == (found.verdict, pytest.approx(found.estimate))


@pytest.mark.parametrize("teams", [SMALL, ["Dee", "Eve", "Flo"]], ids=["adopting", "comparison"])
def test_two_states_are_not_one(teams):
    """A map that calls a start state a new name of the next one, or the last state one of `Done`, is not believed."""
    made = small()
    log = renamed(made, "In progress", "Doing", teams=teams)
    settings = Settings(workflow=Workflow.of(STATES, same_as={"Doing": "In review"}))

    found = made.asked(log=log, settings=settings)

    told = " ".join(check.found for check in found.checks)
    assert "items that were in 'Doing' or 'In review' were in both" in told
    assert ("mend same_as" in told) == (teams == SMALL)
    assert says_nothing(found) == (teams == SMALL)
    assert teams == SMALL or set(found.window) == set(SMALL)


def test_two_states_under_way_are_not_asked():
    """Where neither stamps the clock it does not matter that a map calls two states one."""
    made = small()
    again = made.log[made.log["to_value"] == "In review"]
    again = again.assign(
        at=again["at"] + pd.Timedelta(seconds=1), to_value="Checking", event_id=again["event_id"] + "c"
    )
    settings = Settings(workflow=Workflow.of(STATES, start=("In progress",), same_as={"Checking": "In review"}))

    found = made.asked(log=pd.concat([made.log, again]), settings=settings)

    assert found_by(found, "measurement changed at rollout").result == "passed"
    assert found.estimate == pytest.approx(plain(made).estimate)


def test_a_rollout_before_the_log_tells_nothing():
    """Of a team that began before its log nothing is compared, and no team that was there all along is called new."""
    made = small(added=-0.3)
    days = made.change().rollouts

    found = made.asked(change=made.change(rollouts={**days, "Ada": date(2020, 1, 6)}))

    assert ["Bo", "Cy"] == sorted(found.by_team)
    assert any(why.startswith("of Ada, of which no week before") for why in found.left_out)
    assert "left out is the work of Ada, of which no week before" in found_by(found, "comparison").found
    assert found_by(found, "new teams").result == "passed"


def test_a_rollout_after_the_verdict_is_named():
    """A year mistyped makes a team one of the comparison; the check says which."""
    made = small()
    days, decided = made.change().rollouts, date(2025, 12, 1)

    found = made.asked(change=made.change(rollouts={**days, "Ada": date(2062, 1, 6)}, decision_date=decided))

    assert "begins after the decision date, 2025-12-01: Ada 2062-01-06" in found_by(found, "time of the look").found
    assert found_by(found, "time of the look").result == "noted"


def ramp(weeks):
    """Nobody uses the new name three weeks before the rollout, everybody three weeks after it."""
    return np.clip((weeks + 3) / 6, 0, 1)


def stragglers(weeks):
    """The new name comes with the rollout, but one start in twenty of each side has the other name."""
    return np.where(weeks >= 0, 0.95, 0.05)


@pytest.mark.parametrize("share", [ramp, stragglers])
def test_a_start_state_that_comes_bit_by_bit_forbids_an_answer(share):
    """The new start state is there before the rollout, the old one after it: measured otherwise all the same."""
    made = small()
    weeks = (made.log["at"] - pd.Timestamp(START, tz="UTC")) / pd.Timedelta(weeks=1) - made.log["team"].map(made.weeks)
    starts = (made.log["field"] == "state") & (made.log["to_value"] == "In progress") & made.log["team"].isin(SMALL)
    new = starts & (np.random.default_rng(5).uniform(size=len(weeks)) < share(weeks.fillna(0.0)))
    settings = Settings(workflow={**STATES, "Doing": "active"})

    found = made.asked(log=made.log.assign(to_value=made.log["to_value"].mask(new, "Doing")), settings=settings)

    assert says_nothing(found)
    assert found_by(found, "measurement changed at rollout").result == "forbids"
    assert "'Doing'" in " ".join(found.reasons)


def test_kinds_of_work_that_start_elsewhere_forbid_nothing():
    """Four in ten items start in another state, after the rollout six: more of one kind of work, but no new clock."""
    made = small()
    starts = (made.log["field"] == "state") & (made.log["to_value"] == "In progress")
    first = pd.Timestamp(START, tz="UTC") + pd.to_timedelta(7 * made.log["team"].map(made.weeks).fillna(200), unit="D")
    often = np.where(made.log["at"] >= first, 0.6, 0.4)
    other = starts & (np.random.default_rng(5).uniform(size=len(often)) < often)
    settings = Settings(workflow={**STATES, "Doing": "active"})

    found = made.asked(log=made.log.assign(to_value=made.log["to_value"].mask(other, "Doing")), settings=settings)

    assert found_by(found, "measurement changed at rollout").result == "passed"


def test_a_new_finish_state_forbids_an_answer():
    """The same holds for what stops the clock."""
    made = small()
    settings = Settings(workflow={**STATES, "Released": "done"})

    found = made.asked(log=renamed(made, "Done", "Released", teams=SMALL), settings=settings)

    assert says_nothing(found)
    assert "'Released'" in " ".join(found.reasons)
    assert "'Done'" in " ".join(found.reasons)


def test_a_start_state_that_vanishes_forbids_an_answer():
    """States known only before the rollout are as bad as states known only after it."""
    made = small()
    settings = Settings(workflow={**STATES, "Started": "active"})
    log = renamed(made, "In progress", "Started", teams=SMALL, before=True)

    assert says_nothing(made.asked(log=log, settings=settings))


@pytest.mark.parametrize(
    ("old", "new", "stage"),
    [
        pytest.param("Backlog", "Inbox", "queue", id="queue-state"),
        pytest.param("In review", "Checking", "active", id="state-in-mid-course"),
        pytest.param("In review", "Checking", None, id="state-in-mid-course-that-no-map-knows"),
    ],
)
def test_a_rename_elsewhere_forbids_nothing(old, new, stage):
    """A state that neither starts nor stops the clock may change its name, known to the map or not."""
    made = small()
    settings = Settings(workflow={**STATES, new: stage}) if stage else SETTINGS

    found = made.asked(log=renamed(made, old, new, teams=SMALL), settings=settings)

    assert plain(made).verdict == found.verdict
    assert found.estimate == pytest.approx(plain(made).estimate)


def test_teams_that_only_get_work_handed_on_are_told_why_they_have_none():
    """Where all work begins with an intake, the teams that it goes to are known to the log, and have no items."""
    made = small()
    first = ~made.log["item_id"].duplicated()

    found = made.asked(log=made.log.assign(team=made.log["team"].mask(first, "Intake")))

    assert says_nothing(found)
    assert "and an item counts for the team it began with" in found.reasons[0]


@pytest.mark.parametrize("metric", ["reopened", "cycle_time"])
def test_work_that_comes_back_into_an_unknown_state_did_not_stay_done(metric):
    """Where adopters send work back to a new column that no map knows, less of it only seems to come back."""
    made = small(effect=0.0)
    ends = made.log[(made.log["to_value"] == "Done") & made.log["item_id"].str.contains("[37]$")]
    back, again = pd.Timedelta(days=1), pd.Timedelta(days=2)
    log = pd.concat([made.log, ends.assign(at=ends["at"] + back, to_value="In progress"),
                     ends.assign(at=ends["at"] + again)])  # fmt: skip
    bent = Made(log[log["at"] <= made.as_of], made.as_of, made.weeks)

    known = bent.asked(metric=metric)
    found = bent.asked(log=renamed(bent, "In progress", "Rework", teams=SMALL).pipe(_only_after_done), metric=metric)

    assert found_by(known, "unknown states").result == "passed"
    assert says_nothing(found)
    assert "'Rework'" in " ".join(found.reasons)


def _only_after_done(log):
    """Keep the new name only where work comes back."""
    first_done = log["item_id"].map(log[log["to_value"] == "Done"].groupby("item_id")["at"].min())
    early = (log["to_value"] == "Rework") & ~(log["at"] > first_done)
    return log.assign(to_value=log["to_value"].mask(early, "In progress"))


def test_a_rename_in_a_fifth_of_the_starts_is_the_border():
    """A new start state for one of three adopters is a third of the starts after: enough to forbid."""
    made = small()
    settings = Settings(workflow={**STATES, "Doing": "active"})

    found = made.asked(log=renamed(made, "In progress", "Doing", teams=["Ada"]), settings=settings)

    assert says_nothing(found)


def test_a_rename_in_comparison_teams_does_not_pass_in_silence():
    """Comparison teams that stamp the start otherwise from the rollout on are left out or forbid; never just used."""
    made = small(effect=0.0)
    settings = Settings(workflow={**STATES, "Doing": "active"})

    found = made.asked(log=renamed(made, "In progress", "Doing", teams=["Dee", "Eve", "Flo"]), settings=settings)

    assert {"Dee", "Eve", "Flo"}.isdisjoint(found.window) or any(c.result != "passed" for c in found.checks)


def test_each_team_is_held_against_its_own_stamps():
    """One comparison team that stamps the start otherwise is left out by name; nobody else is touched by it."""
    made = small()
    settings = Settings(workflow={**STATES, "Doing": "active"})

    found = made.asked(log=renamed(made, "In progress", "Doing", teams=["Flo"]), settings=settings)

    assert set(SIX) - {"Flo"} == set(found.window)
    told = found_by(found, "comparison teams").found
    assert told.startswith("Flo left out (100% of starts before come from 'In progress'")
    assert "Dee" not in told
    assert found_by(found, "measurement changed at rollout").result == "passed"


def test_work_without_a_team_is_no_comparison():
    """Items that nobody is named for are not one more team beside the others."""
    made = small()

    found = made.asked(log=made.log.assign(team=made.log["team"].replace("Flo", None)))

    assert set(SIX) - {"Flo"} == set(found.window)
    assert "items without a team left out" in found_by(found, "comparison teams").found


def test_one_team_alone():
    """A single team is answered from its own past, and a check says what that leaves open."""
    made = small()
    log = made.log[made.log["team"] == "Cy"]

    found = made.asked(log=log, change=made.change(rollouts={"Cy": START + timedelta(weeks=30)}))

    assert found.method.startswith("One team before and after, beside no other")
    assert list(found.window) == ["Cy"]
    assert found.verdict is not Verdict.WORSENED
    check = found_by(found, "comparison")
    assert (check.result, "part of the effect" in check.found) == ("noted", True)


def test_all_teams_at_once():
    """When everybody starts on one day nothing is there to compare with: no number, and what to do instead."""
    made = small()

    found = made.asked(change=made.change(rollouts=dict.fromkeys(SIX, START + timedelta(weeks=26))))

    assert says_nothing(found)
    assert found.reasons == (f"comparison: {found_by(found, 'comparison').found}",)
    assert "none is left to compare with; let teams start one after the other" in found.reasons[0]


def test_a_harmed_guardrail_blocks_an_improvement():
    """Work got faster but 40 points fewer items have an owner: not improved, the guardrail named, the effect shown."""
    made = small(seed=2, effect=-0.6, added=-0.4)

    found = made.asked(change=made.change(guardrails=("owner_at_start",)))

    assert plain(made).verdict is Verdict.IMPROVED
    assert (found.verdict, found.worthwhile) == (Verdict.NOT_ENOUGH_EVIDENCE, Worthwhile.NOT_SHOWN)
    assert plain(made).estimate == found.estimate
    assert found_by(found, "guardrail owner at start").result == "blocks"
    assert found.reasons[0].startswith("guardrail owner at start: it got worse: −4")


@pytest.mark.parametrize(
    ("guardrail", "result", "told"),
    [
        pytest.param("owner_at_start", "passed", "no harm that matters: +", id="better-than-before"),
        pytest.param("throughput", "noted", "harm is not shown and not ruled out: ", id="as-before-or-worse"),
        pytest.param("wip", "noted", "cannot be compared", id="a-level"),
    ],
)
def test_a_guardrail_that_holds_blocks_nothing(guardrail, result, told):
    """A guardrail without harm, or one that cannot be judged, stands among the checks and leaves the verdict."""
    made = small(seed=2, effect=-0.6, added=0.3)

    found = made.asked(change=made.change(guardrails=(guardrail, "cycle_time")))

    check = next(check for check in found.checks if check.name.startswith("guardrail"))
    assert (check.result, told in check.found) == (result, True)
    assert (found.verdict, found.estimate) == (Verdict.IMPROVED, plain(made).estimate)
    assert 1 == sum(check.name.startswith("guardrail") for check in found.checks)


def test_a_guardrail_without_data_is_noted():
    """Nobody recorded owners: the guardrail cannot be judged, and says why, but blocks nothing."""
    made = small()
    log = made.log[made.log["field"] != "owner"]

    found = made.asked(log=log, change=made.change(guardrails=("owner_at_start",)))

    check = found_by(found, "guardrail owner at start")
    assert (check.result, check.found) == ("noted", "cannot be judged: nothing was observed for owner at start")
    assert found.verdict is Verdict.IMPROVED


def test_guardrails_belong_to_the_primary_metric():
    """Looking at another metric tests no guardrail of the change."""
    made = small(seed=2, effect=-0.6, added=-0.4)

    found = made.asked(change=made.change(guardrails=("owner_at_start",)), metric="lead_time")

    assert not any(check.name.startswith("guardrail") for check in found.checks)


def test_a_rollout_of_yesterday_lacks_an_after_and_no_before():
    """Whoever has a long past and no week after is told of the latter alone."""
    made = small()

    found = made.asked(change=made.change(rollouts={"Ada": made.as_of.date() - timedelta(days=1)}))

    assert says_nothing(found)
    assert found.reasons == (
        "only 0 items in whole weeks after the rollout; 25 are needed",
        "only 0 whole weeks after the rollout; 4 are needed",
    )


@pytest.mark.parametrize("metric", ["cycle_time", "throughput", "owner_at_start"])
@pytest.mark.parametrize(("zone", "hours"), [("Asia/Tokyo", 9), ("America/Phoenix", -7)])
def test_rollouts_and_decisions_are_on_days_of_their_own_time_zone(zone, hours, metric):
    """Whole days give the same answer by every clock on the wall, wherever it hangs."""
    made, ahead = small(added=0.3), pd.Timedelta(hours=hours)
    settings, log = SETTINGS.model_copy(update={"time_zone": zone}), made.log.assign(at=made.log["at"].dt.floor("D"))
    change = made.change(decision_date=made.as_of.date() - timedelta(weeks=4))

    here = made.asked(log=log, change=change, metric=metric)
    there = made.asked(log=log.assign(at=log["at"] - ahead), as_of=made.as_of - ahead, change=change, metric=metric,
                       settings=settings)  # fmt: skip

    assert here.until - there.until == ahead
    assert dataclasses.replace(there, until=here.until) == here


def test_before_the_decision_date_the_change_is_monitored():
    """Until the decision date there is no verdict and no number, only how long it takes."""
    made = small()

    found = made.asked(change=made.change(decision_date=date(2026, 2, 2), guardrails=("throughput",)))

    assert says_nothing(found)
    assert found.reasons == ("time of the look: monitoring: the decision is on 2026-02-02, 4 weeks to go",)
    assert found_by(found, "time of the look").result == "forbids"
    assert not any(check.name.startswith(("guardrail", "rollout order")) for check in found.checks)
    assert found.until == made.as_of


def test_after_the_decision_date_later_data_is_not_used():
    """The verdict of the decision date stands, whatever happened afterwards and whenever it is asked."""
    made = small()
    change = made.change(decision_date=date(2025, 11, 30))
    until = pd.Timestamp("2025-12-01", tz="UTC")
    other = made.log.assign(to_value=made.log["to_value"].mask(made.log["at"] > until, "Dropped"))

    found = made.asked(change=change)

    assert found.until == until
    assert max(last for _, last in found.window.values()) < until.date()
    assert found == made.asked(change=change, log=other)
    assert found == made.asked(change=change, log=made.log[made.log["at"] <= until], as_of=until)
    assert found_by(found, "time of the look").found == "one verdict, from the data until 2025-11-30"
    assert plain(made).estimate != found.estimate


def test_what_is_dated_on_the_day_after_the_decision_is_not_used():
    """In an export of whole days the work of the day after stands at its first instant; it came later."""
    made = small(effect=0.0)
    decided = made.change(decision_date=date(2025, 12, 1))
    days = made.log.assign(at=made.log["at"].dt.floor("D"))
    until = pd.Timestamp("2025-12-02", tz="UTC")

    assert (days["at"] == until).any()
    assert made.asked(log=days, change=decided) == made.asked(log=days[days["at"] < until], change=decided)


def test_a_decision_before_every_rollout_is_a_fault_of_the_record():
    """A decision date before the rollouts leaves nothing to judge, and the record is named."""
    made = small()

    found = made.asked(change=made.change(decision_date=date(2025, 3, 3)))

    assert says_nothing(found)
    assert found.reasons == ("the decision date, 2025-03-03, lies before every rollout; mend the record",)


def test_an_early_look_needs_more():
    """15 weeks in and without a decision date, what the 95 % interval would say is not yet said; on the date it is."""
    made = small(seed=4, effect=-0.5)
    early = pd.Timestamp("2025-10-06", tz="UTC")

    found = made.asked(as_of=early)
    decided = made.asked(as_of=early, change=made.change(decision_date=date(2025, 10, 5)))

    assert found.high < 0
    assert found.verdict is Verdict.NOT_ENOUGH_EVIDENCE
    assert "15 of 26 weeks" in found.reasons[0]
    assert "the 99.01% interval must lie wholly on one side of zero" in found.reasons[0]
    assert (decided.verdict, decided.estimate) == (Verdict.IMPROVED, found.estimate)


def test_a_rollout_dated_six_weeks_too_late_is_no_improvement():
    """Work that got faster before the recorded date is no effect of it, and that is said first."""
    made = small(seed=4)
    late = {team: START + timedelta(weeks=week + 6) for team, week in made.weeks.items()}

    found = made.asked(change=made.change(rollouts=late))

    assert plain(made).verdict is Verdict.IMPROVED
    assert found.verdict is Verdict.NOT_ENOUGH_EVIDENCE
    assert found.reasons[-1].startswith("what is seen may have come at another time: on top of that the effect would")
    assert found_by(found, "moved at another time").result == "noted"


def test_an_early_look_at_a_large_effect_speaks():
    """An effect far beyond doubt may be told early."""
    early = pd.Timestamp("2025-10-06", tz="UTC")

    assert small(seed=1, effect=-1.2).asked(as_of=early).verdict is Verdict.IMPROVED


def test_an_early_look_never_says_what_its_interval_does_not():
    """Where the 95 % interval lies inside m but the look is early, the reason is the look and not the interval."""
    made = small(seed=2, effect=0.0)
    early = pd.Timestamp("2025-10-06", tz="UTC")

    late, found = (
        made.asked(as_of=early, change=made.change(smallest_worthwhile=0.34, **rest))
        for rest in ({"decision_date": date(2025, 10, 5)}, {})
    )

    assert late.verdict is Verdict.NO_WORTHWHILE_CHANGE
    assert found.verdict is Verdict.NOT_ENOUGH_EVIDENCE
    assert found.reasons == (found_by(found, "time of the look").found,)


def test_more_metrics_looked_at_widen_the_interval():
    """Each of five metrics beside the primary one gets 99 %, which is wider, and called so."""
    made = small()

    one, five = plain(made), made.asked(looked_at=5)

    assert (one.estimate, one.statistic) == (five.estimate, five.statistic)
    assert five.low < one.low < one.high < five.high
    assert (one.confidence, five.confidence) == (0.95, 0.99)
    assert "99% interval" in str(five)
    assert "95 %" not in " ".join(five.reasons)


@given(
    st.floats(-8, 8), st.floats(-8, 8), st.floats(0.01, 1), st.integers(12, 30), st.booleans(),
    st.sampled_from([0.8, 0.95, 0.99]), st.sampled_from([0.99, 0.9999, 1.0]),
)  # fmt: skip
def test_a_wider_interval_claims_no_more(statistic, t_any, error, df, ratio, narrow, wide):
    """At a higher confidence no direction is gained and `not enough evidence` stays what it is."""
    found = dataclasses.replace(AN_ESTIMATE, statistic=statistic, t_any=t_any, error=error, df=df, ratio=ratio)

    sure, unsure = (
        judge(*found.at(c), smallest_worthwhile=0.15, better="lower").verdict for c in (narrow, max(narrow, wide))
    )

    assert unsure == sure or unsure not in DIRECTIONS
    assert sure is not Verdict.NOT_ENOUGH_EVIDENCE or unsure is Verdict.NOT_ENOUGH_EVIDENCE


@pytest.mark.parametrize(
    ("statistic", "t_any", "low", "high"),
    [
        pytest.param(-1.5, -2.5, -0.35, -0.0001, id="ends-beside-zero"),
        pytest.param(1.5, 2.5, 0.0001, 0.35, id="begins-beside-zero"),
        pytest.param(-1.5, -1.9, -0.35, 0.05, id="nothing-not-ruled-out"),
        pytest.param(-1.5, 2.5, -0.35, 0.05, id="the-other-way"),
        pytest.param(-3.0, -9.0, -0.5, -0.1, id="clear-as-it-is"),
        pytest.param(0.0, 2.5, -0.2, 0.2, id="no-direction"),
    ],
)
def test_no_effect_at_all_is_ruled_out(statistic, t_any, low, high):
    """An interval that holds zero only for what growth and differences leave open ends beside it."""
    error = 0.2 / stats.t.ppf(0.975, 12)  # whose interval reaches 0.2 to either side, and whose t is 2.18
    estimate = statistic * 0.1
    found = dataclasses.replace(AN_ESTIMATE, statistic=estimate / error, t_any=t_any, error=error, df=12, ratio=False)

    assert (low, high) == pytest.approx(found.at(0.95))


def test_a_direction_without_a_clear_size_says_so():
    """Where growth and differences alone would reach over zero, the reason tells what is known and what is not."""
    found = small(seed=19, effect=-0.4).asked()

    assert (found.verdict, found.high) == (Verdict.IMPROVED, pytest.approx(-0.0001, rel=1e-3))
    assert found.reasons == (
        "no effect at all is ruled out; how large it is, the data tell less well: the 95% interval, −46% to −0.01%, "
        "ends at zero",
    )


def test_a_guardrail_blocks_at_every_width():
    """What a wider interval says is no less than what the blocked one said."""
    made, change = small(effect=-0.05, added=-0.5), {"guardrails": ("owner_at_start",), "smallest_worthwhile": 0.6}

    said = [made.asked(change=made.change(**change), looked_at=k).verdict for k in (1, 2, 5, 20)]

    assert said == sorted(said, key=[Verdict.NO_WORTHWHILE_CHANGE, Verdict.NOT_ENOUGH_EVIDENCE].index)


def test_dropped_work_makes_no_cycle_time_shorter():
    """Without any effect, a third of the adopters' work dropped early after the rollout gives no improvement."""
    made = small(seed=3, effect=0.0)
    log = made.log
    first = log["team"].map({t: pd.Timestamp(START, tz="UTC") + pd.Timedelta(weeks=w) for t, w in SMALL.items()})
    state = log[log["field"] == "state"]
    begun = state[state["to_value"] == "In progress"].groupby("item_id")["at"].min()
    chosen = begun[begun >= first.set_axis(log["item_id"]).groupby(level=0).first().reindex(begun.index)].index
    gone = chosen[np.random.default_rng(3).uniform(size=len(chosen)) < 0.4]
    ends = log["item_id"].isin(gone) & (log["field"] == "state") & log["to_value"].isin(["Done", "Dropped"])
    between = log["item_id"].isin(gone) & log["to_value"].isin(["In review", "Waiting for decision"])
    start = log["item_id"].map(begun)
    sooner = log.assign(
        to_value=log["to_value"].mask(ends, "Dropped"), at=log["at"].mask(ends, start + (log["at"] - start) / 5)
    )[~between]

    found = made.asked(log=sooner)

    assert plain(made).verdict not in DIRECTIONS
    assert found.verdict is not Verdict.IMPROVED
    check = found_by(found, "dropped work")
    assert (check.result, "not done until it was dropped" in check.found) == ("noted", True)


def test_a_comparison_team_with_its_own_change_is_used_until_then():
    """Dee begins something else for the same metric: her later work is no comparison, her earlier work is."""
    made = small()
    other = Change(id="other", title="WIP limits", rollouts={"Dee": date(2025, 7, 7)}, primary_metric="cycle_time")

    found = made.asked(others=(other,))

    assert found.window["Dee"][1] < date(2025, 7, 7)
    assert found.window["Eve"][1] > date(2025, 7, 7)
    assert "Dee until 2025-07-07 only (WIP limits)" in found_by(found, "comparison teams").found


def test_changes_without_a_name_of_their_own_still_count():
    """Two changes built in plain Python share the default id; the other one is another one all the same."""
    made = small()
    other = Change(rollouts={"Dee": date(2025, 7, 7)}, primary_metric="cycle_time")

    assert made.asked(others=(other,)).window["Dee"][1] < date(2025, 7, 7)


@pytest.mark.parametrize(
    ("metric", "team"),
    [pytest.param("throughput", "Dee", id="another-metric"), pytest.param("cycle_time", "Zoe", id="another-team")],
)
def test_other_changes_that_do_not_touch_the_comparison(metric, team):
    """A change to another metric or of another team leaves the comparison whole."""
    made = small()
    other = Change(id="other", rollouts={team: date(2025, 7, 7)}, primary_metric=metric)

    found = made.asked(others=(made.change(), other))

    assert found_by(found, "comparison teams").result == "passed"
    assert found.estimate == plain(made).estimate


def test_other_changes_of_the_adopters_are_named():
    """What else the adopters began within twelve weeks stands in the checks."""
    made = small()
    other = Change(id="stand-up", title="Written status", rollouts={"Ada": START + timedelta(weeks=30)})

    check = found_by(made.asked(others=(other,)), "other changes in the window")

    assert check.result == "noted"
    assert check.found.startswith("adopting teams: Written status (Ada 2025-08-04); used: Ada until 2025-08-04,")


def test_what_another_change_did_later_is_not_credited_to_this_one():
    """Weeks of an adopter in which another change to the same metric was in use too are left out."""
    made = small(effect=0.0)
    faster = small(effect=-0.9).log
    later = {team: week + 10 for team, week in SMALL.items()}
    day = {team: pd.Timestamp(START, tz="UTC") + pd.Timedelta(weeks=week) for team, week in later.items()}
    other = Change(id="wip-limit", rollouts={team: at.date() for team, at in day.items()}, primary_metric="cycle_time")
    late = begun_since(made.log, day)
    log = pd.concat([made.log[~made.log["item_id"].isin(late)], faster[faster["item_id"].isin(late)]])

    alone, beside = made.asked(log=log), made.asked(log=log, others=(other,))

    assert alone.verdict is Verdict.IMPROVED
    assert beside.verdict not in DIRECTIONS
    told = "used: Ada until 2025-09-01, Bo until 2025-09-22, Cy until 2025-10-13, as another change to the same metric"
    assert told in found_by(beside, "other changes in the window").found


def test_two_changes_at_once_cannot_be_told_apart():
    """A team that got another change to the same metric at the time of this one speaks for neither."""
    made = small()
    twin = Change(id="wip-limit", rollouts=made.change().rollouts, primary_metric="cycle_time")
    of_one = Change(id="wip-limit", rollouts={"Ada": twin.rollouts["Ada"]}, primary_metric="cycle_time")

    both, some = made.asked(others=(twin,)), made.asked(others=(of_one,))

    assert (both.verdict, both.estimate) == (Verdict.NOT_ENOUGH_EVIDENCE, None)
    assert "left out: Ada, Bo, Cy, which got another change" in found_by(both, "other changes in the window").found
    assert set(some.by_team) == {"Bo", "Cy"}


def test_weeks_after_another_change_are_no_weeks_without_work():
    """Of counts, too, a team's weeks end where another change begins: what is not looked at is not zero."""
    made = small(effect=0.0)
    later = {team: START + timedelta(weeks=week + 10) for team, week in SMALL.items()}
    change = made.change(primary_metric="throughput")
    other = Change(id="wip-limit", rollouts=later, primary_metric="throughput")

    alone, beside = made.asked(change=change), made.asked(change=change, others=(other,))

    assert beside.verdict not in DIRECTIONS
    assert beside.estimate == pytest.approx(alone.estimate, abs=0.15)


def test_a_team_whose_export_ends_counts_no_zeros():
    """An adopter of whose work nothing comes in any more is followed until then."""
    made = small(effect=0.0)
    ends = pd.Timestamp(START, tz="UTC") + pd.Timedelta(weeks=SMALL["Ada"] + 12)
    log = made.log[(made.log["team"] != "Ada") | (made.log["at"] < ends)]
    change = made.change(primary_metric="throughput")

    whole, cut = made.asked(change=change), made.asked(change=change, log=log)

    assert cut.verdict not in DIRECTIONS
    assert cut.estimate == pytest.approx(whole.estimate, abs=0.1)


def test_an_earlier_change_to_the_metric_is_no_baseline():
    """What lies before another change to the same metric says nothing of the level that this one met."""
    made = small()
    other = Change(id="wip-limit", rollouts={"Ada": START + timedelta(weeks=SMALL["Ada"] - 6)},
                   primary_metric="cycle_time")  # fmt: skip

    beside = made.asked(others=(other,))
    alone = made.asked(change=made.change(rollouts={"Ada": START + timedelta(weeks=SMALL["Ada"])}), others=(other,))

    assert beside.window["Ada"][0] == other.rollouts["Ada"]
    assert "used: Ada from 2025-05-12," in found_by(beside, "other changes in the window").found
    assert alone.reasons == ("only 6 usable weeks before the rollout; 16 are needed",)


@pytest.mark.parametrize(
    ("day", "result", "first"),
    [(date(2019, 1, 1), "passed", None), (date(2025, 3, 5), "noted", date(2025, 3, 10))],
    ids=["before-the-log", "inside"],
)
def test_a_comparison_team_with_an_old_change_stays_a_comparison(day, result, first):
    """Of a team whose own change lies before all rollouts, the weeks since are used."""
    made = small()
    found = made.asked(others=(Change(id="old", rollouts={"Dee": day}, primary_metric="cycle_time"),))

    assert found_by(found, "comparison teams").result == result
    assert found.window["Dee"][0] == (first or plain(made).window["Dee"][0])
    assert found.window["Dee"][1] == plain(made).window["Dee"][1]


@pytest.mark.parametrize("metric", ["cycle_time", "lead_time", "throughput"])
def test_what_was_done_before_stays_done(metric):
    """Work that was done at a rollout and is opened and closed again later says nothing of the change."""
    made = small(effect=0.0)
    done = made.log[(made.log["to_value"] == "Done") & made.log["team"].isin(SMALL)]
    last = done.groupby("item_id").agg(at=("at", "max"), team=("team", "first")).reset_index()
    rollout = last["team"].map({t: pd.Timestamp(START, tz="UTC") + pd.Timedelta(weeks=w) for t, w in SMALL.items()})
    again = last[last["at"] < rollout].assign(field="state", rollout=rollout)[::5]
    spread = pd.to_timedelta(np.arange(len(again)) * 671 + 7, unit="m")
    opened = again.assign(at=again["rollout"] + pd.Timedelta(days=7) + spread, to_value="In progress")
    closed = opened.assign(at=opened["at"] + pd.Timedelta(days=1), to_value="Done")
    log = pd.concat([made.log, opened, closed])[list(made.log.columns)].sort_values("at", kind="stable")

    found = made.asked(log=log, metric=metric)

    assert found.estimate == pytest.approx(made.asked(metric=metric).estimate, abs=0.02)
    assert found.verdict not in DIRECTIONS


def test_what_the_log_tells_no_other_table_does():
    """Columns of another table that only a log can tell are not read."""
    made = small()
    ids = made.log["item_id"].unique()
    told = pd.DataFrame({"item_id": ids, "undone_at": made.as_of, "first_finished_at": made.as_of}, index=ids)

    assert made.asked(items=told.rename_axis("item_id"), metric="reopened") == made.asked(metric="reopened")


@pytest.mark.parametrize("words", [("yes", "no"), (1.0, 0.0)], ids=["text", "numbers"])
def test_owners_of_another_table(words):
    """Whether work had an owner at its start may stand in another table, in any words."""
    made = small(added=0.6)
    log = made.log[made.log["field"] != "owner"]
    start = log[log["to_value"] == "In progress"].drop_duplicates("item_id")
    day = {t: pd.Timestamp(START, tz="UTC") + pd.Timedelta(weeks=w) for t, w in SMALL.items()}
    owned = start["item_id"].isin(begun_since(log, day)) | (np.arange(len(start)) % 2 == 0)
    table = pd.DataFrame({"item_id": start["item_id"], "owner_at_start": np.where(owned, *words)})

    found = made.asked(log=log, items=table, change=made.change(primary_metric="owner_at_start"))

    assert found.verdict is Verdict.IMPROVED


def test_no_faults_are_no_faults():
    """An empty table of faults, whatever its columns, is none."""
    made = small()
    assert made.asked(faults=pd.DataFrame()).verdict is plain(made).verdict


def test_a_misspelt_guardrail_is_told_while_the_change_is_monitored():
    """A name that is no metric is refused at once, not on the decision date."""
    made = small()
    change = made.change(guardrails=("cycle_tme",), decision_date=made.as_of.date() + timedelta(days=30))
    with pytest.raises(SettingsError, match="cycle_tme"):
        made.asked(change=change)


def test_changes_to_come_touch_nothing():
    """What other teams will begin after the export has changed nothing yet."""
    made = small()
    to_come = Change(id="other", rollouts={"Dee": made.as_of.date() + timedelta(days=9)}, primary_metric="cycle_time")

    found = made.asked(others=(to_come,))

    assert found_by(found, "comparison teams").result == "passed"
    assert found_by(found, "other changes in the window").result == "passed"


def test_the_number_of_metrics_looked_at_is_a_number():
    """What is no number makes no interval."""
    with pytest.raises(SettingsError, match="looked_at is the number of metrics looked at; found nan"):
        small().asked(looked_at=float("nan"))


def test_no_interval_is_called_certain():
    """However many metrics are looked at, no interval is said to hold all."""
    found = small().asked(looked_at=10**9)

    assert "99.99% interval" in found.reasons[0]


@pytest.mark.parametrize("looked_at", [0, -1, 1])
def test_no_number_of_looks_makes_the_interval_narrower(looked_at):
    """Fewer metrics than one are one: the interval is never less than that of 95 %."""
    assert small().asked(looked_at=looked_at).confidence == 0.95


def test_a_side_without_doubt_is_graded_by_the_side_that_has_items():
    """With nothing before the rollouts and nothing in doubt, the items after are the ones that are graded."""
    made = small()
    begin = made.log["at"].min().date()

    check = found_by(made.asked(change=made.change(rollouts={"Ada": begin})), "data quality")

    assert check.result == "passed"
    assert re.match(r"grade A: 0\.0% of the [1-9][0-9,]* items", check.found)


def test_a_metric_that_does_not_decide_says_so():
    """Beside the primary metric each other one gets the interval of all that could be looked at, and a check."""
    made = small()

    primary, other = plain(made), made.asked(metric="lead_time")

    assert (primary.confidence, other.confidence) == (0.95, pytest.approx(1 - 0.05 / 5))
    assert "primary metric" not in [check.name for check in primary.checks]
    assert found_by(other, "primary metric").found == (
        "the record names cycle time as what decides; 99% intervals, since 5 other metrics could be looked at"
    )


@pytest.mark.parametrize(
    ("week", "told"),
    [(30, "comparison teams: Written status (Dee 2025-08-04)"), (2, "no other registered change")],
    ids=["near", "long-before"],
)
def test_other_changes_of_the_comparison_are_named(week, told):
    """What comparison teams began near a rollout, on whatever metric, could look like an effect the other way round."""
    made = small()
    other = Change(id="stand-up", title="Written status", rollouts={"Dee": START + timedelta(weeks=week), "Zoe": None},
                   primary_metric="owner_at_start")  # fmt: skip

    check = found_by(made.asked(others=(other,)), "other changes in the window")

    assert check.found.startswith(told)


def test_a_doubtful_comparison_team_is_left_out():
    """A comparison team with grade D data is no comparison; the answer stands without it and says so."""
    found = small(faulty=("Flo",)).asked()

    assert "Flo" not in found.window
    assert {"Dee", "Eve"} <= set(found.window)
    assert "Flo left out" in found_by(found, "comparison teams").found


@pytest.mark.parametrize(
    ("rollout", "side"),
    [pytest.param(date(2025, 11, 3), "after", id="after"), pytest.param(date(2025, 7, 7), "before", id="before")],
)
def test_doubtful_data_on_one_side_only(rollout, side):
    """Grade D work on one side of the rollout forbids an answer, however good and long the other side is."""
    made = small(effect=0.0)
    log = made.log
    later = log["at"] >= pd.Timestamp(rollout, tz="UTC")
    ends = log["team"].isin(SMALL) & (log["field"] == "state") & (log["to_value"] == "Done")
    bulk = log.assign(batch_id=log["batch_id"].mask(ends & (later == (side == "after")), "one-edit"))

    found = made.asked(log=bulk, change=made.change(rollouts=dict.fromkeys(SMALL, rollout)))

    assert says_nothing(found)
    assert found_by(found, "data quality").result == "forbids"
    assert f"that the adopting teams began or ended {side} the rollout are in doubt" in " ".join(found.reasons)


@pytest.mark.parametrize(
    ("rollouts", "reason"),
    [
        pytest.param({}, "the change has no rollout date", id="no-teams"),
        pytest.param({"Ada": None}, "the change has no rollout date", id="no-dates"),
        pytest.param({"Ada": date(2030, 1, 1)}, "every rollout lies after what is looked at", id="future"),
        pytest.param({"Zoe": date(2025, 7, 7)}, "the log has no items of team 'Zoe'", id="unknown-team"),
        pytest.param({"Ada": date(2026, 1, 2)}, "only 0 whole weeks after the rollout", id="just-before-the-export"),
        pytest.param(
            {"Ada": date(2025, 1, 6)}, "of which no week before the rollout is known", id="at-the-log's-begin"
        ),
    ],
)
def test_changes_that_cannot_be_assessed(rollouts, reason):
    """No date, a date to come, an unknown team, too short a past or present: the reason and no number."""
    made = small()

    found = made.asked(change=made.change(rollouts=rollouts))

    assert says_nothing(found)
    assert reason in " ".join(found.reasons)


def test_future_rollouts_count_as_not_yet():
    """A team that will adopt later is a comparison until then, as a team without a date is."""
    made = small()
    later = made.change().rollouts | {"Dee": date(2030, 1, 1)}

    assert plain(made).estimate == made.asked(change=made.change(rollouts=later)).estimate


def test_one_week_of_data():
    """A week of data is too little, said in words."""
    made = small()
    log = made.log[made.log["at"] < pd.Timestamp("2025-01-13", tz="UTC")]
    change = made.change(rollouts={"Ada": date(2025, 1, 8)})

    assert says_nothing(made.asked(log=log, change=change, as_of=pd.Timestamp("2025-01-13", tz="UTC")))


def test_nothing_known_yet():
    """An export taken before the first event is refused with its day."""
    made = small()

    with pytest.raises(EventLogError, match="the event log holds nothing until 2020-01-01"):
        made.asked(as_of=pd.Timestamp("2020-01-01", tz="UTC"))


@pytest.mark.parametrize(
    "as_of",
    [
        pytest.param(pd.NaT, id="missing"),
        pytest.param("soon", id="word"),
        pytest.param("now", id="clock"),
        pytest.param("10:00", id="hour-of-today"),
        pytest.param("05.01.2026", id="day-or-month-first"),
        pytest.param(1_777_852_800, id="seconds"),
        pytest.param(["2026-01-05"], id="list"),
        pytest.param({}, id="map"),
    ],
)
def test_no_instant_of_the_export(as_of):
    """A missing instant is asked for, not compared with, and no clock is read."""
    told = re.escape(repr(as_of))

    with pytest.raises(SettingsError, match=f"as_of {told} is no date; write it as 2026-10-05"):
        small().asked(as_of=as_of)


@pytest.mark.parametrize("as_of", ["2026-01-05", "2026-01-05T00:00Z", date(2026, 1, 5), np.datetime64("2026-01-05")])
def test_instants_in_other_words(as_of):
    """A text, a date and NumPy's instants say the same as pandas' own."""
    assert plain(small()) == small().asked(as_of=as_of)


@pytest.mark.parametrize("metric", ["cycle_time", "owner_at_start"])
def test_work_that_never_starts(metric):
    """A map in which nothing starts the clock leaves nothing to observe, and the answer says so."""
    stages = {state: stage if stage in ("done", "dropped") else "queue" for state, stage in STATES.items()}
    made = small()

    found = made.asked(metric=metric, settings=Settings(workflow=stages), change=made.change(primary_metric=metric))

    assert says_nothing(found)
    assert "nothing was observed" in " ".join(found.reasons)


def test_items_that_no_table_gives_a_team():
    """Teams come from the items table; an item it does not name has none, and is no comparison."""
    made = small()
    table = made.log.groupby("item_id", as_index=False)["team"].first()
    log, stray = made.log.assign(team=None), made.log["item_id"].iloc[:1]
    settings = Settings(workflow={"*": Workflow.of(STATES)})

    whole = made.asked(log=log, items=table, settings=settings)
    found = made.asked(log=log, items=table[~table["item_id"].isin(stray)], settings=settings)

    assert whole.estimate == plain(made).estimate
    assert found.estimate == pytest.approx(whole.estimate, abs=0.02)


def test_ids_that_are_numbers():
    """Items numbered in the log and in their table are the same items."""
    made = small()
    number = {item: n for n, item in enumerate(made.log["item_id"].unique())}
    log = made.log.assign(item_id=made.log["item_id"].map(number))
    table = pd.DataFrame({"item_id": list(number.values()), "size": "M"})

    assert plain(made).estimate == pytest.approx(made.asked(log=log, items=table).estimate, rel=1e-6)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        pytest.param({"log": None}, "events must be a DataFrame; found NoneType", id="no-log"),
        pytest.param({"items": ["A"]}, "items must be a DataFrame; found list", id="items"),
        pytest.param({"change": {"rollouts": {}}}, "change must be a Change; found dict", id="change"),
        pytest.param({"settings": {"seed": 1}}, "settings must be a Settings; found dict", id="settings"),
    ],
)
def test_something_else_than_what_is_asked_about(given, message):
    """A dict in the place of a record or of settings is refused in our words."""
    made = small()
    asked = {"log": made.log, "items": None, "change": made.change(), "settings": SETTINGS} | given

    with pytest.raises(SettingsError, match=message):
        assess(asked["log"], asked["items"], asked["change"], as_of=made.as_of, settings=asked["settings"])


@pytest.mark.parametrize("name", ["ada", "Ada ", " ADA"])
def test_one_team_spelt_in_two_ways(name):
    """Half of an adopting team under another spelling would be taken for a comparison: no answer, and both names."""
    made = small()
    some_of_it = (made.log["team"] == "Ada") & made.log["item_id"].str.endswith("7")

    found = made.asked(log=made.log.assign(team=made.log["team"].mask(some_of_it, name)))

    assert says_nothing(found)
    assert {"Ada", name} == set(re.findall("'(.*?)'", found.reasons[0]))
    assert "differ in capitals or blanks only; write a team alike everywhere" in found.reasons[0]


def test_a_team_spelt_in_two_ways_that_does_not_adopt():
    """Two spellings of a comparison team are two teams that stayed as they were: that forbids nothing."""
    made = small()
    some_of_it = (made.log["team"] == "Eve") & made.log["item_id"].str.endswith("7")

    found = made.asked(log=made.log.assign(team=made.log["team"].mask(some_of_it, "eve")))

    assert found.estimate == pytest.approx(plain(made).estimate, abs=0.1)


def test_a_day_that_a_frame_lacks():
    """A missing day of a column of days is a team without a rollout."""
    days = pd.Series({"Ada": pd.Timestamp("2025-03-03"), "Bob": pd.NaT})

    assert {"Ada": date(2025, 3, 3), "Bob": None} == Change(rollouts=days.to_dict()).rollouts


def test_all_items_open():
    """Nothing ever ended: no answer, and the reason speaks of open items."""
    made = small()
    log = made.log[~made.log["to_value"].isin(["Done", "Dropped"])]

    found = made.asked(log=log)

    assert says_nothing(found)
    assert "still open" in " ".join(found.reasons)


def test_empty_log():
    """A log without a row is refused with what to do."""
    made = small()

    with pytest.raises(
        EventLogError, match="the event log holds nothing until 2026-01-05; check the export and its column map"
    ):
        made.asked(log=made.log.iloc[:0])


@pytest.mark.parametrize(
    "size", [pytest.param(np.nan, id="missing"), pytest.param(3.0, id="number"), pytest.param("L", id="word")]
)
def test_sizes_of_any_kind(size):
    """Sizes may be missing, numbers or words; all the same size changes nothing."""
    made = small()
    items = pd.DataFrame({"item_id": sorted(set(made.log["item_id"])), "size": size})
    log = made.log[made.log["field"] != "size"]

    assert made.asked(log=log).verdict == made.asked(log=log, items=items).verdict


def test_items_twice():
    """An items table that has an item twice is refused with its id."""
    made = small()
    one = made.log["item_id"].iloc[0]

    with pytest.raises(EventLogError, match=f"stand twice in the items table .*{one}"):
        made.asked(items=pd.DataFrame({"item_id": [one, one], "size": ["S", "L"]}))


def test_teams_may_come_from_the_items():
    """A log without teams takes them from the items table."""
    made = small()
    items = made.log.drop_duplicates("item_id")[["item_id", "team"]]

    found = made.asked(log=made.log.assign(team=None), items=items)

    assert plain(made).estimate == pytest.approx(found.estimate)


@pytest.mark.parametrize(
    "made_from",
    [
        pytest.param(lambda d: d, id="date"),
        pytest.param(lambda d: datetime(d.year, d.month, d.day), id="naive-datetime"),  # noqa: DTZ001
        pytest.param(lambda d: pd.Timestamp(d), id="timestamp"),
        pytest.param(lambda d: pd.Timestamp(d, tz="UTC"), id="timestamp-with-zone"),
        pytest.param(lambda d: d.isoformat(), id="text"),
    ],
)
def test_dates_of_any_kind(made_from):
    """A rollout may be a date, a datetime, a timestamp or text."""
    made = small()
    rollouts = {team: made_from(day) for team, day in made.change().rollouts.items()}

    assert made.change() == made.change(rollouts=rollouts)
    assert plain(made).estimate == made.asked(change=made.change(rollouts=rollouts)).estimate


def test_as_of_without_zone_is_utc():
    """An instant without a zone is read as UTC."""
    made = small()

    assert plain(made) == made.asked(as_of=made.as_of.tz_localize(None))


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        pytest.param("cycle_tim", "no metric 'cycle_tim'; did you mean 'cycle_time'", id="misspelt"),
        pytest.param("wip", "wip is a level at one instant .* assess cycle_time instead", id="level"),
    ],
)
def test_metrics_that_cannot_be_assessed(metric, message):
    """An unknown metric and a level are refused with what to ask instead."""
    with pytest.raises(SettingsError, match=message):
        small().asked(metric=metric)


def test_names_and_order_do_not_matter():
    """New team names (first letters in another order), new item ids and shuffled rows change no number."""
    made = small()
    names = dict(zip(SIX, ["Zed", "Yak", "Xen", "Add", "Bed", "Can"], strict=True))
    log = made.log.assign(team=made.log["team"].map(names), item_id="x" + made.log["item_id"].str[::-1])
    log = log.sample(frac=1, random_state=3)
    change = made.change(rollouts={names[t]: day for t, day in made.change().rollouts.items()})

    other = made.asked(log=log, change=change)

    assert plain(made).verdict == other.verdict
    for name in NUMBERS:
        assert getattr(plain(made), name) == pytest.approx(getattr(other, name), rel=1e-6)


def test_the_order_of_rows_does_not_matter_where_only_days_are_known():
    """An export of whole days that numbers nothing says the same oldest first, newest first or shuffled."""
    made = small()
    days = made.log[["item_id", "at", "field", "to_value", "team"]].assign(at=made.log["at"].dt.floor("D"))

    first, *others = (made.asked(log=log) for log in (days, days.iloc[::-1], days.sample(frac=1, random_state=3)))

    assert [first, first] == others
    assert plain(made).estimate == pytest.approx(first.estimate, abs=0.02)


def test_chance_comes_from_the_settings():
    """The same seed deals the same rollout orders, another one others; the effect has no part in chance."""
    made = small(effect=0.0)
    other = made.asked(settings=SETTINGS.model_copy(update={"seed": 4}))

    assert plain(made) == made.asked()
    assert found_by(plain(made), "rollout order").found != found_by(other, "rollout order").found
    assert (plain(made).estimate, plain(made).low) == (other.estimate, other.low)


def test_whole_weeks_do_not_matter():
    """The same history 50 weeks earlier gives the same answer."""
    made, back = small(), timedelta(weeks=50)
    change = made.change(rollouts={t: day - back for t, day in made.change().rollouts.items()})

    other = made.asked(log=made.log.assign(at=made.log["at"] - back), change=change, as_of=made.as_of - back)

    for name in NUMBERS:
        assert getattr(plain(made), name) == pytest.approx(getattr(other, name), rel=1e-6)


@pytest.mark.parametrize("seed", range(2))
def test_an_untouched_team_makes_no_direction(seed):
    """With no effect anywhere, one more comparison team does not turn silence into a claim."""
    made = small(seed=seed, effect=0.0)
    without = made.log[made.log["team"] != "Flo"]

    assert made.asked(log=without).verdict not in DIRECTIONS
    assert plain(made).verdict not in DIRECTIONS


def test_every_item_owned_has_no_direction():
    """A share that is full everywhere cannot have risen or fallen."""
    made = small()
    log = made.log[made.log["field"] != "owner"]
    created = log[log["field"] == "created"]
    owned = created.assign(field="owner", to_value="p1", event_id="o" + created["event_id"], seq=90)

    assert says_nothing(made.asked(log=pd.concat([log, owned]), metric="owner_at_start"))


def test_later_events_are_not_looked_at():
    """Events after the export change nothing."""
    made = small()
    early = pd.Timestamp("2025-11-03", tz="UTC")

    assert made.asked(as_of=early) == made.asked(log=made.log[made.log["at"] <= early], as_of=early)


def test_inputs_are_left_alone():
    """Neither events nor items are changed."""
    made = small()
    items = pd.DataFrame({"item_id": sorted(set(made.log["item_id"])), "size": "M"})
    log, kept, same = made.log.copy(), made.log.copy(), items.copy()

    made.asked(log=log, items=items)

    pd.testing.assert_frame_equal(kept, log)
    pd.testing.assert_frame_equal(same, items)


def test_result_is_frozen():
    """An assessment cannot be changed after the fact."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        plain(small()).verdict = Verdict.IMPROVED


@pytest.mark.parametrize("rollouts", [None, {}], ids=["answered", "without-an-answer"])
def test_to_dict_is_plain(rollouts):
    """What goes into metrics.json survives JSON without a special encoder, NaN included nowhere."""
    made = small()
    found = made.asked(change=made.change() if rollouts is None else made.change(rollouts=rollouts))

    read = json.loads(json.dumps(found.to_dict(), allow_nan=False))

    assert (read["verdict"], read["worthwhile"]) == (str(found.verdict), str(found.worthwhile))
    assert read["estimate"] == found.estimate


def test_reads_as_a_sentence():
    """The text form leads with the verdict, gives the reasons, and has numbers only where there is an answer."""
    made = small()
    answered, silent = plain(made), made.asked(change=made.change(rollouts={}))

    assert str(answered).startswith("Cycle time, change 'change': improved (worthwhile:")
    assert "95% interval" in str(answered)
    assert "because the change has no rollout date" in str(silent)
    assert "effect" not in str(silent)


def test_worthwhile_follows_the_record():
    """The same effect is worthwhile or not by what the record asked for."""
    made = small(effect=-1.2)

    low, high = (made.asked(change=made.change(smallest_worthwhile=m)).worthwhile for m in (0.05, 0.95))

    assert (low, high) == (Worthwhile.YES, Worthwhile.NO)


def test_the_record_may_not_turn_the_metric_round():
    """A record that calls slower work better is refused or said, not ignored."""
    made = small()

    try:
        found = made.asked(change=made.change(better="higher"))
    except SettingsError as error:
        assert "better" in str(error)  # noqa: PT017
    else:
        assert found.verdict is not Verdict.IMPROVED
