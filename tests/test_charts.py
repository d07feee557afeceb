"""What charts say: headlines from the numbers drawn, a reason in place of an empty chart, change dates on series."""

from dataclasses import replace
from datetime import date

import altair as alt
import pandas as pd
import pytest
from test_signs import said

from prodops_analysis import METRICS, Check
from prodops_analysis.charts import flow as charts
from prodops_analysis.charts import parts
from prodops_analysis.charts.change import (
    behaviour,
    curves_before_after,
    effect_over_time,
    ordinary_dates,
    weekly_level,
)
from prodops_analysis.charts.parts import effect_axis, falling, is_empty
from prodops_analysis.charts.portfolio import verdicts_chart
from prodops_analysis.charts.renderer import title_of
from prodops_analysis.charts.theme import INK, MUTED
from prodops_analysis.estimators.survival import kaplan_meier
from prodops_analysis.estimators.together import Interval
from prodops_analysis.metrics import flow
from prodops_analysis.metrics.flow import summarise_durations, time_in_stage
from prodops_analysis.phases import Behaviour

NAMES = {"c": "New intake", "d": "Another"}


def headline(chart):
    """The message of a chart."""
    return title_of(chart.to_dict())[0]


def drawn(chart):
    """Every row of data that a chart holds."""
    return [row for rows in chart.to_dict()["datasets"].values() for row in rows]


def at(text):
    """An instant of March 2026, such as '04 12:00'."""
    return pd.Timestamp(f"2026-03-{text}", tz="UTC")


def test_all_changes_are_counted_and_those_with_a_number_drawn():
    """The headline counts every assessed change; one without an answer is counted and not drawn."""
    silent = replace(said("not enough evidence", worthwhile="not shown", effect=None), change_id="d")

    chart = verdicts_chart([said(), silent], names=NAMES, period="March 2026")

    assert headline(chart) == "1 of 2 changes improved what they were meant to; 1 cannot be told"
    assert [row["verdict"] for row in drawn(chart) if "verdict" in row] == ["Cycle time: improved, −30%"]
    assert [row["effect"] for row in drawn(chart) if "effect" in row] == [-30.0]


def test_without_any_number_the_chart_says_why():
    """No estimate at all gives a sentence instead of an empty frame."""
    chart = verdicts_chart([said("not enough evidence", effect=None)], names=NAMES, period="March 2026")

    assert headline(chart) == "No effect is shown"
    assert "no change of this month has an estimate" in chart.to_dict()["description"].lower()


def test_ordinary_dates_stand_beside_the_rollout():
    """Each earlier date is drawn at the weeks it was moved back, the rollout itself at 0."""
    ordinary = {13: Interval(estimate=0.1, low=-0.1, high=0.3), 20: Interval(estimate=-0.05, low=-0.2, high=0.1)}

    chart = ordinary_dates(replace(said(), ordinary=ordinary, replayed=(0, 2)))

    assert headline(chart) == "On 0 of 2 ordinary dates this rule would have spoken"
    points = {row["weeks"]: row["effect"] for row in drawn(chart) if "weeks" in row}
    assert points == {-13: 0.1, -20: -0.05, 0: -0.3}


@pytest.mark.parametrize("given", [said(), said("not enough evidence", effect=None)], ids=["too-little", "no-answer"])
def test_without_ordinary_dates_the_chart_says_why(given):
    """Too little history, or no answer, is said in the chart's place."""
    assert headline(ordinary_dates(given)) == "No ordinary dates to try"


@pytest.mark.parametrize(
    ("early", "words"),
    [
        ((-0.1, 0.15), "Quiet before the rollout, as it should be"),
        ((-0.1, 0.2), "Nothing clear before the rollout; up to +20% is not ruled out"),
        ((-0.3, 0.2), "up to −30% is not ruled out"),
        ((0.1, 0.3), "Something moved before the rollout"),
    ],
    ids=["quiet", "unclear", "unclear-below", "moved"],
)
def test_what_moved_before_the_rollout_is_the_headline(early, words):
    """An interval before the rollout without zero changes the message; quiet is one that stays within what matters."""
    bands = {(-8, -5): Interval(estimate=sum(early) / 2, low=early[0], high=early[1]),
             (0, 3): Interval(estimate=-0.3, low=-0.4, high=-0.2)}  # fmt: skip

    chart = effect_over_time(replace(said(), by_band=bands))

    assert words in headline(chart)
    assert {row["weeks"] for row in drawn(chart) if "weeks" in row} == {"−8 to −5", "0 to 3"}


def test_weeks_before_that_were_not_seen_are_not_called_quiet():
    """Without a band before the rollout the headline claims nothing of it."""
    bands = {(0, 3): Interval(estimate=-0.3, low=-0.4, high=-0.2)}

    assert headline(effect_over_time(replace(said(), by_band=bands))).startswith("Nothing is known")


