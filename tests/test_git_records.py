"""Reading a git history of text records: what becomes an event, who is named, what is refused."""

import os
import random
import re
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

import pandas as pd
import pytest
import yaml

from prodops_analysis.errors import SourceError
from prodops_analysis.event_log import SCHEMA
from prodops_analysis.settings import GitRecordsSource
from prodops_analysis.sources.git_records import fingerprint, read

AUTHOR = ("Ada Quist", "ada.quist@example.org")
START = 1_700_000_000  # 2023-11-14 22:13:20 UTC; each commit comes an hour after the one before


class Repo:
    """A repository in which every date and author is given."""

    def __init__(self, path: Path, *, bare: bool = False):
        self.path, self.commits = path, 0
        path.mkdir(parents=True)
        self.git("init", "-q", "-b", "main", *(["--bare"] if bare else []))

    def git(self, *arguments: str, author: tuple[str, str] = AUTHOR, at: int = START) -> str:
        """Run git without any configuration but ours."""
        who = {"GIT_AUTHOR_NAME": author[0], "GIT_AUTHOR_EMAIL": author[1], "GIT_AUTHOR_DATE": f"{at - 99} +0000"}
        by = {"GIT_COMMITTER_NAME": "x", "GIT_COMMITTER_EMAIL": "x@x", "GIT_COMMITTER_DATE": f"{at} +0000"}
        clean = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        env = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")} | who | by | clean
        done = subprocess.run(["git", *arguments], cwd=self.path, env=env, capture_output=True, check=True)
        return done.stdout.decode(errors="replace").strip()

    def commit(self, files=None, *, delete=(), move=(), author=AUTHOR, at=None, merge=()) -> str:
        """Write, move and delete files, commit them, and return the commit."""
        for old, new in move:
            (self.path / new).parent.mkdir(parents=True, exist_ok=True)
            (self.path / old).rename(self.path / new)
        for name in delete:
            (self.path / name).unlink()
        for name, content in (files or {}).items():
            (self.path / name).parent.mkdir(parents=True, exist_ok=True)
            (self.path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        self.git("add", "-A")
        self.commits += 1
        when = START + 3600 * (self.commits - 1) if at is None else at
        self.git("commit", "-q", "--allow-empty", "-m", "change", *merge, author=author, at=when)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    """An empty repository."""
    return Repo(tmp_path / "repo")


FIELDS = {"status": "state", "owner": "owner", "milestone.beta": "target", "tags": "x.tags"}


def source(repo: Repo | Path, **changed) -> GitRecordsSource:
    """A source with our usual fields."""
    path = repo if isinstance(repo, Path) else repo.path
    given = {"kind": "git_records", "name": "records", "path": str(path), "files": ["r/**/*.yaml"], "fields": FIELDS}
    return GitRecordsSource(**(given | changed))


def take(repo: Repo | Path, **changed):
    """Read a repository and hold the events to the contract."""
    made = read(source(repo, **changed), root=Path("/"))
    SCHEMA.validate(made.events)
    return made


def events(made, *columns: str) -> list[tuple]:
    """Rows of the log in order of time, as tuples, with None for what is missing."""
    log = made.events.sort_values(["at", "item_id", "seq"])
    shown = log[list(columns or ("item_id", "field", "from_value", "to_value"))].astype(object)
    return list(shown.where(shown.notna(), None).itertuples(index=False, name=None))


def everything(made) -> str:
    """All text an import holds."""
    frames = [made.events.to_csv(), made.faults.to_csv()]
    return "\n".join([*frames, *made.remarks, *made.checks, *made.checks.values()]).casefold()


def text(**values) -> str:
    """A record as YAML, long enough that a rename is seen as one."""
    return yaml.safe_dump(values, sort_keys=False) + "# a comment that stays\n" * 20


# ---- what becomes an event


def test_first_version_change_and_deletion(repo):
    """A record is created with its fields, changes field by field at committer time, and is deleted."""
    repo.commit({"r/a.yaml": "status: draft\nmilestone: {beta: 1.20}\n"})
    repo.commit({"r/a.yaml": "status: active\nmilestone: {beta: 1.20}\n"})
    repo.commit({"r/a.yaml": "status: active\nmilestone: {beta: }\n"})
    repo.commit(delete=["r/a.yaml"])
    made = take(repo)

    assert events(made) == [
        ("r/a.yaml", "created", None, "r/a.yaml"),
        ("r/a.yaml", "state", None, "draft"),
        ("r/a.yaml", "target", None, "1.20"),
        ("r/a.yaml", "state", "draft", "active"),
        ("r/a.yaml", "target", "1.20", None),
        ("r/a.yaml", "deleted", None, None),
    ]
    hours = [(at.timestamp() - START) / 3600 for at in made.events["at"]]
    assert hours == [0, 0, 0, 1, 2, 3]
    assert pd.Timestamp(START + 3 * 3600, unit="s", tz="UTC") == made.as_of
    assert (len(made.faults), made.checks) == (0, {})


@pytest.mark.parametrize(
    ("typed", "read_as"),
    [
        pytest.param("1.20", "1.20", id="number-as-typed"),
        pytest.param("2026-01-31", "2026-01-31", id="date-as-typed"),
        pytest.param("yes", "yes", id="yes-is-text"),
        pytest.param("True", "true", id="boolean"),
        pytest.param("'  in review '", "in review", id="stripped"),
        pytest.param("~", None, id="tilde"),
        pytest.param("null", None, id="null"),
        pytest.param("", None, id="empty"),
        pytest.param("[]", None, id="empty-list"),
        pytest.param("[b, a, b]", "a;b", id="list"),
        pytest.param("{b: 1, a: 2}", "a=2;b=1", id="mapping"),
        pytest.param("[{name: x, on: [p, q]}]", "name=x;on=p;on=q", id="nested"),
        pytest.param("!!python/object:os.system x", "x", id="tag-builds-nothing"),
    ],
)
def test_values(repo, typed, read_as):
    """A value is read as it was typed: stripped, null as missing, a list sorted."""
    repo.commit({"r/a.yaml": f"status: {typed}\nother: x\n"})

    values = [to for _, field, _, to in events(take(repo)) if field == "state"]

    assert ([read_as] if read_as else []) == values


def test_reordered_list_is_no_event(repo):
    """A list in another order says the same; another member is a change."""
    repo.commit({"r/a.yaml": "tags: [a, b, c]\n"})
    repo.commit({"r/a.yaml": "tags:\n- c\n- a\n- b\n"})
    repo.commit({"r/a.yaml": "tags: [c, a]\n"})

    assert [e[2:] for e in events(take(repo)) if e[1] == "x.tags"] == [(None, "a;b;c"), ("a;b;c", "a;c")]


def test_two_keys_of_one_field(repo):
    """A key that got another name stays the same field."""
    repo.commit({"r/a.yaml": "status: active\n"})
    repo.commit({"r/a.yaml": "state: active\n"})

    made = take(repo, fields={"status": "state", "state": "state"})

    assert [e[1:3] for e in events(made)] == [("created", None), ("state", None)]


def test_team_at_the_time(repo):
    """An event carries the team that the record named then."""
    repo.commit({"r/a.yaml": "status: a\nteam: red\n"})
    repo.commit({"r/a.yaml": "status: b\nteam: blue\n"})
    repo.commit(delete=["r/a.yaml"])

    made = take(repo, team="team")

    assert events(made, "field", "team") == [
        ("created", "red"),
        ("state", "red"),
        ("state", "blue"),
        ("deleted", "blue"),
    ]


def test_markdown_front_matter(repo):
    """Of Markdown the front matter counts; text without one is no record, and is counted as such."""
    repo.commit({"r/a.md": "---\nstatus: draft\n---\n# status: not this\n", "r/b.md": "# prose\n", "r/c.txt": "x"})
    repo.commit({"r/a.md": "\ufeff---\r\nstatus: active\r\n---\r\nmore\r\n"})
    repo.commit({"r/a.md": "---\nstatus: done: at last\nowner: @quist\n---\n"})
    made = take(repo, files=["r/*"])

    assert [to for _, field, _, to in events(made) if field == "state"] == ["draft", "active", "done: at last"]
    assert len(made.faults) == 0
    assert "1 Markdown files without front matter are no records" in made.remarks
    assert "1 files are no regular YAML or Markdown files" in made.remarks


def test_patterns(repo):
    """A pattern matches from the top of the repository, ** over folders and * within one."""
    paths = ("r/k.yaml", "r/x/k.yaml", "r/x/y/k.yaml", "q/k.yaml", "k.yaml")
    repo.commit(dict.fromkeys(paths, "status: a\n"))

    assert {"r/k.yaml", "r/x/k.yaml", "r/x/y/k.yaml"} == {e[0] for e in events(take(repo, files=["r/**/k.yaml"]))}
    assert {"r/x/k.yaml"} == {e[0] for e in events(take(repo, files=["r/*/k.yaml"]))}


# ---- the same item under other paths and ids


def test_rename_is_followed(repo):
    """Without an id key an item keeps the path of its first version."""
    repo.commit({"r/a.yaml": text(status="draft")})
    repo.commit({}, move=[("r/a.yaml", "r/new/b.yaml")])
    repo.commit({"r/new/b.yaml": text(status="active")})

    assert events(take(repo)) == [
        ("r/a.yaml", "created", None, "r/a.yaml"),
        ("r/a.yaml", "state", None, "draft"),
        ("r/a.yaml", "state", "draft", "active"),
    ]


def test_paths_that_change_hands(repo):
    """A new file at the first path of an item that moved away is another item; a deleted item may return."""
    repo.commit({"r/a.yaml": text(status="one")})
    repo.commit(move=[("r/a.yaml", "r/b.yaml")])
    second = repo.commit({"r/a.yaml": "status: two\n"})
    repo.commit(delete=["r/b.yaml"])
    repo.commit({"r/c.yaml": "status: three\n"})
    repo.commit(delete=["r/c.yaml"])
    repo.commit({"r/c.yaml": "status: three\n"})
    made = take(repo)

    other = f"r/a.yaml ({second[:12]})"
    assert [e[1] for e in events(made) if e[0] == "r/a.yaml"] == ["created", "state", "deleted"]
    assert [e[1] for e in events(made) if e[0] == other] == ["created", "state"]
    assert [e[1] for e in events(made) if e[0] == "r/c.yaml"] == ["created", "state", "deleted", "created", "state"]


def test_move_by_id(repo):
    """A file that vanishes and another with its id in one commit are a move, however much the text changed."""
    repo.commit({"r/x/a.yaml": "id: '7'\nstatus: draft\n"})
    repo.commit({"r/y/b.md": "---\nstatus: active\nid: 7\n---\n" + "prose\n" * 99}, delete=["r/x/a.yaml"])
    made = take(repo, item_id="id", files=["r/**/*"])

    assert [e[:2] for e in events(made)] == [("7", "created"), ("7", "state"), ("7", "state")]


def test_crossed_move_by_id(repo):
    """Two records that swap their places keep their own history, as the id outranks what git pairs."""
    repo.commit({"r/a.yaml": text(id="1", status="one"), "r/b.yaml": text(id="2", status="two")})
    repo.commit({"r/a.yaml": text(id="2", status="two"), "r/b.yaml": text(id="1", status="one")})
    repo.commit({"r/b.yaml": text(id="1", status="more")})
    made = take(repo, item_id="id")

    assert [e for e in events(made) if e[2]] == [("1", "state", "one", "more")]
    assert {"1", "2"} == {e[0] for e in events(made)}


def test_return_by_id(repo):
    """An item that was deleted and comes back elsewhere by its id is the same item, created again."""
    repo.commit({"r/a.yaml": "id: 7\nstatus: draft\n"})
    repo.commit(delete=["r/a.yaml"])
    repo.commit({"r/b.yaml": "id: 7\nstatus: draft\n"})
    made = take(repo, item_id="id")

    assert [e[1] for e in events(made) if e[0] == "7"] == ["created", "state", "deleted", "created", "state"]


def test_copied_id_is_not_the_same_item(repo):
    """A file with the id of an item that stands elsewhere untouched is its own item, and is remarked."""
    repo.commit({"r/a.yaml": "id: 7\nstatus: draft\n"})
    repo.commit({"r/b.yaml": "id: 7\nstatus: done\n"})
    repo.commit({"r/a.yaml": "id: 7\nstatus: active\n", "r/b.yaml": "id: 8\nstatus: done\n"})
    made = take(repo, item_id="id")

    assert [(e[0], e[3]) for e in events(made) if e[1] == "state"] == [
        ("7", "draft"),
        ("r/b.yaml", "done"),
        ("7", "active"),
    ]
    assert any(remark.startswith("1 files carry the id of an item") for remark in made.remarks)


def test_copied_id_when_both_are_touched(repo):
    """Two files with one id stay two items when one commit touches both."""
    repo.commit({"r/m.yaml": "id: 7\nstatus: draft\n"})
    repo.commit({"r/c.yaml": "id: 7\nstatus: new\n"})
    repo.commit({"r/c.yaml": "id: 7\nstatus: newer\n", "r/m.yaml": "id: 7\nstatus: active\n"})
    made = take(repo, item_id="id")

    assert [e for e in events(made) if e[2]] == [
        ("7", "state", "draft", "active"),
        ("r/c.yaml", "state", "new", "newer"),
    ]


def test_id_outranks_likeness(repo):
    """A moved record is found by its id even where git takes a new, similar file for it."""
    repo.commit({"r/z.yaml": text(id="1", status="draft")})
    repo.commit({"r/a.yaml": text(id="9", status="new"), "r/b.yaml": "id: 1\nstatus: active\n"}, delete=["r/z.yaml"])
    made = take(repo, item_id="id")

    assert [e[:2] + e[3:] for e in events(made) if e[1] == "state"] == [
        ("1", "state", "draft"),
        ("1", "state", "active"),
        ("9", "state", "new"),
    ]


def test_id_that_comes_later(repo):
    """A draft that gets its number stays the item it was, and a placeholder is no number."""
    repo.commit({"r/a.yaml": "id: TBD\nstatus: draft\n", "r/b.yaml": "id: '0000'\nstatus: draft\n"})
    repo.commit({"r/a.yaml": "id: 7\nstatus: active\n"})
    repo.commit({"r/c/a.yaml": "id: 7\nstatus: done\n"}, delete=["r/a.yaml"])
    made = take(repo, item_id="id")

    assert [e[3] for e in events(made) if e[:2] == ("r/a.yaml", "state")] == ["draft", "active", "done"]
    assert {"r/a.yaml", "r/b.yaml"} == {e[0] for e in events(made)}


def test_an_id_given_up_is_free(repo):
    """An id that an item gave up for another one may go to a new item, which is not the old one."""
    repo.commit({"r/a.yaml": "id: 7\nstatus: draft\n"})
    repo.commit({"r/a.yaml": "id: 700\nstatus: draft\n"})
    repo.commit(delete=["r/a.yaml"])
    repo.commit({"r/b.yaml": "id: 7\nstatus: active\n"})
    made = take(repo, item_id="id")

    assert [e[0] for e in events(made) if e[1] == "created"] == ["7", "r/b.yaml"]


def test_links_are_no_records(repo):
    """A symbolic link is not read, whatever its name."""
    repo.commit({"r/a.yaml": "status: draft\n"})
    (repo.path / "r/b.yaml").symlink_to("a.yaml")
    repo.commit()
    made = take(repo)

    assert {e[0] for e in events(made)} == {"r/a.yaml"}
    assert "1 files are no regular YAML or Markdown files" in made.remarks


def test_broken_file_taken_over(repo):
    """Where a file breaks as another one takes over its id, the item goes on in the other."""
    repo.commit({"r/a.yaml": "id: 7\nstatus: draft\n"})
    repo.commit({"r/a.yaml": "id: [", "r/b.yaml": "id: 7\nstatus: active\n"})
    repo.commit({"r/b.yaml": "id: 7\nstatus: done\n"})
    made = take(repo, item_id="id")

    assert [e[3] for e in events(made) if e[1] == "state"] == ["draft", "active", "done"]
    assert len(made.faults) == 1


def test_front_matter_moves_beside_the_text(repo):
    """A head that moves out of the text into a file of its own in the same folder stays the same item."""
    repo.commit({"r/a/README.md": "---\nstatus: draft\n---\nprose\n"})
    repo.commit({"r/a/README.md": "prose\n", "r/a/kep.yaml": "status: active\n"})
    repo.commit({"r/a/README.md": "more prose\n"})
    made = take(repo, files=["r/**/*"])

    assert [e for e in events(made) if e[2]] == [("r/a/README.md", "state", "draft", "active")]
    assert len(made.faults) == 0


# ---- commits


def test_batch(repo):
    """Only a commit that touches several items is a batch, whichever of their fields it touches."""
    repo.commit({"r/a.yaml": "status: a\n"})
    batch = repo.commit({"r/a.yaml": "status: b\n", "r/b.yaml": "status: b\n"})
    quiet = repo.commit({"r/a.yaml": "status: c\n", "r/b.yaml": "status: b\nunknown: 1\n"})

    batches = [e[1] for e in events(take(repo), "field", "batch_id") if e[0] == "state"]

    assert [None, batch[:12], batch[:12], quiet[:12]] == batches


def test_merge_counts_when_it_reaches_the_branch(repo):
    """Work on a side branch is one change at the merge, by the author of what was merged."""
    repo.commit({"r/a.yaml": "status: a\n"})
    repo.git("checkout", "-q", "-b", "side")
    repo.commit({"r/a.yaml": "status: b\n"}, author=("Bo Dahl", "bo@example.org"))
    repo.commit({"r/a.yaml": "status: c\n"}, author=("Bo Dahl", "bo@example.org"))
    repo.git("checkout", "-q", "main")
    repo.commit({"r/other.txt": "x"})
    repo.git("merge", "-q", "--no-ff", "side", author=("merge-robot", "r@x"), at=START + 9 * 3600)
    made = take(repo)

    assert [e[2:] for e in events(made) if e[2]] == [("a", "c")]
    last = made.events.iloc[-1]
    assert (int(last["at"].timestamp()), last["actor"], last["actor_kind"]) == (START + 9 * 3600, "p2", "person")
    assert [e[3] for e in events(take(repo, ref="side")) if e[1] == "state"] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("name", "mail", "kind"),
    [
        ("renovate[bot]", "x@example.org", "bot"),
        ("release-bot", "x@example.org", "bot"),
        ("CI", "bot@example.org", "bot"),
        ("ci-robot", "x@example.org", "bot"),
        ("dependabot", "x@example.org", "bot"),
        ("Ida Botha", "ida@example.org", "person"),
        ("Jo Talbot", "talbot@example.org", "person"),
        ("abbot", "abbot@example.org", "person"),
    ],
)
def test_kind_of_actor(repo, name, mail, kind):
    """An author who calls itself a bot is one; a name that holds the syllable is not."""
    repo.commit({"r/a.yaml": "status: a\n"}, author=(name, mail))

    assert {kind} == set(take(repo).events["actor_kind"])


