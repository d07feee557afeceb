"""The fold: event log and workflow maps -> one row a work item, one row a spell in a stage."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from prodops_analysis.errors import EventLogError, some
from prodops_analysis.moves import in_turn
from prodops_analysis.settings import Settings
from prodops_analysis.workflow import Stage, Workflow

NO_TEAM = "(no team)"
UNKNOWN = "unknown"  # stage of a state that no map knows
# marks that are none, in small letters; some write an empty cell as a word
NO = ("", "no", "n", "false", "f", "0", "0.0", "none", "nan", "null", "n/a", "na", "-")
_RANK = {Stage.QUEUE: 0, Stage.WAIT: 1, Stage.ACTIVE: 1, Stage.DONE: 2, Stage.DROPPED: 2, UNKNOWN: -1}
_ENDED = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """Work items and spells as known at `as_of`.

    items : one row an item, sorted by `item_id`: `item_id, team, item_type, size, created_at, started_at,
        first_finished_at, undone_at` (it first left done again), `finished_at` (missing = still open), `outcome`
        (`done`, `dropped`, `open`), `history_cut` (it begins in mid-life), `start_state`,
        `finish_state` (the states that stamp the clock), `start_actor_kind` and `finish_actor_kind`, `finish_batch`
        (items edited together with the finish, 1 = alone), `owner_at_start` and `unplanned` (whether it was owned, or
        marked so, at its start: True, False, missing = its team records none), `owner_put_by` (that owner: `bot`,
        `start` in the very second of the start, `person`; "" for none), `ever_owned`, `last_event_at`, the counts
        `hand_offs, reopenings, backward_moves, unknown_states, target_moves`, and whether a state that no map knows may
        have been a start or an end: `unknown_at_start` (before the start, or without one), `unknown_at_end` (no known
        one came after it, or an end before it).
    spells : `item_id, team, stage` (a Stage or `unknown`), `state, entered_at, left_at` (missing = still there).
    """

    items: pd.DataFrame
    spells: pd.DataFrame
    as_of: pd.Timestamp


def fold(events: pd.DataFrame, *, settings: Settings, as_of: pd.Timestamp) -> Fold:
    """Fold the log into work items and spells; events later than `as_of` are not looked at.

    An item starts at its first entry into a start state and finishes at its last entry into a done state that it has
    not left since; a dropped item ends there too. Unknown states are kept as spells of stage `unknown` and move no
    clock.

    Raises EventLogError: no workflow is declared for a team, or the map of a team knows none of its states.
    """
    log = _Log.of(events[events["at"] <= as_of])
    every, created = np.arange(len(log.item)), log.first(log.rows("created"))
    # the team it began with, so that a later transfer does not rewrite history
    team = log.values("team", log.first(every[log.frame["team"].notna()])).fillna(NO_TEAM)
    log, moves = _in_turn(log, _staged(log, team, settings))
    clock = _clock(log, moves)
    handed, owners = _replaced(log, "owner"), log.rows("owner")
    created_at = log.values("at", np.where(created < 0, log.first(every), created))
    put, owner = _by_start(log, "owner", team, clock["started_at"])
    bot, together = log.values("actor_kind", put) == "bot", log.values("at", put) == clock["started_at"]
    put_by = pd.Series(np.select([owner == "", bot, together], ["", "bot", "start"], "person")).where(owner.notna())
    items = pd.DataFrame(
        {
            "item_id": log.ids,
            "team": team,
            "last_event_at": log.values("at", log.last(every)),
            "created_at": created_at,
            **clock,
            "hand_offs": log.count(handed[log.filled("to_value", handed)]),
            "target_moves": log.count(_replaced(log, "target")),
            "item_type": _first_known(log, log.rows("type")),
            "size": _first_known(log, log.rows("size")),
            "owner_at_start": marked(owner, none=("",)),
            "owner_put_by": put_by,
            "unplanned": marked(_by_start(log, "unplanned", team, clock["started_at"])[1]),
            "ever_owned": log.count(owners[log.filled("to_value", owners)]) > 0,
            # its first state came from another, and it was never created
            "history_cut": log.filled("from_value", log.first(log.rows("state"))) & (created < 0),
        }
    )
    return Fold(items=items, spells=_spells(log, team, moves), as_of=as_of)


@dataclass(frozen=True, slots=True)
class _Log:
    """A log whose items are numbered. A row is named by its place, no row by -1; rows are handed over in order."""

    frame: pd.DataFrame
    ids: pd.api.extensions.ExtensionArray
    item: np.ndarray  # number of each row's item, ascending
    places: Mapping[str, np.ndarray]  # field -> its rows

    @classmethod
    def of(cls, events: pd.DataFrame) -> "_Log":
        if not events["item_id"].is_monotonic_increasing:
            events = events.sort_values("item_id", kind="stable")
        ids = events["item_id"].to_numpy()
        new = np.append(True, ids[1:] != ids[:-1])[: len(ids)]
        return cls(events, events["item_id"].array[new], np.cumsum(new) - 1, events.groupby("field").indices)

    def rows(self, *fields: str) -> np.ndarray:
        """Return the rows of some fields."""
        return np.sort(np.concatenate([self.places.get(name, np.empty(0, dtype=int)) for name in fields]))

    def last(self, rows: np.ndarray) -> np.ndarray:
        """Return for each item the last of the rows."""
        found = np.full(len(self.ids), -1)
        found[self.item[rows]] = rows
        return found

    def first(self, rows: np.ndarray) -> np.ndarray:
        """Return for each item the first of the rows."""
        return self.last(rows[::-1])

    def count(self, rows: np.ndarray) -> np.ndarray:
        """Return for each item the number of the rows."""
        return np.bincount(self.item[rows], minlength=len(self.ids))

    def values(self, column: str, rows: np.ndarray) -> pd.Series:
        """Return what stands in the rows; missing for no row."""
        return pd.Series(self.frame[column].array.take(np.asarray(rows), allow_fill=True), copy=False)

    def filled(self, column: str, rows: np.ndarray) -> np.ndarray:
        """Return whether something stands in the rows."""
        return self.values(column, rows).fillna("").ne("").to_numpy()

    def before(self, values: pd.Series, *, none: int | str | bool) -> pd.Series:
        """Return the value at the row before of the same item, where rows are the index."""
        return values.shift(fill_value=none).mask(np.diff(self.item[values.index], prepend=-1) != 0, none)


def _staged(log: _Log, team: pd.Series, settings: Settings) -> pd.DataFrame:
    """Return of each state event, by its row: stage, rank, whether its state starts the clock, and what orders it."""
    rows = log.rows("state", "deleted")
    deleted = np.isin(rows, log.rows("deleted"))
    number, teams = pd.factorize(team, sort=True)
    mine = number[log.item[rows]]
    maps = _maps([teams[k] for k in np.unique(mine)], settings)

    def looked_up(column: str) -> tuple[np.ndarray, list[tuple[Workflow, str]]]:
        # each pair of team and state is looked up once
        value, states = pd.factorize(log.values(column, rows).fillna(""))
        place, pairs = pd.factorize(mine * len(states) + value)
        return place, [(maps[teams[pair // len(states)]], states[pair % len(states)]) for pair in pairs]

    place, named = looked_up("to_value")
    found = [(str(w.stage_of().get(s, UNKNOWN)), s in w.starts(), w.place_of(s), w.same_as.get(s, s)) for w, s in named]
    staged = pd.DataFrame(
        [*found, (Stage.DROPPED.value, False, np.inf, "")], columns=["stage", "begins", "place", "entered"]
    )
    before, former = looked_up("from_value")
    left = np.array([w.same_as.get(s, s) for w, s in former], dtype=object)[before]
    moves = (
        staged.assign(rank=staged["stage"].map(_RANK.get))
        .iloc[np.where(deleted, len(found), place)]
        .set_axis(rows)
        .assign(deleted=deleted, left=np.where(deleted, "", left))
    )
    known = (moves["rank"] >= 0).to_numpy()
    if lost := [teams[k] for k in np.setdiff1d(mine[~deleted], mine[~deleted & known]) if teams[k] != NO_TEAM]:
        words = some(map(repr, sorted(set(log.values("to_value", rows[teams[mine] == lost[0]]).dropna()))))
        declared = some(map(repr, maps[lost[0]].stage_of()), most=8)
        raise EventLogError(
            f"the workflow map of team {lost[0]!r} knows none of its states: found {words}, "
            f"the map has {declared}; mend the [workflows] of team {lost[0]!r} in prodops.toml"
        )
    return moves


def _in_turn(log: _Log, moves: pd.DataFrame) -> tuple[_Log, pd.DataFrame]:
    """Put the moves of each instant in order, in the log and in the table."""
    told = log.frame.iloc[moves.index]
    by = in_turn(moves.assign(item=log.item[moves.index], at=told["at"].astype("int64").array, seq=told["seq"].array))
    if (by == np.arange(len(by))).all():
        return log, moves
    rows = np.arange(len(log.frame))
    rows[moves.index] = moves.index[by]
    return _Log.of(log.frame.iloc[rows]), moves.iloc[by].set_axis(moves.index)


def _edited_together(log: _Log, rows: np.ndarray) -> np.ndarray:
    """Return for each row of the log how many items were moved in the edit it is part of; 1 where it stands alone.

    Where a source names no edits, moves of one second are one: nobody moves several items by hand so fast. A quarter of
    an hour is a time that somebody typed or rounded, or a day in a zone such as India's.
    """
    events = log.frame[["batch_id", "source", "at"]]
    moved = events.iloc[rows]
    named = pd.factorize(moved["batch_id"])[0]
    naming = moved["source"].isin(events["source"][events["batch_id"].notna()].unique())
    exact = moved["at"] != moved["at"].dt.floor("15min")
    second = moved["at"].dt.as_unit("s").astype("int64")
    edit = np.where(named >= 0, named, np.where(exact & ~naming, second - second.min() + len(rows), np.nan))
    n = pd.Series(log.item[rows]).groupby(edit).transform("nunique")
    together = np.ones(len(events), dtype="int64")
    together[rows] = n.fillna(1)
    return together


def _maps(teams: Sequence[str], settings: Settings) -> dict[str, Workflow]:
    maps = {team: settings.workflow_of(team) for team in teams}
    if lost := [team for team, workflow in maps.items() if workflow is None]:
        raise EventLogError(
            f"no workflow map for team {some(map(repr, lost))}; declare [workflows.NAME] with "
            f"teams = [{', '.join(map(repr, lost[:3]))}], or one without teams for every team"
        )
    return {team: workflow for team, workflow in maps.items() if workflow}


def _clock(log: _Log, moves: pd.DataFrame) -> dict[str, Any]:
    """Start, end and counts of moves of each item, from its state events in order."""
    known = moves[moves["rank"] >= 0]
    # deleting what had ended already ends nothing
    known = known[~known["deleted"] | (log.before(known["rank"], none=-1) != _ENDED)]
    rank, ended = known["rank"], known["rank"] == _ENDED
    before = log.before(rank, none=-1)
    done = known["stage"] == Stage.DONE.value
    # the end is the first event of the closing run of ended states: Done -> Archived ends at Done
    end = known["stage"].where(ended, "")
    end_row = log.last(known.index[ended & (end != log.before(end, none=""))])
    end_row = np.where(end_row > log.last(known.index[~ended]), end_row, -1)
    start = log.first(known.index[known["begins"]])
    strange = moves.index[moves["rank"] < 0].to_numpy()
    begun, told = start[log.item[strange]], log.last(known.index)[log.item[strange]]
    from_end = (log.before(moves["rank"], none=-1) == _ENDED)[strange].to_numpy()
    return {
        "started_at": log.values("at", start),
        "start_state": log.values("to_value", start),
        "start_actor_kind": log.values("actor_kind", start),
        "first_finished_at": log.values("at", log.first(known.index[done])),
        "undone_at": log.values("at", log.first(known.index[log.before(done, none=False) & ~done])),
        "finished_at": log.values("at", end_row),
        "finish_state": log.values("to_value", end_row),
        "finish_actor_kind": log.values("actor_kind", end_row),
        "finish_batch": np.where(end_row >= 0, _edited_together(log, moves.index)[end_row], 0),
        "outcome": known["stage"].reindex(end_row).fillna("open").array,
        "reopenings": log.count(known.index[(before == _ENDED) & ~ended]),
        "backward_moves": log.count(known.index[before > rank]),
        "unknown_states": log.count(strange),
        "unknown_at_start": log.count(strange[(begun < 0) | (strange < begun)]) > 0,
        "unknown_at_end": log.count(strange[(strange > told) | from_end]) > 0,
    }


def _first_known(log: _Log, rows: np.ndarray) -> pd.Series:
    """Return for each item the first value of the rows, so that later relabelling moves no item between groups."""
    return log.values("to_value", log.first(rows[log.values("to_value", rows).notna()]))


def _replaced(log: _Log, field: str) -> np.ndarray:
    """Return the changes of a field that replace a value, told by the export or by the change before it."""
    rows = log.rows(field)
    former, now = log.values("from_value", rows), pd.Series(log.filled("to_value", rows), index=rows)
    return rows[np.where(former.isna(), log.before(now, none=False), former.ne(""))]


def _by_start(log: _Log, field: str, team: pd.Series, started_at: pd.Series) -> tuple[np.ndarray, pd.Series]:
    """Return each item's last row of a field by its start, and what stood there.

    That is "" for nothing; missing where the item is not started or its team records none.
    """
    rows = log.rows(field)
    item = log.item[rows]
    last = log.last(rows[log.values("at", rows).array <= started_at.array[item]])
    stood = log.values("to_value", last).fillna("")
    return last, stood.where(team.isin(team.iloc[item].unique()) & started_at.notna())


def marked(values: pd.Series, *, none: Sequence[str] = NO) -> pd.Series:
    """Read whether something is marked: any text but one that says none; missing stays missing."""
    number, words = pd.factorize(values.astype("str"))
    said = ~pd.Series(words).str.strip().str.lower().isin(none)
    return said.astype("boolean").reindex(number).set_axis(values.index)


def _spells(log: _Log, team: pd.Series, moves: pd.DataFrame) -> pd.DataFrame:
    """Return each stay in a stage; a deletion right after an end is none."""
    kept = moves[~moves["deleted"] | (log.before(moves["rank"], none=-1) != _ENDED)]
    rows, item = kept.index.to_numpy(), log.item[kept.index]
    left = np.where(np.diff(item, append=-1) == 0, np.roll(rows, -1), -1)
    return pd.DataFrame(
        {
            "item_id": log.values("item_id", rows),
            "team": team.array[item],
            "stage": kept["stage"].array,
            "state": log.values("to_value", rows),
            "entered_at": log.values("at", rows),
            "left_at": log.values("at", left),
        }
    )
