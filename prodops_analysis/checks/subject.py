"""What is assessed, which of its teams and weeks are used, and what a check says of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Literal, TypeAlias

import pandas as pd

from prodops_analysis.cells import followed, settled
from prodops_analysis.metrics import Metric
from prodops_analysis.quality import grade_of, in_doubt
from prodops_analysis.records.changes import Change
from prodops_analysis.settings import Settings
from prodops_analysis.work_items import Fold

SILENT = pd.Timedelta(days=14)  # without any event of a team at the end of the log, from which it is named
TOO_CLOSE = timedelta(weeks=4)  # another change to the same metric and team so close cannot be told from this one
ALWAYS = (pd.Timestamp("1900-01-01", tz="UTC"), pd.Timestamp("2200-01-01", tz="UTC"))  # begin and end of what has none
Result: TypeAlias = Literal["passed", "noted", "blocks", "forbids"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One named check. `forbids`: no answer may be given; `blocks`: no improvement may be claimed."""

    name: str
    result: Result
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

    def local(self, at: "pd.Series[pd.Timestamp]") -> "pd.Series[pd.Timestamp]":
        """Return instants as the clock on the wall showed them, as if it were that of UTC: a rollout is on a day, and
        days and weeks begin where people's do.
        """
        return at.dt.tz_convert(self.settings.time_zone).dt.tz_localize(None).dt.tz_localize("UTC")

    @property
    def as_of(self) -> pd.Timestamp:
        """When the export was taken, by the clock on the wall."""
        return self.local(pd.Series([self.folded.as_of])).iloc[0]

    @cached_property
    def placed(self) -> "pd.Series[pd.Timestamp]":
        """When each work item began, or ended or was created where no start is known; by the clock on the wall."""
        items = self.folded.items
        return self.local(items["started_at"].fillna(items["finished_at"]).fillna(items["created_at"]))

    @cached_property
    def silent(self) -> Mapping[str, pd.Timestamp]:
        """Team -> its last event, where nothing came from it for two weeks before the export was taken."""
        last = self.local(self.folded.items.groupby("team")["last_event_at"].max())
        return dict(last[last < self.as_of - SILENT].sort_values())

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

    @cached_property
    def settled(self) -> pd.DataFrame:
        """The work items as they are compared: what stayed done is done."""
        return settled(self.folded.items)

    def observed(self, metric: Metric) -> pd.DataFrame:
        """Return all observations of a metric, with the instant `since` when the log of their team is whole."""
        every = metric.observed(self.settled, as_of=self.folded.as_of)
        return every.assign(at=self.local(every["at"]), since=self.local(every["since"]))

    def usable(self, every: pd.DataFrame, metric: Metric) -> pd.DataFrame:
        """Return the observations that can be compared: those since the log of their team is whole, into which
        no other change is mixed, followed to the last event of their team only.
        """
        begin, until = (
            pd.to_datetime(every["team"].map({team: span[k] for team, span in self.alone.items()}), utc=True)
            for k in (0, 1)
        )
        alone = (begin.isna() | (every["at"] >= begin)) & (until.isna() | (every["at"] < until))
        kept = every[alone & (every["at"] >= every["since"])].drop(columns="since")
        return followed(kept, last_event=self.silent, follow_up=metric.follow_up).reset_index(drop=True)


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


def _monday(day: date) -> pd.Timestamp:
    """Return the Monday of the week of a day or an instant."""
    start = pd.Timestamp(day).tz_localize(None).normalize()
    return (start - pd.Timedelta(days=start.weekday())).tz_localize("UTC")
