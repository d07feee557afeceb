"""Clarity: whether work has an owner."""

import pandas as pd

from prodops_analysis.metrics.flow import KEPT


def owner_at_start(items: pd.DataFrame, *, as_of: pd.Timestamp) -> pd.DataFrame:
    """Return for every started item whether it had an owner at its start (1 or 0), placed at its start.

    Items of teams whose log records no owners are left out: unknown is not zero. Columns: see `Metric`.
    """
    begun = items[items["owner_at_start"].notna() & (items["started_at"] <= as_of)]
    return begun[KEPT].assign(at=begun["started_at"], value=begun["owner_at_start"].astype("float64"), ended=True)