def test_dates_that_run_backwards_are_remarked(repo):
    """A commit dated before its parent keeps its date and is counted."""
    repo.commit({"r/a.yaml": "status: a\n"}, at=START + 9999)
    repo.commit({"r/a.yaml": "status: b\n"}, at=START)
    made = take(repo)

    assert "1 commits are dated before one that reached the branch earlier" in made.remarks
    assert {START, START + 9999} == {int(at.timestamp()) for at in made.events["at"]}


# ---- people


def test_people_are_pseudonyms(repo):
    """One numbering over authors and records; no name, e-mail or handle is left anywhere."""
    record = (
        "status: ask @Cleo or dora@example.org\nowner: ['@Cleo', Ada Quist]\nlead: cleo, Bo Dahl <bo@example.org>\n"
    )
    repo.commit({"r/a.yaml": record})
    repo.commit({"r/a.yaml": "status: x\nowner: TBD\nlead: ['@bo dahl', '@org/team']\nrota: {erin: yes}\n"})
    repo.commit({"r/a.yaml": "owner: '@Cleo dora@example.org\n", "r/b.yaml": "Bo Dahl: yes\nfay@example.org: 1\n"})
    made = take(repo, fields=FIELDS | {"lead": "x.lead"}, people=["lead"])

    assert [e[1:] for e in events(made) if e[0] == "r/a.yaml"][1:] == [
        ("state", None, "ask p2 or p3"),
        ("owner", None, "p1;p2"),
        ("x.lead", None, "p2;p4"),
        ("state", "ask p2 or p3", "x"),
        ("owner", "p1;p2", None),
        ("x.lead", "p2;p4", "p4;p5"),
    ]
    assert set(made.events["actor"]) == {"p1"}
    assert len(made.faults) == 1
    assert "kept out: keys rota, 2 that may name people" in made.remarks
    for name in ("cleo", "ada quist", "quist", "dahl", "dora", "erin", "fay", "example.org", "org/team"):
        assert name not in everything(made)


