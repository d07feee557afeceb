"""docs/metrics.md says what the registry says; the glossary explains every word of an answer."""

import doctest
import importlib
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

import prodops_analysis
from prodops_analysis import METRICS, Check, Verdict

DOCS = Path(__file__).parent.parent / "docs"
PAGE = (DOCS / "metrics.md").read_text(encoding="utf-8")
WORDS_OF_REPORTS = (DOCS.parent / "prodops_analysis/report/glossary.md").read_text(encoding="utf-8")
GLOSSARY = {
    head.lower(): text.split()
    for part in WORDS_OF_REPORTS.split("\n## ")[1:]
    for head, _, text in [part.partition("\n")]
}
RESULTS = get_args(get_type_hints(Check)["result"])
WORDS = (
    "work item", "service level expectation", "worthwhile", "interval", "comparison teams", "adopting team", "rollout",
    "guardrail", "ordinary dates", "process behaviour chart", "grade of data", "monitoring", "looks", "restatement",
)  # fmt: skip
TABLE = {
    cells[0].strip("`"): cells
    for line in PAGE.splitlines()
    if line.startswith("| `")
    for cells in [[cell.strip() for cell in line.strip("|").split("|")]]
}


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_has_its_row(name):
    """Name, label, question, unit, direction and source stand in the table as they stand in the registry."""
    metric = METRICS[name]
    expected = [f"`{name}`", metric.label, metric.question, metric.unit, metric.better, metric.source]

    assert expected == TABLE[name]


def test_no_row_without_a_metric():
    """The table lists the registry, in its order, and nothing else."""
    assert list(METRICS) == list(TABLE)


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_says_what_it_does_not_show(name):
    """Each metric has a section with its limits."""
    sections = {part.split("\n", 1)[0]: part for part in PAGE.split("\n### ")[1:]}

    assert "**It does not show**" in sections[METRICS[name].label]


@pytest.mark.parametrize("word", [*Verdict, *RESULTS, *(metric.label.lower() for metric in METRICS.values()), *WORDS])
def test_every_word_of_an_answer_is_explained(word):
    """Verdicts, check results, metrics and the words around them each have an entry, and not a long one."""
    assert 6 <= len(GLOSSARY[word]) <= 60


def test_no_word_is_explained_twice():
    """Each heading of the glossary is one anchor."""
    heads = [line for line in WORDS_OF_REPORTS.splitlines() if line.startswith("## ")]

    assert len(GLOSSARY) == len(heads)


@pytest.mark.parametrize(
    "module",
    ["prodops_analysis", *(f"prodops_analysis.{name}" for name in (
        "assessment", "metrics.registry", "planning", "records.changes", "settings", "workflow"))],
)  # fmt: skip
def test_examples_in_docstrings_run(module):
    """Every module behind a public name shows an example, and each example gives what it says."""
    failed, tried = doctest.testmod(importlib.import_module(module))

    assert tried > 0
    assert failed == 0


def test_tab_completion_shows_public_names_only():
    """`dir` lists what the package offers, and every one of these has something to say for itself."""
    names = dir(prodops_analysis)

    assert sorted(prodops_analysis.__all__) == names
    assert [name for name in names if not getattr(prodops_analysis, name).__doc__] == []
