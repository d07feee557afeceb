"""What the report of one change shows besides charts: bottom line, record, checks, what the estimate rests on."""

from datetime import date

from prodops_analysis.assessment import Assessment
from prodops_analysis.errors import counted
from prodops_analysis.metrics import METRICS, metric_named
from prodops_analysis.records.changes import Change, asked_late, plan_state
from prodops_analysis.report import words
from prodops_analysis.report.panels import Panel
from prodops_analysis.tables import Callout, Card, Cards, Table, confident, effect, number, table

EVIDENCE = {
    "Effect by team": "#effect-by-team",
    "Effect over time": "#effect-over-time",
    "Checks": "#checks",
    "Method": "#how-it-was-measured",
}


def verdict_line(said: Assessment) -> str:
    """Write an assessment in one plain line."""
    effect = f"effect {said.stated(said.estimate)}, {said.span}"
    return f"{said.change_id}, {said.metric}: {said.verdict}; {effect}, {said.n_items} items"


def method_note(said: Assessment) -> Callout:
    """Say in a few sentences how the effect was measured."""
    placed = "Items are placed in the week they started in (throughput: ended in); unfinished items are kept."
    spoken, tried = said.replayed
    replayed = f"Tried on {tried} ordinary dates of the teams' own past, this rule would have spoken on {spoken}."
    return Callout("note", "Method", [said.method, placed, *([replayed] if tried else [])])


def verdict_panel(said: Assessment, change: Change) -> Panel:
    """Show the bottom line of one change: verdict, reasons, what changed and why, the decision asked, six figures."""
    by_when = "" if change.decision.strip() else words.due(change)
    guards = [f"{name}: {check.found}" for name, check in words.guardrails(said).items()]
    told = (
        ("Why this verdict", f"{'; '.join(said.reasons)}."),
        ("Look first", words.look_first(said)),
        ("Last seen", words.last_seen(said)),
        ("Guardrails", f"{'; '.join(guards) or words.guarded(said, change)}."),
        ("Why the change", change.problem),
        ("What was expected", change.hypothesis),
        ("Decision asked", f"{words.decision_asked(said, change)}{' – ' if by_when else ''}{by_when}."),
    )
    callout = Callout(
        "verdict",
        str(said.verdict).capitalize(),
        [words.bottom_line(said), *((head, text) for head, text in told if text)],
        links=EVIDENCE | {f"What “{said.verdict}” means": f"{words.GLOSSARY}#{said.verdict.replace(' ', '-')}"},
    )
    cards = [
        Card(label=f"Effect on {METRICS[said.metric].label.lower()}", value=said.stated(said.estimate),
             comparison=said.span),
        *_days(said),
        Card(label="Smallest worthwhile", value=said.stated(said.smallest_worthwhile, sign=False),
             comparison="set in the record"),
        Card(label="Smallest visible", value=said.stated(said.smallest_detectable, sign=False),
             comparison="effect this data would show 4 times in 5"),
        Card(label="Evidence", value=f"{said.n_items:,}", unit="items", comparison=_evidence(said)),
        *_cost(change),
    ]  # fmt: skip
    return Panel((callout, Cards(cards)), {"assessment": said.to_dict()})


def _cost(change: Change) -> list[Card]:
    if change.cost_hours_a_week is None:
        return []
    value, unit = counted(change.cost_hours_a_week, "hour").split(" ")
    return [Card(label="Cost", value=value, unit=f"{unit} a week",
                 comparison="all teams together, as the record states")]  # fmt: skip


def _evidence(said: Assessment) -> str:
    weeks = counted(said.n_weeks, "week")
    return f"{said.n_own:,} of the adopting teams; {weeks}" if said.n_own < said.n_items else weeks


def _days(said: Assessment) -> list[Card]:
    if said.in_unit is None:
        return []
    days, low, high = (number(x, like="+.1f") for x in said.in_unit)
    base = number(said.typical or float("nan"), like=".1f")
    told = f"{confident(said.confidence)} interval {low} to {high}; half was done within {base} before"
    return [Card(label="In days", value=days, unit="days", comparison=told)]


def checks_table(said: Assessment) -> Table:
    """List every check of an assessment with its result."""
    rows = [(c.name.capitalize(), c.result, c.found) for c in said.checks]
    return table(rows, ["Check", "Result", "Found"], caption="Checks, and what they do to the verdict")


def used_table(said: Assessment) -> Table:
    """List what was used and what was left out."""
    rows = [(f"used, {team}", " to ".join(map(words.day_of, days))) for team, days in sorted(said.window.items())]
    rows += [(f"left out, {why}", f"{n} items") for why, n in said.left_out.items()]
    return table(rows, ["What", "How much"], caption="Weeks and items behind the estimate")


def plan_table(change: Change) -> Table:
    """Show the record: what was planned, for whom, at what cost, and whether the plan is older than the result."""
    teams = "; ".join(f"{t} {words.day_of(d)}" if d else f"{t} not" for t, d in change.rollouts.items())
    rows = [
        ("Problem", change.problem), ("Hypothesis", change.hypothesis), ("Kind", change.kind),
        ("Rollout", teams), ("Primary metric", metric_named(change.primary_metric).label),
        ("Guardrails", ", ".join(metric_named(name).label for name in change.guardrails) or "none"),
        ("Decided by", change.decided_by),
        ("Stated confidence", f"{change.confidence:.0%}" if change.confidence else "none"),
        ("Visible, as planned", _expected(change)),
        ("Plan", plan_state(change)),
    ]  # fmt: skip
    return table(rows, ["Field", "Record"], caption=f"Record {change.id}")


def _expected(change: Change) -> str:
    seen = {key: value for key, value in change.expected.items() if key.endswith("weeks")}
    scale = metric_named(change.primary_metric).scale
    told = ", ".join(f"{effect(float(value), scale=scale, sign=False)} after {weeks}" for weeks, value in seen.items())
    order = f"; most by: {change.expected['order']}" if "order" in change.expected else ""
    on = change.expected.get("day")
    late = asked_late(change, on=on) if isinstance(on, date) else ""
    return f"{told}{order}{'; ' if late else ''}{late}" if seen else "not asked before the rollout"
