"""How long an assessment takes, on one core, beside the packages that answer part of the question.

Run: python benchmarks/speed.py [--peers PYTHON], where PYTHON has csdid and CausalPy. Fails when a bar is missed.
CausalPy compiles its model the first time on a machine: both the first run and the second are printed.
"""

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from exports import events_of, observed
from worlds import STATES, Plan, draw

CSDID = """
import sys, time, warnings; sys.path.insert(0, sys.argv[1]); warnings.simplefilter("ignore")
import numpy as np, pandas as pd
from csdid.att_gt import ATTgt
from exports import observed
from worlds import START, Plan, draw
drawn = draw(Plan(never=1 / 3), rng=np.random.default_rng(1))
seen = observed(drawn).query("ended").assign(y=lambda s: np.log(s["value"].clip(1 / 24)))
seen["month"] = (seen["at"] - pd.Timestamp(START, tz="UTC")).dt.days // 28 + 1
first = {t: (pd.Timestamp(d) - pd.Timestamp(START)).days // 28 + 1 if d else 0 for t, d in drawn.rollouts.items()}
cell = seen.groupby(["team", "month"], as_index=False)["y"].mean()
cell = cell.assign(g=cell["team"].map(first), id=pd.factorize(cell["team"])[0] + 1)
begin = time.perf_counter()
fit = ATTgt(yname="y", tname="month", idname="id", gname="g", data=cell, control_group="notyettreated", xformla="y~1",
            panel=True, allow_unbalanced_panel=True, biters=999).fit(est_method="reg", bstrap=True)
fit.aggte(typec="simple", bstrap=True, biters=999)
print(time.perf_counter() - begin)
"""
CAUSALPY = """
import sys, time, warnings; sys.path.insert(0, sys.argv[1]); warnings.simplefilter("ignore")
import numpy as np, pandas as pd, causalpy
from exports import observed
from worlds import Plan, draw
drawn = draw(Plan(teams=1, first=44), rng=np.random.default_rng(1))
seen = observed(drawn).query("ended").assign(y=lambda s: np.log(s["value"].clip(1 / 24)))
week = seen.set_index(seen["at"].dt.tz_convert(None))["y"].resample("7D").mean().dropna().to_frame()
week["t"] = np.arange(len(week))
day = pd.Timestamp(min(d for d in drawn.rollouts.values() if d))
begin = time.perf_counter()
causalpy.InterruptedTimeSeries(week, day, formula="y ~ 1 + t", model=causalpy.pymc_models.LinearRegression(
    sample_kwargs={"progressbar": False, "random_seed": 1}))
print(time.perf_counter() - begin)
"""


def seconds(plan: Plan, *, times: int = 5) -> tuple[float, int]:
    """Return the best time of an assessment with all its checks, and the number of items."""
    from prodops_analysis import Change, Settings, assess

    drawn = draw(plan, rng=np.random.default_rng(1))
    log, settings = events_of(drawn), Settings(workflow=STATES)
    change = Change(rollouts=drawn.rollouts)
    best = np.inf
    for _ in range(times):
        begin = time.process_time()
        assess(log, None, change, as_of=drawn.as_of, settings=settings)
        best = min(best, time.process_time() - begin)
    return best, len(drawn.items)


def replay() -> tuple[float, int]:
    """Return what a replay of about 100 dates costs, in assessments of the same teams without it."""
    from prodops_analysis.comparison import Estimate, compare
    from prodops_analysis.estimators import rollout
    from prodops_analysis.metrics import METRICS

    drawn = draw(Plan(teams=12, weeks=156, first=135, step=0.0, never=0.5), rng=np.random.default_rng(1))
    seen, given = observed(drawn), {team: day for team, day in drawn.rollouts.items() if day}
    took = {}
    for most in (0, 10_000):
        rollout.MOST_DATES = most
        begin = time.process_time()
        found = compare(seen, metric=METRICS["cycle_time"], rollouts=given, as_of=drawn.as_of)
        took[most] = time.process_time() - begin
    assert isinstance(found, Estimate)
    return (took[10_000] - took[0]) / took[0] * 100 / found.replay.dates, found.replay.dates


def peer(python: str, script: str, **environment: str) -> float:
    """Return the seconds a script says it took under another Python."""
    command = [python, "-c", script, str(Path(__file__).parent)]
    said = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ | environment).stdout
    return float(said.splitlines()[-1])


def main() -> int:
    """Print the times and return the number of bars missed."""
    ask = argparse.ArgumentParser()
    ask.add_argument("--peers", default="")
    python = ask.parse_args().peers
    twelve, items = seconds(Plan())
    print(f"12 teams, 18 months, {items:,} items, all checks: {twelve:.2f} s")
    missed = [twelve > 0.5]
    each = []
    for teams in (10, 20, 40):
        took, items = seconds(Plan(teams=teams, step=1.0, pace=(15.0, 17.0)), times=3)
        each.append(took / items)
        print(f"{teams} teams, {items:,} items: {took:.2f} s, {1e6 * each[-1]:.0f} microseconds an item")
    missed.append(each[-1] > 1.1 * each[0])
    cost, dates = replay()
    print(f"replay of 100 dates ({dates} tried): {cost:.1f} assessments")
    missed.append(cost > 60)
    if python:
        took = peer(python, CSDID)
        print(f"csdid, 999 draws, estimate alone: {took:.1f} s, {took / twelve:.0f} times as long")
        missed.append(took < twelve)
        with tempfile.TemporaryDirectory() as fresh:
            for run in ("first", "second"):
                took = peer(python, CAUSALPY, PYTENSOR_FLAGS=f"base_compiledir={fresh}")
                print(f"CausalPy, one series, estimate alone, {run} run: {took:.1f} s, {took / twelve:.0f} times")
                missed.append(took < 50 * twelve)
    return sum(missed)


if __name__ == "__main__":
    sys.exit(main())