def test_a_person_is_one_person(repo):
    """`@handle`, `handle`, `Name` and `Name <e-mail>` in any case are one; placeholders are nobody."""
    repo.commit(
        {"r/a.yaml": "owner: ['@Kit', kit, KIT, TBD, '@tbd', 'TBD (ask)', n/a, '', '?', Kit <k@example.org>]\n"}
    )

    assert [e[3] for e in events(take(repo)) if e[1] == "owner"] == ["p2"]


def test_handles_in_other_values(repo):
    """A handle or e-mail in any value is replaced; the name of a team is not one."""
    repo.commit({"r/a.yaml": "status: with @kit and kit@example.org\ntags: ['@org/kit-leads', 'v@2']\n"})

    assert [e[3] for e in events(take(repo)) if e[1] != "created"] == ["with p2 and p3", "@org/kit-leads;v@2"]


# ---- faults and remarks


CHAIN = "a0: &a0 [x]\n" + "".join(f"a{n + 1}: &a{n + 1} [*a{n}]\n" for n in range(5_000))
BOMB = "".join(f"{b}: &{b} [{', '.join(['*' + a] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True))


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        pytest.param("a.yaml", "status: [", "is no valid YAML", id="yaml"),
        pytest.param("a.yaml", "status: a\n---\nstatus: b\n", "is no valid YAML", id="two-documents"),
        pytest.param("a.yaml", "just text", "holds no keys", id="text"),
        pytest.param("a.yaml", b"status: caf\xe9\n", "is not UTF-8", id="latin-1"),
        pytest.param("a.yaml", "status: a\n#" + "x" * 1_100_000, "is larger than 1,000,000 bytes", id="huge"),
        pytest.param("a.yaml", "status: " + "[" * 400_000, "is nested more than 50 levels deep", id="deep"),
        pytest.param("a.yaml", "a: &a [x]\n" + BOMB, "holds more than 10000 values", id="aliases"),
        pytest.param("a.yaml", "a: &a []\n" + BOMB, "holds more than 10000 values", id="empty-aliases"),
        pytest.param("a.yaml", CHAIN, "is nested more than 50 levels deep", id="chained-aliases"),
        pytest.param("a.yaml", "status: &a [*a]\n", "is no valid YAML", id="endless-alias"),
        pytest.param("a.md", "# prose\n", "has no front matter", id="no-head"),
        pytest.param("a.md", "---\nstatus: x\nprose\n", "has no front matter", id="open-head"),
        pytest.param("a.md", "---\n- a\n  b: [\n---\n", "is no valid YAML", id="bad-head"),
    ],
)
def test_unreadable_version(repo, name, content, reason):
    """A version that cannot be read is a fault with commit and file; the item keeps its values."""
    good = "---\nstatus: {}\n---\n" if name.endswith(".md") else "status: {}\n"
    repo.commit({f"r/{name}": good.format("draft")})
    broken = repo.commit({f"r/{name}": content})
    repo.commit({f"r/{name}": good.format("active")})
    made = take(repo, files=["r/*"])

    assert [e[2:] for e in events(made) if e[1] == "state"] == [(None, "draft"), ("draft", "active")]
    fault = made.faults.iloc[0]
    assert (1, "records", f"r/{name}", "unreadable version") == (
        len(made.faults), fault["source"], fault["item_id"], fault["reason"],
    )  # fmt: skip
    assert f"{broken[:12]} r/{name}: {reason}" == fault["found"]
    assert fault["row"] == 1


