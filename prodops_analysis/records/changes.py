"""Change records: what was to change, for whom, and what would count as success, written before the rollout."""

import hashlib
import json
import re
from collections.abc import Collection, Mapping
from datetime import date
from numbers import Number
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from prodops_analysis.errors import DraftError, RecordError, did_you_mean, some
from prodops_analysis.records.front_matter import split, with_field
from prodops_analysis.settings import in_our_words

FOLDER = Path("data/experiments")
REQUIRED = (
    "id", "title", "problem", "hypothesis", "kind", "owner_role", "decided_by", "rollouts", "primary_metric",
    "better", "smallest_worthwhile", "decision_date", "cost_hours_a_week", "confidence",
)  # fmt: skip
PLAN = (
    "problem", "hypothesis", "kind", "decided_by", "rollouts", "transition_weeks", "primary_metric", "better",
    "smallest_worthwhile", "guardrails", "decision_date", "cost_hours_a_week", "confidence",
)  # fmt: skip


def _no_number(value: object) -> object:
    """Refuse seconds since 1970, which would be read as a day."""
    if isinstance(value, Number) or str(value).strip().lstrip("-").isdigit():
        raise ValueError(f"{value} is no day; write it as 2026-03-02")
    return value


Day = Annotated[date, BeforeValidator(_no_number)]


class Change(BaseModel):
    """One process change. `rollouts` maps a team to the first day of the new way, or to None: it stays as it was.

    `smallest_worthwhile` is a share of the old value (0.15: 15 %); for share metrics, points (0.10: ten points).
    `frozen` holds the day of the freeze and a short hash of each plan field as it stood then; `expected` what `prodops
    plan` said could be seen, by weeks after the first rollout, and the rollout order that would show most.

    >>> change = Change(rollouts={"Search": date(2026, 3, 2), "Mobile": None}, guardrails=("throughput",))
    >>> change.primary_metric, change.smallest_worthwhile
    ('cycle_time', 0.15)
    >>> change.first_days()
    [(datetime.date(2026, 3, 2), 'Search')]
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rollouts: Mapping[str, Day | None]
    primary_metric: str = "cycle_time"
    smallest_worthwhile: float = 0.15
    decision_date: Day | None = None
    id: str = "change"
    title: str = ""
    problem: str = ""
    hypothesis: str = ""
    kind: str = ""
    owner_role: str = ""
    decided_by: str = ""
    needs: tuple[str, ...] = ()  # inputs and roles it cannot do without
    transition_weeks: int = Field(default=0, ge=0, le=26)
    better: Literal["lower", "higher"] | None = None
    guardrails: tuple[str, ...] = ()
    cost_hours_a_week: float | None = Field(default=None, ge=0)
    confidence: float | None = Field(default=None, gt=0, lt=1)
    decision: str = ""
    learned: str = ""
    frozen: Mapping[str, Any] = {}
    expected: Mapping[str, Any] = {}  # what `prodops plan` said could be seen

    @property
    def begins(self) -> date | None:
        """The first day of the first team; None where no team has one."""
        return min((day for day in self.rollouts.values() if day), default=None)

    def first_days(self) -> list[tuple[date, str]]:
        """Return the rollout dates with their teams, for charts; teams of one day share an entry."""
        teams: dict[date, list[str]] = {}
        for team, day in sorted(self.rollouts.items()):
            if day:
                teams.setdefault(day, []).append(team)
        return [(day, some(names, most=3)) for day, names in sorted(teams.items())]

    @field_validator("smallest_worthwhile")
    @classmethod
    def _share(cls, value: float) -> float:
        if not 0 < value < 1:
            raise ValueError("is a share between 0 and 1: write 15 % as 0.15")
        return value

    _refused = in_our_words(RecordError, unknown="is not a field of a change record; `help(Change)` lists them")

    @field_validator("rollouts", mode="before")
    @classmethod
    def _days(cls, value: Any) -> Any:
        if not isinstance(value, Mapping):
            raise ValueError("must map each team to its first day, such as 'Search: 2026-03-02'")
        # a day that a frame lacks, which equals nothing, is that of a team without a rollout
        known: dict[str, Any] = {str(team): None if day != day else day for team, day in value.items()}
        return {t: day.date() if callable(getattr(day, "date", None)) else day for t, day in known.items()}


def read_changes(workspace: Path) -> tuple[Change, ...]:
    """Read every record of the experiment repository but drafts, sorted by id.

    Raises RecordError: all faults of all records, one line each.
    """
    changes, _, faults = _read(workspace)
    ids = [change.id for change in changes]
    twice = sorted({name for name in ids if ids.count(name) > 1})
    faults += [f"two records have the id {name!r}; rename one" for name in twice]
    if faults:
        raise RecordError("\n".join(faults))
    return tuple(sorted(changes, key=lambda change: change.id))


def drafts(workspace: Path) -> list[str]:
    """Say of each record that names no rollout yet what it lacks; until it does, it stands in nothing's way."""
    return _read(workspace)[1]


def _read(workspace: Path) -> tuple[list[Change], list[str], list[str]]:
    """Return the records, what drafts lack, and the faults of the others."""
    changes, lacking, faults = [], [], []
    for path in sorted((workspace / FOLDER).glob("*.md")):
        if path.name.lower() == "readme.md":
            continue
        try:
            changes.append(read_change(path))
        except DraftError as draft:
            lacking.append(str(draft))
        except RecordError as error:
            faults.append(str(error))
    return changes, lacking, faults


