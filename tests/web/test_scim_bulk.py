"""Bulk requests over HTTP where their operations refer to each other, and what bounds them and long answers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.directories import Directory, directory, pushing, user
from tests.support.house import Server
from tests.support.statements import counted
from vestibule.flows.parts import pushing as parts
from vestibule.scim.attributes import ENTERPRISE_URN
from vestibule.scim.resources import MAX_RESOURCE
from vestibule.storage import scim_lists, scim_users


@pytest.fixture
def okta(server: Server) -> Directory:
    return directory(server, pushing(server.house))


def person(bulk_id: str, manager: str, **more: Any) -> dict[str, Any]:
    extension = {ENTERPRISE_URN: {"manager": {"value": f"bulkId:{manager}"}, "department": "Design"}}
    data = {**user(f"{bulk_id}@example.com"), **extension, **more}
    return {"method": "POST", "path": "/Users", "bulkId": bulk_id, "data": data}


def send(okta: Directory, *operations: dict[str, Any]) -> dict[str, Any]:
    """Send a bulk request; return the results by bulkId."""
    answer = okta.send("POST", "/Bulk", {"Operations": list(operations)})
    assert answer.status_code == 200, answer.text
    return {one["bulkId"]: one for one in answer.json()["Operations"]}


def test_two_who_are_each_others_manager_are_made_together(okta: Directory) -> None:
    group = {
        "method": "POST",
        "path": "/Groups",
        "bulkId": "g",
        "data": {"displayName": "Designers", "members": [{"value": "bulkId:maya"}]},
    }
    results = send(okta, group, person("maya", "jonas"), person("jonas", "maya"), person("noor", "noor"))
    assert {name: one["status"] for name, one in results.items()} == {
        "g": "201",
        "maya": "201",
        "jonas": "201",
        "noor": "201",
    }
    noor = okta.get(results["noor"]["location"].partition("/v2")[2]).json()
    assert noor[ENTERPRISE_URN]["manager"]["value"] == noor["id"], "who is alone may be their own manager"
    found = {name: okta.get(f"/Users/{results[name]['location'].rpartition('/')[2]}") for name in ("maya", "jonas")}
    ids = {name: one.json()["id"] for name, one in found.items()}
    for name, manager in (("maya", "jonas"), ("jonas", "maya")):
        said = found[name].json()[ENTERPRISE_URN]
        assert (said["manager"]["value"], said["department"]) == (ids[manager], "Design")
    assert found["jonas"].headers["etag"] == results["jonas"]["version"]
    assert [one["value"] for one in okta.get("/Groups").json()["Resources"][0]["members"]] == [ids["maya"]]


def test_every_result_names_its_resource_but_that_of_a_post_that_failed(okta: Directory) -> None:
    maya = okta.create("maya@example.com")
    base = maya["meta"]["location"].partition("/Users/")[0]
    nothing = {"Operations": [{"op": "replace", "path": "members", "value": []}]}
    results = send(
        okta,
        {"method": "POST", "path": "/Groups", "bulkId": "g", "data": {"displayName": "Designers"}},
        {"method": "PATCH", "path": "/Groups/bulkId:g", "bulkId": "patch", "data": nothing},
        {"method": "PUT", "path": f"/Users/{maya['id']}", "bulkId": "put", "data": {}},
        {"method": "DELETE", "path": f"/Users/{maya['id']}", "bulkId": "delete"},
        {"method": "DELETE", "path": "/v2/users/nobody", "bulkId": "again"},
        {"method": "POST", "path": "/Users", "bulkId": "bad", "data": {}},
        {"method": "DELETE", "path": "/Users/bulkId:bad", "bulkId": "behind"},
    )
    found = {name: (one["status"], one.get("location", "").removeprefix(base)) for name, one in results.items()}
    group = found["g"][1]
    assert found == {
        "g": ("201", group),
        "patch": ("204", group),
        "put": ("400", f"/Users/{maya['id']}"),
        "delete": ("204", f"/Users/{maya['id']}"),
        "again": ("404", "/Users/nobody"),
        "bad": ("400", ""),
        "behind": ("400", ""),
    }


def test_of_users_in_a_circle_all_are_made_or_none(okta: Directory) -> None:
    okta.create("taken@example.com")
    results = send(okta, person("maya", "taken"), person("taken", "maya"), person("ada", "bo"), person("bo", "ada"))
    assert {name: one["status"] for name, one in results.items()} == {
        "maya": "409",
        "taken": "409",
        "ada": "201",
        "bo": "201",
    }
    assert results["taken"]["response"]["scimType"] == "uniqueness"
    assert {one["userName"] for one in okta.get("/Users").json()["Resources"]} == {
        "taken@example.com",
        "ada@example.com",
        "bo@example.com",
    }


@pytest.mark.parametrize("order", [("taken", "maya"), ("maya", "taken")])
def test_in_a_circle_a_name_that_another_push_takes_meanwhile_is_blamed_on_whoever_wanted_it(
    okta: Directory, order: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    okta.create("taken@example.com")
    # What a push sees that looked before the other one committed, and writes after.
    monkeypatch.setattr(scim_users, "find_namesakes", lambda *_: ())
    circle = [person(one, other, active=False) for one, other in (order, order[::-1])]
    results = send(okta, *circle)
    assert {one["status"] for one in results.values()} == {"409"}
    assert results["taken"]["response"]["scimType"] == "uniqueness"
    assert "Another operation of its circle" in results["maya"]["response"]["detail"]


def test_a_bulk_request_reads_the_members_of_no_group_that_it_writes(okta: Directory, server: Server) -> None:
    maya = okta.create("maya@example.com")["id"]
    operation = {
        "method": "POST",
        "path": "/Groups",
        "bulkId": "g",
        "data": {"displayName": "Designers", "members": [{"value": maya}]},
    }
    with counted(server) as statements:
        made = send(okta, operation)["g"]
    assert not [one for one in statements if one.startswith("SELECT") and "scim_members" in one]
    assert okta.get(made["location"].partition("/v2")[2]).headers["etag"] == made["version"]


def test_filters_over_members_are_bounded_by_how_many_they_look_at(
    okta: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [okta.create(f"p{number}@example.com")["id"] for number in range(4)]
    group = okta.create_group("Designers", *ids)["id"]
    monkeypatch.setattr(parts, "MOST_LOOKED_AT", 6)
    removal = {"op": "remove", "path": 'members[display sw "P1"]'}
    refused = okta.patch(f"/Groups/{group}", removal, removal, removal)
    assert (refused.status_code, refused.json()["scimType"]) == (400, "tooMany")
    assert len(okta.get(f"/Groups/{group}").json()["members"]) == 4
    assert okta.patch(f"/Groups/{group}", removal, removal).status_code == 204
    assert len(okta.get(f"/Groups/{group}").json()["members"]) == 3


def test_a_page_of_groups_ends_where_its_members_are_too_many_and_nobody_is_left_out(
    okta: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [okta.create(f"p{number}@example.com")["id"] for number in range(3)]
    names = [okta.create_group(f"Group {number}", *ids)["displayName"] for number in range(5)]
    monkeypatch.setattr(scim_lists, "MOST_MEMBERS", 7)
    first = okta.get("/Groups?count=4").json()
    assert (first["totalResults"], first["itemsPerPage"]) == (5, 2)
    assert okta.get("/Groups?count=4&excludedAttributes=members").json()["itemsPerPage"] == 4
    found: list[str] = []
    cursor = ""
    for _ in range(5):
        page = okta.get(f"/Groups?count=4&sortBy=displayName&cursor={cursor}").json()
        found += [one["displayName"] for one in page["Resources"]]
        cursor = page.get("nextCursor")
        if cursor is None:
            break
    assert found == names


def test_a_user_who_would_fill_a_page_alone_is_refused_however_they_grow(okta: Directory) -> None:
    roles = [{"value": f"{number} {'x' * 1000}"} for number in range(MAX_RESOURCE // 1000)]
    refused = okta.send("POST", "/Users", user("maya@example.com", roles=roles))
    assert (refused.status_code, refused.json()["scimType"]) == (400, "invalidValue")
    maya = okta.create("maya@example.com", roles=roles[: len(roles) // 2])["id"]
    more = okta.patch(f"/Users/{maya}", {"op": "add", "path": "roles", "value": roles[len(roles) // 2 :]})
    assert (more.status_code, more.json()["scimType"]) == (400, "invalidValue")
