"""Sign-ins by the hundred: responses signed beforehand, the requests they answer stored, and a client that costs little.

Owns the bytes on the wire. The people and the connection are the caller's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlencode

from tests.saml import forge
from tests.support import sign_ins
from tests.support.house import House, Server
from tests.support.loops import run
from vestibule.directory.connections import Connection
from vestibule.directory.sessions import SamlRequest
from vestibule.kernel.secrets import new_token, token_hash
from vestibule.storage import saml_requests

REQUEST_LIFE = timedelta(minutes=10)
_MAX_HEAD = 64 * 1024
Answered = Callable[[int, int, bytes], None]


@dataclass(frozen=True, slots=True)
class Prepared:
    """One browser that comes back from its IdP: `message` is its whole POST. `request_id` is the SessionIndex, too."""

    request_id: str
    email: str
    assertion_id: str
    saml_response: bytes = field(repr=False)
    message: bytes = field(repr=False)


def prepare(
    house: House,
    base_url: str,
    connection: Connection,
    emails: Sequence[str],
    attributes: Sequence[forge.Attribute] = (),
) -> list[Prepared]:
    """Store a request for each address, as if its browser had been sent away, and sign the assertion that answers it.

    `attributes` come beside e-mail and name. SessionIndex is our request's ID, so that each session tells what it came from.
    """
    signing = forge.Signing(key=forge.key("idp"))
    prepared, browsers = [], []
    for email in emails:
        request_id, browser = f"_{new_token().encode().hex()[:40]}", new_token()
        own = (forge.Attribute("email", (email,)), forge.Attribute("displayName", ("Grace Okafor",)))
        recipe = sign_ins.recipe(
            Server(base_url, house),
            connection,
            request_id,
            email,
            attributes=(*own, *attributes),
            session_index=request_id,
            assertion_id=f"_a{request_id}",
            response_id=f"_r{request_id}",
        )
        data = forge.response(recipe, signing=signing)
        message = _message(base_url, connection.id, data, request_id, browser)
        prepared.append(Prepared(request_id, email, f"_a{request_id}", data, message))
        browsers.append(browser)
    _store(house, connection, prepared, browsers)
    return prepared


def _message(base_url: str, connection_id: str, data: bytes, relay_state: str, browser: str) -> bytes:
    body = urlencode({"SAMLResponse": forge.post_field(data), "RelayState": relay_state}).encode()
    head = (
        f"POST /saml/{connection_id}/acs HTTP/1.1",
        f"Host: {base_url.removeprefix('http://')}",
        "Origin: https://idp.example",
        "Sec-Fetch-Site: cross-site",
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        f"Cookie: vestibule_browser={browser}",
        "Content-Type: application/x-www-form-urlencoded",
        f"Content-Length: {len(body)}",
    )
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def _store(house: House, connection: Connection, prepared: Sequence[Prepared], browsers: Sequence[str]) -> None:
    now = house.clock()
    with house.runtime.database.transaction() as tx:
        for one, browser in zip(prepared, browsers, strict=True):
            request = SamlRequest(
                id=one.request_id,
                workspace_id=connection.workspace_id,
                environment_id=connection.environment_id,
                connection_id=connection.id,
                browser_hash=token_hash(browser),
                return_to="",
                created_at=now,
                expires_at=now + REQUEST_LIFE,
                typed_email=one.email,
            )
            saml_requests.insert_request(tx, request)


def post_all(port: int, messages: Sequence[bytes], connections: int, on_answer: Answered) -> None:
    """Post every message to loopback over so many keep-alive connections; `on_answer(index, status, head)` for each answer.

    A connection that breaks ends: what it had not sent yet is sent by the others, as long as one of them lives.
    """
    run(_post_all(port, iter(enumerate(messages)), connections, on_answer))


async def _post_all(port: int, todo: Iterator[tuple[int, bytes]], connections: int, on_answer: Answered) -> None:
    await asyncio.gather(*(_one_connection(port, todo, on_answer) for _ in range(connections)))


async def _one_connection(port: int, todo: Iterator[tuple[int, bytes]], on_answer: Answered) -> None:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=_MAX_HEAD)
    except OSError:
        return
    try:
        for index, message in todo:
            writer.write(message)
            head = await reader.readuntil(b"\r\n\r\n")
            lower = head.lower()
            await _pass_over_body(reader, lower)
            on_answer(index, int(head[9:12]), head)
            if b"connection: close" in lower:
                return
    except (OSError, asyncio.IncompleteReadError):
        return
    finally:
        writer.close()


async def _pass_over_body(reader: asyncio.StreamReader, head: bytes) -> None:
    if b"transfer-encoding: chunked" not in head:
        await reader.readexactly(int(head.partition(b"content-length:")[2].partition(b"\r\n")[0] or 0))
        return
    length = 1
    while length:
        length = int(await reader.readuntil(b"\r\n"), 16)
        await reader.readexactly(length + 2)
