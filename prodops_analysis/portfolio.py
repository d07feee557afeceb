"""What past changes teach: effects by kind of change, shrunk for luck, and stated confidence against outcome."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from prodops_analysis.errors import counted
from prodops_analysis.estimators.pooling import MIN_EFFECTS, pool
from prodops_analysis.metrics.monthly import share_interval
from prodops_analysis.verdict import Verdict

COLUMNS = ("change_id", "kind", "metric", "scale", "estimate", "low", "high", "verdict", "confidence")
SHRUNK = ("shrunk", "shrunk_low", "shrunk_high")
MIN_ASSESSED = 20  # with fewer, a bin of stated confidence holds so few that its interval spans half of 0 to 1
NORMAL_95 = 1.959963984540054


def pool_by_kind(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Pool the effects of past changes by kind and metric; every estimate counts, clear or not.

    rows : one row a change and metric (`COLUMNS`). `estimate, low, high` are as assessed: a relative change (`scale`
        "ratio": -0.3 is 30 % less) or a difference, with the 95% interval; missing where no answer was given.

    Returns one row a kind and metric, `kind, metric, n, estimate, low, high, note`, figures missing and `note` saying
    so where fewer than three were assessed; and the rows that have an interval, with `shrunk, shrunk_low, shrunk_high`,
    missing likewise. All intervals are of 95%.
    """
    figures = rows[["estimate", "low", "high"]].to_numpy("float64")
    ratio = rows["scale"].eq("ratio").to_numpy()[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        y, low, high = np.where(ratio, np.log1p(figures), figures).T
        # the interval's own width, so that an assessment with few degrees of freedom weighs as little as it says; of
        # its wider side, since the other may end beside zero
        se = np.maximum(high - y, y - low) / NORMAL_95
    named = rows.assign(y=y, se=se, **dict.fromkeys(SHRUNK, np.nan), kind=rows["kind"].fillna(""))
    known, kinds = named[np.isfinite(y) & np.isfinite(se) & (se > 0)].reset_index(drop=True), []
    for (kind, metric, scale), group in known.groupby(["kind", "metric", "scale"]):
        n = len(group)
        if n < MIN_EFFECTS:
            kinds.append((kind, metric, n, np.nan, np.nan, np.nan, f"{n} assessed; {MIN_EFFECTS} are needed"))
            continue
        found, stated = pool(group["y"], group["se"]), np.expm1 if scale == "ratio" else np.asarray
        kinds.append((kind, metric, n, *stated([found.mean, found.low, found.high]), ""))
        for name in SHRUNK:
            known.loc[group.index, name] = stated(getattr(found, name))
    columns = ["kind", "metric", "n", "estimate", "low", "high", "note"]
    return pd.DataFrame(kinds, columns=columns), known.drop(columns=["y", "se"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Foresight:
    """Stated confidence against outcome: improved counts as happened, any other answer as not.

    brier : 0 is perfect, 0.25 is what always saying 50 % gets.
    table : one row a fifth of stated confidence that holds a change: `stated` (mean), `happened` (share), its 95%
        interval `low, high`, and `n`.
    """

    brier: float
    table: pd.DataFrame


def foresight(rows: pd.DataFrame) -> Foresight | str:
    """Compare the confidence stated before each change with what came of its primary metric; a text says why not.

    rows : one row a change (`COLUMNS`), of its primary metric; `confidence` as stated in its record, 0 to 1.

    References: Brier 1950; Newcombe 1998, method 3 (Wilson).
    """
    kept = rows[(rows["verdict"] != Verdict.NOT_ENOUGH_EVIDENCE) & rows["confidence"].notna()].reset_index(drop=True)
    if len(kept) < MIN_ASSESSED:
        return f"{counted(len(kept), 'change')} with an outcome and a stated confidence; {MIN_ASSESSED} are needed"
    stated, happened = kept["confidence"].astype("float64"), kept["verdict"].eq(Verdict.IMPROVED).astype("float64")
    fifth = pd.cut(stated, [0, 0.2, 0.4, 0.6, 0.8, 1.01], right=False)
    shares = []
    for at in stated.groupby(fifth, observed=True).groups.values():
        shares.append((stated[at].mean(), happened[at].mean(), *share_interval(happened[at]), len(at)))
    table = pd.DataFrame(shares, columns=["stated", "happened", "low", "high", "n"])
    return Foresight(brier=float(((stated - happened) ** 2).mean()), table=table)
