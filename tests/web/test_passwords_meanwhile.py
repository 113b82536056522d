"""Signing in with a password while somebody chooses a new one, on both engines: the old one opens nothing from then on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.support import sign_ins
from tests.support.house import PASSWORD, Client, Server
from vestibule.directory.end_users import EndUserStatus
from vestibule.flows import admin_sign_in, admins, sign_in
from vestibule.flows.parts.callers import operator
from vestibule.kernel.passwords import hash_password, password_matches
from vestibule.storage import admins as stored_admins
from vestibule.storage import end_users

NEW = "a sentence that nobody has heard"


def before_the_answer(monkeypatch: pytest.MonkeyPatch, flow: Any, act: Callable[[], object]) -> None:
    """Let `act` happen while a password is verified."""

    def matches(stored: str | None, password: str) -> bool:
        right = password_matches(stored, password)
        monkeypatch.setattr(flow, "password_matches", password_matches)
        act()
        return right

    monkeypatch.setattr(flow, "password_matches", matches)


def post_password(client: Client) -> int:
    client.get("/admin/sign-in")
    return client.post("/admin/sign-in", {"email": "ada@example.com", "password": PASSWORD}).status_code


def reset(server: Server) -> Callable[[], int]:
    """Return what chooses a new password for the Owner, by a link that is made now."""
    house = server.house
    link = admins.recover_admin(house.runtime, operator(), house.owner_email).removeprefix(server.base_url)
    client = server.client()
    client.get(link)
    return lambda: client.post(link, {"password": NEW}).status_code


def test_an_end_users_old_password_opens_nothing_once_there_is_a_new_one(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = server.house
    grace = sign_ins.add_person(house, status=EndUserStatus.ACTIVE, password=sign_ins.PASSWORD)

    def change() -> None:
        with house.runtime.database.transaction() as tx:
            end_users.set_password_hash(tx, grace.workspace_id, grace.id, hash_password(NEW), house.clock())

    before_the_answer(monkeypatch, sign_in, change)
    client = server.client()
    client.get("/e/dev/sign-in")
    form = {"email": "grace@example.com", "password": sign_ins.PASSWORD}
    assert client.post("/e/dev/sign-in/password", form).status_code == 400
    assert client.get("/e/dev/").status_code == 303
    client.get("/e/dev/sign-in")
    assert client.post("/e/dev/sign-in/password", {**form, "password": NEW}).status_code == 303


def test_an_admins_old_password_opens_nothing_once_there_is_a_new_one(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose = reset(server)
    before_the_answer(monkeypatch, admin_sign_in, choose)
    client = server.client()
    assert post_password(client) == 400
    assert client.get("/admin/me").status_code == 303


def test_an_admin_who_is_removed_meanwhile_has_the_wrong_password(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = server.house

    def remove() -> None:
        with house.runtime.database.transaction() as tx:
            stored_admins.delete_admin(tx, house.workspace.id, house.owner.admin.id)

    before_the_answer(monkeypatch, admin_sign_in, remove)
    assert post_password(server.client()) == 400


def test_a_session_that_begins_at_the_instant_of_a_reset_is_ended_by_it(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    statuses: list[int] = []
    choosing = threading.Thread(target=lambda choose: statuses.append(choose()), args=(reset(server),))
    begin = stored_admins.insert_session

    def begin_slowly(*session: Any) -> None:
        begin(*session)
        if not choosing.ident:
            choosing.start()
            time.sleep(1)

    monkeypatch.setattr(stored_admins, "insert_session", begin_slowly)
    thief = server.client()
    assert post_password(thief) == 303
    choosing.join()
    assert statuses == [303]
    assert thief.get("/admin/me").status_code == 303
