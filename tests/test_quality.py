"""Data quality: each check on its smallest example, and the grades at their exact borders."""

import math

import pandas as pd
import pytest
from conftest import log_of, utc
from hypothesis import given
from hypothesis import strategies as st

from prodops_analysis.event_log import FAULT_COLUMNS
from prodops_analysis.metrics import METRICS
from prodops_analysis.quality import CHECKS, doubtful_items, grade_of, in_doubt, scorecard
from prodops_analysis.settings import Quality, Settings
from prodops_analysis.work_items import NO_TEAM, Fold, fold

SETTINGS = Settings(workflow={"Backlog": "queue", "Doing": "active", "Done": "done", "Dropped": "dropped"})
AS_OF = utc("2026-02-01")
JANUARY = (utc("2026-01-01"), AS_OF)
CLEAN = [
    ("A", "created", "A", "2026-01-02"),
    ("A", "Backlog", "2026-01-02"),
    ("A", "Doing", "2026-01-05"),
    ("A", "Done", "2026-01-09"),
]
TIMES = {"cycle_time", "lead_time", "throughput"}


def folded(*events: tuple, as_of: pd.Timestamp = AS_OF, **columns) -> Fold:
    """Fold events as `log_of` takes them."""
    return fold(log_of(*events, **columns), settings=SETTINGS, as_of=as_of)


def faults(*rows: tuple[str | None, str]) -> pd.DataFrame:
    """Listed faults as (item, reason)."""
    made = [("tracker", n, item, reason, "x") for n, (item, reason) in enumerate(rows, start=1)]
    return pd.DataFrame(made, columns=list(FAULT_COLUMNS)).astype({"item_id": "str", "reason": "str"})


def card(*events: tuple, listed: pd.DataFrame | None = None, silence: bool = False, window=JANUARY, **columns):
    """The scorecard of a log."""
    log = log_of(*events, **columns)
    return scorecard(
        fold(log, settings=SETTINGS, as_of=AS_OF),
        faults=faults() if listed is None else listed,
        settings=SETTINGS.quality,
        window=window,
        last_events=log[["team", "at"]] if silence else log[["team", "at"]].iloc[:0],
    )


def grade(scored, metric: str, *, team: str = "Search") -> str:
    """The grade of one figure of one team."""
    return scored.grades.set_index(["metric", "team"]).loc[(metric, team), "grade"]


def fired(scored) -> dict[str, tuple[str, ...]]:
    """The checks that found something, and their items."""
    return {check.name: check.items for check in scored.checks if check.n}


@pytest.mark.parametrize(
    ("at", "states", "expected"),
    [
        pytest.param("2026-01-05", ["Doing", "Done"], False, id="begun-and-done-in-a-day"),
        pytest.param("2026-01-05", ["Done"], True, id="never-begun"),
        pytest.param("2026-01-06", ["Doing", "Done"], True, id="created-afterwards"),
        pytest.param("2026-01-05T10:07:31", ["Doing", "Done"], True, id="all-in-one-second"),
    ],
)
def test_work_of_one_day_is_no_work_created_done(at, states, expected):
    """In an export of whole days, what was begun and done on its first day is sound."""
    made = folded(("A", "created", "A", at), *[("A", state, min(at, "2026-01-05T10:07:31")) for state in states])

    found = doubtful_items(made, faults=faults(), settings=SETTINGS.quality)

    assert [expected] == found["created already done"].tolist()


