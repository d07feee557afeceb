"""What moved in the records at the rollout: how work is cut, named, entered and closed. Each could pass for an effect.

Why each, and what it does to the verdict: docs/decisions/0008.
"""

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from scipy import stats

from prodops_analysis.cells import MOST_UNSEEN, first_days, kinds_of, unseen
from prodops_analysis.checks.measurement import MEASUREMENT_SHARE, TRACE
from prodops_analysis.checks.subject import Check, Subject
from prodops_analysis.errors import some
from prodops_analysis.tables import effect
from prodops_analysis.work_items import UNKNOWN

MOVED, FEW = 0.10, 0.05  # a share that moves by so much between before and after is named
LONGER = 1.2  # times the wait before a start from which it is named
BULK = 5  # items of a team moved in one edit, or within an hour, from which they count as moved in bulk
ENOUGH = 50  # items done, before and after, from which states are compared
WAIT = "wait before the start"
HOUR, DAY = pd.Timedelta(hours=1), pd.Timedelta(days=1)
ARTEFACTS = (
    "unknown states", "mix of work", "dropped work", "fields filled in", "bulk edits", "typed dates",
    "entered afterwards", "new teams", "silent teams", "finishes without a start", "last state before the end",
    "owners set by rule", "records of the comparison", WAIT, "amount of work",
)  # fmt: skip
Flags: TypeAlias = "pd.Series[Any]"  # whether something holds for an item; missing where it cannot


def artefacts(subject: Subject, observed: pd.DataFrame) -> tuple[Check, ...]:
    """Name what moved in the records of the teams; `observed` are the observations that the estimate rests on."""
    own = observed[observed["team"].isin(subject.rollouts)]
    after = own["at"] >= first_days(own["team"], subject.rollouts)
    items = items_of(own, subject)
    checks = [
        _unknown(subject), _mix(observed, own, after, subject), _dropped(own, after, subject), _filled(items, after),
        *of_the_clock(items, after, subject), _new_teams(subject), _silent(subject),
    ]  # fmt: skip
    if "starts" in subject.metric.clock:
        checks.append(_without_start(subject))
    if from_start(subject):
        checks.append(_last_state(items, after, subject))
    if subject.metric.name == "owner_at_start":
        checks.append(_owners(items, after))
    return tuple(checks)


def items_of(rows: pd.DataFrame, subject: Subject) -> pd.DataFrame:
    return subject.by_id.loc[rows["item_id"]].set_axis(rows.index)


def from_start(subject: Subject) -> bool:
    """Whether a start begins what is measured, so that a later start makes it shorter."""
    return subject.metric.kind == "duration" and "starts" in subject.metric.clock


def of_the_clock(items: pd.DataFrame, after: Flags, subject: Subject) -> list[Check]:
    """Say of each way in which a clock can come to be read otherwise whether it moved."""
    return [_bulk(items, after), _typed(items, after, subject), _afterwards(items, after)]


def _silent(subject: Subject) -> Check:
    """An export that ends early for one team makes its open work look old; it is followed to that team's last event."""
    told = "; ".join(f"nothing of {team} since {at:%Y-%m-%d}" for team, at in subject.silent.items())
    ask = f"{told}: is the export complete?" if told else "every team was at work to the end"
    return Check(name="silent teams", result="noted" if told else "passed", found=ask)


def _unknown(subject: Subject) -> Check:
    """Where a state that no map knows may have been a start or an end, the clock is read otherwise."""
    items, spells = subject.folded.items, subject.folded.spells
    own = items[items["team"].isin(subject.rollouts)]
    after = subject.placed[own.index] >= first_days(own["team"], subject.rollouts)
    columns = {"starts": ("before their start", "unknown_at_start"), "finishes": ("at their end", "unknown_at_end")}
    flags = {f"of items were in a state that no map knows {when}": own[column]
             for stamp, (when, column) in columns.items() if stamp in subject.metric.clock}  # fmt: skip
    states = spells.loc[(spells["stage"] == UNKNOWN) & spells["item_id"].isin(own["item_id"]), "state"]
    ask = f": add {some(map(repr, states.value_counts().index))} to the workflow map"
    calm = "none came or went that may have been a start or an end"
    return _moved("unknown states", flags, after, own["team"], least=TRACE, forbids=FEW, ask=ask, calm=calm)


