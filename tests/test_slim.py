"""Small drawings: thinned curves and slim SVG show what the full ones show."""

import re
from xml.etree import ElementTree

import altair as alt
import numpy as np
import pandas as pd
import pytest

from prodops_analysis.charts import renderer
from prodops_analysis.charts.parts import HALF_PIXEL, thinned
from prodops_analysis.charts.slim import slim

SVG = "{http://www.w3.org/2000/svg}"
OPEN = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9" viewBox="0 0 9 9">'


def steps(n, *, seed=0, columns=("survival", "low", "high")):
    """Draw step curves that fall from 1 at `n` uneven days."""
    rng = np.random.default_rng(seed)
    falls = np.sort(rng.beta(1, 3, (n, len(columns))), axis=0)[::-1]
    days = np.concatenate([[0.0], np.sort(rng.lognormal(1.5, 1, n - 1))])
    return pd.DataFrame(np.round(falls, 6), columns=list(columns)).assign(days=days, group="a")


def corners(days, shares):
    """Return the corners of a step curve, held from each day until the next."""
    return np.column_stack([np.repeat(days, 2)[1:], np.repeat(shares, 2)[:-1]])


def furthest(full, thin, *, limit):
    """Return how many half pixels the corners of one curve are away from the other at most, either way."""
    scale = np.array([HALF_PIXEL["across"] * limit, HALF_PIXEL["up"]])
    worst = 0.0
    for one, other in ((full, thin), (thin, full)):
        points, line = corners(*one) / scale, corners(*other) / scale
        low, high = np.minimum(line[:-1], line[1:]), np.maximum(line[:-1], line[1:])  # segments run along an axis
        for point in points:
            apart = np.maximum(np.maximum(low - point, point - high), 0).max(axis=1)
            worst = max(worst, float(apart.min()))
    return worst


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("n", [3, 30, 1000])
def test_a_thinned_curve_departs_by_half_a_pixel_at_most(n, seed):
    """No corner of the full or of the thinned curve is further than half a pixel from the other; both ends stay."""
    full = steps(n, seed=seed)
    limit = float(full["days"].quantile(0.95))
    cut = full[full["days"] <= limit]

    thin = thinned(full, limit=limit)

    for name in ("survival", "low", "high"):
        pairs = [(frame["days"].to_numpy(), frame[name].to_numpy()) for frame in (cut, thin)]
        assert furthest(*pairs, limit=limit) <= 1 + 1e-9
    assert (cut["days"].iloc[-1], cut["survival"].iloc[-1]) == (thin["days"].iloc[-1], thin["survival"].iloc[-1])
    assert len(thin) <= len(cut)


def test_thinning_pays():
    """A curve of 20,000 steps is drawn with a few hundred."""
    full = steps(20_000)

    assert len(thinned(full, limit=float(full["days"].quantile(0.95)))) < 900


def test_few_steps_stay_as_they_are():
    """A curve that a screen can show in full is not touched, whatever stands beside the shares."""
    full = pd.DataFrame({"days": [0.0, 2.0, 5.0], "survival": [1.0, 0.5, 0.2], "group": "a"})

    pd.testing.assert_frame_equal(full, thinned(full, limit=6))


def test_nothing_to_thin():
    """A curve without a step in sight stays empty."""
    assert thinned(steps(3).query("days > 0"), limit=0.0).empty


def points(path):
    """Follow a path of the commands M, L, l, h, v and return the points it visits, shape (k, 2)."""
    at, visited = np.zeros(2), []
    for command, numbers in re.findall(r"([MLlhv])([^MLlhvZ]*)", path):
        values = [float(v) for v in re.findall(r"-?(?:\d+\.?\d*|\.\d+)", numbers)]
        for pair in np.reshape(values, (-1, 1 if command in "hv" else 2)):
            move = {"h": [pair[0], 0], "v": [0, pair[0]]}.get(command, pair)
            at = np.array(move) + (at if command in "lhv" else 0)
            visited.append(at)
    return np.array(visited)


