"""Which teams that do not adopt are fit to be compared with, and why others are left out."""

import numpy as np
import pandas as pd

from prodops_analysis.checks.artefacts import WAIT, from_start, items_of, of_the_clock, waited
from prodops_analysis.checks.measurement import MEASUREMENT_SHARE, Stamps, shift, two_steps
from prodops_analysis.checks.other_changes import between
from prodops_analysis.checks.subject import Check, Subject, own_changes
from prodops_analysis.errors import some
from prodops_analysis.work_items import NO_TEAM


def unfit_teams(subject: Subject, stamped: Stamps, observed: pd.DataFrame) -> tuple[set[str], Check]:
    """Name comparison teams to be left out for grade D data or other stamps, and those used between changes only."""
    items, said, unfit = subject.folded.items, [], set[str]()
    for team in sorted(set(observed["team"].unique()) - set(subject.rollouts)):
        share, (moved, names) = subject.share_in_doubt(items["team"] == team), shift(stamped, {team})
        if team == NO_TEAM:
            unfit.add(team)
            said.append("items without a team left out")
        elif subject.grade(share) == "D":
            unfit.add(team)
            said.append(f"{team} left out ({share:.0%} of its items in doubt)")
        elif steps := two_steps(subject, stamped, team):
            unfit.add(team)
            said.append(f"{team} left out ({steps})")
        elif moved >= MEASUREMENT_SHARE:
            unfit.add(team)
            said.append(f"{team} left out ({names})")
        elif team in subject.alone:
            titles = some(title for _, title in own_changes(subject, team))
            said.append(f"{team} {between(*subject.alone[team])} only ({titles})")
    found = "; ".join(said) or "no other team is left out"
    return unfit, Check(name="comparison teams", result="noted" if said else "passed", found=found)


def read_otherwise(subject: Subject, observed: pd.DataFrame) -> tuple[set[str], Check]:
    """Name comparison teams to be left out as their clock is read otherwise half way through the rollouts.

    Their difference would look like an effect in the adopting teams.
    """
    others, unfit = sorted(set(observed["team"].unique()) - set(subject.rollouts)), set[str]()
    if not others:
        return unfit, Check(name="records of the comparison", result="passed", found="no team is without a rollout")
    days = sorted(pd.Timestamp(day, tz="UTC") for day in subject.rollouts.values())
    since, told = days[len(days) // 2], []
    items, late = items_of(observed, subject), observed["at"] >= since
    parts = {team: (rows, late[rows.index]) for team, rows in items.groupby(observed["team"])}
    waits = {team: waited(*part) for team, part in parts.items()} if from_start(subject) else {}
    for team in others:
        checks = [check for check in of_the_clock(*parts[team], subject) if check.result != "passed"]
        told += [f"{team}, {check.name}: {check.found}" for check in checks]
        elsewhere = [now / usual for other, (usual, now, _) in waits.items() if other != team and usual and now]
        usual, now, apart = waits.get(team, (0.0, 0.0, False))
        if apart and (not elsewhere or waited(*parts[team], anyway=float(np.median(elsewhere)))[2]):
            told.append(
                f"{team}, {WAIT}: from creation to start work usually takes {now:.1f} days, before that {usual:.1f}"
            )
        elif not any(check.result == "forbids" for check in checks):
            continue
        unfit.add(team)
    found = f"since {since:%Y-%m-%d} {'; '.join(told)}" if told else "their clocks are read as before"
    found += f"; left out: {some(sorted(unfit))}" if unfit else ""
    return unfit, Check(name="records of the comparison", result="noted" if told else "passed", found=found)
