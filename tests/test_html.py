"""The page of a report: complete, safe with hostile text, reachable, the same bytes everywhere."""

import base64
import gzip
import hashlib
import json
import os
import re
import subprocess
import sys
from functools import cache
from html import unescape
from pathlib import Path
from urllib.parse import urljoin

import altair as alt
import nbformat
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from nbconvert.exporters import get_exporter
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from prodops_analysis.charts import renderer
from prodops_analysis.charts.parts import nothing_to_show
from prodops_analysis.errors import ReportError
from prodops_analysis.report.html import ReportExporter, render
from prodops_analysis.tables import Callout, Card, Cards, table

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)><style>*{display:none}</style></svg>",
    "</pre></main></body><h1>gone</h1>",
    "{{ 7*7 }}{% include 'base/null.j2' %}{{ resources }}",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<a href='javascript:alert(1)'>a</a>",
    "<meta http-equiv=refresh content='0;url=https://example.invalid'>",
    "emoji 🧪 and ‏עברית‏",
]
OUTSIDE = re.compile(r"https?:(?!//www\.w3\.org/2000/svg\")")


def shown(*things, tags=()):
    """Make a code cell that has shown these objects."""
    cell = new_code_cell("secret_code()", metadata={"tags": list(tags)})
    for thing in things:
        data = {"text/html": thing._repr_html_(), "text/plain": repr(thing)} if hasattr(thing, "_repr_html_") else thing
        cell.outputs.append(new_output("display_data", data))
    return cell


@cache
def drawn(title="Faster", description="Line chart that rises.", *, width=640):
    frame = pd.DataFrame({"day": range(5), "value": [1, 4, 2, 5, 3], "team": list("aabbb")})
    picture = alt.Chart(frame, title=alt.Title(title, subtitle="Days")).mark_line(clip=True)
    with alt.theme.enable("prodops"):
        spec = picture.encode(x="day:Q", y="value:Q", color="team:N").properties(width=width).to_dict()
    return renderer.renderer(spec | {"description": description})


def notebook(*cells, **told):
    made = new_notebook(cells=[new_markdown_cell(cell) if isinstance(cell, str) else cell for cell in cells])
    for number, cell in enumerate(made.cells):
        cell["id"] = f"cell-{number}"
    made.metadata["prodops"] = told
    return made


def full():
    """Build a notebook with one of everything."""
    frame = pd.DataFrame({"team": ["Payments", "Search"], "n": [3, None]})
    wide = pd.DataFrame({f"a rather long name {number}": ["Payments", "Search"] for number in range(16)})
    text = "checked 12 items\n" + "a line that is wider than any phone " * 8
    printed = new_code_cell("print(1)", outputs=[new_output("stream", name="stdout", text=text)])
    return notebook(
        "# From the notebook\n\nWhy this report.\n\n## In short",
        new_code_cell("month: str = '2026-08'", metadata={"tags": ["parameters"]}),
        "## Flow\n\nText with [data](data/flow.csv) and a [guide](https://kanbanguides.org/).",
        shown(drawn(), drawn("Slower")),
        f"## Flow\n\n| check | items |\n|---|---:|\n| a | 1 |\n\n{'unbroken' * 40}",
        shown(table(frame, caption="Teams"), table(wide, caption="Wide")),
        printed,
        shown(
            Callout("verdict", "Improved"),
            Cards([Card(label="Cycle time", value="9.1", unit="days")]),
            tags=["summary"],
        ),
        title="Intake template",
        period="August 2026",
        notice="Synthetic data.",
        as_of="2026-09-02",
    )


@cache
def page_of_full():
    return render(full())


def policy_of(page):
    return soup_of(page).find("meta", attrs={"http-equiv": "Content-Security-Policy"})["content"]


def scripts_of(page):
    """Return the packed data of a page by id, and the scripts that a browser would run."""
    found = soup_of(page).find_all("script")
    return {s["id"]: s.string for s in found if s.has_attr("id")}, [s.string for s in found if not s.has_attr("type")]


