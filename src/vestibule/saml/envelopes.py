"""The samlp:Response around an assertion: reading its exact shape, and the rules on it (saml-core 3.2.2, 3.3.3).

What is read here is unverified unless the response itself is signed; it can only refuse, never let anybody in.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from vestibule.saml import names, reading, tags, xml
from vestibule.saml.encoding import format_instant, parse_instant
from vestibule.saml.errors import (
    AssertionCount,
    DestinationMismatch,
    DestinationMissing,
    EncryptedNotSupported,
    InResponseToMismatch,
    IssuedInFuture,
    IssuedLongAgo,
    IssuerMismatch,
    IssuerMissing,
    NotAResponse,
    StatusNotSuccess,
    UnexpectedElement,
    Unsolicited,
    VersionUnsupported,
)
from vestibule.saml.expectations import Expectations
from vestibule.saml.signatures import SIGNATURE, find_signature
from vestibule.saml.trace import Trace

_ATTRIBUTES: Final = frozenset(
    {
        "ID",
        "Version",
        "IssueInstant",
        "InResponseTo",
        "Destination",
        "Consent",
        f"{{{names.XSI}}}schemaLocation",
    }
)
_FORMAT_ONLY: Final = frozenset({"Format"})
_VALUE_ONLY: Final = frozenset({"Value"})
_NONE: Final[frozenset[str]] = frozenset()
_SPOKEN: Final = frozenset({names.SAML, names.SAMLP, names.DS, names.DS11, names.XENC, names.XENC11})
OURS: Final = _SPOKEN | {""}
_LONGEST_JOURNEY: Final = timedelta(days=1)


class Facts(NamedTuple):
    """What the response says about itself."""

    response_id: str
    issue_instant: datetime
    in_response_to: str | None
    destination: str | None
    issuer: str | None
    status: tuple[str, ...]
    status_message: str


class Envelope(NamedTuple):
    """A response of the right shape: its facts, whether it carries a signature, and the assertions in it."""

    facts: Facts
    signed: bool
    assertions: list[xml.Element]
    encrypted: list[xml.Element]

    @property
    def counts(self) -> tuple[int, int]:
        """Return how many assertions there are, in the clear and encrypted."""
        return len(self.assertions), len(self.encrypted)


def read_envelope(root: xml.Element) -> Envelope:
    """Read a response child by child. Raises NotAResponse, VersionUnsupported, UnexpectedElement, MissingElement, …"""
    if root.tag != tags.RESPONSE:
        raise NotAResponse("the document is not a response", expected="samlp:Response", received=str(root.tag))
    validate_version(root)
    reading.validate_attributes(root, _ATTRIBUTES)
    signed = find_signature(root, tags.ISSUER) is not None
    children = reading.Children(root)
    issuer = children.optional(tags.ISSUER)
    children.optional(SIGNATURE)
    extensions = children.optional(tags.EXTENSIONS)
    if extensions is not None:
        reading.validate_foreign(extensions, OURS)
    status, message = read_status(children.required(tags.STATUS))
    found = children.several(tags.ASSERTION, tags.ENCRYPTED_ASSERTION)
    children.end()
    assertions = [element for element in found if element.tag == tags.ASSERTION]
    facts = Facts(
        response_id=reading.required_attribute(root, "ID"),
        issue_instant=parse_instant(reading.required_attribute(root, "IssueInstant"), "IssueInstant of the response"),
        in_response_to=root.get("InResponseTo"),
        destination=root.get("Destination"),
        issuer=None if issuer is None else read_issuer(issuer),
        status=status,
        status_message=message,
    )
    encrypted = [element for element in found if element.tag != tags.ASSERTION]
    return Envelope(facts, signed, assertions, encrypted)


def validate_version(element: xml.Element) -> None:
    """Raise VersionUnsupported unless Version is 2.0 (saml-core 4.1)."""
    if element.get("Version") != "2.0":
        raise VersionUnsupported(
            f"{reading.local_name(element)} is not of version 2.0",
            expected="2.0",
            received=element.get("Version") or "none",
        )


def read_issuer(element: xml.Element) -> str:
    """Return an entity ID out of a saml:Issuer. Raises UnexpectedElement for another Format (saml-profiles 4.1.4.2)."""
    reading.validate_attributes(element, _FORMAT_ONLY)
    if element.get("Format", names.NAME_ID_ENTITY) != names.NAME_ID_ENTITY:
        raise UnexpectedElement("the issuer is not an entity", received=element.get("Format") or "")
    return reading.token_of(element)


def read_status(status: xml.Element) -> tuple[tuple[str, ...], str]:
    """Return the codes of a samlp:Status, the outermost first, and its message. Raises UnexpectedElement, MissingElement."""
    reading.validate_attributes(status, _NONE)
    children = reading.Children(status)
    code: xml.Element | None = children.required(tags.STATUS_CODE)
    message = children.optional(tags.STATUS_MESSAGE)
    detail = children.optional(tags.STATUS_DETAIL)
    children.end()
    if message is not None:
        reading.validate_own_attributes(message)
    if detail is not None:
        # Of all extension points this one alone may hold elements of no namespace (3.2.2.4): PingFederate's Cause is one.
        reading.validate_foreign(detail, _SPOKEN)
    codes = []
    while code is not None:
        reading.validate_attributes(code, _VALUE_ONLY)
        codes.append(reading.required_attribute(code, "Value"))
        if not len(code):
            reading.validate_empty(code)
            break
        inner = reading.Children(code)
        code = inner.optional(tags.STATUS_CODE)
        inner.end()
    return tuple(codes), "" if message is None else reading.text_of(message)


def validate_envelope(envelope: Envelope, expectations: Expectations, trace: Trace) -> None:
    """Raise the SamlError of the first rule that an untrusted response breaks; record those that pass."""
    facts = envelope.facts
    validate_status(facts, trace)
    validate_in_response_to(facts, expectations, trace)
    validate_response_issuer(envelope, expectations, trace)
    validate_destination(envelope, expectations, trace)
    validate_issued(facts.issue_instant, "the response", expectations)
    validate_count(envelope, expectations, trace)


def validate_count(envelope: Envelope, expectations: Expectations, trace: Trace) -> None:
    """Raise AssertionCount or EncryptedNotSupported unless there is one assertion that we can read."""
    if envelope.encrypted and not expectations.decryption_keys:
        raise EncryptedNotSupported("the assertion is encrypted", expected="an assertion", received="encrypted")
    if sum(envelope.counts) != 1:
        raise AssertionCount("not exactly one assertion", expected="1", received=str(sum(envelope.counts)))
    if envelope.assertions:
        validate_assertion_id(envelope.assertions[0], envelope.facts)
    trace.passed("assertion", "1", "1")


def validate_assertion_id(assertion: xml.Element, facts: Facts) -> None:
    """Raise AssertionCount when response and assertion have the same ID."""
    if assertion.get("ID") == facts.response_id:
        raise AssertionCount("response and assertion have the same ID", received=facts.response_id)


def validate_status(facts: Facts, trace: Trace) -> None:
    """Raise StatusNotSuccess unless the identity provider says that the sign-in succeeded (saml-core 3.2.2.2)."""
    if facts.status[0] != names.STATUS_SUCCESS or len(facts.status) > 1:
        received = " / ".join(status.rpartition(":")[2] for status in facts.status)
        received = f"{received}: {facts.status_message}" if facts.status_message else received
        raise StatusNotSuccess("the identity provider refused", expected="Success", received=received)
    trace.passed("status", "Success", "Success")


def validate_in_response_to(facts: Facts, expectations: Expectations, trace: Trace) -> None:
    """Raise Unsolicited or InResponseToMismatch unless the response answers the stored request."""
    expected = expectations.in_response_to
    if expectations.unsolicited and facts.in_response_to is None:
        # saml-profiles 4.1.5: whoever claims to answer a request has to be answering one.
        trace.passed("in_response_to", "none: accepted without a request", "none")
        return
    if expected is None or facts.in_response_to is None:
        raise Unsolicited(
            "no request of ours belongs to this response",
            expected=expected or "a request of ours",
            received=facts.in_response_to or "none",
        )
    if facts.in_response_to != expected:
        raise InResponseToMismatch(
            "the response answers another request", expected=expected, received=facts.in_response_to
        )
    trace.passed("in_response_to", expected, facts.in_response_to)


def validate_response_issuer(envelope: Envelope, expectations: Expectations, trace: Trace) -> None:
    """Raise IssuerMissing or IssuerMismatch unless the response is from the connection's identity provider."""
    issuer = envelope.facts.issuer
    if issuer is None and envelope.signed:
        raise IssuerMissing("a signed response has no issuer", expected=expectations.idp_entity_id, received="none")
    if issuer is not None:
        validate_issuer(issuer, expectations)
    trace.passed("idp_entity_id", expectations.idp_entity_id, issuer or "none on the response")


