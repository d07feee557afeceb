"""Process behaviour chart: published limits, hand-sized signals, a slow second implementation, chance alone."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prodops_analysis.estimators.behaviour import xmr

# Flow rates of ten batches: NIST/SEMATECH e-Handbook of Statistical Methods, sec. 6.3.2.2.
FLOW_RATE = [49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1]
# Viscosity of aircraft primer paint, 15 batches: Montgomery, Introduction to Statistical Quality Control, 2nd ed. 1991,
# p. 242; the same limits in the tests of R's qcc.
VISCOSITY = [33.75, 33.05, 34, 33.81, 33.46, 34.02, 33.68, 33.27, 33.49, 33.20, 33.62, 33.00, 33.54, 33.12, 33.84]
# Wheeler & Chambers, Understanding Statistical Process Control, 2nd ed. 1992, p. 49 and p. 215.
TWELVE = [39, 41, 41, 41, 43, 44, 41, 42, 40, 41, 44, 40]
FORTY_FIVE = [
    905, 930, 865, 895, 905, 885, 890, 930, 915, 910, 920, 915, 925, 860, 905,
    925, 925, 905, 915, 930, 890, 940, 860, 875, 985, 970, 940, 975, 1000, 1035,
    1020, 985, 960, 945, 965, 940, 900, 920, 980, 950, 955, 970, 970, 1035, 1040,
]  # fmt: skip


def chart(values, *phases, **kw):
    """Chart of consecutive phases, given by their lengths; one phase where none is given."""
    lengths = phases or (len(values),)
    return xmr(values, np.repeat(np.arange(len(lengths)), lengths), **kw)


def slow(values, phase):
    """Limits and signals by plain loops over the values of each phase."""
    low, high, outside, run = [], [], [], []
    for label in dict.fromkeys(phase):
        x = [v for v, p in zip(values, phase, strict=True) if p == label]
        centre = sum(x) / len(x)
        ranges = [abs(b - a) for a, b in pairwise(x)]
        reach = 2.66 * sum(ranges) / len(ranges) if ranges else float("nan")
        for i, v in enumerate(x):
            low.append(centre - reach)
            high.append(centre + reach)
            outside.append(v < centre - reach or v > centre + reach)
            windows = [x[j : j + 8] for j in range(len(x) - 7) if j <= i < j + 8]
            run.append(any(min(w) > centre or max(w) < centre for w in windows))
    return low, high, outside, run


@pytest.mark.parametrize(
    ("values", "low", "centre", "high", "decimals"),
    [
        pytest.param(FLOW_RATE, 45.82, 50.81, 55.80, 2, id="NIST-6.3.2.2"),
        pytest.param(VISCOSITY, 32.24, 33.52, 34.80, 2, id="Montgomery-viscosity"),
        pytest.param(TWELVE, 36.82, 41.42, 46.01, 2, id="Wheeler-Chambers-p49"),
        # 862.84 in print, from constants with two decimals
        pytest.param(FORTY_FIVE, 862.8, 936.9, 1010.9, 1, id="Wheeler-Chambers-p215"),
    ],
)
def test_published_limits(values, low, centre, high, decimals):
    """Limits of four published charts for individual values."""
    found = chart(values)

    assert [low, centre, high] == [round(float(a[0]), decimals) for a in (found.low, found.centre, found.high)]


def test_published_moving_range():
    """NIST/SEMATECH e-Handbook, sec. 6.3.2.2: the average moving range is 1.8778."""
    assert round(float(np.nanmean(chart(FLOW_RATE).moving_range)), 4) == 1.8778


def test_published_signals():
    """The 45 values of Wheeler & Chambers 1992, p. 215: six outside the printed limits, runs 1 to 21, 25 to 36."""
    found = chart(FORTY_FIVE)

    assert [14, 23, 30, 31, 44, 45] == (np.flatnonzero(found.outside) + 1).tolist()
    assert [*range(1, 22), *range(25, 37)] == (np.flatnonzero(found.run) + 1).tolist()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param([1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0], [True] * 8 + [False] * 7, id="eight-of-fifteen"),
        pytest.param([1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0], [False] * 14, id="seven-are-none"),
        pytest.param([1] * 8 + [0] * 8, [True] * 16, id="two-runs-side-by-side"),
        pytest.param([2] * 4 + [1] + [2] * 4 + [0] * 8, [False] * 9 + [True] * 8, id="on-the-centre-ends-it"),
        pytest.param([5] * 9, [False] * 9, id="all-on-the-centre"),
    ],
)
def test_eight_on_one_side(values, expected):
    """A stretch of at least eight on one side is marked throughout; a value on the centre belongs to no side."""
    assert expected == chart(values).run.tolist()


def test_a_series_that_never_moves_gives_no_signal():
    """Equal values lie on their limits, not beyond them."""
    assert not chart([5] * 20).outside.any()


def test_limits_change_at_a_new_phase_only():
    """Two phases by hand: 2.66 times 2 around 11, then 2.66 times 4 around 32; no range across the border."""
    found = chart([10, 12, 10, 12, 30, 34, 30, 34], 4, 4)

    assert [11 - 5.32] * 4 + [32 - 10.64] * 4 == pytest.approx(found.low.tolist())
    assert [11 + 5.32] * 4 + [32 + 10.64] * 4 == pytest.approx(found.high.tolist())
    assert pytest.approx([np.nan, 2, 2, 2, np.nan, 4, 4, 4], nan_ok=True) == found.moving_range.tolist()
    assert not found.outside.any()
    assert (found.n, found.n_phases) == (8, 2)


def test_a_run_ends_with_its_phase():
    """Five above the centre at the end of a phase and five at the start of the next are no run of ten."""
    values = [0, 0, 0, 0, 0, 1, 1, 1, 1, 1]

    assert not chart(values + values[::-1], 10, 10).run.any()


def test_a_single_value_has_no_limits():
    """One value says nothing about how much values move: its limits are unknown and it is no signal."""
    found = chart([10, 12, 11, 400], 3, 1)

    assert np.isnan([found.low[3], found.high[3]]).all()
    assert not found.outside.any()
    assert found.centre[3] == 400


@pytest.mark.parametrize(("not_negative", "low"), [(False, 2 - 2.66 * 3), (True, 0.0)])
def test_floor_at_zero_is_asked_for(not_negative, low):
    """The lower limit stops at 0 only where the caller says that the measure does."""
    found = chart([0.5, 3.5, 0.5, 3.5], not_negative=not_negative)

    assert low == pytest.approx(found.low[0])
    assert pytest.approx(2 + 2.66 * 3) == found.high[0]


@pytest.mark.parametrize("seed", range(40))
def test_against_plain_loops(seed):
    """Cumulated sums and loops over each phase give the same limits and signals."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 40, 3)
    values = np.concatenate([rng.choice([-1, 0, 1, 2, 6], n) + 3 * k for k, n in enumerate(lengths)]).tolist()
    phase = np.repeat(["z", "a", "m"], lengths)

    found = xmr(values, phase)

    for expected, actual in zip(slow(values, phase.tolist()), (found.low, found.high), strict=False):
        assert pytest.approx(expected, nan_ok=True) == actual.tolist()
    assert slow(values, phase.tolist())[2:] == (found.outside.tolist(), found.run.tolist())