def unpacked(text):
    return gzip.decompress(base64.b64decode(text)).decode()


def digest_of(text):
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def soup_of(page):
    return BeautifulSoup(page, "html.parser")


def test_page_is_laid_out_for_a_leader():
    """Title and notice, then the summary, then the contents, then the evidence."""
    page = page_of_full()

    places = [
        page.index(mark)
        for mark in (
            "Synthetic data.", "<h1>Intake template</h1>", "August 2026</span>", 'class="summary"', "Why this report.",
            "Improved", "9.1", '<nav ', '<h2 id="flow">', '<figure ', "</main>", "<footer>",
        )
    ]  # fmt: skip
    assert places == sorted(places)
    assert "From the notebook" not in page


def test_code_prompts_and_parameters_are_hidden():
    """Nothing of the source reaches the page."""
    page = page_of_full()

    assert not re.search(r"secret_code|2026-08'|In \[|Out\[|print\(1\)", page)
    assert "checked 12 items" in page


def test_title_of_the_caller_wins_then_metadata_then_heading():
    """A page always has one title."""
    cells = ("# Heading",)

    assert "<h1>Given</h1>" in render(notebook(*cells, title="Told"), title="Given")
    assert "<h1>Told</h1>" in render(notebook(*cells, title="Told"))
    assert "<h1>Heading</h1>" in render(notebook(*cells))
    assert "<h1>Report</h1>" in render(notebook("Text"))


def test_later_headings_of_level_one_are_kept():
    """Only the heading that opens the notebook is its title; one further down becomes a section."""
    page = soup_of(render(notebook("Text first", "# Not lost", title="T")))

    assert [h.text for h in page.find_all("h1")] == ["T"]
    assert [h.text for h in page.find_all("h2")] == ["Not lost"]


def test_nothing_points_outside():
    """No address but that of SVG's namespace stands in an attribute or a style, and nothing is loaded."""
    page = soup_of(page_of_full())
    told = [value for tag in page.find_all(True) for value in tag.attrs.values() if isinstance(value, str)]
    styles = [style.text for style in page.find_all("style")]
    namespaces = {tag["xmlns"] for tag in page.find_all("svg")}

    assert namespaces == {"http://www.w3.org/2000/svg"}
    assert not [value for value in told if re.search(r"https?:|//", value) and value not in namespaces]
    assert not [style for style in styles if re.search(r"url\(|@import", style)]
    assert not page.find_all(["link", "iframe", "object", "embed", "base", "form"])
    assert not [script for script in page.find_all("script") if script.get("src")]
    assert not [name for tag in page.find_all(True) for name in tag.attrs if name.startswith("on")]


def test_the_raw_page_names_no_outside_address():
    """A report whose text has no address holds none at all."""
    assert OUTSIDE.findall(render(notebook("# T", "## A", shown(drawn())))) == []


def test_policy_forbids_everything_but_the_page():
    """The browser is told the same: scripts run by their hash only, and not at all on a page without charts."""
    base = "default-src 'none'; style-src 'unsafe-inline'; img-src data:;"
    digest = r"'sha256-[A-Za-z0-9+/]{43}='"
    end = "base-uri 'none'; form-action 'none'"

    assert re.fullmatch(rf"{base} script-src {digest} {digest}; {end}", policy_of(page_of_full()))
    assert policy_of(render(notebook("Text"))) == f"{base} {end}"
    assert policy_of(render(notebook("Text", shown(drawn())), live=False)) == f"{base} {end}"


def test_the_policy_knows_our_scripts_byte_by_byte():
    """The hashes are those of the script in the page and of the bundle as it comes out of its packing."""
    data, scripts = scripts_of(page_of_full())

    assert list(data) == ["live.code", "live.charts"]
    assert [digest_of(scripts[0]), digest_of(unpacked(data["live.code"]))] == re.findall(
        r"'(sha256-[^']+)'", policy_of(page_of_full())
    )
    assert len(scripts) == 1


