"""One version of a text record: its keys and values as typed, and its people as pseudonyms."""

import re
from collections.abc import Iterator
from typing import Any

import yaml

DEEPEST, MOST = 50, 10_000  # levels and values of a record
PLAIN = "Markdown files without front matter are no records"
_DEEP = f"is nested more than {DEEPEST} levels deep"
_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # base: `1.20`, `yes` and dates stay as typed
_HEAD = re.compile(rb"\A\s*---[ \t]*\r?\n(.*?)^(?:---|\.\.\.)[ \t]*\r?$", re.DOTALL | re.MULTILINE)
_LINE = re.compile(r"([A-Za-z][\w.-]*):(?:[ \t]+(.*))?")
NOBODY = re.compile(r"\W*+(?:tbd\b.*|tba|todo|n/a|none|null|nobody|unassigned)?\W*", re.IGNORECASE | re.DOTALL)
_CONTACT = re.compile(r"[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+|(?<![\w/@])@[A-Za-z](?:[\w-]*\w)?(?![\w/-])")


class UnreadableError(Exception):
    """One version of a record cannot be read; says why, without its content."""


def read_leaves(content: bytes, *, markdown: bool) -> dict[str, list[str]]:
    """Read the leaves of a record: dotted key -> texts."""
    body = content.removeprefix(b"\xef\xbb\xbf")
    if markdown:
        head = _HEAD.match(body)
        if not head:
            raise UnreadableError(PLAIN)
        body = head[1]
    try:
        text = body.decode()
        record = _yaml(text)
    except UnicodeDecodeError:
        raise UnreadableError("is not UTF-8") from None
    except yaml.YAMLError:
        lines = [_LINE.fullmatch(line.rstrip()) for line in text.splitlines() if line.strip()]
        if not markdown or None in lines:
            raise UnreadableError("is no valid YAML") from None
        record = {line[1]: (line[2] or "").strip("\"' ") for line in lines if line}
    if not isinstance(record, dict):
        raise UnreadableError("holds no keys")
    leaves: dict[str, list[str]] = {}
    for number, (key, value) in enumerate(_leaves(record)):
        if number > MOST:
            raise UnreadableError(f"holds more than {MOST} values")
        leaves.setdefault(key, []).append(value)
    return leaves


def _yaml(text: str) -> Any:
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):  # the loader itself overflows the stack on deep nesting
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise UnreadableError(_DEEP)
    return yaml.load(text, Loader=_LOADER)  # noqa: S506 - the base loader builds texts, lists and mappings only


def _leaves(value: Any, key: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """Each text under its dotted key; lists and mappings count as well, since aliases can multiply empty ones."""
    if depth > DEEPEST:
        raise UnreadableError(_DEEP)
    yield key, value if isinstance(value, str) else ""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(inner, f"{key}.{name}" if key else str(name), depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner, key, depth + 1)


def texts_of(leaves: dict[str, list[str]], key: str, people: dict[str, str], *, person: bool = False) -> set[str]:
    """The texts of a key, those of keys inside it as `inner=text`."""
    found: set[str] = set()
    for name, texts in leaves.items():
        if key and (name == key or name.startswith(f"{key}.")):
            inner = f"{name[len(key) + 1 :]}=" if name != key and not person else ""
            for text in texts:
                parts = re.split(r"[,;\n]", text) if person else [text]
                said = [person_of(part, people) if person else _plain(part, people) for part in parts]
                found.update(f"{inner}{part}" for part in said if part)
    return found


def _plain(text: str, people: dict[str, str]) -> str:
    bare = text.strip()
    if bare.lower() in ("null", "~", "true", "false"):
        return bare.lower() if bare.lower() in ("true", "false") else ""
    return _CONTACT.sub(lambda contact: person_of(contact[0], people) or "", bare)


def who(name: str) -> str:
    """Fold the spellings of one person: `@handle` and `handle`, `Name <e-mail>` and `Name`."""
    return (re.sub(r"<[^<>]*>", "", name).strip() or name).strip("@<>'\" \t").casefold()


def person_of(name: str, people: dict[str, str]) -> str | None:
    key = who(name)
    return None if NOBODY.fullmatch(key) else people.setdefault(key, f"p{len(people) + 1}")
