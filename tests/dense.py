"""The model of teams by weeks a second time, slowly: one covariance over all cells seen, every term a Gaussian one.

Written from the formulas at the head of `estimators.mixed`, with its constants and nothing else of it.
"""

from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from scipy import stats

from prodops_analysis.estimators import mixed
from prodops_analysis.estimators.assumptions import odds_of


@dataclass(frozen=True)
class Table:
    """One entry a cell, as `rollout_effect` takes them."""

    y: np.ndarray
    n: np.ndarray
    unit: np.ndarray
    time: np.ndarray
    treated: np.ndarray
    since: np.ndarray

    @property
    def cells(self):
        """The arguments of `rollout_effect` in order."""
        return self.y, self.n, self.unit, self.time, self.treated, self.since

    def only(self, keep):
        """The cells of a mask."""
        return Table(*(a[keep] for a in self.cells))

    def but(self, **parts):
        """The same cells with parts replaced."""
        return replace(self, **parts)


def table_of(values, first, *, n=4.0, gap=0):
    """Cells of a full table, one row a unit and one column a week; `first` is a unit's week of rollout, or None.

    Weeks whose value is NaN are not there; `gap` weeks after each rollout are left out.
    """
    values = np.asarray(values, dtype=float)
    n = np.broadcast_to(np.asarray(n, dtype=float), values.shape)
    unit, time = (a.ravel() for a in np.indices(values.shape))
    begin = np.array([np.nan if f is None else f for f in first], dtype=float)[unit]
    since = time - begin
    seen = ~np.isnan(values).ravel() & ~((since >= 0) & (since < gap))
    return Table(values.ravel(), n.ravel(), unit, time, since >= gap, since).only(seen)


def drawn(seed, *, units=4, weeks=36, first=(18, 24, None, None), effect=-0.5, missing=0.1, gap=0):
    """A ragged panel with team levels, week effects, autocorrelated shocks and slopes, in units of an item's sd."""
    rng = np.random.default_rng(seed)
    n = rng.poisson(4, (units, weeks)) + 1.0
    shock = np.zeros((units, weeks))
    for week in range(1, weeks):
        shock[:, week] = 0.5 * shock[:, week - 1] + rng.normal(0, 0.2, units)
    begin = np.array([np.inf if f is None else f for f in first])[:, None]
    y = (
        rng.normal(2, 0.5, (units, 1)) + rng.normal(0, 0.1, weeks) + shock + rng.normal(0, 1, n.shape) / np.sqrt(n)
        + rng.normal(0, 0.2, (units, 1)) * np.arange(weeks) / 52 + effect * (np.arange(weeks) >= begin)
    )  # fmt: skip
    y[rng.uniform(size=y.shape) < missing] = np.nan
    return table_of(y, first, n=n, gap=gap)


@dataclass(frozen=True)
class Model:
    """Columns of the model over the cells seen, and what the mean effect is made of."""

    table: Table
    columns: np.ndarray  # one a random coefficient
    names: list
    common: bool
    slopes: int

    @classmethod
    def of(cls, table, *, common, whole=None, centre=None):
        """Write the columns down; weeks and rollouts are those of the `whole` where the table is a part of it.

        centre : cells over whose treated ones growth and order are centred, where they are not those of the table.
        """
        t, treated, since = table.time, table.treated, table.since
        whole = whole or table
        low, high = whole.time.min(), whole.time.max()
        rollouts = (whole.time - whole.since)[whole.treated]
        every = table if centre is None else centre

        def mean(of):
            return np.average(of(every)[every.treated], weights=every.n[every.treated])

        def growth(cells):
            return np.clip(np.nan_to_num(cells.since), 0, 26) / 26

        grown = np.where(treated, growth(table) - mean(growth), 0.0)
        columns, names = [treated.astype(float), grown], ["tau", "gamma"]
        late = np.where(treated, t - since - mean(lambda cells: cells.time - cells.since), 0.0)
        late /= max(rollouts.max() - rollouts.min(), 1.0)
        for k, name in ((-4, "near"), (-8, "far")):
            columns.append(np.array([k <= s < k + 4 and not d for s, d in zip(since, treated, strict=True)], float))
            names.append(name)
        columns.append(late)
        names.append("omega")
        columns.append(
            np.where(treated, np.minimum(since + 0.5, 26), 0.0) / mean(lambda cells: np.minimum(cells.since + 0.5, 26))
        )
        names.append("kappa")
        for u in sorted(set(table.unit[treated])):
            columns.append(((table.unit == u) & treated).astype(float))
            names.append(("delta", u))
        units = sorted(set(table.unit))
        for u in units:
            columns.append(np.where(table.unit == u, (t - (low + high) / 2) / 52, 0.0))
            names.append(("slope", u))
        return cls(table, np.array(columns).T, names, common, len(units))

    def variances(self, sizes):
        """The prior variance of each coefficient."""
        slope, spell, growth, order, apart = sizes
        known = {"tau": 10.0, "kappa": 0.01, "gamma": growth, "omega": order, "delta": apart, "slope": slope}
        if growth == mixed.FROM_NOTHING:
            known |= {"tau": 0.01, "kappa": 10.0, "gamma": 0.01}
        known |= {"near": spell, "far": spell}
        return np.array([known[name if isinstance(name, str) else name[0]] for name in self.names]) ** 2

    def cells_apart(self, rho, shock):
        """The covariance of all cells from week effects, shocks and items: what is there beside levels and trends."""
        unit, time = self.table.unit[:, None], self.table.time[:, None]
        memory = np.where(time == time.T, 1.0, rho ** abs(time - time.T).astype(float))
        V = np.diag(1 / self.table.n) + np.where(unit == unit.T, shock**2 * memory, 0.0)
        return V + (10.0**4 * (time == time.T) if self.common else 0.0)

    def mean_effect(self):
        """Share of each coefficient in the mean effect over the items of treated weeks."""
        treated, n = self.table.treated, self.table.n
        c = np.zeros(len(self.names))
        for k in range(len(self.names)):
            if self.names[k] in ("tau", "kappa", "gamma", "omega") or self.names[k][0] == "delta":
                c[k] = np.sum(self.columns[treated, k] * n[treated]) / np.sum(n[treated])
        return c

    def solve(self, base, sizes, c):
        """Return c'theta, its variance, and -2 log restricted likelihood of the cells; a unit's level is a dummy."""
        return gauss(self.table, base, self.columns, self.variances(sizes), c)


