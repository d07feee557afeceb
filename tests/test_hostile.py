"""Hostile and awkward texts are text wherever a report shows them, and never wider than the screen."""

import csv
import io
import re
from html import unescape

import altair as alt
import pandas as pd
import pytest
from hostile import CORPUS
from nbformat.v4 import new_code_cell, new_output
from test_browser import explore
from test_html import notebook, scripts_of, shown, soup_of, unpacked

from prodops_analysis.charts import renderer
from prodops_analysis.charts.parts import headline
from prodops_analysis.errors import printable
from prodops_analysis.report.html import render
from prodops_analysis.report.results import chart_tables
from prodops_analysis.tables import Callout, Card, Cards, table

texts = pytest.mark.parametrize("text", CORPUS.values(), ids=CORPUS)


def chart_of(text):
    """Draw a text as title, measure, team, legend and name of an axis."""
    frame = pd.DataFrame({"n": [1, 2], "value": [3, 4], "team": [text, "Search"]})
    x, y = alt.X("n:Q", title=text), alt.Y("value:Q", title=text)
    chart = alt.Chart(frame).mark_point(size=400).encode(x=x, y=y, color="team:N", shape="team:N")
    with alt.theme.enable("prodops"):
        return renderer.renderer(headline(chart, text, text, text).to_dict())


def book(text):
    """Show a text in every place that a report has for texts of others."""
    frame = pd.DataFrame({text: [text, "b"], "n": [1, 2]})
    printed = new_code_cell("", outputs=[new_output("stream", name="stdout", text=text)])
    return notebook(
        f"# {text}", f"## {text}\n\nProse of a record: {text}", "## Next", shown(chart_of(text)),
        shown(table(frame, caption=text)), shown(Callout("note", text, [text]), Cards([Card(label=text, value=text)])),
        printed, shown({"text/plain": text}), title=text, period=text, notice=text, as_of=text,
    )  # fmt: skip


def squeezed(text):
    """Drop what no two ways of writing a text agree on: space."""
    return re.sub(r"\s+", "", text)


@texts
def test_a_page_shows_the_text(text):
    """Title, headings of tables, cells, cards, callouts and captions read as typed, and add nothing to the page."""
    soup = soup_of(render(book(text)))
    expected = squeezed(printable(text))

    for place in ("h1", "figcaption strong", "figcaption span", "caption", "td, tbody th", ".prodops-callout", "dt"):
        assert expected in squeezed(soup.select_one(place).text), place
    assert expected in squeezed(soup.select_one(".drawing")["aria-label"])
    assert [script.get("id") for script in soup.find_all("script")] == ["live.code", "live.charts", None]
    assert len(soup.find_all("h1")) == 1
    assert not soup.find_all(["iframe", "img", "b"])
    assert not [name for tag in soup.find_all(True) for name in tag.attrs if name.startswith("on")]
    assert not [a["href"] for a in soup.find_all("a") if not a["href"].startswith("#")]


@texts
def test_a_drawing_shows_the_text(text):
    """Names of axes and teams are words in the drawing, cut with an ellipsis where they are long."""
    words = [unescape(found) for found in re.findall(r"<text[^>]*>([^<]*)</text>", chart_of(text)["image/svg+xml"])]
    expected = squeezed(printable(text))

    assert [word for word in words if squeezed(word).rstrip("…") and expected.startswith(squeezed(word).rstrip("…"))]
    assert not re.search(
        r"<(?!/?(?:svg|g|path|text|tspan|rect|circle|line|defs|clipPath)\b)", chart_of(text)["image/svg+xml"]
    )


@texts
def test_a_file_of_the_data_shows_the_text(text):
    """The CSV behind a chart holds the text in one cell, and no cell that a spreadsheet would run."""
    (file,) = chart_tables(notebook(shown(chart_of(text))), prefix="data/x").values()
    cells = [cell for row in csv.reader(io.StringIO(file, newline="")) for cell in row]

    assert printable(text) in [cell.removeprefix("'") for cell in cells]
    assert not [cell for cell in cells if cell.startswith(tuple("=+-@\t\r"))]


@texts
def test_a_live_chart_holds_the_text(text):
    """What is packed for the live chart is the same text, without what cannot be printed."""
    held = unpacked(scripts_of(render(book(text)))[0]["live.charts"])

    assert "\\u0000" not in held
    assert not re.search("[\0\u202e\u2067]", held)


@pytest.fixture
def phone(browser, tmp_path):
    """Open a notebook on a phone and yield its page, with what it said."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, offline=True)
    page = context.new_page()
    page.said = []
    page.on("dialog", lambda dialog: page.said.append(dialog.message) or dialog.dismiss())
    page.on("pageerror", lambda error: page.said.append(str(error)))

    def opened(made):
        path = tmp_path / "report.html"
        path.write_text(render(made), encoding="utf-8")
        page.goto(path.as_uri())
        return page

    yield opened
    context.close()


@pytest.mark.browser
@texts
def test_a_phone_shows_the_text(phone, text):
    """Nothing runs and nothing overflows at 390 px, drawn or live, and the tooltip reads as typed."""
    page = phone(book(text))
    assert page.evaluate("document.documentElement.scrollWidth") <= 390

    explore(page)
    page.locator(".live .mark-symbol.role-mark path").first.hover(force=True, position={"x": 6, "y": 10})
    tip = page.locator("#live\\.tip.visible")
    tip.wait_for()

    expected = squeezed(printable(text))
    assert expected in [squeezed(cell) for cell in tip.locator("td").all_inner_texts()]
    box = tip.bounding_box()
    assert (box["x"] >= 0, box["x"] + box["width"] <= 390) == (True, True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.said == []
