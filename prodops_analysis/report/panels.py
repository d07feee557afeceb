"""What notebooks show besides charts: verdicts, figures, checks; each carries its numbers for metrics.json."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from prodops_analysis.assessment import Assessment
from prodops_analysis.charts import renderer
from prodops_analysis.errors import some
from prodops_analysis.metrics import METRICS
from prodops_analysis.metrics.monthly import Figure
from prodops_analysis.portfolio import COLUMNS, foresight, pool_by_kind
from prodops_analysis.quality import Scorecard
from prodops_analysis.report.results import RESULT
from prodops_analysis.settings import EVERY_TEAM
from prodops_analysis.tables import Callout, Card, Cards, Reading, Table, effect, effects, number, table
from prodops_analysis.workspace import History, load

COIN = "always saying 50 % would give 0.25"


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
    """Show the figures of the month, each beside that of the period before."""
    shown = {
        f.metric.name: {"value": f.value, "low": f.low, "high": f.high, "n": f.n, "previous": f.previous,
                        "beside": f.beside, "unit": f.metric.unit, "statistic": f.statistic, "period": f.period,
                        "without": list(f.without)}
        for f in figures
    }  # fmt: skip
    return Panel((Cards([*map(_card, figures)]),), {"figures": shown})


def _card(figure: Figure) -> Card:
    share = figure.metric.kind == "share"
    change = ""
    if figure.change is not None:
        was = written(figure.previous, figure)
        change = f"{effect(figure.change, scale=figure.metric.scale)} on {figure.beside} ({was})"
    told = [f"95% interval {written(figure.low, figure)} to {written(figure.high, figure)}"]
    told = told if figure.low is not None else []
    counted = [] if figure.metric.name == "wip" else [f"{figure.n:,} items"]
    left = [f"without {some(figure.without)} (data of grade D)"] if figure.without else []
    return Card(
        label=f"{figure.metric.label}, {figure.statistic}",
        value=None if figure.value is None else written(figure.value, figure),
        unit="" if share else figure.metric.unit,
        change=change,
        reading=_reading(figure) if change else "",
        comparison=", ".join([*told, *counted, figure.period, *left]),
    )


def _reading(figure: Figure) -> Reading:
    """Say what a change means where both figures have an interval; a level is counted, and means nothing by itself."""
    if figure.low is None or figure.earlier is None or figure.earlier.low is None or figure.metric.better == "neither":
        return ""
    if not figure.moved:
        return "unclear"
    return "better" if (figure.moved < 0) == (figure.metric.better == "lower") else "worse"


def written(x: float | None, figure: Figure) -> str:
    """Write a number as the figure is written; a dash where it is not known."""
    like = ".0%" if figure.metric.kind == "share" else ",.0f" if figure.metric.name == "wip" else ",.1f"
    return "–" if x is None else number(x, like=like)


def figures_line(figures: Sequence[Figure]) -> str:
    """Write the figures of the month in one plain line."""
    return "; ".join(f"{f.metric.name} {'unknown' if f.value is None else f'{f.value:.2f}'} (n={f.n})" for f in figures)


def quality_line(card: Scorecard, history: History) -> str:
    """Write what the checks found in one plain line."""
    counts = card.grades["grade"].value_counts()
    grades = ", ".join(f"{grade} {counts.get(grade, 0)}" for grade in "ABCD")
    return (
        f"{len(history.events)} events, {len(history.items)} items, {len(history.faults)} faulty rows; grades {grades}"
    )


def clock_table(found: pd.DataFrame) -> Panel:
    """Show what every choice of clock says (`phases.clock_table`)."""
    shares = {f"at once {side}": ".0%" for side in ("before", "after")}
    units = {f"median {side}": "days" for side in ("before", "after")}
    shown = table(found, caption="Medians of finished items, by clock", units=units, formats=shares)
    return Panel((shown,), {"clocks": _known(found)})


def portfolio_panel(assessments: Sequence[Assessment], history: History) -> Panel:
    """Show what past changes teach: effects by kind of change, shrunk for luck, and confidence against outcome."""
    rows = _past_effects(assessments, history)
    (kinds, changes), then = pool_by_kind(rows), foresight(rows)
    told = f"Cannot be shown yet: {then}." if isinstance(then, str) else f"Brier score {then.brier:.2f}; {COIN}."
    left = [f"Changes without an estimate, left out of the effects: {n}."] if (n := len(rows) - len(changes)) else []
    pooled = [
        (r.kind or "none named", METRICS[r.metric].label, r.n, *_spanned(r.metric, r.estimate, r.low, r.high), r.note)
        for r in kinds.itertuples()
    ]
    columns = ["Kind", "Metric", "Changes", "Effect", "95% interval", "Note"]
    parts = [
        Callout("note", "Confidence against outcome", [told, *left]),
        table(pooled, columns, caption="Effects by kind of change, all assessed ones, clear or not"),
    ]
    if single := [
        (history.names[r.change_id], effect(r.estimate, scale=METRICS[r.metric].scale),
         *_spanned(r.metric, r.shrunk, r.shrunk_low, r.shrunk_high))
        for r in changes.dropna(subset="shrunk").itertuples()
    ]:  # fmt: skip
        columns = ["Change", "As measured", "Shrunk for luck", "95% interval"]
        parts.append(table(single, columns, caption="Effects of single changes"))
    if not isinstance(then, str):
        shares = [
            (f"{r.stated:.0%}", f"{r.happened:.0%}", f"{r.low:.0%} to {r.high:.0%}", r.n)
            for r in then.table.itertuples()
        ]
        columns = ["Stated confidence", "Share that improved", "95% interval", "Changes"]
        parts.append(table(shares, columns, caption="What came of changes, by stated confidence"))
    return Panel(tuple(parts), {"portfolio": {"kinds": _known(kinds), "foresight": told}})


def _past_effects(assessments: Sequence[Assessment], history: History) -> pd.DataFrame:
    """Return one row an assessed change, as `portfolio` wants them; the interval always that of 95 %."""
    rows = [
        (change.id, change.kind, said.metric, said.scale, said.estimate, said.low, said.high, str(said.verdict),
         change.confidence)
        for said in assessments
        for change in [history.change(said.change_id)]
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _spanned(metric: str, x: float, low: float, high: float) -> tuple[str | None, str | None]:
    """Write an effect and its interval; nothing where there is none."""
    scale = METRICS[metric].scale
    return (None, None) if pd.isna(x) else (effect(x, scale=scale), effects(low, high, scale=scale))


def _known(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows as plain values, None where missing: JSON knows no other."""
    return frame.astype("object").where(frame.notna(), None).to_dict(orient="records")


