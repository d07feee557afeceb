"""Imputation estimator: hand examples, slow dense second implementations, heterogeneous effects, refusals."""

from itertools import product

import numpy as np
import pytest
from scipy import optimize, stats

from prodops_analysis.estimators.panel import imputation_effect


def panel(table, first, *, weight=None, counts=False, cluster=None):
    """Estimate on a full table, one row a unit and one column a time; `first` is the first treated time, or None."""
    cells = [
        (y, u, t, first[u] is not None and t >= first[u]) for u, row in enumerate(table) for t, y in enumerate(row)
    ]
    y, unit, time, treated = (np.array(column) for column in zip(*cells, strict=True))
    w = np.ones(len(y)) if weight is None else np.ravel(weight).astype(float)
    return imputation_effect(
        y.astype(float), w, unit, time, treated, cluster=unit if cluster is None else cluster, counts=counts
    )


def drawn(seed, *, counts=False):
    """A ragged staggered panel: five to eight units, a tenth of the cells missing, two units never treated."""
    rng = np.random.default_rng(seed)
    n_units, n_times = int(rng.integers(5, 9)), 14
    first = [*rng.integers(5, 12, n_units - 2), 99, 99]
    cells = [(u, t) for u, t in product(range(n_units), range(n_times)) if rng.uniform() > 0.1]
    unit, time = np.array(cells).T
    treated = time >= np.array(first)[unit]
    mean = 1.0 + 0.3 * unit + 0.1 * rng.normal(size=n_times)[time] + 0.2 * treated
    y = rng.poisson(np.exp(mean)).astype(float) if counts else mean + rng.normal(0, 0.3, len(unit))
    return y, rng.integers(1, 9, len(unit)).astype(float), unit, time, treated


def dummies(unit, time):
    """Unit and time indicators, one time left out."""
    return np.column_stack([unit[:, None] == np.unique(unit), time[:, None] == np.unique(time)[1:]]).astype(float)


def dense(y, weight, unit, time, treated, *, counts):
    """Dummy variables on untreated cells (least squares, or Poisson by a general optimiser), then the mean gap."""
    X, free = dummies(unit, time), ~treated
    shown = treated & np.isin(unit, unit[free]) & np.isin(time, time[free])
    if counts:

        def loss(beta):
            eta = X[free] @ beta
            return np.exp(eta).sum() - y[free] @ eta, X[free].T @ (np.exp(eta) - y[free])

        fit = optimize.minimize(loss, np.zeros(X.shape[1]), jac=True, method="L-BFGS-B",
                                options={"maxiter": 5000, "ftol": 1e-15, "gtol": 1e-9})  # fmt: skip
        return float(np.log(y[shown].sum() / np.exp(X[shown] @ fit.x).sum()))
    root = np.sqrt(weight[free])
    beta = np.linalg.lstsq(X[free] * root[:, None], y[free] * root, rcond=None)[0]
    untreated_share = {t: weight[free & (time == t)].sum() / weight[time == t].sum() for t in np.unique(time)}
    w = weight * np.array([untreated_share[t] for t in time])
    return float(np.average((y - X @ beta)[shown], weights=w[shown]))


def twfe(y, weight, unit, time, treated):
    """Two-way fixed effects with one treatment dummy: the usual regression."""
    root = np.sqrt(weight)
    X = np.column_stack([dummies(unit, time), treated])
    return float(np.linalg.lstsq(X * root[:, None], y * root, rcond=None)[0][-1])


def test_two_by_two_is_difference_in_differences():
    """Treated units go from 10 to 7 and 12 to 9, the others from 4 to 5 and 6 to 7: -3 - 1 = -4."""
    found = panel([[10, 7], [12, 9], [4, 5], [6, 7]], [1, 1, None, None])

    assert found.estimate == pytest.approx(-4)
    assert pytest.approx(found.by_unit) == {0: -4, 1: -4}
    assert (found.n_cells, found.n_clusters, found.df) == (2, 4, 3)


