"""`prodops init`: settings guessed from an export must be settings that can be read."""

import io
import json
import re
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from prodops_analysis.errors import SettingsError
from prodops_analysis.records.changes import FOLDER, read_changes
from prodops_analysis.settings import Settings, read_settings
from prodops_analysis.starter import make_workspace
from prodops_analysis.workspace import load

JIRA = """Summary,Issue key,Issue Type,Status,Assignee,Created,Started,Resolved,Squad
"Search, faster",AB-1,Bug,Done,jd,2026-01-05,2026-01-06,2026-01-09,Search
Index,AB-2,Story,Open,,2026-01-07,,,Search
More,AB-3,Story,Done,jd,2026-02-07,2026-02-08,2026-03-09,Search
"""
EVENTS = """issue,changed_at,field,from,to,squad
AB-1,2026-01-05,created,,AB-1,Search
AB-1,2026-01-05,state,,Backlog,Search
AB-1,2026-01-06,state,Backlog,In progress,Search
AB-1,2026-01-07,state,In progress,Waiting for QA,Search
AB-1,2026-02-09,state,Waiting for QA,Closed,Search
AB-2,2026-03-09,state,Backlog,Won't do,Search
"""


def made(folder: Path, text: str | None, name: str = "export.csv") -> tuple[Settings, list[str]]:
    """Make a workspace from an export, read its settings back, and what was told."""
    export = None
    if text is not None:
        export = folder / name
        export.write_text(text, encoding="utf-8")
    told = make_workspace(folder / "new", export=export)
    return read_settings(folder / "new/prodops.toml"), told


def test_a_workspace_without_an_export(tmp_path):
    """Without an export the settings can be read, and say what to declare."""
    settings, told = made(tmp_path, None)

    assert [] == settings.sources
    assert "declare your export under [[sources]] in prodops.toml" in told
    assert all((tmp_path / "new" / part).is_dir() for part in ("data/raw", FOLDER, "reports"))
    assert () == read_changes(tmp_path / "new")


def test_the_comments_of_a_new_workspace_are_settings(tmp_path):
    """Every setting that a comment offers can be switched on as it stands."""
    made(tmp_path, None)
    path = tmp_path / "new/prodops.toml"
    lines = path.read_text(encoding="utf-8").splitlines()
    setting = re.compile(r'# (\[+[\w.]+\]+|"?[\w ]{1,14}"? = )')
    offered = [line.removeprefix("# ") if setting.match(line) else line for line in lines]
    path.write_text("\n".join(offered), encoding="utf-8")

    settings = read_settings(path)

    assert ("Europe/Berlin", "items", 0.25) == (settings.time_zone, settings.sources[0].shape, settings.quality.grade_d)


def test_one_row_an_item_is_guessed(tmp_path):
    """An export as Jira writes it becomes a workspace that loads; what is not read is told."""
    settings, told = made(tmp_path, JIRA)
    history = load(tmp_path / "new", month="2026-02")

    source = settings.sources[0]
    assert ("items", "data/raw/export.csv") == (source.shape, source.path)
    assert {
        "item_id": "Issue key",
        "created": "Created",
        "team": "Squad",
        "type": "Issue Type",
    }.items() <= source.columns.items()
    assert {"In progress": "Started", "Done": "Resolved"} == source.states
    assert ["done", "open", "open"] == history.items["outcome"].tolist()
    assert any("not read: Summary, Status" in line for line in told)


def test_a_mark_of_unplanned_work_is_guessed(tmp_path):
    """A column that marks unplanned work is read and shown; in it, an empty cell, a no and a false are no marks."""
    marks = ["Yes", "no", "", "FALSE", "incident"]
    rows = [f"A-{n},2026-02-05,2026-02-06,2026-02-08,{mark}" for n, mark in enumerate(marks)]
    settings, _ = made(tmp_path, "\n".join(["id,created,started,done,Unplanned", *rows]))

    assert [*Settings().metrics, "unplanned"] == settings.metrics
    assert [True, False, False, False, True] == load(tmp_path / "new", month="2026-02").items["unplanned"].tolist()


