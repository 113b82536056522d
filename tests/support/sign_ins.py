"""Signing end users in through a forged identity provider: a connection with real keys, people, and the browser's steps.

The IdP is `tests.saml.forge`; everything on our side is the real server over HTTP.
"""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from lxml import etree

from tests.saml import forge
from tests.support.house import Client, House, Server
from vestibule.directory.connections import (
    Connection,
    IdentityProvider,
    IdpCertificate,
    IdpInitiated,
    LogoutEndpoints,
    Provisioning,
    acs_url,
    sp_entity_id,
)
from vestibule.directory.end_users import EndUser, EndUserStatus, search_terms
from vestibule.directory.sources import Source
from vestibule.kernel.ids import new_id
from vestibule.kernel.passwords import hash_password
from vestibule.saml.certificates import parse_certificate
from vestibule.storage import access, connections, end_users, identity_providers, workspaces

IDP_ENTITY_ID = "https://idp.example/metadata"
SSO_URL = "https://idp.example/sso?tenant=1"
POST_URL = "https://idp.example/sso/post"
PASSWORD = "a fine long sentence for Grace"
_REFERENCE = re.compile(r"[BCDFGHJKMNPQRSTVWXZ2-9]{4}-[BCDFGHJKMNPQRSTVWXZ2-9]{4}")


def connect(
    house: House,
    environment: str = "dev",
    *,
    name: str = "Okta Dev",
    domains: Sequence[str] | None = ("example.com",),
    key: str = "idp",
    entity_id: str = IDP_ENTITY_ID,
    switched_on: bool = True,
    post_only: bool = False,
    logout: LogoutEndpoints | None = None,
    **changes: Any,
) -> Connection:
    """Connect a forged IdP to an environment, active with Manual provisioning; `domains` None is *All domains*."""
    now = house.clock()
    certificate = parse_certificate(forge.key(key).certificate_der)
    shown = IdpCertificate(
        certificate.der, certificate.subject, certificate.fingerprint, certificate.not_before, certificate.not_after
    )
    place = house.environment(environment)
    idp = IdentityProvider(
        id=new_id("identity_provider", now),
        workspace_id=house.workspace.id,
        name=name,
        vendor="okta",
        entity_id=entity_id,
        sso_redirect_url=None if post_only else SSO_URL,
        sso_post_url=POST_URL,
        metadata_url=None,
        metadata_read_at=None,
        wants_signed_requests=False,
        certificates=(shown,),
        created_at=now,
        logout=logout or LogoutEndpoints(),
    )
    values: dict[str, Any] = {
        "id": new_id("connection", now),
        "workspace_id": house.workspace.id,
        "environment_id": place.id,
        "idp": idp,
        "all_domains": domains is None,
        "domains": tuple(domains or ()),
        "provisioning": Provisioning.MANUAL,
        "disabled": False,
        "idp_initiated": IdpInitiated.CONVERT,
        "sign_requests": False,
        "created_at": now,
    }
    connection = Connection(**{**values, **changes})
    with house.runtime.database.transaction() as tx:
        identity_providers.insert_idp(tx, idp)
        connections.insert_connection(tx, connection)
        if switched_on:
            workspaces.set_saml_enabled(tx, house.workspace.id, place.id, enabled=True)
    return connection


def add_person(
    house: House,
    email: str = "grace@example.com",
    *,
    name: str = "Grace Okafor",
    environments: Sequence[str] = ("dev",),
    status: EndUserStatus = EndUserStatus.INVITED,
    password: str | None = None,
) -> EndUser:
    """Add an end user with access to environments."""
    now = house.clock()
    person = EndUser(
        id=new_id("end_user", now),
        workspace_id=house.workspace.id,
        email=email,
        full_name=name,
        status=status,
        source=Source.MANUAL,
        has_password=password is not None,
        created_at=now,
        updated_at=now,
        last_sign_in_at=None,
    )
    with house.runtime.database.transaction() as tx:
        end_users.insert_end_user(tx, person, hash_password(password) if password else None, search_terms(name, email))
        for key in environments:
            place = house.environments[key]
            access.grant_access(tx, house.workspace.id, place.id, person.id, source=Source.MANUAL, now=now)
    return person


