"""The command line: what it prints, its exit codes, and that bad input leaves nothing behind."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from click.testing import CliRunner, Result

from prodops_analysis.cli import main

SETTINGS = """
title = "Tiny"
as_of = 2026-03-01T00:00:00Z
[[sources]]
kind = "table"
name = "tracker"
path = "data/raw/log.csv"
[sources.columns]
item_id = "item"
at = "at"
field = "field"
to_value = "to"
team = "team"
[workflows.default]
queue = ["Backlog"]
active = ["Doing"]
done = ["Done"]
"""


def run(*words: str) -> Result:
    """Call the command as a shell would."""
    return CliRunner().invoke(main, list(words), catch_exceptions=False)


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A workspace with six items of one team."""
    rows = []
    for number in range(6):
        day = pd.Timestamp("2026-01-05") + pd.Timedelta(days=7 * number)
        for days, field, value in (
            (0, "created", ""),
            (0, "state", "Backlog"),
            (1, "state", "Doing"),
            (4, "state", "Done"),
        ):
            rows.append((f"A-{number}", (day + pd.Timedelta(days=days)).isoformat(), field, value, "Search"))
    (tmp_path / "data/raw").mkdir(parents=True)
    frame = pd.DataFrame(rows, columns=["item", "at", "field", "to", "team"])
    frame.to_csv(tmp_path / "data/raw/log.csv", index=False)
    (tmp_path / "prodops.toml").write_text(SETTINGS, encoding="utf-8")
    return tmp_path


def replace(path: Path, old: str, new: str) -> None:
    """Change a text file in one place."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_the_package_is_the_command(tiny):
    """`python -m prodops_analysis` does what `prodops` does."""
    asked = [sys.executable, "-m", "prodops_analysis", "check", "--workspace", str(tiny)]
    said = subprocess.run(asked, capture_output=True, text=True, check=True)

    assert said.stdout == run("check", "--workspace", str(tiny)).output


def test_check_counts_what_was_read(tiny):
    """`prodops check` says how many events, items and teams there are, and prints the workflow map."""
    result = run("check", "--workspace", str(tiny))

    assert result.exit_code == 0
    assert "24 events, 6 items, 1 team, as of 2026-03-01" in result.output
    assert "map 'default' version 1: starts at Doing; ends at Done" in result.output


def test_good_rows_are_read_beside_bad_ones(tiny):
    """A row with an unreadable date is listed with its place, and the others are used."""
    with (tiny / "data/raw/log.csv").open("a", encoding="utf-8") as log:
        log.write("A-9,yesterday,state,Done,Search\n")

    result = run("check", "--workspace", str(tiny))

    assert result.exit_code == 0
    assert "1 entry listed, not read: unreadable date (first: tracker row 25, 'yesterday')" in result.output
    assert "24 events" in result.output


def test_a_team_spelt_in_two_ways_is_told(tiny):
    """`prodops check` names both spellings."""
    with (tiny / "data/raw/log.csv").open("a", encoding="utf-8") as log:
        log.write("A-9,2026-02-03T10:00Z,state,Done,search\n")

    assert "teams 'Search', 'search' differ in capitals or blanks only" in run("check", "--workspace", str(tiny)).output


def test_a_draft_stands_in_nobodys_way(tiny):
    """A record just begun is listed with what it lacks; the rest of the workspace goes on."""
    run("new", "change", "later", "--workspace", str(tiny))

    checked, made, asked = (
        run(*words, "--workspace", str(tiny)) for words in (["check"], ["report", "--no-pdf"], ["assess", "later"])
    )

    assert (0, 0, 2) == (checked.exit_code, made.exit_code, asked.exit_code)
    assert "draft later.md: missing title, problem" in checked.output
    assert "later.md: missing title, problem" in asked.output


def test_names_of_a_record_that_nothing_is_known_of_are_told(tiny):
    """A misspelt team or guardrail is found before the rollout, with the name that was meant."""
    test_a_rollout_after_the_export_is_no_number(tiny)
    record = tiny / "data/experiments/later.md"
    replace(record, "{Search: 2026-06-01}", "{search: 2026-06-01}")
    replace(record, "guardrails: []", "guardrails: [trouput]")

    result = run("check", "--workspace", str(tiny))

    assert "change later: no items of team 'search'; did you mean 'Search'?" in result.output
    assert "change later: no metric 'trouput'; did you mean 'throughput'?" in result.output


def test_days_of_a_record_that_cannot_be_meant_are_told(tiny):
    """A rollout before the log begins, or after the day of the verdict, is named."""
    test_a_rollout_after_the_export_is_no_number(tiny)
    replace(tiny / "data/experiments/later.md", "{Search: 2026-06-01}", "{Search: 2006-06-01, Billing: 2062-06-01}")

    result = run("check", "--workspace", str(tiny))

    assert "nothing is known to compare with: Search 2006-06-01" in result.output
    assert "change later: begins after the decision date, 2026-12-01: Billing 2062-06-01" in result.output


@pytest.mark.parametrize("words", [["check"], ["new", "change", "x"]], ids=["reading", "writing"])
def test_no_workspace_far_away_is_taken(words, tmp_path, monkeypatch):
    """In a folder of nobody's the command reads and writes nothing, whatever checkout it runs from."""
    monkeypatch.chdir(tmp_path)

    result = run(*words)

    assert result.exit_code == 2
    assert "`prodops init DIR` makes a workspace" in result.output


