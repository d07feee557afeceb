"""From observations to team-weeks: weeks since the rollout, sides, spread and kinds of work, by hand."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from prodops_analysis import METRICS
from prodops_analysis.cells import fill, kinds_of, place

START = date(2025, 1, 6)  # a Monday
END = pd.Timestamp("2025-10-06", tz="UTC")
CYCLE, OWNED = METRICS["cycle_time"], METRICS["owner_at_start"]


def seen(values, *, team="A", kinds="feature"):
    """Items of a team on Tuesdays: a list of values a week, or None for a week without any."""
    rows = [
        (f"{team}{week}-{n}", team, kinds if isinstance(kinds, str) else kinds[week][n], week, float(value))
        for week, some in enumerate(values)
        for n, value in enumerate(some or ())
    ]
    frame = pd.DataFrame(rows, columns=["item_id", "team", "item_type", "week", "value"])
    at = pd.Timestamp(START, tz="UTC") + pd.to_timedelta(7 * frame["week"] + 1, unit="D")
    return frame.drop(columns="week").assign(
        at=at, size=None, ended=True, outcome="done", start_state="In progress", finish_state="Done"
    )


def cells(observed, *, metric=CYCLE, day=START + timedelta(weeks=10), transition_weeks=0):
    """The cells of observations with one rollout of team A."""
    rest = {"rollouts": {"A": day}, "transition_weeks": transition_weeks}
    placed, left_out = place(observed, metric=metric, as_of=END, **rest)
    return fill(placed, left_out, metric=metric, **rest)


@pytest.mark.parametrize(
    ("days", "transition", "left_out", "treated"),
    [
        pytest.param(0, 0, [], 10, id="monday"),
        pytest.param(2, 0, [10], 11, id="wednesday"),
        pytest.param(6, 0, [10], 11, id="sunday"),
        pytest.param(7, 0, [], 11, id="next-monday"),
        pytest.param(0, 2, [10, 11], 12, id="monday-and-two-weeks"),
        pytest.param(2, 2, [10, 11, 12], 13, id="wednesday-and-two-weeks"),
    ],
)
def test_weeks_since_the_rollout(days, transition, left_out, treated):
    """The week of the rollout is week 0, whatever its day; weeks cut by it and those of the transition are left out."""
    observed = pd.concat([seen([[3, 5]] * 20), seen([[4, 6]] * 20, team="B")])

    grid = cells(observed, day=START + timedelta(weeks=10, days=days), transition_weeks=transition).grid

    own = grid[grid["team"] == "A"]
    weeks = [w for w in range(1, 20) if w not in left_out]
    zero = 10 + days // 7
    assert weeks == [(w.date() - START).days // 7 for w in own["week"]]
    assert [w - zero for w in weeks] == own["since"].tolist()
    assert [w >= treated for w in weeks] == own["treated"].tolist()
    assert grid.loc[grid["team"] == "B", "since"].isna().all()
    assert not grid.loc[grid["team"] == "B", "treated"].any()


def test_a_cell_is_the_mean_of_its_items():
    """Cells hold the mean log days of their items and how many there were; weeks without any have no cell."""
    grid = cells(seen([[1], [2, 5], None, [np.e]] + [[3, 4, 5]] * 16)).grid

    assert [np.log(10) / 2, 1.0, np.log(60) / 3] == pytest.approx(grid["y"].tolist()[:3])
    assert [2.0, 1.0, 3.0] == grid["n"].tolist()[:3]
    assert [0, 2, 3] == grid["index_week"].tolist()[:3]


def test_spread_inside_cells():
    """Two items a week, one log apart: sd sqrt(1/2) whatever weeks do, where thirty weeks can tell."""
    weeks = [[np.exp(1 + np.sin(w)), np.exp(2 + np.sin(w))] for w in range(35)]

    assert np.sqrt(0.5) == pytest.approx(cells(seen(weeks)).sd, rel=0.02)


def test_spread_of_thin_weeks():
    """Where fewer than thirty degrees of freedom are left inside weeks, the spread is that around each side's mean."""
    rng = np.random.default_rng(1)
    weeks = [[float(rng.integers(0, 2))] for _ in range(30)]
    values = np.array(weeks[1:])[:, 0]

    found = cells(seen(weeks), metric=OWNED)

    sides = [values[:9], values[9:]]
    expected = np.sqrt(sum(((side - side.mean()) ** 2).sum() for side in sides) / (29 - 2))
    assert expected == pytest.approx(found.sd)


def test_a_kind_of_work_is_a_type_and_a_size():
    """Two items are of one kind where both type and size are alike; a missing one is like an empty one."""
    pairs = [
        ("bug", "S"),
        ("bug", "M"),
        ("task", "S"),
        ("task", "M"),
        (None, "M"),
        ("", "M"),
        ("bug", None),
        ("bug", "S"),
    ]

    kinds = kinds_of(pd.DataFrame(pairs, columns=["item_type", "size"])).tolist()

    assert [kinds.index(kind) for kind in kinds] == [0, 1, 2, 3, 4, 4, 6, 0]