@pytest.mark.parametrize(
    ("events", "listed", "expected"),
    [
        pytest.param(
            [
                ("B", "created", "B", "2026-01-02"),
                ("B", "Done", "2026-01-03"),
                ("B", "Doing", "2026-01-05"),
                ("B", "Done", "2026-01-06"),
            ],
            (),
            {"finish before start", "backward move"},
            id="finish-before-start",
        ),
        pytest.param(
            [("B", "Backlog", "2026-01-02"), ("B", "Done", "2026-01-03")],
            (),
            {"finish without start"},
            id="finish-without-start",
        ),
        pytest.param(
            [("B", "created", "B", "2026-01-02"), ("B", "Done", "2026-01-02")],
            (),
            {"created already done", "finish without start"},
            id="created-already-done",
        ),
        pytest.param(
            [("B", "Backlog", "2026-01-02"), ("B", "Sleeping", "2026-01-03")],
            (),
            {"unknown state", "unknown state before the start", "unknown state at the end"},
            id="unknown-state",
        ),
        pytest.param(
            [("B", "Doing", "2026-01-02"), ("B", "Sleeping", "2026-01-03"), ("B", "Done", "2026-01-04")],
            (),
            {"unknown state"},
            id="unknown-state-under-way",
        ),
        pytest.param([("B", "Backlog", "2026-01-02")], [("B", "same event twice")], {"duplicate id"}, id="duplicate"),
        pytest.param([("B", "Backlog", "2026-01-02")], [("B", "no date")], {"unreadable row"}, id="no-date"),
        pytest.param(
            [("B", "Backlog", "2026-01-02")], [("B", "unreadable date")], {"unreadable row"}, id="unreadable-date"
        ),
        pytest.param(
            [("B", "Backlog", "2026-01-02")], [("B", "unknown field")], {"unreadable row"}, id="unknown-field"
        ),
        pytest.param(
            [("B", "Backlog", "2026-01-02")], [("B", "unknown kind of actor")], {"unreadable row"}, id="actor"
        ),
        pytest.param(
            [("B", "Backlog", "2026-01-02")], [("B", "unreadable order")], {"unreadable row"}, id="order-in-words"
        ),
        pytest.param(
            [("B", "Backlog", "2026-01-02")], [("B", "unreadable version")], {"unreadable row"}, id="version-in-git"
        ),
        pytest.param([("B", "Backlog", "2026-01-02")], [("B", "event after as_of")], {"event after as_of"}, id="late"),
        pytest.param(
            [("B", "Doing", "2026-01-02"), ("B", "Done", "2026-01-03"), ("B", "Doing", "2026-01-04")],
            (),
            {"backward move"},
            id="reopened",
        ),
        pytest.param([("B", "Doing", "2026-01-02", {"from_value": "Doing"})], (), {"history cut"}, id="history-cut"),
        pytest.param(
            [("B", "Done", "2026-01-02", {"from_value": "Doing"})],
            (),
            {"history cut", "finish without start"},
            id="history-cut-just-before-the-end",
        ),
        pytest.param([("B", "Doing", "2025-08-04")], (), {"stale open item"}, id="stale"),
        pytest.param([("B", "Doing", "2025-08-05")], (), set(), id="exactly-180-days-is-not-stale"),
        pytest.param([("B", "Backlog", "2025-01-04")], (), set(), id="an-old-idea-is-not-stale"),
        pytest.param(
            [("B", "Backlog", "2026-01-02"), ("B", "Doing", "2026-01-03")],
            [("Z", "no date"), (None, "no item id")],
            set(),
            id="faults-of-others",
        ),
    ],
)
def test_each_check_fires_on_its_smallest_example(events, listed, expected):
    """A check names the item that it is meant for, and a clean item beside it stays clean."""
    scored = card(*CLEAN, *events, listed=faults(*listed))

    assert dict.fromkeys(expected, ("B",)) == fired(scored)
    assert {0.5 if name in expected else 0.0 for name in CHECKS} == {c.share for c in scored.checks}


def test_a_clean_log_fires_nothing():
    """Clean work has no remark and grade A where something stands behind a figure."""
    scored = card(*CLEAN, ("A", "owner", "p1", "2026-01-03"))

    assert {} == fired(scored)
    assert {"A", "none"} == set(scored.grades["grade"])


@pytest.mark.parametrize(("together", "expected"), [(9, 0), (10, 10)])
def test_bulk_edit(together, expected):
    """Ten items finished in one edit are a bulk edit, nine are not."""
    events = [
        (f"I{n}", s, f"2026-01-0{d}", {"batch_id": b})
        for n in range(together)
        for s, d, b in (("Doing", 2, None), ("Done", 5, "sweep"))
    ]

    assert expected == len(fired(card(*events)).get("bulk edit", ()))


