"""What nobody knows about a rollout's model (`estimators.mixed`): every combination is fitted, and all are weighed.

Weights are prior odds (`Odds`) times restricted likelihood (Harville 1974; model averaging, Hoeting et al. 1999).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from prodops_analysis.estimators.mixed import (
    APART,
    FROM_NOTHING,
    GROWTH,
    LEVEL,
    NONE,
    ORDER,
    SPELL,
    Floats,
    Panel,
    Rows,
    Solutions,
    equations,
    inverse_covariance,
    priors,
)  # fmt: skip

LEAST_WEIGHT = 0.01
HOPELESS = 30.0  # -2 log likelihood beyond the best, from which larger shocks are not tried
MOST_SPELL = 0.5  # weight of a spell before the rollouts, however clear it is


@dataclass(frozen=True, slots=True, kw_only=True)
class Odds:
    """What is thought of the unknowns before any data: value -> prior odds, and the shocks tried. A slope is a year's.

    worth : degrees of freedom that the variance of the model is worth, beside that of a jackknife.
    """

    rho: Mapping[float, float]
    shock: tuple[float, ...] = (0.03, 0.12, 0.25, 0.45)
    slope: Mapping[float, float]
    spell: Mapping[float, float]
    growth: Mapping[float, float]
    order: Mapping[float, float]
    apart: Mapping[float, float]
    worth: int


# Why each: docs/decisions/0004.
BESIDE = Odds(
    rho={0.0: 1, 0.3: 1, 0.6: 1, 0.85: 1}, slope={LEVEL: 1, 0.2: 1, 0.6: 2}, spell={NONE: 1, 0.5: 1},
    growth={NONE: 3, FROM_NOTHING: 2, 0.5: 1}, order={NONE: 2, 0.5: 1}, apart={NONE: 1, 0.3: 1}, worth=12,
)  # fmt: skip
ALONE = Odds(
    rho={0.0: 3, 0.3: 3, 0.6: 3, 0.85: 1}, slope={0.3: 1, 0.9: 2}, spell={NONE: 2, 0.5: 1}, growth={NONE: 3, 0.5: 2},
    order={NONE: 1}, apart={NONE: 1}, worth=30,
)  # fmt: skip
COUNTS = Odds(
    rho={0.0: 1, 0.3: 1, 0.6: 1, 0.85: 1}, slope={LEVEL: 1, 0.2: 1}, spell={NONE: 2, 0.5: 1},
    growth={NONE: 2, FROM_NOTHING: 1, 0.5: 2}, order={NONE: 2, 0.3: 1}, apart={NONE: 1, 0.15: 1}, worth=20,
)  # fmt: skip


def odds_of(*, common: bool, counts: bool) -> Odds:
    """Return the odds for teams beside others, for one series alone, and for counts beside others."""
    return (COUNTS if counts else BESIDE) if common else ALONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Fits:
    """Combinations of assumptions, one a row: rho, shock and weight of shape (m,), sizes (m, 5), and the solutions."""

    rho: Floats
    shock: Floats
    sizes: Floats
    weight: Floats
    solved: Solutions

    @property
    def spell(self) -> NDArray[np.bool_]:
        """Whether the weeks before a rollout are let differ from the rest."""
        return self.sizes[:, SPELL] > NONE

    @property
    def alike(self) -> NDArray[np.bool_]:
        """Whether the effect has one shape for all, so that none on the mean is none in any week or team."""
        growth = self.sizes[:, GROWTH]
        one_shape = (growth == NONE) | (growth == FROM_NOTHING)
        return one_shape & (self.sizes[:, ORDER] == NONE) & (self.sizes[:, APART] == NONE)

    @property
    def heaviest(self) -> "Fits":
        """Those with the autocorrelation and shock of the first, the best."""
        return self.only((self.rho == self.rho[0]) & (self.shock == self.shock[0]))

    def only(self, rows: Rows) -> "Fits":
        """Return some of them, their weights as they are."""
        return Fits(rho=self.rho[rows], shock=self.shock[rows], sizes=self.sizes[rows], weight=self.weight[rows],
                    solved=self.solved.only(rows))  # fmt: skip

    def assuming(self, size: float, *, of: int) -> "Fits":
        """Return the same with another size of one term, not yet fitted anew."""
        sizes = self.sizes.copy()
        sizes[:, of] = size
        return replace(self, sizes=sizes)

    def mean(self, c: Floats) -> float:
        """Average c'theta."""
        return float(self.weight @ (self.solved.theta @ c) / self.weight.sum())

    def averaged(self, c: Floats) -> tuple[float, float]:
        """Average c'theta, and its error."""
        return averaged(self.weight, *self.solved.values(c))


