"""What a chart gains when it is made live, and what that costs in bytes."""

import json

import altair as alt
import nbformat
import pandas as pd
import pytest
import vl_convert

from prodops_analysis.charts import renderer
from prodops_analysis.charts.live import live
from prodops_analysis.charts.parts import headline, nothing_to_show, rollout_rules
from prodops_analysis.report.html import render
from prodops_analysis.report.live import LiveCharts

ROWS = pd.DataFrame(
    {"day": pd.date_range("2026-03-01", periods=4, tz="UTC"), "n": [1.5, 2, 3, 4], "team": list("baab"), "low": 0.0}
)
X, Y, TEAM = alt.X("day:T"), alt.Y("n:Q"), alt.Color("team:N")


def spec_of(chart):
    with alt.theme.enable("prodops"):
        return headline(chart, "Title", "Measure", "Words.").to_dict()


def compiled(chart):
    """Compile the live chart as a browser would."""
    return vl_convert.vegalite_to_vega(live(spec_of(chart)), vl_version=renderer.VERSION)


def marks_of(node):
    for mark in node.get("marks", []):
        yield mark
        yield from marks_of(mark)


def bound(vega):
    return [(signal["bind"]["options"], signal["bind"]["labels"]) for signal in vega["signals"] if "bind" in signal]


def zooms(vega):
    return [axis for axis in vega["scales"] if "domainRaw" in axis]


CHARTS = {
    "line": alt.Chart(ROWS).mark_line().encode(x=X, y=Y, color=TEAM),
    "line-with-points": alt.Chart(ROWS).mark_line(point=True).encode(x=X, y=Y, color=TEAM),
    "step": alt.Chart(ROWS).mark_line(interpolate="step-after").encode(x="n:Q", y=Y, color=TEAM),
    "band": alt.layer(
        alt.Chart(ROWS).mark_area().encode(x=X, y="low:Q", y2="n:Q", color=TEAM),
        alt.Chart(ROWS).mark_line().encode(x=X, y=Y, color=TEAM),
    ),
    "bar": rollout_rules(alt.Chart(ROWS).mark_bar().encode(x=X, y=Y), [(pd.Timestamp("2026-03-02").date(), "a")]),
    "points": alt.Chart(ROWS).mark_point().encode(x=alt.X("n:Q", scale=alt.Scale(type="log")), y="team:N"),
    "rule": alt.layer(
        alt.Chart(ROWS).mark_rule().encode(x="low:Q", x2="n:Q", y="team:N"),
        alt.Chart(ROWS).mark_point().encode(x="n:Q", y="team:N"),
    ),
    "squares": alt.Chart(ROWS).mark_rect().encode(x="day:O", y="team:N", color="n:Q"),
}


@pytest.mark.parametrize("kind", CHARTS)
def test_marks_answer_the_pointer(kind):
    """Points, bars and rules have a tooltip and feel the pointer; a line or area as a whole has none."""
    marks = [mark for mark in marks_of(compiled(CHARTS[kind])) if mark["type"] != "group"]
    tips = {mark["type"] for mark in marks if mark["encode"]["update"].get("tooltip", {}).get("signal")}

    assert {"symbol", "rect", "rule"} & {mark["type"] for mark in marks} == tips
    assert tips
    assert all(mark.get("interactive", True) for mark in marks if mark["type"] in tips)


def test_nothing_is_cut_at_the_edges():
    """The first and the last day stand clear of the edges of the view; words that stay in place are not clipped."""
    words = alt.Chart(ROWS).mark_text(dy=-24).encode(x=alt.value(0), y="team:N", text="team:N")
    vega = compiled(alt.layer(CHARTS["line"], words))

    assert [8] == [scale["padding"] for scale in vega["scales"] if scale["name"] == "x"]
    assert {"symbol": True, "text": None} == {
        mark["type"]: mark.get("clip") for mark in marks_of(vega) if mark["type"] in ("symbol", "text")
    }


def test_stacked_bars_are_not_clipped_away():
    """No bar lies in a group without a width, to which its clip would cut it."""
    bars = alt.Chart(ROWS).mark_bar().encode(x="n:Q", y=alt.Y("low:N"), color=TEAM)

    assert {"rect"} == {mark["type"] for mark in compiled(bars)["marks"]}


def test_points_for_the_pointer_are_not_seen():
    """A line looks as in the drawing; its points are there, without opacity, whatever is chosen."""
    points = [mark for mark in marks_of(compiled(CHARTS["band"])) if mark["type"] == "symbol"]

    assert [mark["encode"]["update"]["opacity"] for mark in points] == [{"value": 0}]


