"""Counts a week, brought to the form of means with a known noise."""

import numpy as np
from numpy.typing import NDArray

from prodops_analysis.estimators.survival import Floats

Ints = NDArray[np.int64]


def working_response(
    y: Floats, unit: Ints, time: Ints, treated: NDArray[np.bool_], *, common: bool
) -> tuple[Floats, Floats]:
    """Return working values and weights of counts with a log link (McCullagh & Nelder 1989, sec. 2.5).

    Around expected counts of a Poisson model with unit, week and change, fitted by proportional scaling.
    """
    groups = [unit, treated.astype(np.int64)] + ([time - time.min()] if common else [])
    mu = np.full(len(y), max(float(y.mean()), 0.1))
    for _ in range(100):
        before = mu
        for g in groups:
            seen, expected = np.bincount(g, weights=y), np.bincount(g, weights=mu)
            mu = mu * (np.maximum(seen, 0.5) / np.maximum(expected, 1e-9))[g]
        if np.max(np.abs(mu - before) / before) < 1e-6:
            break
    return np.log(mu) + (y - mu) / mu, mu
