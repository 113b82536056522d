"""Verifying a samlp:Response: one pure function from bytes and expectations to a verified assertion.

Owns the order of the checks. Not here: that a response is used once, that the person may enter; those need storage.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from vestibule.saml import reading, tags, xml
from vestibule.saml.assertions import Assertion, read_assertion
from vestibule.saml.encoding import decode_base64
from vestibule.saml.encryption import open_encrypted
from vestibule.saml.envelopes import Envelope, read_envelope, validate_assertion_id, validate_envelope
from vestibule.saml.errors import (
    CertificateExpired,
    NotAResponse,
    SamlError,
    SignatureInvalid,
    SignatureMissing,
    TooLarge,
    UnexpectedElement,
)
from vestibule.saml.expectations import Expectations
from vestibule.saml.rules import validate_assertion
from vestibule.saml.signatures import VerifiedBytes, find_signature, verify_enveloped
from vestibule.saml.trace import Check, Trace

# Base64 of the largest document, with a line break every 64 characters.
_MAX_FIELD: Final = xml.MESSAGE.max_bytes * 4 // 3 * 66 // 64 + 8

Signed = Literal["response", "assertion", "both"]

__all__ = [
    "Expectations",
    "UnverifiedResponse",
    "VerifiedAssertion",
    "decode_post",
    "may_be_encrypted",
    "peek_response",
    "verify_response",
]


@dataclass(frozen=True, slots=True)
class UnverifiedResponse:
    """What a response claims, for finding the stored request and for nothing else."""

    unverified_in_response_to: str | None
    unverified_issuer: str | None
    unverified_response_id: str | None
    data: bytes = field(repr=False)
    _parsed: list[xml.Element] = field(repr=False, compare=False)

    @property
    def encrypted(self) -> bool:
        """Say whether anything may be encrypted."""
        return may_be_encrypted(self.data)

    def take_root(self) -> xml.Element:
        """Return the parsed document; verification consumes it, so a second call parses again."""
        return self._parsed.pop() if self._parsed else xml.parse_untrusted(self.data)


def may_be_encrypted(data: bytes) -> bool:
    """Say whether anything in a message may be encrypted. An element's name can't be written in another way, so no key is needed else."""
    return b"Encrypted" in data


@dataclass(frozen=True, slots=True)
class VerifiedAssertion:
    """An assertion whose signature and rules have been verified. `not_on_or_after` is how long it could be replayed, skew included.

    `attributes` merges attributes of one name in document order; nil and empty values are left out. `encryption` is the cipher
    that the assertion came in (`AES-256-GCM`), None when it came in the clear.
    """

    assertion_id: str
    issue_instant: datetime
    issuer: str
    name_id: str
    name_id_format: str | None
    name_qualifier: str | None
    sp_name_qualifier: str | None
    session_index: str | None
    session_not_on_or_after: datetime | None
    authn_instant: datetime
    authn_context_class_ref: str | None
    not_on_or_after: datetime
    attributes: Mapping[str, tuple[str, ...]]
    signed: Signed
    signature_algorithm: str
    certificate_fingerprint: str
    trace: Trace = field(repr=False, compare=False)
    encryption: str | None = None

    @property
    def checks(self) -> tuple[Check, ...]:
        """Return every check in order; written when it is asked for."""
        return self.trace.checks()


@dataclass(frozen=True, slots=True)
class Found:
    """The assertion in bytes that were verified, and how they were."""

    element: xml.Element
    signed: Signed
    proof: VerifiedBytes
    encryption: str | None


def decode_post(saml_response_field: str | bytes) -> bytes:
    """Return the bytes of an untrusted SAMLResponse form field. Raises TooLarge or NotBase64 (saml-bindings 3.5.4)."""
    if len(saml_response_field) > _MAX_FIELD:
        raise TooLarge("the form field is too long", received=f"{len(saml_response_field)} characters")
    return decode_base64(saml_response_field)


def peek_response(data: bytes) -> UnverifiedResponse:
    """Return what untrusted bytes claim about themselves, so that the stored request can be found. Raises SamlError.

    The result can be handed to `verify_response` in place of the bytes, which saves parsing them again.
    """
    root = xml.parse_untrusted(data)
    if root.tag != tags.RESPONSE:
        raise NotAResponse("the document is not a response", expected="samlp:Response", received=str(root.tag))
    first = root[0] if len(root) else None
    issuer = reading.token_of(first) if first is not None and first.tag == tags.ISSUER else None
    return UnverifiedResponse(root.get("InResponseTo"), issuer, root.get("ID"), data, [root])


def verify_response(message: bytes | UnverifiedResponse, expectations: Expectations) -> VerifiedAssertion:
    """Return the one assertion of an untrusted response, all of it from bytes that a configured certificate has signed.

    Raises SamlError; its `.checks` has every check in order, the failed one and those that were not reached included
    (saml-core 3.3.3, saml-profiles 4.1.4).
    """
    trace = Trace()
    try:
        return _verify(message, expectations, trace)
    except SamlError as error:
        trace.failed(error.check, error.expected, error.received or error.reason)
        error.checks = trace.checks()
        raise


def _verify(message: bytes | UnverifiedResponse, expectations: Expectations, trace: Trace) -> VerifiedAssertion:
    root = message.take_root() if isinstance(message, UnverifiedResponse) else xml.parse_untrusted(message)
    envelope = read_envelope(root)
    trace.passed("message")
    validate_envelope(envelope, expectations, trace)
    found = verify_signatures(root, envelope, expectations)
    if found.encryption is not None:
        trace.passed("assertion", "1", f"1, {found.encryption}")
    trace.passed("signature", found.proof.describe, found.proof.describe)

    def open_id(element: xml.Element) -> xml.Element:
        return open_encrypted(element, expectations, signed=True).root

    assertion = read_assertion(found.element, open_id)
    replayable_until = validate_assertion(assertion, expectations, trace)
    return _verified(assertion, found, replayable_until, trace)


def verify_signatures(root: xml.Element, envelope: Envelope, expectations: Expectations) -> Found:
    """Verify every signature of a response whose envelope is `envelope`; the parsed document is used up. Raises SamlError."""
    # Every signature that is present must verify. What is read afterwards comes from the outermost verified bytes; where
    # only ciphertext was verified or nothing at all, from those of the assertion's own signature.
    outer: VerifiedBytes | None = None
    sent = envelope
    if envelope.signed:
        outer = _signed(root, expectations)
        verified = read_envelope(xml.parse_canonical(outer.canonical))
        if verified.signed or verified.facts != envelope.facts or verified.counts != envelope.counts:
            raise SignatureInvalid("the verified bytes say something else than the message")
        envelope = verified
    element, encryption = _open_assertion(envelope, expectations, signed=outer is not None)
    signature = find_signature(element, tags.ISSUER)
    if signature is None:
        if outer is None:
            raise SignatureMissing("neither response nor assertion is signed", expected="a signature", received="none")
        return Found(element, "response", outer, encryption)
    if outer is None or encryption is not None:
        inner = _signed(element, expectations)
        element = xml.parse_canonical(inner.canonical)
    else:
        # As it was sent: the canonical form of the whole leaves out namespaces that only the assertion's signature counts.
        inner = _signed(sent.assertions[0], expectations)
        xml.remove(signature)
    return Found(element, "assertion" if outer is None else "both", outer or inner, encryption)


def _signed(element: xml.Element, expectations: Expectations) -> VerifiedBytes:
    certificates = expectations.certificates
    if expectations.refuse_expired:
        # A certificate may be renewed over its key: then several verify, and the one that lasts longest counts.
        certificates = tuple(sorted(certificates, key=lambda one: one.not_after, reverse=True))
    proof = verify_enveloped(element, certificates)
    ends = proof.certificate.not_after
    if expectations.refuse_expired and expectations.now >= ends:
        expected, received = f"a certificate that is valid at {expectations.now:%Y-%m-%d}", f"ended {ends:%Y-%m-%d}"
        raise CertificateExpired(proof.certificate.short_fingerprint, expected=expected, received=received)
    return proof


def _open_assertion(envelope: Envelope, expectations: Expectations, *, signed: bool) -> tuple[xml.Element, str | None]:
    if envelope.assertions:
        return envelope.assertions[0], None
    opened = open_encrypted(envelope.encrypted[0], expectations, signed=signed)
    if opened.root.tag != tags.ASSERTION:
        raise UnexpectedElement("something else than an assertion was encrypted", received=str(opened.root.tag))
    validate_assertion_id(opened.root, envelope.facts)
    return opened.root, opened.label


def _verified(assertion: Assertion, found: Found, replayable_until: datetime, trace: Trace) -> VerifiedAssertion:
    return VerifiedAssertion(
        assertion_id=assertion.assertion_id,
        issue_instant=assertion.issue_instant,
        issuer=assertion.issuer,
        name_id=assertion.subject.name_id,
        name_id_format=assertion.subject.name_id_format,
        name_qualifier=assertion.subject.name_qualifier,
        sp_name_qualifier=assertion.subject.sp_name_qualifier,
        session_index=assertion.authn.session_index,
        session_not_on_or_after=assertion.authn.session_not_on_or_after,
        authn_instant=assertion.authn.authn_instant,
        authn_context_class_ref=assertion.authn.authn_context_class_ref,
        not_on_or_after=replayable_until,
        attributes=assertion.attributes,
        signed=found.signed,
        signature_algorithm=found.proof.algorithm.label,
        certificate_fingerprint=found.proof.certificate.fingerprint,
        trace=trace,
        encryption=found.encryption,
    )
