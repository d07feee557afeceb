"""Sentences about one change: effect, bottom line, state, decision asked. Pages, digest and notebooks share them."""

from datetime import date

from prodops_analysis.assessment import Assessment
from prodops_analysis.checks.artefacts import ARTEFACTS
from prodops_analysis.checks.subject import Check
from prodops_analysis.errors import some
from prodops_analysis.metrics import METRICS, metric_named
from prodops_analysis.records.changes import Change
from prodops_analysis.tables import effects
from prodops_analysis.verdict import Verdict

DUE = "due for decision"
HOPELESS = 2  # times the smallest worthwhile effect: an interval is halved by four times the weeks, at best
_MENDED = {  # check that forbids an answer or blocks it -> what would allow one
    "data quality": "mend the data",
    "measurement changed at rollout": "declare renamed states in the workflow map",
    "comparison": "let the next change begin team by team",
    "finishes without a start": "let all work begin on the board",
    "entered afterwards": "enter work before it begins",
    "amount of work": "record the same kinds of items as before, with sizes",
    "open work": "export unfinished work, too",
    "wait before the start": "judge lead time",
}
GLOSSARY = "glossary.html"  # beside the reports of a month


def bottom_line(said: Assessment) -> str:
    """Say in a sentence what is known of a change, and what it was held against."""
    label, m = METRICS[said.metric].label, said.stated(said.smallest_worthwhile, sign=False)
    if said.verdict == "not enough evidence" or said.estimate is None:
        return f"What it did to {label.lower()} cannot be told."
    if said.verdict == "no worthwhile change":
        return f"{label} moved by {said.stated(said.estimate)} ({said.span}): less than the {m} that would be worth it."
    went = "fell" if said.estimate < 0 else "rose"
    worth = {
        "yes": f"more than the {m} that would be worth it",
        "no": f"less than the {m} that would be worth it",
    }.get(said.worthwhile, f"whether by the {m} that would be worth it is open")
    n = len(said.by_team)
    teams = f"the {n} adopting teams" if n > 1 else "the adopting team"
    return f"{label} of {teams} {went} by {said.stated(abs(said.estimate), sign=False)} ({said.span}), {worth}."


def decision_asked(said: Assessment, change: Change) -> str:
    """Suggest what to decide; the team decides, and where it has, nothing is asked."""
    if change.decision.strip():
        return "none: it is decided"
    if any(check.found.startswith("monitoring") for check in said.checks):
        return "none yet"
    if said.verdict == "improved":
        keep = "keep or extend" if said.worthwhile == "yes" else "keep only if the cost is worth it"
        open_ones = [name for name, check in guardrails(said).items() if check.result == "noted"]
        return f"{keep}, and watch {some(open_ones).lower()}" if open_ones else keep
    if said.verdict == "worsened":
        return "adjust or retire"
    if said.verdict == "no worthwhile change":
        return "retire, unless it serves another end"
    return _without_an_answer(said)


def _without_an_answer(said: Assessment) -> str:
    """Say what could still bring an answer, and that nothing would where that is so."""
    harmed = [name for name, check in guardrails(said).items() if check.result == "blocks"]
    if harmed:
        return f"adjust: {some(harmed).lower()} got worse"
    for check in said.checks:
        if check.result == "forbids" or f"{check.name}: {check.found}" in said.reasons:
            return f"decide on other grounds; for an answer, {_MENDED.get(check.name, 'mend what the checks name')}"
    if said.estimate is None or said.smallest_detectable is None:
        return "wait: too little has been seen"
    if said.smallest_detectable > HOPELESS * said.smallest_worthwhile:
        return "decide on other grounds: waiting would hardly help"
    return "decide on other grounds, or set a later decision date"


def guardrails(said: Assessment) -> dict[str, Check]:
    """Return the checks of the guardrails by the name of the metric."""
    names = {f"guardrail {metric.label.lower()}": metric.label for metric in METRICS.values()}
    return {names[check.name]: check for check in said.checks if check.name in names}


def guarded(said: Assessment, change: Change) -> str:
    """Say of each guardrail in a word how it came out."""
    words = {"passed": "no harm that matters", "noted": "harm not ruled out", "blocks": "got worse"}
    told = [
        f"{name}: {'cannot be judged' if check.found.startswith('cannot') else words.get(check.result, check.result)}"
        for name, check in guardrails(said).items()
    ]
    if not told and change.guardrails:
        return f"{some(metric_named(name).label for name in change.guardrails)}: not judged yet"
    return "; ".join(told) or "none named"


def last_seen(said: Assessment) -> str:
    """Say what the last weeks seen say of the effect, beside all earlier ones; nothing without an estimate."""
    if said.estimate is None or not (bands := [band for band in said.by_band if band[0] >= 0]):
        return ""
    first, last = max(bands)
    own = said.by_band[first, last]
    when = f"from week {first} after the rollout on" if last >= 999 else f"in weeks {first} to {last} after the rollout"
    ends = effects(own.low, own.high, scale=said.scale)
    return f"{when}: {said.stated(own.estimate)} (95% interval {ends}), beside all earlier weeks, trends left in."


def look_first(said: Assessment) -> str:
    """Name what moved in the records and could pass for the effect; nothing where no effect is claimed."""
    if said.estimate is None or said.verdict is Verdict.NOT_ENOUGH_EVIDENCE:
        return ""
    moved = [check for check in said.checks if check.result == "noted" and check.name in ARTEFACTS]
    told = (f"{check.name.capitalize()}: {check.found}" for check in moved)
    return " ".join(text if text.endswith("?") else f"{text}." for text in told)


def due(change: Change) -> str:
    """Say for which day a decision is set and who decides; nothing where the record names no day."""
    if change.decision_date is None:
        return ""
    by = f", decided by {change.decided_by}" if change.decided_by else ""
    return f"due on {day_of(change.decision_date)}{by}"


def day_of(day: date) -> str:
    """Write a day so that nobody takes its month for its day."""
    return f"{day.day} {day:%B %Y}"


def state_of(change: Change, *, on: date) -> str:
    """Say where a change stands at the end of a day: planned, running, due for decision, or what was decided."""
    if change.begins is None or change.begins > on:
        return "planned"
    if change.decision.strip():
        return "decided: " + " ".join(change.decision.split())
    if change.decision_date and change.decision_date <= on:
        return DUE
    return "running"
