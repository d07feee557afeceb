"""When a team rolls out because of what it has seen."""

import numpy as np
import pandas as pd


def after_worst(base: pd.DataFrame, rollouts: np.ndarray, *, last: int) -> np.ndarray:
    """Move each rollout to follow the worst four weeks of the team between weeks 20 and 60, as nobody could know."""
    worst = _four_weeks(base).loc[:, 22 : min(60, last)].to_numpy().argmax(axis=1) + 22
    return np.where(rollouts >= 0, worst + 1, rollouts)


def after_record(base: pd.DataFrame, rollouts: np.ndarray, *, last: int, rng: np.random.Generator) -> np.ndarray:
    """Move each rollout to follow the first four weeks that were worse than any in the 20 before; none: it stays."""
    spell, moved = _four_weeks(base).to_numpy(), rollouts.copy()
    for unit in np.flatnonzero(rollouts >= 0):
        for week in range(24 + int(rng.integers(0, 16)), last):
            if spell[unit, week] > np.nanmax(spell[unit, week - 20 : week]):
                moved[unit] = week + 1
                break
    return moved


def after_least_done(items: pd.DataFrame) -> "pd.Series[int]":
    """Return for each team the week that follows the four weeks of weeks 16 to 62 in which it got least done."""
    ended = pd.crosstab(np.floor(items["ended"]), items["team"]).reindex(range(16, 63), fill_value=0)
    return ended.rolling(4).sum().idxmin() + 1


def _four_weeks(base: pd.DataFrame) -> pd.DataFrame:
    """Return the mean log days of the last four weeks, a row a team and a column a week."""
    seen = base.assign(y=base["level"] + base["noise"]).groupby(["unit", "week"])["y"].mean().unstack("week")
    return seen.T.rolling(4, min_periods=2).mean().T
