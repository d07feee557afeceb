"""Where an effect may only have been moved from: more and smaller items, a start that is stamped later.

Both are asked of the model of the verdict, beside other teams. Why: docs/decisions/0008.
"""

import numpy as np
import pandas as pd

from prodops_analysis.cells import QUICK, first_days
from prodops_analysis.checks.artefacts import DAY, LONGER, MOVED, WAIT, by_team, from_start, items_of, new_teams, waited
from prodops_analysis.checks.measurement import MEASUREMENT_SHARE
from prodops_analysis.checks.subject import Check, Subject
from prodops_analysis.comparison import AT_ONCE, CannotSay, Estimate, compare
from prodops_analysis.errors import some
from prodops_analysis.estimators.survival import kaplan_meier
from prodops_analysis.metrics import METRICS, Metric
from prodops_analysis.tables import effect, effects

SIZED = 0.8  # share of items with a size from which smaller ones would show
MORE = 0.05  # more items, or less time, from which it is asked whether small steps or chores are recorded that were not
SMALL_STEPS = 0.02  # share of the work that became very quick, beside the rest, from which they are


def displacement(subject: Subject, observed: pd.DataFrame) -> tuple[Check, ...]:
    """Say what else moved that the effect may be taken from."""
    wait = (_wait(subject, observed),) if from_start(subject) else ()
    return (*wait, _amount_of_work(subject, observed))


def _observed(subject: Subject, metric: Metric, teams: "pd.Series[str]") -> pd.DataFrame:
    """Return the observations of another metric of the same teams."""
    every = subject.observed(metric)
    return subject.usable(every[every["team"].isin(teams)], metric)


def _compared(observed: pd.DataFrame, metric: Metric, subject: Subject) -> Estimate | CannotSay:
    return compare(observed, metric=metric, rollouts=subject.rollouts, as_of=subject.as_of,
                   transition_weeks=subject.change.transition_weeks, until=subject.until, brief=True)  # fmt: skip


def _wait(subject: Subject, observed: pd.DataFrame) -> Check:
    """A start that is stamped later makes the time from it to the end shorter, and the wait before it longer."""
    own = observed[observed["team"].isin(subject.rollouts)]
    usual, now, apart = waited(items_of(own, subject), own["at"] >= first_days(own["team"], subject.rollouts))
    if not usual:
        return Check(name=WAIT, result="passed", found="no wait before the start is recorded")
    moved, told = (
        now / usual,
        f"from creation to start work usually takes {now:.1f} days, and took {usual:.1f} until the rollout",
    )
    beside = _compared(_waits(subject, observed), METRICS["lead_time"], subject)
    if isinstance(beside, Estimate) and beside.n_teams > 1 and beside.design != AT_ONCE:
        moved, apart = 1 + beside.estimate, not beside.low <= 0 <= beside.high
        told += f"; set against the waits of other teams it moved by {effect(beside.estimate, scale='ratio')}"
        told += f" ({effects(beside.low, beside.high, scale='ratio')})"
    if not apart or 1 / LONGER < moved < LONGER:
        return Check(name=WAIT, result="passed", found=told)
    if moved > 1:
        lead = METRICS["lead_time"]
        whole = _compared(_observed(subject, lead, observed["team"]), lead, subject)
        if isinstance(whole, Estimate) and whole.high < 0:
            told += f"; from creation to end it is {effect(whole.estimate, scale='ratio')} all the same"
            return Check(name=WAIT, result="noted", found=told)
        told += ": what the time after the start lost, the wait before it may have won; judge lead time"
        return Check(name=WAIT, result="blocks", found=told)
    return Check(name=WAIT, result="noted", found=f"{told}: is work begun earlier, or only stamped? See lead time")


def _waits(subject: Subject, observed: pd.DataFrame) -> pd.DataFrame:
    """Return the days from creation to start, placed at the creation; what is not begun yet is open."""
    rows = _observed(subject, METRICS["lead_time"], observed["team"])
    items = items_of(rows, subject)
    begun = items["started_at"].notna()
    days = ((items["started_at"] - items["created_at"]) / DAY).clip(lower=0)
    waits = rows.assign(
        value=days.where(begun, rows["value"]), ended=rows["ended"] | begun,
        outcome=np.where(begun, "done", rows["outcome"]),
    )  # fmt: skip
    # what was turned down waited for an answer, not for a start
    return waits[begun | (rows["outcome"] != "dropped")].reset_index(drop=True)