def test_data_are_stored_once():
    """Charts of the same rows share them, and each is kept for a desk and for a phone."""
    held = json.loads(unpacked(scripts_of(page_of_full())[0]["live.charts"]))

    assert [len(rows) for rows in held["data"]] == [5]
    assert list(held["charts"]) == ["chart.1", "chart.2"]
    assert {"datasets", "narrow", "wide"} == set(held["charts"]["chart.1"])


def test_a_static_page_has_nothing_to_run():
    """Without live charts there is no script, no button and no bundle; the drawings are the same."""
    static, full_page = render(full(), live=False), page_of_full()

    assert soup_of(static).find_all(["script", "button"]) == []
    assert re.findall("<svg.*?</svg>", static) == re.findall("<svg.*?</svg>", full_page)
    assert len(static) < 60_000


def test_a_mark_like_ours_in_the_text_stays_text():
    """Words that look like our own place for a drawing, or like the end of the page, change nothing."""
    words = "<!--chart.1--> </body> ; base-uri 'none'"
    html = {"text/html": f"<p>{words}</p>", "text/plain": ""}

    page = render(notebook(f"# {words}", words, shown(html), shown(drawn()), title=words))

    assert page.count('id="chart.1-w-0"') <= 1
    assert page.count('<svg class="wide"') == 1
    assert page.count("script-src") == 1
    assert page.endswith("</script>\n</body>\n</html>\n") or page.rstrip().endswith("</script>\n</body>\n</html>")


def test_links_stay_beside_the_page():
    """A file beside the page is linked; an outside address is readable and not a link."""
    page = soup_of(page_of_full())

    assert "data/flow.csv" in [a["href"] for a in page.find_all("a")]
    assert "guide (https://kanbanguides.org/)" in page.text


@pytest.mark.parametrize(
    "url",
    [
        "https://example.invalid", "HTTP://example.invalid", "//example.invalid/x", "javascript:alert(1)",
        "java\tscript:alert(1)", "data:text/html,x", "&#106;avascript:alert(1)", "\\\\example.invalid", "file:///etc/x",
    ],
)  # fmt: skip
def test_no_text_makes_a_link_or_picture_to_elsewhere(url):
    """Markdown and HTML from a tracker cannot send a reader or the browser away."""
    html = {"text/html": f'<p><a href="{url}">a</a><img src="{url}"></p>'}
    page = soup_of(render(notebook(f"[a](<{url}>) ![b](<{url}>)", shown(html), title="T")))

    reached = [urljoin("file:///reports/page.html", a["href"]) for a in page.find_all("a") if a.has_attr("href")]
    assert [address for address in reached if not address.startswith("file:///reports/")] == []
    assert not page.find("a", href=re.compile("script|harmful"))
    assert page.find_all("img") == []


def test_pictures_in_the_notebook_are_shown():
    """A PNG output and a data picture in Markdown are part of the page."""
    dot = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    png = {"image/png": dot, "text/plain": "A dot"}

    page = soup_of(render(notebook(f"![Dot](data:image/png;base64,{dot})", shown(png), title="T")))

    assert [(img["alt"], img["src"][:22]) for img in page.find_all("img")] == [
        ("Dot", "data:image/png;base64,"),
        ("A dot", "data:image/png;base64,"),
    ]


@pytest.mark.parametrize("evil", HOSTILE)
def test_hostile_text_is_text(evil):
    """Markup from a tracker is shown as typed: in Markdown, print, results, metadata, charts and tables."""
    page = render(
        notebook(
            f"# {evil}",
            f"## {evil}\n\nText {evil} text\n\n{evil}\n\n- {evil}",
            f"## second\n\n| {evil} |\n|---|\n| {evil} |",
            new_code_cell("", outputs=[new_output("stream", name="stdout", text=evil)]),
            shown({"text/plain": evil}, {"text/markdown": evil}, table(pd.DataFrame({evil: [evil]}), caption=evil)),
            shown(drawn(evil, evil)),
            period=evil, notice=evil, as_of=evil, title=evil,
        ),
    )  # fmt: skip
    soup = soup_of(page)

    assert [script.get("id") for script in soup.find_all("script")] == ["live.code", "live.charts", None]
    assert not soup.find_all(["iframe", "img"])
    assert len(soup.find_all("h1")) == 1
    assert len(soup.find_all("meta")) == 5
    assert len(soup.find_all("style")) == 1
    assert not [name for tag in soup.find_all(True) for name in tag.attrs if name.startswith("on")]
    assert not [a for a in soup.find_all("a") if not a["href"].startswith("#")]
    assert soup.find("h1").text == evil
    assert evil in unescape(soup.find("pre").text)
    assert soup.find("figcaption").find("strong").text == evil


