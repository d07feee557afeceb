"""Sources: one adapter an origin, each with `read(source, root=…) -> Import` and a `fingerprint` of its input."""

from pathlib import Path

from prodops_analysis.event_log import Import
from prodops_analysis.settings import GitRecordsSource, TableSource
from prodops_analysis.sources import git_records, table


def read(source: TableSource | GitRecordsSource, *, root: Path, time_zone: str) -> Import:
    """Read one declared source of the workspace at `root`; dates without a zone are in `time_zone`."""
    match source:
        case TableSource():
            return table.read(source, root=root, time_zone=time_zone)
        case GitRecordsSource():
            return git_records.read(source, root=root)


def fingerprint(source: TableSource | GitRecordsSource, *, root: Path) -> str:
    """Return a text that changes when the input of the source does."""
    match source:
        case TableSource():
            return table.fingerprint(source, root=root)
        case GitRecordsSource():
            return git_records.fingerprint(source, root=root)