def _amount_of_work(subject: Subject, observed: pd.DataFrame) -> Check:
    """Smaller items take less time and are more. Where both move, faster work and smaller items look the same.

    That blocks an improvement unless sizes are recorded: then smaller items show in the mix. So it does where the work
    that is new is very quick: small steps may have got the size of what they are part of. Less work in less time blocks
    one where a new team, or the others, may have got the rest.
    """
    own = observed[observed["team"].isin(subject.rollouts)]
    after = own["at"] >= first_days(own["team"], subject.rollouts)
    name, counts = "amount of work", subject.metric.kind == "count"
    other, beside = METRICS["cycle_time" if counts else "throughput"], observed.assign(value=1.0, ended=True)
    if counts:
        beside = _observed(subject, other, observed["team"])
    found = _compared(beside, other, subject)
    if isinstance(found, CannotSay):
        return Check(name=name, result="passed", found=f"cannot be compared: {found.reasons[0]}")
    what = "the time an item takes" if counts else "the number of items"
    told = f"{what} moved by {effect(found.estimate, scale='ratio')} ({effects(found.low, found.high, scale='ratio')})"
    many, times = (-found.estimate, beside) if counts else (found.estimate, observed)
    if many >= MORE and subject.metric.kind != "share" and (steps := _small_steps(times, subject)):
        return Check(name=name, result="blocks", found=f"{told}, and {steps}")
    if found.low <= 0 <= found.high or abs(found.estimate) < MOVED:
        return Check(name=name, result="passed", found=told)
    smaller = found.high <= -MOVED if counts else found.low >= MOVED
    sized = all(own["size"][side].fillna("").ne("").mean() >= SIZED for side in (after, ~after))
    if smaller and not sized and subject.metric.kind != "share":
        mend = "are items cut smaller, or counted otherwise? With a size for each the two could be told apart"
        return Check(name=name, result="blocks", found=f"{told}: {mend}")
    if counts or found.estimate > 0:
        return Check(name=name, result="noted", found=f"{told}: are items cut as before?")
    new, taken = new_teams(subject), _taken_over(subject, observed)
    told += f"{taken}: was work handed on{f' to {some(new.index)}' if len(new) else ''}, or is less of it recorded?"
    elsewhere = bool(taken) or new["size"].sum() >= MEASUREMENT_SHARE * after.sum()
    return Check(name=name, result="blocks" if elsewhere and subject.metric.kind == "duration" else "noted", found=told)


def _taken_over(subject: Subject, observed: pd.DataFrame) -> str:
    """Say how much more work the other teams begin, where that is half at least of what the adopting ones do less."""
    days = sorted(pd.Timestamp(day, tz="UTC") for day in subject.rollouts.values())
    half = days[len(days) // 2]
    late, own = observed["at"] >= half, observed["team"].isin(subject.rollouts)
    weeks = [(half - observed["at"].min()) / (7 * DAY), (observed["at"].max() - half) / (7 * DAY)]
    (before, after), (was, now) = (
        [float((side & who).sum()) / w for side, w in zip((~late, late), weeks, strict=True)] for who in (own, ~own)
    )
    if not MOVED * before <= before - after <= 2 * (now - was):
        return ""
    return f", while the other teams began {now:.1f} items a week since {half:%Y-%m-%d}, {was:.1f} before"


def _small_steps(times: pd.DataFrame, subject: Subject) -> str:
    """Say that more of the work is very quick beside the rest of its team's and side's; nothing where that is not so.

    Work that is all faster is not. Many small steps make the median shorter as well, the third quartile less.
    """
    own = times[times["team"].isin(subject.rollouts)]
    after = own["at"] >= first_days(own["team"], subject.rollouts)
    done, share = own["ended"] & (own["outcome"] != "dropped"), pd.Series(np.nan, index=own.index)
    for _, days in own["value"].groupby([own["team"], after]):
        curve = kaplan_meier(days, done[days.index])
        share[days.index] = 1 - curve.at(np.array([QUICK * curve.quantile(0.75)]))[0]
    before, later = by_team(share, after, own["team"])
    luck = 3 * float(np.sqrt(sum(p * (1 - p) / n for p, n in ((before, (~after).sum()), (later, after.sum())))))
    if not later - before >= max(SMALL_STEPS, luck):
        return ""
    quickly = "very quickly (in a tenth of the time by which three of four items of its team are)"
    told = f"{later:.0%} of the work is done {quickly}, {before:.0%} was before"
    return f"{told}: are small steps or chores newly recorded?"
