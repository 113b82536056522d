"""Logout messages between the real server and a forged identity provider, over HTTP."""

from __future__ import annotations

import base64
import re
import zlib
from dataclasses import dataclass
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from lxml import etree

from tests.saml import forge, forge_logout
from tests.saml.forge_logout import Logout
from tests.support.house import Client, Server
from vestibule.directory.connections import Connection, LogoutEndpoints, slo_url
from vestibule.kernel.ids import new_id

SLO = "https://idp.example/slo?tenant=1"
SLO_DONE = "https://idp.example/slo/done"
BOTH = LogoutEndpoints(SLO, None, "https://idp.example/slo/post", SLO_DONE)
REDIRECT = LogoutEndpoints(redirect_url=SLO)
POST = LogoutEndpoints(post_url=SLO)


def message(server: Server, connection: Connection, tag: str = "LogoutRequest", **changes: Any) -> Logout:
    """Return a correct message of the connection's IdP, at the server's present."""
    now = server.house.clock()
    values: dict[str, Any] = {
        "tag": tag,
        "message_id": f"_l{new_id('job', now)}",
        "issue_instant": forge.instant(now),
        "not_on_or_after": forge.instant(now + timedelta(minutes=5)),
        "destination": slo_url(server.base_url, connection.id),
        "issuer": connection.idp.entity_id,
        "name_id": "grace@example.com",
        "session_indexes": (),
    }
    return Logout(**{**values, **changes})


def send(
    client: Client,
    connection: Connection,
    sent: Logout,
    binding: str = "redirect",
    *,
    key: str = "idp",
    relay_state: str | None = None,
) -> httpx.Response:
    """Let a browser carry a signed message to the connection's Single logout URL, from the IdP's site."""
    signing = forge.Signing(key=forge.key(key))
    path = f"/saml/{connection.id}/slo"
    if binding == "redirect":
        return client.http.get(f"{path}?{forge_logout.redirected(sent, signing, relay_state=relay_state)}")
    kind = "SAMLResponse" if sent.tag == "LogoutResponse" else "SAMLRequest"
    fields = {kind: forge_logout.posted(sent, signing)} | ({} if relay_state is None else {"RelayState": relay_state})
    return client.http.post(
        path, data=fields, headers={"Origin": "https://idp.example", "Sec-Fetch-Site": "cross-site"}
    )


@dataclass(frozen=True)
class Ours:
    """A message of ours on its way to the IdP."""

    url: str
    kind: str
    root: Any
    relay_state: str | None

    @property
    def id(self) -> str:
        return str(self.root.get("ID"))


def read(response: httpx.Response) -> Ours:
    """Read our message out of a redirect, or out of the page that carries it."""
    if response.status_code == 303:
        return _redirected(response.headers["location"])
    found = re.search(r'<meta http-equiv="refresh" content="0;url=([^"]+)">', response.text)
    if found is not None:
        return _redirected(unescape(found.group(1)))
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', response.text))
    action = re.search(r'<form action="(https://[^"]+)" method="post"', response.text)
    assert action is not None, response.text
    kind = next(name for name in fields if name.startswith("SAML"))
    root = etree.fromstring(base64.b64decode(unescape(fields[kind])))
    assert root.find(".//{*}SignatureValue") is not None
    relay_state = unescape(fields["RelayState"]) if "RelayState" in fields else None
    return Ours(unescape(action.group(1)), kind, root, relay_state)


def _redirected(url: str) -> Ours:
    query = parse_qs(urlsplit(url).query)
    kind = next(name for name in query if name.startswith("SAML"))
    assert query["SigAlg"] == [forge.RSA_SHA256]
    assert query["Signature"]
    root = etree.fromstring(zlib.decompress(base64.b64decode(query[kind][0]), -15))
    return Ours(url.partition("&SAML")[0].partition("?SAML")[0], kind, root, query.get("RelayState", [None])[0])
