"""Exports as sources: what is read, what is listed, and what is refused, whatever the format."""

import json
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from conftest import utc

from prodops_analysis.errors import SourceError
from prodops_analysis.event_log import Import
from prodops_analysis.settings import Settings, TableSource
from prodops_analysis.sources import fingerprint, table
from prodops_analysis.work_items import fold

EVENTS = {"item_id": "id", "at": "at", "field": "field", "to_value": "to"}
ITEMS = {"item_id": "id", "created": "created"}
PLAIN = """id,at,field,to
A,2026-01-05T10:00Z,created,A
A,2026-01-06T10:00Z,state,Doing
A,2026-01-07T10:00Z,state,Done
"""


def read(folder: Path, text: str | bytes, *, name: str = "export.csv", time_zone: str = "UTC", **given) -> Import:
    """Write an export into a folder and read it as a source."""
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    declared = {"name": "tracker", "path": "export.*", "columns": EVENTS} | given
    return table.read(TableSource(kind="table", **declared), root=folder, time_zone=time_zone)


def told(imported: Import) -> list[tuple]:
    """What the events say: item, instant, field, value."""
    return list(imported.events[["item_id", "at", "field", "to_value"]].itertuples(index=False, name=None))


THREE = [
    ("A", utc("2026-01-05T10:00"), "created", "A"),
    ("A", utc("2026-01-06T10:00"), "state", "Doing"),
    ("A", utc("2026-01-07T10:00"), "state", "Done"),
]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(PLAIN, id="plain"),
        pytest.param(PLAIN.replace(",", ";"), id="semicolons"),
        pytest.param(PLAIN.replace(",", "\t"), id="tabs"),
        pytest.param(b"\xef\xbb\xbf" + PLAIN.encode(), id="byte-order-mark"),
        pytest.param(PLAIN.replace("\n", "\r\n"), id="windows-line-ends"),
        pytest.param(PLAIN.rstrip("\n"), id="no-line-end"),
        pytest.param(
            PLAIN.replace("A,2026-01-06", '"A","2026-01-06').replace("06T10:00Z,state", '06T10:00Z",state'), id="quoted"
        ),
        pytest.param(PLAIN.replace("10:00Z", "11:00+01:00"), id="offsets"),
        pytest.param(PLAIN.replace("T10:00Z", " 10:00:00"), id="no-zone-is-the-workspace's"),
        pytest.param(PLAIN.replace("2026-01-06T10:00Z", " 2026-01-06T10:00Z "), id="spaces-round-a-date"),
        pytest.param(PLAIN.replace("Doing", " Doing ").replace("A,2026", "A ,2026"), id="spaces-round-a-name"),
    ],
)
def test_dialects_of_csv_give_the_same_log(text, tmp_path):
    """Separators, marks, line ends and quotes do not matter."""
    done = read(tmp_path, text)

    assert THREE == told(done)
    assert 0 == len(done.faults)


def test_csv_jsonl_and_parquet_give_the_same_log(tmp_path):
    """The format of an export does not change a byte of the log, dates without a zone included."""
    rows = [
        ("A", "2026-01-05T10:00", "created", "A"),
        ("7", "2026-01-05T11:30", "size", "3"),
        ("A", "2026-07-01T00:15", "state", 'Größe, "x"'),
    ]
    frame = pd.DataFrame(rows, columns=["id", "at", "field", "to"])
    frame.to_csv(tmp_path / "export.csv", index=False)
    lines = "".join(json.dumps(dict(zip(frame.columns, row, strict=True))) + "\n" for row in rows)
    (tmp_path / "export.jsonl").write_text(lines, encoding="utf-8")
    duckdb.from_df(frame).write_parquet(str(tmp_path / "export.parquet"))

    logs = [
        table.read(
            TableSource(kind="table", name="tracker", path=f"export.{kind}", columns=EVENTS),
            root=tmp_path,
            time_zone="Europe/Berlin",
        ).events
        for kind in ("csv", "jsonl", "parquet")
    ]

    assert [utc("2026-01-05T10:30"), utc("2026-01-05T09:00"), utc("2026-06-30T22:15")] == logs[0]["at"].tolist()
    pd.testing.assert_frame_equal(logs[0], logs[1])
    pd.testing.assert_frame_equal(logs[0], logs[2])


