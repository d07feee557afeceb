"""A report in a browser: offline, with scripts off, on a desk and on a phone, in light and dark, on paper."""

import pytest
from test_html import page_of_full

from prodops_analysis.charts.theme import DARK, PAPER

pytestmark = pytest.mark.browser


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
            parseFloat(getComputedStyle(text).fontSize) * text.ownerSVGElement.getBoundingClientRect().width
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


def rgb(colour):
    """A colour as a browser writes it."""
    return "rgb({}, {}, {})".format(*bytes.fromhex(colour[1:]))


def paint_of(page):
    """Every colour seen in the charts of a page, what lies behind them too."""
    return set(
        page.evaluate(
            """[...document.querySelectorAll('.drawing svg, .drawing svg *')]
                .filter(node => !node.closest('defs') && node.getClientRects().length)
                .map(node => [node, getComputedStyle(node)])
                .flatMap(([node, style]) => [node.tagName == 'svg' ? style.backgroundColor : '',
                    node.hasAttribute('fill') ? style.fill : '', node.hasAttribute('stroke') ? style.stroke : ''])"""
        )
    ) - {"", "none", "rgba(0, 0, 0, 0)"}


@pytest.mark.parametrize("opened", [(1280, "dark", True), (390, "dark", True)], indirect=True, ids=str)
def test_a_dark_screen_shows_dark_charts(opened):
    """Drawn or live, a chart has the colours of the dark screen and the background of its page; on paper it has not."""
    dark, light, behind = set(map(rgb, DARK.values())), set(map(rgb, DARK)), rgb(DARK[PAPER])

    assert opened.evaluate("getComputedStyle(document.body).backgroundColor") == behind
    assert behind in paint_of(opened) <= dark
    explore(opened)
    assert paint_of(opened) <= dark
    opened.emulate_media(media="print")
    assert paint_of(opened) <= light


@pytest.mark.parametrize("opened", [(390, "light", True)], indirect=True, ids=str)
def test_a_keyboard_reaches_the_report(opened):
    """The first stop is the link that skips to the report, and it becomes visible."""
    opened.keyboard.press("Tab")

    assert opened.evaluate("document.activeElement.getAttribute('href')") == "#main"
    assert opened.locator("a.skip").bounding_box()["x"] >= 0


def explore(page):
    """Make every chart of the page live."""
    for button in page.locator("button.explore").all():
        button.click()
    page.locator("button.explore", has_text="Explore").first.wait_for(state="detached")


desk = pytest.mark.parametrize("opened", [(1280, "light", True)], indirect=True, ids=str)


@desk
def test_a_foreign_script_does_not_run_while_ours_does(opened):
    """The policy stops a script, an event handler and eval that someone adds to the page; charts still become live."""
    opened.evaluate(
        """() => {
            const script = document.createElement('script');
            script.textContent = 'window.ran = true';
            const handler = document.createElement('img');
            handler.setAttribute('onerror', 'window.ran = true');
            handler.src = 'data:,x';
            document.body.append(script, handler);
            const sign = document.createElement('script');
            sign.textContent = "try { eval('window.ran = true') } catch { window.stopped = true }";
            document.body.append(sign);
        }"""
    )
    explore(opened)

    assert opened.evaluate("[window.ran, window.stopped]") == [None, None]
    assert opened.locator(".live svg").count() == 2
    assert all("Content Security Policy" in said for said in opened.said)


@pytest.mark.parametrize("opened", [(1280, "light", False)], indirect=True, ids=str)
def test_without_scripts_there_is_nothing_to_click(opened):
    """The buttons are shown by the script that serves them."""
    assert not opened.locator("button").first.is_visible()


@pytest.mark.parametrize("opened", [screen for screen in SCREENS if screen[2]], indirect=True, ids=str)
def test_a_live_chart_fits_the_screen(opened, report):
    """Made live, every chart is as wide as its drawing was, nothing overflows, nothing is asked for or said."""
    before = [svg.bounding_box()["width"] for svg in opened.locator(".drawing svg:visible").all()]
    explore(opened)
    after = [svg.bounding_box()["width"] for svg in opened.locator(".live svg").all()]

    assert after == pytest.approx(before, abs=1.5)
    assert opened.locator(".drawing svg:visible").count() == 2
    assert opened.evaluate("document.documentElement.scrollWidth") <= opened.viewport_size["width"]
    assert ([report.as_uri()], []) == (opened.asked, opened.said)


@desk
def test_a_live_chart_is_worked_by_keyboard(opened):
    """Enter makes a chart live and leads back; the choice and the zoom are the next stops, and they work."""
    button = opened.locator("button.explore").first
    button.focus()
    opened.keyboard.press("Enter")
    opened.locator(".live").wait_for()
    assert opened.locator("[role=status]").first.inner_text().startswith("Point at a mark")
    labels = opened.locator(".live .role-axis-label text")
    whole = sorted(labels.all_text_contents())

    opened.keyboard.press("Shift+Tab")
    assert opened.evaluate("document.activeElement.textContent") == "Whole range"
    opened.locator("select").focus()
    opened.keyboard.press("ArrowDown")
    opened.locator(".live [stroke-opacity='0.12']").first.wait_for()
    opened.get_by_role("button", name="Zoom in").press("Enter")
    opened.wait_for_timeout(200)
    assert whole != sorted(labels.all_text_contents())
    opened.get_by_role("button", name="Whole range").press("Enter")
    opened.wait_for_timeout(200)
    assert whole == sorted(labels.all_text_contents())

    button.press("Enter")
    assert opened.locator(".live").is_hidden()
    assert opened.locator(".drawing svg.wide").first.is_visible()


@desk
def test_a_mark_tells_its_numbers(opened):
    """The pointer over a point of a line shows its values; the page still scrolls under the wheel."""
    explore(opened)
    opened.locator(".live .mark-symbol.role-mark path").nth(1).hover(force=True)

    tip = opened.locator("#live\\.tip")
    tip.wait_for()
    assert {"day", "value", "team"} == set(tip.locator("td.key").all_inner_texts())
    opened.mouse.wheel(0, 120)
    opened.wait_for_timeout(500)
    assert opened.evaluate("scrollY") > 0


@desk
def test_a_script_that_fails_leaves_the_drawing(opened):
    """A bundle that was cut short is said in words, and the drawing stays."""
    opened.evaluate("document.getElementById('live.code').textContent = 'broken'")
    opened.locator("button.explore").first.click()

    opened.get_by_text("This browser cannot make the chart live; the drawing stays").first.wait_for()
    assert opened.locator(".drawing svg.wide").first.is_visible()
    assert opened.locator(".live").count() == 0


@pytest.mark.parametrize("opened", [(1280, "dark", True)], indirect=True, ids=str)
def test_paper_shows_the_drawing_of_a_live_chart(opened):
    """Print has no buttons and no controls, and shows every drawing."""
    explore(opened)
    opened.emulate_media(media="print")

    assert [opened.locator(part).first.is_visible() for part in (".live", "button", "[role=status]")] == [False] * 3
    assert opened.locator("svg.wide:visible").count() == 2


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
    unthemed = page.locator(".drawing:not(.themed)").count()
    tables = [box["width"] for table in page.locator(".prodops-table table").all() if (box := table.bounding_box())]
    context.close()

    assert [1] * len(shown) == shown
    assert unthemed == 0
    assert max(tables, default=0) <= width
    assert all(box["width"] > 200 and box["height"] > 60 and box["x"] + box["width"] <= width for box in drawn)
    assert ([address], []) == (asked, said)
