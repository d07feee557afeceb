"""The mixed model: a dense second implementation, published tables, exact hand cases, what it must not depend on."""

import numpy as np
import pytest
from dense import as_weighed, averaged, drawn, table_of, weighed
from test_published import (
    CARD_KRUEGER,
    SICILY_ADMISSIONS,
    SICILY_FIRST_MONTH_AFTER,
    SICILY_POPULATION,
    SICILY_RATE_RATIO,
)

from prodops_analysis.estimators import assumptions, mixed

# Flow of the Nile at Aswan, 10^8 m3 a year, 1871-1970: Cobb 1978; data set `Nile` of R (public domain figures).
# The fall after 1898 is the textbook level shift (Durbin & Koopman 2012, sec. 2.2.5).
NILE = [
    1120, 1160, 963, 1210, 1160, 1160, 813, 1230, 1370, 1140, 995, 935, 1110, 994, 1020, 960, 1180, 799, 958, 1140,
    1100, 1210, 1150, 1250, 1260, 1220, 1030, 1100, 774, 840, 874, 694, 940, 833, 701, 916, 692, 1020, 1050, 969,
    831, 726, 456, 824, 702, 1120, 1100, 832, 764, 821, 768, 845, 864, 862, 698, 845, 744, 796, 1040, 759,
    781, 865, 845, 944, 984, 897, 822, 1010, 771, 676, 649, 846, 812, 742, 801, 1040, 860, 874, 848, 890,
    744, 749, 838, 1050, 918, 986, 797, 923, 975, 815, 1020, 906, 901, 1170, 912, 746, 919, 718, 714, 740,
]  # fmt: skip
OUT = 1e-6  # a size that leaves a term out altogether
SHAPES = {
    "two-of-four": {},
    "one-team": {"units": 1, "first": (18,)},
    "one-of-two": {"units": 2, "first": (20, None)},
    "both-of-two": {"units": 2, "first": (14, 26)},
    "staggered-without-others": {"units": 4, "weeks": 30, "first": (12, 16, 20, 24), "gap": 2},
    "half-of-the-weeks-missing": {"units": 5, "weeks": 30, "first": (12, 16, 20, None, None), "missing": 0.5},
}


def laid_out(table, *, common=True):
    """The panel of a table."""
    return mixed.lay_out(*table.cells, common=common)


def solved(table, *, common=True, slope=OUT, apart=OUT, shock=0.0):
    """The mean effect and its standard error under one set of assumptions: no spell, no growth."""
    panel = laid_out(table, common=common)
    W, _ = mixed.inverse_covariance(panel.n, 0.0, shock)
    sizes = slope, OUT, OUT, OUT, apart
    solved = mixed.equations(panel, W).solve(mixed.priors(panel, np.array([sizes])))
    (value,), (variance,) = solved.values(panel.mean_effect)
    return value, np.sqrt(variance)


def weigh(panel):
    """The fits of a panel of durations."""
    return assumptions.weigh(panel, assumptions.odds_of(common=panel.common, counts=False))


def mean_effect(panel, fits):
    """The mean effect of each combination of assumptions, as triples of weight, value and variance."""
    return list(as_weighed(fits, panel.mean_effect).values())


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("seed", [1, 2])
def test_against_one_covariance(seed, shape):
    """Sweeping, projecting and ridge coefficients agree with one dense covariance, for every set of assumptions."""
    table = drawn([seed, 7], **SHAPES[shape])
    common = len(set(table.unit)) > 1
    panel = laid_out(table, common=common)

    slow, fits = weighed(table, common=common), weigh(panel)

    fast = as_weighed(fits, panel.mean_effect)
    assert {key for key, (weight, _, _) in slow.items() if weight > 0} == set(fast)
    assert [slow[key][0] for key in fast] == pytest.approx([weight for weight, _, _ in fast.values()], abs=1e-9)
    assert averaged(slow.values()) == pytest.approx(averaged(fast.values()), rel=1e-7)
    assert [slow[key][1:] for key in fast] == [pytest.approx(fast[key][1:], rel=1e-6, abs=1e-9) for key in fast]


