"""The mixed model of teams by weeks behind a comparison.

    y[i,t] = alpha_i + beta_t + s_i t + pi_1 a[i,t] + pi_2 b[i,t]
             + (tau + kappa r[i,t] + gamma g[i,t] + omega o_i + delta_i) D[i,t] + u[i,t] + e[i,t]

D marks weeks after the rollout; a and b the last four weeks before it and the four before those, in which a bad spell
may have triggered it or a pilot run. The mean effect is tau, or kappa where it grows from nothing: r is how far it has
grown, with mean one. g says how far it has grown from whatever it was at first and o how late the team adopted, both
centred (where all teams adopt, little but the odds tells the two apart). u is an AR(1) shock of the team with `rho` and
`shock`, e the noise of n items, variance 1/n. Everything in units of one item's standard deviation. alpha is free, beta
and the mean effect are all but free; s, pi, gamma, omega and delta are N(0, size^2). Their sizes, rho and shock, which
nobody knows, are weighed by `estimators.assumptions`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve, lapack

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Rows = NDArray[np.bool_] | NDArray[np.intp]

NONE = 0.01  # a size that leaves a term out
LEVEL = 0.05  # a slope too small to matter
FREE = 10.0  # a size that lets a coefficient be anything
FROM_NOTHING = 5.0  # a size of growth: the effect grows from nothing
FULL_GROWTH = 26  # weeks after which a growing effect has grown up
TAU, GAMMA, NEAR, FAR, OMEGA, KAPPA = range(6)  # columns shared by all teams
SLOPE, SPELL, GROWTH, ORDER, APART = range(5)  # sizes: the last two of differences by order and between teams


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """Teams by weeks. y, n : shape (U, T), n = 0 where nothing was seen; X : shape (U, T, k), columns whose
    coefficients all teams share; D, year, since : shape (U, T), whether the change was in use, years, and weeks since
    the rollout (NaN without one); treated : units with a treated week; common : whether the teams share week effects.
    """

    y: Floats
    n: Floats
    X: Floats
    D: Floats
    year: Floats
    since: Floats
    treated: Ints
    common: bool

    @property
    def mean_effect(self) -> Floats:
        """Coefficients' weights in the mean effect over the items of treated weeks."""
        c = np.zeros(self.X.shape[2] + len(self.treated) + len(self.y))
        items = self.n * self.D / np.sum(self.n * self.D)
        c[: self.X.shape[2]] = np.einsum("ut,utk->k", items, self.X)
        c[self.X.shape[2] :][: len(self.treated)] = items.sum(axis=1)[self.treated]
        return c

    def without(self, unit: int) -> "Panel":
        """Return the panel in which nothing was seen of a unit."""
        n = self.n.copy()
        n[unit] = 0.0
        return replace(self, n=n)


@dataclass(frozen=True, slots=True, kw_only=True)
class Equations:
    """Normal equations of the coefficients, week effects swept out: S theta = r; `rest` is the likelihood's part."""

    S: Floats
    r: Floats
    rest: float

    def solve(self, precision: Floats) -> "Solutions":
        """Solve under several priors; `precision` has one row each, the prior precision of every coefficient."""
        M = np.tile(self.S, (len(precision), 1, 1))
        M[:, range(len(self.r)), range(len(self.r))] += precision
        theta = np.empty(precision.shape)
        for k, P in enumerate(M):  # each makes way for its Cholesky factor, in place where LAPACK can
            factor, theta[k], failed = lapack.dposv(P.T, self.r, lower=1, overwrite_a=1)
            M[k] = factor.T
            if failed:
                raise np.linalg.LinAlgError("the equations of the coefficients are not positive definite")
        logdet = 2 * np.log(np.diagonal(M, axis1=1, axis2=2)).sum(axis=1)
        cost = self.rest - theta @ self.r + logdet - np.log(precision).sum(axis=1)
        return Solutions(theta=theta, factor=M, cost=cost)


