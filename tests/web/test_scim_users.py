"""Users over SCIM: what becomes of people, their access and their sessions, on both engines, over real HTTP."""

from __future__ import annotations

import base64
import json
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from tests.support.directories import Directory, directory, pushing, user
from tests.support.house import House, Server
from tests.support.people import add_person, group_of, sign_in
from vestibule.directory.end_users import EndUser
from vestibule.directory.sources import Source
from vestibule.flows import end_user
from vestibule.scim.filters import MAX_DEPTH
from vestibule.storage import access, connections, end_users, sessions
from vestibule.storage.tables import scim_users


@pytest.fixture
def okta(server: Server) -> Directory:
    return directory(server, pushing(server.house))


def person_of(house: House, email: str) -> EndUser | None:
    with house.runtime.database.reading() as tx:
        return end_users.find_by_email(tx, house.workspace.id, email)


def someone(house: House, email: str) -> EndUser:
    found = person_of(house, email)
    assert found is not None
    return found


def places_of(house: House, email: str) -> dict[str, Source]:
    """Return where somebody may enter, by key, with the source of each."""
    person = someone(house, email)
    keys = {one.id: key for key, one in house.environments.items()}
    with house.runtime.database.reading() as tx:
        return {keys[one.environment_id]: one.source for one in access.access_of(tx, house.workspace.id, person.id)}


def live_sessions(house: House, person: EndUser) -> int:
    with house.runtime.database.reading() as tx:
        return len(sessions.list_sessions(tx, house.workspace.id, person.id, house.clock()))


def replaced(path: str, value: Any) -> dict[str, Any]:
    return {"op": "replace", "path": path, "value": value}


def test_a_pushed_user_has_an_account_with_access_to_this_environment_only(okta: Directory, server: Server) -> None:
    made = okta.create("maya@example.com", externalId="00u1", title="Designer")
    assert made["active"] is True
    assert made["meta"]["location"].endswith(f"/scim/{okta.connection.id}/v2/Users/{made['id']}")
    assert okta.get(f"/Users/{made['id']}").json() == made
    person = someone(server.house, "maya@example.com")
    assert (person.full_name, person.source) == ("Maya Park", Source.SCIM)
    assert places_of(server.house, "maya@example.com") == {"dev": Source.SCIM}


