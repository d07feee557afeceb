"""Make a drawing of Vega smaller: the same picture with what no eye can see left out.

Vega writes every default on every mark and seventeen digits a coordinate.
"""

import re

from prodops_analysis.charts.theme import FONT

_TAG = re.compile(r"<[a-z](?:[^>\"]|\"[^\"]*\")*>")
_NOISE = re.compile(
    r' (?:aria-[a-z]+|role|class|pointer-events|version|xmlns:xlink)="[^"]*"'
    rf'| (?:opacity|stroke-width)="1"| font-weight="normal"| font-family="{FONT}"| transform="translate\(0,0\)"'
)
_NUMBER = re.compile(r"(?<!opacity=\")-?\d+\.\d+(?:e-?\d+)?")
_DOT = re.compile(r'<path transform="translate\(([^,]+),([^)]+)\)" d="M([\d.]+),0A[^"]*"')


def slim(svg: str) -> str:
    """Return the same drawing without names for screen readers and defaults, the font once, a digit a coordinate."""

    def bare(tag: re.Match[str]) -> str:
        short = _NUMBER.sub(lambda found: f"{round(float(found[0]), 1):g}", _NOISE.sub("", tag[0]))
        return _DOT.sub(r'<circle cx="\1" cy="\2" r="\3"', short)

    return _TAG.sub(bare, svg).replace("<svg ", f'<svg font-family="{FONT}" ', 1)
