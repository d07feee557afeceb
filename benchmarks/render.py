"""How long a report of twelve charts takes to render, and how many bytes it is, as drawings and live.

Run: python benchmarks/render.py. The charts are those of the sample's reports, whose notebooks run first (a minute).
Drawing and page are made in this process, after a first page. Seconds are CPU seconds; those that a reader waits stand
beside them. Fails when a bar is missed.
"""

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import sys
import tempfile
import time
from pathlib import Path

from nbformat import NotebookNode, v4

ROOT = Path(__file__).parent.parent
CHARTS = 12


def report() -> NotebookNode:
    """Run the sample's reports until they have shown enough charts, and put these into one notebook."""
    from prodops_analysis.charts.renderer import MIME
    from prodops_analysis.report.month import plan
    from prodops_analysis.report.run import notebook_path, run_notebook
    from prodops_analysis.workspace import load

    shown: list[NotebookNode] = []
    with tempfile.TemporaryDirectory() as folder:
        for planned in plan(load(ROOT)):
            path = notebook_path(planned.notebook, workspace=ROOT)
            executed = run_notebook(path, output=Path(folder) / f"{planned.slug}.ipynb", parameters=planned.parameters)
            outputs = [output for cell in executed.cells for output in cell.get("outputs", [])]
            shown += [output for output in outputs if MIME in output.get("data", {})]
            if len(shown) >= CHARTS:
                break
    return v4.new_notebook(cells=[v4.new_code_cell(outputs=[output]) for output in shown[:CHARTS]])


def main() -> int:
    """Print seconds and bytes and return the number of bars missed."""
    from prodops_analysis.report.html import render

    notebook, missed = report(), 0
    for name, live, most in (("drawings", False, 400_000), ("live", True, 900_000)):
        render(notebook, live=live)  # loads the templates, the drawing engine and the bundle
        took = []
        for _ in range(3):
            begin = time.process_time(), time.perf_counter()
            page = render(notebook, live=live)
            took.append((time.process_time() - begin[0], time.perf_counter() - begin[1]))
        (busy, waited), size = min(took), len(page.encode())
        print(f"{CHARTS} charts, {name}: {busy:.2f} s ({waited:.2f} s waited), {size:,} bytes")
        missed += (busy > 2) + (size > most)
    return missed


if __name__ == "__main__":
    sys.exit(main())
