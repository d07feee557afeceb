"""A workspace read at one instant: which month, seen from when, and whether the store can be believed."""

import hashlib
import json
import shutil
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from conftest import utc

from prodops_analysis import workspace
from prodops_analysis.errors import EventLogError, RecordError, SettingsError, SourceError
from prodops_analysis.report.words import state_of
from prodops_analysis.settings import TableSource
from prodops_analysis.sources import table
from prodops_analysis.workspace import find, load

SETTINGS = """title = "Example"
{more}
[[sources]]
kind = "table"
name = "tracker"
path = "data/raw/*.csv"
[sources.columns]
item_id = "id"
at = "at"
field = "field"
to_value = "to"
team = "team"
[workflows.default]
queue = ["Backlog"]
active = ["Doing"]
done = ["Done"]
"""
LINES = """id,at,field,to,team
A,2026-01-05T08:00Z,created,A,Search
A,2026-01-06T08:00Z,state,Doing,Search
A,2026-02-10T08:00Z,state,Done,Search
B,2026-02-20T08:00Z,state,Doing,Billing
B,2026-03-31T22:30Z,state,Done,Billing
C,2026-04-04T08:00Z,state,Doing,Search
C,soon,state,Done,Search
"""
RECORD = """---
id: intake
title: Intake
problem: p
hypothesis: h
kind: template
owner_role: r
decided_by: d
rollouts: {Search: 2026-03-02, Billing: 2027-01-04}
primary_metric: cycle_time
better: lower
smallest_worthwhile: 0.15
decision_date: 2026-09-28
cost_hours_a_week: 1
confidence: 0.5
---
"""


