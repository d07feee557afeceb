"""What is checked before an estimate is believed: the data, the states that stamp the clock, other changes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Literal, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from prodops_analysis.cells import first_days, settled
from prodops_analysis.errors import some
from prodops_analysis.metrics import Metric
from prodops_analysis.metrics.whole import MISSED
from prodops_analysis.quality import CHECKS, grade_of, in_doubt
from prodops_analysis.records.changes import Change
from prodops_analysis.settings import Settings
from prodops_analysis.work_items import UNKNOWN, Fold

MEASUREMENT_SHARE = 0.20  # starts or finishes that other states stamp on the other side, from which no answer is given
TRACE = 0.02  # of them, from which it is named: with many teams and states less comes about by chance
SILENT = pd.Timedelta(days=14)  # without any event of a team at the end of the log, from which it is named
TOO_CLOSE = timedelta(weeks=4)  # another change to the same metric and team so close cannot be told from this one
ALWAYS = (pd.Timestamp("1900-01-01", tz="UTC"), pd.Timestamp("2200-01-01", tz="UTC"))  # begin and end of what has none
Counts: TypeAlias = NDArray[np.int64]
STAMPS = {
    "starts": ("started_at", "start_state", "start_actor_kind"),
    "finishes": ("finished_at", "finish_state", "finish_actor_kind"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One named check. `forbids`: no answer may be given; `blocks`: no improvement may be claimed."""

    name: str
    result: Literal["passed", "noted", "blocks", "forbids"]
    found: str


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What is assessed: work items, metric, change with the rollouts that have happened, and what is known besides."""

    folded: Fold
    metric: Metric
    change: Change
    rollouts: Mapping[str, date]
    settings: Settings
    doubts: Mapping[str, "pd.Series[bool]"]  # quality check -> whether it touches an item
    others: tuple[Change, ...]

    def share_in_doubt(self, items: "pd.Series[bool]") -> float:
        """Return the share of the named items (a boolean vector) that is in doubt for the metric."""
        return float(in_doubt(self.doubts, self.metric.name)[items].mean()) if items.any() else 0.0

    def grade(self, share: float) -> str:
        """Grade a share of doubtful items."""
        return grade_of(share, thresholds=self.settings.quality)

    @cached_property
    def by_id(self) -> pd.DataFrame:
        """The work items, to be looked up by their id."""
        return self.folded.items.set_index("item_id", drop=False)

    @cached_property
    def silent(self) -> Mapping[str, pd.Timestamp]:
        """Team -> its last event, where nothing came from it for two weeks before the export was taken."""
        last = self.folded.items.groupby("team")["last_event_at"].max()
        return dict(last[last < self.folded.as_of - SILENT].sort_values())

    @cached_property
    def alone(self) -> Mapping[str, tuple[pd.Timestamp, pd.Timestamp]]:
        """Team -> the Mondays between which no other registered change to the metric came to it; nothing lies between
        them where another came to an adopting team at the time of this one.

        An adopting team has its own rollout between them, the others the first of all.
        """
        begun, begin_of_log, spans = min(self.rollouts.values()), self.folded.items["created_at"].min(), {}
        for team in self.folded.items["team"].unique():
            first = self.rollouts.get(team, begun)
            if days := [day for day, _ in own_changes(self, team) if pd.Timestamp(day, tz="UTC") > begin_of_log]:
                if team in self.rollouts and any(abs(day - first) < TOO_CLOSE for day in days):
                    spans[team] = (ALWAYS[1], ALWAYS[0])
                    continue
                before, after = [d for d in days if d <= first], [d for d in days if d > first]
                begin = _monday(max(before) + timedelta(days=6)) if before else ALWAYS[0]
                spans[team] = (begin, _monday(min(after)) if after else ALWAYS[1])
        return spans

    @cached_property
    def until(self) -> Mapping[str, pd.Timestamp]:
        """Team -> the Monday until which its work is counted: another change came to it, or nothing does any more."""
        quiet = {team: _monday(last) for team, last in self.silent.items()}
        return quiet | {team: min(until, quiet.get(team, until)) for team, (_, until) in self.alone.items()}

    def by_itself(self, observed: pd.DataFrame) -> "pd.Series[bool]":
        """Say of each observation whether no other change to the metric is mixed into it."""
        begin, until = (
            pd.to_datetime(observed["team"].map({team: span[k] for team, span in self.alone.items()}), utc=True)
            for k in (0, 1)
        )
        return (begin.isna() | (observed["at"] >= begin)) & (until.isna() | (observed["at"] < until))

    @cached_property
    def settled(self) -> pd.DataFrame:
        """The work items as they are compared: what stayed done is done."""
        return settled(self.folded.items)

    @cached_property
    def stamps(self) -> Mapping[str, pd.DataFrame]:
        """What stamped the clock: starts or finishes -> by team and state, how often `before` and `after`, and whether
        that is more than on the other side (`more before`, `more after`).

        After is since the team's rollout, for the comparison since the first of all.
        """
        teams = self.folded.items["team"].unique()
        since = dict.fromkeys(teams, min(self.rollouts.values())) | dict(self.rollouts)
        return {what: _stamps(self, since, *columns) for what, columns in STAMPS.items()}


def data_quality(subject: Subject, observed: pd.DataFrame) -> Check:
    """Grade D under the figure forbids an answer: a quarter of the adopters' items, before or after, is in doubt."""
    items = subject.folded.items
    used = items["item_id"].isin(observed["item_id"]) | items["finished_at"].notna()
    placed = items["started_at"].fillna(items["finished_at"]).fillna(items["created_at"])
    after = placed >= first_days(items["team"], subject.rollouts)
    sides = {"before": used & ~after, "after": used & after}
    mine = {side: rows & items["team"].isin(subject.rollouts) for side, rows in sides.items()}
    share, n, side = max((subject.share_in_doubt(rows), int(rows.sum()), side) for side, rows in mine.items())
    grade = subject.grade(share)
    if not n:
        return Check(name="data quality", result="noted", found="the adopting teams began and ended no items")
    where = f"{n:,} items that the adopting teams began or ended {side} the rollout"
    found = f"grade {grade}: {share:.1%} of the {where} are in doubt{_most_doubted(subject, mine[side])}"
    return Check(name="data quality", result="forbids" if grade == "D" else "passed", found=found)


