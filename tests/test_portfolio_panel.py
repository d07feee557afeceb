"""What past changes teach, as the monthly review shows it."""

from dataclasses import replace

import pytest

from prodops_analysis import METRICS, Change, Verdict
from prodops_analysis.assessment import Assessment
from prodops_analysis.report.panels import portfolio_panel
from prodops_analysis.verdict import Worthwhile


def assessed(number, *, metric="cycle_time", effect=(-0.3, -0.4, -0.2), verdict="improved"):
    """An assessment of change `c<number>`."""
    estimate, low, high = effect or (None, None, None)
    return Assessment(
        verdict=Verdict(verdict), worthwhile=Worthwhile.NOT_SHOWN, estimate=estimate, low=low, high=high,
        scale=METRICS[metric].scale, checks=(), reasons=(), metric=metric, unit=METRICS[metric].unit,
        change_id=f"c{number}", smallest_worthwhile=0.15,
    )  # fmt: skip


@pytest.fixture
def shown(sample):
    """A panel over assessments, all of changes of kind `template` that were 70 % sure."""

    def show(*said, kind="template"):
        changes = tuple(
            Change(id=one.change_id, title=f"Change {one.change_id}", kind=kind, confidence=0.7, rollouts={})
            for one in said
        )
        return portfolio_panel(said, replace(sample, changes=changes))

    return show


def test_few_changes_say_what_is_missing(shown):
    """Two changes: no pooled figure, no single one, no score, and what was left out is counted."""
    panel = shown(assessed(0), assessed(1), assessed(2, effect=None, verdict="not enough evidence"))

    note, kinds = panel.parts
    assert note.lines == [
        "Cannot be shown yet: 2 changes with an outcome and a stated confidence; 20 are needed.",
        "Changes without an estimate, left out of the effects: 1.",
    ]
    assert kinds.cells == (("template", "Cycle time", "2", None, None, "2 assessed; 3 are needed"),)


def test_single_effects_stand_beside_what_luck_leaves_of_them(shown):
    """The most extreme effect is drawn to the others, and its interval is shown; names are titles."""
    panel = shown(*(assessed(n, effect=(x, x - 0.15, x + 0.2)) for n, x in enumerate((-0.5, -0.2, -0.15, -0.2))))

    single = panel.parts[2]
    assert single.columns == ("Change", "As measured", "Shrunk for luck", "95% interval")
    name, measured, shrunk, span = single.cells[0]
    assert (name, measured) == ("Change c0", "−50%")
    assert -50 < float(shrunk.replace("−", "-").rstrip("%")) < -20
    assert " to " in span


def test_shares_are_written_in_points(shown):
    """Effects on shares are points, not percent; a change without a kind has one all the same."""
    panel = shown(*(assessed(n, metric="owner_at_start", effect=(0.2, 0.1, 0.3)) for n in range(3)), kind="")

    kind, label, n, effect, span, note = panel.parts[1].cells[0]
    assert (kind, label, n, effect, note) == ("none named", "Owner at start", "3", "+20 points", None)
    assert span.endswith(" points")


def test_twenty_outcomes_are_held_against_confidence(shown):
    """Half of those of which people were 70 % sure helped: the score, the share and its interval are shown."""
    panel = shown(*(assessed(n, verdict="improved" if n % 2 else "worsened") for n in range(20)))

    assert panel.parts[0].lines == ["Brier score 0.29; always saying 50 % would give 0.25."]
    assert panel.parts[3].cells == (("70%", "50%", "30% to 70%", "20"),)
