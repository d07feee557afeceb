"""What nobody knows about a rollout's model (`estimators.mixed`): every combination is fitted, and all are weighed.

Weights are prior odds (`Odds`) times restricted likelihood (Harville 1974; model averaging, Hoeting et al. 1999).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from prodops_analysis.estimators.mixed import (
    FROM_NOTHING,
    LEVEL,
    NONE,
    Floats,
    Panel,
    Sizes,
    Solution,
    equations,
    inverse_covariance,
    priors,
    values,
)  # fmt: skip

LEAST_WEIGHT = 0.01
HOPELESS = 30.0  # -2 log likelihood beyond the best, from which larger shocks are not tried
MOST_SPELL = 0.5  # weight of a spell before the rollouts, however clear it is


@dataclass(frozen=True, slots=True, kw_only=True)
class Odds:
    """What is thought of the unknowns before any data: their values, and size -> prior odds. A slope is a year's.

    worth : degrees of freedom that the variance of the model is worth, beside that of a jackknife.
    """

    rho: tuple[float, ...] = (0.0, 0.3, 0.6, 0.85)
    shock: tuple[float, ...] = (0.03, 0.12, 0.25, 0.45)
    slope: Mapping[float, float]
    spell: Mapping[float, float]
    growth: Mapping[float, float]
    order: Mapping[float, float]
    apart: Mapping[float, float]
    worth: int


# Why each: docs/decisions/0004.
BESIDE = Odds(
    slope={LEVEL: 1, 0.2: 1, 0.6: 2}, spell={NONE: 2, 0.5: 1}, growth={NONE: 3, FROM_NOTHING: 2, 0.5: 1},
    order={NONE: 2, 0.5: 1}, apart={NONE: 1, 0.3: 1}, worth=12,
)  # fmt: skip
ALONE = Odds(
    slope={0.3: 1, 0.9: 1}, spell={NONE: 2, 0.5: 1}, growth={NONE: 1, 0.5: 1}, order={NONE: 1}, apart={NONE: 1},
    worth=30,
)  # fmt: skip
COUNTS = Odds(
    slope={LEVEL: 1, 0.2: 1}, spell={NONE: 2, 0.5: 1}, growth={NONE: 2, FROM_NOTHING: 1, 0.5: 2},
    order={NONE: 2, 0.3: 1}, apart={NONE: 1, 0.15: 1}, worth=20,
)  # fmt: skip


def odds_of(*, common: bool, counts: bool) -> Odds:
    """Return the odds for teams beside others, for one series alone, and for counts beside others."""
    return (COUNTS if counts else BESIDE) if common else ALONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """One combination of assumptions, its weight among all, and its solution."""

    rho: float
    shock: float
    sizes: Sizes
    weight: float
    solution: Solution

    @property
    def spell(self) -> bool:
        """Whether the weeks before a rollout are let differ from the rest."""
        return self.sizes[1] > NONE


def weigh(panel: Panel, odds: Odds) -> list[Fit]:
    """Fit every combination of assumptions; return those with weight, heaviest first, weights adding up to 1.

    The likelihood sees whether the weeks before a rollout were unlike the rest, and nothing in it tells what to do with
    them. A spell that would have passed anyway belongs left out of the baseline. But teams that roll out when they have
    seen enough bad weeks make the weeks before those, and the teams still waiting, look better than they are, and only
    all weeks together are fair. So a spell gets half of the weight at most, and `rollout` reaches over both answers.
    """
    alone = {NONE: 1.0}
    order, apart = (odds.order, odds.apart) if len(panel.treated) > 1 else (alone, alone)
    sets = (odds.slope, odds.spell, odds.growth, order, apart)
    choices = list(product(*sets))
    before = np.array([np.prod(each) for each in product(*(known.values() for known in sets))])
    precision = priors(panel, choices)
    spelled = np.array([sizes[1] > NONE for sizes in choices])
    found, costs, least = [], [], np.full(2, np.inf)  # least: without a spell and with one
    for rho in odds.rho:
        own = np.full(2, np.inf)
        for shock in odds.shock:
            W, logdet = inverse_covariance(panel.n, rho, shock)
            solved = equations(panel, W).solve(precision)
            found += [(rho, shock, sizes, solution) for sizes, solution in zip(choices, solved, strict=True)]
            costs.append([solution.cost + logdet for solution in solved] - 2 * np.log(before))
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
    weighed = [
        Fit(rho=rho, shock=shock, sizes=sizes, weight=float(weight), solution=solution)
        for (rho, shock, sizes, solution), weight in zip(found, share, strict=True)
        if weight > 0
    ]
    return sorted(weighed, key=lambda fit: -fit.weight)


def mean(fits: list[Fit], c: Floats) -> float:
    """Average c'theta over assumptions."""
    weight, value = np.array([(fit.weight, c @ fit.solution.theta) for fit in fits]).T
    return float(weight @ value / weight.sum())


def averaged(fits: list[Fit], c: Floats) -> tuple[float, float]:
    """Average over assumptions; the error holds their disagreement (Hoeting et al. 1999, eq. 4)."""
    weight = np.array([fit.weight for fit in fits])
    value, variance = values([fit.solution for fit in fits], c)
    middle = mean(fits, c)
    return middle, float(np.sqrt(weight @ (variance + (value - middle) ** 2) / weight.sum()))


def heaviest(fits: list[Fit]) -> list[Fit]:
    """Return the fits with the autocorrelation and shock of the best one."""
    return [fit for fit in fits if (fit.rho, fit.shock) == (fits[0].rho, fits[0].shock)]


def refitted(panel: Panel, fits: list[Fit], *, W: Floats | None = None, keep: NDArray[np.bool_] | None = None
              ) -> list[Fit]:  # fmt: skip
    """Fit another panel under the heaviest assumptions, with the weights they had."""
    same = heaviest(fits)
    if W is None:
        W = inverse_covariance(panel.n, same[0].rho, same[0].shock)[0]
    solved = equations(panel, W, keep=keep).solve(priors(panel, [fit.sizes for fit in same]))
    return [replace(fit, solution=solution) for fit, solution in zip(same, solved, strict=True)]
