"""Print what verdicts say of changes without any effect where a tracker or its people begin to record work otherwise.

Twelve teams in a row, half of the time beside a third that never adopts; nothing happens to the work but what is named.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import worlds
from cells import Cell, constant, judged_in, null, world
from exports import events_of
from worlds import START, Drawn, Plan

Frame = pd.DataFrame
WEEK, HOUR = pd.Timedelta(weeks=1), 1 / 168  # an hour, in weeks


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One way to record work otherwise.

    items : bends the items, which hold `since` (weeks since their team's rollout, NaN in the comparison) and `late`
        (`since` is 0 or more). log : bends the events.
    """

    name: str
    items: Callable[[Frame, np.random.Generator], Frame] = lambda items, rng: items
    log: Callable[[Frame, Drawn], Frame] = lambda log, drawn: log
    metric: str = "cycle_time"
    sized: bool = True
    effect: float = 0.0
    back: float = 0.0  # share of the items that are sent back


def _some(items: Frame, rng: np.random.Generator, share: float) -> np.ndarray:
    return items["late"].to_numpy() & (rng.uniform(size=len(items)) < share)


def _more(items: Frame, chosen: np.ndarray, **columns: object) -> Frame:
    """Add copies of some items, with other values."""
    twin = items[chosen].assign(item_id=items.loc[chosen, "item_id"] + "x")
    return pd.concat([items, twin.assign(**columns)], ignore_index=True)


def cut_in_two(items: Frame, rng: np.random.Generator) -> Frame:
    """Each second item is cut into two that follow each other."""
    chosen = _some(items, rng, 0.5)
    half = (items["started"] + items["ended"]) / 2
    both = _more(items.assign(ended=items["ended"].mask(chosen, half)), chosen)
    later = both["item_id"].str.endswith("x")
    return both.assign(
        started=both["started"].mask(later, both["ended"]),
        ended=both["ended"].mask(later, 2 * both["ended"] - both["started"]),
    )


def stamped_later(items: Frame, rng: np.random.Generator, *, of: str = "late") -> Frame:
    """The start is stamped after three tenths of the work."""
    moved = items["started"] + 0.3 * (items["ended"] - items["started"])
    return items.assign(started=items["started"].mask(items[of], moved))


def entered_late(items: Frame, rng: np.random.Generator, *, share: float) -> Frame:
    """Some work gets its ticket when it is over."""
    over = pd.Series(_some(items, rng, share), index=items.index)
    return items.assign(created=items["created"].mask(over, items["ended"] - HOUR),
                        started=items["started"].mask(over, items["ended"] - HOUR / 2))  # fmt: skip


def at_the_review(items: Frame, rng: np.random.Generator) -> Frame:
    """Until the rollout work was closed on every other Friday."""
    friday = np.ceil((items["ended"] - 0.66) / 2) * 2 + 0.66 + rng.uniform(0, 0.02, len(items))
    early = items["since"].notna() & (friday < items["ended"] + 2) & (items["since"] + friday - items["started"] < 0)
    return items.assign(ended=items["ended"].mask(early, friday))


def at_the_planning(items: Frame, rng: np.random.Generator) -> Frame:
    """Until the rollout all cards of two weeks were started at the planning."""
    monday = np.floor(items["started"] / 2) * 2 + 0.05 + rng.uniform(0, HOUR, len(items))
    early = (items["since"] < 0) & (monday < items["started"])
    started = items["started"].mask(early, monday)
    return items.assign(started=started, created=np.minimum(items["created"], started - HOUR))


def closed_late(items: Frame, rng: np.random.Generator) -> Frame:
    """Until the rollout cards were closed by hand, a day or two late."""
    lag = rng.lognormal(np.log(1.5), 0.8, len(items)) / 7
    old = (items["since"] + items["ended"] - items["started"] < 0) | items["since"].isna()
    return items.assign(ended=items["ended"] + lag * old, worked=items["ended"])


def by_a_bot(log: Frame, drawn: Drawn) -> Frame:
    """What ends after its team's rollout is closed by a bot."""
    day = pd.to_datetime(log["team"].map({t: str(d) for t, d in drawn.rollouts.items() if d}), utc=True)
    return log.assign(actor_kind=np.where((log["at"] >= day) & (log["to_value"] == "Done"), "bot", "person"))


