"""The contract of the event log: what comes in is an event or a listed fault, and the same input gives the same log."""

import io

import duckdb
import numpy as np
import pandas as pd
import pandera.pandas as pa
import pytest
from conftest import log_of, rows_of, utc
from simulator import World, simulate

from prodops_analysis.errors import EventLogError
from prodops_analysis.event_log import (
    COLUMNS,
    FAULT_COLUMNS,
    FIELDS,
    SCHEMA,
    in_contract,
    merge,
    query,
    read_parquet,
    sort_out,
    validate,
    write_parquet,
)

DAY = "2026-01-05"
SOUND = ("A", "Doing", DAY)
HOSTILE = [
    pytest.param('it\'s "quoted" `so`', id="quotes"),
    pytest.param("first\nsecond\r\nthird\t", id="line-breaks"),
    pytest.param("x'; DROP TABLE raw; --", id="sql"),
    pytest.param("$1 ? :name {0} %s", id="placeholders"),
    pytest.param('=HYPERLINK("http://x")', id="formula"),
    pytest.param("<script>alert(1)</script>", id="html"),
    pytest.param("🎉 готово 完了 \u202eevil", id="beyond-ascii"),
    pytest.param("  spaces kept  ", id="spaces"),
    pytest.param("nan", id="text-nan"),
    pytest.param("None", id="text-none"),
    pytest.param("x" * 200_000, id="very-long"),
]


def changed(row: tuple, **columns: object) -> pd.DataFrame:
    """A sound row and, after it, one with other columns."""
    return pd.concat([rows_of(SOUND), rows_of(row).assign(**columns)], ignore_index=True)


@pytest.mark.parametrize(
    ("rows", "reason", "found"),
    [
        pytest.param(changed(SOUND, item_id=None), "no item id", "Doing", id="no-item"),
        pytest.param(changed(SOUND, item_id="  "), "no item id", "Doing", id="blank-item"),
        pytest.param(changed(SOUND, at=pd.NaT), "no date", "Doing", id="no-date"),
        pytest.param(changed(SOUND, at=pd.NaT, at_text=" "), "no date", "Doing", id="blank-date"),
        pytest.param(changed(SOUND, at=pd.NaT, at_text="soon"), "unreadable date", "soon", id="unreadable-date"),
        pytest.param(changed(SOUND, field=None), "unknown field", None, id="no-field"),
        pytest.param(changed(SOUND, field="stat"), "unknown field", "stat", id="unknown-field"),
        pytest.param(
            changed(("B", "Doing", DAY), actor_kind="ghost"), "unknown kind of actor", "Doing", id="actor-kind"
        ),
        pytest.param(changed(SOUND), "same event twice", "Doing", id="twice"),
    ],
)
def test_every_fault_is_listed_with_its_row_and_reason(rows, reason, found):
    """A row that is no event stands in the faults, with its number and what was found; the sound one is kept."""
    done = sort_out(rows, source="tracker")

    fault = done.faults.iloc[0]
    assert (1, 1) == (len(done.events), len(done.faults))
    assert list(FAULT_COLUMNS) == list(done.faults.columns)
    assert ("tracker", 2, reason) == (fault["source"], fault["row"], fault["reason"])
    assert found == (fault["found"] if isinstance(fault["found"], str) else None)


def test_a_fault_keeps_the_row_number_of_the_export():
    """Where the reader numbers the rows, the faults speak of those numbers."""
    rows = rows_of(("A", "Doing", DAY), ("", "Doing", DAY)).assign(row=[17, 42])

    assert [42] == sort_out(rows, source="s").faults["row"].tolist()


def test_every_field_of_the_contract_is_sound():
    """The fields of the contract and those under x. are events."""
    names = [*FIELDS, "x.", "x.sprint", "x.Story points"]

    done = sort_out(rows_of(*[("A", name, "v", DAY) for name in names]), source="s")

    assert sorted(names) == sorted(done.events["field"])


