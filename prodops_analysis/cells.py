"""From observations to team-weeks: which weeks count, on which side, and what one cell of the panel holds."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from prodops_analysis.errors import some
from prodops_analysis.estimators.censored import SHRINK, complete_log_durations
from prodops_analysis.estimators.survival import kaplan_meier
from prodops_analysis.metrics import Metric
from prodops_analysis.metrics.shares import FOLLOW_UP

# Why each: docs/decisions/0004.
CAP_SHARE = 0.975  # durations are capped at the time by which this share of the untreated had ended
QUICK = 0.1  # of the median of untreated work; what took less counts so long: it may have been entered when it was over
OFTEN = 0.05  # share of it that is quicker, from which a tenth of that is asked for
FLOOR_DAYS = 1 / 1440
USED = ("team", "at", "value", "ended", "outcome")  # columns of observations
MOST_WEEKS_BEFORE = 104  # older history says little about how a team works now
WARM_UP_WEEKS = 8  # of a team whose items enter the log at their creation, finishes are still too few
MOST_UNSEEN = 0.5  # share of the treated work of unseen kinds up to which it is left out; beyond, labels are new ones
ENOUGH_INSIDE = 30  # degrees of freedom inside cells from which the spread there is believed
WEEK = pd.Timedelta(days=7)
NO_PAST = "of which no week before the rollout is known"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """Items and team-weeks of one comparison.

    items : the observations used, with `week` (its Monday), `kind` (of work), `treated` and `y`, the value on the scale
        of estimation (durations: log days, capped, open items filled in), differences between kinds taken out.
    grid : one row a team and week: `team, week, index_week, unit, y, n` (items), `treated`, `since` (weeks since the
        team's rollout, NaN without one).
    sd : standard deviation of one item inside a cell; 1 for counts. left_out : reason -> number of items.
    typical_days : median before in the adopting teams; None but for durations, or where half were not done.
    """

    items: pd.DataFrame
    grid: pd.DataFrame
    sd: float
    left_out: Mapping[str, int]
    typical_days: float | None


def place(
    observed: pd.DataFrame, *, metric: Metric, rollouts: Mapping[str, date], as_of: pd.Timestamp, transition_weeks: int
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Place each item in a week and mark treated ones; partial weeks and those of the transition are left out.

    So is an item that was still followed when its team's rollout came: the change may have a part in what became of it.
    """
    day = observed["at"].dt.normalize()
    week = day - pd.to_timedelta(day.dt.day_of_week, unit="D")
    placed = observed[list(USED)].assign(week=week, kind=kinds_of(observed))
    after, between = _sides(placed, rollouts, transition_weeks)
    first = placed["week"].min()
    if metric.kind == "count":
        first = placed.groupby("team")["week"].transform("min") + (WARM_UP_WEEKS - 1) * WEEK
    partial = (placed["week"] + WEEK > as_of) | (placed["week"] <= first)
    begin = pd.Timestamp(min(rollouts.values(), default=as_of), tz="UTC") if rollouts else as_of
    old = ~partial & (placed["week"] < begin - MOST_WEEKS_BEFORE * WEEK)
    gone = partial | old | between
    left_out = {
        "in the weeks in which the log begins or ends": int(partial.sum()),
        "more than two years before the first rollout": int(old.sum()),
        "in weeks of transition": int((between & ~partial).sum()),
    }
    if metric.follow_up:
        late = placed["at"] + pd.Timedelta(days=metric.follow_up) > first_days(placed["team"], rollouts)
        across = late & ~(after | gone)
        left_out[f"still followed when the rollout came ({metric.follow_up} days)"] = int(across.sum())
        gone |= across
    kept = placed.assign(treated=after)[~gone]
    unknown = kept["treated"].groupby(kept["team"]).transform("all")
    if unknown.any():
        left_out[f"of {some(sorted(kept['team'][unknown].unique()))}, {NO_PAST}"] = int(unknown.sum())
    kept = kept[~unknown].reset_index(drop=True)
    new = unseen(kept["kind"], ~kept["treated"])
    if metric.kind != "count" and 0 < new.sum() <= MOST_UNSEEN * kept["treated"].sum():
        left_out["of a type or size not seen before the rollouts"] = int(new.sum())
        kept = kept[~new].reset_index(drop=True)
    return kept, left_out


def fill(placed: pd.DataFrame, left_out: Mapping[str, int], *, metric: Metric, rollouts: Mapping[str, date],
         transition_weeks: int, until: Mapping[str, pd.Timestamp] | None = None) -> Cells:  # fmt: skip
    """Bring values on the scale of estimation, take out differences between kinds of work, and sum up by team-week.

    until : team -> the Monday until which its counts are known.
    """
    items, typical = _on_scale(placed, metric, rollouts)
    sd = 1.0
    if metric.kind == "count":
        grid = _counts(items, rollouts, transition_weeks, until or {})
    else:
        items = items.assign(y=items["y"] - _level_of_kind(items))
        grid = items.groupby(["team", "week"], as_index=False).agg(
            y=("y", "mean"), n=("y", "size"), treated=("treated", "first")
        )
        sd = _spread(items, ["team", "week"] if len(items) - len(grid) >= ENOUGH_INSIDE else ["team", "treated"])
    week = ((grid["week"] - grid["week"].min()) / WEEK).round().astype("int64")
    since = np.floor(_weeks_since(grid, rollouts) + 6 / 7)  # the week of the rollout is week 0
    grid = grid.assign(index_week=week, unit=pd.factorize(grid["team"])[0], n=grid["n"].astype("float64"), since=since)
    return Cells(items=items, grid=grid.reset_index(drop=True), sd=sd, left_out=left_out, typical_days=typical)


def _spread(items: pd.DataFrame, by: list[str]) -> float:
    """Return the standard deviation of one item inside groups; of weeks together it holds their shocks, too."""
    groups = items.groupby(by)["y"]
    apart = items["y"] - groups.transform("mean")
    return float(np.sqrt((apart**2).sum() / max(len(items) - groups.ngroups, 1)))


def _weeks_since(rows: pd.DataFrame, rollouts: Mapping[str, date]) -> "pd.Series[float]":
    return (rows["week"] - first_days(rows["team"], rollouts)) / WEEK


def first_days(teams: "pd.Series[str]", rollouts: Mapping[str, date | None]) -> "pd.Series[pd.Timestamp]":
    """Return the instant of each team's rollout, missing where it has none."""
    number, names = pd.factorize(teams)
    days = pd.to_datetime([rollouts.get(name) for name in names], utc=True)
    return pd.Series(days.take(number, allow_fill=True, fill_value=pd.NaT), index=teams.index)


def settled(items: pd.DataFrame) -> pd.DataFrame:
    """Return the work items with what first stayed done for `FOLLOW_UP` days left done: opened later, it is other work.

    Else work done before a rollout and opened after it would look as if it had lasted until then.
    """
    again = (items["undone_at"] - items["first_finished_at"] > pd.Timedelta(days=FOLLOW_UP)).fillna(False)
    ends = {"finished_at": items["first_finished_at"], "outcome": "done"}
    return items.assign(**{name: items[name].mask(again, end) for name, end in ends.items()})


def _sides(
    rows: pd.DataFrame, rollouts: Mapping[str, date], transition_weeks: int
) -> tuple["pd.Series[bool]", "pd.Series[bool]"]:
    """Say for each team and week whether it lies after the rollout, and whether in the transition."""
    since = _weeks_since(rows, rollouts)
    after = since >= transition_weeks
    # a week that the rollout cuts in two belongs to neither side
    return after, (since > -1) & ~after


def _seen_until_rollout(placed: pd.DataFrame, rollouts: Mapping[str, date]) -> pd.DataFrame:
    """Count work begun before its team's rollout as open from then on: what came later may be the change's doing."""
    until = (first_days(placed["team"], rollouts) - placed["at"]) / pd.Timedelta(days=1)
    over = ~placed["treated"] & (until < placed["value"])
    return placed.assign(value=placed["value"].mask(over, until), ended=placed["ended"] & ~over)


def _on_scale(placed: pd.DataFrame, metric: Metric, rollouts: Mapping[str, date]) -> tuple[pd.DataFrame, float | None]:
    if metric.kind != "duration":
        return placed.assign(y=placed["value"]), None
    placed = _seen_until_rollout(placed, rollouts)
    # a dropped item was not done until it was dropped: a competing end is no short cycle time
    done = placed["ended"] & (placed["outcome"] != "dropped")
    free = ~placed["treated"]
    curve = kaplan_meier(placed["value"][free], done[free])
    horizon = curve.quantile(CAP_SHARE)
    if not np.isfinite(horizon):
        horizon = float(curve.time[-1])
    usual = max(FLOOR_DAYS, QUICK * min(curve.quantile(0.5), horizon))
    floor = _floor(placed.loc[free, "value"], placed.loc[free, "team"], usual, horizon)
    side_of_team = 2 * pd.factorize(placed["team"])[0] + placed["treated"]
    filled = complete_log_durations(
        placed["value"], done, side_of_team, placed["kind"], horizon=max(horizon, 2 * floor), floor=floor
    )
    own = free & placed["team"].isin(placed.loc[placed["treated"], "team"].unique())
    typical = kaplan_meier(placed["value"][own], done[own]).quantile(0.5) if own.any() else np.nan
    return placed.assign(y=filled.y), typical if np.isfinite(typical) else None


def _floor(days: "pd.Series[float]", team: "pd.Series[str]", usual: float, horizon: float) -> float:
    """Return what the quickest work counts as: `usual`, or a tenth of it where more of an effect is seen so.

    Work that counts as `usual` shows no effect: where times differ by much, as those of code reviews do, a quarter of
    an effect would be lost. Counted as it is, cards moved in seconds bring noise (Jaeckel 1971 trims a mean by it).
    """

    def shown(floor: float) -> float:
        y = np.log(days.clip(floor, horizon))
        return float(
            days.between(floor, horizon, inclusive="neither").mean() / (y - y.groupby(team).transform("mean")).std()
        )

    if (days < usual).mean() <= OFTEN:
        return usual
    low = max(FLOOR_DAYS, QUICK * usual)
    return low if shown(low) > shown(usual) else usual


def kinds_of(items: pd.DataFrame) -> "pd.Series[int]":
    """Number each item's kind of work: its type and size."""
    texts = (items[column].astype("str").fillna("") for column in ("item_type", "size"))
    (item_type, _), (size, sizes) = map(pd.factorize, texts)
    return pd.Series(item_type * len(sizes) + size, index=items.index)


def unseen(kind: "pd.Series[int]", untreated: "pd.Series[bool]") -> "pd.Series[bool]":
    """Say of each item whether its kind of work is found among treated ones only: nothing tells how long it takes."""
    return ~kind.isin(kind[untreated].unique())


def followed(observed: pd.DataFrame, *, last_event: Mapping[str, pd.Timestamp], follow_up: int) -> pd.DataFrame:
    """Follow the items of some teams to the last event of their team only: `last_event` by team."""
    last = pd.to_datetime(observed["team"].map(last_event), utc=True)
    seen = (last - observed["at"]) / pd.Timedelta(days=1)
    cut = last.notna() & ~observed["ended"] & (seen < observed["value"])
    known = last.isna() | (seen >= follow_up)
    return observed.assign(value=observed["value"].mask(cut, seen))[known]


def _level_of_kind(items: pd.DataFrame) -> NDArray[np.float64]:
    """Return how far each item's type and size lies from its team's level, learnt from untreated items only.

    A shift in the mix of work is then no effect. Small kinds are drawn towards zero.
    """
    kind, free = items["kind"].to_numpy(), ~items["treated"].to_numpy()
    level = items["y"][free].groupby(items["team"][free]).mean()
    apart = (items["y"] - items["team"].map(level)).to_numpy()
    total = np.bincount(kind[free], weights=apart[free], minlength=kind.max() + 1)
    return (total / (np.bincount(kind[free], minlength=len(total)) + SHRINK))[kind]


def _counts(
    items: pd.DataFrame, rollouts: Mapping[str, date], transition_weeks: int, until: Mapping[str, pd.Timestamp]
) -> pd.DataFrame:
    """Count items a team and week from the team's first week on; a week without any is a zero, not a gap.

    Adopting teams are followed until the Monday of `until` or to the last week of the log, the others to their own last
    item.
    """
    counted = items.groupby(["team", "week"]).agg(y=("y", "sum"))
    weeks = pd.date_range(items["week"].min(), items["week"].max(), freq="7D")
    every = pd.MultiIndex.from_product([sorted(items["team"].unique()), weeks], names=["team", "week"])
    full = counted.reindex(every).reset_index()
    span = items.groupby("team")["week"].agg(["min", "max"])
    first, last = full["team"].map(span["min"]), full["team"].map(span["max"])
    end = pd.to_datetime(full["team"].map(until), utc=True)
    known = (full["week"] >= first) & ((full["week"] <= last) | full["team"].isin(rollouts))
    known &= end.isna() | (full["week"] < end)
    after, between = _sides(full, rollouts, transition_weeks)
    grid = full.assign(y=full["y"].fillna(0.0), treated=after)
    return grid.assign(n=grid["y"] + 1.0)[known & ~between]