def test_what_was_put_comes_back_as_it_was_but_for_the_password(okta: Directory) -> None:
    made = okta.create("maya@example.com")
    sent = user(
        "maya@example.com",
        password="t1meMa$heen",
        name={"formatted": "Ms. Maya Park III", "familyName": "Park", "givenName": "Maya", "honorificPrefix": "Ms."},
        phoneNumbers=[{"value": "555-555-8377", "type": "work"}],
        **{
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {
                "department": "R&D",
                "manager": {"value": "26118915"},
            }
        },
    )
    put = okta.send("PUT", f"/Users/{made['id']}", sent)
    assert put.status_code == 200
    back = okta.get(f"/Users/{made['id']}").json()
    for name in ("name", "phoneNumbers", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"):
        assert back[name] == sent[name]
    assert "password" not in back
    assert "t1meMa$heen" not in put.text


@pytest.mark.parametrize("value", [False, "False", "false"])
def test_active_false_ends_access_and_sessions_at_once(value: Any, okta: Directory, server: Server) -> None:
    made = okta.create("maya@example.com")
    person = someone(server.house, "maya@example.com")
    sign_in(server.house, person, "dev", okta.connection)
    assert live_sessions(server.house, person) == 1
    left = okta.patch(f"/Users/{made['id']}", {"op": "Replace", "path": "active", "value": value})
    assert left.status_code == 200
    assert left.json()["active"] is False
    assert live_sessions(server.house, person) == 0
    assert places_of(server.house, "maya@example.com") == {}
    assert okta.get(f"/Users/{made['id']}").json()["active"] is False


def test_who_is_known_to_another_environment_keeps_it_with_its_sessions(okta: Directory, server: Server) -> None:
    house = server.house
    add_person(house, "Maya Lindqvist", "maya@example.com", "test")
    made = okta.create("maya@example.com")
    person = someone(house, "maya@example.com")
    sign_in(house, person, "dev", okta.connection)
    sign_in(house, person, "test")
    assert okta.send("DELETE", f"/Users/{made['id']}").status_code == 204
    assert places_of(house, "maya@example.com") == {"test": Source.MANUAL}
    with house.runtime.database.transaction() as tx:
        end_users.note_sign_in(tx, house.workspace.id, person.id, house.clock())
    assert live_sessions(house, person) == 1
    assert person_of(house, "maya@example.com") is not None


def test_access_given_by_hand_after_the_adoption_outlives_the_directory(okta: Directory, server: Server) -> None:
    house = server.house
    made = okta.create("maya@example.com")
    okta.patch(f"/Users/{made['id']}", replaced("active", False))
    person = someone(house, "maya@example.com")
    with house.runtime.database.transaction() as tx:
        dev = house.environments["dev"]
        access.grant_access(tx, house.workspace.id, dev.id, person.id, source=Source.MANUAL, now=house.clock())
    okta.patch(f"/Users/{made['id']}", replaced("active", True))
    okta.patch(f"/Users/{made['id']}", replaced("active", False))
    assert places_of(house, "maya@example.com") == {"dev": Source.MANUAL}


def test_an_existing_account_is_adopted_by_e_mail_and_then_follows_the_directory(
    okta: Directory, server: Server
) -> None:
    house = server.house
    designers = group_of(house, "dev")
    before = add_person(house, "Maya Lindqvist", "Maya@example.com", "dev", group=designers)
    made = okta.create("maya@example.com", externalId="00u1")
    adopted = someone(house, "maya@example.com")
    assert (adopted.id, adopted.full_name) == (before.id, "Maya Park")
    assert places_of(house, "maya@example.com") == {"dev": Source.SCIM}
    with house.runtime.database.reading() as tx:
        (kept,) = access.memberships_of(tx, house.workspace.id, before.id)
    assert kept.source is Source.MANUAL
    okta.patch(f"/Users/{made['id']}", replaced("active", False))
    assert places_of(house, "maya@example.com") == {}


def test_whoever_is_adopted_keeps_the_name_that_another_environment_knows_or_that_the_directory_does_not_say(
    okta: Directory, server: Server
) -> None:
    house = server.house
    add_person(house, "Maya Lindqvist", "maya@example.com", "test")
    add_person(house, "Noor Haddad", "noor@example.com", "dev")
    okta.create("maya@example.com")
    okta.create("noor@example.com", displayName=None, name=None)
    assert someone(house, "maya@example.com").full_name == "Maya Lindqvist"
    assert someone(house, "noor@example.com").full_name == "Noor Haddad"


def test_delete_takes_the_account_that_nothing_else_knows_and_a_new_owner_of_the_address_is_somebody_new(
    okta: Directory, server: Server
) -> None:
    made = okta.create("maya@example.com", externalId="old")
    first = someone(server.house, "maya@example.com")
    assert okta.send("DELETE", f"/Users/{made['id']}").status_code == 204
    assert okta.get(f"/Users/{made['id']}").status_code == 404
    assert person_of(server.house, "maya@example.com") is None
    again = okta.create("maya@example.com", externalId="new")
    assert again["id"] != made["id"]
    assert someone(server.house, "maya@example.com").id != first.id


def test_an_address_that_was_given_to_somebody_new_does_not_lead_to_the_old_account(
    okta: Directory, server: Server
) -> None:
    add_person(server.house, "Maya Lindqvist", "maya@example.com", "test")
    made = okta.create("maya@example.com", externalId="old")
    okta.send("DELETE", f"/Users/{made['id']}")
    refused = okta.send("POST", "/Users", user("maya@example.com", externalId="new"))
    assert (refused.status_code, refused.json()["scimType"]) == (409, "uniqueness")
    back = okta.create("maya@example.com", externalId="old")
    assert back["active"] is True
    assert places_of(server.house, "maya@example.com") == {"test": Source.MANUAL, "dev": Source.SCIM}


def test_a_rehire_is_the_same_person_without_the_old_memberships(okta: Directory, server: Server) -> None:
    made = okta.create("maya@example.com", externalId="00u1")
    group = okta.create_group("Designers", made["id"])
    okta.patch(f"/Users/{made['id']}", replaced("active", False))
    again = okta.send("POST", "/Users", user("maya@example.com", externalId="00u1"))
    assert again.status_code == 201
    assert again.json()["id"] == made["id"]
    assert again.json()["active"] is True
    assert okta.get(f"/Groups/{group['id']}").json()["members"] == []
    assert places_of(server.house, "maya@example.com") == {"dev": Source.SCIM}
    twice = okta.send("POST", "/Users", user("maya@example.com", externalId="00u1"))
    assert (twice.status_code, twice.json()["scimType"]) == (409, "uniqueness")


def test_activated_again_by_patch_they_are_back_in_the_groups_that_the_directory_has_them_in(
    okta: Directory, server: Server
) -> None:
    made = okta.create("maya@example.com")
    okta.create_group("Designers", made["id"])
    okta.patch(f"/Users/{made['id']}", {"op": "replace", "value": {"active": False}})
    person = someone(server.house, "maya@example.com")
    okta.patch(f"/Users/{made['id']}", {"op": "replace", "value": {"active": True}})
    with server.house.runtime.database.reading() as tx:
        assert [one.name for one in access.memberships_of(tx, server.house.workspace.id, person.id)] == ["Designers"]


def test_a_domain_out_of_the_connections_reach_is_refused_and_nothing_is_written(server: Server) -> None:
    narrow = directory(server, pushing(server.house, domains=("example.com",)))
    refused = narrow.send("POST", "/Users", user("maya@elsewhere.example"))
    assert (refused.status_code, refused.json()["scimType"]) == (400, "invalidValue")
    assert "elsewhere.example" in refused.json()["detail"]
    assert person_of(server.house, "maya@elsewhere.example") is None
    made = narrow.create("maya@example.com")
    moved = narrow.patch(
        f"/Users/{made['id']}", replaced("emails", [{"value": "m@elsewhere.example", "primary": True}])
    )
    assert moved.status_code == 400
    assert someone(server.house, "maya@example.com").email == "maya@example.com"


def test_nobody_is_kept_in_by_an_address_that_is_no_good(server: Server) -> None:
    narrow = directory(server, pushing(server.house, domains=("example.com",)))
    made = narrow.create("maya@example.com")
    gone = narrow.send("PUT", f"/Users/{made['id']}", user("maya@elsewhere.example", active=False))
    assert gone.status_code == 200
    assert places_of(server.house, "maya@example.com") == {}


def test_name_and_address_follow_the_directory(okta: Directory, server: Server) -> None:
    made = okta.create("maya@example.com")
    okta.send("PUT", f"/Users/{made['id']}", user("maya.berg@example.com", displayName="Maya Berg"))
    person = someone(server.house, "maya.berg@example.com")
    assert person.full_name == "Maya Berg"
    assert person_of(server.house, "maya@example.com") is None


def test_the_address_of_somebody_known_elsewhere_stays_whatever_the_directory_says(
    okta: Directory, server: Server
) -> None:
    add_person(server.house, "Maya Lindqvist", "maya@example.com", "prod")
    made = okta.create("maya@example.com")
    changed = okta.send("PUT", f"/Users/{made['id']}", user("mallory@example.com", displayName="Mallory"))
    assert changed.status_code == 200
    assert changed.json()["displayName"] == "Mallory"
    assert someone(server.house, "maya@example.com").full_name == "Maya Lindqvist"
    assert person_of(server.house, "mallory@example.com") is None


def test_a_deactivation_by_an_admin_is_not_taken_back_by_the_directory(okta: Directory, server: Server) -> None:
    made = okta.create("maya@example.com")
    person = someone(server.house, "maya@example.com")
    end_user.deactivate(server.house.runtime, server.house.owner, person.id)
    okta.patch(f"/Users/{made['id']}", replaced("active", False))
    okta.patch(f"/Users/{made['id']}", replaced("active", True))
    assert someone(server.house, "maya@example.com").status == "deactivated"


def test_a_user_without_an_address_has_an_account_once_it_has_one(okta: Directory, server: Server) -> None:
    made = okta.send("POST", "/Users", {"userName": "maya"}).json()
    assert made["active"] is True
    okta.patch(f"/Users/{made['id']}", replaced('emails[type eq "work"].value', "maya@example.com"))
    assert places_of(server.house, "maya@example.com") == {"dev": Source.SCIM}


def test_two_users_of_one_address_are_both_kept_but_only_the_first_has_the_account(
    okta: Directory, server: Server
) -> None:
    okta.create("maya@example.com", userName="one")
    second = okta.send("POST", "/Users", user("maya@example.com", userName="two"))
    assert second.status_code == 201
    with server.house.runtime.database.reading() as tx:
        rows = dict(tx.execute(select(scim_users.c.user_name, scim_users.c.end_user_id)).all())
    assert rows["one"]
    assert rows["two"] is None


def test_saying_the_same_again_changes_nothing_not_even_the_version(okta: Directory) -> None:
    made = okta.create("maya@example.com")
    same = okta.send("PUT", f"/Users/{made['id']}", {**made, "password": "x"})
    assert same.headers["etag"] == made["meta"]["version"]
    assert same.json()["meta"] == made["meta"]


def test_a_stale_version_is_refused_and_a_known_one_is_not_sent_again(okta: Directory) -> None:
    made = okta.create("maya@example.com")
    path, version = f"/Users/{made['id']}", made["meta"]["version"]
    assert okta.get(path, headers={"If-None-Match": version}).status_code == 304
    changed = okta.patch(path, replaced("title", "Designer"), headers={"If-Match": version})
    assert changed.status_code == 200
    stale = okta.patch(path, replaced("title", "Clown"), headers={"If-Match": version})
    assert stale.status_code == 412
    assert okta.get(path).json()["title"] == "Designer"


def test_a_put_that_does_not_speak_of_active_leaves_it(okta: Directory, server: Server) -> None:
    made = okta.create("maya@example.com")
    sent = user("maya@example.com")
    del sent["active"]
    assert okta.send("PUT", f"/Users/{made['id']}", sent).json()["active"] is True
    okta.patch(f"/Users/{made['id']}", replaced("active", False))
    assert okta.send("PUT", f"/Users/{made['id']}", sent).json()["active"] is False
    assert places_of(server.house, "maya@example.com") == {}


@pytest.mark.parametrize(("active", "place"), [(True, {"dev": Source.SCIM}), (False, {})])
def test_a_patch_that_removes_active_takes_the_word_back_and_nothing_from_the_person(
    okta: Directory, server: Server, active: bool, place: dict[str, Source]
) -> None:
    path = f"/Users/{okta.create('maya@example.com')['id']}"
    okta.patch(path, replaced("active", active))
    assert "active" not in okta.patch(path, {"op": "remove", "path": "active"}).json()
    assert places_of(server.house, "maya@example.com") == place
    okta.patch(path, {"op": "replace", "path": "title", "value": "Engineer"})
    assert places_of(server.house, "maya@example.com") == place


def test_a_deletion_and_a_new_push_do_not_take_back_what_an_admin_decided(okta: Directory, server: Server) -> None:
    made = okta.create("maya@example.com", externalId="m-1")
    person = someone(server.house, "maya@example.com")
    end_user.deactivate(server.house.runtime, server.house.owner, person.id)
    assert okta.send("DELETE", f"/Users/{made['id']}").status_code == 204
    okta.send("POST", "/Users", user("maya@example.com", externalId="m-1"))
    still = someone(server.house, "maya@example.com")
    assert (still.id, still.status) == (person.id, "deactivated")


def test_who_is_pushed_again_after_a_deletion_has_the_name_and_address_of_that_push(
    okta: Directory, server: Server
) -> None:
    house = server.house
    add_person(house, "Maya Lindqvist", "maya@example.com", "dev")
    made = okta.create("maya@example.com", externalId="e1")
    okta.send("DELETE", f"/Users/{made['id']}")
    okta.create("noor@example.com")
    taken = okta.send(
        "POST", "/Users", user("maya2@example.com", externalId="e1", emails=[{"value": "noor@example.com"}])
    )
    assert (taken.status_code, taken.json()["scimType"]) == (409, "uniqueness")
    okta.create("maya.park@example.com", externalId="e1")
    assert person_of(house, "maya@example.com") is None
    assert someone(house, "maya.park@example.com").full_name == "Maya Park"
    assert places_of(house, "maya.park@example.com") == {"dev": Source.SCIM}


def test_an_old_external_id_does_not_lead_into_an_account_that_another_directory_has_by_now(server: Server) -> None:
    first = directory(server, pushing(server.house, name="Okta A", domains=("example.com",)))
    add_person(server.house, "Maya Lindqvist", "maya@example.com", "test")
    made = first.create("maya@example.com", externalId="m-1")
    assert first.send("DELETE", f"/Users/{made['id']}").status_code == 204
    with server.house.runtime.database.transaction() as tx:
        connections.replace_domains(tx, first.connection, ("partner.example",), all_domains=False)
    second = directory(server, pushing(server.house, name="Okta B", domains=("example.com",)))
    second.create("maya@example.com")
    refused = first.send("POST", "/Users", user("mallory@partner.example", externalId="m-1"))
    assert refused.status_code == 409, refused.text
    assert someone(server.house, "maya@example.com").email == "maya@example.com"


def test_nobody_comes_back_by_a_connection_that_reaches_their_domain_no_longer(okta: Directory, server: Server) -> None:
    made = okta.create("maya@example.com")
    okta.patch(f"/Users/{made['id']}", replaced("active", False))
    with server.house.runtime.database.transaction() as tx:
        connections.replace_domains(tx, okta.connection, ("else.example",), all_domains=False)
    assert okta.patch(f"/Users/{made['id']}", replaced("active", True)).status_code == 400
    assert places_of(server.house, "maya@example.com") == {}


def test_an_address_stays_where_another_environments_directory_holds_the_person_inactive(server: Server) -> None:
    here = directory(server, pushing(server.house, name="Okta A"))
    there = directory(server, pushing(server.house, "test", name="Okta B"))
    away = there.create("maya@example.com")
    there.patch(f"/Users/{away['id']}", replaced("active", False))
    made = here.create("maya@example.com")
    here.patch(f"/Users/{made['id']}", replaced('emails[type eq "work"].value', "mallory@example.com"))
    assert person_of(server.house, "maya@example.com") is not None
    assert person_of(server.house, "mallory@example.com") is None


def test_a_thousand_values_are_one_request_and_their_primary_one_is_still_one(okta: Directory) -> None:
    many = [{"value": f"m{n}@example.com", "type": f"t{n}"} for n in range(900)]
    made = okta.create("maya@example.com", emails=many)
    answer = okta.patch(f"/Users/{made['id']}", replaced("emails.primary", True))
    assert answer.status_code == 400
    assert okta.get(f"/Users/{made['id']}").status_code == 200


@pytest.mark.parametrize(
    ("sort", "position"),
    [("meta.created", "2026-01-01T00:00:00"), ("active", "maybe"), ("userName", "\ud800"), ("userName", "\0")],
)
def test_a_cursor_that_somebody_made_up_is_refused_as_one(okta: Directory, sort: str, position: str) -> None:
    okta.create("a@example.com")
    okta.create("b@example.com")
    query = {"cursor": "", "count": "1", "sortBy": sort}
    ours = okta.get("/Users", params=query).json()["nextCursor"]
    whose, *_ = json.loads(base64.urlsafe_b64decode(ours + "=" * (-len(ours) % 4)))
    forged = base64.urlsafe_b64encode(json.dumps([whose, position, "scu_1"]).encode()).decode().rstrip("=")
    answer = okta.get("/Users", params={**query, "cursor": forged})
    assert (answer.status_code, answer.json()["scimType"]) == (400, "invalidCursor")


def test_a_filter_as_deep_as_is_read_is_answered(okta: Directory) -> None:
    deep = 'title eq "a"'
    for _ in range(MAX_DEPTH - 2):
        deep = f'title eq "a" and not ({deep})'
    assert okta.get("/Users", params={"filter": deep}).status_code == 200
    deeper = "(" * (MAX_DEPTH + 1) + 'title eq "a"' + ")" * (MAX_DEPTH + 1)
    assert okta.get("/Users", params={"filter": deeper}).status_code == 400


@pytest.mark.parametrize("swapped", ["emails", "userName"])
def test_two_who_swap_addresses_or_names_are_told_how(swapped: str, okta: Directory) -> None:
    maya, noor = (okta.create(f"{name}@example.com") for name in ("maya", "noor"))

    def change(email: str) -> dict[str, Any]:
        value = [{"value": email, "type": "work", "primary": True}] if swapped == "emails" else email
        return replaced(swapped, value)

    def give(one: dict[str, Any], email: str) -> httpx.Response:
        return okta.patch(f"/Users/{one['id']}", change(email))

    swap = ((maya, "noor@example.com"), (noor, "maya@example.com"))
    for one, email in swap:
        refused = give(one, email)
        assert (refused.status_code, refused.json()["scimType"]) == (409, "uniqueness")
        assert "swap theirs, give one of them another one first" in refused.json()["detail"]
    operations = [
        {"method": "PATCH", "path": f"/Users/{one['id']}", "data": {"Operations": [change(email)]}}
        for one, email in swap
    ]
    results = okta.send("POST", "/Bulk", {"Operations": operations}).json()["Operations"]
    assert [one["status"] for one in results] == ["409", "409"]
    in_turn = ((maya, "other@example.com"), (noor, "maya@example.com"), (maya, "noor@example.com"))
    assert [give(one, email).status_code for one, email in in_turn] == [200, 200, 200]


@pytest.mark.parametrize("again", ["changed", "the same by PUT", "the same by PATCH"])
def test_the_second_of_two_with_one_address_has_an_account_once_they_are_sent_again_after_the_first_is_gone(
    again: str, okta: Directory, server: Server
) -> None:
    first = okta.create("shared@example.com")
    second = okta.create("second", emails=[{"value": "shared@example.com"}])
    path = f"/Users/{second['id']}"
    assert okta.send("PUT", path, second).headers["etag"] == second["meta"]["version"]
    assert okta.send("DELETE", f"/Users/{first['id']}").status_code == 204
    assert person_of(server.house, "shared@example.com") is None
    if again == "the same by PUT":
        answer = okta.send("PUT", path, second)
    else:
        answer = okta.patch(path, replaced("title", "Designer") if again == "changed" else replaced("active", True))
    assert answer.status_code == 200
    assert places_of(server.house, "shared@example.com") == {"dev": Source.SCIM}
