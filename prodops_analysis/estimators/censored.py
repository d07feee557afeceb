"""Log durations with open items: Buckley-James imputation inside groups, capped at a horizon."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from prodops_analysis.estimators.survival import Floats

SHRINK = 5  # items a kind of work needs before half of its own level is believed
_ROUNDS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """Log durations without gaps: seen ones as they are, open ones replaced by their conditional mean.

    y : shape (n,), log of min(duration, horizon); imputed : shape (n,), True where an open item was filled in.
    """

    y: Floats
    imputed: NDArray[np.bool_]
    horizon: float
    method: str = "Buckley-James imputation of open items, capped"


def complete_log_durations(
    times: ArrayLike, ended: ArrayLike, group: ArrayLike, kind: ArrayLike, *, horizon: float, floor: float
) -> Completed:
    """Replace each open duration by the mean of log min(T, horizon) given that T exceeds what was seen.

    Residuals of all items share one shape; each group has its own location, and each kind of work its own distance from
    it, drawn towards zero where a kind is small. An item open beyond the horizon counts as the horizon, as a finished
    one does.

    times : shape (n,), days; ended : shape (n,), bool; group, kind : shape (n,), any labels.
    horizon, floor : cap and smallest duration, days; both are applied to every item alike.

    References: Buckley & James 1979, eq. 2.4; Stare, Heinzl & Harrell 2000.
    """
    cap = np.log(horizon)
    seen = np.log(np.clip(np.asarray(times, dtype=float), floor, horizon))
    known = np.asarray(ended, dtype=bool) | (np.asarray(times, dtype=float) >= horizon)
    g, k = (np.unique(np.asarray(labels), return_inverse=True)[1] for labels in (group, kind))
    y, of_kind = seen.copy(), np.zeros(len(seen))
    if known.all() or not known.any():
        return Completed(y=y, imputed=~known, horizon=horizon)
    size, many = np.bincount(g), np.bincount(k) + SHRINK
    for _ in range(_ROUNDS):
        of_group = (np.bincount(g, weights=y - of_kind) / size)[g]
        of_kind = (np.bincount(k, weights=y - of_group) / many)[k]
        centre = of_group + of_kind
        updated = seen.copy()
        updated[~known] = _conditional_mean(seen - centre, known, centre[~known], cap)
        if np.max(np.abs(updated - y)) < 1e-4:
            break
        y = updated
    return Completed(y=y, imputed=~known, horizon=horizon)


def _conditional_mean(residual: Floats, known: NDArray[np.bool_], centre: Floats, cap: float) -> Floats:
    """Return E[min(centre + e, cap) | e > residual] of the open items under the Kaplan-Meier law of e."""
    ends_first = np.concatenate([np.flatnonzero(known), np.flatnonzero(~known)])
    order = ends_first[np.argsort(residual[ends_first], kind="stable")]
    e, d = residual[order], known[order]
    at_risk = np.arange(len(e), 0, -1)
    survival = np.cumprod(np.where(d, 1 - 1 / at_risk, 1.0))
    mass = np.concatenate([[1.0], survival[:-1]]) - survival
    # mass left over beyond the last residual sits at the last one (Efron's convention)
    mass[-1] += survival[-1]
    tail_mass = np.concatenate([np.cumsum(mass[::-1])[::-1], [0.0]])
    tail_sum = np.concatenate([np.cumsum((mass * e)[::-1])[::-1], [0.0]])
    last_seen = residual[~known]
    first = np.searchsorted(e, last_seen, side="right")
    # residuals beyond cap - centre count as the cap
    beyond = np.maximum(np.searchsorted(e, cap - centre, side="left"), first)
    inside = tail_sum[first] - tail_sum[beyond] + centre * (tail_mass[first] - tail_mass[beyond])
    total = tail_mass[first]
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = (inside + cap * tail_mass[beyond]) / total
    return np.where(total > 1e-12, np.minimum(mean, cap), np.minimum(centre + last_seen, cap))
