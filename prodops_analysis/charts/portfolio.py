"""The picture of all changes: effect and interval of each, with its verdict in words."""

from collections import Counter
from collections.abc import Mapping, Sequence

import altair as alt
import pandas as pd

from prodops_analysis.assessment import Assessment
from prodops_analysis.charts.parts import HALO, headline, nothing_to_show
from prodops_analysis.charts.theme import COMPARISON, INK, READING_SHAPES, READINGS
from prodops_analysis.metrics import METRICS
from prodops_analysis.tables import effect as stated

_READING = {"improved": "better", "worsened": "worse"}


def verdicts_chart(assessments: Sequence[Assessment], *, names: Mapping[str, str], period: str) -> alt.Chart:
    """Draw the effect of each assessed change on its own metric; `names` maps a change's id to what readers call it."""
    rows = [
        (names[s.change_id], 100 * s.estimate, 100 * s.low, 100 * s.high,
         _READING.get(str(s.verdict), "unclear"),
         f"{METRICS[s.metric].label}: {s.verdict}, {stated(s.estimate, scale=s.scale)}")
        for s in assessments
        if s.estimate is not None and s.low is not None and s.high is not None
    ]  # fmt: skip
    if not rows:
        return nothing_to_show("No effect is shown", "No change of this month has an estimate yet.")
    frame = pd.DataFrame(rows, columns=["change", "effect", "low", "high", "reading", "verdict"])
    kinds = list(READINGS)
    base = alt.Chart(frame, height={"step": 66}).encode(y=alt.Y("change:N", sort=list(frame["change"]), axis=None))
    colour = alt.Color("reading:N", scale=alt.Scale(domain=kinds, range=list(READINGS.values())), legend=None)
    shape = alt.Shape("reading:N", scale=alt.Scale(domain=kinds, range=list(READING_SHAPES.values())), legend=None)
    zero = alt.Chart(pd.DataFrame({"at": [0.0]})).mark_rule(color=COMPARISON).encode(x="at:Q")
    axis = alt.Axis(labelExpr="datum.value ? format(datum.value, '+.0f') : '0'")
    x = alt.X("effect:Q", title="change in % (times and counts) or in points (shares)", axis=axis)
    span = base.mark_rule(strokeWidth=2.5).encode(x="low:Q", x2="high:Q", color=colour)
    dots = base.mark_point(size=110, filled=True).encode(x=x, color=colour, shape=shape)
    # above each bar and from the left edge, where a phone has room for them
    words = [
        base.transform_calculate(said="datum.change + '\\n' + datum.verdict")
        .mark_text(align="left", baseline="bottom", dy=-24, lineBreak="\n", lineHeight=15, **look)
        .encode(x=alt.value(0), text="said:N")
        for look in (HALO, {"color": INK})
    ]
    said = Counter(str(s.verdict) for s in assessments)
    rest = (("worsened", "made it worse"), ("no worthwhile change", "made no worthwhile difference"),
            ("not enough evidence", "cannot be told"))  # fmt: skip
    title = f"{said['improved']} of {len(assessments)} changes improved what they were meant to"
    title += "".join(f"; {said[verdict]} {words}" for verdict, words in rest if said[verdict])
    text = (
        f"Estimate and 95% interval of each change on its own metric, {period}; a change without a number is not drawn"
    )
    chart = alt.layer(zero, span, dots, *words)
    return headline(chart, title, text, f"A dot with its interval for each change. {title}.")
