"""The live list of a connection: what its directory sent and what became of it, down to what never reached a flow, on both engines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from tests.support.directories import Directory, directory, pushing, user
from tests.support.house import House, Server
from vestibule.directory.scim import ScimEvent
from vestibule.flows import connections, scim_directories, scim_log


@pytest.fixture
def okta(server: Server) -> Directory:
    return directory(server, pushing(server.house))


def live_list(house: House, okta: Directory) -> Sequence[ScimEvent]:
    """Return what the live list shows, the oldest first."""
    log = scim_log.read_log(house.runtime, house.owner, okta.connection.id, before="", refused=False)
    return log.events[::-1]


def test_a_directory_that_only_reads_what_the_service_says_of_itself_has_been_here(
    okta: Directory, server: Server
) -> None:
    house = server.house
    assert okta.get("/ServiceProviderConfig").status_code == 200
    assert [(one.method, one.path, one.status) for one in live_list(house, okta)] == [
        ("GET", "/ServiceProviderConfig", 200)
    ]
    found = scim_directories.look_at_directory(house.runtime, house.owner, okta.connection)
    assert found is not None
    assert found.directory.last_contact_at is not None


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v2/Users", 404),
        ("GET", "/Roles", 404),
        ("PUT", "/Users", 405),
        ("GET", "/Me", 501),
        ("GET", "/Schemas/urn:nothing", 404),
        ("GET", "/ServiceProviderConfig?filter=x", 403),
        ("GET", "/Users/scu_1?attributes=id&excludedAttributes=name", 400),
        ("POST", "/.search", 400),
        ("POST", "/Users", 400),
    ],
)
def test_what_is_refused_at_the_door_is_in_the_list_once(
    method: str, path: str, status: int, okta: Directory, server: Server
) -> None:
    answer = okta.send(method, path, [] if method == "POST" else None)
    assert answer.status_code == status
    (one,) = live_list(server.house, okta)
    assert (one.method, one.path, one.status) == (method, path.partition("?")[0], status)
    assert [note["params"] for note in one.notes] == [{"detail": answer.json()["detail"]}]


@pytest.mark.parametrize(("method", "path"), [("GET", "/Users"), ("GET", "/Users/scu_1"), ("POST", "/Groups")])
def test_a_directory_that_knocks_at_a_closed_connection_is_in_the_list_once_an_hour(
    method: str, path: str, okta: Directory, server: Server
) -> None:
    house, connection_id = server.house, okta.connection.id
    connections.set_disabled(house.runtime, house.owner, connection_id, disabled=True)
    said = [okta.send(method, path).json()["detail"] for _ in range(3)]
    (one,) = live_list(house, okta)
    assert (one.method, one.path, one.status) == (method, path, 403)
    assert [note["params"]["detail"] for note in one.notes] == said[:1]
    house.clock.advance(minutes=59)
    assert okta.send(method, path).status_code == 403
    assert len(live_list(house, okta)) == 1
    house.clock.advance(minutes=1)
    assert okta.send(method, path).status_code == 403
    assert len(live_list(house, okta)) == 2
    # What changes is said at once.
    connections.set_disabled(house.runtime, house.owner, connection_id, disabled=False)
    connections.choose_provisioning(house.runtime, house.owner, connection_id, "manual")
    assert [okta.send(method, path).status_code for _ in range(2)] == [403, 403]
    assert [note["params"]["detail"] for one in live_list(house, okta)[2:] for note in one.notes] == [
        "SCIM provisioning is not turned on for this connection."
    ]


def test_of_a_bulk_request_the_list_says_what_was_refused_and_why(okta: Directory, server: Server) -> None:
    taken = okta.create("maya@example.com")
    server.house.clock.advance(seconds=1)
    operations: list[dict[str, Any]] = [
        {"method": "POST", "path": "/Users", "bulkId": "noor", "data": user("noor@example.com")},
        {"method": "POST", "path": "/Users", "bulkId": "maya", "data": user("maya@example.com")},
        {"method": "PATCH", "path": f"/Users/{taken['id']}", "data": {}},
    ]
    results = okta.send("POST", "/Bulk", {"Operations": operations}).json()["Operations"]
    said = [note["params"] for note in live_list(server.house, okta)[-1].notes if "path" in note["params"]]
    assert [(one["method"], one["path"], one["bulk_id"], one["detail"]) for one in said] == [
        ("POST", "/Users", "maya", results[1]["response"]["detail"]),
        ("PATCH", f"/Users/{taken['id']}", "–", results[2]["response"]["detail"]),
    ]