def validate_issuer(issuer: str, expectations: Expectations) -> None:
    """Raise IssuerMismatch unless the issuer is the connection's identity provider."""
    if issuer != expectations.idp_entity_id:
        raise IssuerMismatch("it comes from another issuer", expected=expectations.idp_entity_id, received=issuer)


def validate_destination(envelope: Envelope, expectations: Expectations, trace: Trace) -> None:
    """Raise DestinationMissing or DestinationMismatch unless the response was sent to our address."""
    destination = envelope.facts.destination
    if destination is None and envelope.signed:
        # Without it a signed response could be carried from one service provider to another (saml-bindings 3.5.5.2).
        raise DestinationMissing("a signed response has no destination", expected=expectations.acs_url, received="none")
    if destination is not None and destination != expectations.acs_url:
        raise DestinationMismatch("it is for another destination", expected=expectations.acs_url, received=destination)
    trace.passed("destination", expectations.acs_url, destination or "not named")


def validate_issued(instant: datetime, what: str, expectations: Expectations) -> None:
    """Raise IssuedInFuture or IssuedLongAgo unless an IssueInstant is within a day, skew allowed."""
    now = expectations.now
    if instant - now > expectations.skew:
        raise IssuedInFuture(
            f"{what} is issued in the future",
            expected=f"{format_instant(now)} or earlier",
            received=format_instant(instant),
        )
    if now - instant > _LONGEST_JOURNEY:
        raise IssuedLongAgo(
            f"{what} is more than a day old",
            expected=f"at most a day before {format_instant(now)}",
            received=format_instant(instant),
        )
