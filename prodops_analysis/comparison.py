"""One metric, one change: choose the design the data allows and estimate the effect with an interval."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pandas as pd
from scipy import stats

from prodops_analysis.cells import NO_PAST, Cells, fill, place
from prodops_analysis.errors import counted
from prodops_analysis.estimators.linked import linked
from prodops_analysis.estimators.rollout import Replay, RolloutEffect, rollout_effect
from prodops_analysis.estimators.together import Interval, critical, interval
from prodops_analysis.metrics import Metric

# Why each: docs/decisions/0004.
MIN_WEEKS_BEFORE, MIN_WEEKS_AFTER, MIN_ITEMS_AFTER = 16, 4, 25
TURN_OF_YEAR = ((12, 22), (1, 2))  # month and day of the Mondays whose weeks are left out without a comparison
AT_ONCE = "all teams at once"
LEAST_RANKED = 4  # teams, from which it is asked whether those in a bad time came first
RECENT_WEEKS = 8  # before the first rollout, in which they are seen
LIKELY = 0.5  # probability of a level that moved at another time, from which it is told


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """The effect of a change on one metric: relative change (ratio scale) or difference (shares), 0 = none.

    by_team, by_band : the same for each adopting team and by weeks since the rollout, with intervals.
    beyond, beside_one : shares of the work after the rollouts that lie in weeks in which no team is left to compare
        with, and one alone.
    new_months : without a comparison, month of the year -> weeks after the rollout in months that no week before has.
    worst_first : Kendall's tau between how much worse than usual a team's eight weeks before the first rollout were
        and how early its own came, and its p. None for counts, or where fewer than four teams are compared.
    spell, slope : what the last four weeks before and a year of the adopters' own trend were, same scale.
    answers : where a spell before is seen, the estimates without the eight weeks before and with all weeks.
    lasting : where a level that moved at another time and stayed is likely, by how much it moved and the effect on top.
    window : team -> first and last day of the weeks used; left_out : reason -> number of items.
    smallest_detectable : the smallest effect this data would have shown 4 times in 5.
    typical : median before, in days, for the effect in days.
    """

    estimate: float
    low: float
    high: float
    design: str
    beyond: float
    beside_one: float
    new_months: Mapping[int, int]
    worst_first: tuple[float, float] | None
    statistic: float  # estimate over standard error, on the scale of estimation
    t_any: float  # the same of an effect at all
    df: int
    by_team: Mapping[str, Interval]
    by_band: Mapping[tuple[int, int], Interval]
    spell: Interval
    answers: tuple[float, float] | None
    lasting: tuple[float, float] | None
    slope: Interval
    replay: Replay
    order_p: float | None
    smallest_detectable: float
    n_items: int
    n_own: int  # of the adopting teams
    n_weeks: int
    n_teams: int
    window: Mapping[str, tuple[date, date]]
    left_out: Mapping[str, int]
    typical: float | None
    method: str
    error: float  # standard error on the scale of estimation
    ratio: bool

    def clear(self, confidence: float) -> bool:
        """Whether the interval excludes zero whatever the shape of the effect."""
        return abs(self.statistic) > critical(self.df, confidence)

    def at(self, confidence: float) -> tuple[float, float]:
        """Return the interval at another confidence."""
        t = critical(self.df, confidence)
        low, high = interval(self.statistic * self.error, self.error, self.t_any, t=t)
        return (float(np.expm1(low)), float(np.expm1(high))) if self.ratio else (low, high)


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
    until: Mapping[str, pd.Timestamp] | None = None,
    confidence: float = 0.95,
    rng: np.random.Generator | None = None,
    brief: bool = False,
) -> Estimate | CannotSay:
    """Estimate the effect of a change that reached each team of `rollouts` at its date.

    observed : observations of the metric (see `Metric`); teams without a rollout are the comparison.
    rollouts : team -> first day of the new way of working; dates after `as_of` count as not yet.
    until : team -> the Monday until which its counts are known; the others are followed to the end.
    confidence : of `low` and `high`; more than 0.95 where several metrics are looked at.
    rng : for the orders of rollout that are dealt out where teams are few; without it none are.
    brief : the whole effect alone is asked, and none by team or over time.
    """
    rollouts = {team: day for team, day in rollouts.items() if pd.Timestamp(day, tz="UTC") <= as_of}
    placed, left_out = place(observed, metric=metric, rollouts=rollouts, as_of=as_of, transition_weeks=transition_weeks)
    if not placed["treated"].any() and (lost := [why for why in left_out if NO_PAST in why]):
        return CannotSay(reasons=(f"all work after the rollouts is {lost[0]}",))
    if reasons := _too_little(placed, metric):
        return CannotSay(reasons=reasons)
    cells = fill(placed, left_out, metric=metric, rollouts=rollouts, transition_weeks=transition_weeks, until=until)
    design, grid = _design(cells.grid, metric)
    kept = cells.items["week"].isin(grid["week"])
    if not kept.all() and (reasons := _too_little(cells.items[kept], metric)):
        return CannotSay(reasons=reasons)
    try:
        found = rollout_effect(
            grid["y"].to_numpy(float), grid["n"].to_numpy(float), grid["unit"].to_numpy(np.int64),
            grid["index_week"].to_numpy(np.int64), grid["treated"].to_numpy(bool), grid["since"].to_numpy(float),
            sd=cells.sd, common=grid["unit"].nunique() > 1, counts=metric.kind == "count",
            rng=rng, brief=brief,
        )  # fmt: skip
    except ValueError as error:
        return CannotSay(reasons=(str(error),))
    return _estimate(cells, grid, metric, found, design=design, confidence=confidence)


def _too_little(placed: pd.DataFrame, metric: Metric) -> tuple[str, ...]:
    placed = placed[["team", "week", "treated", "ended", "outcome"]]
    after, before = placed[placed["treated"]], placed[~placed["treated"]]
    own_past = before[before["team"].isin(after["team"].unique())]
    n_after, n_before = after["week"].nunique(), own_past["week"].nunique()
    reasons = []
    if len(after) < MIN_ITEMS_AFTER:
        followed = f" that could be followed for {metric.follow_up} days" if metric.follow_up else ""
        told = f"only {len(after)} items{followed} in whole weeks after the rollout; {MIN_ITEMS_AFTER} are needed"
        reasons.append(told)
    if n_after < MIN_WEEKS_AFTER:
        reasons.append(f"only {n_after} whole weeks after the rollout; {MIN_WEEKS_AFTER} are needed")
    if n_before < MIN_WEEKS_BEFORE and n_after:
        reasons.append(f"only {n_before} usable weeks before the rollout; {MIN_WEEKS_BEFORE} are needed")
    if metric.kind == "duration" and not reasons and after["ended"].mean() < 0.25:
        reasons.append(f"{1 - after['ended'].mean():.0%} of the items after the rollout are still open")
    if metric.kind == "duration" and not reasons and not (own_past["ended"] & (own_past["outcome"] != "dropped")).any():
        reasons.append("no item before the rollout was done")
    return tuple(reasons)


def _design(grid: pd.DataFrame, metric: Metric) -> tuple[str, pd.DataFrame]:
    """Say how the comparison is made, and with which cells."""
    adopters = sorted(grid.loc[grid["treated"], "team"].unique())
    shared = grid[linked(grid["unit"].to_numpy(), grid["index_week"].to_numpy(), grid["treated"].to_numpy(bool))]
    behind = shared["y" if metric.kind == "count" else "n"].sum()
    if behind >= MIN_ITEMS_AFTER and shared["week"].nunique() >= MIN_WEEKS_AFTER:
        later = grid[grid["index_week"] >= grid.loc[grid["treated"], "index_week"].min()]
        never = len(set(later["team"]) - set(adopters))
        if len(adopters) == 1:
            return f"one team beside {counted(never, 'comparison team')}", grid
        others = f"{counted(never, 'team')} without a rollout so far and " if never else ""
        return f"{len(adopters)} teams, each from its own rollout on, beside {others}those not yet there", grid
    own = grid[grid["team"].isin(adopters)]
    # without a comparison the turn of the year would look like an effect
    day = own["week"].dt.month * 100 + own["week"].dt.day
    (m, d), (m2, d2) = TURN_OF_YEAR
    own = own[(day < m * 100 + d) & (day > m2 * 100 + d2)]
    if len(adopters) == 1:
        return "one team before and after, beside no other", own.assign(unit=0)
    return AT_ONCE, _one_series(own, metric)


def _one_series(own: pd.DataFrame, metric: Metric) -> pd.DataFrame:
    """The weekly mean over the adopting teams, each team's own level taken out; counts are summed."""
    # a week in which some teams are there and others not yet belongs to neither side
    mixed = own.groupby("index_week")["treated"].nunique() > 1
    kept = own[~own["index_week"].isin(mixed.index[mixed])]
    kept = kept.assign(since=kept["index_week"] - (own["index_week"] - own["since"]).min())
    sums = {"y": ("y", "sum"), "n": ("n", "sum")} | {name: (name, "first") for name in ("treated", "since", "week")}
    if metric.kind == "count":
        return kept.groupby("index_week").agg(**sums).reset_index().assign(unit=0, team=AT_ONCE)
    level = kept["team"].map(kept[~kept["treated"]].groupby("team")["y"].mean())
    apart = kept.assign(y=(kept["y"] - level) * kept["n"]).dropna(subset="y")
    summed = apart.groupby("index_week").agg(**sums).reset_index()
    return summed.assign(y=lambda s: s["y"] / s["n"], unit=0, team=AT_ONCE)


