"""The fold of the event log into work items and spells: hand-made histories, and rules that hold for any."""

from typing import Any

import pandas as pd
import pytest
from conftest import log_of, utc
from slow_fold import MAPS, hostile_log

from prodops_analysis.attributes import with_attributes
from prodops_analysis.errors import EventLogError
from prodops_analysis.event_log import merge
from prodops_analysis.settings import Settings
from prodops_analysis.work_items import NO_TEAM, Fold, fold, marked
from prodops_analysis.workflow import Workflow

STAGES = {
    "Backlog": "queue",
    "Doing": "active",
    "Review": "active",
    "Waiting": "wait",
    "Done": "done",
    "Archived": "done",
    "Dropped": "dropped",
}
WORKFLOW = Workflow.of(STAGES, same_as={"In work": "Doing", "Shipped": "Done"})
SETTINGS = Settings(workflow={"*": WORKFLOW})
AS_OF = utc("2026-03-01")


def day(number: int) -> str:
    """The n-th day of January 2026."""
    return f"2026-01-{number:02}"


# case -> (its events without the item, what the item must say); instants are days of January
CASES: dict[str, tuple[list[tuple], dict[str, Any]]] = {
    "queued": (
        [("Backlog", 1)],
        {"started_at": None, "finished_at": None, "outcome": "open", "unknown_states": 0},
    ),
    "started": (
        [("Backlog", 1), ("Doing", 3)],
        {"started_at": 3, "start_state": "Doing", "finished_at": None, "outcome": "open"},
    ),
    "waiting-is-no-way-back": ([("Doing", 1), ("Waiting", 3)], {"backward_moves": 0, "outcome": "open"}),
    "waiting-starts-too": (
        [("Backlog", 1), ("Waiting", 3), ("Doing", 4)],
        {"started_at": 3, "start_state": "Waiting", "backward_moves": 0},
    ),
    "finished": (
        [("Backlog", 1), ("Doing", 3), ("Review", 4), ("Done", 7)],
        {
            "started_at": 3,
            "finished_at": 7,
            "first_finished_at": 7,
            "finish_state": "Done",
            "outcome": "done",
            "reopenings": 0,
            "backward_moves": 0,
            "finish_batch": 1,
        },
    ),
    "stages-skipped": (
        [("Doing", 3), ("Done", 7)],
        {"created_at": 3, "started_at": 3, "finished_at": 7},
    ),
    "straight-to-done": ([("Backlog", 1), ("Done", 7)], {"started_at": None, "finished_at": 7, "outcome": "done"}),
    "moved-back": (
        [("Doing", 1), ("Backlog", 3), ("Doing", 5), ("Done", 7)],
        {"started_at": 1, "finished_at": 7, "backward_moves": 1, "reopenings": 0},
    ),
    "reopened-and-open": (
        [("Doing", 1), ("Done", 3), ("Doing", 5)],
        {
            "finished_at": None,
            "outcome": "open",
            "finish_state": None,
            "first_finished_at": 3,
            "undone_at": 5,
            "reopenings": 1,
            "backward_moves": 1,
        },
    ),
    "reopened-and-done": (
        [("Doing", 1), ("Done", 3), ("Doing", 5), ("Done", 9)],
        {"started_at": 1, "finished_at": 9, "first_finished_at": 3, "reopenings": 1, "outcome": "done"},
    ),
    "undone-twice": ([("Done", 1), ("Doing", 3), ("Done", 5), ("Doing", 9)], {"undone_at": 3, "reopenings": 2}),
    "undone-by-deleting": (
        [("Doing", 1), ("Done", 3), ("deleted", None, 5)],
        {"undone_at": None, "finished_at": 3, "outcome": "done"},
    ),
    "archived-later": (
        [("Doing", 1), ("Done", 3), ("Archived", 20)],
        {"finished_at": 3, "finish_state": "Done", "outcome": "done", "reopenings": 0, "undone_at": None},
    ),
    "dropped": (
        [("Doing", 1), ("Dropped", 5)],
        {"finished_at": 5, "first_finished_at": None, "finish_state": "Dropped", "outcome": "dropped"},
    ),
    "dropped-then-reopened": (
        [("Doing", 1), ("Dropped", 5), ("Doing", 6)],
        {"finished_at": None, "outcome": "open", "reopenings": 1, "undone_at": None},
    ),
    "dropped-then-done": (
        [("Doing", 1), ("Dropped", 5), ("Done", 9)],
        {"finished_at": 9, "finish_state": "Done", "outcome": "done"},
    ),
    "done-then-dropped": (
        [("Doing", 1), ("Done", 5), ("Dropped", 9)],
        {"finished_at": 9, "first_finished_at": 5, "undone_at": 9, "finish_state": "Dropped", "outcome": "dropped"},
    ),
    "deleted": ([("Doing", 1), ("deleted", None, 5)], {"finished_at": 5, "outcome": "dropped", "finish_state": None}),
    "deleted-before-start": (
        [("Backlog", 1), ("deleted", None, 5)],
        {"started_at": None, "finished_at": 5, "outcome": "dropped"},
    ),
    "deleted-after-done": (
        [("Doing", 1), ("Done", 3), ("deleted", None, 5)],
        {"finished_at": 3, "finish_state": "Done", "outcome": "done"},
    ),
    "deleted-twice-after-done": (
        [("Done", 3), ("deleted", None, 5), ("deleted", None, 6)],
        {"finished_at": 3, "outcome": "done"},
    ),
    "deleted-and-back": (
        [("Doing", 1), ("deleted", None, 5), ("created", "x", 8), ("Doing", 8)],
        {"started_at": 1, "finished_at": None, "outcome": "open", "reopenings": 1},
    ),
    "unknown-state": (
        [("Doing", 1), ("Sleeping", 3), ("Done", 5), ("Sleeping", 6)],
        {"started_at": 1, "finished_at": 5, "outcome": "done", "unknown_states": 2, "reopenings": 0},
    ),
    "only-unknown": (
        [("Sleeping", 3)],
        {"started_at": None, "outcome": "open", "unknown_at_start": True, "unknown_at_end": True, "unknown_states": 1},
    ),
    "unknown-under-way": (
        [("Backlog", 1), ("Doing", 3), ("Sleeping", 4), ("Waiting", 5), ("Done", 9)],
        {"unknown_at_start": False, "unknown_at_end": False, "unknown_states": 1},
    ),
    "unknown-before-the-start": (
        [("Backlog", 1), ("Sleeping", 2), ("Doing", 3), ("Done", 9)],
        {"started_at": 3, "unknown_at_start": True, "unknown_at_end": False},
    ),
    "unknown-now": (
        [("Doing", 3), ("Sleeping", 9)],
        {"outcome": "open", "unknown_at_start": False, "unknown_at_end": True},
    ),
    "unknown-between-two-ends": (
        [("Doing", 3), ("Done", 9), ("Sleeping", 11), ("Done", 12)],
        {"finished_at": 9, "unknown_at_start": False, "unknown_at_end": True},
    ),
    "dropped-from-an-unknown-state": (
        [("Doing", 3), ("Sleeping", 5), ("deleted", None, 9)],
        {"outcome": "dropped", "unknown_at_end": False},
    ),
    "state-cleared": ([("Doing", 1), ("state", None, 3)], {"started_at": 1, "outcome": "open", "unknown_states": 1}),
    "renamed-states": (
        [("In work", 1), ("Shipped", 3)],
        {"started_at": 1, "start_state": "In work", "finished_at": 3, "finish_state": "Shipped", "outcome": "done"},
    ),
    "case-matters": ([("doing", 1)], {"started_at": None, "unknown_states": 1}),
    "only-created": (
        [("created", "x", 2)],
        {"created_at": 2, "started_at": None, "outcome": "open", "finish_batch": 0},
    ),
    "created-event-counts": ([("created", "x", 2), ("Doing", 4)], {"created_at": 2, "last_event_at": 4}),
    "owner-before-start": ([("owner", "p1", 1), ("Doing", 3)], {"owner_at_start": True, "hand_offs": 0}),
    "owner-in-the-same-instant": ([("Doing", 3), ("owner", "p1", 3)], {"owner_at_start": True}),
    "owner-after-start": ([("Doing", 3), ("owner", "p1", 4)], {"owner_at_start": False}),
    "owner-taken-away": ([("owner", "p1", 1), ("owner", None, 2), ("Doing", 3)], {"owner_at_start": False}),
    "owner-emptied": ([("owner", "p1", 1), ("owner", "", 2), ("Doing", 3)], {"owner_at_start": False}),
    "owner-of-one-letter": ([("owner", "F", 1), ("Doing", 3)], {"owner_at_start": True}),
    "owner-never-started": ([("owner", "p1", 1), ("Backlog", 2)], {"owner_at_start": pd.NA}),
    "unplanned-before-start": ([("unplanned", "incident", 1), ("Doing", 3)], {"unplanned": True}),
    "unplanned-too-late": ([("Doing", 3), ("unplanned", "yes", 4)], {"unplanned": False}),
    "unplanned-taken-back": ([("unplanned", "yes", 1), ("unplanned", " No ", 2), ("Doing", 3)], {"unplanned": False}),
    "unplanned-of-a-boolean": ([("unplanned", "False", 1), ("Doing", 3)], {"unplanned": False}),
    "unplanned-never-marked": ([("Doing", 3)], {"unplanned": False}),
    "handed-off": (
        [("owner", "p1", 1), ("owner", "p2", 2, {"from_value": "p1"}), ("owner", "p1", 3, {"from_value": "p2"})],
        {"hand_offs": 2},
    ),
    "handed-off-by-way-of-nobody": (
        [("owner", "p1", 1), ("owner", None, 2, {"from_value": "p1"}), ("owner", "p2", 3)],
        {"hand_offs": 0},
    ),
    "handed-off-former-value-not-exported": ([("owner", "p1", 1), ("owner", "p2", 2)], {"hand_offs": 1}),
    "target-moved": (
        [
            ("target", "2026-03", 1),
            ("target", "2026-04", 2, {"from_value": "2026-03"}),
            ("target", "2026-06", 3, {"from_value": "2026-04"}),
        ],
        {"target_moves": 2},
    ),
    "type-as-first-known": (
        [("type", None, 1), ("type", "bug", 2), ("type", "feature", 3), ("size", "M", 1)],
        {"item_type": "bug", "size": "M"},
    ),
    "history-cut": ([("Doing", 5, {"from_value": "Doing"})], {"history_cut": True, "started_at": 5}),
    "history-whole": ([("created", "x", 1), ("Doing", 5, {"from_value": "Backlog"})], {"history_cut": False}),
    "began-with-its-state": ([("Backlog", 1), ("Doing", 5, {"from_value": "Backlog"})], {"history_cut": False}),
    "later-than-as-of": (
        [("Doing", 1), ("Done", "2026-03-02"), ("owner", "p1", "2026-03-02")],
        {"finished_at": None, "outcome": "open"},
    ),
    "at-as-of": ([("Doing", 1), ("Done", "2026-03-01")], {"finished_at": "2026-03-01", "outcome": "done"}),
    "done-alone-then-archived-in-bulk": (
        [("Doing", 1), ("Done", 3), ("Archived", 20, {"batch_id": "sweep"})],
        {"finish_batch": 1},
    ),
    "archived-in-bulk-with-it": ([("Doing", 1), ("Archived", 20, {"batch_id": "sweep"})], {"finish_batch": 2}),
    "same-instant": ([("Doing", 4), ("Done", 4)], {"started_at": 4, "finished_at": 4, "outcome": "done"}),
    "same-instant-backwards": (
        [("Done", 4), ("Doing", 4)],
        {"started_at": 4, "finished_at": None, "outcome": "open", "reopenings": 1},
    ),
}


