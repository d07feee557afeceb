"""Change records: what is missing is named at once, and what was promised before the rollout stays visible."""

import json
from datetime import date
from pathlib import Path

import pytest
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st

from prodops_analysis.errors import RecordError
from prodops_analysis.records.changes import (
    FOLDER,
    PLAN,
    REQUIRED,
    Change,
    freeze,
    plan_hashes,
    plan_state,
    read_change,
    read_changes,
    template,
)
from prodops_analysis.records.front_matter import split, with_field
from prodops_analysis.report.verdicts import plan_table

FILLED = {
    'title: ""': "title: Intake template",
    'problem: ""': "problem: 'Work starts: unclear'",
    'hypothesis: ""': "hypothesis: because of questions, faster",
    'kind: ""': "kind: template",
    'owner_role: ""': "owner_role: product operations lead",
    'decided_by: ""': "decided_by: heads of product",
    "rollouts: {}": "rollouts: {Search: 2026-03-02, Billing: 2026-04-06, Checkout: null}",
    "decision_date:": "decision_date: 2026-09-28",
    "cost_hours_a_week:": "cost_hours_a_week: 0",
    "confidence:": "confidence: 0.7",
}
BEFORE = date(2026, 3, 1)


def filled(change_id: str = "intake-template", **other: str) -> str:
    """The template, filled in; `other` replaces the text of a field or takes it out (empty)."""
    text = template(change_id)
    for blank, value in FILLED.items():
        text = text.replace(blank, value, 1)
    for name, line in other.items():
        kept = [old for old in text.splitlines(keepends=True) if not old.startswith(f"{name}:")]
        text = "".join([kept[0], *([f"{name}: {line}\n"] if line else []), *kept[1:]])
    return text


def record(folder: Path, text: str | bytes, name: str = "intake-template.md") -> Path:
    """Write a record."""
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_the_template_is_a_record_once_filled(tmp_path):
    """A filled template is read, an effort of nothing a week and a team that stays included."""
    change = read_change(record(tmp_path, filled()))

    assert ("intake-template", "cycle_time", "lower", 0.15, 2, 0.0) == (
        change.id,
        change.primary_metric,
        change.better,
        change.smallest_worthwhile,
        change.transition_weeks,
        change.cost_hours_a_week,
    )
    assert {"Search": date(2026, 3, 2), "Billing": date(2026, 4, 6), "Checkout": None} == change.rollouts


def test_the_template_asks_for_every_field():
    """Each field of a record but what commands write stands in the template, and each required one is required."""
    head, _ = split(template("x"), name="x")

    assert set(Change.model_fields) - {"frozen", "expected"} == set(head)
    assert set(REQUIRED) <= set(head)
    assert set(PLAN) <= set(head)


def test_an_empty_template_names_everything_missing_at_once(tmp_path):
    """One message lists all that is to be filled in."""
    missing = "title, problem, hypothesis, kind, owner_role, decided_by, rollouts, decision_date, .*, confidence"

    with pytest.raises(RecordError, match=f"x.md: missing {missing}; fill in before the rollout"):
        read_change(record(tmp_path, template("x"), "x.md"))


