"""What a SAML sign-in costs: a target for the number of statements, and one transaction, held on both engines."""

from __future__ import annotations

from typing import Any

from sqlalchemy import event

from tests.support import sign_ins
from tests.support.house import Server


def test_a_sign_in_of_somebody_linked_takes_eight_statements_and_one_transaction(server: Server) -> None:
    connection = sign_ins.connect(server.house)
    sign_ins.add_person(server.house)
    assert sign_ins.sign_in(server, server.client(), connection).status_code == 303
    client = server.client()
    data = sign_ins.answer(server, connection, sign_ins.start(client).request_id)
    statements, commits = list[str](), list[Any]()
    engine = server.house.runtime.database.engine
    event.listen(engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    event.listen(engine, "commit", commits.append)
    assert sign_ins.post(client, connection, data).status_code == 303
    counted = [one for one in statements if not one.startswith("BEGIN")]
    assert len(counted) == 8, counted
    assert len(commits) == 1


def test_resuming_a_saml_session_takes_one_statement(server: Server) -> None:
    connection = sign_ins.connect(server.house)
    sign_ins.add_person(server.house)
    client = server.client()
    sign_ins.sign_in(server, client, connection)
    statements = list[str]()
    event.listen(
        server.house.runtime.database.engine, "before_cursor_execute", lambda *args: statements.append(args[2])
    )
    assert client.get("/e/dev/sign-in").status_code == 303
    assert len(statements) == 1, statements