def test_two_by_two_of_counts_is_a_ratio_of_ratios():
    """10 -> 30 beside 20 -> 40: the rate grew by 3 where the others' grew by 2; the effect is log 1.5."""
    found = panel([[10, 30], [10, 30], [20, 40], [20, 40]], [1, 1, None, None], counts=True)

    assert found.estimate == pytest.approx(np.log(1.5))


def test_jackknife_by_hand():
    """Leaving out each of four units gives -3.5, -4.5, -5 and -3; the s.e. is sqrt(3/4 of the squares), t has 3 df."""
    found = panel([[10, 6.5], [12, 7.5], [4, 4], [6, 7]], [1, 1, None, None])

    left_out = np.array([-4.5 - 0.5, -3.5 - 0.5, -4.0 - 1.0, -4.0 - 0.0])
    se = np.sqrt(3 / 4 * np.sum((left_out - left_out.mean()) ** 2))
    assert found.estimate == pytest.approx(-4.5)
    assert found.standard_error == pytest.approx(se)
    assert (found.low, found.high) == pytest.approx(stats.t.interval(0.95, 3, -4.5, se))


def test_published_staggered_example():
    """Borusyak, Jaravel & Spiess 2024, table 1 and eq. 5: A adopts in period 2, B in period 3, no one stays behind.

    TWFE gives t_A2 + t_B3 / 2 - t_A3 / 2, which forbidden comparisons make negative here; imputation gives t_A2.
    """
    a2, a3, b3 = 1.0, 9.0, 2.0
    table = np.array([[5, 6 + a2, 8 + a3], [5, 6 + a2, 8 + a3], [3, 4, 6 + b3], [3, 4, 6 + b3]])
    first = np.array([1, 1, 2, 2])
    unit, time = np.repeat(np.arange(4), 3), np.tile(np.arange(3), 4)

    found = panel(table, first.tolist())

    assert twfe(table.ravel(), np.ones(12), unit, time, time >= first[unit]) == pytest.approx(a2 + b3 / 2 - a3 / 2)
    assert found.estimate == pytest.approx(a2)
    assert found.n_cells == 2


@pytest.mark.parametrize("counts", [False, True], ids=["means", "counts"])
@pytest.mark.parametrize("seed", range(6))
def test_against_dummy_variables(seed, counts):
    """Sweeping and proportional fitting agree with dense regressions on the untreated cells."""
    cells = drawn(seed, counts=counts)

    found = imputation_effect(*cells, cluster=cells[2], counts=counts)

    assert dense(*cells, counts=counts) == pytest.approx(found.estimate, abs=1e-5)


@pytest.mark.parametrize("counts", [False, True], ids=["means", "counts"])
def test_jackknife_against_refitting(counts):
    """The standard error is that of dense fits with one unit left out at a time."""
    cells = drawn(3, counts=counts)
    units = np.unique(cells[2])

    left_out = [dense(*(a[cells[2] != u] for a in cells), counts=counts) for u in units]
    G = len(units)

    se = np.sqrt((G - 1) / G * np.sum((np.array(left_out) - np.mean(left_out)) ** 2))
    assert se == pytest.approx(imputation_effect(*cells, cluster=cells[2], counts=counts).standard_error, rel=1e-4)


def test_early_adopters_who_gain_more_do_not_bias_the_effect():
    """Effects that differ by adopter and grow come back exactly; TWFE on the same noiseless table is far off."""
    first = [4, 8, 12, 99, 99]
    gain = [-1.0, -0.3, -0.1, 0.0, 0.0]
    unit, time = (a.ravel() for a in np.meshgrid(np.arange(5), np.arange(16), indexing="ij"))
    since = time - np.array(first)[unit]
    treated = since >= 0
    effect = np.where(treated, np.array(gain)[unit] * (1 + 0.2 * since), 0.0)
    y = 2.0 * unit + np.sin(time) + effect
    weight = np.ones(len(y))

    found = imputation_effect(y, weight, unit, time, treated, cluster=unit)

    share_untreated = np.array([np.mean(~treated[time == t]) for t in range(16)])[time]
    truth = np.average(effect[treated], weights=share_untreated[treated])
    assert found.estimate == pytest.approx(truth, abs=1e-9)
    assert {u: np.average(effect[treated & (unit == u)], weights=share_untreated[treated & (unit == u)])
            for u in range(3)} == pytest.approx(found.by_unit)  # fmt: skip
    assert abs(twfe(y, weight, unit, time, treated) - truth) > 0.25 * abs(truth)


