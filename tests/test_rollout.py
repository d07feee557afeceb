"""The effect of a rollout: literal refits, replayed dates and dealt orders by hand, counts, known effects, refusals."""

from dataclasses import fields, replace
from itertools import cycle, permutations
from math import factorial

import numpy as np
import pytest
from dense import (
    Model,
    alike,
    answered,
    as_weighed,
    averaged,
    drawn,
    gauss,
    inflation,
    lasting,
    lets_spell_in,
    reaching,
    table_of,
    weighed,
)
from scipy import optimize, stats
from test_published import (
    SNOW_LOG_RATIO,
    SNOW_SHARED_WITH_LAMBETH,
    SNOW_SOUTHWARK_ONLY,
    TAYLOR_ASHE_CUMULATIVE,
    TAYLOR_ASHE_EXPECTED,
    TAYLOR_ASHE_TOTAL,
)

from prodops_analysis.estimators import assumptions, mixed, rollout
from prodops_analysis.estimators.assumptions import odds_of, weigh
from prodops_analysis.estimators.counts import working_response
from prodops_analysis.estimators.linked import linked
from prodops_analysis.estimators.rollout import expected_error, rollout_effect

SIX = (18, 22, 26, None, None, None)  # weeks of the rollouts of six teams
WEEKS = 44


def asked(table, *, sd=1.0, **rest):
    """The effect of a table."""
    return rollout_effect(*table.cells, **({"sd": sd, "common": len(set(table.unit)) > 1} | rest))


def fitted(table):
    """Panel and fits of a table."""
    panel = mixed.lay_out(*table.cells, common=len(set(table.unit)) > 1)
    return panel, weigh(panel, odds_of(common=panel.common, counts=False))


def exact(effect, first=SIX, *, spell=0.0, weeks=WEEKS, n=4.0):
    """Levels, weeks that all share, an effect by weeks since the rollout and a spell of four weeks before; no noise."""
    rows = [
        [
            u + 0.3 * np.sin(w) * (len(first) > 1)
            + (effect(w - f) if f is not None and w >= f else 0.0)
            + (spell if f is not None and f - 4 <= w < f else 0.0)
            for w in range(weeks)
        ]
        for u, f in enumerate(first)
    ]  # fmt: skip
    return table_of(rows, first, n=n)


def numbers(found):
    """Every number of an effect, flattened."""
    flat = []
    for name in (f.name for f in fields(found) if f.name not in ("method", "by_unit", "by_band")):
        value = getattr(found, name)
        flat += [getattr(value, f.name) for f in fields(value)] if hasattr(value, "__slots__") else [value]
    flat = [value for value in flat if not isinstance(value, dict)]
    for own in (*found.by_unit.values(), *found.by_band.values(), *found.replay.effects.values()):
        flat += [own.estimate, own.low, own.high]
    return [np.nan if x is None else float(x) for x in flat]


# the dense second implementation


@pytest.fixture
def two_by_two(monkeypatch):
    """Two autocorrelations by two shocks, as the dense model takes seconds for all; `test_mixed` has them all."""
    for name in ("BESIDE", "ALONE"):
        odds = getattr(assumptions, name)
        few = {rho: odds.rho[rho] for rho in (0.0, 0.85)}
        monkeypatch.setattr(assumptions, name, replace(odds, rho=few, shock=odds.shock[1:3]))


@pytest.mark.parametrize(
    "shape",
    [
        pytest.param({"units": 1, "first": (18,)}, id="one-team"),
        pytest.param({"units": 2, "first": (18, None)}, id="one-of-two"),
        pytest.param({"units": 4, "first": (16, 22, None, None), "missing": 0.3, "gap": 2}, id="two-of-four"),
    ],
)
@pytest.mark.parametrize("sd", [1.0, 12.5])
@pytest.mark.usefixtures("two_by_two")
def test_effect_and_model_error(shape, sd):
    """With fewer than three adopters the answer is that of the dense model, on the scale of the values, with its df."""
    table = drawn(11, **shape)
    found = asked(table.but(y=table.y * sd), sd=sd)

    common = len(set(table.unit)) > 1
    slow = weighed(table, common=common)
    value, error, between = answered(slow)
    error += between / stats.t.ppf(0.975, found.df)
    if common:
        value, error = reaching(table, slow, df=found.df)

    assert [sd * value, sd * error] == pytest.approx([found.estimate, found.standard_error / found.replay.widen])
    sizes = (len(set(table.unit)), int(table.treated.sum()))
    assert (12 if common else 30, *sizes) == (found.df, found.n_units, found.n_cells)


def spelled(table, size=2.0):
    """The table with a bad spell in the four weeks before each rollout."""
    return table.but(y=table.y + size * ((table.since >= -4) & (table.since < 0)))


@pytest.mark.parametrize("first", [(18, None, None), (16, 20, None, None), (18,)], ids=["one", "two", "alone"])
@pytest.mark.usefixtures("two_by_two")
def test_both_answers_and_an_interval_over_them(first):
    """Where a spell is seen, both answers are the dense model's, and the interval holds that of each."""
    table = spelled(drawn(12, units=len(first), first=first))
    found, common = asked(table), len(first) > 1

    slow = weighed(table, common=common)
    answers = [averaged(t for k, t in slow.items() if lets_spell_in(k) == inside) for inside in (True, False)]

    assert [value for value, _ in answers] == pytest.approx(found.answers)
    assert found.estimate == pytest.approx(sum(found.answers) / 2)
    reach = stats.t.ppf(0.975, found.df) * found.standard_error
    for value, error in answers:
        assert abs(found.estimate - value) + stats.t.ppf(0.975, found.df) * error <= reach * (1 + 1e-9)