@pytest.mark.parametrize("change_id", ["123", "2026-01-01", "no", "null", "1e5"])
def test_any_id_that_the_command_accepts_stays_a_text(change_id, tmp_path):
    """An id that YAML would take for a number, a day or a truth value is still the id."""
    assert change_id == read_change(record(tmp_path, filled(change_id))).id


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            filled(primry_metric="wip"),
            "unknown field 'primry_metric'; did you mean 'primary_metric'.*`prodops new change` shows all",
            id="unknown-field",
        ),
        pytest.param(
            filled(smallest_worthwhile="15"),
            r"intake-template.md: smallest_worthwhile: .*write 15 % as 0.15 \(found 15\)",
            id="per-cent-for-share",
        ),
        pytest.param(
            filled(smallest_worthwhile="0"), r"smallest_worthwhile: .*between 0 and 1", id="nothing-worthwhile"
        ),
        pytest.param(filled(better="faster"), r"better: .*'lower' or 'higher' \(found 'faster'\)", id="direction"),
        pytest.param(
            filled(rollouts="[Search]"),
            "rollouts: must map each team to its first day, such as 'Search: 2026-03-02'",
            id="rollouts-no-map",
        ),
        pytest.param(
            filled(rollouts="{Search: 1772409600}"),
            r"rollouts.Search: 1772409600 is no day; write it as",
            id="rollout-in-seconds",
        ),
        pytest.param(
            filled(decision_date='"1772409600"'), "decision_date: 1772409600 is no day", id="decision-in-seconds"
        ),
        pytest.param(
            filled(rollouts="{Search: soon}"), r"rollouts.Search: is no day.* \(found 'soon'\)", id="rollout-no-day"
        ),
        pytest.param(
            filled(decision_date="2026-02-30"),
            "intake-template.md.*(decision_date|2026-02-30|day is out of range)",
            id="impossible-day",
        ),
        pytest.param(filled(confidence="1.5"), "confidence: .*less than 1", id="confidence"),
        pytest.param(
            filled(transition_weeks="-1"), "transition_weeks: .*greater than or equal to 0", id="weeks-below-zero"
        ),
        pytest.param(
            filled(title="a: b: c"),
            "intake-template.md, line 2: .*; put text with ':' or '#' in quotation marks",
            id="bad-yaml",
        ),
        pytest.param(filled(guardrails="throughput"), "guardrails: must be a list in square brackets", id="no-list"),
        pytest.param(
            filled(decision_date="30.09.2026"), "decision_date: is no day; write it as 2026-03-02", id="another-order"
        ),
        pytest.param(
            filled(smallest_worthwhile="15%"), "smallest_worthwhile: is no number; write it as 0.15", id="percent"
        ),
        pytest.param(filled(guardrails="[throughput"), "intake-template.md, line 3", id="open-bracket"),
        pytest.param("# Only prose\n", "has no front matter; begin it with a line '---'", id="no-head"),
        pytest.param("---\nid: x\n", "has no front matter", id="head-not-closed"),
        pytest.param("", "has no front matter", id="empty-file"),
        pytest.param("---\n- a\n---\n", "the front matter holds no fields; write them as 'field: value'", id="a-list"),
        pytest.param("---\n---\n", "the front matter holds no fields", id="empty-head"),
        pytest.param(
            filled(title="Für").encode("latin-1", "replace"), "is not UTF-8 text; save it as UTF-8", id="latin-1"
        ),
        pytest.param(filled().encode("utf-16"), "is not UTF-8 text", id="utf-16"),
    ],
)
def test_a_record_that_breaks_its_template_is_refused(text, message, tmp_path):
    """The message names the file, the field or the line, what was found and what to do."""
    with pytest.raises(RecordError, match=message) as caught:
        read_change(record(tmp_path, text))

    assert str(caught.value).startswith("intake-template.md")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        pytest.param(
            {"smallest_worthwhile": 15}, "smallest_worthwhile: .* write 15 % as 0.15", id="per-cent-for-share"
        ),
        pytest.param({"smallest": 0.1}, "smallest: is not a field of a change record; `help", id="unknown-field"),
        pytest.param(
            {"rollouts": {"Search": "soon"}},
            r"rollouts.Search: is no day; write it as 2026-03-02 \(found 'soon'",
            id="no-day",
        ),
    ],
)
def test_a_record_in_plain_python_is_checked(given, message):
    """The message names the field, what was found and what to do, and sends nobody to a web page."""
    with pytest.raises(RecordError, match=message) as caught:
        Change(**({"rollouts": {}} | given))

    assert "http" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(filled().replace("\n", "\r\n"), id="windows-line-ends"),
        pytest.param(b"\xef\xbb\xbf" + filled().encode(), id="byte-order-mark"),
        pytest.param(filled() + "\n---\n\nmore below a rule\n\n---\nid: other\n", id="rules-in-the-prose"),
        pytest.param(filled(title='"a --- b"'), id="dashes-in-a-value"),
        pytest.param(filled(title="|\n  first\n  ---\n  last"), id="dashes-in-a-block"),
    ],
)
def test_what_does_not_matter_is_read(text, tmp_path):
    """Line ends, marks and rules do not change a record."""
    assert "intake-template" == read_change(record(tmp_path, text)).id


def test_every_record_is_read_in_order(tmp_path):
    """Records are sorted by id; the README beside them is none."""
    folder = tmp_path / FOLDER
    folder.mkdir(parents=True)
    for name in ("b", "a"):
        record(folder, filled(name), f"{name}.md")
    record(folder, "# How to", "README.md")

    assert ["a", "b"] == [change.id for change in read_changes(tmp_path)]
    assert () == read_changes(tmp_path / "elsewhere")