@given(st.lists(st.integers(-50, 50), min_size=2, max_size=40), st.integers(-1000, 1000))
def test_a_shift_moves_the_limits_along(values, shift):
    """Adding a constant moves centre and limits by it and changes no signal."""
    one, other = chart(values), chart([v + shift for v in values])

    assert (one.low + shift).tolist() == pytest.approx(other.low.tolist())
    assert (one.high + shift).tolist() == pytest.approx(other.high.tolist())
    assert one.moving_range.tolist() == pytest.approx(other.moving_range.tolist(), nan_ok=True)


@given(st.lists(st.integers(-9, 9), min_size=2, max_size=20), st.lists(st.integers(-9, 9), min_size=2, max_size=20))
def test_phases_do_not_touch_each_other(first, second):
    """A phase has the limits, signals and expectation it has alone."""
    both, alone = chart(first + second, len(first), len(second)), [chart(first), chart(second)]

    for name in ("centre", "low", "high", "outside", "run"):
        assert np.concatenate([getattr(a, name) for a in alone]) == pytest.approx(getattr(both, name))
    assert sum(a.expected_false_alarms for a in alone) == pytest.approx(both.expected_false_alarms)


@pytest.mark.parametrize("n", [8, 20, 52, 104, 300])
def test_expected_false_alarms_are_what_luck_gives(n):
    """Charts of independent normal values show as many points outside and stretches as the table says."""
    charts = 120_000 // n
    x = np.random.default_rng([20260101, n]).normal(size=(charts, n))
    found = xmr(x.ravel(), np.repeat(np.arange(charts), n))

    side = (np.sign(x.ravel() - found.centre) * found.run).reshape(x.shape)
    begins = np.diff(side, axis=1, prepend=0) * side > 0
    signals = found.outside.reshape(x.shape).sum(axis=1) + begins.sum(axis=1)

    assert found.expected_false_alarms / charts == pytest.approx(signals.mean(), abs=4 * signals.std() / charts**0.5)


def test_few_points_expect_little():
    """Four points cannot leave their own limits, and two phases expect twice what one does; more points, more luck."""
    assert chart([1, 2, 3, 4]).expected_false_alarms == 0
    assert 2 * chart([1, 2] * 26).expected_false_alarms == pytest.approx(
        chart([1, 2] * 52, 52, 52).expected_false_alarms
    )
    expected = [chart([1, 2] * n).expected_false_alarms for n in (5, 20, 100, 300, 500)]
    assert sorted(expected) == expected
    assert expected[-1] > 5


@pytest.mark.parametrize(
    ("values", "phase", "message"),
    [
        pytest.param([], [], r"but got \(0,\) and \(0,\)", id="empty"),
        pytest.param([1.0, 2.0], ["a"], r"but got \(2,\) and \(1,\)", id="lengths-differ"),
        pytest.param([[1.0], [2.0]], [["a"], ["a"]], "two vectors", id="not-a-vector"),
        pytest.param([1.0, np.nan, np.inf], ["a"] * 3, "2 of 3 values are missing or endless", id="missing"),
        pytest.param([1.0, 2.0, 3.0], ["a", "b", "a"], "3 stretches of 2 labels", id="phase-comes-back"),
    ],
)
def test_unusable_series(values, phase, message):
    """What cannot be charted is refused, with what was found."""
    with pytest.raises(ValueError, match=message):
        xmr(values, phase)


def test_the_result_is_frozen():
    """A result cannot be changed after the fact."""
    with pytest.raises(AttributeError):
        chart([1, 2, 3]).n = 5