def test_small_kinds_are_drawn_towards_the_level_of_their_team():
    """One bug among seventeen features before the rollout is believed to one sixth, as five items count against it."""
    weeks, kinds = [[5.0, 5.0]] * 28, [["feature", "feature"] for _ in range(28)]
    kinds[4][0], weeks[4] = "bug", [10.0, 5.0]

    items = cells(seen(weeks, kinds=kinds), metric=OWNED).items

    found = items.loc[items["value"] == 10, "y"].item()
    level = (10 + 5 * 17) / 18  # of the nine weeks before
    assert 10 - (10 - level) / 6 == pytest.approx(found)


def test_typical_days_are_those_before():
    """The typical time is the adopters' median before, however much faster they became and however slow others are."""
    observed = pd.concat([seen([[4, 6, 8]] * 10 + [[1, 2, 3]] * 10), seen([[30, 40, 50]] * 20, team="B")])

    assert cells(observed).typical_days == 6
    assert cells(observed.assign(value=1.0), metric=OWNED).typical_days is None


def test_work_begun_before_the_rollout_is_seen_until_then():
    """What a change may have hastened is no measure of the time before it: such work counts as open at the rollout."""
    before, after = [[4.0, 20.0]] * 10, [[4.0, 20.0]] * 10
    crossing = seen([*before[:9], [4.0, 13.0], *after])
    hastened = seen([*before[:9], [4.0, 7.0], *after])  # begun six days before the rollout

    rows = [cells(observed).items for observed in (crossing, hastened)]

    assert rows[0]["y"].tolist() == rows[1]["y"].tolist()
    last = rows[0][(rows[0]["week"] == pd.Timestamp(START + timedelta(weeks=9), tz="UTC"))]
    assert last["value"].tolist() == [4.0, 6.0]
    assert last["ended"].tolist() == [True, False]
    assert np.exp(last["y"].max() - last["y"].min()) * 4 > 6


def test_items_followed_into_the_rollout_are_left_out():
    """A change may have a part in what became of work finished in the 30 days before it, and has none in others'."""
    observed = pd.concat([seen([[0, 1]] * 20), seen([[0, 1]] * 20, team="B")])

    found = cells(observed, metric=METRICS["reopened"])

    before = found.grid[found.grid["index_week"] < 9]
    # the first week is seen in part; Tuesday of week 5 lies 34 days before the Monday of week 10, week 6 lies 27
    assert list(range(1, 6)) == (before.loc[before["team"] == "A", "index_week"] + 1).tolist()
    assert list(range(1, 10)) == (before.loc[before["team"] == "B", "index_week"] + 1).tolist()
    assert found.left_out["still followed when the rollout came (30 days)"] == 2 * 4
    assert "followed" not in " ".join(cells(observed).left_out)


def test_weeks_without_a_finish_are_zeros():
    """A week without any finish is a zero; adopters are followed to the end of the log, others to their last finish."""
    done = METRICS["throughput"]
    own = seen([[1] * 3] * 12 + [None] * 8)
    other = seen([[1, 1]] * 14 + [None, [1]] + [None] * 4, team="B")
    third = seen([[1]] * 20, team="C")

    grid = cells(pd.concat([own, other, third]), metric=done, day=START + timedelta(weeks=11)).grid

    count = {team: mine.set_index("index_week")["y"].to_dict() for team, mine in grid.groupby("team")}
    assert dict.fromkeys(range(4), 3.0) | dict.fromkeys(range(4, 12), 0.0) == count["A"]
    assert dict.fromkeys(range(6), 2.0) | {6: 0.0, 7: 1.0} == count["B"]
    assert dict.fromkeys(range(12), 1.0) == count["C"]
    assert (grid["n"] == grid["y"] + 1).all()


def quantiles(sd, n=40):
    """Log-normal days at even quantiles, with a median of a fifth of a day."""
    return 0.2 * np.exp(sd * stats.norm.ppf((np.arange(n) + 0.5) / n))


@pytest.mark.parametrize(
    ("days", "floor"),
    [
        pytest.param(quantiles(0.8), None, id="even work has none so quick"),
        pytest.param(quantiles(2.5), 0.01, id="where times differ by much, a hundredth of the median"),
        pytest.param(np.append(quantiles(0.8, 36), [1e-4] * 4), 0.1, id="cards moved in seconds, a tenth"),
        pytest.param(np.append(quantiles(0.8, 36), [0.0] * 4), 0.1, id="no time at all, a tenth"),
    ],
)
def test_the_quickest_work_counts_as_a_part_of_the_median(days, floor):
    """A tenth of the median, or a hundredth where much work is quicker and no noise comes of it."""
    found = cells(seen([list(days)] * 30))

    assert np.exp(found.items["y"].min()) == pytest.approx(0.2 * floor if floor else days.min(), rel=0.2)


def test_an_effect_on_very_uneven_work_is_seen_nearly_whole():
    """Of -35 % in work of log sd 2.5 the cap and quick work take less than a tenth, and not a quarter."""
    days = quantiles(2.5)
    items = cells(seen([list(days * (0.65 if week >= 10 else 1.0)) for week in range(30)])).items

    before, after = (items.loc[items["treated"] == side, "y"].mean() for side in (False, True))
    assert 0.9 < (after - before) / np.log(0.65) < 1
