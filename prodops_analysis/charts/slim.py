"""Make a drawing of Vega small: the same picture in about a fifth of the bytes.

Vega writes every default on every mark and seventeen digits a coordinate. What no eye can see is left out: marks
without paint, digits beyond a hundredth of a pixel (a twentieth within a curve), attributes that a parent can hold.
"""

import re
from xml.etree import ElementTree as ET

_SVG = "{http://www.w3.org/2000/svg}"
ET.register_namespace("", _SVG[1:-1])

_NUMBER = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")
_LINE = re.compile(r"M-?[\d.]+,-?[\d.]+(?:L-?[\d.]+,-?[\d.]+)+Z?")
_PLACE = re.compile(r"translate\(([-\d.]+),([-\d.]+)\)")
_CIRCLE = re.compile(r"M([\d.]+),0A\1,\1,0,1,1,-\1,0A\1,\1,0,1,1,\1,0Z?")
_NOISE = {"aria-hidden", "aria-roledescription", "class", "pointer-events", "role"}
_DEFAULT = {("opacity", "1"), ("transform", "translate(0,0)"), ("font-weight", "normal"), ("stroke-width", "1")}
_LETTERS = {"font-family", "font-size", "font-style", "font-weight", "text-anchor"}  # only text has them
_INHERITED = {*_LETTERS, "fill", "fill-opacity", "stroke", "stroke-dasharray", "stroke-opacity", "stroke-width"}
_PAINT = {"fill", "stroke", "style"}


def slim(svg: str) -> str:
    """Return the same drawing with what cannot be seen left out; width, height and ids stay."""
    root = ET.fromstring(svg)  # noqa: S314  # drawn by this very process
    for node in root.iter():
        _clean(node)
    _prune(root)
    _lift(root)
    _join_lines(root)
    _unwrap(root)
    return ET.tostring(root, encoding="unicode", short_empty_elements=True).replace(" />", "/>")


def _clean(node: ET.Element) -> None:
    for name, value in list(node.attrib.items()):
        line = name == "d" and _LINE.fullmatch(value)
        node.attrib[name] = value = _polyline(value) if line else _rounded(name, value)
        if name in _NOISE or name == "version" or (name, value) in _DEFAULT:
            del node.attrib[name]
    _round_dot(node)


def _round_dot(node: ET.Element) -> None:
    found, place = _CIRCLE.fullmatch(node.get("d", "")), _PLACE.fullmatch(node.get("transform", ""))
    if node.tag == _SVG + "path" and found and place:
        node.tag = _SVG + "circle"
        del node.attrib["d"], node.attrib["transform"]
        node.attrib |= {"cx": place[1], "cy": place[2], "r": found[1]}


def _rounded(name: str, value: str) -> str:
    if name in {"id", "clip-path", "href", "font-family"} or "matrix" in value or "scale" in value:
        return value
    return _NUMBER.sub(lambda found: _short(round(float(found[0]), 2)), value)


def _short(number: float) -> str:
    text = f"{number:.2f}".rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text.replace("0.", ".", 1) if text.lstrip("-").startswith("0.") else text


def _polyline(path: str) -> str:
    """Write a line as steps from point to point of a grid of a tenth of a pixel, so that no error adds up."""
    words = re.split("[ML]", path.rstrip("Z"))[1:]
    points = [tuple(round(float(part) * 10) for part in word.split(",")) for word in words]
    (x, y), *rest = points
    written, last = f"M{_tenths(x)},{_tenths(y)}", "M"
    for to_x, to_y in rest:
        across, down = to_x - x, to_y - y
        if not across and not down:
            continue
        command = "l" if across and down else "h" if across else "v"
        steps = [_tenths(step) for step in (across, down) if step]
        for text in (command if command != last else "", *steps):
            glued = written[-1].isalpha() or text.startswith("-") or text.isalpha() or not text
            written += text if glued else f" {text}"
        x, y, last = to_x, to_y, command
    return written + ("Z" if path.endswith("Z") else "")


def _tenths(value: int) -> str:
    return _short(value / 10)


def _prune(node: ET.Element) -> None:
    """Take out marks that paint nothing, and the groups that this leaves empty; what an id points to stays."""
    for child in list(node):
        if child.tag in {_SVG + "defs", _SVG + "clipPath"}:
            continue
        _prune(child)
        bare = child.tag == _SVG + "path" and not _PAINT & set(child.attrib)
        if bare or child.get("display") == "none" or (child.tag == _SVG + "g" and not len(child)):
            node.remove(child)


def _lift(node: ET.Element) -> None:
    """Write an attribute that all children share once, on their group."""
    for child in node:
        _lift(child)
    if node.tag != _SVG + "g" or any(child.tag in {_SVG + "defs", _SVG + "clipPath"} for child in node):
        return
    for name in sorted(_INHERITED):
        holders = [child for child in node if name not in _LETTERS or _has_text(child)]
        values = {child.get(name) for child in holders}
        if len(values) == 1 and (value := values.pop()) is not None:
            node.set(name, value)
            for child in holders:
                del child.attrib[name]


def _has_text(node: ET.Element) -> bool:
    return next(node.iter(_SVG + "text"), None) is not None


def _join_lines(root: ET.Element) -> None:
    """Draw grid lines and ticks that look the same as one path."""
    for group in root.iter(_SVG + "g"):
        lines = list(group)
        places = [_PLACE.fullmatch(line.get("transform", "translate(0,0)")) for line in lines]
        alike = all(line.tag == _SVG + "line" and set(line.attrib) <= {"transform", "x2", "y2"} for line in lines)
        if len(lines) < 2 or not alike or not all(places):
            continue
        steps = [f"l{line.get('x2', '0')},{line.get('y2', '0')}" for line in lines]
        steps = [re.sub(r"^l0,(.*)$", r"v\1", re.sub(r"^l(.*),0$", r"h\1", step)) for step in steps]
        path = "".join(f"M{place[1]},{place[2]}{step}" for place, step in zip(places, steps, strict=True) if place)
        group[:] = [ET.Element(_SVG + "path", {"d": path})]


def _unwrap(node: ET.Element) -> None:
    """Put the children of a group that says nothing in its place."""
    for child in list(node):
        _unwrap(child)
        if child.tag == _SVG + "g" and not child.attrib:
            at = list(node).index(child)
            node[at : at + 1] = list(child)