def test_a_faulty_row_does_not_take_a_sound_one_with_it():
    """Of two equal rows, one with an unknown kind of actor, the sound one is an event."""
    done = sort_out(rows_of((*SOUND, {"actor_kind": "ghost"}), (*SOUND, {"actor_kind": "person"})), source="s")

    assert ["unknown kind of actor"] == done.faults["reason"].tolist()
    assert ["person"] == done.events["actor_kind"].tolist()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(("A", "a|b", "c"), ("A", "a", "b|c"), id="bar-moves-from-value-to-value"),
        pytest.param(("A", None, "b"), ("A", "\0", "b"), id="missing-is-not-a-character"),
        pytest.param(("A", "", "b"), ("A", None, "b"), id="missing-is-not-empty"),
        pytest.param(("A", "a", None), ("A", "a", ""), id="cleared-is-not-empty"),
    ],
)
def test_different_events_have_different_ids(one, other):
    """No two events share an id, whatever stands in their values: none is lost as the same."""
    rows = pd.concat(
        [rows_of((item, "state", to, DAY)).assign(from_value=before) for item, before, to in (one, other)],
        ignore_index=True,
    )

    done = sort_out(rows, source="s")

    assert (2, 0) == (len(done.events), len(done.faults))
    assert done.events["event_id"].is_unique


def test_a_column_of_the_caller_named_like_ours_loses_no_row():
    """Columns that a caller happens to carry, such as `reason`, do not decide what is an event."""
    rows = rows_of(("A", "Doing", DAY), ("B", "Doing", DAY), reason="because", found="here")

    done = sort_out(rows, source="s")

    assert (["A", "B"], 0) == (done.events["item_id"].tolist(), len(done.faults))


def random_rows(seed: int) -> pd.DataFrame:
    """Raw rows with every kind of fault, many of them alike."""
    rng = np.random.default_rng(seed)
    values = {
        "item_id": ["A", "B", "a|b", "", None],
        "at": [utc(DAY), utc("2026-01-06"), pd.NaT],
        "field": ["state", "owner", "x.z", "nonsense", None],
        "from_value": ["u", "u|v", "", None],
        "to_value": ["u", "v|u", "'", None],
        "actor_kind": ["person", "bot", "ghost", None],
    }
    return pd.DataFrame({name: rng.choice(np.array(known, dtype=object), 400) for name, known in values.items()})


@pytest.mark.parametrize("seed", range(4))
def test_nothing_is_dropped_silently(seed):
    """Every row is an event or a fault, never both and never neither; sorted out again, nothing changes."""
    done = sort_out(random_rows(seed), source="s")

    assert 400 == len(done.events) + len(done.faults)
    assert done.faults["row"].is_unique
    assert done.faults["reason"].notna().all()
    pd.testing.assert_frame_equal(done.events, validate(done.events))
    pd.testing.assert_frame_equal(done.events, merge(done.events, done.events))


def test_merge_gives_the_same_bytes(tmp_path):
    """The same import twice, and in another order, is the same Parquet file."""
    one = log_of(("A", "Backlog", DAY), ("A", "Doing", DAY), ("B", "Done", "2026-02-01"), source="one")
    other = log_of(("A", "owner", "p1", DAY), ("C", "Done", "2026-02-01"), source="other")
    contents = []
    for number, logs in enumerate([(one, other), (one, other, one), (other, one), (merge(one, other), other)]):
        write_parquet(merge(*logs), tmp_path / f"{number}.parquet")
        contents.append((tmp_path / f"{number}.parquet").read_bytes())

    assert [contents[0]] * 4 == contents
    assert [] == list(tmp_path.glob("*.unfinished"))


def test_merge_sorts_a_shuffled_log_back():
    """The order of rows handed in does not matter once events have their sequence."""
    log = log_of(*[(item, state, DAY) for item in "BAC" for state in ("Backlog", "Doing", "Done")])

    pd.testing.assert_frame_equal(log, merge(log.sample(frac=1, random_state=7)))


