"""Phases: a metric before and after the rollouts, as description. The verdict is made elsewhere."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from prodops_analysis.cells import first_days
from prodops_analysis.estimators.behaviour import xmr
from prodops_analysis.estimators.survival import SurvivalCurve, kaplan_meier
from prodops_analysis.metrics import Metric

MOST_WEEKS = 52  # before a rollout that a chart shows
ADOPTING, OTHER = "adopting teams", "other teams"


def curves(observed: pd.DataFrame, *, metric: Metric, rollouts: Mapping[str, date | None]) -> dict[str, SurvivalCurve]:
    """Return Kaplan-Meier curves of the adopting teams' work by start, `before` and `after` their own rollout.

    A metric that is no duration has none.
    """
    if metric.kind != "duration":
        return {}
    since = observed["at"] - first_days(observed["team"], rollouts)
    found = {}
    for side, rows in (("before", observed[since < pd.Timedelta(0)]), ("after", observed[since >= pd.Timedelta(0)])):
        if len(rows):
            found[side] = kaplan_meier(rows["value"], rows["ended"])
    return found


def levels(
    observed: pd.DataFrame, *, metric: Metric, rollouts: Mapping[str, date | None], until: pd.Timestamp,
    smallest_group: int, teams: Collection[str] = (),
) -> pd.DataFrame:  # fmt: skip
    """Return the typical value by whole month, adopting and other teams: `month, group, value, n`.

    Durations: median with open items counted, missing where the curve does not reach it; shares: mean; counts: items
    a week and team, teams without any in a month included. Months below the smallest group are left out.

    until : end of the last month; months are those of its time zone.
    teams : those that are looked at, such as the teams of an assessment (`window`); none means every team.
    """
    seen = observed[observed["at"] < until]
    if seen.empty:
        return pd.DataFrame(columns=["month", "group", "value", "n"])
    # the month in which the log begins is seen in part
    at = seen["at"].dt.tz_convert(until.tz).dt.tz_localize(None)
    begin = (at.min() - pd.Timedelta(days=1)).to_period("M").end_time
    whole = seen[(at > begin) & (seen["team"].isin(teams) if teams else True)]
    month = at[whole.index].dt.to_period("M").dt.start_time.rename("month")
    adopting = [team for team, day in rollouts.items() if day]
    group = whole["team"].isin(adopting).map({True: ADOPTING, False: OTHER}).rename("group")
    n_teams, rows = whole.groupby(group)["team"].nunique(), []
    for (when, name), part in whole.groupby([month, group]):
        if len(part) < smallest_group:
            continue
        weeks = when.days_in_month / 7
        value = len(part) / n_teams[name] / weeks if metric.kind == "count" else _typical(part, metric)
        rows.append((when, name, value, len(part)))
    return pd.DataFrame(rows, columns=["month", "group", "value", "n"]).dropna()


def _typical(rows: pd.DataFrame, metric: Metric) -> float:
    if metric.kind == "share":
        return float(rows["value"].mean())
    return kaplan_meier(rows["value"], rows["ended"]).quantile(0.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """A figure by weeks since each adopting team's own rollout, with natural process limits re-based there.

    weeks : `since, value, centre, low, high, signal, phase` (before or after).
    signals, expected_by_luck : how many signals there are, and how many luck alone would make.
    """

    weeks: pd.DataFrame
    signals: int
    expected_by_luck: float


def behaviour(
    observed: pd.DataFrame, *, metric: Metric, rollouts: Mapping[str, date | None], until: pd.Timestamp
) -> Behaviour:
    """Return the process behaviour chart (XmR) of the adopting teams together, in weeks since their own rollouts.

    A week's value is the median with open items counted, the mean of shares, or the count a team. Only weeks that every
    adopting team has seen whole; limits are re-based at the rollout and nowhere else.
    """
    begin = {team: pd.Timestamp(day, tz="UTC") for team, day in rollouts.items() if day}
    kept = observed[observed["team"].isin(begin) & (observed["at"] < until)]
    columns = ["since", "value", "centre", "low", "high", "signal", "phase"]
    nothing = Behaviour(weeks=pd.DataFrame(columns=columns), signals=0, expected_by_luck=0.0)
    if kept.empty:
        return nothing
    since = np.floor((kept["at"] - first_days(kept["team"], rollouts)) / pd.Timedelta(days=7)).astype("int64")
    earliest = int(since.groupby(kept["team"]).min().max()) + 1
    latest = int(min(np.floor((until - day) / pd.Timedelta(days=7)) for day in begin.values())) - 1
    by_week = kept.groupby(since)
    whole = range(max(earliest, -MOST_WEEKS), latest + 1)
    if metric.kind == "count":
        value = by_week["value"].sum().reindex(whole, fill_value=0.0) / len(begin)
    else:
        typical = {week: _typical(rows, metric) for week, rows in by_week}
        value = pd.Series(typical, dtype="float64").reindex(whole).dropna()
    if value.empty:
        return nothing
    phase = np.where(value.index < 0, "before", "after")
    found = xmr(value.to_numpy(float), phase, not_negative=True)
    most = 1.0 if metric.kind == "share" else np.inf  # no share lies above all
    weeks = pd.DataFrame(
        {"since": value.index, "value": value.to_numpy(float), "centre": found.centre, "low": found.low,
         "high": np.minimum(found.high, most), "signal": found.outside | found.run, "phase": phase}
    )  # fmt: skip
    signals = int(found.outside.sum() + np.sum(np.diff(found.run.astype(int), prepend=0) == 1))
    return Behaviour(weeks=weeks, signals=signals, expected_by_luck=found.expected_false_alarms)


def clock_table(items: pd.DataFrame, *, starts: Mapping[str, str], end: str, around: date, days: int) -> pd.DataFrame:
    """Show what the choice of clock does: the median time to `end`, before and after a date, for every choice.

    items : work items with the columns named by `starts` (label -> column of instants) and `end`.
    around, days : the date, and how many days on each side are looked at.

    Returns one row a clock and a way to place items (`placed by` start or end): `items before, median before, at once
    before` and the same after. `at once` is the share whose end stands in their very first event. Finished items only,
    as such comparisons are usually made.
    """
    middle, reach = pd.Timestamp(around, tz="UTC"), pd.Timedelta(days=days)
    rows = []
    for label, start in starts.items():
        took = (items[end] - items[start]) / pd.Timedelta(days=1)
        for placed, column in (("start", start), ("end", end)):
            row: dict[str, object] = {"clock": label, "placed by": placed}
            for side, since in (("before", middle - reach), ("after", middle)):
                inside = (items[column] >= since) & (items[column] < since + reach) & (took >= 0)
                row[f"items {side}"] = int(inside.sum())
                row[f"median {side}"] = float(took[inside].median())
                row[f"at once {side}"] = float((items[end] <= items["created_at"])[inside].mean())
            rows.append(row)
    return pd.DataFrame(rows)