def averaged(weight: Floats, value: Floats, variance: Floats) -> tuple[float, float]:
    """Average over assumptions; the error holds their disagreement (Hoeting et al. 1999, eq. 4)."""
    middle = weight @ value / weight.sum()
    return float(middle), float(np.sqrt(weight @ (variance + (value - middle) ** 2) / weight.sum()))


def weigh(panel: Panel, odds: Odds) -> Fits:
    """Fit every combination of assumptions; return those with weight, heaviest first, weights adding up to 1.

    The likelihood sees whether the weeks before a rollout were unlike the rest, and nothing in it tells what to do with
    them. A spell that would have passed anyway belongs left out of the baseline. But teams that roll out when they have
    seen enough bad weeks make the weeks before those, and the teams still waiting, look better than they are, and only
    all weeks together are fair. So a spell gets half of the weight at most, and `rollout` reaches over both answers.
    """
    alone = {NONE: 1.0}
    order, apart = (odds.order, odds.apart) if len(panel.treated) > 1 else (alone, alone)
    sets = (odds.slope, odds.spell, odds.growth, order, apart)
    sizes = np.array(list(product(*sets)))
    before = np.array([np.prod(each) for each in product(*(known.values() for known in sets))])
    precision, spelled = priors(panel, sizes), sizes[:, SPELL] > NONE
    tried, found, costs, least = [], [], [], np.full(2, np.inf)  # least: without a spell and with one
    for rho, known in odds.rho.items():
        own = np.full(2, np.inf)
        for shock in odds.shock:
            W, logdet = inverse_covariance(panel.n, rho, shock)
            tried.append((rho, shock))
            found.append(equations(panel, W).solve(precision))
            costs.append(found[-1].cost + logdet - 2 * np.log(before * known))
            smaller, own = own, np.array([costs[-1][~spelled].min(), costs[-1][spelled].min()])
            least = np.minimum(least, own)
            if (own > least + HOPELESS).all() and (own > smaller).all():
                break  # larger ones fit worse still
    cost, spell = np.concatenate(costs), np.tile(spelled, len(costs))
    share = np.exp(-0.5 * (cost - cost.min()))
    let_in = min(float(share @ spell / share.sum()), MOST_SPELL)
    for rows, together in ((spell, let_in), (~spell, 1 - let_in)):
        own = np.exp(-0.5 * (cost[rows] - cost[rows].min()))
        own[own < LEAST_WEIGHT] = 0.0
        share[rows] = own / own.sum() * (together if together >= LEAST_WEIGHT else 0.0)
    share /= share.sum()
    weight = share.reshape(len(tried), len(sizes))
    place, choice = np.nonzero(weight)
    best, solved = np.array(tried)[place], [one.only(own > 0) for one, own in zip(found, weight, strict=True)]
    every = Fits(rho=best[:, 0], shock=best[:, 1], sizes=sizes[choice], weight=weight[place, choice],
                 solved=Solutions.of(solved))  # fmt: skip
    return every.only(np.argsort(-every.weight, kind="stable"))


def refitted(panel: Panel, fits: Fits, *, W: Floats | None = None, keep: NDArray[np.bool_] | None = None) -> Fits:
    """Fit another panel under assumptions of one autocorrelation and shock, with the weights they had."""
    if W is None:
        W = inverse_covariance(panel.n, fits.rho[0], fits.shock[0])[0]
    return replace(fits, solved=equations(panel, W, keep=keep).solve(priors(panel, fits.sizes)))