def test_one_row_an_event_is_guessed(tmp_path):
    """An export of changes becomes a workspace that loads, its states sorted by their words."""
    settings, _ = made(tmp_path, EVENTS)
    history = load(tmp_path / "new", month="2026-02")

    workflow = settings.workflow["*"]
    assert ("events", "squad") == (settings.sources[0].shape, settings.sources[0].columns["team"])
    assert (("Backlog",), ("In progress",), ("Waiting for QA",), ("Closed",), ("Won't do",)) == (
        workflow.queue,
        workflow.active,
        workflow.wait,
        workflow.done,
        workflow.dropped,
    )
    assert ["done"] == history.items["outcome"].tolist()


@pytest.mark.parametrize("word", ["status", "Status", "State", "state"])
def test_states_under_another_name_are_read_as_states(word, tmp_path):
    """Where the export calls the state a status, the written settings say so: work is finished in the log."""
    made(tmp_path, EVENTS.replace(",state,", f",{word},"))

    assert ["done"] == load(tmp_path / "new", month="2026-02").items["outcome"].tolist()


def test_fields_under_other_names_are_read_as_ours(tmp_path):
    """An assignee is an owner and a story point a size; what we have no name for is kept as it is."""
    row = EVENTS.splitlines()[1].split(",")
    at = EVENTS.splitlines()[0].split(",").index("field")
    more = [",".join([*row[:at], name, *row[at + 1 :]]) for name in ("Assignee", "Story Points", "Sprint", "Created")]

    settings, _ = made(tmp_path, "\n".join([EVENTS.strip(), *more, ""]))

    assert settings.sources[0].fields == {"Assignee": "owner", "Created": "created", "Story Points": "size"}


def test_one_team_is_told(tmp_path):
    """Where no column looks like a team, all work is of one, and it is said."""
    told = "no column looks like a team: all work counts as of one, 'Team'"

    assert told in made(tmp_path, EVENTS.replace("squad", "room"))[1]
    assert {"Team"} == set(load(tmp_path / "new", month="2026-02").items["team"])
    (tmp_path / "with").mkdir()
    assert told not in made(tmp_path / "with", EVENTS)[1]


@pytest.mark.parametrize("name", ["export.jsonl", "export.parquet"])
def test_other_formats_are_guessed(name, tmp_path):
    """JSONL and Parquet are read like CSV."""
    rows = pd.read_csv(io.StringIO(JIRA), dtype=str)
    if name.endswith("jsonl"):
        (tmp_path / name).write_text(
            "".join(json.dumps(r) + "\n" for r in rows.astype(object).where(rows.notna(), None).to_dict("records")),
            encoding="utf-8",
        )
    else:
        duckdb.from_df(rows).write_parquet(str(tmp_path / name))

    make_workspace(tmp_path / "new", export=tmp_path / name)

    assert {"In progress": "Started", "Done": "Resolved"} == read_settings(tmp_path / "new/prodops.toml").sources[
        0
    ].states


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            "name,colour\nx,red\n",
            r"export.csv: no column looks like 'item_id' \(found name, colour\); rename one",
            id="no-item",
        ),
        pytest.param("key,colour\nx,red\n", "no column looks like 'created'", id="no-date"),
        pytest.param(
            "key,created\nx,2026-01-01\n",
            "no column looks like the date an item was done; rename one to 'finished'",
            id="no-end",
        ),
        pytest.param(EVENTS.replace("Closed", "Fertig"), "Fertig|done", id="no-state-that-looks-done"),
        pytest.param("", "export.csv", id="empty-file"),
    ],
)
def test_an_export_that_fits_nothing_is_refused(text, message, tmp_path):
    """Nothing is written when the guess would be no workspace; the message says what was found."""
    with pytest.raises(SettingsError, match=message):
        made(tmp_path, text)

    assert not (tmp_path / "new/prodops.toml").exists()


