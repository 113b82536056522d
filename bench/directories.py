"""Vestibule as a SCIM server for the measurements: with people whom a directory pushed, and under the push of a whole company."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select

from bench.client import post
from bench.ground import Engine, Ground, cores
from bench.peers import cpu_seconds
from bench.people import analyze
from bench.scim_requests import Endpoint, create, person, request
from tests.support.directories import push_of, pushing
from tests.support.house import House, TestClock, furnish, make_runtime
from tests.support.served import Served
from vestibule.directory.connections import Connection
from vestibule.flows import scim_directories
from vestibule.flows.parts import pushed_groups, pushed_users
from vestibule.scim.resources import read_resource
from vestibule.scim.schemas import USER
from vestibule.storage.database import Database
from vestibule.storage.tables import scim_users

_AT_ONCE: Final = 500
TENTHS: Final = 10
CLIENTS: Final = 4


@dataclass(frozen=True, slots=True)
class Tenth:
    """A tenth of a push: requests a second, and CPU of the server for each."""

    per_second: float
    cpu_ms: float


@dataclass(frozen=True, slots=True)
class Pushed:
    """A push of a whole company: its users by tenths, then its groups."""

    users: list[Tenth]
    groups: Tenth

    @property
    def slow_down(self) -> float:
        """Return how much more CPU a user of the last tenth takes than one of the first."""
        return self.users[-1].cpu_ms / self.users[0].cpu_ms


@contextmanager
def serving(ground: Ground, engine: Engine, people: int) -> Iterator[Endpoint]:
    """Give a server on a database in memory with so many people, of whom nine tenths are in one group."""
    with ground.database(engine, "memory") as url:
        served = Served(url, ground.folder)
        runtime = make_runtime(url, TestClock(), served.base_url)
        try:
            house = furnish(runtime, TestClock())
            connection = pushing(house)
            scim_directories.change_stop_line(runtime, house.owner, connection.id, "100000", "100")
            token = scim_directories.make_token(runtime, house.owner, connection.id, "Bench", "never").secret
            users, group = _fill(house, connection, people)
            if engine == "PostgreSQL":
                analyze(runtime.database)  # as autovacuum has within a minute
        finally:
            runtime.database.close()
        try:
            pid = served.start(cores().server)
            database = ground.server_processes("memory") if engine == "PostgreSQL" else []
            yield Endpoint(
                ground.folder, served.port, f"/scim/{connection.id}/v2", token, users, group, [pid], database
            )
        finally:
            served.stop()


def push(ground: Ground, engine: Engine, users: int, groups: int) -> Pushed:
    """Push a whole company into an empty environment by several clients: its users, then groups of a hundred of them each."""
    with ground.database(engine, "memory") as url:
        served = Served(url, ground.folder)
        runtime = make_runtime(url, TestClock(), served.base_url)
        try:
            house = furnish(runtime, TestClock())
            connection = pushing(house)
            token = scim_directories.make_token(runtime, house.owner, connection.id, "Bench", "never").secret
        finally:
            runtime.database.close()
        try:
            pid = served.start(cores().server)
            endpoint = Endpoint(ground.folder, served.port, f"/scim/{connection.id}/v2", token, (), "", [pid])
            size = users // TENTHS
            tenths = [
                _send(ground, endpoint, [create(endpoint, first + index) for index in range(size)])
                for first in range(0, size * TENTHS, size)
            ]
            ids = _ids(url)
            bodies = [
                {
                    "displayName": f"Unit {number}",
                    "members": [{"value": ids[(number * 97 + one) % len(ids)]} for one in range(min(100, len(ids)))],
                }
                for number in range(groups)
            ]
            return Pushed(
                tenths, _send(ground, endpoint, [request(endpoint, "POST", "/Groups", one) for one in bodies])
            )
        finally:
            served.stop()


def _send(ground: Ground, endpoint: Endpoint, messages: list[bytes]) -> Tenth:
    before = cpu_seconds(endpoint.processes)
    posted = post(endpoint.port, messages, ground.folder, CLIENTS)
    assert posted.statuses == {"201": len(messages)}, posted.statuses
    spent = cpu_seconds(endpoint.processes) - before
    return Tenth(len(messages) / posted.seconds, spent / len(messages) * 1000)


def _fill(house: House, connection: Connection, people: int) -> tuple[list[str], str]:
    push = push_of(house, connection)
    users: list[str] = []
    for first in range(0, people, _AT_ONCE):
        with house.runtime.database.transaction() as tx:
            for number in range(first, min(people, first + _AT_ONCE)):
                resource = read_resource(USER, person(f"p{number}")).resource
                users.append(pushed_users.create_user(tx, push, resource)[0].id)
    with house.runtime.database.transaction() as tx:
        group = pushed_groups.create_group(tx, push, "Everybody here", None, users[: people * 9 // 10])
    return users, group.id


def _ids(url: str) -> list[str]:
    database = Database(url, pool_size=1)
    try:
        with database.reading() as tx:
            return list(tx.execute(select(scim_users.c.id).order_by(scim_users.c.id)).scalars())
    finally:
        database.close()
