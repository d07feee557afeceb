"""From when on a log is whole: an export of what was touched since a day holds of earlier work only what lasted."""

import numpy as np
import pandas as pd
import pytest

from prodops_analysis import METRICS, Change, Settings
from prodops_analysis.checks.data import begin_of_log, open_work
from prodops_analysis.checks.subject import Subject
from prodops_analysis.metrics.whole import whole_since
from prodops_analysis.work_items import Fold

BORDER = pd.Timestamp("2025-01-06", tz="UTC")
DAY = pd.Timedelta(days=1)
LABELS = {"item_type": "", "size": "", "start_state": "Doing", "finish_state": "Done", "outcome": "done"}


def work(*, days=6.0, weeks=60, seed=1, team="A", pace=15):
    """A year of work around the border, `pace` items a week, log-normal days with median `days`."""
    rng, n = np.random.default_rng(seed), pace * weeks
    created = BORDER + pd.to_timedelta(rng.uniform(-7 * weeks / 2, 7 * weeks / 2, n), unit="D")
    ended = created + pd.to_timedelta(rng.lognormal(np.log(days), 0.9, n), unit="D")
    as_of = BORDER + weeks / 2 * 7 * DAY
    items = pd.DataFrame({"item_id": [f"{team}{k}" for k in range(n)], "team": team, "created_at": created,
                          "started_at": created, "finished_at": ended.where(ended <= as_of, pd.NaT)})  # fmt: skip
    return items.assign(last_event_at=items["finished_at"].fillna(items["created_at"]))


def exported(items, *, touched=0):
    """What was touched since the border or was open then, and some older items that somebody commented on since."""
    over = items["finished_at"] < BORDER
    late = over & (over.cumsum() <= touched)
    kept = items.assign(last_event_at=items["last_event_at"].mask(late, BORDER + 9 * DAY))
    return kept[~over | late].reset_index(drop=True)


@pytest.mark.parametrize(
    ("items", "whole"),
    [
        pytest.param(work(), True, id="all-of-it"),
        pytest.param(exported(work()), False, id="touched-since"),
        pytest.param(exported(work(), touched=5), False, id="and-a-few-comments-on-old-work"),
        pytest.param(work().assign(last_event_at=BORDER + 30 * DAY), True, id="all-labelled-in-one-edit"),
        pytest.param(
            work().assign(last_event_at=BORDER + 30 * DAY, finished_at=lambda x: x["finished_at"].where(
                x["created_at"] > BORDER, x["created_at"] + 10 * (x["finished_at"] - x["created_at"]))),
            True, id="all-labelled-and-slower-before",
        ),
        pytest.param(work(days=200), True, id="slow-work"),
        pytest.param(exported(work(weeks=1)), True, id="too-little-to-tell"),
        pytest.param(
            work().assign(finished_at=lambda x: x["finished_at"].mask(x["created_at"].notna())), True, id="none-ended"
        ),
        pytest.param(work()[lambda x: x["created_at"] < BORDER], True, id="nothing-since"),
    ],
)  # fmt: skip
def test_where_a_log_begins(items, whole):
    """It begins with its first item, unless what should have ended by then is missing: then at the border."""
    since = whole_since(items, begin="created_at")["A"]

    assert (since == items["created_at"].min()) == whole
    assert whole or BORDER <= since <= BORDER + 3 * DAY


def test_each_team_begins_on_its_own():
    """Two exports side by side begin where each does."""
    both = pd.concat([exported(work()), work(team="B", seed=2)], ignore_index=True)

    since = whole_since(both, begin="created_at")

    assert [("A", True), ("B", False)] == [(team, day >= BORDER) for team, day in since.items()]


def test_small_teams_are_asked_together():
    """Three items a week tell nothing of where one team's log begins; those of eight teams do."""
    teams = [exported(work(team=team, seed=seed, pace=3)) for seed, team in enumerate("ABCDEFGH")]

    one, all_ = (
        whole_since(teams[0], begin="created_at"),
        whole_since(pd.concat(teams, ignore_index=True), begin="created_at"),
    )

    assert one["A"] == teams[0]["created_at"].min()
    assert all_.between(BORDER, BORDER + 7 * DAY).all()