@pytest.mark.parametrize("seed", range(8))
def test_names_order_and_scale(seed):
    """New labels and another order change nothing; adding unit and time constants changes nothing; scaling scales."""
    y, weight, unit, time, treated = drawn(seed)
    order = np.random.default_rng([seed, 1]).permutation(len(y))
    plain = imputation_effect(y, weight, unit, time, treated, cluster=unit)
    moved = 3 * (y + 10.0 * unit - 5.0 * time)

    other = imputation_effect(
        moved[order], weight[order] * 7, 100 - unit[order], time[order] * 7, treated[order], cluster=unit[order] % 50
    )

    assert [3 * plain.estimate, 3 * plain.low, 3 * plain.high] == pytest.approx(
        [other.estimate, other.low, other.high], abs=1e-7
    )


def test_cells_without_a_comparison_are_left_out():
    """A week in which everybody has adopted, or an adopter without a past, tells nothing and changes nothing."""
    y, weight, unit, time, treated = drawn(5)
    plain = imputation_effect(y, weight, unit, time, treated, cluster=unit)

    more = imputation_effect(
        np.append(y, [9.0] * 4), np.append(weight, [1.0] * 4), np.append(unit, [0, 1, 77, 77]),
        np.append(time, [50, 50, 50, 51]), np.append(treated, [True] * 4), cluster=np.append(unit, [0, 1, 0, 0]),
    )  # fmt: skip

    assert plain.estimate == pytest.approx(more.estimate)
    assert plain.standard_error == pytest.approx(more.standard_error)
    assert plain.n_cells == more.n_cells


def test_no_link_between_treated_and_comparison_is_refused():
    """Comparison teams seen only after the rollout share no untreated week with the adopters: no level to compare."""
    table = [(u, t) for u in (0, 1) for t in range(20)] + [(u, t) for u in (2, 3) for t in range(10, 20)]
    unit, time = np.array(table).T
    treated = np.isin(unit, [0, 1]) & (time >= 10)
    y = np.where(unit < 2, 1.0, 5.0)

    with pytest.raises(ValueError, match="untreated"):
        imputation_effect(y, np.ones(len(y)), unit, time, treated, cluster=unit)


@pytest.mark.parametrize(
    ("table", "first", "message"),
    [
        pytest.param([[1, 2], [1, 2], [1, 2]], [None, None, None], "no treated cell", id="nobody-treated"),
        pytest.param([[1, 2], [1, 2], [1, 2]], [1, 1, 1], "no treated cell", id="everybody-at-once"),
        pytest.param([[1, 2], [1, 2], [1, 2]], [0, 0, None], "no treated cell", id="adopters-without-a-past"),
        pytest.param([[1, 2], [1, 2]], [1, None], "3 clusters that can be left out", id="two-units"),
    ],
)
@pytest.mark.parametrize("counts", [False, True], ids=["means", "counts"])
def test_refusals(table, first, message, counts):
    """What cannot be estimated is refused with the reason, never answered with zero."""
    with pytest.raises(ValueError, match=message):
        panel(table, first, counts=counts)


@pytest.mark.parametrize("seed", range(3))
def test_arguments_are_left_alone(seed):
    """The estimator changes none of its inputs."""
    cells = drawn(seed)
    before = [a.copy() for a in cells]

    imputation_effect(*cells, cluster=cells[2])

    assert all(np.array_equal(a, b) for a, b in zip(before, cells, strict=True))
