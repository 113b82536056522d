"""The rules on a verified assertion: for whom, for where, for when (saml-core 2.5, saml-profiles 4.1.4). Reads no XML."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

from vestibule.saml import names
from vestibule.saml.assertions import Assertion, Authn, Conditions
from vestibule.saml.encoding import format_instant
from vestibule.saml.envelopes import validate_issued, validate_issuer
from vestibule.saml.errors import (
    AudienceMismatch,
    AuthnContextMismatch,
    AuthnTooOld,
    Expired,
    InResponseToMismatch,
    InvalidValue,
    IssuedInFuture,
    NotYetValid,
    RecipientMismatch,
    SamlError,
    SessionEnded,
    SubjectConfirmationInvalid,
)
from vestibule.saml.expectations import Expectations
from vestibule.saml.subjects import Confirmation, Subject
from vestibule.saml.trace import Trace, Value

_LATEST = datetime.max.replace(tzinfo=UTC)


def validate_assertion(assertion: Assertion, expectations: Expectations, trace: Trace) -> datetime:
    """Return until when the assertion could be replayed, skew included; raise the SamlError of the first rule it breaks."""
    validate_issuer(assertion.issuer, expectations)
    validate_issued(assertion.issue_instant, "the assertion", expectations)
    trace.passed("idp_entity_id", expectations.idp_entity_id, assertion.issuer)
    trace.passed("name_id", "a NameID", assertion.subject.name_id)
    confirmation = validate_confirmations(assertion.subject, expectations, trace)
    validate_not_before(assertion, expectations, trace)
    _validate_not_on_or_after(assertion.conditions.not_on_or_after, confirmation, expectations, trace)
    validate_audiences(assertion.conditions, expectations, trace)
    validate_session(assertion.authn, expectations, trace)
    validate_authn(assertion.authn, expectations, trace)
    return _replayable_until(assertion, expectations)


def validate_confirmations(subject: Subject, expectations: Expectations, trace: Trace) -> datetime:
    """Return until when the first passing bearer confirmation holds; raise the error of the first one when none passes."""
    # One passing bearer confirmation is enough: identity providers write one for each address that they know.
    first_error: SamlError | None = None
    if expectations.unsolicited and any(each.in_response_to is not None for each in subject.confirmations):
        # It answers a request, so it was made for somebody who had asked, and may have been taken from them.
        raise InResponseToMismatch("an unsolicited assertion answers a request", expected="none", received="a request")
    for confirmation in subject.confirmations:
        try:
            not_on_or_after = validate_confirmation(confirmation, expectations)
        except SamlError as error:
            first_error = first_error or error
        else:
            trace.passed("subject_confirmation", "bearer", "bearer")
            trace.passed("recipient", expectations.acs_url, confirmation.recipient or "")
            return not_on_or_after
    if first_error is not None:
        _record_progress(first_error, expectations, trace)
        raise first_error
    raise SubjectConfirmationInvalid("there is no confirmation", expected="bearer", received="none")


def _record_progress(error: SamlError, expectations: Expectations, trace: Trace) -> None:
    # So that the admin reads which parts of the confirmation were right.
    if error.check != "subject_confirmation":
        trace.passed("subject_confirmation", "bearer", "bearer")
        if error.check != "recipient":
            trace.passed("recipient", expectations.acs_url, expectations.acs_url)


def validate_confirmation(confirmation: Confirmation, expectations: Expectations) -> datetime:
    """Return until when a bearer confirmation holds; raise the error of the first rule it breaks (saml-profiles 4.1.4.2)."""
    if confirmation.method != names.BEARER:
        raise SubjectConfirmationInvalid("not a bearer", expected=names.BEARER, received=confirmation.method)
    if confirmation.not_before is not None:
        raise SubjectConfirmationInvalid(
            "a bearer confirmation must not have NotBefore",
            expected="no NotBefore",
            received=format_instant(confirmation.not_before),
        )
    if confirmation.not_on_or_after is None:
        raise SubjectConfirmationInvalid("no NotOnOrAfter", expected="NotOnOrAfter", received="none")
    if confirmation.recipient != expectations.acs_url:
        raise RecipientMismatch(
            "it is for another recipient", expected=expectations.acs_url, received=confirmation.recipient or "none"
        )
    # The one on the response may be outside of what is signed; this one never is. Without it a stolen assertion of
    # another sign-in could be given to somebody else's browser.
    if confirmation.in_response_to != expectations.in_response_to:
        raise InResponseToMismatch(
            "the assertion answers another request",
            expected=expectations.in_response_to or "",
            received=confirmation.in_response_to or "none",
        )
    validate_not_expired(confirmation.not_on_or_after, expectations)
    return confirmation.not_on_or_after


def validate_not_expired(not_on_or_after: datetime, expectations: Expectations) -> None:
    """Raise Expired when an end has come, skew allowed."""
    if expectations.now - not_on_or_after >= expectations.skew:
        raise Expired(
            "expired",
            expected=f"later than {format_instant(expectations.now)}",
            received=format_instant(not_on_or_after),
        )


def validate_not_before(assertion: Assertion, expectations: Expectations, trace: Trace) -> None:
    """Raise NotYetValid or IssuedInFuture for what lies in the future, skew allowed."""

    def expected() -> str:
        return f"{format_instant(expectations.now)} or earlier"

    now, not_before = expectations.now, assertion.conditions.not_before
    if not_before is not None and not_before - now > expectations.skew:
        raise NotYetValid("not valid yet", expected=expected(), received=format_instant(not_before))
    if assertion.authn.authn_instant - now > expectations.skew:
        raise IssuedInFuture(
            "signed in in the future", expected=expected(), received=format_instant(assertion.authn.authn_instant)
        )
    trace.passed("not_before", expected, _lazy(not_before))


def _validate_not_on_or_after(
    condition: datetime | None, confirmation: datetime, expectations: Expectations, trace: Trace
) -> None:
    earliest = confirmation if condition is None else min(condition, confirmation)
    validate_not_expired(earliest, expectations)
    trace.passed("not_on_or_after", lambda: f"later than {format_instant(expectations.now)}", _lazy(earliest))


def validate_audiences(conditions: Conditions, expectations: Expectations, trace: Trace) -> None:
    """Raise AudienceMismatch unless each restriction names us (saml-core 2.5.1.4)."""
    if conditions.not_before and conditions.not_on_or_after and conditions.not_before >= conditions.not_on_or_after:
        raise InvalidValue("the conditions end before they begin")
    if not conditions.audiences:
        raise AudienceMismatch("there is no audience", expected=expectations.sp_entity_id, received="none")
    # Restrictions are AND-ed, the audiences inside one are OR-ed (saml-core 2.5.1.4).
    for audiences in conditions.audiences:
        if expectations.sp_entity_id not in audiences:
            raise AudienceMismatch(
                "it is for another audience", expected=expectations.sp_entity_id, received=", ".join(audiences)
            )
    trace.passed("audience", expectations.sp_entity_id, ", ".join(conditions.audiences[0]))


def validate_session(authn: Authn, expectations: Expectations, trace: Trace) -> None:
    """Raise SessionEnded when the session at the identity provider is over: no skew, for ours would end as it begins."""
    end = authn.session_not_on_or_after
    if end is not None and expectations.now >= end:
        raise SessionEnded(
            "the session there has ended",
            expected=f"later than {format_instant(expectations.now)}",
            received=format_instant(end),
        )
    trace.passed("session_not_on_or_after", "not ended", _lazy(end))


def validate_authn(authn: Authn, expectations: Expectations, trace: Trace) -> None:
    """Raise AuthnTooOld or AuthnContextMismatch where something was asked for that did not come back."""
    # An identity provider that knows no ForceAuthn answers from the session that it has; the instant tells (saml-core 3.4.1).
    after = expectations.authn_after
    if after is None:
        trace.passed("authn_instant", "any time", _lazy(authn.authn_instant))
    elif after - authn.authn_instant > expectations.skew:
        raise AuthnTooOld(
            "the sign-in is older than the request",
            expected=f"{format_instant(after)} or later",
            received=format_instant(authn.authn_instant),
        )
    else:
        trace.passed("authn_instant", partial(format_instant, after), _lazy(authn.authn_instant))
    received = authn.authn_context_class_ref or "none"
    wanted = ", ".join(expectations.context_classes)
    if wanted and received not in expectations.context_classes:
        raise AuthnContextMismatch("they signed in there in another way", expected=wanted, received=received)
    trace.passed("authn_context", wanted or "any", received)


def _lazy(instant: datetime | None) -> Value:
    return "not limited" if instant is None else partial(format_instant, instant)


def _replayable_until(assertion: Assertion, expectations: Expectations) -> datetime:
    # Until the last confirmation has ended, or the conditions have: the longer memory of the two that still binds.
    ends = [each.not_on_or_after for each in assertion.subject.confirmations if each.not_on_or_after is not None]
    last = max(ends)
    if assertion.conditions.not_on_or_after is not None:
        last = min(last, assertion.conditions.not_on_or_after)
    return last + expectations.skew if last < _LATEST - expectations.skew else _LATEST