def test_unreadable_first_version_and_deletion(repo):
    """An item begins with its first readable version; deleting a broken file deletes the item."""
    repo.commit({"r/a.yaml": "status: [", "r/b.yaml": "status: b"})
    repo.commit({"r/a.yaml": "status: a\n", "r/b.yaml": "status: ["})
    repo.commit(delete=["r/b.yaml"])
    made = take(repo)

    assert [e[:2] for e in events(made)] == [
        ("r/b.yaml", "created"),
        ("r/b.yaml", "state"),
        ("r/a.yaml", "created"),
        ("r/a.yaml", "state"),
        ("r/b.yaml", "deleted"),
    ]
    assert made.faults["item_id"].isna().tolist() == [True, False]


def test_only_unreadable_versions(repo):
    """A history without one readable version gives faults and an empty log."""
    repo.commit({"r/a.yaml": "status: ["})
    made = take(repo)

    assert (len(made.events), len(made.faults)) == (0, 1)


def test_a_field_the_log_does_not_know(repo):
    """A field that the event log does not know is a fault of each event, not lost."""
    repo.commit({"r/a.yaml": "status: a\nsize: 3\n"})
    made = take(repo, fields={"status": "state", "size": "weight"})

    assert made.faults["reason"].tolist() == ["unknown field"]