def test_weeks_that_nobody_saw():
    """Weeks missing for every team, and a team that came late and left early, agree with the dense covariance."""
    table = drawn(5, units=4, first=(16, 22, None, None))
    table = table.only(~np.isin(table.time, [3, 4, 19, 30]) & ((table.unit != 3) | (abs(table.time - 15) < 8)))

    panel = laid_out(table)

    expected = averaged(weighed(table, common=True).values())
    assert expected == pytest.approx(averaged(mean_effect(panel, weigh(panel))), rel=1e-7)


def test_weights_of_assumptions():
    """Weights add up to one, heaviest first, and none is a hundred times lighter than the first of its kind."""
    fits = weigh(laid_out(drawn(3)))
    weights = fits.weight.tolist()

    assert sum(weights) == pytest.approx(1)
    assert sorted(weights, reverse=True) == weights
    for spell in (True, False):
        own = fits.weight[fits.spell == spell]
        assert min(own) >= assumptions.LEAST_WEIGHT * max(own)


def test_error_of_an_average_by_hand():
    """Estimates 1 and 3 of variances 1 and 4, weights 3/4 and 1/4: 3/4 and 1 from theirs, 3/4 as they lie apart."""
    value, variance, weight = np.array([[1.0, 3.0], [1.0, 4.0], [0.75, 0.25]])

    assert assumptions.averaged(weight, value, variance) == pytest.approx((1.5, np.sqrt(0.75 + 1 + 0.75)))


@pytest.mark.parametrize(("size", "weight"), [(0.0, "little"), (5.0, "half")])
def test_a_spell_gets_half_of_the_weight_at_most(size, weight):
    """However clear a spell before the rollouts is, half of the weight stays with all weeks; else they have more."""
    table = drawn(3, first=(18, 24, 20, None))
    before = (table.since >= -4) & (table.since < 0)

    fits = weigh(laid_out(table.but(y=table.y + size * before)))
    let_in = fits.weight @ fits.spell

    assert let_in == pytest.approx(0.5) if weight == "half" else let_in < 0.5


def test_one_treated_unit_differs_from_no_other():
    """With one adopter there are no differences between adopters to weigh."""
    fits = weigh(laid_out(drawn(3, first=(18, None, None, None))))

    assert {mixed.NONE} == set(fits.sizes[:, mixed.APART])


def test_columns_by_hand():
    """A rollout in week 10 with two weeks of transition: near is 6 to 9, far 2 to 5, growth runs up to 26 weeks on."""
    panel = laid_out(table_of([np.arange(50.0), np.arange(50.0)], [10, None], gap=2))

    D, grown, near, far, late, rising = panel.X[0].T
    assert not late.any()
    assert list(range(12, 50)) == np.flatnonzero(D).tolist()
    assert list(range(6, 10)) == np.flatnonzero(near).tolist()
    assert list(range(2, 6)) == np.flatnonzero(far).tolist()
    share = np.minimum(np.arange(2, 40), 26) / 26
    assert share - share.mean() == pytest.approx(grown[12:])
    assert not grown[:12].any()
    risen = np.minimum(np.arange(2, 40) + 0.5, 26)
    assert risen / risen.mean() == pytest.approx(rising[12:])
    assert not rising[:12].any()
    assert not panel.X[1].any()
    assert [0] == panel.treated.tolist()
    assert [-24.5 / 52, 24.5 / 52] == pytest.approx(panel.year[1, [0, -1]])


def test_the_order_of_adoption_by_hand():
    """Rollouts in weeks 10, 12 and 14 are 0, 1/2 and 1 of the way, centred on the 10, 8 and 6 treated weeks."""
    panel = laid_out(table_of(np.zeros((4, 20)), [10, 12, 14, None]))

    late = panel.X[:, -1, mixed.OMEGA]
    assert [-5 / 12, 1 / 12, 7 / 12, 0] == pytest.approx(late)
    assert not panel.X[:, 9, mixed.OMEGA].any()


