"""What an effect may only be moved from: smaller items, and starts that are stamped later."""

import numpy as np
import pandas as pd
import pytest
from test_artefacts import AS_OF, BEGUN, HOUR, ROLLOUT, N, observations, subject_of

from prodops_analysis import METRICS, Change, Settings
from prodops_analysis.checks.displacement import displacement
from prodops_analysis.checks.subject import Subject
from prodops_analysis.work_items import Fold


def weeks_of_work(*, cut=1, sized=True, metric="cycle_time", fewer=1, teams="AB", longer=(), unbegun=0.0, dropped=0.0,
                  young=(), steps=0, taken=0, turned_down=0.0, quick=1, pace=12):  # fmt: skip
    """Weeks of two teams; from the rollout on each item of A is cut into `cut`, or one of `fewer` is left.

    Every second item of A gets `steps` more that last a twentieth of it; B begins `taken` more a week.
    A share of A's is `turned_down` at the end of its wait, the rest done `quick` times as fast; C begins `pace` a week.

    The work of the teams `longer` waits half as long again before its start from then on; shares of A's are not begun
    yet, or begun and dropped; the teams `young` begin then.
    """
    rng, rows = np.random.default_rng(11), []
    for team in teams:
        for week in range(-52, 30):
            after = team == "A" and week >= 0
            if team in young and week < 0:
                continue
            for part in range(
                rng.poisson((pace if team == "C" else 12) + taken * (team == "B" and week >= 0))
                * (cut if after else 1)
                // (fewer if after else 1)
            ):
                day = BEGUN + pd.Timedelta(days=7 * week + rng.uniform(0, 6))
                days = np.exp(rng.normal(1.0, 0.4)) / (cut * quick if after else 1)
                wait = rng.uniform(2, 4) * (1.5 if team in longer and week >= 0 else 1)
                rows.append((f"{team}{week}.{part}", team, day, days, wait))
                small = range(steps if after and part % 2 else 0)
                rows += [(f"{team}{week}.{part}.{step}", team, day, days / 20, wait) for step in small]
    made = pd.DataFrame(rows, columns=["item_id", "team", "at", "days", "wait"])
    items = made[["item_id", "team"]].assign(
        item_type="feature", size="M" if sized else None, outcome="done",
        created_at=made["at"] - pd.to_timedelta(made["wait"], unit="D"),
        started_at=made["at"], finished_at=made["at"] + pd.to_timedelta(made["days"], unit="D"), finish_batch=1,
        ever_owned=True, owner_put_by="person", start_state="Doing", finish_state="Done", owner_at_start=True,
        last_event_at=made["at"] + pd.to_timedelta(made["days"], unit="D"),
        first_finished_at=made["at"] + pd.to_timedelta(made["days"], unit="D"),
        undone_at=pd.Series(pd.NaT, index=made.index, dtype=made["at"].dtype),
    )  # fmt: skip
    late = (items["team"] == "A") & (items["created_at"] >= BEGUN)
    part = late & (np.arange(len(items)) % 10 < 10 * (unbegun + dropped))
    items = items.assign(outcome=items["outcome"].mask(part, "dropped" if dropped else "open"))
    if unbegun:
        items = items.assign(started_at=items["started_at"].mask(part), finished_at=items["finished_at"].mask(part))
    if turned_down:
        down = late & (np.arange(len(items)) % 10 < 10 * turned_down)
        items = items.assign(outcome=items["outcome"].mask(down, "dropped"), started_at=items["started_at"].mask(down),
                             finished_at=items["finished_at"].mask(down, items["started_at"]))  # fmt: skip
    subject = Subject(
        folded=Fold(items=items, spells=pd.DataFrame(), as_of=AS_OF),
        metric=METRICS[metric], change=Change(rollouts={"A": ROLLOUT}), rollouts={"A": ROLLOUT},
        settings=Settings(workflow={"Doing": "active", "Done": "done"}), doubts={}, others=(),
    )  # fmt: skip
    observed = METRICS[metric].comparable(items, as_of=subject.folded.as_of)
    return {check.name: check for check in displacement(subject, observed)}