def instant(when: Any) -> Any:
    """An instant from a day of January or a text; None stays."""
    return utc(day(when) if isinstance(when, int) else when)


def events_of(item: str, history: list[tuple]) -> list[tuple]:
    """The events of one item, as `log_of` takes them."""
    made = []
    for event in history:
        *fixed, rest = event if isinstance(event[-1], dict) else (*event, {})
        field, value, when = ("state", *fixed) if len(fixed) == 2 else fixed
        made.append((item, field, value, day(when) if isinstance(when, int) else when, rest))
    return made


@pytest.fixture(scope="module")
def folded() -> Fold:
    """All cases, each an item of its own, in one log."""
    log = log_of(*[event for item, (history, _) in CASES.items() for event in events_of(item, history)])
    return fold(log, settings=SETTINGS, as_of=AS_OF)


@pytest.mark.parametrize("case", CASES)
def test_history_becomes_a_work_item(case, folded):
    """What happened to an item stands in its row."""
    row = folded.items.set_index("item_id").loc[case]
    expected = {
        name: instant(value) if name.endswith("_at") and value is not None else value
        for name, value in CASES[case][1].items()
    }

    shown = {name: None if value is None or value is pd.NA else value for name, value in expected.items()}
    assert shown == {name: None if pd.isna(row[name]) else row[name] for name in expected}


