"""Finished numbers as accessible HTML: tables, a row of headline figures, callouts.

Every text is escaped, because much of it comes from trackers. Missing is shown as a dash that reads *unknown*.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any, Literal

import pandas as pd

from prodops_analysis.errors import ReportError, did_you_mean, printable, some

WIDE = 4  # columns of a table that is set as a list on a phone
UNKNOWN = '<abbr title="unknown">–</abbr>'
# a page with our style sheet shows the same without them; JupyterLab aligns texts to the right and lets lists float
_LEFT = ' style="text-align:left"'
_LIST, _GROUP, _PLAIN = ' style="column-width:15em"', ' style="break-inside:avoid"', ' style="float:none;width:auto"'
Reading = Literal["", "better", "worse", "unclear"]
_READINGS = {"better": "better", "worse": "worse", "unclear": "no clear difference"}
_TITLES = {"note": "Note", "caution": "Caution", "verdict": "Verdict", "decision": "For decision"}


def safe(text: object) -> str:
    """Return a text ready to stand in HTML, in an attribute too."""
    return escape(printable(text))


def link_to(address: str, words: str) -> str:
    """Return a link; `words` is HTML."""
    return f'<a href="{safe(address)}">{words}</a>'


def number(value: float, *, like: str) -> str:
    """Write a number for reading; `like` is a format such as ',.1f' or '+.0%'."""
    if not math.isfinite(value):
        return "–"
    text = format(value, like)
    # what rounds to nothing has no sign
    return text.replace("-", "−") if any(digit in text for digit in "123456789") else text.lstrip("+-")


def effect(x: float, *, scale: str, sign: bool = True) -> str:
    """Write an effect for reading: a relative change in percent (scale "ratio"), or a difference in points.

    What would round to nothing keeps a figure, so that the side of zero is seen on which an interval ends.
    """
    size = abs(100 * x)
    like = f"{'+' if sign else ''}.{0 if size == 0 or not size < 0.5 else 1 if size >= 0.05 else 2}"
    if scale == "ratio":
        return number(x, like=f"{like}%")
    written = number(100 * x, like=f"{like}f")
    return f"{written} point{'' if written.lstrip('+−') == '1' else 's'}"


def effects(low: float, high: float, *, scale: str) -> str:
    """Write the two ends of an interval; points are named once."""
    return f"{effect(low, scale=scale).partition(' point')[0]} to {effect(high, scale=scale)}"


def confident(confidence: float) -> str:
    """Write the confidence of an interval, which is never all of it."""
    return f"{100 * min(confidence, 0.9999):.4g}%"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table for reading: `cells` holds text by row, None where unknown; `numeric` says which columns are numbers.

    links : for each row a page beside this one or a place in it, to which its first cell leads; "" for none.
    """

    caption: str
    columns: tuple[str, ...]
    units: tuple[str, ...]
    numeric: tuple[bool, ...]
    cells: tuple[tuple[str | None, ...], ...]
    links: tuple[str, ...] = ()

    def __repr__(self) -> str:
        rows = [self._labels(), *([cell or "–" for cell in row] for row in self.cells)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(self._pad(row, widths)).rstrip() for row in rows]
        return "\n".join([self.caption, *lines])

    def _labels(self) -> list[str]:
        return [f"{name} ({unit})" if unit else name for name, unit in zip(self.columns, self.units, strict=True)]

    def _pad(self, row: list[str], widths: list[int]) -> list[str]:
        parts = zip(row, widths, self.numeric, strict=True)
        return [text.rjust(width) if right else text.ljust(width) for text, width, right in parts]

    def _repr_html_(self) -> str:
        heads = "".join(
            f'<th scope="col" role="columnheader"{_right(right)}>{safe(name)}{_unit(unit)}</th>'
            for name, unit, right in zip(self.columns, self.units, self.numeric, strict=True)
        )
        links = self.links or ("",) * len(self.cells)
        body = "".join(
            f'<tr role="row">{self._row(row, link)}</tr>\n' for row, link in zip(self.cells, links, strict=True)
        )
        empty = f'<tr role="row"><td role="cell" colspan="{len(self.columns)}">No rows</td></tr>\n'
        # on a phone the rows of a wide table stand one below the other, and only the roles still say that it is one
        wide = " wide" if len(self.columns) >= WIDE else ""
        return (
            f'<div class="prodops-table{wide}" role="region" tabindex="0" aria-label="{safe(self.caption)}">\n'
            f'<table role="table"><caption{_LEFT}>{safe(self.caption)}</caption>\n'
            f'<thead role="rowgroup"><tr role="row">{heads}</tr></thead>\n'
            f'<tbody role="rowgroup">\n{body or empty}</tbody></table></div>'
        )

    def _row(self, row: tuple[str | None, ...], link: str) -> str:
        shown = [UNKNOWN if cell is None else safe(cell) for cell in row]
        shown[0] = link_to(link, shown[0]) if link else shown[0]
        rest = zip(shown[1:], self.numeric[1:], self._labels()[1:], strict=True)
        return f'<th scope="row" role="rowheader"{_right(self.numeric[0])}>{shown[0]}</th>' + "".join(
            f'<td role="cell" data-label="{safe(label)}"{_right(right)}>{cell}</td>' for cell, right, label in rest
        )


