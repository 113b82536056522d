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
from sqlalchemy import select
from starlette.routing import Route

from tests.support.databases import Databases
from tests.support.every_route import CASES, Case, World, dump, send, world
from tests.support.house import PASSWORD, Client, House, Server, TestClock, furnish, serving
from tests.support.metadata import idp_metadata
from vestibule.app import routes
from vestibule.directory.admins import PERMISSIONS, Role
from vestibule.flows import admins, environments
from vestibule.flows.parts.callers import operator
from vestibule.kernel.ids import PREFIXES, is_id
from vestibule.storage.tables import activity

# For anybody: what they ask of a request instead is in the tests of each.
PUBLIC = {
    "/admin/sign-in",
    "/admin/link/{token}",
    "/e/{env}/sign-in",
    "/e/{env}/sign-in/password",
    "/e/{env}/sign-out",
    "/e/{env}/device",
    "/e/{env}/device/answer",
    "/e/{env}/arrived",
    "/e/{env}/arrived/stay",
    "/e/{env}/forgot",
    "/e/{env}/link/{token}",
    # Of whoever is signed in, about themselves alone: `tests/web/test_account.py`.
    "/e/{env}/account/consents/withdraw",
    "/e/{env}/account/password",
    "/e/{env}/account/sessions/end",
    "/e/{env}/account/sessions/end-others",
    "/saml/{connection_id}/acs",
    "/saml/{connection_id}/slo",
}


def paths_of(method: str) -> list[str]:
    return [route.path for route in routes() if isinstance(route, Route) and method in (route.methods or ())]


POSTS = [path for path in paths_of("POST") if path not in PUBLIC and "/oauth2/" not in path]
GETS = [path for path in paths_of("GET") if path.startswith("/admin/") and path not in {"/admin/", *PUBLIC}]


@dataclass(frozen=True)
class Walls:
    """One server for all routes, and a browser for whoever tries: each role of the workspace, the Owner of another one, nobody."""

    server: Server
    other_house: House
    clients: Mapping[Role, Client]
    other: Client
    nobody: Client
    fetched: list[str]
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def world(self) -> World:
        return world(self.server.house, next(self.numbers))

    def other_world(self) -> World:
        """Fill the other workspace, whose environments have other keys."""
        return world(self.other_house, next(self.numbers))


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
        other = furnish(house.runtime, house.clock, ("Stage", "Check", "Live"), "Contoso")
        stranger = server.client()
        stranger.sign_in(other.owner_email)
        nobody = server.client()
        nobody.get("/admin/sign-in")
        yield Walls(server, other, {role: signed_in(server, role) for role in Role}, stranger, nobody, fetched)
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
    others = {
        route.path
        for route in routes()
        if isinstance(route, Route) and set(route.methods or ()) - {"GET", "HEAD", "OPTIONS", "POST"}
    }
    # For whoever has the token of that very registration: `tests/web/test_registration_management.py`.
    assert others == {"/e/{env}/oauth2/register/{client_id}"}


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
    assert client.http.post(address, json=sorted(form)).status_code == 415
    unchanged("not a form of ours")

    # Only now does the route do its work: what was refused above would have done it.
    answer = send(client, address, form)
    assert answer.status_code in {200, 303}, answer.text
    assert dump(walls.server, workspace_id) != before
    done = dump(walls.server, workspace_id)
    answer = send(walls.other, address, form)
    assert dump(walls.server, workspace_id) == done, answer.text


def ids_of(full: World) -> dict[str, str]:
    return {
        "environment": full.environment,
        "group_id": full.group,
        "connection_id": full.scim,
        "token_id": full.scim_token,
        "scim_group_id": full.scim_group,
        "idp_id": full.used_idp,
        "end_user_id": full.person.id,
        "link_id": full.link,
        "request_id": "_" + "0" * 40,
        "try_id": "try_" + "0" * 26,
        "knock_id": full.knocks["reused"],
        "admin_id": full.colleague.id,
        "app_id": full.app,
        "secret_id": full.app_secret,
        "api_id": full.api,
        "api_client_id": full.api_client,
    }


def test_no_page_about_a_thing_opens_for_another_workspace_or_for_nobody(walls: Walls) -> None:
    full = walls.world()
    with walls.server.house.runtime.database.reading() as tx:
        entry = tx.execute(select(activity.c.id).where(activity.c.subject_id == full.person.id)).scalars().first()
    ids = {**ids_of(full), "entry_id": str(entry)}
    owner, opened = walls.clients[Role.OWNER], 0
    for path in GETS:
        address = path.format(**ids)
        answer = walls.nobody.get(address)
        assert (answer.status_code, answer.headers["location"][:14]) == (303, "/admin/sign-in"), path
        if address == path:
            continue
        assert walls.other.get(address).status_code == 404, path
        opened += owner.get(address).status_code == 200
    # The addresses are good ones: for the Owner nearly all are pages, and the others lead to one.
    assert opened > 20


def test_ids_of_another_workspace_inside_forms_and_beside_own_ids_do_nothing(walls: Walls) -> None:
    theirs, mine = walls.world(), walls.other_world()
    before = dump(walls.server, theirs.house.workspace.id)
    foreign = {
        str(value)
        for rows in before.values()
        for row in rows
        for value in row
        if any(is_id(str(value), kind) for kind in PREFIXES)
    }
    refused: list[int] = []
    for path in POSTS:
        case = CASES[path]
        if case.permission is None:
            continue
        ids, form = dict(case.path(mine)), dict(case.form(theirs))
        for name in ("", *(name for name in ids if len(ids) > 1 and name != "environment")):
            mixed = {**ids, name: case.path(theirs)[name]} if name else ids
            send(walls.other, path.format(**mixed), form)
        send(
            walls.other,
            path.format(**ids),
            {**form, "act": "adopt", "idp": theirs.used_idp, "end_user": theirs.person.id},
        )
        refused.append(send(walls.other, path.format(**ids), {**form, "csrf_token": ""}).status_code)
        mine = walls.other_world()
    # Signed in all the while: without the token each is a 403, so it was the ids that were refused before.
    assert set(refused) == {403}
    assert dump(walls.server, theirs.house.workspace.id) == before
    written = dump(walls.server, mine.house.workspace.id)
    held = {
        (table, str(value)) for table, rows in written.items() for row in rows for value in row if str(value) in foreign
    }
    assert held == set()
