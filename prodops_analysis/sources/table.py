"""Tables: CSV, JSONL or Parquet exports with a declared column map, one row an event or one row a work item."""

import glob
import hashlib
from pathlib import Path

import duckdb
import pandas as pd

from prodops_analysis.errors import SourceError, did_you_mean, some
from prodops_analysis.event_log import FIELDS, OTHER, RAW, Import, run_sql, sort_out
from prodops_analysis.settings import TableSource

READERS = {
    ".csv": "read_csv({}, all_varchar=true, header=true, union_by_name=true, null_padding=true, parallel=false, {})",
    ".jsonl": "read_json({}, format='newline_delimited', union_by_name=true, maximum_depth=1, {})",
    ".parquet": "read_parquet({}, union_by_name=true, {})",
}
FILE = "file of the export"  # column that says which of several files a row stands in
_PEOPLE = ("owner", "approver")  # fields whose values name people
_NEEDED = {"events": ("item_id", "at", "field", "to_value"), "items": ("item_id", "created")}


def read(source: TableSource, *, root: Path, time_zone: str = "UTC") -> Import:
    """Read an export.

    Columns of `shape = "events"`: `item_id, at, field, to_value`, optional `from_value, actor, actor_kind, team,
    batch_id`. Of `shape = "items"`: `item_id, created` and optional
    `team`, any of the fields `type, size, owner, …`; `states` names the date column of each state. Columns that are not
    declared are listed, not read. Names of people (`actor`, and values of owners and approvers) become pseudonyms. What
    several files of one source repeat counts once.

    Raises SourceError: no file, an unreadable file, or a declared column that the export lacks.
    """
    files = _files(source, root)
    try:
        rows = rows_of(files)
    except SourceError as error:
        raise SourceError(f"source {source.name!r}: {error}") from None
    _check_columns(source, rows, files)
    numbered = {"row": range(1, len(rows) + 1), FILE: rows[FILE]}
    # blanks around a name would make another team or state of it
    given = pd.DataFrame({ours: rows[theirs].str.strip() for ours, theirs in source.columns.items()} | numbered)
    shaped = _without_names(_events(source, given) if source.shape == "events" else _items(source, given, rows))
    dated = _once(shaped.assign(at=_instants(shaped["at_text"], source, time_zone)))
    if source.team:
        dated = dated.assign(team=source.team)
    found = sort_out(dated, source=source.name)
    if len(rows) and not len(found.events):
        first = found.faults.iloc[0]
        raise SourceError(
            f"source {source.name!r}: none of {len(rows)} rows of {some(f.name for f in files)} could be read; "
            f"row {first['row']}: {first['reason']} ({first['found']!r}); "
            + ("set date_format, such as '%d.%m.%Y'" if "date" in first["reason"] else "check the column map")
        )
    return Import(events=found.events, faults=found.faults, remarks=_remarks(source, rows, found.events))


def fingerprint(source: TableSource, *, root: Path) -> str:
    """Return the hash of the files' bytes."""
    each = [hashlib.sha256(file.read_bytes()).digest() for file in _files(source, root)]
    return hashlib.sha256(b"".join(each)).hexdigest()


def _files(source: TableSource, root: Path) -> list[Path]:
    path = root / source.path
    pattern = str(path.relative_to(path.anchor))
    # a name may hold signs of a pattern
    files = [path] if path.is_file() else sorted(Path(path.anchor).glob(pattern)) if source.path else []
    if not files:
        raise SourceError(f"source {source.name!r}: no file {source.path} in {root}; put the export there or mend path")
    if odd := [f for f in files if f.suffix.lower() not in READERS]:
        raise SourceError(f"source {source.name!r}: {odd[0].name} is none of {', '.join(READERS)}; export it as one")
    if len({f.suffix.lower() for f in files}) > 1:
        raise SourceError(
            f"source {source.name!r}: {source.path} matches files of several kinds; declare one source each"
        )
    return files


def rows_of(files: list[Path]) -> pd.DataFrame:
    """Return what stands in files of one kind as texts, with the file of each row."""
    names = [glob.escape(str(f)) for f in files]
    reader = READERS[files[0].suffix.lower()].format("$files", f"filename='{FILE}'")
    with duckdb.connect() as db:
        try:
            as_text = "->>'$'" if "read_json" in reader else "::VARCHAR"
            columns = f'COLUMNS(* EXCLUDE "{FILE}"){as_text}, "{FILE}"'
            relation = db.sql(f"SELECT {columns} FROM {reader}", params={"files": names})
            names = list(relation.columns)
            rows: pd.DataFrame = relation.df()
        except duckdb.Error as error:
            if foreign := [f.name for f in files if f.suffix.lower() != ".parquet" and not _is_utf8(f)]:
                raise SourceError(f"{some(foreign)} is not UTF-8 text; save it as UTF-8") from None
            first = str(error).splitlines()[0]
            raise SourceError(f"{some(f.name for f in files)} cannot be read: {first}") from None
    return rows.set_axis(names, axis=1).astype("str")


