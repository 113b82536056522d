"""A real Chromium for journeys, and the rule that no page may complain: a console error, a script error or a CSP violation fails the test.

Owns launching, contexts and the watch over them. Finding Chromium is `scripts/test_tools.py`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, WebError, sync_playwright

from tests.support.tools import tool

FLAGS = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
)
TIMEOUT_MS = 20_000
# A viewer who is not in UTC, so that times shown in the viewer's zone can be told from times that are not.
DEFAULT_CONTEXT = {"locale": "en-GB", "timezone_id": "Asia/Kathmandu", "viewport": {"width": 1280, "height": 900}}


@contextmanager
def launched() -> Iterator[Browser]:
    """Give a headless Chromium that talks to nobody on its own account."""
    # Chromium's sandbox refuses root; the pages that it opens here are our own.
    flags = [*FLAGS, "--no-sandbox"] if os.geteuid() == 0 else list(FLAGS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=tool("chromium"), args=flags)
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class PageFaults:
    """What the pages of one test complained about. `allow` names a complaint that a test provokes on purpose."""

    seen: list[str] = field(default_factory=list)
    _allowed: list[re.Pattern[str]] = field(default_factory=list)
    _navigations: set[str] = field(default_factory=set)

    def allow(self, pattern: str) -> None:
        """Accept complaints that contain the regular expression `pattern`, before or after they happen."""
        self._allowed.append(re.compile(pattern))

    def watch(self, context: BrowserContext) -> None:
        """Listen to every page of `context`, pop-ups included."""
        context.on("console", self._on_console)
        context.on("weberror", self._on_error)
        context.on("request", self._on_request)

    def remaining(self) -> list[str]:
        """Return the complaints that nobody allowed."""
        return [fault for fault in self.seen if not any(pattern.search(fault) for pattern in self._allowed)]

    def _on_request(self, request: Request) -> None:
        if request.is_navigation_request():
            self._navigations.add(request.url)

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type != "error":
            return
        # Chromium logs each 4xx answer. For a page that was navigated to, the status is the page's own business (a refusal
        # is 403 and correct); for a picture, a style or a script it is a fault.
        address = message.location["url"]
        if message.text.startswith("Failed to load resource") and address in self._navigations:
            return
        self.seen.append(f"console: {message.text} ({address})")

    def _on_error(self, error: WebError) -> None:
        self.seen.append(f"script: {error.error}")


@dataclass
class Pages:
    """Opens pages for one test, each in a context (cookies, storage) of its own, all watched."""

    browser: Browser
    faults: PageFaults
    _contexts: list[BrowserContext] = field(default_factory=list)

    def __call__(self, **options: Any) -> Page:
        """Open a page in a new context; `options` are Playwright's context options (viewport, color_scheme, java_script_enabled …)."""
        context = self.browser.new_context(**{**DEFAULT_CONTEXT, **options})
        context.set_default_timeout(TIMEOUT_MS)
        self.faults.watch(context)
        self._contexts.append(context)
        return context.new_page()

    def close(self) -> None:
        """Close every context."""
        for context in self._contexts:
            context.close()