def test_all_faults_of_all_records_are_told_at_once(tmp_path):
    """One message has a line for each record that cannot be read and for each id that stands twice."""
    folder = tmp_path / FOLDER
    folder.mkdir(parents=True)
    for name, text in {"a": filled("same"), "b": filled("same"), "c": filled(title=""), "d": "no head"}.items():
        record(folder, text, f"{name}.md")

    with pytest.raises(RecordError) as caught:
        read_changes(tmp_path)

    assert [
        "c.md: missing title; fill in before the rollout",
        "d.md has no front matter; begin it with a line '---', the fields, and another '---'",
        "two records have the id 'same'; rename one",
    ] == str(caught.value).splitlines()


def test_the_records_of_the_sample_are_read():
    """The shared experiment repository of the sample holds what it says."""
    assert ["intake-template", "named-owner", "partner-readiness", "written-status"] == [
        change.id for change in read_changes(ROOT)
    ]


def test_freezing_writes_the_plan_and_nothing_else(tmp_path):
    """The freeze adds one line at the end of the head; the record reads as before, and as unchanged."""
    path = record(tmp_path, filled())
    before = read_change(path)

    change = freeze(path, on=BEFORE)

    added = [line for line in path.read_text(encoding="utf-8").splitlines() if line not in filled().splitlines()]
    assert 1 == len(added)
    assert added[0].startswith("frozen: ")
    assert plan_hashes(before) == plan_hashes(change) == {name: change.frozen[name] for name in PLAN}
    assert f"plan frozen on {BEFORE}, unchanged since" == plan_state(change)
    assert [path] == list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(filled().replace("\n", "\r\n"), id="windows-line-ends"),
        pytest.param(filled() + "\n---\nprose below a rule\n", id="rule-in-the-prose"),
        pytest.param(filled().rstrip("\n"), id="no-line-end"),
    ],
)
def test_freezing_touches_no_other_byte(text, tmp_path):
    """Take the added line out and the bytes are those of before."""
    path = record(tmp_path, text)

    freeze(path, on=BEFORE)

    lines = path.read_bytes().splitlines(keepends=True)
    assert text.encode() == b"".join(line for line in lines if not line.startswith(b"frozen"))
    assert {line[-2:] == b"\r\n" for line in lines[:-1]} == {"\r\n" in text}


CHANGED = {
    "problem": "other",
    "hypothesis": "other",
    "kind": "review",
    "decided_by": "other",
    "rollouts": "{Search: 2026-03-09, Billing: 2026-04-06, Checkout: null}",
    "transition_weeks": "3",
    "primary_metric": "lead_time",
    "better": "higher",
    "smallest_worthwhile": "0.1",
    "guardrails": "[throughput]",
    "decision_date": "2026-10-28",
    "cost_hours_a_week": "1",
    "confidence": "0.8",
}


@pytest.mark.parametrize("name", CHANGED)
def test_each_field_of_the_plan_shows_when_it_moved(name, tmp_path):
    """A later edit of any plan field is named as a deviation, and no other field with it."""
    frozen = freeze(record(tmp_path, filled()), on=BEFORE).frozen

    change = read_change(record(tmp_path, filled(**{name: CHANGED[name]}))).model_copy(update={"frozen": frozen})

    assert f"plan changed after the freeze: {name}" == plan_state(change)


def test_what_is_no_plan_may_change(tmp_path):
    """Decision, lesson, title and order of lines may change after the freeze."""
    frozen = freeze(record(tmp_path, filled()), on=BEFORE).frozen
    text = filled(
        decision="keep",
        learned="ask earlier",
        title="Another",
        rollouts="{Checkout: null, Billing: 2026-04-06, Search: 2026-03-02}",
    )

    change = read_change(record(tmp_path, text)).model_copy(update={"frozen": frozen})

    assert f"plan frozen on {BEFORE}, unchanged since" == plan_state(change)


@pytest.mark.parametrize(
    ("on", "expected"),
    [
        pytest.param(date(2026, 3, 2), "plan frozen on 2026-03-02, unchanged since", id="on-the-first-day"),
        pytest.param(
            date(2026, 3, 3), "plan frozen late: on 2026-03-03, after the first rollout on 2026-03-02", id="a-day-late"
        ),
    ],
)
def test_a_late_freeze_is_told(on, expected, tmp_path):
    """A freeze after the first rollout does not count as before it."""
    assert expected == plan_state(freeze(record(tmp_path, filled()), on=on))


