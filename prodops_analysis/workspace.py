"""A workspace: a folder with `prodops.toml` and `data/`, and everything read from it at one instant."""

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from prodops_analysis import sources
from prodops_analysis.errors import EventLogError, SettingsError, spelt_alike
from prodops_analysis.event_log import FAULT_COLUMNS, Import, in_contract, merge, query, read_parquet, write_parquet
from prodops_analysis.quality import Scorecard, scorecard
from prodops_analysis.records.changes import FOLDER, Change, read_change, read_changes
from prodops_analysis.settings import FILE, Settings, instant, read_settings
from prodops_analysis.work_items import NO_TEAM, Fold, fold

STORE = Path("data/store")
_STORE_VERSION = 3  # raised whenever sources are read in another way


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Everything known of a workspace at `as_of`: what notebooks and reports start from.

    events, faults : see `event_log`; items, spells : see `work_items.Fold`. month : the month looked at; before, since,
    until : where the month before it, it and the next one begin, in the time zone of the workspace. exported_at : when
    the data was taken. remarks, source_checks : what the sources had to say.
    """

    root: Path
    settings: Settings
    events: pd.DataFrame
    faults: pd.DataFrame
    fold: Fold
    changes: tuple[Change, ...]
    month: pd.Period
    before: pd.Timestamp
    since: pd.Timestamp
    until: pd.Timestamp
    as_of: pd.Timestamp
    exported_at: pd.Timestamp
    remarks: tuple[str, ...]
    source_checks: dict[str, str]

    @property
    def items(self) -> pd.DataFrame:
        """One row a work item."""
        return self.fold.items

    @property
    def spells(self) -> pd.DataFrame:
        """One row a stay of an item in a state."""
        return self.fold.spells

    def change(self, change_id: str) -> Change:
        """Return one change record, the first one for an empty id. Raises SettingsError with the known ids."""
        for change in self.changes:
            if change_id in ("", change.id):
                return change
        if (path := self.root / FOLDER / f"{change_id}.md").is_file():
            read_change(path)  # a draft says what it lacks
        known = ", ".join(change.id for change in self.changes) or "none"
        raise SettingsError(f"no change record {change_id!r} in data/experiments; there are: {known}")

    @property
    def names(self) -> dict[str, str]:
        """What readers call each registered change, by id."""
        return {change.id: change.title or change.id for change in self.changes}

    @property
    def period(self) -> str:
        """The month in words."""
        return str(self.month.strftime("%B %Y"))

    @property
    def n_teams(self) -> int:
        """The number of teams with work; what has no team is none."""
        return int(self.items.loc[self.items["team"] != NO_TEAM, "team"].nunique())

    @property
    def seen_from(self) -> str:
        """`as_of` by the clock of the workspace, in words."""
        return f"{self.as_of.tz_convert(self.settings.time_zone):%Y-%m-%d %H:%M %Z}"

    @property
    def last_day(self) -> date:
        """The last day of the month."""
        return self.month.end_time.date()

    @property
    def year_before(self) -> pd.Timestamp:
        """The instant a year before the end of the month."""
        return self.until - pd.DateOffset(years=1)

    @property
    def weeks_of_year(self) -> pd.DatetimeIndex:
        """Mondays of the year to the end of the month, and this end; not before the log begins."""
        first = max(self.year_before, self.events["at"].min().tz_convert(self.until.tz)).normalize()
        return pd.date_range(first, self.until, freq="W-MON").union([self.until])

    def query(self, sql: str) -> pd.DataFrame:
        """Ask the store in SQL (DuckDB); its tables are `events` and `faults`, whole, whatever the month."""
        return query(self.root / STORE, sql)

    def rollouts(self, *, but: str = "") -> list[tuple[date, str]]:
        """Return the first day of each registered change with its id, for charts; `but` leaves one out."""
        first = [(change.begins, change.id) for change in self.changes if change.begins and change.id != but]
        return sorted((day, name) for day, name in first if day <= self.last_day)

    def quality(self) -> Scorecard:
        """Run the quality checks over the month."""
        last_events = self.events.loc[self.events["at"] < self.until, ["team", "at"]]
        window = self.since, min(self.until, self.as_of)
        return scorecard(
            self.fold, faults=self.faults, settings=self.settings.quality, window=window, last_events=last_events
        )


def find(start: str | Path = "", *, far: bool = True) -> Path:
    """Return the workspace at `start`; without one, the nearest parent folder with `prodops.toml`.

    Far from any workspace it is the checkout that this package runs from, if it does and `far` allows it, so that the
    shipped notebooks run from any folder.
    """
    checkout = [Path(__file__).resolve().parent.parent] if far else []
    begin = (Path(start) if start else Path.cwd()).expanduser().resolve()
    if start and not begin.is_dir():
        raise SettingsError(f"workspace {start} is no folder; name the folder that holds {FILE}")
    for folder in [begin] if start else [begin, *begin.parents, *checkout]:
        if (folder / FILE).is_file():
            return folder
    raise SettingsError(f"no {FILE} in {begin}{'' if start else ' or above it'}; `prodops init DIR` makes a workspace")


def load(workspace: str | Path = "", *, month: str = "", as_of: str = "") -> History:
    """Read a workspace: settings, sources, records; fold the log as it was known at the end of the month.

    workspace : folder with `prodops.toml`; empty means the nearest parent of the working directory.
    month : `YYYY-MM`; empty means the last full month before the export.
    as_of : instant to look from, ISO 8601; empty means the end of the month.

    Raises ProdopsError: whatever cannot be read, with what to do.
    """
    root = find(workspace)
    settings = read_settings(root / FILE)
    found = _stored(root, settings)
    exported_at = pd.Timestamp(settings.as_of) if settings.as_of else found.as_of
    if exported_at is None or found.events.empty:
        raise EventLogError(f"the sources of {root.name} hold no events; check the paths in {FILE}")
    exported_at = exported_at.tz_convert("UTC")
    period = _month(month, exported_at, settings)
    before, since, until = (_border(p, settings) for p in (period - 1, period, period + 1))
    moment = instant(as_of) if as_of else min(until.tz_convert("UTC"), exported_at)
    if moment > exported_at:
        raise SettingsError(
            f"as_of {moment:%Y-%m-%d} lies after the export of {exported_at:%Y-%m-%d}; choose an earlier one"
        )
    late = found.events["at"] > exported_at
    if late.all():
        raise SettingsError(
            f"as_of in {FILE} is {exported_at:%Y-%m-%d}, before the first event, {found.events['at'].min():%Y-%m-%d}; "
            "write the day the export was taken"
        )
    events = found.events[~late]
    faults = pd.concat([found.faults, _late_rows(found.events[late])], ignore_index=True)
    seen = events[events["at"] <= moment]
    if seen.empty:
        raise EventLogError(
            f"no events until {moment:%Y-%m-%d}; the log runs from {events['at'].min():%Y-%m-%d} "
            f"to {events['at'].max():%Y-%m-%d}; choose a month inside it"
        )
    folded = fold(seen, settings=settings, as_of=moment)
    twins = spelt_alike(folded.items["team"].unique())
    return History(
        root=root, settings=settings, events=seen.reset_index(drop=True), faults=faults, fold=folded,
        changes=read_changes(root), month=period, before=before, since=since, until=until, as_of=moment,
        exported_at=exported_at, remarks=(*found.remarks, *([f"teams {twins}"] if twins else [])),
        source_checks=found.checks,
    )  # fmt: skip


def _month(month: str, exported_at: pd.Timestamp, settings: Settings) -> pd.Period:
    local = exported_at.tz_convert(settings.time_zone).tz_localize(None)
    if not month:
        return pd.Period(local, freq="M") - 1
    if not re.fullmatch(r"[12][0-9]{3}-(?:0[1-9]|1[0-2])", month):
        raise SettingsError(f"month {month!r} is none; write it as 2026-09")
    period = pd.Period(month, freq="M")
    if _border(period, settings) >= exported_at:
        raise SettingsError(f"month {month} lies after the export of {exported_at:%Y-%m-%d}; choose an earlier one")
    return period


def _border(period: pd.Period, settings: Settings) -> pd.Timestamp:
    return period.start_time.tz_localize(settings.time_zone)


def _late_rows(late: pd.DataFrame) -> pd.DataFrame:
    found = late["at"].dt.strftime("%Y-%m-%d %H:%M").astype("str")
    rows = late.assign(row=late.index, reason="event after as_of", found=found)
    return rows[list(FAULT_COLUMNS)]


def _stored(root: Path, settings: Settings) -> Import:
    """Return what the sources hold, from the store where nothing has changed since it was built."""
    if not settings.sources:
        raise SettingsError(f"{root / FILE} declares no [[sources]]; `prodops init DIR --from FILE.csv` writes one")
    declared = settings.model_dump_json(include={"sources", "time_zone"})
    marks = [sources.fingerprint(source, root=root) for source in settings.sources]
    key = hashlib.sha256(json.dumps([_STORE_VERSION, declared, marks]).encode()).hexdigest()
    store = root / STORE
    kept = _note(store)
    if kept.get("key") == key and kept.get("tables") == _marks(store):
        return Import(
            events=in_contract(read_parquet(store / "events.parquet")),
            faults=read_parquet(store / "faults.parquet"),
            remarks=tuple(kept["remarks"]),
            checks=kept["checks"],
            as_of=pd.Timestamp(kept["as_of"]) if kept["as_of"] else None,
        )
    found = _read_all(root, settings)
    store.mkdir(parents=True, exist_ok=True)
    (store / "note.json").unlink(missing_ok=True)
    write_parquet(found.events, store / "events.parquet")
    write_parquet(found.faults, store / "faults.parquet")
    said = {"remarks": found.remarks, "checks": found.checks, "as_of": str(found.as_of or "")}
    note = {"key": key, "tables": _marks(store), **said}
    (store / "note.json").write_text(json.dumps(note, indent=1), encoding="utf-8")
    return found


def _note(store: Path) -> dict[str, Any]:
    try:
        note: dict[str, Any] = json.loads((store / "note.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return note if isinstance(note, dict) else {}


def _marks(store: Path) -> list[str]:
    """Return the hash of each table of the store, or an empty text where it is missing."""
    files = [store / name for name in ("events.parquet", "faults.parquet")]
    return [hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else "" for file in files]


def _read_all(root: Path, settings: Settings) -> Import:
    read = [sources.read(source, root=root, time_zone=settings.time_zone) for source in settings.sources]
    events = merge(*(part.events for part in read))
    stamps = [part.as_of for part in read if part.as_of is not None] or ([events["at"].max()] if len(events) else [])
    return Import(
        events=events,
        faults=pd.concat([part.faults for part in read], ignore_index=True),
        remarks=tuple(remark for part in read for remark in part.remarks),
        checks={
            f"{source.name}: {name}": text
            for source, part in zip(settings.sources, read, strict=True)
            for name, text in part.checks.items()
        },
        as_of=max(stamps, default=None),
    )
