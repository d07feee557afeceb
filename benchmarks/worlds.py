"""Simulated product organisations with known truth, in three opinions of how teams behave.

    shocks : cycle times are log-normal; each team-week carries an AR(1) shock; arrivals are Poisson
    regimes: cycle times are Weibull; each team drifts between slow, usual and fast spells; arrivals are overdispersed
    load   : cycle times stretch with the work a team has open, so slow weeks follow busy ones

`draw(kind, …)` gives one world of a kind: a null, in which nothing that is measured changed, or an effect.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
import pandas as pd
import triggers

START = date(2024, 1, 1)  # a Monday
STATES = {
    "Backlog": "queue", "Ready": "queue", "In progress": "active", "In review": "active", "Done": "done",
    "Dropped": "dropped",
}  # fmt: skip
KINDS_OF_WORK = {"feature": 0.3, "bug": -0.5, "research": 0.1}
SIZES = {"S": -0.35, "M": 0.0, "L": 0.35}
OPINIONS = ("shocks", "regimes", "load")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What happens in a world. Effects are on the log of the cycle time, of the arrivals, or on the share owned."""

    teams: int = 12
    weeks: int = 78
    pace: tuple[float, float] = (5.0, 8.0)  # items a team starts in a week
    opinion: str = "shocks"
    never: float = 0.0  # share of the teams that never adopt
    at_once: bool = False
    first: int = 26  # week of the first rollout
    step: float = 3.0  # weeks from one rollout to the next
    effect: Callable[[np.ndarray, float], np.ndarray] | None = None  # (weeks since rollout, order 0..1) -> log effect
    arrivals: Callable[[np.ndarray, float], np.ndarray] | None = None
    owned: float = 0.0
    back: float = 0.0  # share of the work done that comes back ten days later, in a usual team
    back_added: float = 0.0
    waiting: float = 0.0  # log effect on the days before the start
    trend: float = 0.0  # log change a year of the cycle time of every team
    slopes: float = 0.0  # sd of each team's own log change a year
    season: float = 0.0
    shocks: float = 1.0  # factor on team-week shocks
    shared: float = 0.0  # log jump of every team at the middle rollout
    # "weeks": a team rolls out after its worst weeks; "record": after four weeks worse than any in the 20 before, as a
    # team would that cannot see what is to come; "team": the worst teams adopt
    triggered: str = ""
    mix: float = 0.0  # share of features that become bugs at rollout
    rename: str = ""
    bulk: bool = False
    pilot: float = 0.0  # log effect in the six weeks before the rollout
    moved: float = 0.0  # log jump of each adopter five weeks before its rollout, for good
    reorganised: float = 0.0  # log jump of all adopters at the middle rollout, for good
    drift: bool = False  # arrivals have shocks like cycle times, and each team its own trend of them
    at_end: bool = False  # `arrivals` is work that ends from the rollout on, not work that starts then
    begins: int = 0  # week in which the export begins: what ended before is not in it, what was open then is


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """One world: items with their true instants, rollouts, and the export's instant. `truth` on the metric's scale."""

    items: pd.DataFrame
    rollouts: Mapping[str, date | None]
    as_of: pd.Timestamp
    truth: Mapping[str, float] = field(default_factory=dict)


