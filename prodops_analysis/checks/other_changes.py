"""Other registered changes: what else came to the teams at the time, and which weeks that leaves to be used."""

from datetime import timedelta

import pandas as pd

from prodops_analysis.checks.subject import ALWAYS, Check, Subject
from prodops_analysis.errors import some

NEAR = timedelta(weeks=12)  # another change so close is named


def other_changes(subject: Subject) -> Check:
    """Name other registered changes near a rollout or after it, in adopting teams and in the comparison.

    While two changes to one metric are in use, neither can be told from the other: of an adopting team only the weeks
    between the others are used, and nothing where it got one at about the same time.
    """
    known, today = set(subject.folded.items["team"].unique()), subject.folded.as_of.date()
    met: dict[str, dict[str, list[str]]] = {"adopting teams": {}, "comparison teams": {}}
    for other in subject.others:
        for team, day in sorted(other.rollouts.items()):
            if day is None or day > today or other == subject.change or team not in known:
                continue
            mine = team in subject.rollouts
            firsts = [subject.rollouts[team]] if mine else subject.rollouts.values()
            if any(day - first >= -NEAR and (mine or day - first <= NEAR) for first in firsts):
                side = met["adopting teams" if mine else "comparison teams"]
                side.setdefault(other.title or other.id, []).append(f"{team} {day}")
    told = [
        f"{side}: {'; '.join(f'{title} ({some(days)})' for title, days in sorted(changes.items()))}"
        for side, changes in met.items()
        if changes
    ]
    spans = {team: span for team, span in subject.alone.items() if team in subject.rollouts}
    lost = sorted(team for team, (begin, until) in spans.items() if begin > until)
    if used := [f"{team} {between(*span)}" for team, span in sorted(spans.items()) if team not in lost]:
        told.append(f"used: {some(used)}, as another change to the same metric came before or after")
    if lost:
        told.append(f"left out: {some(lost)}, which got another change to the same metric at the time of this one")
    name = "other changes in the window"
    if len(lost) == len(subject.rollouts):
        told.append("they cannot be told apart; judge them together, as one change")
        return Check(name=name, result="forbids", found="; ".join(told))
    if told:
        return Check(name=name, result="noted", found="; ".join(told))
    calm = "no other registered change within 12 weeks of a rollout, or later in an adopting team"
    return Check(name=name, result="passed", found=calm)


def between(begin: pd.Timestamp, until: pd.Timestamp) -> str:
    """Write between which days a team is used."""
    ends = [(ALWAYS[0], "from", begin), (ALWAYS[1], "until", until)]
    return " ".join(f"{word} {day:%Y-%m-%d}" for never, word, day in ends if day != never)
