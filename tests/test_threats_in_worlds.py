"""Threats planted in simulated work: each is named, and none becomes a verdict."""

import dataclasses
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from simulator import STATES
from test_assessment import SMALL, START, found_by, small

from prodops_analysis import Change, Settings, Verdict, assess

EVERY = (
    "time of the look", "data quality", "measurement changed at rollout", "other changes in the window",
    "begin of the log", "open work", "comparison teams", "records of the comparison", "comparison", "trend before",
    "weeks just before", "worst teams first", "moved at another time", "season", "ordinary dates", "rollout order",
    "unknown states", "mix of work", "dropped work", "fields filled in", "bulk edits", "typed dates",
    "entered afterwards", "new teams", "silent teams", "finishes without a start", "last state before the end",
    "wait before the start", "amount of work",
)  # fmt: skip


def world(*, weeks=60, teams=6, items=5, rollouts=None, seed=3, bend=None, begins=0, **record):
    """Event rows of quiet teams; `bend(frame)` changes the items before they become events; `record` of the change.

    The export begins in the week `begins`: it holds what ended since, or was open then.
    """
    rng = np.random.default_rng(seed)
    n = weeks * items
    parts = [
        pd.DataFrame(
            {
                "team": f"Team {k}", "week": np.repeat(np.arange(weeks), items), "kind": rng.choice(["a", "b"], n),
                "days": np.exp(rng.normal(1.3, 0.7, n)), "end": "Done", "batch": None, "start": "In progress",
                "by": "person",
            }
        )
        for k in range(teams)
    ]  # fmt: skip
    items_ = pd.concat(parts, ignore_index=True)
    items_ = items_.assign(started=items_["week"] + rng.uniform(0, 0.7, len(items_)), item=range(len(items_)))
    rollouts = rollouts or {f"Team {k}": START + timedelta(weeks=30 + 2 * k) for k in range(teams // 2)}
    begun = items_["team"].map({t: (d - START).days / 7 for t, d in rollouts.items()})
    items_ = items_.assign(since=items_["started"] - begun)
    if bend:
        items_ = bend(items_, rng)
    items_ = items_[items_["started"] + items_["days"] / 7 >= begins]
    origin = pd.Timestamp(START, tz="UTC")
    as_of = origin + pd.Timedelta(weeks=weeks)
    ended = items_["started"] + items_["days"] / 7
    steps = [("created", None, items_["started"] - 0.1, None), ("type", None, items_["started"] - 0.1, "kind"),
             ("state", "Backlog", items_["started"] - 0.1, None), ("state", None, items_["started"], "start"),
             ("state", None, ended, "end")]  # fmt: skip
    rows = pd.concat(
        [
            pd.DataFrame(
                {"item_id": "I" + items_["item"].astype(str), "team": items_["team"], "field": name,
                 "at": origin + pd.to_timedelta((when * 7 * 86_400).round(), unit="s"),
                 "to_value": items_[column] if column else value, "actor_kind": items_["by"],
                 "batch_id": items_["batch"] if column == "end" else None}
            )
            for name, value, when, column in steps
        ]
    )  # fmt: skip
    rows = rows[rows["at"] <= as_of].reset_index(drop=True)
    return assess(rows, None, Change(rollouts=rollouts, **record), as_of=as_of, settings=Settings(workflow=STATES))


def test_every_threat_has_its_check():
    """Nothing is tested in silence: each check is in the list, once, in the same order."""
    assert list(EVERY) == [check.name for check in small().asked().checks]


def test_quiet_teams_pass():
    """Where nothing is wrong no check says otherwise."""
    assert {"passed"} == {check.result for check in world().checks}


def test_a_bad_spell_before_the_rollout_is_named_and_is_no_effect():
    """Six weeks of slow work just before would make ordinary work afterwards look fast."""

    def bend(items, rng):
        slow = items["since"].between(-6, 0)
        return items.assign(days=items["days"] * np.where(slow, 2.5, 1.0))

    found = world(bend=bend)
    assert found_by(found, "weeks just before").result == "noted"
    assert "+" in found_by(found, "weeks just before").found
    assert found.verdict not in (Verdict.IMPROVED, Verdict.WORSENED)


def test_a_shift_in_the_mix_of_work_is_named_and_taken_out():
    """Where short kinds take the place of long ones, nothing became faster."""

    def bend(items, rng):
        kind = np.where((items["since"] >= 0) & (rng.uniform(size=len(items)) < 0.6), "b", items["kind"])
        return items.assign(kind=kind, days=items["days"] * np.where(kind == "b", 0.4, 1.0))

    found = world(bend=bend)
    assert found_by(found, "mix of work").result == "noted"
    assert found.verdict not in (Verdict.IMPROVED, Verdict.WORSENED)


def test_dropping_more_work_is_no_faster_work():
    """A third of the work is dropped soon after its start from the rollout on; the rest takes as long as ever."""

    def bend(items, rng):
        gone = (items["since"] >= 0) & (rng.uniform(size=len(items)) < 0.35)
        return items.assign(days=np.where(gone, 0.5, items["days"]), end=np.where(gone, "Dropped", "Done"))

    found = world(bend=bend)
    assert found_by(found, "dropped work").result == "noted"
    assert found_by(found, "measurement changed at rollout").result == "passed"
    assert found.verdict not in (Verdict.IMPROVED, Verdict.WORSENED)


def test_bulk_edits_that_come_with_the_change_are_named():
    """Half of the work after the rollout is closed in batches: the clock is another one."""

    def bend(items, rng):
        swept = (items["since"] >= 0) & (rng.uniform(size=len(items)) < 0.5)
        batch = "b" + items["team"] + (items["week"] // 4).astype(str)
        return items.assign(batch=batch.where(swept, None))

    found = world(bend=bend)
    assert found_by(found, "bulk edits").result == "forbids"
    assert found.estimate is None
    assert not {"amount of work", "rollout order"} & {check.name for check in found.checks}  # they would tell of it


def test_a_guardrail_whose_records_moved_is_not_judged():
    """Where a third of the work skips the board since, its cycle time is that of other work."""

    def bend(items, rng):
        skips = (items["since"] >= 0) & (rng.uniform(size=len(items)) < 0.33)
        return items.assign(start=np.where(skips, "Backlog", items["start"]))

    found = found_by(world(bend=bend, primary_metric="lead_time", guardrails=("cycle_time",)), "guardrail cycle time")

    assert found.result == "noted"
    assert "cannot be judged: " in found.found
    assert "finishes without a start" in found.found


def test_a_bot_that_stamps_the_start_forbids_an_answer():
    """The state has the same name, but who enters it changed."""

    def bend(items, rng):
        return items.assign(by=np.where(items["since"] >= 0, "bot", "person"))

    found = world(bend=bend)
    assert found_by(found, "measurement changed at rollout").result == "forbids"
    assert "by a bot" in found.reasons[0]
    assert found.estimate is None


def test_the_trend_of_the_adopters_is_named():
    """Teams that got faster all along did so before the change, too."""

    def bend(items, rng):
        own = items["since"].notna()
        return items.assign(days=items["days"] * np.exp(np.where(own, -1.5 * items["started"] / 52, 0.0)))

    found = world(bend=bend, weeks=80)
    assert found_by(found, "trend before").result == "noted"
    assert "−" in found_by(found, "trend before").found


def test_one_team_alone_is_told_what_it_cannot_tell():
    """Season and whatever else happened cannot be told from an effect without other teams."""
    found = world(teams=1, rollouts={"Team 0": START + timedelta(weeks=30)})
    assert found_by(found, "season").result == "noted"
    assert found_by(found, "comparison").result == "noted"
    spoken, tried = found.replayed
    assert 0 <= spoken <= tried
    assert tried > 0
    assert f"{spoken} of {tried} ordinary dates" in found_by(found, "ordinary dates").found


@pytest.mark.parametrize("seed", [1, 2])
def test_an_untouched_team_never_makes_an_effect(seed):
    """One more team that stays as it was leaves a quiet world quiet."""
    assert world(seed=seed).verdict not in (Verdict.IMPROVED, Verdict.WORSENED)
    more = world(seed=seed, teams=7, rollouts={f"Team {k}": START + timedelta(weeks=30 + 2 * k) for k in range(3)})
    assert more.verdict not in (Verdict.IMPROVED, Verdict.WORSENED)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_an_export_holds_of_earlier_work_is_no_trend(seed):
    """A year in which only what lasted was exported looks as if work got faster and faster; it is left out."""

    def bend(items, rng):
        return items.assign(days=np.exp(rng.normal(2.0, 0.9, len(items))))

    found = world(teams=1, weeks=130, begins=52, items=8, seed=seed, rollouts={"Team 0": START + timedelta(weeks=95)},
                  bend=bend)  # fmt: skip

    begin = found_by(found, "begin of the log")
    assert begin.result == "noted"
    assert f"whole since Team 0 {START + timedelta(weeks=52)}"[:-2] in begin.found
    assert found_by(found, "trend before").result == "passed"
    assert found.low < 0 < found.high < 0.8
    assert min(first for first, _ in found.window.values()) >= START + timedelta(weeks=51)


def test_an_export_of_finished_work_claims_no_improvement():
    """Recent work that is finished is the quick part of recent work."""

    def bend(items, rng):
        faster = items.assign(
            days=items["days"].where(items["since"].isna() | (items["since"] < 0), items["days"] * 0.4)
        )
        return faster[faster["started"] + faster["days"] / 7 <= 60]

    found = world(bend=bend)

    assert found_by(found, "open work").result == "blocks"
    assert found.verdict is Verdict.NOT_ENOUGH_EVIDENCE
    assert "export what is open, too" in found.reasons[0]


def test_checks_are_the_same_whatever_the_rollouts_are_called():
    """A check depends on the teams' work, not on their names."""
    made = small()
    names = {t: f"{t} renamed" for t in ("Ada", "Bo", "Cy", "Dee", "Eve", "Flo")}
    change = made.change(rollouts={names[t]: START + timedelta(weeks=w) for t, w in SMALL.items()})
    other = made.asked(log=made.log.assign(team=made.log["team"].map(names).astype("str")), change=change)
    plain = {c.name: c.result for c in made.asked().checks}
    assert plain == {c.name: c.result for c in other.checks}
    assert dataclasses.asdict(other)["verdict"] == made.asked().verdict
