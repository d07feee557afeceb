"""How fast a git history of records is read.

Run: python benchmarks/git_records.py REPOSITORY [PATTERN ...], with patterns such as 'keps/**/kep.yaml'.
Prints commits of the branch, events, and seconds, and what the import has to say.
"""

import subprocess
import sys
import time
from pathlib import Path

from prodops_analysis.settings import GitRecordsSource
from prodops_analysis.sources.git_records import read

KEYS = {
    "status": "state",
    "authors": "owner",
    "approvers": "approver",
    "latest-milestone": "release",
    "stage": "x.stage",
    "owning-sig": "x.team",
    "milestone.alpha": "x.alpha",
    "milestone.beta": "x.beta",
    "milestone.stable": "target",
}


def main(repository: str, *patterns: str) -> None:
    """Read one history and print the figures."""
    source = GitRecordsSource(
        kind="git_records",
        name="benchmark",
        path=repository,
        files=list(patterns) or ["keps/**/kep.yaml", "keps/**/*.md"],
        item_id="kep-number",
        team="owning-sig",
        fields=KEYS,
    )
    count = ["git", "-C", repository, "rev-list", "--first-parent", "--count", "HEAD"]
    commits = int(subprocess.run(count, check=True, capture_output=True, text=True).stdout)
    start = time.perf_counter()
    made = read(source, root=Path.cwd())
    seconds = time.perf_counter() - start
    print(f"{commits} commits, {len(made.events)} events, {seconds:.1f} seconds")
    print(made.events["field"].value_counts().to_string())
    print(f"{made.events['item_id'].nunique()} items, {len(made.faults)} faults, as of {made.as_of}")
    print("\n".join([*made.remarks, *made.checks.values()]))


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(*sys.argv[1:])
