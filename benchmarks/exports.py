"""What a tracker would export of a simulated world, and what the fold would make of it."""

import numpy as np
import pandas as pd
from worlds import START, Drawn


def events_of(drawn: Drawn, *, whole: bool = True) -> pd.DataFrame:
    """Return the event log that an export would give; without owners and reviews where they are not asked for."""
    items = drawn.items
    worked = items["worked"] if "worked" in items else items["ended"]
    half = items["started"] + 0.6 * (worked - items["started"])
    steps = [
        ("created", items["created"], "created", items["item_id"]),
        ("state", items["created"], None, "Backlog"),
        ("owner", items["started"].where(items["owned"], half) - 1e-4, None, "p" + items["unit"].astype(str)),
        ("state", items["started"], "Backlog", items["start_state"]),
        ("state", half, items["start_state"], items["review_state"]),
        ("state", items["ended"], items["review_state"], np.where(items["dropped"], "Dropped", "Done")),
    ]
    if not whole:
        steps = [steps[0], steps[1], steps[3], steps[5]]
    last = len(steps) - 1
    if "back" in items:
        again = items["ended"].where(items["back"] & ~items["dropped"], 10_000.0)  # weeks; never, where it did not
        steps += [("state", again + days / 7, *move) for days, *move in (
            (10, "Done", "In progress"), (14, "In progress", "Done"))]  # fmt: skip
    rows = pd.concat(
        [
            pd.DataFrame(
                {"item_id": items["item_id"], "at": at, "seq": seq, "field": name, "from_value": before,
                 "to_value": after, "team": items["team"], "batch_id": items["batch"] if seq == last else None}
            )
            for seq, (name, at, before, after) in enumerate(steps)
        ]
    )  # fmt: skip
    rows = rows.assign(at=_instants(rows["at"]), from_value=rows["from_value"].where(rows["field"] != "created", None))
    seen = rows[rows["at"] <= drawn.as_of].sort_values(["item_id", "at", "seq"], ignore_index=True)
    return seen.assign(event_id=[f"e{n:07d}" for n in range(len(seen))], actor=None, actor_kind="unknown", source="log")


def observed(drawn: Drawn, metric: str = "cycle_time") -> pd.DataFrame:
    """Return the observations of cycle time, throughput or owners straight from the truth, as the fold would."""
    items = drawn.items
    started, ended = (_instants(items[column]) for column in ("started", "ended"))
    outcome = np.where(ended > drawn.as_of, "open", np.where(items["dropped"], "dropped", "done"))
    frame = items[["item_id", "team", "kind", "size", "start_state"]].rename(columns={"kind": "item_type"})
    frame = frame.assign(finish_state=np.where(items["dropped"], "Dropped", "Done"), outcome=outcome)
    if metric == "throughput":
        return frame.assign(at=ended, value=1.0, ended=True)[outcome == "done"].reset_index(drop=True)
    begun = started <= drawn.as_of
    if metric == "owner_at_start":
        return frame.assign(at=started, value=items["owned"].astype(float), ended=True)[begun].reset_index(drop=True)
    over = ended <= drawn.as_of
    days = (ended.where(over, drawn.as_of) - started) / pd.Timedelta(days=1)
    return frame.assign(at=started, value=days, ended=over)[begun].reset_index(drop=True)


def _instants(weeks: pd.Series) -> pd.Series:
    seconds = (weeks.clip(-60, 9_000) * 7 * 86_400).round().astype("int64")
    return (pd.Timestamp(START, tz="UTC") + pd.to_timedelta(seconds, unit="s")).astype("datetime64[us, UTC]")
