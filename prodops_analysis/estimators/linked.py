"""Which treated cells of a panel have a comparison at all."""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csgraph


def linked(unit: NDArray[np.int64], time: NDArray[np.int64], treated: NDArray[np.bool_]) -> NDArray[np.bool_]:
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