@pytest.mark.parametrize("first", [(18, None), (18, 24, None, None), (18, 21, 29, None)], ids=["one", "two", "three"])
@pytest.mark.usefixtures("two_by_two")
def test_a_step_that_lasts(first):
    """How probable a level is that moved weeks before, its step and the effect on top are those of the dense model."""
    table = drawn(5, units=len(first), weeks=44, first=first, effect=-0.2)
    table = table.but(y=table.y - 0.6 * (table.since >= -7))
    found = asked(table, sd=1.0)

    probability, step, on_top, error = lasting(table, weighed(table, common=True))

    assert (found.estimate - on_top) * found.estimate > 0
    assert (probability, step, on_top, error) == pytest.approx(
        (found.lasting.probability, found.lasting.step, found.lasting.on_top, found.lasting.error), rel=1e-4
    )


@pytest.mark.parametrize(
    ("first", "own_df"),
    [
        pytest.param((12, 16, 20, None, None), 3, id="three-beside-two"),
        pytest.param((12, 15, 18, 21), 3, id="four-and-nobody-else"),
        pytest.param((12, 15, 18, None), 1, id="three-beside-one"),
    ],
)
@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.usefixtures("two_by_two")
def test_jackknife_against_refitting(seed, first, own_df):
    """From three adopters on, dense fits without one unit at a time and the model's variance are put together."""
    table = drawn([seed, 21], units=len(first), weeks=30, first=first, missing=0.2)
    found = asked(table)

    slow = weighed(table, common=True)
    want = reaching(table, slow, df=12 + own_df, inflate=inflation(table, slow, own_df))
    some = alike(slow)
    value, error = reaching(table, some, df=12 + own_df, inflate=inflation(table, some, own_df, slow), every=slow)

    assert 12 + own_df == found.df
    assert want == pytest.approx((found.estimate, found.standard_error / found.replay.widen), rel=1e-5)
    assert value / error / found.replay.widen == pytest.approx(found.t_any, rel=1e-5)


@pytest.mark.parametrize(
    ("adopters", "others", "df"),
    [(3, 2, 15), (3, 5, 17), (4, 0, 15), (6, 0, 17), (5, 1, 13), (2, 4, 12), (1, 4, 12)],
)
def test_degrees_of_freedom(adopters, others, df):
    """The model counts for 12; the jackknife adds units less one, at most twice the smaller side less one."""
    first = [*range(9, 9 + 2 * adopters, 2), *[None] * others]

    assert df == asked(drawn(2, units=len(first), weeks=24, first=first)).df


def heaviest(table, slow):
    """The best autocorrelation and shock of a dense fit, and size -> weight among those."""
    rho, shock, _ = max(slow, key=lambda key: slow[key][0])
    return rho, shock, {key[2]: slow[key][0] for key in slow if key[:2] == (rho, shock) and slow[key][0] > 0}


@pytest.mark.usefixtures("two_by_two")
def test_each_unit_from_its_own_weeks():
    """A unit's effect is that of the dense model in which units may differ by anything, growth in its weeks counted."""
    table = drawn(4, first=(16, 24, None, None))
    rho, shock, sizes = heaviest(table, weighed(table, common=True))
    model = Model.of(table, common=True)
    base = model.cells_apart(rho, shock)

    found = asked(table).by_unit

    for u in (0, 1):
        own = table.treated & (table.unit == u)
        c = np.average(model.columns[own], axis=0, weights=table.n[own])
        c[[isinstance(name, tuple) and name[0] == "slope" for name in model.names]] = 0.0
        value, error = averaged((w, *model.solve(base, (*s[:4], 10.0), c)[:2]) for s, w in sizes.items())
        t = stats.t.ppf(0.975, 12)
        assert [value, value - t * error, value + t * error] == pytest.approx(
            [found[u].estimate, found[u].low, found[u].high], rel=1e-5
        )
    assert {0, 1} == set(found)


def band_by_hand(table, slow, bands, *, keep):
    """Effects by weeks since the rollout in the dense model: free columns of the bands, slopes of the smallest size."""
    rho, shock, _ = heaviest(table, slow)
    base = Model.of(table, common=True).cells_apart(rho, shock)[np.ix_(keep, keep)]
    shown = table.only(keep)
    middle = (table.time.min() + table.time.max()) / 2
    slopes = [np.where(shown.unit == u, (shown.time - middle) / 52, 0.0) for u in set(shown.unit)]
    inside = [((shown.since >= a) & (shown.since <= b)).astype(float) for a, b in bands]
    variances = np.array([100.0] * len(bands) + [0.05**2] * len(slopes))
    columns = np.column_stack([*inside, *slopes])
    return [gauss(shown, base, columns, variances, np.eye(len(variances))[k])[:2] for k in range(len(bands))]


