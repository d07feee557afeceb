"""Kaplan-Meier and Aalen-Johansen: published tables, a slower second implementation, edges."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prodops_analysis.estimators.survival import aalen_johansen, kaplan_meier

# Weeks in remission under 6-MP, 21 children: Freireich et al. 1963, as printed in Kleinbaum & Klein, Survival
# Analysis, 3rd ed. 2012, table 1.1, and Kalbfleisch & Prentice 2002, sec. 1.
SIX_MP = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
SIX_MP_ENDED = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]
# Weeks to relapse in acute myelogenous leukaemia: Miller, Survival Analysis, 1981, p. 49; data set `aml` of R survival.
MAINTAINED = [9, 13, 13, 18, 23, 28, 31, 34, 45, 48, 161]
MAINTAINED_ENDED = [1, 1, 0, 1, 1, 0, 1, 1, 0, 1, 0]
OTHERS = [5, 5, 8, 8, 12, 16, 23, 27, 30, 33, 43, 45]
OTHERS_ENDED = [1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1]


def redistributed(times, cause):
    """Shares ended by each cause, with no products: an open item hands its mass to all seen longer (Efron 1967)."""
    rows = sorted(zip(times, [c == 0 for c in cause], cause, strict=True), key=lambda row: row[:2])
    mass = [1 / len(rows)] * len(rows)
    for i, (_, is_open, _) in enumerate(rows):
        if is_open and i + 1 < len(rows):
            share = mass[i] / (len(rows) - i - 1)
            mass = mass[:i] + [0.0] + [m + share for m in mass[i + 1 :]]
    ends = [(t, c, m) for (t, is_open, c), m in zip(rows, mass, strict=True) if not is_open]
    return lambda t, c: sum(m for when, what, m in ends if when <= t and what == c)


def drawn(seed):
    """Times with ties, and causes 0 (open), 1 and 2."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 60))
    return rng.integers(0, 12, n).astype(float), rng.integers(0, 3, n)


def test_leukaemia_remission_survival():
    """Kleinbaum & Klein 2012, p. 64: survival of the 6-MP group at its failure times, with the numbers at risk."""
    curve = kaplan_meier(SIX_MP, SIX_MP_ENDED)

    at = np.isin(curve.time, [6, 7, 10, 13, 16, 22, 23])
    expected = [0.8571, 0.8067, 0.7529, 0.6902, 0.6275, 0.5378, 0.4482]
    assert expected == curve.survival[at].round(4).tolist()
    assert curve.at_risk[at].tolist() == [21, 17, 15, 12, 11, 7, 6]
    assert (curve.n, curve.n_open) == (21, 12)


def test_leukaemia_remission_interval():
    """R survival, survfit(Surv(time, status) ~ 1, conf.type = "log-log") on the 6-MP group, 3 decimals."""
    curve = kaplan_meier(SIX_MP, SIX_MP_ENDED)

    at = np.isin(curve.time, [6, 7, 10, 13, 16, 22, 23])
    assert curve.low[at].round(3).tolist() == [0.620, 0.563, 0.503, 0.432, 0.368, 0.268, 0.188]
    assert curve.high[at].round(3).tolist() == [0.952, 0.923, 0.889, 0.849, 0.805, 0.747, 0.680]


def test_interval_follows_greenwood():
    """The bounds are S ** exp(-+ z se / log S) with Greenwood's variance, written out by hand."""
    curve = kaplan_meier(SIX_MP, SIX_MP_ENDED, confidence=0.9)
    deaths = {6: 3, 7: 1, 10: 1, 13: 1, 16: 1, 22: 1, 23: 1}
    t, z = 13, 1.6448536269514722
    S = curve.survival[curve.time == t][0]
    n = dict(zip(curve.time, curve.at_risk, strict=True))
    greenwood = sum(d / (n[k] * (n[k] - d)) for k, d in deaths.items() if k <= t)

    spread = z * np.sqrt(greenwood) / abs(np.log(S))

    assert S ** np.exp(spread) == pytest.approx(curve.low[curve.time == t][0], abs=1e-12)
    assert S ** np.exp(-spread) == pytest.approx(curve.high[curve.time == t][0], abs=1e-12)


