"""Directory and admin at the same people: what an admin gives or takes by hand, and what the directory says of them, on both engines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.support.apps import make_app
from tests.support.directories import Directory, directory, pushing, user
from tests.support.house import Client, House, Server
from tests.support.people import connect, group_of
from vestibule.directory.end_users import AccessChange, EndUser
from vestibule.directory.groups import Group
from vestibule.directory.sources import Source
from vestibule.flows import connections, end_user, group_members, scim_clashes
from vestibule.kernel.ids import new_id
from vestibule.storage import access, apps, end_users, groups, synced_groups


@pytest.fixture
def okta(server: Server) -> Directory:
    return directory(server, pushing(server.house))


def someone(house: House, email: str) -> EndUser:
    with house.runtime.database.reading() as tx:
        found = end_users.find_by_email(tx, house.workspace.id, email)
    assert found is not None
    return found


def groups_of(house: House, email: str) -> Mapping[str, Source]:
    """Return the groups that somebody is in, with the source of each."""
    person = someone(house, email)
    with house.runtime.database.reading() as tx:
        return {one.name: one.source for one in access.memberships_of(tx, house.workspace.id, person.id)}


def may_enter(house: House, email: str) -> bool:
    """Say whether somebody has access to DEV."""
    person = someone(house, email)
    with house.runtime.database.reading() as tx:
        return bool(access.access_of(tx, house.workspace.id, person.id))


def tick_dev(house: House, email: str, *, ticked: bool) -> None:
    """Give or take somebody's access to DEV, as on their page."""
    dev, none = frozenset({house.environments["dev"].id}), frozenset[str]()
    change = AccessChange(none if ticked else dev, dev if ticked else none, none, none)
    end_user.change_access(house.runtime, house.owner, someone(house, email).id, change)


def replaced(path: str, value: Any) -> dict[str, Any]:
    return {"op": "replace", "path": path, "value": value}


def test_whoever_an_admin_lets_in_again_is_in_the_groups_in_which_the_directory_has_them(
    okta: Directory, server: Server
) -> None:
    house = server.house
    maya = okta.create("maya@example.com")
    okta.create_group("Designers", maya["id"])
    okta.create_group("Others")
    tick_dev(house, "maya@example.com", ticked=False)
    assert groups_of(house, "maya@example.com") == {}
    tick_dev(house, "maya@example.com", ticked=True)
    assert groups_of(house, "maya@example.com") == {"Designers": Source.SCIM}
    okta.patch(f"/Users/{maya['id']}", replaced("active", False))
    assert groups_of(house, "maya@example.com") == {}


def test_whom_the_directory_holds_inactive_is_in_none_of_its_groups_whoever_lets_them_in(
    okta: Directory, server: Server
) -> None:
    house = server.house
    maya = okta.create("maya@example.com")
    okta.create_group("Designers", maya["id"])
    okta.patch(f"/Users/{maya['id']}", replaced("active", False))
    tick_dev(house, "maya@example.com", ticked=True)
    okta.create_group("Writers", maya["id"])
    assert groups_of(house, "maya@example.com") == {}
    okta.patch(f"/Users/{maya['id']}", replaced("active", True))
    assert groups_of(house, "maya@example.com") == {"Designers": Source.SCIM, "Writers": Source.SCIM}


@pytest.mark.parametrize("mode", ["manual", "jit"])
def test_people_of_a_connection_that_is_no_directory_any_more_are_adopted_by_the_next_one(
    mode: str, okta: Directory, server: Server
) -> None:
    house = server.house
    maya = okta.create("maya@example.com")
    okta.create_group("Designers", maya["id"])
    entra = directory(server, pushing(house, name="Entra Dev", domains=("example.com",)))
    assert entra.send("POST", "/Users", user("maya@example.com")).status_code == 409
    connections.choose_provisioning(house.runtime, house.owner, okta.connection.id, mode)
    adopted = entra.create("maya@example.com")
    connections.choose_provisioning(house.runtime, house.owner, okta.connection.id, "scim")
    okta.patch(f"/Users/{maya['id']}", replaced("active", False))
    assert may_enter(house, "maya@example.com")
    assert okta.patch(f"/Users/{maya['id']}", replaced("active", True)).status_code == 409
    entra.patch(f"/Users/{adopted['id']}", replaced("active", False))
    assert not may_enter(house, "maya@example.com")