@pytest.mark.usefixtures("two_by_two")
def test_by_weeks_since_the_rollout():
    """Bands from eight weeks before on lie beside all earlier weeks, earlier bands beside those before them only."""
    table = drawn(8, weeks=60, first=(40, 44, None, None))
    slow = weighed(table, common=True)
    found = asked(table).by_band

    bands = [(-8, -5), (-4, -1), (0, 3), (4, 12), (13, 25)]
    early = [(-26, -17), (-16, -9)]
    by_hand = band_by_hand(table, slow, bands, keep=np.ones(len(table.y), bool))
    by_hand += band_by_hand(table, slow, early, keep=~(table.since >= -8))
    assert set(bands + early) == set(found)
    t = stats.t.ppf(0.975, 12)
    for band, (value, variance) in zip(bands + early, by_hand, strict=True):
        own = found[band]
        assert value == pytest.approx(own.estimate, rel=1e-4, abs=1e-6)
        assert 2 * t * np.sqrt(variance) == pytest.approx(own.high - own.low, rel=1e-4)


@pytest.mark.parametrize(
    ("first", "early"),
    [
        pytest.param(34, [(-26, -17), (-16, -9)], id="eight-weeks-before-the-first-band"),
        pytest.param(33, [(-16, -9)], id="only-seven"),
        pytest.param(24, [(-16, -9)], id="eight-before-the-second"),
        pytest.param(23, [], id="too-short-a-past"),
    ],
)
def test_bands_need_weeks_before_them(first, early):
    """A band before the rollout is shown only with eight weeks before it."""
    found = asked(exact(lambda since: -0.5, (first, None))).by_band

    assert early == [band for band in found if band[1] < -8]
    assert (26, 999) not in found


@pytest.mark.usefixtures("two_by_two")
def test_spell_and_slope_are_those_of_the_model():
    """The spell is the coefficient of the last four weeks, the slope the mean over adopters, with 12 df."""
    table = drawn(10, first=(18, 24, None, None))
    model = Model.of(table, common=True)
    slow = weighed(table, common=True)
    want = {
        "spell": [float(name == "near") for name in model.names],
        "slope": [0.5 * (name in (("slope", 0), ("slope", 1))) for name in model.names],
    }

    found = asked(table)

    bases = {key[:2]: model.cells_apart(*key[:2]) for key in slow}
    for name, c in want.items():
        triples = [
            (weight, *model.solve(bases[rho, shock], sizes, np.array(c))[:2])
            for (rho, shock, sizes), (weight, _, _) in slow.items()
            if weight > 0
        ]
        value, error = averaged(triples)
        own = getattr(found, name)
        assert value == pytest.approx(own.estimate, rel=1e-5)
        assert 2 * stats.t.ppf(0.975, 12) * error == pytest.approx(own.high - own.low, rel=1e-5)
    assert (answered(slow)[2] > 0) == (found.answers is not None)


# known effects


@pytest.mark.parametrize(
    ("when", "first"),
    [
        pytest.param(lambda t: t.since >= -5, (26, 26, 27, None, None, None), id="weeks-before"),
        pytest.param(lambda t: t.since >= -12, (26, None, None, None, None, None), id="one-adopter"),
        pytest.param(lambda t: (t.unit < 3) & (t.time >= 24), (20, 26, 32, None, None, None), id="all-at-one-date"),
    ],
)
def test_a_level_that_moved_at_another_time_is_no_effect(when, first):
    """A step that stays, weeks before the rollouts or of all adopters at one date, leaves nothing for the rollout."""
    quiet = exact(lambda since: 0.0, first)

    found = asked(quiet.but(y=quiet.y - 0.8 * when(quiet)))

    assert found.lasting.probability > 0.9
    assert -0.9 < found.lasting.step < -0.4
    assert abs(found.lasting.on_top) < 0.2
    assert abs(found.estimate) < stats.t.ppf(0.975, found.df) * found.standard_error


def test_an_effect_of_its_own_is_no_step():
    """An effect that comes with each rollout, and a spell that passes, are not taken for a level that moved."""
    plain, passed = asked(exact(lambda since: -0.8)), asked(exact(lambda since: 0.0, spell=0.8))

    assert plain.lasting is None or abs(plain.lasting.step) < 0.01
    assert plain.estimate == pytest.approx(-0.8, abs=0.02)
    assert passed.estimate == pytest.approx(sum(passed.answers) / 2, abs=0.02)


def test_a_known_effect_comes_back():
    """Without noise every unit's effect, the mean and every band after the rollout are what was put in, before it 0."""
    found = asked(exact(lambda since: -0.5))

    assert found.estimate == pytest.approx(-0.5, abs=2e-3)
    assert [own.estimate for own in found.by_unit.values()] == pytest.approx([-0.5] * 3, abs=2e-3)
    for (first, _), own in found.by_band.items():
        assert own.estimate == pytest.approx(-0.5 if first >= 0 else 0.0, abs=2e-3)


def test_units_that_differ():
    """Effects of -1, -0.5 and 0: each comes back, and the mean is that over items."""
    table = exact(lambda since: 0.0)
    gain = np.array([-1.0, -0.5, 0.0, 0.0, 0.0, 0.0])[table.unit] * table.treated

    found = asked(table.but(y=table.y + gain))

    assert [own.estimate for own in found.by_unit.values()] == pytest.approx([-1.0, -0.5, 0.0], abs=0.02)
    assert np.mean(gain[table.treated]) == pytest.approx(found.estimate, abs=0.02)


def test_an_effect_that_grows():
    """An effect that grows for 26 weeks is the mean over the treated weeks, and its bands grow with it."""
    table = exact(lambda since: -1.5 * min(since, 26) / 26, weeks=60)
    s = table.since[table.treated]
    truth = -1.5 * np.minimum(s, 26) / 26

    found = asked(table)

    assert np.mean(truth) == pytest.approx(found.estimate, abs=0.03)
    bands = [(0, 3), (4, 12), (13, 25), (26, 999)]
    after = [found.by_band[band].estimate for band in bands]
    assert [np.mean(truth[(a <= s) & (s <= b)]) for a, b in bands] == pytest.approx(after, abs=0.05)
    assert sorted(after, reverse=True) == after


