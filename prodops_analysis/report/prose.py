"""Markdown to HTML for pages that run nothing and fetch nothing.

Raw HTML is shown as text. A link leaves the page only to a file beside it; an outside address stays readable.
"""

import re
from html import unescape
from typing import Any
from urllib.parse import unquote

import mistune

from prodops_analysis.errors import printable
from prodops_analysis.tables import safe

_LOCAL = re.compile(r"(?![a-z][a-z0-9+.-]*:)(?![/\\]{2})", re.IGNORECASE)
_PICTURE = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]+", re.IGNORECASE)


def is_local(url: str) -> bool:
    """Say whether an address stays with the page: a fragment, or a path without scheme and host."""
    return bool(_LOCAL.match(re.sub(r"[\x00-\x20]", "", unquote(unescape(url)))))


class Prose(mistune.HTMLRenderer):
    """Converts the Markdown of one page, so that heading ids are unique in it; collects its sections."""

    def __init__(self, *, title: str | None) -> None:
        super().__init__(escape=True, allow_harmful_protocols=False)
        self.title = title  # "" asks for the first heading of level 1 and takes it out of the text
        self.sections: list[tuple[str, str]] = []  # (id, HTML) of the headings of level 2, in order
        self._ids = {"main", "contents", "contents-title"}
        self._tables = 0
        self._convert = mistune.create_markdown(renderer=self, plugins=["strikethrough", "table"])

    def html(self, source: str) -> str:
        """Convert one piece of Markdown."""
        return str(self._convert(printable(source)))

    def heading(self, text: str, level: int, **_attrs: Any) -> str:
        """Return a heading with an id of its own."""
        words = unescape(re.sub(r"<[^>]+>", "", text)).strip()
        if level == 1 and self.title == "":
            self.title = words
            return ""
        level = max(level, 2)
        slug = re.sub(r"[^\w]+", "-", words.lower()).strip("-") or "section"
        name, number = slug, 2
        while name in self._ids:
            name, number = f"{slug}-{number}", number + 1
        self._ids.add(name)
        if level == 2:
            self.sections.append((name, safe(words)))
        return f'<h{level} id="{safe(name)}">{text}</h{level}>\n'

    def link(self, text: str, url: str, title: str | None = None) -> str:
        """Return a link, or the text and the address of what lies outside."""
        if is_local(url):
            return str(super().link(text, url, title))
        address = f"<span>{safe(url)}</span>"
        return address if unescape(text) == url else f"{text} ({address})"

    def image(self, text: str, url: str, title: str | None = None) -> str:
        """Return a picture that the notebook holds, or its words."""
        if _PICTURE.fullmatch(url):
            return str(super().image(text, url, title))
        return f"[{text or 'image'}]"

    def table(self, text: str) -> str:
        """Return a table in a frame of its own."""
        self._tables += 1
        return framed(f"<table>\n{text}</table>", label=f"Table {self._tables} in the text")

    def table_cell(self, text: str, align: str | None = None, head: bool = False) -> str:
        """Return a cell; one above nothing is no heading."""
        number = ' class="number"' if align == "right" else ""
        if head and text.strip():
            return f'  <th scope="col"{number}>{text}</th>\n'
        return f"  <td{number}>{text}</td>\n"


def framed(table: str, *, label: str) -> str:
    """Put a table into a frame that scrolls and that a keyboard reaches."""
    return f'<div class="prodops-table" role="region" tabindex="0" aria-label="{safe(label)}">\n{table}</div>\n'
