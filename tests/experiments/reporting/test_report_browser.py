"""The report in a real browser: headless Chromium, driven by Playwright.

Where one of the two is missing these tests are skipped, and say so.
"""

import shutil

import pytest

from experiments import report
from experiments.reporting import report_page
from experiments.reporting.report_records import read_records
from tests.experiments.reporting.reading_reports import expected_cells

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
if CHROMIUM is None:
    pytest.skip(
        "THE REPORT WAS NOT TESTED IN A BROWSER: no chromium on this machine",
        allow_module_level=True,
    )
try:
    from playwright.sync_api import sync_playwright
except ImportError:
    pytest.skip(
        "THE REPORT WAS NOT TESTED IN A BROWSER: the package playwright is not installed",
        allow_module_level=True,
    )

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def committed():
    return read_records(report.RECORDS)


@pytest.fixture(scope="module")
def address(committed, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    report.write_whole(path, report_page.page(committed, report_page.Errors(missing=["none"])))
    return path.as_uri()


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        # Containers often have a small /dev/shm, and no user to drop root to.
        arguments = ["--no-sandbox", "--disable-dev-shm-usage"]
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield found
        found.close()


@pytest.fixture
def opened(browser, address):
    """Open the page as asked; what it said and asked for is kept."""
    contexts = []

    def open_page(width, **options):
        context = browser.new_context(viewport={"width": width, "height": 800}, **options)
        contexts.append(context)
        page = context.new_page()
        page.said, page.asked = [], []
        page.on("console", lambda message: page.said.append(message.text))
        page.on("pageerror", lambda error: page.said.append(str(error)))
        page.on("request", lambda request: page.asked.append(request.url))
        page.goto(address, wait_until="load")
        return page

    yield open_page
    for context in contexts:
        context.close()


def test_it_loads_without_a_word_and_asks_for_nothing(opened, address):
    page = opened(1280)
    assert page.said == []
    assert [url for url in page.asked if not url.startswith("data:")] == [address]
    assert page.evaluate("[...document.images].every(i => i.complete && i.naturalWidth > 0)")


def test_the_tables_numbers_are_those_of_the_records(opened, committed):
    page = opened(1280)
    shown = committed.headlines()
    assert page.locator("tr[data-record]").count() == len(shown)
    for _, result in shown:
        row = page.locator(f'tr[data-record="{result.file_name}"]')
        for key, wanted in expected_cells(result).items():
            assert row.locator(f'td[data-key="{key}"]').inner_text() == wanted


WIDEST = """() => [document.documentElement.scrollWidth, Math.max(...[...document.body
  .querySelectorAll('*')].filter(e => !e.closest('.scroll')).map(e =>
  e.getBoundingClientRect().right))]"""


@pytest.mark.parametrize("width", [320, 360, 768, 1201])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_the_screen(opened, width, scheme):
    page = opened(width, color_scheme=scheme)
    scrolled, widest = page.evaluate(WIDEST)
    assert scrolled <= width and widest <= width + 0.5


CONTRAST = """() => {
  const rgb = s => s.match(/[\\d.]+/g).map(Number);
  const ground = e => { for (; e; e = e.parentElement) { const c = rgb(
    getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] > 0) return c; }
    return [255, 255, 255]; };
  const light = c => { const [r, g, b] = c.slice(0, 3).map(v => (v /= 255) <= 0.03928 ? v / 12.92
    : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  let worst = 99;
  for (const e of document.querySelectorAll('p, td, th, a, h1, h2, h3, li, dd, dt, code, small')) {
    if (!e.innerText.trim()) continue;
    const [a, b] = [light(rgb(getComputedStyle(e).color)), light(ground(e))];
    worst = Math.min(worst, (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05));
  }
  return worst; }"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_stand_out_from_their_ground(opened, scheme):
    """Contrast of at least 4.5 : 1, as WCAG 2 asks (level AA)."""
    assert opened(1280, color_scheme=scheme).evaluate(CONTRAST) >= 4.5


def test_it_prints_black_on_white_in_dark_mode_too(opened):
    page = opened(1280, color_scheme="dark")
    page.emulate_media(media="print")
    color = "getComputedStyle(document.body)"
    assert page.evaluate(f"{color}.backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate(f"{color}.color") == "rgb(0, 0, 0)"
    assert page.locator("nav").is_hidden()
    assert page.pdf(prefer_css_page_size=True).startswith(b"%PDF")
