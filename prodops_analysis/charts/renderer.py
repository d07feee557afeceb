"""Draw charts as static SVG, byte for byte the same in every process, with no network and no script.

Notebooks keep the specification too: JupyterLab draws it offline under the Vega-Lite 5 type, and the report draws it
a second time for narrow screens.
"""

import copy
import hashlib
import json
import os
import re
from contextlib import suppress
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

import altair as alt
import vl_convert

from prodops_analysis.charts import theme
from prodops_analysis.charts.slim import slim
from prodops_analysis.errors import ReportError, printable

MIME = "application/vnd.vegalite.v5+json"  # JupyterLab 4 knows no later one
FONTS = ["/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts"]
_FIRST = {"data": {"values": [{}]}, "mark": "text", "encoding": {"text": {"value": "a"}}}
_ONE = Lock()
VERSION = ".".join(alt.SCHEMA_VERSION.lstrip("v").split(".")[:2])


def enable() -> None:
    """Make every chart of this process use our theme and renderer; prints nothing."""
    alt.theme.enable("prodops")
    alt.renderers.register("prodops", renderer)
    alt.renderers.enable("prodops")
    _ready()


def renderer(spec: dict[str, Any], **_metadata: Any) -> dict[str, Any]:
    """Return a chart as specification, drawing and text alternative.

    Raises ReportError: the chart has no description, or it needs something from outside the page.
    """
    spec = cleaned(spec)
    description = description_of(spec)
    prefix = "c" + hashlib.sha256(json.dumps(spec, sort_keys=True).encode()).hexdigest()[:8]
    return {MIME: spec, "image/svg+xml": to_svg(spec, prefix=prefix), "text/plain": description}


def to_svg(spec: dict[str, Any], *, prefix: str) -> str:
    """Draw a specification; ids inside begin with `prefix`, so that many drawings can share a page."""
    spec = cleaned(spec)  # a NUL would end the process inside vl-convert 1.9
    title = title_of(spec)[0]
    _refuse_outside(spec, title)
    _ready()
    try:
        svg = _draw(spec)
    except ValueError as error:
        with suppress(ValueError):
            _draw(_FIRST)  # vl-convert 1.9 lets the next drawing fail for some faults of this one
        _, _, reason = str(error).partition("\n")  # the first line says only that it failed
        reason = reason.partition("\n")[0] or str(error)
        raise ReportError(f"chart {title!r} cannot be drawn: {reason}; mend its specification") from error
    if re.search(r'^<svg[^>]* (?:width|height)="0"', svg):
        raise ReportError(f"chart {title!r} comes out empty; give it data, or a width and a height")
    svg = slim(svg)
    # Vega counts clip paths on through the life of a process
    for number, old in enumerate(dict.fromkeys(re.findall(r'\bid="([^"]+)"', svg))):
        new = f"{prefix}-{number}"
        svg = (
            svg.replace(f'id="{old}"', f'id="{new}"').replace(f"#{old})", f"#{new})").replace(f'"#{old}"', f'"#{new}"')
        )
    return svg


def to_png(spec: dict[str, Any]) -> bytes:
    """Draw a specification, title and all, as a picture for mail and chat, two pixels a point."""
    _refuse_outside(spec, title_of(spec)[0])
    _ready()
    return bytes(vl_convert.vegalite_to_png(cleaned(spec), vl_version=VERSION, scale=2, allowed_base_urls=[]))


def cleaned(node: Any) -> Any:
    """Return a specification in which every text, names of fields too, can be printed."""
    if isinstance(node, dict):
        return {printable(key): cleaned(value) for key, value in node.items()}
    if isinstance(node, list):
        return [cleaned(part) for part in node]
    return printable(node) if isinstance(node, str) else node


def title_of(spec: dict[str, Any]) -> tuple[str, str]:
    """Return headline and subtitle of a chart, each on one line."""
    title = spec.get("title") or ""
    parts = (title.get("text", ""), title.get("subtitle", "")) if isinstance(title, dict) else (title, "")
    headline, subtitle = (" ".join(part) if isinstance(part, list) else str(part) for part in parts)
    return headline, subtitle


def description_of(spec: dict[str, Any]) -> str:
    """Return the text alternative of a chart, or refuse a chart without one."""
    description = str(spec.get("description") or "").strip()
    if not description:
        raise ReportError(
            f"chart {title_of(spec)[0] or 'without a title'!r} has no description; add "
            ".properties(description=…) with the kind of chart and what it shows, for readers who cannot see it"
        )
    return description


def untitled(spec: dict[str, Any]) -> dict[str, Any]:
    """Return a specification without its title, for a page that sets the title as text."""
    return {key: value for key, value in spec.items() if key != "title"}


def narrow(spec: dict[str, Any]) -> dict[str, Any]:
    """Return a specification for a phone: narrower, side-by-side views stacked, legends in a column."""
    small: dict[str, Any] = _stacked(spec)
    settings = small["config"] = copy.deepcopy(spec.get("config", {}))
    view, axis, legend = (settings.setdefault(part, {}) for part in ("view", "axis", "legend"))
    view["continuousWidth"] = view["discreteWidth"] = theme.NARROW
    axis.update(labelLimit=130, tickCount=4, titleLimit=theme.NARROW - 60)
    legend.update(direction="vertical", labelLimit=theme.NARROW - 60)
    return small


def _stacked(node: Any) -> Any:
    if isinstance(node, list):
        return [_stacked(part) for part in node]
    if not isinstance(node, dict):
        return node
    small: dict[str, Any] = {}
    for key, value in node.items():
        if key in {"datasets", "data", "mark", "config"}:
            small[key] = value
        elif key == "width" and isinstance(value, int | float):
            small[key] = min(value, theme.NARROW)
        elif key == "columns" and isinstance(value, int):
            small[key] = 1
        else:
            small["vconcat" if key == "hconcat" else key] = _stacked(value)
    return small


def _refuse_outside(node: Any, title: str) -> None:
    for key, value in node.items() if isinstance(node, dict) else enumerate(node):
        if key in {"href", "url"}:
            raise ReportError(
                f"chart {title!r} needs something from outside the page ({key}: {str(value)[:80]}); "
                "put the data into the chart and remove links and image marks"
            )
        if isinstance(value, dict | list) and key not in {"datasets", "values"}:
            _refuse_outside(value, title)


def _draw(spec: dict[str, Any]) -> str:
    return str(vl_convert.vegalite_to_svg(spec, vl_version=VERSION, allowed_base_urls=[]))


def _ready() -> None:
    """Prepare once, one thread at a time: another would take our settings for those it has to put back."""
    with _ONE:
        _prepare()


@cache
def _prepare() -> None:
    """Fix what the first drawing fixes for the life of the process; Python's own settings are not touched.

    The zone is UTC. Letters are measured by the Liberation Sans that vl-convert brings, the same on every machine; the
    fonts of the system come after it, for what it lacks (the other order costs twice the time: vl-convert 1.9 opens the
    file of a font for every text).
    """
    ours = {"TZ": "UTC", "FONTCONFIG_FILE": str(Path(__file__).with_name("no_fonts.conf"))}
    before = {name: os.environ.get(name) for name in ours}
    os.environ.update(ours)
    try:
        _draw(_FIRST)
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
    for folder in map(os.path.expanduser, FONTS):
        if os.path.isdir(folder):
            vl_convert.register_font_directory(folder)
