"""Turn an executed notebook into the parts of a page: refuse what cannot be shown, put the summary first.

A notebook that failed, or that shows something the page cannot show, is refused: nothing vanishes silently.
"""

import base64
import re
from functools import cache
from typing import Any

from nbconvert.filters import strip_ansi
from nbconvert.preprocessors import Preprocessor
from nbconvert.preprocessors.sanitize import SanitizeHTML
from nbformat import NotebookNode

from prodops_analysis.charts import renderer, theme
from prodops_analysis.charts.parts import is_empty
from prodops_analysis.errors import ReportError, printable, some
from prodops_analysis.report.live import LiveCharts
from prodops_analysis.report.prose import Prose, framed, is_local
from prodops_analysis.tables import safe

PICTURES = ("image/png", "image/jpeg")
SVG = "image/svg+xml"
SHOWN = {renderer.MIME, "text/html", "text/markdown", SVG, *PICTURES, "text/plain"}
HIDDEN = {"remove-cell", "keep_output", "parameters", "injected-parameters"}  # tags of cells that no page shows
SILENT = "application/vnd.prodops."  # results as data, for metrics.json

# fmt: off
_TAGS = [
    "a", "abbr", "b", "bdi", "br", "caption", "code", "col", "colgroup", "dd", "div", "dl", "dt", "em", "figcaption",
    "h2", "h3", "h4", "h5", "h6", "hr", "i", "li", "ol", "p", "pre", "section", "small", "span", "strong", "sub", "sup",
    "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul",
]
# fmt: on
_PAINT = re.compile(r'(?:fill|stroke)="([^"]+)"')
_ATTRIBUTES = {"class", "title", "role", "tabindex", "scope", "colspan", "rowspan", "lang", "dir", "data-label"}


