"""A whole house for a test: a runtime on a real database with a clock that tests set, an Owner, and a real server over HTTP."""

from __future__ import annotations

import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from vestibule.app import build_app
from vestibule.directory.admins import Admin
from vestibule.directory.workspaces import Environment, Workspace
from vestibule.flows import admins, workspaces
from vestibule.flows.parts.callers import AdminCaller, Visitor, operator
from vestibule.flows.parts.runtime import Runtime
from vestibule.kernel.secrets import Sealer
from vestibule.outside.fetching import Fetcher
from vestibule.settings import Settings
from vestibule.storage.database import Database
from vestibule.storage.workspaces import list_environments

SECRET = "a secret key for tests alone, 0123456789"
PASSWORD = "a fine long sentence for Ada"
# Loopback speaks plain HTTP; the system's authorities would be read for every client.
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
_CSRF = re.compile(r'name="csrf_token" value="([0-9a-f]+)"')


@dataclass
class TestClock:
    """A clock that stands at the real present until a test moves it."""

    __test__ = False
    offset: timedelta = timedelta()
    frozen: datetime | None = None

    def __call__(self) -> datetime:
        """Return the test's present."""
        return (self.frozen or datetime.now(UTC)) + self.offset

    def freeze(self, at: datetime | None = None) -> datetime:
        """Stop the clock, and return the instant."""
        self.frozen = at or datetime.now(UTC).replace(microsecond=0)
        self.offset = timedelta()
        return self.frozen

    def advance(self, **delta: float) -> None:
        """Move the present: `advance(minutes=5)`."""
        self.offset += timedelta(**delta)


def make_runtime(
    database_url: str, clock: TestClock, public_url: str = "http://127.0.0.1:1", **changes: Any
) -> Runtime:
    """Return a runtime on a migrated database; outgoing fetches may reach loopback."""
    values: dict[str, Any] = {
        "database": Database(database_url),
        "clock": clock,
        "sealer": Sealer(SECRET),
        "public_url": public_url,
        "fetch": Fetcher(allow_http=True, allow_private=True),
        "mail_enabled": False,
    }
    return Runtime(**{**values, **changes})


VISITOR = Visitor("192.0.2.7", "a test", "request-1")


@dataclass(frozen=True)
class House:
    """A workspace with DEV, TEST and PROD, and its Owner as a caller of flows."""

    runtime: Runtime
    clock: TestClock
    workspace: Workspace
    environments: dict[str, Environment]
    owner: AdminCaller
    owner_email: str = "ada@example.com"

    def caller(self, admin: Admin) -> AdminCaller:
        """Return another admin as a caller."""
        return AdminCaller(admin, "ses_test", VISITOR)

    def environment(self, key: str = "dev") -> Environment:
        """Return an environment as it is in the database now."""
        with self.runtime.database.reading() as tx:
            return next(one for one in list_environments(tx, self.workspace.id) if one.key == key)


def furnish(
    runtime: Runtime, clock: TestClock, environments: tuple[str, ...] = ("DEV", "TEST", "PROD"), name: str = "Northwind"
) -> House:
    """Make a workspace with an Owner (`ada@example.com`, PASSWORD)."""
    workspace = workspaces.create_workspace(runtime, operator(), name, environments)
    email = "ada@example.com" if name == "Northwind" else f"ada@{name.lower()}.example"
    owner, _ = admins.create_admin(runtime, operator(), workspace.id, "Ada Park", email, "owner", PASSWORD)
    with runtime.database.reading() as tx:
        found = {one.key: one for one in list_environments(tx, workspace.id)}
    return House(runtime, clock, workspace, found, AdminCaller(owner, "ses_test", VISITOR), email)


@dataclass
class Client:
    """A browser without a screen: keeps cookies, follows no redirect by itself, sends the page's CSRF token with a form."""

    http: httpx.Client
    base_url: str
    last_page: str = field(default="", repr=False)

    def get(self, path: str, **options: Any) -> httpx.Response:
        """Open a page."""
        response = self.http.get(path, **options)
        self.last_page = response.text
        return response

    def post(
        self, path: str, data: dict[str, Any] | None = None, *, token: str | None = None, **options: Any
    ) -> httpx.Response:
        """Send a form as the last opened page would: its CSRF token, same origin."""
        found = _CSRF.search(self.last_page)
        fields = {"csrf_token": token if token is not None else (found.group(1) if found else ""), **(data or {})}
        headers = {"Origin": self.base_url, "Sec-Fetch-Site": "same-origin", **options.pop("headers", {})}
        response = self.http.post(path, data=fields, headers=headers, **options)
        if response.headers.get("content-type", "").startswith("text/html"):
            self.last_page = response.text
        return response

    def sign_in(self, email: str = "ada@example.com", password: str = PASSWORD) -> None:
        """Sign in to the console."""
        self.get("/admin/sign-in")
        response = self.post("/admin/sign-in", {"email": email, "password": password})
        assert response.status_code == 303, response.text
        self.get("/admin/access-control")


@dataclass(frozen=True)
class Server:
    """A running server of one house."""

    base_url: str
    house: House
    _clients: list[httpx.Client] = field(default_factory=list)

    def client(self) -> Client:
        """Return a fresh browser without a screen."""
        self._clients.append(httpx.Client(base_url=self.base_url, timeout=30, verify=_NO_TLS))
        return Client(self._clients[-1], self.base_url)

    def close_clients(self) -> None:
        """Close every browser's connections."""
        for client in self._clients:
            client.close()


def free_socket() -> socket.socket:
    """Return a listening socket on a free port of loopback; who serves on it takes it over."""
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", 0))
    return listening


@contextmanager
def serving(
    database_url: str, clock: TestClock, environments: tuple[str, ...] = ("DEV", "TEST", "PROD"), **changes: Any
) -> Iterator[Server]:
    """Run the real server on loopback in a thread, with a furnished house behind it."""
    listening = free_socket()
    base_url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    runtime = make_runtime(database_url, clock, base_url, **changes)
    house = furnish(runtime, clock, environments)
    running = Server(base_url, house)
    with listening, process_of(runtime, database_url, listening):
        try:
            yield running
        finally:
            running.close_clients()
    runtime.database.close()


@contextmanager
def serving_beside(server: Server) -> Iterator[Server]:
    """Run another process of a server: of the same house on the same database, with nothing else in common."""
    first, listening = server.house.runtime, free_socket()
    url = first.database.engine.url.render_as_string(hide_password=False)
    runtime = replace(first, database=Database(url))
    beside = Server(f"http://127.0.0.1:{listening.getsockname()[1]}", server.house)
    with listening, process_of(runtime, url, listening):
        try:
            yield beside
        finally:
            beside.close_clients()
    runtime.database.close()


@contextmanager
def process_of(runtime: Runtime, database_url: str, listening: socket.socket) -> Iterator[None]:
    """Run the app on a socket, in a thread."""
    settings = Settings(
        public_url=runtime.public_url, database_url=database_url, secret_key=SECRET, data_dir=Path("/nonexistent")
    )
    server = uvicorn.Server(
        uvicorn.Config(build_app(settings, runtime), log_level="warning", access_log=False, lifespan="on")
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(timeout=20)
