"""A group's members change at the very instant at which one of them comes back: whoever is first, the directory's last word counts."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from sqlalchemy import select

from tests.support.directories import Directory, directory, push_of, pushing
from tests.support.house import Server
from vestibule.directory.pushed import PushedGroup, PushedUser
from vestibule.flows.parts import pushed_groups, pushed_users
from vestibule.storage import scim_groups, scim_users
from vestibule.storage.database import Transaction
from vestibule.storage.tables import group_members

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