def test_mean_effect_is_that_of_items():
    """Adopters with 3 and 1 items a week count by their items; growth is centred on them."""
    n = np.ones((3, 20))
    n[0] = 3.0
    panel = laid_out(table_of(np.zeros((3, 20)), [10, 15, None], n=n))

    tau, gamma, near, far, omega, kappa, first, second, *slopes = panel.mean_effect
    assert [1, 0, 0, 0, 0, 1] == pytest.approx([tau, gamma, near, far, omega, kappa])
    assert [30 / 35, 5 / 35] == pytest.approx([first, second])
    assert [0.0] * 3 == slopes


def test_mean_effect_without_a_unit():
    """Without the first of two adopters only the second one's items and growth are left."""
    panel = laid_out(table_of(np.zeros((3, 20)), [10, 15, None])).without(0)

    tau, gamma, _, _, _, kappa, first, second, *_ = panel.mean_effect
    assert [1, 0, 1] == pytest.approx([tau, first, second])
    assert 5 / 2 / ((10**2 + 5**2) / 2 / 15) == pytest.approx(kappa)  # half a week in each of ten weeks and of five
    assert np.mean(panel.X[1, 15:, mixed.GAMMA]) == pytest.approx(gamma)
    assert gamma < 0


def test_two_by_two_is_difference_in_differences():
    """Treated units go from 10 to 7 and 12 to 9, the others from 4 to 5 and 6 to 7: -3 - 1 = -4."""
    value, _ = solved(table_of([[10, 7], [12, 9], [4, 5], [6, 7]], [1, 1, None, None], n=1e6))

    assert value == pytest.approx(-4, abs=1e-4)


def test_standard_error_by_hand():
    """Two units of 50 items a week, five weeks before and five after: four means of 250 items, sd 2 / sqrt(250)."""
    _, error = solved(table_of(np.zeros((2, 10)), [5, None], n=50.0))

    assert error == pytest.approx(2 / np.sqrt(250), rel=1e-4)


def test_shocks_without_memory_cost_as_much_as_items():
    """A weekly shock of variance 0.04 beside the noise of 25 items, 0.04 too, makes the error 1.41 times as large."""
    table = table_of(np.zeros((2, 10)), [5, None], n=25.0)

    assert solved(table, shock=0.2)[1] / solved(table)[1] == pytest.approx(np.sqrt(2), rel=1e-3)


def test_published_staggered_example():
    """Borusyak et al. 2024, eq. 5: one effect for all is A2 + B3 / 2 - A3 / 2, with less of A3 if units differ."""
    a2, a3, b3 = 1.0, 9.0, 2.0
    table = table_of([[5, 6 + a2, 8 + a3]] * 2 + [[3, 4, 6 + b3]] * 2, [1, 1, 2, 2], n=1e6)

    assert solved(table)[0] == pytest.approx(a2 + b3 / 2 - a3 / 2, abs=1e-3)
    assert solved(table, apart=mixed.FREE)[0] > solved(table)[0]


def test_card_and_krueger():
    """Card & Krueger 1994, table 3: jobs a store rose by 2.76 in New Jersey beside Pennsylvania (2.75 rounded)."""
    stores = np.array([[331.0, 331.0], [79.0, 79.0]])  # of the survey; an outcome of sd 9
    value, error = solved(table_of(np.array(list(CARD_KRUEGER.values())) / 9, [1, None], n=stores))

    assert 9 * value == pytest.approx(2.75, abs=0.002)
    assert 9 * error == pytest.approx(9 * np.sqrt(2 / 331 + 2 / 79), rel=1e-3)


def test_sicily():
    """Lopez Bernal et al. 2017: one series of counts with its own trend; the ban lowers admissions by 10.6 %."""
    months = np.array([SICILY_ADMISSIONS], dtype=float)
    mean = months
    for _ in range(6):  # Fisher's scoring, one weighted fit after the other
        working = np.log(mean / SICILY_POPULATION) + months / mean - 1
        panel = laid_out(table_of(working, [SICILY_FIRST_MONTH_AFTER - 1], n=mean), common=False)
        W, _ = mixed.inverse_covariance(panel.n, 0.0, 0.0)
        assumed = mixed.priors(panel, np.array([[mixed.FREE, OUT, OUT, OUT, OUT]]))
        theta = mixed.equations(panel, W).solve(assumed).theta[0]
        of_time = panel.X[0] @ theta[: mixed.KAPPA + 1] + panel.year[0] * theta[-1]
        level = np.average(panel.y[0] - of_time, weights=panel.n[0])
        mean = np.exp(level + of_time)[None] * SICILY_POPULATION

    assert SICILY_RATE_RATIO == round(float(np.exp(theta[mixed.TAU])), 3)


