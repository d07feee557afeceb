"""Before a rollout: what could be seen, after how long, in which order; and that it comes true."""

import dataclasses
import re
import shutil
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from prodops_analysis.cli import main
from prodops_analysis.comparison import CannotSay, compare
from prodops_analysis.metrics import METRICS
from prodops_analysis.planning import HORIZONS, Plan, plan
from prodops_analysis.records.changes import Change, note_expected, plan_state, read_change, template

START = date(2025, 1, 6)
TEAMS = tuple("ABCDEFGH")
CYCLE = METRICS["cycle_time"]


def history(weeks, *, seed=1, teams=TEAMS, items=5):
    """Quiet log-normal cycle times."""
    rng = np.random.default_rng(seed)
    n = weeks * items
    rows = [
        pd.DataFrame(
            {
                "item_id": [f"{team}{k}" for k in range(n)], "team": team, "item_type": "feature", "size": "M",
                "start_state": "In progress", "finish_state": "Done", "outcome": "done", "ended": True,
                "at": pd.Timestamp(START, tz="UTC") + pd.to_timedelta(7 * np.arange(n) // items + 0.3, unit="D"),
                "value": np.exp(rng.normal(1.5, 0.8, n)),
            }
        )
        for team in teams
    ]  # fmt: skip
    rows = [r.assign(at=pd.Timestamp(START, tz="UTC") + pd.to_timedelta((np.arange(n) // items) * 7 + 0.3, unit="D"))
            for r in rows]  # fmt: skip
    return pd.concat(rows, ignore_index=True)


def stepped(step=3, teams=TEAMS):
    """One team after the other from week 40 on."""
    return {team: START + timedelta(weeks=40 + step * k) for k, team in enumerate(teams)}


def planned(rollouts, weeks=40, *, metric=CYCLE, **rest):
    """Plan from a history of so many weeks."""
    as_of = pd.Timestamp(START, tz="UTC") + pd.Timedelta(weeks=weeks)
    return plan(history(weeks, **rest), metric=metric, rollouts=rollouts, as_of=as_of)


def test_more_weeks_show_smaller_effects():
    """Half a year shows what two months cannot; once all teams have adopted there is little more to learn."""
    seen = planned(stepped()).visible
    assert seen[26] < seen[12] < seen[8]
    assert seen[26] == pytest.approx(seen[52], rel=0.1)
    assert list(planned(stepped()).visible) == list(HORIZONS)


def test_teams_that_stay_as_they_were_help():
    """With half of the teams as a comparison less data after the rollout shows as much."""
    some = {team: day if k % 2 else None for k, (team, day) in enumerate(stepped(teams=TEAMS).items())}
    assert isinstance(planned(some), Plan)
    assert planned(some).n_teams == len(TEAMS)


def test_orders_are_compared_and_all_at_once_cannot_be_judged():
    """Without a comparison there is no figure for one day for all."""
    orders = planned(stepped()).orders
    assert "all on one day" not in orders
    assert "as planned" in orders
    assert list(orders.values()) == sorted(orders.values())


def test_what_was_promised_comes_true():
    """The smallest detectable effect said before is near the one of the assessment afterwards."""
    rollouts = stepped()
    said = planned(rollouts, seed=3)
    whole = history(92, seed=3)
    found = compare(
        whole, metric=CYCLE, rollouts=rollouts, as_of=pd.Timestamp(START, tz="UTC") + pd.Timedelta(weeks=92)
    )
    assert found.smallest_detectable == pytest.approx(said.visible[52], rel=0.35)


def test_only_the_past_is_looked_at():
    """What happened after the first rollout changes nothing."""
    rollouts = stepped()
    assert planned(rollouts, weeks=40).visible == planned(rollouts, weeks=40).visible
    later = plan(
        history(60).assign(value=lambda h: np.where(h.index % 300 > 200, 500.0, h["value"])), metric=CYCLE,
        rollouts={t: START + timedelta(weeks=20 + 3 * k) for k, t in enumerate(TEAMS)},
        as_of=pd.Timestamp(START, tz="UTC") + pd.Timedelta(weeks=20),
    )  # fmt: skip
    assert isinstance(later, Plan)
    assert later.n_weeks <= 20


def test_a_team_spelt_in_two_ways_is_not_planned_for():
    """Half of its history would be missing from the figures."""
    seen = history(40).assign(team=lambda h: h["team"].mask(h.index % 2 == 0, h["team"] + " "))
    rollouts = {f"{team}": START + timedelta(weeks=40 + 3 * k) for k, team in enumerate(TEAMS)}
    found = plan(seen, metric=CYCLE, rollouts=rollouts, as_of=pd.Timestamp(START, tz="UTC") + pd.Timedelta(weeks=40))

    assert isinstance(found, CannotSay)
    assert "'A', 'A '" in found.reasons[0]
    assert "write a team alike everywhere" in found.reasons[0]


@pytest.mark.parametrize(
    ("rollouts", "weeks", "reason"),
    [
        pytest.param({"A": None}, 40, "no rollout date", id="no-date"),
        pytest.param(stepped(), 10, "weeks of history", id="short"),
        pytest.param({"Z": START + timedelta(weeks=40)}, 40, "no cycle time is known of Z", id="unknown-team"),
        pytest.param(dict.fromkeys(TEAMS, START + timedelta(weeks=40)), 40, "one after the other", id="at-once"),
    ],
)
def test_what_cannot_be_planned_says_why(rollouts, weeks, reason):
    """A plan without a comparison, a date or a past gives a reason, never a number."""
    found = planned(rollouts, weeks=weeks)
    assert isinstance(found, CannotSay)
    assert reason in found.reasons[0]


def test_work_that_is_never_done_promises_nothing():
    """Where a map does not know the word for done, everything is open, and no effect could be seen."""
    past = history(40)
    as_of = pd.Timestamp(START, tz="UTC") + pd.Timedelta(weeks=40)

    said = plan(past.assign(ended=past.index % 5 == 0), metric=CYCLE, rollouts=stepped(), as_of=as_of)

    told = "only 20% of the work of the history was done; does the workflow map know every state?"
    assert said == CannotSay(reasons=(told,))


def test_an_export_may_be_dated_in_any_way():
    """A date, a text or an instant in UTC are one."""
    day = START + timedelta(weeks=40)

    said = [plan(history(40), metric=CYCLE, rollouts=stepped(), as_of=one) for one in (day, str(day))]

    assert [planned(stepped())] * 2 == said


def test_a_level_cannot_be_planned_for():
    """What is counted at one instant has no weeks before and after."""
    said = planned(stepped(), metric=METRICS["wip"])

    assert said == CannotSay(reasons=("wip is a level at one instant; plan for cycle_time instead",))


def test_a_follow_up_is_waited_for():
    """What is followed for 30 days after it ended shows less after the same weeks, and nothing in the first ones."""
    followed = dataclasses.replace(CYCLE, follow_up=30)
    now, later = planned(stepped()).visible, planned(stepped(), metric=followed).visible
    assert all(now[weeks] < later[weeks] for weeks in later)
    month = dataclasses.replace(CYCLE, follow_up=8 * 7)
    assert [weeks for weeks in HORIZONS if weeks > 8] == list(planned(stepped(), metric=month).visible)


def test_one_team_alone_can_be_planned():
    """A single team has its own past as the only comparison."""
    found = planned({"A": START + timedelta(weeks=40)}, teams=("A",))
    assert isinstance(found, Plan)
    assert list(found.orders) == ["as planned"]


def test_lines_name_weeks_and_orders():
    """Shares are said in points, the others in percent."""
    found = planned(stepped())
    assert "26 weeks after the first rollout" in str(found)


@pytest.mark.parametrize(
    ("least", "told"),
    [
        pytest.param(0.31, "31%, the least that would be worth it, could be seen from 12 weeks on", id="seen"),
        pytest.param(0.30, "30%, the least that would be worth it, could be seen from 26 weeks on", id="seen-later"),
        pytest.param(0.35, "35%, .* could be seen from 12 weeks on, and no longer at 52: let some", id="not-for-ever"),
        pytest.param(0.10, "10%, .* could not be seen within 26 weeks: expect not enough evidence", id="not-seen"),
    ],
)
def test_a_plan_says_whether_what_is_wanted_can_be_seen(least, told):
    """The first weeks whose smallest visible effect is no larger than the one that would be worth it."""
    visible = {8: 0.4, 12: 0.31, 26: 0.2} | ({52: 0.36} if least == 0.35 else {})
    found = Plan(visible=visible, orders={}, n_items=9, n_weeks=9, n_teams=2)

    assert re.match(told, found.seen_by(least))


@pytest.mark.parametrize(
    ("orders", "alike", "best"),
    [
        ({"a": 0.2, "b": 0.205}, True, "as planned"), ({"b": 0.3, "a": 0.2}, False, "a"), ({"a": 0.2}, False, "a"),
        ({}, False, "as planned"),
    ],
)  # fmt: skip
def test_orders_that_hardly_differ_are_called_so(orders, alike, best):
    """A choice that makes no difference is not made to look like one."""
    found = Plan(visible={8: 0.4}, orders=orders, n_items=9, n_weeks=9, n_teams=2)

    assert alike == ("hardly differ" in str(found)) == ("hardly differ" in found._repr_html_())
    assert best == found.best_order
    assert bool(orders) == ("rollout order" in str(found)) == ("Rollout order" in found._repr_html_())


def filled(path, change_id):
    """A record that can be read."""
    text = template(change_id)
    for name in ("title", "problem", "hypothesis", "kind", "owner_role", "decided_by"):
        text = text.replace(f'{name}: ""', f'{name}: "x"')
    text = text.replace("rollouts: {}", "rollouts: {A: 2026-03-02}").replace(
        "decision_date: ", "decision_date: 2026-09-01 "
    )
    text = text.replace("cost_hours_a_week: ", "cost_hours_a_week: 1 ").replace("confidence: ", "confidence: 0.5 ")
    path.write_text(text, encoding="utf-8")
    return path


def test_the_record_keeps_the_last_plan_only(tmp_path):
    """A second plan replaces the first line, and no field of the frozen plan changes."""
    path = filled(tmp_path / "intake.md", "intake")
    before = plan_state(read_change(path))
    note_expected(path, on=date(2026, 1, 5), visible={8: 0.5, 26: 0.31}, order="as planned")
    note_expected(path, on=date(2026, 2, 2), visible={8: 0.4}, order="it's all: one day")
    change = read_change(path)
    assert {"day": date(2026, 2, 2), "8 weeks": 0.4, "order": "it's all: one day"} == dict(change.expected)
    assert before == plan_state(change)
    assert isinstance(change, Change)


@pytest.mark.parametrize(
    "written",
    [
        pytest.param('expected:\n  { day: 2024-01-01,\n    8 weeks: 0.50, order: "as planned" }\n', id="over-lines"),
        pytest.param("expected:\n  day: 2024-01-01\n  order: as planned\n", id="in-block-style"),
        pytest.param("expected: {day: 2024-01-01} # of last week\n", id="with-a-remark"),
    ],
)
def test_a_plan_that_was_laid_out_anew_is_replaced(written, tmp_path):
    """However an editor lays an earlier plan out, the record keeps its other fields, and the last plan alone."""
    path = filled(tmp_path / "intake.md", "intake")
    before = path.read_text(encoding="utf-8")
    path.write_text(before.replace("---\n", "---\n" + written + "# kept\n", 1), encoding="utf-8")

    note_expected(path, on=date(2026, 2, 2), visible={8: 0.4}, order="as planned")

    line = "expected: {day: 2026-02-02, 8 weeks: 0.40, order: 'as planned'}\n---\n"
    assert path.read_text(encoding="utf-8") == "---\n# kept\n" + before.removeprefix("---\n").replace("---\n", line, 1)


@pytest.mark.parametrize("name", ["owner_at_start", "reopened"])
def test_what_never_varied_promises_nothing(name):
    """Where every item had an owner, or none ever came back, there is no error to plan by, and the reason is told."""
    as_of = pd.Timestamp(START, tz="UTC") + pd.Timedelta(weeks=40)
    said = plan(history(40).assign(value=1.0), metric=METRICS[name], rollouts=stepped(), as_of=as_of)
    assert said == CannotSay(reasons=("the values do not vary, so nothing says how sure an effect would be",))


def test_the_command_writes_the_record(sample_folder, tmp_path):
    """`prodops plan` prints the table and leaves a line in the record."""
    mine = tmp_path / "mine"
    shutil.copytree(sample_folder, mine, ignore=shutil.ignore_patterns("reports", "store"))
    done = CliRunner().invoke(main, ["plan", "named-owner", "--workspace", str(mine)])
    assert done.exit_code == 0, done.output
    assert "26 weeks after the first rollout" in done.output
    seen = read_change(mine / "data/experiments/named-owner.md").expected
    assert f"{100 * seen['26 weeks']:.0f} points" in done.output
    orders = done.output.partition("rollout orders")[2]
    assert ("hardly differ" in orders, f"  {seen['order']}\n" in orders, seen["order"]) == (True, True, "as planned")


def test_a_team_without_recent_work_cannot_be_planned_for():
    """How much work an idle team will have is not known; it is named."""
    past = history(60)
    idle = past[(past["team"] != "C") | (past["at"] < pd.Timestamp(START, tz="UTC") + pd.Timedelta(weeks=20))]
    rollouts = {team: START + timedelta(weeks=62 + k) for k, team in enumerate("ABC")}

    found = plan(idle, metric=CYCLE, rollouts=rollouts, as_of=pd.Timestamp(START, tz="UTC") + pd.Timedelta(weeks=60))

    assert found == CannotSay(reasons=("nothing is known of C in the last 26 weeks of the history",))


def test_a_rollout_that_is_not_planned_yet():
    """A day that stands for never is told."""
    found = planned({"A": date(9999, 1, 1), "B": None})
    assert found == CannotSay(reasons=("a rollout on 9999-01-01 lies too far ahead to plan for",))


@pytest.mark.parametrize("metric", ["cycle_time", "throughput"])
def test_an_idle_comparison_is_none(metric):
    """Where the only other team has had no work for half a year, nothing can be compared."""
    past = history(60, teams=("A", "B"))
    idle = past[(past["team"] != "B") | (past["at"] < pd.Timestamp(START, tz="UTC") + pd.Timedelta(weeks=30))]

    found = plan(idle, metric=METRICS[metric], rollouts={"A": START + timedelta(weeks=62), "B": None},
                 as_of=pd.Timestamp(START, tz="UTC") + pd.Timedelta(weeks=60))  # fmt: skip

    assert found == CannotSay(
        reasons=("nothing can be compared: let teams start one after the other, or leave some out",)
    )
