"""What moves in the records at a rollout and could pass for an effect: each named, with its size and what it does."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from prodops_analysis import METRICS, Change, Settings
from prodops_analysis.checks.artefacts import ARTEFACTS, BULK, WAIT, artefacts, by_team
from prodops_analysis.checks.comparison_teams import read_otherwise
from prodops_analysis.checks.subject import Subject
from prodops_analysis.work_items import Fold

ROLLOUT = date(2025, 6, 2)
BEGUN = pd.Timestamp(ROLLOUT, tz="UTC")
NAMES = tuple(name for name in ARTEFACTS if name not in ("owners set by rule", WAIT, "amount of work"))
HOUR = pd.Timedelta(hours=1)
OF_THE_START = {"finishes without a start", "last state before the end"}
NO_STAYS = pd.DataFrame({"item_id": [], "stage": [], "state": [], "entered_at": []})
AS_OF = pd.Timestamp("2026-01-05", tz="UTC")
N = 40  # items of each team on each side of the rollout, one a day


def observations(*, before=("feature", "M", "done"), after=("feature", "M", "done"), share=1.0):
    """Items of the team A and of the comparison B; `share` of A's items after the rollout are as `after` says."""
    rows = []
    for team in "AB":
        for k in range(2 * N):
            late = k >= N
            kind, size, outcome = after if late and team == "A" and (k - N) < share * N else before
            rows.append(
                (f"{team}{k:02}", team, kind, size, outcome, BEGUN + pd.Timedelta(days=k - N, minutes=k, seconds=30))
            )
    named = pd.DataFrame(rows, columns=["item_id", "team", "item_type", "size", "outcome", "at"])
    return named.assign(value=2.0, ended=True)


def asked(observed=None, **parts):
    """Check name -> check."""
    subject, observed = subject_of(observed, **parts)
    _, of_others = read_otherwise(subject, observed)
    return {check.name: check for check in (*artefacts(subject, observed), of_others)}


def subject_of(observed=None, *, metric="cycle_time", zone="UTC", more=(), stays=NO_STAYS, **columns):
    """The subject and its observations; `columns` of the work items, `more` items beside."""
    observed = observations() if observed is None else observed
    start = observed["at"] + 9 * HOUR
    items = observed[["item_id", "team", "item_type", "size", "outcome"]].assign(
        created_at=start - 72 * HOUR, started_at=start, finished_at=start + 48.2 * HOUR, finish_batch=1,
        ever_owned=True, owner_put_by="person", start_state="Doing", finish_state="Done", last_event_at=AS_OF,
        first_finished_at=start + 48.2 * HOUR, undone_at=pd.Series(pd.NaT, index=start.index, dtype=start.dtype),
        unknown_at_start=False, unknown_at_end=False,
    )  # fmt: skip
    items = pd.concat([items.assign(**columns), pd.DataFrame(more)], ignore_index=True)
    subject = Subject(
        folded=Fold(items=items, spells=stays, as_of=AS_OF),
        metric=METRICS[metric], change=Change(rollouts={"A": ROLLOUT}), rollouts={"A": ROLLOUT},
        settings=Settings(workflow={"Doing": "active", "Done": "done"}, time_zone=zone), doubts={}, others=(),
    )  # fmt: skip
    return subject, observed


def tenths_after(tenths=1, team="A"):
    """Whether an item is one of some tenths of a team's after its rollout."""
    observed = observations()
    late = (observed["team"] == team) & (observed["at"] >= BEGUN)
    return late & (np.arange(len(observed)) % 10 < tenths)


NAPPING = pd.DataFrame({"item_id": ["A41"], "stage": ["unknown"], "state": ["Napping"], "entered_at": [BEGUN]})


@pytest.mark.parametrize(
    ("column", "metric", "share", "result"),
    [
        pytest.param("unknown_at_start", "cycle_time", 0.0, "passed", id="none"),
        pytest.param("unknown_at_start", "cycle_time", 0.025, "noted", id="few"),
        pytest.param("unknown_at_start", "cycle_time", 0.05, "forbids", id="at-the-start"),
        pytest.param("unknown_at_start", "throughput", 0.25, "passed", id="no-matter-to-an-end"),
        pytest.param("unknown_at_end", "throughput", 0.05, "forbids", id="at-the-end"),
        pytest.param("unknown_at_end", "owner_at_start", 0.25, "passed", id="no-matter-to-a-start"),
        pytest.param("unknown_at_end", "reopened", 0.05, "forbids", id="where-work-comes-back-to"),
    ],
)
def test_unknown_states_that_come_with_a_rollout(column, metric, share, result):
    """Where a state that no map knows may have been a start or an end, and was not before, no answer is given."""
    observed = observations()
    late = observed[(observed["team"] == "A") & (observed["at"] >= BEGUN)].index
    strange = pd.Series(False, index=observed.index)
    strange[late[: round(share * len(late))]] = True

    check = asked(metric=metric, stays=NAPPING, **{column: strange})["unknown states"]

    assert result == check.result
    assert ("add 'Napping' to the workflow map" in check.found) == (result != "passed")


