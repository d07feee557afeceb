"""How often verdicts are wrong on real histories: branches of public projects, rollouts dealt out at random.

    python benchmarks/histories.py FOLDER [--worlds 200]     FOLDER holds git clones, one project each
    python benchmarks/histories.py FOLDER --usual            the usual methods on the same (needs what peers.py does)

A merged branch is a work item, begun with its first commit and ended with its merge; a project is a team. Nothing was
changed on the dates that are drawn, so a direction is false, whatever else a project went through: trends, releases,
holidays, people who come and go. With an effect, what a team begins after its date takes that much less time, or that
much more of it is kept. As in the simulated worlds, chance keeps 5 to 8 items a team and week, of 18 months.
"""

import argparse
import subprocess
import zlib
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
from triggers import after_record

WEEKS, WEEK = 78, pd.Timedelta(weeks=1)
BEGINS = pd.date_range("2016-01-04", "2024-01-01", freq="28D", tz="UTC")  # first days of a world
BUSY = 5  # branches a week that a project begins, in every quarter of a world
ALL = (1e9, 1e9)
BRANCHES = pd.DataFrame()  # of all projects, in a worker


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """How many teams adopt, when (weeks), and what comes of it (log ratio of days or of items)."""

    name: str
    teams: int = 12
    first: int = 26
    step: float = 3.0
    pace: tuple[float, float] = (5.0, 8.0)
    metric: str = "cycle_time"
    effect: float = 0.0
    record: bool = False  # each team rolls out after four weeks worse than any in the 20 before


FOUR, ONE = {"teams": 4, "step": 8.0}, {"teams": 1, "first": 44}
KINDS = (
    Kind(name="12 teams"),
    Kind(name="12 teams, all their work", pace=ALL),
    Kind(name="12 teams, after a record", record=True),
    Kind(name="12 teams, throughput", metric="throughput"),
    Kind(name="4 teams", **FOUR),
    Kind(name="1 team", **ONE),
    Kind(name="1 team, after a record", record=True, **ONE),
    Kind(name="12 teams, -35 %", effect=float(np.log(0.65))),
    Kind(name="12 teams, -35 %, all their work", effect=float(np.log(0.65)), pace=ALL),
    Kind(name="12 teams, throughput +30 %", metric="throughput", effect=float(np.log(1.3))),
    Kind(name="1 team, -50 %", effect=float(np.log(0.5)), **ONE),
)


def merged(clone: Path) -> pd.DataFrame:
    """Return the branches merged into the main line of a clone: `item_id, team, begun, ended`."""
    said = subprocess.run(
        ["git", "-C", str(clone), "log", "--format=%H %at %ct %P"], check=True, capture_output=True, text=True
    ).stdout.splitlines()
    commits = {name: (int(at), int(ct), parents) for name, at, ct, *parents in map(str.split, said)}
    main = [said[0].split()[0]]
    while parents := commits[main[-1]][2]:
        main.append(parents[0])
    seen, rows = set[str](), []
    for commit in reversed(main):
        _, ended, parents = commits[commit]
        seen.add(commit)
        begun = min(_written(parents[1:], commits, seen), default=ended + 1)
        if begun <= ended:
            rows.append((commit[:12], begun, ended))
    found = pd.DataFrame(rows, columns=["item_id", "begun", "ended"])
    instants = {name: pd.to_datetime(found[name], unit="s", utc=True) for name in ("begun", "ended")}
    return found.assign(team=clone.name, **instants)


def _written(ahead: list[str], commits: dict[str, tuple[int, int, list[str]]], seen: set[str]) -> Iterator[int]:
    """Give when each commit of a branch was written; those before it are seen already."""
    while ahead:
        if (commit := ahead.pop()) in commits and commit not in seen:
            seen.add(commit)
            yield commits[commit][0]
            ahead += commits[commit][2]


def hand_over(branches: pd.DataFrame) -> None:
    """Leave with a worker what all its worlds are drawn from."""
    global BRANCHES
    BRANCHES = branches


@dataclass(frozen=True, slots=True, kw_only=True)
class Real:
    """Work of some projects as it was known at the end of a window, with the rollouts dealt out."""

    items: pd.DataFrame  # item_id, team, begun, ended
    rollouts: dict[str, date | None]
    begin: pd.Timestamp
    until: pd.Timestamp