def _most_doubted(subject: Subject, rows: "pd.Series[bool]") -> str:
    """Name the quality check that puts most of these items in doubt, and the states that no map knows."""
    shares = {
        name: float(touched[rows].mean())
        for name, touched in subject.doubts.items()
        if subject.metric.name in CHECKS[name][1] and touched[rows].any()
    }
    if not shares:
        return ""
    most = max(sorted(shares), key=shares.__getitem__)
    spells, mine = subject.folded.spells, subject.folded.items.loc[rows, "item_id"]
    strange = spells.loc[(spells["stage"] == UNKNOWN) & spells["item_id"].isin(mine), "state"].value_counts().index
    return f", most by: {most}" + (f" {some(map(repr, strange))}" if most == "unknown state" else "")


def begin_of_log(every: pd.DataFrame) -> Check:
    """Name the teams of whose earlier work the log holds only what lasted: it is left out.

    every : all observations of the metric, with the instant `since` when the log of their team is whole.
    """
    name, lost = "begin of the log", every[every["at"] < every["since"]]
    if lost.empty:
        return Check(name=name, result="passed", found="no sign that earlier work is missing")
    days = some(f"{team} {day:%Y-%m-%d}" for team, day in lost.groupby("team")["since"].first().items())
    told = (
        f"{len(lost):,} items are left out: of work so early the log holds only what lasted; it is whole since {days}"
    )
    return Check(name=name, result="noted", found=told)


def open_work(subject: Subject) -> Check:
    """An export of finished work only leaves out of the last weeks what takes long, and they look fast."""
    begun = subject.folded.items.dropna(subset="started_at")
    age, took = subject.folded.as_of - begun["started_at"], begun["finished_at"] - begun["started_at"]
    ended, n_open = np.sort(took.dropna()), int(took.isna().sum())
    lasting = 1 - np.searchsorted(ended, age[took.notna()], side="right") / max(len(ended), 1)
    if n_open or lasting.sum() < MISSED:
        return Check(name="open work", result="passed", found=f"{n_open:,} items are under way, and counted")
    told = (
        f"no item is under way, and by the pace of the others {lasting.sum():.0f} at least should be: the export seems "
    )
    told += "to hold finished work only, which makes the last weeks look fast; export what is open, too"
    return Check(name="open work", result="blocks", found=told)


def _monday(day: date) -> pd.Timestamp:
    """Return the Monday of the week of a day or an instant."""
    start = pd.Timestamp(day).tz_localize(None).normalize()
    return (start - pd.Timedelta(days=start.weekday())).tz_localize("UTC")