def test_other_changes_stand_on_every_series():
    """Own rollouts are drawn in ink, those of other changes in grey, each under its name."""
    months = pd.DataFrame({"month": pd.to_datetime(["2026-01-01", "2026-02-01"]), "group": "adopting teams",
                           "value": [4.0, 3.0], "n": [20, 20]})  # fmt: skip

    chart = weekly_level(months, rollouts=[(date(2026, 1, 12), "Search")], others=[(date(2026, 2, 2), "status")],
                         metric=METRICS["cycle_time"])  # fmt: skip

    assert {(row["name"], row["ink"]) for row in drawn(chart) if "ink" in row} == {("Search", INK), ("status", MUTED)}
    assert headline(chart) == "Cycle time, February 2026: 3.0 days in adopting teams"


def test_a_forbidden_number_is_in_no_chart():
    """Where a check forbids any number, its reason stands in the place of every description."""
    grade = Check(name="data quality", result="forbids", found="grade D: 73% in doubt")
    why = replace(said(), checks=(grade,)).forbidden
    months = pd.DataFrame({"month": [at("01")], "group": "adopting teams", "value": [4.0], "n": [20]})
    week = Behaviour(weeks=pd.DataFrame({"since": [0], "value": [1.0]}), signals=0, expected_by_luck=0.1)

    shown = (
        curves_before_after({}, name="Cycle time", forbidden=why),
        weekly_level(months, rollouts=[], metric=METRICS["cycle_time"], forbidden=why),
        behaviour(week, metric=METRICS["cycle_time"], forbidden=why),
    )

    assert "Data quality: grade D: 73% in doubt." in why
    assert said().forbidden == ""
    for chart in shown:
        assert "shown" in headline(chart)
        assert is_empty(chart.to_dict())
        assert "73% in doubt" in chart.to_dict()["description"]


@pytest.mark.parametrize(("scale", "unit", "tick"), [("ratio", "change", "+.0%"), ("difference", "points", "100 *")])
def test_effects_are_signed_in_percent_or_points(scale, unit, tick):
    """An axis of effects says its unit; only zero goes without a sign."""
    found = effect_axis(scale)

    assert unit in found["title"]
    written = found["axis"].to_dict()["labelExpr"]
    assert tick in written
    assert written.endswith("'0'")


def test_both_medians_are_named_beside_the_later_one():
    """The two lines stand close together; their names share a place where neither is cut."""
    summary = summarise_durations(
        pd.DataFrame({"value": [1.0, 2.0, 3.0, 4.0, 9.0], "ended": [True, True, True, True, False], "outcome": "done"})
    )

    chart = charts.time_to_end(summary, period="March 2026")

    marks = [row for row in drawn(chart) if "beside" in row]
    assert headline(chart) == "Half of the work ends within 3.0 days"
    assert [(row["days"], row["beside"]) for row in marks] == [(3.0, 3.0), (2.5, 3.0)]


def test_open_items_are_marked_on_their_curve():
    """A stroke stands where an item was still open, at the height of the curve there; neighbours share one stroke."""
    curves = {"before": kaplan_meier([1, 2, 2, 4], [1, 0, 1, 1]), "after": kaplan_meier([1, 3, 3.001, 9], [1, 0, 0, 0])}

    chart = curves_before_after(curves, name="Cycle time")
    alone = falling({"all": kaplan_meier([0, 0], [1, 0])}, limit=0.0, colours=["#000000"])

    strokes = [(row["group"], row["days"], row["survival"]) for row in drawn(chart) if "low" not in row]
    assert strokes == [("before", 2.0, 0.5), ("after", 3.0, 0.75), ("after", 9.0, 0.75)]
    assert headline(chart) == "Median 2.0 days before, not reached after"
    assert "4 items before (1 open), 4 items after (3 open)" in " ".join(chart.to_dict()["title"]["subtitle"])
    assert [row for row in drawn(alone) if "low" not in row] == [{"days": 0.0, "survival": 0.5, "group": "all"}]


def test_a_long_headline_is_broken_between_words():
    """JupyterLab would cut it off; a word is never broken, and the page reads one line."""
    long = " ".join(["Half of the work ends within a day"] * 3)
    spec = parts.headline(alt.Chart(pd.DataFrame({"a": [1]})).mark_point(), long, "x" * 300, "Dots").to_dict()

    assert max(map(len, spec["title"]["text"])) <= parts.TITLE_LENGTH
    assert title_of(spec) == (long, "x" * 300)