def draw(plan: Plan, *, rng: np.random.Generator) -> Drawn:
    """Draw one world."""
    names = [f"Team {k:02d}" for k in range(plan.teams)]
    adopters = plan.teams - round(plan.never * plan.teams)
    levels = {
        "shock": np.array([_team_weeks(plan, rng) for _ in names]),
        "speed": rng.normal(np.log(6.0), 0.4, plan.teams),
        "pace": rng.uniform(*plan.pace, plan.teams),
        "slope": rng.normal(plan.trend, plan.slopes, plan.teams),
    }
    levels["flow"] = np.array([_flow(plan, rng) for _ in names])
    if plan.trend or plan.slopes:
        levels["shock"] = levels["shock"] + levels["slope"][:, None] * np.arange(plan.weeks) / 52
    levels["shock"] = levels["shock"] + rng.normal(0, 0.05, plan.weeks) + _season(plan)
    order = rng.permutation(plan.teams)
    if plan.triggered == "team":
        recent = levels["shock"][:, plan.first - 8 : plan.first].mean(axis=1) + rng.normal(0, 0.1, plan.teams)
        order = np.argsort(-recent)
    weeks = np.full(plan.teams, -1)
    for k, team in enumerate(order[:adopters]):
        weeks[team] = plan.first if plan.at_once else plan.first + round(plan.step * k)
    base = pd.concat([_base(plan, levels, k, rng) for k in range(plan.teams)], ignore_index=True)
    if plan.triggered == "weeks":
        weeks = triggers.after_worst(base, weeks, last=plan.weeks - 14)
    if plan.triggered == "record":
        weeks = triggers.after_record(base, weeks, last=plan.weeks - 14, rng=rng)
    place = {int(team): k / max(adopters - 1, 1) for k, team in enumerate(order[:adopters])}
    items = _happen(plan, base, weeks, place, rng)
    items = items[items["ended"] >= plan.begins]
    rollouts = {names[k]: START + timedelta(weeks=int(w)) if w >= 0 else None for k, w in enumerate(weeks)}
    items = items.assign(team=np.array(names)[items["unit"]])
    items = items.assign(item_id=[f"I-{n:05d}" for n in range(len(items))])
    return Drawn(
        items=items,
        rollouts=rollouts,
        as_of=pd.Timestamp(START, tz="UTC") + pd.Timedelta(weeks=plan.weeks),
        truth=_truth(plan, items),
    )


def _team_weeks(plan: Plan, rng: np.random.Generator) -> np.ndarray:
    """Draw the log level of one team, week by week."""
    n = plan.weeks
    if plan.opinion == "regimes":
        state, levels = 1, []
        for _ in range(n):
            if rng.uniform() < 1 / 8:
                state = int(rng.choice(3, p=(0.25, 0.5, 0.25)))
            levels.append((-0.25, 0.0, 0.25)[state])
        return plan.shocks * np.array(levels) + plan.shocks * rng.normal(0, 0.05, n)
    return plan.shocks * _autocorrelated(n, rng) * (0.5 if plan.opinion == "load" else 1.0)


def _autocorrelated(n: int, rng: np.random.Generator) -> np.ndarray:
    rho, sd = rng.uniform(0.3, 0.6), rng.uniform(0.10, 0.25)
    noise = rng.normal(0, sd, n)
    own = np.zeros(n)
    own[0] = noise[0]
    for week in range(1, n):
        own[week] = rho * own[week - 1] + np.sqrt(1 - rho**2) * noise[week]
    return own


def _flow(plan: Plan, rng: np.random.Generator) -> np.ndarray:
    """Draw how the log of one team's arrivals moves, week by week."""
    if not plan.drift:
        return np.zeros(plan.weeks)
    return _autocorrelated(plan.weeks, rng) + rng.normal(0, 0.2) * np.arange(plan.weeks) / 52


def _season(plan: Plan) -> np.ndarray:
    week = np.arange(plan.weeks) % 52
    turn = np.where((week >= 50) | (week <= 1), 1.0, 0.0)
    quarter = np.where(week % 13 >= 11, 1.0, 0.0)
    return plan.season * (turn - 0.5 * quarter)


