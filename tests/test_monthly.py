"""The figures of a month, and the same figure as it was known one period before."""

from dataclasses import replace

import pandas as pd
import pytest
from conftest import log_of

from prodops_analysis import METRICS, Settings
from prodops_analysis.metrics.monthly import RECENT_WEEKS, month_figures, recent, shares_by_month
from prodops_analysis.work_items import fold

MAP = {"Todo": "queue", "Doing": "active", "Done": "done", "Gone": "dropped"}
FEBRUARY, MARCH, APRIL, MAY = (pd.Timestamp(f"2024-0{n}-01", tz="UTC") for n in (2, 3, 4, 5))


def items_of(*rows):
    """Work items from (start, end or None, owner at start; unplanned where none) with dates of 2024 as 'MM-DD'."""
    events = []
    for n, (start, end, owned) in enumerate(rows):
        at = f"2024-{start}"
        events += [(f"I{n}", "created", f"I{n}", at), (f"I{n}", "owner", "p1" if owned else None, at)]
        events += [(f"I{n}", "unplanned", "no" if owned else "yes", at), (f"I{n}", "Doing", at)]
        if end:
            events.append((f"I{n}", "Done", f"2024-{end}"))
    return fold(log_of(*events, team="Alpha"), settings=Settings(workflow=MAP), as_of=MAY).items


ROWS = [
    ("02-05", "02-07", True), ("02-10", "03-05", False), ("03-02", "03-06", True), ("03-04", "03-14", True),
    ("03-20", "04-10", False), ("03-30", None, True), ("04-02", "04-03", True),
]  # fmt: skip


def month_of(items, names, *, before=FEBRUARY, since=MARCH, until=APRIL, smallest_group=1, unfit=None):
    """The figures of March 2024."""
    return month_figures(
        items, names, before=before, since=since, until=until, smallest_group=smallest_group, unfit=unfit
    )


def figure(name, rows=ROWS, **settings):
    """One figure of March 2024."""
    return month_of(items_of(*rows), [name], **settings)[0]


@pytest.mark.parametrize(
    ("name", "value", "previous"),
    [
        # known on 1 April: ended after 2, 24, 4 and 10 days, open after 12 and 2 (the first two at risk to the end)
        # half a year before nothing had been started
        pytest.param("cycle_time", 10.0, None, id="duration-as-known-at-the-end-of-the-month"),
        pytest.param("throughput", 3 / (31 / 7), 1 / (29 / 7), id="count-a-week"),
        pytest.param("wip", 2, 1, id="level-at-the-end"),
        pytest.param("work_item_age", 7.0, 20.0, id="age-at-the-end"),
        pytest.param("owner_at_start", 0.75, 0.5, id="share-of-starts-in-the-month"),
        # of February's one finish; March's are followed until the end of April
        pytest.param("reopened", 0.0, None, id="share-followed-for-thirty-days"),
    ],
)
def test_figures_of_march(name, value, previous):
    """March counts March; April is not known yet, and what came before is as it was known then."""
    found = figure(name)

    assert value == pytest.approx(found.value)
    assert found.previous == (previous if previous is None else pytest.approx(previous))


def test_what_is_followed_belongs_to_an_earlier_month():
    """Items done from 31 January to 1 March are what April's first day knows for 30 days; the figure says so."""
    rows = [("01-02", day, True) for day in ("01-30", "01-31", "03-01", "03-02")]

    found = figure("reopened", rows)

    assert (found.n, found.period) == (2, "in the month that ended 30 days earlier")
    assert figure("throughput", rows).period == "in the month"


def test_later_knowledge_does_not_change_a_month():
    """Throwing away everything after the month changes none of its figures."""
    names = list(METRICS)
    short = [(s, e if e and e < "04-01" else None, o) for s, e, o in ROWS if s < "04-01"]

    full, known = month_of(items_of(*ROWS), names), month_of(items_of(*short), names)

    assert full == known


@pytest.mark.parametrize("name", list(METRICS))
def test_the_earlier_figure_is_that_of_the_period_before(name):
    """What stands as the earlier figure is what a report of then would have said; no day is counted twice."""
    late = pd.Timedelta(days=METRICS[name].follow_up)
    before, since, until = FEBRUARY + late, MARCH + late, APRIL + late
    then = {"before": before - pd.Timedelta(days=31), "since": before, "until": since}
    if METRICS[name].kind == "duration":
        until, weeks = APRIL + pd.Timedelta(weeks=24), pd.Timedelta(weeks=26)
        then = {"since": since - weeks, "until": until - weeks}
    earlier = figure(name, **then)

    assert earlier.value is not None
    assert replace(earlier, earlier=None) == figure(name, before=before, since=since, until=until).earlier


def test_the_month_before_is_a_whole_one():
    """Beside March stands all of February, beside February all of January, whatever their lengths."""
    rows = [("01-02", day, True) for day in ("01-31", "02-01", "02-29", "03-01", "03-31")]

    found = figure("throughput", rows)

    assert (found.value, found.previous) == (pytest.approx(2 / (31 / 7)), pytest.approx(2 / (29 / 7)))


@pytest.mark.parametrize("name", list(METRICS))
def test_small_groups_are_not_shown(name):
    """Fewer items than the smallest group: no value, no interval, no change; the count stays."""
    shown, hidden = figure(name), figure(name, smallest_group=7)

    assert (hidden.value, hidden.low, hidden.high, hidden.change) == (None, None, None, None)
    assert shown.n == hidden.n
    assert shown.value is not None


