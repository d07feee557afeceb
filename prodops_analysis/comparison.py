"""One metric, one change: choose the design the data allows and estimate the effect with an interval."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from scipy import stats

from prodops_analysis.estimators.censored import complete_log_durations
from prodops_analysis.estimators.panel import imputation_effect
from prodops_analysis.estimators.series import level_shift
from prodops_analysis.estimators.survival import kaplan_meier
from prodops_analysis.metrics import Metric

# Why each: statistics of the decision record 0004.
GAP_WEEKS = 4  # weeks before a rollout left out: work under way then ends after it, and bad weeks trigger rollouts
MIN_WEEKS_BEFORE, MIN_WEEKS_AFTER, MIN_ITEMS_AFTER = 16, 4, 25
CAP_SHARE = 0.95  # durations are capped at the time by which this share of the untreated had ended
FLOOR_DAYS = 1 / 24
BLOCK_WEEKS = 8  # weeks kept together where teams are too few to be left out one at a time
MIN_TREATED_TEAMS, MIN_TEAMS = 3, 6  # for a jackknife over teams


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """The effect of a change on one metric: relative change (ratio scale) or difference (shares), 0 = none.

    window : team -> first and last day of the weeks used; left_out : reason -> number of items.
    smallest_detectable : the smallest effect this data would have shown 4 times in 5.
    """

    estimate: float
    low: float
    high: float
    design: str
    statistic: float  # estimate over standard error, on the scale of estimation
    df: int
    by_team: Mapping[str, float]
    smallest_detectable: float
    n_items: int
    n_weeks: int
    n_treated_items: int
    window: Mapping[str, tuple[date, date]]
    left_out: Mapping[str, int]
    typical_days: float | None  # median before, for the effect in days
    method: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CannotSay:
    """No estimate, and why."""

    reasons: tuple[str, ...]


def compare(
    observed: pd.DataFrame,
    *,
    metric: Metric,
    rollouts: Mapping[str, date],
    as_of: pd.Timestamp,
    transition_weeks: int = 0,
) -> Estimate | CannotSay:
    """Estimate the effect of a change that reached each team of `rollouts` at its date.

    Parameters
    ----------
    observed : observations of the metric (see `Metric`); teams without a rollout are the comparison.
    rollouts : team -> first day of the new way of working; dates after `as_of` count as not yet.
    """
    cells, left_out = _cells(observed, metric=metric, rollouts=rollouts, as_of=as_of, transition_weeks=transition_weeks)
    if reasons := _too_little(cells, metric):
        return CannotSay(reasons=reasons)
    cells, typical = _values(cells, metric)
    grid = _team_weeks(cells, metric)
    shared = grid[grid["treated"] & grid["week"].isin(grid.loc[~grid["treated"], "week"])]
    if shared["n"].sum() >= MIN_ITEMS_AFTER and shared["week"].nunique() >= MIN_WEEKS_AFTER:
        return _staggered(grid, cells, metric, left_out, typical)
    return _one_series(grid, cells, metric, left_out, typical)


def _cells(
    observed: pd.DataFrame, *, metric: Metric, rollouts: Mapping[str, date], as_of: pd.Timestamp, transition_weeks: int
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Place each item in a week and mark treated ones; the weeks around a rollout are left out and counted."""
    day = observed["at"].dt.normalize()
    week = (day - pd.to_timedelta(day.dt.day_of_week, unit="D")).rename("week")
    first = pd.to_datetime(observed["team"].map({t: pd.Timestamp(d) for t, d in rollouts.items()}), utc=True)
    since = (week - first) / pd.Timedelta(days=7)
    treated = since >= transition_weeks
    partial_end = week + pd.Timedelta(days=7) > as_of
    partial_start = week == week.min()
    straddling = (since < transition_weeks) & (since > -GAP_WEEKS - 1)
    placed = observed.assign(week=week, treated=treated.fillna(False), since=since)
    left_out = {
        "started in the week the log begins or ends": int((partial_end | partial_start).sum()),
        "in the weeks around a rollout": int((straddling & ~partial_end & ~partial_start).sum()),
    }
    return placed[~(partial_end | partial_start | straddling)].reset_index(drop=True), left_out


