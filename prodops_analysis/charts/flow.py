"""Charts of flow: time to the end, throughput, WIP, age of open work."""

from collections.abc import Sequence
from datetime import date

import altair as alt
import pandas as pd

from prodops_analysis.charts import parts
from prodops_analysis.charts.theme import AFTER, BEFORE, COMPARISON, LINE
from prodops_analysis.metrics.flow import DurationSummary


def time_to_end(summary: DurationSummary | None, *, name: str = "Cycle time", period: str) -> alt.Chart:
    """Draw the share of work not yet ended by day, open items counted, with the completed-only median beside it."""
    if summary is None:
        why = "Nothing started in this period, so there is no curve."
        return parts.nothing_to_show(f"{name}: no items in {period}", why)
    last = float(summary.curve.time[-1])
    limit = max(summary.p85 * 1.6, summary.median * 3) if summary.p85 == summary.p85 else last
    rows = [
        (summary.median, f"median, open counted: {summary.median:.1f} d", 0.92),
        (summary.completed_only, f"of finished items alone: {summary.completed_only:.1f} d", 0.82),
    ]
    marks = pd.DataFrame(rows, columns=["days", "label", "height"]).dropna()
    marks = marks.assign(beside=marks["days"].max())
    rules = alt.Chart(marks).mark_rule(strokeDash=[4, 3]).encode(x="days:Q")
    labels = alt.Chart(marks).mark_text(align="left", dx=6).encode(x="beside:Q", y="height:Q", text="label:N")
    median = f"{summary.median:.1f} days" if summary.median == summary.median else "longer than the log shows"
    title = f"Half of the work ends within {median}"
    chart = parts.falling({"all": summary.curve}, limit=limit, colours=[BEFORE]) + rules + labels
    text = f"{name}, time to any end (Kaplan-Meier), {summary.n} items, {summary.n_open} open (strokes), {period}"
    shape = f"Step curve falling from all items at day 0; {title.lower()}; band: 95% interval; strokes: open items."
    return parts.headline(chart, title, text, shape)


def ends_by_day(summary: DurationSummary | None, *, name: str = "Cycle time", period: str) -> alt.Chart:
    """Draw the share done and the share dropped by day (Aalen-Johansen)."""
    if summary is None or summary.ends is None:
        why = "Where nothing is dropped, one curve says all."
        return parts.nothing_to_show(f"{name}: nothing was dropped in {period}", why)
    ends = summary.ends
    limit = max(summary.p85 * 1.6, summary.median * 3) if summary.p85 == summary.p85 else float(ends.time.max())
    frame = pd.concat(
        parts.thinned(pd.DataFrame({"days": ends.time, "share": ends.share[:, k]}), limit=limit).assign(
            end={1: "done", 2: "dropped"}[cause]
        )
        for k, cause in enumerate(ends.causes)
    )
    done, dropped = (ends.at(limit, cause) if cause in ends.causes else 0.0 for cause in (1, 2))
    shades = alt.Scale(domain=["done", "dropped"], range=[BEFORE, COMPARISON])
    chart = alt.Chart(frame).mark_line(interpolate="step-after").encode(
        x=parts.since_start(limit), y=parts.share("share:Q", "share of started items"),
        color=alt.Color("end:N", scale=shades, legend=None), strokeDash=alt.StrokeDash("end:N", legend=None),
    )  # fmt: skip
    names = parts.named_lines(frame, at=float(frame["days"].max()), x="days", y="share", group="end", shades=shades)
    title = f"By day {limit:.0f}, {done:.0%} are done and {dropped:.0%} dropped"
    text = f"{name}, share ended by kind of end (Aalen-Johansen), {summary.n} items, {period}"
    return parts.headline(chart + names, title, text, f"Two rising step curves, done and dropped. {title}.")


def weekly_counts(
    counts: pd.DataFrame, *, rollouts: Sequence[tuple[date, str]] = (), what: str = "done", period: str
) -> alt.Chart:
    """Draw items a week: `week, count`, with the dates of registered changes."""
    if counts.empty:
        return parts.nothing_to_show(f"No items {what}", "There are no whole weeks in this period.")
    mean = float(counts["count"].mean())
    y = alt.Y("count:Q", title=f"items {what} a week", stack=None)
    bars = alt.Chart(counts).mark_bar(color=BEFORE, width=5).encode(x=parts.moments("week"), y=y)
    title = f"{mean:.0f} items {what} a week, on average over {len(counts)} weeks"
    text = f"Items {what} a week, all teams, {period}; dashed lines: first rollout of a registered change"
    shape = f"Bars by week from {counts['week'].min():%b %Y} to {counts['week'].max():%b %Y}; {title.lower()}."
    return parts.headline(parts.rollout_rules(bars, rollouts), title, text, shape)


