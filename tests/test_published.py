"""Published results reproduced by our parts, each with its source and its figures typed in.

More of them stand beside the parts they prove: test_survival, test_mixed, test_rollout, test_comparison, test_looks,
test_behaviour, test_pooling, test_portfolio and test_monthly.
"""

from fractions import Fraction

import numpy as np
import pytest
from scipy import optimize

from prodops_analysis.estimators.censored import complete_log_durations
from prodops_analysis.estimators.survival import aalen_johansen, kaplan_meier

# Weeks in remission of 21 children under 6-MP and 21 under placebo: Freireich et al. 1963; Gehan 1965. A 0 is censored.
SIX_MP = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
SIX_MP_ENDED = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]

# Weeks to relapse under maintenance chemotherapy: Miller, Survival Analysis, 1981, p. 49.
MAINTAINED = [9, 13, 13, 18, 23, 28, 31, 34, 45, 48, 161]
MAINTAINED_ENDED = [1, 1, 0, 1, 1, 0, 1, 1, 0, 1, 0]

# Days to infection at a catheter, men and women, negative where censored: McGilchrist & Aisbett 1991; `kidney` of R.
KIDNEY_MEN = [8, 16, 22, 28, 30, 12, 7, 9, 15, 154, 17, -4, 152, 562, 12, 40, 2, 25, 63, -8]
KIDNEY_WOMEN = [
    23, -13, 447, 318, 24, 245, 511, 30, 53, 196, 7, 333, 141, -8, 96, 38, -149, -70, 536, -25, 185, 177, 292, 114,
    -22, -159, 15, -108, 402, -24, 13, 66, 39, -46, -113, 201, 132, 156, 34, 30, 130, 26, 27, 58, -5, 43, 152, 30, 190,
    -5, 119, 8, -54, -16, -6, 78,
]  # fmt: skip

# Months after a transplant for acute leukaemia, and how they ended: 0 censored, 1 death of the treatment, 2 relapse;
# 17 patients with ALL and 18 with AML: Scrucca, Santucci & Aversa 2007.
LYMPHOBLASTIC = [
    (13, 2), (1, 1), (72, 0), (7, 2), (8, 2), (9, 2), (5, 2), (1, 2), (22, 2), (0, 2), (0, 1), (35, 0), (4, 2), (14, 2),
    (26, 2), (3, 2), (12, 1),
]  # fmt: skip
MYELOID = [
    (67, 0), (70, 0), (4, 0), (7, 0), (68, 0), (10, 2), (7, 2), (3, 1), (4, 1), (4, 1), (3, 1), (3, 1), (8, 1), (2, 2),
    (35, 0), (2, 0), (8, 0), (32, 0),
]  # fmt: skip

# Deaths from cholera in 1849 and 1854 by sub-district of south London: Snow 1855, table XII, p. 90. In between, the
# Lambeth company, which shared the supply of the last 16, moved its intake to clean water.
SNOW_SOUTHWARK_ONLY = [
    (283, 371), (157, 161), (192, 148), (249, 362), (259, 244), (226, 237), (352, 282), (111, 171), (97, 59), (8, 9),
    (235, 240), (92, 174),
]  # fmt: skip
SNOW_SHARED_WITH_LAMBETH = [
    (256, 113), (267, 174), (312, 270), (257, 93), (318, 210), (446, 388), (143, 92), (193, 58), (243, 117), (215, 49),
    (544, 193), (187, 303), (153, 142), (81, 48), (114, 165), (176, 132),
]  # fmt: skip
# Coleman 2019 (Causality in the Time of Cholera), Poisson with sub-district and year effects: shared x 1854.
SNOW_LOG_RATIO = -0.51088

# Cumulative claims by year of origin (rows) and of development: Taylor & Ashe 1983. Their increments are a staggered
# panel of counts: the Poisson row and column effects of what is known say what to expect beyond the diagonal.
TAYLOR_ASHE_CUMULATIVE = [
    [357848, 1124788, 1735330, 2218270, 2745596, 3319994, 3466336, 3606286, 3833515, 3901463],
    [352118, 1236139, 2170033, 3353322, 3799067, 4120063, 4647867, 4914039, 5339085],
    [290507, 1292306, 2218525, 3235179, 3985995, 4132918, 4628910, 4909315],
    [310608, 1418858, 2195047, 3757447, 4029929, 4381982, 4588268],
    [443160, 1136350, 2128333, 2897821, 3402672, 3873311],
    [396132, 1333217, 2180715, 2985752, 3691712],
    [440832, 1288463, 2419861, 3483130],
    [359480, 1421128, 2864498],
    [376686, 1363294],
    [344014],
]
# Expected beyond the diagonal, by year of origin and in all: England & Verrall 2002; in thousands, Mack 1993.
TAYLOR_ASHE_EXPECTED = [94634, 469511, 709638, 984889, 1419459, 2177641, 3920301, 4278972, 4625811]
TAYLOR_ASHE_TOTAL = 18_680_856