def _is_utf8(file: Path) -> bool:
    try:
        file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _check_columns(source: TableSource, rows: pd.DataFrame, files: list[Path]) -> None:
    ours = set(RAW) if source.shape == "events" else {"item_id", "created", "team", "actor", *FIELDS}
    dates = "the date of a state belongs under [sources.states], " if source.shape == "items" else ""
    for name in source.columns:
        if name not in ours and not name.startswith(OTHER):
            raise SourceError(
                f"source {source.name!r}: {name!r} in columns is no column of shape {source.shape!r}"
                f"{did_you_mean(name, ours)}; {dates}any other column is written as x.{name}"
            )
    for name in _NEEDED[source.shape]:
        if name not in source.columns:
            raise SourceError(
                f"source {source.name!r}: columns says nothing of {name!r}; name the column that holds it"
            )
    for theirs in [*source.columns.values(), *source.states.values()]:
        if theirs not in rows:
            raise SourceError(
                f"source {source.name!r}: {files[0].name} has no column {theirs!r}"
                f"{did_you_mean(theirs, rows.columns)}; it has {some(rows.columns.drop(FILE), most=12)}"
            )


def _events(source: TableSource, given: pd.DataFrame) -> pd.DataFrame:
    known = dict(zip(FIELDS, FIELDS, strict=True)) | source.fields
    field = given["field"].map(lambda f: known.get(f, f if str(f).startswith(OTHER) else f"{OTHER}{f}"), "ignore")
    columns = [c for c in RAW if c in given] + ["row", FILE]
    return given[columns].assign(field=field).rename(columns={"at": "at_text"})


def _items(source: TableSource, given: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Unroll one row an item into events: created, one event a dated state, one a described field."""
    base = given[[name for name in ("item_id", "team", "row", FILE) if name in given]]
    parts = [base.assign(field="created", to_value=given["item_id"], at_text=given["created"])]
    for name in source.columns:
        if (name in FIELDS and name != "created") or name.startswith(OTHER):
            part = base.assign(field=name, to_value=given[name], at_text=given["created"])
            parts.append(part[given[name].notna()])
    for state, column in source.states.items():
        part = base.assign(field="state", to_value=state, at_text=rows[column])
        parts.append(part[rows[column].notna()])
    return pd.concat(parts, ignore_index=True).sort_values("row", kind="stable", ignore_index=True)


def _without_names(shaped: pd.DataFrame) -> pd.DataFrame:
    """Replace people by pseudonyms; nobody's name goes further than this."""
    named = shaped["field"].isin(_PEOPLE)
    columns = [c for c in ("actor", "from_value", "to_value") if c in shaped]
    names = {c: shaped[c] if c == "actor" else shaped[c].where(named) for c in columns}
    # numbered by neither the order of rows nor the alphabet
    people = sorted(set(pd.concat(names).dropna()), key=lambda name: hashlib.sha256(name.encode()).digest())
    alias = {person: f"p{number}" for number, person in enumerate(people, start=1)}
    return shaped.assign(**{c: shaped[c].mask(given.notna(), given.map(alias)) for c, given in names.items()})


def _once(dated: pd.DataFrame) -> pd.DataFrame:
    """Leave out what an earlier file of the same source has told already."""
    told = [c for c in dated.columns if c not in ("row", FILE, "at_text")]
    first = dated.groupby(told, dropna=False, sort=False)[FILE].transform("first")
    return dated[(dated[FILE] == first) | dated["at"].isna()].drop(columns=FILE)


def _instants(text: pd.Series, source: TableSource, time_zone: str) -> pd.Series:
    """Parse dates in SQL; those without a zone of their own are in `time_zone`. Unreadable ones are missing."""
    form = source.date_format.replace("'", "''")
    parse = f"try_strptime(trim(t), '{form}')" if form else "trim(t)"
    query = f"""
        SELECT timezone('UTC', CASE WHEN year(moment) BETWEEN 1 AND 9999 AND regexp_matches(t, '[0-9]')
                                    THEN moment END) AS parsed
        FROM (SELECT n, t, try_cast({parse} AS TIMESTAMPTZ) AS moment FROM frame) ORDER BY n
    """
    frame = pd.DataFrame({"t": text.astype("str"), "n": range(len(text))})
    try:
        parsed = run_sql(query, time_zone=time_zone, frame=frame)["parsed"]
    except duckdb.Error:
        raise SourceError(
            f"source {source.name!r}: date_format {source.date_format!r} is no format; write it as '%d.%m.%Y %H:%M'"
        ) from None
    return pd.to_datetime(parsed.astype("datetime64[us]"), utc=True).set_axis(text.index)


def _remarks(source: TableSource, rows: pd.DataFrame, events: pd.DataFrame) -> tuple[str, ...]:
    used = {*source.columns.values(), *source.states.values(), FILE}
    spare = [c for c in rows.columns if c not in used]
    other = sorted(set(events.loc[events["field"].str.startswith(OTHER), "field"]))
    return tuple(
        [f"source {source.name!r}: columns not read: {some(spare, most=12)}"] * bool(spare)
        + [f"source {source.name!r}: fields kept without a meaning of their own: {some(other, most=12)}"] * bool(other)
    )
