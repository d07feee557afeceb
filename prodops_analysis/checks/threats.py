"""What an estimate shows of the threats to itself: each named, with its size and what it does to the verdict."""

import calendar
from typing import Literal

from prodops_analysis.cells import NO_PAST
from prodops_analysis.checks.subject import Check
from prodops_analysis.comparison import AT_ONCE, Estimate, picked
from prodops_analysis.errors import counted, some
from prodops_analysis.estimators.together import Interval
from prodops_analysis.tables import effect, effects, number

MOST_BEYOND = 0.25  # share of the work after the rollouts without a comparison, or with one team, from which it is said


def threats(found: Estimate, *, withheld: bool) -> tuple[Check, ...]:
    """Name every threat that the estimate itself shows.

    withheld : no number may be shown, so no check tells one of the effect.
    """
    checks = (
        _comparison(found),
        _trend(found),
        _spell(found, withheld),
        *_worst(found),
        _moved(found, withheld),
        _season(found),
        _replayed(found),
    )
    if found.order_p is None or withheld:
        return checks
    return (*checks, _order(found.order_p, speaks=not found.low <= 0 <= found.high))


def _comparison(found: Estimate) -> Check:
    name = "comparison"
    if found.design == AT_ONCE:
        told = (
            "all teams changed at about the same time or had changes of their own, so none is left to compare with; "
            "let teams start one after the other"
        )
        return Check(name=name, result="forbids", found=told)
    told = found.design
    if found.n_teams == 1:
        told = "no other team is there to compare with; whatever else happened to this one is part of the effect"
    elif found.beyond >= MOST_BEYOND:
        told += (
            f"; {found.beyond:.0%} of the work after the rollouts lies in weeks in which no team is left to compare "
            "with: how effects grew or differed there rests on the model; let some teams wait longer"
        )
    elif found.beside_one >= MOST_BEYOND:
        told += (
            f"; {found.beside_one:.0%} of the work after the rollouts lies in weeks in which one team alone is left to "
            "compare with: what happened there looks like an effect, or hides one"
        )
    told += "".join(f"; left out is the work {why}" for why in found.left_out if NO_PAST in why)
    return Check(name=name, result="passed" if told == found.design else "noted", found=told)


def _trend(found: Estimate) -> Check:
    clear = not found.slope.low <= 0 <= found.slope.high
    told = f"the adopters' own trend was {_told(found.slope, found)} a year; it is carried on beyond the rollout"
    return Check(name="trend before", result="noted" if clear else "passed", found=told)


def _spell(found: Estimate, withheld: bool) -> Check:
    name = "weeks just before"
    if not found.answers:
        return Check(name=name, result="passed", found="the eight weeks before the rollouts were ordinary ones")
    told = f"the last four weeks before the rollouts lay {_told(found.spell, found)} from the rest, drawn towards zero"
    if not withheld:
        alike = found.spell.estimate * found.estimate > 0
        without, every = (_stated(answer, found) for answer in found.answers)
        told += (
            f": {'a pilot, or what came before it' if alike else 'a bad spell that was answered'}; without the eight "
            f"weeks before, the effect is {without}, with all weeks {every}, and the interval reaches over both"
        )
    return Check(name=name, result="noted", found=told)


def _moved(found: Estimate, withheld: bool) -> Check:
    name = "moved at another time"
    if found.n_teams == 1 or found.design == AT_ONCE:
        told = "one series alone does not tell a level that moved just before the rollout from an effect"
        return Check(name=name, result="noted", found=told)
    if not found.lasting:
        return Check(name=name, result="passed", found="no sign of it in the adopting teams")
    told = (
        "the adopters' level may have moved for good at another time than their rollouts, which is not the change's "
        "doing (if it was a pilot, its date is the rollout)"
    )
    if not withheld:
        step, on_top = (_stated(x, found) for x in found.lasting)
        told += f": by {step}; on top of that the effect would be {on_top}, and the interval reaches towards it"
    return Check(name=name, result="noted", found=told)


def _worst(found: Estimate) -> list[Check]:
    """Teams picked for a bad spell get better by themselves; a level that is always bad is taken out."""
    if found.worst_first is None:
        return []
    tau, p = found.worst_first
    together = f"rank correlation {number(tau, like='+.1f')}, p {p:.2f}"
    if not picked(found.worst_first):
        told = f"the order of the rollouts and how bad each team's weeks were before: {together}"
        return [Check(name="worst teams first", result="passed", found=told)]
    told = f"the teams whose last eight weeks were worse than usual came first ({together})"
    told += "; what is usual for a team is taken out, a bad time that passes by itself looks like an improvement"
    return [Check(name="worst teams first", result="noted", found=told)]


def _season(found: Estimate) -> Check:
    if found.n_teams > 1 and found.design != AT_ONCE:
        return Check(name="season", result="passed", found="every week is compared with the same week of other teams")
    told = "the turn of the year is left out; other seasons could not be told from an effect"
    if found.new_months:
        months = some([calendar.month_name[month] for month in found.new_months], most=12)
        told += f": {counted(sum(found.new_months.values()), 'week')} after lie in months that the time before lacks "
        told += f"({months})"
    return Check(name="season", result="noted", found=told)


def _replayed(found: Estimate) -> Check:
    name, replay = "ordinary dates", found.replay
    if not replay.dates:
        return Check(name=name, result="noted", found="not tried: too little history before the rollouts")
    told = f"this rule would have spoken on {replay.spoken} of {replay.dates} ordinary dates of the past"
    told += f", {replay.weeks} weeks after each"
    if replay.widen > 1.02:
        return Check(name=name, result="noted", found=f"{told}; the interval is {replay.widen - 1:.0%} wider for it")
    return Check(name=name, result="passed", found=told)


def _order(p: float, *, speaks: bool) -> Check:
    told = f"dealt out to the teams at random, {p:.0%} of the rollout orders give an effect as strong as this one"
    return Check(name="rollout order", result="noted" if speaks and p > 0.10 else "passed", found=told)


def _told(x: Interval, found: Estimate) -> str:
    return f"{_stated(x.estimate, found)} ({effects(x.low, x.high, scale=_scale(found))})"


def _stated(x: float, found: Estimate) -> str | None:
    return effect(x, scale=_scale(found))


def _scale(found: Estimate) -> Literal["ratio", "difference"]:
    return "ratio" if found.ratio else "difference"
