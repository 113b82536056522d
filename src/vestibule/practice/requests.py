"""AuthnRequests as they arrive at the practice identity provider. Reads them; answers nothing, verifies nothing."""

from __future__ import annotations

import base64
import binascii
import zlib
from dataclasses import dataclass
from typing import Final

from lxml import etree

from vestibule.practice.errors import AnswerNotLocal, RequestIncomplete, RequestUnreadable
from vestibule.practice.loopback import is_loopback_url

MAX_REQUEST_BYTES: Final = 64 * 1024
_SAML: Final = "{urn:oasis:names:tc:SAML:2.0:assertion}"
_SAMLP: Final = "{urn:oasis:names:tc:SAML:2.0:protocol}"


@dataclass(frozen=True, slots=True)
class SignInRequest:
    """Who asks for a sign-in, and where the answer goes. `request_id` is empty when nobody asked (IdP-initiated)."""

    request_id: str
    sp_entity_id: str
    acs_url: str
    relay_state: str = ""


def parse_redirect(saml_request: str, relay_state: str) -> SignInRequest:
    """Read an untrusted HTTP-Redirect SAMLRequest: base64 of raw DEFLATE (Bindings 3.4.4.1). Raises PracticeError."""
    return _parse_authn_request(inflate_message(unpack_base64(saml_request)), relay_state)


def parse_post(saml_request: str, relay_state: str) -> SignInRequest:
    """Read an untrusted HTTP-POST SAMLRequest: base64 (Bindings 3.5.4). Raises PracticeError."""
    return _parse_authn_request(unpack_base64(saml_request), relay_state)


def require_local_answer(request: SignInRequest) -> SignInRequest:
    """Return the request when its answer stays on this machine. Raises AnswerNotLocal."""
    if not is_loopback_url(request.acs_url):
        raise AnswerNotLocal(f"AssertionConsumerServiceURL {request.acs_url[:200]!r}")
    return request


def inflate_message(packed: bytes) -> bytes:
    """Return what untrusted raw DEFLATE data holds. Raises RequestUnreadable."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        xml = inflater.decompress(packed, MAX_REQUEST_BYTES)
    except zlib.error as error:
        raise RequestUnreadable(f"not DEFLATE: {error}") from error
    if not inflater.eof:  # a small message that inflates without end, or one that was cut off
        raise RequestUnreadable("larger than a request can be, or cut off")
    return xml


def unpack_base64(value: str) -> bytes:
    """Return the bytes of an untrusted base64 text. Raises RequestUnreadable."""
    if len(value) > MAX_REQUEST_BYTES * 2:
        raise RequestUnreadable("too long")
    try:
        return base64.b64decode("".join(value.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise RequestUnreadable(f"not base64: {error}") from error


def parse_message(xml: bytes) -> etree._Element:
    """Return the root of an untrusted message without a DTD. Raises RequestUnreadable."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(xml, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise RequestUnreadable(f"not XML: {error}") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise RequestUnreadable("a DTD")
    return root


def _parse_authn_request(xml: bytes, relay_state: str) -> SignInRequest:
    root = parse_message(xml)
    if root.tag != f"{_SAMLP}AuthnRequest":
        raise RequestUnreadable("not an AuthnRequest")
    request = SignInRequest(
        request_id=root.get("ID", ""),
        sp_entity_id=(root.findtext(f"{_SAML}Issuer") or "").strip(),
        acs_url=root.get("AssertionConsumerServiceURL", ""),
        relay_state=relay_state,
    )
    if not (request.request_id and request.sp_entity_id and request.acs_url):
        raise RequestIncomplete(f"read {request}")
    return require_local_answer(request)
