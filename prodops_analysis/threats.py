"""What else could look like an effect: each threat named, with its size and what it does to the verdict."""

import pandas as pd

from prodops_analysis.cells import first_days, kinds_of
from prodops_analysis.checks import Check, Subject
from prodops_analysis.comparison import AT_ONCE, Estimate
from prodops_analysis.estimators.rollout import Interval
from prodops_analysis.tables import effect, effects

MOVED = 0.10  # a share that moves by so much between before and after is named
MOST_BEYOND = 0.25  # share of the work after the rollouts without a comparison from which this is said
BULK = 5  # items edited together from which a finish counts as part of a bulk edit


def threats(found: Estimate, subject: Subject, observed: pd.DataFrame, *, withheld: bool) -> tuple[Check, ...]:
    """Name every threat to the estimate; `observed` are the observations it rests on.

    withheld : no number may be shown, so no check tells one of the effect.
    """
    own = observed[observed["team"].isin(subject.rollouts)]
    after = own["at"] >= first_days(own["team"], subject.rollouts)
    checks = [_comparison(found), _trend(found), _spell(found, withheld), _season(found), _replayed(found)]
    if found.order_p is not None and not withheld:
        checks.append(_order(found.order_p, speaks=not found.low <= 0 <= found.high))
    items = subject.folded.items.set_index("item_id").loc[own["item_id"]].set_axis(own.index)
    return (*checks, _mix(own, after), _dropped(own, after, subject), _bulk(items, after), _filled(items, after),
            _typed(items, after, subject))  # fmt: skip


def _comparison(found: Estimate) -> Check:
    name = "comparison"
    if found.design == AT_ONCE:
        told = (
            "all teams changed at about the same time or had changes of their own, so none is left to compare with; "
            "let teams start one after the other"
        )
        return Check(name=name, result="forbids", found=told)
    if found.n_teams == 1:
        told = "no other team is there to compare with; whatever else happened to this one is part of the effect"
        return Check(name=name, result="noted", found=told)
    if found.beyond >= MOST_BEYOND:
        told = (
            f"{found.design}; {found.beyond:.0%} of the work after the rollouts lies in weeks in which no team is left "
            "to compare with: how effects grew or differed there rests on the model; let some teams wait longer"
        )
        return Check(name=name, result="noted", found=told)
    return Check(name=name, result="passed", found=found.design)


def _trend(found: Estimate) -> Check:
    clear = not found.slope.low <= 0 <= found.slope.high
    told = f"the adopters' own trend was {_told(found.slope, found)} a year; it is carried on beyond the rollout"
    return Check(name="trend before", result="noted" if clear else "passed", found=told)


def _spell(found: Estimate, withheld: bool) -> Check:
    name = "weeks just before"
    if not found.answers:
        told = "the eight weeks before the rollouts were ordinary ones"
        return Check(name=name, result="passed", found=told)
    scale = "ratio" if found.ratio else "difference"
    without, every = (effect(answer, scale=scale) for answer in found.answers)
    told = (
        f"the last four weeks before the rollouts lay {_told(found.spell, found)} from the rest, drawn towards zero "
        "(the chart over time lets them go free): a bad spell that was answered, or a pilot"
    )
    if not withheld:
        told += (
            f"; the interval reaches over the answer without the eight weeks before, {without}, and that with all "
            f"weeks, {every}"
        )
    return Check(name=name, result="noted", found=told)


def _season(found: Estimate) -> Check:
    if found.n_teams > 1 and found.design != AT_ONCE:
        return Check(name="season", result="passed", found="every week is compared with the same week of other teams")
    told = "the turn of the year is left out; other seasons could not be told from an effect"
    return Check(name="season", result="noted", found=told)


def _replayed(found: Estimate) -> Check:
    name, replay = "ordinary dates", found.replay
    if not replay.dates:
        return Check(name=name, result="noted", found="not tried: too little history before the rollouts")
    told = f"this rule would have spoken on {replay.spoken} of {replay.dates} ordinary dates of the past"
    if replay.widen > 1.02:
        return Check(name=name, result="noted", found=f"{told}; the interval is {replay.widen - 1:.0%} wider for it")
    return Check(name=name, result="passed", found=told)


def _order(p: float, *, speaks: bool) -> Check:
    told = f"dealt out to the teams at random, {p:.0%} of the rollout orders give an effect as strong as this one"
    return Check(name="rollout order", result="noted" if speaks and p > 0.10 else "passed", found=told)


def _mix(own: pd.DataFrame, after: "pd.Series[bool]") -> Check:
    kind = kinds_of(own)
    shares = [kind[side].value_counts(normalize=True) for side in (~after, after)]
    moved = float(shares[1].sub(shares[0], fill_value=0).abs().sum() / 2)
    told = f"{moved:.0%} of the work is of other types or sizes than before; the difference is taken out"
    return Check(name="mix of work", result="noted" if moved >= MOVED else "passed", found=told)


def _dropped(own: pd.DataFrame, after: "pd.Series[bool]", subject: Subject) -> Check:
    told, moved = _shares(own["outcome"] == "dropped", after)
    kept = "; a dropped item counts as not done until it was dropped" if subject.metric.kind == "duration" else ""
    return Check(name="dropped work", result="noted" if moved else "passed", found=f"{told} of items dropped{kept}")


def _bulk(items: pd.DataFrame, after: "pd.Series[bool]") -> Check:
    told, moved = _shares(items["finish_batch"] >= BULK, after)
    return Check(name="bulk edits", result="noted" if moved else "passed", found=f"{told} of items finished in bulk")


def _filled(items: pd.DataFrame, after: "pd.Series[bool]") -> Check:
    """A field that becomes required looks like a change of what it holds."""
    fields = {
        "a type": items["item_type"].fillna("").ne(""),
        "a size": items["size"].fillna("").ne(""),
        "an owner at some time": items["ever_owned"],
    }
    found = {name: _shares(filled, after) for name, filled in fields.items()}
    moved = "; ".join(f"{told} have {name}" for name, (told, differs) in found.items() if differs)
    calm = "types, sizes and owners are filled in as often as before"
    told = f"{moved}: was a field made required, or given up?" if moved else calm
    return Check(name="fields filled in", result="noted" if moved else "passed", found=told)


def _typed(items: pd.DataFrame, after: "pd.Series[bool]", subject: Subject) -> Check:
    """A day that somebody typed stamps the clock with midnight, a tracker with the hour."""
    stamps = [items[column].dt.tz_convert(subject.settings.time_zone) for column in ("started_at", "finished_at")]
    told, moved = _shares((stamps[0] == stamps[0].dt.normalize()) | (stamps[1] == stamps[1].dt.normalize()), after)
    found = f"{told} of items start or end at midnight, as typed days do"
    return Check(name="typed dates", result="noted" if moved else "passed", found=found)


def _shares(flag: "pd.Series[bool]", after: "pd.Series[bool]") -> tuple[str, bool]:
    before, later = float(flag[~after].mean()), float(flag[after].mean())
    return f"{before:.0%} before and {later:.0%} after", round(abs(later - before), 9) >= MOVED


def _told(x: Interval, found: Estimate) -> str:
    scale = "ratio" if found.ratio else "difference"
    return f"{effect(x.estimate, scale=scale)} ({effects(x.low, x.high, scale=scale)})"