def test_html_of_others_keeps_text_and_tables_only():
    """A pandas frame is shown in a frame that scrolls, without style sheets or empty headings."""
    frame = pd.DataFrame({"a": [1], "b": ["<i>x</i>"]})

    page = soup_of(render(notebook(shown({"text/html": frame._repr_html_(), "text/plain": ""}), title="T")))

    region = page.find("table").find_parent(attrs={"role": "region"})
    assert region["tabindex"] == "0"
    assert region["aria-label"] == "Table 1"
    assert "<i>x</i>" in page.find("table").text
    assert not [th for th in page.find_all("th") if not th.text.strip()]
    assert len(page.find_all("style")) == 1


def test_charts_are_drawings_with_words():
    """A chart is one image with a text alternative; its title is text; it is drawn for a desk and for a phone."""
    page = soup_of(page_of_full())
    figures = page.find_all("figure")

    assert len(figures) == 2
    for figure in figures:
        image = figure.find(attrs={"role": "img"})
        assert image["aria-label"] == "Line chart that rises."
        assert [svg["class"] for svg in image.find_all("svg")] == [["wide"], ["narrow"]]
        assert {svg["aria-hidden"] for svg in image.find_all("svg")} == {"true"}
        assert "Days" in figure.find("figcaption").text


def test_an_empty_chart_is_two_lines_of_text():
    """Where there is nothing to draw the page says why, without an empty drawing in between."""
    spec = nothing_to_show("No effect is shown", "It is too early.").to_dict()

    page = soup_of(render(notebook(shown(renderer.renderer(spec)), title="T")))

    assert page.find("figure").text.split("\n") == ["No effect is shown It is too early."]
    assert not page.find_all(["svg", "button"])


def test_a_chart_without_description_is_refused():
    """A chart that reached the notebook by another way is checked again."""
    bundle = drawn() | {renderer.MIME: drawn()[renderer.MIME] | {"description": ""}}

    with pytest.raises(ReportError, match="'Faster' has no description"):
        render(notebook(shown(bundle)))


def test_ids_are_unique_and_contents_lead_to_sections():
    """Equal headings and equal charts have ids of their own; every reference resolves."""
    page = soup_of(page_of_full())
    ids = [tag["id"] for tag in page.find_all(id=True)]
    used = re.findall(r"url\(#([^)]+)\)", str(page)) + [a["href"][1:] for a in page.select('a[href^="#"]')]

    assert len(ids) == len(set(ids))
    assert set(used) <= set(ids)
    assert [(a["href"], a.text) for a in page.select("nav a")] == [("#flow", "Flow"), ("#flow-2", "Flow")]


@pytest.mark.parametrize("heading", ["main", "contents", "🧪", "chart-1", "Größe & <b>"])
def test_headings_cannot_take_the_ids_of_the_page(heading):
    """Whatever a heading says, ids stay unique and the contents list reaches it."""
    page = soup_of(render(notebook("intro", f"## {heading}", shown(drawn()), "## z", title="T")))
    ids = [tag["id"] for tag in page.find_all(id=True)]

    assert len(ids) == len(set(ids))
    assert {a["href"][1:] for a in page.select("nav a")} <= set(ids)


