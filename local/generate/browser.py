"""A browser that nobody sees, for the tests of the dashboard, its measurements and its pictures."""

# ruff: noqa: S603 - commands are lists of arguments, and no shell reads them

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from gans.errors import ConfigError

_WEBGL = ("--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist")
"""Draws WebGL without a graphics card."""

_START_MS = 180_000


@contextmanager
def browser() -> Iterator[Browser]:
    """Playwright's own Chromium where that is installed, else the system's; on Debian root has it installed.

    Raises:
        ConfigError: there is none, and what to do.
    """
    with sync_playwright() as playwright:
        program = None if Path(playwright.chromium.executable_path).exists() else installed()
        sandbox = ("--no-sandbox",) if os.geteuid() == 0 else ()  # Chromium refuses to run as root with it
        found = playwright.chromium.launch(executable_path=program, args=[*_WEBGL, *sandbox], timeout=_START_MS)
        yield found
        found.close()


def installed() -> str:
    """The system's Chromium.

    Raises:
        ConfigError: there is none, and it cannot be installed.
    """
    for attempt in range(2):
        if found := shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome"):
            return found
        if attempt == 0 and os.geteuid() == 0 and shutil.which("apt-get"):
            apt = ["apt-get", "-qq", "--yes", "-o", "DPkg::Lock::Timeout=300"]
            subprocess.run([*apt, "update"], capture_output=True, check=False)
            subprocess.run([*apt, "install", "--no-install-recommends", "chromium"], capture_output=True, check=False)
    raise ConfigError("There is no Chromium here. Run `playwright install chromium`; on Debian: sudo apt-get install chromium")
