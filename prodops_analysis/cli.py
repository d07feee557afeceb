"""The command `prodops`. Exit codes: 0 done, 1 some report failed, 2 something to mend, 3 the export is old."""

import errno
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from prodops_analysis.errors import ProdopsError, ReportError, SettingsError, counted, some


def _found(_: click.Context, __: click.Parameter, given: str) -> Path:
    """Take the workspace at or above the working directory where none is named; never one far away."""
    from prodops_analysis.workspace import find

    return find(given, far=False)


WORKSPACE = click.option(
    "--workspace", default="", metavar="DIR", callback=_found, help="Folder with prodops.toml; default: the nearest."
)
MONTH = click.option("--month", default="", metavar="YYYY-MM", help="Month; default: the last full one of the export.")


class _Group(click.Group):
    """Print our errors, and those of files and folders, as one message and exit with 2, without a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ProdopsError as error:
            click.echo(f"prodops: {error}", err=True)
            ctx.exit(1 if isinstance(error, ReportError) else 2)
        except OSError as error:
            if error.errno == errno.EPIPE or error.filename is None:
                raise
            click.echo(f"prodops: {error.filename}: {str(error.strerror).lower()}", err=True)
            ctx.exit(2)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="prodops-analysis")
def main() -> None:
    """Did the process change help? Reports from a work history, with unfinished work counted."""


@main.command()
@WORKSPACE
@MONTH
@click.option("--since", default="", metavar="YYYY-MM", help="Make every month from this one on.")
@click.option("--reports", default="", metavar="DIR", help="Where months are kept; default: reports/ of the workspace.")
@click.option(
    "--jobs",
    default=0,
    type=click.IntRange(min=0),
    help="Notebooks at a time; default: the number of cores, at most 4.",
)
@click.option("--pdf/--no-pdf", default=True, help="Print PDFs beside the pages where Chromium is there.")
def report(workspace: Path, month: str, since: str, reports: str, jobs: int, pdf: bool) -> None:
    """Make the reports of a month, or of every month missed since the last published one."""
    from prodops_analysis.report import paper
    from prodops_analysis.report.month import make_month

    history = _load(workspace, month)
    folder = Path(reports) if reports else history.root / "reports"
    folder.mkdir(parents=True, exist_ok=True)
    failed, chromium = False, paper.browser()
    for due in [month] if month else _due(folder, str(history.month), since):
        history = history if due == str(history.month) else _load(workspace, due)
        with ThreadPoolExecutor(jobs or min(4, os.cpu_count() or 1)) as pool:
            published = make_month(
                history, reports=folder.resolve(), executor=pool, browser=chromium if pdf else None,
                progress=click.echo,
            )  # fmt: skip
        failed |= bool(published.failed)
        for line in _told(history, published):
            click.echo(line)
    old = _warn_of_old(history, month)
    if failed or old:
        sys.exit(1 if failed else 3)


@main.command()
@WORKSPACE
@MONTH
def check(workspace: Path, month: str) -> None:
    """Say what the data and the records leave open; makes no report."""
    from prodops_analysis.metrics import METRICS, metric_named
    from prodops_analysis.records.changes import doubtful_entries, drafts, plan_state

    history = _load(workspace, month)
    for name in history.settings.metrics:
        metric_named(name)
    sizes = {"event": len(history.events), "item": len(history.items), "team": history.n_teams}
    click.echo(f"{', '.join(counted(n, what) for what, n in sizes.items())}, as of {history.as_of:%Y-%m-%d}")
    for workflow in dict.fromkeys(map(str, history.settings.workflow.values())):
        click.echo(f"  {workflow}")
    for reason, count in history.faults["reason"].value_counts().items():
        first = history.faults[history.faults["reason"] == reason].iloc[0]
        where = f"{first['source']} row {first['row']}, {first['found']!r}"
        click.echo(f"  {count} {'entry' if count == 1 else 'entries'} listed, not read: {reason} (first: {where})")
    for remark in (*history.remarks, *history.source_checks.values()):
        click.echo(f"  {remark}")
    card = history.quality()
    for found in card.checks:
        if found.n:
            first = some(found.items, most=3)
            click.echo(f"  {found.name}: {counted(found.n, 'item')} ({found.share:.1%}), first {first}")
    for name, without in card.unfit.items():
        if without:
            click.echo(f"  grade D, {metric_named(name).label}: {some(without)}")
    teams, begins = set(history.items["team"]), history.events["at"].min().tz_convert(history.settings.time_zone).date()
    for change in history.changes:
        click.echo(f"  change {change.id}: {plan_state(change)}")
        for doubt in doubtful_entries(change, teams=teams, metrics=METRICS, begins=begins):
            click.echo(f"  change {change.id}: {doubt}")
    for draft in drafts(history.root):
        click.echo(f"  draft {draft}")


@main.command()
@WORKSPACE
@MONTH
@click.argument("change_id")
@click.option("--metric", default="", help="Metric; default: the change's primary one.")
def assess(workspace: Path, month: str, change_id: str, metric: str) -> None:
    """Say whether a change helped, with reasons and checks."""
    from prodops_analysis.records.changes import plan_state
    from prodops_analysis.report.changes import assess_change

    history = _load(workspace, month)
    said = assess_change(history, change_id, metric=metric)
    click.echo(said)
    click.echo(f"  record  {plan_state(history.change(change_id))}")
    for found in said.checks:
        if found.result == "passed":
            click.echo(f"  {found.result:7} {found.name}: {found.found}")


@main.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--from", "export", type=click.Path(path_type=Path), help="An export (CSV, JSONL, Parquet) to begin with."
)
def init(folder: Path, export: Path | None) -> None:
    """Make a workspace in DIR: commented settings, folders, an example record."""
    from prodops_analysis.starter import make_workspace

    for line in make_workspace(folder, export=export):
        click.echo(line)


@main.group()
def new() -> None:
    """Write a new record from its template."""


@new.command("change")
@WORKSPACE
@click.argument("change_id")
def new_change(workspace: Path, change_id: str) -> None:
    """Write data/experiments/CHANGE_ID.md, to be filled in before the rollout."""
    from prodops_analysis.records.changes import FOLDER, template

    if not change_id.replace("-", "").isalnum():
        raise SettingsError(f"change id {change_id!r}: use letters, digits and hyphens, such as intake-template")
    path = workspace / FOLDER / f"{change_id}.md"
    if path.exists():
        raise SettingsError(f"{path} exists; choose another id")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(template(change_id), encoding="utf-8")
    click.echo(f"{path}\nfill it in, then: prodops check; at the rollout: prodops freeze {change_id}")


@main.command()
@WORKSPACE
@MONTH
@click.argument("change_id")
def plan(workspace: Path, month: str, change_id: str) -> None:
    """Say what effect a planned rollout could show, and when; write it into the record."""
    from prodops_analysis import planning
    from prodops_analysis.metrics import metric_named
    from prodops_analysis.records.changes import FOLDER, asked_late, note_expected

    history, today = _load(workspace, month), datetime.now(UTC).date()
    change = history.change(change_id)
    metric = metric_named(change.primary_metric)
    found = planning.plan(
        metric.comparable(history.items, as_of=history.as_of), metric=metric,
        rollouts=change.rollouts, as_of=history.as_of, transition_weeks=change.transition_weeks,
    )  # fmt: skip
    if not isinstance(found, planning.Plan):
        raise SettingsError(f"change {change_id!r} cannot be planned: {some(found.reasons)}")
    path = history.root / FOLDER / f"{change_id}.md"
    note_expected(path, on=today, visible=found.visible, order=found.best_order)
    click.echo(f"{change_id}, {metric.label.lower()}\n{found}")
    click.echo(f"  {found.seen_by(change.smallest_worthwhile)}")
    if late := asked_late(change, on=today):
        click.echo(f"  {late}")


@main.command()
@WORKSPACE
@click.argument("change_id")
def freeze(workspace: Path, change_id: str) -> None:
    """Write today's hashes of the plan into a record, so that later edits show."""
    from prodops_analysis.records.changes import FOLDER, plan_state
    from prodops_analysis.records.changes import freeze as freeze_record

    path = workspace / FOLDER / f"{change_id}.md"
    if not path.is_file():
        raise SettingsError(f"no record {path}; `prodops new change {change_id}` writes one")
    click.echo(f"{change_id}: {plan_state(freeze_record(path, on=datetime.now(UTC).date()))}")