def own_changes(subject: Subject, team: str) -> list[tuple[date, str]]:
    """Return day and title of every other registered change to the metric that came to a team."""
    return sorted(
        (day, other.title or other.id)
        for other in subject.others
        if other != subject.change
        and other.primary_metric == subject.metric.name
        and (day := other.rollouts.get(team)) is not None
        and day <= subject.folded.as_of.date()
    )


def measurement(subject: Subject) -> Check:
    """What stamps the start or finish must be the same before and after, team by team."""
    name = "measurement changed at rollout"
    share, names = shift(subject, set(subject.rollouts))
    if share >= MEASUREMENT_SHARE:
        mend = "if it is only a new name, declare it under same_as in the workflow map"
        return Check(name=name, result="forbids", found=f"{names}; {mend}")
    if share >= TRACE:
        return Check(name=name, result="noted", found=names)
    return Check(name=name, result="passed", found="the same states stamp the clock before and after")


def shift(subject: Subject, teams: set[str]) -> tuple[float, str]:
    """Return the largest share of stamps that came to one side of the dates by other states, and their names."""
    found = []
    for what in subject.metric.clock:
        counts = subject.stamps[what]
        mine = counts[counts.index.get_level_values("team").isin(teams)]
        found += [_told(mine, "before", "after", what), _told(mine, "after", "before", what)]
    return max(found)


def _stamps(subject: Subject, since: Mapping[str, date], at: str, state: str, by: str) -> pd.DataFrame:
    """Count what stamped the clock before the dates and after, by team and state, declared renames undone.

    A dropped item has no finish that a clock could be stopped by; how much is dropped is a check of its own.
    """
    items = subject.folded.items
    counts = (items["outcome"] != "dropped") | (at == "started_at")
    known = items.loc[counts, ["team", at, state, by]].dropna(subset=["team", at, state])
    same = {t: (w.same_as if (w := subject.settings.workflow_of(t)) else {}) for t in since}
    late = known[at] >= first_days(known["team"], since)
    n = late.groupby([known["team"], known[state], known[by].eq("bot")]).agg(["size", "sum"])
    names = [same[team].get(name, name) + " (by a bot)" * bot for team, name, bot in n.index]
    keys = [n.index.get_level_values("team"), pd.Index(names, name="state", dtype="str")]
    found = pd.DataFrame({"before": n["size"] - n["sum"], "after": n["sum"]}).groupby(keys).sum()
    sides, of_team = (frame.to_numpy().T for frame in (found, found.groupby("team").transform("sum")))
    more = {"more before": _risen(*sides, *of_team), "more after": _risen(*sides[::-1], *of_team[::-1])}
    return found.assign(**more)


def _risen(n: Counts, known: Counts, mine: Counts, theirs: Counts) -> NDArray[np.bool_]:
    """Say of each team and state whether it stamps more of one side than the other side of the same team has.

    n, known : stamps of this side and of the other; mine, theirs : all of the team's on this side and on the other.
    A state counts where its share has at least doubled, and by more than luck makes (three standard errors).
    """
    together = (n + known) / (mine + theirs)
    with np.errstate(divide="ignore", invalid="ignore"):  # of a team with nothing on a side
        luck = 3 * np.sqrt(together * (1 - together) * (1 / mine + 1 / theirs))
        return (n > 0) & (theirs > 0) & (2 * known * mine <= n * theirs) & (n / mine - known / theirs > luck)


def _told(counts: pd.DataFrame, here: str, there: str, what: str) -> tuple[float, str]:
    """Return how much more of one side's stamps come from states that have risen there, and their names."""
    n, known, risen = (counts[name] for name in (here, there, f"more {here}"))
    if not risen.any():
        return 0.0, ""
    team, state = (n.index.get_level_values(name) for name in ("team", "state"))
    states = some(map(repr, sorted(set(state[risen]))))
    instead = some(map(repr, sorted(set(state[(known > 0) & team.isin(team[risen]) & ~risen]))))
    share, before = (float(side[risen].sum() / side.sum()) for side in (n, known))
    mine, theirs = (side.groupby("team").transform("sum") for side in (n, known))
    more = float((n - known * mine / theirs)[risen].sum() / n.sum())
    return more, f"{share:.0%} of {what} {here} come from {states}, {before:.0%} of those {there} (there {instead})"
