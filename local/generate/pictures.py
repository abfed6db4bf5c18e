"""`python -m local.generate.pictures`: the README's pictures, of the demo in a terminal and the dashboard in a browser."""

import re
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page

from gans.clock import utc_now
from gans.settings import Settings
from local import demo
from local.cli.demo import Printed, show
from local.console import out
from local.generate.browser import browser
from local.servers.dashboard import served

DOCS = Path(__file__).parents[2] / "docs"
COLUMNS = 112


def main() -> None:
    """Takes them all; a minute or two."""
    DOCS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="gans-") as folder:
        url = f"sqlite:///{folder}/gans.db"
        _terminal(folder)
        with served(url) as dashboard, browser() as chromium:
            _map(_page(chromium, dashboard, "light"), "dashboard.png", is_past=False)
            _map(_page(chromium, dashboard, "dark"), "dashboard-dark.png", is_past=True)
            _city(_page(chromium, dashboard, "light"))


def _terminal(folder: str) -> None:
    """What `gans demo` says, as SVG."""
    settings = demo.settings_for_demo(Settings(), Path(folder))
    out.record, out.width = True, COLUMNS
    show(demo.run(settings, utc_now(), report=Printed()), utc_now())
    picture = out.export_svg(title="make demo", clear=True)
    # Without the fonts that a browser would fetch from elsewhere.
    (DOCS / "demo.svg").write_text(re.sub(r"@font-face\s*\{.*?\}\s*", "", picture, flags=re.DOTALL))


def _page(chromium: Browser, url: str, theme: str) -> Page:
    page = chromium.new_page(viewport={"width": 1280, "height": 840}, color_scheme="dark" if theme == "dark" else "light")
    page.goto(url)
    page.wait_for_selector("text=stations, ")
    return page


def _map(page: Page, name: str, *, is_past: bool) -> None:
    page.get_by_role("combobox").first.click()
    page.get_by_role("option", name="Paris").click()
    page.wait_for_selector("text=1,450")
    if is_past:
        page.get_by_text("Past hour").click()
        page.wait_for_selector("text=stood empty")
    _take(page, name)


def _city(page: Page) -> None:
    page.get_by_role("link", name="City").click()
    page.wait_for_selector("text=hours to ride in")
    _take(page, "city.png")


def _take(page: Page, name: str) -> None:
    page.wait_for_timeout(4_000)  # until all is drawn
    page.mouse.move(0, 0)
    page.screenshot(path=DOCS / name)
    page.close()


if __name__ == "__main__":
    main()
