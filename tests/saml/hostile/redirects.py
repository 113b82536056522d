"""Queries of the HTTP-Redirect binding whose signature must not be believed, and what a signed one must not pack."""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import quote_plus, unquote_to_bytes

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from tests.saml import forge
from tests.saml.forge import Recipe, Signing
from tests.saml.forge_logout import SLO, deflate, escaped
from tests.saml.hostile.corpus import EVIL, Family, part, shortened, swap
from tests.saml.hostile.logouts import SKEW, Passing, message, signed
from tests.saml.verifying import certificate, expectations
from vestibule.saml import errors, logout_errors, redirect_errors
from vestibule.saml.logouts import LogoutMessage, verify_redirected


def judge_redirected(data: bytes, **changes: Any) -> LogoutMessage:
    """Verify a query string."""
    return verify_redirected(data, expectations(acs_url=SLO, **changes))


REDIRECTED = Family(
    "redirect signatures",
    "A signed query put in other order, doubled, escaped anew, stripped, said to be of another algorithm, or packed to explode.",
    "saml-bindings 3.4.4; RFC 3986 2.1; RFC 1951",
    judge_redirected,
)


@dataclass(frozen=True, slots=True)
class Query:
    """How a signed query is written. `order` is that of the octets that are signed; `edit` changes them after that."""

    xml: str = field(default_factory=message)
    kind: str = "SAMLRequest"
    relay_state: str | None = None
    packed: bytes | None = None
    algorithm: str = forge.RSA_SHA256
    key: forge.IdpKey = field(default_factory=forge.key)
    hmac_key: bytes | None = None
    escape: Callable[[str], str] = escaped
    order: Sequence[str] = ()
    edit: Callable[[str], str] = str

    def written(self) -> bytes:
        """Return the query string."""
        packed = deflate(self.xml.encode()) if self.packed is None else self.packed
        values = {
            self.kind: base64.b64encode(packed).decode(),
            "RelayState": self.relay_state,
            "SigAlg": self.algorithm,
        }
        names = self.order or (self.kind, "RelayState", "SigAlg")
        octets = "&".join(f"{name}={self.escape(value)}" for name in names if (value := values[name]) is not None)
        signing = Signing(key=self.key, algorithm=self.algorithm, hmac_key=self.hmac_key)
        value = base64.b64encode(forge.signature_value(octets.encode(), signing)).decode()
        return self.edit(f"{octets}&Signature={self.escape(value)}").encode()


