"""The bundled sample: eight invented teams, 78 weeks, three real effects, one change without any, planted faults.

`python tests/bundled.py data/sample/events.csv` writes the export.
"""

import sys
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from simulator import World, simulate

SEED = 20261014
START = "2025-04-07"
# change -> team -> week of the rollout; the truth stands in WORLD
INTAKE = {"Accounts": 39, "Billing": 42, "Catalogue": 45, "Checkout": 48}
OWNERS = {"Insights": 47, "Platform": 50}
STATUS = {"Insights": 41, "Platform": 41, "Search": 44}
PARTNERS = {"Partners": 51}
WORLD = World(
    teams=("Accounts", "Billing", "Catalogue", "Checkout", "Insights", "Partners", "Platform", "Search"),
    start=START,
    weeks=78,
    items_a_week=3.4,
    median_days=6.0,
    log_sd=0.8,
    speed={
        **{team: (week, float(np.log(0.62))) for team, week in INTAKE.items()},
        "Partners": (PARTNERS["Partners"], float(np.log(0.7))),
    },
    owned={team: (week, 0.30) for team, week in OWNERS.items()},
    faults={"Accounts": 0.06, "Search": 0.12, "Partners": 0.7},
)
COLUMNS = {"item_id": "issue", "at": "changed_at", "field": "field", "from_value": "from", "to_value": "to",
           "actor": "by", "team": "team", "batch_id": "edit"}  # fmt: skip


def rollout(week: int) -> date:
    """Return the Monday of a simulated week."""
    return date.fromisoformat(START) + timedelta(weeks=week)


def export() -> pd.DataFrame:
    """Return the sample as a tracker would export it, faults included."""
    made = simulate(WORLD, rng=np.random.default_rng(SEED))
    rows = made.rows.assign(at=made.rows["at"].dt.strftime("%Y-%m-%dT%H:%MZ"))
    partners = rows[rows["team"] == "Partners"]
    broken = partners.iloc[::150].assign(at="yesterday")
    late = partners.iloc[75::400].assign(at="2026-11-20T10:00Z")
    together = pd.concat([rows, partners.iloc[::90], broken, late], ignore_index=True)
    return together.rename(columns=COLUMNS)[list(COLUMNS.values())]


if __name__ == "__main__":
    export().to_csv(Path(sys.argv[1]), index=False, lineterminator="\n")
