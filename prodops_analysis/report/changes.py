"""Assess the changes of a workspace: what notebooks, the command line and the index have in common."""

from prodops_analysis.assessment import Assessment, assess
from prodops_analysis.workspace import History


def assess_change(history: History, change_id: str, *, metric: str = "") -> Assessment:
    """Assess one change of the workspace as known at the history's `as_of`."""
    return assess(
        history.events, None, history.change(change_id), metric=metric or None, as_of=history.as_of,
        settings=history.settings, faults=history.faults, others=history.changes,
    )  # fmt: skip


def assess_all(history: History) -> tuple[Assessment, ...]:
    """Assess every change that has a rollout date, on its primary metric."""
    return tuple(assess_change(history, change.id) for change in history.changes if change.begins)
