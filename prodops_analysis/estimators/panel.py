"""Staggered adoption on a panel of teams by weeks: imputation estimator with a cluster jackknife.

Team and week effects are fitted on untreated cells only; the effect is the weighted mean of what treated cells show
beyond them (Borusyak, Jaravel & Spiess 2024, sec. 4), so early adopters are never a comparison for late ones.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse, stats
from scipy.sparse import csgraph

from prodops_analysis.estimators.survival import Floats

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelEffect:
    """Mean effect on treated cells, on the scale of y (for counts: of log y).

    standard_error, df : of the jackknife over `n_clusters` clusters, referred to Student's t.
    by_unit : unit -> effect on its own treated cells.
    """

    estimate: float
    standard_error: float
    df: int
    low: float
    high: float
    n_cells: int
    n_clusters: int
    by_unit: dict[int, float]
    method: str


def imputation_effect(
    y: Floats,
    weight: Floats,
    unit: Ints,
    time: Ints,
    treated: NDArray[np.bool_],
    *,
    cluster: Ints,
    counts: bool = False,
    df: int | None = None,
    confidence: float = 0.95,
) -> PanelEffect:
    """Estimate the mean effect on treated cells.

    Parameters
    ----------
    y, weight, unit, time, treated, cluster : shape (n,), one entry a cell (a team in a week). `weight` > 0 is the
        number of items behind the cell. `cluster` is what the jackknife leaves out at a time.
    counts : y are counts with a log link (Poisson with team and week effects) instead of means.
    df : degrees of freedom where fewer than the number of clusters less one carry the error.

    Raises
    ------
    ValueError : no treated cell has both an untreated cell of its unit and one of its week.
    """
    fit = _counts_effect if counts else _means_effect
    shown = fit(y, weight, unit, time, treated)
    if shown is None:
        raise ValueError("no treated cell has an untreated cell of its own unit and another of its own week")
    estimate, by_unit, n_cells = shown
    labels = np.unique(cluster)
    left_out = [fit(*(a[cluster != c] for a in (y, weight, unit, time, treated))) for c in labels]
    theta = np.array([r[0] for r in left_out if r is not None])
    G = len(theta)
    if G < 3:
        raise ValueError(f"a jackknife needs 3 clusters that can be left out, but got {G}")
    # cluster jackknife, MacKinnon, Nielsen & Webb 2023, eq. 12 (CV3J)
    se = float(np.sqrt((G - 1) / G * np.sum((theta - theta.mean()) ** 2)))
    freedom = G - 1 if df is None else max(1, min(df, G - 1))
    half = float(stats.t.ppf(0.5 + confidence / 2, freedom)) * se
    return PanelEffect(
        estimate=estimate,
        standard_error=se,
        df=freedom,
        low=estimate - half,
        high=estimate + half,
        n_cells=n_cells,
        n_clusters=len(labels),
        by_unit=by_unit,
        method="imputation estimator, team and week effects from untreated cells, cluster jackknife",
    )


def identified(unit: Ints, time: Ints, treated: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the treated cells whose unit and time are linked through untreated cells.

    Effects of units and times are comparable only inside one connected part of the untreated cells (Abowd, Creecy &
    Kramarz 2002); a comparison that enters later than the treatment says nothing about the unit's own past.
    """
    u, t = np.unique(unit, return_inverse=True)[1], np.unique(time, return_inverse=True)[1]
    U, free = u.max(initial=-1) + 1, ~treated
    n = U + t.max(initial=-1) + 1
    links = sparse.coo_array((np.ones(free.sum()), (u[free], U + t[free])), shape=(n, n))
    part = csgraph.connected_components(links, directed=False)[1]
    seen = np.isin(u, u[free]) & np.isin(t, t[free])
    return np.asarray(treated & seen & (part[u] == part[U + t]))