def test_remarks_on_keys(repo):
    """Keys left out are listed once, slips of the pen near a declared key with a hint."""
    repo.commit({"r/a.yaml": "status: a\ntitle: x\nmilestone: {beta: 1, betta: 2, stable: 3}\nextra: {deep: 1}\n"})
    repo.commit({"r/a.yaml": "stauts: a\ntitle: y\n"})
    made = take(repo)
    kept, *others = made.remarks

    assert "kept out: keys milestone.betta (did you mean 'milestone.beta'?), stauts (did you mean 'status'?)" in kept
    assert {"title", "milestone.stable", "extra"} == set(re.split(", ", kept.split("?), ")[-1]))
    assert others == ["no record has the key 'owner'", "no record has the key 'tags'"]


# ---- a history that is cut


def test_shallow_clone(repo, tmp_path):
    """Of a shallow clone it is said since when it is known, and nothing there by then looks new."""
    repo.commit({"r/a.yaml": "status: a\nowner: kit\n"})
    repo.commit({"r/b.yaml": "status: a\n"})
    repo.commit({"r/a.yaml": "status: b\nowner: kit\n"})
    repo.commit({"r/a.yaml": "status: c\nowner: kit\n", "r/c.yaml": "status: a\n"})
    repo.git("clone", "-q", "--depth", "2", repo.path.as_uri(), str(tmp_path / "shallow"))
    made = take(tmp_path / "shallow")

    assert list(made.checks) == ["history cut"]
    assert "known from 2023-11-15 only" in made.checks["history cut"]
    assert "the 2 items already" in made.checks["history cut"]
    assert events(made) == [
        ("r/a.yaml", "state", "b", "b"),
        ("r/a.yaml", "owner", None, "p1"),
        ("r/b.yaml", "state", "a", "a"),
        ("r/a.yaml", "state", "b", "c"),
        ("r/c.yaml", "created", None, "r/c.yaml"),
        ("r/c.yaml", "state", None, "a"),
    ]
    before = made.events[made.events["at"] == made.events["at"].min()]
    assert {"unknown"} == set(before["actor_kind"])
    assert before[["actor", "batch_id"]].isna().all(axis=None)


