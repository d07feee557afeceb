"""The restatement ledger: what was published last month, beside the same recomputed from today's data.

Histories change after the fact: late edits, merged items, another workflow map. A month keeps the items behind its
figures (`data/items.csv`), so that the next one can name those that moved.
"""

import csv
import io
import json
import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from prodops_analysis.assessment import assess
from prodops_analysis.errors import some
from prodops_analysis.report.results import harmless
from prodops_analysis.report.words import stated
from prodops_analysis.tables import Callout, Table, table
from prodops_analysis.work_items import fold
from prodops_analysis.workspace import History

ITEMS = "data/items.csv"
KEPT = ("item_id", "team", "created_at", "started_at", "finished_at", "outcome")
MONTH = re.compile(r"[0-9]{4}-[0-9]{2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """Items that differ between what a month was made from and what is known today, as item id -> team."""

    added: dict[str, str]
    gone: dict[str, str]
    changed: dict[str, str]

    def of(self, teams: set[str]) -> str:
        """Say how many items of some teams moved, and which first."""
        parts = []
        for word in ("added", "gone", "changed"):
            ids = sorted(item for item, team in getattr(self, word).items() if team in teams)
            if ids:
                parts.append(f"{len(ids)} {word}: {some(ids, most=3)}")
        return "; ".join(parts) or "none"


def items_text(items: pd.DataFrame) -> str:
    """Return the items behind a month's figures as CSV, sorted by id."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(KEPT)
    writer.writerows(map(harmless, row) for row in _plain(items).itertuples(index=False))
    return text.getvalue()


def published_before(reports: Path, month: str) -> Path | None:
    """Return the newest published month before this one that can be compared with, or None."""
    found = [p for p in reports.glob("*") if MONTH.fullmatch(p.name) and p.name < month and (p / ITEMS).is_file()]
    return max(found, default=None)


def ledger(history: History, folder: Path) -> Table | Callout:
    """Compare the verdicts of a published month with the same made from today's log, settings and records."""
    then = pd.Timestamp(json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["as_of"])
    results = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    published = results.get("monthly-review", {}).get("verdicts", {})
    known = history.events[history.events["at"] <= then]
    moved = _moved(_read(folder / ITEMS), _plain(fold(known, settings=history.settings, as_of=then).items))
    rows, restated = [], 0
    for change in history.changes:
        if change.id not in published:
            continue
        said = assess(known, None, change, as_of=then, settings=history.settings, faults=history.faults,
                      others=history.changes)  # fmt: skip
        old = published[change.id]
        was = (str(old["verdict"]), stated(old["estimate"], said) or "no number")
        now = (str(said.verdict), stated(said.estimate, said) or "no number")
        restated += was != now
        teams = set(said.window) or {team for team, day in change.rollouts.items() if day}
        rows.append((history.names[change.id], ", ".join(was), ", ".join(now), moved.of(teams)))
    when = f"{pd.Period(folder.name):%B %Y}"
    if not rows:
        return Callout("note", f"{when} had no verdict to compare with")
    told = "nothing was restated" if not restated else f"{restated} of {len(rows)} restated"
    columns = ["Change", f"As published for {when}", "The same, recomputed today", "Items that moved since"]
    return table(pd.DataFrame(rows, columns=columns), caption=f"Verdicts of {when} seen again: {told}")


def _plain(items: pd.DataFrame) -> pd.DataFrame:
    kept = items[list(KEPT)].sort_values("item_id")
    instants = {name: kept[name].dt.strftime("%Y-%m-%dT%H:%M:%SZ") for name in KEPT if name.endswith("_at")}
    return kept.assign(**instants).astype("str").where(kept.notna(), "").reset_index(drop=True)


def _read(path: Path) -> pd.DataFrame:
    rows = pd.read_csv(path, dtype="str", keep_default_na=False)
    return rows.apply(lambda column: column.str.replace(r"^'(?=[=+\-@\t\r])", "", regex=True))


def _moved(then: pd.DataFrame, now: pd.DataFrame) -> Moved:
    old, new = (rows.drop_duplicates("item_id").set_index("item_id") for rows in (then, now))
    both = old.index.intersection(new.index)
    differs = (old.loc[both] != new.loc[both]).any(axis=1)
    return Moved(
        added=new.loc[new.index.difference(old.index), "team"].to_dict(),
        gone=old.loc[old.index.difference(new.index), "team"].to_dict(),
        changed=new.loc[both[differs], "team"].to_dict(),
    )