def test_nile():
    """Cobb 1978: the flow fell after 1898; with a trend and no memory it is least squares, which says -283.6."""
    value, _ = solved(table_of([np.array(NILE) / 125], [28], n=1.0), common=False, slope=10 * mixed.FREE)

    assert 125 * value == pytest.approx(-283.6, abs=0.6)


def test_no_trend_is_the_difference_of_means():
    """Without any slope the Nile fell from 1097.75 to 849.97, as the means say (Cobb 1978)."""
    value, _ = solved(table_of([np.array(NILE) / 125], [28], n=1.0), common=False)

    assert 125 * value == pytest.approx(849.97 - 1097.75, abs=0.2)


@pytest.mark.parametrize(
    ("change", "factor"),
    [
        pytest.param(lambda t: t.but(y=t.y + 1000), 1, id="level"),
        pytest.param(lambda t: t.but(y=t.y + 100 * np.array([3, -1, 0, 2])[t.unit]), 1, id="levels-of-teams"),
        pytest.param(lambda t: t.but(time=t.time + 5200), 1, id="another-century"),
        pytest.param(lambda t: t.but(y=-t.y), -1, id="sign"),
        pytest.param(lambda t: t.only(np.arange(len(t.y))[::-1]), 1, id="order"),
        pytest.param(lambda t: t.but(unit=np.array([2, 3, 0, 1])[t.unit]), 1, id="names"),
    ],
)
@pytest.mark.parametrize("common", [True, False], ids=["beside-others", "alone"])
def test_invariance(change, factor, common):
    """Levels, names, order and dates change no effect, no error and no weight."""
    table = drawn(4) if common else drawn(4, units=1, first=(18,))
    panel = laid_out(table, common=common)
    other = laid_out(change(table), common=common)

    before, after = (mean_effect(p, weigh(p)) for p in (panel, other))

    assert [(w, factor * value, variance) for w, value, variance in before] == [
        pytest.approx(triple, rel=1e-6, abs=1e-9) for triple in after
    ]


@pytest.mark.parametrize("size", [1.0, 10.0])
def test_what_happens_to_every_team_in_a_week_is_no_effect(size):
    """A shock of a week that all teams share, however large, moves no effect by a hundredth of its error."""
    table = drawn(4)
    shared = size * np.random.default_rng(1).normal(size=60)[table.time]

    (plain, error), (moved, _) = (
        averaged(mean_effect(p, weigh(p))) for p in (laid_out(table), laid_out(table.but(y=table.y + shared)))
    )

    assert plain == pytest.approx(moved, abs=0.01 * error)


def test_an_unseen_cell_says_nothing():
    """A cell of no items may hold any value: nothing changes, to the last bit."""
    table = drawn(4)
    some = np.arange(len(table.y)) % 7 == 0
    unseen = table.but(n=np.where(some, 0.0, table.n))

    one, other = (weigh(laid_out(unseen.but(y=np.where(some, y, table.y)))) for y in (0.0, 1e6))

    assert one.solved.theta.tolist() == other.solved.theta.tolist()
    assert one.weight.tolist() == other.weight.tolist()


def test_only_some_units():
    """Equations of some units are those of a panel in which the others were never seen."""
    panel = laid_out(drawn(6))
    W, _ = mixed.inverse_covariance(panel.n, 0.3, 0.12)
    keep = np.array([True, False, True, True])

    kept, gone = mixed.equations(panel, W, keep=keep), panel.without(1)

    other = mixed.equations(gone, mixed.inverse_covariance(gone.n, 0.3, 0.12)[0])
    assert other.S == pytest.approx(kept.S)
    assert other.r == pytest.approx(kept.r)
    assert other.rest == pytest.approx(kept.rest)