# Full-time equivalents a store before and after the minimum wage rose in New Jersey: Card & Krueger 1994, table 3.
CARD_KRUEGER = {"New Jersey": (20.44, 21.03), "Pennsylvania": (23.33, 21.17)}
CARD_KRUEGER_EFFECT = 2.76  # from unrounded means; the rounded ones give 2.75

# Admissions for acute coronary events in Sicily, January 2002 to November 2006, and the age-standardised population;
# no smoking in public places from January 2005, the 37th month: Lopez Bernal, Cummins & Gasparrini 2017.
SICILY_ADMISSIONS = [
    728, 659, 791, 734, 757, 726, 760, 740, 720, 814, 795, 858, 887, 766, 851, 769, 781, 756, 766, 752, 765, 831, 879,
    928, 914, 808, 937, 840, 916, 828, 845, 818, 860, 839, 887, 886, 831, 796, 833, 820, 877, 758, 767, 738, 781, 843,
    850, 908, 1021, 859, 976, 888, 962, 838, 810, 876, 843, 936, 912,
]  # fmt: skip
SICILY_POPULATION = [
    379875.3, 376495.5, 377040.8, 377116.4, 377383.4, 374113.1, 379513.3, 376295.5, 374653.2, 378485.6, 375955.5,
    378349.7, 376762.4, 379032.3, 379360.4, 376162.0, 377972.4, 381830.7, 379888.6, 380872.2, 380966.9, 381240.4,
    382104.9, 381802.7, 381656.3, 383680.0, 383504.2, 386462.9, 383783.1, 380836.8, 383483.0, 380906.2, 382926.8,
    384052.4, 384449.6, 383428.4, 388153.2, 388373.2, 386470.1, 386033.2, 383686.4, 385509.3, 385901.9, 386516.6,
    388436.5, 383255.2, 390148.7, 385874.9, 391613.6, 391750.4, 394005.6, 391364.9, 391664.6, 389022.3, 391878.5,
    388575.3, 392989.0, 390018.8, 390712.3,
]  # fmt: skip
SICILY_FIRST_MONTH_AFTER = 37
SICILY_RATE_RATIO = 0.894  # step change beside a linear trend, Poisson; with two pairs of seasonal waves 0.885


def by_sign(times):
    """Times and whether they ended; a negative time is censored."""
    return np.abs(times), np.asarray(times) > 0


def incidence(rows):
    """Shares ended by cause at each time, in exact fractions: hazards of each cause times the share still there."""
    still, shares, table = Fraction(1), {1: Fraction(0), 2: Fraction(0)}, {}
    for t in sorted({t for t, _ in rows}):
        at_risk = sum(s >= t for s, _ in rows)
        ends = {c: sum(row == (t, c) for row in rows) for c in (1, 2)}
        for c, d in ends.items():
            shares[c] += still * Fraction(d, at_risk)
        still *= 1 - Fraction(sum(ends.values()), at_risk)
        table[t] = (float(shares[1]), float(shares[2]))
    return table


def poisson(y, columns, offset):
    """Coefficients of a Poisson regression by a general optimiser."""
    X = np.column_stack(columns)

    def loss(beta):
        mean = np.exp(X @ beta + offset)
        return mean.sum() - y @ (X @ beta), X.T @ (mean - y)

    start = np.zeros(X.shape[1])
    start[0] = np.log(y.sum() / np.exp(offset).sum())
    found = optimize.minimize(loss, start, jac=True, method="BFGS", options={"gtol": 1e-7, "maxiter": 5000})
    return found.x


def test_remission_of_leukaemia():
    """Kleinbaum & Klein 2012: S(6) = 0.857 and S(23) = 0.448 under 6-MP, medians 23 and 8."""
    six, placebo = kaplan_meier(SIX_MP, SIX_MP_ENDED), kaplan_meier(PLACEBO, [1] * 21)

    assert [0.857, 0.448] == [round(float(six.survival[six.time == t][0]), 3) for t in (6, 23)]
    assert [23, 8] == [six.quantile(0.5), placebo.quantile(0.5)]


@pytest.mark.parametrize(
    ("times", "ended", "mean"),
    [
        pytest.param(SIX_MP, SIX_MP_ENDED, 23.29, id="6-MP"),
        pytest.param(PLACEBO, [1] * 21, round(182 / 21, 2), id="placebo-all-ended"),
    ],
)
def test_restricted_mean_of_leukaemia(times, ended, mean):
    """Mean weeks in remission up to week 35: 23.29 in lifelines; the plain mean, 182 / 21, where all relapsed."""
    assert mean == round(kaplan_meier(times, ended).restricted_mean(35), 2)