def test_calm_records_pass_everything():
    """Every artefact is named even where there is none, in a fixed order."""
    checks = asked()

    assert tuple(checks) == NAMES
    assert {"passed"} == {check.result for check in checks.values()}


@pytest.mark.parametrize(
    ("metric", "more", "fewer"),
    [
        ("lead_time", set(), OF_THE_START),
        ("owner_at_start", {"owners set by rule"}, OF_THE_START - {"finishes without a start"}),
        ("throughput", set(), OF_THE_START),
    ],
)
def test_a_metric_is_asked_what_it_rests_on(metric, more, fewer):
    """What has no part in a metric is no threat to it."""
    assert set(NAMES) | more == set(asked(metric=metric)) | fewer


@pytest.mark.parametrize(
    ("after", "share", "name", "told"),
    [
        pytest.param(("bug", "M", "done"), 0.125, "mix of work", "12% of the work is of other types", id="types"),
        pytest.param(("feature", "L", "done"), 0.5, "mix of work", "50% of the work is of other types", id="sizes"),
        pytest.param(
            ("feature", "M", "dropped"), 0.1, "dropped work",
            "0% before and 10% after of items dropped; a dropped item counts as not done", id="dropped",
        ),
    ],
)  # fmt: skip
def test_threats_from_the_work(after, share, name, told):
    """A tenth more of other or dropped work among the adopters is named; less is not."""
    named, fine = (asked(observed=observations(after=after, share=s)) for s in (share, 0.075))

    assert "noted" == named[name].result
    assert told in named[name].found
    assert "passed" == fine[name].result
    assert {"passed"} == {check.result for other, check in named.items() if other != name}


@pytest.mark.parametrize(
    ("metric", "share", "result"),
    [("lead_time", 0.175, "noted"), ("lead_time", 0.2, "forbids"), ("cycle_time", 0.5, "noted")],
)
def test_requests_that_are_turned_down(metric, share, result):
    """What is dropped before it is begun ends when it is answered: a fifth more leaves no lead time."""
    observed = observations(after=("feature", "M", "dropped"), share=share)

    assert asked(observed=observed, metric=metric)["dropped work"].result == result


def test_teams_that_differ_have_not_changed():
    """A habit of the team that rolled out first, with most of the work after, did not come with the rollout."""
    team = pd.Series(["early"] * 10 + ["late"] * 10 + ["old"] * 5)
    after = pd.Series([False] * 2 + [True] * 8 + [False] * 8 + [True] * 2 + [False] * 5)

    habit = (team != "late").astype(float)

    assert by_team(habit, after, team) == (0.8, 0.8)
    assert by_team(habit.where(team == "early"), after, team) == (1.0, 1.0)
    assert np.isnan(by_team(habit, after & False, team)).all()
    assert np.isnan(by_team(habit.where((team == "early") & after), after, team)).all()


@pytest.mark.parametrize("metric", ["throughput", "reopened"])
def test_what_is_dropped_instead_of_done_is_told_of_metrics_of_done_work(metric):
    """Observations of done work alone hold nothing that was dropped: all that ended is asked."""
    every = observations(after=("feature", "M", "dropped"), share=0.5)
    subject, _ = subject_of(every, metric=metric)

    found = {check.name: check for check in artefacts(subject, every[every["outcome"] == "done"])}

    assert found["dropped work"].result == "noted"
    # 20 of 42: two that were begun before end after
    assert found["dropped work"].found == "0% before and 48% after of items dropped"


def test_dropped_work_of_a_share_is_not_called_unfinished():
    """Only durations count a dropped item as not done."""
    observed = observations(after=("feature", "M", "dropped"))

    assert "not done" not in asked(observed=observed, metric="owner_at_start")["dropped work"].found


