"""A level that moved at another time than the rollouts and stayed: that is not their doing.

A team reorganised a month before its rollout is faster ever after, and so is a whole department of adopters from one
date on. Left out as a spell, the weeks before make all of it an effect; kept, most of it. So the estimate is also made
on top of such a step, and reaches towards that by how probable the step is. Nothing tells a step from a spell that
goes back while the effect comes: what would make an effect out of a bad spell is left aside, and only what draws
towards zero counts.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from prodops_analysis.estimators import mixed
from prodops_analysis.estimators.assumptions import Fits, averaged, refitted
from prodops_analysis.estimators.mixed import Panel

# Why each: docs/decisions/0004.
SIZE = 0.5
OWN, OWN_ODDS = (6, 13), 0.5  # weeks before a team's own rollout, and prior odds that its level moved there
EVERY, A_YEAR = 4, 1.0  # weeks between dates at which the level of all adopters may move, and how often a year it does
EARLIEST = 8  # weeks before the first rollout
TOGETHER = 3  # adopters at least, of whom a common date is asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Lasting:
    """A level that may have moved at another time and stayed: how probable that is, by how much it moved, and the
    effect on top of it; on the scale of y.
    """

    probability: float
    step: float
    on_top: float
    error: float  # of the effect on top

    def among(self, estimate: float, error: float, *, inflate: float) -> tuple[float, float]:
        """Average the effect on top and the estimate without any of this by their probability."""
        p, apart = self.probability, estimate - self.on_top
        variance = (1 - p) * error**2 + p * (self.error * inflate) ** 2 + p * (1 - p) * apart**2
        return estimate - p * apart, float(np.sqrt(variance))

    def scaled(self, sd: float) -> "Lasting":
        """Return the same in units of which one here is `sd`."""
        return replace(self, step=self.step * sd, on_top=self.on_top * sd, error=self.error * sd)


def lasting_step(panel: Panel, fits: Fits) -> Lasting:
    """Let the level move at each of the times that are asked, beside the assumptions without a spell."""
    plain = fits.only(~fits.spell).heaviest
    stepped = plain.assuming(SIZE, of=mixed.SPELL)
    W = mixed.inverse_covariance(panel.n, plain.rho[0], plain.shock[0])[0]
    gain, steps, effects = [], [], []
    for after, odds in _times(panel):
        X = panel.X.copy()
        X[:, :, mixed.NEAR], X[:, :, mixed.FAR] = after & (panel.n > 0), 0.0
        again = refitted(replace(panel, X=X), stepped, W=W).solved
        gain.append(np.log(odds * plain.weight) - (again.cost - plain.solved.cost) / 2)
        steps.append(again.theta[:, mixed.NEAR])
        effects.append(again.values(panel.mean_effect))
    every = np.concatenate(gain)
    share = np.exp(every - np.logaddexp.reduce([*every, np.log(plain.weight.sum())]))
    on_top, error = averaged(share, *np.concatenate(effects, axis=1))
    moved = float(share @ np.concatenate(steps) / share.sum())
    return Lasting(probability=float(share.sum()), step=moved, on_top=on_top, error=error)


def _times(panel: Panel) -> Iterator[tuple[NDArray[np.bool_], float]]:
    """Give what lies after each time, shape (U, T), with its prior odds."""
    for before in OWN:
        yield panel.since >= -before, OWN_ODDS / len(OWN)
    adopts: NDArray[np.bool_] = np.asarray(panel.D.any(axis=1))
    weeks = np.arange(panel.n.shape[1])
    if TOGETHER <= adopts.sum() < len(adopts):
        first = panel.D[adopts].argmax(axis=1)
        # from the last rollout on, a step of all adopters is the effect itself
        for date in range(int(first.min()) - EARLIEST, int(first.max()) - EVERY + 1, EVERY):
            yield adopts[:, None] & (weeks >= date), A_YEAR * EVERY / 52
