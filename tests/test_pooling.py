"""Random-effects pooling: published meta-analyses, a slow second implementation, coverage, invariances, refusals."""

import numpy as np
import pytest
from scipy import integrate, optimize, stats

from prodops_analysis.estimators.pooling import pool

# BCG vaccine against tuberculosis, 13 trials: Colditz et al. 1994; vaccinated ill and well, others ill and well.
BCG = np.array([
    (4, 119, 11, 128), (6, 300, 29, 274), (3, 228, 11, 209), (62, 13536, 248, 12619), (33, 5036, 47, 5761),
    (180, 1361, 372, 1079), (8, 2537, 10, 619), (505, 87886, 499, 87892), (29, 7470, 45, 7232), (17, 1699, 65, 1600),
    (186, 50448, 141, 27197), (5, 2493, 3, 2338), (27, 16886, 29, 17825),
])  # fmt: skip
# Aspirin against pre-eclampsia (CLASP), 6 trials: DerSimonian & Kacker 2007, table 2; ill and all, aspirin and others.
CLASP = np.array([
    (5, 156, 8, 74), (5, 303, 17, 303), (12, 565, 9, 477), (69, 1570, 94, 1565), (9, 103, 11, 105),
    (313, 4659, 352, 4650),
])  # fmt: skip
# Teacher expectancy, 19 experiments: Raudenbush & Bryk 1985; effect and its variance.
EXPECTANCY = np.array([
    (0.03, 0.0156), (0.12, 0.0216), (-0.14, 0.0279), (1.18, 0.1391), (0.26, 0.1362), (-0.06, 0.0106), (-0.02, 0.0106),
    (-0.32, 0.0484), (0.27, 0.0269), (0.80, 0.0630), (0.54, 0.0912), (0.18, 0.0497), (-0.02, 0.0835), (0.23, 0.0841),
    (-0.18, 0.0253), (-0.06, 0.0279), (0.30, 0.0193), (0.07, 0.0088), (-0.07, 0.0303),
])  # fmt: skip


def bcg():
    """Log risk ratios and their standard errors."""
    a, b, c, d = BCG.T
    return np.log(a / (a + b) / (c / (c + d))), np.sqrt(1 / a - 1 / (a + b) + 1 / c - 1 / (c + d))


def clasp():
    """Log odds ratios and their standard errors."""
    a, n, c, m = CLASP.T
    return np.log(a / (n - a) / (c / (m - c))), np.sqrt(1 / a + 1 / (n - a) + 1 / c + 1 / (m - c))


def expectancy():
    """Standardised differences and their standard errors."""
    return EXPECTANCY[:, 0], np.sqrt(EXPECTANCY[:, 1])


def drawn(seed, *, n=None, tau=0.2):
    """Effects, standard errors and true effects of a few changes."""
    rng = np.random.default_rng(seed)
    se = rng.uniform(0.08, 0.3, n or int(rng.integers(3, 12)))
    theta = rng.normal(-0.1, tau, len(se))
    return rng.normal(theta, se), se, theta


def contrasts(y, se):
    """REML from the likelihood of n - 1 differences, by a simplex; Hartung-Knapp and shrinkage one change at a time."""
    K = np.diff(np.eye(len(y)), axis=0)

    def cost(log_tau):
        spread = K @ np.diag(se**2 + np.exp(2 * log_tau[0])) @ K.T
        return -stats.multivariate_normal.logpdf(K @ y, np.zeros(len(K)), spread)

    # the likelihood can have two humps: several starts
    tries = [optimize.minimize(cost, [start], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12})
             for start in (-6, -3, -1.5, 0)]  # fmt: skip
    tau = float(np.exp(min(tries, key=lambda r: r.fun).x[0]))
    weights = [1 / (s**2 + tau**2) for s in se]
    mean = sum(w * v for w, v in zip(weights, y, strict=True)) / sum(weights)
    scatter = sum(w * (v - mean) ** 2 for w, v in zip(weights, y, strict=True)) / (len(y) - 1)
    shrunk = [(v * tau**2 + mean * s**2) / (tau**2 + s**2) for v, s in zip(y, se, strict=True)]
    return tau, mean, np.sqrt(max(scatter, 1) / sum(weights)), shrunk


def averaged_cdf(y, se, i, x):
    """P(theta_i < x) by numerical integration over tau: the normal law of theta_i given all y, tau by likelihood."""
    n = len(y)

    def joint(tau):
        # a wide prior on the mean makes the restricted likelihood
        spread = np.diag(se**2 + tau**2) + 1e4
        density = stats.multivariate_normal.pdf(y, np.zeros(n), spread)
        with_theta = np.full(n, 1e4) + tau**2 * (np.arange(n) == i)
        solved = np.linalg.solve(spread, with_theta)
        return density, solved @ y, np.sqrt(1e4 + tau**2 - solved @ with_theta)

    def below(tau):
        density, centre, sd = joint(tau)
        return density * stats.norm.cdf(x, centre, sd)

    end = 10 * (np.ptp(y) + se.min())
    points = [0.05, 0.2, 1.0]
    whole = integrate.quad(lambda t: joint(t)[0], 1e-6, end, points=points, limit=300)[0]
    return integrate.quad(below, 1e-6, end, points=points, limit=300)[0] / whole