def _parameters() -> None:
    plain, related = Query().written().decode(), Query(relay_state="to+here / now").written().decode()
    request = part(plain.encode(), "(SAMLRequest=[^&]*)")
    sig_alg, signature = part(plain.encode(), "(SigAlg=[^&]*)"), part(plain.encode(), "(Signature=[^&]*)")
    e, s = redirect_errors, errors
    for name, query, error in (
        ("no signature", f"{request}&{sig_alg}", e.RedirectUnsigned),
        ("neither signature nor algorithm", request, e.RedirectUnsigned),
        ("no algorithm", f"{request}&{signature}", e.SigAlgMissing),
        ("an empty algorithm", f"{request}&SigAlg=&{signature}", e.SigAlgMissing),
        ("an empty signature", f"{request}&{sig_alg}&Signature=", e.RedirectSignatureEmpty),
        ("an empty message", f"SAMLRequest=&{sig_alg}&{signature}", s.SignatureInvalid),
        ("no message", f"{sig_alg}&{signature}", e.RedirectWithoutMessage),
        ("nothing", "", e.RedirectParameterUnknown),
        (
            "request and response",
            f"{request}&{request.replace('Request', 'Response')}&{sig_alg}&{signature}",
            e.RedirectWithoutMessage,
        ),
        ("a request said to be a response", plain.replace("SAMLRequest", "SAMLResponse"), s.SignatureInvalid),
        ("the message twice", f"{request}&{plain}", e.RedirectParameterTwice),
        ("the algorithm twice", f"{plain}&{sig_alg}", e.RedirectParameterTwice),
        ("the signature twice", f"{plain}&{signature}", e.RedirectParameterTwice),
        ("RelayState twice", related + "&RelayState=x", e.RedirectParameterTwice),
        ("another parameter", plain + "&x=y", e.RedirectParameterUnknown),
        ("a parameter in other case", plain.replace("SigAlg", "sigalg"), e.RedirectParameterUnknown),
        ("a parameter with an escaped name", plain.replace("SAMLRequest", "SAML%52equest"), e.RedirectParameterUnknown),
        ("a parameter without value", plain + "&RelayState", e.RedirectParameterUnknown),
        ("an empty parameter", plain + "&", e.RedirectParameterUnknown),
        ("semicolons in place of ampersands", plain.replace("&", ";"), e.RedirectUnsigned),
        ("RelayState added", plain + "&RelayState=x", s.SignatureInvalid),
        ("an empty RelayState added", plain + "&RelayState=", s.SignatureInvalid),
        ("RelayState removed", re.sub("RelayState=[^&]*&", "", related), s.SignatureInvalid),
        ("RelayState changed", re.sub("RelayState=[^&]*&", "RelayState=x&", related), s.SignatureInvalid),
        ("RelayState emptied", re.sub("RelayState=[^&]*&", "RelayState=&", related), s.SignatureInvalid),
        ("an encoding that is not DEFLATE", plain + "&SAMLEncoding=urn%3Aevil", e.RedirectEncodingUnknown),
        ("a query of 70,000 bytes", plain + "&RelayState=" + "x" * 70_000, s.TooLarge),
        ("a RelayState of 2,000 bytes", Query(relay_state="x" * 2000).written().decode(), s.TooLarge),
        ("a RelayState of two lines", Query(relay_state="a\r\nSet-Cookie: x").written().decode(), e.RedirectEscaping),
    ):
        REDIRECTED.add(name, error, query)
    for name in ("SAMLRequest", "RelayState", "SigAlg", "Signature"):
        again = next(each for each in related.split("&") if each.startswith(name))
        REDIRECTED.add(f"{name} once more in front", e.RedirectParameterTwice, f"{again}&{related}")
    for extra in ("SAMLRequest[]=x", "utm_source=x", "RelayState\0=x", "Signature"):
        REDIRECTED.add(f"{shortened(extra)} beside", e.RedirectParameterUnknown, f"{plain}&{extra}")
    REDIRECTED.add("RelayState alone", e.RedirectWithoutMessage, "RelayState=x")
    orders: tuple[tuple[str, ...], ...] = (
        ("RelayState", "SAMLRequest", "SigAlg"),
        ("SigAlg", "SAMLRequest", "RelayState"),
        ("SAMLRequest", "SigAlg", "RelayState"),
        ("SAMLRequest", "RelayState"),
        ("SAMLRequest",),
    )
    for order in orders:
        missing = "".join(f"&{each}" for each in (sig_alg, "RelayState=x") if each.partition("=")[0] not in order)
        query = Query(relay_state="x", order=order).written().decode() + missing
        REDIRECTED.add(f"signed in the order {', '.join(order)}", errors.SignatureInvalid, query)


def _escapes() -> None:
    def lower(text: str) -> str:
        return re.sub("%..", lambda found: found[0].lower(), text)

    def half(text: str) -> str:
        at = text.index("&SigAlg")
        return lower(text[:at]) + text[at:]

    e = redirect_errors
    for name, edit, error in (
        ("lower-case escapes in place of those that were signed", lower, errors.SignatureInvalid),
        ("escapes of both cases", half, e.RedirectEscapesMixed),
        ("an escape of both cases", lambda text: text.replace("%2F", "%2f", 1), e.RedirectEscapesMixed),
        ("a letter escaped", lambda text: text.replace("rsa-sha256", "%72sa-sha256"), e.RedirectEscaping),
        ("a digit escaped", lambda text: text.replace("rsa-sha256", "rsa-sha%3256"), e.RedirectEscaping),
        ("escapes escaped again", lambda text: text.replace("%", "%25"), errors.NotBase64),
        ("escapes taken off the algorithm", lambda text: text.replace("%3A%2F%2F", "://"), errors.SignatureInvalid),
        ("a bare plus in the message", lambda text: text.replace("%2B", "+"), e.RedirectEscaping),
        ("half an escape", lambda text: text.replace("&SigAlg", "%&SigAlg"), e.RedirectEscaping),
        ("a space", lambda text: text.replace("&SigAlg", " &SigAlg"), e.RedirectEscaping),
        ("a line break", lambda text: text.replace("&SigAlg", "\r\n&SigAlg"), e.RedirectEscaping),
        ("a NUL", lambda text: text.replace("&SigAlg", "\0&SigAlg"), e.RedirectEscaping),
        ("a byte beyond ASCII", lambda text: text.replace("&SigAlg", "é&SigAlg"), e.RedirectEscaping),
        ("a fragment", lambda text: text + "#x", e.RedirectEscaping),
    ):
        REDIRECTED.add(name, error, Query(relay_state="to/here+now", edit=edit).written())
    REDIRECTED.add(
        "plus signs for spaces, escaped anew",
        errors.SignatureInvalid,
        Query(relay_state="a b", escape=quote_plus, edit=lambda text: text.replace("a+b", "a%20b")).written(),
    )


