"""Signals on a process behaviour chart when nothing changed: the table in estimators/behaviour.py.

Run: python benchmarks/behaviour.py [VALUES]. Prints, for charts of so many points, what `xmr` signals by luck: points
outside the limits, stretches of 8 on one side, their sum, and the share of charts with any; for independent normal
weeks, for weeks with autocorrelation 0.4, and for skewed ones (lognormal, sd 0.5). Fails when the table is off.
"""

import sys

import numpy as np

from prodops_analysis.estimators.behaviour import xmr

POINTS = (4, 5, 6, 8, 10, 15, 20, 30, 52, 104, 208, 416)
WORLDS = ("independent", "autocorrelated", "skewed")


def weeks(rng: np.random.Generator, charts: int, n: int, world: str) -> np.ndarray:
    """Quiet series, one row a chart."""
    x = rng.normal(size=(charts, n))
    if world == "autocorrelated":
        for i in range(1, n):
            x[:, i] = 0.4 * x[:, i - 1] + np.sqrt(1 - 0.4**2) * x[:, i]
    return np.exp(0.5 * x) if world == "skewed" else x


def signals(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Points outside and stretches of each chart, and what the estimator expects of one: every chart is a phase."""
    charts, n = x.shape
    found = xmr(x.ravel(), np.repeat(np.arange(charts), n))
    side = (np.sign(x.ravel() - found.centre) * found.run).reshape(x.shape)
    begins = np.diff(side, axis=1, prepend=0) * side > 0
    return found.outside.reshape(x.shape).sum(axis=1), begins.sum(axis=1), found.expected_false_alarms / charts


def main(values: int) -> int:
    """Print the table and return the number of tabulated figures that are off."""
    off = 0
    for world in WORLDS:
        print(f"\n{world}\npoints   outside   stretches      sum      any   tabulated")
        for n in POINTS:
            x = weeks(np.random.default_rng([7, n]), values // n, n, world)
            outside, begun, tabulated = signals(x)
            both = outside + begun
            print(f"{n:6d} {outside.mean():9.4f} {begun.mean():11.4f} {both.mean():8.4f} {np.mean(both > 0):8.3f} "
                  f"{tabulated:11.4f}")  # fmt: skip
            if world == "independent":
                off += bool(abs(both.mean() - tabulated) > 5 * both.std() / np.sqrt(len(both)) + 2e-3)
    return off


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 4_000_000))