@pytest.mark.parametrize(
    ("releases", "alone", "expected"),
    [
        pytest.param(6, 60, 0, id="half-is-released"),
        pytest.param(5, 0, 50, id="too-few-to-be-a-habit"),
        pytest.param(6, 61, 60, id="most-ends-alone"),
    ],
)
def test_a_release_is_no_bulk_edit(releases, alone, expected):
    """Who always releases work together ends it so; a clean-up that happens now and then is in doubt."""
    ends = [(f"R{day}-{n}", day, f"r{day}") for day in range(releases) for n in range(10)]
    ends += [(f"A{n}", n % 9, None) for n in range(alone)]
    events = [event for item, day, batch in ends for event in (
        (item, "Doing", "2026-01-02"), (item, "Done", f"2026-01-{day + 10}T10:07", {"batch_id": batch}))]  # fmt: skip

    assert expected == doubtful_items(folded(*events), faults=faults(), settings=SETTINGS.quality)["bulk edit"].sum()


@pytest.mark.parametrize(
    ("states", "listed", "expected"),
    [
        pytest.param(["Doing", "Done", "Doing", "Done"], (), {"throughput"}, id="backward-move"),
        pytest.param(["Doing", "Sleeping", "Done"], (), set(), id="unknown-state-under-way"),
        pytest.param(["Sleeping", "Doing", "Done"], (), {"cycle_time"}, id="unknown-state-before-the-start"),
        pytest.param(["Doing", "Done", "Sleeping", "Done"], (), TIMES | {"reopened"}, id="unknown-state-at-the-end"),
        pytest.param(["Doing", "Done"], [("A", "same event twice")], {"throughput"}, id="duplicate"),
        pytest.param(["Backlog", "Done"], (), {"cycle_time"}, id="finish-without-start"),
    ],
)
def test_each_check_doubts_only_the_figures_it_names(states, listed, expected):
    """A doubt reaches the figures that the check is about, and no other."""
    scored = card(*[("A", s, f"2026-01-0{n}") for n, s in enumerate(states, start=2)], listed=faults(*listed))

    assert expected == set(scored.grades.loc[scored.grades["in_doubt"] > 0, "metric"])


def test_what_nobody_records_has_no_grade():
    """A figure that no team records is not graded; one that some team records is."""
    without, owned = (set(card(*CLEAN, *more).grades["metric"]) for more in ((), [("A", "owner", "p1", "2026-01-03")]))

    assert {"owner_at_start", "unplanned"} == set(METRICS) - without
    assert {"unplanned"} == set(METRICS) - owned


def test_every_check_names_known_figures():
    """No check doubts a figure that does not exist, and each says what it means."""
    for meaning, figures in CHECKS.values():
        assert set(figures) <= set(METRICS)
        assert meaning


@pytest.mark.parametrize(
    ("bad", "n", "grade"),
    [
        (0, 100, "A"),
        (1, 51, "A"),
        (1, 50, "B"),
        (2, 100, "B"),
        (9, 91, "B"),
        (1, 10, "C"),
        (24, 97, "C"),
        (1, 4, "D"),
        (1, 1, "D"),
    ],
)
def test_grades_at_their_borders(bad, n, grade):
    """From 2 % in doubt a figure is B, from 10 % C, from 25 % D."""
    assert grade == grade_of(bad / n, thresholds=Quality())


@given(st.floats(0, 1), st.floats(0, 1))
def test_more_doubt_is_never_a_better_grade(one, other):
    """Grades follow the share."""
    better, worse = sorted([one, other])

    assert grade_of(better, thresholds=Quality()) <= grade_of(worse, thresholds=Quality())


def test_nothing_behind_a_figure_is_no_grade():
    """Where no item stands behind a figure there is nothing to grade: neither A nor D."""
    scored = card(*CLEAN)

    assert "none" == grade_of(math.nan, thresholds=Quality())
    assert ("none", "A") == (grade(scored, "wip"), grade(scored, "cycle_time"))