def _mix(observed: pd.DataFrame, own: pd.DataFrame, after: Flags, subject: Subject) -> Check:
    """Name other kinds of work. What was not there before is not compared, and counts for no improvement."""
    every = kinds_of(observed)
    kind = every[own.index]
    before, later = (kind[side].value_counts(normalize=True) for side in (~after, after))
    moved = float(later.sub(before, fill_value=0).abs().sum() / 2)
    new = float(unseen(every, ~observed.index.isin(own.index[after])).sum()) / max(int(after.sum()), 1)
    counted = subject.metric.kind == "count"
    told = f"{moved:.0%} of the work is of other types or sizes than before"
    if new > MOST_UNSEEN:
        told += f"; {new:.0%} has labels not seen before, so the difference cannot be taken out"
    elif counted:
        told += f"; {new:.0%} is of kinds not seen before, and counted"
    else:
        told += "; the difference is taken out, if the labels mean what they did"
        told += f", and the {new:.0%} of kinds not seen before are left out" if new >= 0.005 else ""
    if counted and new >= MOVED:
        return Check(name="mix of work", result="blocks", found=told)
    return Check(name="mix of work", result="noted" if moved >= MOVED else "passed", found=told)


def _dropped(own: pd.DataFrame, after: Flags, subject: Subject) -> Check:
    """What is turned down at the end of its wait is no request that waits longer: lead times of many tell nothing."""
    duration = subject.metric.kind == "duration"
    if not duration and "starts" not in subject.metric.clock:  # what is observed is done
        own, after = _ended(subject)
    kept = "; a dropped item counts as not done until it was dropped" if duration else ""
    flags = {"of items dropped": own["outcome"] == "dropped"}
    forbids = MEASUREMENT_SHARE if duration and not from_start(subject) else np.inf
    return _moved("dropped work", flags, after, own["team"], ask=kept, forbids=forbids)


def _bulk(items: pd.DataFrame, after: Flags) -> Check:
    """Cards that are moved together tell when people met, not when work began or ended."""
    at = {"started": items["started_at"], "finished": items["finished_at"]}
    flags = {what: _in_one_sitting(times, items["team"]) for what, times in at.items()}
    flags["finished"] |= items["finish_batch"] >= BULK
    told = {f"of items {what} in bulk": flag.where(at[what].notna()) for what, flag in flags.items()}
    many = f" ({BULK} or more in one edit, or half a week's work of a team in an hour)"
    return _moved("bulk edits", told, after, items["team"], ask=many, forbids=MEASUREMENT_SHARE)


def _in_one_sitting(at: pd.Series, team: pd.Series) -> Flags:
    """Say of each instant whether its team moved half a week's items, five at least, within the hour around it.

    Instants on a full quarter of an hour are left out: typed days and hours coincide by themselves.
    """
    exact = np.flatnonzero(at.notna() & (at != at.dt.floor("15min")))
    moved, group = at.iloc[exact].dt.tz_convert(None).to_numpy(), pd.factorize(team.iloc[exact])[0]
    order = np.lexsort((moved, group))
    moved, group, n = moved[order], group[order], np.bincount(group)
    last = np.cumsum(n)
    weeks = np.maximum((moved[last - 1] - moved[last - n]) / (7 * DAY), 1.0)
    until = np.arange(len(moved)) + np.maximum(BULK, np.ceil(n / weeks / 2).astype(int))[group]
    first = np.flatnonzero(until <= last[group])
    first = first[moved[until[first] - 1] - moved[first] <= HOUR]
    sittings = np.zeros(len(moved) + 1, dtype=int)  # begun less ended
    np.add.at(sittings, first, 1)
    np.add.at(sittings, until[first], -1)
    found = pd.Series(False, index=at.index)
    found.iloc[exact[order]] = np.cumsum(sittings)[:-1] > 0
    return found


