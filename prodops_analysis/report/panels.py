"""What notebooks show besides charts: verdicts, figures, checks; each carries its numbers for metrics.json."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from prodops_analysis.assessment import Assessment
from prodops_analysis.charts import renderer
from prodops_analysis.errors import some
from prodops_analysis.metrics import METRICS, metric_named
from prodops_analysis.metrics.monthly import Figure
from prodops_analysis.portfolio import foresight, pool_by_kind
from prodops_analysis.quality import Scorecard
from prodops_analysis.records.changes import Change, plan_state
from prodops_analysis.report.changes import decision_asked, past_effects
from prodops_analysis.report.results import RESULT
from prodops_analysis.tables import Callout, Card, Cards, Table, number, table
from prodops_analysis.workspace import History, load


@dataclass(frozen=True, slots=True)
class Panel:
    """Things shown together, with their numbers as data."""

    parts: tuple[Any, ...]
    results: dict[str, Any]

    def __repr__(self) -> str:
        return "\n".join(map(repr, self.parts))

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        html = "\n".join(part._repr_html_() for part in self.parts)
        return {"text/plain": repr(self), "text/html": html, RESULT: self.results}


def begin(workspace: str = "", *, month: str = "") -> History:
    """Load a workspace for a notebook; charts are drawn in our look from here on."""
    renderer.enable()
    return load(workspace, month=month)


def figure_cards(figures: Sequence[Figure]) -> Panel:
    """Show the figures of the month beside the month before."""
    shown = {
        f.metric.name: {"value": f.value, "low": f.low, "high": f.high, "n": f.n, "previous": f.previous,
                        "unit": f.metric.unit, "statistic": f.statistic, "period": f.period}
        for f in figures
    }  # fmt: skip
    return Panel((Cards(*map(_card, figures)),), {"figures": shown})


def _card(figure: Figure) -> Card:
    share = figure.metric.kind == "share"
    value = None if figure.value is None else f"{figure.value:.0%}" if share else f"{figure.value:,.1f}"
    change = ""
    if figure.change is not None:
        by = 100 * figure.change if share else figure.change
        change = f"{number(by, like='+.0f')} points" if share else number(by, like="+.0%")
    interval = f"95 % interval {figure.low:,.1f} to {figure.high:,.1f}; " if figure.low and figure.high else ""
    return Card(
        label=f"{figure.metric.label}, {figure.statistic}",
        value=value.removesuffix(".0") if value else None,
        unit="" if share else figure.metric.unit,
        change=f"{change} on the month before" if change else "",
        comparison=f"{interval}{figure.n} items, {figure.period}",
    )


def figures_line(figures: Sequence[Figure]) -> str:
    """Write the figures of the month in one plain line."""
    return "; ".join(f"{f.metric.name} {'unknown' if f.value is None else f'{f.value:.2f}'} (n={f.n})" for f in figures)


def verdict_line(said: Assessment) -> str:
    """Write an assessment in one plain line."""
    effect = f"effect {stated(said.estimate, said)}, {_span(said)}"
    return f"{said.change_id}, {said.metric}: {said.verdict}; {effect}, {said.n_items} items"


def quality_line(card: Scorecard, history: History) -> str:
    """Write what the checks found in one plain line."""
    counts = card.grades["grade"].value_counts()
    grades = ", ".join(f"{grade} {counts.get(grade, 0)}" for grade in "ABCD")
    return (
        f"{len(history.events)} events, {len(history.items)} items, {len(history.faults)} faulty rows; grades {grades}"
    )


def method_note(said: Assessment) -> Callout:
    """Say in a few sentences how the effect was measured."""
    placed = "Items are placed in the week they started in (throughput: ended in); unfinished items are kept."
    spoken, tried = said.replayed
    replayed = f"Tried on {tried} ordinary dates of the teams' own past, this rule would have spoken on {spoken}."
    return Callout("note", "Method", said.method, placed, *([replayed] if tried else []))


def verdict_panel(said: Assessment, change: Change) -> Panel:
    """Show the bottom line of one change: verdict, reasons, effect, decision asked."""
    label = METRICS[said.metric].label
    due = f", due {change.decision_date:%d %B %Y}" if change.decision_date else ""
    callout = Callout(
        "verdict",
        f"{change.title or change.id}: {said.verdict}",
        f"{label}. Worthwhile: {said.worthwhile}. Because {'; '.join(said.reasons)}.",
        f"Decision asked: {decision_asked(said)}{due}.",
    )
    cards = [
        Card(label="Effect", value=stated(said.estimate, said), comparison=_span(said)),
        *_days(said),
        Card(
            label="Smallest worthwhile",
            value=stated(said.smallest_worthwhile, said, sign=False),
            comparison="set in the record",
        ),
        Card(
            label="Smallest visible",
            value=stated(said.smallest_detectable, said, sign=False),
            comparison="effect this data would show 4 times in 5",
        ),
        Card(label="Evidence", value=f"{said.n_items:,}", unit="items", comparison=f"{said.n_weeks} weeks"),
    ]
    if change.cost_hours_a_week is not None:
        cards.append(
            Card(
                label="Cost",
                value=f"{change.cost_hours_a_week:g}",
                unit="hours a week",
                comparison="as the record states",
            )
        )
    return Panel((callout, Cards(*cards)), {"assessment": said.to_dict()})


def _days(said: Assessment) -> list[Card]:
    if said.in_unit is None:
        return []
    days, low, high = (number(x, like="+.1f") for x in said.in_unit)
    return [Card(label="In days", value=days, unit="days", comparison=f"{low} to {high}, at the median")]


def stated(x: float | None, said: Assessment, *, sign: bool = True) -> str | None:
    """Write an effect for reading; None where there is none."""
    if x is None:
        return None
    mark = "+" if sign else ""
    if said.scale == "ratio":
        return number(x, like=f"{mark}.0%")
    return f"{number(100 * x, like=f'{mark}.0f')} points"


def _span(said: Assessment) -> str:
    if said.low is None or said.high is None:
        return "no estimate is given"
    return f"95 % interval {stated(said.low, said)} to {stated(said.high, said)}"


def checks_table(said: Assessment) -> Table:
    """List every check of an assessment with its result."""
    rows = [(c.name.capitalize(), c.result, c.found) for c in said.checks]
    return table(
        pd.DataFrame(rows, columns=["Check", "Result", "Found"]), caption="Checks, and what they do to the verdict"
    )


def used_table(said: Assessment) -> Table:
    """List what was used and what was left out."""
    rows = [(f"used, {team}", f"{a:%d %b %Y} to {b:%d %b %Y}") for team, (a, b) in sorted(said.window.items())]
    rows += [(f"left out, {why}", f"{n} items") for why, n in said.left_out.items()]
    return table(pd.DataFrame(rows, columns=["What", "How much"]), caption="Weeks and items behind the estimate")


def plan_table(change: Change) -> Table:
    """Show the record: what was planned, for whom, at what cost, and whether the plan is older than the result."""
    teams = "; ".join(f"{t} {d:%d %b %Y}" if d else f"{t} not" for t, d in change.rollouts.items())
    rows = [
        ("Problem", change.problem), ("Hypothesis", change.hypothesis), ("Kind", change.kind),
        ("Rollout", teams), ("Primary metric", metric_named(change.primary_metric).label),
        ("Guardrails", ", ".join(change.guardrails) or "none"), ("Decided by", change.decided_by),
        ("Stated confidence", f"{change.confidence:.0%}" if change.confidence else "none"),
        ("Visible, said before", _expected(change)),
        ("Plan", plan_state(change)),
    ]  # fmt: skip
    return table(pd.DataFrame(rows, columns=["Field", "Record"]), caption=f"Record {change.id}")


def _expected(change: Change) -> str:
    told = [f"{100 * float(seen):.0f} after {weeks}" for weeks, seen in change.expected.items() if weeks != "day"]
    return ", ".join(told) + " (% or points)" if told else "not asked; prodops plan says it"


def clock_table(found: pd.DataFrame) -> Panel:
    """Show what every choice of clock says (`phases.clock_table`)."""
    shares = {f"at once {side}": ".0%" for side in ("before", "after")}
    units = {f"median {side}": "days" for side in ("before", "after")}
    shown = table(found, caption="Medians of finished items, by clock", units=units, formats=shares)
    return Panel((shown,), {"clocks": found.to_dict(orient="records")})


def verdicts_table(assessments: Sequence[Assessment], history: History) -> Panel:
    """List all changes with their verdict."""
    rows = [
        (history.change(s.change_id).title or s.change_id, METRICS[s.metric].label, str(s.verdict), str(s.worthwhile),
         stated(s.estimate, s), _span(s) if s.low is not None else "; ".join(s.reasons), decision_asked(s))
        for s in assessments
    ]  # fmt: skip
    columns = ["Change", "Metric", "Verdict", "Worthwhile", "Effect", "Interval or reason", "Decision asked"]
    shown = table(pd.DataFrame(rows, columns=columns), caption="Verdict of each change with a rollout")
    return Panel((shown,), {"verdicts": {s.change_id: s.to_dict() for s in assessments}})


def portfolio_panel(assessments: Sequence[Assessment], history: History) -> Panel:
    """Show what past changes teach: effects by kind of change, shrunk for luck, and confidence against outcome."""
    rows = past_effects(assessments, {change.id: change for change in history.changes})
    pooled, stated_then = pool_by_kind(rows), foresight(rows)
    shown = pooled.kinds.assign(metric=[METRICS[m].label for m in pooled.kinds["metric"]])
    shown = shown[["kind", "metric", "n", "estimate", "low", "high", "note"]]
    shown.columns = ["Kind", "Metric", "Changes", "Effect", "From", "To", "Note"]
    formats = dict.fromkeys(("Effect", "From", "To"), "+.0%")
    listed = table(shown, caption="Effects by kind of change, all assessed ones, clear or not", formats=formats)
    if stated_then.calibration is None:
        said = f"Confidence against outcome cannot be shown yet: {stated_then.reason}."
    else:
        said = f"Brier score of the stated confidence {stated_then.calibration.brier:.2f}; always 50 % would give 0.25."
    left = "; ".join(f"{n} left out: {why}" for why, n in pooled.left_out.items())
    note = Callout("note", "Confidence against outcome", said, *([f"{left}."] if left else []))
    return Panel((note, listed), {"portfolio": {"kinds": pooled.kinds.to_dict(orient="records"), "foresight": said}})


def quality_summary(card: Scorecard, history: History) -> Panel:
    """Say in a sentence whether the figures may be trusted."""
    bad = card.grades[card.grades["grade"] == "D"]
    teams = some(sorted(set(bad["team"])))
    t = card.thresholds
    title = f"Grade D for {teams}" if teams else "No figure has grade D"
    scale = f"B from {t.grade_b:.0%}, C from {t.grade_c:.0%}, D from {t.grade_d:.0%} of the items in doubt"
    counted = f"{len(history.events):,} events of {len(history.items):,} items"
    lines = [
        f"{counted}; {len(history.faults):,} faulty rows were not read.",
        f"Grades: A is best; {scale} (or half a month silent). A figure of grade D allows no verdict.",
    ]
    grades = {f"{r.team}/{r.metric}": r.grade for r in card.grades.itertuples()}
    return Panel(
        (Callout("caution" if teams else "note", title, *lines),), {"grades": grades, "faults": len(history.faults)}
    )


def quality_table(card: Scorecard) -> Table:
    """List every quality check with its items."""
    rows = [
        (c.name.capitalize(), c.n, c.share, ", ".join(METRICS[d].label for d in c.doubts), ", ".join(c.items[:3]))
        for c in card.checks
    ]
    columns = ["Check", "Items", "Share", "Figures in doubt", "First items"]
    return table(pd.DataFrame(rows, columns=columns), caption="Named checks over all items", formats={"Share": ".1%"})


def faults_table(history: History) -> Table:
    """Count the rows that are no events, by source and reason, with an example."""
    by = history.faults.groupby(["source", "reason"], sort=True)
    rows = [(s, r, len(g), f"row {g['row'].iloc[0]}: {g['found'].iloc[0]}") for (s, r), g in by]
    return table(pd.DataFrame(rows, columns=["Source", "Reason", "Rows", "Example"]), caption="Rows listed, not read")


def sources_table(history: History) -> Table:
    """Print the workflow maps with their versions, and what the sources had to say."""
    teams: dict[str, list[str]] = {}
    for team, workflow in history.settings.workflow.items():
        teams.setdefault(str(workflow), []).append(
            team if team != "*" else "every other team" if len(history.settings.workflow) > 1 else "every team"
        )
    rows = [(", ".join(who), text) for text, who in teams.items()]
    rows += [("Source", text) for text in (*history.remarks, *history.source_checks.values())]
    return table(
        pd.DataFrame(rows, columns=["For", "Map or remark"]), caption="Workflow maps and remarks of the sources"
    )
