"""Surprises: whether finished work stays finished."""

import pandas as pd

from prodops_analysis.metrics.flow import KEPT

FOLLOW_UP = 30  # days


def reopened(items: pd.DataFrame, *, as_of: pd.Timestamp) -> pd.DataFrame:
    """Return for every item done whether it left done again within `FOLLOW_UP` days (1 or 0), at its first finish.

    Sent back to work and dropped after all are the same here. Items that nobody has followed for so long yet are left
    out: too young to have come back is not the same as done for good. Columns: see `Metric`.
    """
    follow_up = pd.Timedelta(days=FOLLOW_UP)
    followed = items[items["first_finished_at"] + follow_up <= as_of]
    came_back = followed["undone_at"] <= followed["first_finished_at"] + follow_up
    return followed[KEPT].assign(at=followed["first_finished_at"], value=came_back.astype("float64"), ended=True)