@pytest.mark.parametrize(
    ("times", "ended", "share", "expected"),
    [
        pytest.param(SIX_MP, SIX_MP_ENDED, 0.5, 23, id="6-MP-median-Kleinbaum-Klein"),
        pytest.param(PLACEBO, [1] * 21, 0.5, 8, id="placebo-median-Kleinbaum-Klein"),
        pytest.param(MAINTAINED, MAINTAINED_ENDED, 0.5, 31, id="aml-maintained-R-survival"),
        pytest.param(OTHERS, OTHERS_ENDED, 0.5, 23, id="aml-others-R-survival"),
        pytest.param([1, 2, 3, 4], [1, 1, 1, 1], 0.5, 2, id="curve-on-the-line-counts-as-reached"),
        pytest.param([1, 2, 3, 4], [1, 1, 1, 1], 0.51, 3, id="just-beyond-the-line"),
        pytest.param([5, 5, 5], [1, 1, 1], 0.85, 5, id="all-ended-at-one-time"),
        pytest.param([1, 9, 9, 9], [1, 0, 0, 0], 0.5, float("nan"), id="never-falls-so-far"),
        pytest.param([1, 2], [0, 0], 0.1, float("nan"), id="all-open"),
    ],
)
def test_quantile(times, ended, share, expected):
    """A quantile is the first time by which the share has ended, or missing; never the longest time seen."""
    assert expected == pytest.approx(kaplan_meier(times, ended).quantile(share), nan_ok=True)


def test_median_interval():
    """R survival, conf.type = "log-log": median 23 (13 to open end) on 6-MP; 8 (4 to 11) on placebo."""
    six, placebo = kaplan_meier(SIX_MP, SIX_MP_ENDED), kaplan_meier(PLACEBO, [1] * 21)

    assert (13, pytest.approx(float("nan"), nan_ok=True)) == six.quantile_interval(0.5)
    assert placebo.quantile_interval(0.5) == (4, 11)


@pytest.mark.parametrize(
    ("times", "ended", "horizon", "expected"),
    [
        pytest.param(MAINTAINED, MAINTAINED_ENDED, 161, 52.6, id="aml-maintained-R-rmean"),
        pytest.param(OTHERS, OTHERS_ENDED, 161, 22.7, id="aml-others-R-rmean"),
        pytest.param([2, 4], [1, 1], 3, 2.5, id="half-by-hand"),
        pytest.param([2, 4], [1, 1], 100, 3.0, id="beyond-all-ends-is-the-mean"),
        pytest.param([2, 4], [1, 1], 1, 1.0, id="before-the-first-end"),
        pytest.param([7, 8], [0, 0], 5, 5.0, id="all-open"),
    ],
)
def test_restricted_mean(times, ended, horizon, expected):
    """The area under the curve; R: print(survfit(Surv(time, status) ~ x, aml), rmean = 161) gives 52.6 and 22.7."""
    assert expected == round(kaplan_meier(times, ended).restricted_mean(horizon), 1)


@pytest.mark.parametrize("seed", range(40))
def test_kaplan_meier_against_redistribution(seed):
    """Product-limit and redistribution to the right are one estimator, ties and all."""
    times, cause = drawn(seed)

    curve = kaplan_meier(times, cause > 0)
    ended_by = redistributed(times, (cause > 0).astype(int))

    assert [1 - ended_by(t, 1) for t in curve.time] == pytest.approx(curve.survival.tolist(), abs=1e-9)


@pytest.mark.parametrize("seed", range(40))
def test_aalen_johansen_against_redistribution(seed):
    """Cumulative incidence is the mass that redistribution gives to each cause."""
    times, cause = drawn(seed)

    found = aalen_johansen(times, cause)
    ended_by = redistributed(times, cause)

    for c in set(cause[cause > 0].tolist()):
        expected = [ended_by(t, c) for t in found.time]
        assert expected == pytest.approx([found.at(t, c) for t in found.time], abs=1e-9)