@pytest.mark.parametrize(
    ("parts", "result", "told"),
    [
        pytest.param({}, "passed", "the number of items moved by", id="as-before"),
        pytest.param({"cut": 2, "sized": False}, "blocks", "are items cut smaller, or counted otherwise?", id="cut"),
        pytest.param({"cut": 2}, "noted", "are items cut as before?", id="cut-and-sized"),
        pytest.param({"steps": 1}, "blocks", "31% of the work is done very quickly", id="small-steps"),
        pytest.param({"steps": 3}, "blocks", "0% was before: are small steps or chores newly", id="most-are-steps"),
        pytest.param({"steps": 1, "fewer": 2}, "passed", "the number of items moved by −", id="no-more-with-steps"),
        pytest.param({"steps": 1, "metric": "throughput"}, "blocks", "small steps", id="steps-for-throughput"),
        pytest.param({"steps": 3, "metric": "owner_at_start"}, "noted", "items cut as before?", id="steps-for-share"),
        pytest.param({"fewer": 3, "sized": False}, "noted", "was work handed on, or is less of it", id="fewer"),
        pytest.param({"fewer": 3, "teams": "ABC", "young": "C"}, "blocks", "was work handed on to C", id="handed-on"),
        pytest.param({"fewer": 3, "taken": 7}, "blocks", "the other teams began 20", id="taken-over"),
        pytest.param({"fewer": 3, "taken": 2}, "noted", "%): was work handed on, or is", id="others-a-little"),
        pytest.param({"taken": 7}, "noted", "%): was work handed on, or is less of it", id="only-others-grew"),
        pytest.param({"fewer": 3, "taken": 7, "metric": "owner_at_start"}, "noted", "began 20", id="share-taken-over"),
        pytest.param({"fewer": 3, "teams": "ABC", "young": "C", "pace": 0.5}, "noted", "to C, or", id="small-team"),
        pytest.param({"teams": "ABC", "young": "C"}, "passed", "the number of items moved by", id="new-beside"),
        pytest.param(
            {"fewer": 3, "teams": "ABC", "young": "C", "metric": "owner_at_start"}, "noted", "was work handed on to C",
            id="share-of-less",
        ),
        pytest.param(
            {"cut": 2, "sized": False, "metric": "throughput"}, "blocks", "the time an item takes moved by −",
            id="cut-for-throughput",
        ),
        pytest.param({"metric": "throughput"}, "passed", "the time an item takes moved by", id="throughput"),
        pytest.param({"cut": 2, "sized": False, "metric": "owner_at_start"}, "noted", "number of items", id="share"),
    ],
)  # fmt: skip
def test_smaller_items_are_no_faster_work(parts, result, told):
    """Twice the items of half the time block an improvement, unless sizes are recorded and no small steps are new."""
    check = weeks_of_work(**parts)["amount of work"]

    assert result == check.result
    assert told in check.found


@pytest.mark.parametrize(
    ("parts", "result", "told"),
    [
        pytest.param({}, "passed", "until the rollout; set against the waits", id="as-before"),
        pytest.param({"longer": "A"}, "blocks", "judge lead time", id="the-adopter"),
        pytest.param({"longer": "AB"}, "passed", "of other teams it moved by", id="every-team"),
        pytest.param({"longer": "B"}, "noted", "is work begun earlier, or only stamped?", id="the-comparison"),
        pytest.param({"unbegun": 0.5}, "blocks", "judge lead time", id="much-not-begun"),
        pytest.param({"dropped": 1.0}, "passed", "of other teams it moved by", id="begun-and-dropped"),
        pytest.param({"turned_down": 0.8}, "passed", "of other teams it moved by", id="turned-down"),
        pytest.param({"longer": "A", "quick": 10}, "noted", "it is −1", id="lead-time-fell-all-the-same"),
        pytest.param({"longer": "A", "teams": "A"}, "blocks", "took 3.0 until the rollout: what the time", id="alone"),
    ],
)  # fmt: skip
def test_a_wait_is_measured_beside_other_teams(parts, result, told):
    """A queue that grows everywhere is no start stamped later; one team alone is held against its own past."""
    check = weeks_of_work(**parts)["wait before the start"]

    assert result == check.result
    assert told in check.found
    assert ("of other teams it moved by" in check.found) == ("teams" not in parts)


def test_of_throughput_no_start_is_asked():
    """A start has no part in how much is done."""
    assert ["amount of work"] == list(weeks_of_work(metric="throughput"))


@pytest.mark.parametrize(
    ("days", "result"), [(3.59, "passed"), (3.61, "blocks"), (2.51, "passed"), (2.49, "noted"), (0.0, "noted")]
)
def test_a_start_that_is_stamped_at_another_time(days, result):
    """Where work waits a fifth longer or shorter before its start, the start may only be stamped elsewhere."""
    start = observations()["at"] + 9 * HOUR
    late = (observations()["at"] >= BEGUN) & (observations()["team"] == "A")
    spread = np.tile(np.linspace(0.9, 1.1, N), 4)

    created = start - pd.to_timedelta(np.where(late, days, 3.0) * spread, unit="D")
    check = {check.name: check for check in displacement(*subject_of(created_at=created))}["wait before the start"]

    assert result == check.result
    told = {
        "passed": "until the rollout",
        "noted": "is work begun earlier, or only stamped?",
        "blocks": "judge lead time",
    }
    assert told[result] in check.found


@pytest.mark.parametrize("wait", [0.0, None])
def test_without_a_wait_there_is_none_to_compare(wait):
    """Where work is created when it starts, or its creation is not known, nothing is said of a wait."""
    start = observations()["at"] + 9 * HOUR
    created = start if wait is not None else pd.Series(pd.NaT, index=start.index, dtype=start.dtype)

    check = {check.name: check for check in displacement(*subject_of(created_at=created))}["wait before the start"]

    assert ("passed", "no wait before the start is recorded") == (check.result, check.found)