def test_parquet_with_typed_instants(tmp_path):
    """Instants that Parquet stores as such keep their meaning."""
    frame = pd.DataFrame({"id": ["A"], "when": [utc("2026-01-05T10:00")], "field": ["created"], "value": ["A"]})
    duckdb.from_df(frame).write_parquet(str(tmp_path / "export.parquet"))
    columns = {"item_id": "id", "at": "when", "field": "field", "to_value": "value"}

    done = table.read(
        TableSource(kind="table", name="t", path="export.parquet", columns=columns),
        root=tmp_path,
        time_zone="Asia/Tokyo",
    )

    assert [("A", utc("2026-01-05T10:00"), "created", "A")] == told(done)


def test_pseudonyms_know_no_order(tmp_path):
    """Sorted the other way, an export gives the same events under the same identifiers, people included."""
    rows = [f"I{n},2026-01-0{1 + n % 7},owner,{name}" for n, name in enumerate(["Ann", "Bob", "Cem", "Dee"] * 5)]

    one, other = (read(tmp_path, "\n".join(["id,at,field,to", *given])).events for given in (rows, rows[::-1]))

    pd.testing.assert_frame_equal(one, other)
    assert {"p1", "p2", "p3", "p4"} == set(one["to_value"])
    assert one["to_value"].iloc[0] != "Ann"


def test_jsonl_values_are_texts_as_written(tmp_path):
    """Numbers and texts mixed in one key are the same texts, and dates follow the declared format."""
    lines = [{"id": 7, "at": "05/01/2026", "field": "size", "to": value} for value in ("1", 2.5, None)]

    done = read(tmp_path, "\n".join(map(json.dumps, lines)), name="export.jsonl", date_format="%d/%m/%Y")

    assert {"1", "2.5"} == set(done.events["to_value"].dropna())
    assert {("7", utc("2026-01-05"), "size")} == {row[:3] for row in told(done)}
    assert 1 == done.events["to_value"].isna().sum()


def test_jsonl_follows_a_declared_format_that_looks_like_iso(tmp_path):
    """A reader that guesses dates does not come between a text and its declared format."""
    lines = [{"id": "A", "at": f"2026-01-0{n} 10:00", "field": "state", "to": f"S{n}"} for n in (5, 6)]

    done = read(tmp_path, "\n".join(map(json.dumps, lines)), name="export.jsonl", date_format="%Y-%m-%d %H:%M")

    assert [utc("2026-01-05T10:00"), utc("2026-01-06T10:00")] == done.events["at"].tolist()


HOSTILE = ['it\'s "quoted"', "two\nlines", "x'; DROP TABLE raw; --", "a,b;c\td", "🎉", "=1+1", "y" * 50_000]


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_hostile_values_are_read_as_they_are(kind, tmp_path):
    """Quotes, line breaks, separators, SQL and long texts arrive unchanged."""
    frame = pd.DataFrame(
        {"id": [f"I{n}" for n in range(len(HOSTILE))], "at": "2026-01-05", "field": "x.note", "to": HOSTILE}
    )
    text = frame.to_csv(index=False) if kind == "csv" else frame.to_json(orient="records", lines=True)

    assert HOSTILE == read(tmp_path, text, name=f"export.{kind}").events["to_value"].tolist()


def test_bad_rows_are_listed_and_good_ones_read(tmp_path):
    """A row without a readable date, an item or a field is listed with its number; the others are events."""
    text = PLAIN + "A,soon,state,X\n,2026-01-08,state,X\nB,,state,X\nB,2026-01-08,,X\nC,2026-01-08,created,C\n"

    done = read(tmp_path, text)

    found = list(done.faults[["row", "reason"]].itertuples(index=False, name=None))
    assert [(4, "unreadable date"), (5, "no item id"), (6, "no date"), (7, "unknown field")] == found
    assert "soon" == done.faults["found"].iloc[0]
    assert [*THREE, ("C", utc("2026-01-08"), "created", "C")] == told(done)


@pytest.mark.parametrize(
    "date",
    ["now", "today", "yesterday", "epoch", "2026-13-01", "2026-02-30", "infinity", "-infinity", "99999-01-01", "45000"],
)
def test_what_is_no_date_is_listed(date, tmp_path):
    """Words, impossible days and endless times are unreadable, and nothing reads the clock."""
    done = read(tmp_path, PLAIN + f"B,{date},state,Doing\n")

    assert [("B", "unreadable date", date)] == list(
        done.faults[["item_id", "reason", "found"]].itertuples(index=False, name=None)
    )
    assert THREE == told(done)


