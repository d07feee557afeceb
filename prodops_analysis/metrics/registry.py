"""What we measure: one row a metric."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import pandas as pd

from prodops_analysis.errors import SettingsError, did_you_mean
from prodops_analysis.metrics import flow, shares
from prodops_analysis.metrics.whole import whole_since

Kind = Literal["duration", "share", "count", "level"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric. `function(items, as_of=…)` gives its observations, one row an item.

    Observations have `item_id, team, item_type, size, at` (the instant that places the item in a week), `value`
    (duration: elapsed days; share: 1 or 0; count: 1; level: days open) and `ended` (False: the value is a lower bound).
    `behind` : what puts an item behind the figure of a window: the instant that lies in it, or `open` at its end.
    `clock` : the stamps the value rests on, `starts` or `finishes`.
    `follow_up` : days after `at` that an item is followed before its value is known; younger ones are left out.

    >>> list(METRICS)
    ['cycle_time', 'lead_time', 'throughput', 'wip', 'work_item_age', 'owner_at_start', 'reopened', 'unplanned']
    >>> METRICS["cycle_time"].question
    'How long does work take from its start to its end?'
    """

    name: str
    label: str
    question: str
    unit: str
    better: Literal["lower", "higher", "neither"]
    kind: Kind
    function: Callable[..., pd.DataFrame]
    behind: str
    source: str
    clock: tuple[str, ...] = ()
    follow_up: int = 0

    @property
    def scale(self) -> Literal["ratio", "difference"]:
        """How a change of this metric is stated."""
        return "difference" if self.kind == "share" else "ratio"

    def observed(self, items: pd.DataFrame, *, as_of: pd.Timestamp) -> pd.DataFrame:
        """Return the observations that have a value, with the instant `since` when the log of their team is whole."""
        found = self.function(items, as_of=as_of).dropna(subset=["value", "at"])
        since = whole_since(items, begin="started_at" if "starts" in self.clock else "created_at")
        # where nothing has begun, a map has no type of its own
        return found.assign(since=pd.to_datetime(found["team"].map(dict(since)), utc=True))

    def comparable(self, items: pd.DataFrame, *, as_of: pd.Timestamp) -> pd.DataFrame:
        """Return the observations that can be compared over time: those since a team's log is whole."""
        found = self.observed(items, as_of=as_of)
        return found[found["at"] >= found["since"]].drop(columns="since")


_GUIDE = "The Kanban Guide (2020)"

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(
            name="cycle_time",
            label="Cycle time",
            question="How long does work take from its start to its end?",
            unit="days",
            better="lower",
            kind="duration",
            function=flow.cycle_time,
            behind="finished_at",
            clock=("starts", "finishes"),
            source=f"{_GUIDE}, cycle time; open items counted by Kaplan & Meier 1958",
        ),
        Metric(
            name="lead_time",
            label="Lead time",
            question="How long does a request wait from its creation to its end?",
            unit="days",
            better="lower",
            kind="duration",
            function=flow.lead_time,
            behind="finished_at",
            clock=("finishes",),
            source="Lead time from request to delivery (Reinertsen 2009); open items counted by Kaplan & Meier 1958",
        ),
        Metric(
            name="throughput",
            label="Throughput",
            question="How many items are done in a week?",
            unit="items a week",
            better="higher",
            kind="count",
            function=flow.throughput,
            behind="finished_at",
            clock=("finishes",),
            source=f"{_GUIDE}, throughput",
        ),
        Metric(
            name="wip",
            label="WIP",
            question="How many items are started and not ended?",
            unit="items",
            better="neither",
            kind="level",
            function=flow.open_items,
            behind="open",
            source=f"{_GUIDE}, WIP",
        ),
        Metric(
            name="work_item_age",
            label="Work item age",
            question="How long have the open items been under way?",
            unit="days",
            better="lower",
            kind="level",
            function=flow.open_items,
            behind="open",
            source=f"{_GUIDE}, work item age",
        ),
        Metric(
            name="owner_at_start",
            label="Owner at start",
            question="Does work have an owner when it starts?",
            unit="share of started items",
            better="higher",
            kind="share",
            function=partial(shares.marked_at_start, mark="owner_at_start"),
            behind="started_at",
            clock=("starts",),
            source="Own definition: an owner is recorded at or before the first start",
        ),
        Metric(
            name="reopened",
            label="Reopened work",
            question="How much of the work that was done comes back?",
            unit="share of finished items",
            better="lower",
            kind="share",
            function=shares.reopened,
            behind="first_finished_at",
            clock=("finishes",),
            source=f"Own definition: left done again within {shares.FOLLOW_UP} days of the first finish",
            follow_up=shares.FOLLOW_UP,
        ),
        Metric(
            name="unplanned",
            label="Unplanned work",
            question="How much of the work that starts had nobody planned?",
            unit="share of started items",
            better="lower",
            kind="share",
            function=partial(shares.marked_at_start, mark="unplanned"),
            behind="started_at",
            clock=("starts",),
            source="Own definition: marked as unplanned at or before the first start",
        ),
    )
}


def metric_named(name: str) -> Metric:
    """Return a metric of the registry. Raises SettingsError with the nearest name."""
    name = str(name)
    if name not in METRICS:
        raise SettingsError(f"no metric {name!r}{did_you_mean(name, METRICS)}; the metrics are {', '.join(METRICS)}")
    return METRICS[name]
