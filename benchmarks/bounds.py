"""What stands between throughput +15 % and being found: an oracle, and the rule with its guards taken away.

    python benchmarks/bounds.py [--worlds 240] [--seed SEED]

The oracle is told what no analyst knows: how noisy each world is (Poisson, overdispersed where arrivals are), that
every week is independent, that teams neither drift nor answer to bad weeks, and that the effect is there at once, the
same for all, and lasts. What is left is a two-way regression with known weights; its power follows by formula. The rule
is asked through `assess`, first as it stands, then taking more and more of that for granted.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import numpy as np
import worlds
from calibration import said_of
from cells import CELLS, judged_in, null, plan_of, world
from scipy import stats
from triggers import after_least_done
from worlds import Plan

from prodops_analysis.estimators import assumptions, lasting
from prodops_analysis.estimators.mixed import LEVEL, NONE

SEED = "bounds 2026-11"
WARM_UP = 8  # weeks left out at the beginning, as `assess` does
OVERDISPERSED = {"regimes": 1 / 8}  # variance of a week's log arrivals beside the Poisson's
NAMES = ("throughput +15 %", "throughput +15 %, at once", "throughput", "throughput, arrivals drift",
         "throughput growing to +30 %")  # fmt: skip
ASKED = [next(cell for cell in CELLS if cell.name == name and cell.group == "12 teams") for name in NAMES]
LEAST_DONE = null("throughput, after the least work done", "12 teams", Plan(), "throughput")
KINDS = [*ASKED, LEAST_DONE]

NEVER = 1e-300  # prior odds of what is taken not to happen
MOVES = lasting.OWN_ODDS, lasting.A_YEAR
SAME = replace(assumptions.COUNTS, growth={NONE: 1}, order={NONE: 1}, apart={NONE: 1})
FLAT = replace(SAME, spell={NONE: 1, 0.5: NEVER}, slope={LEVEL: 1})
TAKEN = {
    "nothing, the rule as it stands": assumptions.COUNTS,
    "no growth, no differences, no move at another time": SAME,
    "no spell before a rollout, no slopes": FLAT,
    "weeks do not hang together": replace(FLAT, rho={0.0: 1}),
}


def oracle(job: tuple[int, str, int]) -> tuple[int, str, bool, float]:
    """Return a world's cell, opinion, whether some never adopt, and the oracle's power in it at 5 %."""
    cell, number = ASKED[job[0]], job[2]
    plan, drawn = plan_of(cell, number), world(cell, job[1], number)
    weeks = np.arange(WARM_UP, plan.weeks)
    begin = np.array([(day - worlds.START).days / 7 if day else np.inf for day in drawn.rollouts.values()])
    done = drawn.items[~drawn.items["dropped"] & drawn.items["ended"].between(WARM_UP, plan.weeks)]
    usual = done.groupby("team").size().reindex(list(drawn.rollouts)).to_numpy() / len(weeks)
    weight = 1 / (1 / usual + OVERDISPERSED.get(plan.opinion, 0.0))
    error = standard_error((weeks >= begin[:, None]).astype(float), np.repeat(weight[:, None], len(weeks), axis=1))
    return job[0], plan.opinion, plan.never > 0, float(stats.norm.cdf(np.log(1.15) / error - stats.norm.ppf(0.975)))


def standard_error(treated: np.ndarray, weight: np.ndarray) -> float:
    """Return the error of the coefficient of `treated` beside effects of each row and column, variances 1 / weight."""
    rows, columns = treated.shape
    dummies = np.concatenate([np.repeat(np.eye(rows), columns, axis=0), np.tile(np.eye(columns), (rows, 1))], axis=1)
    root = np.sqrt(weight.ravel())
    D, X = root * treated.ravel(), root[:, None] * dummies
    rest = D - X @ np.linalg.lstsq(X, D, rcond=None)[0]
    return float(1 / np.sqrt(rest @ rest))


def judged(job: tuple[int, str, int]) -> tuple[int, bool, bool]:
    """Say of one world, by the rule of its row, whether it got a direction, and whether the truth was covered."""
    row, kind = divmod(job[0], len(KINDS))
    assumptions.COUNTS = list(TAKEN.values())[row]
    lasting.OWN_ODDS, lasting.A_YEAR = (NEVER, NEVER) if row else MOVES
    cell, drawn = KINDS[kind], world(KINDS[kind], job[1], job[2])
    if cell is LEAST_DONE:
        last = after_least_done(drawn.items)
        moved = {team: day and worlds.START + timedelta(weeks=int(last[team])) for team, day in drawn.rollouts.items()}
        drawn = replace(drawn, rollouts=moved)
    said = said_of(cell, drawn)
    return job[0], bool(said["spoke"]), bool(said["covered"])


def main() -> None:
    """Print the oracle's mean power by opinion and design, and the rates of the rule by what it takes for granted."""
    power = judged_in(2, oracle, worlds=240, seed=SEED, told=__doc__)
    _table(
        ["world", "all", *worlds.OPINIONS, "a third never adopts", "all adopt"],
        [[ASKED[k].name, *(f"{100 * np.mean([f[-1] for f in some]):.1f} %" for some in _groups(power, k))]
         for k in (0, 1)],
    )  # fmt: skip
    said = np.array(judged_in(len(TAKEN) * len(KINDS), judged, worlds=240, seed=SEED, told=__doc__))
    rates = [said[said[:, 0] == k][:, 1:].mean(axis=0) for k in range(len(TAKEN) * len(KINDS))]
    _table(
        ["taken for granted", *(f"{cell.name}: direction, covered" for cell in KINDS)],
        [[name, *(f"{100 * spoke:.1f} %, {100 * held:.1f} %" for spoke, held in rates[k * len(KINDS) :][: len(KINDS)])]
         for k, name in enumerate(TAKEN)],
    )  # fmt: skip


def _groups(power: Sequence[tuple], k: int) -> list[list[tuple]]:
    mine = [found for found in power if found[0] == k]
    return [mine, *([f for f in mine if f[1] == opinion] for opinion in worlds.OPINIONS),
            [f for f in mine if f[2]], [f for f in mine if not f[2]]]  # fmt: skip


def _table(heads: list[str], rows: list[list[str]]) -> None:
    print("| " + " | ".join(heads) + " |\n|" + "---|" * len(heads))
    print("\n".join("| " + " | ".join(row) + " |" for row in rows) + "\n")


if __name__ == "__main__":
    main()
