"""The history of a branch as git tells it: the files each commit changed, and their contents.

Nothing of the repository is run, nothing is fetched, and no configuration alters the outcome.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, cast

from prodops_analysis.errors import SourceError
from prodops_analysis.settings import GitRecordsSource
from prodops_analysis.sources.text_records import UnreadableError

LARGEST = 1_000_000  # bytes; a larger file is no record that somebody typed
_LOG = (  # --raw reaches no pager, filter or driver; the rest overrides what a configuration may say
    "-c", "log.showRoot=true", "log", "--first-parent", "--reverse", "--diff-merges=first-parent", "--raw", "-z",
    "-M", "-l0", "-r", "-O/dev/null", "--no-abbrev", "--no-relative", "--no-show-signature",
    "--ignore-submodules=none", "--encoding=UTF-8", "--format=%H%n%ct%n%P%n%an <%ae>",
)  # fmt: skip
# neither what a hook has set nor the network may change which history is read
_ENVIRONMENT = {"LC_ALL": "C", "GIT_NO_REPLACE_OBJECTS": "1", "GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": ""}


@dataclass(frozen=True, slots=True)
class File:
    status: str  # A, M, T, D or R
    mode: str
    blob: str
    old: str  # differs from path in a rename
    path: str


@dataclass(frozen=True, slots=True)
class Commit:
    oid: str
    at: int  # committer time, seconds since 1970
    parents: tuple[str, ...]
    author: str  # name <e-mail>
    files: list[File] = field(default_factory=list)


def find_tip(source: GitRecordsSource, repo: Path) -> str:
    where = f"source {source.name!r}: {source.path!r}"
    if not shutil.which("git"):
        raise SourceError(f"{where} cannot be read, the program git was not found; install git 2.31 or newer")
    if not repo.is_dir():
        raise SourceError(f"{where} is no folder; clone the repository there, or mend the path of the source")
    try:
        ask(repo, "rev-parse", "--git-dir")
    except SourceError as error:
        raise SourceError(f"{where} is no git repository ({error}); clone it there, or mend the path") from None
    try:
        return ask(repo, "rev-parse", "--verify", "--end-of-options", f"{source.ref}^{{commit}}")
    except SourceError:
        raise SourceError(f"{where} has no commit {source.ref!r}; name one that `git branch --all` lists") from None


def oldest_of(repo: Path, tip: str) -> str:
    return ask(repo, "rev-list", "--first-parent", "--max-parents=0", tip)


def _command(repo: Path, *arguments: str) -> tuple[list[str], dict[str, str]]:
    own = {k: v for k, v in os.environ.items() if not k.startswith("GIT_") or k.startswith("GIT_CONFIG")}
    return ["git", "--no-pager", "-C", str(repo), *arguments], own | _ENVIRONMENT


def ask(repo: Path, *arguments: str) -> str:
    command, env = _command(repo, *arguments)
    done = subprocess.run(command, env=env, capture_output=True, check=False)  # noqa: S603
    if done.returncode:
        raise SourceError(done.stderr.decode(errors="replace").strip().partition("\n")[0] or "git says no more")
    return done.stdout.decode(errors="replace").strip()


@contextmanager
def running(repo: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run git beside us; it has to end well, and is ended where we fail."""
    command, env = _command(repo, *arguments)
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, env=env, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL)  # noqa: S603
    try:
        yield process
        cast(IO[bytes], process.stdin).close()
        if process.wait():
            raise SourceError(
                f"git stopped reading {repo.name!r} half-way; it needs git 2.31 or newer and a whole clone"
            )
    finally:
        process.kill()
        with suppress(BrokenPipeError):
            process.__exit__(None, None, None)


def content_of(objects: subprocess.Popen[bytes], oid: str) -> bytes:
    ask, answer = cast(IO[bytes], objects.stdin), cast(IO[bytes], objects.stdout)
    with suppress(BrokenPipeError):
        ask.write(f"{oid}\n".encode())
        ask.flush()
    head = answer.readline().split()
    if not head:
        raise SourceError(
            "git stopped handing out contents; the clone may be incomplete: clone it again, without --filter"
        )
    if len(head) != 3:
        raise UnreadableError("is missing in the clone")
    size = int(head[2])
    content = answer.read(min(size, LARGEST))
    for start in range(LARGEST, size, LARGEST):
        answer.read(min(LARGEST, size - start))
    answer.read(1)
    if size > LARGEST:
        raise UnreadableError(f"is larger than {LARGEST:,} bytes")
    return content


def author_of(objects: subprocess.Popen[bytes], commit: Commit) -> str:
    """The author of a change: of a merge, the author of what was merged, as robots and maintainers press the button."""
    if len(commit.parents) > 1:
        with suppress(UnreadableError):
            found = re.search(rb"^author (.*>) ", content_of(objects, commit.parents[1]), re.MULTILINE)
            return found[1].decode(errors="replace") if found else commit.author
    return commit.author


def commits_of(repo: Path, tip: str, patterns: list[str]) -> Iterator[Commit]:
    """The commits of the first-parent line that changed a matching file, oldest first."""
    with running(repo, *_LOG, tip, "--", *(f":(glob){pattern}" for pattern in patterns)) as log:
        commit = None
        parts = _parts(cast(IO[bytes], log.stdout))
        for part in parts:
            if not part.lstrip("\n").startswith(":"):
                if commit:
                    yield commit
                oid, at, parents, author = part.strip("\n").split("\n")
                commit = Commit(oid, int(at), tuple(parents.split()), author)
            elif commit:
                _, mode, _, blob, status = part.split(" ")
                old = next(parts)
                path = next(parts) if status[0] == "R" else old
                commit.files.append(File(status[0], mode, blob, old, path))
        if commit:
            yield commit


def _parts(stream: IO[bytes]) -> Iterator[str]:
    rest = b""
    while block := stream.read(1 << 16):
        *whole, rest = (rest + block).split(b"\0")
        yield from (part.decode(errors="backslashreplace") for part in whole)
