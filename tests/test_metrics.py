"""Metrics on logs of hand size: what counts, from when to when, and that open items stay."""

import math

import pandas as pd
import pytest
from conftest import log_of

from prodops_analysis import METRICS, Settings
from prodops_analysis.errors import SettingsError
from prodops_analysis.metrics import metric_named
from prodops_analysis.metrics.flow import summarise_durations, weekly, wip_over_time
from prodops_analysis.work_items import fold

MAP = {"Todo": "queue", "Doing": "active", "Asked": "wait", "Done": "done", "Gone": "dropped"}
AS_OF = pd.Timestamp("2024-01-31", tz="UTC")
COLUMNS = ["item_id", "team", "item_type", "size", "at", "value", "ended"]


def day(text):
    """An instant of January 2024: '10' or '10T12'."""
    return pd.Timestamp(f"2024-01-{text}", tz="UTC")


def items_of(*moves, team="Alpha", as_of=AS_OF):
    """Fold moves such as 'A created 01', 'A Doing 03', 'A owner=p1 02' into work items."""
    rows = []
    for move in moves:
        item, what, at = move.split()
        field, _, value = what.partition("=") if "=" in what else ("state", "", what)
        if what == "created":
            field, value = "created", item
        rows.append((item, field, value or None, f"2024-01-{at}"))
    return fold(log_of(*rows, team=team), settings=Settings(workflow=MAP), as_of=as_of).items


def measured(name, *moves, as_of=AS_OF):
    """(value, ended) of item A, or None where the metric does not count it."""
    rows = METRICS[name].function(items_of(*moves, as_of=as_of), as_of=as_of)
    mine = rows[rows["item_id"] == "A"]
    return (mine["value"].iloc[0], bool(mine["ended"].iloc[0])) if len(mine) else None


BEGUN = ("A created 01", "A Todo 01", "A Doing 03")


@pytest.mark.parametrize(
    ("moves", "cycle", "lead"),
    [
        pytest.param((*BEGUN, "A Done 08"), (5, True), (7, True), id="start-to-done"),
        pytest.param(BEGUN, (28, False), (30, False), id="open-counts-to-as-of"),
        pytest.param(("A created 01", "A Todo 01"), None, (30, False), id="not-started"),
        pytest.param((*BEGUN, "A Done 03T12"), (0.5, True), (2.5, True), id="same-day-is-not-zero"),
        pytest.param((*BEGUN, "A Done 08", "A Doing 10"), (28, False), (30, False), id="reopened-is-open-again"),
        pytest.param((*BEGUN, "A Done 08", "A Doing 10", "A Done 13"), (10, True), (12, True), id="last-end-counts"),
        pytest.param((*BEGUN, "A Todo 04", "A Doing 06", "A Done 08"), (5, True), (7, True), id="first-start-counts"),
        pytest.param((*BEGUN, "A Gone 08"), (5, True), (7, True), id="dropped-is-an-end"),
        pytest.param((*BEGUN, "A Mystery 05", "A Done 08"), (5, True), (7, True), id="unknown-state-moves-no-clock"),
        pytest.param(("A created 01", "A Asked 02", "A Done 04"), (2, True), (3, True), id="waiting-starts-the-clock"),
        pytest.param(("A created 01", "A Done 04"), None, (3, True), id="done-without-start-has-no-cycle-time"),
        pytest.param(
            ("A created 04", "A Done 02", "A Doing 05"), (26, False), (27, False), id="end-before-start-reopened"
        ),
    ],
)
def test_durations(moves, cycle, lead):
    """Elapsed days from first start (or creation) to the end that lasted; open items stay with a lower bound."""
    assert cycle == measured("cycle_time", *moves)
    assert lead == measured("lead_time", *moves)


def test_later_events_are_not_looked_at():
    """As known on the 5th the item was open for two days, whatever happened on the 8th."""
    rows = METRICS["cycle_time"].function(items_of(*BEGUN, "A Done 08"), as_of=day("05"))

    assert (rows["value"].iloc[0], rows["ended"].iloc[0]) == (2.0, False)


@pytest.mark.parametrize(
    ("moves", "expected"),
    [
        pytest.param((*BEGUN, "A Done 08"), (1, True), id="done"),
        pytest.param((*BEGUN, "A Gone 08"), None, id="dropped-is-not-throughput"),
        pytest.param(BEGUN, None, id="open"),
        pytest.param((*BEGUN, "A Done 08", "A Doing 09"), None, id="reopened"),
        pytest.param(("A created 01", "A Done 04"), (1, True), id="done-without-start-counts"),
    ],
)
def test_throughput(moves, expected):
    """One for each item done and still done."""
    assert expected == measured("throughput", *moves)


def test_throughput_is_placed_at_the_finish():
    """An item counts in the week in which it was done."""
    rows = METRICS["throughput"].function(items_of(*BEGUN, "A Done 08"), as_of=AS_OF)

    assert day("08") == rows["at"].iloc[0]


