"""The effect of a rollout: teams one after the other, one team beside others, or one team alone.

One model for all of them (`estimators.mixed`). Early adopters are no comparison for late ones unless the likelihood
says that effects neither grow nor differ (Borusyak, Jaravel & Spiess 2024 on why that matters).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from prodops_analysis.estimators import mixed
from prodops_analysis.estimators.assumptions import Fits, Odds, odds_of, refitted, weigh
from prodops_analysis.estimators.counts import working_response
from prodops_analysis.estimators.lasting import Lasting, lasting_step
from prodops_analysis.estimators.linked import refuse, refuse_still
from prodops_analysis.estimators.mixed import Floats, Ints, Panel
from prodops_analysis.estimators.together import Interval, critical, interval, of_one_shape, together

LEAST_ADOPTERS = 3  # for a jackknife over teams
EARLY = ((-26, -17), (-16, -9))  # weeks since the rollout, a pre-trend's place
BANDS = ((-8, -5), (-4, -1), (0, 3), (4, 12), (13, 25), (26, 999))
LEAST_REFERENCE = 8  # weeks before the first band that it is compared with
LEAST_BEFORE = 16  # weeks before an ordinary date
LEAST_REPLAYED, MOST_REPLAYED = 4, 13  # weeks after it that the rule is shown
MOST_DATES = 40  # spread over the past; closer ones share nearly all their weeks
ORDERS, FEW_UNITS = 99, 11  # rollout orders dealt out, where units are few


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """The rule at ordinary dates of the adopters' past: how often it would have spoken.

    weeks : how many are shown to the rule after each date.
    widen : factor >= 1 on the standard error, from how far the estimates scatter beyond what they claim; 1 where the
        past has room for fewer weeks than the rule should be shown.
    effects : weeks that the rollouts were moved back -> effect found there, before widening, on the scale of y.
    """

    dates: int
    spoken: int
    widen: float
    weeks: int = 0
    effects: dict[int, Interval] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutEffect:
    """Mean effect over the items of treated weeks, on the scale of y (counts: log rate).

    standard_error, df : model and jackknife over units put together, referred to Student's t; replay has widened it.
    t_any : t of an effect at all, by the assumptions under which it has one shape for all (`estimators.together`).
    by_unit : unit -> effect from its own weeks; by_band : weeks since rollout -> effect, beside all earlier weeks.
    spell : how far the last four weeks before lay from the others; answers : the estimates with the eight weeks before
        left out and with all weeks, where a spell is seen; lasting : a level that moved at another time and stayed,
        where the effect on top is less; slope : mean of the adopters' slopes, a year.
    order_p : share of rollout orders whose effect looks at least as strong, None where it was not tried.
    """

    estimate: float
    standard_error: float
    df: int
    t_any: float
    by_unit: dict[int, Interval]
    by_band: dict[tuple[int, int], Interval]
    spell: Interval
    answers: tuple[float, float] | None
    lasting: Lasting | None
    slope: Interval
    replay: Replay
    order_p: float | None
    n_cells: int
    n_units: int
    method: str


def rollout_effect(
    y: Floats, n: Floats, unit: Ints, time: Ints, treated: NDArray[np.bool_], since: Floats,
    *, sd: float, common: bool, counts: bool = False, rng: np.random.Generator | None = None, brief: bool = False,
) -> RolloutEffect:  # fmt: skip
    """Estimate the mean effect of a rollout.

    y, n, unit, time, treated, since : shape (m,), one entry a cell (a unit in a week): mean or count, items behind it,
        unit 0..U-1, week, whether the change was in use, weeks since the unit's rollout (NaN without one).
    sd : standard deviation of one item inside a cell; 1 for counts.
    common : whether units share week effects; False without a comparison.
    counts : y are counts with a log link.
    rng : for the orders of rollout; without it they are not tried.
    brief : the whole effect alone is asked, and none of single units or bands.

    Raises ValueError: cells that cannot be compared, or y does not vary.
    """
    refuse(y, n, unit, time, treated, since, common=common)
    refuse_still(y, sd)
    if counts and (y.min() < 0 or not y[~treated].any()):
        raise ValueError("counts cannot be negative, and something must have been counted without the change")
    if counts:
        y, n = working_response(y, unit, time, treated, common=common)
    panel = mixed.lay_out(y / sd, n, unit, time, treated, since, common=common)
    odds = odds_of(common=common, counts=counts)
    fits = weigh(panel, odds)
    best, c = fits.heaviest, panel.mean_effect
    adopters, U = len(panel.treated), len(panel.y)
    df = degrees_of_freedom(odds, adopters, U, common=common)
    beside = common and adopters >= LEAST_ADOPTERS
    put = partial(together, c=c, df=df, worth=odds.worth, jackknife=_jackknife(panel, best) if beside else 0.0)
    found, anything = put(fits), put(of_one_shape(fits, panel))
    replay = _replay(panel, best, df=df, inflate=found.inflate, sd=sd)
    lasting = lasting_step(panel, fits) if common else None
    if lasting:
        found, anything, plain = found.beside(lasting), anything.beside(lasting), found
        lasting = lasting if found is not plain else None
    t = critical(df)
    slopes = np.arange(len(c) - U, len(c))
    return RolloutEffect(
        estimate=found.estimate * sd,
        standard_error=found.error * replay.widen * sd,
        df=df,
        t_any=anything.estimate / anything.error / replay.widen,
        by_unit={} if brief else {int(u): _scaled(*own, t, sd) for u, own in _by_unit(panel, best).items()},
        by_band={} if brief else {band: _scaled(*own, t, sd) for band, own in _by_band(panel, best).items()},
        spell=_scaled(*(fits.only(fits.spell) if found.answers else fits).averaged(np.eye(len(c))[mixed.NEAR]), t, sd),
        answers=(found.answers[0] * sd, found.answers[1] * sd) if found.answers else None,
        lasting=lasting.scaled(sd) if lasting else None,
        slope=_scaled(*fits.averaged(np.isin(np.arange(len(c)), slopes[panel.treated]) / adopters), t, sd),
        replay=replay,
        order_p=_order(panel, best.only(np.array([0])), rng) if rng is not None and common and U <= FEW_UNITS else None,
        n_cells=int(treated.sum()),
        n_units=U,
        method="mixed model of teams and weeks, assumptions weighed by restricted likelihood",
    )


def degrees_of_freedom(odds: Odds, adopters: int, units: int, *, common: bool) -> int:
    """Return what the model's variance and the jackknife's are worth together; the smaller side carries the latter."""
    if not common or adopters < LEAST_ADOPTERS:
        return odds.worth
    return odds.worth + max(min(units - 1, 2 * min(adopters, units - adopters or adopters) - 1), 1)


def expected_error(
    n: Floats, unit: Ints, time: Ints, treated: NDArray[np.bool_], since: Floats, *, common: bool,
    assumptions: Fits,
) -> float:  # fmt: skip
    """Return the standard error that a planned rollout would give, in units of sd, before any outcome is known."""
    refuse(np.zeros(len(n)), n, unit, time, treated, since, common=common)
    panel = mixed.lay_out(np.zeros(len(n)), n, unit, time, treated, since, common=common)
    return refitted(panel, assumptions.heaviest).averaged(panel.mean_effect)[1]


def _scaled(value: float, error: float, t: float, sd: float) -> Interval:
    return Interval(estimate=value * sd, low=(value - t * error) * sd, high=(value + t * error) * sd)


def _jackknife(panel: Panel, best: Fits) -> float:
    """Leave one unit out at a time; MacKinnon, Nielsen & Webb 2023, eq. 12 (CV3J)."""
    W = mixed.inverse_covariance(panel.n, best.rho[0], best.shock[0])[0]
    theta = []
    for unit in range(len(panel.y)):
        left = panel.without(unit)
        theta.append(refitted(left, best, W=W, keep=np.arange(len(W)) != unit).mean(left.mean_effect))
    G = len(theta)
    return float(np.sqrt((G - 1) / G * np.sum((np.array(theta) - np.mean(theta)) ** 2)))


def _by_unit(panel: Panel, best: Fits) -> dict[int, tuple[float, float]]:
    """Return each treated unit's effect, drawn to no common one."""
    again = refitted(panel, best.assuming(mixed.FREE, of=mixed.APART))
    found = {}
    for k, unit in enumerate(panel.treated):
        c = np.zeros(len(panel.mean_effect))
        weight = panel.n[unit] * panel.D[unit]
        c[: panel.X.shape[2]] = weight @ panel.X[unit] / weight.sum()
        c[panel.X.shape[2] + k] = 1.0
        found[int(unit)] = again.averaged(c)
    return found


