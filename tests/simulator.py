"""Simulate the work of product teams with known truth: speeds, types, seasons, shocks, changes and planted faults.

Everything is drawn from the generator handed in; nothing here describes a real organisation.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from prodops_analysis.event_log import sort_out

STATES = {
    "Backlog": "queue", "Ready": "queue", "In progress": "active", "In review": "active",
    "Waiting for decision": "wait", "Done": "done", "Dropped": "dropped",
}  # fmt: skip
TYPES = {"feature": 0.35, "bug": -0.45, "research": 0.1}  # log of the time a type takes beside the mean
SIZES = {"S": -0.3, "M": 0.0, "L": 0.35}
_TYPE_SHARES, _SIZE_SHARES = (0.45, 0.4, 0.15), (0.4, 0.4, 0.2)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What is true in a simulated organisation. Times are weeks from `start`, a Monday."""

    teams: tuple[str, ...]
    start: str = "2025-01-06"
    weeks: int = 78
    items_a_week: float = 6.0
    median_days: float = 7.0
    log_sd: float = 0.9  # of the cycle time of one item
    team_sd: float = 0.35  # of team speeds, log scale
    shock_sd: float = 0.15  # of team-week shocks, log scale, AR(1) with `shock_rho`
    shock_rho: float = 0.5
    common_sd: float = 0.08  # of shocks that all teams share
    season: float = 0.15  # slower by so much at the turn of the year, log scale
    share_dropped: float = 0.06
    share_owned: float = 0.62  # items with an owner at start
    share_unplanned: float = 0.14  # items that nobody had planned, marked when they are created
    speed: Mapping[str, tuple[float, float]] = field(default_factory=dict)  # team -> (week, log effect on cycle time)
    owned: Mapping[str, tuple[float, float]] = field(default_factory=dict)  # team -> (week, added share with an owner)
    faults: Mapping[str, float] = field(default_factory=dict)  # team -> share of its items with a planted fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """Event rows as an export would give them (`item_id, at, field, from_value, to_value, actor, team, batch_id`)."""

    rows: pd.DataFrame
    as_of: pd.Timestamp

    def log(self) -> pd.DataFrame:
        """Return the rows as an event log."""
        return sort_out(self.rows, source="simulated").events


def simulate(world: World, *, rng: np.random.Generator) -> Simulated:
    """Draw one history of the organisation."""
    as_of = pd.Timestamp(world.start, tz="UTC") + pd.Timedelta(weeks=world.weeks)
    drawn = pd.concat(
        [_team(world, team, rng, shock) for team, shock in _shocks(world, rng).items()], ignore_index=True
    )
    drawn = drawn.sort_values("created", kind="stable", ignore_index=True)
    drawn = drawn.assign(item_id=[f"{t[:3].upper()}-{n}" for n, t in enumerate(drawn["team"], start=1)])
    marked = rng.spawn(1)[0].uniform(size=len(drawn)) < world.share_unplanned
    planted = _plant(world, drawn.assign(unplanned=marked), rng)
    rows = _rows(planted, pd.Timestamp(world.start, tz="UTC"))
    return Simulated(rows=rows[rows["at"] <= as_of].reset_index(drop=True), as_of=as_of)


def _shocks(world: World, rng: np.random.Generator) -> dict[str, np.ndarray]:
    common = rng.normal(0, world.common_sd, world.weeks)
    shocks = {}
    for team in world.teams:
        noise = rng.normal(0, world.shock_sd, world.weeks)
        own = np.zeros(world.weeks)
        own[0] = noise[0]
        for week in range(1, world.weeks):
            own[week] = world.shock_rho * own[week - 1] + np.sqrt(1 - world.shock_rho**2) * noise[week]
        shocks[team] = own + common
    return shocks


def _team(world: World, team: str, rng: np.random.Generator, shock: np.ndarray) -> pd.DataFrame:
    """Draw the items of one team: when each was created, started and ended, in weeks."""
    speed, pace = rng.normal(0, world.team_sd), world.items_a_week * np.exp(rng.normal(0, 0.15))
    dates = pd.Timestamp(world.start) + pd.to_timedelta(np.arange(world.weeks) * 7, unit="D")
    turn = np.minimum(np.abs(dates.day_of_year - 1), np.abs(dates.day_of_year - 366)).to_numpy() <= 12
    per_week = rng.poisson(pace * np.where(turn, 0.5, 1.0))
    week = np.repeat(np.arange(world.weeks), per_week)
    n = len(week)
    started = week + (rng.choice(5, n) + rng.uniform(0.33, 0.75, n)) / 7
    kind = rng.choice(list(TYPES), n, p=_TYPE_SHARES)
    size = rng.choice(list(SIZES), n, p=_SIZE_SHARES)
    begin, effect = world.speed.get(team, (np.inf, 0.0))
    log_days = (
        np.log(world.median_days) + speed + shock[week] + world.season * turn[week]
        + pd.Series(TYPES)[kind].to_numpy() + pd.Series(SIZES)[size].to_numpy()
        + np.where(started >= begin, effect, 0.0) + rng.normal(0, world.log_sd, n)
    )  # fmt: skip
    dropped = rng.uniform(size=n) < world.share_dropped
    days = np.exp(log_days) * np.where(dropped, rng.uniform(0.2, 1.5, n), 1.0)
    begin, added = world.owned.get(team, (np.inf, 0.0))
    owned = rng.uniform(size=n) < world.share_owned + np.where(started >= begin, added, 0.0)
    queue = rng.lognormal(np.log(9.0), 0.8, n) / 7
    idle = rng.poisson(world.weeks * pace * 0.04)  # ideas that nobody starts
    items = pd.DataFrame(
        {
            "team": team, "kind": kind, "size": size, "created": started - queue, "started": started,
            "ended": started + days / 7, "dropped": dropped, "owned": owned,
            "wait": rng.uniform(0.15, 0.5, n), "owner": rng.integers(1, 9, n), "moves": rng.poisson(0.35, n),
        }
    )  # fmt: skip
    never = items.sample(min(idle, n), random_state=rng).assign(started=np.nan, ended=np.nan)
    return pd.concat([items, never.assign(created=rng.uniform(0, world.weeks, len(never)))], ignore_index=True)