def gauss(table, base, columns, variances, c):
    """Best linear prediction of c'theta beside free levels of units, its variance, and -2 log restricted likelihood."""
    prior = np.diag(variances)
    across = columns @ prior
    V = base + across @ columns.T
    levels = (table.unit[:, None] == np.unique(table.unit)).astype(float)
    inverse = np.linalg.inv(V)
    known = levels.T @ inverse @ levels
    P = inverse - inverse @ levels @ np.linalg.solve(known, levels.T @ inverse)
    value = c @ across.T @ P @ table.y
    variance = c @ (prior - across.T @ P @ across) @ c
    cost = np.linalg.slogdet(V)[1] + np.linalg.slogdet(known)[1] + table.y @ P @ table.y
    return value, variance, cost


def every_size(table, odds):
    """Every combination of sizes with its prior odds."""
    several = len(set(table.unit[table.treated])) > 1
    order, apart = (odds.order, odds.apart) if several else ({mixed.NONE: 1}, {mixed.NONE: 1})
    sets = (odds.slope, odds.spell, odds.growth, order, apart)
    return {sizes: np.prod([known[size] for known, size in zip(sets, sizes, strict=True)]) for sizes in product(*sets)}


def weighed(table, *, common, counts=False):
    """Return (rho, shock, sizes) -> weight, mean effect and its variance, for every combination."""
    model, odds = Model.of(table, common=common), odds_of(common=common, counts=counts)
    c, found, before = model.mean_effect(), {}, every_size(table, odds)
    for rho, shock in product(odds.rho, odds.shock):
        base = model.cells_apart(rho, shock)
        for sizes in before:
            found[rho, shock, sizes] = model.solve(base, sizes, c)
    least = min(cost for _, _, cost in found.values())
    likely = {key: np.exp(-0.5 * (cost - least)) for key, (_, _, cost) in found.items()}
    share = {key: odds.rho[key[0]] * before[key[2]] * likely[key] for key in found}
    every = sum(share.values())
    let_in = min(sum(s for key, s in share.items() if lets_spell_in(key)) / every, 0.5)
    for inside, together in ((True, let_in), (False, 1 - let_in)):
        own = {key: s for key, s in share.items() if lets_spell_in(key) == inside}
        own = {key: s for key, s in own.items() if s >= 0.01 * max(own.values())}
        share |= {key: 0.0 for key in share if lets_spell_in(key) == inside}
        if together >= 0.01:
            share |= {key: together * s / sum(own.values()) for key, s in own.items()}
    total = sum(share.values())
    return {key: (share[key] / total, value, variance) for key, (value, variance, _) in found.items()}


def as_weighed(fits, c):
    """What `weigh` found, told as `weighed` tells it."""
    keys = zip(fits.rho, fits.shock, map(tuple, fits.sizes.tolist()), strict=True)
    return dict(zip(keys, zip(fits.weight, *fits.solved.values(c), strict=True), strict=True))


def lets_spell_in(key):
    """Whether a combination lets the weeks before a rollout differ."""
    return key[2][1] > mixed.NONE


