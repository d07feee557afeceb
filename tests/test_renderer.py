"""Charts: the same bytes everywhere, nothing from outside, a text alternative, colours that can be told apart."""

import hashlib
import itertools
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import altair as alt
import numpy as np
import pandas as pd
import pytest

from prodops_analysis.charts import renderer, theme
from prodops_analysis.errors import ReportError

DAYS = pd.DataFrame({"day": pd.date_range("2026-03-01", periods=60, tz="UTC"), "value": range(60)})
# Machado, Oliveira & Fernandes 2009, severity 1.0, on linear RGB
VISION = {
    "ordinary": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def chart(**properties):
    told = {"title": "Faster", "description": "Line chart that rises."} | properties
    return alt.Chart(DAYS).mark_line(clip=True).encode(x="day:T", y="value:Q").properties(**told)


def spec_of(picture):
    with alt.theme.enable("prodops"):
        return picture.to_dict()


def linear(colour):
    part = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    return np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)


def contrast(colour, paper):
    dark, light = sorted(linear(each) @ [0.2126, 0.7152, 0.0722] + 0.05 for each in (colour, paper))
    return light / dark


def lab(rgb):
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = to_xyz @ np.clip(rgb, 0, 1) / [0.9505, 1, 1.089]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def test_bundle_holds_specification_drawing_and_words():
    """A chart reaches the notebook in the type that JupyterLab draws, as SVG, and as its description."""
    spec = spec_of(chart())

    bundle = renderer.renderer(spec)

    assert list(bundle) == ["application/vnd.vegalite.v5+json", "image/svg+xml", "text/plain"]
    assert bundle["text/plain"] == "Line chart that rises."
    assert spec == bundle["application/vnd.vegalite.v5+json"]
    assert bundle["image/svg+xml"].startswith("<svg ")


@pytest.mark.parametrize("description", [None, "", "  "])
def test_a_chart_without_description_is_refused(description):
    """The error names the chart by its title and says what to add."""
    spec = spec_of(chart(title="Cycle time falls")) | {"description": description}

    with pytest.raises(ReportError, match=r"'Cycle time falls' has no description; add \.properties"):
        renderer.renderer(spec)


def test_drawing_again_gives_the_same_bytes():
    """Vega counts clip paths through the life of a process; the drawing does not show it."""
    spec = spec_of(chart())

    first, other, second = (renderer.renderer(s) for s in (spec, spec_of(chart(title="Other")), spec))

    assert first == second
    assert first != other


def test_names_that_altair_counts_do_not_reach_the_specification():
    """The second interactive chart of a process equals the first."""
    first, second = (renderer.renderer(spec_of(chart().interactive())) for _ in range(2))

    assert first == second


SCRIPT = """
import hashlib, json, sys
sys.path.insert(0, {tests!r})
from test_renderer import chart, renderer, spec_of
renderer.enable()
for extra in range(3):
    spec_of(chart().interactive()); renderer.renderer(spec_of(chart(title=str(extra))))
print(hashlib.sha256(json.dumps(renderer.renderer(spec_of(chart().interactive()))).encode()).hexdigest())
"""


def test_processes_agree(tmp_path):
    """Hash seed, folder, time zone and what was drawn before leave the bytes alone."""
    here = renderer.renderer(spec_of(chart().interactive()))
    expected = hashlib.sha256(json.dumps(here).encode()).hexdigest()
    root = Path(__file__).parent
    env = os.environ | {"PYTHONHASHSEED": "1", "TZ": "Pacific/Auckland", "PYTHONPATH": str(root.parent)}
    code = SCRIPT.format(tests=str(root))
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True)

    assert run.stderr == ""
    assert run.stdout.strip() == expected


@pytest.mark.parametrize("before", [{"TZ": "Asia/Tokyo"}, {"FONTCONFIG_FILE": "/etc/fonts/fonts.conf"}, {}])
def test_drawing_leaves_the_environment_alone(monkeypatch, before):
    """The zone and the fonts of the process are the same before and after the first drawing."""
    for name in ("TZ", "FONTCONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in before.items():
        monkeypatch.setenv(name, value)
    renderer._prepare.cache_clear()

    renderer._prepare()

    assert {name: os.environ[name] for name in ("TZ", "FONTCONFIG_FILE") if name in os.environ} == before


def test_threads_that_draw_first_at_once_leave_the_environment_alone(monkeypatch):
    """Two reports made side by side do not take the letters from the pages that are printed after them."""
    for name in ("TZ", "FONTCONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)
    draw = renderer._draw
    monkeypatch.setattr(renderer, "_draw", lambda spec: time.sleep(0.05 * next(turn)) or draw(spec))
    turn = iter(range(1, 9))
    renderer._prepare.cache_clear()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: renderer._ready(), range(4)))

    assert not {"TZ", "FONTCONFIG_FILE"} & set(os.environ)


