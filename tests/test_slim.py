"""Small drawings: thinned curves and slim SVG show what the full ones show."""

import re

import altair as alt
import numpy as np
import pandas as pd
import pytest

from prodops_analysis.charts import renderer
from prodops_analysis.charts.parts import HALF_PIXELS, thinned
from prodops_analysis.charts.slim import slim
from prodops_analysis.charts.theme import FONT

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
    scale = np.array([limit / HALF_PIXELS[0], 1 / HALF_PIXELS[1]])
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


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param('<g class="a" role="graphics" aria-label="1.5 &lt;b&gt;"><path d="M0,0h1" stroke="#000"/></g>',
                     '<g><path d="M0,0h1" stroke="#000"/></g>', id="names"),
        pytest.param('<g opacity="1" transform="translate(0,0)"><path d="M0,0h1" stroke="#000" stroke-width="1"/></g>',
                     '<g><path d="M0,0h1" stroke="#000"/></g>', id="defaults"),
        pytest.param('<path d="M0,0h1" stroke="#000" fill-opacity="0.15" opacity="0.05" stroke-width="2.5"/>',
                     '<path d="M0,0h1" stroke="#000" fill-opacity="0.15" opacity="0.05" stroke-width="2.5"/>',
                     id="what-shows-stays"),
        pytest.param('<path d="M1.2345,-0.5678L-100.05,1e-7L7.0,3.25e-14"/>', '<path d="M1.2,-0.6L-100,1e-7L7,0"/>',
                     id="places"),
        pytest.param('<path transform="translate(3.04,4)" d="M2.5,0A2.5,2.5,0,1,1,-2.5,0A2.5,2.5,0,1,1,2.5,0"/>',
                     '<circle cx="3" cy="4" r="2.5"/>', id="dots"),
        pytest.param('<text transform="translate(1.23456,0) rotate(-90)">1.23456 &lt;b&gt; &amp;  "</text>',
                     '<text transform="translate(1.2,0) rotate(-90)">1.23456 &lt;b&gt; &amp;  "</text>', id="words"),
        pytest.param('<defs><clipPath id="c1"><path d="M0,0h9"/></clipPath></defs><g clip-path="url(#c1)"></g>',
                     '<defs><clipPath id="c1"><path d="M0,0h9"/></clipPath></defs><g clip-path="url(#c1)"></g>',
                     id="what-an-id-names"),
    ],
)  # fmt: skip
def test_what_is_left_out(before, after):
    """Names for screen readers, defaults and digits go; paint, places to a tenth of a pixel, and words stay."""
    opened = OPEN.replace("<svg ", f'<svg font-family="{FONT}" ')
    assert f"{opened}{after}</svg>" == slim(f"{OPEN}{before}</svg>")


@pytest.mark.parametrize("seed", range(5))
def test_a_line_keeps_its_place(seed):
    """However many steps a path has, every corner stays within a twentieth of a pixel."""
    full = np.round(np.random.default_rng(seed).uniform(-300, 600, (2000, 2)), 3)
    path = "M" + "L".join(f"{x},{y}" for x, y in full)

    drawn = re.search(r' d="([^"]*)"', slim(f'{OPEN}<path d="{path}" stroke="#000000"/></svg>'))

    kept = np.reshape([float(v) for v in re.findall(r"-?\d+(?:\.\d+)?", drawn[1])], (-1, 2))
    assert np.abs(kept - full).max() <= 0.05 + 1e-9


def test_characters_that_no_page_can_hold_are_replaced():
    """A NUL and a mark that turns the direction of text do not reach the drawing, and do not break it."""
    frame = pd.DataFrame({"team": ["a\0b\u202ec"], "n": [1]})
    picture = alt.Chart(frame, description="d").mark_bar().encode(x="n:Q", y="team:N")

    svg = renderer.to_svg(picture.to_dict(), prefix="p")

    assert "a\ufffdb\ufffdc" in svg
