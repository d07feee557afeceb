"""The first screen of a month: the four signs of a process that works, and the portfolio of changes."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from prodops_analysis.assessment import Assessment
from prodops_analysis.metrics import METRICS
from prodops_analysis.metrics.monthly import Figure
from prodops_analysis.report.panels import Panel
from prodops_analysis.report.words import DUE, decision_asked, span, state_of, stated
from prodops_analysis.tables import Callout, link_to, number, safe, table
from prodops_analysis.workspace import History

REVIEW = "monthly-review.html"
# sign -> the metric that shows it, the section with its evidence, words for less and for more
MEASURED = {
    "Shorter cycle times": ("cycle_time", "How long work takes", "shorter", "longer"),
    "Clearer ownership": ("owner_at_start", "Who owns the work", "less clear", "clearer"),
}
NEEDED = {
    "Fewer surprises": "No data yet. It would need target dates in the log, to count the work that slipped past them.",
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
        *(Sign(name=name, reading="not known", sentences=((text, "", ""),)) for name, text in NEEDED.items()),
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
        said, label = known.get(change.id), METRICS[change.primary_metric].label
        found = (
            (str(said.verdict), stated(said.estimate, said), span(said) if said.low is not None else said.reasons[0],
             decision_asked(said))
            if said else ("not assessed", None, "no team has begun", "none yet")
        )  # fmt: skip
        rows.append((history.names[change.id], state_of(change, until=history.until), label, *found))
        links.append(f"change-{change.id}.html" if said else "")
    columns = ["Change", "Stands", "Metric", "Verdict", "Effect", "Interval or reason", "Decision asked"]
    listed = table(pd.DataFrame(rows, columns=columns), caption="Changes and what is known of them", links=links)
    plain = [dict(zip(columns, row, strict=True)) for row in rows]
    return Panel((listed,), {"verdicts": {s.change_id: s.to_dict() for s in assessments}, "changes": plain})


def _measured(name: str, figures: Sequence[Figure], assessments: Sequence[Assessment], history: History) -> Sign:
    metric, section, less, more = MEASURED[name]
    figure = next((f for f in figures if f.metric.name == metric), None)
    if figure is None:
        why = f"{METRICS[metric].label} is not among the metrics of this workspace."
        return Sign(name=name, reading="not shown", sentences=((why, "", ""),))
    at = f"#{section.lower().replace(' ', '-')}"
    helped = tuple(
        (
            f"{s.verdict.capitalize()} by {stated(abs(s.estimate or 0), s, sign=False)}:",
            history.names[s.change_id],
            f"change-{s.change_id}.html",
        )
        for s in assessments
        if s.metric == metric and s.verdict in ("improved", "worsened")
    )
    if figure.value is None or figure.low is None or figure.high is None:
        few = f"{figure.n} items are too few to say it this month."
        return Sign(name=name, reading="not known", sentences=((few, section, at), *helped))
    share = figure.metric.kind == "share"
    value, low, high = (_written(x, share=share) for x in (figure.value, figure.low, figure.high))
    before = "" if figure.previous is None else f"; {_written(figure.previous, share=share)} {figure.beside}"
    reading = "no clear difference"
    if figure.previous is None:
        reading = "nothing to compare with yet"
    elif figure.moved:
        reading = f"{more if figure.moved > 0 else less} than {figure.beside}"
    counted = f"{figure.n} items" if share else f"{figure.n} items, open ones counted"
    what = f"{value} of started work had an owner" if share else f"Half of the work ends within {value} days"
    text = f"{what} (95% interval {low} to {high}, {counted}, {figure.period}{before})."
    return Sign(name=name, reading=reading, sentences=((text, section, at), *helped))


def _written(x: float, *, share: bool) -> str:
    return number(x, like=".0%" if share else ".1f")


def _due(assessments: Sequence[Assessment], history: History) -> Callout:
    due = [change for change in history.changes if state_of(change, until=history.until) == DUE]
    if not due:
        return Callout("decision", "No change is due")
    assessed = {said.change_id for said in assessments}
    return Callout(
        "decision",
        "One change is due" if len(due) == 1 else f"{len(due)} changes are due",
        *(f"{history.names[change.id]} was not assessed." for change in due if change.id not in assessed),
        links={history.names[change.id]: f"change-{change.id}.html" for change in due if change.id in assessed},
    )