@pytest.mark.parametrize(("first", "n"), [(SIX, 4.0), ((24,), 8.0)], ids=["beside-others", "alone"])
def test_a_bad_spell_that_was_answered_is_no_effect(first, n):
    """Four bad weeks before the rollout are seen as such; without them at least four fifths of what follows go."""
    found = asked(exact(lambda since: 0.0, first, spell=1.0, n=n))

    without, every = found.answers
    assert every < -0.3
    assert every / 5 < without < 0
    assert found.spell.estimate > 0.6
    assert found.estimate == pytest.approx((without + every) / 2)
    assert abs(found.estimate) < found.standard_error
    shown = {band: own.estimate for band, own in found.by_band.items() if band != (-4, -1)}
    assert dict.fromkeys(shown, 0.0) == pytest.approx(shown, abs=0.01)
    assert found.by_band[-4, -1].estimate == pytest.approx(1.0, abs=0.01)


def test_an_ordinary_past_is_no_spell():
    """Without a spell there is one answer."""
    assert asked(exact(lambda since: -0.5)).answers is None


def test_a_trend_of_its_own_is_no_effect():
    """A team that gets faster by a whole sd a year, before and after, has a slope and next to no effect."""
    table = exact(lambda since: 0.0, (60, *[None] * 6), weeks=90, n=40.0)
    moved = asked(table.but(y=table.y - np.where(table.unit == 0, table.time / 52, 0.0)))

    assert moved.slope.high < 0
    assert moved.slope.estimate == pytest.approx(-1.0, abs=0.2)
    assert abs(moved.estimate) < moved.standard_error


@pytest.mark.parametrize("first", [(18, None), (18, 24, None), SIX], ids=["one", "two", "three"])
def test_one_more_constant_team_creates_no_effect(first):
    """Beside teams that never moved, one more that never moved leaves no effect where none was."""
    quiet = exact(lambda since: 0.0, first)
    more = exact(lambda since: 0.0, (*first, None))

    assert asked(quiet).estimate == pytest.approx(0.0, abs=1e-3)
    assert asked(more).estimate == pytest.approx(0.0, abs=1e-3)


@pytest.mark.parametrize("seed", range(4))
def test_one_more_untouched_team_creates_no_direction(seed):
    """Noise without an effect: a team that was not touched either makes no claim of it."""
    table = drawn([seed, 31], units=5, first=(18, 24, None, None, None), effect=0.0)

    for some in (table, table.only(table.unit < 4)):
        found = asked(some)
        assert abs(found.estimate) < stats.t.ppf(0.975, found.df) * found.standard_error


# what must not matter


@pytest.mark.parametrize(
    ("change", "factor"),
    [
        pytest.param(lambda t: t.but(y=t.y + 1000), 1, id="level"),
        pytest.param(lambda t: t.but(y=t.y + 40 * np.cos(t.unit)), 1, id="levels-of-teams"),
        pytest.param(lambda t: t.but(time=t.time + 5200), 1, id="another-century"),
        pytest.param(lambda t: t.only(np.random.default_rng(0).permutation(len(t.y))), 1, id="order"),
        pytest.param(lambda t: t.but(y=24 * t.y + 7), 24, id="unit-of-the-values"),
    ],
)
def test_invariance(change, factor):
    """Levels, dates, the order of rows and the unit of the values change the answer as they should, or not at all."""
    table = spelled(drawn(4, units=5, weeks=40, first=(28, 30, 32, None, None)))

    plain, other = asked(table), asked(change(table), sd=float(factor))

    assert [factor * plain.estimate, factor * plain.standard_error] == pytest.approx(
        [other.estimate, other.standard_error], rel=1e-6
    )
    assert factor * np.array(plain.answers) == pytest.approx(other.answers, rel=1e-6)
    rest = ("df", "n_cells")
    assert [getattr(plain, name) for name in rest] == pytest.approx([getattr(other, name) for name in rest], rel=1e-6)
    assert plain.replay.widen == pytest.approx(other.replay.widen)
    for mine, same in (
        *zip(plain.by_unit.values(), other.by_unit.values(), strict=True),
        *zip(plain.by_band.values(), other.by_band.values(), strict=True),
        (plain.spell, other.spell),
        (plain.slope, other.slope),
    ):
        assert [factor * mine.estimate, factor * mine.low, factor * mine.high] == pytest.approx(
            [same.estimate, same.low, same.high], rel=1e-5, abs=1e-7
        )


def test_names_of_units_do_not_matter():
    """Units in another order give the same effect, each under its new name."""
    table = drawn(4, units=5, weeks=40, first=(20, 24, 28, None, None))
    new = np.array([3, 0, 4, 1, 2])

    plain, other = asked(table), asked(table.but(unit=new[table.unit]))

    assert [plain.estimate, plain.standard_error] == pytest.approx([other.estimate, other.standard_error], rel=1e-6)
    for u in range(3):
        assert plain.by_unit[u].estimate == pytest.approx(other.by_unit[int(new[u])].estimate, rel=1e-6)


