"""What a chart gains when its reader makes it live: tooltips, zoom along x, a choice of one team or series.

The drawing and the live chart are made from one specification, so both show the same numbers.
"""

from collections.abc import Iterator
from typing import Any

from prodops_analysis.charts import renderer

ZOOM, CHOICE = "zoom", "choice"
_OPTIONS_AT_MOST = 40
EDGE = 8  # pixels beside the first and the last day
_FAINT = 0.12  # what is left of a mark that was not chosen
_SILENT = {"area", "line", "text", "trail"}  # one tooltip for a whole line would tell its first point only
_COLOURS = ("color", "fill", "stroke", "shape", "strokeDash")
_VIEWS = {"concat", "hconcat", "vconcat", "facet", "repeat", "spec"}

Node = dict[str, Any]


def live(spec: Node) -> Node | None:
    """Return a specification for the screen, without title, or None for a chart with nothing to explore.

    Times are read as UTC, as in the drawing. Zoom and choice need one view; several views get tooltips only.
    """
    made = renderer.untitled(_prepared(renderer.cleaned(spec)))
    units = list(_units(made, {}))
    if all(_kind(unit) in {"text", "rule"} for unit, _ in units):
        return None
    made["config"] = {"tooltipFormat": {"numberFormat": ",.5~r"}} | made.get("config", {})
    for unit, _ in units:
        _add_tooltip(unit)
    if {_kind(unit) for unit, _ in units} <= {*_SILENT, "rule"}:  # as in the drawing, in spite of the points
        made["config"]["legend"] = {"symbolType": "stroke"} | made["config"].get("legend", {})
    made["usermeta"] = {}  # Vega would take options from it
    if not {*_VIEWS, "params"} & set(made) and not any("params" in unit for unit, _ in units):
        _add_choice(made, units)
        _add_zoom(made, units)
    return made


def _units(node: Node, inherited: Node) -> Iterator[tuple[Node, Node]]:
    """Yield every view with a mark, and its encoding together with that of the layers around it."""
    encoding = inherited | node.get("encoding", {})
    if "mark" in node:
        yield node, encoding
    for key in ("layer", "concat", "hconcat", "vconcat"):
        for part in node.get(key, []):
            yield from _units(part, encoding)
    if isinstance(node.get("spec"), dict):
        yield from _units(node["spec"], encoding)


def _kind(unit: Node) -> str:
    return str(unit["mark"]["type"] if isinstance(unit["mark"], dict) else unit["mark"])


def _add_tooltip(unit: Node) -> None:
    # set on the mark itself: Vega-Lite passes over the configuration when it decides which layers feel the pointer
    mark = unit["mark"] = {"type": unit["mark"]} if isinstance(unit["mark"], str) else unit["mark"]
    mark.setdefault("tooltip", None if mark["type"] in _SILENT else True)
    if mark["type"] == "bar":  # Vega-Lite 6.4 puts stacked bars with round ends in a group that clips all of them away
        mark.setdefault("cornerRadiusEnd", 0)
    if mark["type"] == "line":  # every point of a line answers, seen or not
        point = mark.get("point")
        mark["point"] = {"tooltip": True} | (
            point if isinstance(point, dict) else {} if point is True else {"opacity": 0}
        )


def _prepared(node: Any) -> Any:
    """Copy a specification with times in UTC and titles on one line; data are left as they are."""
    if isinstance(node, list):
        return [_prepared(part) for part in node]
    if not isinstance(node, dict):
        return node
    made = {key: part if key in {"data", "datasets"} else _prepared(part) for key, part in node.items()}
    if isinstance(made.get("title"), str):  # Vega-Lite 6.4 writes it into an expression, where no line may break
        made["title"] = " ".join(made["title"].split())
    if made.get("type") == "temporal" and "field" in made:
        unit = made.get("timeUnit")
        if isinstance(unit, str) and not unit.startswith("utc"):
            made["timeUnit"] = f"utc{unit}"
        if made.get("scale", {}) is not None:
            made["scale"] = {"type": "utc"} | made.get("scale", {})
    return made


def _add_zoom(spec: Node, units: list[tuple[Node, Node]]) -> None:
    # what can be zoomed is cut at the edges of the view: no mark of a first or last day may lie there, nor words beside
    for unit, encoding in units:
        if _kind(unit) == "text" and "field" not in encoding.get("x", {}):
            unit["mark"].setdefault("clip", False)
    for unit, encoding in units:
        x = encoding.get("x", {})
        plain = str(x.get("field", "")).isidentifier() and not {"bin", "aggregate", "timeUnit"} & set(x)
        if plain and x.get("type") in {"quantitative", "temporal"}:
            if x["type"] == "temporal" and x.get("scale", {}) is not None:
                x["scale"] = {"padding": EDGE} | x.get("scale", {})
            # a wheel alone goes on scrolling the page
            select = {"type": "interval", "encodings": ["x"], "zoom": "wheel![event.ctrlKey || event.metaKey]"}
            unit.setdefault("params", []).append({"name": ZOOM, "select": select, "bind": "scales"})
            spec["usermeta"] = {"zoom": f"{ZOOM}_{x['field']}"}  # the signal that holds what is seen of x
            return


def _add_choice(spec: Node, units: list[tuple[Node, Node]]) -> None:
    field = _choice(units)
    values = _values(spec, field)
    if field is None or not 2 <= len(values) <= _OPTIONS_AT_MOST:
        return
    concerned = [(unit, encoding) for unit, encoding in units if _names(encoding, field)]
    control = {"input": "select", "options": [None, *values], "labels": ["all", *values], "name": f"Show {field} "}
    choice = {"name": CHOICE, "select": {"type": "point", "fields": [field]}, "bind": {field: control}}
    concerned[0][0].setdefault("params", []).append(choice)
    faint = {"condition": {"param": CHOICE, "value": 1}, "value": _FAINT}
    for unit, _ in concerned:  # beside opacity, which keeps the points of lines out of sight
        unit["encoding"] = {"fillOpacity": faint, "strokeOpacity": faint} | unit.get("encoding", {})


def _choice(units: list[tuple[Node, Node]]) -> str | None:
    """Name the field to choose by: the team wherever one is drawn, else what the colours tell apart."""
    channels = [encoding.get(channel) for _, encoding in units for channel in _COLOURS]
    found = [c["field"] for c in channels if isinstance(c, dict) and c.get("type") == "nominal" and "field" in c]
    if any(_names(encoding, "team") for _, encoding in units):
        found.insert(0, "team")
    plain = [field for field in found if isinstance(field, str) and field.isidentifier()]
    return plain[0] if plain else None


def _names(encoding: Node, field: str) -> bool:
    return any(isinstance(channel, dict) and channel.get("field") == field for channel in encoding.values())


def _values(spec: Node, field: str | None) -> list[str]:
    rows = [row for table in spec.get("datasets", {}).values() for row in table]
    return sorted({row[field] for row in rows if isinstance(row, dict) and isinstance(row.get(field), str)})