def test_one_row_an_item_in_order(folded):
    """No item is lost or doubled, and the outcome says whether it ended."""
    items = folded.items

    assert sorted(CASES) == items["item_id"].tolist()
    assert items["finished_at"].notna().tolist() == (items["outcome"] != "open").tolist()
    assert {"done", "dropped", "open"} == set(items["outcome"])


def test_counts_are_whole_numbers(folded):
    """Counts are integers in every row, zero where nothing was counted."""
    counts = ["hand_offs", "reopenings", "backward_moves", "unknown_states", "target_moves", "finish_batch"]

    assert {"int64"} == {str(folded.items[name].dtype) for name in counts}


def test_spells_of_an_item():
    """Each stay in a state is a spell; the last one has no end."""
    log = log_of(*events_of("A", [("Backlog", 1), ("Doing", 3), ("Sleeping", 4), ("Waiting", 5), ("Done", 9)]))

    spells = fold(log, settings=SETTINGS, as_of=AS_OF).spells

    assert ["item_id", "team", "stage", "state", "entered_at", "left_at"] == list(spells.columns)
    assert [
        ("queue", "Backlog", 1, 3),
        ("active", "Doing", 3, 4),
        ("unknown", "Sleeping", 4, 5),
        ("wait", "Waiting", 5, 9),
        ("done", "Done", 9, None),
    ] == [
        (row.stage, row.state, row.entered_at.day, None if pd.isna(row.left_at) else row.left_at.day)
        for row in spells.itertuples()
    ]


