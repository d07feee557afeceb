"""The look of every chart: colours, type and the Altair theme `prodops`.

Marks reach a contrast of 3:1 on paper and stay apart for the three common kinds of colour blindness, on white and on
a dark screen (computed in tests/test_renderer.py). Colour never stands alone: name the series in a legend or beside
the mark.
"""

import altair as alt

FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
WIDE, NARROW = 640, 340  # total width in px, on a desk and on a phone

PAPER = "#ffffff"
INK = "#111827"  # text, and the rule that marks a change
MUTED = "#4b5563"  # subtitles and axis labels
LINE = "#9ca3af"  # the one axis line
GRID = "#e5e7eb"

BEFORE = "#0b5cad"  # blue
AFTER = "#b45309"  # orange
COMPARISON = "#6b7280"  # grey: teams without the change, last year, what was expected
CATEGORIES = (BEFORE, AFTER, COMPARISON, "#00875f", "#5b1a4f", "#3a9bd9")  # order of use

READINGS = {"better": "#00875f", "worse": "#b3261e", "unclear": COMPARISON}
READING_SHAPES = {"better": "circle", "worse": "square", "unclear": "diamond"}
GRADE_SHADES = {"A": PAPER, "B": "#dbe7f3", "C": "#f6d9b8", "D": AFTER, "none": "#f3f4f6"}

# What a page turns each colour into on a dark screen; drawings with any other colour stay on white.
DARK = {
    PAPER: "#14171c", INK: "#eceff3", MUTED: "#b3bbc6", LINE: "#5b6472", GRID: "#2a303a",
    BEFORE: "#3f8fe0", AFTER: "#f0944d", COMPARISON: "#7f8998",
    "#00875f": "#3cc492", "#5b1a4f": "#d9a3e3", "#3a9bd9": "#d6efff", "#b3261e": "#ff7a6e",
    "#dbe7f3": "#22384f", "#f6d9b8": "#5a3f1e", "#f3f4f6": "#20252d",
}  # fmt: skip

_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
LOCALE = {
    "number": {"decimal": ".", "thousands": ",", "grouping": [3], "currency": ["", ""], "minus": "−"},
    "time": {
        "dateTime": "%-d %b %Y %H:%M", "date": "%-d %b %Y", "time": "%H:%M", "periods": ["AM", "PM"],
        "days": _DAYS, "shortDays": [day[:3] for day in _DAYS],
        "months": _MONTHS, "shortMonths": _MONTHS,  # both short: automatic axis labels must fit a phone
    },
}  # fmt: skip


@alt.theme.register("prodops", enable=False)
def theme() -> alt.theme.ThemeConfig:
    """Return the configuration of Vega-Lite in the shape Altair asks for; every call builds a fresh one."""
    text = {"labelFontSize": 12, "titleFontSize": 12, "labelColor": MUTED, "titleColor": MUTED}
    config = {
        "aria": False,  # the page names each chart once instead of every mark in it
        "autosize": {"type": "fit-x", "contains": "padding"},
        "background": PAPER,
        "font": FONT,
        "locale": LOCALE,
        "padding": {"left": 4, "right": 12, "top": 6, "bottom": 4},
        "view": {"stroke": None, "continuousWidth": WIDE, "continuousHeight": 280,
                 "discreteWidth": WIDE, "discreteHeight": {"step": 34}},
        "title": {"anchor": "start", "frame": "bounds", "color": INK, "fontSize": 17, "fontWeight": "bold",
                  "subtitleColor": MUTED, "subtitleFontSize": 13, "subtitlePadding": 6, "offset": 16},
        "axis": {**text, "titleFontWeight": "normal", "titleLimit": 400, "labelPadding": 6, "labelLimit": 240,
                 "gridColor": GRID, "domainColor": LINE, "tickColor": LINE, "tickCount": 5},
        "axisX": {"labelOverlap": "greedy", "labelFlush": True, "titlePadding": 10},
        "axisY": {"titleAngle": 0, "titleAlign": "left", "titleBaseline": "bottom", "titleX": 0, "titleY": -8,
                  "domain": False, "ticks": False},
        # numbers and dates are short; a limit would have each label measured once more, and measuring is slow
        "axisQuantitative": {"grid": True, "domain": False, "ticks": False, "labelLimit": 0},
        "axisDiscrete": {"grid": False, "domain": False, "ticks": False, "labelColor": INK},
        "axisTemporal": {"grid": False, "domain": True, "ticks": True, "labelLimit": 0},
        "legend": {**text, "orient": "top", "direction": "horizontal", "offset": 28, "title": None, "labelLimit": 260},
        "header": {**text, "labelFontWeight": "bold", "labelAnchor": "start", "labelColor": INK},
        "range": {"category": list(CATEGORIES)},
        "mark": {"color": BEFORE},
        "line": {"strokeWidth": 2.5},
        "bar": {"cornerRadiusEnd": 2},
        "point": {"filled": True, "size": 70},
        "rule": {"color": INK, "strokeWidth": 1.2},
        "text": {"color": INK, "fontSize": 12},
        "area": {"opacity": 0.18},
    }  # fmt: skip
    return {"config": config}  # type: ignore[typeddict-item]