def _signed_escapes() -> None:
    """The signer itself escapes in a way that two readers may take for two things."""
    odd = (
        "%", "%2", "%zz", "a b", "ü", "a\0", 'a"b', "a<b", "a\\b", "a|b", "%00", "a%0D%0Ab", "%FF%FE", "%E2%80%AE", "%61",
    )  # fmt: skip

    def unless_odd(text: str) -> str:
        return text if text in odd else escaped(text)

    def plus_in_the_message(text: str) -> str:
        return escaped(text).replace("%2B", "+") if len(text) > 200 else escaped(text)

    for value in odd:
        query = Query(relay_state=value, escape=unless_odd).written()
        REDIRECTED.add(f"signed: the RelayState {shortened(value)}", redirect_errors.RedirectEscaping, query)
    plus = Query(xml=message(ID="_b1>>>>>>", Destination=SLO + "??>>"), escape=plus_in_the_message).written()
    REDIRECTED.add("signed: bare plus signs in the message", redirect_errors.RedirectEscaping, plus)


def _algorithms() -> None:
    more, more_2007 = "http://www.w3.org/2001/04/xmldsig-more#", "http://www.w3.org/2007/05/xmldsig-more#"
    REDIRECTED.add("signed by a stranger", errors.SignatureInvalid, Query(key=EVIL).written())
    REDIRECTED.add("no certificate is configured", errors.CertificateMissing, Query().written(), certificates=())
    REDIRECTED.add("RSA-SHA1", errors.Sha1NotAllowed, Query(algorithm=forge.RSA_SHA1).written())
    for name, secret in (("the certificate", forge.key().certificate_der), ("nothing", b"")):
        REDIRECTED.add(
            f"HMAC with {name}",
            errors.AlgorithmNotAllowed,
            Query(algorithm=forge.HMAC_SHA256, hmac_key=secret).written(),
        )
    plain = Query().written()
    for uri in ("none", more + "rsa-md5", forge.DS + "dsa-sha1", more + "RSA-SHA256", forge.RSA_SHA256 + " "):
        error = errors.Sha1NotAllowed if uri.endswith("sha1") else errors.AlgorithmNotAllowed
        REDIRECTED.add(f"the algorithm {shortened(uri)}", error, swap(plain, escaped(forge.RSA_SHA256), escaped(uri)))
    for uri in (more + "rsa-sha512", more_2007 + "sha256-rsa-MGF1", forge.ECDSA_SHA256):
        REDIRECTED.add(
            f"a signature of RSA-SHA256 that says {shortened(uri)}",
            errors.SignatureInvalid,
            swap(plain, escaped(forge.RSA_SHA256), escaped(uri)),
        )
    _curves()
    REDIRECTED.add("a signature that is not base64", errors.NotBase64, re.sub(rb"Signature=.*", b"Signature=!", plain))


def _curves() -> None:
    curve = forge.key("curve", "p256")
    honest, der = _with_der(curve)
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    for name, value in (
        ("zeros", bytes(64)),
        ("zeros in DER", encode_dss_signature(0, 0)),
        ("the order of the curve in DER", encode_dss_signature(order, order)),
        ("numbers beyond the curve in DER", encode_dss_signature(1 << 300, 1)),
        ("DER with something behind it", der + b"\0"),
        ("DER whose length is written the long way", b"\x30\x81" + der[1:]),
        ("DER that is cut off", der[:-1]),
    ):
        written = _with_signature(honest, value)
        REDIRECTED.add(
            f"ECDSA of {name}", errors.SignatureInvalid, written, "CVE-2022-21449", certificates=(certificate(curve),)
        )


def _with_der(curve: forge.IdpKey) -> tuple[bytes, bytes]:
    """Return a query signed with ECDSA, and its signature in DER."""
    query = Query(key=curve, algorithm=forge.ECDSA_SHA256).written()
    raw = base64.b64decode(unquote_to_bytes(query.partition(b"&Signature=")[2]))
    return query, encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))


def _with_signature(query: bytes, value: bytes) -> bytes:
    return query.partition(b"&Signature=")[0] + b"&Signature=" + escaped(base64.b64encode(value).decode()).encode()