def test_arguments_are_left_alone():
    """The estimator changes none of its inputs."""
    table = drawn(4)
    before = [a.copy() for a in table.cells]

    asked(table, rng=np.random.default_rng(1))

    assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(before, table.cells, strict=True))


# ordinary dates


@pytest.mark.parametrize(
    ("first", "weeks", "dates"),
    [
        pytest.param((40, None), 60, 12, id="thirteen-weeks-shown-at-most"),
        pytest.param((40, 44, None), 60, 12, id="from-the-first-rollout"),
        pytest.param((40, None), 46, 19, id="six-weeks-after-need-six-before"),
        pytest.param((40, None), 42, 21, id="four-weeks-at-least"),
        pytest.param((29, None), 60, 1, id="one-date"),
        pytest.param((28, None), 60, 7, id="half-of-a-short-past"),
        pytest.param((20, None), 60, 1, id="four-weeks-of-a-shorter-one"),
        pytest.param((19, None), 60, 0, id="no-past-to-try"),
    ],
)
def test_ordinary_dates_counted(first, weeks, dates):
    """Each date has 16 weeks before it and as many after it as are shown, all before the real rollout."""
    found = asked(drawn(3, units=len(first), weeks=weeks, first=first, missing=0.0)).replay

    assert dates == found.dates
    assert 0 <= found.spoken <= dates
    assert found.widen >= 1


def test_a_short_past_is_told_and_widens_nothing():
    """Six weeks after each date say how often the rule speaks; how far estimates scatter is asked of thirteen."""
    short, long = (asked(jumpy(drawn(5, units=2, weeks=60, first=(first, None), missing=0.0), 5.0, seed=2)).replay
                   for first in (28, 29))  # fmt: skip

    assert (6, 7, 1.0) == (short.weeks, short.dates, short.widen)
    assert (13, 1) == (long.weeks, long.dates)
    assert long.widen > 1.0


def test_ordinary_dates_need_every_adopter():
    """An adopter whose own past begins in week 36 can only be tried on dates that reach into it."""
    table = drawn(3, units=3, weeks=60, first=(40, 44, None), missing=0.0)

    assert 8 == asked(table.only((table.unit != 1) | (table.time >= 36))).replay.dates


