"""An admin takes something away at the very instant at which somebody signs in: whoever is first, nobody stays in."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import httpx
import pytest
from sqlalchemy import select

from tests.support import sign_ins
from tests.support.house import Server
from vestibule.directory.end_users import EndUserStatus
from vestibule.flows import connections as flow
from vestibule.storage import access, connections, end_users, sessions
from vestibule.storage.database import Transaction
from vestibule.storage.tables import sessions as sessions_table

Act = Callable[[Server, Transaction, str, str], None]


def deactivate(server: Server, tx: Transaction, person_id: str, _: str) -> None:
    workspace_id, now = server.house.workspace.id, server.house.clock()
    end_users.set_status(tx, workspace_id, person_id, EndUserStatus.DEACTIVATED, now)
    sessions.delete_sessions(tx, workspace_id, person_id)


def take_access(server: Server, tx: Transaction, person_id: str, _: str) -> None:
    access.revoke_access(tx, server.house.workspace.id, server.house.environments["dev"].id, person_id)


def delete_person(server: Server, tx: Transaction, person_id: str, _: str) -> None:
    end_users.delete_end_user(tx, server.house.workspace.id, person_id)


def delete_connection(server: Server, tx: Transaction, _: str, connection_id: str) -> None:
    connections.delete_connection(tx, server.house.workspace.id, connection_id)


@pytest.mark.parametrize("linked", [True, False], ids=["linked", "first-time"])
@pytest.mark.parametrize("act", [deactivate, take_access, delete_person, delete_connection])
def test_what_ends_during_a_sign_in_ends_that_sign_in(server: Server, act: Act, linked: bool) -> None:
    connection = sign_ins.connect(server.house)
    person = sign_ins.add_person(server.house)
    if linked:
        assert sign_ins.sign_in(server, server.client(), connection).status_code == 303
    client = server.client()
    data = sign_ins.answer(server, connection, sign_ins.start(client).request_id)
    answers: list[httpx.Response] = []
    sender = threading.Thread(target=lambda: answers.append(sign_ins.post(client, connection, data)))
    with server.house.runtime.database.transaction() as tx:
        act(server, tx, person.id, connection.id)
        sender.start()
        # Long enough, as a rule, for the sign-in to run into what is not committed yet; the outcome does not hang on it.
        time.sleep(0.4)
    sender.join(30)
    assert answers[0].status_code in {403, 404}, answers[0].text
    assert client.get("/e/dev/").status_code == 303
    with server.house.runtime.database.reading() as tx:
        assert tx.execute(select(sessions_table)).all() == []


def test_enabling_a_connection_revives_no_session_that_began_at_the_instant_of_disabling(server: Server) -> None:
    house, connection = server.house, sign_ins.connect(server.house)
    sign_ins.add_person(house)
    client = server.client()
    data = sign_ins.answer(server, connection, sign_ins.start(client).request_id)
    answers: list[httpx.Response] = []
    sender = threading.Thread(target=lambda: answers.append(sign_ins.post(client, connection, data)))
    with house.runtime.database.transaction() as tx:
        connections.set_disabled(tx, house.workspace.id, connection.id, disabled=True)
        connections.end_sessions(tx, house.workspace.id, connection.id)
        sender.start()
        time.sleep(0.4)
    sender.join(30)
    assert client.get("/e/dev/").status_code == 303
    flow.set_disabled(house.runtime, house.owner, connection.id, disabled=False)
    assert client.get("/e/dev/").status_code == 303
    assert sign_ins.sign_in(server, server.client(), connection).status_code == 303
