"""Charts of data quality: the scorecard."""

import altair as alt
import pandas as pd

from prodops_analysis.charts.parts import headline, nothing_to_show
from prodops_analysis.charts.theme import GRADE_SHADES, INK, LINE, PAPER
from prodops_analysis.metrics import METRICS


def scorecard_chart(grades: pd.DataFrame, *, period: str) -> alt.Chart:
    """Draw the grade of each figure of each team: `team, metric, grade, share`."""
    if grades.empty:
        return nothing_to_show("No grades", "There are no teams in the log.")
    labels = {name: metric.label for name, metric in METRICS.items()}
    letter = grades["grade"].where(grades["grade"] != "none", "–")
    frame = grades.assign(figure=grades["metric"].map(labels), letter=letter)[["team", "figure", "grade", "letter"]]
    bad = sorted(set(frame.loc[frame["grade"] == "D", "team"]))
    axis = alt.Axis(orient="top", labelAngle=-55, labelAlign="left", labelOverlap=False, labelLimit=150)
    x = alt.X("figure:N", title=None, sort=list(labels.values()), axis=axis)
    base = alt.Chart(frame).encode(x=x, y=alt.Y("team:N", title=None))
    shades = alt.Scale(domain=list(GRADE_SHADES), range=list(GRADE_SHADES.values()))
    cells = base.mark_rect(stroke=LINE, strokeWidth=1).encode(color=alt.Color("grade:N", scale=shades, legend=None))
    on_dark = alt.condition("datum.grade === 'D'", alt.value(PAPER), alt.value(INK))
    letters = base.mark_text(fontWeight="bold", fontSize=14).encode(text="letter:N", color=on_dark)
    title = f"Grade D in some figures of {', '.join(bad)}: no verdict from them" if bad else "No figure has grade D"
    text = f"Grade of each figure by the share of its items in doubt, {period}"
    return headline(cells + letters, title, text, f"Table of grades, teams by figures. {title}.")