@pytest.mark.parametrize("seed", range(20))
def test_merge_sorts_by_item_instant_sequence_and_id(seed):
    """A log that is nearly in order, or lacks an item or an instant, is sorted like any other."""
    rng = np.random.default_rng(seed)
    for rows in range(2, 5):
        drawn = {
            "item_id": rng.choice(np.array(["A", "B", None], dtype=object), rows, p=(0.6, 0.3, 0.1)),
            "at": rng.choice([utc(DAY), utc("2026-01-06"), pd.NaT], rows, p=(0.6, 0.3, 0.1)),
            "seq": rng.integers(0, 2, rows),
            "event_id": rng.permutation(list("abcd"))[:rows],
        }
        log = in_contract(log_of(*[SOUND] * rows).assign(**drawn))

        expected = log.sort_values(["item_id", "at", "seq", "event_id"], ignore_index=True)
        pd.testing.assert_frame_equal(expected, merge(log))


def test_columns_that_lie_backwards_in_memory_are_read():
    """What `iloc[::-1]` leaves is a frame like any other."""
    rows = pd.DataFrame(
        {
            "item_id": ["a", "a", "b"],
            "at": pd.to_datetime(["2026-01-05", "2026-01-08", "2026-01-06"], utc=True),
            "field": "state",
            "to_value": ["In progress", "Done", "In progress"],
            "team": "Search",
        }
    )

    pd.testing.assert_frame_equal(validate(rows), validate(rows.iloc[::-1]))


def test_events_of_one_instant_keep_the_order_that_their_source_gives():
    """A `seq` handed in is kept, as a number or as text; where one of an instant lacks it, it says nothing there."""
    rows = rows_of(*[("A", f"S{n}", DAY) for n in (3, 1, 2)], ("A", "S4", "2026-01-06"))

    for seq in ([7, 2, 5, 3], ["7", "2.0", " 5", "3"]):
        log = validate(rows.assign(seq=seq))
        assert [("S1", 2), ("S2", 5), ("S3", 7), ("S4", 3)] == list(zip(log["to_value"], log["seq"], strict=True))
    log = validate(rows.assign(seq=[7, 2, None, 3]))
    assert {("S1", 1), ("S2", 1), ("S3", 1), ("S4", 3)} == set(zip(log["to_value"], log["seq"], strict=True))


def test_the_same_move_twice_in_an_instant_is_two_where_seq_tells_them_apart():
    """Done, taken up and done again: three moves with `seq`, in any order of rows; without it the copy is a fault."""
    rows = rows_of(("A", "Done", DAY), ("A", "Doing", DAY), ("A", "Done", DAY))

    log = validate(rows.assign(seq=[1, 2, 3]))

    assert ["Done", "Doing", "Done"] == log["to_value"].tolist()
    pd.testing.assert_frame_equal(log, validate(rows.assign(seq=[1, 2, 3]).iloc[::-1]))
    assert ["Doing", "Done"] == sorted(validate(rows)["to_value"])
    assert set(validate(rows)["event_id"]) < set(log["event_id"])


def test_every_row_keeps_its_source():
    """A frame of two sources, which has no identifiers, is one log of both in any order."""
    rows = rows_of(("A", "Doing", DAY, {"source": "sheet"}), ("A", "Done", DAY, {"source": "tracker"}))

    assert ["Doing:sheet", "Done:tracker"] == sorted(validate(rows)["to_value"] + ":" + validate(rows)["source"])
    pd.testing.assert_frame_equal(validate(rows), validate(rows.iloc[::-1]))


def test_a_complete_log_that_lost_a_number():
    """A missing `seq` in a complete log says nothing of its instant, and is no traceback."""
    log = log_of(("A", "Doing", DAY), ("B", "Doing", DAY))

    assert [1, 0] == validate(log.assign(seq=pd.array([None, 0], dtype="Int64")))["seq"].tolist()