def test_what_lasted_is_not_compared():
    """Observations before the border are left out of what is compared, and of nothing else."""
    items = exported(work()).assign(**LABELS)
    as_of = BORDER + 200 * DAY

    every, kept = (
        ask(items, as_of=as_of) for ask in (METRICS["cycle_time"].function, METRICS["cycle_time"].comparable)
    )

    assert kept["at"].min() >= BORDER > every["at"].min()
    assert set(kept["item_id"]) == set(every.loc[every["at"] >= whole_since(items, begin="created_at")["A"], "item_id"])
    assert every.loc[every["at"] < BORDER, "value"].median() > 2 * kept["value"].median()


@pytest.mark.parametrize("days", [1.0, 6.0, 30.0, 120.0])
def test_a_whole_log_is_hardly_ever_cut(days):
    """Where nothing is missing the rule speaks by chance alone, in fewer than one of twenty."""
    logs = [work(seed=seed, days=days) for seed in range(100)]

    cut = [whole_since(items, begin="created_at")["A"] > items["created_at"].min() for items in logs]

    assert sum(cut) < 5


def test_what_was_started_since_a_day_is_whole_by_its_starts():
    """Where the export holds what was started since a day, cycle times are whole, and lead times are not."""
    items = work()
    created = items["created_at"] - pd.to_timedelta(np.random.default_rng(2).lognormal(3, 1, len(items)), unit="D")
    started = items.assign(created_at=created)[items["started_at"] >= BORDER]

    cycle, lead = (
        METRICS[name].observed(started.assign(**LABELS), as_of=BORDER + 200 * DAY)["since"].unique()
        for name in ("cycle_time", "lead_time")
    )
    assert [started["started_at"].min()] == list(cycle)
    assert lead[0] >= BORDER > started["created_at"].min()


def test_where_nothing_has_started_there_is_no_begin():
    """No start, no day, and no error."""
    none = work().assign(**LABELS, started_at=lambda x: x["started_at"].mask(x["created_at"].notna()))
    found = METRICS["cycle_time"].observed(none, as_of=BORDER + 200 * DAY)

    assert found.empty
    assert METRICS["cycle_time"].comparable(none, as_of=BORDER + 200 * DAY).columns.tolist() == [
        name for name in found if name != "since"
    ]


def asked(items, metric="cycle_time"):
    """What the checks say of where the log begins and ends."""
    whole = items.assign(**LABELS)
    subject = Subject(
        folded=Fold(items=whole, spells=pd.DataFrame(), as_of=BORDER + 210 * DAY), metric=METRICS[metric],
        change=Change(rollouts={"A": None}), rollouts={}, doubts={}, others=(),
        settings=Settings(workflow={"Doing": "active", "Done": "done"}),
    )  # fmt: skip
    return begin_of_log(subject.metric.observed(whole, as_of=subject.folded.as_of)), open_work(subject)


def test_what_is_left_out_is_told():
    """The check says how many items are left out and since when the log is whole; of a whole log it says nothing."""
    (cut, _), (whole, _) = asked(exported(work())), asked(work())

    assert ("begin of the log", "noted") == (cut.name, cut.result)
    assert (
        "items are left out: of work so early the log holds only what lasted; it is whole since A 2025-01-06"
        in cut.found
    )
    assert "passed" == whole.result


@pytest.mark.parametrize(
    ("items", "result", "told"),
    [
        pytest.param(work(), "passed", "items are under way, and counted", id="all-of-it"),
        pytest.param(work().dropna(), "blocks", "by the pace of the others", id="finished-only"),
        pytest.param(work()[:20].dropna(), "passed", "0 items are under way", id="too-few-to-tell"),
        pytest.param(
            work()[lambda x: x["created_at"] < BORDER].dropna(), "passed", "0 items are under way", id="long-over"
        ),
    ],
)
def test_an_export_of_finished_work_only(items, result, told):
    """Where nothing is open though something should be, recent work looks fast, and no improvement is claimed."""
    _, check = asked(items)

    assert ("open work", result) == (check.name, check.result)
    assert told in check.found
