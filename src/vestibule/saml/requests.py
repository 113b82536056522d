"""Our AuthnRequests, and carrying them to the identity provider by HTTP-Redirect and HTTP-POST (saml-bindings 3.4, 3.5)."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal
from urllib.parse import quote

from vestibule.saml import names
from vestibule.saml.encoding import encode_base64, format_instant
from vestibule.saml.keys import SigningKey
from vestibule.saml.writing import element, leaf, sign_xml

_MAX_RELAY_STATE_BYTES: Final = 80


def build_authn_request(
    request_id: str,
    issue_instant: datetime,
    destination: str,
    sp_entity_id: str,
    acs_url: str,
    name_id_format: str | None = None,
    *,
    force_authn: bool = False,
    allow_create: bool = True,
    context_classes: Sequence[str] = (),
    comparison: str = "exact",
) -> bytes:
    """Return an unsigned samlp:AuthnRequest that asks for an answer by HTTP-POST at `acs_url` (saml-core 3.4.1).

    `request_id` must be an XML ID (a letter or underscore first) that nobody can guess; it comes back as InResponseTo.
    `context_classes` are asked for by a RequestedAuthnContext where there are any (saml-core 3.3.2.2.1).
    """
    # In the order of the schema; AllowCreate is false where it is not written.
    policy = context = ""
    if name_id_format or allow_create:
        allowed = "true" if allow_create else None
        policy = element("samlp:NameIDPolicy", Format=name_id_format, AllowCreate=allowed)
    if context_classes:
        classes = "".join(leaf("saml:AuthnContextClassRef", one) for one in context_classes)
        context = element("samlp:RequestedAuthnContext", classes, Comparison=comparison)
    request = element(
        "samlp:AuthnRequest",
        leaf("saml:Issuer", sp_entity_id) + policy + context,
        ID=request_id,
        Version="2.0",
        IssueInstant=format_instant(issue_instant),
        Destination=destination,
        ForceAuthn="true" if force_authn else None,
        ProtocolBinding=names.HTTP_POST,
        AssertionConsumerServiceURL=acs_url,
    )
    declared = f'<samlp:AuthnRequest xmlns:samlp="{names.SAMLP}" xmlns:saml="{names.SAML}"'
    return request.replace("<samlp:AuthnRequest", declared, 1).encode()


def redirect_url(
    sso_url: str,
    request: bytes,
    relay_state: str | None,
    signer: SigningKey | None = None,
    *,
    kind: Literal["SAMLRequest", "SAMLResponse"] = "SAMLRequest",
) -> str:
    """Return the address to send the browser to by HTTP-Redirect; with a `signer` the query is signed (saml-bindings 3.4.4).

    Raises ValueError when `relay_state` is over 80 bytes, which identity providers may cut off; in an answer (`kind`) it is
    theirs, and goes back as it came.
    """
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    deflated = deflater.compress(request) + deflater.flush()
    # The signature covers these octets in this order, so they are written once and used twice.
    query = f"{kind}=" + quote(encode_base64(deflated), safe="")
    if relay_state is not None:
        query += "&RelayState=" + quote(_bounded(relay_state, kind), safe="")
    if signer is not None:
        query += "&SigAlg=" + quote(names.RSA_SHA256, safe="")
        query += "&Signature=" + quote(encode_base64(signer.sign(query.encode("ascii"))), safe="")
    if "?" not in sso_url:
        return f"{sso_url}?{query}"
    return sso_url + ("" if sso_url.endswith(("?", "&")) else "&") + query


def post_form(
    request: bytes,
    relay_state: str | None,
    signer: SigningKey | None = None,
    *,
    kind: Literal["SAMLRequest", "SAMLResponse"] = "SAMLRequest",
) -> dict[str, str]:
    """Return the fields of the form that carries the request by HTTP-POST; with a `signer` the XML is signed (saml-bindings 3.5.4).

    Raises ValueError when `relay_state` is over 80 bytes; in an answer (`kind`) it is theirs, and goes back as it came.
    """
    fields: dict[str, str] = {kind: encode_base64(request if signer is None else sign_xml(request, signer))}
    if relay_state is not None:
        fields["RelayState"] = _bounded(relay_state, kind)
    return fields


def _bounded(relay_state: str, kind: str) -> str:
    if kind == "SAMLRequest" and len(relay_state.encode()) > _MAX_RELAY_STATE_BYTES:
        raise ValueError(f"RelayState is over {_MAX_RELAY_STATE_BYTES} bytes")
    return relay_state