def test_a_complete_log_survives_a_spreadsheet():
    """Written to CSV and read again, with texts for dates, a log is the same."""
    log = log_of(("A", "Doing", DAY), ("A", "Done", DAY), ("B", "Doing", DAY))
    again = pd.read_csv(io.StringIO(log.to_csv(index=False)))

    pd.testing.assert_frame_equal(
        validate(log).drop(columns="event_id"), validate(again).drop(columns="event_id"), check_dtype=False
    )


def test_creation_comes_first_of_an_instant_and_what_is_filled_in_after_what_is_emptied():
    """A day on which an owner is taken off and another put in ends with that one."""
    emptied, filled = ("A", "owner", "", DAY), ("A", "owner", "p1", DAY)

    log = validate(rows_of(filled, emptied, ("A", "created", "A", DAY)))

    assert ["A", "", "p1"] == log["to_value"].tolist()


@pytest.mark.parametrize("turn", [1, -1])
@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param([("", "p1"), ("p1", "")], ["p1", ""], id="given-and-taken"),
        pytest.param([("p1", "p2"), ("", "p1")], ["p1", "p2"], id="handed-on"),
        pytest.param([("p2", "p1"), ("", "p2")], ["p2", "p1"], id="handed-on-the-other-way"),
    ],
)
def test_former_values_tell_the_order_of_any_field(changes, expected, turn):
    """Owners of one day follow each other as the former ones tell, whatever stood in the day before."""
    rows = rows_of(*[("A", "owner", now, DAY, {"from_value": before}) for before, now in changes[::turn]],
                   ("A", "owner", "", "2026-01-01", {"from_value": "p9"}), ("B", "owner", "p1", DAY))  # fmt: skip

    log = validate(rows)

    assert ["", *expected, "p1"] == log["to_value"].tolist()


@pytest.mark.parametrize("copied", [slice(0, 1), slice(None)])
def test_a_copied_row_is_a_fault_though_former_values_would_lead_through_it_twice(copied):
    """An owner given and taken off on one day: the rows once more, one or all, add nothing."""
    rows = rows_of(("A", "owner", "p1", DAY, {"from_value": ""}), ("A", "owner", "", DAY, {"from_value": "p1"}))

    again = sort_out(pd.concat([rows, rows.iloc[copied]]), source="s")

    pd.testing.assert_frame_equal(sort_out(rows, source="s").events, again.events)
    assert {"same event twice"} == set(again.faults["reason"])


def test_a_copied_row_is_a_fault_though_its_number_is_its_own():
    """Where rows are merely numbered, a copy is told from a second change by what stands between the two."""
    rows = rows_of(*[("A", state, DAY) for state in ("Doing", "Doing", "Done", "Doing")]).assign(seq=[1, 2, 3, 4])

    made = sort_out(rows, source="s")

    assert ["Doing", "Done", "Doing"] == made.events["to_value"].tolist()
    assert [(2, "same event twice")] == list(made.faults[["row", "reason"]].itertuples(index=False, name=None))


def test_a_missing_order_of_one_field_is_not_that_of_another():
    """Creation without a number takes nothing from the moves beside it."""
    rows = rows_of(("A", "created", "A", DAY), *[("A", state, DAY) for state in ("Doing", "Done", "Doing")])

    log = validate(rows.assign(seq=[None, 1, 2, 3]))

    assert ["A", "Doing", "Done", "Doing"] == log["to_value"].tolist()


def test_nothing_but_the_workflow_orders_moves_of_one_instant():
    """States, one that was taken away, and a deletion stand side by side until the workflow is known."""
    log = validate(rows_of(("A", "Done", DAY), ("A", "", DAY), ("A", "deleted", None, DAY)))

    assert [1, 1, 1] == log["seq"].tolist()


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_rows_is_none(seed):
    """Shuffled or newest first, rows of whole days make the same log."""
    days = [DAY, "2026-01-06"]
    rows = rows_of(*[(item, state, day) for item in "BA" for day in days for state in ("Doing", "Backlog", "Done")])
    rows = rows.assign(actor_kind=["person", "bot"] * 6)
    twice = pd.concat([rows, rows.assign(actor_kind="unknown")])

    for given in (rows, twice):
        log = validate(given)
        pd.testing.assert_frame_equal(log, validate(given.iloc[::-1]))
        pd.testing.assert_frame_equal(log, validate(given.sample(frac=1, random_state=seed)))


