"""One metric, one change: choose the design the data allows and estimate the effect with an interval."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from scipy import stats

from prodops_analysis.cells import Cells, fill, place
from prodops_analysis.estimators.panel import identified, imputation_effect
from prodops_analysis.estimators.series import level_shift
from prodops_analysis.metrics import Metric

# Why each: docs/decisions/0004.
MIN_WEEKS_BEFORE, MIN_WEEKS_AFTER, MIN_ITEMS_AFTER = 16, 4, 25
BLOCK_WEEKS, BLOCK_DF = 13, 5  # weeks kept together where teams are too few to be left out one at a time
MIN_TREATED_TEAMS, MIN_TEAMS = 3, 6  # for a jackknife over teams


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """The effect of a change on one metric: relative change (ratio scale) or difference (shares), 0 = none.

    window : team -> first and last day of the weeks used; left_out : reason -> number of items.
    smallest_detectable : the smallest effect this data would have shown 4 times in 5.
    typical_days : median before, for the effect in days.
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
    typical_days: float | None
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
    placed, left_out = place(observed, rollouts=rollouts, as_of=as_of, transition_weeks=transition_weeks)
    if reasons := _too_little(placed, metric):
        return CannotSay(reasons=reasons)
    cells = fill(placed, left_out, metric=metric, rollouts=rollouts, transition_weeks=transition_weeks)
    grid = cells.grid
    shared = grid[identified(grid["unit"].to_numpy(), grid["index_week"].to_numpy(), grid["treated"].to_numpy(bool))]
    behind = shared["y" if metric.kind == "count" else "n"].sum()
    if behind >= MIN_ITEMS_AFTER and shared["week"].nunique() >= MIN_WEEKS_AFTER:
        return _staggered(cells, metric)
    return _one_series(cells, metric)


def _too_little(placed: pd.DataFrame, metric: Metric) -> tuple[str, ...]:
    after, before = placed[placed["treated"]], placed[~placed["treated"]]
    own_past = before[before["team"].isin(set(after["team"]))]
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


def _staggered(cells: Cells, metric: Metric) -> Estimate | CannotSay:
    grid = cells.grid
    adopters = grid.loc[grid["treated"], "team"].nunique()
    others = grid["team"].nunique() - adopters
    by_teams = adopters >= MIN_TREATED_TEAMS and grid["team"].nunique() >= MIN_TEAMS
    few = min(adopters, others) if others else adopters
    try:
        found = imputation_effect(
            grid["y"].to_numpy(float),
            grid["n"].to_numpy(float),
            grid["unit"].to_numpy(),
            grid["index_week"].to_numpy(),
            grid["treated"].to_numpy(bool),
            cluster=(grid["unit"] if by_teams else grid["unit"] * 1000 + grid["index_week"] // BLOCK_WEEKS).to_numpy(),
            counts=metric.kind == "count",
            # what varies is carried by the smaller side, not by the number of teams or blocks
            df=max(2 * few - 1, 2) if by_teams else BLOCK_DF,
        )
    except ValueError as error:
        return CannotSay(reasons=(f"no comparison in the weeks after the rollout: {error}",))
    names = dict(zip(grid["unit"], grid["team"], strict=True))
    kept = "team" if by_teams else f"stretch of {BLOCK_WEEKS} weeks of a team"
    return _estimate(
        cells, metric, list(grid["team"].unique()),
        shift=found.estimate, se=found.standard_error, df=found.df,
        by_team={names[u]: effect for u, effect in found.by_unit.items()},
        design="several teams, staggered" if adopters > 1 else "one team beside comparison teams",
        method=(
            f"Weeks by start, {adopters} teams after their rollout beside {others} teams without one and those not yet "
            f"there; {found.method}, leaving out one {kept} at a time."
        ),
    )  # fmt: skip


def _one_series(cells: Cells, metric: Metric) -> Estimate | CannotSay:
    """No comparison: the weekly mean over the adopting teams, each team's own level taken out."""
    grid = cells.grid
    teams = sorted(set(grid.loc[grid["treated"], "team"]))
    own = grid[grid["team"].isin(teams)]
    value = own["y"] if metric.kind != "count" else np.log(own["y"] + 0.5)
    apart = value - own["team"].map(value[~own["treated"]].groupby(own["team"]).mean())
    summed = own.assign(y=apart * own["n"]).groupby(["index_week", "treated"], as_index=False)[["y", "n"]].sum()
    # a week in which some teams are there and others not yet belongs to neither side
    weeks = summed.drop_duplicates("index_week", keep=False).dropna()
    try:
        found = level_shift(
            (weeks["y"] / weeks["n"]).to_numpy(float), weeks["n"].to_numpy(float),
            weeks["index_week"].to_numpy(float), weeks["treated"].to_numpy(float),
        )  # fmt: skip
    except ValueError as error:
        return CannotSay(reasons=(f"the weeks of the adopting teams allow no estimate: {error}",))
    return _estimate(
        cells, metric, teams, shift=found.estimate, se=found.standard_error, df=found.df, by_team={},
        design="one team before and after" if len(teams) == 1 else "all teams at once",
        method=f"Weekly means by start, {found.method}; without comparison teams, so whatever else happened is in it.",
    )  # fmt: skip


def _estimate(
    cells: Cells, metric: Metric, teams: list[str], *,
    shift: float, se: float, df: int, by_team: Mapping[str, float], design: str, method: str,
) -> Estimate | CannotSay:  # fmt: skip
    if not se > 1e-9:
        return CannotSay(reasons=("the values do not vary, so nothing says how sure an effect would be",))
    half = float(stats.t.ppf(0.975, df)) * se
    ratio = metric.scale == "ratio"

    def stated(x: float) -> float:
        return float(np.expm1(x)) if ratio else float(x)

    # power 80 %: the two quantiles of t added up (Bloom 1995, minimum detectable effect)
    detectable = (float(stats.t.ppf(0.975, df)) + float(stats.t.ppf(0.8, df))) * se
    sign = -1 if metric.better == "lower" else 1
    grid, items = (frame[frame["team"].isin(teams)] for frame in (cells.grid, cells.items))
    days = grid.groupby("team")["week"].agg(["min", "max"])
    return Estimate(
        estimate=stated(shift),
        low=stated(shift - half),
        high=stated(shift + half),
        design=design,
        statistic=shift / se,
        df=df,
        by_team={team: stated(effect) for team, effect in sorted(by_team.items())},
        smallest_detectable=abs(stated(sign * detectable)),
        n_items=int(items["item_id"].nunique()),
        n_weeks=int(grid["index_week"].nunique()),
        n_treated_items=int(items["treated"].sum()),
        window={str(t): (r["min"].date(), (r["max"] + pd.Timedelta(days=6)).date()) for t, r in days.iterrows()},
        left_out=cells.left_out,
        typical_days=cells.typical_days,
        method=method,
    )
