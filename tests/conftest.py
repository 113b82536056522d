"""Fixtures for every test: databases on both engines, and a watched browser. What they stand on is in `tests/support`."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from functools import cache
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from argon2 import PasswordHasher
from hypothesis import HealthCheck, settings

from tests.support.databases import ENGINES, Databases, end_run
from tests.support.house import Client, House, Server, TestClock, furnish, make_runtime, serving
from vestibule.flows.parts.callers import AdminCaller
from vestibule.flows.parts.runtime import Runtime
from vestibule.kernel import passwords
from vestibule.saml import keys

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.support.browser import PageFaults, Pages

# How long an example takes says how busy the machine is, and nothing about the code.
settings.register_profile("vestibule", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("vestibule")

KEYS_OF_OURS = 8
RUN_FOLDER: pytest.StashKey[Path] = pytest.StashKey()
OWNER_PID: pytest.StashKey[int] = pytest.StashKey()


def pytest_configure(config: pytest.Config) -> None:
    """Make the folder that all processes of this run share; a worker of pytest-xdist is told of it by its controller."""
    shared: dict[str, Any] | None = getattr(config, "workerinput", None)
    # Short, as sockets and SQLite's side files live there too.
    config.stash[RUN_FOLDER] = Path(shared["run_folder"] if shared else tempfile.mkdtemp(prefix="vestibule-test-"))
    config.stash[OWNER_PID] = shared["owner_pid"] if shared else os.getpid()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist, before it starts, where the run's folder is."""
    node.workerinput["run_folder"] = str(node.config.stash[RUN_FOLDER])
    node.workerinput["owner_pid"] = node.config.stash[OWNER_PID]


def pytest_unconfigure(config: pytest.Config) -> None:
    """End what the run shared, once: in the process that started it, when the workers have gone."""
    if not hasattr(config, "workerinput") and RUN_FOLDER in config.stash:
        end_run(config.stash[RUN_FOLDER], config.stash[OWNER_PID])


@pytest.fixture(scope="session", autouse=True)
def few_keys_of_ours() -> Iterator[None]:
    """Let the workspaces of all tests of this process share a few real keys: making one takes longer than most tests.

    One after the other, so that the keys of a workspace differ.
    """
    make = keys.new_private_key
    made = cache(lambda _: make())
    turns = count()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keys, "new_private_key", lambda: made(next(turns) % KEYS_OF_OURS))
        yield


@pytest.fixture(scope="session", autouse=True)
def passwords_that_cost_little() -> Iterator[None]:
    """Hash with the same argon2id, but less of it: at its real cost every test would begin with a tenth of a second of hashing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_HASHER", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
        yield


@pytest.fixture(scope="session")
def databases(pytestconfig: pytest.Config) -> Iterator[Databases]:
    """Make databases by hand: for tests that need several, or choose the engine themselves."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    made = Databases(pytestconfig.stash[RUN_FOLDER], pytestconfig.stash[OWNER_PID], worker)
    yield made
    made.close()


@pytest.fixture
def database_folder() -> Iterator[Path]:
    """Give a folder for SQLite files that goes at once: pytest's own tmp_path keeps those of three runs."""
    folder = Path(tempfile.mkdtemp(prefix="vestibule-db-"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(params=ENGINES)
def database_url(request: pytest.FixtureRequest, databases: Databases, database_folder: Path) -> Iterator[str]:
    """Give the URL of a fresh, migrated database; the test runs once on each engine."""
    with databases.migrated(request.param, database_folder) as url:
        yield url


@pytest.fixture(params=ENGINES)
def empty_database_url(request: pytest.FixtureRequest, databases: Databases, database_folder: Path) -> Iterator[str]:
    """Give the URL of a database with nothing in it; the test runs once on each engine."""
    with databases.empty(request.param, database_folder) as url:
        yield url


@pytest.fixture
def sqlite_url(databases: Databases, database_folder: Path) -> Iterator[str]:
    """Give the URL of a fresh, migrated SQLite database."""
    with databases.migrated("sqlite", database_folder) as url:
        yield url


@pytest.fixture
def postgresql_url(databases: Databases, database_folder: Path) -> Iterator[str]:
    """Give the URL of a fresh, migrated PostgreSQL database."""
    with databases.migrated("postgresql", database_folder) as url:
        yield url


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Give the one browser of this test process. Each test opens contexts of its own in it."""
    from tests.support.browser import launched  # noqa: PLC0415  # a second of start-up that most runs of one folder don't need

    with launched() as browser:
        yield browser


@pytest.fixture
def page_faults() -> PageFaults:
    """Give the list of what the test's pages complained about; `page_faults.allow(pattern)` accepts one that is provoked."""
    from tests.support.browser import PageFaults  # noqa: PLC0415  # as above

    return PageFaults()


@pytest.fixture
def new_page(chromium: Browser, page_faults: PageFaults) -> Iterator[Pages]:
    """Open pages: `new_page(color_scheme="dark")`, each a person with cookies of their own. A complaint of any fails the test."""
    from tests.support.browser import Pages  # noqa: PLC0415  # as above

    pages = Pages(chromium, page_faults)
    yield pages
    pages.close()
    complaints = page_faults.remaining()
    assert not complaints, "the pages complained:\n" + "\n".join(complaints)


@pytest.fixture
def page(new_page: Pages) -> Page:
    """Give one page in a context of its own."""
    return new_page()


@pytest.fixture
def clock() -> TestClock:
    """Give a clock that the test may stop and move."""
    return TestClock()


@pytest.fixture
def runtime(database_url: str, clock: TestClock) -> Iterator[Runtime]:
    """Give the tools of flows on a fresh database; the test runs once on each engine."""
    made = make_runtime(database_url, clock)
    yield made
    made.database.close()


@pytest.fixture
def house(runtime: Runtime, clock: TestClock) -> House:
    """Give a workspace with DEV, TEST and PROD, and its Owner."""
    return furnish(runtime, clock)


@pytest.fixture
def owner(house: House) -> AdminCaller:
    """Give the Owner of the house as a caller of flows."""
    return house.owner


@pytest.fixture
def server(database_url: str, clock: TestClock) -> Iterator[Server]:
    """Give a real server over HTTP with a furnished house behind it (`server.house`); once on each engine."""
    with serving(database_url, clock) as running:
        yield running


@pytest.fixture
def admin_client(server: Server) -> Client:
    """Give a browser without a screen in which the Owner is signed in."""
    client = server.client()
    client.sign_in()
    return client