@pytest.mark.parametrize(
    ("column", "empty", "words"),
    [
        pytest.param("item_type", None, "a type", id="type"),
        pytest.param("size", "", "a size", id="size"),
        pytest.param("ever_owned", False, "an owner at some time", id="owner"),
    ],
)
def test_a_field_that_is_filled_in_more_often(column, empty, words):
    """A field that a tenth of the items lacked before, or lack after, is named with both shares."""
    full = pd.Series({"item_type": "feature", "size": "M", "ever_owned": True}[column], index=observations().index)
    early = observations()["at"] < pd.Timestamp(ROLLOUT, tz="UTC")
    some = early & (np.arange(len(full)) % 10 == 0)

    lacking = (some, tenths_after(), tenths_after(team="B"))

    more, fewer, other = (asked(**{column: full.mask(rows, empty)})["fields filled in"] for rows in lacking)

    assert ("noted", f"90% before and 100% after have {words}: was a field made required, or given up?") == (
        more.result, more.found
    )  # fmt: skip
    assert ("noted", f"100% before and 90% after have {words}: was a field made required, or given up?") == (
        fewer.result, fewer.found
    )  # fmt: skip
    assert other.result == "passed"


@pytest.mark.parametrize("column", ["started_at", "finished_at"])
@pytest.mark.parametrize(
    ("zone", "minutes"), [("UTC", 0), ("UTC", 9 * 60), ("Europe/Berlin", 22 * 60), ("Asia/Kolkata", 18 * 60 + 30)]
)
def test_typed_dates(column, zone, minutes):
    """Starts or ends on the hour, midnight above all, where the team works are what somebody typed."""
    at = observations()["at"] + 9.2 * HOUR
    typed = at.mask(tenths_after(), at.dt.normalize() + pd.Timedelta(minutes=minutes))

    check = asked(zone=zone, **{column: typed})["typed dates"]

    assert ("noted", "0% before and 10% after of items start or end on the hour, as typed times do") == (
        check.result, check.found
    )  # fmt: skip


@pytest.mark.parametrize(("size", "result"), [(4, "passed"), (5, "noted")])
def test_items_of_one_edit(size, result):
    """Finishes edited together with four others count as bulk; a tenth more of them after the rollout is named."""
    check = asked(finish_batch=np.where(tenths_after(), size, 1))["bulk edits"]

    assert result == check.result
    assert ("0% before and 10% after of items finished in bulk" in check.found) == (size == 5)


@pytest.mark.parametrize("column", ["started_at", "finished_at"])
@pytest.mark.parametrize(("items", "minutes", "result"), [(5, 60, "noted"), (5, 61, "passed"), (4, 10, "passed")])
def test_items_moved_in_one_sitting(column, items, minutes, result):
    """Five cards of a team within an hour were moved when people met; a tenth of the work is five of forty."""
    at = observations()["at"] + 9.2 * HOUR
    last = at.index[at.index < 2 * N][-items:]  # of team A
    sitting = at[last[0]] + pd.to_timedelta(np.linspace(0, minutes, items), unit="min")

    check = asked(**{column: at.where(~at.index.isin(last), pd.Series(sitting, index=last))})["bulk edits"]

    assert result == check.result
    what = {"started_at": "started", "finished_at": "finished"}[column]
    assert (f"0% before and 12% after of items {what} in bulk" in check.found) == (result == "noted")


def test_a_sitting_is_of_one_team():
    """Cards of two teams moved in the same hour are no sitting of either."""
    at = observations()["at"] + 9.2 * HOUR
    rows = [*range(2 * N - 3, 2 * N), *range(4 * N - 3, 4 * N)]

    assert asked(started_at=at.mask(at.index.isin(rows), at[2 * N - 1]))["bulk edits"].result == "passed"


@pytest.mark.parametrize(
    ("typical", "hours", "result"),
    [(100, 2, "forbids"), (100, 2.1, "passed"), (10, 0.5, "forbids"), (10, 0.6, "passed")],
)
def test_work_entered_when_it_is_over(typical, hours, result):
    """Items created in the two hours before they ended, or a twentieth of the typical time, were entered afterwards."""
    ended = observations()["at"] + 57.2 * HOUR
    late = tenths_after()

    check = asked(created_at=(ended - typical * HOUR).mask(late, ended - hours * HOUR))["entered afterwards"]

    assert result == check.result
    told = (
        f"0% before and {10 if result == 'forbids' else 0}% after of finished items were created just before they ended"
    )
    assert told == check.found


def test_days_do_not_tell_how_quick_work_was():
    """Where days are typed, work of one day was not entered afterwards, however much of it there is."""
    day = observations()["at"].dt.normalize()

    check = asked(created_at=day - 48 * HOUR * (~tenths_after(5)).astype(int), finished_at=day)["entered afterwards"]

    assert ("passed", "nothing to compare") == (check.result, check.found)


