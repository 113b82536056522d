"""Vestibule with an app for the measurements: people who came through SAML, in thirty groups, and what the app was granted for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import httpx

from bench import token_requests as asking
from bench.ground import Engine, Ground, cores
from bench.peers import PeerRate, cpu_seconds
from bench.sign_ins import CLIENTS
from tests.support import apps, people, sign_ins
from tests.support.apps import RelyingApp
from tests.support.house import House, Server, TestClock, furnish, make_runtime, serving
from tests.support.served import Served
from tests.support.statements import counted
from vestibule.directory.apps import App
from vestibule.directory.connections import Connection
from vestibule.directory.end_users import EndUser, EndUserStatus
from vestibule.directory.grants import Authentication, Grant
from vestibule.directory.sources import Source
from vestibule.kernel.ids import new_id
from vestibule.kernel.secrets import new_token, token_hash
from vestibule.storage import access, grants

PEOPLE: Final = 20
GROUPS: Final = 30
SCOPE: Final = ("openid", "profile", "email", "groups")
_AT_ONCE: Final = 500
_FEW: Final = 20


@dataclass
class Scene:
    """A house with an app, and with people who may use it and are signed in."""

    house: House
    connection: Connection
    app: App
    secret: str = field(repr=False)
    people: list[EndUser]
    sessions: list[str]

    def codes(self, number: int) -> list[str]:
        """Grant the app so many codes, as the authorization endpoint does."""
        return self._granted(number, codes=True)

    def refresh_tokens(self, number: int) -> list[str]:
        """Grant the app so many refresh tokens, as an exchange does."""
        return self._granted(number, codes=False)

    def _granted(self, number: int, *, codes: bool) -> list[str]:
        made = [new_token() for _ in range(number)]
        now = self.house.clock()
        for first in range(0, number, _AT_ONCE):
            with self.house.runtime.database.transaction() as tx:
                for index, token in enumerate(made[first : first + _AT_ONCE], first):
                    grant = self._grant(index % len(self.people))
                    grants.insert_grant(tx, grant)
                    if codes:
                        life = timedelta(hours=1)
                        grants.insert_code(tx, grant, token_hash(token), asking.CALLBACK, asking.CHALLENGE, now + life)
                    else:
                        grants.insert_refresh_token(tx, grant, token_hash(token), now, grant.expires_at)
        return made

    def _grant(self, index: int) -> Grant:
        now = self.house.clock()
        return Grant(
            id=new_id("grant", now),
            workspace_id=self.app.workspace_id,
            environment_id=self.app.environment_id,
            app_id=self.app.id,
            end_user_id=self.people[index].id,
            session_id=self.sessions[index],
            sid="s" * 64,
            scope=SCOPE,
            resources=(),
            nonce=new_token(),
            authentication=Authentication(now, ("fed",)),
            created_at=now,
            expires_at=now + timedelta(hours=8),
        )


def furnished(house: House) -> Scene:
    """Return the scene in a house."""
    connection, made = sign_ins.connect(house), apps.make_app(house)
    groups = [people.group_of(house, name=f"Unit {number}") for number in range(GROUPS)]
    persons, sessions = [], []
    for number in range(PEOPLE):
        email, name = f"person{number}@example.com", f"Person {number}"
        person = sign_ins.add_person(house, email, name=name, status=EndUserStatus.ACTIVE)
        with house.runtime.database.transaction() as tx:
            for group in groups:
                access.add_member(tx, house.workspace.id, group.id, person.id, source=Source.MANUAL, now=house.clock())
        persons.append(person)
        sessions.append(people.sign_in(house, person, connection=connection))
    return Scene(house, connection, made, apps.make_secret(house, made), persons, sessions)


@contextmanager
def served(ground: Ground, engine: Engine) -> Iterator[tuple[Scene, Served]]:
    """Give the scene on a database in memory, with a server of it on its core."""
    with ground.database(engine, "memory") as url:
        server, clock = Served(url, ground.folder), TestClock()
        runtime = make_runtime(url, clock, server.base_url)
        try:
            scene = furnished(furnish(runtime, clock))
            server.start(cores().server)
            yield scene, server
        finally:
            server.stop()
            runtime.database.close()


def measure(ground: Ground, engine: Engine, number: int) -> dict[str, PeerRate]:
    """Return what each request of an app costs one worker."""
    with served(ground, engine) as (scene, server):
        port, home, mine = server.port, "/e/dev/oauth2", (scene.app.id, scene.secret)
        token, introspect = f"{home}/token", f"{home}/introspect"
        codes = [asking.exchange(port, token, *mine, code) for code in scene.codes(number)]
        refreshes = [
            asking.form(port, token, *mine, grant_type="refresh_token", refresh_token=one)
            for one in scene.refresh_tokens(number)
        ]
        known = [_access_token(server, scene, code) for code in scene.codes(_FEW)]
        lookups = [asking.form(port, introspect, *mine, token=known[one % _FEW]) for one in range(number)]
        persons = [_user_info(port, f"{home}/userinfo", known[one % _FEW]) for one in range(number)]
        todo = {"code": codes, "refresh": refreshes, "introspection": lookups, "userinfo": persons}
        assert server.process is not None
        pid = server.process.pid
        return {name: asking.measure(pid, port, ground.folder, sent, CLIENTS) for name, sent in todo.items()}


def measure_whole(ground: Ground, engine: Engine, number: int) -> float:
    """Return the server's CPU ms for a whole sign-in of somebody known, from the app's link to userinfo, by one browser after the other."""
    with served(ground, engine) as (scene, server):
        assert server.process is not None
        running = Server(server.base_url, scene.house)
        for index in range(_FEW):
            _whole(running, scene, index)
        before = cpu_seconds([server.process.pid])
        for index in range(number):
            _whole(running, scene, index)
        return (cpu_seconds([server.process.pid]) - before) / number * 1000


def count_statements(database_url: str) -> dict[str, tuple[int, int]]:
    """Return how many requests each thing takes that an app does, and how many SQL statements these take together."""
    with serving(database_url, TestClock()) as server:
        scene = furnished(server.house)
        app = RelyingApp(server, scene.app, scene.secret, verifier=asking.VERIFIER)
        _whole(server, scene, 0)
        tokens = app.exchange(scene.codes(1)[0]).json()
        found: dict[str, tuple[int, int]] = {}
        code = scene.codes(1)[0]
        todo: dict[str, Callable[[], httpx.Response]] = {
            "code": lambda: app.exchange(code),
            "refresh": lambda: app.refresh(tokens["refresh_token"]),
            "introspection": lambda: app.post("introspect", token=tokens["access_token"]),
            "userinfo": lambda: app.user_info(tokens["access_token"]),
        }
        for name, call in todo.items():
            with counted(server) as statements:
                assert call().status_code == 200, name
            found[name] = (1, len(statements))
        with counted(server) as statements:
            requests = _whole(server, scene, 0)
        return {**found, "whole sign-in": (requests, len(statements))}


def _whole(server: Server, scene: Scene, index: int) -> int:
    """Sign somebody in from the app's link to userinfo, in a fresh browser; return how many requests that took us."""
    requests = 0

    def count(_: httpx.Response) -> None:
        nonlocal requests
        requests += 1

    app = RelyingApp(server, scene.app, scene.secret)
    browser = server.client()
    browser.http.event_hooks["response"].append(count)
    tokens = app.tokens(browser, scene.connection, scene.people[index % len(scene.people)].email)
    assert app.user_info(tokens["access_token"]).status_code == 200
    browser.http.close()
    return requests + 2


def _access_token(server: Served, scene: Scene, code: str) -> str:
    app = RelyingApp(Server(server.base_url, scene.house), scene.app, scene.secret, verifier=asking.VERIFIER)
    return str(app.exchange(code).json()["access_token"])


def _user_info(port: int, path: str, token: str) -> bytes:
    head = (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\nUser-Agent: app/1.0\r\n\r\n"
    )
    return head.encode()
