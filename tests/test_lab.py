"""JupyterLab: an executed notebook that nobody trusts shows its charts, and asks nobody outside for anything."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

import nbformat
import papermill
import pytest
from conftest import chromium
from playwright import sync_api

from prodops_analysis.charts.renderer import MIME

pytestmark = pytest.mark.browser
ROOT = Path(__file__).parent.parent
TOKEN = "only-for-this-test"
NOBODY_OUTSIDE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """A folder with `explore.ipynb`, run by papermill and therefore signed by nobody."""
    folder = tmp_path_factory.mktemp("executed")
    papermill.execute_notebook(
        str(ROOT / "notebooks/explore.ipynb"), str(folder / "explore.ipynb"),
        parameters={"workspace": str(ROOT)}, progress_bar=False,
    )  # fmt: skip
    return folder


@pytest.fixture(scope="module")
def lab(executed, tmp_path_factory):
    """The address of a JupyterLab on that folder, with a home of its own."""
    home = tmp_path_factory.mktemp("home")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}",
        "--port-retries=0", "--KernelManager.shutdown_wait_time=1", f"--IdentityProvider.token={TOKEN}",
        f"--ServerApp.root_dir={executed}",
    ]  # fmt: skip
    elsewhere = {name: str(home / name) for name in ("HOME", "JUPYTER_DATA_DIR", "JUPYTER_CONFIG_DIR", "IPYTHONDIR")}
    address = f"http://127.0.0.1:{port}"
    with (home / "log.txt").open("wb") as log:
        server = subprocess.Popen(command, env=os.environ | elsewhere, stdout=log, stderr=log)
        try:
            wait_for(f"{address}/api/status?token={TOKEN}", server, home / "log.txt")
            yield address
        finally:
            stop(server)


def stop(server):
    """End the server, gently if it lets itself be ended; its kernel ends with it."""
    server.terminate()
    try:
        server.wait(timeout=4)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def wait_for(address, server, log):
    """Wait until the server answers; a server that has ended fails with its last words."""
    for _ in range(120):
        if server.poll() is not None:
            break
        try:
            with urlopen(address):
                return
        except OSError:
            time.sleep(0.25)
    pytest.fail(f"JupyterLab did not start:\n{log.read_text(encoding='utf-8')[-2000:]}")


@pytest.fixture(scope="module")
def page(lab):
    """The notebook opened on a screen so high that every cell is drawn, with all that was asked for."""
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=chromium(), args=["--no-sandbox", "--disable-gpu", NOBODY_OUTSIDE]
        )
        opened = started.new_page(viewport={"width": 1400, "height": 7000})
        opened.asked = []
        opened.on("request", lambda request: opened.asked.append(request.url))
        opened.goto(f"{lab}/lab/tree/explore.ipynb?token={TOKEN}")
        opened.wait_for_selector(".jp-Notebook .jp-OutputArea-output .vega-embed", timeout=45_000)
        opened.wait_for_timeout(2_000)
        yield opened
        started.close()


def test_every_chart_of_an_untrusted_notebook_is_drawn(page, executed):
    """The notebook is not trusted, and each chart in it has a drawing of some size."""
    notebook = nbformat.read(executed / "explore.ipynb", as_version=4)
    charts = [o for cell in notebook.cells for o in cell.get("outputs", []) if MIME in o.get("data", {})]
    drawn = [found.bounding_box() for found in page.locator(".vega-embed canvas, .vega-embed svg.marks").all()]

    assert page.locator("[title*='not trusted']").count() > 0
    assert len(charts) == len(drawn) == 4
    assert all(box["width"] > 250 and box["height"] > 150 for box in drawn)


def test_the_assessment_is_read_in_an_untrusted_notebook(page):
    """The verdict and its tables are there, cleaned but whole."""
    assert page.get_by_text("Verdict: Cycle time, my-change").is_visible()
    assert page.locator("caption", has_text="What was found").is_visible()


def test_nothing_outside_is_asked(page, lab):
    """Every request goes to the server that was started here."""
    assert [address for address in page.asked if not address.startswith((lab, "data:", "blob:"))] == []