def test_graft(repo):
    """A history cut by a graft is as cut as a shallow one."""
    repo.commit({"r/a.yaml": "status: a\n"})
    last = repo.commit({"r/a.yaml": "status: b\n"})
    (repo.path / ".git/shallow").write_text(f"{last}\n")

    assert list(take(repo).checks) == ["history cut"]


def test_replaced_commits_are_ignored(repo):
    """A replacement of a commit in one clone does not change what happened."""
    repo.commit({"r/a.yaml": "status: a\n"})
    last = repo.commit({"r/a.yaml": "status: b\n"})
    before = take(repo)
    repo.git("replace", "--graft", last)

    pd.testing.assert_frame_equal(before.events, take(repo).events)


# ---- what is refused


def test_bare_repository_and_relative_path(repo, tmp_path):
    """A bare clone under the root reads like the repository itself."""
    repo.commit({"r/a.yaml": "status: a\n"})
    repo.git("clone", "-q", "--bare", str(repo.path), str(tmp_path / "bare.git"))
    made = read(source(repo, path="bare.git"), root=tmp_path)

    pd.testing.assert_frame_equal(take(repo).events, made.events)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        pytest.param({"path": "nowhere"}, "'nowhere' is no folder; clone the repository there", id="no-folder"),
        pytest.param({"path": "plain"}, r"'plain' is no git repository \(fatal: .*clone it there", id="no-repository"),
        pytest.param({"ref": "nope"}, "no commit 'nope'; name one that `git branch", id="no-ref"),
        pytest.param({"ref": "--all"}, "no commit '--all'", id="option-as-ref"),
        pytest.param({"ref": "-h"}, "no commit '-h'", id="help-as-ref"),
        pytest.param({"ref": ""}, "no commit ''", id="empty-ref"),
        pytest.param({"files": ["s/*.yaml"]}, r"no record in 'repo' at 'HEAD' matches s/\*.yaml; name", id="no-file"),
        pytest.param({"files": ["--output=x"]}, "matches --output=x", id="option-as-pattern"),
        pytest.param({"files": ["r/*.md"]}, "no record", id="prose-only"),
    ],
)
def test_refusals(repo, tmp_path, changed, said):
    """What cannot be read is named, with what to do."""
    repo.commit({"r/a.yaml": "status: a\n", "r/a.md": "prose\n"})
    (tmp_path / "plain").mkdir()

    with pytest.raises(SourceError, match=f"(?s){said}"):
        read(source(repo, **({"path": "repo"} | changed)), root=tmp_path)


