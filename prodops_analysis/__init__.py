"""Did the process change help? Process analysis and reporting for product operations.

From an event log and a change to an answer, here in a simulated organisation where two teams halve their cycle time:

>>> from datetime import date
>>> import numpy as np
>>> import pandas as pd
>>> import prodops_analysis as po
>>> from prodops_analysis.sample.simulator import World, simulate
>>> faster = {"Ads": (40, np.log(0.5)), "Maps": (46, np.log(0.5))}  # team: week, effect on the log scale
>>> world = World(teams=("Ads", "Maps", "Mail", "Shop"), start="2025-01-06", weeks=80, speed=faster)
>>> events = simulate(world, rng=np.random.default_rng(1)).rows  # item_id, at, field, to_value, team
>>> workflow = {"Backlog": "queue", "Ready": "queue", "In progress": "active", "In review": "active",
...             "Waiting for decision": "wait", "Done": "done", "Dropped": "dropped"}
>>> change = po.Change(rollouts={"Ads": date(2025, 10, 13), "Maps": date(2025, 11, 24)})
>>> as_of = pd.Timestamp("2026-07-20", tz="UTC")
>>> said = po.assess(events, None, change, as_of=as_of, settings=po.Settings(workflow=workflow))
>>> print(said.verdict)
improved

`print(said)` shows the effect, its interval and every check that did not pass. Where to read on: `help(po.assess)`,
`help(po.Change)`, `help(po.plan)`, `help(po.Metric)`; `notebooks/explore.ipynb` for a first walk through your own log.
"""

from prodops_analysis.assessment import Assessment, assess
from prodops_analysis.checks import Check
from prodops_analysis.metrics import METRICS, Metric
from prodops_analysis.planning import Plan, plan
from prodops_analysis.records.changes import Change
from prodops_analysis.settings import Settings
from prodops_analysis.verdict import Verdict, Worthwhile
from prodops_analysis.workflow import Stage, Workflow

__all__ = [
    "METRICS",
    "Assessment",
    "Change",
    "Check",
    "Metric",
    "Plan",
    "Settings",
    "Stage",
    "Verdict",
    "Workflow",
    "Worthwhile",
    "assess",
    "plan",
]


def __dir__() -> list[str]:
    return sorted(__all__)
