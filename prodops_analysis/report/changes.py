"""Assess the changes of a workspace: what notebooks, the command line and the index have in common."""

from prodops_analysis.assessment import Assessment, assess
from prodops_analysis.workspace import History


def assess_change(history: History, change_id: str, *, metric: str = "") -> Assessment:
    """Assess one change of the workspace as known at the history's `as_of`."""
    return assess(
        history.events,
        None,
        history.change(change_id),
        metric=metric or None,
        as_of=history.as_of,
        settings=history.settings,
        faults=history.faults,
        others=history.changes,
    )


def assess_all(history: History) -> tuple[Assessment, ...]:
    """Assess every change that has a rollout date, on its primary metric."""
    begun = [change for change in history.changes if any(change.rollouts.values())]
    return tuple(assess_change(history, change.id) for change in begun)


def decision_asked(said: Assessment) -> str:
    """Suggest what to decide; the team decides."""
    if said.verdict == "improved" and said.worthwhile == "yes":
        return "keep or extend"
    if said.verdict == "improved":
        return "keep only if the cost is worth it"
    if said.verdict == "worsened":
        return "adjust or retire"
    if said.verdict == "no worthwhile change":
        return "retire, unless it serves another end"
    return "wait or mend what stands in the way"
