"""Times to an end when some have not ended: Kaplan-Meier, Aalen-Johansen, restricted mean."""

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class SurvivalCurve:
    """Kaplan-Meier estimate of S(t), the share not yet ended at t.

    time, survival, low, high, at_risk : shape (k,), at the distinct times, ascending; the bounds are the pointwise
        log-log interval at `confidence`.
    open_at : shape (n_open,), ascending, how long those that had not ended had lasted.
    n : times in all.
    """

    time: Floats
    survival: Floats
    low: Floats
    high: Floats
    at_risk: NDArray[np.int64]
    open_at: Floats
    n: int
    confidence: float
    method: str = "Kaplan-Meier, open items censored"

    @property
    def n_open(self) -> int:
        """Number of times that had not ended."""
        return len(self.open_at)

    def at(self, times: Floats) -> Floats:
        """Return S at any times."""
        return np.concatenate([[1.0], self.survival])[np.searchsorted(self.time, times, side="right")]

    def quantile(self, share: float) -> float:
        """Return the time by which `share` have ended; NaN where the curve does not fall so far."""
        return _first_time(self.time, self.survival <= 1 - share + 1e-12)

    def quantile_interval(self, share: float) -> tuple[float, float]:
        """Return bounds of the quantile from the pointwise interval (Brookmeyer & Crowley 1982)."""
        below = 1 - share + 1e-12
        return _first_time(self.time, self.low <= below), _first_time(self.time, self.high <= below)

    def restricted_mean(self, horizon: float) -> float:
        """Return the mean of min(T, horizon), the area under S up to the horizon (Royston & Parmar 2013)."""
        knots = np.concatenate([[0.0], self.time[self.time < horizon], [horizon]])
        steps = np.concatenate([[1.0], self.survival[self.time < horizon]])
        return float(np.sum(np.diff(knots) * steps))


def kaplan_meier(times: ArrayLike, ended: ArrayLike, *, confidence: float = 0.95) -> SurvivalCurve:
    """Estimate the survival function.

    times : shape (n,), >= 0, time to the end or to the last look, in any unit.
    ended : shape (n,), whether the end was seen; False is a lower bound (censored).

    Raises ValueError: no times, a missing or negative time, or shapes that differ.

    References: Kaplan & Meier 1958; log-log interval, Kalbfleisch & Prentice 2002, eq. 1.12.
    """
    t, d = _checked(times, ended)
    done = d.astype(bool)
    sf = stats.ecdf(stats.CensoredData(uncensored=t[done], right=t[~done])).sf
    low = high = np.full(len(sf.quantiles), np.nan)
    if done.any():
        with np.errstate(divide="ignore", invalid="ignore"), warnings.catch_warnings():
            # where S is 1 or 0 the log-log interval has no bounds; they stay NaN
            warnings.filterwarnings("ignore", message="The confidence interval is undefined")
            bounds = sf.confidence_interval(confidence_level=confidence, method="log-log")
        low, high = (np.asarray(b.probabilities) for b in (bounds.low, bounds.high))
    time = np.asarray(sf.quantiles, dtype=float)
    return SurvivalCurve(
        time=time,
        survival=np.asarray(sf.probabilities, dtype=float),
        low=low,
        high=high,
        at_risk=(len(t) - np.searchsorted(np.sort(t), time, side="left")).astype(np.int64),
        open_at=np.sort(t[~done]),
        n=len(t),
        confidence=confidence,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CumulativeIncidence:
    """Aalen-Johansen estimate: the share that has ended by each cause at t.

    time : shape (k,); share : shape (k, causes), row sums plus the share still open are 1.
    """

    time: Floats
    share: Floats
    causes: tuple[int, ...]
    n: int
    n_open: int
    method: str = "Aalen-Johansen, competing ends, open items censored"

    def at(self, time: float, cause: int) -> float:
        """Return the share ended by `cause` at `time`."""
        row = int(np.searchsorted(self.time, time, side="right")) - 1
        return float(self.share[row, self.causes.index(cause)]) if row >= 0 else 0.0


def aalen_johansen(times: ArrayLike, cause: ArrayLike) -> CumulativeIncidence:
    """Estimate cumulative incidence of competing ends.

    times : shape (n,), >= 0.
    cause : shape (n,), int; 0 = not ended (censored), 1, 2, … = kind of end.

    References: Aalen & Johansen 1978; Putter, Fiocco & Geskus 2007, eq. 5.
    """
    t, k = _checked(times, cause)
    causes = tuple(int(c) for c in np.unique(k[k > 0])) or (1,)
    grid = np.unique(t)
    at_risk = len(t) - np.searchsorted(np.sort(t), grid, side="left")
    ends = np.stack([np.bincount(np.searchsorted(grid, t[k == c]), minlength=len(grid)) for c in causes], axis=1)
    hazard = ends / at_risk[:, None]
    before = np.concatenate([[1.0], np.cumprod(1 - hazard.sum(axis=1))[:-1]])
    return CumulativeIncidence(
        time=grid,
        share=np.cumsum(before[:, None] * hazard, axis=0),
        causes=causes,
        n=len(t),
        n_open=int(np.sum(k == 0)),
    )


def _checked(times: ArrayLike, second: ArrayLike) -> tuple[Floats, NDArray[np.int64]]:
    t, d = np.asarray(times, dtype=float), np.asarray(second).astype(np.int64)
    if t.ndim != 1 or t.shape != d.shape:
        raise ValueError(f"times and ends must be two vectors of one length, but got {t.shape} and {d.shape}")
    if len(t) == 0:
        raise ValueError("no times: there is nothing to estimate")
    if not np.all(np.isfinite(t)) or np.any(t < 0):
        raise ValueError(f"times must be finite and not negative, but got {t[~(t >= 0) | ~np.isfinite(t)][0]}")
    return t, d


def _first_time(time: Floats, reached: NDArray[np.bool_]) -> float:
    return float(time[np.argmax(reached)]) if reached.any() else float("nan")