def alike(found):
    """Those combinations that let the effect neither grow, but from nothing, nor differ."""
    shapes = (mixed.NONE, mixed.FROM_NOTHING)
    return {key: triple for key, triple in found.items() if key[2][2] in shapes and set(key[2][3:]) == {mixed.NONE}}


def answered(found):
    """Mean and error as `averaged`, and half the way from the answer with a spell to that without, if one is seen."""
    groups = [[triple for key, triple in found.items() if lets_spell_in(key) == inside] for inside in (True, False)]
    mean, error = averaged(found.values())
    if sum(w for w, _, _ in groups[0]) < 0.5 * sum(w for w, _, _ in found.values()) - 1e-9:
        return mean, error, 0.0
    (one, its), (other, others) = (averaged(group) for group in groups)
    return mean, max(its, others), abs(one - other) / 2


def lasting(table, found):
    """Probability of a level that moved at another time and stayed, its step, effect and error on top of it."""
    model = Model.of(table, common=True)
    plain = {key: triple[0] for key, triple in found.items() if triple[0] > 0 and not lets_spell_in(key)}
    rho, shock, _ = max(plain, key=plain.get)
    plain = {sizes: weight for (*best, sizes), weight in plain.items() if best == [rho, shock]}
    base, c, near, far = model.cells_apart(rho, shock), model.mean_effect(), *map(model.names.index, ("near", "far"))
    times = {("own", weeks): (table.since >= -weeks, 0.5 / 2) for weeks in (6, 13)}
    adopters, units = set(table.unit[table.treated]), set(table.unit)
    if 3 <= len(adopters) < len(units):
        first = [min(table.time[table.treated & (table.unit == u)]) for u in adopters]
        dates = range(min(first) - 8, max(first) - 3, 4)
        times |= {d: (np.isin(table.unit, list(adopters)) & (table.time >= d), 4 / 52) for d in dates}
    moved, steps = [], []
    for (after, odds), (sizes, weight) in product(times.values(), plain.items()):
        columns = model.columns.copy()
        columns[:, near], columns[:, far] = after, 0.0
        stepped, let_in = replace(model, columns=columns), (sizes[0], 0.5, *sizes[2:])
        value, variance, cost = stepped.solve(base, let_in, c)
        weight *= odds * np.exp((model.solve(base, sizes, c)[2] - cost) / 2)
        moved.append((weight, value, variance))
        steps.append((weight, *stepped.solve(base, let_in, np.eye(len(c))[near])[:2]))
    of_all = sum(weight for weight, _, _ in moved)
    return of_all / (of_all + sum(plain.values())), averaged(steps)[0], *averaged(moved)


def reaching(table, found, *, df, inflate=1.0, every=None):
    """Mean and error where the interval reaches over both answers, and towards zero over the effect on top of a step.

    inflate : by how much a jackknife makes the error of the model larger or smaller.
    every : all combinations, to which the step is added, where `found` are some of them.
    """
    mean, error, between = answered(found)
    t = stats.t.ppf(0.975, df)
    error = error * inflate + between / t
    p, _, on_top, its = lasting(table, every or found)
    if (mean - on_top) * mean <= 0:
        return mean, error
    other = (1 - p) * mean + p * on_top
    its_error = np.sqrt((1 - p) * error**2 + p * (its * inflate) ** 2 + p * (1 - p) * (mean - on_top) ** 2)
    return (mean + other) / 2, max(error, its_error) + abs(mean - other) / 2 / t


def inflation(table, found, own_df, every=None):
    """The model's error and a jackknife over units put together, as a multiple of the former."""
    if not own_df:
        return 1.0
    effects, model = left_out(table, every or found, common=True), answered(found)[1]
    jackknife = (len(effects) - 1) / len(effects) * np.sum((effects - effects.mean()) ** 2)
    return np.sqrt((12 + own_df * jackknife / model**2) / (12 + own_df))


def averaged(found):
    """Mean and standard error of (weight, value, variance) triples; disagreement counts."""
    w, value, variance = np.array(list(found)).T
    mean = w @ value / w.sum()
    return mean, np.sqrt(w @ (variance + (value - mean) ** 2) / w.sum())


def left_out(table, found, *, common):
    """Mean effects without one unit at a time, at the best autocorrelation and shock, sizes weighed as they were."""
    rho, shock, _ = max(found, key=lambda key: found[key][0])
    sizes = {key[2]: found[key][0] for key in found if key[:2] == (rho, shock) and found[key][0] > 0}
    effects = []
    for u in sorted(set(table.unit)):
        model = Model.of(table.only(table.unit != u), common=common, whole=table, centre=table)
        base, c = model.cells_apart(rho, shock), model.mean_effect()
        effects.append(averaged((w, *model.solve(base, s, c)[:2]) for s, w in sizes.items())[0])
    return np.array(effects)
