"""Reading a query of the HTTP-Redirect binding, and verifying its signature over the octets as they came (saml-bindings 3.4.4).

Nothing is decoded, inflated or parsed before its signature has been verified. What the message says is not judged here.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import unquote_plus, unquote_to_bytes

from cryptography.exceptions import InvalidSignature

from vestibule.saml import xml
from vestibule.saml.algorithms import Algorithm, fits, side_by_side, signature_algorithm, verify_value
from vestibule.saml.certificates import Certificate
from vestibule.saml.encoding import decode_base64
from vestibule.saml.errors import CertificateMissing, SignatureInvalid, TooLarge
from vestibule.saml.redirect_errors import (
    DeflateInvalid,
    RedirectEncodingUnknown,
    RedirectEscapesMixed,
    RedirectEscaping,
    RedirectParameterTwice,
    RedirectParameterUnknown,
    RedirectSignatureEmpty,
    RedirectUnsigned,
    RedirectWithoutMessage,
    SigAlgMissing,
)

Kind = Literal["SAMLRequest", "SAMLResponse"]

_DEFLATE: Final = "urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE"
_KNOWN: Final = frozenset({"SAMLRequest", "SAMLResponse", "RelayState", "SigAlg", "Signature", "SAMLEncoding"})
# Browsers and servers cut a URL off far below this.
_MAX_QUERY_BYTES: Final = 64 * 1024
MAX_RELAY_STATE_BYTES: Final = 1024
# What may stand in a query unescaped (RFC 3986 3.4), without & and =, which divide it.
_VALUE: Final = re.compile(rb"(?:[A-Za-z0-9\-._~!$'()*+,;:@/?=]|%[0-9A-Fa-f]{2})*")
# No encoder escapes a letter or digit; a filter in front of us may look for their plain spelling.
_NEEDLESS: Final = re.compile(rb"%(?:3[0-9]|[46][1-9A-Fa-f]|[57][0-9Aa])")
_ESCAPED: Final = re.compile(rb"%(..)")


@dataclass(frozen=True, slots=True)
class UnverifiedRedirect:
    """A query of the right shape. `octets` are what its signature has to cover, in the order of the specification."""

    kind: Kind
    octets: bytes
    algorithm: Algorithm
    signature: bytes
    unverified_message: bytes
    unverified_relay_state: bytes | None


@dataclass(frozen=True, slots=True)
class VerifiedRedirect:
    """What a configured certificate has signed: the kind, the inflated document and RelayState. The document is not parsed."""

    kind: Kind
    document: bytes
    relay_state: str | None
    proof: str


def read_redirect(query: bytes) -> UnverifiedRedirect:
    """Return the parts of an untrusted query string, exactly as it was received.

    Raises RedirectMalformed (a class for each way), RedirectUnsigned, RedirectSignatureEmpty, SigAlgMissing,
    AlgorithmNotAllowed, NotBase64, TooLarge.
    """
    if len(query) > _MAX_QUERY_BYTES:
        raise TooLarge("the query is too long", expected=f"{_MAX_QUERY_BYTES} bytes", received=f"{len(query)} bytes")
    raw = _divide(query)
    kinds: list[Kind] = [kind for kind in ("SAMLRequest", "SAMLResponse") if kind in raw]
    if len(kinds) != 1:
        raise RedirectWithoutMessage("not exactly one message", expected="1", received=str(len(kinds)))
    if "SAMLEncoding" in raw and _text(raw["SAMLEncoding"]) != _DEFLATE:
        raise RedirectEncodingUnknown("another encoding", expected=_DEFLATE, received=_text(raw["SAMLEncoding"]))
    signature = _signature(raw)
    relay_state = raw.get("RelayState")
    if relay_state is not None and len(unquote_to_bytes(relay_state)) > MAX_RELAY_STATE_BYTES:
        raise TooLarge("RelayState is too long", expected=f"{MAX_RELAY_STATE_BYTES} bytes")
    signed = [kinds[0], "RelayState", "SigAlg"]
    return UnverifiedRedirect(
        kind=kinds[0],
        octets=b"&".join(name.encode() + b"=" + raw[name] for name in signed if name in raw),
        algorithm=signature_algorithm(_text(raw["SigAlg"])),
        signature=signature,
        unverified_message=raw[kinds[0]],
        unverified_relay_state=relay_state,
    )


def verify_redirect(redirect: UnverifiedRedirect, certificates: Sequence[Certificate]) -> VerifiedRedirect:
    """Return what one of the certificates has signed.

    Raises CertificateMissing, SignatureInvalid, and of the verified octets RedirectEscaping, NotBase64, DeflateInvalid, TooLarge.
    """
    certificate = _signer(redirect, certificates)
    return VerifiedRedirect(
        kind=redirect.kind,
        document=inflate(_packed(redirect.unverified_message)),
        relay_state=_relay_state(redirect.unverified_relay_state),
        proof=f"{redirect.algorithm.label}, certificate {certificate.short_fingerprint}",
    )


def inflate(packed: bytes) -> bytes:
    """Return what untrusted DEFLATE data (RFC 1951, without a header) holds, up to the size of a message.

    Raises TooLarge before more than that is in memory, and DeflateInvalid.
    """
    inflater = zlib.decompressobj(-15)
    try:
        data = inflater.decompress(packed, xml.MESSAGE.max_bytes + 1)
    except zlib.error as error:
        raise DeflateInvalid(f"not DEFLATE: {error}") from error
    if len(data) > xml.MESSAGE.max_bytes:
        raise TooLarge("the message unpacks to more than any honest one", expected=f"{xml.MESSAGE.max_bytes} bytes")
    if not inflater.eof or inflater.unused_data:
        raise DeflateInvalid("the packed message is cut off" if not inflater.eof else "something stands behind it")
    return data


def _divide(query: bytes) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for part in query.split(b"&"):
        written, equals, value = part.partition(b"=")
        name = written.decode("latin-1")
        if not equals or name not in _KNOWN:
            raise RedirectParameterUnknown("a parameter that the binding does not have", received=name)
        if name in found:
            raise RedirectParameterTwice("a parameter stands twice", expected="once", received=name)
        found[name] = value
    _validate_escapes(query, found)
    return found


def _validate_escapes(query: bytes, found: dict[str, bytes]) -> None:
    for name, value in found.items():
        if _VALUE.fullmatch(value) is None:
            raise RedirectEscaping("octets that a query can't have", received=name)
        if _NEEDLESS.search(value):
            raise RedirectEscaping("letters or digits are escaped", received=name)
    escaped = b"".join(_ESCAPED.findall(query))
    if escaped not in (escaped.lower(), escaped.upper()):
        raise RedirectEscapesMixed("escapes of both cases", expected="%2B or %2b", received="both")


def _signature(raw: dict[str, bytes]) -> bytes:
    if "Signature" not in raw:
        raise RedirectUnsigned("the query has no signature", expected="a signature", received="none")
    if not raw.get("SigAlg"):
        raise SigAlgMissing("SigAlg is missing", expected="SigAlg", received="none")
    signature = _packed(raw["Signature"])
    if not signature:
        raise RedirectSignatureEmpty("the signature is empty", expected="a signature", received="empty")
    return signature


def _packed(value: bytes) -> bytes:
    # A bare + is a plus sign to one reader and a space to another.
    if b"+" in value:
        raise RedirectEscaping("base64 is not escaped", expected="%2B", received="+")
    return decode_base64(unquote_to_bytes(value))


def _text(value: bytes) -> str:
    return unquote_to_bytes(value).decode("utf-8", "replace")


def _relay_state(value: bytes | None) -> str | None:
    if value is None:
        return None
    try:
        text = unquote_plus(value.decode("ascii"), errors="strict")
    except UnicodeDecodeError as error:
        raise RedirectEscaping("RelayState is not UTF-8") from error
    if not text.isprintable():
        raise RedirectEscaping("RelayState has control characters")
    return text


def _signer(redirect: UnverifiedRedirect, certificates: Sequence[Certificate]) -> Certificate:
    if not certificates:
        raise CertificateMissing("no certificate to verify with")
    for certificate in certificates:
        key = certificate.public_key
        if fits(key, redirect.algorithm):
            try:
                verify_value(key, redirect.algorithm, side_by_side(key, redirect.signature), redirect.octets)
            except InvalidSignature:
                continue
            return certificate
    raise SignatureInvalid(
        "no configured certificate made this signature",
        expected=", ".join(certificate.short_fingerprint for certificate in certificates[:8]),
        received=redirect.algorithm.label,
    )