@pytest.mark.parametrize("name", ["wip", "work_item_age"])
@pytest.mark.parametrize(
    ("moves", "expected"),
    [
        pytest.param(BEGUN, (28, False), id="under-way"),
        pytest.param(("A created 01", "A Todo 01"), None, id="not-started"),
        pytest.param((*BEGUN, "A Done 08"), None, id="done"),
        pytest.param((*BEGUN, "A Gone 08"), None, id="dropped"),
        pytest.param((*BEGUN, "A Todo 20"), (28, False), id="sent-back-is-still-open"),
    ],
)
def test_open_items(name, moves, expected):
    """Started and not ended, with the days since the first start."""
    assert expected == measured(name, *moves)


@pytest.mark.parametrize(
    ("moves", "expected"),
    [
        pytest.param((*BEGUN, "A unplanned=incident 02"), (1, True), id="marked"),
        pytest.param((*BEGUN, "A unplanned=no 02"), (0, True), id="marked-as-planned"),
        pytest.param((*BEGUN, "A unplanned=yes 04"), (0, True), id="marked-too-late"),
        pytest.param((*BEGUN, "B unplanned=yes 04"), (0, True), id="unmarked-in-a-team-that-marks"),
        pytest.param(BEGUN, None, id="team-marks-nothing"),
        pytest.param(("A created 01", "A unplanned=yes 02"), None, id="not-started"),
    ],
)
def test_unplanned(moves, expected):
    """1 where marked as unplanned by the start, 0 where not; unknown where the team marks nothing."""
    assert expected == measured("unplanned", *moves)


@pytest.mark.parametrize(
    ("moves", "expected"),
    [
        pytest.param((*BEGUN, "A owner=p1 02"), (1, True), id="owner-before"),
        pytest.param((*BEGUN, "A owner=p1 03"), (1, True), id="owner-in-the-same-instant"),
        pytest.param((*BEGUN, "A owner=p1 04"), (0, True), id="owner-too-late"),
        pytest.param((*BEGUN, "B owner=p1 04"), (0, True), id="no-owner-in-a-team-that-records-them"),
        pytest.param(BEGUN, None, id="team-records-no-owners"),
        pytest.param(("A created 01", "A owner=p1 02"), None, id="not-started"),
        pytest.param((*BEGUN, "A owner=p1 01", "A owner= 02"), (0, True), id="owner-taken-away-again"),
    ],
)
def test_owner_at_start(moves, expected):
    """1 with an owner at the start, 0 without; unknown where the team's log has no owners."""
    assert expected == measured("owner_at_start", *moves)


@pytest.mark.parametrize(
    ("moves", "expected"),
    [
        pytest.param((*BEGUN, "A Done 08"), (0, True), id="stayed-done"),
        pytest.param((*BEGUN, "A Done 08", "A Doing 20"), (1, True), id="sent-back"),
        pytest.param((*BEGUN, "A Done 08", "A Gone 20"), (1, True), id="dropped-after-all"),
        pytest.param((*BEGUN, "A Done 08", "A Doing 20", "A Done 21"), (1, True), id="sent-back-and-done-again"),
        pytest.param(("A created 01", "A Done 01", "A Doing 31"), (1, True), id="on-the-thirtieth-day"),
        pytest.param(("A created 01", "A Done 01", "A Doing 31T01"), (0, True), id="an-hour-later"),
        pytest.param((*BEGUN, "A Done 08", "A Mystery 20"), (0, True), id="unknown-state-undoes-nothing"),
        pytest.param((*BEGUN, "A Todo 08", "A Doing 20"), None, id="never-done"),
        pytest.param((*BEGUN, "A Gone 08", "A Doing 20"), None, id="dropped-and-taken-up-again"),
    ],
)
def test_reopened(moves, expected):
    """1 where finished work came back within 30 days, 0 where it did not, whatever became of it later."""
    assert expected == measured("reopened", *moves, as_of=pd.Timestamp("2024-02-29", tz="UTC"))


@pytest.mark.parametrize(
    ("as_of", "expected"), [pytest.param("2024-02-07", (1, True), id="thirty-days"), ("2024-02-06T23:59", None)]
)
def test_young_finishes_are_not_counted_yet(as_of, expected):
    """What came back at once counts no sooner than what did not: every item is followed for 30 days."""
    assert expected == measured("reopened", *BEGUN, "A Done 08", "A Doing 09", as_of=pd.Timestamp(as_of, tz="UTC"))