def date_to_come(folder):
    replace(folder / "prodops.toml", "as_of = 2026-03-01T00:00:00Z\n", "")
    with (folder / "data/raw/log.csv").open("a", encoding="utf-8") as log:
        log.write("A-5,2635-01-01,state,Done,Search\n")


def no_events(folder):
    pd.read_csv(folder / "data/raw/log.csv").head(0).to_csv(folder / "data/raw/log.csv", index=False)


def taken_before_it_began(folder):
    replace(folder / "prodops.toml", "2026-03-01T", "2020-03-01T")


def missing_file(folder):
    (folder / "data/raw/log.csv").unlink()


def unknown_column(folder):
    replace(folder / "prodops.toml", 'to_value = "to"', 'to_value = "too"')


def unreadable_dates(folder):
    log = pd.read_csv(folder / "data/raw/log.csv")
    log.assign(at="the other day").to_csv(folder / "data/raw/log.csv", index=False)


def foreign_states(folder):
    replace(folder / "prodops.toml", 'queue = ["Backlog"]\nactive = ["Doing"]\ndone = ["Done"]', 'done = ["Fertig"]')


def clashing_maps(folder):
    extra = "".join(f'[workflows.{name}]\nteams = ["Search"]\ndone = ["Done"]\n' for name in ("other", "third"))
    (folder / "prodops.toml").write_text(SETTINGS + extra, encoding="utf-8")


def half_a_record(folder):
    (folder / "data/experiments").mkdir()
    (folder / "data/experiments/x.md").write_text(
        "---\nid: x\ntitle: X\nrollouts: {Search: 2026-03-02}\n---\n", encoding="utf-8"
    )


def unknown_setting(folder):
    (folder / "prodops.toml").write_text("tittle = 'x'\n" + SETTINGS, encoding="utf-8")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        pytest.param(missing_file, ["no file data/raw/log.csv", "put the export there"], id="missing-file"),
        pytest.param(unknown_column, ["no column 'too'", "did you mean 'to'?"], id="unknown-column"),
        pytest.param(unreadable_dates, ["unreadable date", "'the other day'", "set date_format"], id="unreadable-date"),
        pytest.param(
            foreign_states, ["team 'Search' knows none of its states", "'Backlog'", "mend"], id="foreign-states"
        ),
        pytest.param(clashing_maps, ["team 'Search' has two workflow maps", "list it under one"], id="clashing-maps"),
        pytest.param(half_a_record, ["x.md: missing problem, hypothesis", "before the rollout"], id="half-a-record"),
        pytest.param(date_to_come, ["1 event lies after today", "'A-5' on 2635-01-01", "as_of"], id="date-to-come"),
        pytest.param(no_events, ["hold no events", "check the paths"], id="no-events"),
        pytest.param(
            taken_before_it_began, ["as_of", "2020-03-01, before the first event, 2026-01-05"], id="taken-too-early"
        ),
        pytest.param(unknown_setting, ["tittle: is not a setting", "remove it"], id="unknown-setting"),
    ],
)
@pytest.mark.parametrize("command", ["check", "report"])
def test_bad_input_gives_one_message_and_leaves_nothing(tiny, spoil, words, command):
    """Bad input ends with code 2 and a message, without a traceback and without a report."""
    spoil(tiny)

    result = run(command, "--workspace", str(tiny))

    assert result.exit_code == 2
    for word in words:
        assert word in result.output
    assert "Traceback" not in result.output
    assert [] == list(tiny.glob("reports/20*"))


@pytest.mark.parametrize("place", ["reports", "data/store"])
def test_a_file_in_the_place_of_a_folder_is_told(tiny, place):
    """What cannot be written is named in one message."""
    (tiny / place).write_text("", encoding="utf-8")

    result = run("report", "--workspace", str(tiny))

    assert result.exit_code == 2
    assert result.output == f"prodops: {tiny / place}: file exists\n"


