"""docs/metrics.md says what the registry says, and what each metric does not show."""

from pathlib import Path

import pytest

from prodops_analysis import METRICS

PAGE = (Path(__file__).parent.parent / "docs" / "metrics.md").read_text(encoding="utf-8")
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
