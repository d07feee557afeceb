"""Moves of one item at one instant, as in an export of whole days, put in the order in which they happened."""

from collections import Counter

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Ints = NDArray[np.int64]


def in_turn(moves: pd.DataFrame) -> Ints:
    """Return the places of moves in the order in which they happened, as far as anything tells.

    moves : one row a move, sorted by `item, at, seq`, with `left` and `entered` (states, renames undone; "" where not
        told), `rank` and `place` (how far the state entered lies, among stages and in the workflow map; the place of a
        deletion is infinite: it comes last).

    Moves that `seq` does not tell apart are a path through their former states, begun where the item stood. Without
    such a path they come in the order of the workflow. The order of rows says nothing.
    """
    new = np.any([np.diff(moves[name], prepend=-1) != 0 for name in ("item", "at", "seq")], axis=0)
    first = np.flatnonzero(new)
    last = np.append(first[1:], len(moves))
    tied = last - first > 1
    if not tied.any():
        return np.arange(len(moves))
    order = np.lexsort((moves["left"], moves["entered"], moves["place"], moves["rank"], np.cumsum(new)))
    left, entered, item, place = (moves[name].to_numpy() for name in ("left", "entered", "item", "place"))
    told = tied & np.logical_or.reduceat(left != "", first)
    for begin, end in zip(first[told], last[told], strict=True):
        rows = order[begin:end]
        rows = rows[: np.isfinite(place[rows]).sum()]
        stood = entered[order[begin - 1]] if begin and item[begin - 1] == item[begin] else ""
        rows[:] = rows[path([(left[row], entered[row]) for row in rows], stood)]
    return order


def path(steps: list[tuple[str, str]], stood: str) -> list[int]:
    """Return the order in which steps (from, to) follow each other, the first possible one; as given where none is.

    Begun where the item `stood`, or at the only state that is left more often than entered (Hierholzer 1873).
    """
    ends = Counter(a for a, _ in steps)
    ends.subtract(b for _, b in steps)
    for begin in (stood, *(state for state, more in ends.items() if more == 1)):
        leaving: dict[str, list[int]] = {}
        for k in reversed(range(len(steps))):
            leaving.setdefault(steps[k][0], []).append(k)
        trail, taken = [(begin, -1)], list[int]()
        while trail:
            if ahead := leaving.get(trail[-1][0]):
                step = ahead.pop()
                trail.append((steps[step][1], step))
            else:
                taken.append(trail.pop()[1])
        found = taken[-2::-1]
        states = [begin, *(steps[k][1] for k in found)]
        if len(found) == len(steps) and all(steps[k][0] == at for k, at in zip(found, states, strict=False)):
            return found
    return list(range(len(steps)))
