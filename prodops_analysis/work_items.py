"""The fold: event log and workflow maps -> one row a work item, one row a spell in a stage."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from prodops_analysis.errors import EventLogError, some
from prodops_analysis.settings import Settings
from prodops_analysis.workflow import Stage

NO_TEAM = "(no team)"
UNKNOWN = "unknown"  # stage of a state that no map knows
_RANK = {Stage.QUEUE: 0, Stage.WAIT: 1, Stage.ACTIVE: 1, Stage.DONE: 2, Stage.DROPPED: 2}
SPELL_COLUMNS = ("item_id", "team", "stage", "state", "entered_at", "left_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """Work items and spells as known at `as_of`.

    items : one row an item, sorted by `item_id`: `item_id, team, item_type, size, created_at, started_at,
        first_finished_at, finished_at` (missing = still open), `outcome` (`done`, `dropped`, `open`), `history_cut`
        (it begins in mid-life), `created_state`, `start_state`, `finish_state` (the states that stamp the clock),
        `start_actor_kind`, `finish_batch` (items edited together with the finish, 1 = alone), `owner_at_start`
        (True, False, missing = owners are not recorded), `last_event_at`, and the counts `hand_offs, reopenings,
        backward_moves, unknown_states, target_moves, n_events`.
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

    Raises
    ------
    EventLogError : no workflow is declared for a team, or the map of a team knows none of its states.
    """
    log = events[events["at"] <= as_of]
    log = log.assign(team=_team_of_items(log))
    states = _staged(log[log["field"].isin(["state", "deleted"])], settings)
    items = _frame_of_items(log)
    items = items.join(_clock(states)).join(_owner_counts(log)).join(_attributes(log))
    items = items.assign(
        outcome=items["outcome"].fillna("open").astype("str"),
        created_at=items["created_at"].fillna(items["first_event_at"]),
        owner_at_start=_owner_at_start(log, items),
        history_cut=_history_cut(log, states).reindex(items.index, fill_value=False),
        **{c: items[c].fillna(0).astype("int64") for c in _COUNTS},
    )
    return Fold(items=items.drop(columns="first_event_at").reset_index(), spells=_spells(states), as_of=as_of)


_COUNTS = (
    "hand_offs",
    "reopenings",
    "backward_moves",
    "unknown_states",
    "target_moves",
    "n_events",
    "finish_batch",
)


def _team_of_items(log: pd.DataFrame) -> pd.Series:
    """Give each item the team it began with, so that a later transfer does not rewrite history."""
    first = log.dropna(subset=["team"]).groupby("item_id")["team"].first()
    return log["item_id"].map(first).astype("str").fillna(NO_TEAM)


def _frame_of_items(log: pd.DataFrame) -> pd.DataFrame:
    by_item = log.groupby("item_id", sort=True)
    created = log[log["field"] == "created"].groupby("item_id")["at"].min()
    return by_item.agg(team=("team", "first"), first_event_at=("at", "min"), last_event_at=("at", "max")).assign(
        n_events=by_item.size(), created_at=created
    )


def _staged(states: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """Add the stage of each state event, its rank, and whether its state starts the clock."""
    maps = {team: settings.workflow_of(team) for team in sorted(set(states["team"]))}
    if lost := [team for team, workflow in maps.items() if workflow is None]:
        raise EventLogError(
            f"no workflow map for team {some(map(repr, lost))}; declare [workflows.NAME] with "
            f"teams = [{', '.join(map(repr, lost[:3]))}], or one without teams for every team"
        )
    stage_of = {team: workflow.stage_of() for team, workflow in maps.items() if workflow}
    starts = {team: workflow.starts() for team, workflow in maps.items() if workflow}
    pairs = pd.MultiIndex.from_frame(states[["team", "to_value"]])
    distinct = pairs.unique()
    stage = pd.Series([stage_of[t].get(s, UNKNOWN) for t, s in distinct], index=distinct, dtype="str")
    begins = pd.Series([s in starts[t] for t, s in distinct], index=distinct, dtype="bool")
    deleted = (states["field"] == "deleted").to_numpy()
    named = pd.Series(stage.reindex(pairs).to_numpy(), index=states.index, dtype="str")
    staged = states.assign(
        stage=named.mask(deleted, Stage.DROPPED.value), begins=begins.reindex(pairs).to_numpy(dtype=bool) & ~deleted
    )
    _refuse_foreign_states(staged, stage_of)
    return staged.assign(rank=staged["stage"].map({str(k): v for k, v in _RANK.items()}))


def _refuse_foreign_states(staged: pd.DataFrame, stage_of: Mapping[str, Mapping[str, Stage]]) -> None:
    named = staged[staged["field"] == "state"]
    known = (named["stage"] != UNKNOWN).groupby(named["team"]).any()
    if lost := [team for team in known.index[~known] if team != NO_TEAM]:
        found = sorted(set(staged.loc[staged["team"] == lost[0], "to_value"].dropna()))
        declared = some(map(repr, stage_of[lost[0]]), most=8)
        raise EventLogError(
            f"the workflow map of team {lost[0]!r} knows none of its states: found {some(map(repr, found))}, "
            f"the map has {declared}; mend the [workflows] of team {lost[0]!r} in prodops.toml"
        )


def _clock(states: pd.DataFrame) -> pd.DataFrame:
    """Start, end and counts of moves of each item, from its state events in order."""
    known = states[states["stage"] != UNKNOWN]
    # deleting what had ended already ends nothing
    before = known.groupby("item_id")["rank"].shift()
    known = known[~((known["field"] == "deleted") & (before == 2))]
    before = known.groupby("item_id")["rank"].shift()
    moved = known.assign(
        reopened=(before == 2) & (known["rank"] < 2),
        backward=(before > known["rank"]),
        ended=known["rank"] == 2,
    )
    by_item = moved.groupby("item_id")
    start = moved[moved["begins"]].groupby("item_id")[["at", "to_value", "actor_kind"]].first()
    last = by_item[["stage", "to_value", "ended"]].last()
    # the end is the first event of the closing run of ended states: Done -> Archived ends at Done
    end_stage = moved["stage"].where(moved["ended"], "")
    run = end_stage.ne(end_stage.groupby(moved["item_id"]).shift(fill_value="")).groupby(moved["item_id"]).cumsum()
    closing = moved[moved["ended"] & (run == run.groupby(moved["item_id"]).transform("max"))]
    end = closing.drop_duplicates("item_id").set_index("item_id")[["at", "to_value", "batch_id"]]
    batch = end["batch_id"].map(states.groupby("batch_id")["item_id"].nunique()).fillna(1)
    return pd.DataFrame(
        {
            "started_at": start["at"],
            "start_state": start["to_value"],
            "start_actor_kind": start["actor_kind"],
            "created_state": by_item["to_value"].first(),
            "first_finished_at": known[known["stage"] == Stage.DONE.value].groupby("item_id")["at"].first(),
            "finished_at": end["at"],
            "finish_state": end["to_value"],
            "finish_batch": batch,
            "outcome": last["stage"].where(last["ended"]),
            "reopenings": by_item["reopened"].sum(),
            "backward_moves": by_item["backward"].sum(),
        }
    ).join((states["stage"] == UNKNOWN).groupby(states["item_id"]).sum().rename("unknown_states"), how="outer")


def _owner_counts(log: pd.DataFrame) -> pd.DataFrame:
    owner, target = (log[log["field"] == name] for name in ("owner", "target"))
    handed = owner[_known_before(owner) & owner["to_value"].fillna("").ne("")]
    moved = target[_known_before(target)]
    return pd.DataFrame(
        {"hand_offs": handed.groupby("item_id").size(), "target_moves": moved.groupby("item_id").size()}
    )


def _known_before(changes: pd.DataFrame) -> pd.Series:
    """Whether a change replaces a value, told by the export or by the change before it."""
    return changes["from_value"].fillna(changes.groupby("item_id")["to_value"].shift()).fillna("").ne("")


def _attributes(log: pd.DataFrame) -> pd.DataFrame:
    """Type and size as first known, so that later relabelling does not move an item between groups."""
    named = {"type": "item_type", "size": "size"}
    first = {
        column: log[(log["field"] == name) & log["to_value"].notna()].groupby("item_id")["to_value"].first()
        for name, column in named.items()
    }
    return pd.DataFrame(first).astype("str")


def _owner_at_start(log: pd.DataFrame, items: pd.DataFrame) -> pd.Series:
    """Whether a started item had an owner at its start; missing where its team's log records no owners."""
    owner = log[log["field"] == "owner"]
    recorded = items["team"].isin(set(owner["team"])) & items["started_at"].notna()
    by_start = owner[owner["at"] <= items["started_at"].reindex(owner["item_id"]).set_axis(owner.index)]
    last = by_start.drop_duplicates("item_id", keep="last").set_index("item_id")["to_value"].reindex(items.index)
    return (last.fillna("") != "").astype("boolean").where(recorded)