@pytest.mark.parametrize("kind", [kind for kind in CHARTS if kind != "squares"])
def test_x_can_be_zoomed(kind):
    """Numbers and times along x are bound to a zoom, and the signal that is named to the page holds it."""
    chart = live(spec_of(CHARTS[kind]))
    vega = vl_convert.vegalite_to_vega(chart, vl_version=renderer.VERSION)

    assert [scale["name"] for scale in zooms(vega)] == ["x"]
    assert chart["usermeta"]["zoom"] in [signal["name"] for signal in vega["signals"]]


def test_a_wheel_alone_scrolls_the_page():
    """Zooming by the wheel asks for a key beside it."""
    text = json.dumps(compiled(CHARTS["line"]))

    assert "event.ctrlKey || event.metaKey" in text


def test_categories_along_x_are_not_zoomed():
    """Where x is a list of names there is no zoom."""
    chart = live(spec_of(CHARTS["squares"]))

    assert zooms(vl_convert.vegalite_to_vega(chart, vl_version=renderer.VERSION)) == []
    assert chart["usermeta"] == {}


@pytest.mark.parametrize("kind", [kind for kind in CHARTS if kind != "bar"])
def test_one_team_can_be_chosen(kind):
    """The teams that are drawn can be chosen one by one, in order, after all of them."""
    assert bound(compiled(CHARTS[kind])) == [([None, "a", "b"], ["all", "a", "b"])]


@pytest.mark.parametrize(
    "teams", [["a"] * 4, ["a", None, "a", "a"], [f"team {n}" for n in range(41)]], ids=["one", "none", "many"]
)
def test_nothing_to_choose(teams):
    """One team needs no choice, and a list of dozens is none."""
    frame = pd.DataFrame({"n": range(len(teams)), "team": teams})

    assert bound(compiled(alt.Chart(frame).mark_point().encode(x="n:Q", y="team:N"))) == []


def test_times_are_utc():
    """A reader in another zone sees the dates of the drawing, on the axis and in the tooltip."""
    vega = compiled(CHARTS["line"])

    assert {"utc"} == {scale["type"] for scale in vega["scales"] if scale["name"] == "x"}
    assert "utcFormat" in json.dumps(vega["marks"])
    assert "timeFormat" not in json.dumps(vega["marks"])


def test_words_alone_are_not_explored():
    """A chart that only says why there is none stays a drawing."""
    assert live(spec_of(nothing_to_show("None", "Nothing happened."))) is None


def test_charts_side_by_side_get_tooltips_only():
    """Several views in one chart are not tied to one zoom or choice."""
    chart = live((CHARTS["line"] | CHARTS["points"]).to_dict())

    assert "params" not in json.dumps(chart)
    assert '"tooltip": true' in json.dumps(chart)


def test_the_specification_is_left_alone():
    """Making a chart live changes nothing in the notebook."""
    spec = spec_of(CHARTS["band"])
    before = json.dumps(spec)

    live(spec)

    assert before == json.dumps(spec)


def test_a_chart_cannot_bring_its_own_options():
    """What Vega would take for options of the page is dropped."""
    chart = live(spec_of(CHARTS["squares"]) | {"usermeta": {"embedOptions": {"actions": True}}})

    assert chart["usermeta"] == {}


def test_shared_rows_are_packed_once():
    """Two charts of the same rows cost the rows of one."""
    charts = LiveCharts()
    charts.add("chart.1", spec_of(CHARTS["line"]))
    one = len(charts.scripts())
    charts.add("chart.2", spec_of(CHARTS["points"]))

    assert len(charts.scripts()) - one < 1_000


def test_shipped_reports_stay_small(sample_month):
    """Every report of the month is under 200 kB as drawings, and twelve of its charts under 400 kB and 900 kB live."""
    books = [nbformat.read(path, as_version=4) for path in sorted((sample_month / "notebooks").glob("*.ipynb"))]
    static = [len(render(book, live=False).encode()) for book in books]
    drawn = [out for book in books for cell in book.cells for out in cell.get("outputs", []) if has_chart(out)]
    twelve = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(outputs=drawn[:12])])

    pages = {live: len(render(twelve, live=live).encode()) for live in (False, True)}

    assert len(twelve.cells[0].outputs) == 12
    assert max(static) < 200_000
    assert pages[False] < 400_000
    assert pages[True] < 900_000


def has_chart(output):
    return renderer.MIME in output.get("data", {})


def test_a_chart_with_selections_of_its_own_keeps_them():
    """What an author made interactive gets tooltips and nothing beside its own zoom."""
    chart = live(spec_of(CHARTS["line"].interactive()))

    assert [len(chart["params"]), chart["usermeta"]] == [1, {}]
