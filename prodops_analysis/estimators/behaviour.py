"""Process behaviour chart: natural process limits of a series, phase by phase (XmR; Wheeler 1993).

It describes a series and says where to look. It compares nothing and is never a verdict: with nothing changed, one year
of weeks in four still shows a signal, and three in four where weeks are autocorrelated by 0.4
(benchmarks/behaviour.py).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from prodops_analysis.estimators.survival import Floats

Flags = NDArray[np.bool_]

LIMITS = 2.660  # 3 / 1.128, what moving ranges of two need for three standard deviations (Wheeler 1993)
RUN = 8  # successive values on one side of the centre
# Signals that independent normal values give by luck: points outside and runs, for n points whose own mean and moving
# ranges set the limits. Simulated by benchmarks/behaviour.py; straight lines between, the last slope beyond.
_POINTS = np.array([4, 5, 6, 8, 10, 15, 20, 30, 52, 104, 208, 416])
_BY_LUCK = np.array([0, 0.0044, 0.0127, 0.0170, 0.0225, 0.0444, 0.0716, 0.132, 0.272, 0.612, 1.295, 2.67])


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessBehaviour:
    """Centre, natural process limits and signals, in the unit of the values.

    centre, low, high, moving_range : shape (n,), constant within a phase but for the moving range, which is NaN at the
        first value of a phase; limits of a phase with a single value are NaN.
    outside : shape (n,), values beyond a limit (rule 1).
    run : shape (n,), values in a stretch of at least 8 on one side of the centre; a value on the centre ends a stretch.
    expected_false_alarms : signals (points outside, stretches) to expect if nothing changed within the phases.
    """

    centre: Floats
    low: Floats
    high: Floats
    moving_range: Floats
    outside: Flags
    run: Flags
    expected_false_alarms: float
    n: int
    n_phases: int
    method: str = "XmR: mean and 2.660 average moving ranges either way, phase by phase"


def xmr(values: ArrayLike, phase: ArrayLike, *, not_negative: bool = False) -> ProcessBehaviour:
    """Draw natural process limits around each phase.

    values : shape (n,), one value a period, in order, none missing.
    phase : shape (n,), labels; limits are set anew where the label changes and nowhere else.
    not_negative : the measure cannot fall below 0, so no lower limit does.

    Raises ValueError: no values, a missing value, shapes that differ, or a phase that comes back.

    References: Wheeler 1993, Understanding Variation: limits and rules; NIST/SEMATECH e-Handbook, sec. 6.3.2.2.
    """
    x, labels = np.asarray(values, dtype=float), np.asarray(phase)
    if x.ndim != 1 or x.shape != labels.shape or not x.size:
        raise ValueError(f"values and phases must be two vectors of one length, but got {x.shape} and {labels.shape}")
    if not np.isfinite(x).all():
        raise ValueError(
            f"{np.sum(~np.isfinite(x))} of {x.size} values are missing or endless; leave their periods out"
        )
    begins = np.concatenate([[True], labels[1:] != labels[:-1]])
    if begins.sum() > np.unique(labels).size:
        raise ValueError(
            f"a phase comes back after another: {begins.sum()} stretches of {np.unique(labels).size} labels"
        )
    number = np.cumsum(begins) - 1
    size = np.bincount(number)
    moved = np.where(begins, np.nan, np.abs(np.diff(x, prepend=np.nan)))
    centre = np.bincount(number, weights=x) / size
    ranges = np.bincount(number, weights=np.nan_to_num(moved))
    reach = LIMITS * np.divide(ranges, size - 1, out=np.full(size.size, np.nan), where=size > 1)
    low = np.maximum(centre - reach, 0) if not_negative else centre - reach
    low, high, centre = low[number], (centre + reach)[number], centre[number]
    return ProcessBehaviour(
        centre=centre,
        low=low,
        high=high,
        moving_range=moved,
        outside=(x < low) | (x > high),
        run=_long_stretches(np.sign(x - centre), number),
        expected_false_alarms=float(np.sum(_by_luck(size))),
        n=x.size,
        n_phases=size.size,
    )


def _long_stretches(side: Floats, number: NDArray[np.int64]) -> Flags:
    """Mark values in stretches of at least RUN on one side, within one phase."""
    turns = (side[1:] != side[:-1]) | (number[1:] != number[:-1])
    stretch = np.cumsum(np.concatenate([[True], turns])) - 1
    return np.asarray((np.bincount(stretch)[stretch] >= RUN) & (side != 0))


def _by_luck(size: NDArray[np.int64]) -> Floats:
    slope = (_BY_LUCK[-1] - _BY_LUCK[-2]) / (_POINTS[-1] - _POINTS[-2])
    return np.asarray(np.interp(size, _POINTS, _BY_LUCK) + slope * np.maximum(size - _POINTS[-1], 0))