def _base(plan: Plan, levels: Mapping[str, np.ndarray], unit: int, rng: np.random.Generator) -> pd.DataFrame:
    """Draw the items of one team as they would be without any change."""
    holiday = 1 - 0.5 * (_season(plan) > 0)
    pace = levels["pace"][unit] * holiday * np.exp(levels["flow"][unit])
    if plan.opinion == "regimes":
        pace = pace * rng.gamma(8.0, 1 / 8.0, plan.weeks)
    week = np.repeat(np.arange(plan.weeks), rng.poisson(pace))
    n = len(week)
    started = week + (rng.choice(5, n) + rng.uniform(0.33, 0.75, n)) / 7
    noise = np.log(rng.weibull(1.3, n)) + 0.37 if plan.opinion == "regimes" else rng.normal(0, 0.8, n)
    return pd.DataFrame(
        {
            "unit": unit,
            "week": week,
            "started": started,
            "kind": rng.choice(list(KINDS_OF_WORK), n, p=(0.5, 0.35, 0.15)),
            "size": rng.choice(list(SIZES), n, p=(0.4, 0.4, 0.2)),
            "level": levels["speed"][unit] + levels["shock"][unit][week],
            "noise": noise,
            "u": rng.uniform(size=n),
            "v": rng.uniform(size=n),
            "queue": rng.lognormal(np.log(8.0), 0.8, n) / 7,
        }
    )