def quality_summary(card: Scorecard, history: History) -> Panel:
    """Say in a sentence whether the figures may be trusted."""
    bad = card.grades[card.grades["grade"] == "D"]
    teams = some(sorted(set(bad["team"])))
    t = card.thresholds
    title = f"Grade D in some figures of {teams}" if teams else "No figure has grade D"
    scale = f"B from {t.grade_b:.0%}, C from {t.grade_c:.0%}, D from {t.grade_d:.0%} of the items in doubt"
    counted = f"{len(history.events):,} events of {len(history.items):,} items"
    lines = [
        f"{counted}; faulty rows that were not read: {len(history.faults):,}.",
        f"Grades: A is best; {scale} (or half a month silent). A figure of grade D allows no verdict.",
    ]
    grades = {f"{r.team}/{r.metric}": r.grade for r in card.grades.itertuples()}
    return Panel(
        (Callout("caution" if teams else "note", title, lines),), {"grades": grades, "faults": len(history.faults)}
    )


def quality_table(card: Scorecard) -> Table:
    """List every quality check with its items."""
    rows = [
        (c.name.capitalize(), c.n, c.share, ", ".join(METRICS[d].label for d in c.doubts), ", ".join(c.items[:3]))
        for c in card.checks
    ]
    columns = ["Check", "Items", "Share", "Figures in doubt", "First items"]
    return table(rows, columns, caption="Named checks over all items", formats={"Share": ".1%"})


def faults_table(history: History) -> Table:
    """Count the rows that are no events, by source and reason, with an example."""
    by = history.faults.groupby(["source", "reason"], sort=True)
    rows = [(s, r, len(g), f"row {g['row'].iloc[0]}: {g['found'].iloc[0]}") for (s, r), g in by]
    return table(rows, ["Source", "Reason", "Rows", "Example"], caption="Rows listed, not read")


def sources_table(history: History) -> Table:
    """Print the workflow maps with their versions, and what the sources had to say."""
    maps, teams = history.settings.workflow, dict[str, list[str]]()
    rest = "every other team" if len(maps) > 1 else "every team"
    for team, workflow in maps.items():
        teams.setdefault(str(workflow), []).append(rest if team == EVERY_TEAM else team)
    rows = [(", ".join(who), text) for text, who in teams.items()]
    rows += [("Source", text) for text in (*history.remarks, *history.source_checks.values())]
    return table(rows, ["For", "Map or remark"], caption="Workflow maps and remarks of the sources")