def test_only_items_of_the_window_and_team_count():
    """A grade rests on the items whose instant lies in the month, of the team alone."""
    events = [
        ("OLD", "Done", "2025-12-31T23:59"),
        ("NEW", "Doing", "2025-12-30"),
        ("NEW", "Done", "2026-01-01"),
        ("X", "Done", "2026-01-20", {"team": "Billing"}),
    ]
    scored = card(*events)

    shown = scored.grades[scored.grades["metric"] == "cycle_time"].set_index("team")
    assert (1, 0, "A") == tuple(shown.loc["Search", ["items", "in_doubt", "grade"]])
    assert (1, 1, "D") == tuple(shown.loc["Billing", ["items", "in_doubt", "grade"]])


def test_the_end_of_the_window_belongs_to_the_next_month():
    """Windows are half open: an item finished at the border counts once."""
    events = [("A", "Doing", "2025-12-30"), ("A", "Done", "2026-01-01")]

    december = card(*events, window=(utc("2025-12-01"), utc("2026-01-01"))).grades
    january = card(*events).grades

    assert [0, 1] == [int(g.loc[g["metric"] == "throughput", "items"].iloc[0]) for g in (december, january)]


def test_ideas_do_not_dilute_the_doubt_about_work_in_progress():
    """WIP counts started work; a long backlog behind one stale item does not make it look sound."""
    ideas = [(f"I{n}", "Backlog", "2026-01-05") for n in range(99)]

    scored = card(("B", "Doing", "2025-06-01"), *ideas)

    assert "D" == grade(scored, "wip")
    assert [1, 1] == scored.grades.loc[scored.grades["metric"].isin(["wip", "work_item_age"]), "items"].tolist()


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        pytest.param("2026-01-16T12:00", "D", id="half-the-month"),
        pytest.param("2026-01-16T13:00", "A", id="less-than-half"),
    ],
)
def test_silence_of_half_a_month_is_grade_d(last, expected):
    """A team of which nothing is heard for half the month has no figures to trust."""
    lines = [("A", "Doing", "2026-01-01"), ("A", "Done", "2026-01-08"), ("A", "comment", None, last)]
    lines += [("A", "comment", None, f"2026-01-{n}") for n in (12, 15)]

    assert expected == grade(card(*lines, silence=True), "cycle_time")


def test_silence_is_judged_by_team():
    """One team's silence does not touch another, and a team that fell silent earlier is silent all month."""
    busy = [("A", "comment", None, f"2026-01-{n:02}") for n in range(1, 32)]
    scored = card(*busy, ("B", "Doing", "2025-12-01", {"team": "Quiet"}), silence=True)

    silent = scored.grades.groupby("team")["silent_days"].first().to_dict()
    assert {"Quiet": 31.0, "Search": 1.0} == silent
    assert ("D", "none") == (grade(scored, "wip", team="Quiet"), grade(scored, "wip"))


def test_silence_of_work_without_a_team_is_judged():
    """A log without teams falls silent like any other."""
    scored = card(("A", "Doing", "2025-12-01"), silence=True, team=None)

    assert "D" == grade(scored, "wip", team=NO_TEAM)


def test_no_items_no_grades():
    """An empty history has a scorecard without grades."""
    assert 0 == len(card(("A", "Doing", "2026-03-01")).grades)


def test_items_in_doubt():
    """An item is in doubt for the figures that a check which touches it names, and for no other."""
    done = folded(("A", "Doing", "2026-01-02"), ("A", "Done", "2026-01-03"), ("B", "Backlog", "2026-01-02"),
                  ("B", "Done", "2026-01-03"))  # fmt: skip

    touched = doubtful_items(done, faults=faults(), settings=Quality())

    assert {"finish without start"} == {name for name, items in touched.items() if items.any()}
    assert [False, True] == in_doubt(touched, "cycle_time").tolist()
    assert [False, False] == in_doubt(touched, "lead_time").tolist()