@pytest.mark.parametrize(
    ("times", "median", "interval"),
    [
        pytest.param(KIDNEY_MEN, 22, (12, 30), id="men"),
        pytest.param(KIDNEY_WOMEN, 130, (58, 185), id="women"),
    ],
)
def test_interval_of_a_median(times, median, interval):
    """As SAS PROC LIFETEST prints (Brookmeyer & Crowley, log-log): 22 (12, 30) and 130 (58, 185) days."""
    curve = kaplan_meier(*by_sign(times))

    assert median == curve.quantile(0.5)
    assert interval == curve.quantile_interval(0.5)


@pytest.mark.parametrize(
    ("rows", "treatment", "relapse"),
    [
        pytest.param(LYMPHOBLASTIC, 3 / 17, 12 / 17, id="ALL"),
        pytest.param(MYELOID, 0.3682, 0.2057, id="AML"),
    ],
)
def test_competing_ends_after_transplant(rows, treatment, relapse):
    """Data of Scrucca et al. 2007: cumulative incidence at the end as in statsmodels, on the way in exact fractions."""
    times, causes = zip(*rows, strict=True)
    found = aalen_johansen(times, causes)

    assert [treatment, relapse] == pytest.approx([found.at(60, 1), found.at(60, 2)], abs=5e-5)
    for t, expected in incidence(rows).items():
        assert expected == pytest.approx((found.at(t, 1), found.at(t, 2)), abs=1e-12)


@pytest.mark.parametrize(
    ("times", "ended"),
    [
        pytest.param(SIX_MP, SIX_MP_ENDED, id="6-MP"),
        pytest.param(MAINTAINED, MAINTAINED_ENDED, id="aml-maintained"),
        pytest.param(*by_sign(KIDNEY_MEN), id="kidney-men"),
    ],
)
def test_one_group_has_the_mean_of_kaplan_meier(times, ended):
    """Buckley & James 1979: without covariates the imputed mean is that of Kaplan and Meier's law (Efron 1967)."""
    logs = np.log(times)
    imputed = complete_log_durations(times, ended, np.zeros(len(logs)), np.zeros(len(logs)), horizon=1e9, floor=1e-9)

    expected = kaplan_meier(logs, ended).restricted_mean(float(logs.max()))
    assert expected == pytest.approx(imputed.y.mean(), abs=1e-3)


def test_snow_adds_up():
    """Snow 1855, table XII: 2261 and 2458 deaths in the first 12 sub-districts, 3905 and 2547 in the next 16."""
    sums = [tuple(map(sum, zip(*rows, strict=True))) for rows in (SNOW_SOUTHWARK_ONLY, SNOW_SHARED_WITH_LAMBETH)]

    assert [(2261, 2458), (3905, 2547)] == sums
    assert round(np.log(2547 / 3905 / (2458 / 2261)), 5) == SNOW_LOG_RATIO


def test_taylor_and_ashe_by_chain_ladder():
    """Mack 1993: volume-weighted factors from year to year give the published figures beyond the diagonal."""
    rows = TAYLOR_ASHE_CUMULATIVE
    factors = [sum(r[j + 1] for r in rows[: 9 - j]) / sum(r[j] for r in rows[: 9 - j]) for j in range(9)]
    expected = [r[-1] * (np.prod(factors[len(r) - 1 :]) - 1) for r in rows]

    assert TAYLOR_ASHE_EXPECTED == [round(x) for x in expected[1:]]
    assert round(sum(expected)) == TAYLOR_ASHE_TOTAL


def test_card_and_krueger_by_hand():
    """Card & Krueger 1994, table 3: +0.59 in New Jersey less -2.16 in Pennsylvania."""
    (nj_before, nj_after), (pa_before, pa_after) = CARD_KRUEGER.values()

    assert nj_after - nj_before - (pa_after - pa_before) == pytest.approx(CARD_KRUEGER_EFFECT, abs=0.011)


@pytest.mark.parametrize(("waves", "ratio"), [(0, SICILY_RATE_RATIO), (2, 0.885)])
def test_sicily_by_poisson_regression(waves, ratio):
    """Lopez Bernal et al. 2017: the ban lowers admissions by 10.6 %, by 11.5 % with the season taken out."""
    month = np.arange(1, 60)
    season = [f(2 * np.pi * k * month / 12) for k in range(1, waves + 1) for f in (np.sin, np.cos)]
    columns = [np.ones(59), month >= SICILY_FIRST_MONTH_AFTER, month / 12, *season]

    found = poisson(np.array(SICILY_ADMISSIONS), columns, np.log(SICILY_POPULATION))

    assert ratio == round(float(np.exp(found[1])), 3)
