"""Tables, headline figures and callouts: readable, reachable, and safe with hostile text."""

import re
from html import unescape

import pandas as pd
import pytest

from prodops_analysis.errors import ReportError
from prodops_analysis.tables import Callout, Card, Cards, effect, effects, number, table

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7*7 }} {% raw %}",
    "**bold** [link](javascript:alert(1)) `code`",
    "</td></table><h1>gone</h1>",
    "&lt;b&gt; &amp;",
    "emoji 🧪 and ‏עברית‏",
]


def unaligned(html):
    """The HTML without the alignment that JupyterLab needs."""
    return re.sub(r' style="(text-align:left|column-width:15em|break-inside:avoid|float:none;width:auto)"', "", html)


def frame():
    return pd.DataFrame(
        {
            "team": ["Payments", "Search"],
            "items": [1212, 8],
            "days": [12.345, None],
            "at": pd.to_datetime(["2026-03-02", None]),
            "kept": [True, False],
        }
    )


def texts(html):
    return [unescape(re.sub("<[^>]+>", "", cell)) for cell in re.findall(r"<t[dh]\b.*?</t[dh]>", html)]


def test_cells_are_written_for_reading():
    """Thousands, decimals by column, dates and yes or no come out as a person writes them."""
    shown = table(frame(), caption="Teams")

    assert shown.cells == (("Payments", "1,212", "12.3", "2 Mar 2026", "yes"), ("Search", "8", None, None, "no"))


def test_formats_and_units_by_column():
    """A format is that of its column; a unit stands in the heading."""
    shown = table(
        frame(),
        caption="Teams",
        units={"days": "working days"},
        formats={"items": "+,d"},
    )

    assert shown.cells[0][1] == "+1,212"
    assert "days working days" in texts(shown._repr_html_())


def test_missing_reads_unknown():
    """Missing is a dash that says unknown, never zero or nan."""
    html = table(frame(), caption="Teams")._repr_html_()

    assert html.count('<abbr title="unknown">–</abbr>') == 2
    assert not re.search(r"nan|NaT|None", html)


def test_table_is_accessible():
    """Caption, scopes, a frame that a keyboard scrolls, numbers set to the right, no empty heading."""
    html = unaligned(table(frame(), caption="Teams & days")._repr_html_())

    assert '<div class="prodops-table wide" role="region" tabindex="0" aria-label="Teams &amp; days">' in html
    assert "<caption>Teams &amp; days</caption>" in html
    assert html.count('<th scope="col"') == 5
    assert html.count('<th scope="row"') == 2
    assert re.search(r'<td role="cell" data-label="[^"]+" class="number">1,212</td>', html)
    assert not re.search(r"<th[^>]*>\s*</th>", html)


def test_a_wide_table_can_be_set_as_a_list():
    """Every cell of a phone's list knows its heading with the unit, and the roles say that it is a table still."""
    html = table(frame(), caption="Teams", units={"days": "working days"})._repr_html_()

    assert re.findall(r'<td role="cell" data-label="([^"]+)"', html)[:4] == [
        "items",
        "days (working days)",
        "at",
        "kept",
    ]
    assert [html.count(f'role="{role}"') for role in ("table", "rowgroup", "row", "columnheader", "rowheader")] == [
        1, 2, 3, 5, 2,
    ]  # fmt: skip
    assert "wide" not in table(frame().iloc[:, :3], caption="Teams")._repr_html_()


def test_a_row_without_a_name_still_has_a_heading():
    """A missing name is shown as unknown."""
    html = table(pd.DataFrame({"team": [None], "n": [1]}), caption="c")._repr_html_()

    assert '<th scope="row" role="rowheader"><abbr' in unaligned(html)


def test_no_rows_is_said():
    """An empty frame gives a table that says so."""
    assert "No rows" in texts(table(frame().head(0), caption="Teams")._repr_html_())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: table(frame(), caption=" "), "give it a caption"),
        (lambda: table(pd.DataFrame({"": [1]}), caption="c"), "name every column"),
        (lambda: table(frame(), caption="c", units={"day": "d"}), "no column 'day'; did you mean 'days'"),
        (lambda: Callout("warning", "t"), "use note, caution, verdict"),
    ],
    ids=["caption", "heading", "column", "callout"],
)
def test_errors_say_what_to_do(make, message):
    """What cannot be read by everyone is refused with a way out."""
    with pytest.raises(ReportError, match=re.escape(message)):
        make()