def test_frames_handed_in_are_not_changed():
    """Sorting out, merging and validating leave the caller's frames alone."""
    rows = rows_of(("B", "Doing", DAY), ("A", "Doing", DAY), ("A", "stat", "Doing", DAY))
    sound = rows.iloc[:2].reset_index(drop=True)
    log = log_of(("B", "Doing", DAY), ("A", "Doing", DAY)).sample(frac=1, random_state=1)
    before = [frame.copy(deep=True) for frame in (rows, sound, log)]

    sort_out(rows, source="s")
    validate(sound)
    validate(log)
    merge(log, log)

    for kept, now in zip(before, (rows, sound, log), strict=True):
        pd.testing.assert_frame_equal(kept, now)


def test_event_id_does_not_depend_on_neighbours_or_other_columns():
    """An event keeps its id whatever stands before it and whatever else is known of it."""
    alone = sort_out(rows_of(SOUND), source="s").events
    among = rows_of(("A", "Backlog", DAY), ("Z", "Doing", DAY), (*SOUND, {"actor": "p9", "batch_id": "b"}), team="Else")
    other = sort_out(among, source="s").events
    same = other["to_value"].eq("Doing") & other["item_id"].eq("A")

    assert alone["event_id"].item() == other.loc[same, "event_id"].item()


def test_event_id_differs_with_what_happened():
    """Another item, value, field, instant or former value is another event."""
    rows = rows_of(
        SOUND,
        ("B", "Doing", DAY),
        ("A", "Done", DAY),
        ("A", "owner", "Doing", DAY),
        ("A", "Doing", "2026-01-05T00:00:01"),
        ("A", "Doing", DAY, {"from_value": "Backlog"}),
    )

    assert 6 == sort_out(rows, source="s").events["event_id"].nunique()


def test_event_id_differs_with_the_source():
    """Two sources that report the same edit are two reports."""
    one, other = (sort_out(rows_of(SOUND), source=name).events for name in ("one", "other"))

    assert 2 == len(merge(one, other))


def test_missing_stays_missing():
    """What is not known is missing in the log and after the store, neither a text nor zero."""
    log = validate(rows_of(("A", "owner", None, DAY)))

    row = log.iloc[0]
    assert [True] * 5 == [pd.isna(row[name]) for name in ("from_value", "to_value", "actor", "team", "batch_id")]
    assert ("unknown", "log") == (row["actor_kind"], row["source"])


def test_the_store_gives_back_the_log(tmp_path):
    """Written and read, the log is the same, types and missing values included."""
    log = log_of(("A", "owner", None, DAY), ("A", "Doing", "2026-01-05T12:34:56.789012"), (*SOUND, {"from_value": ""}))

    write_parquet(log, tmp_path / "events.parquet")

    pd.testing.assert_frame_equal(log, in_contract(read_parquet(tmp_path / "events.parquet")))


@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_values_are_kept_as_they_are(value, tmp_path):
    """Nothing in a value is read as SQL, as a separator or as a missing value."""
    rows = rows_of((value, "Doing", DAY), ("A", "state", value, DAY), ("A", f"x.{value}", "v", DAY)).assign(
        team=value, from_value=value, actor=value, batch_id=value
    )
    folder = tmp_path / "it's a 'folder'"
    folder.mkdir()

    log = sort_out(rows, source=value).events
    write_parquet(log, folder / "events.parquet")
    back = in_contract(read_parquet(folder / "events.parquet"))

    assert 3 == len(back)
    assert {value} == set(back["team"]) == set(back["from_value"]) == set(back["source"]) == set(back["actor"])
    assert {value, "A"} == set(back["item_id"])
    assert {f"x.{value}", "state"} == set(back["field"])
    pd.testing.assert_frame_equal(log, back)


