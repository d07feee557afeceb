"""The workflow map: which stage each of a team's states belongs to, and where the clock starts and stops."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator


class Stage(StrEnum):
    """Where a work item stands. `dropped` is an end without delivery."""

    QUEUE = "queue"
    ACTIVE = "active"
    WAIT = "wait"
    DONE = "done"
    DROPPED = "dropped"


class Workflow(BaseModel):
    """One team's map from state names to stages.

    The clock starts at the first entry into a state of `start` (by default every active and wait state) and
    stops at the last entry into a done state. `same_as` declares renamed states, new name ->
    old name: `Workflow.of(stages, same_as={"In progress": "Doing"})`.

    >>> print(Workflow.of({"Ready": "queue", "Doing": "active", "Blocked": "wait", "Done": "done"}))
    map 'default' version 1: starts at Doing, Blocked; ends at Done
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = "default"
    version: str = "1"
    queue: tuple[str, ...] = ()
    active: tuple[str, ...] = ()
    wait: tuple[str, ...] = ()
    done: tuple[str, ...]
    dropped: tuple[str, ...] = ()
    start: tuple[str, ...] = ()
    same_as: dict[str, str] = {}

    @classmethod
    def of(cls, stages: Mapping[str, str], **rest: Any) -> "Workflow":
        """Build a map from `{state: stage}`."""
        known = {stage.value: tuple(s for s, t in stages.items() if t == stage.value) for stage in Stage}
        if wrong := {t for t in stages.values() if t not in known}:
            raise ValueError(f"unknown stage {sorted(wrong)[0]!r}; the stages are {', '.join(known)}")
        return cls.model_validate({**known, **rest})

    @model_validator(mode="after")
    def _consistent(self) -> "Workflow":
        seen: dict[str, str] = {}
        for stage in Stage:
            for state in getattr(self, stage):
                if state in seen:
                    raise ValueError(f"state {state!r} stands in two stages, {seen[state]} and {stage}; keep one")
                seen[state] = stage
        if not self.done:
            raise ValueError("a workflow map needs at least one done state")
        for new, old in self.same_as.items():
            if new in seen and seen[new] != seen.get(old):
                raise ValueError(f"same_as: {new!r} stands in stage {seen[new]}, {old!r} in another; keep one")
            if old not in seen:
                raise ValueError(f"same_as: {new!r} stands for {old!r}, which is in no stage")
        if lost := [state for state in self.start if state not in seen]:
            raise ValueError(f"start names {lost[0]!r}, which is in no stage")
        return self

    def stage_of(self) -> dict[str, Stage]:
        """Return `{state: stage}`, renamed states included."""
        stages = {state: stage for stage in Stage for state in getattr(self, stage)}
        return stages | {new: stages[old] for new, old in self.same_as.items() if new not in stages}

    def place_of(self, state: str) -> int:
        """Return how late a state comes among all, in the order in which they are declared; -1 for an unknown one."""
        states = [known for stage in Stage for known in getattr(self, stage)]
        return states.index(known) if (known := self.same_as.get(state, state)) in states else -1

    def starts(self) -> frozenset[str]:
        """Return the states whose first entry starts the clock."""
        named = set(self.start or (*self.active, *self.wait))
        return frozenset(named | {new for new, old in self.same_as.items() if old in named})

    def __str__(self) -> str:
        start = ", ".join(self.start or (*self.active, *self.wait)) or "none"
        return f"map {self.name!r} version {self.version}: starts at {start}; ends at {', '.join(self.done)}"
