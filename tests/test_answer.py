"""What an analyst sees of a result: a screen of plain text, and HTML that any theme can show."""

from dataclasses import replace
from datetime import date

import pandas as pd
import pytest
from bs4 import BeautifulSoup

from prodops_analysis.answer import WIDE, Assessment
from prodops_analysis.checks.subject import Check
from prodops_analysis.metrics.flow import summarise_durations
from prodops_analysis.planning import Plan
from prodops_analysis.verdict import Verdict, Worthwhile

PASSED = Check(name="season", result="passed", found="every week is compared with the same week of other teams")
NOTED = Check(name="comparison teams", result="noted", found="Mobile left out (60% of its items in doubt)")
WINDOW = {"Search": (date(2026, 1, 5), date(2026, 8, 30)), "Ads": (date(2026, 2, 2), date(2026, 9, 6))}
IMPROVED = Assessment(
    verdict=Verdict.IMPROVED, worthwhile=Worthwhile.YES, estimate=-0.40, low=-0.50, high=-0.28, scale="ratio",
    statistic=-5.1, window=WINDOW, n_items=1234, n_weeks=35, smallest_detectable=0.2, checks=(PASSED, NOTED),
    reasons=("the 95% interval, −50% to −28%, excludes no change",), method="One team beside 1 comparison team.",
    metric="cycle_time", unit="days", change_id="intake", smallest_worthwhile=0.15, typical=5.0,
)  # fmt: skip
SILENT = replace(
    IMPROVED, verdict=Verdict.NOT_ENOUGH_EVIDENCE, worthwhile=Worthwhile.NOT_SHOWN, estimate=None, low=None, high=None,
    typical=None, checks=(), window={}, reasons=("the change has no rollout date",), method="no estimate was made",
)  # fmt: skip
PLAN = Plan(visible={8: 0.31, 26: 0.2}, orders={"as planned": 0.2}, n_items=900, n_weeks=40, n_teams=4)


def test_an_assessment_reads_as_text():
    """Verdict, reason, effect with interval and unit, aim, data, open checks and method stand on one screen."""
    expected = """\
Cycle time, change 'intake': improved (worthwhile: yes)
  because the 95% interval, −50% to −28%, excludes no change
  effect  −40%, 95% interval −50% to −28% (−2.0 days, −2.5 to −1.4, at the median)
  aim     15% or more is worthwhile; this data would show 20% or more, 4 times in 5
  data    1,234 items of 2 teams in 35 weeks, 2026-01-05 to 2026-09-06
  noted   comparison teams: Mobile left out (60% of its items in doubt)
  checks  1 of 2 passed
  method  One team beside 1 comparison team."""

    assert expected == str(IMPROVED) == repr(IMPROVED)


def test_without_an_answer_there_is_no_number():
    """What has no estimate shows the reason and the aim, and neither effect nor method."""
    expected = """\
Cycle time, change 'intake': not enough evidence (worthwhile: not shown)
  because the change has no rollout date
  aim     15% or more is worthwhile"""

    assert expected == str(SILENT)


def test_a_share_is_stated_in_points():
    """An effect on a share is read in points."""
    said = replace(
        IMPROVED, metric="owner_at_start", scale="difference", estimate=0.28, low=0.13, high=0.44, typical=None
    )

    assert "effect  +28 points, 95% interval +13 to +44 points" in str(said)


def test_long_lines_wrap_and_dates_stay_whole():
    """No line is wider than a screen, and no date is broken in two."""
    long = replace(NOTED, found="; ".join(["Accounts until 2026-01-05 only"] * 9))

    lines = str(replace(IMPROVED, checks=(long,))).splitlines()

    assert max(map(len, lines)) <= WIDE
    assert sum(line.count("2026-01-05") for line in lines) == 10


@pytest.mark.parametrize("shown", [IMPROVED, SILENT, PLAN], ids=["improved", "silent", "plan"])
def test_html_is_accessible_and_has_no_colour_of_its_own(shown):
    """Tables have captions and scopes; styles align and never colour, so that light and dark themes show their own."""
    page = BeautifulSoup(shown._repr_html_(), "html.parser")

    assert [table for table in page.find_all("table") if not table.caption or not table.find("th", scope="col")] == []
    assert {"text-align:left"} >= {tag["style"] for tag in page.find_all(style=True)}
    assert page.find_all(["style", "script"]) == []


def test_html_says_what_the_text_says():
    """The verdict, the effect and the checks that did not pass are in the HTML, those that passed only counted."""
    text = BeautifulSoup(IMPROVED._repr_html_(), "html.parser").get_text(" ")

    for said in ("Cycle time, intake: improved", "−40%, 95% interval", "Comparison teams", "1 of 2 passed"):
        assert said in text
    assert PASSED.found not in text


def test_html_is_escaped():
    """What a record or a tracker wrote is text, never markup."""
    page = replace(IMPROVED, change_id="<b>x</b>", reasons=("<script>",))._repr_html_()

    assert "&lt;b&gt;x&lt;/b&gt;" in page
    assert BeautifulSoup(page, "html.parser").find_all(["b", "script"]) == []


def test_a_plan_reads_as_text_and_as_tables():
    """What could be seen stands by weeks and by order, in text and in HTML."""
    page = BeautifulSoup(PLAN._repr_html_(), "html.parser")

    assert "26 weeks after the first rollout: 20%" in str(PLAN)
    assert [["8 weeks", "31%"], ["26 weeks", "20%"], ["as planned", "20%"]] == [
        [cell.get_text() for cell in row.find_all(["th", "td"])] for row in page.select("tbody tr")
    ]
    assert "20 points" in str(replace(PLAN, scale="difference"))


def test_a_scorecard_shows_grades_and_checks(sample):
    """Grades stand by team and figure; only checks that found something are listed."""
    card = sample.quality()
    page = BeautifulSoup(card._repr_html_(), "html.parser")

    assert [table.caption.get_text().split(":")[0] for table in page.find_all("table")] == [
        "Grades by team", "Checks with items"
    ]  # fmt: skip
    assert len(page.find_all("table")[0].select("tbody tr")) == sample.items["team"].nunique()
    assert {check.name for check in card.checks if check.n} == {
        row.th.get_text() for row in page.find_all("table")[1].select("tbody tr")
    }
    heads = "cycle time lead time throughput wip work item age owner at start reopened unplanned"
    assert str(card).split("\n")[0].split() == heads.split()


def test_a_summary_of_durations_names_the_open_items():
    """The median stands beside what finished items alone would say."""
    observed = pd.DataFrame({"value": [1.0, 2.0, 3.0, 9.0], "ended": [True, True, True, False], "outcome": "done"})

    assert "4 items, 1 of them open, 0 dropped; finished ones alone would say 2.0" in str(summarise_durations(observed))


def test_plain_values_keep_their_shape():
    """The numbers for metrics.json are plain: dates as text, the verdict a word."""
    plain = replace(IMPROVED, until=pd.Timestamp("2026-09-07", tz="UTC")).to_dict()

    assert ["2026-01-05", "2026-08-30"] == plain["window"]["Search"]
    assert "2026-09-07T00:00:00+00:00" == plain["until"]
    assert "improved" == plain["verdict"]