@pytest.mark.parametrize(("items", "begins", "result"), [(5, 0, "noted"), (4, 0, "passed"), (5, -1, "passed")])
def test_a_team_that_begins_at_the_rollout(items, begins, result):
    """Work that is handed to a new team, however old, leaves the adopters with another kind of work."""
    day, old = BEGUN + pd.Timedelta(days=begins), BEGUN - pd.Timedelta(days=40)
    rows = [
        {"item_id": f"I{k}", "team": "Intake", "outcome": "open", "created_at": old, "started_at": day,
         "last_event_at": AS_OF}
        for k in range(items)
    ]  # fmt: skip

    check = asked(more=rows)["new teams"]

    assert result == check.result
    told = "Intake begins on 2025-06-02, 5 items since: was work of the adopting teams moved there?"
    assert check.found == (told if result == "noted" else "no team began since")


def test_work_that_skips_the_board():
    """Finished items without a start are in no cycle time: more or fewer of them change which work is measured."""
    done = BEGUN - 24 * HOUR
    rows = [
        {"item_id": f"S{k}", "team": "A", "outcome": "done", "created_at": done, "finished_at": done} for k in range(5)
    ]

    check = asked(more=rows)["finishes without a start"]

    assert ("forbids", "12% before and 0% after of finished items have no start") == (check.result, check.found)


@pytest.mark.parametrize(
    ("first", "last", "result", "told"),
    [
        pytest.param(1.0, 1.0, "passed", "moved by 0% beside", id="as-before"),
        pytest.param(1.0, 0.5, "noted", "moved by −50% beside the time before it: is work over", id="closed-sooner"),
        pytest.param(0.5, 0.5, "passed", "moved by −1% beside", id="faster-throughout"),
        pytest.param(0.5, 1.0, "passed", "moved by +98% beside", id="begun-later"),
        pytest.param(1.0, 2.0, "passed", "moved by +100% beside", id="closed-later"),
    ],
)  # fmt: skip
def test_cards_that_are_closed_sooner(first, last, result, told):
    """Where the last state alone got shorter, cards may only be closed sooner after the work is over."""
    observed = pd.concat([observations(), observations().assign(item_id=lambda frame: frame["item_id"] + "x")])
    observed = observed.reset_index(drop=True)
    late = (observed["at"] >= BEGUN) & (observed["team"] == "A")
    start, spread = observed["at"] + 9.2 * HOUR, np.tile(np.linspace(0.8, 1.2, N), 8)
    review = start + pd.to_timedelta(24 * spread * np.where(late, first, 1.0), unit="h")
    end = review + pd.to_timedelta(24 * spread[::-1] * np.where(late, last, 1.0), unit="h")
    stays = pd.concat([observed[["item_id"]].assign(stage="active", state="Doing", entered_at=at)
                       for at in (start, review)])  # fmt: skip

    check = asked(observed, finished_at=end, stays=stays)["last state before the end"]

    assert result == check.result
    assert told in check.found


@pytest.mark.parametrize(
    ("by", "tenths", "result", "told"),
    [
        pytest.param("bot", 1, "noted", "and 10% after of items got their owner from a bot", id="few-by-bots"),
        pytest.param("bot", 2, "forbids", "0% before and 20% after of items got their owner from a bot", id="by-bots"),
        pytest.param("start", 5, "noted", "50% after of items got their owner in the second they were", id="at-start"),
        pytest.param("person", 5, "passed", "0% after of items got their owner in the second they were", id="person"),
        pytest.param("", 5, "passed", "0% after of items got their owner in the second they were", id="nobody"),
    ],
)  # fmt: skip
def test_owners_that_a_rule_puts_in(by, tenths, result, told):
    """A name put in by a bot is no owner who took the work; one put in at the start may be one."""
    put = pd.Series("person", index=observations().index).mask(tenths_after(tenths), by)

    check = asked(metric="owner_at_start", owner_put_by=put)["owners set by rule"]

    assert result == check.result
    assert told in check.found


@pytest.mark.parametrize(
    ("name", "twentieths", "result"),
    [
        ("bulk edits", 1, "passed"), ("bulk edits", 2, "noted"), ("bulk edits", 4, "forbids"),
        ("typed dates", 1, "passed"), ("typed dates", 2, "noted"), ("typed dates", 4, "forbids"),
        ("entered afterwards", 1, "noted"), ("entered afterwards", 2, "forbids"),
    ],
)  # fmt: skip
def test_where_many_stamps_came_about_otherwise_no_answer_is_given(name, twentieths, result):
    """A clock that is read in another way is another clock."""
    at = observations()["at"]
    late = (observations()["team"] == "A") & (at >= BEGUN) & (np.arange(len(at)) % 20 < twentieths)
    columns = {
        "bulk edits": {"finish_batch": np.where(late, BULK, 1)},
        "typed dates": {"started_at": (at + 9.2 * HOUR).mask(late, at.dt.normalize())},
        "entered afterwards": {"created_at": (at - 100 * HOUR).mask(late, at + 57 * HOUR)},
    }[name]

    assert asked(**columns)[name].result == result


