"""`python -m local.pictures`: the README's pictures, taken anew of the demo in a terminal and of the dashboard in a browser."""

# ruff: noqa: S603 - commands are lists of arguments, and no shell reads them

import os
import re
import subprocess
import tempfile
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import msgspec
from playwright.sync_api import Browser, Page

from gans.clock import utc_now
from gans.settings import Settings
from local import demo
from local.browser import browser
from local.console import out
from local.dashboard import command

DOCS = Path(__file__).parent.parent / "docs"
COLUMNS = 112
PORT = 8599


def main() -> None:
    """Takes them all; a minute or two."""
    DOCS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="gans-") as folder:
        url = f"sqlite:///{folder}/gans.db"
        _terminal(folder, url)
        given = {**os.environ, "GANS_DATABASE_URL": url}
        with subprocess.Popen(command("127.0.0.1", PORT), env=given, stdout=subprocess.DEVNULL) as server, browser() as chromium:
            try:
                _wait()
                _map(chromium, "light", "dashboard.png", is_past=False)
                _map(chromium, "dark", "dashboard-dark.png", is_past=True)
                _city(chromium)
            finally:
                server.terminate()


def _terminal(folder: str, url: str) -> None:
    """What `gans demo` says, as SVG."""
    settings = msgspec.structs.replace(
        demo.settings_for_demo(Settings()), landing=folder, watchlist=Path(folder, "watchlist.toml"), database_url=url
    )
    out.record, out.width = True, COLUMNS
    demo.show(demo.run(settings, utc_now()), utc_now())
    picture = out.export_svg(title="make demo", clear=True)
    # Without the fonts that a browser would fetch from elsewhere.
    (DOCS / "demo.svg").write_text(re.sub(r"@font-face\s*\{.*?\}\s*", "", picture, flags=re.DOTALL))


def _wait() -> None:
    for _ in range(300):
        try:
            urlopen(f"http://127.0.0.1:{PORT}/_stcore/health").close()
            return
        except URLError:
            time.sleep(0.1)
    raise TimeoutError(f"The dashboard does not answer on port {PORT}.")


def _page(chromium: Browser, theme: str) -> Page:
    page = chromium.new_page(viewport={"width": 1280, "height": 840}, color_scheme="dark" if theme == "dark" else "light")
    page.goto(f"http://127.0.0.1:{PORT}/")
    page.wait_for_selector("text=stations, ")
    return page


def _map(chromium: Browser, theme: str, name: str, *, is_past: bool) -> None:
    page = _page(chromium, theme)
    page.get_by_role("combobox").first.click()
    page.get_by_role("option", name="Paris").click()
    page.wait_for_selector("text=1,450")
    if is_past:
        page.get_by_text("Past hour").click()
        page.wait_for_selector("text=stood empty")
    _take(page, name)


def _city(chromium: Browser) -> None:
    page = _page(chromium, "light")
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