def test_spells_follow_each_other(folded):
    """One spell ends where the next begins, and only the last is open: no time is lost or counted twice."""
    for _, spells in folded.spells.groupby("item_id"):
        assert spells["left_at"].iloc[:-1].tolist() == spells["entered_at"].iloc[1:].tolist()
        assert spells["left_at"].isna().tolist() == [False] * (len(spells) - 1) + [True]


def test_deleting_ended_work_ends_nothing_again():
    """An item deleted after its end stays done, in its spells as well."""
    log = log_of(*events_of("A", [("Doing", 1), ("Done", 3), ("deleted", None, 5)]))

    spells = fold(log, settings=SETTINGS, as_of=AS_OF).spells

    assert ["active", "done"] == spells["stage"].tolist()
    assert pd.isna(spells["left_at"].iloc[-1])


def test_start_states_of_its_own():
    """Where a map names its start states, only they start the clock."""
    settings = Settings(workflow=Workflow.of(STAGES, start=("Review",), same_as={"Checking": "Review"}))
    log = log_of(*events_of("A", [("Doing", 1), ("Review", 4)]), *events_of("B", [("Doing", 1), ("Checking", 6)]))

    items = fold(log, settings=settings, as_of=AS_OF).items

    assert [utc(day(4)), utc(day(6))] == items["started_at"].tolist()


