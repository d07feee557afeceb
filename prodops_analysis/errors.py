"""The one error tree of the package. Every message says which thing, what was found, and what to do."""

import re
from collections.abc import Iterable
from difflib import get_close_matches

# controls, and the marks that turn the direction of all text after them
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069]")


class ProdopsError(Exception):
    """Base of every error a user can mend; the command line prints it without a traceback."""


class SettingsError(ProdopsError):
    """The settings, a parameter or the workspace cannot be used."""


class SourceError(ProdopsError):
    """An export or a repository cannot be read."""


class EventLogError(ProdopsError):
    """A table breaks the contract of the event log."""


class RecordError(ProdopsError):
    """A record breaks its template."""


class DraftError(RecordError):
    """A record that is not filled in and reaches no team yet."""


class ReportError(ProdopsError):
    """A notebook or a month cannot be rendered."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean 'x'?` for the nearest known word, or nothing."""
    near = get_close_matches(word, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def some(names: Iterable[object], *, most: int = 5) -> str:
    """List a few names in order and say how many more there are."""
    listed = [str(name) for name in names]
    more = len(listed) - most
    return ", ".join(listed[:most]) + (f" and {more} more" if more > 0 else "")


def counted(n: float, what: str) -> str:
    """Write a number with what it counts: `1 team`, `1,200 teams`, `0.5 hours`."""
    return f"{int(n) if n == int(n) else n:,} {what}{'' if n == 1 else 's'}"


def spelt_alike(names: Iterable[str], *, of: Iterable[str] | None = None) -> str:
    """Say which names differ in capitals or blanks only, all or those like some; nothing where none do."""
    alike: dict[str, list[str]] = {}
    for name in sorted(names, key=str.casefold):
        alike.setdefault(_plain(name), []).append(name)
    asked = alike if of is None else {_plain(name) for name in of}
    twins = [repr(name) for key, found in alike.items() if len(found) > 1 and key in asked for name in found]
    return f"{some(twins)} differ in capitals or blanks only; write a team alike everywhere" if twins else ""


def _plain(name: str) -> str:
    return " ".join(name.split()).casefold()


def printable(text: object) -> str:
    """Replace characters that would garble what stands around a text: a page, a drawing, a message."""
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", str(text))