def _filled(items: pd.DataFrame, after: Flags) -> Check:
    """A field that becomes required looks like a change of what it holds."""
    fields = {
        "have a type": items["item_type"].fillna("").ne(""),
        "have a size": items["size"].fillna("").ne(""),
        "have an owner at some time": items["ever_owned"],
    }
    return _moved("fields filled in", fields, after, items["team"], ask=": was a field made required, or given up?",
                  calm="types, sizes and owners are filled in as often as before")  # fmt: skip


def _typed(items: pd.DataFrame, after: Flags, subject: Subject) -> Check:
    """A day or an hour that somebody typed stamps the clock on the hour, a tracker at any second."""
    stamps = [subject.local(items[column]) for column in ("started_at", "finished_at")]
    typed = [(stamp.dt.minute == 0) & (stamp.dt.second == 0) for stamp in stamps]
    flags = {"of items start or end on the hour, as typed times do": typed[0] | typed[1]}
    return _moved("typed dates", flags, after, items["team"], forbids=MEASUREMENT_SHARE)


def _afterwards(items: pd.DataFrame, after: Flags) -> Check:
    """Work that is entered when it is over seems to have taken no time."""
    exact = items["finished_at"] != items["finished_at"].dt.floor("15min")  # a typed day hides how long work took
    took = (items["finished_at"] - items["created_at"]).where(exact).dropna()
    quick = (took <= min(2 * HOUR, took.median() / 20)) if len(took) else took == HOUR
    flags = {"of finished items were created just before they ended": quick.reindex(items.index)}
    return _moved("entered afterwards", flags, after, items["team"], least=FEW, forbids=MOVED)


def new_teams(subject: Subject) -> pd.DataFrame:
    """Return the other teams that began to work since the first rollout: `min`, when, and `size`, the items since."""
    items, first = subject.folded.items, pd.Timestamp(min(subject.rollouts.values()), tz="UTC")
    # work that was handed on may be older than the team that got it
    others = subject.placed[~items["team"].isin(subject.rollouts)].groupby(items["team"]).agg(["min", "size"])
    return others[(others["min"] >= first) & (others["size"] >= BULK)].sort_values("min")


def _new_teams(subject: Subject) -> Check:
    """Work that moves to another team leaves the easier or the harder rest behind."""
    new = new_teams(subject)
    told = "; ".join(f"{team} begins on {begun:%Y-%m-%d}, {n:,} items since" for team, begun, n in new.itertuples())
    ask = f"{told}: was work of the adopting teams moved there?"
    return Check(name="new teams", result="noted" if told else "passed", found=ask if told else "no team began since")


def _without_start(subject: Subject) -> Check:
    """Quick work that skips the board has no start, and no cycle time."""
    ended, after = _ended(subject)
    done = ended[ended["outcome"] == "done"]
    flags = {"of finished items have no start": done["started_at"].isna()}
    return _moved("finishes without a start", flags, after[done.index], done["team"], least=FEW, forbids=MOVED)


def _ended(subject: Subject) -> tuple[pd.DataFrame, Flags]:
    """Return the items of the adopting teams that ended, and whether after their rollout."""
    items = subject.folded.items
    ended = items[items["team"].isin(subject.rollouts) & items["finished_at"].notna()]
    return ended, subject.local(ended["finished_at"]) >= first_days(ended["team"], subject.rollouts)