@pytest.mark.parametrize("name", list(METRICS))
def test_observations_have_one_form(name):
    """Every metric gives the columns that `Metric` promises, one row an item, and leaves the items alone."""
    items = items_of(*BEGUN, "A owner=p1 02", "A Done 08", "B created 02", "B Doing 04", "B owner=p2 03")
    before = items.copy()

    rows = METRICS[name].function(items, as_of=AS_OF)

    assert set(COLUMNS) <= set(rows)
    assert rows["item_id"].is_unique
    assert rows["value"].dtype == "float64"
    pd.testing.assert_frame_equal(before, items)


@pytest.mark.parametrize("name", list(METRICS))
def test_nothing_to_observe(name):
    """Items none of which count give an empty table with the same columns."""
    rows = METRICS[name].function(items_of("A created 01", "A Todo 01").iloc[:0], as_of=AS_OF)

    assert rows.empty
    assert set(COLUMNS) <= set(rows)


def test_summary_of_durations():
    """Ended after 1, 2 and 3 days (the last dropped), open after 4 and 5: S is 4/5, 3/5, 2/5."""
    moves = []
    for item, end in zip("ABC", ("Done 02", "Done 03", "Gone 04"), strict=True):
        moves += [f"{item} created 01", f"{item} Doing 01", f"{item} {end}"]
    moves += ["D created 02", "D Doing 02", "E created 01", "E Doing 01"]
    rows = METRICS["cycle_time"].function(items_of(*moves, as_of=day("06")), as_of=day("06"))

    summary = summarise_durations(rows)

    assert (summary.n, summary.n_open, summary.n_dropped) == (5, 2, 1)
    assert (summary.median, summary.completed_only) == (3, 2)
    assert math.isnan(summary.p85)
    assert pytest.approx((summary.ends.at(5, 1), summary.ends.at(5, 2))) == (0.4, 0.2)


def test_summary_of_nothing():
    """Nothing observed gives no summary, not zeros."""
    assert summarise_durations(METRICS["cycle_time"].function(items_of("A created 01"), as_of=AS_OF)) is None


def test_summary_without_drops_has_no_competing_ends():
    """Where nothing was dropped there is one kind of end."""
    assert summarise_durations(METRICS["cycle_time"].function(items_of(*BEGUN, "A Done 08"), as_of=AS_OF)).ends is None


def test_weekly_counts():
    """Whole weeks from Monday, weeks without anything as zero, part weeks left out. 2024-01-01 was a Monday."""
    moves = [m for item, at in (("A", "02"), ("B", "07T23"), ("C", "16"), ("D", "29"))
             for m in (f"{item} created 01", f"{item} Done {at}")]  # fmt: skip
    done = METRICS["throughput"].function(items_of(*moves), as_of=AS_OF)

    weeks = weekly(done, since=day("01"), until=AS_OF)
    later = weekly(done, since=day("02"), until=AS_OF)

    assert weeks["count"].tolist() == [2, 0, 1, 0]
    assert [day("01"), day("08"), day("15"), day("22")] == weeks["week"].tolist()
    assert later["count"].tolist() == [0, 1, 0]


@pytest.mark.parametrize(("zone", "counts"), [("UTC", [0, 1]), ("America/Chicago", [1, 0]), ("Asia/Tokyo", [0, 1])])
def test_weeks_begin_where_people_are(zone, counts):
    """What is done on Monday at three UTC was done on Sunday in Chicago, in the week in which its clocks change."""
    done = pd.DataFrame({"at": [pd.Timestamp("2026-03-09T03:00Z")]})
    since, until = (pd.Timestamp(when, tz=zone) for when in ("2026-03-01", "2026-03-16"))

    weeks = weekly(done, since=since, until=until)

    assert weeks["count"].tolist() == counts
    assert [pd.Timestamp(when, tz=zone) for when in ("2026-03-02", "2026-03-09")] == weeks["week"].tolist()


def test_wip_over_time():
    """Started on or before the instant, ended after it."""
    items = items_of("A created 01", "A Doing 02", "A Done 05", "B created 01", "B Doing 04")

    table = wip_over_time(items, at=pd.DatetimeIndex([day("01"), day("02"), day("04"), day("05")]))

    assert table["wip"].tolist() == [0, 1, 2, 1]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        pytest.param("cycle_tme", "no metric 'cycle_tme'; did you mean 'cycle_time'", id="misspelt"),
        pytest.param("velocity", "no metric 'velocity'; the metrics are cycle_time, lead_time", id="unknown"),
    ],
)
def test_unknown_metric(name, message):
    """An unknown name is refused with the nearest one and the list."""
    with pytest.raises(SettingsError, match=message):
        metric_named(name)


def test_registry():
    """Names are keys, every question is a question, shares are stated as differences and the rest as ratios."""
    assert {"cycle_time", "lead_time", "throughput", "owner_at_start"} <= set(METRICS)
    for name, metric in METRICS.items():
        assert name == metric.name
        assert metric.question.endswith("?")
        assert all([metric.label, metric.unit, metric.source])
        assert (metric.scale == "difference") == (metric.kind == "share")
