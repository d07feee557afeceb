"""Brier score and calibration table: published scores, hand-sized bins, a slow second implementation, refusals."""

import numpy as np
import pytest

from prodops_analysis.estimators.calibration import calibration


def drawn(seed):
    """Statements in tenths and outcomes that follow them half of the way."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 80))
    stated = rng.integers(0, 11, n) / 10
    return stated, (rng.uniform(size=n) < 0.25 + stated / 2).astype(int)


def by_bins(stated, happened):
    """Reliability, resolution and uncertainty from a dictionary of fifths, with the two terms within bins."""
    bins = {}
    for p, o in zip(stated, happened, strict=True):
        bins.setdefault(min(round(10 * p) // 2, 4), []).append((p, o))
    n, overall = len(stated), sum(happened) / len(stated)
    reliability = resolution = within = 0.0
    for rows in bins.values():
        p, o = (sum(column) / len(rows) for column in zip(*rows, strict=True))
        reliability += len(rows) / n * (p - o) ** 2
        resolution += len(rows) / n * (o - overall) ** 2
        # Stephenson et al. 2008: within-bin variance less twice the within-bin covariance
        within += sum((q - p) ** 2 - 2 * (q - p) * (r - o) for q, r in rows) / n
    return reliability, resolution - within, overall * (1 - overall)


@pytest.mark.parametrize(
    ("stated", "happened", "score"),
    [
        pytest.param([0.1, 0.9, 0.8, 0.3], [0, 1, 1, 0], 0.0375, id="scikit-learn-brier_score_loss"),
        pytest.param([0.7], [1], 0.09, id="rain-stated-70-came"),
        pytest.param([0.3], [1], 0.49, id="rain-stated-30-came"),
        pytest.param([0.5], [0], 0.25, id="no-courage"),
        pytest.param([1, 0], [1, 0], 0, id="always-right"),
        pytest.param([1, 0], [0, 1], 1, id="always-wrong"),
    ],
)
def test_published_scores(stated, happened, score):
    """Worked examples of the documentation of scikit-learn and of the encyclopedia's article on the score."""
    assert score == pytest.approx(calibration(stated, happened).brier)


@pytest.mark.parametrize(
    ("count", "n", "low", "high"),
    [
        pytest.param(81, 263, 0.2553, 0.3662, id="81-of-263"),
        pytest.param(15, 148, 0.0624, 0.1605, id="15-of-148"),
        pytest.param(0, 20, 0.0, 0.1611, id="0-of-20"),
        pytest.param(1, 29, 0.0061, 0.1718, id="1-of-29"),
    ],
)
def test_published_intervals(count, n, low, high):
    """Newcombe 1998, table I, method 3: Wilson's interval for the share of a bin."""
    found = calibration([0.7] * n, [1] * count + [0] * (n - count))

    assert [low, high] == [round(float(found.low[0]), 4), round(float(found.high[0]), 4)]


def test_table_by_hand():
    """0.6 and 0.7 belong to 60-80 %, 1 to the highest fifth; a fifth with nobody in it is not shown."""
    found = calibration([0.1, 0.6, 0.7, 0.7, 0.8, 1.0], [0, 1, 0, 1, 1, 1])

    assert [0.0, 0.6, 0.8] == pytest.approx(found.lower.tolist())
    assert [0.2, 0.8, 1.0] == pytest.approx(found.upper.tolist())
    assert [1, 3, 2] == found.count.tolist()
    assert pytest.approx([0.1, 2 / 3, 0.9]) == found.stated.tolist()
    assert pytest.approx([0, 2 / 3, 1]) == found.share.tolist()
    assert found.n == 6


@pytest.mark.parametrize("edge", [0.2, 0.4, 0.6, 0.8])
def test_an_edge_belongs_to_the_bin_above(edge):
    """Whatever binary fractions make of 0.6, it opens the fifth from 60 to 80 %."""
    assert edge == pytest.approx(calibration([edge], [1]).lower[0])


@pytest.mark.parametrize("seed", range(40))
def test_parts_against_a_dictionary(seed):
    """Reliability, resolution and uncertainty agree with sums over a dictionary, and make up the score."""
    stated, happened = drawn(seed)
    found = calibration(stated, happened)

    parts = (found.reliability, found.resolution, found.uncertainty)
    assert by_bins(stated.tolist(), happened.tolist()) == pytest.approx(parts)
    assert np.mean((stated - happened) ** 2) == pytest.approx(found.brier)
    assert found.brier == pytest.approx(found.reliability - found.resolution + found.uncertainty)


def test_one_statement_a_bin_is_murphys_decomposition():
    """Murphy 1973, by hand: 0.3 for two of five and 0.9 for four of five, six of ten in all."""
    found = calibration([0.3] * 5 + [0.9] * 5, [1, 1, 0, 0, 0, 1, 1, 1, 1, 0])

    assert 0.5 * 0.1**2 + 0.5 * 0.1**2 == pytest.approx(found.reliability)
    assert 0.5 * 0.2**2 + 0.5 * 0.2**2 == pytest.approx(found.resolution)
    assert pytest.approx(0.24) == found.uncertainty


def test_saying_the_overall_share_has_no_resolution():
    """Stating the share that happens each time is reliable and tells nothing apart."""
    found = calibration([0.4] * 10, [1] * 4 + [0] * 6)

    assert pytest.approx([0, 0, 0.24]) == [found.reliability, found.resolution, found.brier]


@pytest.mark.parametrize("seed", range(10))
def test_order_does_not_matter(seed):
    """Shuffled statements have the same score and the same table."""
    stated, happened = drawn(seed)
    order = np.random.default_rng([seed, 1]).permutation(len(stated))
    one, other = calibration(stated, happened), calibration(stated[order], happened[order])

    assert one.brier == pytest.approx(other.brier)
    assert one.count.tolist() == other.count.tolist()
    assert one.high.tolist() == pytest.approx(other.high.tolist())


@pytest.mark.parametrize(
    ("stated", "happened", "message"),
    [
        pytest.param([], [], r"but got \(0,\) and \(0,\)", id="empty"),
        pytest.param([0.5, 0.5], [1], r"but got \(2,\) and \(1,\)", id="lengths-differ"),
        pytest.param([0.5, 70], [1, 0], "must lie in 0 to 1, but got 70", id="percent"),
        pytest.param([np.nan], [1], "must lie in 0 to 1, but got nan", id="missing-statement"),
        pytest.param([0.5], [np.nan], "is 0 or 1, but got nan", id="missing-outcome"),
        pytest.param([0.5, 0.5], [1, 2], "is 0 or 1, but got 2", id="no-outcome"),
    ],
)
def test_unusable_statements(stated, happened, message):
    """What is no probability or no outcome is refused, with what was found."""
    with pytest.raises(ValueError, match=message):
        calibration(stated, happened)


def test_the_result_is_frozen():
    """A result cannot be changed after the fact."""
    with pytest.raises(AttributeError):
        calibration([0.5], [1]).brier = 0