def _history_cut(log: pd.DataFrame, states: pd.DataFrame) -> pd.Series:
    """Whether an item's history begins in mid-life: its first state came from another, or it was never created."""
    came_from = states[states["field"] == "state"].groupby("item_id")["from_value"].nth(0)
    late = states.loc[came_from.index].set_index("item_id")["from_value"].fillna("") != ""
    never = ~log["field"].eq("created").groupby(log["item_id"]).any()
    return late.reindex(never.index, fill_value=False) & never


def _spells(states: pd.DataFrame) -> pd.DataFrame:
    ended = states["stage"].isin([Stage.DONE.value, Stage.DROPPED.value])
    gone = (states["field"] == "deleted") & ended.groupby(states["item_id"]).shift(fill_value=False)
    kept = states[~gone]
    spells = kept.rename(columns={"at": "entered_at", "to_value": "state"}).assign(
        left_at=kept.groupby("item_id")["at"].shift(-1)
    )
    return spells[list(SPELL_COLUMNS)].reset_index(drop=True)


def with_typed_date(items: pd.DataFrame, events: pd.DataFrame, *, field: str, name: str) -> pd.DataFrame:
    """Add the first value of a field that people typed as a date, as column `name`; unreadable ones are missing."""
    typed = events[(events["field"] == field) & events["to_value"].notna()].groupby("item_id")["to_value"].first()
    dates = pd.to_datetime(typed, utc=True, errors="coerce", format="ISO8601").astype("datetime64[us, UTC]")
    return items.assign(**{name: items["item_id"].map(dates)})


