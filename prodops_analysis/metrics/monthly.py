"""The figures of a month, each beside the same figure as it was known one period before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd
from scipy import stats

from prodops_analysis.metrics.flow import summarise_durations
from prodops_analysis.metrics.registry import Metric, metric_named

RECENT_WEEKS = 26  # durations look at work started (or created) in so many weeks before the month's end


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One headline figure. `value` is None where fewer than the smallest group stand behind it.

    low, high : 95% interval; None for a level, which is counted and not estimated, and where the value is None.
    earlier : the same figure of the period before, which shares no day with this one; None in the earlier one itself.
    without : teams that are left out.
    """

    metric: Metric
    value: float | None
    low: float | None
    high: float | None
    n: int
    statistic: str
    period: str
    earlier: "Figure | None" = None
    without: tuple[str, ...] = ()

    @property
    def beside(self) -> str:
        """What the earlier figure is from, in words."""
        return f"the {RECENT_WEEKS} weeks before" if self.metric.kind == "duration" else "the month before"

    @property
    def previous(self) -> float | None:
        """The value of the earlier figure."""
        return self.earlier.value if self.earlier else None

    @property
    def change(self) -> float | None:
        """Return the change since the earlier figure: relative, or in share points."""
        if self.value is None or self.previous is None:
            return None
        if self.metric.scale == "difference":
            return self.value - self.previous
        return self.value / self.previous - 1 if self.previous else None

    @property
    def moved(self) -> int:
        """Return 1 or -1 where the intervals of this and the earlier figure lie apart, else 0."""
        if self.earlier is None or None in (bounds := (self.low, self.high, self.earlier.low, self.earlier.high)):
            return 0
        low, high, low_before, high_before = (float(x) for x in bounds if x is not None)
        return int(low > high_before) - int(high < low_before)


def month_figures(
    items: pd.DataFrame, names: Sequence[str], *, before: pd.Timestamp, since: pd.Timestamp, until: pd.Timestamp,
    smallest_group: int, unfit: Mapping[str, tuple[str, ...]] | None = None,
) -> tuple[Figure, ...]:  # fmt: skip
    """Return the named figures of the month from `since` to `until`, over all teams but the unfit ones.

    The earlier figure is computed as it was known then: later events are not looked at, open items are open again.

    before : start of the month before, whose figures stand beside those of this one.
    unfit : metric -> teams whose data cannot bear it (`Scorecard.unfit`); they are left out of both figures.
    """
    figures = []
    for metric in map(metric_named, names):
        without = (unfit or {}).get(metric.name, ())
        fit = items[~items["team"].isin(without)]
        weeks = pd.Timedelta(weeks=RECENT_WEEKS)
        then = (since - weeks, until - weeks) if metric.kind == "duration" else (before, since)
        earlier = _figure(fit, metric, *then, smallest_group)
        now = _figure(fit, metric, since, until, smallest_group)
        figures.append(replace(now, earlier=earlier, without=without))
    return tuple(figures)


def recent(items: pd.DataFrame, metric: Metric, *, until: pd.Timestamp) -> pd.DataFrame:
    """Return the observations of a duration whose clock started in the weeks before `until`."""
    observed = metric.function(items, as_of=until)
    return observed[observed["at"] >= until - pd.Timedelta(weeks=RECENT_WEEKS)]


def _figure(items: pd.DataFrame, metric: Metric, since: pd.Timestamp, until: pd.Timestamp, smallest: int) -> Figure:
    low = high = None
    if metric.kind == "duration":
        observed = recent(items, metric, until=until)
        summary = summarise_durations(observed)
        value = summary.median if summary else float("nan")
        low, high = (summary.median_low, summary.median_high) if summary else (None, None)
        statistic, period = "median, open items counted", f"work of the last {RECENT_WEEKS} weeks"
    elif metric.kind == "level":
        observed = metric.function(items, as_of=until)
        value = float(len(observed)) if metric.name == "wip" else float(observed["value"].median())
        statistic, period = ("items" if metric.name == "wip" else "median"), "at the end of the month"
    else:
        every = metric.function(items, as_of=until)
        late = pd.Timedelta(days=metric.follow_up)
        observed = every[(every["at"] >= since - late) & (every["at"] < until - late)]
        weeks = (until - since) / pd.Timedelta(days=7)
        value = float(observed["value"].mean()) if metric.kind == "share" else len(observed) / weeks
        low, high = share_interval(observed["value"]) if metric.kind == "share" else _count(len(observed), weeks)
        statistic, period = ("share" if metric.kind == "share" else "mean"), "in the month"
        period += f" that ended {metric.follow_up} days earlier" if metric.follow_up else ""
    shown = len(observed) >= smallest and value == value
    return Figure(
        metric=metric, value=value if shown else None, low=_number(low) if shown else None,
        high=_number(high) if shown else None, n=len(observed), statistic=statistic, period=period,
    )  # fmt: skip


def shares_by_month(observed: pd.DataFrame, *, months: int, until: pd.Timestamp, smallest_group: int) -> pd.DataFrame:
    """Return a share month by month, `month, value, low, high, n`; months below the smallest group are left out.

    until : end of the last month; months are those of its time zone.
    """
    inside = observed[(observed["at"] < until) & (observed["at"] >= until - pd.DateOffset(months=months))]
    month = inside["at"].dt.tz_convert(until.tz).dt.tz_localize(None).dt.to_period("M").dt.start_time
    rows = [
        (when, float(part.mean()), *share_interval(part), len(part))
        for when, part in inside["value"].groupby(month)
        if len(part) >= smallest_group
    ]
    return pd.DataFrame(rows, columns=["month", "value", "low", "high", "n"])


def share_interval(values: "pd.Series[float]") -> tuple[float, float]:
    """Return Wilson's 95% interval of a share; all of it where nothing was seen."""
    if values.empty:
        return 0.0, 1.0
    found = stats.binomtest(int(values.sum()), len(values)).proportion_ci(method="wilson")
    return float(found.low), float(found.high)


def _count(n: int, weeks: float) -> tuple[float, float]:
    """Return the 95% interval of a weekly rate (Garwood 1936)."""
    low = stats.chi2.ppf(0.025, 2 * n) / 2 if n else 0.0
    return float(low / weeks), float(stats.chi2.ppf(0.975, 2 * n + 2) / 2 / weeks)


def _number(x: float | None) -> float | None:
    return x if x is not None and x == x else None
