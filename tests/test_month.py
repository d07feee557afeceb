"""A month is published whole or not at all, and a report that failed says so to its readers."""

from concurrent.futures import ThreadPoolExecutor

import nbformat.v4 as v4
import pytest

from prodops_analysis.errors import ReportError
from prodops_analysis.report import month


@pytest.fixture
def make(sample, monkeypatch, tmp_path):
    """Make the sample's month with notebooks that only say their name; those named in `failing` break."""

    def made(*failing):
        def run(path, *, output, parameters):
            output.write_text("half-written", encoding="utf-8")
            if path.stem in failing:
                raise ReportError(f"{path.name}: KeyError: 'secret column'")
            cell = v4.new_code_cell(outputs=[v4.new_output("stream", name="stdout", text=path.stem)])
            return v4.new_notebook(cells=[cell])

        monkeypatch.setattr(month, "run_notebook", run)
        with ThreadPoolExecutor(1) as pool:
            return month.make_month(sample, reports=tmp_path, executor=pool)

    return made


def test_a_month_without_failures_has_every_planned_page(make, sample, tmp_path):
    """Each planned report has its page, and nothing unfinished is left beside the month."""
    made = make()

    pages = {f"{planned.slug}.html" for planned in month.plan(sample)} | {"index.html", "glossary.html"}
    assert pages == {page.name for page in (tmp_path / "2026-09").glob("*.html")}
    assert ((), ["2026-09", "index.html"]) == (made.failed, sorted(path.name for path in tmp_path.iterdir()))


def test_a_failed_change_report_is_a_page_in_plain_words(make, tmp_path):
    """The other reports stand, the failed one says why, and only the maintainer's log holds the traceback."""
    made = make("process_change")

    page = (tmp_path / "2026-09/change-intake-template.html").read_text(encoding="utf-8")
    assert "This report could not be made" in page
    assert "Traceback" not in page
    assert "Traceback" in (tmp_path / "2026-09.log").read_text(encoding="utf-8")
    assert 4 == len(made.failed)
    assert (tmp_path / "2026-09/monthly-review.html").is_file()
    assert "could not be made" in (tmp_path / "2026-09/index.html").read_text(encoding="utf-8")
    assert not (tmp_path / "2026-09/notebooks/change-intake-template.ipynb").exists()


@pytest.mark.parametrize("essential", month.ESSENTIAL)
def test_without_an_essential_report_the_last_good_month_stays(make, tmp_path, essential):
    """A month whose review or data quality report failed is not published; what was there before is untouched."""
    make()
    before = {path: path.read_bytes() for path in (tmp_path / "2026-09").rglob("*") if path.is_file()}

    with pytest.raises(ReportError, match="nothing was published, what was there before stays"):
        make(essential)

    assert before == {path: path.read_bytes() for path in (tmp_path / "2026-09").rglob("*") if path.is_file()}
    assert ["2026-09", "2026-09.log", "index.html"] == sorted(path.name for path in tmp_path.iterdir())
