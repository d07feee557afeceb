"""Whether the data bears an answer: its grade, where its log begins, and whether it holds what is still open."""

import numpy as np
import pandas as pd

from prodops_analysis.cells import first_days
from prodops_analysis.checks.subject import Check, Result, Subject
from prodops_analysis.errors import some
from prodops_analysis.metrics.whole import MISSED
from prodops_analysis.quality import CHECKS
from prodops_analysis.work_items import UNKNOWN


def data_quality(subject: Subject, observed: pd.DataFrame) -> Check:
    """Grade D under the figure forbids an answer: a quarter of the adopters' items, before or after, is in doubt."""
    items = subject.folded.items
    used = items["item_id"].isin(observed["item_id"]) | items["finished_at"].notna()
    after = subject.placed >= first_days(items["team"], subject.rollouts)
    sides = {"before": used & ~after, "after": used & after}
    mine = {side: rows & items["team"].isin(subject.rollouts) for side, rows in sides.items()}
    share, n, side = max((subject.share_in_doubt(rows), int(rows.sum()), side) for side, rows in mine.items())
    grade = subject.grade(share)
    if not n:
        return Check(name="data quality", result="noted", found="the adopting teams began and ended no items")
    where = f"{n:,} items that the adopting teams began or ended {side} the rollout"
    found = f"grade {grade}: {share:.1%} of the {where} are in doubt{_most_doubted(subject, mine[side])}"
    result: dict[str, Result] = {"C": "noted", "D": "forbids"}
    return Check(name="data quality", result=result.get(grade, "passed"), found=found)


def _most_doubted(subject: Subject, rows: "pd.Series[bool]") -> str:
    """Name the quality check that puts most of these items in doubt, and the states that no map knows."""
    shares = {
        name: float(touched[rows].mean())
        for name, touched in subject.doubts.items()
        if subject.metric.name in CHECKS[name][1] and touched[rows].any()
    }
    if not shares:
        return ""
    most = max(sorted(shares), key=shares.__getitem__)
    spells, mine = subject.folded.spells, subject.folded.items.loc[rows, "item_id"]
    strange = spells.loc[(spells["stage"] == UNKNOWN) & spells["item_id"].isin(mine), "state"].value_counts().index
    return f", most by: {most}" + (f" ({some(map(repr, strange))})" if most.startswith("unknown") else "")


def begin_of_log(every: pd.DataFrame) -> Check:
    """Name the teams of whose earlier work the log holds only what lasted: it is left out.

    every : all observations of the metric, with the instant `since` when the log of their team is whole.
    """
    name, lost = "begin of the log", every[every["at"] < every["since"]]
    if lost.empty:
        return Check(name=name, result="passed", found="no sign that earlier work is missing")
    days = some(f"{team} {day:%Y-%m-%d}" for team, day in lost.groupby("team")["since"].first().items())
    told = (
        f"{len(lost):,} items are left out: of work so early the log holds only what lasted; it is whole since {days}"
    )
    return Check(name=name, result="noted", found=told)


def open_work(subject: Subject) -> Check:
    """An export of finished work only leaves out of the last weeks what takes long, and they look fast."""
    begun = subject.folded.items.dropna(subset="started_at")
    age, took = subject.folded.as_of - begun["started_at"], begun["finished_at"] - begun["started_at"]
    ended, n_open = np.sort(took.dropna()), int(took.isna().sum())
    lasting = 1 - np.searchsorted(ended, age[took.notna()], side="right") / max(len(ended), 1)
    if n_open or lasting.sum() < MISSED:
        return Check(name="open work", result="passed", found=f"{n_open:,} items are under way, and counted")
    told = (
        f"no item is under way, and by the pace of the others {lasting.sum():.0f} at least should be: the export seems "
    )
    told += "to hold finished work only, which makes the last weeks look fast; export what is open, too"
    return Check(name="open work", result="blocks", found=told)
