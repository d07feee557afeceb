"""Parts that charts share: headline and text alternative, curves as tables, change dates, empty charts."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import altair as alt
import pandas as pd

from prodops_analysis.charts.theme import INK, MUTED, WIDE
from prodops_analysis.estimators.survival import SurvivalCurve


def headline(chart: Any, title: str, subtitle: str, description: str, *, height: int | None = None) -> Any:
    """Give a chart its message, its measure and its text alternative."""
    size = {"width": WIDE} | ({"height": height} if height else {})
    return chart.properties(
        title=alt.TitleParams(title, subtitle=subtitle), description=f"{title}. {description}", **size
    )


def nothing_to_show(title: str, why: str) -> Any:
    """Say in the place of a chart why there is none."""
    words = alt.Chart(pd.DataFrame({"why": [why]})).mark_text(color=MUTED, fontSize=13, align="center")
    return headline(words.encode(text="why:N"), title, " ", why, height=60)


def curve_frame(curve: SurvivalCurve, label: str) -> pd.DataFrame:
    """Lay out a survival curve as `days, survival, low, high, group`, beginning at day 0."""
    start = pd.DataFrame({"days": [0.0], "survival": [1.0], "low": [1.0], "high": [1.0]})
    rest = pd.DataFrame({"days": curve.time, "survival": curve.survival, "low": curve.low, "high": curve.high})
    return pd.concat([start, rest], ignore_index=True).assign(group=label)


def rollout_rules(chart: Any, rollouts: Sequence[tuple[date, str]]) -> Any:
    """Lay dashed lines with names over a time series where a registered change began."""
    if not rollouts:
        return chart
    marks = pd.DataFrame(
        [(pd.Timestamp(day, tz="UTC"), name) for day, name in sorted(rollouts)], columns=["at", "name"]
    )
    rules = alt.Chart(marks).mark_rule(color=INK, strokeDash=[4, 3]).encode(x="at:T")
    names = [
        alt.Chart(marks.iloc[[k]])
        .mark_text(align="left", dx=4, fontSize=11, color=INK)
        .encode(x="at:T", y=alt.value(8 + 15 * (k % 4)), text="name:N")
        for k in range(len(marks))
    ]
    return alt.layer(chart, rules, *names)
