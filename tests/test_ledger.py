"""The restatement ledger: a published month beside the same from today's data, with the items that moved."""

import json
from dataclasses import replace

import pandas as pd
import pytest

from prodops_analysis.report.changes import assess_all
from prodops_analysis.report.ledger import ITEMS, KEPT, items_text, ledger, moved, published_before
from prodops_analysis.tables import Callout, Table
from prodops_analysis.work_items import fold


@pytest.fixture(scope="module")
def published(sample, tmp_path_factory):
    """September as it was published: its verdicts, its instant, its items."""
    folder = tmp_path_factory.mktemp("reports") / "2026-09"
    (folder / "data").mkdir(parents=True)
    verdicts = {said.change_id: said.to_dict() for said in assess_all(sample)}
    (folder / "metrics.json").write_text(json.dumps({"monthly-review": {"verdicts": verdicts}}), encoding="utf-8")
    (folder / "manifest.json").write_text(json.dumps({"as_of": sample.as_of.isoformat()}), encoding="utf-8")
    (folder / ITEMS).write_text(items_text(sample.items), encoding="utf-8")
    return folder


def today(sample, events):
    """The sample with another log."""
    items = fold(events, settings=sample.settings, as_of=sample.as_of)
    return replace(sample, events=events, fold=items)


def test_what_nobody_touched_is_not_restated(sample, published):
    """The same log gives the same verdicts, and no item moved."""
    found = ledger(sample, published)

    assert isinstance(found, Table)
    assert "nothing was restated" in found.caption
    assert len(found.cells) == 4
    assert {row[1] == row[2] for row in found.cells} == {True}
    assert {row[3] for row in found.cells} == {"none"}


def test_items_that_moved_are_named_with_the_verdict_they_changed(sample, published):
    """Work of an adopting team that was deleted, added and finished later is counted by kind and named."""
    team = next(team for team, day in sample.change("intake-template").rollouts.items() if day)
    mine = sample.items[(sample.items["team"] == team) & sample.items["finished_at"].notna()]
    gone, slower = mine["item_id"].iloc[0], mine["item_id"].iloc[1]
    events = sample.events[sample.events["item_id"] != gone]
    late = events["item_id"].eq(slower) & events["to_value"].eq("Done")
    added = events[events["item_id"] == mine["item_id"].iloc[2]].assign(
        item_id="NEW-1", event_id=lambda rows: rows["event_id"] + "-new"
    )
    events = pd.concat([events[~late], added], ignore_index=True)

    found = ledger(today(sample, events), published)

    by_change = {row[0]: row[3] for row in found.cells}
    moved = by_change[sample.names["intake-template"]]
    assert "1 added: NEW-1" in moved
    assert f"1 gone: {gone}" in moved
    assert f"1 changed: {slower}" in moved


def test_a_restated_verdict_is_counted(sample, published, tmp_path):
    """Where the published verdict was another, the caption counts it and both stand side by side."""
    folder = tmp_path / "2026-09"
    (folder / "data").mkdir(parents=True)
    for name in ("manifest.json", ITEMS):
        (folder / name).write_text((published / name).read_text(encoding="utf-8"), encoding="utf-8")
    results = json.loads((published / "metrics.json").read_text(encoding="utf-8"))
    results["monthly-review"]["verdicts"]["intake-template"] |= {"verdict": "worsened", "estimate": 0.25}
    (folder / "metrics.json").write_text(json.dumps(results), encoding="utf-8")

    found = ledger(sample, folder)

    row = next(row for row in found.cells if row[0] == sample.names["intake-template"])
    assert "1 of 4 restated" in found.caption
    assert row[1] == "worsened, +25%"
    assert row[2].startswith("improved, −")


def test_a_month_without_verdicts_says_so(sample, published, tmp_path):
    """No verdict then is no table now."""
    folder = tmp_path / "2026-08"
    (folder / "data").mkdir(parents=True)
    (folder / "metrics.json").write_text("{}", encoding="utf-8")
    for name in ("manifest.json", ITEMS):
        (folder / name).write_text((published / name).read_text(encoding="utf-8"), encoding="utf-8")

    found = ledger(sample, folder)

    assert isinstance(found, Callout)
    assert "August 2026 had no verdict" in found.title


def test_the_newest_month_before_is_compared(tmp_path):
    """Later months, months without their items, and other folders are not looked at."""
    for name in ("2026-07", "2026-08", "2026-10", "notes"):
        (tmp_path / name / "data").mkdir(parents=True)
        (tmp_path / name / ITEMS).touch()
    (tmp_path / "2026-09").mkdir()

    assert published_before(tmp_path, "2026-10") == tmp_path / "2026-08"
    assert published_before(tmp_path, "2026-07") is None


def test_ids_that_look_like_formulas_survive_the_ledger(sample, published, tmp_path):
    """An id with a leading = is quoted for spreadsheets and read back as it was: nothing moved."""
    odd = sample.items["item_id"].iloc[0]
    events = sample.events.assign(item_id=sample.events["item_id"].replace(odd, "=1+1"))
    history = today(sample, events)
    folder = tmp_path / "2026-09"
    (folder / "data").mkdir(parents=True)
    for name in ("manifest.json", "metrics.json"):
        (folder / name).write_text((published / name).read_text(encoding="utf-8"), encoding="utf-8")
    (folder / ITEMS).write_text(items_text(history.items), encoding="utf-8")

    assert "'=1+1" in (folder / ITEMS).read_text(encoding="utf-8")
    assert {row[3] for row in ledger(history, folder).cells} == {"none"}


def test_moved_items_are_listed_by_team():
    """Only items of the teams asked for, first ids in order, the rest counted."""
    then = items(team={"gone": "B"} | {str(n): "A" for n in range(5)}, outcome="open")
    now = items(team={"b": "A", "a": "A", "z": "B"} | {str(n): "A" for n in range(5)}, outcome="done")

    assert moved(then, now, {"A"}) == "2 added: a, b; 5 changed: 0, 1, 2 and 2 more"
    assert moved(then, now, {"B"}) == "1 added: z; 1 gone: gone"
    assert moved(then, now, {"C"}) == "none"


def items(*, team: dict[str, str], outcome: str) -> pd.DataFrame:
    """Items of teams as a month keeps them, all with one outcome."""
    rows = [(item, name, "", "", "", outcome) for item, name in team.items()]
    return pd.DataFrame(rows, columns=list(KEPT))
