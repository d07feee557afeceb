"""The verdict rule: an interval and the smallest worthwhile effect in, one of four words out."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class Verdict(StrEnum):
    """What may be said of a change."""

    IMPROVED = "improved"
    WORSENED = "worsened"
    NO_WORTHWHILE_CHANGE = "no worthwhile change"
    NOT_ENOUGH_EVIDENCE = "not enough evidence"


class Worthwhile(StrEnum):
    """Whether the effect reaches the smallest one worth having."""

    YES = "yes"
    NO = "no"
    NOT_SHOWN = "not shown"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict and whether the change is worthwhile."""

    verdict: Verdict
    worthwhile: Worthwhile


CANNOT_SAY = Judgement(Verdict.NOT_ENOUGH_EVIDENCE, Worthwhile.NOT_SHOWN)


def judge(
    low: float, high: float, *, smallest_worthwhile: float, better: Literal["lower", "higher", "neither"]
) -> Judgement:
    """Judge an interval of a relative change or a difference, where 0 is no change.

    low, high : bounds of the 95% interval; -0.3 is 30 % less, or 30 points less for a share.
    smallest_worthwhile : m > 0, on the same scale.
    better : the direction that is an improvement; with "neither" no direction is claimed.

    A bound that is missing gives `not enough evidence`.
    """
    if not low <= high:
        return CANNOT_SAY
    m = smallest_worthwhile
    if -m < low and high < m:
        worthwhile = Worthwhile.NO
    elif (high <= -m and better == "lower") or (low >= m and better == "higher"):
        worthwhile = Worthwhile.YES
    else:
        worthwhile = Worthwhile.NOT_SHOWN
    if low <= 0 <= high or better == "neither":
        inside = worthwhile is Worthwhile.NO
        return Judgement(Verdict.NO_WORTHWHILE_CHANGE if inside else Verdict.NOT_ENOUGH_EVIDENCE, worthwhile)
    gained = (high < 0) == (better == "lower")
    return Judgement(Verdict.IMPROVED if gained else Verdict.WORSENED, worthwhile)


def unclaimed(said: Judgement) -> Judgement:
    """Return what is left of a judgement whose direction may not be claimed, as of an interval that holds zero."""
    small = said.worthwhile is Worthwhile.NO
    return Judgement(Verdict.NO_WORTHWHILE_CHANGE, Worthwhile.NO) if small else CANNOT_SAY
