"""What goes beyond the RFCs' letter, or falls short of it, over HTTP: what is answered, and what the live list says."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.directories import Directory, directory, pushing
from tests.support.house import Server
from vestibule.flows import scim_log
from vestibule.scim.tolerances import Tolerance


@pytest.fixture
def entra(server: Server) -> Directory:
    return directory(server, pushing(server.house))


def last_notes(server: Server, entra: Directory) -> list[str]:
    house = server.house
    log = scim_log.read_log(house.runtime, house.owner, entra.connection.id, before="", refused=False)
    house.clock.advance(seconds=1)
    return [str(note["message"]) for note in log.events[0].notes]


def test_the_live_list_names_what_was_taken_and_what_was_passed_over(entra: Directory, server: Server) -> None:
    made = entra.create("maya@example.com")
    server.house.clock.advance(seconds=1)
    entra.patch(f"/Users/{made['id']}", {"op": "Replace", "path": "active", "value": "False"})
    assert {Tolerance.OP_CASE.value, Tolerance.BOOLEAN_AS_TEXT.value} <= set(last_notes(server, entra))
    entra.patch(f"/Users/{made['id']}", {"op": "replace", "path": "title", "value": "Designer"})
    assert not {one.value for one in Tolerance} & set(last_notes(server, entra))
    group = entra.create_group("Designers", made["id"])
    server.house.clock.advance(seconds=1)
    entra.patch(f"/Groups/{group['id']}", {"op": "remove", "path": "members", "value": [{"value": made["id"]}]})
    assert Tolerance.LISTED_REMOVED.value in last_notes(server, entra)


@pytest.mark.parametrize("text", [r'userName eq "\u0000"', r'title co "\ud800"', r'emails[value eq "\u0000"]'])
def test_a_filter_for_what_no_database_keeps_is_the_clients_mistake(text: str, entra: Directory) -> None:
    for answer in (
        entra.get("/Users", params={"filter": text}),
        entra.send("POST", "/Users/.search", {"filter": text}),
    ):
        assert (answer.status_code, answer.json()["scimType"]) == (400, "invalidFilter")


def test_two_primary_addresses_are_refused_and_nothing_is_made(entra: Directory) -> None:
    two = [{"value": f"{name}@example.com", "primary": True} for name in ("maya", "m.park")]
    answer = entra.send("POST", "/Users", {"userName": "maya@example.com", "emails": two})
    assert (answer.status_code, answer.json()["scimType"]) == (400, "invalidValue")
    assert entra.found("/Users", 'userName eq "maya@example.com"') == []


def test_a_circle_in_a_bulk_request_is_a_conflict_and_the_rest_is_done(entra: Directory) -> None:
    def group(name: str, *needs: str) -> dict[str, Any]:
        members = [{"value": f"bulkId:{one}"} for one in needs]
        return {"method": "POST", "path": "/Groups", "bulkId": name, "data": {"displayName": name, "members": members}}

    body = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": [group("a", "b"), group("b", "a"), group("c")],
    }
    answer = entra.send("POST", "/Bulk", body)
    assert [one["status"] for one in answer.json()["Operations"]] == ["409", "400", "201"]
    assert [one["displayName"] for one in entra.get("/Groups").json()["Resources"]] == ["c"]
