"""Logout messages of the practice side: reading the service provider's request, writing ours, wrong in one way if asked for.

It keeps no sessions: whoever is asked for is signed out. It finds the service provider's logout address where Vestibule has it,
beside its metadata.
"""

from __future__ import annotations

import base64
import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from html import escape
from typing import Final
from urllib.parse import urlencode

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from vestibule.practice.errors import AnswerNotLocal, RequestIncomplete, RequestUnreadable
from vestibule.practice.keys import KeyPair
from vestibule.practice.loopback import is_loopback_url
from vestibule.practice.requests import inflate_message, parse_message, unpack_base64
from vestibule.practice.responses import NAME_ID_EMAIL, STATUS_RESPONDER, STATUS_SUCCESS
from vestibule.practice.signing import RSA_SHA256, sign_element

_SAML: Final = "{urn:oasis:names:tc:SAML:2.0:assertion}"
_SAMLP: Final = "{urn:oasis:names:tc:SAML:2.0:protocol}"
_PARTIAL: Final = "urn:oasis:names:tc:SAML:2.0:status:PartialLogout"


class LogoutMisbehaviour(StrEnum):
    """What a logout message gets wrong; the values are those of the form."""

    NONE = "none"
    PARTIAL = "partial"
    UNSIGNED = "unsigned"
    OTHER_CERTIFICATE = "other-certificate"
    SILENT = "silent"


LOGOUT_LABELS: Final[dict[LogoutMisbehaviour, str]] = {
    LogoutMisbehaviour.NONE: "Behave: a correct message",
    LogoutMisbehaviour.PARTIAL: "Status: PartialLogout",
    LogoutMisbehaviour.UNSIGNED: "Unsigned",
    LogoutMisbehaviour.OTHER_CERTIFICATE: "Signed with another certificate",
    LogoutMisbehaviour.SILENT: "Silent: nothing is sent",
}


@dataclass(frozen=True, slots=True)
class SignOutRequest:
    """Who asks for a sign-out, of whom. `posted` says by which binding it came, and the answer goes."""

    request_id: str
    sp_entity_id: str
    name_id: str
    relay_state: str
    posted: bool


@dataclass(frozen=True, slots=True)
class Carried:
    """A message on its way: to `url`, with a form when there are `fields`."""

    url: str
    fields: dict[str, str]


def parse_logout(sent: str, relay_state: str, *, posted: bool) -> SignOutRequest:
    """Read an untrusted LogoutRequest of either binding; its signature is not verified here. Raises PracticeError."""
    packed = unpack_base64(sent)
    root = parse_message(packed if posted else inflate_message(packed))
    if root.tag != f"{_SAMLP}LogoutRequest":
        raise RequestUnreadable("not a LogoutRequest")
    request = SignOutRequest(
        request_id=root.get("ID", ""),
        sp_entity_id=(root.findtext(f"{_SAML}Issuer") or "").strip(),
        name_id=(root.findtext(f"{_SAML}NameID") or "").strip(),
        relay_state=relay_state,
        posted=posted,
    )
    if not (request.request_id and request.sp_entity_id and request.name_id):
        raise RequestIncomplete(f"read {request}")
    logout_url_of(request.sp_entity_id)
    return request


def status_of_answer(sent: str, *, posted: bool) -> str:
    """Return the status codes of an untrusted LogoutResponse, as a person reads them. Raises RequestUnreadable."""
    packed = unpack_base64(sent)
    root = parse_message(packed if posted else inflate_message(packed))
    codes = [code.get("Value", "").rpartition(":")[2] for code in root.iter(f"{_SAMLP}StatusCode")]
    if root.tag != f"{_SAMLP}LogoutResponse" or not codes:
        raise RequestUnreadable("not a LogoutResponse")
    return " / ".join(codes)


def logout_url_of(sp_entity_id: str) -> str:
    """Return the Single logout URL that Vestibule has beside the metadata at its entity ID. Raises AnswerNotLocal."""
    url = sp_entity_id.removesuffix("/metadata") + "/slo"
    if not is_loopback_url(url):
        raise AnswerNotLocal(f"entity ID {sp_entity_id[:200]!r}")
    return url


def write_request(issuer: str, url: str, message_id: str, name_id: str, now: datetime) -> str:
    """Return an unsigned LogoutRequest for every session of a name (Core 3.7.1)."""
    until = _instant(now + timedelta(minutes=5))
    named = f'<saml:NameID Format="{NAME_ID_EMAIL}">{escape(name_id)}</saml:NameID>'
    return _message("LogoutRequest", f' NotOnOrAfter="{until}"', issuer, url, message_id, named, now)


def write_answer(
    issuer: str, url: str, message_id: str, request_id: str, misbehaviour: LogoutMisbehaviour, now: datetime
) -> str:
    """Return an unsigned LogoutResponse (Core 3.7.2)."""
    status = f'<samlp:StatusCode Value="{STATUS_SUCCESS}"/>'
    if misbehaviour is LogoutMisbehaviour.PARTIAL:
        inner = f'<samlp:StatusCode Value="{_PARTIAL}"/>'
        status = f'<samlp:StatusCode Value="{STATUS_RESPONDER}">{inner}</samlp:StatusCode>'
    extra = f' InResponseTo="{escape(request_id)}"'
    body = f"<samlp:Status>{status}</samlp:Status>"
    return _message("LogoutResponse", extra, issuer, url, message_id, body, now)


def carry(
    message: str, message_id: str, kind: str, url: str, relay_state: str, key: KeyPair | None, *, posted: bool
) -> Carried:
    """Return how a browser carries a message by HTTP-POST or HTTP-Redirect, signed when there is a key (Bindings 3.4.4, 3.5.4)."""
    relay = {"RelayState": relay_state} if relay_state else {}
    if posted:
        data = sign_element(message.encode(), message_id, key) if key else message.encode()
        return Carried(url, {kind: base64.b64encode(data).decode(), **relay})
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = packer.compress(message.encode()) + packer.flush()
    query = urlencode({kind: base64.b64encode(packed).decode(), **relay})
    if key:
        query += "&" + urlencode({"SigAlg": RSA_SHA256.signature_uri})
        made = key.private_key.sign(query.encode(), padding.PKCS1v15(), hashes.SHA256())
        query += "&" + urlencode({"Signature": base64.b64encode(made).decode()})
    return Carried(f"{url}?{query}", {})


def _message(tag: str, extra: str, issuer: str, url: str, message_id: str, body: str, now: datetime) -> str:
    return (
        f'<samlp:{tag} xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"'
        f' ID="{message_id}" Version="2.0" IssueInstant="{_instant(now)}" Destination="{escape(url)}"{extra}>'
        f"<saml:Issuer>{escape(issuer)}</saml:Issuer>{body}</samlp:{tag}>"
    )


def _instant(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
