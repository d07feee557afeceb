"""Shares: whether work is marked at its start, and whether finished work stays finished."""

import pandas as pd

from prodops_analysis.metrics.flow import DAY, KEPT

FOLLOW_UP = 30  # days


def marked_at_start(items: pd.DataFrame, *, as_of: pd.Timestamp, mark: str) -> pd.DataFrame:
    """Return for every started item whether it was marked (had an owner, was unplanned) by then, 1 or 0.

    Placed at the start. Items of teams that mark nothing are left out: unknown is not zero. Columns: see `Metric`.
    """
    begun = items[items[mark].notna() & (items["started_at"] <= as_of)]
    return begun[KEPT].assign(at=begun["started_at"], value=begun[mark].astype("float64"), ended=True)


def reopened(items: pd.DataFrame, *, as_of: pd.Timestamp) -> pd.DataFrame:
    """Return for every item done whether it left done again within `FOLLOW_UP` days (1 or 0), at its first finish.

    Sent back to work and dropped after all are the same here. Items that nobody has followed for so long yet are left
    out: too young to have come back is not the same as done for good. Columns: see `Metric`.
    """
    followed = items[items["first_finished_at"] + FOLLOW_UP * DAY <= as_of]
    came_back = followed["undone_at"] <= followed["first_finished_at"] + FOLLOW_UP * DAY
    return followed[KEPT].assign(at=followed["first_finished_at"], value=came_back.astype("float64"), ended=True)