def test_reports_are_made_by_one_at_least():
    """A number of notebooks at a time that cannot be is refused."""
    result = run("report", "--jobs", "-1")

    assert result.exit_code == 2
    assert "Invalid value for '--jobs'" in result.output


@pytest.mark.parametrize(
    ("month", "words"),
    [
        pytest.param("2026-13", "month '2026-13' is none; write it as 2026-09", id="no-month"),
        pytest.param("2027-01", "lies after the export of 2026-03-01", id="after-the-export"),
        pytest.param("2024-01", "no events until 2024-02-01; the log runs from 2026-01-05", id="before-the-log"),
    ],
)
def test_a_month_without_data_is_refused(tiny, month, words):
    """A month that the log cannot tell about ends with code 2 and says what the log holds."""
    result = run("report", "--workspace", str(tiny), "--month", month)

    assert result.exit_code == 2
    assert words in result.output


def test_a_rollout_after_the_export_is_no_number(tiny):
    """A change that begins after the export is not answered, and the reason is the date."""
    assert run("new", "change", "later", "--workspace", str(tiny)).exit_code == 0
    path = tiny / "data/experiments/later.md"
    filled = {
        'title: ""': "title: Later",
        'problem: ""': "problem: slow",
        'hypothesis: ""': "hypothesis: faster",
        'kind: ""': "kind: review",
        'owner_role: ""': "owner_role: lead",
        'decided_by: ""': "decided_by: head",
        "rollouts: {}": "rollouts: {Search: 2026-06-01}",
        "decision_date: ": "decision_date: 2026-12-01",
        "cost_hours_a_week: ": "cost_hours_a_week: 1 ",
        "confidence: ": "confidence: 0.5 ",
    }
    for old, new in filled.items():
        replace(path, old, new)

    result = run("assess", "later", "--workspace", str(tiny))

    assert result.exit_code == 0
    assert "not enough evidence" in result.output
    assert "every rollout lies after what is looked at, which ends on 2026-03-01 (Search 2026-06-01)" in result.output


def test_freeze_shows_later_edits(tiny):
    """A frozen plan is unchanged until somebody edits it, and then the field is named."""
    test_a_rollout_after_the_export_is_no_number(tiny)

    frozen = run("freeze", "later", "--workspace", str(tiny))
    replace(tiny / "data/experiments/later.md", "smallest_worthwhile: 0.15", "smallest_worthwhile: 0.05")
    edited = run("check", "--workspace", str(tiny))

    assert re.search(r"later: plan frozen (late: )?on 20\d\d-\d\d-\d\d, ", frozen.output)
    assert "change later: plan changed after the freeze: smallest_worthwhile" in edited.output


def test_init_leads_from_a_spreadsheet_to_a_checked_workspace(tmp_path):
    """`prodops init --from` guesses the columns of a spreadsheet, and the workspace it makes can be read."""
    export = tmp_path / "work.csv"
    export.write_text(
        "Key,Created,Started,Finished,Team\nA-1,2026-01-05,2026-01-06,2026-01-09,Search\n", encoding="utf-8"
    )

    made = run("init", str(tmp_path / "mine"), "--from", str(export))
    checked = run("check", "--workspace", str(tmp_path / "mine"), "--month", "2026-01")

    assert made.exit_code == 0
    assert "prodops check && prodops report" in made.output
    assert checked.exit_code == 0
    assert "1 item, 1 team," in checked.output


@pytest.mark.parametrize(
    ("failed", "dated", "asked", "code"),
    [
        pytest.param((), False, (), 3, id="old"),
        pytest.param((), True, (), 0, id="meant-to-be-old"),
        pytest.param((), False, ("--month", "2026-01"), 0, id="month-named"),
        pytest.param(("Review",), False, (), 1, id="old-and-failed"),
        pytest.param(("Review",), True, (), 1, id="failed"),
    ],
)
def test_the_code_says_how_the_reports_went(tiny, monkeypatch, failed, dated, asked, code):
    """Code 1: a report failed; 3: the export ends before the last full month did. Both are told where both are so."""
    if not dated:
        replace(tiny / "prodops.toml", "as_of = 2026-03-01T00:00:00Z\n", "")
    made = [SimpleNamespace(title=title, failed="its kernel died") for title in failed]
    month = SimpleNamespace(folder=tiny / "reports/2026-02", made=made, failed=made, results={}, not_printed=())
    monkeypatch.setattr("prodops_analysis.report.month.make_month", lambda *_, **__: month)

    result = run("report", "--workspace", str(tiny), *asked)

    assert code == result.exit_code
    assert (not dated and not asked) == ("before the last full month did" in result.stderr)
    assert bool(failed) == ("could not be made: Review: its kernel died" in result.output)


