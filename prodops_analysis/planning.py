"""Before a rollout: what effect the teams' own history would let us see, after how long, in which rollout order."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from math import ceil
from typing import Literal

import numpy as np
import pandas as pd
from scipy import stats

from prodops_analysis.cells import WEEK, Cells, fill, place
from prodops_analysis.comparison import MIN_WEEKS_BEFORE, CannotSay
from prodops_analysis.errors import counted, some, spelt_alike
from prodops_analysis.estimators import mixed
from prodops_analysis.estimators.assumptions import odds_of, weigh
from prodops_analysis.estimators.linked import refuse_still
from prodops_analysis.estimators.rollout import degrees_of_freedom, expected_error
from prodops_analysis.metrics import Metric
from prodops_analysis.settings import instant
from prodops_analysis.tables import Callout, effect, number, table

HORIZONS = (8, 12, 16, 26, 39, 52)  # weeks after the first rollout
JUDGED_AT = 26  # orders are compared so many weeks after the first rollout
STEPS = (2, 3, 4, 6)  # weeks from one team to the next
FURTHEST = 104  # weeks ahead that a rollout may lie
LEAST_DONE = 0.25  # of the history's items, from which a duration can be planned for
RECENT_WEEKS = 26  # of history, for how many items a team has in a week


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Plan:
    """What could be seen: relative change (scale "ratio": counts, durations) or difference (shares), in 4 of 5 cases.

    visible : weeks after the first rollout -> smallest detectable effect; weeks that cannot be judged are left out.
    orders : ways to roll out -> the same after 26 weeks, smallest first.
    """

    visible: Mapping[int, float]
    orders: Mapping[str, float]
    n_items: int
    n_weeks: int
    n_teams: int
    scale: Literal["ratio", "difference"] = "ratio"
    method: str = (
        "Standard error that the comparison would have, from the teams' own items a week, scatter and autocorrelation; "
        "recent work that is still open makes it somewhat larger"
    )

    def __str__(self) -> str:
        unit = " points" if self.scale == "difference" else "%"
        told = [f"visible in 4 of 5 cases, from {self._basis}:"]
        told += [
            f"  {weeks:>3} weeks after the first rollout: {100 * x:.0f}{unit}" for weeks, x in self.visible.items()
        ]
        told += [f"{self._head}:"] if self.orders else []
        return "\n".join([*told, *(f"  {100 * x:>3.0f}{unit}  {label}" for label, x in self.orders.items())])

    __repr__ = __str__

    def seen_by(self, smallest_worthwhile: float) -> str:
        """Say after how many weeks the smallest effect that would be worth it could be seen."""
        worth = effect(smallest_worthwhile, scale=self.scale, sign=False)
        if weeks := [weeks for weeks, seen in self.visible.items() if seen <= smallest_worthwhile]:
            told = f"{worth}, the least that would be worth it, could be seen from {min(weeks)} weeks on"
            if later := [week for week in self.visible if week > min(weeks) and week not in weeks]:
                told += f", and no longer at {min(later)}: let some teams wait, so that one is left to compare with"
            return told
        return (
            f"{worth}, the least that would be worth it, could not be seen within {max(self.visible)} weeks: "
            "expect not enough evidence unless the change does more"
        )

    @property
    def _basis(self) -> str:
        return f"{self.n_items:,} items of {counted(self.n_teams, 'team')} in {self.n_weeks} weeks"

    @property
    def best_order(self) -> str:
        """The rollout order that shows most; the planned one where they hardly differ."""
        return "as planned" if self._alike or not self.orders else min(self.orders, key=self.orders.__getitem__)

    @property
    def _alike(self) -> bool:
        return len(self.orders) > 1 and max(self.orders.values()) - min(self.orders.values()) < 0.01

    @property
    def _head(self) -> str:
        same = " (they hardly differ: choose what suits the teams)" if self._alike else ""
        return f"rollout orders, {JUDGED_AT} weeks after the first rollout{same}"

    def _repr_html_(self) -> str:
        unit = " points" if self.scale == "difference" else "%"
        basis = f"From {self._basis}. {self.method}."
        note = Callout("note", "Smallest effect that would be seen in 4 of 5 cases", [basis])
        weeks = {f"{weeks} weeks": seen for weeks, seen in self.visible.items()}
        shown = [
            table(pd.DataFrame([(name, number(100 * x, like=".0f") + unit) for name, x in found.items()],
                               columns=[head, "Smallest effect seen"]), caption=caption)
            for head, found, caption in (
                ("After", weeks, "By weeks since the first rollout"),
                ("Rollout order", self.orders, self._head.capitalize()),
            )
            if found
        ]  # fmt: skip
        return "\n".join([note._repr_html_(), *(part._repr_html_() for part in shown)])


def plan(
    observed: pd.DataFrame, *, metric: Metric, rollouts: Mapping[str, date | None], as_of: pd.Timestamp,
    transition_weeks: int = 0,
) -> Plan | CannotSay:  # fmt: skip
    """Say what effect a planned rollout could show.

    Parameters
    ----------
    observed : observations of the metric; only those before the first rollout and `as_of` are looked at.
    rollouts : team -> first day, None for a team that stays as it was.

    Examples
    --------
    Half a year of two teams, five items a week each; one of them is to change in July:

    >>> from prodops_analysis.metrics import METRICS
    >>> rng, n = np.random.default_rng(1), 130
    >>> weeks = pd.to_timedelta(7 * (np.arange(n) // 5) + 1, unit="D")
    >>> one = {"item_type": "feature", "size": "M", "start_state": "Doing", "finish_state": "Done", "outcome": "done",
    ...        "ended": True, "at": pd.Timestamp("2026-01-05", tz="UTC") + weeks}
    >>> teams = [pd.DataFrame({"item_id": [f"{team}-{k}" for k in range(n)], "team": team,
    ...                        "value": rng.lognormal(1.5, 0.8, n), **one}) for team in ("Search", "Mobile")]
    >>> found = plan(pd.concat(teams, ignore_index=True), metric=METRICS["cycle_time"],
    ...              rollouts={"Search": date(2026, 7, 6), "Mobile": None}, as_of=pd.Timestamp("2026-07-06", tz="UTC"))
    >>> found.visible[26] < found.visible[12]  # a longer wait shows smaller effects
    True
    """
    if metric.kind == "level":
        return CannotSay(reasons=(f"{metric.name} is a level at one instant; plan for cycle_time instead",))
    planned = {team: day for team, day in rollouts.items() if day is not None}
    if not planned:
        return CannotSay(reasons=("the change has no rollout date",))
    first, as_of = min(planned.values()), instant(as_of)
    if pd.Timestamp(max(planned.values()), tz="UTC") - as_of > FURTHEST * WEEK:
        return CannotSay(reasons=(f"a rollout on {max(planned.values())} lies too far ahead to plan for",))
    until = min(as_of, pd.Timestamp(first, tz="UTC"))
    past = observed[observed["at"] < until]
    if twins := spelt_alike(past["team"].unique(), of=planned):
        return CannotSay(reasons=(f"teams {twins}",))
    if lost := sorted(set(planned) - set(past["team"])):
        return CannotSay(reasons=(f"no {metric.label.lower()} is known of {some(lost)} before the first rollout",))
    placed, left_out = place(past, metric=metric, rollouts={}, as_of=until, transition_weeks=0)
    if placed["week"].nunique() < MIN_WEEKS_BEFORE:
        return CannotSay(reasons=(f"only {placed['week'].nunique()} weeks of history; {MIN_WEEKS_BEFORE} are needed",))
    done = placed["ended"] & (placed["outcome"] != "dropped")
    if metric.kind == "duration" and done.mean() < LEAST_DONE:
        told = f"only {done.mean():.0%} of the work of the history was done; does the workflow map know every state?"
        return CannotSay(reasons=(told,))
    cells = fill(placed, left_out, metric=metric, rollouts={}, transition_weeks=0)
    try:
        refuse_still(cells.grid["y"].to_numpy(float), cells.sd)
    except ValueError as error:
        return CannotSay(reasons=(str(error),))
    idle = sorted(set(planned) & set(cells.grid["team"]) - _recent(cells))
    if idle:
        return CannotSay(reasons=(f"nothing is known of {some(idle)} in the last {RECENT_WEEKS} weeks of the history",))
    visible_at = _future(cells, metric, first=first, transition_weeks=transition_weeks)
    visible = {weeks: seen for weeks in HORIZONS if (seen := visible_at(planned, weeks)) is not None}
    if not visible:
        return CannotSay(reasons=("nothing can be compared: let teams start one after the other, or leave some out",))
    orders = {label: seen for label, order in _orders(planned, cells, first).items()
              if (seen := visible_at(order, JUDGED_AT)) is not None}  # fmt: skip
    return Plan(
        visible=visible,
        orders=dict(sorted(orders.items(), key=lambda item: item[1])),
        n_items=len(cells.items),
        n_weeks=int(cells.grid["index_week"].nunique()),
        n_teams=int(cells.grid["team"].nunique()),
        scale=metric.scale,
    )


def _recent(cells: Cells) -> set[str]:
    """Return the teams that had work in the last weeks of the history."""
    week = cells.grid["index_week"]
    return set(cells.grid.loc[week > week.max() - RECENT_WEEKS, "team"])


def _orders(planned: Mapping[str, date], cells: Cells, first: date) -> dict[str, dict[str, date]]:
    """Return the record's own order and others: one by one, all on one day."""
    busy = [str(team) for team in cells.grid.groupby("team")["n"].sum().sort_values(ascending=False).index]
    teams = [team for team in busy if team in planned]
    orders = {"as planned": dict(planned)}
    if len(teams) > 1:
        orders["all on one day"] = dict.fromkeys(teams, first)
        for said, order in (("busiest", teams), ("quietest", teams[::-1])):
            for step in STEPS:
                label = f"one team every {step} weeks, {said} first"
                orders[label] = {team: first + timedelta(weeks=step * k) for k, team in enumerate(order)}
    return orders


def _future(
    cells: Cells, metric: Metric, *, first: date, transition_weeks: int
) -> Callable[[Mapping[str, date], int], float | None]:
    """Learn autocorrelation, shock and slopes from the history; return what tells which effect a rollout could show."""
    grid, counts, start = cells.grid, metric.kind == "count", cells.grid["week"].min()
    teams = [str(team) for team in grid.drop_duplicates("unit").sort_values("unit")["team"]]
    common, late = len(teams) > 1, ceil(metric.follow_up / 7)  # weeks in which what ends is not known yet
    odds = odds_of(common=common, counts=counts)
    y, unit, time = grid["y"].to_numpy(float), grid["unit"].to_numpy(np.int64), grid["index_week"].to_numpy(np.int64)
    panel = mixed.lay_out(
        np.log(y + 0.5) if counts else y / cells.sd, y + 0.5 if counts else grid["n"].to_numpy(float), unit, time,
        np.zeros(len(grid), dtype=bool), np.full(len(grid), np.nan), common=common,
    )  # fmt: skip
    assumptions = weigh(panel, odds)
    past = np.zeros((len(teams), int(time.max()) + 1))
    past[unit, time] = y if counts else grid["n"]
    usual = past[:, -RECENT_WEEKS:].mean(axis=1)

    def visible(rollouts: Mapping[str, date], weeks: int) -> float | None:
        """Return the smallest detectable effect so many weeks after the first rollout, or None without a comparison."""
        T = max(int((pd.Timestamp(first, tz="UTC") - start) / WEEK) + weeks - late, past.shape[1])
        n = np.concatenate([past, np.repeat(usual[:, None], T - past.shape[1], axis=1)], axis=1)
        begin = np.array([(pd.Timestamp(rollouts.get(t), tz="UTC") - start) / WEEK for t in teams])
        since = np.floor(np.arange(T) - begin[:, None] + 6 / 7)
        treated = since >= transition_weeks
        n = np.where((since >= -late) & ~treated, 0.0, n)
        if not treated.any() or (common and treated[:, treated.any(axis=0)].all()):
            return None
        seen = np.nonzero(n > 0)
        try:
            error = expected_error(
                n[seen], seen[0], seen[1], treated[seen], since[seen], common=common, assumptions=assumptions
            )
        except ValueError:  # of idle teams no week can be compared
            return None
        df = degrees_of_freedom(odds, int(treated.any(axis=1).sum()), len(teams), common=common)
        sign = -1 if metric.better == "lower" else 1
        effect = sign * (stats.t.ppf(0.975, df) + stats.t.ppf(0.8, df)) * cells.sd * error
        return float(abs(np.expm1(effect) if metric.scale == "ratio" else effect))

    return visible