@pytest.mark.parametrize(
    ("date_format", "text"),
    [
        pytest.param("%d.%m.%Y", "05.01.2026", id="german"),
        pytest.param("%m/%d/%Y", "01/05/2026", id="american"),
        pytest.param("%d'%m'%Y", "05'01'2026", id="quotes-in-the-format"),
        pytest.param("%d/%b/%y %I:%M %p", "05/Jan/26 12:00 AM", id="jira"),
    ],
)
def test_declared_date_format(date_format, text, tmp_path):
    """A declared format is followed to the letter: a date in another one is listed, not guessed."""
    done = read(tmp_path, f"id,at,field,to\nA,{text},created,A\nB,2026-01-05,created,B\n", date_format=date_format)

    assert [("A", utc("2026-01-05"), "created", "A")] == told(done)
    assert ["2026-01-05"] == done.faults["found"].tolist()


def test_a_day_of_the_clock_change(tmp_path):
    """Local times are read by the rules of the zone on both sides of a clock change."""
    days = ["2026-03-29 01:30", "2026-03-29 03:30", "2026-10-25 01:30", "2026-10-25 03:30"]
    text = "id,at,field,to\n" + "".join(f"A,{day},state,S{n}\n" for n, day in enumerate(days))

    done = read(tmp_path, text, time_zone="Europe/Berlin")

    assert [
        utc("2026-03-29T00:30"),
        utc("2026-03-29T01:30"),
        utc("2026-10-24T23:30"),
        utc("2026-10-25T02:30"),
    ] == done.events["at"].tolist()


def test_fields_without_a_meaning_are_kept_and_listed(tmp_path):
    """A field that the log does not know becomes x.NAME, as many times as it occurs, and is named in a remark."""
    text = "id,at,field,to,spare\nA,2026-01-05,Sprint,7,1\nA,2026-01-06,x.own,8,1\nA,2026-01-07,status,Doing,1\n"

    done = read(tmp_path, text, fields={"status": "state"})

    assert ["x.Sprint", "x.own", "state"] == done.events["field"].tolist()
    assert (
        "source 'tracker': columns not read: spare",
        "source 'tracker': fields kept without a meaning of their own: x.Sprint, x.own",
    ) == done.remarks


def test_columns_that_are_not_declared_are_not_read(tmp_path):
    """A column called like one of ours but not declared, such as names of people, stays out of the log."""
    text = "id,at,field,to,actor,team\nA,2026-01-05,created,A,Jane Doe,Search\n"

    done = read(tmp_path, text)

    assert [True, True] == done.events[["actor", "team"]].isna().iloc[0].tolist()
    assert ("source 'tracker': columns not read: actor, team",) == done.remarks


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        pytest.param("id,when,field,to,at", EVENTS | {"at": "when"}, id="another-column-is-called-like-ours"),
        pytest.param("row,at,field,to,spare", EVENTS | {"item_id": "row"}, id="a-column-called-row"),
        pytest.param("ID,at,field,to,spare", EVENTS | {"item_id": "ID"}, id="upper-case"),
        pytest.param('"it\'s [x] ""id""",at,field,to,spare', EVENTS | {"item_id": 'it\'s [x] "id"'}, id="quotes"),
        pytest.param("id,at,field,to,reason", EVENTS, id="a-column-called-reason"),
    ],
)
def test_any_header_can_be_declared(header, columns, tmp_path):
    """Headers are the export's own business: none of them clashes with a name of ours."""
    done = read(tmp_path, f"{header}\nA,2026-01-05,state,Doing,zzz\n", columns=columns)

    assert [("A", utc("2026-01-05"), "state", "Doing")] == told(done)


def test_people_are_pseudonyms_in_the_log(tmp_path):
    """Names of people in the columns that hold them do not reach the log; one person keeps one pseudonym."""
    text = """id,at,field,from,to,who
A,2026-01-05,owner,,Jane Doe,jane@example.org
A,2026-01-06,owner,Jane Doe,John Roe,Jane Doe
A,2026-01-07,approver,,John Roe,Jane Doe
"""

    log = read(tmp_path, text, columns=EVENTS | {"from_value": "from", "actor": "who"}).events

    assert "Jane" not in log.to_csv()
    assert "jane" not in log.to_csv()
    assert "John" not in log.to_csv()
    assert log["to_value"].iloc[0] == log["from_value"].iloc[1] != log["to_value"].iloc[1] == log["to_value"].iloc[2]