def test_the_page_has_landmarks_and_language():
    """Language, viewport, skip link, main, and no empty or unscoped heading of a table."""
    page = soup_of(page_of_full())

    assert page.find("html")["lang"] == "en"
    assert page.find("meta", attrs={"name": "viewport"})["content"] == "width=device-width, initial-scale=1"
    assert page.find("a", class_="skip")["href"] == "#main"
    assert page.find("main")["id"] == "main"
    assert all(th.text.strip() and th.get("scope") in {"col", "row"} for th in page.find_all("th"))


def test_warnings_and_stderr_are_not_shown():
    """What Python says on the side is for the maintainer."""
    cell = new_code_cell("", outputs=[new_output("stream", name="stderr", text="FutureWarning: noise")])

    assert "noise" not in render(notebook("Text", cell, title="T"))


def test_results_as_data_are_silent():
    """An output that only carries data for metrics.json leaves no trace on the page."""
    page = render(notebook("Text", shown({"application/vnd.prodops.result+json": {"days": 987654}}), title="T"))

    assert "987654" not in page


def failed(notebook_):
    notebook_.metadata["papermill"] = {"exception": True}
    return notebook_


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (failed(notebook("Text")), "stopped at an error"),
        (
            notebook("T", new_code_cell("", outputs=[new_output("error", ename="KeyError", evalue="'x'")])),
            "cell 2 failed with KeyError: 'x'",
        ),
        (notebook(shown({"text/html": "<div id=vis></div><SCRIPT>draw()</SCRIPT>"})), "cell 1 draws with a script"),
        (notebook(shown({"application/vnd.plotly.v1+json": {}})), "cell 1 shows application/vnd.plotly.v1+json"),
    ],
    ids=["papermill", "error", "script", "unknown"],
)
def test_a_half_truth_is_refused(made, message):
    """A failed notebook, and an output that the page could only drop, are errors that say what to do."""
    with pytest.raises(ReportError, match=re.escape(message)):
        render(made)


def test_the_notebook_is_left_alone():
    """Rendering changes nothing in the caller's notebook, and an exporter can be used twice."""
    made, before = full(), nbformat.writes(full())
    exporter = ReportExporter()

    first, second = (exporter.from_notebook_node(made)[0] for _ in range(2))

    assert before == nbformat.writes(made)
    assert first == second == page_of_full()


SCRIPT = """
import hashlib, sys
sys.path.insert(0, {tests!r})
from test_html import full, render
print(hashlib.sha256(render(full()).encode()).hexdigest())
"""


def test_processes_agree(tmp_path):
    """Hash seed, folder, time zone and cell ids leave the bytes alone."""
    found = {hashlib.sha256(page_of_full().encode()).hexdigest()}
    here = Path(__file__).parent
    env = os.environ | {"PYTHONHASHSEED": "1", "TZ": "Pacific/Auckland", "PYTHONPATH": str(here.parent)}
    code = SCRIPT.format(tests=str(here))
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True)
    found.add(run.stdout.strip())
    renamed = full()
    for number, cell in enumerate(renamed.cells):
        cell["id"] = f"other-{number}"
    found.add(hashlib.sha256(render(renamed).encode()).hexdigest())

    assert run.stderr == ""
    assert len(found) == 1


def test_nbconvert_knows_the_exporter():
    """`jupyter nbconvert --to prodops` finds it once the package is installed."""
    assert get_exporter("prodops") is ReportExporter


def test_the_path_of_data_is_an_address_and_nothing_else():
    """A quote in the path of a chart's data does not end the attribute that it stands in."""
    cell = shown(drawn())
    cell.outputs[0]["metadata"] = {"prodops_csv": 'data/a" onmouseover="alert(1).csv'}

    link = soup_of(render(notebook(cell))).select_one(".data a")

    assert link.attrs == {"href": 'data/a" onmouseover="alert(1).csv'}


def test_a_picture_of_another_library_is_shown():
    """An SVG beside its plain text is the picture, not the text; nothing in it can run."""
    picture = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'

    image = soup_of(render(notebook(shown({"image/svg+xml": picture, "text/plain": "<Figure>"})))).select_one("img")

    assert image["src"] == "data:image/svg+xml;base64," + base64.b64encode(picture.encode()).decode()
    assert image["alt"] == "<Figure>"
