"""What past changes teach: effects by kind of change, shrunk for luck, and stated confidence against outcome."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from prodops_analysis.errors import RecordError, some
from prodops_analysis.estimators.calibration import Calibration, calibration
from prodops_analysis.estimators.pooling import MIN_EFFECTS, pool
from prodops_analysis.verdict import Verdict

COLUMNS = ("change_id", "kind", "metric", "scale", "estimate", "low", "high", "verdict", "confidence")
KINDS = ("kind", "metric", "scale", "n", "estimate", "low", "high", "tau", "note")
CHANGES = ("change_id", "kind", "metric", "scale", "estimate", "low", "high", "shrunk", "shrunk_low", "shrunk_high")
SCALES = ("ratio", "difference")
MIN_ASSESSED = 20  # with fewer, a bin of stated confidence holds so few that its interval spans half of 0 to 1
NORMAL_95 = 1.959963984540054


@dataclass(frozen=True, slots=True, kw_only=True)
class Portfolio:
    """Effects of past changes, on the scale of their assessments, with 95% intervals.

    kinds : one row a kind and metric (`KINDS`); `tau`, the standard deviation between changes, is on the log scale for
        ratios. With too few changes the figures are missing and `note` says so.
    changes : one row a change and metric (`CHANGES`), in the order given; shrunken effects missing likewise.
    n : rows in `changes`; left_out : reason -> rows.
    """

    kinds: pd.DataFrame
    changes: pd.DataFrame
    n: int
    left_out: Mapping[str, int]
    method: str = (
        "Every assessment with an estimate counts, whatever its verdict: keeping only clear ones would keep luck. Half "
        "an interval is read as 1.96 standard errors. Random effects (REML, Hartung-Knapp) by kind and metric."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Foresight:
    """Stated confidence against outcome: None, with the reason, where too few changes were assessed.

    Improved counts as happened, worsened and no worthwhile change as not. n : changes compared; left_out : reason ->
    changes.
    """

    calibration: Calibration | None
    n: int
    needed: int
    reason: str
    left_out: Mapping[str, int]


def pool_by_kind(rows: pd.DataFrame) -> Portfolio:
    """Pool the effects of past changes by kind and metric.

    Parameters
    ----------
    rows : one row a change and metric (`COLUMNS`). `estimate, low, high` are as assessed: a relative change (`scale`
        "ratio": -0.3 is 30 % less) or a difference, with the 95% interval; missing where no answer was given.

    Raises
    ------
    RecordError : a column is missing, a scale or verdict unknown, or a change and metric stands twice.
    """
    rows = _checked(rows, unique=["change_id", "metric"])
    y, se = _on_scale_of_estimation(rows)
    reasons = np.select(
        [rows["estimate"].isna(), rows["kind"].fillna("") == "", ~((se > 0) & np.isfinite(se))],
        ["no estimate was given", "no kind is named", "no finite interval around the estimate"],
        "",
    )
    kept = rows.assign(y=y, se=se, shrunk=np.nan, shrunk_low=np.nan, shrunk_high=np.nan)[reasons == ""]
    kinds: list[dict[str, Any]] = []
    for (kind, metric, scale), group in kept.groupby(["kind", "metric", "scale"], dropna=False):
        row = {"kind": kind, "metric": metric, "scale": scale, "n": len(group), "note": ""}
        kinds.append(row)
        if len(group) < MIN_EFFECTS:
            row["note"] = f"{len(group)} assessed; {MIN_EFFECTS} are needed"
            continue
        found = pool(group["y"], group["se"])
        stated = np.expm1 if scale == "ratio" else np.asarray
        row |= {"estimate": stated(found.mean), "low": stated(found.low), "high": stated(found.high), "tau": found.tau}
        for name in ("shrunk", "shrunk_low", "shrunk_high"):
            kept.loc[group.index, name] = stated(getattr(found, name))
    return Portfolio(
        kinds=pd.DataFrame(kinds, columns=list(KINDS)).astype(dict.fromkeys(KINDS[4:8], "float64")),
        changes=kept[list(CHANGES)].reset_index(drop=True),
        n=len(kept),
        left_out=_counted(reasons),
    )


def foresight(rows: pd.DataFrame) -> Foresight:
    """Compare the confidence stated before each change with what came of its primary metric.

    Parameters
    ----------
    rows : one row a change (`COLUMNS`), of its primary metric; `confidence` as stated in its record, 0 to 1.

    Raises
    ------
    RecordError : a column is missing, a scale or verdict unknown, a change stands twice, or a confidence is none.
    """
    rows = _checked(rows, unique=["change_id"])
    said = rows["confidence"]
    if (wrong := rows["change_id"][said.notna() & ~said.between(0, 1)]).size:
        raise RecordError(f"the stated confidence of {some(map(repr, wrong))} is not between 0 and 1; mend the record")
    unclear = rows["verdict"] == Verdict.NOT_ENOUGH_EVIDENCE
    reasons = np.select([unclear, said.isna()], [Verdict.NOT_ENOUGH_EVIDENCE.value, "no confidence was stated"], "")
    kept = rows[reasons == ""]
    n, left_out = len(kept), _counted(reasons)
    if n < MIN_ASSESSED:
        few = f"{n} changes with an outcome and a stated confidence; {MIN_ASSESSED} are needed"
        return Foresight(calibration=None, n=n, needed=MIN_ASSESSED, reason=few, left_out=left_out)
    found = calibration(said[kept.index], kept["verdict"] == Verdict.IMPROVED)
    return Foresight(calibration=found, n=n, needed=MIN_ASSESSED, reason="", left_out=left_out)


def _checked(rows: pd.DataFrame, *, unique: list[str]) -> pd.DataFrame:
    if missing := [name for name in COLUMNS if name not in rows]:
        raise RecordError(f"past assessments lack the column {some(map(repr, missing))}")
    for name, known in (("scale", SCALES), ("verdict", tuple(Verdict))):
        if unknown := sorted(set(rows[name].map(str)) - set(known)):
            raise RecordError(f"unknown {name} {some(map(repr, unknown))} of a past assessment; known: {some(known)}")
    if (twice := rows["change_id"][rows.duplicated(unique)]).size:
        raise RecordError(f"two past assessments of {some(map(repr, twice))}; keep one a {' and '.join(unique)}")
    return rows.reset_index(drop=True).astype(dict.fromkeys(("estimate", "low", "high", "confidence"), "float64"))


def _on_scale_of_estimation(rows: pd.DataFrame) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Log ratios or differences with their standard errors; missing without a bounded interval around the estimate."""
    figures = rows[["estimate", "low", "high"]].to_numpy()
    with np.errstate(divide="ignore", invalid="ignore"):
        figures = np.where((rows["scale"] == "ratio").to_numpy()[:, None], np.log1p(figures), figures)
        y, low, high = figures.T
        # the interval's own width, so that an assessment with few degrees of freedom weighs as little as it says
        return y, np.where((low <= y) & (y <= high), (high - low) / (2 * NORMAL_95), np.nan)


def _counted(reasons: NDArray[np.str_]) -> dict[str, int]:
    return dict(Counter(str(reason) for reason in reasons if reason))
