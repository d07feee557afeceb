"""What other tables and typed dates add to work items."""

import pandas as pd

from prodops_analysis.errors import EventLogError, some
from prodops_analysis.settings import Settings
from prodops_analysis.work_items import NO_TEAM, Fold, fold, marked

# only the log tells these, as of its instant
CLOCK = ("created_at", "started_at", "first_finished_at", "undone_at", "finished_at", "outcome", "last_event_at")


def with_typed_date(items: pd.DataFrame, events: pd.DataFrame, *, field: str, name: str) -> pd.DataFrame:
    """Add the first value of a field that people typed as a date, as column `name`; unreadable ones are missing."""
    typed = events[(events["field"] == field) & events["to_value"].notna()].groupby("item_id")["to_value"].first()
    dates = pd.to_datetime(typed, utc=True, errors="coerce", format="ISO8601").astype("datetime64[us, UTC]")
    return items.assign(**{name: items["item_id"].map(dates)})


def with_attributes(items: pd.DataFrame, given: pd.DataFrame | None) -> pd.DataFrame:
    """Add to work items the columns of another table by `item_id`; what the log knows stays, and `CLOCK` is its alone.

    Raises EventLogError: the table has no `item_id`, an item twice, or none of the items.
    """
    if given is None or given.empty:
        return items
    if "item_id" not in given:
        raise EventLogError(f"the items table has no column 'item_id'; found {some(given.columns)}")
    if not given.columns.is_unique:
        twice = given.columns[given.columns.duplicated()]
        raise EventLogError(f"the items table has two columns {some(map(repr, twice))}; keep one of them")
    extra = given.reset_index(drop=True).rename(columns={"type": "item_type"} if "item_type" not in given else {})
    extra = extra.drop(columns=[name for name in CLOCK if name in extra]).assign(item_id=extra["item_id"].astype("str"))
    if extra["item_id"].duplicated().any():
        twice = extra.loc[extra["item_id"].duplicated(), "item_id"]
        raise EventLogError(
            f"{len(twice)} items stand twice in the items table (first: {twice.iloc[0]!r}); keep one row each"
        )
    if len(items) and not items["item_id"].isin(extra["item_id"]).any():
        raise EventLogError(
            f"the items table names none of the {len(items)} items of the log: it has "
            f"{some(map(repr, extra['item_id']))}, the log {some(map(repr, items['item_id']))}; give this log's table"
        )
    known_texts = [c for c in ("team", "item_type", "size") if c in extra]
    extra = extra.assign(**{c: extra[c].astype("str") for c in known_texts})
    extra = extra.assign(**{c: marked(extra[c]) for c in ("unplanned", "owner_at_start") if c in extra})
    beside = extra.set_index("item_id").reindex(items["item_id"]).set_axis(items.index)
    known = items.assign(team=items["team"].where(items["team"] != NO_TEAM))
    joined = known.assign(**{name: known.get(name, beside[name]).fillna(beside[name]) for name in beside})
    return joined.assign(team=joined["team"].fillna(NO_TEAM))


def fold_with(log: pd.DataFrame, given: pd.DataFrame | None, *, settings: Settings, as_of: pd.Timestamp) -> Fold:
    """Fold a log into work items with the columns of another table; a team that the log lacks is taken from there.

    Raises EventLogError: nothing happened until `as_of`, or the table is none of this log's.
    """
    if given is not None and "team" in given and "item_id" in given and log["team"].isna().any():
        team_of = dict(zip(given["item_id"].astype("str"), given["team"].astype("str"), strict=True))
        log = log.assign(team=log["team"].fillna(log["item_id"].map(team_of)))
    if not (log["at"] <= as_of).any():
        raise EventLogError(f"the event log holds nothing until {as_of:%Y-%m-%d}; check the export and its column map")
    folded = fold(log, settings=settings, as_of=as_of)
    return Fold(items=with_attributes(folded.items, given), spells=folded.spells, as_of=as_of)