def test_team_of_an_export_without_teams(tmp_path):
    """A source may name the team of all its rows; without one the team is missing."""
    assert ["Search"] * 3 == read(tmp_path, PLAIN, team="Search").events["team"].tolist()
    assert [True] * 3 == read(tmp_path, PLAIN).events["team"].isna().tolist()


ROWS = """id,created,team,kind,started,ended
A,2026-01-05,Search,bug,2026-01-06,2026-01-08
B,2026-01-05,Search,,2026-01-05,2026-01-05
C,2026-01-06,Billing,feature,,
"""
UNROLL = {
    "shape": "items",
    "columns": ITEMS | {"team": "team", "type": "kind"},
    "states": {"Doing": "started", "Done": "ended"},
}


def test_one_row_an_item(tmp_path):
    """A row of an item becomes its creation, its described fields and an event for each dated state."""
    done = read(tmp_path, ROWS, **UNROLL)

    assert [
        ("A", "2026-01-05", "created", "A", "Search"),
        ("A", "2026-01-05", "type", "bug", "Search"),
        ("A", "2026-01-06", "state", "Doing", "Search"),
        ("A", "2026-01-08", "state", "Done", "Search"),
        ("B", "2026-01-05", "created", "B", "Search"),
        ("B", "2026-01-05", "state", "Doing", "Search"),
        ("B", "2026-01-05", "state", "Done", "Search"),
        ("C", "2026-01-06", "created", "C", "Billing"),
        ("C", "2026-01-06", "type", "feature", "Billing"),
    ] == list(
        done.events.assign(day=done.events["at"].dt.strftime("%Y-%m-%d"))[
            ["item_id", "day", "field", "to_value", "team"]
        ].itertuples(index=False, name=None)
    )
    assert 0 == len(done.faults)


@pytest.mark.parametrize("declared", [("Doing", "Review", "Done"), ("Done", "Review", "Doing")])
def test_equal_dates_keep_the_order_of_the_workflow(tmp_path, declared):
    """Work begun and done on one day is done, in every item of a large export, however its states are declared."""
    days = "".join(f"I{n:05},2026-01-05,2026-01-05,2026-01-05,2026-01-05\n" for n in range(3000))
    states = dict(zip(declared, "abc", strict=True))
    workflow = {"Doing": "active", "Review": "active", "Done": "done"}

    log = read(tmp_path, "id,created,a,b,c\n" + days, shape="items", columns=ITEMS, states=states).events
    made = fold(log, settings=Settings(workflow=workflow), as_of=utc("2026-02-01"))

    assert {"done"} == set(made.items["outcome"])
    assert ["Doing", "Review", "Done"] * 3000 == made.spells["state"].tolist()


def test_bad_dates_of_items_are_listed(tmp_path):
    """An item with a bad date loses that event alone; the fault names row and text."""
    done = read(tmp_path, ROWS.replace("2026-01-08", "next week"), **UNROLL)

    assert [(1, "A", "unreadable date", "next week")] == list(
        done.faults[["row", "item_id", "reason", "found"]].itertuples(index=False, name=None)
    )
    assert ["Doing"] == [value for item, _, field, value in told(done) if (item, field) == ("A", "state")]


