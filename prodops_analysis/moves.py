"""Moves of one item at one instant, as in an export of whole days, put in the order in which they happened."""

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
    order = np.lexsort((moves["left"], moves["entered"], moves["place"], moves["rank"], np.cumsum(new)))
    left, entered, item, place = (moves[name].to_numpy() for name in ("left", "entered", "item", "place"))
    last = np.append(first[1:], len(moves))
    tied, told = last - first > 1, np.logical_or.reduceat(left != "", first) if len(first) else new
    for begin in np.flatnonzero(tied & told):
        rows = order[first[begin] : last[begin]]
        rows = rows[: np.isfinite(place[rows]).sum()]
        before = order[first[begin] - 1] if first[begin] else -1
        stood = entered[before] if before >= 0 and item[before] == item[rows[0]] else ""
        steps = [(left[row], entered[row]) for row in rows]
        rows[:] = rows[path(steps, stood)]
    return order


def path(steps: list[tuple[str, str]], stood: str) -> list[int]:
    """Return the order in which steps (from, to) follow each other, the first possible one; as given where none is.

    Begun where the item `stood`, or at the only state that is left more often than entered.
    """
    ends = {
        state: sum(a == state for a, _ in steps) - sum(b == state for _, b in steps) for step in steps for state in step
    }
    for begin in (stood, *(state for state, more in ends.items() if more == 1)):
        at, rest, taken = begin, list(range(len(steps))), list[int]()
        while rest:
            # a step may be taken where all that is left can still be reached (Fleury)
            fit = (k for k in rest if steps[k][0] == at and _reached(steps[k][1], [steps[j] for j in rest if j != k]))
            if (step := next(fit, None)) is None:
                break
            taken.append(step)
            rest.remove(step)
            at = steps[step][1]
        if not rest:
            return taken
    return list(range(len(steps)))


def _reached(begin: str, steps: list[tuple[str, str]]) -> bool:
    """Say whether every step begins in a state that can be reached."""
    seen, grown = {begin}, True
    while grown:
        more = {b for a, b in steps if a in seen} - seen
        seen, grown = seen | more, bool(more)
    return all(a in seen for a, _ in steps)
