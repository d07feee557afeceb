"""Did the process change help? Process analysis and reporting for product operations.

From an event log and a change to an answer, here with invented work that takes half the time after the change:

>>> from datetime import date
>>> import numpy as np
>>> import pandas as pd
>>> import prodops_analysis as po
>>> rng, n = np.random.default_rng(1), 1800
>>> begun = pd.Timestamp("2025-01-06", tz="UTC") + pd.to_timedelta(rng.uniform(0, 500, n), unit="D")
>>> work = pd.DataFrame({"item_id": range(n), "team": rng.choice(["Ads", "Maps", "Mail", "Shop"], n), "field": "state"})
>>> rollouts = {"Ads": date(2025, 10, 13), "Maps": date(2025, 11, 24)}
>>> changed = begun >= pd.to_datetime(work["team"].map(rollouts), utc=True)
>>> days = pd.to_timedelta(rng.lognormal(1.8, 0.8, n) * np.where(changed, 0.5, 1), unit="D")
>>> events = pd.concat([work.assign(to_value="Doing", at=begun), work.assign(to_value="Done", at=begun + days)])
>>> settings = po.Settings(workflow={"Doing": "active", "Done": "done"})
>>> as_of = pd.Timestamp("2026-05-21", tz="UTC")
>>> said = po.assess(events, None, po.Change(rollouts=rollouts), as_of=as_of, settings=settings)
>>> print(said.verdict)
improved

`print(said)` shows the effect, its interval and every check that did not pass. Where to read on: `help(po.assess)`,
`help(po.Change)`, `help(po.plan)`, `help(po.Metric)`; `notebooks/explore.ipynb` for a first walk through your own log.
"""

from prodops_analysis.assessment import Assessment, assess
from prodops_analysis.checks.subject import Check
from prodops_analysis.metrics import METRICS, Metric
from prodops_analysis.planning import Plan, plan
from prodops_analysis.records.changes import Change
from prodops_analysis.settings import Settings
from prodops_analysis.verdict import Verdict, Worthwhile
from prodops_analysis.workflow import Stage, Workflow

__all__ = [
    "METRICS", "Assessment", "Change", "Check", "Metric", "Plan", "Settings", "Stage", "Verdict", "Workflow",
    "Worthwhile", "assess", "plan",
]  # fmt: skip


def __dir__() -> list[str]:
    return sorted(__all__)