def adopt_all(house: House, okta: Directory) -> list[str]:
    """Let the directory adopt every group on which an admin is to decide; return their names."""
    clashes = scim_clashes.list_clashes(house.runtime, house.owner, okta.connection.id)
    for group, _ in clashes:
        scim_clashes.decide_clash(house.runtime, house.owner, okta.connection.id, group.id, adopt=True)
    return [name for _, name in clashes]


def test_groups_and_memberships_of_sign_ins_become_the_directorys_when_their_connection_changes_to_scim(
    server: Server,
) -> None:
    house = server.house
    connection = connect(house, "dev")
    connections.choose_provisioning(house.runtime, house.owner, connection.id, "jit")
    dev, now, where = house.environments["dev"], house.clock(), house.workspace.id
    made = Group(new_id("group", now), where, dev.id, "Designers", False, Source.JIT, now)
    with house.runtime.database.transaction() as tx:
        synced_groups.make_groups(tx, [made], connection.id)
    connections.choose_provisioning(house.runtime, house.owner, connection.id, "scim")
    okta = directory(server, connection)
    people = {name: okta.create(f"{name}@example.com") for name in ("maya", "noor")}
    for name, source in (("maya", Source.JIT), ("noor", Source.MANUAL)):
        with house.runtime.database.transaction() as tx:
            person = someone(house, f"{name}@example.com")
            by = connection.id if source is Source.JIT else None
            access.add_member(tx, where, made.id, person.id, source=source, now=now, connection_id=by)
    group = okta.create_group("Designers", *(one["id"] for one in people.values()))
    assert adopt_all(house, okta) == ["Designers"]
    assert groups_of(house, "maya@example.com") == {"Designers": Source.SCIM}
    okta.patch(f"/Groups/{group['id']}", replaced("members", []))
    assert groups_of(house, "maya@example.com") == {}
    assert groups_of(house, "noor@example.com") == {"Designers": Source.MANUAL}


def test_a_group_that_a_directory_left_behind_can_be_adopted_by_the_next_one(okta: Directory, server: Server) -> None:
    house = server.house
    okta.create_group("Designers")
    connections.delete_connection(house.runtime, house.owner, okta.connection.id)
    entra = directory(server, pushing(house, name="Entra Dev"))
    entra.create_group("Designers")
    assert adopt_all(house, entra) == ["Designers"]


def test_a_group_that_one_directory_has_adopted_is_offered_to_no_other(okta: Directory, server: Server) -> None:
    house = server.house
    group_of(house, "dev", "Designers")
    entra = directory(server, pushing(house, name="Entra Dev", domains=("entra.example",)))
    for one in (okta, entra):
        one.create_group("Designers")
    assert adopt_all(house, okta) == ["Designers"]
    assert adopt_all(house, entra) == []


def test_an_adopted_group_has_the_apps_that_the_pushed_one_had(okta: Directory, server: Server) -> None:
    house = server.house
    by_hand = group_of(house, "dev", "Designers")
    maya = okta.create("maya@example.com")
    okta.create_group("Designers", maya["id"])
    ((pushed, _),) = scim_clashes.list_clashes(house.runtime, house.owner, okta.connection.id)
    app = make_app(house, everyone=False, group_ids=frozenset({pushed.group_id}))
    both = make_app(house, "Wiki", everyone=False, group_ids=frozenset({pushed.group_id, by_hand.id}))
    adopt_all(house, okta)
    person = someone(house, "maya@example.com")
    with house.runtime.database.reading() as tx:
        usable = apps.list_usable_apps(tx, house.workspace.id, house.environments["dev"].id, person.id)
    assert {one.id for one in usable} == {app.id, both.id}


