"""A second fold in plain Python, item by item: slow, and as docs/metrics.md and decision 0002 say it."""

from collections.abc import Iterator
from itertools import groupby, permutations
from random import Random
from typing import Any

import pandas as pd
from conftest import utc

from prodops_analysis.event_log import merge
from prodops_analysis.settings import Settings
from prodops_analysis.work_items import NO_TEAM, UNKNOWN
from prodops_analysis.workflow import Workflow

Event = dict[str, Any]
START = utc("2026-01-01")
HOW_FAR = {"queue": 0, "wait": 1, "active": 1, "done": 2, "dropped": 2}
ENDS = ("done", "dropped")

WORDS = {
    "Backlog": "queue", "Doing": "active", "Review": "active", "Waiting": "wait",
    "Done": "done", "Archived": "done", "Dropped": "dropped",
}  # fmt: skip
MAPS = Settings(
    workflow={
        "Search": Workflow.of(WORDS, same_as={"In work": "Doing", "Shipped": "Done"}),
        "Billing": Workflow.of({"Done": "active", "Review": "done", "Waiting": "queue", "Doing": "dropped"}),
        "Growth": Workflow.of(WORDS, start=("Review",), same_as={"In work": "Review"}),
        "*": Workflow.of(WORDS),
    }
)
VALUES: dict[str, list[str | None]] = {
    "state": [*WORDS, "In work", "Shipped", "Sleeping", "doing", "", None],
    "deleted": [None, None, "Doing"],
    "owner": ["p1", "p2", "p3", "", None],
    "target": ["2026-03", "2026-04", "", None],
    "created": ["x", None],
    "type": ["bug", "feature", "", None],
    "size": ["S", "M", None],
    "comment": ["text"],
    "x.sprint": ["7", None],
    "unplanned": ["yes", "No", "incident", "", None],
}
OFTEN = (0.5, 0.07, 0.13, 0.07, 0.05, 0.06, 0.05, 0.04, 0.03, 0.05)


def hostile_log(seed: int, *, items: int = 80) -> pd.DataFrame:
    """A log of random histories: four maps, transfers, no team, mid-life beginnings, bulk edits, many ties."""
    rng = Random(seed)
    sweeps = [rng.randrange(90) for _ in range(6)]  # days on which many items are edited at once
    rows = []
    for number in range(items):
        home = rng.choice(["Search", "Billing", "Growth", "Other", None])
        former: dict[str, str | None] = {"state": rng.choice(list(WORDS))} if rng.random() < 0.2 else {}
        for turn in range(rng.randrange(1, 14)):
            field = rng.choices(list(VALUES), OFTEN)[0] if turn or rng.random() < 0.6 else "created"
            bulk = rng.random() < 0.2
            day = rng.choice(sweeps) if bulk else rng.randrange(90)
            rows.append(
                {
                    "item_id": f"{'Aaä'[number % 3]}-{number}",
                    "at": START + pd.Timedelta(days=day),
                    "seq": rng.randrange(4),
                    "field": field,
                    "from_value": former.get(field) if rng.random() < 0.7 else None,
                    "to_value": rng.choice(VALUES[field]),
                    "actor": None,
                    "actor_kind": rng.choice(["person", "bot", "unknown"]),
                    "team": rng.choice(["Search", "Billing", None]) if rng.random() < 0.15 else home,
                    "source": rng.choice(["one", "two"]),
                    "batch_id": f"edit {day}" if bulk and rng.random() < 0.8 else None,
                }
            )
            former[field] = rows[-1]["to_value"]
    ids = rng.sample(range(len(rows)), len(rows))
    return merge(pd.DataFrame(rows).assign(event_id=[f"e{n:06}" for n in ids]))


def walks(seed: int) -> pd.DataFrame:
    """Histories with up to five moves a day, none of them twice on one; former states told, `seq` as it happened."""
    rng, rows = Random(seed), []
    for item in range(60):
        at, seq = "Backlog", 0
        rows.append((f"I-{item}", 0, 0, "", at))
        for day in range(1, 12):
            seen = set()
            for _ in range(rng.choice([0, 0, 1, 2, 3, 5])):
                now = rng.choice([state for state in WORDS if state != at])
                if (at, now) not in seen:
                    seen.add((at, now))
                    seq += 1
                    rows.append((f"I-{item}", day, seq, at, now))
                    at = now
    log = pd.DataFrame(rows, columns=["item_id", "day", "seq", "from_value", "to_value"])
    log = log.assign(at=utc("2026-01-01") + pd.to_timedelta(log["day"], unit="D"), field="state", team="Search")
    return log.drop(columns="day")


