"""Logout messages that must not end or keep a session: posted ones, and those whose signature is over a query string."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from tests.saml import forge
from tests.saml.forge import Recipe, Signing
from tests.saml.forge_encryption import Encryption, encrypt
from tests.saml.forge_logout import SLO
from tests.saml.hostile.corpus import EVIL, SIGNATURE, Family, part, shortened, sub, swap
from tests.saml.verifying import certificate, expectations
from vestibule.saml import errors, logout_errors
from vestibule.saml.encryption_errors import CbcNotAllowed, DecryptionFailed, EncryptionMalformed
from vestibule.saml.logouts import LogoutMessage, verify_posted
from vestibule.saml.redirects import Kind

_SUCCESS: Final = f'<samlp:Status><samlp:StatusCode Value="{forge.SUCCESS}"/></samlp:Status>'
_NAME_ID: Final = '<saml:NameID Format="f">ada@example.com</saml:NameID>'
_INDEX: Final = "<samlp:SessionIndex>_session1</samlp:SessionIndex>"
SKEW: Final = timedelta(seconds=120)


def judge_posted(data: bytes, kind: Kind = "SAMLRequest", **changes: Any) -> LogoutMessage:
    """Verify a posted message, which says itself what it is, in the field `kind`."""
    return verify_posted(forge.post_field(data), kind, expectations(acs_url=SLO, **changes))


POSTED = Family(
    "logout messages",
    "A response in place of a logout message, the reverse, one that is unsigned, wrapped, for others, too old, or of another shape.",
    "saml-core 3.7; saml-profiles 4.4",
    judge_posted,
)


def message(name: str = "LogoutRequest", content: str | None = None, **attributes: str | None) -> str:
    """Return an unsigned logout message; None leaves an attribute out."""
    standard: dict[str, str | None] = {
        "ID": "_logout1",
        "Version": "2.0",
        "IssueInstant": forge.instant(forge.NOW),
        "Destination": SLO,
        "InResponseTo": forge.REQUEST_ID if name == "LogoutResponse" else None,
    }
    written = {**standard, **attributes}
    head = "".join(f' {each}="{value}"' for each, value in written.items() if value is not None)
    inner = (_NAME_ID + _INDEX if name == "LogoutRequest" else _SUCCESS) if content is None else content
    issuer = f"<saml:Issuer>{forge.IDP}</saml:Issuer>"
    return f'<samlp:{name} xmlns:samlp="{forge.SAMLP}" xmlns:saml="{forge.SAML}"{head}>{issuer}{inner}</samlp:{name}>'


def signed(xml: str | None = None, signing: Signing | None = None) -> bytes:
    """Return a message with an enveloped signature."""
    return forge.sign_xml(message() if xml is None else xml, "_logout1", signing)


def _kinds() -> None:
    response = forge.response(sign="both")
    for kind in ("SAMLRequest", "SAMLResponse"):
        POSTED.add(f"a signed response of a sign-in as {kind}", logout_errors.NotALogoutMessage, response, kind=kind)
    POSTED.add("a logout response as SAMLRequest", logout_errors.NotALogoutMessage, signed(message("LogoutResponse")))
    POSTED.add("a logout request as SAMLResponse", logout_errors.NotALogoutMessage, signed(), kind="SAMLResponse")
    for name in ("AuthnRequest", "ArtifactResponse", "ManageNameIDRequest", "Response", "logoutRequest"):
        POSTED.add(
            f"{name} with the content of a logout request",
            logout_errors.NotALogoutMessage,
            signed(message(name, _NAME_ID)),
        )
    POSTED.add(
        "a signed assertion", logout_errors.NotALogoutMessage, forge.sign_xml(Recipe().assertion_xml(), "_assertion1")
    )
    POSTED.add(
        "a logout request of another namespace",
        logout_errors.NotALogoutMessage,
        message().replace(forge.SAMLP, forge.SAMLP + "#"),
    )


def _unsigned() -> None:
    POSTED.add("an unsigned response", errors.SignatureMissing, message("LogoutResponse"), kind="SAMLResponse")
    inner = message(content='<saml:NameID ID="_inner">ada@example.com</saml:NameID>')
    POSTED.add("a signature over the NameID alone", errors.UnexpectedElement, forge.sign_xml(inner, "_inner"))
    POSTED.add("unsigned", errors.SignatureMissing, message())
    POSTED.add(
        "the signature stripped", errors.SignatureMissing, swap(sub(signed(), SIGNATURE, ""), "_session1", "_session2")
    )
    POSTED.add(
        "an empty signature",
        errors.SignatureMalformed,
        sub(signed(), SIGNATURE, f'<ds:Signature xmlns:ds="{forge.DS}"/>'),
    )
    POSTED.add("signed by a stranger", errors.SignatureInvalid, signed(signing=Signing(key=EVIL)))
    POSTED.add("SHA-1", errors.Sha1NotAllowed, signed(signing=Signing(algorithm=forge.RSA_SHA1)))
    POSTED.add(
        "HMAC with the certificate",
        errors.AlgorithmNotAllowed,
        signed(signing=Signing(algorithm=forge.HMAC_SHA256, hmac_key=forge.key().certificate_der)),
    )
    POSTED.add("no certificate is configured", errors.CertificateMissing, signed(), certificates=())
    for before, after in (("ada@", "eve@"), ("_session1", "_session2"), ("_logout1", "_logout2")):
        error = errors.DigestMismatch if before != "_logout1" else errors.SignatureReferenceInvalid
        POSTED.add(f"{before} changed to {after}", error, signed().replace(before.encode(), after.encode(), 1))
    POSTED.add(
        "the status of a response changed",
        errors.DigestMismatch,
        swap(signed(message("LogoutResponse")), "status:Success", "status:Responder"),
        kind="SAMLResponse",
    )
    POSTED.add("a reference to nothing", errors.SignatureReferenceInvalid, signed(signing=Signing(reference_uri="")))
    signature = part(signed(), SIGNATURE)
    POSTED.add("two signatures", errors.SignatureMalformed, swap(signed(), signature, signature * 2))
    POSTED.add(
        "the signature behind the NameID",
        errors.SignatureMalformed,
        swap(swap(signed(), signature, ""), "</saml:NameID>", "</saml:NameID>" + signature),
    )


def _wrapped() -> None:
    whole = signed().decode()
    signature = part(signed(), SIGNATURE)
    bare = whole.replace(signature, "")
    evil = message(content="<saml:NameID>eve@example.com</saml:NameID>", ID="_evil")
    behind = "</saml:Issuer><saml:NameID"
    for name, put, error in (
        (
            "XSW1: the signed request inside the signature of the forged one",
            signature.replace("</ds:Signature>", bare + "</ds:Signature>"),
            errors.SignatureMalformed,
        ),
        (
            "XSW1: the signed request in an Object of that signature",
            signature.replace("</ds:Signature>", f"<ds:Object>{bare}</ds:Object></ds:Signature>"),
            errors.SignatureMalformed,
        ),
        ("the forged request has the signature", signature, errors.SignatureReferenceInvalid),
        ("the signed request in Extensions", f"<samlp:Extensions>{whole}</samlp:Extensions>", errors.UnexpectedElement),
        (
            "a signed sign-in response in Extensions",
            f"<samlp:Extensions>{forge.response(sign='both').decode()}</samlp:Extensions>",
            errors.UnexpectedElement,
        ),
        ("the signed request before the NameID", whole, errors.SubjectInvalid),
    ):
        POSTED.add(name, error, evil.replace(behind, f"</saml:Issuer>{put}<saml:NameID"))
    POSTED.add(
        "the signed request at the end of a forged one",
        errors.UnexpectedElement,
        evil.replace("</samlp:LogoutRequest>", whole + "</samlp:LogoutRequest>"),
    )
    second = forge.sign_xml(message(content=_NAME_ID + "<samlp:SessionIndex>x</samlp:SessionIndex>"), "_logout1")
    POSTED.add(
        "the signature of an older request with the same ID",
        errors.DigestMismatch,
        swap(signed(), signature, part(second, SIGNATURE)),
    )


def _rules() -> None:
    for issuer in ("https://evil.example", forge.IDP + "/", forge.IDP.upper(), ""):
        POSTED.add(
            f"the issuer {shortened(issuer)}",
            errors.IssuerMismatch,
            signed(message().replace(f">{forge.IDP}<", f">{issuer}<")),
        )
    POSTED.add("no issuer", errors.IssuerMissing, signed(re.sub("<saml:Issuer>.*</saml:Issuer>", "", message())))
    for destination in ("https://other.example/slo", SLO + "/", SLO.upper(), SLO + "?x", "", forge.ACS):
        POSTED.add(
            f"the destination {shortened(destination)}",
            errors.DestinationMismatch,
            signed(message(Destination=destination)),
        )
    POSTED.add("no destination", errors.DestinationMissing, signed(message(Destination=None)))
    for name, instant, error in (
        ("from the future", forge.NOW + SKEW + timedelta(seconds=1), errors.IssuedInFuture),
        ("of more than a day ago", forge.NOW - timedelta(days=1, seconds=1), errors.IssuedLongAgo),
    ):
        POSTED.add(f"a request {name}", error, signed(message(IssueInstant=forge.instant(instant))))
        POSTED.add(
            f"a response {name}",
            error,
            signed(message("LogoutResponse", IssueInstant=forge.instant(instant))),
            kind="SAMLResponse",
        )
    POSTED.add(
        "a request at the instant of its end",
        logout_errors.LogoutExpired,
        signed(message(NotOnOrAfter=forge.instant(forge.NOW - SKEW))),
    )
    for time in ("2026-11-23T14:18:07", "2026-11-23T15:18:07+01:00", "soon", ""):
        POSTED.add(f"IssueInstant of {time!r}", errors.InvalidTime, signed(message(IssueInstant=time)))
        POSTED.add(f"NotOnOrAfter of {time!r}", errors.InvalidTime, signed(message(NotOnOrAfter=time)))
    for version in ("1.1", "2", ""):
        POSTED.add(f"version {version!r}", errors.VersionUnsupported, signed(message(Version=version)))


def _shapes() -> None:
    for name, content, error in (
        ("no NameID", _INDEX, errors.SubjectInvalid),
        ("an empty NameID", "<saml:NameID/>", errors.SubjectInvalid),
        ("a NameID with a child", "<saml:NameID>a<saml:b/>b</saml:NameID>", errors.SubjectInvalid),
        ("a BaseID", "<saml:BaseID/>", errors.SubjectInvalid),
        ("two NameIDs", _NAME_ID * 2, errors.UnexpectedElement),
        ("the index before the NameID", _INDEX + _NAME_ID, errors.SubjectInvalid),
        (
            "an index with a child",
            _NAME_ID + "<samlp:SessionIndex>_s<saml:b/>1</samlp:SessionIndex>",
            errors.UnexpectedElement,
        ),
        (
            "an index with an attribute",
            _NAME_ID + '<samlp:SessionIndex x="y">_s</samlp:SessionIndex>',
            errors.UnexpectedElement,
        ),
        ("text", _NAME_ID + "text", errors.UnexpectedElement),
        ("a foreign element", _NAME_ID + '<x:y xmlns:x="urn:x"/>', errors.UnexpectedElement),
        (
            "a comment in the NameID",
            "<saml:NameID>ada@example.com<!---->.evil.example</saml:NameID>",
            errors.ForbiddenXml,
        ),
        (
            "a comment in the index",
            _NAME_ID + "<samlp:SessionIndex>_s<!-- -->1</samlp:SessionIndex>",
            errors.ForbiddenXml,
        ),
        ("257 indexes", _NAME_ID + _INDEX * 257, errors.TooLarge),
        ("an EncryptedID of something else", encrypt("<x/>", name="EncryptedID"), errors.SubjectInvalid),
        (
            "an EncryptedID that does not open",
            encrypt(_declared(_NAME_ID), Encryption(key=forge.key("other sp")), "EncryptedID"),
            DecryptionFailed,
        ),
        (
            "an EncryptedID of AES-CBC",
            encrypt(_declared(_NAME_ID), Encryption(cipher="aes256-cbc"), "EncryptedID"),
            CbcNotAllowed,
        ),
        ("an EncryptedID of nothing", "<saml:EncryptedID/>", EncryptionMalformed),
    ):
        POSTED.add(f"a request with {name}", error, signed(message(content=content)))


def _shapes_of_responses() -> None:
    for name, content, error in (
        ("no status", "", errors.MissingElement),
        ("two statuses", _SUCCESS * 2, errors.UnexpectedElement),
        ("a NameID", _SUCCESS + _NAME_ID, errors.UnexpectedElement),
        ("an assertion", _SUCCESS + Recipe().assertion_xml(), errors.UnexpectedElement),
    ):
        POSTED.add(f"a response with {name}", error, signed(message("LogoutResponse", content)), kind="SAMLResponse")
    POSTED.add("an unknown attribute", errors.UnexpectedElement, signed(message(Evil="1")))
    POSTED.add("an InResponseTo on a request", errors.UnexpectedElement, signed(message(InResponseTo="_x")))
    POSTED.add("a document type", errors.ForbiddenXml, b"<!DOCTYPE x>" + signed())
    POSTED.add(
        "an ID twice", errors.DuplicateId, swap(signed(), "<samlp:SessionIndex>", '<samlp:SessionIndex Id="_logout1">')
    )
    POSTED.add(
        "a message too large",
        errors.TooLarge,
        signed(message(content=_NAME_ID + "<samlp:SessionIndex>" + "x" * 300_000 + "</samlp:SessionIndex>")),
    )


def _declared(xml: str) -> str:
    return xml.replace("<saml:NameID", f'<saml:NameID xmlns:saml="{forge.SAML}"', 1)


@dataclass(frozen=True, slots=True)
class Passing:
    """A logout message that must pass, at its door."""

    name: str
    judge: Callable[..., LogoutMessage]
    data: bytes = field(repr=False)
    overrides: dict[str, Any] = field(default_factory=dict, repr=False)

    def __str__(self) -> str:
        return self.name


def passing() -> list[Passing]:
    """Return the forms that identity providers write."""
    curve = forge.key("curve", "p256")
    response = {"kind": "SAMLResponse"}
    return [
        Passing("a signed request, posted", judge_posted, signed()),
        Passing("a signed response, posted", judge_posted, signed(message("LogoutResponse")), response),
        Passing("a request without index", judge_posted, signed(message(content=_NAME_ID))),
        Passing("a request with many indexes", judge_posted, signed(message(content=_NAME_ID + _INDEX * 256))),
        Passing(
            "a request a second before its end",
            judge_posted,
            signed(message(NotOnOrAfter=forge.instant(forge.NOW - SKEW + timedelta(seconds=1)))),
        ),
        Passing(
            "an EncryptedID", judge_posted, signed(message(content=encrypt(_declared(_NAME_ID), name="EncryptedID")))
        ),
        Passing(
            "ECDSA, posted",
            judge_posted,
            signed(signing=Signing(key=curve, algorithm=forge.ECDSA_SHA256)),
            {"certificates": (certificate(curve),)},
        ),
    ]


_kinds()
_unsigned()
_wrapped()
_rules()
_shapes()
_shapes_of_responses()
