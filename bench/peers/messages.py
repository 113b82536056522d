"""The messages for a peer: what Vestibule gets in `bench.sign_ins`, addressed to somebody else."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlencode, urlsplit

from bench.sign_ins import GROUPS
from tests.saml import forge

IDP: Final = "https://idp.bench.example/metadata"
# An hour, so that a slow peer's last message is as good as its first.
_LIFE: Final = timedelta(minutes=60)


def metadata() -> str:
    """Return the identity provider's metadata."""
    certificate = forge.key("idp").certificate_base64
    return (
        f'<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{IDP}">'
        '<md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><md:KeyDescriptor use="signing">'
        f'<ds:KeyInfo xmlns:ds="{forge.DS}"><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data>'
        "</ds:KeyInfo></md:KeyDescriptor>"
        f"<md:NameIDFormat>{forge.EMAIL_FORMAT}</md:NameIDFormat>"
        '<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.bench.example/sso"/>'
        "</md:IDPSSODescriptor></md:EntityDescriptor>"
    )


def response(acs: str, sp_entity_id: str, request_id: str | None, number: int) -> bytes:
    """Return the response of about 14 kB for one of our people, its assertion signed, good from now on."""
    now, email, suffix = datetime.now(UTC), f"person{number}@example.com", secrets.token_hex(12)
    until = forge.instant(now + _LIFE)
    recipe = forge.Recipe(
        response_id=f"_r{suffix}",
        assertion_id=f"_a{suffix}",
        in_response_to=request_id,
        destination=acs,
        issue_instant=forge.instant(now),
        assertion_issue_instant=forge.instant(now),
        response_issuer=IDP,
        assertion_issuer=IDP,
        name_id=email,
        confirmations=(forge.Confirmation(recipient=acs, in_response_to=request_id, not_on_or_after=until),),
        not_before=forge.instant(now - timedelta(minutes=5)),
        not_on_or_after=until,
        audiences=((sp_entity_id,),),
        authn_instant=forge.instant(now - timedelta(seconds=30)),
        session_index=f"_s{suffix}",
        attributes=(forge.Attribute("email", (email,)), forge.Attribute("displayName", ("Grace Okafor",)), GROUPS),
    )
    return forge.response(recipe, signing=forge.Signing(key=forge.key("idp")))


def post(acs: str, data: bytes, relay_state: str) -> bytes:
    """Return the whole POST that brings a response to an address."""
    body = urlencode({"SAMLResponse": forge.post_field(data), "RelayState": relay_state}).encode()
    address = urlsplit(acs)
    head = (
        f"POST {address.path} HTTP/1.1",
        f"Host: {address.netloc}",
        "Origin: https://idp.bench.example",
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        "Content-Type: application/x-www-form-urlencoded",
        f"Content-Length: {len(body)}",
    )
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def posts(acs: str, sp_entity_id: str, requests: Sequence[tuple[str | None, str]]) -> list[bytes]:
    """Return one POST for each request's ID and RelayState."""
    return [
        post(acs, response(acs, sp_entity_id, request_id, number % 200), relay_state)
        for number, (request_id, relay_state) in enumerate(requests)
    ]
