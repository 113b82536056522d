"""The walls of the console: every route refuses whoever may not use it, and then nothing has changed in the database.

Knows no single route: they are taken from the server, and what each needs is in `tests.support.every_route`.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from starlette.routing import Route

from tests.support.databases import Databases
from tests.support.every_route import CASES, Case, World, dump, send, world
from tests.support.house import PASSWORD, Client, Server, TestClock, furnish, serving
from tests.support.metadata import idp_metadata
from vestibule.app import routes
from vestibule.directory.admins import PERMISSIONS, Role
from vestibule.flows import admins, environments
from vestibule.flows.parts.callers import operator

# For anybody: what they ask of a request instead is in the tests of each.
PUBLIC = {
    "/admin/sign-in",
    "/admin/link/{token}",
    "/e/{env}/sign-in",
    "/e/{env}/sign-in/password",
    "/e/{env}/sign-out",
    "/e/{env}/forgot",
    "/e/{env}/link/{token}",
    "/saml/{connection_id}/acs",
}


def paths_of(method: str) -> list[str]:
    return [route.path for route in routes() if isinstance(route, Route) and method in (route.methods or ())]


POSTS = [path for path in paths_of("POST") if path not in PUBLIC]
GETS = [path for path in paths_of("GET") if path.startswith("/admin/") and path not in PUBLIC]


@dataclass(frozen=True)
class Walls:
    """One server for all routes, and a browser for whoever tries: each role of the workspace, the Owner of another one, nobody."""

    server: Server
    clients: Mapping[Role, Client]
    other: Client
    nobody: Client
    fetched: list[str]
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def world(self) -> World:
        return world(self.server.house, next(self.numbers))


@pytest.fixture(scope="module")
def walls(databases: Databases) -> Iterator[Walls]:
    fetched: list[str] = []

    def fetch(url: str) -> bytes:
        fetched.append(url)
        return idp_metadata(unquote(url.partition("?")[2])).encode()

    folder = Path(tempfile.mkdtemp(prefix="vestibule-db-"))
    with databases.migrated("sqlite", folder) as url, serving(url, TestClock(), fetch=fetch) as server:
        house = server.house
        environments.add_environment(house.runtime, house.owner, "Empty", "empty")
        other = furnish(house.runtime, house.clock, ("Stage",), "Contoso")
        stranger = server.client()
        stranger.sign_in(other.owner_email)
        nobody = server.client()
        nobody.get("/admin/sign-in")
        yield Walls(server, {role: signed_in(server, role) for role in Role}, stranger, nobody, fetched)
    shutil.rmtree(folder)


def signed_in(server: Server, role: Role) -> Client:
    house = server.house
    email = f"{role.value}@northwind.example"
    admins.create_admin(house.runtime, operator(), house.workspace.id, role.value, email, role.value, PASSWORD)
    client = server.client()
    client.sign_in(email)
    return client


def request_of(path: str, full: World) -> tuple[str, dict[str, Any], Case]:
    case = CASES[path]
    return path.format(**case.path(full)), dict(case.form(full)), case


def test_every_unsafe_route_is_known_to_these_tests() -> None:
    assert set(POSTS) == set(CASES)
    assert {method for route in routes() if isinstance(route, Route) for method in route.methods or ()} == {
        "GET",
        "HEAD",
        "POST",
    }


@pytest.mark.parametrize("path", [path for path in POSTS if CASES[path].permission])
def test_a_route_does_nothing_but_for_a_role_that_may_and_a_form_of_ours(path: str, walls: Walls) -> None:
    full = walls.world()
    address, form, case = request_of(path, full)
    workspace_id = walls.server.house.workspace.id
    walls.fetched.clear()
    before = dump(walls.server, workspace_id)

    def unchanged(why: str) -> None:
        assert dump(walls.server, workspace_id) == before, why
        assert walls.fetched == [], why

    answer = walls.nobody.post(address, form)
    assert (answer.status_code, answer.headers.get("location", "")[:14]) == (303, "/admin/sign-in")
    unchanged("nobody is signed in")

    if case.path(full):
        answer = send(walls.other, address, form)
        assert answer.status_code in {303, 404}, answer.text
        unchanged("an Owner of another workspace")

    may = [role for role in Role if case.permission in PERMISSIONS[role]]
    for role in set(Role) - set(may):
        answer = send(walls.clients[role], address, form)
        assert answer.status_code == 403, (role, answer.text)
        unchanged(f"{role} may not")

    client = walls.clients[may[-1]]
    for forged in (
        {"token": "0" * 64},
        {"headers": {"Sec-Fetch-Site": "same-site"}},
        {"headers": {"Sec-Fetch-Site": "cross-site"}},
        {"headers": {"Origin": "https://evil.example"}},
        {"token": "", "files": {"f": b"x"}},
    ):
        assert send(client, address, form, **forged).status_code == 403, forged
    assert client.http.post(address, json=form).status_code == 415
    unchanged("not a form of ours")

    # Only now does the route do its work: what was refused above would have done it.
    answer = send(client, address, form)
    assert answer.status_code in {200, 303}, answer.text
    assert dump(walls.server, workspace_id) != before
    done = dump(walls.server, workspace_id)
    answer = send(walls.other, address, form)
    assert dump(walls.server, workspace_id) == done, answer.text
