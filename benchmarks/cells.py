"""The kinds of world that verdicts are judged on, and what is asked of each."""

import argparse
import zlib
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace

import numpy as np
import worlds
from worlds import Drawn, Plan


def constant(size: float) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Return an effect of one size; -0.2 is 20 % less."""
    return lambda since, order: np.full(len(since), np.log1p(size))


def growing(since: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Return an effect that grows to -35 % within half a year."""
    return np.log(0.65) * np.minimum(since / 26, 1.0)


def busier(since: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Return an effect that grows to +30 % within half a year."""
    return np.log(1.3) * np.minimum(since / 26, 1.0)


def fading(since: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Return an effect of -35 % that is gone within half a year."""
    return np.log(0.65) * np.maximum(1 - since / 26, 0.0)


def busier_at_first(since: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Return an effect of +30 % that is gone within half a year."""
    return np.log(1.3) * np.maximum(1 - since / 26, 0.0)


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
    bars = {"coverage": (">=", 0.90), "wrong sign": ("<=", 0.005), "missed": ("<=", 0.05)}
    return Cell(
        name=name, group=group, plan=plan, metric=metric, nil=False,
        bars={**bars, **({"power": (">=", least)} if least else {})}, extra=least is None,
        owed={"power": owed} if owed else {},
    )  # fmt: skip


ONE = Plan(teams=1, first=44, pace=(8.0, 8.0))
FOUR = Plan(teams=4, step=8)
CUT = {"weeks": 104, "begins": 26}  # the same 78 weeks, of a log that goes back further
CELLS = (
    null("independent items", "12 teams", Plan(shocks=0.0)),
    null("autocorrelated weeks", "12 teams", Plan()),
    null("trend", "12 teams", Plan(trend=-0.25)),
    null("each team its own trend", "12 teams", Plan(slopes=0.2)),
    null("season", "12 teams", Plan(season=0.3)),
    null("rollout after the worst weeks", "12 teams", Plan(triggered="weeks")),
    null("rollout after a record", "12 teams", Plan(triggered="record")),
    null("worst teams first", "12 teams", Plan(triggered="team"), extra=True),
    null("mix of work shifts", "12 teams", Plan(mix=0.5)),
    null("recent export", "12 teams", Plan(first=62, step=0.9)),
    null("export of what was touched since", "12 teams", Plan(first=52, **CUT)),
    null("bulk close of old items", "12 teams", Plan(bulk=True)),
    null("shared shock", "12 teams", Plan(shared=0.3)),
    null("throughput", "12 teams", Plan(), "throughput"),
    null("throughput, season and own trends", "12 teams", Plan(season=0.3, slopes=0.2), "throughput", extra=True),
    null("throughput, arrivals drift", "12 teams", Plan(drift=True), "throughput", extra=True),
    null("owner at start", "12 teams", Plan(), "owner_at_start"),
    null("work that comes back", "12 teams", Plan(back=0.25), "reopened", extra=True),
    null("lead time", "12 teams", Plan(), "lead_time", extra=True),
    null("autocorrelated weeks", "4 teams", FOUR, extra=True),
    null("each team its own trend", "4 teams", replace(FOUR, slopes=0.2)),
    null("rollout after the worst weeks", "4 teams", replace(FOUR, triggered="weeks")),
    null("rollout after a record", "4 teams", replace(FOUR, triggered="record"), extra=True),
    null("one adopts", "12 teams, one adopts", Plan(never=11 / 12, first=40)),
    null("one adopts, each team its own trend", "12 teams, one adopts", Plan(never=11 / 12, first=40, slopes=0.2),
         extra=True),
    null("three adopt", "12 teams, three adopt", Plan(never=9 / 12), extra=True),
    null("independent items", "1 team", replace(ONE, shocks=0.0), extra=True),
    null("autocorrelated weeks", "1 team", ONE),
    null("trend", "1 team", replace(ONE, trend=-0.25), most=0.08),
    null("steep trend", "1 team", replace(ONE, trend=-0.5), most=0.08, extra=True),
    null("season", "1 team", replace(ONE, season=0.3)),
    null("rollout after the worst weeks", "1 team", replace(ONE, triggered="weeks")),
    null("rollout after a record", "1 team", replace(ONE, triggered="record"), extra=True),
    null("recent export", "1 team", replace(ONE, first=64)),
    null("export of what was touched since", "1 team", replace(ONE, first=70, **CUT), extra=True),
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
    Cell(name="level moved five weeks before, -20 %", group="12 teams", extra=True,
         plan=Plan(moved=float(np.log(0.8)))),
    Cell(name="adopters moved at one date, -20 %", group="12 teams", extra=True,
         plan=Plan(never=1 / 3, step=4.5, reorganised=float(np.log(0.8)))),
    effect("-20 %", "12 teams", Plan(effect=constant(-0.2)), 0.80),
    effect("growing to -35 %", "12 teams", Plan(effect=growing), 0.85),
    effect("early adopters gain most, -40 to 0 %", "12 teams", Plan(effect=early), 0.55),
    effect("-20 % under trend and season", "12 teams", Plan(effect=constant(-0.2), trend=-0.25, season=0.3), 0.85),
    effect("-35 %, fading within half a year", "12 teams", Plan(effect=fading), None),
    effect("harm, +25 %", "12 teams", Plan(effect=constant(0.25)), None),
    effect("waiting only, half", "12 teams", Plan(waiting=float(np.log(0.5))), None, "lead_time"),
    effect("owners 60 to 75 %", "12 teams", Plan(owned=0.15), 0.95, "owner_at_start"),
    effect("25 to 15 % come back", "12 teams", Plan(back=0.25, back_added=-0.1), None, "reopened"),
    effect("throughput +15 %", "12 teams", Plan(arrivals=constant(0.15)), 0.70, "throughput", owed=0.42),
    effect("throughput +15 %, at once", "12 teams", Plan(arrivals=constant(0.15), at_end=True), 0.70, "throughput",
           owed=0.43),
    effect("throughput growing to +30 %", "12 teams", Plan(arrivals=busier), None, "throughput"),
    effect("throughput +30 %, fading", "12 teams", Plan(arrivals=busier_at_first), None, "throughput"),
    effect("-10 %", "40 teams", Plan(teams=40, step=1.0, effect=constant(-0.1)), 0.65),
    effect("-35 %", "1 team", replace(ONE, effect=constant(-0.35)), 0.60),
    effect("-20 %", "1 team", replace(ONE, effect=constant(-0.2)), 0.25),
    effect("-35 %, export of what was touched since", "1 team",
           replace(ONE, first=70, effect=constant(-0.35), **CUT), None),
    effect("-30 %", "4 teams", replace(FOUR, effect=constant(-0.3)), None),
)  # fmt: skip


def plan_of(cell: Cell, number: int) -> Plan:
    """Return the plan of a world: opinions take turns, and so does, with many teams, whether a third never adopts."""
    plan = replace(cell.plan, opinion=worlds.OPINIONS[number % 3])
    if plan.teams >= 12 and plan.never == 0 and not plan.at_once and (number // 3) % 2:
        return replace(plan, never=1 / 3, step=plan.step * 1.5)
    return plan


def judged_in(kinds: int, judged: Callable[[tuple[int, str, int]], tuple], *, worlds: int, seed: str, told: str
              ) -> list[tuple]:  # fmt: skip
    """Judge so many worlds of each kind, two at a time; the command line may ask for more, or for another seed."""
    ask = argparse.ArgumentParser(description=told.splitlines()[0])
    ask.add_argument("--worlds", type=int, default=worlds)
    ask.add_argument("--seed", default=seed)
    given = ask.parse_args()
    jobs = [(k, given.seed, number) for k in range(kinds) for number in range(given.worlds)]
    with ProcessPoolExecutor(2) as pool:
        return list(pool.map(judged, jobs, chunksize=4))


def world(cell: Cell, seed: str, number: int) -> Drawn:
    """Draw one world of a cell; the same for us and for the usual methods."""
    key = [zlib.crc32(text.encode()) for text in (seed, cell.group, cell.name)]
    return worlds.draw(plan_of(cell, number), rng=np.random.default_rng([*key, number]))