@dataclass(frozen=True)
class Started:
    """An AuthnRequest that a browser was sent away with."""

    request_id: str
    relay_state: str
    xml: bytes
    url: str


def begin(client: Client, email: str = "grace@example.com", environment: str = "dev", **fields: str) -> httpx.Response:
    """Type an e-mail address on the sign-in page and continue."""
    client.get(f"/e/{environment}/sign-in", params={name: fields[name] for name in fields if name == "return_to"})
    return client.post(f"/e/{environment}/sign-in", {"email": email, **fields})


def read_request(response: httpx.Response) -> Started:
    """Read the request out of the page that takes the browser to the IdP."""
    assert response.status_code == 200, response.text
    found = re.search(r'<meta http-equiv="refresh" content="0;url=([^"]+)">', response.text)
    if found is None:
        fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', response.text))
        xml = base64.b64decode(unescape(fields["SAMLRequest"]))
        return Started(etree.fromstring(xml).get("ID") or "", unescape(fields.get("RelayState", "")), xml, POST_URL)
    url = unescape(found.group(1))
    query = parse_qs(urlsplit(url).query)
    xml = zlib.decompress(base64.b64decode(query["SAMLRequest"][0]), -15)
    return Started(etree.fromstring(xml).get("ID") or "", query.get("RelayState", [""])[0], xml, url)


def start(client: Client, email: str = "grace@example.com", environment: str = "dev", **fields: str) -> Started:
    """Begin a sign-in, and return the request that the IdP gets."""
    return read_request(begin(client, email, environment, **fields))


def recipe(
    server: Server, connection: Connection, request_id: str | None, email: str = "grace@example.com", **changes: Any
) -> forge.Recipe:
    """Return a correct answer of the connection's IdP to a request, at the server's present."""
    now = server.house.clock()
    acs = acs_url(server.base_url, connection.id)
    confirmation = forge.Confirmation(
        recipient=acs, in_response_to=request_id, not_on_or_after=forge.instant(now + timedelta(minutes=5))
    )
    suffix = new_id("job", now)
    values: dict[str, Any] = {
        "response_id": f"_r{suffix}",
        "assertion_id": f"_a{suffix}",
        "in_response_to": request_id,
        "destination": acs,
        "issue_instant": forge.instant(now),
        "assertion_issue_instant": forge.instant(now),
        "response_issuer": connection.idp.entity_id,
        "assertion_issuer": connection.idp.entity_id,
        "name_id": email,
        "confirmations": (confirmation,),
        "not_before": forge.instant(now - timedelta(minutes=5)),
        "not_on_or_after": forge.instant(now + timedelta(minutes=5)),
        "audiences": ((sp_entity_id(server.base_url, connection.id),),),
        "authn_instant": forge.instant(now - timedelta(seconds=30)),
        "attributes": (forge.Attribute("email", (email,)), forge.Attribute("displayName", ("Grace Okafor",))),
    }
    return forge.Recipe(**{**values, **changes})


def answer(
    server: Server,
    connection: Connection,
    request_id: str | None,
    email: str = "grace@example.com",
    *,
    sign: forge.SignWhat = "assertion",
    key: str = "idp",
    **changes: Any,
) -> bytes:
    """Return a signed response of the connection's IdP."""
    return forge.response(
        recipe(server, connection, request_id, email, **changes), sign=sign, signing=forge.Signing(key=forge.key(key))
    )


def post(client: Client, connection: Connection, data: bytes, relay_state: str = "") -> httpx.Response:
    """Post a response at the connection's Single sign-on URL, as a browser on the IdP's page does: from another site."""
    headers = {"Origin": "https://idp.example", "Sec-Fetch-Site": "cross-site"}
    fields = {"SAMLResponse": forge.post_field(data), "RelayState": relay_state}
    return client.http.post(f"/saml/{connection.id}/acs", data=fields, headers=headers)


def sign_in(
    server: Server, client: Client, connection: Connection, email: str = "grace@example.com", environment: str = "dev"
) -> httpx.Response:
    """Do the whole round."""
    started = start(client, email, environment)
    return post(client, connection, answer(server, connection, started.request_id, email), started.relay_state)


def reference_in(page: str) -> str:
    """Return the reference code on a refused page."""
    found = _REFERENCE.search(page)
    assert found is not None, page
    return found.group()
