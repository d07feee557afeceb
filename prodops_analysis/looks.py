"""When a verdict may be given: on the decision date, or on early looks at a price."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd
from scipy import stats

from prodops_analysis.errors import counted
from prodops_analysis.settings import Settings
from prodops_analysis.tables import confident

PLANNED_WEEKS = 26  # after the first rollout, where the record sets no decision date


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look at a change. until : the data used; confidence : what an interval must reach to speak now.

    waiting : why no verdict may be given yet, or empty.
    """

    until: pd.Timestamp
    confidence: float
    waiting: str
    said: str


def look_at(*, as_of: pd.Timestamp, decision_date: date | None, first_rollout: date, settings: Settings) -> Look:
    """Say what a look at `as_of` may conclude.

    With a decision date there is one verdict, from the data until that day; before it the change is monitored. Without
    one, the error is spent over looks as O'Brien and Fleming do, by the weeks since the first rollout (Lan & DeMets
    1983, alpha_1): an early look needs far stronger evidence.
    """
    if decision_date is not None:
        day = settings.begin_of(decision_date)
        if as_of < day:
            left = int(np.ceil((day - as_of) / pd.Timedelta(days=7)))
            waiting = f"monitoring: the decision is on {decision_date}, {counted(left, 'week')} to go"
            return Look(until=as_of, confidence=0.95, waiting=waiting, said=waiting)
        until = min(as_of, settings.begin_of(decision_date + timedelta(days=1)))
        return Look(until=until, confidence=0.95, waiting="", said=f"one verdict, from the data until {decision_date}")
    weeks = (as_of - settings.begin_of(first_rollout)) / pd.Timedelta(days=7)
    spent = float(np.clip(weeks / PLANNED_WEEKS, 1e-6, 1.0))
    if spent >= 1:
        said = f"{PLANNED_WEEKS} weeks after the first rollout have passed"
        return Look(until=as_of, confidence=0.95, waiting="", said=said)
    confidence = float(2 * stats.norm.cdf(stats.norm.ppf(0.975) / np.sqrt(spent)) - 1)
    said = (
        f"an early look without a decision date, {weeks:.0f} of {PLANNED_WEEKS} weeks after the first rollout: to "
        f"speak now, the {confident(confidence)} interval must lie wholly on one side of zero"
    )
    return Look(until=as_of, confidence=confidence, waiting="", said=said)