def _plant(world: World, items: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Choose the items that carry a fault, and which: a clock that jumps, a bulk close, a typed state, no start."""
    share = items["team"].map(world.faults).fillna(0.0).to_numpy(dtype=float)
    kinds = np.array(["no start", "bulk close", "typed state", "finish first"])
    fault = np.where(rng.uniform(size=len(items)) < share, rng.choice(kinds, len(items), p=(0.3, 0.4, 0.2, 0.1)), "")
    fault = np.where(items["started"].isna(), "", fault)
    # bulk closes happen at the end of a quarter, whole and in one minute
    quarter = np.ceil((items["ended"].fillna(0) + 0.1) / 13) * 13 + 0.25
    ended = items["ended"].where(fault != "bulk close", quarter)
    early = items["started"] - rng.uniform(0.05, 0.3, len(items))
    return items.assign(fault=fault, ended=ended.where(fault != "finish first", early))


def _rows(items: pd.DataFrame, start: pd.Timestamp) -> pd.DataFrame:
    """Unroll items into event rows."""
    owner = "p" + items["owner"].astype(str) + "-" + items["team"].str[:3].str.lower()
    length = items["ended"] - items["started"]
    review, late = items["started"] + 0.45 * length, items["started"] + 0.8 * length
    waits = items["wait"] > 0.3
    end = pd.Series(np.where(items["dropped"], "Dropped", "Done"), index=items.index)
    plain, begun = items["fault"] != "finish first", items["fault"] != "no start"
    working = pd.Series(np.where(items["fault"] == "typed state", "In progess", "In progress"), index=items.index)
    month = (start + pd.to_timedelta(items["created"] * 7 + 75, unit="D")).dt.strftime("%Y-%m")
    moved = (start + pd.to_timedelta(items["created"] * 7 + 135, unit="D")).dt.strftime("%Y-%m")
    steps = [
        _step(items, "created", "created", None, items["item_id"]),
        _step(items, "created", "type", None, items["kind"]),
        _step(items, "created", "size", None, items["size"]),
        _step(items, "created", "unplanned", None, "yes")[items["unplanned"]],
        _step(items, "created", "target", None, month),
        _step(items, "created", "state", None, "Backlog"),
        _step(items.assign(own=items["started"] - 0.02), "own", "owner", None, owner)[items["owned"] & begun],
        _step(items, "started", "state", "Backlog", working)[begun],
        _step(items.assign(own=items["started"] + 0.5 * length), "own", "owner", None, owner)[~items["owned"] & plain],
        _step(items.assign(at=review), "at", "state", working, "In review")[plain & begun],
        _step(
            items.assign(at=late),
            "at",
            "state",
            "In review",
            "Waiting for decision",
        )[plain & begun & waits],
        _step(items.assign(at=late), "at", "target", month, moved)[plain & (items["moves"] > 0)],
        _step(items, "ended", "state", "In progress", end),
    ]
    rows = pd.concat([s.assign(order=k) for k, s in enumerate(steps)], ignore_index=True).dropna(subset=["week"])
    whole_minutes = (rows["week"] * 7 * 24 * 60).round().astype("int64")
    bulk = rows["fault"].eq("bulk close") & (rows["at_column"] == "ended")
    return (
        rows.assign(
            at=start + pd.to_timedelta(whole_minutes, unit="min"),
            batch_id=(
                "bulk-" + rows["team"].str[:3].str.lower() + "-" + rows["week"].round(0).astype(int).astype(str)
            ).where(bulk),
        )
        .sort_values(["at", "item_id", "order"], kind="stable", ignore_index=True)
        .loc[:, ["item_id", "at", "field", "from_value", "to_value", "actor", "team", "batch_id"]]
    )


def _step(
    items: pd.DataFrame, when: str, name: str, before: "pd.Series | str | None", after: "pd.Series | str"
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "item_id": items["item_id"], "week": items[when], "at_column": when, "fault": items["fault"], "field": name,
            "from_value": before, "to_value": after, "team": items["team"],
            "actor": "p" + items["owner"].astype(str) + "-" + items["team"].str[:3].str.lower(),
        }
    )  # fmt: skip
