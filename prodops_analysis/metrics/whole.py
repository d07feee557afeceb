"""From when on a log holds all of a team's work.

An export of what was touched since a day, or was open then, holds of earlier work only what lasted (left truncation;
Klein & Moeschberger 2003, section 3.4). Taken for all of it, work seems to get faster and faster.
"""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

MISSED = 4.0  # ends that should have been seen before; where so many are expected, none at all has probability 2 %


def whole_since(items: pd.DataFrame, *, begin: str) -> "pd.Series[pd.Timestamp]":
    """Return for each team the instant from which on its work is all there: asked of the whole log and of each team.

    items : work items (`work_items.Fold`).
    begin : the column of instants at which work begins, `created_at` or `started_at`; what has none is left out.
    """
    begun = items[items[begin].notna()]
    at = begun[[begin, "finished_at", "last_event_at"]].apply(lambda column: column.dt.tz_convert(None)).to_numpy()
    if not len(begun):
        return begun.set_index("team")[begin]
    together = _since(*at.T)
    since = {team: max(together, _since(*at[rows].T)) for team, rows in begun.groupby("team").indices.items()}
    return pd.Series(since, dtype=at.dtype).dt.tz_localize("UTC")


def _since(begun: NDArray[Any], ended: NDArray[Any], touched: NDArray[Any]) -> Any:
    """Return when the first ended item was last touched, if by the pace since then more should have ended before."""
    over = ~np.isnat(ended)
    border = touched[over].min() if over.any() else begun.max()
    later = begun >= border
    if not later.any():
        return begun.min()
    took = np.sort((ended - begun)[later & over])
    expected = np.searchsorted(took, border - begun[~later], side="right").sum() / later.sum()
    found = int((ended < border).sum())
    return border if expected - found > MISSED and found < expected / 2 else begun.min()
