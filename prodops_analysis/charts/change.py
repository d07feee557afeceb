"""Charts of one change: curves before and after, the weekly level beside comparison teams, the effect by team."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import altair as alt
import pandas as pd

from prodops_analysis.assessment import Assessment
from prodops_analysis.charts.parts import effect_axis, falling, headline, moments, nothing_to_show, rollout_rules, share
from prodops_analysis.charts.theme import AFTER, BEFORE, COMPARISON, INK
from prodops_analysis.errors import counted
from prodops_analysis.estimators.survival import SurvivalCurve
from prodops_analysis.metrics import Metric
from prodops_analysis.phases import ADOPTING, OTHER, Behaviour
from prodops_analysis.tables import effect as stated
from prodops_analysis.tables import number


def curves_before_after(curves: Mapping[str, SurvivalCurve], *, name: str, forbidden: str = "") -> alt.Chart:
    """Draw time to the end of work started before and after the rollout in the adopting teams.

    forbidden : why no number may be shown (`Assessment.forbidden`); it stands in the chart's place.
    """
    if forbidden:
        return nothing_to_show(f"{name}: no curves are shown", forbidden)
    if set(curves) < {"before", "after"}:
        why = "Curves are drawn for durations with items on both sides of the rollout."
        return nothing_to_show(f"{name}: no curves to compare", why)
    median = {side: curves[side].quantile(0.5) for side in ("before", "after")}
    sides = {side: curves[side] for side in ("before", "after")}
    last = max(float(curve.time[-1]) for curve in sides.values())
    limit = 4 * max(median.values()) if all(m == m for m in median.values()) else last
    told = [f"{days:.1f} days {side}" if days == days else f"not reached {side}" for side, days in median.items()]
    title = f"Median {', '.join(told)}"
    counts = ", ".join(f"{curves[side].n} items {side} ({curves[side].n_open} open)" for side in ("before", "after"))
    text = f"{name} of the adopting teams by start, to any end, open items counted (strokes): {counts}. Not the verdict"
    drawn = falling(sides, limit=limit, colours=[BEFORE, AFTER])
    return headline(drawn, title, text, f"Two falling step curves with 95% bands, open items marked. {title}.")


def clocks(table: pd.DataFrame, *, around: date) -> alt.Chart:
    """Draw the median before and after a date for each choice of clock (`phases.clock_table`)."""
    name = table["clock"] + ", placed by its " + table["placed by"]
    sides = ["before", "after"]
    frame = pd.concat(pd.DataFrame({"choice": name, "side": side, "median": table[f"median {side}"]}) for side in sides)
    shades = alt.Scale(domain=sides, range=[BEFORE, AFTER])
    shapes = alt.Scale(domain=sides, range=["circle", "square"])
    base = alt.Chart(frame).encode(y=alt.Y("choice:N", sort=list(name), title=None, axis=alt.Axis(labelLimit=300)))
    x = alt.X("median:Q", title="median days to the end")
    line = base.mark_line(color=COMPARISON).encode(x=x, detail="choice:N")
    dots = base.mark_point(size=110).encode(
        x="median:Q", color=alt.Color("side:N", scale=shades), shape=alt.Shape("side:N", scale=shapes)
    )
    change = table["median after"] - table["median before"]
    title = f"Choices of clock that say faster: {int((change < 0).sum())}, slower: {int((change > 0).sum())}"
    text = f"Median of finished items, before and after {around.day} {around:%B %Y}; none of these is an answer"
    return headline(line + dots, title, text, f"Dots before and after, a row a choice of clock. {title}.")


def weekly_level(
    levels: pd.DataFrame, *, metric: Metric, rollouts: Sequence[tuple[date, str]],
    others: Sequence[tuple[date, str]] = (), forbidden: str = "",
) -> alt.Chart:  # fmt: skip
    """Draw the typical value by month of start, adopting and other teams: `month, group, value, n`.

    rollouts, others : first days of this change by team, and of the other registered changes.
    forbidden : why no number may be shown; it stands in the chart's place.
    """
    if forbidden:
        return nothing_to_show(f"{metric.label}: no months are shown", forbidden)
    if levels.empty:
        return nothing_to_show(f"{metric.label}: no months to show", "No whole month holds enough items with a value.")
    groups = [ADOPTING, OTHER]
    shades = alt.Scale(domain=groups, range=[BEFORE, COMPARISON])
    chart = alt.Chart(levels).mark_line(point=True).encode(
        x=moments("month"), y=_measured(metric), color=alt.Color("group:N", scale=shades),
        strokeDash=alt.StrokeDash("group:N", legend=None),
    )  # fmt: skip
    last = levels[levels["month"] == levels["month"].max()].set_index("group")
    like, each = {"share": (".0%", ""), "count": (".1f", f" {metric.unit} a team")}.get(
        metric.kind, (".1f", f" {metric.unit}")
    )
    told = " and ".join(
        f"{number(last.at[group, 'value'], like=like)}{each} in {group}" if group in last.index
        else f"not known in {group}"
        for group in groups
        if group in set(levels["group"])
    )  # fmt: skip
    title = f"{metric.label}, {levels['month'].max():%B %Y}: {told}"
    what = {"share": "Share", "count": "Items a week and team"}.get(metric.kind, "Median, open items counted,")
    counts = ", ".join(f"{last.at[group, 'n']:.0f} of {group}" for group in last.index)
    text = f"{what} by month, {counts} in the last one; dashed: rollouts by team; grey: other changes"
    chart = rollout_rules(chart, rollouts, others=others)
    return headline(chart, title, text, f"Lines by month with the rollout dates. {title}.")


def _measured(metric: Metric) -> alt.Y:
    """The axis of a metric: from zero, shares in percent up to all."""
    if metric.kind == "share":
        return share("value:Q", metric.unit)
    unit = f"{metric.unit} a team" if metric.kind == "count" else metric.unit
    return alt.Y("value:Q", title=unit, scale=alt.Scale(zero=True))


def effect_by_team(said: Assessment) -> alt.Chart:
    """Draw the effect of each adopting team around the whole, with the interval and the band that is not worthwhile."""
    if said.estimate is None or said.low is None or said.high is None:
        return nothing_to_show("No effect is shown", "Without an answer there is no number: " + "; ".join(said.reasons))
    rows = [("all together", said.estimate, said.low, said.high)]
    rows += [(team, own.estimate, own.low, own.high) for team, own in sorted(said.by_team.items())]
    frame = pd.DataFrame(rows, columns=["team", "effect", "low", "high"])
    m = said.smallest_worthwhile
    axis = alt.X("effect:Q", **effect_axis(said.scale))
    band = alt.Chart(pd.DataFrame({"a": [-m], "b": [m]})).mark_rect(color=COMPARISON, opacity=0.15)
    zero = alt.Chart(pd.DataFrame({"at": [0.0]})).mark_rule(color=INK).encode(x="at:Q")
    base = alt.Chart(frame).encode(y=alt.Y("team:N", sort=list(frame["team"]), title=None))
    whole = alt.datum.team == "all together"
    width = alt.condition(whole, alt.value(4), alt.value(1.5))
    span = base.mark_rule(color=BEFORE).encode(x="low:Q", x2="high:Q", strokeWidth=width)
    dot = base.mark_point(color=BEFORE).encode(x=axis, size=alt.condition(whole, alt.value(120), alt.value(40)))
    chart = alt.layer(band.encode(x="a:Q", x2="b:Q"), zero, span, dot)
    title = f"All together {stated(said.estimate, scale=said.scale)}; single teams scatter around it"
    within = stated(m, scale=said.scale, sign=False)
    text = (
        f"Dot and bar: estimate and 95% interval, each team from its own weeks; grey: within ±{within}, not worthwhile"
    )
    return headline(chart, title, text, f"Dot for each team. {title}.")


def effect_over_time(said: Assessment) -> alt.Chart:
    """Draw the effect by weeks since the rollout, an event study; before the rollout nothing should be seen."""
    if not said.by_band:
        why = "Without an answer there is no number: " + "; ".join(said.reasons)
        return nothing_to_show("No effect over time", why)
    rows = [
        ((f"{first} to {last}" if last < 999 else f"{first} on").replace("-", "−"), first < 0,
         own.estimate, own.low, own.high)
        for (first, last), own in sorted(said.by_band.items())
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["weeks", "before", "effect", "low", "high"])
    frame = frame.assign(side=frame["before"].map({True: "before", False: "after"}))
    axis = alt.Axis(
        labelAngle=0, labelOverlap=False, labelFlush=False, labelFontSize=11,
        labelExpr="split(replace(datum.label, ' to ', '| to '), '|')",
    )  # fmt: skip
    x = alt.X("weeks:N", sort=list(frame["weeks"]), title="weeks since the rollout", axis=axis)
    chart = _dots(frame, said, x=x, kind="side:N", colours={"before": BEFORE, "after": AFTER}, legend=None)
    early = frame[frame["before"]]
    furthest = max([*early["low"], *early["high"], 0.0], key=abs)
    if early.empty:
        title = "Nothing is known of the weeks before the rollout"
    elif not ((early["low"] <= 0) & (early["high"] >= 0)).all():
        title = "Something moved before the rollout already"
    elif abs(furthest) <= said.smallest_worthwhile:
        title = "Quiet before the rollout, as it should be"
    else:
        title = f"Nothing clear before the rollout; up to {stated(furthest, scale=said.scale)} is not ruled out"
    text = "Beside all earlier weeks, trends left in; estimate and 95% interval; circles before, squares after"
    return headline(chart, title, text, f"Dots by weeks since the rollout. {title}.")


def ordinary_dates(said: Assessment) -> alt.Chart:
    """Draw what the same rule finds at ordinary dates of the past, beside the rollout itself."""
    spoken, tried = said.replayed
    if said.estimate is None or said.low is None or said.high is None or not said.ordinary:
        why = "Without an answer, or with less than twenty weeks before the first rollout, there is nothing to try."
        return nothing_to_show("No ordinary dates to try", why)
    rows = [(-back, own.estimate, own.low, own.high, "ordinary date") for back, own in said.ordinary.items()]
    rows.append((0, said.estimate, said.low, said.high, "the rollout"))
    frame = pd.DataFrame(rows, columns=["weeks", "effect", "low", "high", "date"])
    x = alt.X("weeks:Q", title="weeks that the rollouts are moved", scale=alt.Scale(padding=12))
    chart = _dots(frame, said, x=x, kind="date:N", colours={"ordinary date": COMPARISON, "the rollout": AFTER})
    title = f"On {spoken} of {tried} ordinary dates this rule would have spoken"
    text = (
        "The same rule as if the rollouts had come earlier, where nothing changed; dot and bar: estimate, 95% interval"
    )
    return headline(chart, title, text, f"Dots by weeks moved, the rollout last. {title}.")


def _dots(
    frame: pd.DataFrame, said: Assessment, *, x: alt.X, kind: str, colours: Mapping[str, str], **legend: Any
) -> Any:
    """Draw estimates with their intervals, circles and squares by kind, around the line of no effect."""
    kinds = list(colours)
    base = alt.Chart(frame).encode(
        x=x, color=alt.Color(kind, scale=alt.Scale(domain=kinds, range=list(colours.values())), **legend)
    )
    shape = alt.Shape(kind, scale=alt.Scale(domain=kinds, range=["circle", "square"]), **legend)
    dot = base.mark_point(filled=True, size=70).encode(y=alt.Y("effect:Q", **effect_axis(said.scale)), shape=shape)
    zero = alt.Chart(pd.DataFrame({"at": [0.0]})).mark_rule(color=INK).encode(y="at:Q")
    return alt.layer(zero, base.mark_rule(strokeWidth=2).encode(y="low:Q", y2="high:Q"), dot)


def behaviour(shown: Behaviour, *, metric: Metric, forbidden: str = "") -> alt.Chart:
    """Draw the process behaviour chart of the adopting teams, limits re-based at the rollout; description only."""
    if forbidden:
        return nothing_to_show(f"{metric.label}: no weeks are shown", forbidden)
    if shown.weeks.empty:
        return nothing_to_show("No weekly figures", "The adopting teams have no week with a figure in this window.")
    frame = shown.weeks.assign(kind=shown.weeks["signal"].map({True: "signal", False: "within limits"}))
    kinds = ["within limits", "signal"]
    base = alt.Chart(frame).encode(x=alt.X("since:Q", title="weeks since each team's own rollout"))
    limits = base.mark_area(color=COMPARISON, opacity=0.18).encode(y="low:Q", y2="high:Q", detail="phase:N")
    centre = base.mark_line(color=COMPARISON).encode(y="centre:Q", detail="phase:N")
    line = base.mark_line(color=BEFORE, strokeWidth=1, opacity=0.6).encode(y=_measured(metric))
    dots = base.mark_point(filled=True).encode(
        y="value:Q",
        color=alt.Color("kind:N", scale=alt.Scale(domain=kinds, range=[BEFORE, AFTER]), legend=None),
        shape=alt.Shape("kind:N", scale=alt.Scale(domain=kinds, range=["circle", "diamond"]), legend=None),
        size=alt.Size("kind:N", scale=alt.Scale(domain=kinds, range=[22, 90]), legend=None),
    )
    rollout = alt.Chart(pd.DataFrame({"at": [-0.5]})).mark_rule(color=INK, strokeDash=[4, 3]).encode(x="at:Q")
    title = f"{counted(shown.signals, 'signal')} where luck alone would make about {shown.expected_by_luck:.1f}"
    text = f"{metric.label} by week; grey: natural process limits, re-based at the rollout; diamonds: signals"
    chart = alt.layer(limits, centre, line, dots, rollout)
    return headline(chart, title, text, f"A line by weeks since the rollout. {title}.")
