"""The first screen: the four signs, what is due, where each change stands, and no sentence beyond what is known."""

import re
from dataclasses import replace
from datetime import date

import pandas as pd
import pytest

from prodops_analysis import METRICS, Change, Verdict
from prodops_analysis.assessment import Assessment
from prodops_analysis.checks.subject import Check
from prodops_analysis.estimators.together import Interval
from prodops_analysis.metrics.monthly import Figure
from prodops_analysis.report.signs import MEASURED, NEEDED, portfolio_table, signs_panel
from prodops_analysis.report.words import bottom_line, decision_asked, guarded, last_seen, look_first, state_of
from prodops_analysis.verdict import Worthwhile

SEPTEMBER = pd.Period("2026-09", "M")
DAY = date(2026, 3, 2)


def said(verdict="improved", *, worthwhile="yes", effect=(-0.3, -0.4, -0.2), metric="cycle_time", checks=()):
    """An assessment of change `c` with what these pages read."""
    estimate, low, high = effect or (None, None, None)
    return Assessment(
        verdict=Verdict(verdict), worthwhile=Worthwhile(worthwhile), estimate=estimate, low=low, high=high,
        scale=METRICS[metric].scale, statistic=None, window={}, n_items=400, n_weeks=40, smallest_detectable=0.1,
        checks=checks, reasons=("the reason",), method="", metric=metric, unit=METRICS[metric].unit, change_id="c",
        smallest_worthwhile=0.15, by_team={"A": None, "B": None},
    )  # fmt: skip


def check(name, result, found="what was found"):
    """A named check."""
    return Check(name=name, result=result, found=found)


def change(**fields):
    """A change of two teams with a decision date in September."""
    return Change(**{"id": "c", "title": "New intake", "rollouts": {"A": DAY, "B": DAY},
                     "decision_date": date(2026, 9, 28), "decided_by": "head of product",
                     "cost_hours_a_week": 6} | fields)  # fmt: skip


def figure(name="cycle_time", value=4.0, low=3.5, high=4.5, before=(4.2, 3.9, 4.6)):
    """A figure of the month; `before` is that of the period before with its interval."""
    now = Figure(metric=METRICS[name], value=value, low=low, high=high, n=80, statistic="median", period="in the month")
    was, was_low, was_high = before or (None, None, None)
    return replace(now, earlier=replace(now, value=was, low=was_low, high=was_high))


def first_screen(sample, figures, *assessments, changes=None):
    """The panel of signs over a history that holds one change."""
    history = replace(sample, changes=changes or (change(),), month=SEPTEMBER)
    return signs_panel(figures, assessments, history)


@pytest.mark.parametrize(
    ("given", "reading"),
    [
        pytest.param(figure(), "no clear difference", id="overlapping"),
        pytest.param(figure(before=(5.0, 4.4, 5.6)), "no clear difference", id="outside-but-not-sure-itself"),
        pytest.param(figure(before=(5.0, 4.5, 5.5)), "no clear difference", id="touching"),
        pytest.param(figure(before=(5.0, 4.6, 5.5)), "shorter than the 26 weeks before", id="above"),
        pytest.param(figure(before=(3.0, 2.6, 3.4)), "longer than the 26 weeks before", id="below"),
        pytest.param(figure(before=None), "nothing to compare with yet", id="no-earlier"),
        pytest.param(figure(value=None, low=None, high=None), "not known", id="too-few"),
        pytest.param(
            figure("owner_at_start", 0.6, 0.5, 0.7, (0.4, 0.3, 0.45)), "clearer than the month before", id="share-above"
        ),
        pytest.param(
            figure("owner_at_start", 0.6, 0.5, 0.7, (0.8, 0.75, 0.9)),
            "less clear than the month before",
            id="share-below",
        ),
        pytest.param(
            figure("unplanned", 0.2, 0.15, 0.25, (0.4, 0.3, 0.45)), "fewer than the month before", id="surprises-below"
        ),
    ],
)
def test_reading_of_a_sign(sample, given, reading):
    """A sign moves only where the intervals of this period and the one before lie apart."""
    name = next(name for name, (metric, *_) in MEASURED.items() if metric == given.metric.name)

    assert reading == first_screen(sample, [given]).results["signs"][name]["reading"]


def test_signs_without_data_say_what_they_would_need(sample):
    """All four signs are there; those without data say in one line what it would take."""
    signs = first_screen(sample, []).results["signs"]

    assert len(signs) == 4
    for name in NEEDED:
        assert signs[name]["reading"] == "not known"
        assert "would need" in signs[name]["said"]
    assert "not among the metrics" in signs["Shorter cycle times"]["said"]


