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

_NOTHING = [{"words": "nothing to draw"}]  # the data of an empty chart
TITLE_LENGTH, LINE_LENGTH = 70, 95  # characters that fit beside each other in a headline, and in a subtitle
HALO = {"color": PAPER, "stroke": PAPER, "strokeWidth": 4}  # of a text that lines cross: drawn below it
HALF_PIXELS = (1200, 600)  # of the axes, which are about 600 px wide and 280 px high


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


def moments(field: str) -> alt.X:
    """Return the axis of a time series, in UTC wherever it is read."""
    return alt.X(f"{field}:T", title=None, scale=alt.Scale(type="utc"))


def since_start(limit: float) -> alt.X:
    """Return the axis of days since the start, up to a limit."""
    return alt.X("days:Q", title="days since the start", scale=alt.Scale(domain=[0, limit], nice=False))


def share(field: str, title: str) -> alt.Y:
    """Return the axis of a share, from none to all."""
    return alt.Y(field, title=title, axis=alt.Axis(format=".0%"), scale=alt.Scale(domain=[0, 1]))


def nothing_to_show(title: str, why: str) -> Any:
    """Say in the place of a chart why there is none; the reason is in the subtitle."""
    words = alt.Chart(pd.DataFrame(_NOTHING)).mark_text(color=MUTED, fontSize=13, align="center")
    return headline(words.encode(text="words:N"), title, why, why, height=60)


def is_empty(spec: Mapping[str, Any]) -> bool:
    """Say whether a specification only says why there is no chart."""
    return _NOTHING in spec.get("datasets", {}).values()


def falling(curves: Mapping[str, SurvivalCurve], *, limit: float, colours: Sequence[str]) -> Any:
    """Draw survival curves with their bands, and a stroke where items were still open, two pixels apart at least."""
    steps, strokes = [], []
    for name, curve in curves.items():
        numbers = {"days": curve.time, "survival": curve.survival, "low": curve.low, "high": curve.high}
        start = pd.DataFrame({"days": [0.0], "survival": [1.0], "low": [1.0], "high": [1.0]})
        full = pd.concat([start, pd.DataFrame(numbers)], ignore_index=True)
        steps.append(thinned(full, limit=limit).assign(group=name))
        days = curve.open_at[curve.open_at <= limit]
        days = days[np.unique(np.searchsorted(np.linspace(0, limit, WIDE // 2), days), return_index=True)[1]]
        strokes.append(pd.DataFrame({"days": days, "survival": curve.at(days), "group": name}))
    shades = alt.Scale(domain=list(curves), range=list(colours))
    dashes = alt.Scale(domain=list(curves), range=[[1, 0], [6, 3]])
    looks: dict[str, Any] = {
        "x": since_start(limit),
        "color": alt.Color("group:N", scale=shades, legend=None),
    }
    frame = pd.concat(steps, ignore_index=True)
    base, open_ones = alt.Chart(frame).encode(**looks), alt.Chart(pd.concat(strokes, ignore_index=True)).encode(**looks)
    band = base.mark_area(interpolate="step-after").encode(y="low:Q", y2="high:Q")
    dash, y = alt.StrokeDash("group:N", scale=dashes, legend=None), share("survival:Q", "share not yet ended")
    line = base.mark_line(interpolate="step-after").encode(y=y, strokeDash=dash)
    marks = open_ones.mark_tick(orient="vertical", size=13, thickness=1.5, opacity=1).encode(y="survival:Q")
    parts = [band, line, marks]
    if len(curves) > 1:
        parts.append(named_lines(frame, at=0.3 * limit, x="days", y="survival", group="group", shades=shades))
    return alt.layer(*parts)


def thinned(steps: pd.DataFrame, *, limit: float) -> pd.DataFrame:
    """Leave out the steps of a curve that no screen can show: of half a pixel's width and height one is left.

    `steps` are one curve in order: `days`, and every other number a share; steps after `limit` go.
    """
    shown = steps[steps["days"] <= limit]
    few = shown[~(shown["days"] * HALF_PIXELS[0] / limit).round().duplicated(keep="last")] if limit else shown
    level = (few.drop(columns="days").select_dtypes("number") * HALF_PIXELS[1]).round()
    ends = shown.index.isin([*shown.index[:1], *shown.index[-1:]])
    return shown[ends | shown.index.isin(few.index[level.ne(level.shift()).any(axis=1)])]


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
    rules = alt.Chart(marks).mark_rule(strokeDash=[4, 3]).encode(x=moments("at"), color=ink)
    # each name on a halo, so that the lines of later dates do not cut through it
    names = [
        alt.Chart(marks.iloc[[k]])
        .mark_text(align="left", dx=4, fontSize=11, limit=130, **look)
        .encode(x=moments("at"), y=alt.value(int(height.iloc[k])), text="name:N")
        for k in range(len(marks))
        for look in (HALO, {"color": marks["ink"].iloc[k]})
    ]
    return alt.layer(chart, rules, *names)