def made(folder: Path, *, more: str = "", lines: str = LINES) -> Path:
    """A workspace with one export and one change record."""
    (folder / "data/raw").mkdir(parents=True, exist_ok=True)
    (folder / "data/experiments").mkdir(exist_ok=True)
    (folder / "prodops.toml").write_text(SETTINGS.format(more=more), encoding="utf-8")
    (folder / "data/raw/export.csv").write_text(lines, encoding="utf-8")
    (folder / "data/experiments/intake.md").write_text(RECORD, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """One workspace that has been loaded, to copy from and to read."""
    folder = made(tmp_path_factory.mktemp("workspace"))
    load(folder)
    return folder


@pytest.fixture
def copy(built: Path, tmp_path: Path) -> Path:
    """A copy of the loaded workspace, to spoil."""
    return Path(shutil.copytree(built, tmp_path / "copy"))


def test_the_nearest_workspace_above_is_found(built, monkeypatch, tmp_path):
    """From any folder inside, the workspace is the nearest one above."""
    for folder in (built, built / "data", built / "data/raw"):
        monkeypatch.chdir(folder)
        assert built == find()
    monkeypatch.chdir(tmp_path)
    assert built == find(built)
    assert built == find(str(built / "data" / ".."))


def test_a_named_folder_is_taken_at_its_word(built):
    """A named folder has to be the workspace: its parents are not searched."""
    with pytest.raises(SettingsError, match=r"no prodops.toml in .*data; `prodops init DIR` makes a workspace"):
        find(built / "data")


@pytest.mark.parametrize("name", ["missing", "data/raw/export.csv"])
def test_what_is_no_folder_is_refused(built, name):
    """The message names what was given."""
    with pytest.raises(SettingsError, match=r"is no folder; name the folder that holds prodops.toml"):
        find(built / name)


def test_outside_of_any_workspace(tmp_path, monkeypatch):
    """Without a workspace above, for a package that runs from no checkout, the message says how to make one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(workspace, "__file__", str(tmp_path / "site-packages/prodops_analysis/workspace.py"))

    with pytest.raises(SettingsError, match=r"no prodops.toml in .* or above it; `prodops init DIR`"):
        find()


def test_the_store_answers_sql(built):
    """An analyst asks the store in SQL: it holds the events of every item, and the faulty rows."""
    history = load(built)

    asked = history.query("SELECT item_id, count(*) AS n FROM events GROUP BY item_id ORDER BY item_id")

    whole = history.events.groupby("item_id").size()
    assert set(whole.index) <= set(asked["item_id"])
    assert (asked.set_index("item_id")["n"].reindex(whole.index) >= whole).all()
    assert len(history.faults) >= int(history.query("SELECT count(*) AS n FROM faults")["n"].iloc[0])


def test_the_last_full_month_is_the_default(built):
    """The month is the last full one before the export, seen from its end."""
    history = load(built)

    assert ("2026-03", utc("2026-03-01"), utc("2026-04-01"), utc("2026-04-01"), utc("2026-04-04T08:00")) == (
        str(history.month),
        history.since,
        history.until,
        history.as_of,
        history.exported_at,
    )
    assert ["A", "B"] == history.items["item_id"].tolist()
    assert ["soon"] == history.faults["found"].tolist()
    assert ("Example", ["intake"]) == (history.settings.title, [change.id for change in history.changes])


@pytest.mark.parametrize(
    ("as_of", "month"),
    [
        pytest.param("2026-04-05T00:00:00Z", "2026-03", id="in-a-month"),
        pytest.param("2026-05-01T00:00:00Z", "2026-04", id="at-the-border"),
        pytest.param("2026-04-30T23:59:59Z", "2026-03", id="just-before-the-border"),
    ],
)
def test_the_month_follows_the_export_not_the_clock(as_of, month, tmp_path):
    """A month is full once the export was taken at or after its end."""
    history = load(made(tmp_path, more=f"as_of = {as_of}"))

    assert (month, utc(as_of.rstrip("Z"))) == (str(history.month), history.exported_at)


def test_an_earlier_month_is_seen_as_it_was_known(built):
    """A past month knows nothing of what came after it."""
    history = load(built, month="2026-01")

    assert ["open"] == history.items["outcome"].tolist()
    assert (utc("2026-02-01"), 2) == (history.as_of, len(history.events))


def test_the_month_of_the_export_ends_with_it(built):
    """A month that is not over yet is seen from the export, and is not silent for the days to come."""
    history = load(built, month="2026-04")

    assert (utc("2026-04-04T08:00"), utc("2026-05-01")) == (history.as_of, history.until)
    assert 3.4 > history.quality().grades.set_index("team").loc["Search", "silent_days"].max()


def test_an_instant_inside_the_month(built):
    """A month can be looked at from an instant within it."""
    history = load(built, month="2026-02", as_of="2026-02-15")

    assert (utc("2026-02-15"), ["A"]) == (history.as_of, history.items["item_id"].tolist())
    assert utc("2026-02-14T23:00") == load(built, month="2026-02", as_of="2026-02-15T00:00+01:00").as_of


def test_borders_of_months_are_local(tmp_path):
    """In Berlin March ends two hours earlier than in UTC: what was done at half past midnight is April's."""
    root = made(tmp_path, more='time_zone = "Europe/Berlin"')

    march = load(root, month="2026-03")

    assert (utc("2026-02-28T23:00"), utc("2026-03-31T22:00")) == (march.since, march.until)
    assert ["done", "open"] == march.items["outcome"].tolist()
    assert ["done", "done"] == load(root, month="2026-04").items["outcome"].tolist()[:2]


@pytest.mark.parametrize("zone", ["UTC", "America/Phoenix", "Asia/Tokyo"])
def test_a_rollout_on_the_first_is_of_its_own_month(tmp_path, zone):
    """West of Greenwich the month before ends after midnight UTC, and a day still belongs to one month."""
    root = made(tmp_path, more=f'time_zone = "{zone}"')
    record = root / "data/experiments/intake.md"
    record.write_text(RECORD.replace("Search: 2026-03-02", "Search: 2026-03-01"), encoding="utf-8")

    february, march = (load(root, month=month) for month in ("2026-02", "2026-03"))

    assert ([], [(date(2026, 3, 1), "intake")]) == (february.rollouts(), march.rollouts())
    assert (date(2026, 2, 28), date(2026, 3, 31)) == (february.last_day, march.last_day)
    assert ("planned", "running") == tuple(state_of(h.changes[0], on=h.last_day) for h in (february, march))


@pytest.mark.parametrize(
    ("month", "error", "message"),
    [
        pytest.param(
            "2026-05",
            SettingsError,
            "month 2026-05 lies after the export of 2026-04-04; choose an earlier one",
            id="future",
        ),
        pytest.param(
            "2025-12",
            EventLogError,
            "no events until 2026-01-01; the log runs from 2026-01-05 to 2026-04-04; choose a month inside it",
            id="before-the-log",
        ),
        *[
            pytest.param(text, SettingsError, f"month '{text}' is none; write it as 2026-09", id=text)
            for text in (
                "2026-13",
                "2026-00",
                "2026-1",
                "26-2026",
                "03-2026",
                "2026/03",
                "2026 03",
                "2026W05",
                "202603",
                "March",
                "2026-03-01",
                "-026-03",
                "2026-0x",
                "٢٠٢٦-٠٣",
            )
        ],
    ],
)
def test_a_month_that_cannot_be_shown_is_refused(built, month, error, message):
    """A month in the future, before the log, or no month at all: the message says what to choose."""
    with pytest.raises(error, match=message):
        load(built, month=month)


@pytest.mark.parametrize("as_of", ["soon", "2026-02-30", "now", "today", "NaT"])
def test_an_instant_that_is_none_is_refused(built, as_of):
    """Words are no instants: the clock is never read."""
    with pytest.raises(SettingsError, match=f"as_of '{as_of}' is no date; write it as 2026-10-05"):
        load(built, month="2026-02", as_of=as_of)


def test_an_instant_after_the_export_is_refused(built):
    """Nothing is known of the time after the export: open work is not made older than the data."""
    with pytest.raises(SettingsError, match=r"2026-06-01.*after the export of 2026-04-04"):
        load(built, as_of="2026-06-01")


def test_events_after_the_export_are_listed_not_read(tmp_path):
    """What is dated after the declared instant of the export is a fault with its item and date."""
    history = load(made(tmp_path, more="as_of = 2026-04-01T00:00:00Z"))

    late = history.faults[history.faults["reason"] == "event after as_of"]
    assert [("tracker", "C", "2026-04-04 08:00")] == list(
        late[["source", "item_id", "found"]].itertuples(index=False, name=None)
    )
    assert history.events["at"].max() <= history.exported_at


def test_rollouts_after_the_export_are_no_fault(built):
    """A change that one team takes up next year is read like any other."""
    assert 2027 == load(built).change("intake").rollouts["Billing"].year


def test_an_unknown_change_is_refused(built):
    """The message lists the known records."""
    with pytest.raises(SettingsError, match="no change record 'intak' in data/experiments; there are: intake"):
        load(built).change("intak")


def counted(monkeypatch) -> list[str]:
    """Count how often sources are read."""
    calls: list[str] = []
    real = workspace.sources.read

    def read(source, **given):
        calls.append(source.name)
        return real(source, **given)

    monkeypatch.setattr(workspace.sources, "read", read)
    return calls


def same(one: workspace.History, other: workspace.History) -> bool:
    """Compare all that was read, types included."""
    pd.testing.assert_frame_equal(one.events, other.events)
    pd.testing.assert_frame_equal(one.faults, other.faults)
    pd.testing.assert_frame_equal(one.items, other.items)
    pd.testing.assert_frame_equal(one.spells, other.spells)
    return (one.remarks, one.source_checks, one.exported_at) == (other.remarks, other.source_checks, other.exported_at)


def test_the_store_gives_what_the_sources_gave(tmp_path, monkeypatch):
    """A second load reads the store, not the sources, and knows exactly the same."""
    calls = counted(monkeypatch)
    first = load(made(tmp_path))
    second = load(tmp_path)

    assert ["tracker"] == calls
    assert same(first, second)


def test_the_store_without_faults_gives_the_same(tmp_path):
    """An empty table of faults comes back with its types."""
    root = made(tmp_path, lines=LINES.replace("C,soon,state,Done,Search\n", ""))

    assert same(load(root), load(root))


def test_the_same_sources_give_the_same_store(built, copy):
    """Built anew, the store is the same, byte for byte."""
    before = {path.name: path.read_bytes() for path in (copy / "data/store").iterdir()}
    shutil.rmtree(copy / "data/store")

    load(copy)

    assert before == {path.name: path.read_bytes() for path in (copy / "data/store").iterdir()}


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(
            lambda root: (root / "data/raw/export.csv").write_text(LINES + "D,2026-04-05,state,Doing,Search\n"),
            id="a-row-more",
        ),
        pytest.param(lambda root: (root / "data/raw/more.csv").write_text(LINES.replace("A,", "Z,")), id="a-file-more"),
        pytest.param(lambda root: made(root, more='time_zone = "Europe/Berlin"'), id="time-zone"),
        pytest.param(
            lambda root: (root / "prodops.toml").write_text(
                SETTINGS.format(more="").replace('name = "tracker"', 'name = "other"')
            ),
            id="source-renamed",
        ),
    ],
)
def test_the_store_is_built_anew_when_its_input_changes(copy, change, monkeypatch):
    """Another export, another file or another declaration: the sources are read again."""
    calls = counted(monkeypatch)
    change(copy)

    load(copy)

    assert 1 == len(calls)


