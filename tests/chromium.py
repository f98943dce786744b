"""Debian's Chromium for tests: headless, without what would ring home, and with patience for a busy machine."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lacking import lacking

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

WITHIN = 60_000
"""Milliseconds in which a page must come to what a test expects of it."""

LAUNCHED_WITHIN = 180_000
SWITCHES = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextmanager
def chromium() -> Iterator[Callable[..., Browser]]:
    """Starts browsers, with more switches if a test needs them; all end with the block.  See ``lacking``."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        lacking("chromium is not installed; provisioning/setup.sh dev installs it")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=WITHIN)
    with sync_playwright() as playwright:
        running: list[Browser] = []

        def launch(*more: str) -> Browser:
            words = [*SWITCHES, *more]
            running.append(playwright.chromium.launch(executable_path=path, args=words, timeout=LAUNCHED_WITHIN))
            return _patient(running[-1])

        yield launch
        for browser in running:
            browser.close()


def _patient(browser: Browser) -> Browser:
    """Has what its pages are asked to do take as long as what is expected of them."""
    context, page = browser.new_context, browser.new_page

    def new_context(**named: object) -> BrowserContext:
        made = context(**named)
        made.set_default_timeout(WITHIN)
        return made

    def new_page(**named: object) -> Page:
        made = page(**named)
        made.set_default_timeout(WITHIN)
        return made

    browser.new_context, browser.new_page = new_context, new_page
    return browser