def skipped_the_board(log: Frame, drawn: Drawn) -> Frame:
    """Until the rollout two of three quick items were closed without a start."""
    items = drawn.items
    quick = (items["ended"] - items["started"]) < (items["ended"] - items["started"]).quantile(0.3)
    chosen = items.loc[quick & ~items["late"] & items["since"].notna() & (np.arange(len(items)) % 3 > 0), "item_id"]
    return log[~(log["item_id"].isin(chosen) & log["to_value"].isin(["In progress", "In review"]))]


def sub_tasks(items: Frame, rng: np.random.Generator) -> Frame:
    """From the rollout on small steps are items of a new type."""
    chosen = _some(items, rng, 0.4)
    short = items.loc[chosen, "started"] + 0.25 * (items.loc[chosen, "ended"] - items.loc[chosen, "started"])
    return _more(items, chosen, kind="sub-task", ended=short)


def small_steps(items: Frame, rng: np.random.Generator) -> Frame:
    """From the rollout on every second item has a step of its own, of the same type and size."""
    chosen = _some(items, rng, 0.5)
    took = items.loc[chosen, "ended"] - items.loc[chosen, "started"]
    begun = items.loc[chosen, "started"] + 0.75 * took * rng.uniform(size=chosen.sum())
    ended = begun + 0.25 * took * rng.uniform(0.3, 1.5, size=chosen.sum())
    return _more(items, chosen, created=items.loc[chosen, "started"], started=begun, ended=ended)


def chores(items: Frame, rng: np.random.Generator) -> Frame:
    """From the rollout on chores are logged, too: one for six items, done within the day, as small bugs."""
    chosen = _some(items, rng, 1 / 6)
    ended = items.loc[chosen, "started"] + HOUR * rng.uniform(1, 20, size=chosen.sum())
    return _more(items, chosen, kind="bug", size="S", ended=ended)


def faster_and_more(items: Frame, rng: np.random.Generator) -> Frame:
    """As much work is in progress as before: what takes 30 % less time is begun so much more often."""
    weeks = items["started"].max() - (items["started"] - items["since"])[items["late"]]
    chosen = _some(items, rng, 1 / 0.7 - 1)
    moved = weeks[chosen[items["late"]]] * rng.uniform(size=chosen.sum()) - items.loc[chosen, "since"]
    times = {name: items.loc[chosen, name] + moved for name in ("created", "started", "ended")}
    return _more(items, chosen, **times)


def handed_on(items: Frame, rng: np.random.Generator) -> Frame:
    """From the rollout on the hardest quarter of the work goes to a new team."""
    hard = items["late"] & (items["noise"] >= items.loc[items["late"], "noise"].quantile(0.75))
    return items.assign(team=items["team"].mask(hard, "Platform"))


def sent_elsewhere(log: Frame, drawn: Drawn) -> Frame:
    """What the adopters send back goes to a column that no map knows."""
    late = log["item_id"].isin(drawn.items.loc[drawn.items["late"], "item_id"])
    sent = log["to_value"].mask(late & (log["from_value"] == "Done"), "Rework")
    again = late & (log["from_value"] == "In progress") & (log["to_value"] == "Done")
    return log.assign(to_value=sent, from_value=log["from_value"].mask(again, "Rework"))


