"""Moves of one instant: the path that their former states tell, the order of work, and the true order found again."""

from itertools import pairwise, permutations
from random import Random

import numpy as np
import pandas as pd
import pytest
from conftest import utc
from slow_fold import WORDS, walks

from prodops_analysis.event_log import validate
from prodops_analysis.moves import in_turn, path
from prodops_analysis.settings import Settings
from prodops_analysis.work_items import fold
from prodops_analysis.workflow import Workflow

SETTINGS = Settings(workflow={"*": Workflow.of(WORDS, same_as={"In work": "Doing"})})
AS_OF = utc("2026-06-01")
LAST = ["started_at", "first_finished_at", "finished_at", "outcome", "finish_state"]


@pytest.mark.parametrize(
    ("steps", "stood", "expected"),
    [
        pytest.param("BD DX", "B", "BD DX", id="a-chain"),
        pytest.param("DX BD", "B", "BD DX", id="a-chain-given-backwards"),
        pytest.param("DR RD DX", "D", "DR RD DX", id="there-and-back-and-on"),
        pytest.param("DX DR RD", "D", "DR RD DX", id="the-last-step-given-first"),
        pytest.param("DX XD", "D", "DX XD", id="back-again"),
        pytest.param("DX XD", "X", "XD DX", id="taken-up-and-ended"),
        pytest.param("DX RD", "", "RD DX", id="where-it-stood-is-not-known"),
        pytest.param("DX RD", "B", "RD DX", id="it-stood-elsewhere"),
        pytest.param("DD DX", "D", "DD DX", id="a-step-on-the-spot"),
        pytest.param("DX XD", "", "DX XD", id="a-circle-from-nowhere"),
        pytest.param("DX BR", "D", "DX BR", id="no-path"),
        pytest.param("DR RD DX XD", "D", "DR RD DX XD", id="two-circles"),
    ],
)
def test_a_path_uses_every_step(steps, stood, expected):
    """Each step begins where the one before ended; the first possible path is taken, the given order where none is."""
    given = [(one[0], one[1]) for one in steps.split()]

    assert expected == " ".join("".join(given[k]) for k in path(given, stood))


@pytest.mark.parametrize("seed", range(40))
def test_the_first_of_all_paths_is_found(seed):
    """Beside all permutations: of a walk that was shuffled the first possible path; of other steps the given order."""
    rng = Random(seed)
    walk, steps = ["A"], list[tuple[str, str]]()
    while len(steps) < 6 and (ahead := [s for s in "ABCD" if (walk[-1], s) not in steps]):
        walk.append(rng.choice(ahead))
        steps.append((walk[-2], walk[-1]))
    if seed % 2:  # a step that leads nowhere
        steps.append(("X", "Y"))
    rng.shuffle(steps)
    linked = (
        one for one in permutations(range(len(steps)))
        if steps[one[0]][0] == walk[0] and all(steps[a][1] == steps[b][0] for a, b in pairwise(one))
    )  # fmt: skip

    assert list(next(linked, range(len(steps)))) == path(steps, walk[0])


def test_a_long_path_takes_no_long_time():
    """A path of 20,000 steps is found, given backwards."""
    steps = [(str(n), str(n + 1)) for n in reversed(range(20_000))]

    assert list(reversed(range(20_000))) == path(steps, "0")


def test_an_item_that_ended_the_day_before_is_taken_up():
    """Where an item stands is read from the day before as it was put in order, not as it came."""
    rows = [
        ("Backlog", "", 1),
        ("Doing", "Backlog", 2),
        ("Done", "Doing", 2),
        ("Doing", "Done", 3),
        ("Done", "Doing", 3),
    ]
    log = pd.concat([
        pd.DataFrame(rows, columns=["to_value", "from_value", "day"]).assign(item_id=f"I-{n}") for n in range(200)
    ])  # fmt: skip
    log = log.assign(at=utc("2026-01-01") + pd.to_timedelta(log["day"], unit="D"), field="state", team="Search")

    items = fold(validate(log.drop(columns="day")), settings=SETTINGS, as_of=AS_OF).items

    assert {"done"} == set(items["outcome"])
    assert {1} == set(items["reopenings"])


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        pytest.param(["Doing>Review", "Review>Doing", "Doing>Done"], "done", id="sent-back-and-done"),
        pytest.param(["Doing>Dropped", "Dropped>Doing", "Doing>Done"], "done", id="dropped-by-mistake"),
        pytest.param(["Doing>Done", "Done>Doing"], "open", id="taken-up-again"),
        pytest.param(["In work>Done", "Done>In work"], "open", id="by-another-name"),
        pytest.param(["Doing>Review", "Review>Done", "Done>Review"], "open", id="back-to-review"),
        pytest.param(["Doing>Done", "deleted"], "done", id="deleted-afterwards"),
        pytest.param(["Doing>Done", "Done>Doing", "deleted"], "dropped", id="taken-up-and-deleted"),
        pytest.param(["In work>Done", "Done>In work", "In work>Review"], "open", id="by-another-name-and-on"),
        pytest.param([">Done", ">Doing"], "done", id="nothing-told"),
    ],
)
def test_a_day_of_moves_ends_where_it_ended(day, expected):
    """Whichever way the rows are sorted, and whatever other items went through."""
    moves = [("state", "Doing", "", "2026-01-01")]
    for step in day:
        former, _, state = step.partition(">")
        moves.append(("state", state, former, "2026-01-02") if state else ("deleted", None, None, "2026-01-02"))
    log = pd.DataFrame(moves, columns=["field", "to_value", "from_value", "at"])
    log = log.assign(item_id="A", team="Search", from_value=log["from_value"].replace("", None))
    other = log.iloc[:1].assign(item_id="B", to_value="Sleeping")

    for rows in (log, log.iloc[::-1], pd.concat([log, other])):
        items = fold(validate(rows), settings=SETTINGS, as_of=AS_OF).items
        assert expected == items["outcome"].iloc[0]


def test_where_another_item_stands_tells_nothing():
    """A circle of moves on an item's first day is put as work goes, whatever the item before it in the log did."""
    rows = [("A", "Doing", None), ("B", "Done", "Doing"), ("B", "Doing", "Done")]
    log = pd.DataFrame(rows, columns=["item_id", "to_value", "from_value"])

    items = fold(validate(log.assign(at=AS_OF, field="state", team="Search")), settings=SETTINGS, as_of=AS_OF).items

    assert ["open", "done"] == items["outcome"].tolist()


@pytest.mark.parametrize("seed", range(10))
def test_former_states_tell_what_an_export_of_days_has_lost(seed):
    """Without any order of rows, first and last instants and outcomes are those of the history as it happened."""
    log = walks(seed)

    true, found = (
        fold(validate(rows), settings=SETTINGS, as_of=AS_OF).items
        for rows in (log, log.drop(columns="seq").sample(frac=1, random_state=seed))
    )

    pd.testing.assert_frame_equal(true[LAST], found[LAST])


def test_nothing_to_put_in_order():
    """No move, and moves that instants or `seq` tell apart, stay as they are."""
    moves = pd.DataFrame({"item": [0, 0, 1], "at": [1, 1, 1], "seq": [0, 1, 0], "left": "", "entered": ["X", "B", "A"],
                          "rank": [2, 0, 0], "place": [3.0, 0.0, 0.0]})  # fmt: skip

    assert [0, 1, 2] == in_turn(moves).tolist()
    assert [] == in_turn(moves.iloc[:0]).tolist()
    assert np.array_equal([1, 0, 2], in_turn(moves.assign(seq=0)))
