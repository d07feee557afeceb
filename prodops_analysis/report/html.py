"""Render an executed notebook as one self-contained page: no outside address, readable offline and without scripts.

The template in `templates/prodops` lays the page out; `arrange` decides what may stand in it.
"""

from pathlib import Path

from nbconvert.exporters import TemplateExporter
from nbformat import NotebookNode
from traitlets import Bool, List, Unicode

from prodops_analysis.report.arrange import Arrange

TEMPLATES = Path(__file__).parent / "templates"


def render(notebook: NotebookNode, *, title: str | None = None, live: bool = True) -> str:
    """Return the page of an executed notebook.

    notebook : may carry `metadata["prodops"]` with title, period, notice, as_of, and glossary where one lies beside
        the page; all text.
    title : wins over that of the metadata, which wins over the first heading of level 1.
    live : whether a reader with scripts can make charts live; costs about 420 kB a page that has charts.

    Raises ReportError: a cell failed, a chart has no description, or an output cannot be shown on a static page.
    """
    page, _ = ReportExporter(live=live).from_notebook_node(  # type: ignore[no-untyped-call]
        notebook, resources={"prodops_title": title}
    )
    return page


class ReportExporter(TemplateExporter):
    """The nbconvert exporter `prodops`: `jupyter nbconvert --to prodops notebook.ipynb`."""

    export_from_notebook = "Product operations report"
    output_mimetype = "text/html"
    live = Bool(True, help="Let readers with scripts make charts live.").tag(config=True)

    preprocessors = List([Arrange]).tag(config=True)
    file_extension = Unicode(".html").tag(config=True)
    template_name = Unicode("prodops").tag(config=True, affects_template=True)
    extra_template_basedirs = List(Unicode(), [str(TEMPLATES)]).tag(config=True, affects_environment=True)