def _by_band(panel: Panel, best: Fits) -> dict[tuple[int, int], tuple[float, float]]:
    """Return the effect by weeks since the rollout, an event study.

    From eight weeks before on beside all earlier weeks; earlier bands beside what lies before them, weeks from eight
    before the rollout on left out.
    """
    quiet = np.where(panel.since >= BANDS[0][0], 0.0, panel.n)
    reach = np.nanmin(np.where(panel.n > 0, panel.since, np.nan))
    early = [band for band in EARLY if band[0] - reach >= LEAST_REFERENCE]
    return {**_bands(panel, best, quiet, early), **_bands(panel, best, panel.n, BANDS)}


def _bands(
    panel: Panel, best: Fits, n: Floats, bands: Sequence[tuple[int, int]]
) -> dict[tuple[int, int], tuple[float, float]]:
    inside = {band: (panel.since >= band[0]) & (panel.since <= band[1]) & (n > 0) for band in bands}
    seen = [band for band in bands if inside[band].any()]
    X = np.concatenate([np.zeros((*n.shape, mixed.KAPPA + 1)), *(inside[band][:, :, None] for band in seen)], axis=2)
    shown = replace(panel, n=n, X=X, D=np.zeros_like(n), treated=panel.treated[:0])
    again = refitted(shown, best.assuming(mixed.LEVEL, of=mixed.SLOPE))
    every = np.eye(X.shape[2] + len(n))
    return {band: again.averaged(every[mixed.KAPPA + 1 + k]) for k, band in enumerate(seen)}