def jumpy(table, size, *, seed):
    """The same table with a first unit that jumps every seven weeks."""
    jumps = np.random.default_rng(seed).normal(0, size, 20)[table.time // 7]
    return table.but(y=table.y + jumps * (table.unit == 0))


@pytest.mark.parametrize(
    ("first", "own_df"),
    [
        pytest.param((31, None), 0, id="by-the-model-alone"),
        pytest.param((31, 33, 35, None, None), 3, id="with-a-jackknife"),
    ],
)
@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.usefixtures("two_by_two")
def test_ordinary_dates_by_hand(seed, first, own_df):
    """The interval widens by how far the dense estimates at earlier dates scatter beyond what they claim."""
    table = jumpy(drawn([seed, 41], units=len(first), weeks=48, first=first, missing=0.0), 1.5, seed=seed)
    slow = weighed(table, common=True)
    rho, shock, sizes = heaviest(table, slow)
    found, df, inflate = asked(table), 12 + own_df, inflation(table, slow, own_df)

    t_values, spoken, needed = [], [], stats.t.ppf(0.975, df)
    for back in (13, 14, 15):
        since = table.since + back
        moved = table.but(since=since, treated=since >= 0)
        model = Model.of(moved.only(~(since >= 13)), common=True, whole=moved)
        base, c = model.cells_apart(rho, shock), model.mean_effect()
        value, error = averaged((w, *model.solve(base, s, c)[:2]) for s, w in sizes.items())
        t_values.append(value / error / inflate)
        assert found.replay.effects[back].estimate == pytest.approx(value, rel=1e-4, abs=1e-6)
        some = {sizes: w for sizes, w in sizes.items() if (rho, shock, sizes) in alike(slow)}
        value, error = averaged([(w, *model.solve(base, s, c)[:2]) for s, w in some.items()] or [(1.0, 0.0, 1.0)])
        spoken.append(max(abs(t_values[-1]), abs(value / error / inflate)) > needed)

    t = np.array(t_values)
    worth = 1 + 2 / 13
    scatter = (df + worth * np.mean(t**2)) / (df + worth)
    assert (df, 3) == (found.df, found.replay.dates)
    assert sum(spoken) == found.replay.spoken
    assert np.sqrt(max(scatter, 1.0)) == pytest.approx(found.replay.widen, rel=1e-5)


def test_a_restless_past_widens_the_interval():
    """Where ordinary dates look like rollouts, the error is the model's times the factor, and never smaller."""
    table = jumpy(drawn(5, units=2, weeks=70, first=(50, None), missing=0.0), 3.0, seed=2)

    found = asked(table)

    assert found.replay.widen > 1.02
    panel, fits = fitted(table)
    _, error = reaching(table, as_weighed(fits, panel.mean_effect), df=found.df)
    assert error * found.replay.widen == pytest.approx(found.standard_error)


def test_ordinary_dates_do_not_look_at_treated_weeks():
    """Treated weeks may hold anything: under the same assumptions the replay is the same to the last bit."""
    table = drawn(6, weeks=60, first=(36, 40, None, None))
    panel, fits = fitted(table)
    other, _ = fitted(table.but(y=np.where(table.treated, 100.0, table.y)))

    one, two = (rollout._replay(p, fits.heaviest, df=12, inflate=1.0, sd=1.0) for p in (panel, other))

    assert one == two
    assert one.dates > 0


def test_ordinary_dates_never_overlap_a_transition():
    """Weeks between rollout and use are in no replay: an outlier there is not seen."""
    table = drawn(6, weeks=60, first=(36, None), units=2, gap=4, missing=0.0)

    assert not ((table.since >= 0) & (table.since < 4)).any()
    assert asked(table).replay.dates == 60 - 20 - 13 - 16 + 1 - (60 - 20 - 40)


# orders of rollout


def test_orders_of_two_units_by_hand():
    """Of two units of equal size one adopts; the other deal is its mirror image, so every deal is as strong."""
    table = drawn(3, units=2, first=(18, None), missing=0.0)
    same = table.but(n=np.full(len(table.n), 4.0))

    assert asked(same, rng=np.random.default_rng(7)).order_p == 1.0


class Cycle:
    """A generator that deals out every order in turn."""

    def __init__(self):
        self.made = None

    def permutation(self, units):
        self.made = self.made or cycle(permutations(units))
        return np.array(next(self.made))


def dealt_to_each(table, monkeypatch):
    """The p of a table over every order once, as many as there are units beside one adopter."""
    monkeypatch.setattr(rollout, "ORDERS", factorial(len(set(table.unit))))
    return asked(table, rng=Cycle()).order_p


def test_a_large_effect_is_rare_among_orders(monkeypatch):
    """One adopter of four with a large effect: of 24 orders the six that leave it where it was are as strong."""
    table = drawn(3, units=4, weeks=30, first=(15, None, None, None), effect=-4.0)

    assert (1 + 6) / (1 + 24) == dealt_to_each(table, monkeypatch)


@pytest.mark.usefixtures("two_by_two")
def test_orders_with_a_transition_by_hand(monkeypatch):
    """Every deal keeps the weeks of transition untreated: p counts the dense t of each of three deals."""
    table = drawn(8, units=3, weeks=36, first=(18, None, None), missing=0.0, gap=3, effect=-1.5)
    table = table.but(y=table.y + 4.0 * ((table.unit == 1) & (table.time >= 18) & (table.time < 21)))
    slow = weighed(table, common=True)
    rho, shock, sizes = max(slow, key=lambda key: slow[key][0])

    def t_of(unit):
        since = np.where(table.unit == unit, table.time - 18.0, np.nan)
        model = Model.of(table.but(since=since, treated=since >= 3), common=True)
        value, variance, _ = model.solve(model.cells_apart(rho, shock), sizes, model.mean_effect())
        return abs(value) / np.sqrt(variance)

    assert t_of(1) < t_of(0) < t_of(2)
    assert (1 + 4) / (1 + 6) == dealt_to_each(table, monkeypatch)


@pytest.mark.parametrize(
    "there", [pytest.param(lambda time: time < 12, id="gone-by-then"), pytest.param(lambda time: time > 22, id="late")]
)
def test_orders_that_reach_a_unit_not_there_are_no_orders(there, monkeypatch):
    """A comparison that stopped before the rollout or came after it cannot have had it; such deals do not count."""
    table = drawn(3, units=4, first=(18, None, None, None), missing=0.0, effect=-5.0)
    table = table.only((table.unit != 3) | there(table.time))

    assert (1 + 6) / (1 + 18) == dealt_to_each(table, monkeypatch)


def test_orders_do_not_depend_on_names():
    """Units in another order are dealt the same orders."""
    table = drawn(7, units=6, weeks=30, first=(15, 18, None, None, None, None), effect=0.0)
    other = table.but(unit=np.array([5, 1, 0, 4, 2, 3])[table.unit])

    one, two = (asked(t, rng=np.random.default_rng(1)).order_p for t in (table, other))

    assert one == two
    assert 0.05 < one < 1


def test_orders_without_an_effect():
    """Where nothing happened, many orders look as strong, and p lies in (0, 1]."""
    p = [
        asked(drawn([seed, 51], units=6, weeks=30, first=(15, 18, None, None, None, None), effect=0.0),
              rng=np.random.default_rng(seed)).order_p
        for seed in range(4)
    ]  # fmt: skip

    assert all(0 < x <= 1 for x in p)
    assert np.mean(p) > 0.2


def test_orders_only_where_asked_and_few():
    """Without a generator, alone, or with more than eleven units, no orders are dealt out."""
    rng = np.random.default_rng(1)

    assert asked(drawn(3)).order_p is None
    assert asked(drawn(3, units=1, first=(18,)), rng=rng).order_p is None
    assert asked(drawn(3, units=12, weeks=24, first=[12, *[None] * 11]), rng=rng).order_p is None
    assert asked(drawn(3, units=11, weeks=24, first=[12, *[None] * 10]), rng=rng).order_p > 0


# planning


def test_expected_error_before_any_outcome():
    """Under one set of assumptions the planned error is the one found later, whatever the outcomes are."""
    table = drawn(3)
    panel, fits = fitted(table)

    planned = expected_error(
        table.n, table.unit, table.time, table.treated, table.since, common=True, assumptions=fits.only(np.array([0]))
    )

    assert np.sqrt(fits.solved.values(panel.mean_effect)[1][0]) == pytest.approx(planned)


def test_expected_error_falls_with_data():
    """Four times the items make a smaller error; one more adopter does, too."""
    table, more = (drawn(3, first=first, missing=0.0) for first in ((18, None, None, None), (18, 20, None, None)))
    fits = fitted(table)[1]

    plain, items, adopters = (
        expected_error(n, t.unit, t.time, t.treated, t.since, common=True, assumptions=fits)
        for t, n in ((table, table.n), (table, 4 * table.n), (more, more.n))
    )

    assert 0 < items < plain
    assert 0 < adopters < plain


# counts


def counted(seed, *, units=5, weeks=24, first=(10, 14, None, None, None), effect=0.4):
    """Counts of teams by weeks with an effect on the log rate."""
    rng = np.random.default_rng(seed)
    begin = np.array([np.inf if f is None else f for f in first])[:, None]
    rate = rng.normal(1.5, 0.4, (units, 1)) + rng.normal(0, 0.2, weeks) + effect * (np.arange(weeks) >= begin)
    table = table_of(rng.poisson(np.exp(rate)), first)
    return table.only(rng.uniform(size=len(table.y)) > 0.1)


def poisson(table, *, common=True):
    """Fitted counts of a Poisson regression on dummies of unit, week and change, by a general optimiser."""
    columns = [table.unit[:, None] == np.unique(table.unit), table.treated[:, None]]
    if common:
        columns.append(table.time[:, None] == np.unique(table.time)[1:])
    X = np.column_stack(columns).astype(float)

    def loss(beta):
        mean = np.exp(X @ beta)
        return mean.sum() - table.y @ (X @ beta), X.T @ (mean - table.y)

    found = optimize.minimize(loss, np.full(X.shape[1], 0.1), jac=True, method="BFGS", options={"gtol": 1e-7})
    return np.exp(X @ found.x), found.x[len(set(table.unit))]


def working(table, *, common=True):
    """Working values and weights as a table."""
    y, n = working_response(table.y, table.unit, table.time, table.treated, common=common)
    return table.but(y=y, n=n)


def plain_effect(table, *, common=True):
    """The effect without shocks, slopes, spells, growth or differences: weighted least squares."""
    panel = mixed.lay_out(*table.cells, common=common)
    W, _ = mixed.inverse_covariance(panel.n, 0.0, 0.0)
    solution = mixed.equations(panel, W).solve(mixed.priors(panel, np.full((1, 5), 1e-6)))
    return float(solution.theta[0, mixed.TAU])


@pytest.mark.parametrize("common", [True, False], ids=["beside-others", "alone"])
@pytest.mark.parametrize("seed", range(3))
def test_expected_counts_against_regression(seed, common):
    """Proportional scaling finds the Poisson regression on unit, week and change; one weighted fit gives its effect."""
    table = counted([seed, 61]) if common else counted([seed, 61], units=1, first=(10,))

    mean, effect = poisson(table, common=common)

    found = working(table, common=common)
    assert mean == pytest.approx(found.n, rel=1e-3)
    assert np.log(mean) + (table.y - mean) / mean == pytest.approx(found.y, abs=5e-3)
    assert effect == pytest.approx(plain_effect(found, common=common), abs=2e-3)


@pytest.mark.parametrize("seed", range(2))
def test_counts_are_the_model_of_working_values(seed):
    """The effect on counts is that of the dense model on working values, its scale the log rate."""
    table = counted([seed, 71])
    found = asked(table, counts=True)

    value, error = reaching(working(table), weighed(working(table), common=True, counts=True), df=found.df)

    assert [value, error] == pytest.approx([found.estimate, found.standard_error / found.replay.widen], rel=1e-6)


def test_counts_two_by_two_is_a_ratio_of_ratios():
    """10 -> 30 beside 20 -> 40: the rate grew by 3 where the others' grew by 2; the effect is log 1.5."""
    table = working(table_of([[10, 30], [10, 30], [20, 40], [20, 40]], [1, 1, None, None]))

    assert plain_effect(table) == pytest.approx(np.log(1.5), abs=1e-3)


def test_snow_on_cholera():
    """Coleman 2019 on Snow 1855: Poisson with sub-district and year says -0.51088 where the water was mended."""
    table = table_of(SNOW_SOUTHWARK_ONLY + SNOW_SHARED_WITH_LAMBETH, [None] * 12 + [1] * 16)

    assert plain_effect(working(table)) == pytest.approx(SNOW_LOG_RATIO, abs=1e-4)


def test_taylor_and_ashe():
    """England & Verrall 2002: the Poisson rows and columns of what is known give the figures beyond the diagonal."""
    rows = [np.diff(row, prepend=0) for row in TAYLOR_ASHE_CUMULATIVE]
    table = table_of([[*row, *[np.nan] * (10 - len(row))] for row in rows], [None] * 10)

    mean = np.full((10, 10), np.nan)
    mean[table.unit, table.time] = working(table).n

    beyond = [sum(mean[i, 0] * mean[0, j] / mean[0, 0] for j in range(10 - i, 10)) for i in range(1, 10)]
    assert TAYLOR_ASHE_EXPECTED == pytest.approx(beyond, rel=1e-4)
    assert TAYLOR_ASHE_TOTAL == pytest.approx(sum(beyond), rel=1e-4)


def test_a_week_without_any_count_is_no_catastrophe():
    """Weeks in which nobody finished anything, and a team that finished nothing afterwards, keep finite numbers."""
    table = counted(1)
    table = table.but(y=np.where(np.isin(table.time, [3, 20]) | (table.treated & (table.unit == 0)), 0.0, table.y))

    assert np.isfinite(numbers(asked(table, counts=True))[:2]).all()


# hostile input


def swapped(name, value):
    """Put a value into the fourth entry of a column."""

    def change(table):
        column = getattr(table, name).astype(float).copy()
        column[3] = value
        return table.but(**{name: column})

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(lambda t: t.only(t.unit < 0), "weeks with and without the change", id="empty"),
        pytest.param(lambda t: t.but(treated=t.treated & False), "weeks with and without", id="nobody-treated"),
        pytest.param(lambda t: t.but(treated=t.treated | True), "weeks with and without", id="everybody-always"),
        pytest.param(lambda t: t.but(y=t.y[:-1]), "every cell needs", id="lengths-differ"),
        pytest.param(swapped("y", np.nan), "must be finite", id="value-missing"),
        pytest.param(swapped("y", np.inf), "must be finite", id="value-infinite"),
        pytest.param(swapped("n", 0), "needs items", id="no-items"),
        pytest.param(swapped("n", -1), "needs items", id="fewer-than-no-items"),
        pytest.param(swapped("n", np.nan), "must be finite", id="items-missing"),
        pytest.param(lambda t: t.but(unit=t.unit - 1), "numbered from 0", id="unit-below-zero"),
        pytest.param(lambda t: t.but(unit=2 * t.unit), "numbered from 0", id="units-with-gaps"),
        pytest.param(lambda t: t.only(np.r_[0, : len(t.y)]), "stands only once", id="the-same-week-twice"),
        pytest.param(swapped("since", 7), "one rollout", id="two-rollouts-of-a-unit"),
        pytest.param(lambda t: t.but(since=t.since * np.nan), "one rollout", id="no-rollout"),
        pytest.param(lambda t: t.but(since=t.since - 4), "one rollout", id="treated-before-the-rollout"),
        pytest.param(lambda t: t.but(y=np.full(len(t.y), 0.3)), "do not vary", id="constant"),
        pytest.param(lambda t: t.only(t.unit == 0), "has a comparison", id="one-unit"),
        pytest.param(lambda t: t.only((t.unit < 1) | (t.time >= 20)), "has a comparison", id="all-others-too-late"),
    ],
)
@pytest.mark.parametrize("counts", [False, True], ids=["means", "counts"])
def test_refusals(change, message, counts):
    """What cannot be estimated is refused in a sentence, never answered with a number or a warning."""
    table = drawn(3, first=(18, None, None, None))
    table = change(table.but(y=np.round(abs(table.y))) if counts else table)

    with pytest.raises(ValueError, match=message):
        asked(table, common=True, counts=counts)