class Arrange(Preprocessor):
    """Check the outputs, put the summary first, and turn every cell into HTML: `resources["page"]`."""

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        """Prepare a notebook for the template; nbconvert hands over a copy."""
        nb.cells = [cell for cell in nb.cells if not HIDDEN & {*cell.metadata.get("tags", [])}]
        check(nb)
        told = nb.metadata.get("prodops", {})
        first = next((cell for cell in nb.cells if cell.cell_type == "markdown"), None)
        opens = first is not None and re.match(r"\s*#\s", first.source) is not None
        if first is not None and opens:
            first.metadata["tags"] = [*first.metadata.get("tags", []), "summary"]
        # ids of charts and tables count from one on every page
        self._prose, self._live, self._charts, self._counted = Prose(title="" if opens else None), LiveCharts(), 0, 0
        self._exporter: Any = self.parent
        front = self._parts(cell for cell in nb.cells if "summary" in cell.metadata.get("tags", []))
        self._prose.sections.clear()  # the contents list comes after these
        rest = self._parts(cell for cell in nb.cells if "summary" not in cell.metadata.get("tags", []))
        title = resources.get("prodops_title") or told.get("title") or self._prose.title or "Report"
        words = {key: told.get(key) or "" for key in ("period", "notice", "as_of", "glossary")} | {"title": title}
        resources["page"] = {key: printable(text) for key, text in words.items()} | {
            "front": front, "contents": self._prose.sections, "rest": rest, "live": self._live,
            "dark": _on_dark_screens() if self._charts else "",
        }  # fmt: skip
        return nb, resources

    def _parts(self, cells: Any) -> str:
        return "\n".join(part for cell in cells if (part := self._cell(cell)).strip())

    def _cell(self, cell: NotebookNode) -> str:
        if cell.cell_type == "markdown":
            return self._text(cell.source)
        return "\n".join(map(self._output, cell.get("outputs", [])))

    def _text(self, markdown: str) -> str:
        html = self._prose.html(markdown)
        return f'<div class="prose">\n{html}</div>' if html.strip() else ""

    def _output(self, output: NotebookNode) -> str:
        if output.output_type == "stream":
            return self._plain(output.text) if output.name == "stdout" else ""
        data = output.data
        if renderer.MIME in data:
            return self._chart(data[renderer.MIME], output.metadata.get("prodops_csv"))
        if "text/html" in data:
            return self._fragment(data["text/html"])
        if "text/markdown" in data:
            return self._text(data["text/markdown"])
        if kind := next((kind for kind in (SVG, *PICTURES) if kind in data), ""):
            coded = base64.b64encode(data[SVG].encode()).decode() if kind == SVG else safe(data[kind])
            picture = f'<img alt="{safe(data.get("text/plain", ""))}" src="data:{kind};base64,{coded}">'
            return f'<figure class="chart"><div class="drawing">{picture}</div></figure>'
        return self._plain(data.get("text/plain", ""))

    def _chart(self, spec: dict[str, Any], csv: str | None) -> str:
        """Draw a chart twice, for a desk and for a phone; its title is text of the page."""
        description, (title, subtitle) = renderer.description_of(spec), renderer.title_of(spec)
        if is_empty(spec):
            why = f"<figcaption><strong>{safe(title)}</strong> <span>{safe(subtitle)}</span></figcaption>"
            return f'<figure class="chart">{why}</figure>'
        self._charts += 1
        name = f"chart.{self._charts}"  # no heading has a dot in its id
        bare = renderer.untitled(spec)
        drawn = ("wide", renderer.to_svg(bare, prefix=f"{name}-w")), (
            "narrow", renderer.to_svg(renderer.narrow(bare), prefix=f"{name}-n"))  # fmt: skip
        svgs = "".join(
            svg.replace("<svg ", f'<svg class="{kind}" aria-hidden="true" focusable="false" ', 1) for kind, svg in drawn
        )
        themed = " themed" if set(_PAINT.findall(svgs)) <= {*theme.DARK, "none"} else ""
        head = (
            f'<figcaption><strong id="{name}.title">{safe(title)}</strong> <span>{safe(subtitle)}</span></figcaption>'
        )
        words = f'hidden aria-describedby="{name}.title">Explore this chart'
        button = f'<button type="button" class="explore" {words}</button>\n<span role="status"></span>\n'
        return (
            f'<figure class="chart" id="{name}">\n{head if title else ""}\n'
            f'<div class="drawing{themed}" role="img" aria-label="{safe(description)}">{svgs}</div>\n'
            + (button if self._exporter.live and self._live.add(name, spec) else "")
            + (f'<p class="data"><a href="{safe(csv)}">Data of this chart (CSV)</a></p>\n' if csv else "")
            + "</figure>"
        )

    def _fragment(self, html: str) -> str:
        """Return the HTML of an output with nothing in it but text, tables and lists."""
        html = re.sub(r"<style\b.*?</style>", "", html, flags=re.DOTALL | re.IGNORECASE)
        made: Any = SanitizeHTML
        clean = made(tags=_TAGS, attributes=_allowed, styles=[]).sanitize_html_tags(printable(html))
        clean = re.sub(r"<th\b[^>]*>\s*</th>", "<td></td>", clean)
        if "<table" in clean and 'role="region"' not in clean:
            self._counted += 1
            clean = framed(clean, label=f"Table {self._counted}")
        return clean

    def _plain(self, text: str) -> str:
        """Return printed text as it was set, in a frame that scrolls."""
        if not text.strip():
            return ""
        self._counted += 1
        bare = strip_ansi(text)  # type: ignore[no-untyped-call]
        return f'<pre role="region" tabindex="0" aria-label="Text output {self._counted}">{safe(bare)}</pre>'


def check(notebook: NotebookNode) -> None:
    """Refuse a notebook that failed or that shows what a static page cannot show."""
    if notebook.metadata.get("papermill", {}).get("exception"):
        raise ReportError("the notebook stopped at an error; mend it, run it again, then render")
    for number, cell in enumerate(notebook.cells, start=1):
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                raise ReportError(f"cell {number} failed with {output.ename}: {output.evalue}; mend it and run again")
            data = output.get("data", {})
            if renderer.MIME not in data and "<script" in str(data.get("text/html", "")).lower():
                raise ReportError(
                    f"cell {number} draws with a script, which a report never runs; "
                    "call prodops_analysis.charts.renderer.enable() first, or show a table"
                )
            kinds = [kind for kind in data if not kind.startswith(SILENT)]
            if kinds and not SHOWN & set(kinds):
                raise ReportError(
                    f"cell {number} shows {some(kinds)}, which a report cannot; show a chart, table or text"
                )


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