def test_the_store_answers_sql(tmp_path):
    """Events and faults can be asked in SQL, in a folder with any name."""
    folder = tmp_path / "o'clock"
    folder.mkdir()
    done = sort_out(rows_of(SOUND, SOUND), source="s")
    write_parquet(done.events, folder / "events.parquet")
    write_parquet(done.faults, folder / "faults.parquet")

    answer = query(folder, "SELECT (SELECT count(*) FROM events) AS events, reason FROM faults")

    assert [(1, "same event twice")] == list(answer.itertuples(index=False, name=None))


def test_validate_completes_a_minimal_frame():
    """Item, instant, field and value are enough; identifiers, order and origin are filled in."""
    log = validate(rows_of(("B", "Doing", DAY), ("A", "Doing", DAY)))

    assert list(COLUMNS) == list(log.columns)
    assert ["A", "B"] == log["item_id"].tolist()
    assert "datetime64[us, UTC]" == str(log["at"].dtype)
    assert log["event_id"].is_unique


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        pytest.param([pd.Timestamp("2026-01-05T10:00", tz="Europe/Berlin")], [utc("2026-01-05T09:00")], id="zone"),
        pytest.param([pd.Timestamp("2026-01-05T10:00")], [utc("2026-01-05T10:00")], id="naive-is-utc"),
        pytest.param(["2026-01-05", "2026-01-05T10:00"], [utc(DAY), utc("2026-01-05T10:00")], id="texts-iso"),
        pytest.param([np.datetime64("2026-01-05", "ns")], [utc(DAY)], id="nanoseconds"),
    ],
)
def test_validate_reads_instants(at, expected):
    """Instants may come with a zone, without (UTC), or as ISO text."""
    rows = pd.DataFrame({"item_id": [f"I{n}" for n in range(len(at))], "at": at, "field": "state", "to_value": "Doing"})

    assert expected == validate(rows)["at"].tolist()


def test_validate_keeps_the_order_of_a_log_from_two_sources():
    """A log that holds its events twice is the same log once, with both of its sources."""
    log = merge(
        *(sort_out(rows_of(("A", "Doing", DAY), ("A", "Done", DAY)), source=name).events for name in ("one", "two"))
    )

    pd.testing.assert_frame_equal(log, validate(pd.concat([log, log], ignore_index=True)))


def test_validate_keeps_two_events_that_share_an_id():
    """An id that names two events loses none of them: they are numbered anew."""
    log = validate(log_of(SOUND, ("A", "Done", DAY)).assign(event_id="one"))

    assert (["Doing", "Done"], 2) == (log["to_value"].tolist(), log["event_id"].nunique())