def test_each_sentence_with_a_number_links_to_its_evidence(sample):
    """A figure leads to its section, a verdict to its report, and the numbers are those of the objects."""
    panel = first_screen(sample, [figure()], said())

    html = panel.parts[0]._repr_html_()
    with_number = [s for s in re.findall(r"<dd>(.*?)</dd>", html) if re.search(r"\d", s)]
    assert len(with_number) == 2
    assert all("<a href=" in sentence for sentence in with_number)
    assert 'href="#how-long-work-takes"' in html
    assert 'Improved by 30% in 2 of 8 teams: <a href="change-c.html">New intake</a>' in html
    assert "within 4.0 days, 4.2 in the 26 weeks before (95% intervals 3.5 to 4.5 and 3.9 to 4.6; 80 and 80" in html


def test_a_sign_names_the_teams_it_leaves_out(sample):
    """A figure without some teams says so in its sentence."""
    told = first_screen(sample, [replace(figure(), without=("Partners",))]).results["signs"]["Shorter cycle times"]

    assert "in the month; without Partners, whose data has grade D)." in told["said"]


def test_sections_that_signs_lead_to_exist(sample_month):
    """Every link of the sample's first screen leads to a place or a page that is there."""
    for page in ("index.html", "monthly-review.html", "change-intake-template.html", "glossary.html"):
        text = (sample_month / page).read_text(encoding="utf-8")
        for address in re.findall(r'<a href="([^"]+)"', text):
            name, _, place = address.partition("#")
            target = (sample_month / (name or page)).resolve()
            assert target.is_file() or name == "../index.html", address
            assert not place or f'id="{place}"' in target.read_text(encoding="utf-8"), address
        assert '<a href="glossary.html">' in text


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        pytest.param({}, "due for decision", id="date-passed"),
        pytest.param({"decision_date": date(2026, 10, 1)}, "running", id="date-is-the-first-of-the-next-month"),
        pytest.param({"decision_date": None}, "running", id="no-date"),
        pytest.param({"rollouts": {"A": date(2026, 10, 1)}}, "planned", id="not-begun"),
        pytest.param({"rollouts": {"A": None}}, "planned", id="no-rollout"),
        pytest.param({"decision": " retire\n"}, "decided: retire", id="decided"),
    ],
)
def test_where_a_change_stands(fields, state):
    """Planned, running, due, or what was decided, as of the end of the month."""
    assert state == state_of(change(**fields), on=date(2026, 9, 30))


def test_the_portfolio_lists_every_record(sample):
    """A change that no team has begun is listed without a verdict and without a link."""
    planned = change(id="p", title="Planned one", rollouts={"A": date(2027, 1, 4)})
    history = replace(sample, changes=(change(), planned), month=SEPTEMBER)

    panel = portfolio_table((said(),), history)

    shown = panel.parts[0]
    assert [row[:4] for row in shown.cells] == [
        ("New intake", "due for decision by head of product since 28 September 2026", "improved",
         "Cycle time −30% (95% interval −40% to −20%); 2 of 8 teams; 6 hours a week"),
        ("Planned one", "planned, decision by head of product on 28 September 2026", "not assessed",
         "no team has begun"),
    ]  # fmt: skip
    assert shown.links == ("change-c.html", "")
    assert panel.results["verdicts"]["c"]["estimate"] == -0.3


def test_due_changes_are_named_first(sample):
    """What is due is counted and linked; what is due and was not assessed is said."""
    lost = change(id="l", title="Lost one")

    panel = first_screen(sample, [], said(), changes=(change(), lost))

    callout = panel.parts[1]
    assert callout.title == "2 changes are due"
    assert callout.links == {"New intake": "change-c.html"}
    assert callout.lines == ["Lost one was not assessed."]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        pytest.param(said(), "Cycle time of the 2 adopting teams fell by 30% (95% interval −40% to −20%), more than "
                     "the 15% that would be worth it.", id="improved"),
        pytest.param(said(worthwhile="no"), "less than the 15% that would be worth it.", id="small"),
        pytest.param(said(worthwhile="not shown"), "whether by the 15% that would be worth it is open.", id="unclear"),
        pytest.param(said("worsened", effect=(0.3, 0.1, 0.5)), "rose by 30%", id="worsened"),
        pytest.param(said(effect=(0.2, 0.1, 0.3), metric="owner_at_start"), "rose by 20 points", id="points"),
        pytest.param(said("no worthwhile change", worthwhile="no", effect=(0.01, -0.05, 0.07)),
                     "moved by +1% (95% interval −5% to +7%): less than the 15%", id="nothing"),
        pytest.param(said("not enough evidence", worthwhile="not shown", effect=None), "cannot be told.", id="none"),
        pytest.param(said("not enough evidence", worthwhile="not shown", effect=(-0.3, -0.6, 0.1)),
                     "cannot be told.", id="an-estimate-is-no-answer"),
    ],
)  # fmt: skip
def test_bottom_line(given, words):
    """One sentence, no more than is known; without an answer it holds no effect."""
    assert words in bottom_line(given)
    if given.verdict == "not enough evidence":
        assert not re.search(r"\d", bottom_line(given))


