"""Level shift of one series: a textbook series, a dense second implementation, size under the null, invariances."""

import numpy as np
import pytest
from scipy import linalg, optimize, stats

from prodops_analysis.estimators.series import level_shift

# Flow of the Nile at Aswan, 10^8 m3 a year, 1871-1970: Cobb 1978; data set `Nile` of R (public domain figures).
# The fall after 1898 is the textbook level shift (Durbin & Koopman 2012, sec. 2.2.5).
NILE = [
    1120, 1160, 963, 1210, 1160, 1160, 813, 1230, 1370, 1140, 995, 935, 1110, 994, 1020, 960, 1180, 799, 958, 1140,
    1100, 1210, 1150, 1250, 1260, 1220, 1030, 1100, 774, 840, 874, 694, 940, 833, 701, 916, 692, 1020, 1050, 969,
    831, 726, 456, 824, 702, 1120, 1100, 832, 764, 821, 768, 845, 864, 862, 698, 845, 744, 796, 1040, 759,
    781, 865, 845, 944, 984, 897, 822, 1010, 771, 676, 649, 846, 812, 742, 801, 1040, 860, 874, 848, 890,
    744, 749, 838, 1050, 918, 986, 797, 923, 975, 815, 1020, 906, 901, 1170, 912, 746, 919, 718, 714, 740,
]  # fmt: skip


def series(seed, *, n=60, shift=0.0, sd=0.15, rho=0.5, trend=0.0):
    """Weekly means: an AR(1) shock of the team and the noise of about 6 items, with a shift two thirds on."""
    rng = np.random.default_rng(seed)
    shock = np.empty(n)
    shock[0] = rng.normal(0, sd)
    for week in range(1, n):
        shock[week] = rho * shock[week - 1] + rng.normal(0, sd * np.sqrt(1 - rho**2))
    n_items = rng.poisson(6, n) + 1.0
    time, after = np.arange(n, dtype=float), (np.arange(n) >= 2 * n // 3).astype(float)
    y = 2 + shock + trend * time + shift * after + rng.normal(0, 0.9 / np.sqrt(n_items))
    return y, n_items, time, after


def dense(y, n_items, time, after):
    """Restricted likelihood of error contrasts, explicit inverses, the same grid of autocorrelations."""
    X = np.column_stack([np.ones(len(y)), time, after])
    K = linalg.null_space(X.T)  # contrasts free of the mean
    z = K.T @ y

    def parts(rho, log_ratio):
        V = np.diag(1 / n_items) + np.exp(log_ratio) * linalg.toeplitz(rho ** np.arange(len(y)))
        S = K.T @ V @ K
        scale = z @ np.linalg.inv(S) @ z / len(z)
        return len(z) * np.log(scale) + np.linalg.slogdet(S)[1], V, scale

    fits = []
    for rho in np.linspace(0, 0.8, 9):
        found = optimize.minimize_scalar(lambda r, rho=rho: parts(rho, r)[0], bounds=(-8, 3), method="bounded")
        fits.append((found.fun, rho, found.x))
    _, rho, log_ratio = min(fits)
    _, V, scale = parts(rho, log_ratio)
    W = np.linalg.inv(V)
    covariance = np.linalg.inv(X.T @ W @ X)
    return rho, (covariance @ X.T @ W @ y)[2], np.sqrt(scale * covariance[2, 2])


def test_nile():
    """The fall of 1899: mean flow 1097.75 before and 849.97 after (Cobb 1978); with a trend, least squares says -283.6.

    Residuals are autocorrelated by 0.15, so the generalised fit stays close to least squares and is a little less sure.
    """
    y, year = np.array(NILE, dtype=float), np.arange(1871.0, 1971.0)
    after = (year > 1898).astype(float)

    found = level_shift(y, np.ones(100), year, after)

    X = np.column_stack([np.ones(100), year, after])
    beta, rest = np.linalg.lstsq(X, y, rcond=None)[:2]
    se = np.sqrt(rest[0] / 97 * np.linalg.inv(X.T @ X)[2, 2])
    assert pytest.approx([y[after == 0].mean(), y[after == 1].mean()], abs=0.005) == [1097.75, 849.97]
    assert beta[2] == pytest.approx(-283.6, abs=0.05)
    assert beta[2] == pytest.approx(found.estimate, abs=0.1 * se)
    assert 1 < found.standard_error / se < 1.4
    assert 0 < found.rho < 0.4
    assert found.high < 0


@pytest.mark.parametrize("seed", range(10))
def test_against_dense_likelihood(seed):
    """Another parametrisation of the same likelihood finds the same shift and standard error."""
    data = series(seed, n=45, shift=-0.3)

    rho, shift, se = dense(*data)

    found = level_shift(*data)
    assert rho == pytest.approx(found.rho)
    assert shift == pytest.approx(found.estimate, abs=1e-3 * se)
    assert se == pytest.approx(found.standard_error, rel=1e-3)


def test_exact_line_with_a_step():
    """Almost without noise the step comes back, whatever the slope."""
    rng = np.random.default_rng(1)
    time, after = np.arange(30.0), (np.arange(30) >= 20).astype(float)

    found = level_shift(5 - 0.1 * time + 2 * after + rng.normal(0, 1e-3, 30), np.ones(30), time, after)

    assert found.estimate == pytest.approx(2, abs=0.003)
    assert found.low < 2 < found.high


@pytest.mark.parametrize(
    ("change", "factor"),
    [
        pytest.param(lambda y, n, t, a: (1000 * y, n, t, a), 1000, id="unit-of-the-outcome"),
        pytest.param(lambda y, n, t, a: (y + 77, n, t, a), 1, id="level"),
        pytest.param(lambda y, n, t, a: (y + 0.3 * t, n, t, a), 1, id="slope"),
        pytest.param(lambda y, n, t, a: (y, n, t + 5200, a), 1, id="another-century"),
        pytest.param(lambda y, n, t, a: (-y, n, t, a), -1, id="sign"),
        pytest.param(lambda y, n, t, a: tuple(v[::-1] for v in (y, n, t, a)), 1, id="order"),
    ],
)
def test_invariance(change, factor):
    """Units, a constant, a slope and the order of rows change the answer as they should, or not at all."""
    data = series(4, shift=-0.3)
    plain, other = level_shift(*data), level_shift(*change(*data))

    assert factor * plain.estimate == pytest.approx(other.estimate, rel=1e-3)
    assert abs(factor) * plain.standard_error == pytest.approx(other.standard_error, rel=1e-3)


def test_null_size():
    """With autocorrelated weeks and no shift, 5 % of 95 % intervals may miss zero; 80 series: Monte-Carlo s.e. 2.4."""
    n = 80
    found = [level_shift(*series([11, seed], n=36, rho=0.5)) for seed in range(n)]

    missed = sum(not f.low <= 0 <= f.high for f in found) / n

    assert missed <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / n)