def world(kind: Kind, branches: pd.DataFrame, *, number: int, rng: np.random.Generator) -> Real:
    """Draw a window, projects that are busy in it, and rollouts; in every second world of twelve, four never adopt."""
    busy: list[str] = []
    while len(busy) < kind.teams:
        begin = rng.choice(BEGINS)
        inside = branches[(branches["begun"] >= begin) & (branches["begun"] < begin + WEEKS * WEEK)]
        week = (inside["begun"] - begin) // WEEK
        quarters = pd.crosstab(inside["team"], week // 13)
        busy = sorted(quarters.index[quarters.min(axis=1) >= 13 * BUSY])
    teams = rng.choice(busy, kind.teams, replace=False)
    items = inside[inside["team"].isin(teams)].assign(week=week)
    items = items.assign(unit=pd.Categorical(items["team"], categories=teams).codes)
    never, step = (4, kind.step * 1.5) if kind.teams >= 12 and number % 2 else (0, kind.step)
    weeks = np.array([kind.first + round(step * k) if k < kind.teams - never else -1 for k in range(kind.teams)])
    if kind.record:
        days = (items["ended"] - items["begun"]) / pd.Timedelta(days=1)
        weeks = after_record(items.assign(level=np.log(days.clip(0.1)), noise=0.0), weeks, last=WEEKS - 14, rng=rng)
    day = pd.Series([begin + w * WEEK if w >= 0 else pd.NaT for w in weeks], index=teams)
    after = items["begun" if kind.metric == "cycle_time" else "ended"] >= items["team"].map(day)
    kept = np.minimum(rng.uniform(*kind.pace, kind.teams) * WEEKS / np.bincount(items["unit"]), 1.0)[items["unit"]]
    if kind.metric == "cycle_time":
        took = (items["ended"] - items["begun"]) * np.where(after, np.exp(kind.effect), 1.0)
        items = items.assign(ended=items["begun"] + took)
    else:
        kept = kept * np.where(after, 1.0, np.exp(-kind.effect))
    items = items.loc[rng.uniform(size=len(items)) < kept, ["item_id", "team", "begun", "ended"]]
    rollouts = {str(team): None if at is pd.NaT else at.date() for team, at in day.items()}
    return Real(items=items, rollouts=rollouts, begin=begin, until=begin + WEEKS * WEEK)


def judged(job: tuple[int, int, str, bool]) -> dict[str, object]:
    """Say of one world what the rule says of it, or the usual methods."""
    k, number, seed, usual = job
    rng = np.random.default_rng([*(zlib.crc32(text.encode()) for text in (seed, KINDS[k].name)), number])
    real = world(KINDS[k], BRANCHES, number=number, rng=rng)
    return {"kind": k, **(_usual(real, KINDS[k].metric) if usual else _assessed(real, KINDS[k]))}


def _assessed(real: Real, kind: Kind) -> dict[str, object]:
    from prodops_analysis import Change, Settings, Verdict, assess

    steps = [real.items.assign(at=real.items[name], to_value=state)
             for name, state in (("begun", "Doing"), ("ended", "Done"))]  # fmt: skip
    events = pd.concat(steps)[["item_id", "team", "at", "to_value"]].assign(field="state")
    change = Change(rollouts=real.rollouts, primary_metric=kind.metric, smallest_worthwhile=0.15)
    settings = Settings(workflow={"Doing": "active", "Done": "done"})
    said = assess(events[events["at"] <= real.until], None, change, as_of=real.until, settings=settings)
    truth = float(np.expm1(kind.effect))
    known = said.low is not None and said.high is not None
    return {
        "improved": said.verdict == Verdict.IMPROVED,
        "worsened": said.verdict == Verdict.WORSENED,
        "covered": float(said.low <= truth <= said.high) if known else np.nan,
        "refused": not known,
        "effect": np.log1p(said.estimate) if known else np.nan,
        "visible": said.smallest_detectable if known else np.nan,
    }


def _usual(real: Real, metric: str) -> dict[str, float]:
    from peers import signs

    done = real.items[real.items["ended"] <= real.until].assign(ended_at=lambda s: s["ended"], ended=True)
    seen = done.assign(at=done["begun"], value=(done["ended_at"] - done["begun"]) / pd.Timedelta(days=1))
    if metric == "throughput":
        seen = done.assign(at=done["ended_at"], value=1.0)
    return signs(seen, real.rollouts, metric, start=real.begin.date())


def main() -> None:
    """Print one row a kind."""
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("folder", type=Path)
    ask.add_argument("--worlds", type=int, default=200)
    ask.add_argument("--seed", default="real histories, reported 2026-11")
    ask.add_argument("--only", default="", help="part of a kind's name")
    ask.add_argument("--usual", action="store_true", help="the usual methods instead of the rule")
    given = ask.parse_args()
    with ProcessPoolExecutor(2) as pool:
        branches = pd.concat(pool.map(merged, sorted(given.folder.iterdir())), ignore_index=True)
    print(f"{len(branches):,} branches of {branches['team'].nunique()} projects\n")
    kinds = [k for k, kind in enumerate(KINDS) if given.only in kind.name]
    jobs = [(k, number, given.seed, given.usual) for k in kinds for number in range(given.worlds)]
    with ProcessPoolExecutor(2, initializer=hand_over, initargs=[branches]) as pool:
        found = pd.DataFrame(pool.map(judged, jobs, chunksize=4))
    heads = ["world", *(found.columns[1:] if given.usual else (
        "direction", "improved", "covered", "refused", "effect found", "smallest effect seen"))]  # fmt: skip
    print("| " + " | ".join(heads) + " |\n|" + "---|" * len(heads))
    for k, mine in found.groupby("kind"):
        print("| " + " | ".join([KINDS[k].name, *(_rates(mine, KINDS[k]) if given.usual else _row(mine))]) + " |")


def _rates(mine: pd.DataFrame, kind: Kind) -> list[str]:
    """Write how often each usual method gives a direction (with an effect: the true one); a dash where none applies."""
    kept = (mine[name].dropna() for name in mine.columns[1:])
    spoke = [signs == np.sign(kind.effect) if kind.effect else signs != 0 for signs in kept]
    return [f"{100 * flags.mean():.0f} %" if len(flags) else "-" for flags in spoke]


def _row(mine: pd.DataFrame) -> list[str]:
    known, spoke = mine.dropna(subset="covered"), mine["improved"] | mine["worsened"]
    shares = [
        _share(spoke),
        _share(mine["improved"]),
        _share(known["covered"]),
        f"{100 * mine['refused'].mean():.0f} %",
    ]
    return [*shares, f"{100 * np.expm1(known['effect'].mean()):+.0f} %", f"{100 * known['visible'].median():.0f} %"]


def _share(flags: pd.Series) -> str:
    rate, n = float(flags.mean()), len(flags)
    return f"{100 * rate:.1f} ± {100 * np.sqrt(max(rate * (1 - rate), 0.25 / n) / n):.1f} %"


if __name__ == "__main__":
    main()