@pytest.mark.parametrize("sd", [0.0, -1.0, np.nan, np.inf, 1e-12])
def test_refusals_of_a_standard_deviation(sd):
    """A standard deviation that is none is refused."""
    with pytest.raises(ValueError, match="do not vary"):
        asked(drawn(3), sd=sd)


@pytest.mark.parametrize(
    "y",
    [
        pytest.param(lambda t: np.where(t.treated, 3.0, 0.0), id="nothing-before"),
        pytest.param(lambda t: np.where(t.time == 5, -1.0, 3.0), id="below-zero"),
    ],
)
def test_refusals_of_counts(y):
    """Counts below zero, and a rate against nothing, are refused."""
    table = drawn(3)

    with pytest.raises(ValueError, match="counted without the change"):
        asked(table.but(y=y(table)), counts=True)


def test_planning_refuses_the_same():
    """A plan without any treated week, or without items, has no error to expect."""
    table = drawn(3)
    fits = fitted(table)[1]

    for some in (table.but(treated=table.treated & False), table.but(n=0 * table.n)):
        with pytest.raises(ValueError, match="needs"):
            expected_error(some.n, some.unit, some.time, some.treated, some.since, common=True, assumptions=fits)


# which treated cells have a comparison


def cells_of(*rows):
    """Units, times and treatment of cells given as (unit, time, treated)."""
    unit, time, treated = (np.array(column) for column in zip(*rows, strict=True))
    return unit, time, treated.astype(bool)