def test_a_trend_is_not_a_shift():
    """A steady trend that was there before is no effect: as many intervals miss zero as without it."""
    n = 15
    slow, fast = (
        [level_shift(*series([12, seed], n=36, trend=trend)).estimate for seed in range(n)] for trend in (0, -0.02)
    )

    assert slow == pytest.approx(fast, abs=0.02)


def test_autocorrelation_costs_degrees_of_freedom():
    """Weeks that repeat each other count less: the interval is that of Student's t with fewer degrees of freedom."""
    found = level_shift(*series(5, rho=0.9, sd=0.6))

    assert found.rho > 0.3
    assert int(57 * (1 - found.rho) / (1 + found.rho)) == found.df
    half = stats.t.ppf(0.975, found.df) * found.standard_error
    assert (found.low, found.high) == pytest.approx((found.estimate - half, found.estimate + half))


@pytest.mark.parametrize("weeks", [pytest.param((2, 20), id="before"), pytest.param((20, 2), id="after")])
def test_too_few_weeks(weeks):
    """Fewer than 3 weeks on a side are refused, with both counts."""
    after = np.repeat([0.0, 1.0], weeks)

    with pytest.raises(ValueError, match=f"3 weeks on each side, but got {weeks[0]} and {weeks[1]}"):
        level_shift(np.arange(22.0), np.ones(22), np.arange(22.0), after)


def test_series_without_any_noise_has_no_certainty_to_offer():
    """A series that never moves gives no shift: zero lies in the interval, or the series is refused."""
    time, after = np.arange(30.0), (np.arange(30) >= 20).astype(float)

    try:
        found = level_shift(np.ones(30), np.ones(30), time, after)
    except ValueError:
        return

    assert found.low <= 0 <= found.high