def test_work_in_progress_is_counted_to_the_end_of_the_month():
    """The last point of the line is the figure of the month's card, not that of the last Monday."""
    begun = pd.DataFrame({"team": "Search", "started_at": [at("02"), at("10"), at("31 10:00")], "finished_at": pd.NaT})
    begun = begun.assign(finished_at=begun["finished_at"].dt.tz_localize("UTC"))
    weeks = pd.date_range(at("02"), at("30"), freq="W-MON").union([at("31 12:00")])

    chart = charts.wip_over_time(flow.wip_over_time(begun, at=weeks), period="March 2026")

    assert headline(chart) == "3 items are in progress, 2 more than on 2 March 2026"


def test_time_in_stage_by_hand():
    """Stays in a stage add up by item; work still open, ended elsewhere or in small teams is left out."""
    items = pd.DataFrame(
        [("a", "A", "done", at("10")), ("b", "A", "done", at("12")), ("c", "A", "open", pd.NaT),
         ("d", "B", "done", at("11")), ("e", "A", "dropped", at("11"))],
        columns=["item_id", "team", "outcome", "finished_at"],
    )  # fmt: skip
    spells = pd.DataFrame(
        [("a", "queue", at("01"), at("05")), ("a", "active", at("05"), at("07")), ("a", "queue", at("07"), at("08")),
         ("a", "done", at("10"), pd.NaT), ("b", "active", at("06"), at("12")), ("c", "queue", at("01"), at("20")),
         ("d", "queue", at("01"), at("11")), ("e", "queue", at("01"), at("11"))],
        columns=["item_id", "stage", "entered_at", "left_at"],
    )  # fmt: skip

    found = time_in_stage(spells, items, since=at("01"), until=at("31"), smallest_group=2)

    rows = {(row.team, row.stage): (row.days, row.n) for row in found.itertuples()}
    assert rows == {("A", "queue"): (2.5, 2), ("A", "active"): (4.0, 2)}
    title = "62% of the time of finished work was work, 38% was waiting"
    assert headline(charts.time_in_stage(found, period="March 2026")) == title
    assert headline(charts.time_in_stage(found.iloc[:0], period="March 2026")) == "No work done in March 2026"


def test_time_in_stage_counts_items_not_teams():
    """A team with many items weighs as much as its items, and time that no stage explains is not called waiting."""
    stages = pd.DataFrame(
        [("A", "active", 1.0, 90), ("A", "queue", 1.0, 90), ("B", "unknown", 20.0, 1)],
        columns=["team", "stage", "days", "n"],
    )

    title = headline(charts.time_in_stage(stages, period="March 2026"))

    assert title == "45% of the time of finished work was work, 45% was waiting; of 10% it is not known"


def test_a_group_without_a_last_month_is_named():
    """The headline says where a group's last month is not known; shares stand in percent with what is behind them."""
    months = pd.DataFrame({"month": pd.to_datetime(["2026-01-01", "2026-01-01", "2026-02-01"]),
                           "group": ["adopting teams", "other teams", "other teams"], "value": [0.4, 0.5, 0.6],
                           "n": [20, 30, 40]})  # fmt: skip

    chart = weekly_level(months, metric=METRICS["owner_at_start"], rollouts=[])

    assert headline(chart) == "Owner at start, February 2026: not known in adopting teams and 60% in other teams"
    assert "40 of other teams in the last one" in " ".join(chart.to_dict()["title"]["subtitle"])
    assert chart.to_dict()["encoding"]["y"]["scale"]["domain"] == [0, 1]


def test_open_items_without_recent_work_have_no_expectation():
    """Where nothing recent ended there is no time to compare ages with; no line is drawn and none is named."""
    chart = charts.ageing(pd.DataFrame({"team": ["A"], "value": [3.0]}), recent=None, period="March 2026")

    assert headline(chart) == "Open items: 1"
    assert "nan" not in str(chart.to_dict())


def test_the_last_share_is_the_headline():
    """The message of a series is where it stands and where it began; an empty one says so."""
    shares = pd.DataFrame({"month": pd.to_datetime(["2026-01-01", "2026-02-01"]), "value": [0.5, 0.75],
                           "low": [0.3, 0.6], "high": [0.7, 0.9], "n": [20, 30]})  # fmt: skip

    chart = charts.share_by_month(shares, name=METRICS["owner_at_start"].label, period="two months")

    assert headline(chart) == "Owner at start: 75% in the last month, 50% in the first"
    assert "50 items" in chart.to_dict()["title"]["subtitle"]
    assert "too few items" in headline(charts.share_by_month(shares.iloc[:0], name="Owner", period="two months"))


def test_time_axes_are_utc_wherever_they_are_read():
    """JupyterLab shows the dates of the page, whatever zone its browser is in."""
    assert parts.moments("day").to_dict()["scale"] == {"type": "utc"}