def _happen(
    plan: Plan, base: pd.DataFrame, weeks: np.ndarray, place: Mapping[int, float], rng: np.random.Generator
) -> pd.DataFrame:
    """Let the change happen to the items."""
    begin = np.where(weeks >= 0, weeks, 10_000)[base["unit"]]
    if plan.waiting:  # what waits at the rollout waits less from then on
        asked = base["started"] - base["queue"]
        from_then = np.maximum(asked, begin)
        started = np.where(base["started"] > begin, from_then + (base["started"] - from_then) * np.exp(plan.waiting),
                           base["started"])  # fmt: skip
        base = base.assign(started=started, queue=started - asked)
    since = base["started"].to_numpy() - begin
    after = since >= 0
    if plan.arrivals is not None:
        base = _more(plan, base, begin, place, rng)
        begin = np.where(weeks >= 0, weeks, 10_000)[base["unit"]]
        since = base["started"].to_numpy() - begin
        after = since >= 0
    kind = base["kind"].to_numpy(dtype=object)
    if plan.mix:
        kind = np.where(after & (kind == "feature") & (rng.uniform(size=len(base)) < plan.mix), "bug", kind)
    effect = np.zeros(len(base))
    if plan.effect is not None:
        early = base["unit"].map(place).fillna(0).to_numpy(float)
        effect = np.where(after, plan.effect(np.where(after, since, 0), early), 0.0)
    own = effect
    if plan.pilot:
        effect = effect + np.where(~after & (since >= -6), plan.pilot, 0.0)
    effect = effect + np.where(since >= -5, plan.moved, 0.0)
    late = base["started"].to_numpy() >= np.median(weeks[weeks >= 0])
    effect = effect + np.where(late, plan.shared + np.where(begin < 10_000, plan.reorganised, 0.0), 0.0)
    own_pace = base["level"] + base["noise"] + pd.Series(SIZES)[base["size"]].to_numpy()
    usual = own_pace + pd.Series(KINDS_OF_WORK)[base["kind"]].to_numpy()
    log_days = own_pace + effect + pd.Series(KINDS_OF_WORK)[kind].to_numpy()
    total = np.asarray(own, dtype=float)
    if plan.opinion == "load":
        # an effect also eases the load; what eases it without the change does not count as one
        eased, loaded = (np.log(_congestion(base.assign(days=np.exp(usual + e)))) for e in (effect, effect - own))
        log_days, total = log_days + eased, own + eased - loaded
    dropped = base["u"] < 0.06
    days = np.exp(log_days) * np.where(dropped, 0.6, 1.0)
    ended = base["started"] + days / 7
    batch = np.full(len(base), None, dtype=object)
    if plan.bulk:
        zombie = rng.uniform(size=len(base)) < 0.06
        ended = ended.where(~zombie, 10_000.0)
        closing = np.where(weeks >= 0, weeks + 2, plan.weeks // 2)[base["unit"]] + 0.3
        swept = zombie & (base["started"] < closing - 4)
        ended = ended.where(~swept, closing)
        batch = np.where(swept, "sweep", None)
    start_state = np.full(len(base), "In progress", dtype=object)
    review = np.full(len(base), "In review", dtype=object)
    if plan.rename == "start":  # the board gets a new column, which nobody declares, and work starts there
        start_state = np.where(after, "Doing", start_state)
    elif plan.rename == "later":  # work is now moved to the start state half way through
        start_state = np.where(after, "Building", start_state)
    elif plan.rename == "harmless":
        review = np.where(after, "Peer review", review)
    elif plan.rename == "declared":
        start_state = np.where(after, "Doing", start_state)
    if plan.back:
        usual_share = plan.back * rng.uniform(0.5, 1.5, plan.teams)[base["unit"]]
        base = base.assign(back=rng.uniform(size=len(base)) < usual_share + plan.back_added * (ended >= begin))
    return base.assign(
        kind=kind, started=base["started"], ended=ended, dropped=dropped, after=after, effect=total,
        created=base["started"] - base["queue"], asked_after=base["started"] - base["queue"] >= begin,
        owned=base["v"] < 0.60 + np.where(after, plan.owned, 0.0), start_state=start_state, review_state=review,
        batch=batch,
    )  # fmt: skip


def _more(
    plan: Plan, base: pd.DataFrame, begin: np.ndarray, place: Mapping[int, float], rng: np.random.Generator
) -> pd.DataFrame:
    """Let more work come, or end, from the rollout on; `flow` is the log effect behind each item, NaN before."""
    since = (_usual_end(base) if plan.at_end else base["started"].to_numpy()) - begin
    early = base["unit"].map(place).fillna(0).to_numpy(float)
    base = base.assign(flow=np.where(since >= 0, plan.arrivals(np.maximum(since, 0), early), np.nan))
    extra = base[rng.uniform(size=len(base)) < np.expm1(base["flow"])]
    noise = extra["noise"].to_numpy() if plan.at_end else rng.permutation(extra["noise"].to_numpy())
    fresh = extra.assign(u=rng.uniform(size=len(extra)), v=rng.uniform(size=len(extra)), noise=noise)
    return pd.concat([base, fresh], ignore_index=True)


def _usual_end(base: pd.DataFrame) -> np.ndarray:
    log_days = base["level"] + base["noise"] + base["size"].map(SIZES) + base["kind"].map(KINDS_OF_WORK)
    return (base["started"] + np.exp(log_days) / 7).to_numpy()


def _congestion(items: pd.DataFrame) -> np.ndarray:
    """Return the factor by which the work open in a team when an item starts stretches it."""
    factor = np.ones(len(items))
    for rows in items.groupby("unit").indices.values():
        started, days = items["started"].to_numpy()[rows], items["days"].to_numpy()[rows]
        by_start = np.argsort(started)
        ends = np.sort(started + days / 7)
        at = started[by_start]
        wip = np.arange(len(rows)) - np.searchsorted(ends, at)
        usual = max(float(wip[len(wip) // 5 :].mean()), 1.0)
        factor[rows[by_start]] = np.clip((wip + 3) / (usual + 3), 0.5, 2.0) ** 0.4
    return factor


def _truth(plan: Plan, items: pd.DataFrame) -> dict[str, float]:
    """Return the mean true effect over the items after the rollouts, on each metric's scale of estimation.

    Lead time is that of items asked for after the rollout, cycle time that of items started then.
    """
    after = items[items["asked_after"]]
    queue, took = after["started"] - after["created"], after["ended"] - after["started"]
    before = queue / np.exp(plan.waiting) + took / np.exp(after["effect"])
    return {
        "cycle_time": float(items.loc[items["after"], "effect"].mean()),
        "lead_time": float(np.log((queue + took) / before).mean()),
        "throughput": float(items["flow"].mean()) if plan.arrivals is not None else 0.0,
        "owner_at_start": plan.owned,
        "reopened": plan.back_added,
    }