def slow_fold(log: pd.DataFrame, *, settings: Settings, as_of: pd.Timestamp) -> tuple[list[Event], list[Event]]:
    """The rows of `Fold.items` and of `Fold.spells`; what is missing is None."""
    seen = [plain(row) for row in log.to_dict("records") if row["at"] <= as_of]
    seen.sort(key=lambda e: (e["item_id"], e["at"], e["seq"], e["event_id"]))
    histories: dict[str, list[Event]] = {}
    for event in seen:
        histories.setdefault(event["item_id"], []).append(event)
    team_of = {
        item: next((e["team"] for e in mine if e["team"] is not None), NO_TEAM) for item, mine in histories.items()
    }
    edits: dict[str, set[str]] = {}
    naming = {event["source"] for event in seen if event["batch_id"]}
    for event in seen:
        exact = event["at"].minute % 15 or event["at"].second or event["at"].microsecond
        if event["source"] not in naming and exact:
            event["batch_id"] = str(event["at"].floor("s"))
        if event["batch_id"] and event["field"] in ("state", "deleted"):
            edits.setdefault(event["batch_id"], set()).add(event["item_id"])
    owned_teams, marking_teams = (
        {team_of[event["item_id"]] for event in seen if event["field"] == field} for field in ("owner", "unplanned")
    )
    items, spells = [], []
    for item, mine in histories.items():
        team = team_of[item]
        workflow = settings.workflow_of(team)
        staged = in_turn([(e, stage_of(e, workflow)) for e in mine if e["field"] in ("state", "deleted")], workflow)
        known = {"item_id": item, "team": team}
        items.append(known | clock(staged, workflow, edits) | counts(mine, staged) | labels(mine))
        items[-1] |= beginning(mine, staged) | unknown(staged, workflow)
        items[-1]["created_at"] = next((e["at"] for e in mine if e["field"] == "created"), mine[0]["at"])
        items[-1]["last_event_at"] = mine[-1]["at"]
        items[-1]["owner_at_start"] = owner_at(mine, items[-1]["started_at"]) if team in owned_teams else None
        items[-1]["owner_put_by"] = put_by(mine, items[-1]["started_at"]) if team in owned_teams else None
        items[-1]["unplanned"] = marked_at(mine, items[-1]["started_at"]) if team in marking_teams else None
        items[-1]["ever_owned"] = any(e["field"] == "owner" and e["to_value"] for e in mine)
        spells += [known | spell for spell in spells_of(staged)]
    return items, spells


def plain(row: Event) -> Event:
    """An event whose missing values are None."""
    return {name: None if pd.isna(value) else value for name, value in row.items()}


def stage_of(event: Event, workflow: Workflow) -> str:
    """The stage that an event moves its item to."""
    return "dropped" if event["field"] == "deleted" else str(workflow.stage_of().get(event["to_value"], UNKNOWN))


def in_turn(staged: list[tuple[Event, str]], workflow: Workflow) -> list[tuple[Event, str]]:
    """Put moves that nothing orders on a path through their former states, else in the order of work."""
    done: list[tuple[Event, str]] = []
    declared = [s for stage in ("queue", "active", "wait", "done", "dropped") for s in getattr(workflow, stage)]

    def named(state: str | None) -> str:
        return workflow.same_as.get(state or "", state or "")

    def turn(move: tuple[Event, str]) -> tuple[bool, int, int, str, str]:
        event, stage = move
        state = named(event["to_value"])
        place = declared.index(state) if state in declared else -1
        return event["field"] == "deleted", HOW_FAR.get(stage, -1), place, state, named(event["from_value"])

    def linked(one: tuple[tuple[Event, str], ...], stood: str | None) -> bool:
        ends = [named(event["to_value"]) for event, _ in one]
        begins = [named(event["from_value"]) for event, _ in one]
        begun = begins[0] == stood if stood is not None else begins[0] != ends[-1]
        return begun and begins[1:] == ends[:-1]

    for _, tied in groupby(staged, key=lambda move: (move[0]["at"], move[0]["seq"])):
        stood = (named(done[-1][0]["to_value"]) if done[-1][0]["field"] == "state" else "") if done else ""
        in_order = sorted(tied, key=turn)
        steps = [move for move in in_order if move[0]["field"] == "state"]
        if any(event["from_value"] for event, _ in steps):
            orders = [one for begun in (stood, None) for one in permutations(steps) if linked(one, begun)]
            steps = list(orders[0]) if orders else steps
        done += steps + [move for move in in_order if move[0]["field"] == "deleted"]
    return done


def moves(staged: list[tuple[Event, str]]) -> Iterator[tuple[Event, str, str | None]]:
    """What moves the clock, with the stage before it: no unknown state, no deletion of what had ended."""
    before = None
    for event, stage in staged:
        if stage != UNKNOWN and not (event["field"] == "deleted" and before in ENDS):
            yield event, stage, before
            before = stage


