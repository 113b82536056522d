"""SAML sign-ins: how many a second one worker does on one core, what each costs, what lies under it, and what stays in memory.

A sign-in is one POST of a response to the Single sign-on URL, answered by a redirect and the session's cookie.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from bench.client import Posted, post
from bench.ground import Engine, Ground, Where, cores
from bench.processes import usage
from bench.statements import Counted, counting
from tests.saml import forge
from tests.support import sign_ins, traffic
from tests.support.house import SECRET, House, TestClock, furnish, make_runtime
from tests.support.served import Served, settled_port
from tests.support.tools import ROOT
from vestibule.app import build_app
from vestibule.directory.connections import Connection
from vestibule.settings import Settings

PEOPLE: Final = 200
BATCH: Final = 1000
CLIENTS: Final = 8
# As an IdP of a large company sends them: distinguished names of a directory. They bring the response to 14 kB.
_PLACE: Final = (
    "OU=Application Access Groups,OU=Managed by Identity Team,OU=Groups and Roles,OU=Headquarters Lisbon,OU=Europe and"
    " Africa,OU=Northwind Trading Company,DC=directory,DC=corporate,DC=northwind,DC=example,DC=com"
)
GROUPS: Final = forge.Attribute(
    "http://schemas.xmlsoap.org/claims/Group",
    [
        f"CN=APP-SSO-Unit-{number:02}-Engineering-Platform-Readers-and-Approvers-of-Releases,{_PLACE}"
        for number in range(30)
    ],
)


@dataclass(frozen=True, slots=True)
class Rate:
    """What one core did: requests a second, CPU of the server per request, and how busy the core was with it."""

    requests: int
    per_second: float
    cpu_ms: float
    busy: float


@dataclass(frozen=True, slots=True)
class Growth:
    """Resident memory of a worker: at rest, warmed up, and after many more sign-ins."""

    at_rest_mib: float
    warm_mib: float
    warm_sign_ins: int
    end_mib: float
    more_sign_ins: int


@dataclass
class Scene:
    """A running server with a connected IdP and people who have access."""

    served: Served
    house: House
    connection: Connection
    people: int
    next_person: int = 0

    def sign_in(self, number: int) -> tuple[Posted, float, int]:
        """Sign so many people in; return what came back, the server's CPU seconds, and the size of a response."""
        emails = [_email((self.next_person + one) % self.people) for one in range(number)]
        self.next_person += number
        prepared = traffic.prepare(self.house, self.served.base_url, self.connection, emails, [GROUPS])
        assert self.served.process is not None
        before = usage(self.served.process.pid)
        posted = post(self.served.port, [one.message for one in prepared], self.served.folder, CLIENTS)
        spent = usage(self.served.process.pid).cpu_seconds - before.cpu_seconds
        assert posted.statuses == {"303": number}, posted.statuses
        assert posted.with_cookie == number
        return posted, spent, len(prepared[0].saml_response)


def measure(ground: Ground, engine: Engine, where: Where, number: int) -> tuple[Rate, int]:
    """Return the rate of sign-ins of people who have signed in before, and the size of a response in bytes."""
    with _scene(ground, engine, where, min(number, PEOPLE)) as scene:
        scene.sign_in(2 * scene.people)
        posted, spent, size = scene.sign_in(number)
    return rate_of(posted, spent), size


def measure_floor(ground: Ground, number: int) -> Rate:
    """Return the rate of the same bytes at a route that only parses the form and answers."""
    with ground.database("SQLite", "memory") as url, _house(url, "http://127.0.0.1:1", 0) as (house, connection):
        emails = [_email(one) for one in range(number)]
        prepared = traffic.prepare(house, "http://127.0.0.1:1", connection, emails, [GROUPS])
    messages = [one.message for one in prepared]
    port = settled_port()
    command = [sys.executable, "-m", "uvicorn", "bench.bare_route:app", "--port", str(port), "--log-level", "warning"]
    process = subprocess.Popen([*command, "--no-access-log"], cwd=ROOT)
    served = Served("", ground.folder, port, process)
    try:
        served.wait_until_ready(cores().server)
        post(port, messages[: number // 4], ground.folder, CLIENTS)
        before = usage(process.pid)
        posted = post(port, messages, ground.folder, CLIENTS)
        spent = usage(process.pid).cpu_seconds - before.cpu_seconds
        assert posted.statuses == {"303": number}, posted.statuses
    finally:
        served.stop()
    return rate_of(posted, spent)


def measure_memory(ground: Ground, engine: Engine, warm: int, more: int) -> Growth:
    """Return what a worker keeps of its sign-ins."""
    with _scene(ground, engine, "memory", min(warm, PEOPLE)) as scene:
        process = scene.served.process
        assert process is not None
        rest = usage(process.pid)
        for _ in range(0, warm, BATCH):
            scene.sign_in(min(BATCH, warm))
        warmed = usage(process.pid)
        for _ in range(0, more, BATCH):
            scene.sign_in(min(BATCH, more))
        end = usage(process.pid)
    return Growth(rest.resident_mib, warmed.resident_mib, warm, end.resident_mib, more)


def count_statements(database_url: str) -> tuple[Counted, Counted]:
    """Return what the first sign-in of a person costs the database, and what each later one does."""
    with _house(database_url, "http://127.0.0.1:1", 1) as (house, connection):
        prepared = traffic.prepare(house, house.runtime.public_url, connection, [_email(0)] * 3, [GROUPS])
        settings = Settings(house.runtime.public_url, database_url, SECRET, Path("/nonexistent"))
        app = build_app(settings, house.runtime)
        counts = []
        for one in prepared:
            with counting(house.runtime.database) as counted:
                asyncio.run(_post_in_process(app, one.message))
            counts.append(counted)
    return counts[0], counts[2]


async def _post_in_process(app: object, message: bytes) -> None:
    head, _, body = message.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    transport = httpx.ASGITransport(app=app)  # type: ignore[arg-type]  # httpx's own name for an ASGI app
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:1") as client:
        response = await client.post(first.split()[1], content=body, headers=headers)
    assert response.status_code == 303, response.text


@contextmanager
def _scene(ground: Ground, engine: Engine, where: Where, people: int) -> Iterator[Scene]:
    with ground.database(engine, where) as url:
        served = Served(url, ground.folder)
        with _house(url, served.base_url, people) as (house, connection):
            try:
                served.start(cores().server)
                yield Scene(served, house, connection, people)
            finally:
                served.stop()


@contextmanager
def _house(url: str, base_url: str, people: int) -> Iterator[tuple[House, Connection]]:
    clock = TestClock()
    runtime = make_runtime(url, clock, base_url)
    try:
        house = furnish(runtime, clock)
        connection = sign_ins.connect(house, domains=None)
        for number in range(people):
            sign_ins.add_person(house, _email(number), name=f"Person {number}")
        yield house, connection
    finally:
        runtime.database.close()


def _email(number: int) -> str:
    return f"person{number}@example.com"


def rate_of(posted: Posted, spent: float) -> Rate:
    """Return what a core did, from what came back and the CPU seconds spent on it."""
    number = sum(posted.statuses.values())
    return Rate(number, number / posted.seconds, spent / number * 1000, spent / posted.seconds)
