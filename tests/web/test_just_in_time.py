"""Just-in-time provisioning over HTTP, on both engines: who comes in, with what, and what stays as an admin made it."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from html import unescape
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from tests.saml import forge
from tests.support import sign_ins
from tests.support.apps import make_app
from tests.support.house import House, Server
from tests.support.people import group_of
from vestibule.directory.connections import Connection, Provisioning
from vestibule.directory.end_users import EndUser, EndUserStatus
from vestibule.directory.grants import Authentication, Grant
from vestibule.directory.mapping import AttributeMapping
from vestibule.directory.one_time_links import OneTimeLink, Purpose
from vestibule.directory.provisioning import GroupsBy, JitRules, MapEntry, UnknownGroups
from vestibule.directory.receipts import GrantsEnded
from vestibule.directory.refusals import DomainOutOfReach, EmailMissing, EntryRefusal
from vestibule.directory.sources import Source
from vestibule.kernel.ids import new_id
from vestibule.storage import access, connections, end_users, grants, group_map, one_time_links, receipts
from vestibule.storage.tables import activity, groups, identity_links
from vestibule.storage.tables import end_users as people
from vestibule.web.pages import unbroken

SYNCING = JitRules(group_syncing=True)
IN_SYNC = replace(SYNCING, keep_in_sync=True)
PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
ENTRA_LINK = "http://schemas.microsoft.com/claims/groups.link"


def jit(house: House, rules: JitRules = SYNCING, environment: str = "dev", **changes: Any) -> Connection:
    return sign_ins.connect(house, environment, provisioning=Provisioning.JIT, jit=rules, **changes)


def arrive(
    server: Server,
    connection: Connection,
    email: str = "grace@example.com",
    *,
    name: str | None = "Grace Okafor",
    groups: tuple[str, ...] = (),
    environment: str = "dev",
    more: tuple[forge.Attribute, ...] = (),
    **changes: Any,
) -> httpx.Response:
    client = server.client()
    started = sign_ins.start(client, email, environment)
    attributes = [forge.Attribute("email", (email,)), *more]
    if name:
        attributes.append(forge.Attribute("displayName", (name,)))
    if groups:
        attributes.append(forge.Attribute("groups", groups))
    data = sign_ins.answer(
        server, connection, started.request_id, email, **{"attributes": tuple(attributes), **changes}
    )
    return sign_ins.post(client, connection, data, started.relay_state)


def found(house: House, email: str = "grace@example.com") -> EndUser:
    with house.runtime.database.reading() as tx:
        person = end_users.find_by_email(tx, house.workspace.id, email)
    assert person is not None
    return person


def group_names(house: House, person: EndUser) -> dict[str, Source]:
    with house.runtime.database.reading() as tx:
        return {one.name: one.source for one in access.memberships_of(tx, house.workspace.id, person.id)}


def join_by_hand(house: House, person: EndUser, group_id: str) -> None:
    with house.runtime.database.transaction() as tx:
        access.add_member(tx, house.workspace.id, group_id, person.id, source=Source.MANUAL, now=house.clock())


def details_of(house: House, action: str) -> dict[str, Any]:
    with house.runtime.database.reading() as tx:
        query = select(activity.c.details).where(activity.c.action == action).order_by(activity.c.id.desc()).limit(1)
        details: dict[str, Any] = tx.execute(query).scalar_one()
    return details


def test_somebody_unknown_gets_an_account_with_access_and_the_groups_of_the_assertion(server: Server) -> None:
    house = server.house
    designers = group_of(house, "dev", name="Designers")
    connection = jit(house)
    response = arrive(server, connection, groups=("designers", "Elsewhere"))
    assert (response.status_code, response.headers["location"]) == (303, "/e/dev/"), response.text
    person = found(house)
    assert (person.full_name, person.status, person.source) == ("Grace Okafor", EndUserStatus.ACTIVE, Source.JIT)
    with house.runtime.database.reading() as tx:
        places = access.access_of(tx, house.workspace.id, person.id)
    assert [(one.environment_id, one.source, one.connection_id) for one in places] == [
        (house.environments["dev"].id, Source.JIT, connection.id)
    ]
    assert group_names(house, person) == {"Designers": Source.JIT}
    details = details_of(house, "end_user.arrived")
    assert (details["groups_joined"], details["groups_ignored"]) == (["Designers"], ["Elsewhere"])
    assert designers.name == "Designers"


def test_a_test_sign_in_names_the_groups_that_the_sign_in_would_leave_somebody_in(server: Server) -> None:
    house = server.house
    group_of(house, "dev", name="Designers")
    connection = jit(house, replace(IN_SYNC, unknown_groups=UnknownGroups.CREATE))
    client = server.client()
    client.sign_in()

    def tested(*sent: str) -> str:
        client.get(f"/admin/connections/{connection.id}")
        started = sign_ins.read_request(client.post(f"/admin/connections/{connection.id}/test"))
        attributes = (forge.Attribute("email", ("grace@example.com",)), forge.Attribute("groups", sent))
        data = sign_ins.answer(server, connection, started.request_id, "grace@example.com", attributes=attributes)
        page = client.get(sign_ins.post(client, connection, data, started.relay_state).headers["location"]).text
        return page.partition("<dt>Groups here</dt><dd>")[2].partition("</dd>")[0]

    assert tested("designers", "Research", "everyone") == "Everyone, Designers, Research"
    arrive(server, connection, groups=("designers",))
    join_by_hand(house, found(house), group_of(house, "dev", name="By hand").id)
    assert tested("Research") == "Everyone, By hand, Research"
    arrive(server, connection, groups=("Research",))
    assert set(group_names(house, found(house))) == {"By hand", "Research"}


def test_without_group_syncing_nobody_is_in_more_than_everyone(server: Server) -> None:
    group_of(server.house, "dev", name="Designers")
    arrive(server, jit(server.house, JitRules()), groups=("Designers",))
    assert group_names(server.house, found(server.house)) == {}


def test_the_map_leads_values_to_groups_and_unknown_ones_become_groups_where_the_admin_says_so(server: Server) -> None:
    house = server.house
    designers = group_of(house, "dev", name="Designers")
    rules = JitRules(True, GroupsBy.MAP, UnknownGroups.CREATE)
    connection = jit(house, rules)
    with house.runtime.database.transaction() as tx:
        entries = [MapEntry("8d2e0d8e-0000", designers.id)]
        group_map.replace_entries(tx, house.workspace.id, connection.id, entries)
    arrive(server, connection, groups=("8D2E0D8E-0000", "Fresh team", "Everyone"))
    assert group_names(house, found(house)) == {"Designers": Source.JIT, "Fresh team": Source.JIT}
    with house.runtime.database.reading() as tx:
        made = tx.execute(select(groups).where(groups.c.name == "Fresh team")).one()
    assert (made.source, made.source_connection_id) == ("jit", connection.id)


def test_a_group_of_another_environment_is_never_joined(server: Server) -> None:
    group_of(server.house, "test", name="Operators")
    arrive(server, jit(server.house), groups=("Operators",))
    assert group_names(server.house, found(server.house)) == {}


def test_a_name_that_is_not_sent_is_taken_from_the_address(server: Server) -> None:
    assert arrive(server, jit(server.house), name=None).status_code == 303
    assert found(server.house).full_name == "grace"


@pytest.mark.parametrize(
    ("attributes", "changes", "refusal"),
    [
        (
            (),
            {"name_id": "grace", "name_id_format": PERSISTENT},
            EmailMissing,
        ),
        ((forge.Attribute("email", ("grace@elsewhere.example",)),), {"name_id": "grace"}, DomainOutOfReach),
    ],
    ids=["missing", "foreign"],
)
def test_a_missing_or_foreign_address_is_a_clear_refusal_and_makes_nothing(
    server: Server, attributes: tuple[forge.Attribute, ...], changes: dict[str, Any], refusal: type[EntryRefusal]
) -> None:
    client = server.client()
    connection = jit(server.house)
    started = sign_ins.start(client)
    changes = {**changes, "attributes": attributes}
    if "name_id_format" not in changes:
        changes["name_id_format"] = PERSISTENT
    data = sign_ins.answer(server, connection, started.request_id, **changes)
    response = sign_ins.post(client, connection, data, started.relay_state)
    assert response.status_code == 403
    assert unbroken(refusal.public) in unescape(response.text)
    with server.house.runtime.database.reading() as tx:
        assert tx.execute(select(func.count()).select_from(people)).scalar_one() == 0


def test_somebody_known_elsewhere_gets_access_at_their_first_time_here_and_keeps_their_profile(server: Server) -> None:
    house = server.house
    person = sign_ins.add_person(house, name="Grace by hand", environments=("test",))
    assert arrive(server, jit(house), name="Grace Okafor").status_code == 303
    assert found(house).id == person.id
    assert found(house).full_name == "Grace by hand"
    assert details_of(house, "end_user.admitted") == {}


def test_access_that_an_admin_took_away_is_not_given_again_by_an_assertion(server: Server) -> None:
    house = server.house
    connection = jit(house, IN_SYNC)
    arrive(server, connection)
    person = found(house)
    with house.runtime.database.transaction() as tx:
        access.revoke_access(tx, house.workspace.id, house.environments["dev"].id, person.id)
    assert arrive(server, connection).status_code == 403
    with house.runtime.database.reading() as tx:
        assert access.access_of(tx, house.workspace.id, person.id) == ()


def test_somebody_deactivated_stays_out(server: Server) -> None:
    person = sign_ins.add_person(server.house, status=EndUserStatus.DEACTIVATED, environments=())
    assert arrive(server, jit(server.house)).status_code == 403
    assert found(server.house).status is EndUserStatus.DEACTIVATED
    assert found(server.house).id == person.id


def test_a_known_person_is_left_untouched_by_default(server: Server) -> None:
    house = server.house
    group_of(house, "dev", name="Designers")
    group_of(house, "dev", name="Writers")
    connection = jit(house)
    arrive(server, connection, groups=("Designers",))
    assert arrive(server, connection, name="Grace Hopper", groups=("Writers",)).status_code == 303
    assert found(house).full_name == "Grace Okafor"
    assert group_names(house, found(house)) == {"Designers": Source.JIT}


def test_kept_in_sync_profile_and_own_memberships_follow_and_those_given_by_hand_stay(server: Server) -> None:
    house = server.house
    for name in ("Designers", "Writers"):
        group_of(house, "dev", name=name)
    by_hand = group_of(house, "dev", name="Reviewers")
    connection = jit(house, IN_SYNC)
    arrive(server, connection, groups=("Designers",))
    join_by_hand(house, found(house), by_hand.id)
    assert arrive(server, connection, name="Grace Hopper", groups=("Writers",)).status_code == 303
    assert found(house).full_name == "Grace Hopper"
    assert group_names(house, found(house)) == {"Writers": Source.JIT, "Reviewers": Source.MANUAL}
    details = details_of(house, "end_user.synced")
    assert (details["groups_joined"], details["groups_left"], details["name"]) == (
        ["Writers"],
        ["Designers"],
        "Grace Hopper",
    )


def test_whoever_was_added_by_hand_is_kept_in_sync_from_their_first_sign_in_on(server: Server) -> None:
    house = server.house
    group_of(house, "dev", name="Designers")
    sign_ins.add_person(house, "grace@example.com", name="G. by Hand")
    assert arrive(server, jit(house, IN_SYNC), groups=("Designers",)).status_code == 303
    assert found(house).full_name == "Grace Okafor"
    assert group_names(house, found(house)) == {"Designers": Source.JIT}


def test_memberships_that_a_directory_gave_follow_sign_ins_once_their_connection_is_in_sync(server: Server) -> None:
    house = server.house
    designers, writers = (group_of(house, "dev", name=name) for name in ("Designers", "Writers"))
    connection = jit(house, IN_SYNC)
    arrive(server, connection, groups=("Writers",))
    with house.runtime.database.transaction() as tx:
        whose = (tx, house.workspace.id, designers.id, found(house).id)
        access.add_member(*whose, source=Source.SCIM, now=house.clock(), connection_id=connection.id)
    assert group_names(house, found(house)) == {"Designers": Source.SCIM, "Writers": Source.JIT}
    arrive(server, connection, groups=("Writers",))
    assert group_names(house, found(house)) == {writers.name: Source.JIT}


def test_a_group_that_a_sign_in_takes_away_takes_what_its_app_holds_along(server: Server) -> None:
    house = server.house
    ops = group_of(house, "dev", name="Ops")
    connection = jit(house, IN_SYNC)
    arrive(server, connection, groups=("Ops",))
    app, person = make_app(house, everyone=False, group_ids=frozenset({ops.id})), found(house)
    now = house.clock()
    place, ends = house.environments["dev"], now + timedelta(days=30)
    signed_in = Authentication(now, ("fed",))
    mine = (house.workspace.id, place.id, app.id, person.id, None, "sid", ("openid",), (), None)
    grant = Grant(new_id("grant", now), *mine, authentication=signed_in, created_at=now, expires_at=ends)
    with house.runtime.database.transaction() as tx:
        grants.insert_grant(tx, grant)
    arrive(server, connection, groups=("Ops",))
    with house.runtime.database.reading() as tx:
        assert grants.find_grant(tx, grant.environment_id, grant.id, house.clock()) is not None
    arrive(server, connection)
    with house.runtime.database.reading() as tx:
        assert grants.find_grant(tx, grant.environment_id, grant.id, house.clock()) is None
        (receipt,) = receipts.list_receipts(tx, house.workspace.id, person.id, 5)
    assert receipt.ended.grants == (GrantsEnded(app.id, 1, 1),)


def test_a_membership_given_by_hand_is_not_taken_over_by_the_sync_and_so_not_removed_later(server: Server) -> None:
    house = server.house
    designers = group_of(house, "dev", name="Designers")
    connection = jit(house, IN_SYNC)
    arrive(server, connection)
    join_by_hand(house, found(house), designers.id)
    arrive(server, connection, groups=("Designers",))
    arrive(server, connection)
    assert group_names(house, found(house)) == {"Designers": Source.MANUAL}


def test_what_another_connection_gave_stays(server: Server) -> None:
    house = server.house
    group_of(house, "dev", name="Designers")
    first = jit(house, IN_SYNC, name="Okta A", domains=None, entity_id="https://a.example")
    second = jit(house, IN_SYNC, name="Okta B", domains=None, entity_id="https://b.example")
    assert arrive_by(server, first, groups=("Designers",)).status_code == 303
    assert arrive_by(server, second).status_code == 303
    assert group_names(house, found(house)) == {"Designers": Source.JIT}


def arrive_by(server: Server, connection: Connection, groups: tuple[str, ...] = ()) -> httpx.Response:
    client = server.client()
    sign_ins.begin(client)
    response = client.post("/e/dev/sign-in", {"email": "grace@example.com", "connection": connection.id})
    started = sign_ins.read_request(response)
    attributes = (forge.Attribute("email", ("grace@example.com",)), forge.Attribute("groups", groups or ("none",)))
    data = sign_ins.answer(server, connection, started.request_id, attributes=attributes)
    return sign_ins.post(client, connection, data, started.relay_state)


def test_the_overage_of_entra_changes_no_group_and_is_said(server: Server) -> None:
    house = server.house
    group_of(house, "dev", name="Designers")
    connection = jit(house, IN_SYNC)
    arrive(server, connection, groups=("Designers",))
    link = forge.Attribute(ENTRA_LINK, ("https://graph.microsoft.com/v1.0/users/1/getMemberObjects",))
    assert arrive(server, connection, more=(link,)).status_code == 303
    assert group_names(house, found(house)) == {"Designers": Source.JIT}
    assert details_of(house, "end_user.synced") == {"groups_overage": True}


def test_an_address_that_changed_at_the_idp_is_taken_over_in_sync_unless_it_is_foreign_or_somebody_elses(
    server: Server,
) -> None:
    house = server.house
    connection = jit(house, IN_SYNC)
    persistent: dict[str, Any] = {"name_id": "u-1", "name_id_format": PERSISTENT}
    arrive(server, connection, **persistent)
    sign_ins.add_person(house, "taken@example.com", name="Somebody Else")
    for email in ("grace@elsewhere.example", "taken@example.com"):
        assert arrive_as(server, connection, email, persistent).status_code == 303
        assert found(house).full_name == "Grace Okafor"
        assert "email_not_taken_over" in details_of(house, "end_user.synced")
    assert arrive_as(server, connection, "hopper@example.com", persistent).status_code == 303
    assert found(house, "hopper@example.com").full_name == "Grace Okafor"


def test_a_link_for_a_password_that_went_to_the_old_address_ends_with_it(server: Server) -> None:
    house = server.house
    connection = jit(house, IN_SYNC)
    persistent: dict[str, Any] = {"name_id": "u-1", "name_id_format": PERSISTENT}
    arrive(server, connection, **persistent)
    person, dev, now = found(house), house.environments["dev"].id, house.clock()
    link = OneTimeLink(house.workspace.id, Purpose.END_USER_RESET, None, person.id, dev, now, now + timedelta(days=1))
    with house.runtime.database.transaction() as tx:
        one_time_links.insert_link(tx, link, "hash")
    for email, lives in (("grace@example.com", True), ("hopper@example.com", False)):
        assert arrive_as(server, connection, email, persistent).status_code == 303
        with house.runtime.database.reading() as tx:
            assert (one_time_links.find_link(tx, "hash", house.clock()) is not None) is lives


def arrive_as(server: Server, connection: Connection, email: str, subject: dict[str, Any]) -> httpx.Response:
    client = server.client()
    started = sign_ins.start(client)
    attributes = (forge.Attribute("email", (email,)),)
    data = sign_ins.answer(server, connection, started.request_id, attributes=attributes, **subject)
    return sign_ins.post(client, connection, data, started.relay_state)


def test_the_mapping_counts_for_manual_provisioning_as_well(server: Server) -> None:
    house = server.house
    connection = sign_ins.connect(house, mapping=AttributeMapping(email="workAddress"))
    sign_ins.add_person(house)
    assert arrive(server, connection).status_code == 403
    work = forge.Attribute("workAddress", ("grace@example.com",))
    assert arrive(server, connection, more=(work,)).status_code == 303


@pytest.mark.parametrize("same_person", [True, False], ids=["two tabs", "two people"])
def test_first_sign_ins_at_the_same_instant_make_one_account_each(server: Server, same_person: bool) -> None:
    house = server.house
    group_of(house, "dev", name="Designers")
    connection = jit(house, replace(SYNCING, unknown_groups=UnknownGroups.CREATE))
    emails = ["grace@example.com"] * 6 if same_person else [f"p{n}@example.com" for n in range(6)]
    ready = threading.Barrier(len(emails))
    answers: list[httpx.Response] = []

    def come(email: str) -> None:
        client = server.client()
        started = sign_ins.start(client, email)
        attributes = (forge.Attribute("email", (email,)), forge.Attribute("groups", ("Designers", "Fresh team")))
        data = sign_ins.answer(server, connection, started.request_id, email, attributes=attributes)
        ready.wait(30)
        answers.append(sign_ins.post(client, connection, data, started.relay_state))

    threads = [threading.Thread(target=come, args=(email,)) for email in emails]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [one.status_code for one in answers] == [303] * len(emails), [one.text for one in answers]
    with house.runtime.database.reading() as tx:
        counts = [
            tx.execute(select(func.count()).select_from(table)).scalar_one() for table in (people, identity_links)
        ]
    assert counts == [len(set(emails))] * 2
    for email in set(emails):
        assert set(group_names(house, found(house, email))) == {"Designers", "Fresh team"}


def test_two_subjects_that_claim_one_address_at_the_same_instant_are_not_one_person(server: Server) -> None:
    house = server.house
    connection = jit(house)
    answers = [
        arrive(server, connection, name_id=subject, name_id_format=PERSISTENT).status_code for subject in ("u-1", "u-2")
    ]
    assert answers == [303, 403]
    with house.runtime.database.reading() as tx:
        assert len(tx.execute(select(identity_links)).all()) == 1
        assert connections.find_connection(tx, house.workspace.id, connection.id) is not None


def test_by_the_map_alone_nobody_joins_a_group_by_its_name_even_where_unknown_values_become_groups(
    server: Server,
) -> None:
    house = server.house
    group_of(house, "dev", name="Admins")
    connection = jit(house, JitRules(True, GroupsBy.MAP, UnknownGroups.CREATE, keep_in_sync=True))
    for _ in range(2):
        assert arrive(server, connection, groups=("Admins", "Fresh team")).status_code == 303
        assert group_names(house, found(house)) == {"Fresh team": Source.JIT}


def test_the_idp_of_one_environment_does_not_rename_somebody_whom_another_one_knows(server: Server) -> None:
    house = server.house
    sign_ins.add_person(house, name="Grace by hand", environments=("dev", "test"))
    connection = jit(house, IN_SYNC)
    persistent: dict[str, Any] = {"name_id": "u-1", "name_id_format": PERSISTENT}
    arrive(server, connection, **persistent)
    assert arrive_as(server, connection, "hopper@example.com", persistent).status_code == 303
    assert found(house).full_name == "Grace by hand"
    assert "profile_not_taken_over" in details_of(house, "end_user.synced")
