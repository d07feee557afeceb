"""Results as data: what cells showed, and a table behind every chart that no spreadsheet runs."""

import csv
import io

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from prodops_analysis.charts.parts import nothing_to_show
from prodops_analysis.charts.renderer import MIME
from prodops_analysis.report.results import RESULT, chart_tables, results_of


def notebook(*bundles: dict):
    """A notebook of which each cell showed one bundle."""
    cells = [new_code_cell("x", outputs=[new_output("display_data", data=data)]) for data in bundles]
    stream = new_code_cell("print(1)", outputs=[new_output("stream", text="1")])
    return new_notebook(cells=[new_markdown_cell("# Title"), stream, *cells])


def chart(rows: list[dict], title: object = "Cycle time") -> dict:
    """A bundle with a chart over rows."""
    return {MIME: {"title": title, "datasets": {"data-1": rows}}, "text/html": "<svg/>"}


def tables_of(made):
    """The CSV texts of a notebook's charts, in order."""
    return list(chart_tables(made, prefix="data/x").values())


def test_results_of_all_cells_are_joined():
    """Named results of every cell are there; other outputs are left alone."""
    made = notebook({RESULT: {"verdict": "improved"}}, {"text/plain": "x"}, {RESULT: {"n": 3, "none": None}})

    assert {"verdict": "improved", "n": 3, "none": None} == results_of(made)
    assert {} == results_of(notebook())


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        pytest.param("Plain", "plain", id="text"),
        pytest.param({"text": "A headline, +47%", "subtitle": "x"}, "a-headline-47", id="with-subtitle"),
        pytest.param({}, "chart", id="none"),
        pytest.param("../../etc", "etc", id="a-path"),
        pytest.param("עברית", "chart", id="another-alphabet"),
    ],
)
def test_charts_come_with_their_headline(title, expected):
    """A table is named after its report, its place and the headline, and the page is told where it stands."""
    made = notebook({"text/plain": "x"}, chart([{"a": 1}], title))

    assert [f"data/review-1-{expected}.csv"] == list(chart_tables(made, prefix="data/review"))
    assert made.cells[-1].outputs[0].metadata["prodops_csv"] == f"data/review-1-{expected}.csv"


def test_a_chart_is_a_table():
    """Rows of a chart are lines of CSV; a column that only some rows have is empty elsewhere."""
    made = notebook(chart([{"team": "Search", "days": 2.5}, {"team": "a,b", "n": None}]))

    (text,) = tables_of(made)
    assert [["team", "days", "n"], ["Search", "2.5", ""], ["a,b", "", ""]] == [
        row for row in csv.reader(io.StringIO(text, newline="")) if row
    ]


def test_a_chart_without_rows_is_an_empty_table():
    """Nothing is made up."""
    assert [""] == tables_of(notebook(chart([])))


def test_a_chart_of_several_tables_gives_its_largest():
    """A download is one table that any reader takes; lines and labels of the chart are not in it."""
    spec = {"title": "Two", "datasets": {"line": [{"at": 0.0}], "rows": [{"week": n, "value": n} for n in range(3)]}}

    (text,) = tables_of(notebook({MIME: spec, "text/html": "<svg/>"}))

    assert {"week": [0, 1, 2], "value": [0, 1, 2]} == pd.read_csv(io.StringIO(text)).to_dict("list")


def test_an_empty_chart_has_no_table():
    """Where nothing is drawn there is nothing to download."""
    empty = {MIME: nothing_to_show("No items", "There were none.").to_dict()}

    assert {} == chart_tables(notebook(empty), prefix="data/x")


@pytest.mark.parametrize("start", list("=+-@\t\r"))
def test_no_text_is_a_formula(start):
    """A text that a spreadsheet would run is quoted, in a column's name as well; numbers below zero stay numbers."""
    evil = f"{start}cmd|' /C calc'!A0"
    made = notebook(chart([{"team": evil, "change": -0.5, evil: 1}]))

    header, row = csv.reader(io.StringIO(tables_of(made)[0].rstrip(), newline=""))

    assert (["team", "change", f"'{evil}"], [f"'{evil}", "-0.5", "1"]) == (header, row)


@given(st.lists(st.text(alphabet="=+-@\t\r\n,;\"' aé🎉", max_size=12), min_size=1, max_size=4))
def test_whatever_the_text_no_cell_starts_a_formula(texts):
    """No cell of any table begins with a sign that a spreadsheet runs, and nothing but the guard is added."""
    table = tables_of(notebook(chart([{"name": text} for text in texts])))[0]

    cells = [row[0] if row else "" for row in csv.reader(io.StringIO(table, newline=""))][1 : len(texts) + 1]
    assert not [cell for cell in cells if cell[:1] in tuple("=+-@\t\r")]
    assert [f"'{text}" if text.startswith(tuple("=+-@\t\r")) else text for text in texts] == cells
