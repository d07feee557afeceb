"""What is said of one change and one metric: the answer with all it rests on, as text, as HTML and as plain values."""

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any, Literal

import pandas as pd

from prodops_analysis.checks.subject import Check
from prodops_analysis.errors import counted
from prodops_analysis.estimators.together import Interval
from prodops_analysis.metrics import METRICS
from prodops_analysis.tables import Callout, confident, effect, effects, table
from prodops_analysis.verdict import Verdict, Worthwhile

WIDE = 100  # characters a line of text


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Assessment:
    """What may be said of one change and one metric.

    Where the data cannot answer, or a check forbids it, `estimate`, `low` and `high` are None. An effect whose interval
    is too wide for a verdict is shown, with `not enough evidence`.

    estimate, low, high : relative change (scale "ratio": -0.3 is 30 % less) or difference ("difference": 0.1 is ten
        points more), with the interval at `confidence`, 95 % unless more was looked at; the same in the metric's unit
        in `in_unit`, at the median before of `typical`.
    n_items, n_own : items of all teams used, and of the adopting ones among them.
    window : team -> first and last day used; until : the instant up to which data was used.
    by_team, by_band : the effect in each adopting team, and by weeks since the rollout (first and last week).
    replayed : ordinary dates of the past on which the rule would have spoken, and how many were tried.
    ordinary : weeks that the rollouts were moved back -> effect found at that ordinary date.
    """

    verdict: Verdict
    worthwhile: Worthwhile
    scale: Literal["ratio", "difference"]
    checks: tuple[Check, ...]
    reasons: tuple[str, ...]
    metric: str
    unit: str
    change_id: str
    smallest_worthwhile: float
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    statistic: float | None = None
    window: Mapping[str, tuple[date, date]] = field(default_factory=dict)
    n_items: int = 0
    n_own: int = 0
    n_weeks: int = 0
    smallest_detectable: float | None = None
    method: str = "no estimate was made"
    typical: float | None = None
    by_team: Mapping[str, Interval] = field(default_factory=dict)
    by_band: Mapping[tuple[int, int], Interval] = field(default_factory=dict)
    replayed: tuple[int, int] = (0, 0)
    ordinary: Mapping[int, Interval] = field(default_factory=dict)
    until: pd.Timestamp | None = None
    left_out: Mapping[str, int] = field(default_factory=dict)
    confidence: float = 0.95

    def __str__(self) -> str:
        said = [f"{self._label}, change {self.change_id!r}: {self.verdict} (worthwhile: {self.worthwhile})"]
        hanging = textwrap.TextWrapper(
            width=WIDE, initial_indent="  ", subsequent_indent=" " * 10, break_on_hyphens=False
        )
        told = [*(("because", reason) for reason in self.reasons), *self._figures("effect", "aim", "data")]
        told += [(check.result, f"{check.name}: {check.found}") for check in self.checks if check.result != "passed"]
        told += [("checks", self._passed()), ("method", self.method)] if self.checks else []
        for head, text in told:
            said += hanging.wrap(f"{head:7} {text}")
        return "\n".join(said)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        head = f"Worthwhile: {self.worthwhile}. Because {'; '.join(self.reasons)}."
        shown: list[Any] = [Callout("verdict", f"{self._label}, {self.change_id}: {self.verdict}", [head])]
        figures = list(self._figures("Effect", "Aim", "Data"))
        open_checks = [(c.name.capitalize(), c.result, c.found) for c in self.checks if c.result != "passed"]
        for heads, rows, caption in (
            (("What", "How much"), figures, "What was found"),
            (("Check", "Result", "Found"), open_checks, "Checks that did not pass"),
        ):
            if rows:
                shown.append(table(pd.DataFrame(rows, columns=list(heads)), caption=caption))
        if self.checks:
            shown.append(Callout("note", "Method", [self.method, f"Checks: {self._passed()}."]))
        return "\n".join(part._repr_html_() for part in shown)

    @property
    def in_unit(self) -> tuple[float, float, float] | None:
        """The effect and its interval in the unit of the metric; None where that has no meaning."""
        if self.typical is None or self.estimate is None or self.low is None or self.high is None:
            return None
        return self.estimate * self.typical, self.low * self.typical, self.high * self.typical

    @property
    def forbidden(self) -> str:
        """Why no number may be shown; empty where one may."""
        said = "; ".join(f"{check.name}: {check.found}" for check in self.checks if check.result == "forbids")
        return f"Any number would mislead. {said[:1].upper()}{said[1:]}." if said else ""

    @property
    def _label(self) -> str:
        return METRICS[self.metric].label

    def _passed(self) -> str:
        return f"{sum(check.result == 'passed' for check in self.checks)} of {len(self.checks)} passed"

    def _figures(self, moved: str, aim: str, data: str) -> Iterator[tuple[str, str]]:
        """Write the effect, what would be worthwhile and visible, and the data behind it, each under its name."""
        if self.estimate is not None:
            told = f"{self.stated(self.estimate)}, {self.span}"
            if self.in_unit:
                days, low, high = self.in_unit
                told += f" ({days:+.1f} {self.unit}, {low:+.1f} to {high:+.1f}, at the median)".replace("-", "−")
            yield moved, told
        wanted = f"{self.stated(self.smallest_worthwhile, sign=False)} or more is worthwhile"
        if self.estimate is not None and self.smallest_detectable is not None:
            visible = self.stated(self.smallest_detectable, sign=False)
            wanted += f"; this data would show {visible} or more, 4 times in 5"
        yield aim, wanted
        if self.window:
            first, last = min(a for a, _ in self.window.values()), max(b for _, b in self.window.values())
            sizes = f"{counted(self.n_items, 'item')} of {counted(len(self.window), 'team')}"
            yield data, f"{sizes} in {counted(self.n_weeks, 'week')}, {first} to {last}"

    def stated(self, x: float | None, *, sign: bool = True) -> str | None:
        """Write an effect for reading; None where there is none."""
        return None if x is None else effect(x, scale=self.scale, sign=sign)

    @property
    def span(self) -> str:
        """The interval of the effect in words."""
        if self.low is None or self.high is None:
            return "no estimate is given"
        return f"{confident(self.confidence)} interval {effects(self.low, self.high, scale=self.scale)}"

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for metrics.json."""
        plain = asdict(self) | {"in_unit": self.in_unit}
        plain["window"] = {team: [a.isoformat(), b.isoformat()] for team, (a, b) in self.window.items()}
        plain["by_band"] = {f"{first} to {last}": asdict(own) for (first, last), own in self.by_band.items()}
        plain["until"] = self.until.isoformat() if self.until is not None else None
        return plain