def test_no_git(repo, monkeypatch):
    """Without git the error says what to install."""
    monkeypatch.setenv("PATH", "")

    with pytest.raises(SourceError, match=r"'records'.*git was not found; install git"):
        take(repo)


def test_repository_without_commits(repo):
    """A repository without commits has no such ref."""
    with pytest.raises(SourceError, match="no commit 'HEAD'"):
        take(repo)


def test_missing_contents(repo):
    """A clone that lacks a content names the version; nothing is fetched."""
    repo.commit({"r/a.yaml": "status: a\n"})
    repo.commit({"r/a.yaml": "status: b\n"})
    oid = repo.git("rev-parse", "HEAD:r/a.yaml")
    (repo.path / ".git/objects" / oid[:2] / oid[2:]).unlink()
    made = take(repo)

    assert made.faults["found"].iloc[0].endswith("r/a.yaml: is missing in the clone")


def test_partial_clone(repo, tmp_path):
    """A clone without contents is refused; its contents are not fetched behind the user's back."""
    repo.commit({"r/a.yaml": "status: a\n"})
    repo.commit({"r/a.yaml": "status: b\n"})
    repo.git("config", "uploadpack.allowFilter", "true")
    repo.git("clone", "-q", "--bare", "--filter=blob:none", repo.path.as_uri(), str(tmp_path / "partial"))

    with pytest.raises(SourceError, match=r"without --filter|whole clone"):
        take(tmp_path / "partial")


@pytest.mark.parametrize("character", "a@<!.- ")
def test_long_values_take_no_time(repo, character):
    """A long run of one character, in any place, is read in a moment."""
    run = character * 400_000
    repo.commit({"r/a.yaml": yaml.safe_dump({"status": f"x{run}x", "owner": f"{run}x"})})
    start = time.perf_counter()
    made = take(repo)

    assert len(made.faults) == 0
    assert time.perf_counter() - start < 15  # a second as it is; a pattern that tries every start needs minutes


def test_dash_path(tmp_path):
    """A path that begins with a dash is a path."""
    dashed = Repo(tmp_path / "--help")
    dashed.commit({"r/a.yaml": "status: a\n"})

    assert len(read(source(dashed, path="--help"), root=tmp_path).events) == 2


HOSTILE = {
    "log.showSignature": "true", "log.showRoot": "false", "log.mailmap": "true", "core.quotePath": "true",
    "diff.renames": "false", "diff.renameLimit": "1", "diff.relative": "true", "color.ui": "always",
    "color.diff": "always", "format.pretty": "oneline", "log.decorate": "full", "log.diffMerges": "off",
    "core.abbrev": "4", "log.abbrevCommit": "true", "i18n.logOutputEncoding": "latin1", "diff.external": "false",
    "diff.noprefix": "true", "log.follow": "true", "core.pager": "false", "diff.orderFile": "order",
}  # fmt: skip


def test_configuration_changes_nothing(repo, monkeypatch):
    """Neither a configuration nor what a hook sets alters what is read."""
    names = ["r/ä b.yaml", "r/m.yaml", "r/z.yaml"]
    repo.commit({name: text(status=name, owner=["Åse Ö", name]) for name in names}, author=("Åse Ö", "ase@example.org"))
    moved = {f"r/new/{number}.yaml": text(status=name, owner=name) for number, name in enumerate(names)}
    repo.commit(moved, delete=names)
    before = take(repo)
    for key, value in HOSTILE.items():
        repo.git("config", key, value)
    (repo.path / "order").write_text("r/z.yaml\n")
    (repo.path / ".mailmap").write_text("Other <ada.quist@example.org>\n")
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("GIT_LITERAL_PATHSPECS", "1")

    after = take(repo)
    below = take(repo.path / "r", files=["**/*.yaml"])

    assert set(before.events["item_id"]) == set(names)
    assert before.events.loc[before.events["field"] == "owner", "to_value"].tolist()[:2] == ["p1;p2", "p2"]
    pd.testing.assert_frame_equal(before.events, after.events)
    pd.testing.assert_frame_equal(before.events, below.events)