def _replay(panel: Panel, best: Fits, *, df: int, inflate: float, sd: float) -> Replay:
    """Try the rule on every earlier date: all rollouts moved back by the same number of weeks, real ones left out."""
    adopts: NDArray[np.bool_] = np.asarray(panel.D.any(axis=1))
    T = panel.n.shape[1]
    first: Ints = np.where(adopts, panel.D.argmax(axis=1), T)
    full, room = (
        np.clip(np.median(panel.D[adopts].sum(axis=1)), LEAST_REPLAYED, MOST_REPLAYED),
        first.min() - LEAST_BEFORE,
    )
    window = int(full) if full <= room else max(int(room) // 2, LEAST_REPLAYED)
    t_values, effects, spoken, t_needed = [], {}, 0, critical(df)
    backs = np.arange(window, int(room) + 1)
    if len(backs) > MOST_DATES:
        backs = np.unique(np.linspace(backs[0], backs[-1], MOST_DATES).round().astype(int)) if MOST_DATES else backs[:0]
    for back in backs:
        since = np.where(adopts[:, None], np.arange(T) - (first - back)[:, None], np.nan)
        n = np.where(since >= window, 0.0, panel.n)
        if ((n > 0) & (since >= 0)).any(axis=1).sum() == adopts.sum():
            moved = mixed.with_rollouts(panel.y, n, since >= 0, since, common=panel.common)
            again = refitted(moved, best)
            value, error = again.averaged(moved.mean_effect)
            t_values.append(value / (error * inflate))
            any_value, any_error = of_one_shape(again, moved).averaged(moved.mean_effect)
            low, high = interval(value, error * inflate, any_value / (any_error * inflate), t=t_needed)
            spoken += not low <= 0 <= high
            effects[int(back)] = Interval(estimate=value * sd, low=low * sd, high=high * sd)
    if not t_values:
        return Replay(dates=0, spoken=0, widen=1.0)
    t = np.array(t_values)
    # neighbouring dates share their weeks: together they are worth as many as windows fit side by side
    worth = 1 + (backs[-1] - backs[0]) / window
    scatter = (df + worth * float(np.mean(t**2))) / (df + worth) if full <= room else 1.0
    return Replay(dates=len(t), spoken=spoken, weeks=window, widen=float(np.sqrt(max(scatter, 1.0))), effects=effects)


def _order(panel: Panel, best: Fits, rng: np.random.Generator) -> float:
    """Deal the rollouts out to the units anew; return the share of orders with a t at least as large as the real one.

    Randomisation inference by t (MacKinnon & Webb 2020); the real order counts (Phipson & Smyth 2010).
    """
    W = mixed.inverse_covariance(panel.n, best.rho[0], best.shock[0])[0]
    begin = float(np.min(panel.since[panel.D > 0]))

    def t_of(dealt: Panel) -> float:
        return abs(float(np.divide(*refitted(dealt, best, W=W).averaged(dealt.mean_effect))))

    def inside(dealt: Panel) -> int:
        return int(np.sum(dealt.D.any(axis=1) & ((dealt.n > 0) & (dealt.since < 0)).any(axis=1)))

    # dealt by place in the order of trends, so that names of units do not matter
    units = np.argsort(np.einsum("uts,us,ut->u", W, panel.y, panel.year))
    orders = [panel.since[rng.permutation(units)[np.argsort(units)]] for _ in range(ORDERS)]
    dealt = [mixed.with_rollouts(panel.y, panel.n, since >= begin, since, common=True) for since in orders]
    # a rollout before a unit came, or after it was gone, is no order to compare with
    t = np.array([t_of(one) for one in dealt if inside(one) >= inside(panel)])
    # a mirror image is as strong, but for the prior of the week effects
    return float((1 + np.sum(t >= t_of(panel) * (1 - 1e-3))) / (1 + len(t)))