def wip_over_time(
    wip: pd.DataFrame, *, rollouts: Sequence[tuple[date, str]] = (), period: str, without: str = ""
) -> alt.Chart:
    """Draw items in progress a week, with the dates of registered changes: `at, wip`; `without`: teams left out."""
    if wip.empty:
        return parts.nothing_to_show("No work in progress", "Nothing was started in this period.")
    first, last = int(wip["wip"].iloc[0]), int(wip["wip"].iloc[-1])
    y = alt.Y("wip:Q", title="items in progress", scale=alt.Scale(zero=True))
    line = alt.Chart(wip).mark_line(color=BEFORE).encode(x=parts.moments("at"), y=y)
    moved, begin = "more" if last >= first else "fewer", wip["at"].iloc[0]
    where = " in the teams that can be counted" if without else ""
    title = f"{last} items are in progress{where}, {abs(last - first)} {moved} than on {begin.day} {begin:%B %Y}"
    text = f"WIP at the start of each week and now, {period}{without}"
    return parts.headline(parts.rollout_rules(line, rollouts), title, text, f"Line by week. {title}.")


def ageing(ages: pd.DataFrame, *, recent: DurationSummary | None, period: str) -> alt.Chart:
    """Draw the age of every open item by team beside the time in which 85% of recent work ended: `team, value`."""
    expectation = recent.p85 if recent else float("nan")
    if ages.empty:
        return parts.nothing_to_show("No open work", "Nothing is in progress.")
    scale, axis = alt.Scale(type="log", domainMin=0.5, clamp=True), alt.Axis(values=[1, 3, 10, 30, 100, 300, 1000])
    x = alt.X("value:Q", title="age in days (log scale)", scale=scale, axis=axis)
    points = alt.Chart(ages[["team", "value"]]).mark_point(color=BEFORE, opacity=0.7)
    rule = alt.Chart(pd.DataFrame({"value": [expectation]}).dropna()).mark_rule(color=AFTER, strokeDash=[4, 3])
    chart = points.encode(x=x, y=alt.Y("team:N", title=None)) + rule.encode(x="value:Q")
    title, text = f"Open items: {len(ages)}", f"Work item age, end of {period}"
    if expectation == expectation:
        old = int((ages["value"] > expectation).sum())
        title = f"{old} of {len(ages)} open items are older than 85% of recent work took"
        text += f"; dashed: {expectation:.0f} days, by which 85% of recent work had ended"
    return parts.headline(chart, title, text, f"Dots, one an open item, by team. {title}.")


def share_by_month(
    shares: pd.DataFrame, *, rollouts: Sequence[tuple[date, str]] = (), name: str, period: str
) -> alt.Chart:
    """Draw a share month by month with its interval: `month, value, low, high, n`."""
    if shares.empty:
        return parts.nothing_to_show(f"{name}: too few items in {period}", "Months with few items are not shown.")
    base = alt.Chart(shares).encode(x=parts.moments("month"))
    span = base.mark_rule(color=BEFORE, strokeWidth=1.5).encode(y="low:Q", y2="high:Q")
    line = base.mark_line(color=BEFORE, point=True).encode(
        y=parts.share("value:Q", "share of started items"),
        tooltip=["month:T", alt.Tooltip("value:Q", format=".0%"), "n:Q"],
    )
    first, last = shares["value"].iloc[0], shares["value"].iloc[-1]
    title = f"{name}: {last:.0%} in the last month, {first:.0%} in the first"
    text = f"By month of start, all teams; bars: 95% interval; {shares['n'].sum():,} items, {period}"
    return parts.headline(parts.rollout_rules(span + line, rollouts), title, text, f"A line by month. {title}.")


def time_in_stage(stages: pd.DataFrame, *, period: str) -> alt.Chart:
    """Draw the mean days in each stage by team: `team, stage, days, n`."""
    if stages.empty:
        return parts.nothing_to_show(f"No work done in {period}", "Without finished work there is no time to divide.")
    palette = {"queue": COMPARISON, "wait": AFTER, "active": BEFORE, "unknown": LINE}
    known = [stage for stage in palette if stage in set(stages["stage"])]
    label, place = stages["team"] + " (" + stages["n"].astype("str") + ")", stages["stage"].map(known.index)
    named = stages.assign(label=label, place=place)
    whole = (named["days"] * named["n"]).groupby(named["stage"]).sum()
    part = (whole / whole.sum()).reindex(["active", "queue", "wait", "unknown"], fill_value=0.0)
    chart = alt.Chart(named).mark_bar(size=16).encode(
        y=alt.Y("label:N", title=None),
        x=alt.X("days:Q", title="mean days a finished item"),
        color=alt.Color("stage:N", sort=known, scale=alt.Scale(domain=known, range=[palette[k] for k in known])),
        order=alt.Order("place:Q"),
        tooltip=["team:N", "stage:N", alt.Tooltip("days:Q", format=".1f"), "n:Q"],
    )  # fmt: skip
    title = (
        f"{part['active']:.0%} of the time of finished work was work, {part['queue'] + part['wait']:.0%} was waiting"
    )
    title += f"; of {part['unknown']:.0%} it is not known" if part["unknown"] >= 0.005 else ""
    text = f"Mean days by stage of the workflow, work done in {period}; beside each team its number of items"
    return parts.headline(chart, title, text, f"A divided bar for each team. {title}.")