def take_out(house: House, email: str, name: str) -> None:
    """Take somebody out of a group, as on the group's page."""
    with house.runtime.database.reading() as tx:
        memberships = access.memberships_of(tx, house.workspace.id, someone(house, email).id)
    group_id = next(one.group_id for one in memberships if one.name == name)
    group_members.remove_member(house.runtime, house.owner, "dev", group_id, someone(house, email).id)


def test_whom_an_admin_takes_out_of_a_pushed_group_stays_out_until_the_directory_has_taken_them_out_as_well(
    okta: Directory, server: Server
) -> None:
    house = server.house
    maya, noor = (okta.create(f"{name}@example.com")["id"] for name in ("maya", "noor"))
    path = f"/Groups/{okta.create_group('Designers', maya)['id']}"
    waiting = okta.create_group("Writers", "00u-maya")["id"]
    take_out(house, "maya@example.com", "Designers")
    listed = [{"value": maya}, {"value": noor}]
    assert okta.send("PUT", path, {"displayName": "Designers", "members": listed}).json()["members"][0]["value"] == maya
    okta.patch(path, replaced("members", listed))
    okta.patch(path, {"op": "add", "path": "members", "value": [{"value": maya}]})
    okta.patch(f"/Users/{maya}", replaced("displayName", "Maya P."))
    assert groups_of(house, "maya@example.com") == {}
    okta.patch(f"/Users/{maya}", {"op": "add", "path": "externalId", "value": "00u-maya"})
    assert groups_of(house, "maya@example.com") == {"Writers": Source.SCIM}
    assert [one["value"] for one in okta.get(f"/Groups/{waiting}").json()["members"]] == [maya]
    okta.patch(path, {"op": "remove", "path": f'members[value eq "{maya}"]'})
    okta.patch(path, {"op": "add", "path": "members", "value": [{"value": maya}]})
    assert groups_of(house, "maya@example.com") == {"Designers": Source.SCIM, "Writers": Source.SCIM}
    assert groups_of(house, "noor@example.com") == {"Designers": Source.SCIM}


def test_the_page_of_a_pushed_group_says_that_whom_an_admin_takes_out_stays_out(
    okta: Directory, server: Server, admin_client: Client
) -> None:
    house = server.house
    okta.create_group("Designers", okta.create("maya@example.com")["id"])
    okta.create_group("Writers")
    said = "stays out until the directory itself takes them out and puts them in again"
    with house.runtime.database.reading() as tx:
        found = groups.list_groups(tx, house.workspace.id, house.environments["dev"].id)
    pages = {one.name: admin_client.get(f"/admin/environments/dev/groups/{one.id}").text for one in found}
    assert {name for name, text in pages.items() if said in text} == {"Designers"}
    person = admin_client.get(f"/admin/end-users/{someone(house, 'maya@example.com').id}").text
    assert "a SCIM directory brings back only what it has itself taken away meanwhile" in person


def test_access_that_an_admin_takes_away_stays_away_until_the_directory_has_taken_it_away_as_well(
    okta: Directory, server: Server
) -> None:
    house = server.house
    path = f"/Users/{okta.create('maya@example.com')['id']}"
    tick_dev(house, "maya@example.com", ticked=False)
    okta.patch(path, replaced("active", True), replaced("displayName", "Maya P."))
    assert okta.send("PUT", path, user("maya@example.com", title="Engineer")).status_code == 200
    assert not may_enter(house, "maya@example.com")
    okta.patch(path, replaced("active", False))
    okta.patch(path, replaced("active", True))
    assert may_enter(house, "maya@example.com")
