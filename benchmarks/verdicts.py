"""Verdicts over seeds of the simulator: 12 staggered teams, with an effect, without one, and on doubtful data.

Run: python benchmarks/verdicts.py [SEEDS]. Fails when a bar is missed.
"""

import sys
from collections import Counter
from datetime import date, timedelta

import numpy as np

from prodops_analysis import Change, Settings, Verdict, assess
from prodops_analysis.sample.simulator import STATES, World, simulate

TEAMS = tuple(f"Team {letter}" for letter in "ABCDEFGHIJKL")
START = date(2025, 1, 6)
FIRST, STEP = 26, 3  # week of the first rollout, weeks from one team to the next
SPEAKS = {Verdict.IMPROVED, Verdict.WORSENED}


def verdict(seed: int, *, effect: float, faults: float = 0.0) -> Verdict:
    """Assess one simulated organisation."""
    rng = np.random.default_rng([2026, seed])
    weeks = {team: FIRST + STEP * k for k, team in enumerate(rng.permutation(TEAMS))}
    world = World(
        teams=TEAMS,
        speed={team: (week, float(np.log1p(effect))) for team, week in weeks.items()},
        faults=dict.fromkeys(TEAMS, faults),
    )
    made = simulate(world, rng=rng)
    rollouts = {str(team): START + timedelta(weeks=week) for team, week in weeks.items()}
    change = Change(rollouts=rollouts, primary_metric="cycle_time", smallest_worthwhile=0.15)
    return assess(made.log(), None, change, as_of=made.as_of, settings=Settings(workflow=STATES)).verdict


def main(seeds: int) -> int:
    """Print the counts and return the number of bars missed."""
    worlds = {
        "true effect -30 %": {"effect": -0.30},
        "no effect": {"effect": 0.0},
        "grade D source, -30 %": {"effect": -0.30, "faults": 0.45},
    }
    counts = {name: Counter(verdict(s, **kw) for s in range(seeds)) for name, kw in worlds.items()}
    for name, count in counts.items():
        print(f"{name:24}", ", ".join(f"{word}: {count[word]} of {seeds}" for word in Verdict))
    bars = [
        counts["true effect -30 %"][Verdict.IMPROVED] >= 0.6 * seeds,
        sum(counts["no effect"][word] for word in SPEAKS) <= 0.075 * seeds,
        counts["grade D source, -30 %"][Verdict.NOT_ENOUGH_EVIDENCE] == seeds,
    ]
    return bars.count(False)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 40))
