"""Text records in a git history: each field change that reached a branch becomes an event.

Two git processes serve a whole read: one lists the changed files of each commit, one hands out their contents.
"""

import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from prodops_analysis.errors import SourceError, some
from prodops_analysis.event_log import FAULT_COLUMNS, RAW, Import, sort_out
from prodops_analysis.settings import GitRecordsSource
from prodops_analysis.sources import git_history as git
from prodops_analysis.sources.git_history import Commit, File
from prodops_analysis.sources.text_records import NOBODY, PLAIN, UnreadableError, person_of, read_leaves, texts_of

_MARKDOWN, _YAML = (".md", ".markdown"), (".yaml", ".yml")
_OTHER = "files are no regular YAML or Markdown files"
_BOT = re.compile(r"(?<![a-z])(?:ro|dependa)?bot(?![a-z])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Version:
    id: str | None
    team: str | None
    values: dict[str, str | None]  # field of the event log -> value


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known so far, while the history is read from its oldest commit on."""

    item_at: dict[str, str] = field(default_factory=dict)  # path -> item, of files that are there
    now: dict[str, _Version] = field(default_factory=dict)  # item -> its version, of items that are there
    item_of_id: dict[str, str] = field(default_factory=dict)
    shown: dict[str, _Version] = field(default_factory=dict)  # item -> what its events say so far
    names: set[str] = field(default_factory=set)  # of all items there ever were
    people: dict[str, str] = field(default_factory=dict)  # person -> pseudonym
    parsed: dict[tuple[str, bool], _Version | str] = field(default_factory=dict)
    keys: Counter[str] = field(default_factory=Counter)
    notes: dict[str, set[str]] = field(default_factory=dict)  # remark -> what it counts
    faults: list[dict[str, Any]] = field(default_factory=list)

    def note(self, remark: str, thing: str) -> None:
        self.notes.setdefault(remark, set()).add(thing)

    def hold(self, item: str, path: str, version: _Version) -> None:
        self.item_at[path] = item
        self.now[item] = version
        self.names.add(item)

    def leave(self, path: str) -> None:
        if item := self.item_at.pop(path, None):
            del self.now[item]


def read(source: GitRecordsSource, *, root: Path) -> Import:
    """Read the changes of records along the first-parent line of a branch.

    `at` is the committer time (UTC) of the commit by which a change reached the branch, `actor` the pseudonym of its
    author (of a merge: of the merged commit), `batch_id` the commit where it touched several items. An item's first
    version gives `created` and its fields with `from_value` missing; so does its return after `deleted`. An item is
    named by the first value of the key `item_id`, else by its first path, and followed through renames and into any
    file with its id once its own is gone. Lists and mappings are joined with `;` in sorted order. Owners, approvers
    and keys in `people` become pseudonyms, as do e-mail addresses and @handles in other text; names within prose are
    not found: do not map prose.

    `faults` names commit, file and reason of each unreadable version; the item keeps its former values. Of a cut
    history, `checks["history cut"]` says since when it is known; what was there by then has no `created` event and
    no actor, and its first state comes from itself.

    Raises SourceError: no git, no repository, no such ref, an incomplete clone, or no record that matches.
    """
    repo = root.resolve() / source.path
    tip = git.find_tip(source, repo)
    when = ("show", "-s", "--no-show-signature", "--format=%ct")
    first = git.oldest_of(repo, tip)
    # the commit itself names its parents even where the history is cut
    is_cut = "\nparent " in git.ask(repo, "cat-file", "commit", first).partition("\n\n")[0]
    known, rows, latest = _Known(), list[dict[str, Any]](), 0
    with git.running(repo, "cat-file", "--batch") as objects:
        for commit in git.commits_of(repo, tip, source.files):
            rows += _events(source, known, commit, objects, cut=is_cut and commit.oid == first)
            if commit.at < latest:
                known.note("commits are dated before one that reached the branch earlier", commit.oid)
            latest = max(latest, commit.at)
    if not rows and not known.faults:
        raise SourceError(
            f"source {source.name!r}: no record in {source.path!r} at {source.ref!r} matches {some(source.files)}; "
            "name YAML files, or Markdown files with front matter, by patterns such as keps/**/kep.yaml"
        )
    frame = pd.DataFrame(rows, columns=list(RAW)).assign(seq=range(len(rows)))
    found = sort_out(
        frame.assign(at=pd.to_datetime(frame["at"], unit="s", utc=True, errors="coerce")), source=source.name
    )
    unread = pd.DataFrame(known.faults, columns=list(FAULT_COLUMNS)).assign(source=source.name)
    faults = [table for table in (found.faults, unread) if len(table)] or [found.faults]
    return Import(
        events=found.events,
        faults=pd.concat(faults, ignore_index=True),
        remarks=tuple(_remarks(source, known)),
        as_of=_instant(git.ask(repo, *when, tip)),
        checks={"history cut": _cut(_instant(git.ask(repo, *when, first)), rows)} if is_cut else {},
    )


def fingerprint(source: GitRecordsSource, *, root: Path) -> str:
    """Return the newest and the oldest known commit of the branch: a deeper clone is other input. Errors as in read."""
    repo = root.resolve() / source.path
    tip = git.find_tip(source, repo)
    return f"{tip} {git.oldest_of(repo, tip)}"


def _instant(seconds: str) -> pd.Timestamp:
    return pd.Timestamp(int(seconds), unit="s", tz="UTC")


def _events(
    source: GitRecordsSource, known: _Known, commit: Commit, objects: subprocess.Popen[bytes], *, cut: bool
) -> Iterator[dict[str, Any]]:
    """Bring what is known up to one commit and give the events by which it differs."""
    author = git.author_of(objects, commit)
    actor = None if cut else person_of(author, known.people)
    kind = "unknown" if cut else "bot" if _BOT.search(author) else "person"
    before = {file.path: known.item_at.get(file.old, "") for file in commit.files}
    touched = dict.fromkeys(filter(None, before.values()))
    held = {item: known.now[item] for item in touched}
    for file in commit.files:
        known.leave(file.old)
    read_now = [(f.path, _version(source, known, f, objects)) for f in commit.files if f.status != "D"]
    # a front matter may move into a file of its own beside the text
    beside = {PurePosixPath(path).parent: before[path] for path, said in read_now if said == PLAIN and before[path]}
    sound = []
    for path, said in read_now:
        if isinstance(said, _Version):
            former = before[path] or beside.get(PurePosixPath(path).parent, "")
            kept = former in held and held[former].id == said.id
            sound.append((0 if kept else 1 if said.id in known.item_of_id else 2, path, said, former))
    # kept ids first: a record that moved is then not taken for the one git paired it with
    for rank, path, said, former in sorted(sound, key=lambda found: found[0]):
        item = _item(known, path, said, former=former, kept=rank == 0, oid=commit.oid)
        known.hold(item, path, said)
        touched[item] = None
    for path, said in read_now:
        if isinstance(said, str):
            _keep(known, path, said, item=before[path], held=held.get(before[path]), oid=commit.oid)
    shared = {"at": commit.at, "actor": actor, "actor_kind": kind}
    batch = commit.oid[:12] if len(touched) > 1 and not cut else None
    for item in touched:
        for event in _differences(known, item, cut=cut):
            yield {"item_id": item, **shared, "batch_id": batch, **event}


def _differences(known: _Known, item: str, *, cut: bool) -> Iterator[dict[str, Any]]:
    before, now = known.shown.pop(item, None), known.now.get(item)
    if not now:
        if before:
            yield {"field": "deleted", "team": before.team}
        return
    known.shown[item] = now
    if not before and not cut:
        yield {"field": "created", "to_value": item, "team": now.team}
    for name, new in now.values.items():
        old = before.values[name] if before else None
        if old != new:
            # a state that is older than the history has no known beginning: it comes from itself
            old = new if cut and name == "state" else old
            yield {"field": name, "from_value": old, "to_value": new, "team": now.team}


def _item(known: _Known, path: str, said: _Version, *, former: str, kept: bool, oid: str) -> str:
    """Name the item of a version: what its file was and still says, else by its id, else what its file was."""
    if former and former not in known.now and (kept or not said.id):
        return former
    same = known.item_of_id.get(said.id or "")
    if same and same not in known.now:
        return same
    if same:
        known.note("files carry the id of an item that stands elsewhere, and are items of their own", path)
    if former and former not in known.now:
        item = former
        known.note("items changed their id and keep their first name", item)
        for old in [id_ for id_, named in known.item_of_id.items() if named == item]:
            del known.item_of_id[old]
    elif said.id and said.id not in known.names:
        item = said.id
    elif path not in known.names or (not said.id and path not in known.now):
        item = path
    else:
        item = f"{path} ({oid[:12]})"
    if said.id:
        known.item_of_id.setdefault(said.id, item)
    return item


def _keep(known: _Known, path: str, reason: str, *, item: str, held: _Version | None, oid: str) -> None:
    """Deal with an unreadable version: its item keeps what it held, unless another file took it over."""
    taken = item in known.now
    if reason == _OTHER or (reason == PLAIN and (not item or taken)):
        known.note(reason, path)
        return
    found = f"{oid[:12]} {path}: {'has no front matter' if reason == PLAIN else reason}"
    fault = {"row": len(known.faults) + 1, "item_id": item or None, "reason": "unreadable version", "found": found}
    known.faults.append(fault)
    if held and not taken:
        known.hold(item, path, held)


def _version(source: GitRecordsSource, known: _Known, file: File, objects: subprocess.Popen[bytes]) -> _Version | str:
    """Read one version of a file, each content once; a text says why it cannot be read."""
    suffix = PurePosixPath(file.path).suffix.lower()
    if suffix not in _MARKDOWN + _YAML or not file.mode.startswith("100"):
        return _OTHER
    key = (file.blob, suffix in _MARKDOWN)
    if key not in known.parsed:
        try:
            known.parsed[key] = _said(source, known, read_leaves(git.content_of(objects, file.blob), markdown=key[1]))
        except UnreadableError as error:
            known.parsed[key] = str(error)
    return known.parsed[key]


def _said(source: GitRecordsSource, known: _Known, leaves: dict[str, list[str]]) -> _Version:
    """Take from a record what the settings declare, people replaced by pseudonyms."""
    declared = _declared(source)
    inside = {key.partition(".")[0] for key in declared if "." in key}
    parents = {key.rpartition(".")[0] for key in declared}
    seen = {key if (top := key.partition(".")[0]) in inside and top not in declared else top for key in leaves}
    known.keys.update(seen - parents)
    values: dict[str, set[str]] = {name: set() for name in source.fields.values()}
    for key, name in source.fields.items():
        person = name in ("owner", "approver") or key in source.people
        values[name] |= texts_of(leaves, key, known.people, person=person)
    item, team = (";".join(sorted(texts_of(leaves, key, known.people))) for key in (source.item_id, source.team))
    joined = {name: ";".join(sorted(texts)) or None for name, texts in values.items()}
    return _Version(None if not item.strip("0") or NOBODY.fullmatch(item) else item, team or None, joined)


def _declared(source: GitRecordsSource) -> set[str]:
    return {key for key in (*source.fields, *source.people, source.item_id, source.team) if key}


def _remarks(source: GitRecordsSource, known: _Known) -> Iterator[str]:
    declared = _declared(source)
    kept = [key for key, _ in known.keys.most_common() if key not in declared]
    # a key is anybody's slip of the pen, and so may be a name
    plain = [key for key in kept if re.fullmatch(r"[A-Za-z][\w .-]{,40}", key)]
    safe = [key for key in plain if not known.people.keys() & key.casefold().split(".")]
    hints = {key: get_close_matches(key, sorted(declared), n=1, cutoff=0.83) for key in safe}
    listed = [
        f"{key} (did you mean {hints[key][0]!r}?)" if hints[key] else key
        for key in sorted(safe, key=lambda k: not hints[k])
    ]
    if len(safe) < len(kept):
        listed.append(f"{len(kept) - len(safe)} that may name people")
    if listed:
        yield f"kept out: keys {some(listed, most=40)}"
    for key in sorted(declared - set(known.keys)):
        near = get_close_matches(key, safe, n=1, cutoff=0.83)
        yield f"no record has the key {key!r}" + (f"; did you mean {near[0]!r}?" if near else "")
    yield from (f"{len(things)} {remark}" for remark, things in sorted(known.notes.items()))


def _cut(since: pd.Timestamp, rows: list[dict[str, Any]]) -> str:
    items = {row["item_id"] for row in rows} - {row["item_id"] for row in rows if row["field"] == "created"}
    return (
        f"the git history is shallow: it is known from {since:%Y-%m-%d} only, and what the {len(items)} items already "
        "there had gone through is unknown; fetch the rest with git fetch --unshallow"
    )