def with_attributes(items: pd.DataFrame, given: pd.DataFrame | None) -> pd.DataFrame:
    """Add to work items the columns of another table by `item_id`; what the log knows stays.

    Raises
    ------
    EventLogError : the table has no `item_id`, or an item twice.
    """
    if given is None or given.empty:
        return items
    if "item_id" not in given:
        raise EventLogError(f"the items table has no column 'item_id'; found {some(given.columns)}")
    extra = given.rename(columns={"type": "item_type"} if "item_type" not in given else {})
    if extra["item_id"].duplicated().any():
        twice = extra.loc[extra["item_id"].duplicated(), "item_id"]
        raise EventLogError(
            f"{len(twice)} items stand twice in the items table (first: {twice.iloc[0]!r}); keep one row each"
        )
    known_texts = [c for c in ("team", "item_type", "size") if c in extra]
    extra = extra.assign(**{c: extra[c].astype("str") for c in known_texts})
    joined = items.merge(extra, on="item_id", how="left", suffixes=("", "_given"))
    for column in [c.removesuffix("_given") for c in joined if c.endswith("_given")]:
        known = joined[column].where(joined[column] != NO_TEAM) if column == "team" else joined[column]
        joined = joined.assign(**{column: known.fillna(joined[f"{column}_given"])}).drop(columns=f"{column}_given")
    return joined