def test_teams_keep_words_of_their_own():
    """One word may mean work in one team and the end in another."""
    maps = {
        "Search": {"Review": "active", "Closed": "done"},
        "Billing": {"Review": "done", "Closed": "dropped", "Doing": "active"},
    }
    history = [("Review", 2), ("Closed", 5)]
    log = log_of(
        *[(*e[:-1], {"team": "Search"}) for e in events_of("S", history)],
        *[(*e[:-1], {"team": "Billing"}) for e in events_of("B", history)],
    )

    items = fold(log, settings=Settings(workflow=maps), as_of=AS_OF).items.set_index("item_id")

    assert ("done", utc(day(2)), utc(day(5))) == tuple(items.loc["S", ["outcome", "started_at", "finished_at"]])
    assert ("dropped", True, utc(day(2))) == (
        items.at["B", "outcome"],
        pd.isna(items.at["B", "started_at"]),
        items.at["B", "first_finished_at"],
    )


def test_an_item_stays_with_the_team_it_began_with():
    """A transfer does not move an item's past to another team, and its states are read by the first team's map."""
    log = log_of(
        ("A", "Doing", day(1), {"team": None}),
        ("A", "Review", day(2), {"team": "Search"}),
        ("A", "Done", day(5), {"team": "Billing"}),
        ("B", "Doing", day(1), {"team": "Billing"}),
    )

    done = fold(log, settings=SETTINGS, as_of=AS_OF)

    assert ["Search", "Billing"] == done.items["team"].tolist()
    assert {"A": {"Search"}, "B": {"Billing"}} == done.spells.groupby("item_id")["team"].apply(set).to_dict()


def test_an_item_without_a_team():
    """Without a team an item has none, and is read by the map for every team."""
    items = fold(log_of(("A", "Doing", day(1)), team=None), settings=SETTINGS, as_of=AS_OF).items

    assert [(NO_TEAM, utc(day(1)))] == list(items[["team", "started_at"]].itertuples(index=False, name=None))


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(("B", "Offen", day(2), {"team": None}), id="no-team"),
        pytest.param(("B", "deleted", None, day(2), {"team": "Billing"}), id="only-deleted"),
    ],
)
def test_a_map_is_not_blamed_for_what_it_cannot_know(event):
    """Items without a team, and teams without a state, are folded although the map knows none of their words."""
    done = fold(log_of(("A", "Doing", day(1)), event), settings=SETTINGS, as_of=AS_OF)

    assert ["A", "B"] == done.items["item_id"].tolist()


def test_owner_at_start_is_unknown_where_owners_are_not_recorded():
    """A team whose log holds no owners has no figure, and not a share of zero."""
    log = log_of(
        ("A", "Doing", day(1)),
        ("B", "Doing", day(1), {"team": "Billing"}),
        ("C", "owner", "p1", day(2), {"team": "Billing"}),
    )

    items = fold(log, settings=SETTINGS, as_of=AS_OF).items

    assert "boolean" == str(items["owner_at_start"].dtype)
    assert [None, False, None] == items["owner_at_start"].astype(object).where(
        items["owner_at_start"].notna(), None
    ).tolist()


def test_bulk_finish_counts_the_items_of_the_edit():
    """Items finished together in one edit carry their number; one finished alone is 1."""
    log = log_of(*[(f"I{n}", "Done", day(5), {"batch_id": "sweep"}) for n in range(4)], ("Z", "Done", day(5)))

    assert [4, 4, 4, 4, 1] == fold(log, settings=SETTINGS, as_of=AS_OF).items["finish_batch"].tolist()


@pytest.mark.parametrize(
    ("at", "known", "expected"),
    [
        pytest.param("2026-01-05 14:07:31", {}, 4, id="one-second"),
        pytest.param("2026-01-05 14:00:00", {}, 1, id="a-rounded-hour"),
        pytest.param("2026-01-05 18:30:00", {}, 1, id="a-typed-day-of-india"),
        pytest.param("2026-01-05", {}, 1, id="a-typed-day"),
        pytest.param("2026-01-05 14:07:31", {"batch_id": "other"}, 1, id="a-source-that-names-edits"),
    ],
)
def test_items_ended_in_one_second_are_one_edit(at, known, expected):
    """Where a source names no edits, what ends in the same second was ended together."""
    log = log_of(*[(f"I{n}", "Done", at) for n in range(4)], ("Z", "Doing", day(2), known))

    assert [expected] * 4 == fold(log, settings=SETTINGS, as_of=AS_OF).items["finish_batch"].tolist()[:4]


