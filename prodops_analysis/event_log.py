"""The event log: the contract every source meets and everything else reads.

One row is one field change. Times are UTC instants; `seq` orders events within one instant, as far as the source knows
an order; a missing value is unknown, never zero. A backward move never erases an earlier event.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pandera.pandas as pa

from prodops_analysis.errors import EventLogError, did_you_mean, some
from prodops_analysis.moves import in_turn

FIELDS = (
    "created", "deleted", "state", "owner", "approver", "target", "release", "scope",
    "type", "size", "priority", "unplanned", "blocked", "comment", "link",
)  # fmt: skip
OTHER = "x."  # prefix of any further field: kept and listed
ACTOR_KINDS = ("person", "bot", "unknown")
FAULT_COLUMNS = ("source", "row", "item_id", "reason", "found")


def _known_fields(given: "pd.Series[str]") -> list[str]:
    return [name for name in given.dropna().unique() if name in FIELDS or name.startswith(OTHER)]


_NEEDED = pa.Column(str, nullable=False)
_MAYBE = pa.Column(str, nullable=True)
SCHEMA = pa.DataFrameSchema(
    {
        "event_id": pa.Column(str, nullable=False, unique=True),
        "item_id": _NEEDED,
        "at": pa.Column("datetime64[us, UTC]", nullable=False),
        "seq": pa.Column("int64", pa.Check.ge(0), nullable=False),
        "field": pa.Column(str, pa.Check(lambda s: s.isin(_known_fields(s))), nullable=False),
        "from_value": _MAYBE,
        "to_value": _MAYBE,
        "actor": _MAYBE,
        "actor_kind": pa.Column(str, pa.Check.isin(ACTOR_KINDS), nullable=False),
        "team": _MAYBE,
        "source": _NEEDED,
        "batch_id": _MAYBE,
    },
    strict=True,
)
COLUMNS = tuple(SCHEMA.columns)
_OWN = ("source", "item_id", "field")
_ORDER = ("item_id", "at", "seq", "event_id")
TEXT = tuple(name for name in COLUMNS if name not in ("at", "seq"))
RAW = ("item_id", "at", "field", "from_value", "to_value", "actor", "actor_kind", "team", "batch_id")  # of a source

# One condition a fault, in the order in which a row is judged; the first that holds names the row.
_JUDGE = f"""
    CASE WHEN item_id IS NULL OR trim(item_id) = '' THEN 'no item id'
         WHEN "at" IS NULL AND (at_text IS NULL OR trim(at_text) = '') THEN 'no date'
         WHEN "at" IS NULL THEN 'unreadable date'
         WHEN field IS NULL OR NOT (field IN {FIELDS} OR starts_with(field, '{OTHER}')) THEN 'unknown field'
         WHEN odd_seq IS NOT NULL THEN 'unreadable order'
         WHEN actor_kind NOT IN {ACTOR_KINDS} THEN 'unknown kind of actor'
         END
"""
_FOUND = """
    CASE reason WHEN 'unreadable date' THEN at_text WHEN 'unknown field' THEN field WHEN 'unreadable order' THEN odd_seq
         ELSE to_value END
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """What one source gave: sound events, faulty rows with their reason, and remarks for the quality report.

    `events` has `COLUMNS`, `faults` has `FAULT_COLUMNS`.
    """

    events: pd.DataFrame
    faults: pd.DataFrame
    remarks: tuple[str, ...] = ()
    as_of: pd.Timestamp | None = None  # when the source was read or exported, where it says so
    checks: dict[str, str] = field(default_factory=dict)  # named faults of the whole source, such as a cut history