def test_the_map_is_no_input_of_the_store(copy, monkeypatch):
    """A mended workflow map takes effect without reading the sources again."""
    calls = counted(monkeypatch)
    (copy / "prodops.toml").write_text(
        SETTINGS.format(more="").replace('["Doing"]', '["Done"]').replace('done = ["Done"]', 'done = ["Doing"]'),
        encoding="utf-8",
    )

    assert ["Done"] == load(copy).items["start_state"].dropna().unique().tolist()
    assert [] == calls


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda store: (store / "events.parquet").write_bytes(b"PAR1"), id="events-cut"),
        pytest.param(lambda store: (store / "events.parquet").unlink(), id="events-missing"),
        pytest.param(lambda store: (store / "faults.parquet").write_bytes(b""), id="faults-empty"),
        pytest.param(lambda store: (store / "faults.parquet").unlink(), id="faults-missing"),
        pytest.param(
            lambda store: shutil.copy2(store / "faults.parquet", store / "events.parquet"),
            id="events-are-another-table",
        ),
        pytest.param(lambda store: (store / "note.json").write_text("{"), id="note-cut"),
        pytest.param(lambda store: (store / "note.json").write_text("[]"), id="note-is-a-list"),
        pytest.param(
            lambda store: (store / "note.json").write_text(
                json.dumps({"key": json.loads((store / "note.json").read_text())["key"]})
            ),
            id="note-has-only-its-key",
        ),
        pytest.param(
            lambda store: workspace.write_parquet(
                pd.DataFrame(workspace.read_parquet(store / "events.parquet")).assign(to_value="Done"),
                store / "events.parquet",
            ),
            id="events-edited",
        ),
    ],
)
def test_a_spoilt_store_is_not_believed(built, copy, spoil):
    """Whatever happened to the store, the history is that of the sources."""
    spoil(copy / "data/store")

    assert same(load(built), load(copy))


