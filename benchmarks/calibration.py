"""How often verdicts are wrong: simulated worlds with known truth, every cell through `assess`.

    python benchmarks/calibration.py --worlds 400 --keep found.jsonl     the table of docs/calibration.md
    python benchmarks/calibration.py --worlds 60 --quick --seed $(git rev-parse HEAD)     what CI runs
    python benchmarks/calibration.py --peers /path/to/python         beside the usual methods (benchmarks/peers.py)

A cell alternates three opinions of how teams behave (benchmarks/worlds.py) and, with several teams, two designs: all of
them adopt one after the other, or a third of them never do. Seeds used while the method was built are never reported.
It fails when a rate lies beyond its bar by more than 3 Monte-Carlo standard errors; where a bar is not met yet
(`owed`), when it falls below what was reached. Of so many cells one lies there by luck now and then: a cell that does
in a short run is judged in 400 worlds, and by all of them.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import worlds
from cells import CELLS, Cell, plan_of, world
from exports import events_of
from worlds import Drawn

REPORTED = "reported 2026-11, counts that may grow from nothing"
ENOUGH = 400  # worlds that tell a cell which misses its bar from one that was unlucky
NINE = 9


def judged(job: tuple[int, str, int]) -> dict[str, object]:
    """Assess one world."""
    cell, seed, number = CELLS[job[0]], job[1], job[2]
    return {"cell": job[0], "seed": seed, "number": number, **said_of(cell, world(cell, seed, number))}


def said_of(cell: Cell, drawn: Drawn) -> dict[str, object]:
    """Return what is said of a world of a cell, and whether it is true."""
    from prodops_analysis import METRICS, Change, Settings, Verdict, assess
    from prodops_analysis.event_log import validate

    begun = min(day for day in drawn.rollouts.values() if day)
    change = Change(
        rollouts=drawn.rollouts, primary_metric=cell.metric, smallest_worthwhile=0.15,
        decision_date=begun + timedelta(days=30 * NINE) if cell.decided else None,
    )  # fmt: skip
    settings = Settings(workflow={**worlds.STATES, "Doing": "active"})  # no map knows what is renamed under way
    kinds = drawn.items[["item_id", "team", "kind", "size"]].rename(columns={"kind": "type"})
    log = validate(events_of(drawn, whole=cell.metric == "owner_at_start" or bool(cell.plan.rename)))
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
        "seconds": took, "truth": truth, "estimate": last.estimate, "verdict": str(last.verdict),
        "spoke": bool(spoke), "right": last.verdict == right, "measured": measured,
        "wrong": not cell.nil and any(s.verdict != right for s in spoke),
        "covered": None if last.low is None else bool(last.low <= truth <= last.high),
    }  # fmt: skip


def _month_after(begun: date, months: int) -> pd.Timestamp:
    return pd.Timestamp(begun, tz="UTC") + pd.Timedelta(days=30 * months)


def rates(cell: Cell, found: list[dict[str, object]]) -> dict[str, tuple[float, int]]:
    """Return the rates of one cell with the number of worlds behind each."""
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
    missed = share(f["verdict"] == "no worthwhile change" for f in beyond) if beyond else (float("nan"), 0)
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
    ask.add_argument("--keep", type=Path, help="file of worlds judged; a run that was stopped goes on from there")
    ask.add_argument("--quick", action="store_true", help="without the extra cells")
    given = ask.parse_args(argv)
    chosen = [
        k for k, cell in enumerate(CELLS)
        if given.only in f"{cell.group}: {cell.name}" and not (given.quick and cell.extra)
    ]  # fmt: skip
    found = _found(chosen, given.worlds, given)
    again = [k for k in chosen if given.worlds < ENOUGH and _missed(k, found, given.slack)]
    if again:
        found = [f for f in found if f["cell"] not in again] + _found(again, ENOUGH, given)
    peers = _peers(given.peers, chosen, given) if given.peers else {}
    missed = _report(chosen, found, peers, given)
    _split_false([k for k in chosen if "false" in CELLS[k].bars and not CELLS[k].looks], found)
    if effects := [k for k in chosen if not CELLS[k].nil]:
        _split(effects, found)
    longer = f", {ENOUGH} where a bar was missed ({len(again)})" if again else ""
    print(f"\n{given.worlds} worlds a cell{longer}, seeds of {given.seed!r}; ", end="")
    print(f"bars missed beyond {given.slack:g} se: {len(missed)}")
    print("\n".join(missed))
    return len(missed)


def _found(chosen: list[int], many: int, given: argparse.Namespace) -> list[dict[str, object]]:
    """Judge every world that is not kept yet, all cells alike far at any time."""
    kept = (
        [json.loads(line) for line in given.keep.read_text().splitlines()] if given.keep and given.keep.exists() else []
    )
    done = {(row["cell"], row["seed"], row["number"]) for row in kept}
    jobs = [(k, given.seed, number) for number in range(many) for k in chosen]
    with ProcessPoolExecutor(given.jobs) as pool, open(given.keep or os.devnull, "a") as file:
        for row in pool.map(judged, [job for job in jobs if job not in done], chunksize=4):
            kept.append(row)
            file.write(json.dumps(row) + "\n")
    return [row for row in kept if (row["cell"], row["seed"], row["number"]) in set(jobs)]


def _missed(k: int, found: list[dict[str, object]], slack: float) -> list[str]:
    """Say which bars of a cell are missed."""
    cell = CELLS[k]
    got = rates(cell, [f for f in found if f["cell"] == k])
    asked = [(name, kind, bar, *got[name]) for name, (kind, bar) in cell.bars.items()]
    return [
        f"{cell.group}: {cell.name}: {name} is {rate:.1%} of {n}, asked {kind} {bar:.1%}"
        for name, kind, bar, rate, n in asked if n and not met(kind, cell.owed.get(name, bar), rate, n, slack=slack)
    ]  # fmt: skip


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
            if name == "missed" and not got[name][1]:  # no effect here is larger than the smallest worthwhile one
                continue
            asked.append(f"{name} {kind.replace('>=', '≥').replace('<=', '≤')} {100 * bar:g} %")
        missed += _missed(k, found, given.slack)
        main_rate = got["false" if cell.nil else "power"]
        if "false" in cell.bars and not cell.looks and "all at once" not in cell.name:
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


def _split_false(nulls: list[int], found: list[dict[str, object]]) -> None:
    """Print false verdicts by opinion, all kinds of world of a group together."""
    print("\n| " + " | ".join(["teams", *worlds.OPINIONS]) + " |\n|" + "---|" * (1 + len(worlds.OPINIONS)))
    for group in dict.fromkeys(CELLS[k].group for k in nulls):
        mine = {k for k in nulls if CELLS[k].group == group and "all at once" not in CELLS[k].name}
        by_opinion: list[list[bool]] = [[], [], []]
        for f in found:
            if f["cell"] in mine:
                by_opinion[int(str(f["number"])) % 3].append(bool(f["spoke"]))
        print("| " + " | ".join([group, *(_shown(float(np.mean(x)), len(x)) if x else "-" for x in by_opinion)]) + " |")


def _split(effects: list[int], found: list[dict[str, object]]) -> None:
    """Print the power by opinion, and power and coverage by what is left to compare with."""
    heads = ["teams", "world", *worlds.OPINIONS, "a third never adopts", "all adopt"]
    print("\n| " + " | ".join(heads) + " |\n|" + "---|" * len(heads))
    for k in effects:
        cell = CELLS[k]
        mine = [(plan_of(cell, int(str(f["number"]))), f) for f in found if f["cell"] == k]
        row = []
        for opinion in worlds.OPINIONS:
            power, _ = rates(cell, [f for plan, f in mine if plan.opinion == opinion])["power"]
            row.append(f"{100 * power:.0f} %")
        for never in (1 / 3, 0.0):
            some = rates(cell, [f for plan, f in mine if plan.never == never])
            both = f"{100 * some['power'][0]:.0f} %, covered {100 * some['coverage'][0]:.0f} %"
            row.append(both if cell.plan.teams >= 12 else "-")
        print("| " + " | ".join([cell.group, cell.name, *row]) + " |")


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
