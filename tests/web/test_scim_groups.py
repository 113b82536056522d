"""Groups over SCIM: end-user groups of the environment that follow the directory, and what a push leaves alone."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event

from tests.support.directories import Directory, directory, pushing
from tests.support.house import House, Server
from tests.support.people import add_person, group_of
from vestibule.directory.groups import Group
from vestibule.directory.sources import Source
from vestibule.flows import group_members
from vestibule.storage import access, end_users, groups


@pytest.fixture
def entra(server: Server) -> Directory:
    return directory(server, pushing(server.house, name="Entra Dev"))


def groups_of(house: House, key: str = "dev") -> dict[str, Group]:
    with house.runtime.database.reading() as tx:
        found = groups.list_groups(tx, house.workspace.id, house.environments[key].id)
    return {one.name: one for one in found if not one.built_in}


def members_of(house: House, name: str) -> dict[str, Source]:
    """Return who is in an end-user group of DEV, by address, with the source of each."""
    group = groups_of(house)[name]
    page = group_members.look_at_group(house.runtime, house.owner, "dev", group.id)
    return {one.email: one.source for one in page.members}


def listed(okta: Directory, group_id: str) -> list[str]:
    return [one["value"] for one in okta.get(f"/Groups/{group_id}").json()["members"]]


def op(name: str, path: str | None, value: Any = None) -> dict[str, Any]:
    return {"op": name, **({"path": path} if path else {}), **({"value": value} if value is not None else {})}


def test_a_pushed_group_is_an_end_user_group_that_is_renamed_and_deleted_with_the_directorys(
    entra: Directory, server: Server
) -> None:
    maya = entra.create("maya@example.com")
    made = entra.create_group("Designers", maya["id"], externalId="g1")
    found = groups_of(server.house)["Designers"]
    assert found.source is Source.SCIM
    assert members_of(server.house, "Designers") == {"maya@example.com": Source.SCIM}
    assert "Designers" not in groups_of(server.house, "test")
    renamed = entra.patch(f"/Groups/{made['id']}", op("Replace", "displayName", "Product design"))
    assert renamed.status_code == 204
    assert groups_of(server.house)["Product design"].id == found.id
    assert entra.send("DELETE", f"/Groups/{made['id']}").status_code == 204
    assert groups_of(server.house) == {}
    assert entra.get(f"/Groups/{made['id']}").status_code == 404


def test_members_are_added_and_removed_in_every_form_that_clients_have(entra: Directory) -> None:
    maya, jonas, noor = (entra.create(f"{name}@example.com")["id"] for name in ("maya", "jonas", "noor"))
    group = entra.create_group("Designers")["id"]
    path = f"/Groups/{group}"

    def after(*operations: dict[str, Any]) -> list[str]:
        assert entra.patch(path, *operations).status_code == 204
        return listed(entra, group)

    assert after(op("Add", "members", [{"value": maya, "$ref": None}, {"value": jonas}])) == [maya, jonas]
    assert after(op("add", "members", [{"value": maya}, {"value": maya}])) == [maya, jonas]
    assert after(op("Remove", "members", [{"value": maya}])) == [jonas]
    assert after(op("add", None, {"members": [{"value": noor}]})) == [jonas, noor]
    assert after(op("remove", f'members[value eq "{jonas}"]'), op("add", "members", [{"value": maya}])) == [maya, noor]
    assert after(op("replace", "members", [{"value": jonas}])) == [jonas]
    assert after(op("replace", None, {"id": group, "displayName": "Designers"})) == [jonas]
    assert after(op("remove", "members", {"members": [{"value": jonas}]})) == []
    assert after(op("replace", "members", [{"value": maya}, {"value": noor}])) == [maya, noor]
    assert after(op("replace", "members", [])) == []
    assert after(op("add", "members", maya)) == [maya]
    assert after(op("remove", "members")) == []


def test_memberships_by_hand_outlive_every_push(entra: Directory, server: Server) -> None:
    house = server.house
    maya = entra.create("maya@example.com")
    made = entra.create_group("Designers", maya["id"])
    by_hand = add_person(house, "Ada By Hand", "byhand@example.com", "dev")
    group_members.add_member(house.runtime, house.owner, "dev", groups_of(house)["Designers"].id, by_hand.id)
    path = f"/Groups/{made['id']}"
    entra.patch(path, op("replace", "members", []))
    entra.patch(path, op("remove", "members"))
    entra.send("PUT", path, {"displayName": "Designers", "members": []})
    assert members_of(house, "Designers") == {"byhand@example.com": Source.MANUAL}
    assert listed(entra, made["id"]) == []
    entra.send("DELETE", path)
    kept = groups_of(house)["Designers"]
    assert kept.source is Source.MANUAL
    assert members_of(house, "Designers") == {"byhand@example.com": Source.MANUAL}


def test_who_was_put_in_by_hand_before_the_push_stays_when_the_push_takes_them_out(
    entra: Directory, server: Server
) -> None:
    house = server.house
    made = entra.create_group("Designers")
    maya = entra.create("maya@example.com")
    with house.runtime.database.reading() as tx:
        person = end_users.find_by_email(tx, house.workspace.id, "maya@example.com")
    assert person is not None
    group_members.add_member(house.runtime, house.owner, "dev", groups_of(house)["Designers"].id, person.id)
    entra.patch(f"/Groups/{made['id']}", op("add", "members", [{"value": maya["id"]}]))
    assert listed(entra, made["id"]) == [maya["id"]]
    entra.patch(f"/Groups/{made['id']}", op("remove", "members", [{"value": maya["id"]}]))
    assert listed(entra, made["id"]) == []
    assert members_of(house, "Designers") == {"maya@example.com": Source.MANUAL}


def test_a_hand_made_group_is_never_overwritten_and_the_client_gets_what_it_sent(
    entra: Directory, server: Server
) -> None:
    house = server.house
    group_of(house, "dev", "Designers")
    maya = entra.create("maya@example.com")
    made = entra.create_group("Designers", maya["id"])
    assert made["displayName"] == "Designers"
    assert set(groups_of(house)) == {"Designers", "Designers (Entra Dev)"}
    assert members_of(house, "Designers") == {}
    assert members_of(house, "Designers (Entra Dev)") == {"maya@example.com": Source.SCIM}
    entra.patch(f"/Groups/{made['id']}", op("replace", "displayName", "Product design"))
    assert set(groups_of(house)) == {"Designers", "Product design"}


def test_a_pushed_group_everyone_is_not_the_built_in_one(entra: Directory, server: Server) -> None:
    made = entra.create_group("Everyone")
    assert made["displayName"] == "Everyone"
    assert set(groups_of(server.house)) == {"Everyone (Entra Dev)"}


def test_a_second_group_of_the_same_name_is_a_conflict_unless_external_ids_tell_them_apart(entra: Directory) -> None:
    entra.create_group("Designers", externalId="g1")
    lost_answer = entra.send("POST", "/Groups", {"displayName": "designers", "externalId": "g1"})
    assert (lost_answer.status_code, lost_answer.json()["scimType"]) == (409, "uniqueness")
    assert entra.send("POST", "/Groups", {"displayName": "Designers"}).status_code == 409
    assert entra.create_group("Designers", externalId="g2")["displayName"] == "Designers"


def test_unknown_members_are_kept_and_join_when_they_arrive(entra: Directory, server: Server) -> None:
    maya = entra.create("maya@example.com")
    made = entra.create_group("Designers", maya["id"], "00u-not-here-yet", "usr_01jd8w4tq5zzzzzzzzzzzzzzzz")
    assert listed(entra, made["id"]) == [maya["id"]]
    jonas = entra.create("jonas@example.com", externalId="00u-not-here-yet")
    assert listed(entra, made["id"]) == sorted([maya["id"], jonas["id"]])
    assert set(members_of(server.house, "Designers")) == {"maya@example.com", "jonas@example.com"}


def test_unknown_members_join_when_somebody_gets_their_external_id_later(entra: Directory, server: Server) -> None:
    maya, noor = entra.create("maya@example.com"), entra.create("noor@example.com")
    made = entra.create_group("Designers", "e-maya", maya["id"], "e-noor")
    both = {"maya@example.com": Source.SCIM, "noor@example.com": Source.SCIM}
    entra.patch(f"/Users/{maya['id']}", op("add", "externalId", "e-maya"))
    assert members_of(server.house, "Designers") == {"maya@example.com": Source.SCIM}
    entra.patch(f"/Users/{noor['id']}", op("replace", "active", False))
    version = entra.get(f"/Groups/{made['id']}").headers["etag"]
    entra.create("noor@example.com", externalId="e-noor")
    assert members_of(server.house, "Designers") == both
    assert sorted(listed(entra, made["id"])) == sorted([maya["id"], noor["id"]])
    assert entra.get(f"/Groups/{made['id']}").headers["etag"] != version


def test_a_member_named_by_external_id_is_the_same_member_to_add_to_keep_and_to_remove(
    entra: Directory, server: Server
) -> None:
    maya, jonas = (entra.create(f"{one}@example.com", externalId=f"00u-{one}")["id"] for one in ("maya", "jonas"))
    group = entra.create_group("Designers", "00u-maya", jonas)["id"]
    path = f"/Groups/{group}"
    assert listed(entra, group) == sorted([maya, jonas])
    assert set(members_of(server.house, "Designers")) == {"maya@example.com", "jonas@example.com"}
    version = entra.get(path).headers["etag"]
    entra.patch(path, op("add", "members", [{"value": "00u-jonas"}, {"value": maya}]))
    entra.send("PUT", path, {"displayName": "Designers", "members": [{"value": "00u-maya"}, {"value": jonas}]})
    assert entra.get(path).headers["etag"] == version
    entra.patch(path, op("remove", "members", [{"value": "00u-jonas"}]))
    assert listed(entra, group) == [maya]
    entra.patch(path, op("remove", 'members[value eq "00u-maya"]'), op("add", "members", [{"value": jonas}]))
    assert listed(entra, group) == [jonas]
    entra.patch(path, op("replace", "members", [{"value": "00u-maya"}]))
    assert listed(entra, group) == [maya]
    assert set(members_of(server.house, "Designers")) == {"maya@example.com"}


def test_whoever_waited_by_external_id_leaves_by_it_whether_here_or_not(entra: Directory, server: Server) -> None:
    group = entra.create_group("Designers", "00u-maya", "00u-nobody")["id"]
    entra.create("maya@example.com", externalId="00u-maya")
    assert set(members_of(server.house, "Designers")) == {"maya@example.com"}
    entra.patch(f"/Groups/{group}", op("remove", "members", [{"value": "00u-maya"}, {"value": "00u-nobody"}]))
    assert listed(entra, group) == []
    assert members_of(server.house, "Designers") == {}
    entra.create("nobody@example.com", externalId="00u-nobody")
    assert listed(entra, group) == []


def test_an_external_id_that_several_have_names_nobody(entra: Directory) -> None:
    for one in ("maya", "jonas"):
        entra.create(f"{one}@example.com", externalId="00u-same")
    assert entra.create_group("Designers", "00u-same")["members"] == []


def test_a_guessed_id_of_somebody_outside_is_nobody(entra: Directory, server: Server) -> None:
    house = server.house
    outsider = add_person(house, "Out Sider", "out@example.com", "dev", "test")
    other = directory(server, pushing(house, "test", "Okta Test"))
    theirs = other.create("theirs@example.com")
    their_group = other.create_group("Testers", theirs["id"])
    made = entra.create_group("Designers", outsider.id, theirs["id"])
    assert listed(entra, made["id"]) == []
    assert members_of(house, "Designers") == {}
    for method in ("GET", "PUT", "DELETE"):
        body = {"displayName": "Mine now"} if method == "PUT" else None
        assert entra.send(method, f"/Groups/{their_group['id']}", body).status_code == 404
    assert entra.patch(f"/Groups/{their_group['id']}", op("remove", "members")).status_code == 404
    assert entra.get(f"/Users/{theirs['id']}").status_code == 404
    assert listed(other, their_group["id"]) == [theirs["id"]]


def test_without_members_no_member_is_read_and_one_more_touches_no_other(entra: Directory, server: Server) -> None:
    ids = [entra.create(f"p{number}@example.com")["id"] for number in range(6)]
    made = entra.create_group("Designers", *ids[:5])
    statements: list[str] = []
    engine = server.house.runtime.database.engine

    def note(*arguments: Any) -> None:
        statements.append(arguments[2])

    event.listen(engine, "before_cursor_execute", note)
    try:
        read = entra.get(f"/Groups/{made['id']}?excludedAttributes=members")
        assert "members" not in read.json()
        assert not any("scim_members" in one for one in statements)
        statements.clear()
        entra.patch(f"/Groups/{made['id']}", op("add", "members", [{"value": ids[5]}]))
        few = len(statements)
        statements.clear()
        entra.patch(f"/Groups/{made['id']}", op("remove", "members", [{"value": one} for one in ids[:5]]))
        assert len(statements) <= few
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert few <= 12


def test_one_member_who_comes_or_goes_is_told_the_database_in_prepared_statements_only(
    entra: Directory, server: Server
) -> None:
    maya, group = entra.create("maya@example.com")["id"], entra.create_group("Designers")["id"]
    unprepared: list[str] = []
    engine = server.house.runtime.database.engine

    def note(*arguments: Any) -> None:
        if arguments[4] is not None:
            unprepared.append(arguments[2])

    event.listen(engine, "before_cursor_execute", note)
    try:
        assert entra.patch(f"/Groups/{group}", op("add", "members", [{"value": maya}])).status_code == 204
        assert members_of(server.house, "Designers") == {"maya@example.com": Source.SCIM}
        unprepared.clear()
        assert entra.patch(f"/Groups/{group}", op("remove", f'members[value eq "{maya}"]')).status_code == 204
        assert entra.patch(f"/Groups/{group}", op("add", "members", [{"value": maya}])).status_code == 204
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert unprepared == []
    assert members_of(server.house, "Designers") == {"maya@example.com": Source.SCIM}


def test_members_are_found_as_entra_looks_for_them(entra: Directory) -> None:
    maya, jonas = entra.create("maya@example.com")["id"], entra.create("jonas@example.com")["id"]
    group = entra.create_group("Designers", maya)["id"]
    entra.create_group("Others", jonas)
    assert entra.found("/Groups", f'id eq "{group}" and members eq "{maya}"') == [group]
    assert entra.found("/Groups", f'id eq "{group}" and members eq "{jonas}"') == []
    assert entra.found("/Groups", f'members[value eq "{maya}"]') == [group]
    assert entra.found("/Groups", f'members.value eq "{maya}"') == [group]
    assert entra.found("/Groups", 'displayName eq "DESIGNERS"') == [group]
    assert entra.found("/Users", f'groups.value eq "{group}"') == [maya]


def test_a_group_patch_answers_with_the_group_where_attributes_are_asked_for(entra: Directory) -> None:
    maya = entra.create("maya@example.com")["id"]
    group = entra.create_group("Designers")["id"]
    answer = entra.patch(f"/Groups/{group}?attributes=members", op("add", "members", [{"value": maya}]))
    assert answer.status_code == 200
    assert [one["value"] for one in answer.json()["members"]] == [maya]
    assert "displayName" not in answer.json()
    users = entra.get(f"/Users/{maya}").json()
    assert [one["value"] for one in users["groups"]] == [group]


def test_who_leaves_is_in_no_group_and_the_group_stays(entra: Directory, server: Server) -> None:
    maya = entra.create("maya@example.com")["id"]
    group = entra.create_group("Designers", maya)["id"]
    entra.send("DELETE", f"/Users/{maya}")
    assert listed(entra, group) == []
    assert members_of(server.house, "Designers") == {}
    with server.house.runtime.database.reading() as tx:
        assert end_users.find_by_email(tx, server.house.workspace.id, "maya@example.com") is None
        assert access.access_of(tx, server.house.workspace.id, "usr_none") == ()