@pytest.mark.parametrize(
    ("data", "tau", "mean", "se", "decimals"),
    [
        # R metafor, rma(yi, vi, test = "knha") on dat.bcg, as printed in its README
        pytest.param(bcg, 0.5597, -0.7145, 0.1808, 4, id="BCG-metafor"),
        # Raudenbush 2009, table 16.3, REML with Knapp and Hartung's method, in the digits of metafor; tau^2 0.0188
        pytest.param(expectancy, 0.1372, 0.0837, 0.0616, 4, id="expectancy-Raudenbush-2009"),
    ],
)
def test_published_mean(data, tau, mean, se, decimals):
    """tau, mean and Hartung-Knapp standard error of two published meta-analyses."""
    found = pool(*data())

    assert [tau, mean, se] == [round(x, decimals) for x in (found.tau, found.mean, found.standard_error)]


@pytest.mark.parametrize(
    ("data", "low", "high"),
    [
        pytest.param(bcg, -1.1084, -0.3206, id="BCG-metafor"),
        pytest.param(expectancy, -0.0457, 0.2131, id="expectancy-Raudenbush-2009"),
    ],
)
def test_published_interval(data, low, high):
    """The Hartung-Knapp interval of the mean, to 4 decimals, from the same sources."""
    found = pool(*data())

    assert [low, high] == [round(found.low, 4), round(found.high, 4)]


def test_published_restricted_likelihood():
    """DerSimonian & Kacker 2007, tables 3 and 4, in the digits of metafor: REML on CLASP, tau 0.1843, mean -0.2980."""
    found = pool(*clasp())

    assert [round(found.tau, 4), round(found.mean, 4)] == [0.1843, -0.2980]


def test_published_shrunken_effects():
    """Raudenbush & Bryk 1985, fig. 2, in the digits of metafor: empirical Bayes estimates; 1.18 becomes 0.21."""
    published = [
        0.0543, 0.1006, -0.0064, 0.2144, 0.1051, -0.0082, 0.0174, -0.0293, 0.1604, 0.2485,
        0.1618, 0.1102, 0.0646, 0.1105, -0.0288, 0.0258, 0.1905, 0.0744, 0.0248,
    ]  # fmt: skip

    assert published == pytest.approx(pool(*expectancy()).shrunk.tolist(), abs=1e-4)


@pytest.mark.parametrize("seed", range(25))
def test_against_contrasts(seed):
    """A grid with a refinement, and the likelihood of differences under a simplex, find the same."""
    y, se, _ = drawn(seed)

    tau, mean, error, shrunk = contrasts(y, se)
    found = pool(y, se)

    assert tau == pytest.approx(found.tau, abs=2e-4)
    assert [mean, error] == pytest.approx([found.mean, found.standard_error], abs=1e-4)
    assert shrunk == pytest.approx(found.shrunk.tolist(), abs=1e-3)
    half = stats.t.ppf(0.975, len(y) - 1) * found.standard_error
    assert [found.mean - half, found.mean + half] == pytest.approx([found.low, found.high])


@pytest.mark.parametrize("seed", range(4))
def test_bounds_against_integration(seed):
    """The law of a true effect, integrated over tau with a wide prior on the mean, leaves 2.5 % beyond each bound."""
    y, se, _ = drawn(seed, n=4)
    found = pool(y, se)

    for i in (0, 3):
        assert averaged_cdf(y, se, i, found.shrunk_low[i]) == pytest.approx(0.025, abs=0.002)
        assert averaged_cdf(y, se, i, found.shrunk_high[i]) == pytest.approx(0.975, abs=0.002)


def test_shrunken_intervals_cover():
    """15 changes with little between them: 95 % intervals hold the true effect; with tau taken as known they do not."""
    covered, naive = [], []
    for seed in range(80):
        y, se, theta = drawn([20260101, seed], n=15, tau=0.1)
        found = pool(y, se)
        covered.append((found.shrunk_low < theta) & (theta < found.shrunk_high))
        pull = se**2 / (se**2 + found.tau**2)
        known = np.sqrt((1 - pull) * se**2 + pull**2 * found.standard_error**2)
        naive.append(np.abs(theta - found.shrunk) < stats.norm.ppf(0.975) * known)

    assert 0.93 <= np.mean(covered) <= 0.98
    assert np.mean(naive) < 0.89


def test_equal_effects_are_pooled_fully():
    """Effects closer together than luck puts them: tau is 0 and every shrunken effect is the mean."""
    found = pool([0.1, 0.11, 0.12, 0.1], [0.2, 0.3, 0.2, 0.4])

    assert found.tau == 0
    assert [found.mean] * 4 == pytest.approx(found.shrunk.tolist())
    assert found.mean == pytest.approx(np.average([0.1, 0.11, 0.12, 0.1], weights=[25, 1 / 0.09, 25, 6.25]))