@pytest.mark.parametrize(
    ("checks", "words"),
    [
        ((), "none named"),
        (None, "Throughput, WIP: not judged yet"),
        ((check("guardrail throughput", "passed"), check("season", "noted")), "Throughput: no harm that matters"),
        ((check("guardrail cycle time", "noted"), check("guardrail wip", "noted", "cannot be judged: few")),
         "Cycle time: harm not ruled out; WIP: cannot be judged"),
        ((check("guardrail owner at start", "blocks"),), "Owner at start: got worse"),
    ],
    ids=["none", "not-yet", "passed", "open", "harmed"],
)  # fmt: skip
def test_guardrails_in_a_word(checks, words):
    """Each guardrail stands in the table of changes with how it came out."""
    change = Change(rollouts={}, guardrails=("throughput", "wip") if checks is None else ())

    assert words == guarded(said(checks=checks or ()), change)


@pytest.mark.parametrize(
    ("bands", "words"),
    [
        ({}, ""),
        ({(-8, -5): -0.1}, ""),
        ({(-8, -5): 0.0, (0, 3): -0.1, (26, 999): -0.2}, "from week 26 after the rollout on: −20% (95%"),
        ({(0, 3): -0.1, (4, 12): -0.3}, "in weeks 4 to 12 after the rollout: −30% (95% interval −40% to"),
    ],
    ids=["nothing", "only-before", "open-end", "still-early"],
)
def test_whether_an_effect_lasts(bands, words):
    """The last weeks seen stand beside the verdict, with their own interval and what they are compared with."""
    own = {band: Interval(estimate=x, low=x - 0.1, high=x + 0.1) for band, x in bands.items()}

    told = last_seen(replace(said(), by_band=own))

    assert told.startswith(words) if words else told == ""
    assert told.endswith(", beside all earlier weeks, trends left in.") or not words


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        (said(), "keep or extend"),
        (said(worthwhile="not shown"), "keep only if the cost is worth it"),
        (said("worsened", effect=(0.3, 0.1, 0.5)), "adjust or retire"),
        (said("no worthwhile change", worthwhile="no"), "retire, unless it serves another end"),
        (said("not enough evidence", worthwhile="not shown"), "decide on other grounds, or set a later decision date"),
        (replace(said("not enough evidence", worthwhile="not shown"), smallest_detectable=0.31),
         "decide on other grounds: waiting would hardly help"),
        (said("not enough evidence", effect=None), "wait: too little has been seen"),
        (said("not enough evidence", effect=None, checks=(check("data quality", "forbids"),)),
         "decide on other grounds; for an answer, mend the data"),
        (replace(said("not enough evidence", checks=(check("amount of work", "blocks"),)),
                 reasons=("amount of work: what was found",)),
         "decide on other grounds; for an answer, record the same kinds of items as before, with sizes"),
        (said("not enough evidence", worthwhile="not shown", checks=(check("amount of work", "blocks"),)),
         "decide on other grounds, or set a later decision date"),
        (said("not enough evidence", checks=(check("guardrail throughput", "blocks"),)),
         "adjust: throughput got worse"),
        (said(checks=(check("guardrail throughput", "noted"), check("guardrail owner at start", "passed"))),
         "keep or extend, and watch throughput"),
        (said("not enough evidence", worthwhile="not shown",
              checks=(Check(name="time of the look", result="forbids", found="monitoring until then"),)), "none yet"),
    ],
    ids=["keep", "cost", "adjust", "retire", "wait", "hopeless", "too-little", "bad-data", "blocked",
         "blocks-nothing", "harmed", "watch",
         "monitoring"],
)  # fmt: skip
def test_decision_asked(given, asked):
    """What is suggested follows from the verdict; while monitoring nothing is asked."""
    assert asked == decision_asked(given, Change(rollouts={}))


@pytest.mark.parametrize(
    ("verdict", "effect", "told"),
    [
        ("improved", (-0.3, -0.4, -0.2), "Mix of work: what was found. Wait before the start: what was found."),
        ("worsened", (0.3, 0.2, 0.4), "Mix of work: what was found. Wait before the start: what was found."),
        ("not enough evidence", (-0.3, -0.6, 0.1), ""),
    ],
)
def test_what_to_look_at_before_a_verdict_is_used(verdict, effect, told):
    """What moved in the records stands beside a verdict, and no other check does; without a verdict nothing."""
    checks = (check("mix of work", "noted"), check("bulk edits", "passed"), check("season", "noted"),
              check("wait before the start", "noted"))  # fmt: skip

    assert told == look_first(said(verdict, effect=effect, checks=checks))


def test_a_change_that_was_decided_asks_nothing():
    """Once the record holds a decision, no other one is suggested."""
    assert decision_asked(said("worsened"), Change(rollouts={}, decision="keep")) == "none: it is decided"