def test_an_empty_log_has_no_items():
    """Nothing folds to nothing, with every column."""
    none = fold(merge(), settings=SETTINGS, as_of=AS_OF)
    some = fold(log_of(("A", "Doing", day(1))), settings=SETTINGS, as_of=AS_OF)

    assert (0, 0) == (len(none.items), len(none.spells))
    assert list(some.items.columns) == list(none.items.columns)
    assert list(some.spells.columns) == list(none.spells.columns)


def test_a_log_without_states():
    """Items of which only creation is known are open and have no spells."""
    done = fold(log_of(("A", "created", "A", day(1))), settings=SETTINGS, as_of=AS_OF)

    assert (["open"], 0) == (done.items["outcome"].tolist(), len(done.spells))


def test_the_log_is_not_changed():
    """Folding leaves the caller's log alone."""
    log = log_of(*events_of("A", [("Doing", 1), ("Done", 3)]))
    before = log.copy(deep=True)

    fold(log, settings=SETTINGS, as_of=AS_OF)

    pd.testing.assert_frame_equal(before, log)


def test_a_team_without_a_map_is_refused():
    """The message names the team and what to write."""
    log = log_of(("A", "Doing", day(1)), ("B", "Doing", day(1), {"team": "Billing"}))

    with pytest.raises(
        EventLogError,
        match=r"no workflow map for team 'Billing'; declare \[workflows.NAME\] with teams = \['Billing'\]",
    ):
        fold(log, settings=Settings(workflow={"Search": WORKFLOW}), as_of=AS_OF)


@pytest.mark.parametrize(
    "extra", [pytest.param([], id="states"), pytest.param([("C", "deleted", None, day(3))], id="and-a-deletion")]
)
def test_a_map_that_knows_no_state_of_its_team_is_refused(extra):
    """A map written for other words is found at once: it says which words were found and which it has."""
    log = log_of(("A", "Offen", day(1)), ("B", "Fertig", day(2)), *extra)

    with pytest.raises(
        EventLogError,
        match=r"team 'Search' knows none of its states: found 'Fertig', 'Offen', the map has .*mend the \[workflows\]",
    ):
        fold(log, settings=SETTINGS, as_of=AS_OF)


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        pytest.param([("Doing", None), ("Done", None)], ("done", 0), id="begun-and-done"),
        pytest.param([("Backlog", None), ("Review", None), ("Doing", None)], ("open", 0), id="review-is-later"),
        pytest.param([("Doing", "Backlog"), ("Done", "Doing")], ("done", 0), id="told-by-former-states"),
        pytest.param([("Done", "Doing"), ("Doing", "Done")], ("done", 0), id="nothing-stood-before"),
    ],
)
@pytest.mark.parametrize("turn", [1, -1])
def test_what_happens_on_one_day_happened_in_the_order_of_work(days, expected, turn):
    """Without times nothing orders a day's moves but the workflow, whichever way the export is sorted."""
    log = log_of(*[("A", "state", to, day(3), {"from_value": former}) for to, former in days[::turn]]).assign(seq=0)

    item = fold(log, settings=SETTINGS, as_of=AS_OF).items.iloc[0]

    assert expected == (item["outcome"], item["backward_moves"])


@pytest.mark.parametrize("turn", [1, -1])
def test_a_day_begins_with_what_left_the_state_before(turn):
    """Done in the morning and taken up again the same day: the former states tell it, and the item is open."""
    moves = [("A", "state", "Done", day(3), {"from_value": "Doing"}),
             ("A", "state", "Doing", day(3), {"from_value": "Done"})]  # fmt: skip
    log = log_of(("A", "Doing", day(1)), *moves[::turn]).assign(seq=0)

    made = fold(log, settings=SETTINGS, as_of=AS_OF)

    assert ("open", 1) == tuple(made.items.iloc[0][["outcome", "reopenings"]])
    assert ["Doing", "Done", "Doing"] == made.spells["state"].tolist()


