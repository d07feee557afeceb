"""The first screen of a month: the four signs of a process that works, and the portfolio of changes."""

from collections.abc import Sequence
from dataclasses import dataclass

from prodops_analysis.assessment import Assessment
from prodops_analysis.errors import counted, some
from prodops_analysis.metrics import METRICS
from prodops_analysis.metrics.monthly import Figure
from prodops_analysis.records.changes import Change
from prodops_analysis.report.panels import Panel, written
from prodops_analysis.report.words import DUE, GLOSSARY, day_of, decision_asked, guarded, state_of
from prodops_analysis.tables import Callout, link_to, safe, table
from prodops_analysis.workspace import History

# sign -> the metric that shows it, the evidence and where it is, words for less and for more
MEASURED = {
    "Shorter cycle times": ("cycle_time", "How long work takes", "#how-long-work-takes", "shorter", "longer"),
    "Clearer ownership": ("owner_at_start", "Who owns the work", "#who-owns-the-work", "less clear", "clearer"),
    "Fewer surprises": ("unplanned", "What counts as unplanned", f"{GLOSSARY}#unplanned-work", "fewer", "more"),
}
SHARES = {"owner_at_start": "{} of started work had an owner", "unplanned": "{} of started work was not planned"}
NEEDED = {
    "Fewer surprises": "It would need a mark of unplanned work in the log, and unplanned among the metrics.",
    "Rituals that help work forward": "No data yet. It would need a calendar of rituals with what each decided.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """One sign: what can be said of it in a word and in sentences, each with words and place of its evidence."""

    name: str
    reading: str
    sentences: tuple[tuple[str, str, str], ...] = ()  # text, words of the link, address

    @property
    def said(self) -> str:
        """The sentences as plain text."""
        return " ".join(f"{text} {words}." if text.endswith(":") else text for text, words, _ in self.sentences)


@dataclass(frozen=True, slots=True)
class Signs:
    """The signs together, as a list."""

    signs: tuple[Sign, ...]

    def __repr__(self) -> str:
        return "\n".join(f"{s.name}: {s.reading}. {s.said}" for s in self.signs)

    def _repr_html_(self) -> str:
        rows = []
        for sign in self.signs:
            said = "".join(
                f"<dd>{safe(text)}{' ' + link_to(at, safe(words)) if at else ''}</dd>"
                for text, words, at in sign.sentences
            )
            rows.append(
                f'<div><dt>{safe(sign.name)}</dt><dd class="reading">{safe(sign.reading.capitalize())}</dd>{said}</div>'
            )
        return f'<dl class="prodops-signs">\n{"".join(rows)}</dl>'


def signs_panel(figures: Sequence[Figure], assessments: Sequence[Assessment], history: History) -> Panel:
    """Answer the four signs from the figures of the month and the verdicts, and name what is due for decision."""
    shown = Signs((
        *(_measured(name, figures, assessments, history) for name in MEASURED),
        *(Sign(name=name, reading="not known", sentences=((text, "", ""),)) for name, text in NEEDED.items()
          if name not in MEASURED),
    ))  # fmt: skip
    return Panel(
        (shown, _due(assessments, history)),
        {"signs": {s.name: {"reading": s.reading, "said": s.said} for s in shown.signs}},
    )


def portfolio_table(assessments: Sequence[Assessment], history: History) -> Panel:
    """List every registered change: where it stands, what is known of it, what is asked."""
    known = {said.change_id: said for said in assessments}
    rows, links = [], []
    for change in history.changes:
        said = known.get(change.id)
        found = (
            (str(said.verdict), _known(said, change, history), guarded(said, change), decision_asked(said, change))
            if said else ("not assessed", "no team has begun", None, "none yet")
        )  # fmt: skip
        rows.append((history.names[change.id], _stands(change, history), *found))
        links.append(f"change-{change.id}.html" if said else "")
    columns = ["Change", "Stands", "Verdict", "What is known", "Guardrails", "Decision asked"]
    listed = table(rows, columns, caption="Changes and what is known of them", links=links)
    plain = [dict(zip(columns, row, strict=True)) for row in rows]
    return Panel((listed,), {"verdicts": {s.change_id: s.to_dict() for s in assessments}, "changes": plain})


def _known(said: Assessment, change: Change, history: History) -> str:
    """Write the effect with its interval and reach, or why there is none; then what it costs."""
    effect = f"{METRICS[said.metric].label} {said.stated(said.estimate)} ({said.span})"
    told = said.reasons[0][:1].upper() + said.reasons[0][1:] if said.estimate is None else effect
    hours = change.cost_hours_a_week
    cost = "" if hours is None else f"; {counted(hours, 'hour')} a week"
    return f"{told}; {_reach(change, history)} teams{cost}"


def _stands(change: Change, history: History) -> str:
    state = state_of(change, on=history.last_day)
    if change.decision_date is None or state.startswith("decided"):
        return state
    by = f" by {change.decided_by}" if change.decided_by else ""
    when = day_of(change.decision_date)
    return f"{state}{by} since {when}" if state == DUE else f"{state}, decision{by} on {when}"


def _reach(change: Change, history: History) -> str:
    """Count the teams that had begun by the end of the month, of those with work in the log."""
    begun = sum(day is not None and day <= history.last_day for day in change.rollouts.values())
    return f"{begun} of {history.n_teams}"


def _measured(name: str, figures: Sequence[Figure], assessments: Sequence[Assessment], history: History) -> Sign:
    metric, section, at, less, more = MEASURED[name]
    figure = next((f for f in figures if f.metric.name == metric), None)
    helped = tuple(
        (
            f"{s.verdict.capitalize()} by {s.stated(abs(s.estimate or 0), sign=False)} in "
            f"{_reach(history.change(s.change_id), history)} teams:",
            history.names[s.change_id],
            f"change-{s.change_id}.html",
        )
        for s in assessments
        if s.metric == metric and s.verdict in ("improved", "worsened")
    )
    if figure is None:
        reading = "not known" if name in NEEDED else "not shown"
        why = NEEDED.get(name, f"{METRICS[metric].label} is not among the metrics of this workspace.")
        return Sign(name=name, reading=reading, sentences=((why, "", ""), *helped))
    if figure.value is None or figure.low is None or figure.high is None:
        few = f"{counted(figure.n, 'item')}: too few to say it this month."
        reading, text = "not known", few if figure.n else "Nothing is recorded to say it by."
    elif figure.previous is None:
        reading, text = "nothing to compare with yet", _sentence(figure)
    elif figure.moved:
        reading, text = f"{more if figure.moved > 0 else less} than {figure.beside}", _sentence(figure)
    else:
        reading, text = "no clear difference", _sentence(figure)
    return Sign(name=name, reading=reading, sentences=((text, section, at), *helped))


def _sentence(figure: Figure) -> str:
    """Write a figure with the one of the period before: values first, then intervals, counts and what is left out."""
    share = figure.metric.kind == "share"
    both = [figure, *([figure.earlier] if figure.earlier and figure.earlier.value is not None else [])]
    values = [written(one.value, figure) for one in both]
    spans = [f"{written(one.low, figure)} to {written(one.high, figure)}" for one in both]
    what = SHARES[figure.metric.name] if share else "Half of the work ends within {} days"
    before = f", {values[1]} in {figure.beside}" if len(both) > 1 else ""
    counted = f"{' and '.join(str(one.n) for one in both)} items{'' if share else ', open ones counted'}"
    left = f"; without {some(figure.without)}, whose data has grade D" if figure.without else ""
    intervals = f"95% interval{'s' if len(both) > 1 else ''} {' and '.join(spans)}"
    return f"{what.format(values[0])}{before} ({intervals}; {counted}; {figure.period}{left})."


def _due(assessments: Sequence[Assessment], history: History) -> Callout:
    due = [change for change in history.changes if state_of(change, on=history.last_day) == DUE]
    if not due:
        return Callout("decision", "No change is due")
    assessed = {said.change_id for said in assessments}
    return Callout(
        "decision",
        "One change is due" if len(due) == 1 else f"{len(due)} changes are due",
        [f"{history.names[change.id]} was not assessed." for change in due if change.id not in assessed],
        links={history.names[change.id]: f"change-{change.id}.html" for change in due if change.id in assessed},
    )