def _too_little(cells: pd.DataFrame, metric: Metric) -> tuple[str, ...]:
    after, before = cells[cells["treated"]], cells[~cells["treated"]]
    adopters = set(after["team"])
    own_past = before[before["team"].isin(adopters)]
    n_after, n_before = after["week"].nunique(), own_past["week"].nunique()
    reasons = []
    if after["item_id"].nunique() < MIN_ITEMS_AFTER:
        reasons.append(f"only {after['item_id'].nunique()} items after the rollout; {MIN_ITEMS_AFTER} are needed")
    if n_after < MIN_WEEKS_AFTER:
        reasons.append(f"only {n_after} whole weeks after the rollout; {MIN_WEEKS_AFTER} are needed")
    if n_before < MIN_WEEKS_BEFORE:
        reasons.append(f"only {n_before} usable weeks before the rollout; {MIN_WEEKS_BEFORE} are needed")
    if metric.kind == "duration" and not reasons and after["ended"].mean() < 0.25:
        reasons.append(f"{1 - after['ended'].mean():.0%} of the items after the rollout are still open")
    if metric.kind == "duration" and not reasons and not own_past["ended"].any():
        reasons.append("no item before the rollout has ended")
    return tuple(reasons)


def _values(cells: pd.DataFrame, metric: Metric) -> tuple[pd.DataFrame, float | None]:
    """Put durations on the log scale, capped and with open items filled in; other metrics stay as they are."""
    if metric.kind != "duration":
        return cells.assign(y=cells["value"]), None
    free = cells[~cells["treated"]]
    curve = kaplan_meier(free["value"], free["ended"])
    horizon = curve.quantile(CAP_SHARE)
    if not np.isfinite(horizon):
        horizon = float(curve.time[-1])
    group = cells["team"] + cells["treated"].map({True: "|after", False: "|before"})
    filled = complete_log_durations(
        cells["value"], cells["ended"], group, horizon=max(horizon, 2 * FLOOR_DAYS), floor=FLOOR_DAYS
    )
    own = free[free["team"].isin(set(cells.loc[cells["treated"], "team"]))]
    return cells.assign(y=filled.y), kaplan_meier(own["value"], own["ended"]).quantile(0.5)


def _team_weeks(cells: pd.DataFrame, metric: Metric) -> pd.DataFrame:
    """One row a team and week: mean (or count), number of items, treated or not; for counts, empty weeks are zeros."""
    grid = cells.groupby(["team", "week"], as_index=False).agg(
        y=("y", "sum" if metric.kind == "count" else "mean"), n=("y", "size"), treated=("treated", "first")
    )
    if metric.kind == "count":
        every = pd.MultiIndex.from_product(
            [sorted(set(grid["team"])), sorted(set(grid["week"]))], names=["team", "week"]
        )
        full = grid.set_index(["team", "week"]).reindex(every).reset_index()
        starts = grid[grid["treated"]].groupby("team")["week"].min()
        lasts = grid[~grid["treated"]].groupby("team")["week"].max()
        start, last = full["team"].map(starts), full["team"].map(lasts)
        treated = full["week"] >= start
        known = full["treated"].notna() | (full["week"] <= last) | treated
        grid = full.assign(y=full["y"].fillna(0.0), n=full["n"].fillna(0) + 1.0, treated=treated)[known]
    week = ((grid["week"] - grid["week"].min()) / pd.Timedelta(days=7)).round().astype("int64")
    return grid.assign(
        treated=grid["treated"].astype(bool), index_week=week, unit=pd.factorize(grid["team"])[0]
    ).reset_index(drop=True)


