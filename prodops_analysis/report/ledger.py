"""The restatement ledger: what was published last month, beside the same recomputed from today's data.

Histories change after the fact: late edits, merged items, another workflow map. A month keeps the items behind its
figures (`data/items.csv`), so that the next one can name those that moved.
"""

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd

from prodops_analysis.errors import some
from prodops_analysis.report.changes import assess_change
from prodops_analysis.report.results import harmless
from prodops_analysis.tables import Callout, Table, table
from prodops_analysis.work_items import fold
from prodops_analysis.workspace import History

ITEMS = "data/items.csv"
KEPT = ("item_id", "team", "created_at", "started_at", "finished_at", "outcome")
MONTHS = "[0-9][0-9][0-9][0-9]-[0-9][0-9]"  # folders of published months


def items_text(items: pd.DataFrame) -> str:
    """Return the items behind a month's figures as CSV, sorted by id."""
    return _plain(items).to_csv(index=False, lineterminator="\n")


def published_before(reports: Path, month: str) -> Path | None:
    """Return the newest published month before this one that can be compared with, or None."""
    found = [folder for folder in reports.glob(MONTHS) if folder.name < month and (folder / ITEMS).is_file()]
    return max(found, default=None)


def ledger(history: History, folder: Path) -> Table | Callout:
    """Compare the verdicts of a published month with the same made from today's log, settings and records."""
    then = pd.Timestamp(json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["as_of"])
    results = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    published = results.get("monthly-review", {}).get("verdicts", {})
    known = history.events[history.events["at"] <= then]
    kept = pd.read_csv(folder / ITEMS, dtype="str", keep_default_na=False).drop_duplicates("item_id")
    current = _plain(fold(known, settings=history.settings, as_of=then).items)
    rows, restated = [], 0
    for change in history.changes:
        if change.id not in published:
            continue
        said = assess_change(replace(history, events=known, as_of=then), change.id)
        old = published[change.id]
        was = (str(old["verdict"]), said.stated(old["estimate"]) or "no number")
        now = (str(said.verdict), said.stated(said.estimate) or "no number")
        restated += was != now
        teams = set(said.window) or {team for team, day in change.rollouts.items() if day}
        rows.append((history.names[change.id], ", ".join(was), ", ".join(now), moved(kept, current, teams)))
    when = f"{pd.Period(folder.name):%B %Y}"
    if not rows:
        return Callout("note", f"{when} had no verdict to compare with")
    told = "nothing was restated" if not restated else f"{restated} of {len(rows)} restated"
    columns = ["Change", f"As published for {when}", "The same, recomputed today", "Items that moved since"]
    return table(rows, columns, caption=f"Verdicts of {when} seen again: {told}")


def _plain(items: pd.DataFrame) -> pd.DataFrame:
    """Return items as the texts that a month keeps of them."""
    kept = items[list(KEPT)].sort_values("item_id", ignore_index=True)
    instants = {name: kept[name].dt.strftime("%Y-%m-%dT%H:%M:%SZ") for name in KEPT if name.endswith("_at")}
    return kept.assign(**instants).astype("str").fillna("").map(harmless)


def moved(then: pd.DataFrame, now: pd.DataFrame, teams: set[str]) -> str:
    """Say how many items of some teams differ between a month and today, and which first."""
    both = then.merge(now, on="item_id", how="outer", suffixes=("_then", ""), indicator="how")
    both = both[both["team"].fillna(both["team_then"]).isin(teams)]
    same = pd.concat([both[name].eq(both[f"{name}_then"]) for name in KEPT[1:]], axis=1).all(axis=1)
    kinds = {
        "added": both["how"] == "right_only",
        "gone": both["how"] == "left_only",
        "changed": ~same & (both["how"] == "both"),
    }
    told = [
        f"{rows.sum()} {word}: {some(both.loc[rows, 'item_id'], most=3)}" for word, rows in kinds.items() if rows.any()
    ]
    return "; ".join(told) or "none"
