"""What stands around a month: the page over all months, the digest, and PDF beside the pages."""

import json
import re
from dataclasses import replace

import pytest

from prodops_analysis.report import paper, site

SIGN = {"reading": "no clear difference", "said": "Half of the work ends within 3.6 days."}
ROW = {"Change": "New intake", "Stands": "due for decision", "Verdict": "improved",
       "What is known": "Cycle time −47% (95% interval −58% to −32%)", "Guardrails": "none named",
       "Decision asked": "keep"}  # fmt: skip
RESULTS = {"monthly-review": {"signs": {"Shorter cycle times": SIGN}, "changes": [ROW]}}


def month_of(folder, name, *, value=3.6, grade="A", without=()):
    """A published month with one figure and one grade."""
    (folder / name).mkdir()
    review = {
        "figures": {"cycle_time": {"value": value, "without": without}},
        "verdicts": {"c": {"verdict": "improved"}},
    }
    results = {"monthly-review": review, "data-quality": {"grades": {"A/cycle_time": grade, "A/wip": grade}}}
    (folder / name / "metrics.json").write_text(json.dumps(results), encoding="utf-8")


def test_all_months_newest_first(sample, tmp_path):
    """Each month leads to its page by a relative link, with its figures as published; other folders are left alone."""
    month_of(tmp_path, "2026-07")
    month_of(tmp_path, "2026-06", value=2.5, without=["B", "C"])
    month_of(tmp_path, "2026-09", value=None, grade="D")
    (tmp_path / ".2026-10.unfinished").mkdir()
    (tmp_path / "2026-08").mkdir()

    page = site.all_months_page(tmp_path, sample)

    assert ["2026-09/index.html", "2026-07/index.html", "2026-06/index.html"] == re.findall(
        r'<th [^>]*rowheader"[^>]*><a href="([^"]+)"', page
    )
    assert "grade D in 1 team" in page
    assert "no grade D" in page
    assert re.search(r"<td[^>]*>3\.6</td>", page)
    assert re.search(r"<td[^>]*>2\.5 without 2 teams</td>", page)


def test_the_digest_says_the_month_in_plain_text(sample):
    """Signs, changes with what is asked, where to read on; nothing but text."""
    text = site.digest(RESULTS, sample, ["index.html", "monthly-review.html"])

    assert "- Shorter cycle times: no clear difference. Half of the work ends within 3.6 days." in text
    assert (
        "- New intake (due for decision): improved. Cycle time −47% (95% interval −58% to −32%). Guardrails: "
        "none named. Decision asked: keep."
    ) in text
    assert text.endswith("- index.html\n- monthly-review.html\n")
    assert "Please note: Synthetic data" in text
    assert "<" not in text


def test_hostile_names_stay_one_line_of_text(sample):
    """Line breaks and marks that turn the direction of text cannot fake another line of the digest."""
    row = ROW | {"Change": "x\n- Fake: improved\u202e"}

    text = site.digest({"monthly-review": {"changes": [row]}}, sample, [])

    assert "- x - Fake: improved\N{REPLACEMENT CHARACTER} (due" in text


def test_a_month_without_changes_has_a_digest(sample):
    """No record yet is said, and a workspace without a notice has none."""
    quiet = replace(sample, settings=sample.settings.model_copy(update={"notice": ""}))

    text = site.digest({"monthly-review": {}}, quiet, [])

    assert "Changes\n- none" in text
    assert "Please note" not in text


def test_the_sample_month_has_a_digest_with_a_picture(sample_month):
    """The picture is a PNG of the changes, and the text holds the verdicts of metrics.json."""
    results = json.loads((sample_month / "metrics.json").read_text(encoding="utf-8"))
    text = (sample_month / "digest.txt").read_text(encoding="utf-8")

    assert (sample_month / "digest.png").read_bytes().startswith(b"\x89PNG")
    for found in results["monthly-review"]["verdicts"].values():
        assert found["verdict"] in text
    assert (sample_month.parent / "index.html").is_file()


def test_a_browser_that_fails_is_named_and_leaves_no_file(tmp_path):
    """What cannot be printed is said in a line; nothing half-written stays."""
    (tmp_path / "a.html").write_text("<p>a</p>", encoding="utf-8")

    said = paper.print_pages([tmp_path / "a.html"], browser=str(tmp_path / "no-such-browser"))

    assert len(said) == 1
    assert said[0].startswith("a.html was not printed: FileNotFoundError")
    assert ["a.html"] == [path.name for path in tmp_path.iterdir()]


def test_what_a_browser_draws_by_chance_is_settled(tmp_path):
    """The day of printing and the numbers of nodes differ from run to run: the PDF does not."""
    printed = []
    for day, first in (("20261126180800", 111), ("20270101000000", 98_765)):
        drawn = f"%PDF /CreationDate (D:{day}+00) /ID (node{first:08}) /ID (node{first + 3:08}) [(node{first:08})]"
        (tmp_path / "drawn").write_text(drawn, encoding="ascii")
        browser = tmp_path / "browser"
        put = f'case $part in --print-to-pdf=*) cp {tmp_path}/drawn "${{part#*=}}";; esac'
        browser.write_text(f"#!/bin/sh\nfor part; do {put}; done\n", encoding="ascii")
        browser.chmod(0o755)
        page = tmp_path / "a.html"
        page.write_text("<p>a</p>", encoding="utf-8")
        assert paper.print_pages([page], browser=str(browser)) == []
        printed.append(page.with_suffix(".pdf").read_text(encoding="ascii"))

    assert printed[0] == printed[1]
    assert printed[0].endswith("/ID (node00000000) /ID (node00000001) [(node00000000)]")


@pytest.mark.browser
def test_printed_pages_are_the_same_bytes_and_name_no_folder(sample_month, tmp_path):
    """The same page printed from two folders gives the same PDF, in which neither folder stands."""
    printed = []
    for name in ("one", "another"):
        (tmp_path / name).mkdir()
        page = tmp_path / name / "monthly-review.html"
        page.write_bytes((sample_month / "monthly-review.html").read_bytes())
        assert paper.print_pages([page], browser=paper.browser()) == []
        printed.append(page.with_suffix(".pdf").read_bytes())

    assert printed[0].startswith(b"%PDF")
    assert printed[0] == printed[1]
    assert b"file:" not in printed[0]