def _staggered(
    grid: pd.DataFrame, cells: pd.DataFrame, metric: Metric, left_out: Mapping[str, int], typical: float | None
) -> Estimate | CannotSay:
    adopters = grid.loc[grid["treated"], "team"].nunique()
    by_teams = adopters >= MIN_TREATED_TEAMS and grid["team"].nunique() >= MIN_TEAMS
    cluster = grid["unit"] if by_teams else grid["unit"] * 1000 + grid["index_week"] // BLOCK_WEEKS
    try:
        found = imputation_effect(
            grid["y"].to_numpy(float),
            grid["n"].to_numpy(float),
            grid["unit"].to_numpy(),
            grid["index_week"].to_numpy(),
            grid["treated"].to_numpy(bool),
            cluster=cluster.to_numpy(),
            counts=metric.kind == "count",
        )
    except ValueError as error:
        return CannotSay(reasons=(f"no comparison in the weeks after the rollout: {error}",))
    names = dict(zip(grid["unit"], grid["team"], strict=True))
    kept = "team" if by_teams else f"stretch of {BLOCK_WEEKS} weeks of a team"
    others = grid.loc[~grid["team"].isin(grid.loc[grid["treated"], "team"]), "team"].nunique()
    return _estimate(
        grid, cells, metric, left_out, typical,
        shift=found.estimate, se=found.standard_error, df=found.df,
        by_team={names[u]: effect for u, effect in found.by_unit.items()},
        design="several teams, staggered" if adopters > 1 else "one team beside comparison teams",
        method=(
            f"Weeks by start, {adopters} teams after their rollout beside {others} teams without one and those not yet "
            f"there; {found.method}, leaving out one {kept} at a time."
        ),
    )  # fmt: skip


def _one_series(
    grid: pd.DataFrame, cells: pd.DataFrame, metric: Metric, left_out: Mapping[str, int], typical: float | None
) -> Estimate | CannotSay:
    """No comparison: the weekly mean over the adopting teams, each team's own level taken out."""
    teams = sorted(set(grid.loc[grid["treated"], "team"]))
    own = grid[grid["team"].isin(teams)]
    rel = own["y"] if metric.kind != "count" else np.log(own["y"] + 0.5)
    level = rel[~own["treated"]].groupby(own["team"]).mean()
    centred = own.assign(r=rel - own["team"].map(level))
    weeks = centred.groupby(["index_week", "treated"], as_index=False).apply(
        lambda g: pd.Series({"y": np.average(g["r"], weights=g["n"]), "n": g["n"].sum()}), include_groups=False
    )
    if weeks["index_week"].duplicated().any():
        weeks = weeks.drop_duplicates("index_week", keep=False)
    try:
        found = level_shift(
            weeks["y"].to_numpy(float), weeks["n"].to_numpy(float), weeks["index_week"].to_numpy(float),
            weeks["treated"].to_numpy(float),
        )  # fmt: skip
    except ValueError as error:
        return CannotSay(reasons=(f"too few weeks: {error}",))
    return _estimate(
        own, cells[cells["team"].isin(teams)], metric, left_out, typical,
        shift=found.estimate, se=found.standard_error, df=found.df, by_team={},
        design="one team before and after" if len(teams) == 1 else "all teams at once",
        method=f"Weekly means by start, {found.method}; without comparison teams, so whatever else happened is in it.",
    )  # fmt: skip


def _estimate(
    grid: pd.DataFrame, cells: pd.DataFrame, metric: Metric, left_out: Mapping[str, int], typical: float | None, *,
    shift: float, se: float, df: int, by_team: Mapping[str, float], design: str, method: str,
) -> Estimate:  # fmt: skip
    half = float(stats.t.ppf(0.975, df)) * se
    ratio = metric.scale == "ratio"

    def stated(x: float) -> float:
        return float(np.expm1(x)) if ratio else float(x)

    # power 80 %: the two quantiles of t added up (Bloom 1995, minimum detectable effect)
    detectable = (float(stats.t.ppf(0.975, df)) + float(stats.t.ppf(0.8, df))) * se
    sign = -1 if metric.better == "lower" else 1
    days = grid.groupby("team")["week"].agg(["min", "max"])
    return Estimate(
        estimate=stated(shift),
        low=stated(shift - half),
        high=stated(shift + half),
        design=design,
        statistic=shift / se if se > 0 else float("nan"),
        df=df,
        by_team={team: stated(effect) for team, effect in sorted(by_team.items())},
        smallest_detectable=abs(stated(sign * detectable)),
        n_items=int(cells["item_id"].nunique()),
        n_weeks=int(grid["index_week"].nunique()),
        n_treated_items=int(cells["treated"].sum()),
        window={str(t): (r["min"].date(), (r["max"] + pd.Timedelta(days=6)).date()) for t, r in days.iterrows()},
        left_out=left_out,
        typical_days=typical,
        method=method,
    )
