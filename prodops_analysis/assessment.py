"""`assess`: event log, items and a change in, a verdict with its reasons out; needs no files and no notebooks."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd

from prodops_analysis.answer import Assessment
from prodops_analysis.attributes import fold_with
from prodops_analysis.checks.artefacts import artefacts
from prodops_analysis.checks.comparison_teams import read_otherwise, unfit_teams
from prodops_analysis.checks.data import begin_of_log, data_quality, open_work
from prodops_analysis.checks.displacement import displacement
from prodops_analysis.checks.measurement import measurement, stamps
from prodops_analysis.checks.other_changes import other_changes
from prodops_analysis.checks.subject import Check, Result, Subject
from prodops_analysis.checks.threats import threats
from prodops_analysis.comparison import AT_ONCE, CannotSay, Estimate, compare
from prodops_analysis.errors import SettingsError, did_you_mean, some, spelt_alike
from prodops_analysis.event_log import FAULT_COLUMNS, validate
from prodops_analysis.looks import Look, look_at
from prodops_analysis.metrics import METRICS, Metric, metric_named
from prodops_analysis.quality import doubtful_items
from prodops_analysis.records.changes import Change, begun_late
from prodops_analysis.settings import Settings, instant
from prodops_analysis.tables import confident, effect, effects
from prodops_analysis.verdict import CANNOT_SAY, Judgement, Verdict, judge, unclaimed
from prodops_analysis.work_items import Fold

__all__ = ["Assessment", "assess"]
# what an answer takes from an estimate: always, and where a number may be shown
DATA = ("window", "n_items", "n_own", "n_weeks", "smallest_detectable", "left_out", "method")
EFFECT = ("estimate", "low", "high", "statistic", "typical", "by_team", "by_band")


def assess(
    events: pd.DataFrame,
    items: pd.DataFrame | None,
    change: Change,
    *,
    metric: str | None = None,
    as_of: pd.Timestamp,
    settings: Settings,
    faults: pd.DataFrame | None = None,
    others: Sequence[Change] = (),
    looked_at: int | None = None,
) -> Assessment:
    """Say whether a change helped one metric.

    Parameters
    ----------
    events : event log (`event_log.COLUMNS`; at least `item_id, at, field, to_value, team`).
    items : one row an item with what the log lacks (`item_id`, `team`, `type`, `size`, …), or None.
    change : what was rolled out where and when. Teams of the log without a date are the comparison.
    metric : a name of `METRICS`; by default the change's primary metric.
    as_of : the instant the export was taken, UTC; later events are not looked at.
    faults : rows of the export that are no events (`event_log.FAULT_COLUMNS`), for the grade of the data.
    others : other registered changes, to see what else happened in the window.
    looked_at : metrics looked at; the interval is that of 1 - 0.05 / looked_at (Bonferroni). By default 1 for the
        primary metric, and for any other all that could be looked at beside it.

    Returns
    -------
    Assessment. `not enough evidence` with reasons where the interval is too wide, and without any number where the data
    cannot answer.

    Raises
    ------
    EventLogError, SettingsError : the log or the settings break their contract.

    Examples
    --------
    One item is no evidence, and the answer says so:

    >>> days = pd.to_datetime(["2026-03-03", "2026-03-06"], utc=True)
    >>> states = ["In progress", "Done"]
    >>> events = pd.DataFrame({"item_id": "S-1", "team": "Search", "at": days, "field": "state", "to_value": states})
    >>> settings = Settings(workflow={"In progress": "active", "Done": "done"})
    >>> change = Change(rollouts={"Search": date(2026, 3, 2)})
    >>> said = assess(events, None, change, as_of=pd.Timestamp("2026-06-01", tz="UTC"), settings=settings)
    >>> print(said.verdict)
    not enough evidence
    """
    table = pd.DataFrame() if items is None else items
    kinds = {"events": pd.DataFrame, "items": pd.DataFrame, "change": Change, "settings": Settings}
    for (name, kind), given in zip(kinds.items(), (events, table, change, settings), strict=True):
        if not isinstance(given, kind):
            raise SettingsError(f"{name} must be a {kind.__name__}; found {type(given).__name__}")
    chosen = metric_named(metric or change.primary_metric)
    if chosen.kind == "level":
        raise SettingsError(
            f"{chosen.name} is a level at one instant and has no cohort to compare; assess cycle_time instead"
        )
    if change.better and chosen.name == change.primary_metric and chosen.better not in (change.better, "neither"):
        told = f"change {change.id!r} calls {change.better} {chosen.name} better"
        raise SettingsError(f"{told}, but it is better {chosen.better}; mend the record")
    for name in change.guardrails:
        metric_named(name)
    moment = instant(as_of)
    begun = {team: day for team, day in change.rollouts.items() if day and settings.begin_of(day) <= moment}
    first = min(begun.values(), default=moment.date())
    look = look_at(as_of=moment, decision_date=change.decision_date, first_rollout=first, settings=settings)
    log = validate(events)
    if look.until < moment:  # what is dated on the day after the decision came later
        log = log[log["at"] < look.until]
    folded = fold_with(log, items, settings=settings, as_of=look.until)
    absent = faults if faults is not None and not faults.empty else pd.DataFrame(columns=list(FAULT_COLUMNS))
    rollouts = {team: day for team, day in begun.items() if settings.begin_of(day) <= look.until}
    if reasons := _unanswerable(change, rollouts, begun, folded, passed=set(log["team"].dropna().unique())):
        return _answer(None, CANNOT_SAY, chosen, change, (), reasons, look=look)
    subject = Subject(
        folded=folded, metric=chosen, change=change, rollouts=rollouts, settings=settings,
        doubts=doubtful_items(folded, faults=absent, settings=settings.quality),
        others=tuple(others),
    )  # fmt: skip
    secondary = chosen.name != change.primary_metric
    if looked_at is not None and not np.isfinite(looked_at):
        raise SettingsError(f"looked_at is the number of metrics looked at; found {looked_at}")
    if looked_at is None:
        looked_at = sum(one.kind != "level" for one in METRICS.values()) - 1 if secondary else 1
    looked_at = max(looked_at, 1)
    confidence = 1 - 0.05 / looked_at
    found, of_data = _compared(subject, confidence=confidence, waiting=bool(look.waiting))
    late = begun_late(change)
    result: Result = "forbids" if look.waiting else "noted" if late else "passed"
    checks: tuple[Check, ...] = (
        Check(name="time of the look", result=result, found="; ".join([look.said, *late])),
        *of_data,
    )
    if secondary:
        checks += (_not_the_primary(change, looked_at, confidence),)
    elif not look.waiting:
        checks += tuple(_guarded(subject, name) for name in change.guardrails if name != chosen.name)
    forbidding = tuple(f"{check.name}: {check.found}" for check in checks if check.result == "forbids")
    if isinstance(found, CannotSay):
        return _answer(None, CANNOT_SAY, chosen, change, checks, (*forbidding, *found.reasons), look=look)
    if forbidding:
        return _answer(found, CANNOT_SAY, chosen, change, checks, forbidding, look=look, withheld=True)
    low, high = found.at(1 - (1 - look.confidence) / looked_at)
    said = judge(low, high, smallest_worthwhile=change.smallest_worthwhile, better=chosen.better)
    blocking = tuple(f"{check.name}: {check.found}" for check in checks if check.result == "blocks")
    if blocking and said.verdict is Verdict.IMPROVED:
        return _answer(found, unclaimed(said), chosen, change, checks, blocking, look=look, confidence=confidence)
    reasons = _why(said, found, chosen, change, look, confidence)
    return _answer(found, said, chosen, change, checks, reasons, look=look, confidence=confidence)


def _compared(
    subject: Subject, *, confidence: float, waiting: bool = False, guardrail: bool = False
) -> tuple[Estimate | CannotSay, tuple[Check, ...]]:
    """Estimate the effect on the subject's metric, with the checks of data, measurement and threats.

    Of a guardrail it is not asked what moved elsewhere: that only blocks an improvement, and a guardrail claims none.
    """
    metric = subject.metric
    every, stamped = subject.observed(metric), stamps(subject)
    unfit, said_of_teams = unfit_teams(subject, stamped, every)
    observed = subject.usable(every[~every["team"].isin(unfit)], metric)
    unlike, said_of_records = read_otherwise(subject, observed)
    observed = observed[~observed["team"].isin(unlike)].reset_index(drop=True)
    checks: tuple[Check, ...] = (
        data_quality(subject, observed),
        measurement(subject, stamped),
        other_changes(subject),
        begin_of_log(every),
        *((open_work(subject),) if metric.kind == "duration" else ()),
        said_of_teams,
        said_of_records,
    )
    if observed.empty:
        return CannotSay(reasons=(f"nothing was observed for {metric.label.lower()}",)), checks
    found = compare(
        observed, metric=metric, rollouts=subject.rollouts, as_of=subject.as_of,
        transition_weeks=subject.change.transition_weeks, until=subject.until, confidence=confidence,
        rng=np.random.default_rng(subject.settings.seed),
    )  # fmt: skip
    if isinstance(found, CannotSay):
        return found, checks
    # of a team without a past nothing moved
    used = {team: day for team, day in subject.rollouts.items() if team in found.window}
    observed = observed[observed["team"].isin(used) | ~observed["team"].isin(subject.rollouts)].reset_index(drop=True)
    subject = replace(subject, rollouts=used)
    of_records = artefacts(subject, observed)
    forbidden = any(check.result == "forbids" for check in (*checks, *of_records))
    withheld = waiting or found.design == AT_ONCE or forbidden
    checks += (*threats(found, withheld=withheld), *of_records)
    if not guardrail and not withheld:
        checks += displacement(subject, observed)
    return found, checks


def _guarded(subject: Subject, name: str) -> Check:
    """Test one guardrail for harm, one-sided at 5 %; a harmed one blocks `improved`.

    It passes where harm as large as the smallest worthwhile effect is ruled out.
    """
    metric = metric_named(name)
    label = f"guardrail {metric.label.lower()}"
    if metric.kind == "level":
        return Check(name=label, result="noted", found="a level at one instant cannot be compared before and after")
    found, checks = _compared(replace(subject, metric=metric), confidence=0.90, guardrail=True)
    forbidding = [f"{check.name}: {check.found}" for check in checks if check.result == "forbids"]
    if isinstance(found, CannotSay) or forbidding:
        reasons = found.reasons if isinstance(found, CannotSay) else tuple(forbidding)
        return Check(name=label, result="noted", found=f"cannot be judged: {some(reasons, most=2)}")
    least, most = (found.low, found.high) if metric.better == "lower" else (-found.high, -found.low)  # harm
    span = effects(found.low, found.high, scale=metric.scale)
    told = f"{effect(found.estimate, scale=metric.scale)} ({span}, 90% interval)"
    if least > 0:
        return Check(name=label, result="blocks", found=f"it got worse: {told}")
    if most > subject.change.smallest_worthwhile:
        return Check(name=label, result="noted", found=f"harm is not shown and not ruled out: {told}")
    return Check(name=label, result="passed", found=f"no harm that matters: {told}")


def _not_the_primary(change: Change, looked_at: int, confidence: float) -> Check:
    primary = metric_named(change.primary_metric)
    told = f"the record names {primary.label.lower()} as what decides"
    wider = f"; {confident(confidence)} intervals, since {looked_at} other metrics could be looked at"
    return Check(name="primary metric", result="noted", found=told + (wider if looked_at > 1 else ""))


def _unanswerable(
    change: Change, rollouts: Mapping[str, date], begun: Mapping[str, date], folded: Fold, *, passed: set[str]
) -> tuple[str, ...]:
    dated = {team: day for team, day in change.rollouts.items() if day is not None}
    if not dated:
        return ("the change has no rollout date",)
    if begun and not rollouts:
        return (f"the decision date, {change.decision_date}, lies before every rollout; mend the record",)
    if not rollouts:
        days = some(sorted(f"{team} {day}" for team, day in dated.items()))
        return (f"every rollout lies after what is looked at, which ends on {folded.as_of:%Y-%m-%d} ({days})",)
    known = set(folded.items["team"].unique())
    if twins := spelt_alike(known, of=rollouts):
        return (f"teams {twins}",)
    if lost := sorted(set(rollouts) - known):
        if later := sorted({*lost} & passed):
            return (f"no item began with team {some(map(repr, later))}, and an item counts for the team it began with",)
        near = did_you_mean(lost[0], known)
        return (f"the log has no items of team {some(map(repr, lost))}{near}; it has {some(sorted(known))}",)
    return ()


def _why(
    said: Judgement, found: Estimate, metric: Metric, change: Change, look: Look, confidence: float
) -> tuple[str, ...]:
    visible = effect(found.smallest_detectable, scale=metric.scale, sign=False)
    interval = f"the {confident(confidence)} interval, {effects(found.low, found.high, scale=metric.scale)},"
    now = judge(found.low, found.high, smallest_worthwhile=change.smallest_worthwhile, better=metric.better)
    m = effect(change.smallest_worthwhile, scale=metric.scale, sign=False)
    match said.verdict:
        case Verdict.IMPROVED | Verdict.WORSENED:
            if found.clear(confidence):
                return (f"{interval} lies wholly on one side of zero",)
            return (
                f"no effect at all is ruled out; how large it is, the data tell less well: {interval} ends at zero",
            )
        case Verdict.NO_WORTHWHILE_CHANGE:
            return (f"{interval} lies inside the smallest worthwhile effect of {m} either way",)
        case _ if now.verdict is not said.verdict:  # not yet, at an early look
            return (look.said,)
        case _:
            held = (
                f"{interval} holds zero and reaches beyond {m}",
                f"the smallest effect this data could have shown is {visible}",
            )
            if not found.lasting:
                return held
            on_top = effect(found.lasting[1], scale=metric.scale)
            return (*held, f"what is seen may have come at another time: on top of that the effect would be {on_top}")


def _answer(
    found: Estimate | None, said: Judgement, metric: Metric, change: Change, checks: tuple[Check, ...],
    reasons: tuple[str, ...], *, look: Look, withheld: bool = False, confidence: float = 0.95,
) -> Assessment:  # fmt: skip
    names = (*DATA, *(() if withheld else EFFECT)) if found else ()
    replay = found.replay if found else None
    return Assessment(
        verdict=said.verdict,
        worthwhile=said.worthwhile,
        scale=metric.scale,
        checks=checks,
        reasons=reasons,
        metric=metric.name,
        unit=metric.unit,
        change_id=change.id,
        smallest_worthwhile=change.smallest_worthwhile,
        replayed=(replay.spoken, replay.dates) if replay else (0, 0),
        ordinary=replay.effects if replay and not withheld else {},
        until=look.until,
        confidence=confidence,
        **{name: getattr(found, name) for name in names},
    )
