"""Which treated cells of a panel have a comparison at all, and which panels tell nothing."""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csgraph

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def linked(unit: Ints, time: Ints, treated: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the treated cells whose unit and time are linked through untreated cells.

    Effects of units and times are comparable only inside one connected part of the untreated cells (Abowd, Creecy &
    Kramarz 2002); a comparison that enters later than the treatment says nothing about the unit's own past.
    """
    u, t = np.unique(unit, return_inverse=True)[1], np.unique(time, return_inverse=True)[1]
    U, free = u.max(initial=-1) + 1, ~treated
    n = U + t.max(initial=-1) + 1
    links = sparse.coo_array((np.ones(free.sum()), (u[free], U + t[free])), shape=(n, n))
    part = csgraph.connected_components(links, directed=False)[1]
    return np.asarray(treated & (part[u] == part[U + t]))


def refuse_still(y: Floats, sd: float) -> None:
    """Refuse values that never vary; ValueError says so."""
    if not 1e-9 < sd < np.inf or float(np.ptp(y)) <= 1e-10 * max(1.0, float(np.max(np.abs(y)))):
        raise ValueError("the values do not vary, so nothing says how sure an effect would be")


def refuse(
    y: Floats, n: Floats, unit: Ints, time: Ints, treated: NDArray[np.bool_], since: Floats, *, common: bool
) -> None:
    """Refuse cells from which no effect can be told; ValueError says which."""
    if len({len(column) for column in (y, n, unit, time, treated, since)}) > 1:
        raise ValueError("every cell needs a value, items, a unit, a week, and whether and since when it was treated")
    if not treated.any() or treated.all():
        raise ValueError("needs weeks with and without the change")
    if not (np.isfinite(y).all() and np.isfinite(n).all() and n.min() > 0):
        raise ValueError("values and items must be finite, and every cell needs items")
    gaps = not np.array_equal(np.unique(unit), np.arange(unit.max() + 1))
    if gaps or len(np.unique([unit, time], axis=1).T) < len(y):
        raise ValueError("units are numbered from 0 without a gap, and a week of a unit stands only once")
    first = np.unique(np.array([unit, time - since])[:, ~np.isnan(since)], axis=1)[0]
    if len(first) > len(set(first)) or not (since[treated] >= 0).all():
        raise ValueError("a unit has one rollout, and no treated week before it")
    if common and not linked(unit, time, treated).any():
        raise ValueError("no treated week has a comparison: none is linked to a week of the same unit without it")
