"""Requests of a directory that meet at one instant: whoever is first, its last word counts, and none is lost to a deadlock."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from tests.support.directories import Directory, directory, push_of, pushing, user
from tests.support.house import Server
from vestibule.directory.groups import Group
from vestibule.directory.pushed import PushedGroup, PushedUser
from vestibule.directory.sources import Source
from vestibule.flows import scim
from vestibule.flows.parts import pushed_groups, pushed_users
from vestibule.flows.parts.pushing import Push
from vestibule.flows.parts.scim_answers import Answer
from vestibule.flows.parts.scim_changes import Change, carry_out
from vestibule.kernel.errors import GaveWay
from vestibule.kernel.ids import new_id
from vestibule.storage import groups, scim_directories, scim_events, scim_groups, scim_users
from vestibule.storage.database import Transaction
from vestibule.storage.tables import group_members

_WAITING = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
ACTIVE = {"op": "replace", "path": "active", "value": True}


@pytest.fixture
def okta(server: Server) -> Directory:
    return directory(server, pushing(server.house))


def sent(name: str, member: str) -> dict[str, Any]:
    return {"op": name, "path": "members", "value": [{"value": member}]}


def members_here(server: Server) -> int:
    with server.house.runtime.database.reading() as tx:
        return len(tx.execute(select(group_members)).all())


@pytest.mark.parametrize("name", ["add", "remove"])
@pytest.mark.parametrize("first", ["group", "user"])
def test_who_comes_back_while_a_group_changes_is_in_it_only_by_the_directorys_last_word(
    name: str, first: str, okta: Directory, server: Server
) -> None:
    maya = okta.create("maya@example.com", active=False)["id"]
    group_id = okta.create_group("Designers", *([maya] if name == "remove" else []))["id"]
    statuses: list[int] = []
    push = push_of(server.house, okta.connection)

    def other() -> None:
        path, operation = (f"/Users/{maya}", ACTIVE) if first == "group" else (f"/Groups/{group_id}", sent(name, maya))
        statuses.append(okta.patch(path, operation).status_code)

    thread = threading.Thread(target=other)
    with server.house.runtime.database.transaction() as tx:
        group, user = _locked(tx, okta, group_id, maya, first)
        if group is not None:
            change = pushed_groups.add_members if name == "add" else pushed_groups.remove_members
            assert change(tx, push, group, [maya])
        elif user is not None:
            pushed_users.change_user(tx, push, user, {**user.attributes, "active": True})
        thread.start()
        # Long enough, as a rule, for the other to run into what is not committed yet; the outcome does not hang on it.
        time.sleep(0.4)
    thread.join(30)
    assert statuses[0] in {200, 204}
    assert members_here(server) == (1 if name == "add" else 0)


def _locked(
    tx: Transaction, okta: Directory, group_id: str, user_id: str, first: str
) -> tuple[PushedGroup | None, PushedUser | None]:
    connection_id = okta.connection.id
    if first == "group":
        return scim_groups.find_group(tx, connection_id, group_id, lock=True), None
    return None, scim_users.find_user(tx, connection_id, user_id, lock=True)


def _never_give_way(tx: Transaction) -> None:
    if tx.dialect.name == "postgresql":
        tx.exec_driver_sql("SET LOCAL deadlock_timeout = '1min'")  # so it is the other one who finds out


def _until_the_other_waits(tx: Transaction) -> None:
    """Go on as soon as the other one waits for what this transaction has, long before it looks for a deadlock (a second)."""
    end = time.monotonic() + (0.4 if tx.dialect.name == "sqlite" else 5)
    while time.monotonic() < end:
        time.sleep(0.02)
        if tx.dialect.name == "postgresql":
            tx.exec_driver_sql("SELECT pg_stat_clear_snapshot()")
            if tx.exec_driver_sql(_WAITING).first():
                return


def test_who_gets_an_external_id_while_the_group_that_waits_for_it_changes_is_answered_as_if_they_had_come_later(
    okta: Directory, server: Server
) -> None:
    maya = okta.create("maya@example.com")["id"]
    group_id = okta.create_group("Designers", "00u-maya")["id"]
    answers: list[httpx.Response] = []
    change = {"op": "add", "path": "externalId", "value": "00u-maya"}
    thread = threading.Thread(target=lambda: answers.append(okta.patch(f"/Users/{maya}", change)))
    with server.house.runtime.database.transaction() as tx:
        _never_give_way(tx)
        group, _ = _locked(tx, okta, group_id, maya, "group")
        assert group is not None
        thread.start()
        _until_the_other_waits(tx)
        pushed_groups.add_members(tx, push_of(server.house, okta.connection), group, [maya])
    thread.join(30)
    assert [one.status_code for one in answers] == [200]
    assert members_here(server) == 1
    assert [one["value"] for one in okta.get(f"/Groups/{group_id}").json()["members"]] == [maya]


def test_a_bulk_request_that_meets_another_one_crosswise_is_carried_out_after_it_and_told_once(
    okta: Directory, server: Server
) -> None:
    maya = okta.create("maya@example.com")["id"]
    first, second = (okta.create_group(name)["id"] for name in ("Designers", "Testers"))
    operations = [
        {"method": "PATCH", "path": f"/Groups/{one}", "data": {"Operations": [sent("add", maya)]}}
        for one in (second, first)
    ]
    answers: list[httpx.Response] = []
    bulk = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations}
    thread = threading.Thread(target=lambda: answers.append(okta.send("POST", "/Bulk", bulk)))
    with server.house.runtime.database.transaction() as tx:
        _never_give_way(tx)
        _locked(tx, okta, first, maya, "group")
        thread.start()
        _until_the_other_waits(tx)
        _locked(tx, okta, second, maya, "group")
    thread.join(30)
    assert [one["status"] for one in answers[0].json()["Operations"]] == ["204", "204"]
    assert members_here(server) == 2
    with server.house.runtime.database.reading() as tx:
        newest = scim_events.page(tx, server.house.workspace.id, okta.connection.id, before=None, size=1)[0]
    assert [note["params"] for note in newest.notes] == [{"done": "2", "failed": "0"}]


def test_who_comes_back_while_a_group_of_theirs_is_deleted_is_back_without_it(okta: Directory, server: Server) -> None:
    maya = okta.create("maya@example.com", active=False)["id"]
    group_id = okta.create_group("Designers", maya)["id"]
    answers: list[httpx.Response] = []
    thread = threading.Thread(target=lambda: answers.append(okta.patch(f"/Users/{maya}", ACTIVE)))
    with server.house.runtime.database.transaction() as tx:
        group, _ = _locked(tx, okta, group_id, maya, "group")
        assert group is not None
        pushed_groups.delete_group(tx, push_of(server.house, okta.connection), group)
        thread.start()
        time.sleep(0.4)
    thread.join(30)
    assert [(one.status_code, one.json().get("active")) for one in answers] == [(200, True)]
    assert members_here(server) == 0


def test_a_group_that_an_admin_makes_at_the_same_instant_is_kept_apart_from_the_pushed_one(
    okta: Directory, server: Server
) -> None:
    house, answers = server.house, list[httpx.Response]()
    body = {"displayName": "Designers"}
    thread = threading.Thread(target=lambda: answers.append(okta.send("POST", "/Groups", body)))
    now, dev = house.clock(), house.environments["dev"].id
    with house.runtime.database.transaction() as tx:
        made = Group(new_id("group", now), house.workspace.id, dev, "Designers", False, Source.MANUAL, now)
        groups.insert_group(tx, made)
        thread.start()
        time.sleep(0.4)
    thread.join(30)
    assert [(one.status_code, one.json().get("displayName")) for one in answers] == [(201, "Designers")]
    with house.runtime.database.reading() as tx:
        names = {one.name for one in groups.list_groups(tx, house.workspace.id, dev)}
    assert names == {"Everyone", "Designers", "Designers (Okta Dev)"}


def test_who_arrives_while_a_group_names_them_by_external_id_is_in_it_by_the_next_list_at_the_latest(
    okta: Directory, server: Server
) -> None:
    path = f"/Groups/{okta.create_group('Designers')['id']}"
    body = {"displayName": "Designers", "members": [{"value": "00u-maya"}, {"value": "00u-nobody"}]}
    thread = threading.Thread(target=lambda: okta.send("PUT", path, body))
    with server.house.runtime.database.transaction() as tx:
        resource = {**user("maya@example.com"), "externalId": "00u-maya"}
        pushed_users.create_user(tx, push_of(server.house, okta.connection), resource)
        thread.start()
        time.sleep(0.4)
    thread.join(30)
    listed = okta.send("PUT", path, body)
    assert [one["display"] for one in okta.get(f"{path}?attributes=members.display").json()["members"]] == ["Maya Park"]
    assert members_here(server) == 1
    assert okta.send("PUT", path, body).headers["etag"] == listed.headers["etag"]
    okta.send("PUT", path, {"displayName": "Designers"})
    assert members_here(server) == 0


def test_who_leaves_while_another_request_notes_the_contact_is_in_nobodys_way(
    okta: Directory, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    house, attempts = server.house, list[Push]()
    maya = okta.create("maya@example.com")["id"]
    house.clock.advance(minutes=2)
    push = push_of(house, okta.connection)
    with house.runtime.database.reading() as tx:
        found = scim_directories.find_directory(tx, house.workspace.id, okta.connection.id)
    assert found is not None
    caller = replace(push.caller, token=found.tokens[0])

    def counted(tx: Transaction, push: Push, asked: Change) -> Answer:
        attempts.append(push)
        return carry_out(tx, push, asked)

    monkeypatch.setattr(scim, "carry_out", counted)
    change = {"op": "replace", "path": "title", "value": "Designer"}
    thread = threading.Thread(target=lambda: okta.patch(f"/Users/{maya}", change))
    with house.runtime.database.transaction() as tx:
        _never_give_way(tx)
        scim_directories.lock_stop_line(tx, house.workspace.id, okta.connection.id)
        thread.start()
        _until_the_other_waits(tx)
        scim_directories.note_contact(tx, caller, push.now)
    thread.join(30)
    assert len(attempts) == 1
    assert okta.get(f"/Users/{maya}").json()["title"] == "Designer"


def test_a_request_that_gives_way_again_and_again_is_answered_503_and_stands_on_the_record_once(
    okta: Directory, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts: list[Push] = []

    def in_the_way(_: Transaction, push: Push, __: object) -> Answer:
        attempts.append(push)
        raise GaveWay("deadlock detected")

    monkeypatch.setattr(scim, "carry_out", in_the_way)
    answer = okta.send("POST", "/Users", user("maya@example.com"))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert len(attempts) == scim.MOST_ATTEMPTS
    with server.house.runtime.database.reading() as tx:
        events = scim_events.page(tx, server.house.workspace.id, okta.connection.id, before=None, size=9)
    assert [(one.status, len(one.notes)) for one in events] == [(503, 1)]