@pytest.mark.parametrize(
    ("metric", "share", "result", "told"),
    [
        ("cycle_time", 0.25, "noted", "mean what they did, and the 25% of kinds not seen before are left out"),
        ("cycle_time", 0.75, "noted", "75% has labels not seen before, so the difference cannot be taken out"),
        ("throughput", 0.075, "passed", "8% is of kinds not seen before, and counted"),
        ("throughput", 0.25, "blocks", "25% is of kinds not seen before, and counted"),
        ("throughput", 0.75, "blocks", "75% has labels not seen before, so the difference cannot be taken out"),
    ],
)  # fmt: skip
def test_kinds_that_are_new_are_told(metric, share, result, told):
    """Where a kind of work was never seen before, nothing tells how long it takes."""
    check = asked(observations(after=("sub-task", "S", "done"), share=share), metric=metric)["mix of work"]

    assert result == check.result
    assert check.found.endswith(told)


@pytest.mark.parametrize(("days", "result"), [(14.1, "noted"), (13.9, "passed")])
def test_a_team_whose_log_ends_early(days, result):
    """Two weeks without any event of a team are named."""
    last = pd.Series(AS_OF, index=observations().index)
    early = observations()["team"] == "B"

    check = asked(last_event_at=last.mask(early, AS_OF - pd.Timedelta(days=days)))["silent teams"]

    assert result == check.result
    assert ("nothing of B since 2025-12-21: is the export complete?" in check.found) == (result == "noted")


@pytest.mark.parametrize(("team", "name"), [("A", "typed dates"), ("B", "records of the comparison")])
def test_the_clock_of_a_comparison_team_counts_as_well(team, name):
    """A comparison that is measured otherwise from the rollout on makes an effect where none is."""
    typed = (observations()["at"] + 57.2 * HOUR).mask(tenths_after(team=team), BEGUN + 2400 * HOUR)

    named = [name for name, check in asked(finished_at=typed).items() if check.result != "passed"]

    assert [name] == named


@pytest.mark.parametrize(
    ("later", "kept"),
    [
        pytest.param((), ["A", "B", "C", "D"], id="nobody"),
        pytest.param(("B",), ["A", "C", "D"], id="one-team"),
        pytest.param(("A", "B", "C", "D"), ["A", "B", "C", "D"], id="every-team"),
    ],
)
def test_a_wait_that_grows_everywhere_is_no_other_clock(later, kept):
    """A comparison team whose starts come later than those of all others is left out; a longer queue for all is not."""
    more = observations().assign(team=lambda rows: rows["team"].map({"A": "C", "B": "D"}),
                                 item_id=lambda rows: "x" + rows["item_id"])  # fmt: skip
    four = pd.concat([observations(), more], ignore_index=True)
    days = np.where(four["team"].isin(later) & (four["at"] >= BEGUN), 5.0, 3.0) * np.tile(np.linspace(0.9, 1.1, N), 8)
    subject, observed = subject_of(four, created_at=four["at"] + 9 * HOUR - pd.to_timedelta(days, unit="D"))

    left_out, check = read_otherwise(subject, observed)

    assert kept == sorted(set(observed["team"]) - left_out)
    assert ("B, wait before the start: from creation to start work usually takes 5.0 days" in check.found) == (
        later == ("B",)
    )


@pytest.mark.parametrize(("tenths", "teams"), [(1, ["A", "B"]), (2, ["A"])])
def test_a_comparison_team_that_is_measured_otherwise_is_left_out(tenths, teams):
    """With a fifth of its stamps read otherwise a team is no comparison any more."""
    typed = (observations()["at"] + 57.2 * HOUR).mask(tenths_after(tenths, team="B"), BEGUN + 2400 * HOUR)
    subject, observed = subject_of(finished_at=typed)

    left_out, check = read_otherwise(subject, observed)

    assert teams == sorted(set(observed["team"]) - left_out)
    assert ("left out: B" in check.found) == (tenths == 2)


def test_the_comparison_is_not_the_adopter():
    """What changes in other teams is no threat of this kind."""
    observed = observations()
    other = observed.assign(item_type=observed["item_type"].mask(observed["team"] == "B", "bug"))

    assert {"passed"} == {check.result for check in asked(observed=other).values()}