def read_change(path: Path) -> Change:
    """Read and validate one record. Raises RecordError naming each missing or unreadable field."""
    try:
        head, _ = split(path.read_text(encoding="utf-8"), name=path.name)
    except UnicodeDecodeError:
        raise RecordError(f"{path.name} is not UTF-8 text; save it as UTF-8") from None
    missing = [name for name in REQUIRED if head.get(name) in (None, "", {}, [])]
    unknown = [name for name in head if name not in Change.model_fields]
    if unknown:
        near = did_you_mean(str(unknown[0]), Change.model_fields)
        raise RecordError(
            f"{path.name}: unknown field {some(map(repr, unknown))}{near}; `prodops new change` shows all"
        )
    if missing:
        kind = DraftError if "rollouts" in missing else RecordError
        raise kind(f"{path.name}: missing {some(missing, most=20)}; fill in before the rollout")
    # the id becomes the name of a page
    if not re.fullmatch(r"\w[\w.-]*", str(head["id"])):
        raise RecordError(f"{path.name}: id {head['id']!r}: use letters, digits and hyphens, such as intake-template")
    try:
        return Change.model_validate(head)
    except RecordError as error:
        raise RecordError(f"{path.name}: {error}") from None


def plan_hashes(change: Change) -> dict[str, str]:
    """Return a short hash of each plan field."""
    plain = change.model_dump(mode="json")
    return {
        name: hashlib.sha256(json.dumps(plain[name], sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:12]
        for name in PLAN
    }


def freeze(path: Path, *, on: date) -> Change:
    """Write hashes of the plan into the record, so that later edits show. Raises RecordError if it is frozen."""
    change = read_change(path)
    if change.frozen:
        raise RecordError(f"{path.name} was frozen on {change.frozen.get('day')}; later edits show as deviations")
    fields = ", ".join(f"{name}: {value!r}" for name, value in plan_hashes(change).items())
    _write(path, "frozen", f"{{day: {on.isoformat()}, {fields}}}")
    return read_change(path)


def note_expected(path: Path, *, on: date, visible: Mapping[int, float], order: str) -> None:
    """Write into the record what effect could be seen after how many weeks, and the rollout order that shows most."""
    shown = ", ".join([*(f"{weeks} weeks: {seen:.2f}" for weeks, seen in visible.items()), f"order: {order!r}"])
    _write(path, "expected", f"{{day: {on.isoformat()}, {shown}}}")


def _write(path: Path, field: str, value: str) -> None:
    """Write a field into the front matter of a record, in place of what it held; whole or not at all."""
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_bytes(with_field(path.read_bytes().decode(), field, value).encode())
    unfinished.replace(path)


def asked_late(change: Change, *, on: date) -> str:
    """Say so where a plan was asked for on a day after the first rollout: it is no forecast then."""
    late = change.begins is not None and on > change.begins
    return f"asked on {on}, after the first rollout on {change.begins}: no forecast" if late else ""


def doubtful_entries(change: Change, *, teams: Collection[str], metrics: Collection[str], begins: date) -> list[str]:
    """Say which teams and metrics of a record nothing is known of, and which days cannot be meant.

    begins : first day of the log.
    """
    lost = [f"no items of team {team!r}{did_you_mean(team, teams)}" for team in change.rollouts if team not in teams]
    named = (change.primary_metric, *change.guardrails)
    lost += [f"no metric {name!r}{did_you_mean(name, metrics)}" for name in named if name not in metrics]
    early = [f"{team} {day}" for team, day in change.rollouts.items() if day and day <= begins]
    lost += [f"begins before the log, {begins}, so nothing is known to compare with: {some(early)}"] if early else []
    return lost + begun_late(change)


def begun_late(change: Change) -> list[str]:
    """Name the teams that are to begin after the day of the verdict."""
    last = change.decision_date or date.max
    late = [f"{team} {day}" for team, day in change.rollouts.items() if day and day > last]
    return [f"begins after the decision date, {last}: {some(late)}"] if late else []


def plan_state(change: Change) -> str:
    """Say whether the plan can be trusted to be older than the result."""
    on, now = change.frozen.get("day"), plan_hashes(change)
    if not isinstance(on, date):
        return "plan not verifiable: it was never frozen"
    if moved := [name for name in PLAN if change.frozen.get(name) != now[name]]:
        return f"plan changed after the freeze: {some(moved, most=20)}"
    if change.begins and on > change.begins:
        return f"plan frozen late: on {on}, after the first rollout on {change.begins}"
    return f"plan frozen on {on}, unchanged since"


def template(change_id: str) -> str:
    """Return a new record to be filled in."""
    return f"""---
id: "{change_id}"
title: ""               # what changes, in a few words
problem: ""             # what is slow, unclear or surprising today, and how you know
hypothesis: ""          # because …, we expect …
kind: ""                # template, review, limit, cadence, ownership, ritual, tooling …
owner_role: ""          # a role, not a person
decided_by: ""          # who keeps, adjusts or retires it
needs: []               # inputs and roles it cannot do without
rollouts: {{}}            # team: first day, such as  Search: 2026-03-02 ; null means it stays as it was
transition_weeks: 2     # weeks after the first day that count for neither side
primary_metric: cycle_time
better: lower           # lower or higher
smallest_worthwhile: 0.15   # share of the old value below which it is not worth the effort
guardrails: []          # metrics that must not get worse, such as [reopened]
decision_date:          # the day of the verdict, such as 2026-09-30; monitored until then
cost_hours_a_week:      # person-hours all teams together
confidence:             # how sure you are that it helps, 0 to 1
decision: ""            # afterwards: keep, extend, adjust or retire
learned: ""             # afterwards: one line for those who come next
---

Background, alternatives, links.
"""
