"""Phases: a metric before and after the rollouts, as description. The verdict is made elsewhere."""

from collections.abc import Mapping
from datetime import date

import pandas as pd

from prodops_analysis.estimators.survival import SurvivalCurve, kaplan_meier
from prodops_analysis.metrics import Metric

ADOPTING, OTHER = "adopting teams", "other teams"


def curves(observed: pd.DataFrame, *, metric: Metric, rollouts: Mapping[str, date | None]) -> dict[str, SurvivalCurve]:
    """Return Kaplan-Meier curves of the adopting teams' work by start, `before` and `after` their own rollout.

    A metric that is no duration has none.
    """
    if metric.kind != "duration":
        return {}
    since = _since(observed, rollouts)
    found = {}
    for side, rows in (("before", observed[since < pd.Timedelta(0)]), ("after", observed[since >= pd.Timedelta(0)])):
        if len(rows):
            found[side] = kaplan_meier(rows["value"], rows["ended"])
    return found


def levels(
    observed: pd.DataFrame,
    *,
    metric: Metric,
    rollouts: Mapping[str, date | None],
    until: pd.Timestamp,
    smallest_group: int,
) -> pd.DataFrame:
    """Return the typical value by month, adopting and other teams: `month, group, value, n`.

    Durations: median with open items counted, missing where the curve does not reach it; shares: mean; counts: items
    a team. Months with fewer items than the smallest group are left out.
    """
    whole = observed[observed["at"] < until]
    month = whole["at"].dt.tz_convert(None).dt.to_period("M").dt.start_time.rename("month")
    adopting = [team for team, day in rollouts.items() if day]
    group = whole["team"].isin(adopting).map({True: ADOPTING, False: OTHER}).rename("group")
    rows = []
    for (when, name), part in whole.groupby([month, group]):
        if len(part) < smallest_group:
            continue
        if metric.kind == "duration":
            value = kaplan_meier(part["value"], part["ended"]).quantile(0.5)
        else:
            value = float(part["value"].mean()) if metric.kind == "share" else len(part) / part["team"].nunique()
        rows.append((when, name, value, len(part)))
    return pd.DataFrame(rows, columns=["month", "group", "value", "n"]).dropna()


def clock_table(items: pd.DataFrame, *, starts: Mapping[str, str], end: str, around: date, days: int) -> pd.DataFrame:
    """Show what the choice of clock does: the median time to `end`, before and after a date, for every choice.

    Parameters
    ----------
    items : work items with the columns named by `starts` (label -> column of instants) and `end`.
    around, days : the date, and how many days on each side are looked at.

    Returns
    -------
    One row a clock and a way to place items (`placed by` start or end): `items before, median before, at once before`
    and the same after. `at once` is the share whose end stands in their very first event. Finished items only, as such
    comparisons are usually made.
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


def _since(observed: pd.DataFrame, rollouts: Mapping[str, date | None]) -> pd.Series:
    first = {team: pd.Timestamp(day, tz="UTC") for team, day in rollouts.items() if day}
    return observed["at"] - pd.to_datetime(observed["team"].map(first), utc=True)
