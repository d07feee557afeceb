"""Settings and workflow maps: what is refused at birth, and with which words."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from conftest import ROOT
from pydantic import ValidationError

from prodops_analysis.errors import SettingsError
from prodops_analysis.settings import GitRecordsSource, Settings, TableSource, read_settings
from prodops_analysis.workflow import Stage, Workflow

SOURCE = '[[sources]]\nkind = "table"\nname = "tracker"\npath = "x.csv"\n[sources.columns]\nitem_id = "id"\n'


def read(folder: Path, text: str | bytes) -> Settings:
    """Read settings from a text."""
    path = folder / "prodops.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_settings(path)


def test_the_repository_is_a_workspace():
    """The settings of the sample are read."""
    settings = read_settings(ROOT / "prodops.toml")

    assert datetime(2026, 10, 5, tzinfo=UTC) == settings.as_of
    assert [TableSource] == [type(source) for source in settings.sources]
    assert {"*"} == set(settings.workflow)


def test_an_empty_file_is_all_defaults(tmp_path):
    """Everything has a default."""
    assert Settings() == read(tmp_path, "")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param('titel = "x"', "titel: is not a setting", id="unknown-key"),
        pytest.param("[quality]\ngrade_e = 0.5", "quality.grade_e: is not a setting", id="unknown-threshold"),
        pytest.param('[workflow.default]\ndone = ["Done"]', "workflow.*workflows", id="workflow-instead-of-workflows"),
        pytest.param(
            '[workflows.a]\ndone = ["Done"]\nwiat = ["Hold"]', r"workflow.*wiat.* is not a setting", id="unknown-stage"
        ),
        pytest.param(
            '[workflows.a]\nversion = "1"',
            r"workflow.*at least one done state|workflow.*done: Field required",
            id="map-without-done",
        ),
        pytest.param(
            '[workflows.a]\nversion = "1"\ndone = "Done"', r"workflow.*done: .*(found 'Done')", id="done-is-no-list"
        ),
        pytest.param(
            '[workflows.a]\ndone = ["Done"]\nteams = "Search"',
            r"teams.*\['Search'\]|teams.*list",
            id="teams-is-no-list",
        ),
        pytest.param(
            '[workflows]\ndone = ["Done"]', r"workflows must be tables, such as \[workflows.default\]", id="no-name"
        ),
        pytest.param(
            '[workflows.a]\ndone = ["Done"]\n[workflows.b]\ndone = ["End"]',
            "every team has two workflow maps, 'a' and 'b'; list it under one",
            id="two-maps-for-all",
        ),
        pytest.param(
            '[workflows.a]\nteams = ["S"]\ndone = ["Done"]\n[workflows.b]\nteams = ["T", "S"]\ndone = ["End"]',
            "team 'S' has two workflow maps, 'a' and 'b'",
            id="two-maps-for-one",
        ),
        pytest.param(
            '[workflows.a]\nactive = ["Done"]\ndone = ["Done"]',
            "state 'Done' stands in two stages, active and done; keep one",
            id="state-in-two-stages",
        ),
        pytest.param(
            '[workflows.a]\ndone = ["Done", "Done"]',
            "state 'Done' stands in two stages, done and done|state 'Done' stands twice",
            id="state-twice",
        ),
        pytest.param("[workflows.a]\ndone = []", "at least one done state", id="no-done-state"),
        pytest.param(
            '[workflows.a]\ndone = ["Done"]\nstart = ["Doing"]',
            "start names 'Doing', which is in no stage",
            id="start-in-no-stage",
        ),
        pytest.param(
            '[workflows.a]\ndone = ["Done"]\nsame_as = {Closed = "Dnoe"}',
            "same_as: 'Closed' stands for 'Dnoe', which is in no stage",
            id="same-as-in-no-stage",
        ),
        pytest.param(
            '[workflows.a]\nqueue = ["To do"]\nactive = ["Doing"]\ndone = ["Done"]\nsame_as = {"To do" = "Doing"}',
            "same_as: 'To do' .*queue",
            id="same-as-contradicts-its-stage",
        ),
        pytest.param(
            'time_zone = "Europe/Berln"',
            "time_zone: unknown time zone 'Europe/Berln'; name one such as Europe/Berlin",
            id="unknown-zone",
        ),
        pytest.param('time_zone = "Europe"', "time_zone: unknown time zone 'Europe'", id="zone-that-is-a-folder"),
        pytest.param('time_zone = "../../etc/passwd"', "time_zone: unknown time zone", id="zone-that-is-a-path"),
        pytest.param(
            "as_of = 2026-10-05T00:00:00",
            r"as_of 2026-10-05 00:00:00 has no time zone; write it as 2026-10-05T00:00:00Z",
            id="naive-as-of",
        ),
        pytest.param("as_of = 2026-10-05", "as_of.* time", id="as-of-is-a-day"),
        pytest.param("as_of = 1777852800", "as_of 1777852800 has no time zone; write it as", id="as-of-in-seconds"),
        pytest.param(
            "smallest_group = 0", r"smallest_group: .*greater than or equal to 1 \(found 0\)", id="group-of-nobody"
        ),
        pytest.param("[quality]\ngrade_b = 0.5", "grade_b.*grade_c", id="thresholds-do-not-rise"),
        pytest.param(SOURCE + SOURCE, "two sources are named 'tracker'; give each its own name", id="same-name-twice"),
        pytest.param(
            SOURCE.replace('"table"', '"jira"'), "kind is 'jira'; it can be 'table', 'git_records'", id="unknown-kind"
        ),
        pytest.param(SOURCE.replace("path", "pth"), "sources.0.*path: Field required", id="source-without-path"),
        pytest.param('title = "x', "is not valid TOML: Unterminated string", id="broken-toml"),
        pytest.param(b'title = "\xff"', "is not UTF-8 text", id="not-utf-8"),
    ],
)
def test_settings_that_contradict_themselves_are_refused(text, message, tmp_path):
    """The message names the file, the place, what was found and what to do, in one line."""
    with pytest.raises(SettingsError, match=message) as caught:
        read(tmp_path, text)

    assert str(tmp_path / "prodops.toml") in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "pydantic" not in str(caught.value)


def test_a_fault_in_a_source_speaks_of_that_kind_alone(tmp_path):
    """A misspelt key of a table is not reported as a missing key of a git history."""
    with pytest.raises(SettingsError, match=r"sources.*colums: is not a setting") as caught:
        read(tmp_path, SOURCE.replace("[sources.columns]", "[sources.colums]"))

    assert "git" not in str(caught.value).lower()


def test_a_missing_file_is_refused(tmp_path):
    """The message says how to make a workspace."""
    with pytest.raises(SettingsError, match=r"prodops.toml does not exist; `prodops init DIR` makes a workspace"):
        read_settings(tmp_path / "prodops.toml")


def test_a_byte_order_mark_does_not_matter(tmp_path):
    """A file saved by a Windows editor is read."""
    assert "x" == read(tmp_path, b'\xef\xbb\xbftitle = "x"\r\n').title


def test_maps_by_team(tmp_path):
    """A map with teams is theirs; the one without is for every other team."""
    text = (
        '[workflows.a]\ndone = ["Done"]\n[workflows.b]\nteams = ["Search", "Billing"]\nversion = "7"\ndone = ["Closed"]'
    )

    settings = read(tmp_path, text)

    assert [("b", "7"), ("b", "7"), ("a", "1")] == [
        (w.name, w.version) for w in map(settings.workflow_of, ("Search", "Billing", "Any"))
    ]
    assert None is Settings(workflow={"Search": {"Done": "done"}}).workflow_of("Billing")


@pytest.mark.parametrize(
    ("given", "teams"),
    [
        pytest.param(Workflow.of({"Done": "done"}), {"*"}, id="a-map"),
        pytest.param({"Doing": "active", "Done": "done"}, {"*"}, id="states-to-stages"),
        pytest.param(
            {"Search": {"Done": "done"}, "Billing": Workflow.of({"End": "done"})}, {"Search", "Billing"}, id="by-team"
        ),
        pytest.param({}, set(), id="none"),
    ],
)
def test_settings_in_plain_python(given, teams):
    """A workflow may be given as a map, as states and stages, or by team."""
    assert teams == set(Settings(workflow=given).workflow)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        pytest.param(
            {"Doing": "activ", "Done": "done"},
            "unknown stage 'activ'; the stages are queue, active, wait, done, dropped",
            id="unknown-stage",
        ),
        pytest.param({"Doing": "active"}, "at least one done state", id="no-done"),
        pytest.param({"Search": {"Doing": "activ"}}, "unknown stage 'activ'", id="by-team"),
    ],
)
def test_a_map_in_plain_python_is_checked(given, message):
    """A wrong stage is refused where it is written."""
    with pytest.raises(SettingsError, match=message) as caught:
        Settings(workflow=given)

    assert "pydantic" not in str(caught.value)


def test_settings_are_frozen():
    """Nothing can be set afterwards."""
    with pytest.raises(ValidationError, match="frozen"):
        Settings().title = "x"


def test_stages_and_starts_of_a_map():
    """Active and wait states start the clock unless start names others; renamed states follow their old names."""
    stages = {"To do": "queue", "Doing": "active", "Hold": "wait", "Done": "done", "Dropped": "dropped"}
    plain = Workflow.of(stages, same_as={"Working": "Doing", "Closed": "Done"})
    own = Workflow.of(stages, start=("To do",), same_as={"Inbox": "To do"})

    assert {"Doing", "Hold", "Working"} == plain.starts()
    assert {"To do", "Inbox"} == own.starts()
    assert {k: Stage(v) for k, v in stages.items()} | {
        "Working": Stage.ACTIVE,
        "Closed": Stage.DONE,
    } == plain.stage_of()
    assert "map 'default' version 1: starts at To do; ends at Done" == str(own)


def test_sources_of_both_kinds(tmp_path):
    """A table and a git history stand side by side."""
    text = (
        SOURCE
        + '[[sources]]\nkind = "git_records"\nname = "keps"\npath = "../k"\nfiles = ["*.md"]\n'
        + '[sources.fields]\nstatus = "state"\n'
    )

    assert [TableSource, GitRecordsSource] == [type(source) for source in read(tmp_path, text).sources]