@pytest.mark.parametrize(("name", "message"), [("sheet.xlsx", "save the spreadsheet as CSV"), ("", "does not exist")])
def test_a_file_that_is_no_export_is_refused(name, message, tmp_path):
    """A spreadsheet or a missing file is refused before anything is made."""
    path = tmp_path / (name or "missing.csv")
    if name:
        path.write_bytes(b"PK")

    with pytest.raises(SettingsError, match=message):
        make_workspace(tmp_path / "new", export=path)

    assert not (tmp_path / "new").exists()


def test_an_export_in_the_place_of_the_folder_is_told(tmp_path):
    """`prodops init export.csv` says how an export is named."""
    export = tmp_path / "export.csv"
    export.write_text(JIRA, encoding="utf-8")

    with pytest.raises(SettingsError, match=r"export.csv is a file; to begin with an export: prodops init DIR --from"):
        make_workspace(export, export=None)


def test_a_workspace_is_not_overwritten(tmp_path):
    """What is there stays."""
    made(tmp_path, None)
    before = (tmp_path / "new/prodops.toml").read_bytes()

    with pytest.raises(SettingsError, match="exists; choose an empty folder, or edit what is there"):
        make_workspace(tmp_path / "new", export=None)

    assert before == (tmp_path / "new/prodops.toml").read_bytes()


@pytest.mark.parametrize(
    "header",
    [
        pytest.param('the ""real"" note', id="quotes"),
        pytest.param("back\\slash\\n", id="backslash"),
        pytest.param("[sources.columns]", id="brackets"),
        pytest.param("it's = #x", id="sign-of-a-comment"),
        pytest.param("two\nlines", id="line-break"),
        pytest.param("Größe 🎉", id="beyond-ascii"),
    ],
)
def test_hostile_headers_of_columns_that_are_not_read(header, tmp_path):
    """Headers with signs of TOML do not break what is written."""
    settings, _ = made(tmp_path, JIRA.replace("Summary", f'"{header}"'))

    assert "Issue key" == settings.sources[0].columns["item_id"]


@pytest.mark.parametrize(
    "state",
    ['say "done"', "back\\slash done", "[done]", "done # not", "done\nby QA", "Größe 🎉 done", "a\tdone", "x\x7fdone"],
)
def test_hostile_states_are_written_and_read(state, tmp_path):
    """A state with signs of TOML is in the map as it is in the export."""
    text = EVENTS.replace("Closed", '"' + state.replace('"', '""') + '"')

    assert (state,) == made(tmp_path, text)[0].workflow["*"].done


@pytest.mark.parametrize(
    "name",
    ['the "real" one.csv', "back\\slash.csv", "export[1].csv", "export (2).csv", "Größe.csv", "it's.csv", "a*b.csv"],
)
def test_hostile_file_names_are_found_again(name, tmp_path):
    """Whatever the export is called, the new workspace reads it."""
    made(tmp_path, EVENTS, name)

    assert 1 == len(load(tmp_path / "new", month="2026-02").items)


def test_an_export_that_lies_in_its_place_already(tmp_path):
    """`prodops init . --from data/raw/export.csv` leaves the export where it is."""
    folder = tmp_path / "new/data/raw"
    folder.mkdir(parents=True)
    (folder / "export.csv").write_text(EVENTS, encoding="utf-8")

    make_workspace(tmp_path / "new", export=folder / "export.csv")

    assert EVENTS == (folder / "export.csv").read_text(encoding="utf-8")
    assert "data/raw/export.csv" == read_settings(tmp_path / "new/prodops.toml").sources[0].path


def test_the_store_and_exports_stay_out_of_git(tmp_path):
    """Raw data and months are ignored by git."""
    made(tmp_path, None)

    ignored = (tmp_path / "new/.gitignore").read_text(encoding="utf-8").splitlines()
    assert {"data/raw/", "data/store/", "reports/*"} <= set(ignored)
