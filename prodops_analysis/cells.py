"""From observations to team-weeks: which weeks count, on which side, and what one cell of the panel holds."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from prodops_analysis.estimators.censored import complete_log_durations
from prodops_analysis.estimators.survival import kaplan_meier
from prodops_analysis.metrics import Metric

# Why each: docs/decisions/0004.
GAP_WEEKS = 8  # weeks before a rollout left out: work under way then ends after it, and bad weeks trigger rollouts
CAP_SHARE = 0.95  # durations are capped at the time by which this share of the untreated had ended
FLOOR_DAYS = 1 / 24
SHRINK = 5  # items a kind of work needs before half of its own level is believed


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """Items and team-weeks of one comparison.

    items : the observations used, with `week` (its Monday), `treated` and `y`, the value on the scale of estimation
        (durations: log days, capped, open items filled in), differences between kinds of work taken out.
    grid : one row a team and week: `team, week, index_week, unit, y, n` (items), `treated`.
    left_out : reason -> number of items. typical_days : median before in the adopting teams, None but for durations.
    """

    items: pd.DataFrame
    grid: pd.DataFrame
    left_out: Mapping[str, int]
    typical_days: float | None


def place(
    observed: pd.DataFrame, *, rollouts: Mapping[str, date], as_of: pd.Timestamp, transition_weeks: int
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Place each item in a week and mark treated ones; partial weeks and those around a rollout are left out."""
    day = observed["at"].dt.normalize()
    placed = observed.assign(week=day - pd.to_timedelta(day.dt.day_of_week, unit="D"))
    phase = _phase(placed, rollouts, transition_weeks)
    partial = (placed["week"] + pd.Timedelta(days=7) > as_of) | (placed["week"] == placed["week"].min())
    around = (phase == "around") & ~partial
    left_out = {
        "in the week the log begins or ends": int(partial.sum()),
        "in the weeks around a rollout": int(around.sum()),
    }
    return placed.assign(treated=phase == "after")[~(partial | around)].reset_index(drop=True), left_out


def fill(placed: pd.DataFrame, left_out: Mapping[str, int], *, metric: Metric, rollouts: Mapping[str, date],
         transition_weeks: int) -> Cells:  # fmt: skip
    """Bring values on the scale of estimation, take out differences between kinds of work, and sum up by team-week."""
    items, typical = _on_scale(placed, metric)
    if metric.kind == "count":
        grid = _counts(items, rollouts, transition_weeks)
    else:
        items = items.assign(y=items["y"] - _level_of_kind(items))
        grid = items.groupby(["team", "week"], as_index=False).agg(
            y=("y", "mean"), n=("y", "size"), treated=("treated", "first")
        )
    week = ((grid["week"] - grid["week"].min()) / pd.Timedelta(days=7)).round().astype("int64")
    grid = grid.assign(index_week=week, unit=pd.factorize(grid["team"])[0], n=grid["n"].astype("float64"))
    return Cells(items=items, grid=grid.reset_index(drop=True), left_out=left_out, typical_days=typical)


def _phase(rows: pd.DataFrame, rollouts: Mapping[str, date], transition_weeks: int) -> "pd.Series[str]":
    """Say for each team and week whether it lies before the rollout, around it, or after it."""
    first = pd.to_datetime(rows["team"].map({t: pd.Timestamp(d) for t, d in rollouts.items()}), utc=True)
    since = (rows["week"] - first) / pd.Timedelta(days=7)
    phase = np.select([since >= transition_weeks, since > -GAP_WEEKS - 1], ["after", "around"], "before")
    return pd.Series(phase, index=rows.index)


def _on_scale(placed: pd.DataFrame, metric: Metric) -> tuple[pd.DataFrame, float | None]:
    if metric.kind != "duration":
        return placed.assign(y=placed["value"]), None
    free = placed[~placed["treated"]]
    curve = kaplan_meier(free["value"], free["ended"])
    horizon = curve.quantile(CAP_SHARE)
    if not np.isfinite(horizon):
        horizon = float(curve.time[-1])
    group = placed["team"] + placed["treated"].map({True: "|after", False: "|before"})
    filled = complete_log_durations(
        placed["value"], placed["ended"], group, horizon=max(horizon, 2 * FLOOR_DAYS), floor=FLOOR_DAYS
    )
    own = free[free["team"].isin(set(placed.loc[placed["treated"], "team"]))]
    return placed.assign(y=filled.y), kaplan_meier(own["value"], own["ended"]).quantile(0.5)


def _level_of_kind(items: pd.DataFrame) -> "pd.Series[float]":
    """Return how far each item's type and size lies from its team's level, learnt from untreated items only.

    A shift in the mix of work is then no effect. Small kinds are drawn towards zero.
    """
    kind = items["item_type"].astype("str").fillna("") + "|" + items["size"].astype("str").fillna("")
    free = ~items["treated"]
    apart = items["y"] - items["team"].map(items[free].groupby("team")["y"].mean())
    by_kind = apart[free].groupby(kind[free])
    level = by_kind.sum() / (by_kind.count() + SHRINK)
    return kind.map(level).fillna(0.0)


def _counts(items: pd.DataFrame, rollouts: Mapping[str, date], transition_weeks: int) -> pd.DataFrame:
    """Count items a team and week from the team's first week on; a week without any is a zero, not a gap.

    Adopting teams are followed to the last week of the log, the others to their own last item.
    """
    counted = items.groupby(["team", "week"]).agg(y=("y", "sum"))
    weeks = pd.date_range(items["week"].min(), items["week"].max(), freq="7D")
    every = pd.MultiIndex.from_product([sorted(set(items["team"])), weeks], names=["team", "week"])
    full = counted.reindex(every).reset_index()
    span = items.groupby("team")["week"].agg(["min", "max"])
    first, last = full["team"].map(span["min"]), full["team"].map(span["max"])
    known = (full["week"] >= first) & ((full["week"] <= last) | full["team"].isin(rollouts))
    phase = _phase(full, rollouts, transition_weeks)
    grid = full.assign(y=full["y"].fillna(0.0), treated=phase == "after")
    return grid.assign(n=grid["y"] + 1.0)[known & (phase != "around")]
