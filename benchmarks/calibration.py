"""How often verdicts are wrong: simulated worlds with known truth, every cell through `assess`.

    python benchmarks/calibration.py --worlds 400                    the table of docs/calibration.md
    python benchmarks/calibration.py --worlds 60 --quick --seed $(git rev-parse HEAD)     what CI runs
    python benchmarks/calibration.py --peers /path/to/python         beside the usual methods (benchmarks/peers.py)

A cell alternates three opinions of how teams behave (benchmarks/worlds.py) and, with several teams, two designs: all of
them adopt one after the other, or a third of them never do. Seeds used while the method was built are never reported.
It fails when a rate lies beyond its bar by more than 3 Monte-Carlo standard errors; where a bar is not met yet
(`owed`), when it falls below what was reached.
"""

import argparse
import json
import math
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import worlds
from worlds import Drawn, Plan

REPORTED = "reported 2026-11, 400 worlds, even odds of growth"
NINE = 9


def constant(size: float) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Return an effect of one size; -0.2 is 20 % less."""
    return lambda since, order: np.full(len(since), np.log1p(size))


def growing(since: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Return an effect that grows to -35 % within half a year."""
    return np.log(0.65) * np.minimum(since / 26, 1.0)


def early(since: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Return an effect of -40 % for the first team and none for the last."""
    return np.log1p(-0.4) * (1 - order)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A kind of world and what is asked of the verdicts on it. bars : rate -> (at least or at most, value)."""

    name: str
    group: str
    plan: Plan
    metric: str = "cycle_time"
    bars: dict[str, tuple[str, float]] = field(default_factory=dict)
    nil: bool = True
    looks: bool = False
    decided: bool = False
    extra: bool = False  # left out of the quick run
    owed: dict[str, float] = field(default_factory=dict)  # what was reached where a bar is not met


NIL = {"false": ("<=", 0.06), "coverage": (">=", 0.90)}


def null(
    name: str, group: str, plan: Plan, metric: str = "cycle_time", most: float = 0.06, extra: bool = False
) -> Cell:
    """Return a cell in which nothing changed."""
    return Cell(name=name, group=group, plan=plan, metric=metric, bars={**NIL, "false": ("<=", most)}, extra=extra)


def effect(
    name: str, group: str, plan: Plan, least: float | None, metric: str = "cycle_time", owed: float | None = None
) -> Cell:
    """Return a cell in which the change had an effect; without a least power it is an extra one."""
    bars = {"coverage": (">=", 0.90), "wrong sign": ("<=", 0.005)}
    return Cell(
        name=name, group=group, plan=plan, metric=metric, nil=False,
        bars={**bars, **({"power": (">=", least)} if least else {})}, extra=least is None,
        owed={"power": owed} if owed else {},
    )  # fmt: skip


ONE = Plan(teams=1, first=44, pace=(8.0, 8.0))
FOUR = Plan(teams=4, step=8)
CELLS = (
    null("independent items", "12 teams", Plan(shocks=0.0)),
    null("autocorrelated weeks", "12 teams", Plan()),
    null("trend", "12 teams", Plan(trend=-0.25)),
    null("each team its own trend", "12 teams", Plan(slopes=0.2)),
    null("season", "12 teams", Plan(season=0.3)),
    null("rollout after the worst weeks", "12 teams", Plan(triggered="weeks")),
    null("worst teams first", "12 teams", Plan(triggered="team"), extra=True),
    null("mix of work shifts", "12 teams", Plan(mix=0.5)),
    null("recent export", "12 teams", Plan(first=62, step=0.9)),
    null("bulk close of old items", "12 teams", Plan(bulk=True)),
    null("shared shock", "12 teams", Plan(shared=0.3)),
    null("throughput", "12 teams", Plan(), "throughput"),
    null("throughput, season and own trends", "12 teams", Plan(season=0.3, slopes=0.2), "throughput", extra=True),
    null("owner at start", "12 teams", Plan(), "owner_at_start"),
    null("lead time", "12 teams", Plan(), "lead_time", extra=True),
    null("autocorrelated weeks", "4 teams", FOUR, extra=True),
    null("each team its own trend", "4 teams", replace(FOUR, slopes=0.2)),
    null("rollout after the worst weeks", "4 teams", replace(FOUR, triggered="weeks")),
    null("one adopts", "12 teams, one adopts", Plan(never=11 / 12, first=40)),
    null("one adopts, each team its own trend", "12 teams, one adopts", Plan(never=11 / 12, first=40, slopes=0.2),
         extra=True),
    null("three adopt", "12 teams, three adopt", Plan(never=9 / 12), extra=True),
    null("independent items", "1 team", replace(ONE, shocks=0.0), extra=True),
    null("autocorrelated weeks", "1 team", ONE),
    null("trend", "1 team", replace(ONE, trend=-0.25), most=0.08),
    null("season", "1 team", replace(ONE, season=0.3)),
    null("rollout after the worst weeks", "1 team", replace(ONE, triggered="weeks")),
    null("recent export", "1 team", replace(ONE, first=64)),
    null("throughput", "1 team", ONE, "throughput"),
    Cell(
        name="nil effect, m = 15 %", group="40 teams", plan=Plan(teams=40, step=1.0),
        bars={**NIL, "no worthwhile change": (">=", 0.80)},
    ),
    Cell(name="nine monthly looks", group="4 teams", plan=FOUR, looks=True, bars={"false": ("<=", 0.06)}, extra=True),
    Cell(name="nine monthly looks", group="1 team", plan=replace(ONE, first=38), looks=True,
         bars={"false": ("<=", 0.06)}),
    Cell(name="nine monthly looks, decision date set", group="1 team", plan=replace(ONE, first=38), looks=True,
         decided=True, bars={"false": ("<=", 0.06)}, extra=True),
    Cell(name="clock stamped by a new state", group="12 teams", plan=Plan(rename="start"),
         bars={"abstained for it": (">=", 0.98)}),
    Cell(name="harmless rename", group="12 teams", plan=Plan(rename="harmless"),
         bars={**NIL, "abstained for it": ("<=", 0.05)}),
    Cell(name="all at once, shared shock", group="12 teams", plan=Plan(at_once=True, shared=0.3),
         bars={"false": ("<=", 0.06)}),
    effect("-20 %", "12 teams", Plan(effect=constant(-0.2)), 0.80),
    effect("growing to -35 %", "12 teams", Plan(effect=growing), 0.85),
    effect("early adopters gain most, -40 to 0 %", "12 teams", Plan(effect=early), 0.55),
    effect("-20 % under trend and season", "12 teams", Plan(effect=constant(-0.2), trend=-0.25, season=0.3), 0.85),
    effect("harm, +25 %", "12 teams", Plan(effect=constant(0.25)), None),
    effect("waiting only, half", "12 teams", Plan(waiting=float(np.log(0.5))), None, "lead_time"),
    effect("owners 60 to 75 %", "12 teams", Plan(owned=0.15), 0.95, "owner_at_start"),
    effect("throughput +15 %", "12 teams", Plan(arrivals=float(np.log(1.15))), 0.70, "throughput", owed=0.45),
    effect("-10 %", "40 teams", Plan(teams=40, step=1.0, effect=constant(-0.1)), 0.65),
    effect("-35 %", "1 team", replace(ONE, effect=constant(-0.35)), 0.60),
    effect("-20 %", "1 team", replace(ONE, effect=constant(-0.2)), 0.25),
    effect("-30 %", "4 teams", replace(FOUR, effect=constant(-0.3)), None),
)  # fmt: skip


def world(cell: Cell, seed: str, number: int) -> Drawn:
    """Draw one world of a cell; the same for us and for the usual methods."""
    key = [zlib.crc32(text.encode()) for text in (seed, cell.group, cell.name)]
    plan = replace(cell.plan, opinion=worlds.OPINIONS[number % 3])
    if plan.teams >= 12 and plan.never == 0 and not plan.at_once and (number // 3) % 2:
        plan = replace(plan, never=1 / 3, step=plan.step * 1.5)
    return worlds.draw(plan, rng=np.random.default_rng([*key, number]))


def judged(job: tuple[int, str, int]) -> dict[str, object]:
    """Assess one world."""
    from prodops_analysis import METRICS, Change, Settings, Verdict, assess
    from prodops_analysis.event_log import validate

    cell, seed, number = CELLS[job[0]], job[1], job[2]
    drawn = world(cell, seed, number)
    begun = min(day for day in drawn.rollouts.values() if day)
    change = Change(
        rollouts=drawn.rollouts, primary_metric=cell.metric, smallest_worthwhile=0.15,
        decision_date=begun + timedelta(days=30 * NINE) if cell.decided else None,
    )  # fmt: skip
    settings = Settings(workflow={**worlds.STATES, "Doing": "active", "Peer review": "active"})
    kinds = drawn.items[["item_id", "team", "kind", "size"]].rename(columns={"kind": "type"})
    log = validate(drawn.log(whole=cell.metric == "owner_at_start" or bool(cell.plan.rename)))
    at = [_month_after(begun, k) for k in range(1, NINE + 1)] if cell.looks else [drawn.as_of]
    begin = time.process_time()
    said = [assess(log, kinds, change, as_of=moment, settings=settings) for moment in at if moment <= drawn.as_of]
    took = (time.process_time() - begin) / len(said)
    last = said[-1]
    truth = drawn.truth[cell.metric]
    truth = float(np.expm1(truth)) if METRICS[cell.metric].scale == "ratio" else truth
    spoke = [s for s in said if s.verdict in (Verdict.IMPROVED, Verdict.WORSENED)]
    better = (truth < 0) == (METRICS[cell.metric].better == "lower")
    right = Verdict.IMPROVED if better else Verdict.WORSENED
    measured = any(c.name == "measurement changed at rollout" and c.result == "forbids" for c in last.checks)
    return {
        "cell": job[0], "seconds": took, "truth": truth, "estimate": last.estimate, "verdict": str(last.verdict),
        "spoke": bool(spoke), "right": last.verdict == right, "measured": measured,
        "wrong": not cell.nil and any(s.verdict != right for s in spoke),
        "covered": None if last.low is None else bool(last.low <= truth <= last.high),
    }  # fmt: skip


def _month_after(begun: date, months: int) -> pd.Timestamp:
    return pd.Timestamp(begun, tz="UTC") + pd.Timedelta(days=30 * months)


def rates(cell: Cell, found: list[dict[str, object]]) -> dict[str, tuple[float, int]]:
    """Return the rates of one cell with the number of worlds behind each."""
    n = len(found)
    shown = [f["covered"] for f in found if f["covered"] is not None]

    def share(flags: Iterable[object]) -> tuple[float, int]:
        kept = list(flags)
        return (float(np.mean(kept)) if kept else float("nan")), len(kept)

    out = {
        "coverage": share(shown),
        "not enough evidence": share(f["verdict"] == "not enough evidence" for f in found),
        "no worthwhile change": share(f["verdict"] == "no worthwhile change" for f in found),
        "abstained for it": share(f["measured"] for f in found),
    }
    if cell.nil:
        return {"false": share(f["spoke"] for f in found), **out}
    beyond = [f for f in found if abs(float(str(f["truth"]))) > 0.15]
    missed = share(f["verdict"] == "no worthwhile change" for f in beyond) if beyond else (0.0, n)
    return {"power": share(f["right"] for f in found), "wrong sign": share(f["wrong"] for f in found),
            "missed": missed, **out}  # fmt: skip


def met(kind: str, bar: float, rate: float, n: int, *, slack: float) -> bool:
    """Say whether a rate meets its bar, with `slack` Monte-Carlo standard errors of the bar allowed."""
    se = math.sqrt(bar * (1 - bar) / max(n, 1))
    return rate <= bar + slack * se + 1e-9 if kind == "<=" else rate >= bar - slack * se - 1e-9


def main(argv: list[str]) -> int:
    """Print the table and return the number of bars missed."""
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--worlds", type=int, default=400)
    ask.add_argument("--seed", default=REPORTED)
    ask.add_argument("--only", default="", help="part of a cell's name or group")
    ask.add_argument("--jobs", type=int, default=2)
    ask.add_argument("--slack", type=float, default=3.0, help="Monte-Carlo standard errors allowed beyond a bar")
    ask.add_argument("--peers", default="", help="a Python with the packages of benchmarks/peers.py")
    ask.add_argument("--quick", action="store_true", help="without the extra cells")
    given = ask.parse_args(argv)
    chosen = [
        k for k, cell in enumerate(CELLS)
        if given.only in f"{cell.group}: {cell.name}" and not (given.quick and cell.extra)
    ]  # fmt: skip
    jobs = [(k, given.seed, number) for k in chosen for number in range(given.worlds)]
    with ProcessPoolExecutor(given.jobs) as pool:
        found = list(pool.map(judged, jobs, chunksize=4))
    peers = _peers(given.peers, chosen, given) if given.peers else {}
    missed = _report(chosen, found, peers, given)
    print(
        f"\n{given.worlds} worlds a cell, seeds of {given.seed!r}; bars missed beyond {given.slack:g} se: {len(missed)}"
    )
    print("\n".join(missed))
    return len(missed)


def _report(chosen: list[int], found: list[dict[str, object]], peers: dict[str, dict[str, float]],
            given: argparse.Namespace) -> list[str]:  # fmt: skip
    """Print one row a cell, then the pooled rates."""
    missed = []
    named = sorted({method for by in peers.values() for method in by})
    head = ["teams", "world", "false or power", "coverage", "wrong sign", "no answer", "asked", *named]
    print("| " + " | ".join(head) + " |\n|" + "---|" * len(head))
    pooled: dict[str, list[float]] = {"false": [], "coverage": [], "missed": []}
    for k in chosen:
        cell, mine = CELLS[k], [f for f in found if f["cell"] == k]
        got = rates(cell, mine)
        asked = []
        for name, (kind, bar) in cell.bars.items():
            rate, n = got[name]
            asked.append(f"{name} {kind.replace('>=', '≥').replace('<=', '≤')} {100 * bar:g} %")
            if n and not met(kind, cell.owed.get(name, bar), rate, n, slack=given.slack):
                missed.append(f"{cell.group}: {cell.name}: {name} is {rate:.1%} of {n}, asked {kind} {bar:.1%}")
        main_rate = got["false" if cell.nil else "power"]
        if cell.nil and not cell.looks and "all at once" not in cell.name:
            pooled["false"].append(main_rate[0])
        if "coverage" in cell.bars and got["coverage"][1]:
            pooled["coverage"].append(got["coverage"][0])
        row = [
            cell.group, cell.name, ("false " if cell.nil else "power ") + _shown(*main_rate), _shown(*got["coverage"]),
            _shown(*got["wrong sign"]) if not cell.nil else "", _shown(*got["not enough evidence"]), "; ".join(asked),
        ]  # fmt: skip
        print("| " + " | ".join([*row, *(f"{peers.get(str(k), {}).get(m, float('nan')):.0%}" for m in named)]) + " |")
    for name, kind, bar in (("false", "<=", 0.05), ("coverage", ">=", 0.93), ("coverage", "<=", 0.98)):
        if pooled[name]:
            rate, n = float(np.mean(pooled[name])), given.worlds * len(pooled[name])
            print(f"\npooled {name}: {_shown(rate, n)}, asked {kind} {bar:.0%}", end="")
            if not met(kind, bar, rate, n, slack=given.slack):
                missed.append(f"pooled {name} is {rate:.1%}, asked {kind} {bar:.0%}")
    print(f"\nseconds an assessment: {np.mean([float(str(f['seconds'])) for f in found]):.2f}")
    return missed


def _shown(rate: float, n: int) -> str:
    if not n:
        return "-"
    return f"{100 * rate:.1f} ± {100 * math.sqrt(max(rate * (1 - rate), 0.25 / n) / n):.1f} %"


def _peers(python: str, chosen: list[int], given: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Run the usual methods on the same worlds, in their own environment."""
    script = Path(__file__).with_name("peers.py")
    asked = [python, str(script), json.dumps({"cells": chosen, "worlds": given.worlds, "seed": given.seed})]
    # some packages print while they work
    said = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.splitlines()
    return json.loads(said[-1])


if __name__ == "__main__":
    sys.exit(min(main(sys.argv[1:]), 1))
