"""The usual methods on the worlds of benchmarks/calibration.py, as their packages ship them.

Run by `benchmarks/calibration.py --peers PYTHON`, where PYTHON has scipy, pandas, statsmodels, pyfixest and csdid.
Durations are log days of finished items, as such comparisons are usually made; counts with fixed effects
are a Poisson regression. Prints JSON: cell -> method -> share of worlds with a direction at 5 % (nulls: any; effects:
the right one).
"""

import json
import sys
import warnings
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from datetime import date

import numpy as np
import pandas as pd
import pyfixest
import statsmodels.formula.api as smf
from cells import CELLS, world
from csdid.att_gt import ATTgt
from exports import observed
from scipy import stats
from worlds import START

METHODS = ("Mann-Whitney", "ITS, Newey-West", "TWFE", "Callaway-Sant'Anna")


def directions(job: tuple[int, str, int]) -> tuple[int, dict[str, float]]:
    """Return what each method says of one world (`signs`)."""
    cell = CELLS[job[0]]
    if cell.metric not in ("cycle_time", "throughput", "owner_at_start"):
        return job[0], dict.fromkeys(METHODS, np.nan)
    drawn = world(cell, job[1], job[2])
    return job[0], signs(observed(drawn, cell.metric), drawn.rollouts, cell.metric, start=START)


def signs(seen: pd.DataFrame, rollouts: Mapping[str, date | None], metric: str, *, start: date) -> dict[str, float]:
    """Return the sign of each method's significant effect, 0 without one, NaN where it does not apply.

    seen : one row an item, `team, at, value, ended`, as the kit's own metrics give; start : a Monday, the first day.
    """
    warnings.simplefilter("ignore")
    seen = seen[seen["ended"]].assign(since=lambda s: (s["at"] - pd.Timestamp(start, tz="UTC")) / pd.Timedelta(weeks=1))
    seen = seen.assign(week=np.floor(seen["since"]).astype(int))
    seen = seen.assign(y=np.log(seen["value"].clip(1 / 24)) if metric == "cycle_time" else seen["value"])
    first = {team: (pd.Timestamp(day) - pd.Timestamp(start)).days // 7 for team, day in rollouts.items() if day}
    seen = seen.assign(first=seen["team"].map(first))
    grid = seen.groupby(["team", "week"], as_index=False).agg(
        y=("y", "mean"), n=("y", "size"), first=("first", "first")
    )
    if metric == "throughput":
        grid = grid.assign(y=np.log(grid["n"]), n_ended=grid["n"], n=1.0)
    grid = grid.assign(D=(grid["week"] >= grid["first"]).astype(float))
    found = {"Mann-Whitney": _ranks(seen, grid, metric), "ITS, Newey-West": _series(grid[grid["first"].notna()])}
    several = grid["team"].nunique() > 1
    found["TWFE"] = (_poisson(grid) if metric == "throughput" else _twfe(grid)) if several else np.nan
    found["Callaway-Sant'Anna"] = _staggered(grid) if several else np.nan
    return found


def _sign(effect: float, p: float) -> float:
    return float(np.sign(effect)) if p < 0.05 else 0.0


def _ranks(seen: pd.DataFrame, grid: pd.DataFrame, metric: str) -> float:
    own = seen[seen["first"].notna()]
    if metric == "throughput":
        own = grid[grid["first"].notna()]
        after = own["week"] >= own["first"]
    else:
        days = own["value"] if metric == "cycle_time" else 0.0
        after = own["since"] + days / 7 >= own["first"]
    if after.nunique() < 2:
        return np.nan
    p = stats.mannwhitneyu(own["y"][after], own["y"][~after]).pvalue
    return _sign(own["y"][after].mean() - own["y"][~after].mean(), p)


def _series(own: pd.DataFrame) -> float:
    middle = own["first"].median()
    weeks = own.groupby("week", as_index=False)["y"].mean().assign(post=lambda w: (w["week"] >= middle).astype(float))
    fit = smf.ols("y ~ week + post", data=weeks).fit(cov_type="HAC", cov_kwds={"maxlags": 4})
    return _sign(fit.params["post"], fit.pvalues["post"])


def _twfe(grid: pd.DataFrame) -> float:
    if grid.groupby("week")["D"].nunique().max() < 2:  # all at once: the effect is a week effect
        return np.nan
    fit = pyfixest.feols("y ~ D | team + week", data=grid, weights="n", vcov={"CRV1": "team"})
    return _sign(fit.coef()["D"], fit.pvalue()["D"])


def _poisson(grid: pd.DataFrame) -> float:
    """Counts with a log link, a week without an end being a zero."""
    wide = grid.set_index(["team", "week"])["n_ended"].unstack("week").fillna(0.0)
    every = wide.stack().rename("ended").reset_index()
    every = every.assign(D=(every["week"] >= every["team"].map(grid.groupby("team")["first"].first())).astype(float))
    fit = pyfixest.fepois("ended ~ D | team + week", data=every, vcov={"CRV1": "team"})
    return _sign(fit.coef()["D"], fit.pvalue()["D"])


def _staggered(grid: pd.DataFrame) -> float:
    months = grid.assign(month=grid["week"] // 4 + 1, group=(grid["first"] // 4 + 1).fillna(0).astype(int))
    months = months.groupby(["team", "month", "group"], as_index=False)["y"].mean()
    months = months.assign(id=pd.factorize(months["team"])[0] + 1)
    try:
        fit = ATTgt(
            yname="y", tname="month", idname="id", gname="group", data=months, control_group="notyettreated",
            xformla="y~1", panel=True, allow_unbalanced_panel=True,
        ).fit(est_method="reg", bstrap=False)  # fmt: skip
        said = fit.aggte(typec="simple", bstrap=False, cband=False).atte
    except Exception:  # a package that gives up has given no direction
        return np.nan
    effect, se = float(said["overall_att"]), float(said["overall_se"])
    return _sign(effect, 2 * stats.norm.sf(abs(effect) / se)) if se > 0 else np.nan


def main(asked: dict) -> None:
    """Print the shares as JSON."""
    jobs = [(k, asked["seed"], number) for k in asked["cells"] for number in range(asked["worlds"])]
    with ProcessPoolExecutor(2) as pool:
        found = list(pool.map(directions, jobs, chunksize=4))
    out: dict[str, dict[str, float]] = {}
    for k in asked["cells"]:
        signs = pd.DataFrame([by for at, by in found if at == k]).dropna(axis=1, how="all")
        cell = CELLS[k]
        right = 1.0 if cell.metric in ("throughput", "owner_at_start") or cell.name.startswith("harm") else -1.0
        out[str(k)] = {m: float((signs[m] != 0).mean() if cell.nil else (signs[m] == right).mean()) for m in signs}
    print(json.dumps(out))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
