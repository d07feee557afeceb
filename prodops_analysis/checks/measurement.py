"""What stamps the clock: the states by which work starts and ends must be the same before a rollout and after."""

from collections.abc import Mapping
from datetime import date
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from prodops_analysis.cells import first_days
from prodops_analysis.checks.subject import Check, Subject
from prodops_analysis.errors import some

MEASUREMENT_SHARE = 0.20  # starts or finishes that other states stamp on the other side, from which no answer is given
TRACE = 0.02  # of them, from which it is named: with many teams and states less comes about by chance
RENAMED = pd.Timedelta(weeks=4)  # after a new name came, until which work may have passed from the old to it
Counts: TypeAlias = NDArray[np.int64]
Stamps: TypeAlias = Mapping[str, pd.DataFrame]  # starts or finishes -> how often each state stamped them
CLOCK = {
    "starts": ("started_at", "start_state", "start_actor_kind"),
    "finishes": ("finished_at", "finish_state", "finish_actor_kind"),
}


def stamps(subject: Subject) -> Stamps:
    """Count what stamped the clock: by team and state, how often `before` and `after`, and whether that is more than on
    the other side (`more before`, `more after`).

    After is since the team's rollout, for the comparison since the first of all.
    """
    teams = subject.folded.items["team"].unique()
    since = dict.fromkeys(teams, min(subject.rollouts.values())) | dict(subject.rollouts)
    return {what: _stamps(subject, since, *CLOCK[what]) for what in subject.metric.clock}


def measurement(subject: Subject, stamped: Stamps) -> Check:
    """What stamps the start or finish must be the same before and after, team by team."""
    name = "measurement changed at rollout"
    steps = [f"{team}, {told}" for team in sorted(subject.rollouts) if (told := two_steps(subject, stamped, team))]
    if steps:
        mend = "they are two steps, not one: mend same_as in the workflow map"
        return Check(name=name, result="forbids", found=f"{some(steps, most=2)}; {mend}")
    share, names = shift(stamped, set(subject.rollouts))
    if share >= MEASUREMENT_SHARE:
        mend = "if it is only a new name, declare it under same_as in the workflow map"
        return Check(name=name, result="forbids", found=f"{names}; {mend}")
    if share >= TRACE:
        return Check(name=name, result="noted", found=names)
    return Check(name=name, result="passed", found="the same states stamp the clock before and after")


def two_steps(subject: Subject, stamped: Stamps, team: str) -> str:
    """Name two states that a team's map calls one, though its work passes through both long after the new name came.

    Only where it stamps the clock: else it does not matter.
    """
    workflow = subject.settings.workflow_of(team)
    for new, old in (workflow.same_as if workflow else {}).items():
        if not any((team, old) in counts.index for counts in stamped.values()):
            continue
        spells = subject.folded.spells[subject.folded.spells["team"] == team]
        late = spells[spells["entered_at"] > spells.loc[spells["state"] == new, "entered_at"].min() + RENAMED]
        ids = [set(late.loc[late["state"] == name, "item_id"]) for name in (new, old)]
        both, either = len(ids[0] & ids[1]), len(ids[0] | ids[1])
        if both >= MEASUREMENT_SHARE * max(either, 1):
            return f"{both:,} of {either:,} items that were in {new!r} or {old!r} were in both"
    return ""


def shift(stamped: Stamps, teams: set[str]) -> tuple[float, str]:
    """Return the largest share of stamps that came to one side of the dates by other states, and their names."""
    found = []
    for what, counts in stamped.items():
        mine = counts[counts.index.get_level_values("team").isin(teams)]
        found += [_told(mine, "before", "after", what), _told(mine, "after", "before", what)]
    return max(found)


def _stamps(subject: Subject, since: Mapping[str, date], at: str, state: str, by: str) -> pd.DataFrame:
    """Count what stamped the clock before the dates and after, by team and state, declared renames undone.

    A dropped item has no finish that a clock could be stopped by; how much is dropped is a check of its own.
    """
    items = subject.folded.items
    counts = (items["outcome"] != "dropped") | (at == "started_at")
    known = items.loc[counts, ["team", at, state, by]].dropna(subset=["team", at, state])
    same = {t: (w.same_as if (w := subject.settings.workflow_of(t)) else {}) for t in since}
    late = subject.local(known[at]) >= first_days(known["team"], since)
    n = late.groupby([known["team"], known[state], known[by].eq("bot")]).agg(["size", "sum"])
    names = [same[team].get(name, name) + " (by a bot)" * bot for team, name, bot in n.index]
    keys = [n.index.get_level_values("team"), pd.Index(names, name="state", dtype="str")]
    found = pd.DataFrame({"before": n["size"] - n["sum"], "after": n["sum"]}).groupby(keys).sum()
    sides, of_team = (frame.to_numpy().T for frame in (found, found.groupby("team").transform("sum")))
    more = {"more before": _risen(*sides, *of_team), "more after": _risen(*sides[::-1], *of_team[::-1])}
    return found.assign(**more)


def _risen(n: Counts, known: Counts, mine: Counts, theirs: Counts) -> NDArray[np.bool_]:
    """Say of each team and state whether it stamps more of one side than the other side of the same team has.

    n, known : stamps of this side and of the other; mine, theirs : all of the team's on this side and on the other.
    A state counts where its share has at least doubled, and by more than luck makes (three standard errors).
    """
    together = (n + known) / (mine + theirs)
    with np.errstate(divide="ignore", invalid="ignore"):  # of a team with nothing on a side
        luck = 3 * np.sqrt(together * (1 - together) * (1 / mine + 1 / theirs))
        return (n > 0) & (theirs > 0) & (2 * known * mine <= n * theirs) & (n / mine - known / theirs > luck)


def _told(counts: pd.DataFrame, here: str, there: str, what: str) -> tuple[float, str]:
    """Return how much more of one side's stamps come from states that have risen there, and their names."""
    n, known, risen = (counts[name] for name in (here, there, f"more {here}"))
    if not risen.any():
        return 0.0, ""
    team, state = (n.index.get_level_values(name) for name in ("team", "state"))
    states = some(map(repr, sorted(set(state[risen]))))
    instead = some(map(repr, sorted(set(state[(known > 0) & team.isin(team[risen]) & ~risen]))))
    share, before = (float(side[risen].sum() / side.sum()) for side in (n, known))
    mine, theirs = (side.groupby("team").transform("sum") for side in (n, known))
    more = float((n - known * mine / theirs)[risen].sum() / n.sum())
    return more, f"{share:.0%} of {what} {here} come from {states}, {before:.0%} of those {there} (there {instead})"