def test_items_of_another_table_are_added():
    """Columns by item are joined; what the log knows stays, what it lacks is filled in."""
    items = fold(
        log_of(("A", "Doing", day(1)), ("B", "Doing", day(1)), ("B", "type", "bug", day(1))),
        settings=SETTINGS,
        as_of=AS_OF,
    ).items
    given = pd.DataFrame(
        {"item_id": ["B", "A", "Z"], "type": ["feature", "feature", "bug"], "customer": [True, False, True]}
    )
    before = given.copy(deep=True)

    joined = with_attributes(items, given)

    assert [("A", "feature", False), ("B", "bug", True)] == list(
        joined[["item_id", "item_type", "customer"]].itertuples(index=False, name=None)
    )
    pd.testing.assert_frame_equal(before, given)


def test_only_the_log_tells_when_and_how_work_ended():
    """A table made later may hold ends that had not happened yet at the instant of the log: they are not taken."""
    items = fold(log_of(("A", "Doing", day(1))), settings=SETTINGS, as_of=AS_OF).items
    ended = {"started_at": ["2026-01-01"], "finished_at": ["2026-12-01"], "outcome": ["done"], "size": ["S"]}

    joined = with_attributes(items, pd.DataFrame({"item_id": ["A"], **ended}))

    pd.testing.assert_frame_equal(items.assign(size="S"), joined, check_dtype=False)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        pytest.param(
            pd.DataFrame([["A", "S", "M"]], columns=["item_id", "size", "size"]),
            "two columns 'size'",
            id="column-twice",
        ),
        pytest.param(pd.DataFrame({"id": ["A"]}), "no column 'item_id'; found id", id="no-id"),
        pytest.param(
            pd.DataFrame({"item_id": ["A", "A"]}), r"1 items stand twice .*first: 'A'.*one row each", id="twice"
        ),
        pytest.param(
            pd.DataFrame({"item_id": ["a", "b"]}),
            r"names none of the 1 items .*'a', 'b', the log 'A'",
            id="another-log",
        ),
    ],
)
def test_items_of_another_table_must_be_one_row_each(given, message):
    """A table without ids, or with an item twice, is refused."""
    items = fold(log_of(("A", "Doing", day(1))), settings=SETTINGS, as_of=AS_OF).items

    with pytest.raises(EventLogError, match=message):
        with_attributes(items, given)


@pytest.mark.parametrize("seed", range(2))
def test_spells_of_random_histories_follow_each_other(seed):
    """Whatever happened, the spells of an item leave no gap and do not overlap."""
    done = fold(hostile_log(seed), settings=MAPS, as_of=AS_OF)

    ordered = done.spells.groupby("item_id")
    following = ordered["entered_at"].shift(-1)
    last = following.isna()
    assert done.spells.loc[~last, "left_at"].tolist() == following[~last].tolist()
    assert done.spells.loc[last, "left_at"].isna().all()


@pytest.mark.parametrize("seed", range(2))
def test_later_events_change_nothing_before(seed):
    """The fold at an instant is the fold of the log cut there: the future does not reach back."""
    log, as_of = hostile_log(seed), utc("2026-02-01")

    whole = fold(log, settings=MAPS, as_of=as_of)
    cut = fold(log[log["at"] <= as_of], settings=MAPS, as_of=as_of)

    pd.testing.assert_frame_equal(cut.items, whole.items)
    pd.testing.assert_frame_equal(cut.spells, whole.spells)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["x", " No ", "", None], [True, False, False, None]),
        ([True, False, None], [True, False, None]),
        ([1.0, 0.0, None], [True, False, None]),
        ([["urgent"], ["urgent"], None], [True, True, None]),
        ([None, None], [None, None]),
        ([], []),
    ],
    ids=["texts", "flags", "numbers", "lists", "nothing-known", "no-items"],
)
def test_marks_are_read_whatever_their_type(values, expected):
    """Any mark counts but one that says none; what is missing stays missing, and a list is a mark like any other."""
    found = marked(pd.Series(values, index=range(7, 7 + len(values))))

    assert expected == [None if value is pd.NA else bool(value) for value in found]
    assert list(range(7, 7 + len(values))) == found.index.tolist()