@pytest.mark.parametrize("seed", range(10))
def test_a_line_keeps_its_place(seed):
    """However many steps a path has, every corner stays within a twentieth of a pixel: errors do not add up."""
    rng = np.random.default_rng(seed)
    full = np.round(rng.uniform(-300, 600, (2000, 2)), 3)
    full[rng.random(2000) < 0.4, 0] = 17.25  # runs along an axis
    path = "M" + "L".join(f"{x},{y}" for x, y in full)

    drawn = ElementTree.fromstring(slim(f'{OPEN}<path d="{path}" stroke="#000000"/></svg>')).find(f"{SVG}path")

    kept = points(drawn.get("d"))
    assert len(kept) <= len(full)
    for corner in full[::100]:
        assert np.abs(kept - corner).max(axis=1).min() <= 0.05 + 1e-9
    assert np.abs(kept[-1] - full[-1]).max() <= 0.05 + 1e-9


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param('<path class="background" d="M0,0h9v9h-9Z"/><path d="M0,0h1" stroke="#000"/>',
                     '<path d="M0,0h1" stroke="#000"/>', id="no-paint"),
        pytest.param('<g class="a" opacity="1" transform="translate(0,0)"><path d="M0,0h1" stroke="#000"/></g>',
                     '<g stroke="#000"><path d="M0,0h1"/></g>', id="defaults"),
        pytest.param('<path d="M0,0h1" stroke="#000" opacity="0.5" stroke-width="2.5"/>',
                     '<path d="M0,0h1" stroke="#000" opacity=".5" stroke-width="2.5"/>', id="what-shows-stays"),
        pytest.param('<g><text fill="#111" font-size="12px">a</text><text fill="#111" font-size="12px">b</text></g>',
                     '<g fill="#111" font-size="12px"><text>a</text><text>b</text></g>', id="shared"),
        pytest.param('<g><text fill="#111">a</text><text>b</text></g>',
                     '<text fill="#111">a</text><text>b</text>', id="not-shared"),
        pytest.param('<g><line transform="translate(1.004,2)" x2="5" y2="0" stroke="#111"/>'
                     '<line transform="translate(1,3)" x2="5" y2="0" stroke="#111"/></g>',
                     '<g stroke="#111"><path d="M1,2h5M1,3h5"/></g>', id="lines"),
        pytest.param('<path transform="translate(3,4)" d="M2.5,0A2.5,2.5,0,1,1,-2.5,0A2.5,2.5,0,1,1,2.5,0"'
                     ' fill="#111"/>',
                     '<circle fill="#111" cx="3" cy="4" r="2.5"/>', id="dots"),
        pytest.param('<text transform="translate(1.23456,0) rotate(-90)">1.23456 &lt;b&gt; &amp;  "</text>',
                     '<text transform="translate(1.23,0) rotate(-90)">1.23456 &lt;b&gt; &amp;  "</text>', id="words"),
    ],
)  # fmt: skip
def test_what_is_left_out(before, after):
    """Marks without paint, defaults and repetition go; paint, places and words stay."""
    assert f"{OPEN}{after}</svg>" == slim(f"{OPEN}{before}</svg>")


def test_clip_paths_are_kept_with_what_they_clip():
    """The shape that an id names paints nothing itself and yet stays."""
    clip = '<clipPath id="c"><path d="M0,0h9v9h-9Z"/></clipPath>'
    drawing = f'{OPEN}<defs>{clip}</defs><g clip-path="url(#c)"><path d="M0,0h1" stroke="#000"/></g></svg>'

    small = slim(drawing)

    assert clip in small
    assert 'clip-path="url(#c)"' in small


def test_characters_that_no_page_can_hold_are_replaced():
    """A NUL and a mark that turns the direction of text do not reach the drawing, and do not break it."""
    frame = pd.DataFrame({"team": ["a\0b\u202ec"], "n": [1]})
    picture = alt.Chart(frame, description="d").mark_bar().encode(x="n:Q", y="team:N")

    svg = renderer.to_svg(picture.to_dict(), prefix="p")

    assert "a\ufffdb\ufffdc" in svg
