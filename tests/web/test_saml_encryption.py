"""Encrypted assertions over HTTP, on both engines: opened with every key of ours that counts, refused all alike."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from tests.saml import forge
from tests.saml.forge_encryption import Encryption, encrypt, encrypted_response
from tests.support import sign_ins
from tests.support.house import Client, Server
from vestibule.directory.activity import ActivityFilter
from vestibule.directory.connections import Connection
from vestibule.flows import saml_keys
from vestibule.flows.parts.callers import operator
from vestibule.flows.parts.saml_keys import decryption_keys
from vestibule.saml.keys import DecryptionKey
from vestibule.storage import activity
from vestibule.storage.tables import saml_keys as saml_key_table


def to(key: DecryptionKey, **changes: Any) -> Encryption:
    """Encrypt to one of the server's own keys, as an IdP with our metadata does."""
    return Encryption(key=replace(forge.key("sp"), private_key=key.private_key), **changes)


def encrypted(
    server: Server,
    connection: Connection,
    client: Client,
    encryption: Encryption,
    sign: forge.SignWhat = "assertion",
    **changes: Any,
) -> bytes:
    recipe = sign_ins.recipe(server, connection, sign_ins.start(client).request_id)
    return encrypted_response(recipe, sign, encryption, forge.Signing(key=forge.key("idp")), **changes)


def our_keys(server: Server) -> tuple[DecryptionKey, ...]:
    return decryption_keys(server.house.runtime, server.house.workspace.id)


def details(server: Server) -> dict[str, Any]:
    with server.house.runtime.database.reading() as tx:
        found = activity.page(
            tx,
            server.house.workspace.id,
            ActivityFilter(action_prefix="end_user.sign_in"),
            before=None,
            after=None,
            size=1,
        )
    return dict(found[0].event.details)


@pytest.fixture
def connection(server: Server) -> Connection:
    sign_ins.add_person(server.house)
    return sign_ins.connect(server.house)


@pytest.mark.parametrize("sign", ["assertion", "response", "both"])
def test_an_encrypted_assertion_signs_in_and_the_record_names_the_cipher(
    server: Server, connection: Connection, sign: forge.SignWhat
) -> None:
    client = server.client()
    data = encrypted(server, connection, client, to(our_keys(server)[0]), sign)
    assert sign_ins.post(client, connection, data).status_code == 303
    assert details(server)["encryption"] == "AES-256-GCM"


def test_an_encrypted_name_id_in_a_clear_assertion_is_opened(server: Server, connection: Connection) -> None:
    client = server.client()
    recipe = sign_ins.recipe(server, connection, sign_ins.start(client).request_id)
    clear = recipe.assertion_xml()
    start, end = clear.index("<saml:NameID"), clear.index("</saml:NameID>") + len("</saml:NameID>")
    name_id = clear[start:end].replace("<saml:NameID", f'<saml:NameID xmlns:saml="{forge.SAML}"', 1)
    hidden = encrypt(name_id, to(our_keys(server)[0]), "EncryptedID")
    signed = forge.sign_xml(
        clear.replace(clear[start:end], hidden), recipe.assertion_id, forge.Signing(forge.key("idp"))
    )
    data = recipe.xml().replace(clear, signed.decode()).encode()
    assert sign_ins.post(client, connection, data).status_code == 303


def test_the_old_and_the_next_key_open_during_the_overlap_and_the_old_one_no_longer_after(
    server: Server, connection: Connection
) -> None:
    house = server.house
    (old,) = our_keys(server)
    saml_keys.rotate_keys(house.runtime, operator(), house.workspace.id, 14)
    for key in our_keys(server):
        client = server.client()
        data = encrypted(server, connection, client, to(key))
        assert sign_ins.post(client, connection, data).status_code == 303
    for days, status in ((27, 303), (2, 403)):
        house.clock.advance(days=days)
        fresh = server.client()
        data = encrypted(server, connection, fresh, to(old))
        assert sign_ins.post(fresh, connection, data).status_code == status
    assert details(server)["code"] == "saml_decryption"


