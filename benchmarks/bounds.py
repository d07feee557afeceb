"""What anybody could find of throughput +15 %: the power of an oracle in the worlds of the table.

    python benchmarks/bounds.py [--worlds 400] [--seed SEED]

The oracle is told what no analyst knows: how noisy each world is (Poisson, overdispersed where arrivals are), that
every week is independent, that teams neither drift nor answer to bad weeks, and that the effect is there at once, the
same for all, and lasts. What is left is a two-way regression with known weights; its power follows by formula.
"""

import numpy as np
import worlds
from calibration import REPORTED
from cells import CELLS, judged_in, plan_of, world
from scipy import stats

ASKED = [k for k, cell in enumerate(CELLS) if cell.name.startswith("throughput +15 %")]
WARM_UP = 8  # weeks left out at the beginning, as `assess` does
OVERDISPERSED = {"regimes": 1 / 8}  # variance of a week's log arrivals beside the Poisson's


def power(job: tuple[int, str, int]) -> tuple[int, str, bool, float]:
    """Return a world's cell, opinion, whether some never adopt, and the oracle's power in it at 5 %."""
    cell, number = CELLS[ASKED[job[0]]], job[2]
    plan, drawn = plan_of(cell, number), world(cell, job[1], number)
    weeks = np.arange(WARM_UP, plan.weeks)
    begin = np.array([(day - worlds.START).days / 7 if day else np.inf for day in drawn.rollouts.values()])
    done = drawn.items[~drawn.items["dropped"] & drawn.items["ended"].between(WARM_UP, plan.weeks)]
    usual = done.groupby("team").size().reindex(list(drawn.rollouts)).to_numpy() / len(weeks)
    treated = weeks >= begin[:, None]
    weight = 1 / (1 / usual + OVERDISPERSED.get(plan.opinion, 0.0))
    error = standard_error(treated.astype(float), np.repeat(weight[:, None], len(weeks), axis=1))
    return job[0], plan.opinion, plan.never > 0, float(stats.norm.cdf(np.log(1.15) / error - stats.norm.ppf(0.975)))


def standard_error(treated: np.ndarray, weight: np.ndarray) -> float:
    """Return the error of the coefficient of `treated` beside effects of each row and column, variances 1 / weight."""
    rows, columns = treated.shape
    dummies = np.concatenate([np.repeat(np.eye(rows), columns, axis=0), np.tile(np.eye(columns), (rows, 1))], axis=1)
    root = np.sqrt(weight.ravel())
    D, X = root * treated.ravel(), root[:, None] * dummies
    rest = D - X @ np.linalg.lstsq(X, D, rcond=None)[0]
    return float(1 / np.sqrt(rest @ rest))


def main() -> None:
    """Print the mean power by kind of world, opinion and design."""
    found = judged_in(len(ASKED), power, worlds=400, seed=REPORTED, told=__doc__)
    print("| world | all | " + " | ".join(worlds.OPINIONS) + " | a third never adopts | all adopt |")
    print("|" + "---|" * (len(worlds.OPINIONS) + 4))
    for k, asked in enumerate(ASKED):
        mine = [f for f in found if f[0] == k]
        groups = [mine, *([f for f in mine if f[1] == opinion] for opinion in worlds.OPINIONS),
                  [f for f in mine if f[2]], [f for f in mine if not f[2]]]  # fmt: skip
        shown = (f"{100 * np.mean([f[-1] for f in group]):.1f} %" for group in groups)
        print("| " + " | ".join([CELLS[asked].name, *shown]) + " |")


if __name__ == "__main__":
    main()