def begun_elsewhere(log: Frame, drawn: Drawn) -> Frame:
    """From the rollout on a fifth of the work spends a third of its time in a column that no map knows, then starts."""
    late = drawn.items[drawn.items["late"]].set_index("item_id")[::5]
    begins = (log["to_value"] == "In progress") & (log["from_value"] == "Backlog") & log["item_id"].isin(late.index)
    took = pd.to_timedelta((late["ended"] - late["started"]) * 7 * 24 * 60 // 3, unit="min")
    later = log[begins].assign(from_value="Discovery", event_id=log["event_id"] + "d")
    later = later.assign(at=later["at"] + later["item_id"].map(took))
    both = pd.concat([log.assign(to_value=log["to_value"].mask(begins, "Discovery")), later])
    return both[both["at"] <= drawn.as_of].sort_values(["item_id", "at"], kind="stable", ignore_index=True)


def typed_throughout(log: Frame, drawn: Drawn) -> Frame:
    """The three teams that roll out first have always typed the hours of start and end."""
    earliest = sorted((day, team) for team, day in drawn.rollouts.items() if day)[:3]
    typed = log["team"].isin([team for _, team in earliest]) & log["to_value"].isin(["In progress", "Done"])
    return log.assign(at=log["at"].mask(typed, log["at"].dt.floor("h"))).sort_values(["item_id", "at", "seq"])


def turned_down(log: Frame, drawn: Drawn) -> Frame:
    """From the rollout on a third of the requests is turned down when they would have been begun."""
    chosen = log["item_id"].isin(drawn.items.loc[drawn.items["late"], "item_id"][::3])
    ends = chosen & (log["to_value"] == "In progress") & (log["from_value"] == "Backlog")
    told = log.assign(to_value=log["to_value"].mask(ends, "Dropped"))
    return told[~chosen | ends | told["to_value"].eq("Backlog") | told["field"].eq("created")]


def put_in_by_a_bot(log: Frame, drawn: Drawn) -> Frame:
    """From the rollout on a bot names an owner when an item is created."""
    late = drawn.items.loc[drawn.items["late"], "item_id"]
    made = log[(log["field"] == "created") & log["item_id"].isin(late)]
    owner = made.assign(field="owner", from_value=None, to_value="lead", actor_kind="bot",
                        event_id=made["event_id"] + "b", at=made["at"] + pd.Timedelta(minutes=1))  # fmt: skip
    return pd.concat([log, owner]).sort_values(["item_id", "at"], kind="stable", ignore_index=True)


def ends_early(log: Frame, drawn: Drawn) -> Frame:
    """The export of the comparison teams ends ten weeks early."""
    adopts = log["team"].map({team: day is not None for team, day in drawn.rollouts.items()})
    return log[adopts | (log["at"] <= drawn.as_of - 10 * WEEK)]


def cleaned_up(log: Frame, drawn: Drawn) -> Frame:
    """A tenth of what was done before the rollout is opened in the two months after it and closed within two days."""
    day = {team: pd.Timestamp(day, tz="UTC") for team, day in drawn.rollouts.items() if day}
    done = log[(log["to_value"] == "Done") & log["team"].isin(day)].drop_duplicates("item_id", keep="last")
    old = done[done["at"] < done["team"].map(day)][::10]
    k = np.arange(len(old))
    at = old["team"].map(day) + pd.to_timedelta(k * 1237 % (60 * 24 * 60) + 7, unit="min")
    opened = old.assign(at=at, from_value="Done", to_value="In progress", event_id=old["event_id"] + "o")
    closed = opened.assign(at=at + pd.to_timedelta(300 + k * 409 % 2400, unit="min"), from_value="In progress",
                           to_value="Done", event_id=old["event_id"] + "c")  # fmt: skip
    every = pd.concat([log, opened, closed])
    return every[every["at"] <= drawn.as_of].sort_values(["item_id", "at"], kind="stable", ignore_index=True)


def _among_others(items: Frame) -> Frame:
    return items.assign(others=items["since"].isna() & (items["started"] > 40))


KINDS = (
    Kind(name="nothing"),
    Kind(name="nothing, but -30 %", effect=-0.3),
    Kind(name="nothing, but -30 % and so many more items", items=faster_and_more, effect=-0.3),
    Kind(name="nothing, but -30 %; the earliest type their hours", log=typed_throughout, effect=-0.3),
    Kind(name="nothing, but -30 %; a third turned down", log=turned_down, effect=-0.3),
    Kind(name="a third turned down", log=turned_down, metric="lead_time"),
    Kind(name="half of the items cut in two, no sizes", items=cut_in_two, sized=False),
    Kind(name="half of the items cut in two, no sizes", items=cut_in_two, sized=False, metric="throughput"),
    Kind(name="half of the items cut in two, sizes kept", items=cut_in_two),
    Kind(name="start stamped later", items=stamped_later),
    Kind(name="a fifth entered when it is over", items=lambda i, rng: entered_late(i, rng, share=0.2)),
    Kind(name="a twentieth entered when it is over", items=lambda i, rng: entered_late(i, rng, share=0.05)),
    Kind(name="closed at the review before", items=at_the_review),
    Kind(name="started at the planning before", items=at_the_planning),
    Kind(name="closed late before, by a bot since", items=closed_late, log=by_a_bot),
    Kind(name="closed late before, by the same people", items=closed_late),
    Kind(name="quick work skipped the board before", log=skipped_the_board),
    Kind(name="sub-tasks since", items=sub_tasks),
    Kind(name="sub-tasks since", items=sub_tasks, metric="throughput"),
    Kind(name="small steps since, of the same size", items=small_steps),
    Kind(name="chores since", items=chores),
    Kind(name="chores since", items=chores, metric="throughput"),
    Kind(name="the hardest quarter to a new team", items=handed_on),
    Kind(name="a fifth begun in an unknown column", log=begun_elsewhere),
    Kind(name="sent back to an unknown column", log=sent_elsewhere, metric="reopened", back=0.15),
    Kind(
        name="comparison stamps its start later", items=lambda i, rng: stamped_later(_among_others(i), rng, of="others")
    ),
    Kind(name="export of the comparison ends early", log=ends_early),
    Kind(name="old work opened and closed again", log=cleaned_up),
    Kind(name="old work opened and closed again", log=cleaned_up, metric="throughput"),
    Kind(name="owners put in by a bot", log=put_in_by_a_bot, metric="owner_at_start"),
)


def judged(job: tuple[int, str, int]) -> tuple[int, str, tuple[str, ...], tuple[str, ...]]:
    """Assess one world: verdict, what refused or blocked it, what was noted."""
    from prodops_analysis import Change, Settings, assess
    from prodops_analysis.checks.artefacts import ARTEFACTS
    from prodops_analysis.event_log import validate

    kind, number = KINDS[job[0]], job[2]
    plan = Plan(effect=constant(kind.effect) if kind.effect else None, back=kind.back)
    cell: Cell = null(kind.name, "12 teams", plan)
    drawn = world(cell, job[1], number)
    begun = {team: (day - START).days / 7 for team, day in drawn.rollouts.items() if day}
    items = drawn.items.assign(since=drawn.items["started"] - drawn.items["team"].map(begun))
    drawn = replace(drawn, items=items.assign(late=items["since"] >= 0))
    drawn = replace(drawn, items=kind.items(drawn.items, np.random.default_rng(number)))
    kinds = drawn.items[["item_id", "team", "kind", *(["size"] if kind.sized else [])]].rename(columns={"kind": "type"})
    log = validate(kind.log(events_of(drawn), drawn))
    change = Change(rollouts=drawn.rollouts, primary_metric=kind.metric, smallest_worthwhile=0.15)
    settings = Settings(workflow={**worlds.STATES, "Doing": "active"})
    said = assess(log, kinds, change, as_of=drawn.as_of, settings=settings)
    against = tuple(c.name for c in said.checks if f"{c.name}: {c.found}" in said.reasons)
    noted = tuple(c.name for c in said.checks if c.result == "noted" and c.name in ARTEFACTS)
    return job[0], str(said.verdict), against, noted


def main() -> None:
    """Print one row a kind of artefact."""
    found = judged_in(len(KINDS), judged, worlds=60, seed="artefacts 2026-11", told=__doc__)
    print(
        "| what moved | metric | improved | worsened | no worthwhile change | refused for it | named beside a verdict |"
    )
    print("|---|---|---|---|---|---|---|")
    for k, kind in enumerate(KINDS):
        mine = [row for row in found if row[0] == k]
        verdicts = Counter(verdict for _, verdict, _, _ in mine)
        refused = Counter(name for _, _, against, _ in mine for name in against[:1])
        spoke = [noted for _, verdict, _, noted in mine if verdict != "not enough evidence"]
        named = f"{sum(map(bool, spoke))} of {len(spoke)}" if spoke else "-"
        shares = [f"{100 * verdicts[v] / len(mine):.0f} %" for v in ("improved", "worsened", "no worthwhile change")]
        why = "; ".join(f"{100 * n / len(mine):.0f} % {name}" for name, n in refused.most_common()) or "-"
        print(f"| {kind.name} | {kind.metric.replace('_', ' ')} | {' | '.join(shares)} | {why} | {named} |")


if __name__ == "__main__":
    main()