def test_the_frame_is_left_alone():
    """Laying out a table changes nothing in the caller's frame."""
    given, before = frame(), frame()

    table(given, caption="Teams")

    pd.testing.assert_frame_equal(before, given)


@pytest.mark.parametrize("evil", HOSTILE)
def test_hostile_text_is_text(evil):
    """Markup from a tracker is shown as it was typed, in every object and place."""
    made = [
        table(pd.DataFrame({evil: [evil], "b": [evil]}), caption=evil, units={"b": evil}),
        Cards([Card(label=evil, value=evil, unit=evil, change=evil, reading="better", comparison=evil)]),
        Callout("note", evil, [evil]),
    ]
    for thing in made:
        html = unaligned(thing._repr_html_())
        tags = set(re.findall(r"<([a-z0-9]+)", html))
        assert evil in unescape(re.sub(r"<[^>]+>", "\n", html))
        assert tags <= {
            "div",
            "table",
            "caption",
            "thead",
            "tbody",
            "tr",
            "th",
            "td",
            "span",
            "dl",
            "dt",
            "dd",
            "p",
            "bdi",
            "strong",
        }
        assert evil in repr(thing)


def test_direction_marks_are_made_visible():
    """A text cannot turn the direction of the text after it."""
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in Callout("note", "a\N{RIGHT-TO-LEFT OVERRIDE}b")._repr_html_()


def test_plain_text_lines_up():
    """In a console numbers stand under each other."""
    assert repr(
        table(
            pd.DataFrame({"team": ["Payments", "Search"], "n": [1212.0, None]}), caption="Teams", units={"n": "items"}
        )
    ).splitlines() == [
        "Teams",
        "team      n (items)",
        "Payments      1,212",
        "Search            –",
    ]


def test_a_card_says_in_words_what_the_change_means():
    """The reading stands beside the change, so that no colour has to; no value reads unknown."""
    cards = Cards([Card(label="Cycle time", value=None, unit="days", change="−2", reading="worse")])
    html = unaligned(cards._repr_html_())

    assert '<dd class="change worse">−2: worse</dd>' in html
    calm = Cards([Card(label="Cycle time", value="4", change="−2", reading="unclear")])
    assert "−2: no clear difference" in calm._repr_html_()
    assert "no clear difference" in repr(calm)
    assert '<abbr title="unknown">–</abbr>' in html


@pytest.mark.parametrize(
    ("value", "like", "expected"),
    [
        (1234.5, ",.0f", "1,234"),
        (-12.34, ",.1f", "−12.3"),
        (-0.24, "+.0%", "−24%"),
        (-0.001, "+.0%", "0%"),
        (float("inf"), ",.0f", "–"),
        (float("nan"), ",.1f", "–"),
    ],
)
def test_numbers(value, like, expected):
    """Numbers have a true minus, no sign where they round to nothing, and never read nan."""
    assert expected == number(value, like=like)


@pytest.mark.parametrize(
    ("x", "scale", "expected"),
    [
        (-0.371, "ratio", "−37%"),
        (0.006, "ratio", "+1%"),
        (-0.0041, "ratio", "−0.4%"),
        (0.0003, "ratio", "+0.03%"),
        (0.0, "ratio", "0%"),
        (0.153, "difference", "+15 points"),
        (-0.003, "difference", "−0.3 points"),
        (0.012, "difference", "+1 point"),
        (-0.01, "difference", "−1 point"),
        (0.11, "difference", "+11 points"),
    ],
)
def test_effects_keep_their_side_of_zero(x, scale, expected):
    """Whole percents and points, but for what would round to nothing."""
    assert expected == effect(x, scale=scale)


def test_an_interval_that_ends_just_below_zero_says_so():
    """An interval without zero in it does not read as if it ended there."""
    assert effects(-0.29, -0.002, scale="ratio") == "−29% to −0.2%"
    assert effects(-0.01, 0.04, scale="difference") == "−1 to +4 points"