def _new_months(grid: pd.DataFrame) -> dict[int, int]:
    month, after = grid["week"].dt.month, grid["treated"]
    new = month[after & ~month.isin(month[~after])]
    return {int(k): int(n) for k, n in new.value_counts().sort_index().items()}


def picked(worst_first: tuple[float, float] | None) -> bool:
    """Whether the teams in a bad time came first, beyond what chance makes in one of twenty orders."""
    return worst_first is not None and worst_first[0] > 0 and worst_first[1] <= 0.05


def _worst_first(grid: pd.DataFrame, metric: Metric) -> tuple[float, float] | None:
    if metric.kind == "count":  # larger teams get more done
        return None
    first = grid.loc[grid["treated"], "index_week"].min()
    before = grid[grid["index_week"] < first]
    recent = before["index_week"] >= first - RECENT_WEEKS
    sums = before.assign(y=before["y"] * before["n"]).groupby([before["unit"], recent])[["y", "n"]].sum()
    means = (sums["y"] / sums["n"]).unstack()
    if means.shape[1] < 2:
        return None
    level = (means[True] - means[False]).dropna()
    begun = grid[grid["treated"]].groupby("unit")["index_week"].min().reindex(level.index)
    if len(level) < LEAST_RANKED or begun.nunique(dropna=False) < 2:
        return None
    worse = level if metric.better == "lower" else -level
    tau = stats.kendalltau(worse, -begun.fillna(np.inf))
    return float(tau.statistic), float(tau.pvalue)