def test_close_effects_gain_no_certainty():
    """Where effects scatter less than their errors say, the mean is no surer than those errors allow."""
    found = pool([0.1, 0.1, 0.1], [0.3, 0.3, 0.3])

    assert found.standard_error == pytest.approx(0.3 / np.sqrt(3))


def test_an_effect_nobody_measured_becomes_the_mean():
    """A huge standard error: the effect says nothing, so the mean of the others stands for it, with a wide interval."""
    y, se, _ = drawn(3, n=6)
    others = pool(y, se)
    found = pool([*y, 40.0], [*se, 1e4])

    assert found.shrunk[-1] == pytest.approx(others.mean, abs=1e-4)
    assert found.tau == pytest.approx(others.tau, abs=1e-3)
    assert found.shrunk_high[-1] - found.shrunk_low[-1] > 2 * 1.96 * others.tau


def test_sure_effects_stay():
    """Far apart and well measured, effects are hardly shrunk."""
    found = pool([-1.0, 0.0, 1.0, 2.0], [0.01] * 4)

    assert [-1.0, 0.0, 1.0, 2.0] == pytest.approx(found.shrunk.tolist(), abs=1e-3)


@pytest.mark.parametrize("seed", range(10))
def test_order_sign_and_unit_do_not_matter(seed):
    """Shuffled, mirrored or in another unit, the result is shuffled, mirrored or in that unit."""
    y, se, _ = drawn(seed)
    order = np.random.default_rng([seed, 1]).permutation(len(y))
    plain, mirrored = pool(y, se), pool(-100 * y, 100 * se)
    shuffled = pool(y[order], se[order])

    for name in ("shrunk", "shrunk_low", "shrunk_high"):
        assert getattr(plain, name)[order] == pytest.approx(getattr(shuffled, name), abs=1e-6)
    assert (plain.tau, plain.low) == pytest.approx((shuffled.tau, shuffled.low), abs=1e-6)
    assert (100 * plain.tau, -100 * plain.low) == pytest.approx((mirrored.tau, mirrored.high), rel=1e-4)
    assert -100 * plain.shrunk_low == pytest.approx(mirrored.shrunk_high, rel=1e-4)


@pytest.mark.parametrize("seed", range(20))
def test_shrunken_effects_lie_between(seed):
    """A shrunken effect lies between what was seen and the mean, and inside its own interval."""
    y, se, _ = drawn(seed)
    found = pool(y, se)

    assert np.all(found.shrunk >= np.minimum(y, found.mean) - 1e-9)
    assert np.all(found.shrunk <= np.maximum(y, found.mean) + 1e-9)
    assert np.all((found.shrunk_low < found.shrunk) & (found.shrunk < found.shrunk_high))
    assert np.all(found.shrunk_high - found.shrunk_low < 1.2 * 2 * 1.96 * se)


def test_confidence_widens():
    """More confidence asks for wider intervals of mean and effects, around the same estimates."""
    y, se, _ = drawn(5)
    one, other = pool(y, se, confidence=0.8), pool(y, se, confidence=0.95)

    assert one.mean == other.mean
    assert other.low < one.low < one.high < other.high
    assert np.all((other.shrunk_low < one.shrunk_low) & (one.shrunk_high < other.shrunk_high))


@pytest.mark.parametrize(
    ("y", "se", "message"),
    [
        pytest.param([], [], "needs 3 effects, but got 0", id="none"),
        pytest.param([0.1], [0.1], "needs 3 effects, but got 1", id="one"),
        pytest.param([0.1, 0.2], [0.1, 0.1], "needs 3 effects, but got 2", id="two"),
        pytest.param([0.1, 0.2, 0.3], [0.0, 0.0, 0.0], "3 of 3 effects .*: 0.1 with 0.0", id="no-error"),
        pytest.param([0.1, 0.2, 0.3], [0.1, -0.1, 0.1], "1 of 3 effects .*: 0.2 with -0.1", id="negative-error"),
        pytest.param([0.1, np.nan, 0.3], [0.1, 0.1, 0.1], "1 of 3 effects .*: nan with 0.1", id="missing-effect"),
        pytest.param([0.1, 0.2, 0.3], [np.nan] * 3, "3 of 3 effects .*: 0.1 with nan", id="missing-errors"),
        pytest.param([0.1, np.inf, 0.3], [0.1, 0.1, 0.1], "1 of 3 effects .*: inf with 0.1", id="endless"),
        pytest.param([0.1, 0.2, 0.3], [0.1, 0.1], r"but got \(3,\) and \(2,\)", id="lengths-differ"),
        pytest.param([[0.1, 0.2, 0.3]], [[0.1, 0.1, 0.1]], "vectors of one length", id="not-a-vector"),
    ],
)
def test_unusable_effects(y, se, message):
    """What cannot be pooled is refused, with what was found."""
    with pytest.raises(ValueError, match=message):
        pool(y, se)


def test_the_result_is_frozen():
    """A result cannot be changed after the fact."""
    with pytest.raises(AttributeError):
        pool([0.1, 0.2, 0.4], [0.1, 0.1, 0.1]).tau = 0
