"""`prodops init`: a workspace to begin with, its settings guessed from the header of an export."""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from prodops_analysis.errors import SettingsError, some
from prodops_analysis.metrics import METRICS
from prodops_analysis.records.changes import FOLDER, template
from prodops_analysis.settings import FILE, Settings
from prodops_analysis.sources import table
from prodops_analysis.workflow import Stage

# what a column or a state is often called, in lower case; the first match wins
_COLUMNS = {
    "item_id": ("issue key", "issue id", "item_id", "issue", "item", "key", "ticket", "id"),
    "created": ("created", "created_at", "created date", "requested", "opened", "date created"),
    "at": ("changed_at", "changed at", "at", "timestamp", "ts", "time", "when", "date", "changed"),
    "field": ("field", "field_name", "attribute"),
    "from_value": ("from", "from_value", "old", "old value"),
    "to_value": ("to", "to_value", "new", "new value", "value"),
    "team": ("team", "squad", "project", "component", "area"),
    "type": ("type", "issue type", "item type", "kind"),
    "size": ("size", "story points", "points", "estimate"),
    "unplanned": ("unplanned", "is unplanned", "unplanned work", "interrupt"),
}
_FIELDS = {"created": ("created",), "state": ("state", "status"), "owner": ("owner", "assignee")} | {
    name: _COLUMNS[name] for name in ("type", "size", "unplanned")
}
_STATE_COLUMNS = {
    "In progress": ("started", "started_at", "start", "start date", "in progress"),
    "Done": ("finished", "finished_at", "done", "completed", "closed", "resolved", "end", "end date",
             "resolution date"),
    "Dropped": ("dropped", "cancelled", "canceled", "rejected", "abandoned"),
}  # fmt: skip
_STAGE_WORDS = {
    Stage.DROPPED: ("drop", "cancel", "reject", "won't", "wont", "abandon", "withdrawn", "duplicate"),
    Stage.DONE: ("done", "closed", "resolved", "released", "complete", "shipped", "finished"),
    Stage.WAIT: ("wait", "block", "hold", "pending"),
    Stage.QUEUE: ("backlog", "to do", "todo", "open", "new", "ready", "selected", "triage", "icebox"),
}
_STAGES = {"queue": ["Backlog"], "active": ["In progress"], "wait": [], "done": ["Done"], "dropped": ["Dropped"]}
_IGNORED = """# exports and the store stay out of git; months too, but keep them: they are what was published
data/raw/
data/store/
reports/*
!reports/README.md
"""


def make_workspace(folder: Path, *, export: Path | None) -> list[str]:
    """Make a workspace and return what to tell the user.

    Raises SettingsError: the folder holds a workspace, or the export is missing or has no column for items or dates.
    """
    if folder.is_file():
        raise SettingsError(f"{folder} is a file; to begin with an export: prodops init DIR --from {folder}")
    if (folder / FILE).exists():
        raise SettingsError(f"{folder / FILE} exists; choose an empty folder, or edit what is there")
    settings, notes = _settings(export)
    for part in (FOLDER, Path("data/raw"), Path("reports"), Path("notebooks")):
        (folder / part).mkdir(parents=True, exist_ok=True)
    if export and export.resolve() != (folder / "data/raw" / export.name).resolve():
        shutil.copy2(export, folder / "data/raw" / export.name)
    (folder / FILE).write_text(settings, encoding="utf-8")
    (folder / ".gitignore").write_text(_IGNORED, encoding="utf-8")
    (folder / FOLDER / "README.md").write_text(
        "# Experiments\n\nOne record a file, written before the rollout. An example to copy:\n\n"
        f"```\n{template('example-change')}```\n",
        encoding="utf-8",
    )
    follow = f"next: cd {folder} && prodops check && prodops report"
    return [f"{folder}: a workspace with {FILE}, data/ and reports/", *notes, follow]


