"""Whether the smallest visible effect is found in 4 of 5 cases: as `prodops plan` promises it, as a report states it.

    python benchmarks/promises.py [--worlds 100]

Each world is drawn without an effect. What is promised before its first rollout for a year later, and what its report
then states, is made true in the same world: how often is it found?
"""

import math
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import worlds
from cells import FOUR, ONE, Cell, constant, judged_in, null, world
from exports import events_of, observed
from worlds import Plan

YEAR = 52  # weeks from the first rollout to the end of each world
CELLS = (
    null("cycle time", "12 teams", Plan()),
    null("throughput", "12 teams", Plan(), "throughput"),
    null("owner at start", "12 teams", Plan(), "owner_at_start"),
    null("cycle time", "4 teams", FOUR),
    null("cycle time", "1 team", replace(ONE, first=26)),
)
SEEN = 0.80


def with_effect(cell: Cell, size: float) -> Cell:
    """Return the cell with an effect of this size for the better."""
    if cell.metric == "throughput":
        return replace(cell, plan=replace(cell.plan, arrivals=constant(size)))
    if cell.metric == "owner_at_start":
        return replace(cell, plan=replace(cell.plan, owned=size))
    return replace(cell, plan=replace(cell.plan, effect=constant(-size)))


def promised(job: tuple[int, str, int]) -> tuple[int, float, bool, float, bool]:
    """Return for one world the effect promised and whether it was found, and the same for the effect stated."""
    from prodops_analysis import METRICS, Assessment, Change, Settings, Verdict, assess, plan

    cell, seed, number = CELLS[job[0]], job[1], job[2]

    def said(asked: Cell) -> Assessment:
        drawn = world(asked, seed, number)
        kinds = drawn.items[["item_id", "team", "kind", "size"]].rename(columns={"kind": "type"})
        change = Change(rollouts=drawn.rollouts, primary_metric=cell.metric, smallest_worthwhile=0.15)
        return assess(events_of(drawn, whole=cell.metric == "owner_at_start"), kinds, change, as_of=drawn.as_of,
                      settings=Settings(workflow=worlds.STATES))  # fmt: skip

    quiet = world(cell, seed, number)
    first = pd.Timestamp(min(day for day in quiet.rollouts.values() if day), tz="UTC")
    seen = observed(replace(quiet, as_of=first), cell.metric)
    before = plan(seen, metric=METRICS[cell.metric], rollouts=quiet.rollouts, as_of=first).visible[YEAR]
    after = said(cell).smallest_detectable
    found = [said(with_effect(cell, size)).verdict is Verdict.IMPROVED for size in (before, after)]
    return job[0], before, found[0], after, found[1]


def main() -> int:
    """Print one row a kind of world; return how many shares lie more than 3 standard errors below what is promised."""
    rows = np.array(judged_in(len(CELLS), promised, worlds=100, seed="promises 2026-11", told=__doc__))
    print("| teams | metric | promised by the plan | found | stated by the report | found |\n|---|---|---|---|---|---|")
    short, slack = 0, 3 * math.sqrt(SEEN * (1 - SEEN) / (len(rows) / len(CELLS)))
    for k, cell in enumerate(CELLS):
        _, before, found_before, after, found_after = rows[rows[:, 0] == k].T
        shown = [f"{100 * np.median(size):.0f} | {100 * found.mean():.0f} %"
                 for size, found in ((before, found_before), (after, found_after))]  # fmt: skip
        print(f"| {cell.group} | {cell.name} | {' | '.join(shown)} |")
        short += sum(found.mean() < SEEN - slack for found in (found_before, found_after))
    return int(short)


if __name__ == "__main__":
    sys.exit(main())