def _means_effect(
    y: Floats, weight: Floats, unit: Ints, time: Ints, treated: NDArray[np.bool_]
) -> tuple[float, dict[int, float], int] | None:
    target = identified(unit, time, treated)
    if not target.any():
        return None
    gap = y - _two_way_fit(y, weight, unit, time, ~treated)
    w = _overlap(weight, time, treated)
    by_unit = {int(u): float(np.average(gap[m], weights=w[m])) for u in np.unique(unit[target])
               for m in [target & (unit == u)]}  # fmt: skip
    return float(np.average(gap[target], weights=w[target])), by_unit, int(target.sum())


def _overlap(weight: Floats, time: Ints, treated: NDArray[np.bool_]) -> Floats:
    """Weigh a treated cell by its items times the untreated share of its week: little comparison, little say."""
    t = np.unique(time, return_inverse=True)[1]
    free = np.bincount(t, weights=np.where(treated, 0.0, weight))
    every = np.bincount(t, weights=weight)
    return np.asarray(weight * (free / every)[t])


def _counts_effect(
    y: Floats, weight: Floats, unit: Ints, time: Ints, treated: NDArray[np.bool_]
) -> tuple[float, dict[int, float], int] | None:
    target = identified(unit, time, treated)
    expected = _poisson_fit(y, unit, time, ~treated)
    if not target.any() or y[target].sum() <= 0 or expected[target].sum() <= 0:
        return None
    by_unit = {}
    for u in np.unique(unit[target]):
        mine = target & (unit == u)
        by_unit[int(u)] = float(np.log(max(y[mine].sum(), 0.5) / max(expected[mine].sum(), 0.5)))
    return float(np.log(y[target].sum() / expected[target].sum())), by_unit, int(target.sum())


def _two_way_fit(y: Floats, weight: Floats, unit: Ints, time: Ints, free: NDArray[np.bool_]) -> Floats:
    """Weighted least squares of y on unit and time effects over the free cells; fitted values for all."""
    u, t = np.unique(unit, return_inverse=True)[1], np.unique(time, return_inverse=True)[1]
    U, T = u.max() + 1, t.max() + 1
    w = np.where(free, weight, 0.0)
    # normal equations with the time effects swept out: U unknowns, whatever the length of the panel
    table = np.zeros((U, T))
    np.add.at(table, (u, t), w)
    wy = np.zeros((U, T))
    np.add.at(wy, (u, t), w * np.where(free, y, 0.0))
    of_time = table.sum(axis=0)
    share = np.divide(table, of_time, out=np.zeros_like(table), where=of_time > 0)
    A = np.diag(table.sum(axis=1)) - share @ table.T
    b = wy.sum(axis=1) - share @ wy.sum(axis=0)
    alpha = np.linalg.lstsq(A, b, rcond=1e-10)[0]
    beta = np.divide(wy.sum(axis=0) - alpha @ table, of_time, out=np.zeros(T), where=of_time > 0)
    return np.asarray(alpha[u] + beta[t])


def _poisson_fit(y: Floats, unit: Ints, time: Ints, free: NDArray[np.bool_]) -> Floats:
    """Poisson with unit and time effects over the free cells by iterative proportional fitting; means for all."""
    u, t = np.unique(unit, return_inverse=True)[1], np.unique(time, return_inverse=True)[1]
    a, b = np.ones(u.max() + 1), np.ones(t.max() + 1)
    y_u, y_t = (np.bincount(i[free], weights=y[free], minlength=len(x)) for i, x in ((u, a), (t, b)))
    for _ in range(500):
        m = np.bincount(u[free], weights=b[t[free]], minlength=len(a))
        a_new = np.divide(y_u, m, out=np.zeros_like(a), where=m > 0)
        m = np.bincount(t[free], weights=a_new[u[free]], minlength=len(b))
        b = np.divide(y_t, m, out=np.zeros_like(b), where=m > 0)
        if np.max(np.abs(a_new - a)) < 1e-9 * max(1.0, float(a_new.max())):
            a = a_new
            break
        a = a_new
    return np.asarray(a[u] * b[t])