@pytest.mark.parametrize(
    ("break_it", "error", "message"),
    [
        pytest.param(
            lambda root: (root / "data/raw/export.csv").unlink(), SourceError, "no file data/raw/", id="no-export"
        ),
        pytest.param(
            lambda root: (root / "data/raw/export.csv").write_text("id,at,field,to,team\n"),
            EventLogError,
            "hold no events; check the paths in prodops.toml",
            id="no-rows",
        ),
        pytest.param(
            lambda root: (root / "prodops.toml").write_text("title = 'x'"),
            SettingsError,
            r"declares no \[\[sources\]\]; `prodops init DIR --from FILE.csv`",
            id="no-source",
        ),
        pytest.param(
            lambda root: (root / "data/experiments/intake.md").write_text("no head"),
            RecordError,
            "intake.md has no front matter",
            id="broken-record",
        ),
        pytest.param(
            lambda root: (root / "prodops.toml").write_text(SETTINGS.format(more="").split("[workflows")[0]),
            EventLogError,
            r"no workflow map for team 'Billing', 'Search'",
            id="no-map",
        ),
    ],
)
def test_a_workspace_that_cannot_be_read_is_refused(copy, break_it, error, message):
    """Every part that is missing has a message of its own, loaded before or not."""
    break_it(copy)

    with pytest.raises(error, match=message):
        load(copy)


