"""What the weighed assumptions say together: the mean effect with its interval, and whether there is any at all.

Where a change does nothing, nothing can grow and teams cannot differ. So whether there is an effect at all is also
asked of those assumptions alone under which it has one shape for all; growth and differences widen what is said of its
size.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from prodops_analysis.estimators.assumptions import MOST_SPELL, Fits
from prodops_analysis.estimators.lasting import Lasting
from prodops_analysis.estimators.mixed import Floats, Panel

BESIDE_ZERO = 1e-4  # where an interval ends that would hold zero although no effect at all is ruled out


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """An estimate with its 95% interval, on the scale of y."""

    estimate: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Together:
    """An estimate, its error referred to Student's t with `df`, and how much larger than the model's own that is.

    answers : where a spell is seen, the estimates with the weeks before the rollouts left out and with all weeks.
    """

    estimate: float
    error: float
    inflate: float
    df: int
    answers: tuple[float, float] | None

    def beside(self, moved: Lasting) -> "Together":
        """Reach towards the effect on top of what moved at another time, where that lies nearer to zero."""
        if (self.estimate - moved.on_top) * self.estimate <= 0:
            return self
        other, others = moved.among(self.estimate, self.error, inflate=self.inflate)
        reach = abs(self.estimate - other) / 2 / critical(self.df)
        return replace(self, estimate=(self.estimate + other) / 2, error=max(self.error, others) + reach)


def together(fits: Fits, c: Floats, *, df: int, worth: int, jackknife: float) -> Together:
    """Average c'theta; `worth` of the `df` are the model's, the others the jackknife's."""
    estimate, model = fits.averaged(c)
    answers = _with_and_without_spell(fits, c)
    if answers:
        model = max(error for _, error in answers)
    # two variances put together by what each is worth (Smyth 2004)
    own = float(np.sqrt((worth * model**2 + (df - worth) * jackknife**2) / df))
    if not answers:
        return Together(estimate=estimate, error=own, inflate=own / model, df=df, answers=None)
    without, every = (value for value, _ in answers)  # the interval reaches over both
    error = own + abs(without - every) / 2 / critical(df)
    return Together(estimate=estimate, error=error, inflate=own / model, df=df, answers=(without, every))


def of_one_shape(fits: Fits, panel: Panel) -> Fits:
    """Return what is asked whether there is an effect at all; of one adopter all, as its drift may have any shape."""
    return fits.only(fits.alike) if len(panel.treated) > 1 and fits.alike.any() else fits


def critical(df: int, confidence: float = 0.95) -> float:
    """Return the t that an estimate has to reach."""
    return float(stats.t.ppf(0.5 + confidence / 2, df))


def interval(estimate: float, error: float, t_any: float, *, t: float) -> tuple[float, float]:
    """Return the ends of an interval; it ends beside zero where no effect at all is ruled out and zero lies inside."""
    low, high, near = estimate - t * error, estimate + t * error, min(BESIDE_ZERO, abs(estimate))
    if abs(t_any) <= t or t_any * estimate <= 0:
        return low, high
    return (max(low, near), high) if estimate > 0 else (low, min(high, -near))


def _with_and_without_spell(fits: Fits, c: Floats) -> list[tuple[float, float]]:
    """Return estimate and error with a spell before the rollouts let in and without, where it has all its weight."""
    let_in = fits.weight @ fits.spell / fits.weight.sum()
    if let_in < MOST_SPELL - 1e-9 or fits.spell.all():
        return []
    return [fits.only(fits.spell).averaged(c), fits.only(~fits.spell).averaged(c)]