def test_enable_prints_nothing(capsys):
    """Enabling sets theme and renderer and shows nothing in a report."""
    before = alt.theme.active, alt.renderers.active
    try:
        assert renderer.enable() is None
        assert (alt.theme.active, alt.renderers.active) == ("prodops", "prodops")
    finally:
        alt.theme.enable(before[0])
        alt.renderers.enable(before[1])
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    "picture",
    [
        pytest.param(
            alt.Chart(alt.UrlData("https://example.invalid/a.csv"), title="Far").mark_point().encode(x="a:Q"), id="data"
        ),
        pytest.param(
            alt.Chart(pd.DataFrame({"u": ["https://example.invalid/a.png"]}), title="Far")
            .mark_image()
            .encode(url="u:N"),
            id="image",
        ),
        pytest.param(
            alt.Chart(pd.DataFrame({"u": ["javascript:alert(1)"]}), title="Far").mark_point().encode(href="u:N"),
            id="link",
        ),
    ],
)
def test_nothing_comes_from_outside(picture):
    """Data, images and links from elsewhere are refused by the title of the chart."""
    with pytest.raises(ReportError, match="chart 'Far' needs something from outside"):
        renderer.renderer(spec_of(picture.properties(description="d")))


BAD_MARK = {"title": "Bad", "mark": "nonsense", "data": {"values": [{}]}}
BAD_LINK = {"title": "Bad", "mark": {"type": "point", "href": "javascript:alert(1)"}, "data": {"values": [{}]}}


def test_a_chart_that_comes_out_empty_is_refused(monkeypatch):
    """A drawing without area would vanish from the page."""
    monkeypatch.setattr(renderer, "_draw", lambda _: '<svg class="marks" width="640" height="0"></svg>')

    with pytest.raises(ReportError, match="chart 'Faster' comes out empty"):
        renderer.renderer(spec_of(chart()))


@pytest.mark.parametrize("bad", [BAD_MARK, BAD_LINK], ids=["mark", "link"])
def test_a_chart_that_fails_does_not_spoil_the_next(bad, monkeypatch):
    """The error says which chart and why; the next drawing is the same as without it."""
    monkeypatch.setattr(renderer, "_refuse_outside", lambda *_: None)
    spec = spec_of(chart())
    before = renderer.to_svg(spec, prefix="p")

    with pytest.raises(ReportError, match=r"chart 'Bad' cannot be drawn: .*; mend its specification"):
        renderer.to_svg(bad, prefix="p")

    assert before == renderer.to_svg(spec, prefix="p")


def test_ids_begin_with_the_prefix():
    """Two drawings share a page without sharing an id, and references follow."""
    svg = renderer.to_svg(spec_of(chart()), prefix="p")

    assert 'id="p-0"' in svg
    assert "url(#p-0)" in svg


@pytest.mark.parametrize("title", ["One line", ["One", "line"], {"text": "One line"}, {"text": ["One", "line"]}])
def test_titles_in_every_form(title):
    """A title is read from text, from lines, and from a title with its settings."""
    assert renderer.title_of({"title": title}) == ("One line", "")


def test_narrow_stacks_and_shrinks():
    """On a phone views stand on each other; data, marks and the caller's specification stay as they were."""
    picture = (chart(width=640) | chart(width=200)).properties(description="two")
    spec = spec_of(picture)
    before = json.dumps(spec)

    small = renderer.narrow(spec)

    assert [view["width"] for view in small["vconcat"]] == [theme.NARROW, 200]
    assert spec["datasets"] == small["datasets"]
    assert small["config"]["view"]["continuousWidth"] == theme.NARROW
    assert before == json.dumps(spec)


@pytest.mark.parametrize(("make", "width"), [(lambda s: s, theme.WIDE), (renderer.narrow, theme.NARROW)])
def test_total_width_is_fixed(make, width):
    """Axes and legends are part of the width, so that a page knows how far type is scaled."""
    assert f'width="{width}"' in renderer.to_svg(make(spec_of(chart())), prefix="p")[:200]


SCREENS = {"light": {colour: colour for colour in theme.DARK}, "dark": theme.DARK}
on_every_screen = pytest.mark.parametrize("screen", SCREENS.values(), ids=SCREENS)


@on_every_screen
@pytest.mark.parametrize("colour", [*theme.CATEGORIES, *theme.READINGS.values(), theme.INK])
def test_marks_stand_out_from_paper(colour, screen):
    """Marks reach the 3:1 of WCAG 2.2, 1.4.11."""
    assert contrast(screen[colour], screen[theme.PAPER]) >= 3


@on_every_screen
@pytest.mark.parametrize(
    ("text", "behind"),
    [
        *((text, theme.PAPER) for text in (theme.INK, theme.MUTED, theme.BEFORE, theme.AFTER, theme.COMPARISON)),
        *((theme.PAPER if grade == "D" else theme.INK, shade) for grade, shade in theme.GRADE_SHADES.items()),
    ],
)
def test_text_can_be_read(text, behind, screen):
    """Text reaches the 4.5:1 of WCAG 2.2, 1.4.3; the page's own check cannot judge text in a drawing."""
    assert contrast(screen[text], screen[behind]) >= 4.5


@on_every_screen
@pytest.mark.parametrize("vision", VISION)
def test_categories_stay_apart(vision, screen):
    """Every two colours differ by far more than a just noticeable difference (2.3) to every kind of eye."""
    seen = [lab(np.array(VISION[vision]) @ linear(screen[colour])) for colour in theme.CATEGORIES]

    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) > 15


def test_no_two_colours_become_one():
    """Every colour of the theme has its own on a dark screen."""
    assert len(theme.DARK) == len(set(theme.DARK.values()))


def test_readings_differ_in_shape_too():
    """Good and bad never rest on colour."""
    assert set(theme.READINGS) == set(theme.READING_SHAPES)
    assert len(theme.READINGS) == len(set(theme.READING_SHAPES.values()))