def test_nothing_of_the_repository_runs(repo):
    """No filter, driver or hook of the repository is run, even where it asks for it."""
    repo.commit({"r/a.yaml": "status: a\n", ".gitattributes": "* filter=f diff=f\n"})
    trap = repo.path.parent / "ran"
    for key in (
        "filter.f.smudge",
        "filter.f.clean",
        "diff.f.textconv",
        "diff.f.command",
        "core.fsmonitor",
        "core.pager",
    ):
        repo.git("config", key, f"touch {trap}; cat")
    take(repo)

    assert not trap.exists()


# ---- the whole


def test_reading_twice_gives_the_same(repo):
    """Two reads are equal, and a longer history repeats the shorter one."""
    repo.commit({"r/a.yaml": text(status="a", owner="kit"), "r/b.yaml": "status: a\nowner: [bo, kit]\n"})
    repo.commit(move=[("r/a.yaml", "r/c.yaml")])
    first, second = take(repo), take(repo)
    repo.commit({"r/b.yaml": "status: b\nowner: dora\n"}, author=("Dora", "d@example.org"))
    longer = take(repo)

    pd.testing.assert_frame_equal(first.events, second.events)
    assert (first.remarks, first.checks, first.as_of) == (second.remarks, second.checks, second.as_of)
    assert set(events(first, "event_id", "actor", "to_value")) <= set(events(longer, "event_id", "actor", "to_value"))


def test_fingerprint(repo, tmp_path):
    """The mark of the input stays while nothing is committed, and tells a longer and a shallower history apart."""
    repo.commit({"r/a.yaml": "status: a\n"})
    repo.commit({"r/a.yaml": "status: b\n"})
    repo.git("clone", "-q", "--depth", "1", repo.path.as_uri(), str(tmp_path / "shallow"))
    marks = [fingerprint(source(place), root=Path("/")) for place in (repo, repo, tmp_path / "shallow")]
    repo.commit({"r/a.yaml": "status: c\n"})
    marks.append(fingerprint(source(repo), root=Path("/")))

    assert marks[0] == marks[1]
    assert len(set(marks)) == 3


def naive(repo: Repo) -> list[tuple]:
    """The same events in another way: every file of every commit, looked up one by one and compared by id."""
    before: dict[str, dict] = {}
    found = []
    for oid in reversed(repo.git("rev-list", "--first-parent", "main").split()):
        at = int(repo.git("show", "-s", "--format=%ct", oid))
        now = {}
        for path in repo.git("ls-tree", "-r", "--name-only", oid).splitlines():
            record = yaml.safe_load(repo.git("show", f"{oid}:{path}"))
            tags = ";".join(sorted(record.get("tags", []))) or None
            now[str(record["id"])] = {"state": record.get("status"), "x.tags": tags}
        for item in now.keys() | before.keys():
            old, new = before.get(item), now.get(item)
            if not new:
                found.append((at, item, "deleted", None, None))
            elif not old:
                found.append((at, item, "created", None, item))
            for field, value in (new or {}).items():
                if value != (old or {}).get(field):
                    found.append((at, item, field, (old or {}).get(field), value))
        before = now
    return sorted(found, key=str)


def grow(repo: Repo, rng: random.Random) -> None:
    """A random history: edits, moves, deletions, returns, side branches."""
    place: dict[int, str] = {}

    def record(item: int) -> str:
        values: dict = {"id": f"i{item}", "status": rng.choice("abc")}
        if rng.random() < 0.7:
            values["tags"] = rng.sample(["x", "y", "z"], rng.randint(0, 3))
        return yaml.safe_dump(values, sort_keys=rng.random() < 0.5) + "# same\n" * rng.choice([0, 0, 30])

    def step() -> None:
        files, delete = {}, []
        for item in rng.sample(range(6), rng.randint(1, 3)):
            new = f"r/{rng.choice('pqr')}/{item}{rng.choice(['', 'x'])}.yaml"
            if item in place and rng.random() < 0.2:
                delete.append(place.pop(item))
                continue
            if item in place and rng.random() < 0.4 and place[item] != new:
                delete.append(place.pop(item))
            files[place.setdefault(item, new)] = record(item)
        repo.commit(files, delete=delete)

    step()
    for number in range(12):
        if rng.random() < 0.3:
            repo.git("checkout", "-q", "-b", f"side{number}")
            step()
            step()
            repo.git("checkout", "-q", "main")
            repo.commits += 1
            repo.git("merge", "-q", "--no-ff", f"side{number}", at=START + 3600 * repo.commits)
        else:
            step()


@pytest.mark.parametrize("seed", range(6))
def test_against_a_naive_reading(repo, seed):
    """On random histories the events are those of comparing whole checkouts."""
    grow(repo, random.Random(seed))
    made = take(repo, item_id="id", fields={"status": "state", "tags": "x.tags"})
    ours: Iterable[tuple] = events(made, "at", "item_id", "field", "from_value", "to_value")

    assert naive(repo) == sorted([(int(at.timestamp()), *rest) for at, *rest in ours], key=str)
    assert len(made.faults) == 0