def test_sources_that_tell_the_same_check_are_both_heard(built, monkeypatch):
    """Two histories that are both cut are two remarks, not one."""
    settings = workspace.read_settings(built / "prodops.toml")
    source = settings.sources[0]
    twice = settings.model_copy(update={"sources": [source, source.model_copy(update={"name": "second"})]})
    real = workspace.sources.read

    def cut(declared, **given):
        found = real(declared, **given)
        return workspace.Import(
            events=found.events, faults=found.faults, checks={"history cut": f"{declared.name} is cut"}
        )

    monkeypatch.setattr(workspace.sources, "read", cut)

    told = " ".join(workspace._read_all(built, twice).checks.values())

    assert "tracker is cut" in told
    assert "second is cut" in told


def test_a_git_history_is_a_source_of_a_workspace(tmp_path):
    """A workspace may declare a git history; one that is not there is told in plain words."""
    declared = '[[sources]]\nkind = "git_records"\nname = "keps"\npath = "clone"\nfiles = ["*.md"]\n'
    declared += '[sources.fields]\nstatus = "state"\n'
    (tmp_path / "prodops.toml").write_text(declared, encoding="utf-8")

    with pytest.raises(SourceError, match="source 'keps': 'clone' is no folder; clone the repository there"):
        load(tmp_path)


def test_the_sample_is_a_workspace(sample):
    """The sample loads as the month before its export, with its faults listed."""
    assert ("2026-09", 8, 4) == (str(sample.month), sample.items["team"].nunique(), len(sample.changes))
    assert {"unreadable date", "same event twice", "event after as_of"} <= set(sample.faults["reason"])


def test_the_sample_has_every_grade(sample):
    """Each grade occurs in the sample, so that a reader sees what each looks like; the faulty team is the worst."""
    grades = sample.quality().grades

    assert {"A", "B", "C", "D"} <= set(grades["grade"])
    assert {"Partners"} == set(grades.loc[grades["grade"] == "D", "team"])


def test_the_store_is_built_anew_where_sources_are_read_in_another_way(tmp_path):
    """Whoever changes what is read from the same bytes raises the number of the store, and writes both here."""
    rows = ["id,at,field,from,to", "A,2026-01-05,created,,A", "A,2026-01-05,owner,,Ann", "A,2026-01-06,state,,Doing",
            "A,2026-01-06,state,Doing,Done", "A,2026-01-06,state,Doing,Done", "B,soon,state,,Doing"]  # fmt: skip
    (tmp_path / "log.csv").write_text("\n".join(rows), encoding="utf-8")
    columns = {"item_id": "id", "at": "at", "field": "field", "from_value": "from", "to_value": "to"}

    read = table.read(TableSource(kind="table", name="log", path="log.csv", columns=columns), root=tmp_path)

    told = read.events.to_csv(index=False) + read.faults.to_csv(index=False)
    assert (3, "f5b248795850") == (workspace._STORE_VERSION, hashlib.sha256(told.encode()).hexdigest()[:12])
