"""Render an executed notebook as one self-contained page: no outside address, readable offline and without scripts.

The template in `templates/prodops` lays the page out; this module decides what may stand in it. A notebook that
failed, or that shows something the page cannot show, is refused: nothing vanishes silently.
"""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from nbconvert.exporters import HTMLExporter
from nbconvert.preprocessors.sanitize import SanitizeHTML
from nbformat import NotebookNode, from_dict
from traitlets import Bool, default
from traitlets.config import Config

from prodops_analysis.charts import renderer, theme
from prodops_analysis.errors import printable
from prodops_analysis.report.arrange import SHOWN, Arrange
from prodops_analysis.report.live import LiveCharts, policy
from prodops_analysis.report.prose import framed, is_local
from prodops_analysis.tables import safe

TEMPLATES = Path(__file__).parent / "templates"
HIDDEN_TAGS = {"remove-cell", "keep_output", "parameters", "injected-parameters"}

# fmt: off
_TAGS = [
    "a", "abbr", "b", "bdi", "br", "caption", "code", "col", "colgroup", "dd", "div", "dl", "dt", "em", "figcaption",
    "h2", "h3", "h4", "h5", "h6", "hr", "i", "li", "ol", "p", "pre", "section", "small", "span", "strong", "sub", "sup",
    "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul",
]
# fmt: on
_PAINT = re.compile(r'(?:fill|stroke)="([^"]+)"')
_ATTRIBUTES = {"class", "title", "role", "tabindex", "scope", "colspan", "rowspan", "lang", "dir", "data-label"}


def render(notebook: NotebookNode, *, title: str | None = None, live: bool = True) -> str:
    """Return the page of an executed notebook.

    Parameters
    ----------
    notebook : may carry `metadata["prodops"]` with title, period, notice, as_of, lang, and glossary where one lies
        beside the page; all text.
    title : wins over that of the metadata, which wins over the first heading of level 1.
    live : whether a reader with scripts can make charts live; costs about 420 kB a page that has charts.

    Raises
    ------
    ReportError : a cell failed, a chart has no description, or an output cannot be shown on a static page.
    """
    page, _ = ReportExporter(live=live).from_notebook_node(  # type: ignore[no-untyped-call]
        notebook, resources={"prodops_title": title}
    )
    return page