def test_a_record_without_a_freeze_is_not_verifiable(tmp_path):
    """No freeze is told, and neither is a freeze without its day a proof."""
    change = read_change(record(tmp_path, filled()))
    undated = change.model_copy(update={"frozen": plan_hashes(change)})

    assert plan_state(change).startswith("plan not verifiable")
    assert plan_state(undated).startswith("plan not verifiable")


def test_an_empty_freeze_is_filled_in(tmp_path):
    """A record whose template holds an empty freeze is frozen in its place, and can be read."""
    path = record(tmp_path, filled().replace("\n---\n", "\nfrozen: {}\n---\n", 1))

    change = freeze(path, on=BEFORE)

    assert BEFORE == change.frozen["day"]
    assert path.read_text(encoding="utf-8").count("frozen:") == 1


def test_a_record_is_frozen_once(tmp_path):
    """A second freeze is refused and leaves the file as it is."""
    path = record(tmp_path, filled())
    freeze(path, on=BEFORE)
    before = path.read_bytes()

    with pytest.raises(RecordError, match=r"was frozen on 2026-03-01; later edits show as deviations"):
        freeze(path, on=date(2026, 5, 1))
    assert before == path.read_bytes()


def test_an_unfinished_record_cannot_be_frozen(tmp_path):
    """What is missing has to be filled in first."""
    path = record(tmp_path, filled(title=""))

    with pytest.raises(RecordError, match="missing title"):
        freeze(path, on=BEFORE)


@given(st.text(alphabet="ab-: #'\"\n\r🎉", max_size=60))
def test_a_line_added_to_the_head_leaves_the_prose_alone(prose):
    """Whatever the prose holds, the head gains one line and the prose stays."""
    text = f"---\nid: x\n---\n{prose}"

    added = with_field(text, "frozen", "yes")

    assert ({"id": "x", "frozen": True}, split(text, name="x")[1]) == split(added, name="x")


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        pytest.param("rollouts: {A: 2026-03-02, A: 2026-04-02}", "line 3: 'A' stands twice; keep one", id="team"),
        pytest.param("rollouts:\n  A: 2026-03-02\n  A: 2026-03-02", "line 5: 'A' stands twice", id="team-in-block"),
        pytest.param("better: lower\nbetter: higher", "line 4: 'better' stands twice", id="field"),
    ],
)
def test_what_stands_twice_is_refused(fields, told):
    """No value wins over another in silence."""
    with pytest.raises(RecordError, match=told):
        split(f"---\nid: x\n{fields}\n---\n", name="x.md")


@pytest.mark.parametrize("name", ["../outside", "a/b", "two words", "-rf"])
def test_an_id_that_cannot_name_a_page_is_refused(tmp_path, name):
    """The id of a record becomes a file name, so it holds no path and no blank."""
    head = dict.fromkeys(REQUIRED, "x") | {"id": name, "rollouts": {"Search": "2026-03-02"}}
    path = tmp_path / "x.md"
    path.write_text(f"---\n{json.dumps(head)}\n---\n", encoding="utf-8")

    with pytest.raises(RecordError, match="use letters, digits and hyphens"):
        read_change(path)


@pytest.mark.parametrize(
    ("expected", "told"),
    [
        pytest.param({}, "not asked before the rollout", id="no-plan"),
        pytest.param({"day": date(2026, 2, 2), "8 weeks": 0.4, "26 weeks": 0.31, "order": "as planned"},
                     "40% after 8 weeks, 31% after 26 weeks; most by: as planned", id="plan"),
        pytest.param({"day": date(2026, 2, 2), "8 weeks": 0.4}, "40% after 8 weeks", id="older-plan"),
        pytest.param({"day": date(2026, 3, 3), "8 weeks": 0.4},
                     "40% after 8 weeks; asked on 2026-03-03, after the first rollout on 2026-03-02: no forecast",
                     id="late"),
    ],
)  # fmt: skip
def test_a_report_shows_what_the_plan_said(expected, told):
    """What `prodops plan` wrote into the record stands beside the plan, and whether it was asked too late."""
    rows = dict(plan_table(Change(rollouts={"A": date(2026, 3, 2)}, expected=expected)).cells)

    assert told == rows["Visible, as planned"]
