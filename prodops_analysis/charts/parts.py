"""Parts that charts share: headline and text alternative, curves as tables, change dates, empty charts."""

import textwrap
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from prodops_analysis.charts.theme import INK, MUTED, PAPER, WIDE
from prodops_analysis.estimators.survival import SurvivalCurve

NOTHING = [{"words": "nothing to draw"}]  # the data of an empty chart
TITLE_LENGTH, LINE_LENGTH = 70, 95  # characters that fit beside each other in a headline, and in a subtitle
HALO = {"color": PAPER, "stroke": PAPER, "strokeWidth": 4}  # of a text that lines cross: drawn below it
HALF_PIXEL = {"across": 1 / 1200, "up": 1 / 600}  # as a part of the axes, which are about 600 px wide and 280 px high


def headline(chart: Any, title: str, subtitle: str, description: str, *, height: int | None = None) -> Any:
    """Give a chart its message, its measure and its text alternative."""
    size = {"width": WIDE} | ({"height": height} if height else {})
    return chart.properties(
        title=alt.TitleParams(_lines(title, TITLE_LENGTH), subtitle=_lines(subtitle, LINE_LENGTH)),
        description=f"{title}. {description}", **size,
    )  # fmt: skip


def _lines(text: str, length: int) -> str | list[str]:
    """Break a text for JupyterLab; a page does so itself."""
    lines = textwrap.wrap(text, length, break_on_hyphens=False, break_long_words=False)
    return lines if len(lines) > 1 else text


def effect_axis(scale: str) -> dict[str, Any]:
    """Title and axis for effects: signed, zero without a sign; percent (scale "ratio") or points."""
    written = "format(datum.value, '+.0%')" if scale == "ratio" else "format(100 * datum.value, '+.0f')"
    unit = "change" if scale == "ratio" else "change in points"
    return {"title": f"{unit} (0 is none)", "axis": alt.Axis(labelExpr=f"datum.value ? {written} : '0'")}


def nothing_to_show(title: str, why: str) -> Any:
    """Say in the place of a chart why there is none; the reason is in the subtitle."""
    words = alt.Chart(pd.DataFrame(NOTHING)).mark_text(color=MUTED, fontSize=13, align="center")
    return headline(words.encode(text="words:N"), title, why, why, height=60)


def curve_frame(curve: SurvivalCurve, label: str) -> pd.DataFrame:
    """Lay out a survival curve as `days, survival, low, high, group`, beginning at day 0."""
    start = pd.DataFrame({"days": [0.0], "survival": [1.0], "low": [1.0], "high": [1.0]})
    rest = pd.DataFrame({"days": curve.time, "survival": curve.survival, "low": curve.low, "high": curve.high})
    return pd.concat([start, rest], ignore_index=True).assign(group=label)


def open_marks(curves: Mapping[str, SurvivalCurve], *, x: alt.X, limit: float, shades: alt.Scale | None = None) -> Any:
    """Draw a stroke on a curve where items were still open, two pixels apart at least: `days, survival, group`."""
    marks = []
    for label, curve in curves.items():
        days = curve.open_at[curve.open_at <= limit]
        days = days[np.unique(np.searchsorted(np.linspace(0, limit, WIDE // 2), days), return_index=True)[1]]
        marks.append(pd.DataFrame({"days": days, "survival": curve.at(days), "group": label}))
    colour: dict[str, Any] = {"color": alt.Color("group:N", scale=shades, legend=None)} if shades else {}
    strokes = alt.Chart(pd.concat(marks, ignore_index=True)).encode(x=x, y="survival:Q", **colour)
    return strokes.mark_tick(orient="vertical", size=13, thickness=1.5, opacity=1)


def thinned(steps: pd.DataFrame, *, limit: float) -> pd.DataFrame:
    """Leave out the steps of a curve that no screen can show.

    Parameters
    ----------
    steps : one step curve in order: `days`, and every other number a share between 0 and 1 that holds from there on.
    limit : the last day that is drawn; later steps go.

    Returns
    -------
    The first row, the last, and few between: nowhere is their curve further than `HALF_PIXEL` from the full one.
    """
    shown = steps[steps["days"] <= limit]
    days = shown["days"].to_numpy(float)
    shares = shown.drop(columns="days").select_dtypes("number").to_numpy(float)
    begins, holds = [], []  # a run of steps is drawn as one: where it begins, and the row that holds from there on
    at = 0
    while at < len(days):
        near = _run(days[at:] - days[at] <= HALF_PIXEL["across"] * limit)
        level = _run(np.abs(shares[at:] - shares[at]).max(axis=1) <= HALF_PIXEL["up"])
        begins.append(at)
        holds.append(at if level >= near else at + near - 1)
        at += max(near, level, 1)
    if begins and begins[-1] != len(days) - 1:
        begins.append(len(days) - 1)
        holds.append(len(days) - 1)
    return shown.iloc[holds].assign(days=days[begins])


def _run(true: np.ndarray) -> int:
    """Count how many are true from the first on."""
    return len(true) if true.all() else int(np.argmin(true))


def named_lines(frame: pd.DataFrame, *, at: float, x: str, y: str, group: str, shades: alt.Scale) -> Any:
    """Name each line of a chart beside it, at its last point up to `at` and in its colour, instead of in a legend."""
    marked = frame[frame[x] <= at].groupby(group, sort=False).tail(1)
    # the upper line is named above it, the lower one below
    order = marked[y].rank(method="first", ascending=False)
    names = [
        alt.Chart(marked[order == place])
        .mark_text(align="right" if at >= frame[x].max() else "left", dy=-10 if place == 1 else 16, fontWeight="bold")
        .encode(x=f"{x}:Q", y=f"{y}:Q", text=f"{group}:N", color=alt.Color(f"{group}:N", scale=shades, legend=None))
        for place in range(1, len(marked) + 1)
    ]
    return alt.layer(*names)


def rollout_rules(chart: Any, rollouts: Sequence[tuple[date, str]], *, others: Sequence[tuple[date, str]] = ()) -> Any:
    """Lay dashed lines with names over a time series where a registered change began; those of others are grey."""
    if not rollouts and not others:
        return chart
    dated = sorted([(*pair, INK) for pair in rollouts] + [(*pair, MUTED) for pair in others])
    marks = pd.DataFrame(dated, columns=["at", "name", "ink"])
    marks = marks.assign(at=pd.to_datetime(marks["at"], utc=True))
    place = marks.groupby("ink").cumcount()
    # own names from the top down, those of others from the bottom up
    height = (8 + 15 * (place % 4)).where(marks["ink"] == INK, 270 - 15 * (place % 4))
    ink = alt.Color("ink:N", scale=None)
    rules = alt.Chart(marks).mark_rule(strokeDash=[4, 3]).encode(x="at:T", color=ink)
    # each name on a halo, so that the lines of later dates do not cut through it
    names = [
        alt.Chart(marks.iloc[[k]])
        .mark_text(align="left", dx=4, fontSize=11, limit=130, **look)
        .encode(x="at:T", y=alt.value(int(height.iloc[k])), text="name:N")
        for k in range(len(marks))
        for look in (HALO, {"color": marks["ink"].iloc[k]})
    ]
    return alt.layer(chart, rules, *names)