def _due(folder: Path, last: str, since: str) -> list[str]:
    """Return the months to make: those after the last published one, or from `since`, up to the last full one."""
    import pandas as pd

    from prodops_analysis.report.ledger import MONTHS

    published = sorted(p.name for p in folder.glob(MONTHS) if p.is_dir() and p.name < last)
    try:
        first = pd.Period(since, freq="M") if since else pd.Period(published[-1] if published else last, freq="M")
    except ValueError:
        raise SettingsError(f"--since {since!r} is no month; write it as 2026-01") from None
    months = [str(p) for p in pd.period_range(first + (0 if since or not published else 1), last, freq="M")]
    if since and not months:
        raise SettingsError(f"--since {since} lies after the last full month of the export, {last}")
    return months or [last]


def _load(workspace: Path, month: str) -> Any:
    """Read the workspace; an export that ends in the future, where no `as_of` says when it was taken, is refused."""
    from prodops_analysis.workspace import load

    history = load(workspace, month=month)
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    if history.settings.as_of or history.exported_at < tomorrow:
        return history
    ask = f"""SELECT item_id, "at" FROM events WHERE "at" >= '{tomorrow.isoformat()}' ORDER BY "at" DESC"""
    if len(late := history.query(ask)):
        lie = "1 event lies" if len(late) == 1 else f"{len(late)} events lie"
        raise SettingsError(
            f"{lie} after today, the last one of item {late['item_id'][0]!r} on {late['at'][0]:%Y-%m-%d}; correct the "
            "date, or write the day the export was taken into prodops.toml as as_of: what is later is then listed"
        )
    return history


def _warn_of_old(history: Any, month: str) -> bool:
    """Warn when the newest export does not reach over the last full month; a declared `as_of` is meant to be old."""
    today = datetime.now(UTC)
    old = history.exported_at < today.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    if old := old and not month and not history.settings.as_of:
        click.echo(
            f"prodops: the export ends on {history.exported_at:%Y-%m-%d}, before the last full month did; "
            "export again, or name the month with --month",
            err=True,
        )
    return bool(old)


def _told(history: Any, published: Any) -> Iterator[str]:
    """Say in a few lines where the reports are and what they hold."""
    from prodops_analysis.report.site import tally, verdicts_of

    path = published.folder / "index.html"
    shown = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
    yield f"{shown}: {counted(len(published.made) - len(published.failed), 'report')} for {history.period}"
    verdicts = verdicts_of(published.results)
    if history.exported_at < history.until:
        yield f"the export ends on {history.exported_at:%Y-%m-%d}, before {history.period} is over: figures will change"
    yield f"{counted(len(verdicts), 'change')}: {tally(verdicts)}"
    grades = history.quality().grades
    bad = sorted(set(grades.loc[grades["grade"] == "D", "team"]))
    yield f"data: {len(history.faults)} entries listed as faulty; figures of grade D: {some(bad) if bad else 'none'}"
    for made in published.failed:
        yield f"could not be made: {made.title}: {made.failed}"
    yield from published.not_printed