def _packings() -> None:
    e = redirect_errors
    bomb = deflate(message().encode() + b" " * 40_000_000)
    for name, packed, error in (
        ("a bomb of 40 MB", bomb, errors.TooLarge),
        ("data with a header of zlib", zlib.compress(message().encode()), e.DeflateInvalid),
        ("data that is cut off", deflate(message().encode())[:-5], e.DeflateInvalid),
        ("data with something behind it", deflate(message().encode()) + b"<x/>", e.DeflateInvalid),
        ("two packed documents", deflate(message().encode()) * 2, e.DeflateInvalid),
        ("a document that is not packed", message().encode(), e.DeflateInvalid),
        ("nothing packed", deflate(b""), errors.MalformedXml),
        ("two bytes that are no data", b"\xff\xff", e.DeflateInvalid),
        ("UTF-16 packed", deflate(message().encode("utf-16")), errors.MalformedXml),
    ):
        REDIRECTED.add(f"signed: {name}", error, Query(packed=packed).written())
    REDIRECTED.add("an unsigned bomb", errors.SignatureInvalid, Query(key=EVIL, packed=bomb).written())


def _documents() -> None:
    for name, xml, error in (
        ("a document type", "<!DOCTYPE x>" + message(), errors.ForbiddenXml),
        ("a response of a sign-in", Recipe().xml(), logout_errors.NotALogoutMessage),
        ("a logout response", message("LogoutResponse"), logout_errors.NotALogoutMessage),
        ("an AuthnRequest", message("AuthnRequest", ""), logout_errors.NotALogoutMessage),
        ("a message with a signature of its own", signed().decode(), logout_errors.SignedTwice),
        ("another destination", message(Destination="https://other.example/slo"), errors.DestinationMismatch),
        ("no destination", message(Destination=None), errors.DestinationMissing),
        ("another issuer", message().replace(f">{forge.IDP}<", ">https://evil.example<"), errors.IssuerMismatch),
        (
            "a request that has expired",
            message(NotOnOrAfter=forge.instant(forge.NOW - SKEW)),
            logout_errors.LogoutExpired,
        ),
        (
            "a request from the future",
            message(IssueInstant=forge.instant(forge.NOW + timedelta(hours=1))),
            errors.IssuedInFuture,
        ),
        ("a comment in the NameID", message(content="<saml:NameID>ada<!---->.evil</saml:NameID>"), errors.ForbiddenXml),
    ):
        REDIRECTED.add(f"signed: {name}", error, Query(xml=xml).written())


def _lower(text: str) -> str:
    return escaped(text, lower=True)


def passing() -> list[Passing]:
    """Return the forms that identity providers write."""
    curve, more_2007 = forge.key("curve", "p256"), "http://www.w3.org/2007/05/xmldsig-more#"
    swapped = Query(relay_state="x", edit=lambda text: "&".join(reversed(text.split("&"))))
    deflate = escaped("urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE")
    named = Query(edit=lambda text: f"{text}&SAMLEncoding={deflate}")
    return [
        Passing("a signed query", judge_redirected, Query().written()),
        Passing(
            "a signed query of a response",
            judge_redirected,
            Query(xml=message("LogoutResponse"), kind="SAMLResponse").written(),
        ),
        Passing("a signed query with RelayState", judge_redirected, Query(relay_state="to/here + now & ü").written()),
        Passing("a signed query with an empty RelayState", judge_redirected, Query(relay_state="").written()),
        Passing(
            "escapes in lower case, as .NET writes them",
            judge_redirected,
            Query(relay_state="a/b", escape=_lower).written(),
        ),
        Passing("spaces as plus signs", judge_redirected, Query(relay_state="a b", escape=quote_plus).written()),
        Passing("a query in another order than was signed", judge_redirected, swapped.written()),
        Passing("an encoding that is named", judge_redirected, named.written()),
        Passing("PSS over a query", judge_redirected, Query(algorithm=more_2007 + "sha256-rsa-MGF1").written()),
        Passing(
            "ECDSA over a query",
            judge_redirected,
            Query(key=curve, algorithm=forge.ECDSA_SHA256).written(),
            {"certificates": (certificate(curve),)},
        ),
        Passing(
            "ECDSA in DER over a query, as OpenSAML writes it",
            judge_redirected,
            _with_signature(*_with_der(curve)),
            {"certificates": (certificate(curve),)},
        ),
    ]


_parameters()
_escapes()
_signed_escapes()
_algorithms()
_packings()
_documents()
