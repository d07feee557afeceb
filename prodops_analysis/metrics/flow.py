"""Flow: cycle time, lead time, throughput, WIP and work item age from work items."""

from dataclasses import dataclass

import pandas as pd

from prodops_analysis.estimators.survival import CumulativeIncidence, SurvivalCurve, aalen_johansen, kaplan_meier

DAY = pd.Timedelta(days=1)
KEPT = ["item_id", "team", "item_type", "size", "start_state", "finish_state", "outcome"]


def cycle_time(items: pd.DataFrame, *, as_of: pd.Timestamp) -> pd.DataFrame:
    """Return elapsed days from the first start to the end, for every started item.

    Open items stay with the days seen so far and `ended` False. Items that end before they start are left out here
    and listed by the quality checks. Columns: see `Metric`.
    """
    return _durations(items, "started_at", as_of)


def lead_time(items: pd.DataFrame, *, as_of: pd.Timestamp) -> pd.DataFrame:
    """Return elapsed days from creation to the end, for every item; open items as in `cycle_time`."""
    return _durations(items, "created_at", as_of)


def throughput(items: pd.DataFrame, *, as_of: pd.Timestamp) -> pd.DataFrame:
    """Return one row for each item done by `as_of`, placed at its finish; dropped items are not throughput."""
    done = items[(items["outcome"] == "done") & (items["finished_at"] <= as_of)]
    return done[KEPT].assign(at=done["finished_at"], value=1.0, ended=True)


def open_items(items: pd.DataFrame, *, as_of: pd.Timestamp) -> pd.DataFrame:
    """Return the items in progress at `as_of`, with their age in elapsed days as value."""
    begun = items[(items["started_at"] <= as_of) & ~(items["finished_at"] <= as_of)]
    return begun[KEPT].assign(at=begun["started_at"], value=(as_of - begun["started_at"]) / DAY, ended=False)


def _durations(items: pd.DataFrame, start: str, as_of: pd.Timestamp) -> pd.DataFrame:
    begun = items[items[start].notna() & (items[start] <= as_of)]
    ended = begun["finished_at"] <= as_of
    days = (begun["finished_at"].where(ended, as_of) - begun[start]) / DAY
    observed = begun[KEPT].assign(at=begun[start], value=days.astype("float64"), ended=ended)
    return observed[observed["value"] >= 0].reset_index(drop=True)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class DurationSummary:
    """How long work takes, three ways, in elapsed days.

    curve : time to any end, open items counted. ends : share done and share dropped by day t, or None where nothing
    was dropped. completed_only : median of finished items alone, the usual and too rosy figure.
    """

    curve: SurvivalCurve
    ends: CumulativeIncidence | None
    median: float
    median_low: float
    median_high: float
    p85: float
    completed_only: float
    n: int
    n_open: int
    n_dropped: int
    unit: str = "days"

    def __str__(self) -> str:
        return (
            f"median {self.median:.1f} {self.unit} (95% interval {self.median_low:.1f} to {self.median_high:.1f}), "
            f"85 % ended by {self.p85:.1f}\n"
            f"{self.n:,} items, {self.n_open:,} of them open, {self.n_dropped:,} dropped; "
            f"finished ones alone would say {self.completed_only:.1f}"
        )

    __repr__ = __str__


def summarise_durations(observed: pd.DataFrame) -> DurationSummary | None:
    """Summarise durations; None where there is nothing to summarise."""
    if observed.empty:
        return None
    curve = kaplan_meier(observed["value"], observed["ended"])
    dropped = observed["ended"] & (observed["outcome"] == "dropped")
    cause = observed["ended"].astype(int) + dropped  # 1 for done, 2 for dropped
    low, high = curve.quantile_interval(0.5)
    return DurationSummary(
        curve=curve,
        ends=aalen_johansen(observed["value"], cause) if dropped.any() else None,
        median=curve.quantile(0.5),
        median_low=low,
        median_high=high,
        p85=curve.quantile(0.85),
        completed_only=float(observed.loc[observed["ended"], "value"].median()),
        n=curve.n,
        n_open=curve.n_open,
        n_dropped=int(dropped.sum()),
    )


def weekly(observed: pd.DataFrame, *, since: pd.Timestamp, until: pd.Timestamp) -> pd.DataFrame:
    """Count observations a week, weeks without any included; whole weeks only: `week` (its Monday), `count`.

    since, until : in the time zone in which weeks begin.
    """
    weeks = pd.date_range(since, until - pd.Timedelta(days=7), freq="W-MON", normalize=True)
    day = observed["at"].dt.tz_convert(until.tz).dt.tz_localize(None).dt.normalize()
    count = (day - pd.to_timedelta(day.dt.day_of_week, unit="D")).value_counts()
    return pd.DataFrame({"week": weeks, "count": count.reindex(weeks.tz_localize(None), fill_value=0).array})


def wip_over_time(items: pd.DataFrame, *, at: pd.DatetimeIndex) -> pd.DataFrame:
    """Count items in progress at each instant: `at, wip`."""
    begun, ended = items["started_at"], items["finished_at"]
    return pd.DataFrame({"at": at, "wip": [int(((begun <= moment) & ~(ended <= moment)).sum()) for moment in at]})


def time_in_stage(
    spells: pd.DataFrame, items: pd.DataFrame, *, since: pd.Timestamp, until: pd.Timestamp, smallest_group: int
) -> pd.DataFrame:
    """Return the mean days that work done from `since` to `until` had spent in each stage, `team, stage, days, n`.

    Stages before the end only; teams with fewer items than the smallest group are left out.
    """
    done = items[(items["outcome"] == "done") & (items["finished_at"] >= since) & (items["finished_at"] < until)]
    mine = spells[spells["item_id"].isin(done["item_id"]) & ~spells["stage"].isin(["done", "dropped"])]
    days = (mine["left_at"].fillna(until) - mine["entered_at"]) / DAY
    team = mine["item_id"].map(done.set_index("item_id")["team"])
    n = done["team"].value_counts()
    total = days.groupby([team.rename("team"), mine["stage"].astype("str")]).sum().rename("days").reset_index()
    found = total.assign(days=total["days"] / total["team"].map(n), n=total["team"].map(n))
    return found[found["n"] >= smallest_group].reset_index(drop=True)
