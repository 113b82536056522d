"""Each check of a response by itself, for people who look at a message. Lets nobody in: `responses.verify_response` does that.

Verification stops at the first failure. Here the same rules run one by one, so that everything that is wrong shows at once.
Where the signature does not verify, what is read further is what the message claims, and marked so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Literal, TypeVar

from vestibule.kernel.text import N_
from vestibule.saml import names, tags, xml
from vestibule.saml.assertions import Assertion, read_assertion
from vestibule.saml.certificates import Certificate, parse_certificate
from vestibule.saml.encryption import open_encrypted
from vestibule.saml.envelopes import (
    Envelope,
    read_envelope,
    validate_count,
    validate_destination,
    validate_in_response_to,
    validate_issued,
    validate_issuer,
    validate_response_issuer,
    validate_status,
)
from vestibule.saml.errors import SamlError
from vestibule.saml.expectations import Expectations
from vestibule.saml.keys import DecryptionKey
from vestibule.saml.responses import verify_response, verify_signatures
from vestibule.saml.rules import (
    validate_audiences,
    validate_authn,
    validate_confirmation,
    validate_confirmations,
    validate_not_before,
    validate_not_expired,
    validate_session,
)
from vestibule.saml.signatures import SIGNATURE, find_signature
from vestibule.saml.subjects import Confirmation
from vestibule.saml.trace import CHECKS, Trace

Result = Literal["passed", "failed", "not_checked", "not_reached"]
FITS_OWN_CERTIFICATE: Final = N_(
    "It fits the certificate that came with the message, so nothing was changed on the way. That proves nothing about who sent it."
)
NOT_KNOWN: Final = N_("What is expected is not known here, so this was not compared.")
REQUESTS_ARE_FORGOTTEN: Final = N_(
    "Whether we asked for it can’t be told: requests are forgotten once they are answered or expired."
)
AS_CLAIMED: Final = N_("As claimed: the signature does not vouch for it.")
_CERTIFICATE: Final = f"{{{names.DS}}}X509Certificate"
_MAX_CERTIFICATES: Final = 4
_OF_THE_ENVELOPE: Final = [name for name, _ in CHECKS].index("name_id")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Measure:
    """What a message is measured against, as far as it is known. All of it is ours; None is not compared."""

    now: datetime
    idp_entity_id: str | None = None
    certificates: tuple[Certificate, ...] = ()
    acs_url: str | None = None
    sp_entity_id: str | None = None
    in_response_to: str | None = None
    decryption_keys: tuple[DecryptionKey, ...] = field(default=(), repr=False)
    allow_cbc: bool = False
    refuse_expired: bool = False
    context_classes: tuple[str, ...] = ()
    clock_skew_seconds: int = 120
    unsolicited: bool = False
    authn_after: datetime | None = None

    @classmethod
    def of(cls, expectations: Expectations) -> Measure:
        """Return the measure of one response whose expectations are known: all of it is compared."""
        return cls(
            now=expectations.now,
            idp_entity_id=expectations.idp_entity_id or None,
            certificates=expectations.certificates,
            acs_url=expectations.acs_url,
            sp_entity_id=expectations.sp_entity_id,
            in_response_to=expectations.in_response_to,
            decryption_keys=expectations.decryption_keys,
            allow_cbc=expectations.allow_cbc,
            refuse_expired=expectations.refuse_expired,
            context_classes=expectations.context_classes,
            clock_skew_seconds=expectations.clock_skew_seconds,
            unsolicited=expectations.unsolicited,
            authn_after=expectations.authn_after,
        )

    @property
    def complete(self) -> bool:
        """Say whether enough is known to tell if a sign-in would be accepted."""
        return bool(self.idp_entity_id and self.certificates and self.acs_url and self.sp_entity_id)


@dataclass(frozen=True, slots=True)
class Finding:
    """One check. `expected` and `received` are safe to show; `note` is a msgid; `code` is that of the error, for what to change."""

    name: str
    title: str
    outcome: Result
    expected: str = ""
    received: str = ""
    note: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """A response that was looked at: every check, and the assertion, which is a claim unless `verified`.

    `accepted` is the verdict of `verify_response`, None where too little is known for one. `opened` was encrypted.
    """

    findings: tuple[Finding, ...]
    verified: bool
    accepted: bool | None
    assertion: Assertion | None = None
    opened: xml.Element | None = None


def judge_response(data: bytes, measure: Measure) -> Judged:
    """Return every check of an untrusted response, each by itself. Raises nothing for what is wrong with it."""
    judge = _Judge(measure)
    try:
        envelope = read_envelope(xml.parse_untrusted(data))
    except SamlError as error:
        judge.fail(error)
        return Judged(judge.findings(), verified=False, accepted=False)
    judge.passed["message"] = Finding("message", "", "passed")
    _judge_envelope(judge, envelope)
    verified, element, opened = _judge_signature(judge, data, envelope)
    assertion = None if element is None else judge.run(lambda _: read_assertion(element, judge.open_id))
    if assertion is not None:
        _judge_assertion(judge, assertion)
    accepted = _verdict(judge, data)
    return Judged(judge.findings(claimed=not verified), verified, accepted, assertion, opened)


class _Judge:
    """Collects findings. What is not known is filled in from the message itself, and then marked as not compared."""

    def __init__(self, measure: Measure) -> None:
        self.measure = measure
        self.passed: dict[str, Finding] = {}
        self.failed: dict[str, Finding] = {}
        self.request: str | None = measure.in_response_to
        self.verified = False
        self.expectations = Expectations(
            idp_entity_id=measure.idp_entity_id or "",
            certificates=measure.certificates,
            acs_url=measure.acs_url or "",
            sp_entity_id=measure.sp_entity_id or "",
            in_response_to=measure.in_response_to,
            now=measure.now,
            decryption_keys=measure.decryption_keys,
            allow_cbc=measure.allow_cbc,
            refuse_expired=measure.refuse_expired,
            context_classes=measure.context_classes,
            clock_skew_seconds=measure.clock_skew_seconds,
            authn_after=measure.authn_after,
        )

    def open_id(self, element: xml.Element) -> xml.Element:
        """Open an EncryptedID."""
        return open_encrypted(element, self.expectations, signed=self.verified).root

    def fail(self, error: SamlError, note: str = "") -> None:
        """Record the first failure of a check."""
        found = Finding(
            error.check, "", "failed", error.expected, error.received or error.reason, note, code=type(error).code
        )
        self.failed.setdefault(error.check, found)

    def run(self, rule: Callable[[Trace], _T], note: str = "") -> _T | None:
        """Run one rule; what passed with a value that was filled in carries a `note`, and counts as not compared."""
        trace = Trace()
        result = None
        try:
            result = rule(trace)
        except SamlError as error:
            self.fail(error)
        for check in trace.checks():
            if check.outcome == "passed":
                outcome: Result = "not_checked" if note else "passed"
                expected = "" if note else check.expected
                self.passed[check.name] = Finding(check.name, "", outcome, expected, check.received, note)
        return result

    def findings(self, *, claimed: bool = False) -> tuple[Finding, ...]:
        """Return every check in order."""
        of_the_assertion = [name for name, _ in CHECKS][_OF_THE_ENVELOPE:]
        found = []
        for name, title in CHECKS:
            one = self.failed.get(name) or self.passed.get(name) or Finding(name, title, "not_reached")
            note = one.note or (AS_CLAIMED if claimed and name in of_the_assertion else "")
            found.append(replace(one, title=title, note=note if one.outcome != "not_reached" else ""))
        return tuple(found)


def _judge_envelope(judge: _Judge, envelope: Envelope) -> None:
    facts, measure = envelope.facts, judge.measure
    judge.request = measure.in_response_to or facts.in_response_to
    if measure.unsolicited and judge.request is None:
        judge.expectations = replace(judge.expectations, unsolicited=True)
    claimed = replace(
        judge.expectations,
        idp_entity_id=measure.idp_entity_id or facts.issuer or "",
        acs_url=measure.acs_url or facts.destination or "",
        in_response_to=judge.request,
    )
    judge.run(lambda trace: validate_status(facts, trace))
    judge.run(
        lambda trace: validate_in_response_to(facts, claimed, trace),
        "" if measure.in_response_to or judge.request is None else REQUESTS_ARE_FORGOTTEN,
    )
    judge.run(
        lambda trace: validate_response_issuer(envelope, claimed, trace), "" if measure.idp_entity_id else NOT_KNOWN
    )
    judge.run(lambda trace: validate_destination(envelope, claimed, trace), "" if measure.acs_url else NOT_KNOWN)
    judge.run(lambda _: validate_issued(facts.issue_instant, "the response", claimed))
    judge.run(lambda trace: validate_count(envelope, judge.expectations, trace))


def _judge_signature(
    judge: _Judge, data: bytes, envelope: Envelope
) -> tuple[bool, xml.Element | None, xml.Element | None]:
    """Return whether the assertion is verified, the assertion without its signature, and what was opened."""
    if sum(envelope.counts) != 1 or (envelope.encrypted and not judge.measure.decryption_keys):
        return False, None, None
    root = xml.parse_untrusted(data)
    try:
        found = verify_signatures(root, read_envelope(root), judge.expectations)
    except SamlError as error:
        if judge.measure.certificates or not _is_signed(data):
            judge.fail(error, FITS_OWN_CERTIFICATE if _fits_own_certificate(data, judge) else "")
        else:
            note = FITS_OWN_CERTIFICATE if _fits_own_certificate(data, judge) else NOT_KNOWN
            judge.passed["signature"] = Finding("signature", "", "not_checked", note=note)
    else:
        judge.passed["signature"] = Finding(
            "signature", "", "passed", found.proof.describe(), f"{found.proof.describe()}, on {found.signed}"
        )
        judge.verified = True
        return True, found.element, found.element if found.encryption else None
    return False, *_claimed(judge, data)


def _claimed(judge: _Judge, data: bytes) -> tuple[xml.Element | None, xml.Element | None]:
    envelope = read_envelope(xml.parse_untrusted(data))
    try:
        opened = open_encrypted(envelope.encrypted[0], judge.expectations, signed=False) if envelope.encrypted else None
        element = opened.root if opened else envelope.assertions[0]
        signature = find_signature(element, tags.ISSUER)
    except SamlError as error:
        judge.fail(error)
        return None, None
    if signature is not None:
        xml.remove(signature)
    return element, opened.root if opened else None


def _is_signed(data: bytes) -> bool:
    return next(xml.parse_untrusted(data).iter(SIGNATURE), None) is not None


def _fits_own_certificate(data: bytes, judge: _Judge) -> bool:
    # Tells a message that was changed from one whose sender is not the expected one. It never makes a message pass.
    root = xml.parse_untrusted(data)
    texts = [each.text or "" for each in root.iter(_CERTIFICATE)][:_MAX_CERTIFICATES]
    try:
        brought = tuple(dict.fromkeys(parse_certificate(text) for text in texts))
        verify_signatures(root, read_envelope(root), replace(judge.expectations, certificates=brought))
    except SamlError:
        return False
    return True


def _judge_assertion(judge: _Judge, assertion: Assertion) -> None:
    measure, audiences = judge.measure, assertion.conditions.audiences
    issuer = measure.idp_entity_id or assertion.issuer
    claimed = replace(
        judge.expectations,
        idp_entity_id=issuer,
        sp_entity_id=measure.sp_entity_id or (audiences[0][0] if audiences and audiences[0] else ""),
    )
    judge.run(lambda _: validate_issuer(assertion.issuer, claimed))
    judge.run(lambda _: validate_issued(assertion.issue_instant, "the assertion", claimed))
    judge.run(lambda trace: trace.passed("name_id", "a NameID", assertion.subject.name_id))
    _judge_confirmations(judge, assertion)
    judge.run(lambda trace: validate_not_before(assertion, claimed, trace))
    condition = assertion.conditions.not_on_or_after
    if condition is not None:
        judge.run(lambda _: validate_not_expired(condition, claimed))
    judge.run(
        lambda trace: validate_audiences(assertion.conditions, claimed, trace),
        "" if measure.sp_entity_id else NOT_KNOWN,
    )
    judge.run(lambda trace: validate_session(assertion.authn, claimed, trace))
    judge.run(lambda trace: validate_authn(assertion.authn, claimed, trace))


def _judge_confirmations(judge: _Judge, assertion: Assertion) -> None:
    # As in verification one that passes is enough; where none does, the most fitting one is shown rule by rule.
    measure, every = judge.measure, assertion.subject.confirmations
    chosen = min(every, key=lambda each: (each.method != names.BEARER, each.recipient != measure.acs_url), default=None)
    expectations = replace(
        judge.expectations,
        acs_url=measure.acs_url or (chosen.recipient if chosen else None) or "",
        in_response_to=judge.request,
    )
    note = "" if measure.acs_url else NOT_KNOWN
    trace = Trace()
    try:
        end = validate_confirmations(assertion.subject, expectations, trace)
    except SamlError as error:
        if chosen is None:
            judge.fail(error)
        else:
            _judge_one(judge, chosen, expectations)
        return
    judge.run(lambda trace: trace.passed("subject_confirmation", "bearer", "bearer"))
    judge.run(lambda trace: trace.passed("recipient", expectations.acs_url, expectations.acs_url), note)
    shown = end if assertion.conditions.not_on_or_after is None else min(end, assertion.conditions.not_on_or_after)
    judge.run(lambda trace: trace.passed("not_on_or_after", f"later than {measure.now:%FT%TZ}", f"{shown:%FT%TZ}"))


def _judge_one(judge: _Judge, confirmation: Confirmation, expectations: Expectations) -> None:
    # After each failure that rule's value is taken as it came, so that the next rule is heard, too.
    failed: list[str] = []
    while True:
        try:
            validate_confirmation(confirmation, expectations)
        except SamlError as error:
            judge.fail(error)
            if error.check in failed:
                break
            failed.append(error.check)
            if error.check == "recipient" and confirmation.recipient:
                expectations = replace(expectations, acs_url=confirmation.recipient)
            elif error.check == "in_response_to":
                expectations = replace(expectations, in_response_to=confirmation.in_response_to)
            else:
                break
        else:
            break
    if "subject_confirmation" not in failed:
        judge.run(lambda trace: trace.passed("subject_confirmation", "bearer", "bearer"))
        if "recipient" not in failed:
            judge.run(lambda trace: trace.passed("recipient", expectations.acs_url, confirmation.recipient or ""))


def _verdict(judge: _Judge, data: bytes) -> bool | None:
    """Ask the real verification, and say no better of any check than it does."""
    if not judge.measure.complete:
        return False if judge.failed else None
    try:
        verify_response(data, replace(judge.expectations, in_response_to=judge.request))
    except SamlError as error:
        judge.fail(error)
        return False
    return True
