"""Inspect a message in the console: explained in the answer, measured against a connection, hidden where asked, kept nowhere."""

from __future__ import annotations

import base64
from html import unescape
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from tests.support import sign_ins
from tests.support.house import Client, Server
from tests.web.test_connection_pages import text_of
from vestibule.directory.connections import Connection
from vestibule.storage.tables import activity, saml_assertions, saml_keys, sessions

PAGE = "/admin/connections/inspect"


@pytest.fixture
def connection(server: Server) -> Connection:
    sign_ins.add_person(server.house)
    return sign_ins.connect(server.house)


def inspect(client: Client, pasted: str, file: bytes = b"", **fields: str) -> httpx.Response:
    client.get(PAGE)
    return client.post(PAGE, {"pasted": pasted, **fields}, files={"file": ("har.txt" if file else "", file)})


def posted(server: Server, connection: Connection, **changes: Any) -> str:
    started = sign_ins.start(server.client())
    return base64.b64encode(sign_ins.answer(server, connection, started.request_id, **changes)).decode()


def test_a_good_response_is_shown_with_each_check_and_what_it_says(
    server: Server, admin_client: Client, connection: Connection
) -> None:
    shown = inspect(admin_client, posted(server, connection), connection=connection.id)
    assert shown.status_code == 200
    text = text_of(shown)
    assert "Would be accepted" in text
    assert "Attributes as received" in text
    assert "grace@example.com" in text
    assert "v-failed" not in shown.text


def test_what_is_in_the_clear_is_judged_although_a_key_of_ours_does_not_open(
    server: Server, admin_client: Client, connection: Connection
) -> None:
    admin_client.get(f"/saml/{connection.id}/metadata")  # makes the keys
    with server.house.runtime.database.transaction() as tx:
        tx.execute(saml_keys.update().values(sealed_private_key=b"broken"))
    shown = inspect(admin_client, posted(server, connection), connection=connection.id)
    assert shown.status_code == 200
    assert "Would be accepted" in text_of(shown)


def test_a_response_by_a_stranger_is_refused_and_what_it_claims_is_marked_unverified(
    server: Server, admin_client: Client, connection: Connection
) -> None:
    shown = inspect(admin_client, posted(server, connection, key="other"), connection=connection.id)
    text = text_of(shown)
    assert "Would be refused" in text
    assert "Attributes as claimed, unverified" in text
    assert "v-failed" in shown.text


def test_what_is_personal_is_hidden_everywhere_in_the_answer(
    server: Server, admin_client: Client, connection: Connection
) -> None:
    pasted = posted(server, connection)
    shown = inspect(admin_client, pasted, connection=connection.id, redact="on").text
    for personal in ("grace@example.com", "Grace Okafor", pasted[:80]):
        assert personal not in unescape(shown)


def test_a_file_counts_as_well(server: Server, admin_client: Client, connection: Connection) -> None:
    data = f"SAMLResponse={posted(server, connection)}&RelayState=x".replace("+", "%2B").encode()
    assert "Would be accepted" in text_of(inspect(admin_client, "", data, connection=connection.id))


@pytest.mark.parametrize(
    ("fields", "field", "part"),
    [
        ({"pasted": "hello"}, "pasted", "There is no SAML message here"),
        ({"pasted": ""}, "pasted", "There is nothing here"),
        ({"pasted": "<Response/>", "at": "yesterday"}, "at", "Give a time in UTC"),
    ],
)
def test_wrong_input_is_told_beside_the_field(
    admin_client: Client, fields: dict[str, str], field: str, part: str
) -> None:
    shown = inspect(admin_client, fields["pasted"], at=fields.get("at", ""))
    assert shown.status_code == 422
    assert f'id="{field}-error"' in shown.text
    assert part in text_of(shown)


def test_an_old_message_is_judged_at_the_time_that_is_given(
    server: Server, admin_client: Client, connection: Connection
) -> None:
    pasted, then = posted(server, connection), server.house.clock()
    server.house.clock.advance(hours=2)
    assert "Would be refused" in text_of(inspect(admin_client, pasted, connection=connection.id))
    at = f"{then:%Y-%m-%dT%H:%M:%SZ}"
    assert "Would be accepted" in text_of(inspect(admin_client, pasted, connection=connection.id, at=at))


def test_nothing_of_it_is_kept_and_the_message_still_signs_in(
    server: Server, admin_client: Client, connection: Connection
) -> None:
    client = server.client()
    started = sign_ins.start(client)
    data = sign_ins.answer(server, connection, started.request_id)

    def rows() -> list[int]:
        with server.house.runtime.database.reading() as tx:
            tables = (activity, saml_assertions, sessions)
            return [tx.execute(select(func.count()).select_from(table)).scalar_one() for table in tables]

    before = rows()
    inspect(admin_client, base64.b64encode(data).decode(), connection=connection.id)
    assert rows() == before
    assert sign_ins.post(client, connection, data, started.relay_state).status_code == 303


def test_markup_in_a_message_stays_text(admin_client: Client) -> None:
    hostile = (
        '<Response xmlns="urn:oasis:names:tc:SAML:2.0:protocol" Destination="&lt;script&gt;alert(1)&lt;/script&gt;"/>'
    )
    shown = inspect(admin_client, hostile).text
    assert "<script>alert" not in shown