def sort_out(rows: pd.DataFrame, *, source: str) -> Import:
    """Part raw rows into sound events and listed faults; nothing is dropped silently.

    rows : `item_id`, `at` (UTC, missing where unreadable) and `field`; `to_value`, `from_value`, `at_text`
        (as found), `row` (number in the export), `actor`, `actor_kind`, `team`, `batch_id` where known, and `seq`, the
        order of an item's events within one instant (whole numbers; where one is missing, the instant has none). The
        order of rows is none: exports are sorted either way. A copy of a row is a fault, unless `seq` puts another
        change of the field between the two.
    source : name of the source, part of each `event_id`, where the rows do not name it.
    """
    names = [*TEXT[1:], "at_text"]  # an event gets its identifier below
    raw = rows.reset_index(drop=True).assign(n=range(len(rows)))
    raw = raw.assign(**dict.fromkeys(set(names) - set(raw)), row=raw.get("row", raw["n"] + 1))
    texts = raw[names].astype("str").fillna({"actor_kind": "unknown", "source": source})
    at, written = _instants(raw["at"])
    raw = _numbered(raw.assign(**texts, at=at)).assign(at_text=texts["at_text"].fillna(written))
    raw = raw[[*names, "at", "row", "seq", "odd_seq", "n"]]
    judged = run_sql(
        f"""
        SELECT * REPLACE (coalesce(reason, CASE WHEN row_number() OVER before > 1
                   AND from_value IS NOT DISTINCT FROM lag(from_value) OVER before
                   AND to_value IS NOT DISTINCT FROM lag(to_value) OVER before THEN 'same event twice' END) AS reason)
        FROM (SELECT *, {_JUDGE} AS reason FROM raw)
        WINDOW before AS (PARTITION BY reason, source, item_id, "at", field
                          ORDER BY seq, from_value, to_value, team, actor, actor_kind, batch_id, n)
        """,
        raw=raw,
    )
    faults = run_sql(
        f"SELECT source, row, item_id, reason, {_FOUND} AS found FROM judged WHERE reason IS NOT NULL ORDER BY n",
        judged=judged,
    )
    sound = judged[judged["reason"].isna()]
    sound = sound.assign(seq=sound["seq"].mask(sound["seq"] < 0, _in_turn(sound)))
    return Import(events=merge(_identified(sound)), faults=faults)


def _instants(given: "pd.Series[Any]") -> "tuple[pd.Series[pd.Timestamp], pd.Series[str]]":
    """Return the instants, missing where unreadable, and what was written in the place of one."""
    written = pd.Series(None, index=given.index, dtype="str")
    if given.dtype.kind != "M":
        number = given.map(lambda at: isinstance(at, int | float)).astype("bool")
        written = given.where(number | given.map(lambda at: isinstance(at, str)).astype("bool")).astype("str")
        # a number does not say since when it counts, and the day of a word such as `today` is no day of a log
        given = given.astype("object").mask(number | ~written.str.contains(r"\d", na=True))
    at = pd.to_datetime(given, utc=True, format="ISO8601", errors="coerce").astype("datetime64[us, UTC]")
    return at, written


def _numbered(raw: pd.DataFrame) -> pd.DataFrame:
    """Read `seq`; -1 where one of an item's changes of a field at the same instant has none."""
    if "seq" not in raw:
        return raw.assign(seq=-1, odd_seq=pd.Series(None, index=raw.index, dtype="str"))
    told = raw["seq"].astype("str").str.strip().replace("", None)
    number = pd.to_numeric(told, errors="coerce").astype("float64")
    whole = (number >= 0) & (number < 2**62) & (number % 1 == 0)
    silent = (~whole).groupby([raw[name] for name in (*_OWN, "at")], dropna=False).transform("any")
    return raw.assign(seq=number.mask(silent, -1).astype("int64"), odd_seq=told.where(told.notna() & ~whole))


def _in_turn(sound: pd.DataFrame) -> "pd.Series[int]":
    """Return what former values tell of the order within one instant; moves between states wait for the workflow."""
    seq = (sound["field"] != "created").astype("int64")
    rows = sound[~sound["field"].isin(["state", "deleted"])]
    several = rows.duplicated([*_OWN, "at"], keep=False)
    if not several.any():
        return seq
    rows = rows[several.groupby([rows[name] for name in _OWN]).transform("any")].sort_values([*_OWN, "at"])
    rows = rows.assign(
        item=lambda r: r.groupby([*_OWN], sort=False).ngroup(), left=lambda r: r["from_value"].fillna(""),
        entered=lambda r: r["to_value"].fillna(""), rank=lambda r: r["entered"] != "", seq=0, place=0.0,
    )  # fmt: skip
    rows = rows.iloc[in_turn(rows.assign(at=rows["at"].astype("int64")))]
    return seq.add(rows.groupby(["item", "at"]).cumcount(), fill_value=0).astype("int64")


def _identified(sound: pd.DataFrame) -> pd.DataFrame:
    """Give each sound row its identifier, a stable hash; what `seq` tells apart is numbered."""
    same = 'source, item_id, "at", field, from_value, to_value'
    ids = run_sql(
        f"""
        SELECT substr(sha256(to_json([source, item_id, epoch_us("at")::VARCHAR, field, from_value, to_value]
                             || CASE WHEN again > 1 THEN [again::VARCHAR] ELSE [] END)::VARCHAR), 1, 16) AS event_id
        FROM (SELECT *, row_number() OVER (PARTITION BY {same} ORDER BY seq) AS again FROM hashed) ORDER BY n
        """,
        hashed=sound[["source", "item_id", "at", "field", "from_value", "to_value", "seq", "n"]],
    )
    return sound.sort_values("n", ignore_index=True).assign(event_id=ids["event_id"])