@pytest.mark.parametrize(("asked", "told"), [("2026-03", True), ("2026-02", False)])
def test_a_month_that_is_not_over_is_told(tiny, monkeypatch, asked, told):
    """What is made of a part of a month says so."""
    replace(tiny / "prodops.toml", "as_of = 2026-03-01T00:00:00Z", "as_of = 2026-03-10T00:00:00Z")
    month = SimpleNamespace(folder=tiny / "reports/x", made=[], failed=[], results={}, not_printed=())
    monkeypatch.setattr("prodops_analysis.report.month.make_month", lambda *_, **__: month)

    result = run("report", "--workspace", str(tiny), "--month", asked)

    assert told == ("ends on 2026-03-10, before March 2026 is over: figures will change" in result.output)


def test_months_after_the_last_full_one_are_refused(tiny):
    """`--since` a month to come makes nothing, and says so."""
    result = run("report", "--workspace", str(tiny), "--since", "2026-09")

    assert (2, "--since 2026-09 lies after the last full month of the export, 2026-02" in result.output) == (
        result.exit_code, True,
    )  # fmt: skip


def test_figures_that_rest_on_doubtful_data_are_named(tiny):
    """`prodops check` says which figures of which teams have grade D: here one is silent, one never starts work."""
    with (tiny / "data/raw/log.csv").open("a", encoding="utf-8") as log:
        log.writelines(f"B-{n},2026-02-1{n}T10:00Z,state,Done,Billing\n" for n in range(5))

    result = run("check", "--workspace", str(tiny))

    assert "  grade D, Cycle time: Billing, Search\n" in result.output


def test_a_misspelt_metric_of_the_settings_is_found(tiny):
    """`prodops check` reads the metrics that the reports will ask for."""
    settings = tiny / "prodops.toml"
    settings.write_text('metrics = ["reopend"]\n' + settings.read_text(encoding="utf-8"), encoding="utf-8")

    result = run("check", "--workspace", str(tiny))

    assert (2, True) == (result.exit_code, "did you mean 'reopened'" in result.output)


@pytest.mark.parametrize(
    ("published", "since", "months"),
    [
        pytest.param([], "", ["2026-02"], id="none-published"),
        pytest.param(["2025-11"], "", ["2025-12", "2026-01", "2026-02"], id="missed-months"),
        pytest.param(["2026-01", "2026-02"], "", ["2026-02"], id="again"),
        pytest.param(["2026-01"], "2025-12", ["2025-12", "2026-01", "2026-02"], id="since"),
    ],
)
def test_missed_months_are_those_after_the_last_published(tmp_path, published, since, months):
    """Months after the last published one are due; with none published only the last one is."""
    from prodops_analysis import cli

    for month in published:
        (tmp_path / month).mkdir()

    assert months == cli._due(tmp_path, "2026-02", since)


def test_the_sample_report_from_the_command_line(sample_month):
    """The main job on the sample: a month with every planned report, its data, and three lines about it."""
    said = (sample_month.parent.parent / "said.txt").read_text(encoding="utf-8")

    assert "6 reports for September 2026" in said
    assert "4 changes: 2 improved, 2 not enough evidence" in said
    pages = {page.name for page in sample_month.glob("*.html")}
    assert {"index.html", "monthly-review.html", "data-quality.html", "change-intake-template.html"} <= pages
    assert {"metrics.json", "manifest.json"} <= {file.name for file in sample_month.iterdir()}
    everything = b"".join(file.read_bytes() for file in sample_month.rglob("*") if file.is_file())
    assert str(sample_month.parent.parent).encode() not in everything


def test_the_same_inputs_give_the_same_bytes(sample_folder, sample_month, tmp_path):
    """Made again in another folder and by another number of threads, every file of the month is the same."""
    shutil.copytree(sample_folder, tmp_path / "again", ignore=shutil.ignore_patterns("reports", "store"))

    run("report", "--workspace", str(tmp_path / "again"), "--jobs", "3")

    other = tmp_path / "again/reports/2026-09"
    files = {file.relative_to(sample_month): file.read_bytes() for file in sample_month.rglob("*") if file.is_file()}
    assert files == {file.relative_to(other): file.read_bytes() for file in other.rglob("*") if file.is_file()}