@pytest.mark.parametrize("name", list(METRICS))
def test_unfit_teams_are_in_neither_figure(name):
    """Teams whose data cannot bear a figure are left out of it and of the one before, and named."""
    items = items_of(*ROWS)
    bad = items.assign(team="Beta", started_at=items["started_at"] - pd.Timedelta(days=9))

    both = month_of(pd.concat([items, bad]), [name], unfit={name: ("Beta",)})[0]

    assert both.without == ("Beta",)
    assert replace(both, without=()) == figure(name)


def test_border_of_the_smallest_group():
    """Exactly the smallest group is shown."""
    n = figure("owner_at_start").n

    assert figure("owner_at_start", smallest_group=n).value is not None
    assert figure("owner_at_start", smallest_group=n + 1).value is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("owner_at_start", 0.25, id="shares-in-points"),
        pytest.param("throughput", 3 * 29 / 31 - 1, id="counts-relative"),
    ],
)
def test_change(name, expected):
    """The change since the period before, relative or in share points."""
    assert expected == pytest.approx(figure(name).change)


@pytest.mark.parametrize("name", list(METRICS))
def test_empty_month(name):
    """A month before any work gives no figure, except that nothing was done is a known zero only if shown at all."""
    found = figure(name, since=pd.Timestamp("2023-01-01", tz="UTC"), until=pd.Timestamp("2023-02-01", tz="UTC"))

    assert (found.value, found.change, found.n) == (None, None, 0)


def test_no_median_yet():
    """Where most items are still open the median is not known; it is missing, not small."""
    found = figure("cycle_time", [("03-02", "03-03", True), *[("03-02", None, True)] * 5])

    assert found.value is None
    assert found.n == 6


def test_recent_looks_back_half_a_year():
    """Work that started before the window of recent weeks is not in it; work on its border is."""
    items = items_of(("01-02", "01-05", True), ("03-02", None, True))
    until = pd.Timestamp("2024-01-02", tz="UTC") + pd.Timedelta(weeks=RECENT_WEEKS)

    assert set(recent(items, METRICS["cycle_time"], until=until)["item_id"]) == {"I0", "I1"}
    assert set(recent(items, METRICS["cycle_time"], until=until + pd.Timedelta(seconds=1))["item_id"]) == {"I1"}


def test_before_a_clean_start_nothing_is_compared():
    """The first month has no previous figure and no change."""
    found = figure("throughput", [("03-02", "03-03", True)] * 1)

    assert found.value is not None
    assert (found.previous, found.change) == (None, None)


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [
        # Newcombe 1998, table I, method 3 (Wilson without continuity correction)
        pytest.param(81, 263, 0.2553, 0.3662, id="81-of-263"),
        pytest.param(15, 148, 0.0624, 0.1605, id="15-of-148"),
        pytest.param(0, 20, 0.0000, 0.1611, id="0-of-20"),
        pytest.param(1, 29, 0.0061, 0.1718, id="1-of-29"),
    ],
)
def test_interval_of_a_share(hits, n, low, high):
    """A share has Wilson's interval, in the month's figure and month by month."""
    rows = [("03-02", "03-06", k < hits) for k in range(n)]
    observed = METRICS["owner_at_start"].function(items_of(*rows), as_of=APRIL)

    found = figure("owner_at_start", rows)
    by_month = shares_by_month(observed, months=2, until=APRIL, smallest_group=1)

    assert [low, high] == pytest.approx([found.low, found.high], abs=5e-5)
    assert by_month.iloc[0].tolist() == [pd.Timestamp("2024-03-01"), found.value, found.low, found.high, n]


@pytest.mark.parametrize(
    ("n", "low", "high"),
    # Garwood 1936: exact limits of a Poisson count
    [pytest.param(0, 0.0, 3.6889, id="none"), pytest.param(10, 4.7954, 18.3904, id="ten")],
)
def test_interval_of_a_count(n, low, high):
    """Throughput has the exact interval of its count, a week."""
    rows = [("03-02", "03-06", True)] * n + [("04-02", None, True)]

    found = figure("throughput", rows, smallest_group=0)

    assert [low, high] == pytest.approx([found.low * 31 / 7, found.high * 31 / 7], abs=1e-3)


@pytest.mark.parametrize(("zone", "n"), [("UTC", [1, 3]), ("America/Chicago", [2, 2]), ("Asia/Tokyo", [1, 3])])
def test_months_begin_where_people_are(zone, n):
    """Work of the first of March, three o'clock UTC, is February's in Chicago."""
    instants = pd.to_datetime(["2024-02-20T03", "2024-03-01T03", "2024-03-10T03", "2024-03-20T03"], utc=True)
    observed = pd.DataFrame({"at": instants, "value": 1.0})

    found = shares_by_month(observed, months=2, until=pd.Timestamp("2024-04-01", tz=zone), smallest_group=1)

    assert (found["month"].dt.month.tolist(), found["n"].tolist()) == ([2, 3], n)


def test_months_below_the_smallest_group_are_left_out():
    """A month of one item is no share."""
    observed = METRICS["owner_at_start"].function(items_of(*ROWS), as_of=MAY)

    found = shares_by_month(observed, months=3, until=MAY, smallest_group=2)

    assert found["n"].tolist() == [2, 4]
    assert found["value"].tolist() == [0.5, 0.75]
