"""One series before and after a date: level shift beside a linear trend, with autocorrelated errors."""

from dataclasses import dataclass

import numpy as np
from scipy import optimize, stats

from prodops_analysis.estimators.survival import Floats

# Restricted likelihood takes a strong autocorrelation for a weaker one; with more degrees of freedom than these a
# series of shocks with rho 0.8 speaks in one of ten quiet worlds instead of one of fifteen.
MOST_DF = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelShift:
    """Shift of the level at the date, on the scale of y, with an interval from Student's t."""

    estimate: float
    standard_error: float
    df: int
    low: float
    high: float
    rho: float
    n: int
    method: str = "generalised least squares: level, trend and shift; AR(1) weeks plus item noise"


def level_shift(y: Floats, n_items: Floats, time: Floats, after: Floats, *, confidence: float = 0.95) -> LevelShift:
    """Fit y = a + b time + shift * after by generalised least squares.

    The error of a week is an AR(1) shock of the team plus noise of its items, s2 / n_items; both variances and the
    autocorrelation are estimated by restricted likelihood.

    Parameters
    ----------
    y, n_items, time, after : shape (n,), one entry a week; `time` in weeks, `after` 0 or 1.

    Raises
    ------
    ValueError : fewer than 3 weeks on a side.
    """
    if min(np.sum(after == 0), np.sum(after == 1)) < 3:
        raise ValueError(f"needs 3 weeks on each side, but got {int(np.sum(after == 0))} and {int(np.sum(after == 1))}")
    if float(np.ptp(y)) <= 1e-10 * max(1.0, float(np.max(np.abs(y)))):
        raise ValueError("all weeks have the same value, so nothing says how much they vary")
    X = np.column_stack([np.ones_like(y), (time - time.mean()) / max(float(np.ptp(time)), 1.0), after])
    lag = np.abs(time[:, None] - time[None, :])
    best = min((_profile(y, X, lag, n_items, rho) for rho in np.linspace(0.0, 0.8, 9)), key=lambda found: found[0])
    _, rho, V = best
    beta, cov = _gls(y, X, V)
    df = len(y) - X.shape[1]
    se = float(np.sqrt(cov[2, 2]))
    # the shock's autocorrelation costs degrees of freedom: weeks that repeat each other are not new ones
    df = max(3, min(MOST_DF, int(df * (1 - rho) / (1 + rho))))
    half = float(stats.t.ppf(0.5 + confidence / 2, df)) * se
    shift = float(beta[2])
    return LevelShift(
        estimate=shift,
        standard_error=se,
        df=df,
        low=shift - half,
        high=shift + half,
        rho=float(rho),
        n=len(y),
    )


def _profile(y: Floats, X: Floats, lag: Floats, n_items: Floats, rho: float) -> tuple[float, float, Floats]:
    correlation = np.where(lag == 0, 1.0, rho**lag) if rho > 0 else np.eye(len(y))

    def cost(log_ratio: float) -> float:
        return _reml(y, X, np.diag(1 / n_items) + np.exp(log_ratio) * correlation)

    found = optimize.minimize_scalar(cost, bounds=(-8.0, 3.0), method="bounded")
    return float(found.fun), rho, np.diag(1 / n_items) + np.exp(found.x) * correlation


def _reml(y: Floats, X: Floats, V: Floats) -> float:
    """Restricted -2 log likelihood with the scale profiled out (Patterson & Thompson 1971)."""
    L = np.linalg.cholesky(V)
    Xs, ys = np.linalg.solve(L, X), np.linalg.solve(L, y)
    Q, R = np.linalg.qr(Xs)
    rest = ys - Q @ (Q.T @ ys)
    return float(
        (len(y) - X.shape[1]) * np.log(rest @ rest)
        + 2 * np.sum(np.log(np.diag(L)))
        + 2 * np.sum(np.log(np.abs(np.diag(R))))
    )


def _gls(y: Floats, X: Floats, V: Floats) -> tuple[Floats, Floats]:
    L = np.linalg.cholesky(V)
    Xs, ys = np.linalg.solve(L, X), np.linalg.solve(L, y)
    inverse = np.linalg.inv(Xs.T @ Xs)
    beta = inverse @ Xs.T @ ys
    rest = ys - Xs @ beta
    return beta, inverse * float(rest @ rest) / (len(y) - X.shape[1])