@dataclass(frozen=True, slots=True, kw_only=True)
class Solutions:
    """Solutions under several priors: coefficients, shape (m, p), the Cholesky factors of their precision, shape
    (m, p, p), upper triangles, and -2 log restricted likelihood up to a constant, shape (m,).
    """

    theta: Floats
    factor: Floats
    cost: Floats

    @classmethod
    def of(cls, parts: Sequence["Solutions"]) -> "Solutions":
        """Put several together."""
        return cls(theta=np.concatenate([p.theta for p in parts]), factor=np.concatenate([p.factor for p in parts]),
                   cost=np.concatenate([p.cost for p in parts]))  # fmt: skip

    def only(self, rows: Rows) -> "Solutions":
        """Return some of them."""
        return Solutions(theta=self.theta[rows], factor=self.factor[rows], cost=self.cost[rows])

    def values(self, c: Floats) -> tuple[Floats, Floats]:
        """Return c'theta and its variance, under each."""
        solved = np.array([lapack.dpotrs(U.T, c, lower=1)[0] for U in self.factor])
        return self.theta @ c, solved @ c


def lay_out(y: Floats, n: Floats, unit: Ints, time: Ints, treated: NDArray[np.bool_], since: Floats,
            *, common: bool) -> Panel:  # fmt: skip
    """Lay cells out as a panel; `since` is weeks since the unit's rollout, NaN for a unit without one."""
    t = time - time.min()
    shape = (int(unit.max()) + 1, int(t.max()) + 1)
    Y, N, D = np.zeros(shape), np.zeros(shape), np.zeros(shape, dtype=bool)
    Y[unit, t], N[unit, t], D[unit, t] = y, n, treated
    first = np.full(shape[0], np.nan)
    first[unit] = t - since
    return with_rollouts(Y, N, D, np.arange(shape[1]) - first[:, None], common=common)


def with_rollouts(y: Floats, n: Floats, treated: NDArray[np.bool_], since: Floats, *, common: bool) -> Panel:
    """Return the panel of dense y and n under given rollouts; all of shape (U, T)."""
    D = treated & (n > 0)
    weeks = np.arange(n.shape[1])
    begun = np.where(D, weeks - np.nan_to_num(since), 0.0)
    grown = _centred(np.clip(np.nan_to_num(since), 0, FULL_GROWTH) / FULL_GROWTH, D, n)
    late = _centred(begun / max(float(np.ptp(begun[D])), 1.0) if D.any() else begun, D, n)
    near, far = ((since >= first) & (since < first + 4) & ~treated for first in (-4, -8))
    year = np.broadcast_to((weeks - weeks.mean()) / 52, n.shape)
    rising = np.where(D, np.clip(np.nan_to_num(since) + 0.5, 0, FULL_GROWTH), 0.0)
    rising = rising / np.average(rising[D], weights=n[D]) if D.any() else rising
    X = np.stack([D, grown, near, far, late, rising], axis=2).astype(float)
    return Panel(
        y=y, n=n, X=X, D=D.astype(float), year=year, since=since, treated=np.flatnonzero(D.any(axis=1)), common=common
    )


def _centred(x: Floats, D: NDArray[np.bool_], n: Floats) -> Floats:
    """Return x less its mean over the items of treated weeks there, and 0 elsewhere."""
    return np.where(D, x - np.average(x[D], weights=n[D]), 0.0) if D.any() else np.zeros_like(n)


def inverse_covariance(n: Floats, rho: float, shock: float) -> tuple[Floats, float]:
    """Return the inverse covariance of each unit's weeks, shape (U, T, T), and the sum of log determinants.

    A unit's level may be anything: it is projected out. A week in which nothing was seen says nothing.
    """
    weeks = n.shape[1]
    inside = np.array([0.0, *[1.0] * (weeks - 2), 0.0])
    # R, the correlation of an AR(1), has a tridiagonal inverse, and with N = diag(n), by Woodbury's identity,
    # (N^-1 + shock^2 R)^-1 = N - shock^2 N (R^-1 + shock^2 N)^-1 N: weeks with n = 0 leave by themselves
    diagonal, beside = (1 + rho**2 * inside) / (1 - rho**2), np.full(weeks - 1, -rho / (1 - rho**2))
    W = np.zeros((len(n), weeks, weeks))
    W[:, range(weeks), range(weeks)] = n
    logdet = len(n) * (weeks - 1) * np.log(1 - rho**2) - float(np.log(n[n > 0]).sum())
    if rho:
        for unit, items in enumerate(n):  # N makes way for what is solved, in place where LAPACK can
            pivots, _, solved, _ = lapack.dptsv(diagonal + shock**2 * items, beside, W[unit].T, overwrite_b=1)
            logdet += float(np.log(pivots).sum())
            W[unit] = solved.T
    else:  # every week by itself
        W[:, range(weeks), range(weeks)] /= 1 + shock**2 * n
        logdet += float(np.log(1 + shock**2 * n).sum())
    W *= -(shock**2) * n[:, None, :]
    W[:, range(weeks), range(weeks)] += n
    level = W.sum(axis=2)
    known = np.where((n > 0).any(axis=1), level.sum(axis=1), 1.0)
    level /= np.sqrt(known)[:, None]
    W -= level[:, :, None] * level[:, None, :]
    return W, logdet + float(np.log(known).sum())


