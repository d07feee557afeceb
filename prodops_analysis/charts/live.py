"""What a chart gains when its reader makes it live: tooltips, zoom along x, a choice of one team or series.

The drawing and the live chart are made from one specification, so both show the same numbers.
"""

from typing import Any

from prodops_analysis.charts import renderer

ZOOM, CHOICE = "zoom", "choice"
_OPTIONS_AT_MOST = 40
_FAINT = 0.12  # what is left of a mark that was not chosen
_SILENT = {"area", "line", "text"}  # one tooltip for a whole line would tell its first point only
_COLOURS = ("color", "shape", "strokeDash")

Node = dict[str, Any]


def live(spec: Node) -> Node | None:
    """Return a specification for the screen, without title, or None for a chart with nothing to explore.

    Charts that people made interactive themselves, or that hold several views, get tooltips only.
    """
    made = renderer.untitled(renderer.cleaned(spec))
    units = _units(made)
    for unit in units:
        unit["mark"] = {"type": unit["mark"]} if isinstance(unit["mark"], str) else unit["mark"]
    if {unit["mark"]["type"] for unit in units} <= {"text", "rule"}:
        return None
    made["config"] = made.get("config", {}) | {"tooltipFormat": {"numberFormat": ",.5~r"}}
    made["usermeta"] = {}  # Vega would take options from it
    for unit in units:
        _add_tooltip(unit["mark"])
        for channel in unit[
            "encoding"
        ].values():  # Vega-Lite 6.4 writes titles into expressions, where no line may break
            if isinstance(channel, dict) and isinstance(channel.get("title"), str):
                channel["title"] = " ".join(channel["title"].split())
    if "params" not in made:
        _add_choice(units, made.get("datasets", {}))
        _add_zoom(made, units)
    return made


def _units(node: Node) -> list[Node]:
    """Return every layer with a mark."""
    return [node] if "mark" in node else [unit for part in node.get("layer", []) for unit in _units(part)]


def _add_tooltip(mark: Node) -> None:
    # set on the mark itself: Vega-Lite passes over the configuration when it decides which layers feel the pointer
    mark.setdefault("tooltip", None if mark["type"] in _SILENT else True)
    if mark["type"] == "line":  # every point of a line answers, seen or not
        mark["point"] = {"tooltip": True} | ({} if mark.get("point") else {"opacity": 0})


def _add_zoom(spec: Node, units: list[Node]) -> None:
    for unit in units:
        x = unit["encoding"].get("x", {})
        if x.get("type") in {"quantitative", "temporal"}:
            # a wheel alone goes on scrolling the page
            select = {"type": "interval", "encodings": ["x"], "zoom": "wheel![event.ctrlKey || event.metaKey]"}
            unit.setdefault("params", []).append({"name": ZOOM, "select": select, "bind": "scales"})
            spec["usermeta"] = {"zoom": f"{ZOOM}_{x['field']}"}  # the signal that holds what is seen of x
            return


def _add_choice(units: list[Node], datasets: dict[str, list[Node]]) -> None:
    """Let a reader choose by the team wherever one is drawn, else by what the colours tell apart."""
    channels = [(name, c) for unit in units for name, c in unit["encoding"].items() if isinstance(c, dict)]
    fields = [str(c.get("field")) for name, c in channels if c.get("type") == "nominal" and name in _COLOURS]
    field = "team" if any(c.get("field") == "team" for _, c in channels) else next(iter(fields), "")
    values = sorted({row[field] for rows in datasets.values() for row in rows if isinstance(row.get(field), str)})
    if not 2 <= len(values) <= _OPTIONS_AT_MOST:
        return
    concerned = [
        unit
        for unit in units
        if any(isinstance(c, dict) and c.get("field") == field for c in unit["encoding"].values())
    ]
    control = {"input": "select", "options": [None, *values], "labels": ["all", *values], "name": f"Show {field} "}
    choice = {"name": CHOICE, "select": {"type": "point", "fields": [field]}, "bind": {field: control}}
    concerned[0].setdefault("params", []).append(choice)
    faint = {"condition": {"param": CHOICE, "value": 1}, "value": _FAINT}
    for unit in concerned:  # beside opacity, which keeps the points of lines out of sight
        unit["encoding"] = {"fillOpacity": faint, "strokeOpacity": faint} | unit["encoding"]