def test_validate_accepts_an_empty_log():
    """No events are a valid log."""
    pd.testing.assert_frame_equal(merge(), validate(merge()))
    assert 0 == len(validate(rows_of(SOUND).iloc[:0]))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        pytest.param(
            rows_of(SOUND).rename(columns={"item_id": "itemid"}),
            "has no column 'item_id'; did you mean 'itemid'.* it needs event_id, item_id, at",
            id="column-missing",
        ),
        pytest.param(rows_of(SOUND).drop(columns="to_value"), "has no column 'to_value'", id="no-value"),
        pytest.param(
            changed(SOUND, field="stat"),
            r"1 of 2 rows are no events: unknown field \(1\); first: row 2, found 'stat'; did you mean 'state'",
            id="unknown-field",
        ),
        pytest.param(changed(SOUND, item_id=None), r"1 of 2 .*no item id \(1\).*row 2", id="no-item"),
        pytest.param(changed(SOUND, at=pd.NaT), r"1 of 2 .*no date \(1\).*row 2", id="no-date"),
        pytest.param(changed(SOUND, actor_kind="ghost"), r"unknown kind of actor \(1\)", id="actor-kind"),
        pytest.param(rows_of(SOUND).assign(at=1_700_000_000), "unreadable date.*'1700000000'", id="seconds"),
        pytest.param(changed(SOUND, field="State"), "found 'State'; did you mean 'state'", id="misspelt-field"),
        pytest.param(rows_of(SOUND).assign(seq="first"), r"unreadable order \(1\).*found 'first'", id="order-in-words"),
        pytest.param(rows_of(SOUND).assign(seq=1.5), "unreadable order.*found '1.5'", id="half-an-order"),
        pytest.param(rows_of(SOUND).assign(seq=np.inf), "unreadable order.*found 'inf'", id="endless-order"),
        pytest.param(rows_of(SOUND).assign(seq=-1), "unreadable order.*found '-1'", id="order-below-zero"),
        pytest.param(rows_of(SOUND).assign(at="today"), "unreadable date.*found 'today'", id="today"),
        pytest.param(changed(SOUND, field=None), "unknown field.*found", id="no-field"),
        pytest.param(log_of(SOUND).assign(seq="first"), "unreadable order.*found 'first'", id="complete-but-no-order"),
        pytest.param(log_of(SOUND).assign(at="soon"), "unreadable date.*found 'soon'", id="complete-but-no-date"),
        pytest.param(log_of(SOUND).assign(at=1_772_409_600), "unreadable date.*1772409600", id="complete-but-seconds"),
        pytest.param(rows_of(SOUND).assign(at="yesterday"), "unreadable date.*yesterday", id="text-that-is-no-date"),
        pytest.param(log_of(SOUND).assign(seq=-1), "column 'seq': .*-1.*mend the source", id="seq-below-zero"),
        pytest.param(log_of(SOUND).assign(field="stat"), "column 'field': 'stat'", id="complete-but-unknown-field"),
        pytest.param(log_of(SOUND).assign(item_id=None), "column 'item_id'", id="complete-but-no-item"),
    ],
)
def test_validate_refuses_with_one_clear_message(rows, message):
    """A frame that breaks the contract is refused in one line: what is wrong, what was found, what to do."""
    with pytest.raises(EventLogError, match=message) as caught:
        validate(rows)

    assert "\n" not in str(caught.value)


def refuses(check, log: pd.DataFrame) -> bool:
    """Whether a check raises an error of the contract."""
    try:
        check(log)
    except (EventLogError, pa.errors.SchemaErrors):
        return True
    return False


@pytest.mark.parametrize("column", COLUMNS)
def test_validate_refuses_what_the_schema_refuses(column):
    """Whatever stands in a column, the log is refused where the schema refuses it, and nowhere else."""
    full = {"from_value": "u", "actor": "p1", "batch_id": "b"}
    log = log_of(SOUND, ("B", "Doing", DAY), ("B", "Done", DAY), **full)
    texts = [None, "", " ", "stat", "x", "x.", "x.a", "person", "Person", log["event_id"].iloc[0]]
    for value in {"at": [pd.NaT, utc("2030-01-01")], "seq": [-1, 0, 7]}.get(column, texts):
        spoilt = merge(log.assign(**{column: log[column].where([True, False, True], value)}))

        assert refuses(lambda rows: SCHEMA.validate(rows, lazy=True), spoilt) == refuses(validate, spoilt), value


def test_write_parquet_leaves_the_old_table_when_it_fails(tmp_path):
    """A table that cannot be written does not spoil the one that is there."""
    path = tmp_path / "events.parquet"
    write_parquet(log_of(SOUND), path)
    before = path.read_bytes()

    path.with_suffix(".unfinished").mkdir()  # nothing can be written there

    with pytest.raises(duckdb.Error, match="unfinished"):
        write_parquet(log_of(("A", "Done", DAY)), path)

    assert before == path.read_bytes()


def test_one_faulty_row_changes_nothing_of_the_sound_ones():
    """Rows without any fault take a shorter way; both ways must give the same events."""
    rows = simulate(World(teams=("Search", "Billing"), weeks=12), rng=np.random.default_rng(7)).rows
    broken = pd.concat([rows, rows.iloc[:1].assign(item_id=" ")], ignore_index=True)
    pd.testing.assert_frame_equal(sort_out(broken, source="x").events, sort_out(rows, source="x").events)
