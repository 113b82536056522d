"""No sequence of SCIM calls of one connection changes a person, group or admin outside its reach, whatever ids it guesses."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from tests.support.databases import ENGINES, Databases
from tests.support.directories import Directory, directory, pushing
from tests.support.house import House, Server, TestClock, furnish, serving
from tests.support.people import add_person, group_of, link, sign_in
from vestibule.storage.tables import metadata

# Our own records of what the connection did are meant to grow.
OWN_RECORDS = {"activity", "jobs", "throttles"}
NAMES = ("maya", "out", "theirs", "known", "shared", "far")


@dataclass(frozen=True)
class World:
    """One connection that may do what it likes, and everything around it that must stay as it is."""

    server: Server
    directory: Directory
    guesses: tuple[str, ...]
    known_id: str

    @property
    def house(self) -> House:
        return self.server.house

    def outside(self) -> dict[str, list[Any]]:
        """Return every row that this connection must not change: all but its own, in its environment, by its source."""
        mine, environment = self.directory.connection.id, self.directory.connection.environment_id
        rows: dict[str, list[Any]] = {}
        with self.house.runtime.database.reading() as tx:
            pushed = {
                row.end_user_id
                for row in tx.execute(select(metadata.tables["scim_users"]))
                if row.connection_id == mine and row.end_user_id
            }
            for table in metadata.sorted_tables:
                if table.name in OWN_RECORDS:
                    continue
                found = [dict(row._mapping) for row in tx.execute(select(table))]
                rows[table.name] = sorted(
                    (row for row in found if not self._is_reached(table.name, row, mine, environment, pushed)), key=repr
                )
        return rows

    def _is_reached(self, table: str, row: dict[str, Any], mine: str, environment: str, pushed: set[str]) -> bool:
        if table.startswith("scim_"):
            return bool(row["connection_id"] == mine) if "connection_id" in row else True
        if row.get("source_connection_id") == mine:
            return True
        person = row.get("end_user_id") or (row.get("id") if table == "end_users" else None)
        if row.get("environment_id") not in {None, environment}:
            return False
        # Whoever it adopted is in its reach: in this environment, and by profile unless another environment knows them.
        return person in pushed and not (table in {"end_users", "end_user_terms"} and person == self.known_id)


@pytest.fixture(scope="module", params=ENGINES)
def world(request: pytest.FixtureRequest, databases: Databases) -> Iterator[World]:
    folder = Path(tempfile.mkdtemp(prefix="vestibule-scim-walls-"))
    with databases.migrated(request.param, folder) as url, serving(url, TestClock()) as server:
        yield furnished(server)
    shutil.rmtree(folder)


def furnished(server: Server) -> World:
    house = server.house
    connection = pushing(house, "dev", "Okta Dev", ("example.com",))
    other = pushing(house, "test", "Okta Test", ("example.com",))
    rival = pushing(house, "dev", "Entra Dev", ("rival.example",))
    mine = directory(server, connection)
    theirs, rivals = directory(server, other), directory(server, rival)
    by_hand = group_of(house, "dev", "Designers")
    outsider = add_person(house, "Out Sider", "out@elsewhere.example", "dev", group=by_hand)
    known = add_person(house, "Known Elsewhere", "known@example.com", "prod")
    sign_in(house, known, "prod")
    link(house, outsider, rival)
    shared, far = theirs.create("shared@example.com"), rivals.create("far@rival.example")
    their_group = theirs.create_group("Testers", shared["id"])
    rival_group = rivals.create_group("Rivals", far["id"])
    stranger = furnish(house.runtime, house.clock, ("SDEV", "STEST", "SPROD"), "Southwind")
    strange = add_person(stranger, "Strange R", "maya@example.com", "sdev")
    strange_group = group_of(stranger, "sdev", "Designers")
    guesses = (
        outsider.id, known.id, shared["id"], far["id"], their_group["id"], rival_group["id"], by_hand.id,
        strange.id, strange_group.id, house.owner.admin.id, house.environments["test"].id, other.id,
    )  # fmt: skip
    return World(server, mine, guesses, known.id)


DOMAINS = st.sampled_from(["example.com", "elsewhere.example", "rival.example"])
EMAILS = st.builds(lambda name, domain: f"{name}@{domain}", st.sampled_from(NAMES), DOMAINS) | st.just(
    "ada@example.com"
)
CALLS = st.lists(
    st.tuples(
        st.sampled_from(["create", "put", "patch", "delete", "group", "members", "rename", "group-delete", "bulk"]),
        EMAILS,
        EMAILS,
        st.booleans(),
        st.integers(0, 40),
        st.lists(st.integers(0, 40), max_size=4),
    ),
    min_size=1,
    max_size=8,
)


def resource(email: str, address: str, active: bool) -> dict[str, Any]:
    return {
        "userName": email,
        "externalId": email[:3],
        "displayName": f"Name of {address}",
        "emails": [{"value": address, "primary": True}],
        "active": active,
    }


def call(world: World, what: str, email: str, address: str, active: bool, which: int, members: list[int]) -> int:
    client = world.directory
    users = [one["id"] for one in client.get("/Users?count=50").json()["Resources"]]
    groups = [one["id"] for one in client.get("/Groups?excludedAttributes=members").json()["Resources"]]
    ids = [*users, *groups, *world.guesses]
    one, values = ids[which % len(ids)], [{"value": ids[index % len(ids)]} for index in members]
    members_op = {"op": ("add", "remove", "replace")[which % 3], "path": "members", "value": values}
    active_op = {"op": "replace", "value": {"active": active, "emails": [{"value": address, "primary": True}]}}
    requests: dict[str, tuple[str, str, Any]] = {
        "create": ("POST", "/Users", resource(email, address, active)),
        "put": ("PUT", f"/Users/{one}", resource(email, address, active)),
        "patch": ("PATCH", f"/Users/{one}", {"Operations": [active_op]}),
        "delete": ("DELETE", f"/Users/{one}", None),
        "group": (
            "POST",
            "/Groups",
            {"displayName": ("Designers", "Testers", "Everyone")[which % 3], "members": values},
        ),
        "members": ("PATCH", f"/Groups/{one}", {"Operations": [members_op]}),
        "rename": (
            "PUT",
            f"/Groups/{one}",
            {"displayName": ("Designers", "Rivals", "New")[which % 3], "members": values},
        ),
        "group-delete": ("DELETE", f"/Groups/{one}", None),
        "bulk": ("POST", "/Bulk", {"Operations": [{"method": "DELETE", "path": f"/Users/{one}"}]}),
    }
    return client.send(*requests[what]).status_code


@settings(max_examples=25, suppress_health_check=list(HealthCheck), deadline=None)
@given(calls=CALLS)
def test_no_sequence_of_calls_changes_anything_outside_the_connections_reach(world: World, calls: list[Any]) -> None:
    for one in calls:
        before = world.outside()
        status = call(world, *one)
        assert status < 500 or status == 503, one
        after = world.outside()
        # Somebody who is adopted or let go moves in or out of reach; whatever stays outside is as it was.
        for table, rows in before.items():
            there = [repr(row) for row in after[table]]
            moved = [row for row in rows if repr(row) not in there and not _came_within_reach(world, table, row)]
            assert moved == [], (one, table)


def _came_within_reach(world: World, table: str, row: dict[str, Any]) -> bool:
    """Say whether a row that is no longer outside belongs to somebody whom the connection has adopted since, in its environment."""
    person = row.get("end_user_id") or (row.get("id") if table == "end_users" else None)
    if person is None or row.get("environment_id") not in {None, world.directory.connection.environment_id}:
        return False
    if table in {"end_users", "end_user_terms"} and person == world.known_id:
        return False
    with world.house.runtime.database.reading() as tx:
        users = metadata.tables["scim_users"]
        pushed = select(users.c.id).where(
            users.c.connection_id == world.directory.connection.id, users.c.end_user_id == person
        )
        return tx.execute(pushed).first() is not None