def _estimate(
    cells: Cells, grid: pd.DataFrame, metric: Metric, found: RolloutEffect, *, design: str, confidence: float
) -> Estimate:
    t, se, worst_first = critical(found.df, confidence), found.standard_error, _worst_first(grid, metric)
    # teams picked for a bad time get better by themselves: nothing is made of what may be that
    t_any = found.estimate / se if picked(worst_first) else found.t_any
    low, high = interval(found.estimate, se, t_any, t=t)
    ratio = metric.scale == "ratio"

    def stated(x: float) -> float:
        return float(np.expm1(x)) if ratio else float(x)

    def shown(x: Interval) -> Interval:
        return Interval(estimate=stated(x.estimate), low=stated(x.low), high=stated(x.high))

    # power 80 %: the two quantiles of t added up (Bloom 1995, minimum detectable effect)
    detectable = (t + float(stats.t.ppf(0.8, found.df))) * se
    sign = -1 if metric.better == "lower" else 1
    name = dict(zip(grid["unit"], grid["team"], strict=True))
    adopters = set(cells.grid.loc[cells.grid["treated"], "team"].unique())
    teams = adopters if found.n_units == 1 else set(grid["team"].unique())
    used = cells.grid[cells.grid["team"].isin(teams) & cells.grid["index_week"].isin(grid["index_week"])]
    days = used.groupby("team")["week"].agg(["min", "max"])
    behind, moved = grid.loc[grid["treated"], "n"], found.lasting
    left = (~grid["treated"]).groupby(grid["index_week"]).transform("sum")[grid["treated"]]
    inside = cells.items["team"].isin(teams) & cells.items["week"].isin(used["week"])
    return Estimate(
        estimate=stated(found.estimate),
        low=stated(low),
        high=stated(high),
        design=design,
        beyond=float(behind[left == 0].sum() / behind.sum()),
        beside_one=float(behind[left == 1].sum() / behind.sum()),
        new_months={} if grid["unit"].nunique() > 1 else _new_months(grid),
        worst_first=worst_first,
        statistic=found.estimate / se,
        t_any=t_any,
        df=found.df,
        by_team={} if design == AT_ONCE else {name[u]: shown(own) for u, own in found.by_unit.items()},
        by_band={band: shown(own) for band, own in found.by_band.items()},
        spell=shown(found.spell),
        answers=(stated(found.answers[0]), stated(found.answers[1])) if found.answers else None,
        lasting=(stated(moved.step), stated(moved.on_top)) if moved and moved.probability >= LIKELY else None,
        slope=shown(found.slope),
        replay=replace(found.replay, effects={back: shown(own) for back, own in found.replay.effects.items()}),
        order_p=found.order_p,
        smallest_detectable=abs(stated(sign * detectable)),
        n_items=int(inside.sum()),
        n_own=int((inside & cells.items["team"].isin(adopters)).sum()),
        n_weeks=int(used["week"].nunique()),
        n_teams=len(teams),
        window={str(team): (first.date(), (last + pd.Timedelta(days=6)).date())
                for team, first, last in days.itertuples()},
        left_out=cells.left_out,
        typical=cells.typical_days,
        method=f"{design[0].upper()}{design[1:]}; {found.method}.",
        error=se,
        ratio=ratio,
    )  # fmt: skip