@pytest.mark.parametrize(
    ("text", "given", "message"),
    [
        pytest.param(
            PLAIN.replace("id,at", "id,att"),
            {},
            "export.csv has no column 'at'; did you mean 'att'.*; it has id, att, field, to",
            id="missing-column",
        ),
        pytest.param("", {}, "export.csv (is empty|has no column 'id')", id="empty-file"),
        pytest.param(
            PLAIN.replace("2026-01-0", "soon"),
            {},
            r"none of 3 rows of export.csv could be read; row 1: unreadable date \('soon5T10:00Z'\); set date_format",
            id="no-row-readable",
        ),
        pytest.param(
            PLAIN.replace("A,", ","), {}, "none of 3 rows .* no item id .*check the column map", id="no-item-anywhere"
        ),
        pytest.param(
            PLAIN,
            {"path": "missing.csv"},
            r"no file missing.csv in .*; put the export there or mend path",
            id="no-file",
        ),
        pytest.param(PLAIN, {"path": ""}, "no file", id="empty-path"),
        pytest.param(
            PLAIN,
            {"columns": {"item_id": "id", "at": "at", "field": "field"}},
            "columns says nothing of 'to_value'; name the column",
            id="not-declared",
        ),
        pytest.param(
            PLAIN,
            {"columns": EVENTS | {"acter": "to"}},
            "'acter' in columns is no column of shape 'events'; did you mean 'actor'.*x.acter",
            id="unknown-name",
        ),
        pytest.param(
            PLAIN,
            {"shape": "items"},
            "'at' in columns is no column of shape 'items'.*belongs under .sources.states.",
            id="wrong-shape",
        ),
        pytest.param(PLAIN, {"date_format": "%Q"}, "source 'tracker'.*date_format.*%Q", id="format-that-is-none"),
        pytest.param(PLAIN.encode("utf-16"), {}, "export.csv is not UTF-8 text; save it as UTF-8", id="utf-16"),
        pytest.param(
            (PLAIN + "A,2026-01-08,state,Für\n").encode("latin-1"), {}, "export.csv is not UTF-8 text", id="latin-1"
        ),
    ],
)
def test_an_export_that_cannot_be_used_is_refused(text, given, message, tmp_path):
    """The message names the source, what was found and what to do, in one line."""
    with pytest.raises(SourceError, match=message) as caught:
        read(tmp_path, text, **given)

    assert str(caught.value).startswith("source 'tracker': ")
    assert "\n" not in str(caught.value)


def test_another_kind_of_file_is_refused(tmp_path):
    """A spreadsheet is no export that can be read; the message says which are."""
    with pytest.raises(SourceError, match=r"export.xlsx is none of .csv, .jsonl, .parquet; export it as one"):
        read(tmp_path, b"PK", name="export.xlsx")


def test_broken_json_is_refused(tmp_path):
    """The message says where the file is broken."""
    with pytest.raises(SourceError, match=r"export.jsonl cannot be read: .*Malformed JSON"):
        read(tmp_path, '{"id": 1}\n{nope', name="export.jsonl")


def test_only_a_header_is_an_empty_import(tmp_path):
    """An export without rows is read, and holds nothing."""
    done = read(tmp_path, "id,at,field,to\n")

    assert (0, 0) == (len(done.events), len(done.faults))


def test_overlapping_exports_are_one_log(tmp_path):
    """Monthly exports that overlap give each event once, and the overlap is no fault of anybody."""
    first, second = PLAIN, PLAIN.replace("A,2026-01-05T10:00Z,created,A\n", "") + "A,2026-01-09T10:00Z,state,Backlog\n"
    (tmp_path / "2026-01.csv").write_text(first, encoding="utf-8")

    done = read(tmp_path, second, name="2026-02.csv", path="*.csv")

    assert [*THREE, ("A", utc("2026-01-09T10:00"), "state", "Backlog")] == told(done)
    assert [] == done.faults["reason"].tolist()


def test_the_same_event_twice_in_one_export_is_listed(tmp_path):
    """Within one file a repeated row is a fault, read once."""
    done = read(tmp_path, PLAIN + PLAIN.splitlines()[2] + "\n")

    assert (THREE, [(4, "same event twice")]) == (
        told(done),
        list(done.faults[["row", "reason"]].itertuples(index=False, name=None)),
    )


def test_a_file_name_with_brackets_is_found_by_its_name(tmp_path):
    """A file downloaded twice, `export[1].csv`, can be named as it is."""
    assert THREE == told(read(tmp_path, PLAIN, name="export[1].csv", path="export[1].csv"))


def test_reading_twice_gives_the_same_log(tmp_path):
    """Reading is a function of the files."""
    pd.testing.assert_frame_equal(read(tmp_path, PLAIN).events, read(tmp_path, PLAIN).events)


def test_fingerprint_follows_the_bytes(tmp_path):
    """The fingerprint changes with the content and with a further file, not with time."""
    source = TableSource(kind="table", name="t", path="*.csv", columns=EVENTS)
    marks = []
    for name, text in (
        ("a.csv", PLAIN),
        ("a.csv", PLAIN),
        ("a.csv", PLAIN + "B,2026-01-08,created,B\n"),
        ("b.csv", PLAIN),
    ):
        (tmp_path / name).write_text(text, encoding="utf-8")
        marks.append(fingerprint(source, root=tmp_path))

    assert marks[0] == marks[1]
    assert 3 == len(set(marks))