def waited(items: pd.DataFrame, after: Flags, *, anyway: float = 1.0) -> tuple[float, float, bool]:
    """Return the days from creation to start that are usual before and after, 0 where none are known, and whether they
    lie apart; `anyway` is the factor by which they moved elsewhere.
    """
    days = np.maximum(((items["started_at"] - items["created_at"]) / DAY).to_numpy(), 0)
    known, late = ~np.isnan(days), after.to_numpy(bool)
    before, later = np.sort(days[known & ~late]) * anyway, np.sort(days[known & late])
    # the mean of the middle half moves smoothly where days are whole, unlike a median
    usual, now = (
        float(side[len(side) // 4 : len(side) - len(side) // 4].mean()) if len(side) >= BULK else 0.0
        for side in (before, later)
    )
    if not usual or 1 / LONGER < now / usual < LONGER or len(later) < BULK:
        return usual, now, False
    return usual, now, bool(stats.mannwhitneyu(before, later).pvalue <= 0.001)


def _last_state(items: pd.DataFrame, after: Flags, subject: Subject) -> Check:
    """Cards that are closed sooner after the work is over shorten the last state alone."""
    name, spells = "last state before the end", subject.folded.spells
    known = items[(items["outcome"] == "done") & items["started_at"].notna()]
    inside = spells[spells["item_id"].isin(known["item_id"]) & spells["stage"].isin(["active", "wait"])]
    entered = inside.groupby("item_id")["entered_at"].max()
    last = pd.to_datetime(entered.reindex(known["item_id"]), utc=True).set_axis(known.index)
    parts = pd.DataFrame({"first": last - known["started_at"], "last": known["finished_at"] - last}) / DAY
    logs = np.log(parts[(parts["first"] > 0) & (parts["last"] > 0)].clip(lower=1 / 24))
    sides = [logs[side.reindex(logs.index)] for side in (~after, after)]
    if min(map(len, sides)) < ENOUGH:
        return Check(name=name, result="passed", found="work passes through one state only, or too few of it is done")
    moved = np.expm1(sides[1].mean() - sides[0].mean())
    apart = [side["last"] - side["first"] for side in sides]
    more = np.expm1(apart[1].mean() - apart[0].mean())  # not by how much each moved: that might be the effect
    told = f"the last state before the end moved by {effect(more, scale='ratio')} beside the time before it"
    if (
        moved["last"] > -MEASUREMENT_SHARE
        or moved["first"] < moved["last"] / 2
        or stats.mannwhitneyu(*apart).pvalue > 0.001
    ):
        return Check(name=name, result="passed", found=told)
    return Check(name=name, result="noted", found=f"{told}: is work over sooner, or closed sooner?")


def _owners(items: pd.DataFrame, after: Flags) -> Check:
    """An owner that a rule fills in is a name, and no clearer ownership."""
    name, by, words = "owners set by rule", items["owner_put_by"], "of items got their owner"
    bots, start = ((by == who).where(by.notna()) for who in ("bot", "start"))
    by_bots = _moved(name, {f"{words} from a bot": bots}, after, items["team"], forbids=MEASUREMENT_SHARE)
    at_start = _moved(name, {f"{words} in the second they were started": start}, after, items["team"])
    return at_start if by_bots.result == "passed" else by_bots


def _moved(
    name: str, flags: Mapping[str, Flags], after: Flags, team: "pd.Series[str]", *, calm: str = "", ask: str = "",
    least: float = MOVED, forbids: float = np.inf,
) -> Check:  # fmt: skip
    """Compare shares before and after: what is told of the items -> whether it holds.

    least, forbids : how far a share moves from which it is named, and from which no answer is given.
    """
    told, moved, most = [], [], 0.0
    for words, flag in flags.items():
        before, later = by_team(flag.astype("float64"), after, team)
        if np.isnan(before):
            continue
        told.append(f"{before:.0%} before and {later:.0%} after {words}")
        if (apart := round(abs(later - before), 9)) >= least:
            moved.append(told[-1])
            most = max(most, apart)
    if not moved:
        return Check(name=name, result="passed", found=calm or "; ".join(told) or "nothing to compare")
    return Check(name=name, result="forbids" if most >= forbids else "noted", found="; ".join(moved) + ask)


def by_team(flag: "pd.Series[float]", after: Flags, team: "pd.Series[str]") -> tuple[float, float]:
    """Return the mean before and after, team by team, each weighted by what it has after; NaN where none has both.

    Teams that roll out early have more after, and what is their habit would seem to come with the rollout.
    """
    cell = 2 * pd.factorize(team)[0] + after.to_numpy(bool)
    seen, cells = flag.notna().to_numpy(), 2 * team.nunique()
    n = np.bincount(cell[seen], minlength=cells).reshape(-1, 2)
    total = np.bincount(cell[seen], weights=flag[seen], minlength=cells).reshape(-1, 2)
    both = (n > 0).all(axis=1)
    if not both.any():
        return np.nan, np.nan
    before, later = np.average(total[both] / n[both], weights=n[both, 1], axis=0)
    return float(before), float(later)
