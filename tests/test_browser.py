"""A report in a browser: offline, with scripts off, on a desk and on a phone, in light and dark, on paper."""

import shutil

import pytest
from playwright import sync_api
from test_html import page_of_full

pytestmark = pytest.mark.browser
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None:
        pytest.fail("no Chromium on the path: install it, or run make test")
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(page_of_full(), encoding="utf-8")
    return path


@pytest.fixture
def opened(browser, report, request):
    """Open the report, yield the page with all it asked for and said."""
    width, scheme, scripts = request.param
    context = browser.new_context(
        viewport={"width": width, "height": 844}, color_scheme=scheme, java_script_enabled=scripts, offline=True
    )
    page = context.new_page()
    page.asked, page.said = [], []
    page.on("request", lambda asked: page.asked.append(asked.url))
    page.on("console", lambda said: page.said.append(said.text))
    page.on("pageerror", lambda error: page.said.append(str(error)))
    page.goto(report.as_uri())
    yield page
    context.close()


SCREENS = [
    (1280, "light", False),
    (1280, "dark", True),
    (390, "light", True),
    (390, "dark", False),
    (320, "light", True),
]
everywhere = pytest.mark.parametrize("opened", SCREENS, indirect=True, ids=str)


@everywhere
def test_every_chart_is_seen(opened):
    """Each figure shows exactly one of its two drawings, inside the screen."""
    width = opened.viewport_size["width"]
    boxes = []
    for figure in opened.locator("figure.chart").all():
        visible = [box for svg in figure.locator("svg").all() if (box := svg.bounding_box())]
        assert len(visible) == 1
        boxes += visible

    assert len(boxes) == 2
    assert all(box["width"] > 250 and box["height"] > 150 for box in boxes)
    assert all(box["x"] >= 0 and box["x"] + box["width"] <= width for box in boxes)


@everywhere
def test_the_page_asks_for_nothing_else(opened, report):
    """One request, for the file itself; nothing on the console."""
    assert opened.asked == [report.as_uri()]
    assert opened.said == []


@pytest.mark.parametrize("opened", [screen for screen in SCREENS if screen[2]], indirect=True, ids=str)
def test_no_sideways_scroll(opened):
    """The page is never wider than the screen."""
    assert opened.evaluate("document.documentElement.scrollWidth") <= opened.viewport_size["width"]


@pytest.mark.parametrize("opened", [(390, "light", True)], indirect=True, ids=str)
def test_text_in_a_chart_can_be_read_on_a_phone(opened):
    """The smallest text of a chart is set at 11 px or more."""
    heights = opened.evaluate(
        """[...document.querySelectorAll('svg.narrow text')].map(text =>
            parseFloat(text.getAttribute('font-size')) * text.ownerSVGElement.getBoundingClientRect().width
            / text.ownerSVGElement.viewBox.baseVal.width)"""
    )

    assert heights
    assert min(heights) >= 11


@pytest.mark.parametrize("opened", [(1280, "dark", True)], indirect=True, ids=str)
def test_paper_is_light_and_without_contents(opened):
    """Print is dark on light whatever the screen, shows the wide drawing, and hides the contents list."""
    opened.emulate_media(media="print")

    assert opened.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not opened.locator("nav").is_visible()
    assert opened.locator("svg.wide").first.is_visible()
    assert opened.pdf(prefer_css_page_size=True).startswith(b"%PDF")


@pytest.mark.parametrize("opened", [(390, "light", True)], indirect=True, ids=str)
def test_a_keyboard_reaches_the_report(opened):
    """The first stop is the link that skips to the report, and it becomes visible."""
    opened.keyboard.press("Tab")

    assert opened.evaluate("document.activeElement.getAttribute('href')") == "#main"
    assert opened.locator("a.skip").bounding_box()["x"] >= 0


@pytest.mark.parametrize("opened", [(1280, "light", True)], indirect=True, ids=str)
def test_no_script_would_run(opened):
    """The policy of the page stops a script that someone adds to it."""
    opened.evaluate(
        "{ const s = document.createElement('script'); s.textContent = 'window.ran = true'; document.body.append(s) }"
    )

    assert opened.evaluate("window.ran") is None


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", ["index", "monthly-review", "change-intake-template", "data-quality"])
def test_the_sample_month_offline_with_scripts_off(browser, sample_month, name, width):
    """Every page of the sample's month shows all its charts, asks for nothing and overflows nowhere."""
    context = browser.new_context(viewport={"width": width, "height": 844}, java_script_enabled=False, offline=True)
    page = context.new_page()
    asked, said = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    address = (sample_month / f"{name}.html").as_uri()
    page.goto(address)

    shown = [figure.locator("svg:visible").count() for figure in page.locator("figure").all()]
    drawn = [box for svg in page.locator("figure svg:visible").all() if (box := svg.bounding_box())]
    context.close()

    assert [1] * len(shown) == shown
    assert all(box["width"] > 200 and box["height"] > 60 and box["x"] + box["width"] <= width for box in drawn)
    assert ([address], []) == (asked, said)
