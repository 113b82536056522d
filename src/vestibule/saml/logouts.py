"""Single Logout: verifying a LogoutRequest or LogoutResponse that arrived, and writing our own (saml-core 3.7, saml-profiles 4.4).

Every message has to be signed: by its own ds:Signature where it was posted, by that of the query where it was redirected.
Not here: which sessions are meant, and which of our requests is answered; those need storage.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Final

from vestibule.kernel.text import N_
from vestibule.saml import names, reading, xml
from vestibule.saml.encoding import format_instant, parse_instant
from vestibule.saml.encryption import open_encrypted
from vestibule.saml.envelopes import OURS, read_issuer, read_status, validate_issued, validate_issuer, validate_version
from vestibule.saml.errors import (
    DestinationMismatch,
    DestinationMissing,
    IssuerMissing,
    SamlError,
    SignatureInvalid,
    SignatureMissing,
    TooLarge,
)
from vestibule.saml.expectations import Expectations
from vestibule.saml.logout_errors import LogoutExpired, NotALogoutMessage, SignedTwice
from vestibule.saml.redirects import MAX_RELAY_STATE_BYTES, Kind, read_redirect, verify_redirect
from vestibule.saml.responses import decode_post
from vestibule.saml.signatures import SIGNATURE, find_signature, verify_enveloped
from vestibule.saml.subjects import NameId, find_name_id, read_name_id
from vestibule.saml.trace import Check, Trace
from vestibule.saml.writing import element, leaf

__all__ = [
    "LOGOUT_CHECKS",
    "LogoutMessage",
    "LogoutRequest",
    "LogoutResponse",
    "NameId",
    "failed_check",
    "logout_request",
    "logout_response",
    "verify_posted",
    "verify_redirected",
]

# In the order in which they run; those behind the signature are about verified values. The titles are msgids.
LOGOUT_CHECKS: Final[tuple[tuple[str, str], ...]] = (
    ("message", N_("Message is well formed")),
    ("signature", N_("Signature")),
    ("idp_entity_id", N_("Issuer")),
    ("destination", N_("Destination")),
    ("not_before", N_("Not before")),
    ("not_on_or_after", N_("Not on or after")),
    ("name_id", N_("Subject")),
)
_P: Final = f"{{{names.SAMLP}}}"
_A: Final = f"{{{names.SAML}}}"
_REQUEST: Final = _P + "LogoutRequest"
_RESPONSE: Final = _P + "LogoutResponse"
_ROOTS: Final[dict[Kind, str]] = {"SAMLRequest": _REQUEST, "SAMLResponse": _RESPONSE}
_BOTH: Final = frozenset({"ID", "Version", "IssueInstant", "Destination", "Consent", f"{{{names.XSI}}}schemaLocation"})
_ATTRIBUTES: Final = {_REQUEST: _BOTH | {"NotOnOrAfter", "Reason"}, _RESPONSE: _BOTH | {"InResponseTo"}}
_NONE: Final[frozenset[str]] = frozenset()
_MAX_INDEXES: Final = 256


@dataclass(frozen=True, slots=True)
class LogoutRequest:
    """A verified request to end the sessions of a person: those of `session_indexes`, or all where there are none."""

    request_id: str
    issuer: str
    issue_instant: datetime
    name_id: NameId
    session_indexes: tuple[str, ...]
    relay_state: str | None
    proof: str
    checks: tuple[Check, ...] = field(default=(), repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class LogoutResponse:
    """A verified answer to a LogoutRequest. `status` are its codes, the outermost first."""

    response_id: str
    issuer: str
    in_response_to: str | None
    status: tuple[str, ...]
    status_message: str
    relay_state: str | None
    proof: str
    checks: tuple[Check, ...] = field(default=(), repr=False, compare=False)

    @property
    def complete(self) -> bool:
        """Say whether everybody else ended their sessions, too: a partial logout is Success with a second code (3.7.3.2)."""
        return self.status == (names.STATUS_SUCCESS,)

    @property
    def status_text(self) -> str:
        """Return `Responder / PartialLogout`, for the record; untrusted."""
        return " / ".join(code.rpartition(":")[2] for code in self.status)


LogoutMessage = LogoutRequest | LogoutResponse


@dataclass(frozen=True, slots=True)
class _Facts:
    """What both messages say about themselves, and what is their own."""

    message_id: str
    issuer: str | None
    issue_instant: datetime
    destination: str | None
    in_response_to: str | None = None
    not_on_or_after: datetime | None = None
    name_id: NameId | None = None
    session_indexes: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    status_message: str = ""


def verify_posted(posted: str, kind: Kind, expectations: Expectations, relay_state: str | None = None) -> LogoutMessage:
    """Return an untrusted form field as a verified message (saml-bindings 3.5). `expectations.acs_url` is our logout address.

    RelayState of a form is never signed. Raises SamlError; its `.checks` has every check.
    """
    trace = Trace(LOGOUT_CHECKS)
    try:
        if relay_state is not None and len(relay_state.encode("utf-8", "replace")) > MAX_RELAY_STATE_BYTES:
            # The answer may go back in an address, which proxies cut.
            raise TooLarge("RelayState is too long", expected=f"{MAX_RELAY_STATE_BYTES} bytes")
        root = xml.parse_untrusted(decode_post(posted))
        facts, proof = _verify_enveloped(root, kind, expectations, trace)
        return _judge(facts, proof, kind, expectations, trace, relay_state)
    except SamlError as error:
        raise _traced(error, trace) from None


def peek_issuer(posted: str) -> str | None:
    """Return whom an untrusted form field says that it is from: unverified, and None where nothing can be read."""
    try:
        issuer = xml.parse_untrusted(decode_post(posted)).find(_A + "Issuer")
        return None if issuer is None else read_issuer(issuer)
    except SamlError:
        return None


def verify_redirected(query: bytes, expectations: Expectations) -> LogoutMessage:
    """Return an untrusted query string, as it was received, as a verified message (saml-bindings 3.4).

    The signature is verified over the octets before anything is inflated or parsed. Raises SamlError with `.checks`.
    """
    trace = Trace(LOGOUT_CHECKS)
    try:
        redirect = read_redirect(query)
        trace.passed("message")
        verified = verify_redirect(redirect, expectations.certificates)
        root = xml.parse_untrusted(verified.document)
        facts = _read(root, verified.kind, expectations, opens=True)
        if next(root.iter(SIGNATURE), None) is not None:
            raise SignedTwice("a message in a signed query has a signature of its own")
        return _judge(facts, verified.proof, verified.kind, expectations, trace, verified.relay_state)
    except SamlError as error:
        raise _traced(error, trace) from None


def logout_request(
    request_id: str,
    issue_instant: datetime,
    not_on_or_after: datetime,
    destination: str,
    sp_entity_id: str,
    name_id: NameId,
    session_index: str | None,
) -> bytes:
    """Return an unsigned samlp:LogoutRequest for one session of ours (saml-core 3.7.1); its binding signs it."""
    named = leaf(
        "saml:NameID",
        name_id.value,
        Format=name_id.format,
        NameQualifier=name_id.name_qualifier,
        SPNameQualifier=name_id.sp_name_qualifier,
    )
    index = "" if session_index is None else leaf("samlp:SessionIndex", session_index)
    return _declared(
        "samlp:LogoutRequest",
        leaf("saml:Issuer", sp_entity_id) + named + index,
        ID=request_id,
        Version="2.0",
        IssueInstant=format_instant(issue_instant),
        Destination=destination,
        NotOnOrAfter=format_instant(not_on_or_after),
        Reason="urn:oasis:names:tc:SAML:2.0:logout:user",
    )


def logout_response(
    response_id: str, issue_instant: datetime, destination: str, sp_entity_id: str, in_response_to: str
) -> bytes:
    """Return an unsigned samlp:LogoutResponse that says Success (saml-core 3.7.2); its binding signs it."""
    status = element("samlp:Status", element("samlp:StatusCode", Value=names.STATUS_SUCCESS))
    return _declared(
        "samlp:LogoutResponse",
        leaf("saml:Issuer", sp_entity_id) + status,
        ID=response_id,
        Version="2.0",
        IssueInstant=format_instant(issue_instant),
        Destination=destination,
        InResponseTo=in_response_to,
    )


def _declared(tag: str, content: str, **attributes: str) -> bytes:
    declared = f'<{tag} xmlns:samlp="{names.SAMLP}" xmlns:saml="{names.SAML}"'
    return element(tag, content, **attributes).replace(f"<{tag}", declared, 1).encode()


def failed_check(error: SamlError) -> str:
    """Return which of LOGOUT_CHECKS a refusal fails; what is encrypted in a logout is the subject, not an assertion."""
    return "name_id" if error.check == "assertion" else error.check


def _traced(error: SamlError, trace: Trace) -> SamlError:
    trace.failed(failed_check(error), error.expected, error.received or error.reason)
    error.checks = trace.checks()
    return error


def _verify_enveloped(root: xml.Element, kind: Kind, expectations: Expectations, trace: Trace) -> tuple[_Facts, str]:
    # What is encrypted is opened under a verified signature only: otherwise each refusal would tell something of it.
    shown = _read(root, kind, expectations, opens=False)
    trace.passed("message")
    if find_signature(root, _A + "Issuer") is None:
        raise SignatureMissing("the message is not signed", expected="a signature", received="none")
    proof = verify_enveloped(root, expectations.certificates)
    verified = xml.parse_canonical(proof.canonical)
    if next(verified.iter(SIGNATURE), None) is not None:
        raise SignatureInvalid("the verified bytes have another signature")
    facts = _read(verified, kind, expectations, opens=True)
    if replace(facts, name_id=shown.name_id and facts.name_id) != shown:
        raise SignatureInvalid("the verified bytes say something else than the message")
    return facts, proof.describe()


def _read(root: xml.Element, kind: Kind, expectations: Expectations, *, opens: bool) -> _Facts:
    wanted = _ROOTS[kind]
    if root.tag != wanted:
        raise NotALogoutMessage("another message than a logout in this field", expected=wanted, received=str(root.tag))
    validate_version(root)
    reading.validate_attributes(root, _ATTRIBUTES[wanted])
    find_signature(root, _A + "Issuer")
    children = reading.Children(root)
    issuer = children.optional(_A + "Issuer")
    children.optional(SIGNATURE)
    extensions = children.optional(_P + "Extensions")
    if extensions is not None:
        reading.validate_foreign(extensions, OURS)
    facts = _Facts(
        message_id=reading.required_attribute(root, "ID"),
        issuer=None if issuer is None else read_issuer(issuer),
        issue_instant=parse_instant(reading.required_attribute(root, "IssueInstant"), "IssueInstant"),
        destination=root.get("Destination"),
    )
    if kind == "SAMLResponse":
        status, message = read_status(children.required(_P + "Status"))
        children.end()
        return replace(facts, in_response_to=root.get("InResponseTo"), status=status, status_message=message)
    return _read_request(root, children, facts, expectations, opens=opens)


def _read_request(
    root: xml.Element, children: reading.Children, facts: _Facts, expectations: Expectations, *, opens: bool
) -> _Facts:
    encrypted = None if opens else children.optional(_A + "EncryptedID")
    name_id = None if encrypted is not None else find_name_id(children, partial(_open_id, expectations))
    indexes = children.several(_P + "SessionIndex")
    children.end()
    if len(indexes) > _MAX_INDEXES:
        raise TooLarge("too many SessionIndex", expected=f"{_MAX_INDEXES} or fewer", received=str(len(indexes)))
    for index in indexes:
        reading.validate_attributes(index, _NONE)
    end = root.get("NotOnOrAfter")
    return replace(
        facts,
        not_on_or_after=None if end is None else parse_instant(end, "NotOnOrAfter"),
        name_id=None if name_id is None else read_name_id(name_id),
        session_indexes=tuple(reading.without_layout(reading.text_of(index)) for index in indexes),
    )


def _open_id(expectations: Expectations, encrypted_id: xml.Element) -> xml.Element:
    return open_encrypted(encrypted_id, expectations, signed=True).root


def _judge(
    facts: _Facts, proof: str, kind: Kind, expectations: Expectations, trace: Trace, relay_state: str | None
) -> LogoutMessage:
    trace.passed("message")
    trace.passed("signature", proof, proof)
    if facts.issuer is None:
        raise IssuerMissing("the message has no issuer", expected=expectations.idp_entity_id, received="none")
    validate_issuer(facts.issuer, expectations)
    trace.passed("idp_entity_id", expectations.idp_entity_id, facts.issuer)
    _validate_destination(facts.destination, expectations.acs_url)
    trace.passed("destination", expectations.acs_url, expectations.acs_url)
    validate_issued(facts.issue_instant, "the message", expectations)
    trace.passed("not_before", format_instant(expectations.now), format_instant(facts.issue_instant))
    if facts.not_on_or_after is not None and expectations.now - facts.not_on_or_after >= expectations.skew:
        end = format_instant(facts.not_on_or_after)
        raise LogoutExpired(
            "the request has expired", expected=f"before {end}", received=format_instant(expectations.now)
        )
    trace.passed("not_on_or_after")
    if kind == "SAMLResponse" or facts.name_id is None:
        return LogoutResponse(
            facts.message_id,
            facts.issuer,
            facts.in_response_to,
            facts.status,
            facts.status_message,
            relay_state,
            proof,
            trace.checks(),
        )
    trace.passed("name_id", "a NameID", facts.name_id.value)
    return LogoutRequest(
        facts.message_id,
        facts.issuer,
        facts.issue_instant,
        facts.name_id,
        facts.session_indexes,
        relay_state,
        proof,
        trace.checks(),
    )


def _validate_destination(destination: str | None, expected: str) -> None:
    # Every message is signed, and without a destination it could be carried to another service provider (3.4.5.2, 3.5.5.2).
    if destination is None:
        raise DestinationMissing("the message has no destination", expected=expected, received="none")
    if destination != expected:
        raise DestinationMismatch("it is for another destination", expected=expected, received=destination)