class ReportExporter(HTMLExporter):
    """The nbconvert exporter `prodops`: `jupyter nbconvert --to prodops notebook.ipynb`."""

    export_from_notebook = "Product operations report"
    live = Bool(True, help="Let readers with scripts make charts live.").tag(config=True)

    @default("template_name")
    def _template_name_default(self) -> str:
        return "prodops"

    @default("extra_template_basedirs")
    def _basedirs_default(self) -> list[str]:
        return [str(TEMPLATES)]

    @property
    def default_config(self) -> Config:
        """Hide code and prompts, drop parameter cells, prefer our charts."""
        ours = Config(
            {
                "TemplateExporter": {
                    "exclude_input": True,
                    "exclude_input_prompt": True,
                    "exclude_output_prompt": True,
                    "exclude_raw": True,
                },
                "ReportExporter": {"preprocessors": [Arrange]},
                "TagRemovePreprocessor": {"enabled": True, "remove_cell_tags": HIDDEN_TAGS},
                "NbConvertBase": {"display_data_priority": [renderer.MIME, *SHOWN]},
                "HighlightMagicsPreprocessor": {"enabled": False},
            }
        )
        merged = super().default_config.copy()
        merged.merge(ours)
        return merged

    def from_notebook_node(  # type: ignore[override]  # nbconvert's own HTML exporter returns text too
        self, nb: NotebookNode, resources: dict[str, Any] | None = None, **kw: Any
    ) -> tuple[str, dict[str, Any]]:
        """Render a notebook; ids of charts and tables count from one on every page."""
        self._drawings: dict[str, str] = {}
        self._live = LiveCharts()
        self._frames = self._texts = 0
        page, found = super().from_notebook_node(_written(nb), resources, **kw)
        # nbconvert parses the page and writes it anew; what must keep every byte comes after that
        page = re.sub(r"<!--(chart\.\d+)-->", lambda mark: self._drawings[mark[1]], str(page))
        page = page.replace("</style>", f"{_on_dark_screens()}\n</style>", 1) if self._drawings else page
        if self._live:
            page = page.replace("; base-uri ", f"; {policy()}; base-uri ", 1)
            page = f"{self._live.scripts()}</body>".join(page.rsplit("</body>", 1))
        return page, found

    def default_filters(self) -> Any:
        """Add the filters that the template uses to those of nbconvert."""
        yield from super().default_filters()  # type: ignore[no-untyped-call]
        yield from {"chart": self.chart, "fragment": self.fragment, "plain": self.plain, "escaped": safe}.items()

    def chart(self, written: str) -> dict[str, Any]:
        """Draw a chart twice, for a desk and for a phone; its title is text of the page."""
        spec = json.loads(written)
        name = f"chart.{len(self._drawings) + 1}"  # no heading has a dot in its id
        description, (title, subtitle) = renderer.description_of(spec), renderer.title_of(spec)
        bare = renderer.untitled(spec)
        drawn = {
            "wide": renderer.to_svg(bare, prefix=f"{name}-w"),
            "narrow": renderer.to_svg(renderer.narrow(bare), prefix=f"{name}-n"),
        }
        self._drawings[name] = "".join(
            svg.replace("<svg ", f'<svg class="{kind}" aria-hidden="true" focusable="false" ', 1)
            for kind, svg in drawn.items()
        )
        live = self.live and self._live.add(name, spec)
        themed = set(_PAINT.findall(self._drawings[name])) <= {*theme.DARK, "none"}
        return {"id": name, "title": title, "subtitle": subtitle, "description": description, "live": live,
                "themed": themed}  # fmt: skip

    def fragment(self, html: str) -> str:
        """Return the HTML of an output with nothing in it but text, tables and lists."""
        html = re.sub(r"<style\b.*?</style>", "", html, flags=re.DOTALL | re.IGNORECASE)
        clean = self._clean(printable(html))
        clean = re.sub(r"<th\b[^>]*>\s*</th>", "<td></td>", clean)
        if "<table" in clean and 'role="region"' not in clean:
            self._frames += 1
            clean = framed(clean, label=f"Table {self._frames}")
        return clean

    def _clean(self, html: str) -> str:
        sanitizer: Any = SanitizeHTML
        return str(sanitizer(tags=_TAGS, attributes=_allowed, styles=[]).sanitize_html_tags(html))

    def plain(self, text: str) -> str:
        """Return printed text as it was set, in a frame that scrolls."""
        if not text.strip():
            return ""
        self._texts += 1
        label = f"Text output {self._texts}"
        return f'<pre role="region" tabindex="0" aria-label="{label}">{safe(text)}</pre>'


def _written(nb: NotebookNode) -> NotebookNode:
    """Return a notebook whose charts are written as JSON: nbconvert copies it three times, all their rows too."""
    cells = []
    for cell in nb.cells:
        outputs = [
            output | {"data": output.data | {renderer.MIME: json.dumps(output.data[renderer.MIME])}}
            if renderer.MIME in output.get("data", {})
            else output
            for output in cell.get("outputs", [])
        ]
        cells.append(cell | {"outputs": outputs} if outputs else cell)
    return from_dict(nb | {"cells": cells})


def _allowed(_tag: str, name: str, value: str) -> bool:
    return name in _ATTRIBUTES or name.startswith("aria-") or (name == "href" and is_local(value))


@cache
def _on_dark_screens() -> str:
    """Return the rules that turn the colours of the theme into those of a dark screen; on paper they stay."""
    rules = "".join(
        f'.themed [{what}="{light}"]{{{what}:{dark}}}'
        for light, dark in theme.DARK.items()
        for what in ("fill", "stroke")
    )
    return f"@media screen and (prefers-color-scheme:dark){{{rules}}}"
