"""Assess the changes of a workspace: what notebooks, the command line and the index have in common."""

from collections.abc import Mapping, Sequence

import pandas as pd

from prodops_analysis.assessment import Assessment, assess
from prodops_analysis.portfolio import COLUMNS
from prodops_analysis.records.changes import Change
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


def past_effects(assessments: Sequence[Assessment], changes: Mapping[str, Change]) -> pd.DataFrame:
    """Return one row an assessed change, as `portfolio` wants them; the interval always that of 95 %."""
    rows = [
        (said.change_id, changes[said.change_id].kind, said.metric, said.scale, said.estimate, said.low, said.high,
         str(said.verdict), changes[said.change_id].confidence)
        for said in assessments
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(COLUMNS))