def _settings(export: Path | None) -> tuple[str, list[str]]:
    shown = Settings().metrics
    if export is None:
        return _text(_BLANK_SOURCE, _STAGES, shown), [f"declare your export under [[sources]] in {FILE}"]
    rows = _rows(export)
    header = list(rows.columns)
    named = {h.lower().strip(): h for h in reversed(header)}
    guessed = {ours: named[w] for ours, words in _COLUMNS.items() for w in reversed(words) if w in named}
    events = {"at", "to_value", "field"} <= set(guessed)
    wanted = ("item_id", "at", "field", "from_value", "to_value", "team") if events else \
             ("item_id", "created", "team", "type", "size", "unplanned")  # fmt: skip
    columns = {ours: guessed[ours] for ours in wanted if ours in guessed}
    if lost := [name for name in wanted[:2] if name not in columns]:
        raise SettingsError(
            f"{export.name}: no column looks like {lost[0]!r} (found {some(header, most=12)}); "
            f"rename one to {lost[0]!r}, or run init without --from and declare the columns in {FILE}"
        )
    if events:
        states, stages = {}, _stages(rows, columns)
        if not stages["done"]:
            found = some([s for names in stages.values() for s in names], most=12)
            raise SettingsError(
                f"{export.name}: no state looks done (found {found or 'none'}); run init without --from"
            )
    else:
        states = {s: h for s, words in _STATE_COLUMNS.items() for h in header if h.lower().strip() in words}
        stages = _STAGES | {"queue": []}
        if "Done" not in states:
            raise SettingsError(
                f"{export.name}: no column looks like the date an item was done; rename one to 'finished'"
            )
    source = [
        "[[sources]]", 'kind = "table"', f"name = {_quoted(export.stem)}",
        f"path = {_quoted(f'data/raw/{export.name}')}",
        f'shape = "{"events" if events else "items"}"  # one row an event, or one row a work item',
        '# date_format = "%d.%m.%Y"  # only where dates are not ISO 8601 (2026-01-31)',
        *([] if "team" in columns else ['team = "Team"  # no team column was found']),
        "", "[sources.columns]  # ours = theirs", *(f"{ours} = {_quoted(theirs)}" for ours, theirs in columns.items()),
    ]  # fmt: skip
    if events:
        source += ["", "[sources.fields]  # theirs = ours", *_fields(rows[columns["field"]])]
    if states:
        source += ["", "[sources.states]  # state = column with the date it was entered"]
        source += [f"{_quoted(state)} = {_quoted(column)}" for state, column in states.items()]
    unused = [h for h in header if h not in {*columns.values(), *states.values()}]
    notes = [f"guessed from {export.name}: " + ", ".join(f"{a} = {b!r}" for a, b in (columns | states).items())]
    notes += [f"not read: {some(unused, most=12)}"] * bool(unused)
    if "team" not in columns:
        notes.append("no column looks like a team: all work counts as of one, 'Team'")
    shown = shown + ["unplanned"] * ("unplanned" in columns)
    return _text("\n".join(source), stages, shown), notes


def _rows(export: Path) -> pd.DataFrame:
    if not export.is_file():
        raise SettingsError(f"{export} does not exist; name an export (CSV, JSONL or Parquet)")
    if export.suffix.lower() not in table.READERS:
        raise SettingsError(f"{export.name} is none of {', '.join(table.READERS)}; save the spreadsheet as CSV")
    return table.rows_of([export]).drop(columns=table.FILE)


def _fields(found: "pd.Series[str]") -> list[str]:
    """Return a line for each field of the export whose name we know; the others are kept without a meaning."""
    ours = {word: name for name, words in _FIELDS.items() for word in words}
    known = {field: ours.get(field.lower().strip(), field) for field in sorted(found.dropna().unique())}
    return [f"{_quoted(theirs)} = {_quoted(name)}" for theirs, name in known.items() if theirs != name]


def _stages(rows: pd.DataFrame, columns: dict[str, str]) -> dict[str, list[str]]:
    """Sort the states found in an event export into stages by their words; what is unclear counts as active."""
    of_state = rows[columns["field"]].str.lower().str.strip().isin(_FIELDS["state"])
    stages: dict[str, list[str]] = {stage.value: [] for stage in Stage}
    for state in sorted(rows.loc[of_state, columns["to_value"]].dropna().unique()):
        stage = next((s for s, words in _STAGE_WORDS.items() if any(w in state.lower() for w in words)), Stage.ACTIVE)
        stages[stage.value].append(state)
    return stages


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _text(source: str, stages: Mapping[str, Sequence[str]], metrics: Sequence[str]) -> str:
    words = "\n".join(f"{stage} = [{', '.join(map(_quoted, names))}]" for stage, names in stages.items())
    return f"""# Settings of this workspace. Everything not written here has a default.
title = "My product organisation"
# time_zone = "Europe/Berlin"      # of dates without a zone, rollouts and months
# as_of = 2026-10-05T00:00:00Z     # when the export was taken; default: its last event
# the figures of the monthly review; there are also {", ".join(name for name in METRICS if name not in metrics)}
metrics = {json.dumps(metrics)}

{source}

# Which stage each state of the board belongs to. Correct these: every duration rests on them.
# A team with words of its own gets its own map: [workflows.NAME] with teams = ["..."].
[workflows.default]
version = "1"
{words}
# start = ["In progress"]           # states whose first entry starts the clock; default: every active and wait state

# [quality]                         # shares of doubtful items from which a figure is graded B, C, D
# grade_b = 0.02
# grade_c = 0.10
# grade_d = 0.25
"""


_BLANK_SOURCE = """# [[sources]]
# kind = "table"
# name = "tracker"
# path = "data/raw/*.csv"
# shape = "items"                   # one row a work item; or "events", one row a field change
# [sources.columns]                 # ours = theirs
# item_id = "Key"
# created = "Created"
# team = "Team"
# [sources.states]                  # state = column with the date it was entered
# "In progress" = "Started"
# Done = "Finished\""""