def test_aalen_johansen_by_hand():
    """Five items: done at 1, dropped at 2, open at 2, done at 3, open at 4; S is 4/5, 3/5, 3/10."""
    found = aalen_johansen([1, 2, 2, 3, 4], [1, 2, 0, 1, 0])

    assert found.causes == (1, 2)
    assert pytest.approx([found.at(t, 1) for t in (1, 2, 3, 4)]) == [0.2, 0.2, 0.5, 0.5]
    assert pytest.approx([found.at(t, 2) for t in (1, 2, 3, 4)]) == [0.0, 0.2, 0.2, 0.2]
    assert (found.n, found.n_open) == (5, 2)


@pytest.mark.parametrize("seed", range(30))
def test_shares_and_open_share_make_one(seed):
    """What ended by any cause plus Kaplan-Meier's open share is everything; with one cause it is 1 - S."""
    times, cause = drawn(seed)

    found, curve = aalen_johansen(times, cause), kaplan_meier(times, cause > 0)

    assert np.ones(len(curve.time)) == pytest.approx(found.share.sum(axis=1) + curve.survival, abs=1e-9)
    single = aalen_johansen(times, (cause > 0).astype(int))
    assert (1 - curve.survival).tolist() == pytest.approx([single.at(t, 1) for t in curve.time], abs=1e-9)


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        pytest.param(0.5, 0.0, id="before-the-first-time"),
        pytest.param(1.0, 0.5, id="on-a-time"),
        pytest.param(1.5, 0.5, id="between"),
        pytest.param(99.0, 1.0, id="after-the-last"),
    ],
)
def test_share_at(time, expected):
    """The share at any instant is that of the last step before it."""
    assert expected == aalen_johansen([1, 2], [1, 1]).at(time, 1)


def test_nothing_ended():
    """With open items only the curve stays at 1, its interval is unknown, and no share has ended."""
    curve = kaplan_meier([3, 1, 2], [False] * 3)

    assert (curve.time.tolist(), curve.survival.tolist(), curve.n_open) == ([1, 2, 3], [1.0] * 3, 3)
    assert np.isnan(curve.low).all()
    assert np.isnan(curve.high).all()
    assert aalen_johansen([3, 1, 2], [0, 0, 0]).at(9, 1) == 0


def test_open_at_the_same_instant_counts_as_at_risk():
    """An item last seen open at t was at risk of ending at t: Kaplan & Meier's convention."""
    assert kaplan_meier([5, 5], [1, 0]).survival[0] == 0.5


@given(st.lists(st.tuples(st.integers(0, 30), st.booleans()), min_size=1, max_size=30), st.floats(0.1, 10))
def test_unit_does_not_matter(rows, factor):
    """Days or hours: the curve is the same, its quantiles scale; it never rises and keeps within 0 and 1."""
    times, ended = np.array([t for t, _ in rows], dtype=float), [d for _, d in rows]
    one, other = kaplan_meier(times, ended), kaplan_meier(times * factor, ended)

    assert one.survival.tolist() == pytest.approx(other.survival.tolist())
    assert one.quantile(0.5) * factor == pytest.approx(other.quantile(0.5), nan_ok=True)
    assert np.all(np.diff(one.survival) <= 1e-12)
    assert np.all((one.survival >= -1e-12) & (one.survival <= 1))


@pytest.mark.parametrize(
    ("times", "ended", "message"),
    [
        pytest.param([], [], "no times", id="empty"),
        pytest.param([1.0, float("nan")], [1, 1], "finite and not negative, but got nan", id="missing-time"),
        pytest.param([1.0, float("inf")], [1, 1], "finite and not negative, but got inf", id="endless-time"),
        pytest.param([-1.0, 2.0], [1, 1], "finite and not negative, but got -1", id="negative"),
        pytest.param([1.0, 2.0], [1], r"but got \(2,\) and \(1,\)", id="lengths-differ"),
        pytest.param([[1.0], [2.0]], [[1], [0]], "two vectors", id="not-a-vector"),
    ],
)
@pytest.mark.parametrize("estimator", [kaplan_meier, aalen_johansen])
def test_invalid_times(estimator, times, ended, message):
    """What cannot be a time is refused, with what was found."""
    with pytest.raises(ValueError, match=message):
        estimator(times, ended)


def test_results_are_frozen():
    """A result cannot be changed after the fact."""
    for found in (kaplan_meier([1], [1]), aalen_johansen([1], [1])):
        with pytest.raises(AttributeError):
            found.n = 5
