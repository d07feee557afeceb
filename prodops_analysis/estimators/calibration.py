"""Stated confidence against what happened: Brier score with its parts, and a table by bins of stated confidence."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from prodops_analysis.estimators.survival import Floats

BINS = 5  # a fifth each: twenty statements fill more bins with nobody in them


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Brier score (0 is perfect) and the bins that hold a statement, lowest first.

    reliability, resolution, uncertainty : brier = reliability - resolution + uncertainty. Reliability is 0 where bins
        happen as often as stated; uncertainty is the score of stating the overall share every time.
    lower, upper, stated, share, low, high, count : shape (bins,): edges, mean statement, share that happened with its
        Wilson interval at `confidence`, and number.
    """

    brier: float
    reliability: float
    resolution: float
    uncertainty: float
    lower: Floats
    upper: Floats
    stated: Floats
    share: Floats
    low: Floats
    high: Floats
    count: NDArray[np.int64]
    n: int
    confidence: float
    method: str = "Brier score; Wilson intervals for the share in each fifth of stated confidence"


def calibration(stated: ArrayLike, happened: ArrayLike, *, confidence: float = 0.95) -> Calibration:
    """Compare stated probabilities with outcomes.

    Parameters
    ----------
    stated : shape (n,), 0 to 1; happened : shape (n,), 0 or 1.

    Raises
    ------
    ValueError : nothing stated, shapes that differ, a statement outside 0 to 1 or an outcome that is neither.

    References
    ----------
    Brier 1950; Murphy 1973, resolution within bins as in Stephenson, Coelho & Jolliffe 2008; Newcombe 1998, method 3
    (Wilson).
    """
    p, o = np.asarray(stated, dtype=float), np.asarray(happened, dtype=float)
    if p.ndim != 1 or p.shape != o.shape or not p.size:
        raise ValueError(f"statements and outcomes must be two vectors of one length, but got {p.shape} and {o.shape}")
    if not ((p >= 0) & (p <= 1)).all():
        raise ValueError(f"stated confidence must lie in 0 to 1, but got {p[~((p >= 0) & (p <= 1))][0]}")
    if not np.isin(o, (0, 1)).all():
        raise ValueError(f"an outcome is 0 or 1, but got {o[~np.isin(o, (0, 1))][0]}")
    number = np.minimum(np.floor(p * BINS), BINS - 1).astype(np.int64)  # the highest bin holds 1
    filled, bin_of, count = np.unique(number, return_inverse=True, return_counts=True)
    said = np.bincount(bin_of, weights=p) / count
    share = np.bincount(bin_of, weights=o) / count
    overall = float(o.mean())
    brier = float(np.mean((p - o) ** 2))
    reliability = float(np.sum(count * (said - share) ** 2)) / p.size
    uncertainty = overall * (1 - overall)
    wilson = [
        stats.binomtest(round(s * c), int(c)).proportion_ci(confidence, method="wilson")
        for s, c in zip(share, count, strict=True)
    ]
    return Calibration(
        brier=brier,
        reliability=reliability,
        resolution=reliability + uncertainty - brier,
        uncertainty=uncertainty,
        lower=filled / BINS,
        upper=(filled + 1) / BINS,
        stated=said,
        share=share,
        low=np.array([w.low for w in wilson]),
        high=np.array([w.high for w in wilson]),
        count=count,
        n=p.size,
        confidence=confidence,
    )