def merge(*logs: pd.DataFrame) -> pd.DataFrame:
    """Join imports into one log: each event once, in a fixed order. The same log twice changes nothing."""
    every = [in_contract(log) for log in logs] or [in_contract(pd.DataFrame(columns=list(COLUMNS)))]
    once = pd.concat(every, ignore_index=True).drop_duplicates("event_id", ignore_index=True)
    return once if _in_order(once) else once.sort_values(list(_ORDER), ignore_index=True)


def _in_order(log: pd.DataFrame) -> bool:
    """Say whether a log is sorted already: to sort texts takes longer than to look."""
    rows = np.arange(len(log) - 1)  # that nothing tells from the next one yet
    for name in _ORDER:
        here, there = log[name].array[rows], log[name].array[rows + 1]
        same = np.asarray(here == there)
        if not (same | np.asarray(here < there)).all():  # or one of them is missing
            return False
        rows = rows[same]
    return True


def in_contract(log: pd.DataFrame) -> pd.DataFrame:
    """Return a copy with the contract's columns, order and types, as queries lose them."""
    at = pd.to_datetime(log["at"], utc=True).astype("datetime64[us, UTC]")
    texts = {name: log[name].astype("str") for name in TEXT if log[name].dtype != "str"}
    return log.assign(at=at, seq=log["seq"].astype("int64"), **texts)[list(COLUMNS)]


def validate(events: pd.DataFrame) -> pd.DataFrame:
    """Return the log in the contract's form, or raise.

    A frame with at least `item_id`, `at`, `field`, `to_value` is completed: missing identifiers, sequence and
    origin are filled in; what cannot be known stays missing.

    Raises EventLogError: a needed column is missing, or rows break the contract; each reason with count and example.
    """
    if lost := [c for c in ("item_id", "at", "field", "to_value") if c not in events]:
        near = did_you_mean(lost[0], map(str, events.columns))
        raise EventLogError(f"the event log has no column {lost[0]!r}{near}; it needs {', '.join(COLUMNS)}")
    complete = set(COLUMNS) <= set(events) and events["at"].dtype.kind == "M" and str(events["seq"].dtype) == "int64"
    if not complete or not (events["event_id"].is_unique or events.drop_duplicates()["event_id"].is_unique):
        done = sort_out(events, source="log")
        serious = done.faults[done.faults["reason"] != "same event twice"]
        if len(serious):
            raise EventLogError(_explain(serious, len(events)))
        return done.events
    try:
        return SCHEMA.validate(merge(events), lazy=True)
    except pa.errors.SchemaErrors as errors:
        case = errors.failure_cases.iloc[0]
        raise EventLogError(
            f"the event log breaks its contract in column {case['column']!r}: {case['failure_case']!r} "
            f"fails {case['check']} ({len(errors.failure_cases)} cases); mend the source"
        ) from None


def _explain(faults: pd.DataFrame, n: int) -> str:
    counts = faults["reason"].value_counts()
    first = faults.iloc[0]
    reasons = some(f"{reason} ({count})" for reason, count in counts.items())
    near = did_you_mean(str(first["found"]), FIELDS) if first["reason"] == "unknown field" else ""
    return (
        f"{len(faults)} of {n} rows are no events: {reasons}; first: row {first['row']}, "
        f"found {first['found']!r}{near}; mend these rows or take them out"
    )


def run_sql(query: str, /, *, time_zone: str = "UTC", **tables: pd.DataFrame | Path) -> pd.DataFrame:
    """Run one query over frames and Parquet files named by keyword, in a private database."""
    with duckdb.connect() as db:
        db.execute(f"SET TimeZone = '{time_zone}'")
        for name, table in tables.items():
            if isinstance(table, Path):
                db.read_parquet(str(table)).create_view(name)
            else:
                db.register(name, table.copy())  # DuckDB reads no column that lies backwards in memory
        return db.sql(query).df()


def write_parquet(frame: pd.DataFrame, path: Path) -> None:
    """Write a table whole or not at all; the same table gives the same bytes."""
    unfinished = path.with_suffix(".unfinished")
    with duckdb.connect(config={"threads": 1}) as db:
        db.execute("SET TimeZone = 'UTC'")
        db.from_df(frame.copy()).write_parquet(str(unfinished))
    unfinished.replace(path)


def read_parquet(path: Path) -> pd.DataFrame:
    """Read a table of the store; `in_contract` restores the types of events."""
    return run_sql("FROM kept", kept=path)


def query(store: Path, sql: str) -> pd.DataFrame:
    """Ask the store in SQL: its tables are `events` and `faults`."""
    return run_sql(sql, events=store / "events.parquet", faults=store / "faults.parquet")
