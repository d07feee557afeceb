"""A month: run every planned report, render it, and publish the folder whole or not at all."""

import hashlib
import importlib.metadata
import json
import shutil
import traceback
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.filters import strip_ansi

from prodops_analysis.errors import ProdopsError, ReportError
from prodops_analysis.report import ledger, paper, site
from prodops_analysis.report.html import render
from prodops_analysis.report.pages import failed_page, glossary_page, index_page, page_metadata
from prodops_analysis.report.results import chart_tables, results_of
from prodops_analysis.report.run import notebook_path, run_notebook, without_traces
from prodops_analysis.report.words import GLOSSARY
from prodops_analysis.workspace import STORE, History

ESSENTIAL = ("data_quality", "monthly_review")  # without these two nothing is published


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One report of the month: its notebook and where it goes, then what came out of it.

    executed, page, tables : the notebook with its outputs, its page, and the CSV behind each chart, by path.
    failed, log : why there is no page, for readers and for the maintainer.
    """

    notebook: str
    slug: str
    title: str
    parameters: dict[str, Any]
    executed: Any = None
    page: str = ""
    tables: Mapping[str, str] = field(default_factory=dict)
    failed: str = ""
    log: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A month on disk."""

    folder: Path
    made: tuple[Report, ...]
    not_printed: tuple[str, ...] = ()

    @property
    def results(self) -> dict[str, dict[str, Any]]:
        """The named results of each report, by slug."""
        return {m.slug: results_of(m.executed) for m in self.made if not m.failed}

    @property
    def failed(self) -> tuple[Report, ...]:
        """The reports that could not be made."""
        return tuple(made for made in self.made if made.failed)


def plan(history: History) -> tuple[Report, ...]:
    """List the reports of the month: the review, each change with a rollout, the workspace's own, data quality."""
    both = {"workspace": str(history.root), "month": str(history.month)}
    begun = [change for change in history.changes if change.begins]
    own = history.settings.own_reports
    listed = [
        ("monthly_review", "monthly-review", "Monthly review", {}),
        *(("process_change", f"change-{c.id}", c.title or c.id, {"change_id": c.id}) for c in begun),
        *((name, name.replace("_", "-"), name.replace("_", " ").capitalize(), {}) for name in own),
        ("data_quality", "data-quality", "Data quality", {}),
    ]
    return tuple(
        Report(notebook=name, slug=slug, title=title, parameters=both | more) for name, slug, title, more in listed
    )


def make_month(
    history: History, *, reports: Path, executor: Executor, browser: str | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Published:  # fmt: skip
    """Run and render all planned reports and swap the month's folder in at once; the page over all months follows.

    browser : a Chromium, which prints a PDF of each page; None prints none.

    Raises ReportError: an essential report failed; nothing is published and the last good month stays.
    """
    target = reports / str(history.month)
    work = reports / f".{history.month}.unfinished"
    shutil.rmtree(work, ignore_errors=True)
    for folder in ("notebooks", "data"):
        (work / folder).mkdir(parents=True)
    try:
        jobs = [executor.submit(_make, report, history, work / "notebooks") for report in plan(history)]
        made = []
        for job in jobs:
            made.append(job.result())
            progress(f"{history.month}: {made[-1].title}")
        log = reports / f"{history.month}.log"
        log.unlink(missing_ok=True)
        if logs := [m.log for m in made if m.failed]:
            log.write_text("\n\n".join(logs), encoding="utf-8")
        if lost := [m for m in made if m.failed and m.notebook in ESSENTIAL]:
            raise ReportError(
                f"{lost[0].title} of {history.month} could not be made: {lost[0].failed}; "
                f"nothing was published, what was there before stays; the full log is {log}"
            )
        _write(work, history, tuple(made), ledger.published_before(reports, str(history.month)))
        faults = paper.print_pages(sorted(work.glob("*.html")), browser=browser) if browser else []
        _swap(work, target)
        (reports / "index.html").write_text(site.all_months_page(reports, history), encoding="utf-8")
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return Published(folder=target, made=tuple(made), not_printed=tuple(faults))


def _make(report: Report, history: History, folder: Path) -> Report:
    try:
        path = notebook_path(report.notebook, workspace=history.root)
        output = folder / f"{report.slug}.ipynb"
        executed = without_traces(run_notebook(path, output=output, parameters=report.parameters))
        executed.metadata["prodops"] = page_metadata(history, report.title)
        tables = chart_tables(executed, prefix=f"data/{report.slug}")
        return replace(report, executed=executed, page=render(executed, title=report.title), tables=tables)
    except Exception as error:  # one report must not take the others with it; the log keeps everything
        said = f"{type(error).__name__}: {error}"
        if isinstance(error, ProdopsError):
            said = strip_ansi(str(error)).strip().splitlines()[0]  # type: ignore[no-untyped-call]
        return replace(report, failed=said, log=traceback.format_exc())


def _write(work: Path, history: History, made: Sequence[Report], before: Path | None) -> None:
    results = {m.slug: results_of(m.executed) for m in made if not m.failed}
    for m in made:
        page = m.page if not m.failed else failed_page(m.title, m.failed, history)
        (work / f"{m.slug}.html").write_text(page, encoding="utf-8")
        if m.failed:
            (work / "notebooks" / f"{m.slug}.ipynb").unlink(missing_ok=True)
            continue
        nbformat.write(m.executed, work / "notebooks" / f"{m.slug}.ipynb")
        for path, text in m.tables.items():
            (work / path).write_text(text, encoding="utf-8")
    entries = [(m.slug, m.title, m.failed) for m in made]
    first = {m.slug: m.executed for m in made if m.notebook in ESSENTIAL and not m.failed}
    seen_again = ledger.ledger(history, before) if before else None
    (work / "index.html").write_text(index_page(history, entries, first, seen_again), encoding="utf-8")
    (work / GLOSSARY).write_text(glossary_page(history), encoding="utf-8")
    (work / ledger.ITEMS).write_text(ledger.items_text(history.items), encoding="utf-8")
    pages = ["index.html", *(f"{slug}.html" for slug, *_ in entries)]
    (work / "digest.txt").write_text(site.digest(results, history, pages), encoding="utf-8")
    if picture := site.digest_picture(first["monthly-review"]):
        (work / "digest.png").write_bytes(picture)
    _json(work / "metrics.json", results)
    _json(work / "manifest.json", _manifest(history, made))


def _manifest(history: History, made: Sequence[Report]) -> dict[str, Any]:
    note = json.loads((history.root / STORE / "note.json").read_text(encoding="utf-8"))
    lock = Path(__file__).resolve().parents[2] / "requirements.lock"
    return {
        "month": str(history.month),
        "as_of": history.as_of.isoformat(),
        "exported_at": history.exported_at.isoformat(),
        "inputs": note["key"],
        "code": importlib.metadata.version("prodops-analysis"),
        "lock": hashlib.sha256(lock.read_bytes()).hexdigest() if lock.is_file() else None,
        "seed": history.settings.seed,
        "drawing": importlib.metadata.version("vl-convert-python"),
        "reports": {
            m.slug: {"notebook": m.notebook, "made": not m.failed}
            | {k: v for k, v in m.parameters.items() if k != "workspace"}
            for m in made
        },
    }


def _swap(work: Path, target: Path) -> None:
    old = target.with_name(f".{target.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.rename(old)
    work.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def _json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