def clock(staged: list[tuple[Event, str]], workflow: Workflow, edits: dict[str, set[str]]) -> Event:
    """Start, first finish and the end that the item has not left since."""
    start = first_finish = undone = end = None
    outcome = "open"
    for event, stage, before in moves(staged):
        if start is None and event["field"] == "state" and event["to_value"] in workflow.starts():
            start = event
        if first_finish is None and stage == "done":
            first_finish = event
        if undone is None and before == "done" and stage != "done":
            undone = event
        if stage not in ENDS:
            end, outcome = None, "open"
        elif stage != outcome:
            end, outcome = event, stage
    return {
        "started_at": start and start["at"],
        "start_state": start and start["to_value"],
        "start_actor_kind": start and start["actor_kind"],
        "first_finished_at": first_finish and first_finish["at"],
        "undone_at": undone and undone["at"],
        "finished_at": end and end["at"],
        "finish_state": end and end["to_value"],
        "finish_actor_kind": end and end["actor_kind"],
        "finish_batch": len(edits.get(end["batch_id"], "1")) if end else 0,
        "outcome": outcome,
    }


def unknown(staged: list[tuple[Event, str]], workflow: Workflow) -> Event:
    """Whether an unknown state stands before the start, or after the last known one or an end."""
    stages = [stage for _, stage in staged]
    starts = [
        k for k, (event, _) in enumerate(staged) if event["field"] == "state" and event["to_value"] in workflow.starts()
    ]
    begun = starts[0] if starts else len(stages)
    ends = [k for k, stage in enumerate(stages) if stage == UNKNOWN
            if not known_after(stages, k) or (k and stages[k - 1] in ENDS)]  # fmt: skip
    return {"unknown_at_start": UNKNOWN in stages[:begun], "unknown_at_end": bool(ends)}


def known_after(stages: list[str], k: int) -> bool:
    """Whether a state that a map knows comes later; deleting what had ended already tells nothing."""
    before = next((stage for stage in reversed(stages[:k]) if stage != UNKNOWN), None)
    return any(stage != UNKNOWN and not (stage == "dropped" and before in ENDS) for stage in stages[k + 1 :])


def counts(mine: list[Event], staged: list[tuple[Event, str]]) -> Event:
    """How often an item was moved, handed on and postponed."""
    steps = [(before, stage) for _, stage, before in moves(staged) if before]
    return {
        "reopenings": sum(before in ENDS and stage not in ENDS for before, stage in steps),
        "backward_moves": sum(HOW_FAR[before] > HOW_FAR[stage] for before, stage in steps),
        "unknown_states": sum(stage == UNKNOWN for _, stage in staged),
        "hand_offs": sum(bool(before and after) for before, after in replaced(mine, "owner")),
        "target_moves": sum(bool(before) for before, _ in replaced(mine, "target")),
    }


def replaced(mine: list[Event], field: str) -> Iterator[tuple[str | None, str | None]]:
    """Former and new value of each change of a field; where the export is silent, the former is the last new one."""
    last = None
    for event in mine:
        if event["field"] == field:
            yield (last if event["from_value"] is None else event["from_value"]), event["to_value"]
            last = event["to_value"]


def labels(mine: list[Event]) -> Event:
    """Type and size as first known."""
    return {
        column: next((e["to_value"] for e in mine if e["field"] == field and e["to_value"] is not None), None)
        for field, column in (("type", "item_type"), ("size", "size"))
    }


def beginning(mine: list[Event], staged: list[tuple[Event, str]]) -> Event:
    """Whether the history begins in mid-life."""
    first_state = next((e for e, _ in staged if e["field"] == "state"), None)
    created = any(e["field"] == "created" for e in mine)
    return {"history_cut": bool(first_state and first_state["from_value"]) and not created}


def owner_at(mine: list[Event], start: pd.Timestamp | None) -> bool | None:
    """Whether someone owned the item at its start, the instant of the start included."""
    if start is None:
        return None
    owners = [e["to_value"] for e in mine if e["field"] == "owner" and e["at"] <= start]
    return bool(owners and owners[-1])


def put_by(mine: list[Event], start: pd.Timestamp | None) -> str | None:
    """Who or what put in the owner at the start; nothing without an owner."""
    if start is None:
        return None
    last = next((e for e in reversed(mine) if e["field"] == "owner" and e["at"] <= start), None)
    if last is None or not last["to_value"]:
        return ""
    return "bot" if last["actor_kind"] == "bot" else "start" if last["at"] == start else "person"


def marked_at(mine: list[Event], start: pd.Timestamp | None) -> bool | None:
    """Whether the item was marked as unplanned at its start; a no is no mark."""
    if start is None:
        return None
    marks = [e["to_value"] for e in mine if e["field"] == "unplanned" and e["at"] <= start]
    return (marks[-1] if marks and marks[-1] else "no").lower() not in ("no", "n", "false", "0")


def spells_of(staged: list[tuple[Event, str]]) -> list[Event]:
    """The stays of an item; a deletion right after an end is none."""
    before = [None, *(stage for _, stage in staged)]
    stays = [
        (event, stage)
        for (event, stage), former in zip(staged, before, strict=False)
        if not (event["field"] == "deleted" and former in ENDS)
    ]
    left = [*(event["at"] for event, _ in stays[1:]), None]
    return [
        {"stage": stage, "state": event["to_value"], "entered_at": event["at"], "left_at": end}
        for (event, stage), end in zip(stays, left, strict=False)
    ]
