"""Data quality: named checks with the items they touch and the figures they put in doubt, and a grade a figure."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from prodops_analysis.errors import some
from prodops_analysis.metrics import METRICS
from prodops_analysis.settings import Quality
from prodops_analysis.tables import table
from prodops_analysis.work_items import NO_TEAM, Fold

Window = tuple[pd.Timestamp, pd.Timestamp]  # from (included) to (excluded), UTC
GRADES = ("A", "B", "C", "D")

ALL = tuple(METRICS)
_TIMES = ("cycle_time", "lead_time", "throughput")
_ENDS = (*_TIMES, "reopened")

# a team that ends so much of its work in bulk, in so many edits, releases it so: it is over then, at no other time
RELEASED, RELEASES = 0.5, 6
# check -> (what it means, figures it puts in doubt)
CHECKS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "finish before start": ("the first finish lies before the first start", _TIMES),
    "finish without start": (
        "finished, but no start was recorded",
        ("cycle_time", "owner_at_start", "unplanned", "wip"),
    ),
    "created already done": ("the first known state is an end", _ENDS),
    "unknown state": ("was in a state that the workflow map does not know", ()),
    "unknown state before the start": (
        "was in such a state before its start, which it may have been",
        ("cycle_time", "owner_at_start", "unplanned", "wip", "work_item_age"),
    ),
    "unknown state at the end": (
        "is in such a state, or went there from its end",
        (*_ENDS, "wip", "work_item_age"),
    ),
    "duplicate id": ("the same event stands twice in an export", ("throughput",)),
    "unreadable row": ("has rows without a date, an item, a known field or a readable order", ALL),
    "event after as_of": ("has events later than the export", ALL),
    "bulk edit": ("was finished together with many others in one edit", _ENDS),
    "backward move": ("was reopened after its end", ("throughput",)),
    "history cut": (
        "its history begins in mid-life",
        ("cycle_time", "lead_time", "owner_at_start", "unplanned", "work_item_age"),
    ),
    "stale open item": ("is open but nobody has touched it for long", ("wip", "work_item_age")),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityCheck:
    """One check: the items it touches (sorted ids), their share of all items, the figures they put in doubt."""

    name: str
    meaning: str
    items: tuple[str, ...]
    share: float
    n: int
    doubts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Scorecard:
    """All checks, and grades: one row a team and figure, `team, metric, items, in_doubt, share, silent_days, grade`."""

    checks: tuple[QualityCheck, ...]
    grades: pd.DataFrame
    thresholds: Quality
    window: Window

    def __str__(self) -> str:
        return f"{self._by_team().to_string()}\n\n{self._found().to_string(index=False)}"

    __repr__ = __str__

    def _repr_html_(self) -> str:
        t = self.thresholds
        scale = f"A is best; B from {t.grade_b:.0%}, C from {t.grade_c:.0%}, D from {t.grade_d:.0%} of items in doubt"
        grades = table(self._by_team().reset_index(), caption=f"Grades by team: {scale}")
        return f"{grades._repr_html_()}\n{table(self._found(), caption='Checks with items')._repr_html_()}"

    def _by_team(self) -> pd.DataFrame:
        wide = self.grades.pivot_table(index="team", columns="metric", values="grade", aggfunc="first", observed=True)
        kept = wide[[name for name in METRICS if name in wide]].rename_axis(columns=None)
        return kept.rename(columns=lambda name: name.replace("_", " "))

    def _found(self) -> pd.DataFrame:
        rows = [(c.name, c.n, f"{c.share:.1%}", c.meaning) for c in self.checks if c.n]
        return pd.DataFrame(rows, columns=["check", "items", "share", "the item …"])

    @property
    def unfit(self) -> dict[str, tuple[str, ...]]:
        """Figure -> the teams whose data behind it has grade D: no figure over all teams rests on them."""
        bad = self.grades[self.grades["grade"] == "D"]
        return {metric: tuple(sorted(bad.loc[bad["metric"] == metric, "team"])) for metric in METRICS}

    def fit(self, items: pd.DataFrame, metric: str) -> pd.DataFrame:
        """Return the work items of the teams whose data is fit for a figure."""
        return items[~items["team"].isin(self.unfit[metric])]

    def without(self, metric: str) -> str:
        """Say which teams a figure leaves out, to end a sentence with; nothing where it rests on all."""
        return f", without {some(self.unfit[metric])} (data of grade D)" if self.unfit[metric] else ""


def doubtful_items(fold: Fold, *, faults: pd.DataFrame, settings: Quality) -> dict[str, pd.Series]:
    """Return for each check which items it touches: a boolean vector aligned with `fold.items`."""
    items, as_of = fold.items, fold.as_of
    ended = items["finished_at"].notna()

    twice, late = (faults["reason"] == reason for reason in ("same event twice", "event after as_of"))

    def listed(rows: "pd.Series[bool]") -> "pd.Series[bool]":
        return items["item_id"].isin(faults.loc[rows, "item_id"])

    bulk = ended & (items["finish_batch"] >= settings.bulk_items)
    edits = items["finished_at"][bulk].groupby(items["team"][bulk]).nunique()
    often = bulk[ended].groupby(items["team"][ended]).mean() >= RELEASED
    trains = often.index[often & (edits.reindex(often.index, fill_value=0) >= RELEASES)]
    quiet = (as_of - items["last_event_at"]) > pd.Timedelta(days=settings.stale_days)
    age = items["finished_at"] - items["created_at"]
    # in an export of whole days, work that was begun may well have been done the same day
    by_days = items["started_at"].notna() & (items["created_at"] == items["created_at"].dt.floor("15min"))
    return {
        "finish before start": (items["first_finished_at"] < items["started_at"]).fillna(False),
        "finish without start": (items["outcome"] == "done") & items["started_at"].isna(),
        "created already done": ((age < pd.Timedelta(0)) | ((age == pd.Timedelta(0)) & ~by_days))
        & ~items["history_cut"],
        "unknown state": items["unknown_states"] > 0,
        "unknown state before the start": items["unknown_at_start"],
        "unknown state at the end": items["unknown_at_end"],
        "duplicate id": listed(twice),
        "unreadable row": listed(~(twice | late)),
        "event after as_of": listed(late),
        "bulk edit": bulk & ~items["team"].isin(trains),
        "backward move": items["reopenings"] > 0,
        "history cut": items["history_cut"],
        "stale open item": ~ended & items["started_at"].notna() & quiet,
    }


def scorecard(
    fold: Fold, *, faults: pd.DataFrame, settings: Quality, window: Window, last_events: pd.DataFrame
) -> Scorecard:
    """Run every check and grade each figure of each team in the window.

    faults : rows that are no events (`event_log.FAULT_COLUMNS`).
    last_events : `team, at` of every event, to see silence.
    """
    touched = doubtful_items(fold, faults=faults, settings=settings)
    items = fold.items
    checks = tuple(
        QualityCheck(
            name=name,
            meaning=meaning,
            items=tuple(sorted(items.loc[touched[name], "item_id"])),
            share=float(touched[name].mean()) if len(items) else 0.0,
            n=int(touched[name].sum()),
            doubts=doubts,
        )
        for name, (meaning, doubts) in CHECKS.items()
    )
    silent, half = _silent_days(last_events, window), (window[1] - window[0]) / pd.Timedelta(days=2)
    rows = []
    for metric in METRICS:
        if metric in items and items[metric].isna().all():  # nobody records it
            continue
        behind = _behind(items, metric, window)
        counts = pd.DataFrame({"n": behind, "bad": behind & in_doubt(touched, metric)}).groupby(items["team"]).sum()
        for team, n, bad in counts.itertuples():
            days, share = silent.get(team, 0.0), bad / n if n else math.nan
            grade = "D" if days >= half else grade_of(share, thresholds=settings)
            rows.append((team, metric, n, bad, share, days, grade))
    grades = pd.DataFrame(rows, columns=["team", "metric", "items", "in_doubt", "share", "silent_days", "grade"])
    return Scorecard(checks=checks, grades=grades, thresholds=settings, window=window)


def grade_of(share: float, *, thresholds: Quality) -> str:
    """Grade a share of doubtful items; with nothing behind a figure there is nothing to grade (`none`)."""
    if math.isnan(share):
        return "none"
    bounds = (thresholds.grade_b, thresholds.grade_c, thresholds.grade_d)
    return GRADES[sum(share >= bound for bound in bounds)]


def in_doubt(touched: Mapping[str, "pd.Series[bool]"], metric: str) -> "pd.Series[bool]":
    """Return which items are in doubt for a metric, from what `doubtful_items` says."""
    return pd.concat([touched[c] for c, (_, figures) in CHECKS.items() if metric in figures], axis=1).any(axis=1)


def _behind(items: pd.DataFrame, metric: str, window: Window) -> pd.Series:
    kind = METRICS[metric].behind
    since, until = window
    if kind == "open":
        alive = items["finished_at"].isna() | (items["finished_at"] >= until)
        return (items["started_at"] < until) & alive
    return (items[kind] >= since) & (items[kind] < until)


def _silent_days(events: pd.DataFrame, window: Window) -> dict[str, float]:
    """Longest stretch of the window without an event of the team, in days."""
    since, until = window
    silent = {}
    for team, at in events["at"].groupby(events["team"].fillna(NO_TEAM)):
        inside = at[(at >= since) & (at < until)].sort_values()
        marks = pd.Series([since, *inside, until])
        silent[str(team)] = float(marks.diff().max() / pd.Timedelta(days=1))
    return silent