def test_every_failure_to_decrypt_looks_the_same_to_the_person_and_to_the_admin(
    server: Server, connection: Connection
) -> None:
    ours = to(our_keys(server)[0])
    flipped = replace(ours, ciphertext=lambda data: data[:-1] + bytes([data[-1] ^ 1]))
    wrong_key = Encryption(key=forge.key("a stranger"))
    broken_wrap = replace(ours, wrapped=lambda data: data[:-1] + bytes([data[-1] ^ 1]))
    short_secret = replace(ours, secret=bytes(24))
    plaintext: dict[str, Any] = {"plaintext": lambda _: "<not well formed"}
    seen = set()
    for encryption, changes in (
        (flipped, {}),
        (wrong_key, {}),
        (broken_wrap, {}),
        (short_secret, {}),
        (ours, plaintext),
    ):
        client = server.client()
        response = sign_ins.post(client, connection, encrypted(server, connection, client, encryption, **changes))
        reference = sign_ins.reference_in(response.text)
        told = {name: value for name, value in details(server).items() if name != "unverified_email"}
        request_ids = re.compile(r"_[0-9a-f]{40}")
        seen.add((response.status_code, response.text.replace(reference, ""), request_ids.sub("", repr(told))))
    pages = {page.split("csrf_token")[0] for _, page, _ in seen}
    assert len({told for _, _, told in seen}) == 1, {told for _, _, told in seen}
    assert {status for status, _, _ in seen} == {403}
    assert len(pages) == 1
    assert details(server)["code"] == "saml_decryption"


@pytest.mark.parametrize(
    ("allow_cbc", "sign", "status"),
    [(False, "response", 403), (True, "assertion", 403), (True, "response", 303), (True, "both", 303)],
)
def test_cbc_is_opened_by_exception_and_under_an_outer_signature_alone(
    server: Server, allow_cbc: bool, sign: forge.SignWhat, status: int
) -> None:
    sign_ins.add_person(server.house)
    connection = sign_ins.connect(server.house, allow_cbc=allow_cbc)
    client = server.client()
    data = encrypted(server, connection, client, to(our_keys(server)[0], cipher="aes256-cbc"), sign)
    assert sign_ins.post(client, connection, data).status_code == status
    if status == 403:
        assert details(server)["code"] == "saml_encryption_cbc"
    else:
        assert details(server)["encryption"] == "AES-256-CBC"


def test_a_sign_in_in_the_clear_asks_for_no_key_and_an_encrypted_one_costs_one_statement_more(
    server: Server, connection: Connection
) -> None:
    key = our_keys(server)[0]
    assert sign_ins.sign_in(server, server.client(), connection).status_code == 303
    counts = []
    for hide in (False, True):
        client = server.client()
        if hide:
            data = encrypted(server, connection, client, to(key))
        else:
            data = sign_ins.answer(server, connection, sign_ins.start(client).request_id)
        statements = list[str]()

        def note(*args: Any, into: list[str] = statements) -> None:
            into.append(args[2])

        event.listen(server.house.runtime.database.engine, "before_cursor_execute", note)
        assert sign_ins.post(client, connection, data).status_code == 303
        event.remove(server.house.runtime.database.engine, "before_cursor_execute", note)
        counts.append([one for one in statements if not one.startswith("BEGIN")])
    assert not any("saml_keys" in one for one in counts[0])
    assert len(counts[1]) == len(counts[0]) + 1


def test_signed_metadata_is_had_on_demand(server: Server, connection: Connection) -> None:
    client = server.client()
    assert b"ds:Signature>" not in client.get(f"/saml/{connection.id}/metadata").content
    signed = client.get(f"/saml/{connection.id}/metadata?signed=1")
    assert signed.headers["content-type"] == "application/samlmetadata+xml"
    assert b"<ds:SignatureValue>" in signed.content
    certificate = base64.b64encode(our_keys(server)[0].certificate.der)
    assert certificate in signed.content


def test_the_session_ends_when_the_identity_provider_says_at_that_instant_and_keeps_how_they_signed_in(
    server: Server, connection: Connection
) -> None:
    house, client = server.house, server.client()
    now = house.clock.freeze()
    end = now + timedelta(minutes=30)
    request_id = sign_ins.start(client).request_id
    data = sign_ins.answer(server, connection, request_id, session_not_on_or_after=forge.instant(end))
    assert sign_ins.post(client, connection, data).status_code == 303
    house.clock.freeze(end - timedelta(microseconds=1))
    assert client.get("/e/dev/").status_code == 200
    house.clock.freeze(end)
    assert client.get("/e/dev/").status_code == 303


def test_a_key_of_ours_that_does_not_open_is_a_refusal_of_its_own(server: Server, connection: Connection) -> None:
    client, other = server.client(), server.client()
    data = encrypted(server, connection, client, to(our_keys(server)[0]))
    with server.house.runtime.database.transaction() as tx:
        tx.execute(saml_key_table.update().values(sealed_private_key=b"broken"))
    page = sign_ins.post(client, connection, data)
    assert page.status_code == 403
    assert "This server can’t use a key of its own" in page.text
    assert details(server)["code"] == "own_key_unreadable"
    assert sign_ins.sign_in(server, other, connection).status_code == 303