def equations(panel: Panel, W: Floats, *, keep: NDArray[np.bool_] | None = None) -> Equations:
    """Set up the equations of the units in `keep` (all) and sweep the week effects out (Schur complement)."""
    used = np.ones(len(W)) if keep is None else keep.astype(float)
    G, H, U = panel.X.shape[2], len(panel.treated), len(W)
    columns = np.concatenate([panel.X, panel.D[:, :, None], panel.year[:, :, None]], axis=2)
    Q = (W @ columns) * used[:, None, None]
    z = (W @ panel.y[:, :, None])[:, :, 0] * used[:, None]
    own, by = columns.transpose(0, 2, 1) @ Q, np.einsum("utk,ut->uk", columns, z)
    p = G + H + U
    S, r, cross = np.zeros((p, p)), np.zeros(p), np.zeros((W.shape[1], p))
    S[:G, :G], r[:G], cross[:, :G] = own[:, :G, :G].sum(axis=0), by[:, :G].sum(axis=0), Q[:, :, :G].sum(axis=0)
    for column, at, units in (
        (G, G + np.arange(H), panel.treated),
        (G + 1, G + H + np.arange(U), np.arange(U)),
    ):
        S[at, :G], S[:G, at] = own[units, column, :G], own[units, column, :G].T
        S[at, at], r[at], cross[:, at] = own[units, column, column], by[units, column], Q[units, :, column].T
    deltas, slopes = G + np.arange(H), G + H + panel.treated
    S[deltas, slopes] = S[slopes, deltas] = own[panel.treated, G, G + 1]
    rest = float(np.sum(panel.y * z))
    if not panel.common:
        return Equations(S=S, r=r, rest=rest)
    factor = cho_factor(np.tensordot(used, W, 1) + np.eye(W.shape[1]) / FREE**4, lower=True, check_finite=False)
    b = z.sum(axis=0)
    swept = cho_solve(factor, np.column_stack([cross, b]), check_finite=False)
    rest += float(2 * np.log(np.diag(factor[0])).sum() - b @ swept[:, -1])
    return Equations(S=S - cross.T @ swept[:, :-1], r=r - cross.T @ swept[:, -1], rest=rest)


def priors(panel: Panel, sizes: Floats) -> Floats:
    """Return the prior precision of each coefficient, shape (m, p), under each row of sizes, shape (m, 5).

    The coefficients are the shared ones, each treated unit's delta, each unit's slope.
    """
    shared, treated, growth = panel.X.shape[2], len(panel.treated), sizes[:, GROWTH]
    sd = np.full((len(sizes), shared + treated + len(panel.y)), FREE)
    sd[:, TAU] = np.where(growth == FROM_NOTHING, NONE, FREE)
    sd[:, KAPPA] = np.where(growth == FROM_NOTHING, FREE, np.minimum(growth, NONE))
    sd[:, GAMMA] = np.where(growth == FROM_NOTHING, NONE, growth)
    sd[:, [NEAR, FAR]], sd[:, [OMEGA]] = sizes[:, [SPELL]], sizes[:, [ORDER]]
    sd[:, shared : shared + treated], sd[:, shared + treated :] = sizes[:, [APART]], sizes[:, [SLOPE]]
    return sd**-2.0
