"""The verdict rule: every case at its exact border, and doubt that never becomes a claim."""

import dataclasses
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prodops_analysis.verdict import CANNOT_SAY, Judgement, Verdict, Worthwhile, judge, unclaimed

IMPROVED, WORSENED = Verdict.IMPROVED, Verdict.WORSENED
NONE, UNSURE = Verdict.NO_WORTHWHILE_CHANGE, Verdict.NOT_ENOUGH_EVIDENCE
YES, NO, NOT_SHOWN = Worthwhile.YES, Worthwhile.NO, Worthwhile.NOT_SHOWN
M = 0.15
TINY = 1e-12
NAN = float("nan")
DIRECTIONS = {IMPROVED, WORSENED}


@pytest.mark.parametrize(
    ("low", "high", "verdict", "worthwhile"),
    [
        pytest.param(-0.40, -0.20, IMPROVED, YES, id="whole-interval-beyond-m"),
        pytest.param(-0.40, -M, IMPROVED, YES, id="upper-bound-on-m"),
        pytest.param(-0.40, -M + TINY, IMPROVED, NOT_SHOWN, id="upper-bound-just-inside-m"),
        pytest.param(-0.40, -0.05, IMPROVED, NOT_SHOWN, id="straddles-m"),
        pytest.param(-M, -0.05, IMPROVED, NOT_SHOWN, id="lower-bound-on-m"),
        pytest.param(-M + TINY, -0.05, IMPROVED, NO, id="lower-bound-just-inside-m"),
        pytest.param(-0.10, -0.05, IMPROVED, NO, id="sure-but-too-small"),
        pytest.param(-0.10, -TINY, IMPROVED, NO, id="just-below-zero"),
        pytest.param(-0.10, 0.0, NONE, NO, id="touches-zero-from-below"),
        pytest.param(0.0, 0.10, NONE, NO, id="touches-zero-from-above"),
        pytest.param(TINY, 0.10, WORSENED, NO, id="just-above-zero"),
        pytest.param(-0.10, 0.10, NONE, NO, id="inside-m"),
        pytest.param(-M + TINY, M - TINY, NONE, NO, id="just-inside-m-both-ways"),
        pytest.param(-M, 0.10, UNSURE, NOT_SHOWN, id="lower-bound-on-m-includes-zero"),
        pytest.param(-0.10, M, UNSURE, NOT_SHOWN, id="upper-bound-on-m-includes-zero"),
        pytest.param(-0.40, 0.10, UNSURE, NOT_SHOWN, id="reaches-beyond-m-below"),
        pytest.param(-0.10, 0.40, UNSURE, NOT_SHOWN, id="reaches-beyond-m-above"),
        pytest.param(-0.40, 0.40, UNSURE, NOT_SHOWN, id="both-ways"),
        pytest.param(0.20, 0.40, WORSENED, NOT_SHOWN, id="worse-beyond-m-is-never-worthwhile"),
        pytest.param(0.0, 0.0, NONE, NO, id="exactly-nothing"),
        pytest.param(float("-inf"), float("inf"), UNSURE, NOT_SHOWN, id="no-bounds-at-all"),
        pytest.param(NAN, 0.1, UNSURE, NOT_SHOWN, id="lower-bound-missing"),
        pytest.param(-0.4, NAN, UNSURE, NOT_SHOWN, id="upper-bound-missing"),
        pytest.param(NAN, NAN, UNSURE, NOT_SHOWN, id="both-missing"),
        pytest.param(-0.2, -0.4, UNSURE, NOT_SHOWN, id="bounds-the-wrong-way-round"),
    ],
)
def test_rule(low, high, verdict, worthwhile):
    """The rule of design.md for a metric that should fall, and its mirror image for one that should rise."""
    expected = Judgement(verdict, worthwhile)

    assert expected == judge(low, high, smallest_worthwhile=M, better="lower")
    assert expected == judge(-high, -low, smallest_worthwhile=M, better="higher")


bound = st.floats(-2, 2).map(lambda x: round(x, 3))


@given(
    st.lists(bound, min_size=4, max_size=4),
    st.sampled_from(["lower", "higher", "neither"]),
    st.sampled_from([0.01, 0.15, 0.5]),
)
def test_doubt_never_becomes_a_claim(bounds, better, m):
    """Widening an interval gains no direction, turns none round, and never ends `not enough evidence`."""
    outer_low, low, high, outer_high = sorted(bounds)
    sure = judge(low, high, smallest_worthwhile=m, better=better)

    unsure = judge(outer_low, outer_high, smallest_worthwhile=m, better=better)

    if unsure.verdict in DIRECTIONS:
        assert sure.verdict == unsure.verdict
    if sure.verdict == UNSURE:
        assert unsure.verdict == UNSURE
    if unsure.worthwhile is YES:
        assert sure.worthwhile is YES


def test_no_claim_without_a_direction_survives_widening():
    """With `neither` an interval inside m is no worthwhile change wherever zero lies, so widening makes no claim."""
    narrow, wide = (judge(low, 0.1, smallest_worthwhile=M, better="neither") for low in (0.02, -0.02))

    assert wide.verdict == NONE
    assert narrow.verdict == NONE


@given(bound, bound, bound)
def test_worthwhile_only_where_better(a, b, smaller):
    """`yes` is said of improvements only, `no worthwhile change` goes with `no`, and `neither` names no direction."""
    low, high = sorted((a, b))
    said = judge(low, high, smallest_worthwhile=0.2, better="lower")

    assert said.verdict == IMPROVED or said.worthwhile is not YES
    assert said.verdict != NONE or said.worthwhile is NO
    assert judge(low, high, smallest_worthwhile=0.2, better="neither").verdict not in DIRECTIONS


@pytest.mark.parametrize(
    ("low", "high", "left"),
    [
        pytest.param(-0.5, -0.2, CANNOT_SAY, id="worthwhile"),
        pytest.param(-0.5, -0.05, CANNOT_SAY, id="not-shown"),
        pytest.param(-0.1, -0.05, Judgement(Verdict.NO_WORTHWHILE_CHANGE, Worthwhile.NO), id="too-small-anyway"),
    ],
)
def test_what_is_left_without_a_direction(low, high, left):
    """A direction that may not be claimed leaves what an interval with zero in it would say, and never more."""
    said = judge(low, high, smallest_worthwhile=0.15, better="lower")

    assert left == unclaimed(said)
    assert judge(low, 0.01, smallest_worthwhile=0.15, better="lower") == left


def test_every_verdict_can_be_reached():
    """All four words and all three answers come out of the rule somewhere on a small grid."""
    grid = itertools.combinations_with_replacement([-0.5, -0.2, -0.1, 0.0, 0.1, 0.2, 0.5], 2)
    said = [judge(low, high, smallest_worthwhile=M, better="lower") for low, high in grid]

    assert set(Verdict) == {s.verdict for s in said}
    assert set(Worthwhile) == {s.worthwhile for s in said}


def test_words():
    """The words are the report's words, and a judgement cannot be changed."""
    assert [str(v) for v in Verdict] == ["improved", "worsened", "no worthwhile change", "not enough evidence"]
    assert [str(w) for w in Worthwhile] == ["yes", "no", "not shown"]
    with pytest.raises(dataclasses.FrozenInstanceError):
        CANNOT_SAY.verdict = IMPROVED