def table(
    rows: pd.DataFrame | Sequence[tuple[Any, ...]], columns: Sequence[str] | None = None, *, caption: str,
    units: Mapping[str, str] | None = None, formats: Mapping[str, str] | None = None, links: Sequence[str] = (),
) -> Table:  # fmt: skip
    """Lay out a frame, or rows with their columns, for reading; the first column names the rows, no index is shown.

    units : unit by column, shown in the heading.
    formats : by column, a format such as ',.1f' or '.0%'.
    links : see `Table`.
    """
    frame, units, formats = pd.DataFrame(rows, columns=columns), units or {}, formats or {}
    names = [str(name) for name in frame]
    if not caption.strip() or not names or not all(name.strip() for name in names):
        raise ReportError(f"table {caption!r} with columns ({some(names)}): give it a caption and name every column")
    if unknown := [name for name in (*units, *formats) if name not in names]:
        hint = did_you_mean(unknown[0], names)
        raise ReportError(f"table {caption!r} has no column {unknown[0]!r}{hint}; it has {some(names, most=12)}")
    return Table(
        caption=caption,
        columns=tuple(names),
        units=tuple(units.get(name, "") for name in frame),
        numeric=tuple(kind.kind in "iuf" for kind in frame.dtypes),
        cells=tuple(zip(*(_column(frame[name], formats.get(name, "")) for name in frame), strict=True)),
        links=tuple(links),
    )


def _column(values: pd.Series, like: str) -> list[str | None]:
    """Write a column for reading, None where unknown; numbers of one column share their decimals."""
    if not like and pd.api.types.is_float_dtype(values):
        whole, most = (values.dropna() % 1 == 0).all(), values.abs().max()
        like = ",.0f" if whole or most >= 100 else ",.1f" if most >= 10 else ",.2f"
    return [_cell(value, like or ",d") for value in values]


def _cell(value: Any, like: str) -> str | None:
    if pd.isna(value) or not str(value).strip():
        return None
    if isinstance(value, pd.Timestamp):
        return f"{value.day} {value:%b %Y}" + (f" {value:%H:%M}" if value != value.normalize() else "")
    if pd.api.types.is_bool(value):
        return "yes" if value else "no"
    return number(value, like=like) if pd.api.types.is_number(value) else str(value)


def _right(numeric: bool) -> str:
    return ' class="number"' if numeric else _LEFT


def _unit(unit: str) -> str:
    return f' <span class="unit">{safe(unit)}</span>' if unit else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One headline figure, already written for reading; no value means unknown.

    `reading` says in a word what the change means, so that no colour has to.
    """

    label: str
    value: str | None
    unit: str = ""
    change: str = ""
    reading: Reading = ""
    comparison: str = ""

    def html(self) -> str:
        """Return the card as one group of a description list."""
        value = UNKNOWN if self.value is None else f"<bdi>{safe(self.value)}</bdi>"
        change = ": ".join(part for part in (self.change, _READINGS.get(self.reading, "")) if part)
        parts = [f'<dd class="value"{_PLAIN}>{value}{_unit(self.unit)}</dd>']
        if change:
            parts.append(f'<dd class="change {self.reading or "plain"}"{_PLAIN}>{safe(change)}</dd>')
        if self.comparison:
            parts.append(f'<dd class="comparison"{_PLAIN}>{safe(self.comparison)}</dd>')
        return f"<div{_GROUP}><dt{_PLAIN}>{safe(self.label)}</dt>{''.join(parts)}</div>"


@dataclass(frozen=True, slots=True)
class Cards:
    """A row of headline figures; four to six read best."""

    cards: Sequence[Card]

    def __repr__(self) -> str:
        fields = [
            (c.label, c.value or "–", c.unit, c.change, _READINGS.get(c.reading, ""), c.comparison) for c in self.cards
        ]
        return "\n".join(f"{label}: " + " ".join(part for part in rest if part) for label, *rest in fields)

    def _repr_html_(self) -> str:
        return f'<dl class="prodops-cards"{_LIST}>\n{"".join(card.html() for card in self.cards)}</dl>'


@dataclass(frozen=True, slots=True)
class Callout:
    """A short text that stands out: a note, a caution, the verdict, or what is to be decided.

    lines : sentences, or pairs of a word that leads and its sentence.
    """

    kind: Literal["note", "caution", "verdict", "decision"]
    title: str
    lines: Sequence[str | tuple[str, str]] = ()
    links: Mapping[str, str] = field(default_factory=dict)  # words -> a place in this page or a page beside it

    def __post_init__(self) -> None:
        if self.kind not in _TITLES:
            raise ReportError(
                f"a callout cannot be {self.kind!r}{did_you_mean(self.kind, _TITLES)}; use {some(_TITLES)}"
            )

    def __repr__(self) -> str:
        lines = [line if isinstance(line, str) else ": ".join(line) for line in self.lines]
        return "\n".join([f"{_TITLES[self.kind]}: {self.title}", *lines])

    def _repr_html_(self) -> str:
        text = "".join(
            f"<p>{safe(line) if isinstance(line, str) else f'<strong>{safe(line[0])}:</strong> {safe(line[1])}'}</p>"
            for line in self.lines
        )
        if self.links:
            text += f"<p>{' · '.join(link_to(address, safe(words)) for words, address in self.links.items())}</p>"
        head = f'<p class="callout-title"><strong><span>{_TITLES[self.kind]}:</span> {safe(self.title)}</strong></p>'
        return f'<div class="prodops-callout {self.kind}" role="note">{head}{text}</div>'
