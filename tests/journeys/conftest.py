"""What journeys need: the real server, the windows of admins and end users, and identity providers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.journeys.console import Console
from tests.journeys.portal import Portal
from tests.journeys.providers import Providers
from tests.support.browser import TIMEOUT_MS, PageFaults, Pages
from tests.support.databases import ENGINES, Databases
from tests.support.house import Server, TestClock, serving

NewConsole = Callable[..., Console]
NewPortal = Callable[..., Portal]
# Playwright's five seconds are few on a machine that runs everything at once.
expect.set_options(timeout=TIMEOUT_MS)


@pytest.fixture(scope="session")
def providers() -> Iterator[Providers]:
    """Give identity providers by kind: `providers("pysaml2")`."""
    with ExitStack() as stack:
        yield Providers(stack)


@pytest.fixture
def new_console(server: Server, new_page: Pages) -> NewConsole:
    """Open a window for an admin; options are Playwright's context options. Copy buttons may write to the clipboard."""

    def made(**options: Any) -> Console:
        page = new_page(permissions=["clipboard-read", "clipboard-write"], **options)
        return Console(page, server.base_url)

    return made


@pytest.fixture
def console(new_console: NewConsole) -> Console:
    """Give a window in which the Owner is signed in."""
    made = new_console()
    made.sign_in()
    return made


@pytest.fixture
def new_portal(server: Server, new_page: Pages) -> NewPortal:
    """Open a window for an end user, each with cookies of its own: `new_portal("test")`."""

    def made(environment: str = "dev", **options: Any) -> Portal:
        return Portal(new_page(**options), server.base_url, environment)

    return made


@pytest.fixture
def portal(new_portal: NewPortal) -> Portal:
    """Give a window at the door of DEV."""
    return new_portal()


@pytest.fixture(scope="module", params=ENGINES)
def shared_server(
    request: pytest.FixtureRequest, databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """Give one server to all tests of a module that leave it as they find it; once on each engine.

    A module names it `server` to use it: `@pytest.fixture(scope="module") def server(shared_server): return shared_server`.
    """
    folder = tmp_path_factory.mktemp("shared")
    with databases.migrated(request.param, folder) as url, serving(url, TestClock()) as running:
        yield running


@pytest.fixture(scope="module")
def shared_console(shared_server: Server, providers: Providers, chromium: Browser) -> Iterator[Console]:
    """Give the window of an Owner who has connected the practice IdP to DEV and added its three people."""
    faults = PageFaults()
    pages = Pages(chromium, faults)
    console = Console(pages(permissions=["clipboard-read", "clipboard-write"]), shared_server.base_url)
    console.sign_in()
    idp = providers("practice")
    console.connect(idp, "Okta Dev", "practice.example")
    for person in idp.people[:3]:
        console.add_end_user(person.name, person.email, {"DEV": None})
    yield console
    pages.close()
    assert faults.remaining() == []