def test_linked_by_hand():
    """A week in which everybody has adopted, and an adopter without a past, have no comparison; the rest have."""
    rows = [(0, 0, 0), (0, 1, 1), (0, 2, 1), (1, 0, 0), (1, 1, 0), (1, 2, 1), (2, 1, 1)]

    assert [False, True, False, False, False, False, False] == linked(*cells_of(*rows)).tolist()


def test_a_comparison_that_comes_too_late_links_nothing():
    """Teams seen only after the rollout share no week without the change with the adopters."""
    rows = [(u, t, t >= 10) for u in (0, 1) for t in range(20)] + [(u, t, False) for u in (2, 3) for t in range(10, 20)]

    assert not linked(*cells_of(*rows)).any()


def test_a_chain_of_weeks_links():
    """A comparison that knew the adopter only through a third team is a comparison all the same."""
    rows = [(0, 0, 0), (1, 0, 0), (1, 1, 0), (2, 1, 0), (2, 2, 0), (0, 2, 1)]

    assert [False] * 5 + [True] == linked(*cells_of(*rows)).tolist()


def test_linked_whatever_the_labels():
    """Labels of units and weeks are names only; nothing at all has no link."""
    rows = [(0, 0, 0), (0, 1, 1), (1, 0, 0), (1, 1, 0)]
    unit, time, treated = cells_of(*rows)

    assert linked(unit, time, treated).tolist() == linked(500 - 7 * unit, 10**9 * time, treated).tolist()
    assert [] == linked(unit[:0], time[:0], treated[:0]).tolist()
