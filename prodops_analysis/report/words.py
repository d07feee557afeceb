"""Sentences about one change: effect, bottom line, state, decision asked. Pages, digest and notebooks share them."""

import pandas as pd

from prodops_analysis.assessment import Assessment
from prodops_analysis.metrics import METRICS
from prodops_analysis.records.changes import Change
from prodops_analysis.tables import effect, effects

DUE = "due for decision"
GLOSSARY = "glossary.html"  # beside the reports of a month


def stated(x: float | None, said: Assessment, *, sign: bool = True) -> str | None:
    """Write an effect for reading; None where there is none."""
    return None if x is None else effect(x, scale=said.scale, sign=sign)


def span(said: Assessment) -> str:
    """Write the interval of an effect."""
    if said.low is None or said.high is None:
        return "no estimate is given"
    return f"{100 * said.confidence:.4g}% interval {effects(said.low, said.high, scale=said.scale)}"


def bottom_line(said: Assessment) -> str:
    """Say in a sentence what is known of a change, and what it was held against."""
    label, m = METRICS[said.metric].label, stated(said.smallest_worthwhile, said, sign=False)
    if said.verdict == "not enough evidence" or said.estimate is None:
        return f"What it did to {label.lower()} cannot be told yet."
    if said.verdict == "no worthwhile change":
        return (
            f"{label} moved by {stated(said.estimate, said)} ({span(said)}): less than the {m} that would be worth it."
        )
    went = "fell" if said.estimate < 0 else "rose"
    worth = {
        "yes": f"more than the {m} that would be worth it",
        "no": f"less than the {m} that would be worth it",
    }.get(said.worthwhile, f"whether by the {m} that would be worth it is open")
    n = len(said.by_team)
    teams = f"the {n} adopting teams" if n > 1 else "the adopting team"
    return f"{label} of {teams} {went} by {stated(abs(said.estimate), said, sign=False)} ({span(said)}), {worth}."


def decision_asked(said: Assessment) -> str:
    """Suggest what to decide; the team decides."""
    if any(check.found.startswith("monitoring") for check in said.checks):
        return "none yet"
    if said.verdict == "improved" and said.worthwhile == "yes":
        return "keep or extend"
    if said.verdict == "improved":
        return "keep only if the cost is worth it"
    if said.verdict == "worsened":
        return "adjust or retire"
    if said.verdict == "no worthwhile change":
        return "retire, unless it serves another end"
    return "wait or mend what stands in the way"


def state_of(change: Change, *, until: pd.Timestamp) -> str:
    """Say where a change stands at an instant: planned, running, due for decision, or what was decided."""
    days = [day for day in change.rollouts.values() if day and pd.Timestamp(day, tz="UTC") < until]
    if not days:
        return "planned"
    if change.decision.strip():
        return "decided: " + " ".join(change.decision.split())
    if change.decision_date and pd.Timestamp(change.decision_date, tz="UTC") < until:
        return DUE
    return "running"
