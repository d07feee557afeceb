"""Every page passes axe-core on a desk and on a phone, in light and dark, as drawn and with its charts made live."""

import pytest
from test_browser import explore
from test_html import page_of_full

pytestmark = pytest.mark.browser
SCREENS = [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")]
screens = pytest.mark.parametrize(("width", "scheme"), SCREENS, ids=[f"{width}-{scheme}" for width, scheme in SCREENS])


@pytest.fixture(scope="module")
def axe():
    """The rules of axe-core; a test that needs them fails without them."""
    try:
        from axe_playwright_python.sync_playwright import Axe
    except ModuleNotFoundError:
        pytest.fail("axe-playwright-python is not installed: run make lock and make again, or run make test")
    return Axe()


@pytest.fixture
def opened(browser, width, scheme):
    """Open a file and yield its page."""
    context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme, offline=True)
    page = context.new_page()
    yield lambda path: page.goto(path.as_uri()) and page
    context.close()


def violations(axe, page):
    """Return rule, fault and element, one a line."""
    found = axe.run(page).response["violations"]
    return [f"{rule['id']}: {node['failureSummary']} {node['html'][:200]}" for rule in found for node in rule["nodes"]]


@screens
def test_a_report_with_one_of_everything(axe, opened, tmp_path):
    """Nothing that a report can hold breaks a rule, before and after its charts are live, with a tooltip open."""
    path = tmp_path / "report.html"
    path.write_text(page_of_full(), encoding="utf-8")
    page = opened(path)

    assert violations(axe, page) == []
    explore(page)
    page.locator(".live .mark-symbol.role-mark path").nth(1).hover(force=True)
    page.locator("#live\\.tip").wait_for()
    assert violations(axe, page) == []


@screens
@pytest.mark.parametrize("name", ["index", "monthly-review", "change-intake-template", "data-quality"])
def test_the_reports_of_the_sample(axe, opened, sample_month, name):
    """No page of a month breaks a rule, before and after its charts are live, and none overflows."""
    page = opened(sample_month / f"{name}.html")

    assert violations(axe, page) == []
    explore(page)
    assert violations(axe, page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]


def test_the_rules_find_a_fault(axe, browser):
    """A page without a language or a title is found out, so that no result is not mistaken for none at fault."""
    page = browser.new_page()
    page.set_content("<html><body><img src='data:,'></body></html>")

    found = {line.partition(":")[0] for line in violations(axe, page)}
    page.close()

    assert {"document-title", "html-has-lang", "image-alt"} <= found
