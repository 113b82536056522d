"""Every reason for which a SAML message is refused. One class per reason, each with the clause it stands on.

`str(error)` is one sentence that a stranger may read. `.reason`, `.expected`, `.received` and `.checks` are for the admin
and the log; they are bounded and printable, but untrusted.
"""

from __future__ import annotations

from typing import ClassVar, Final

from vestibule.kernel.errors import VestibuleError
from vestibule.kernel.text import N_
from vestibule.saml.trace import Check, showable

_CORE: Final = "saml-core-2.0-os "
_PROFILES: Final = "saml-profiles-2.0-os "
_DSIG: Final = "xmldsig-core1 "
_CONFUSED: Final = N_("Your organisation’s sign-in service sent an answer that can’t be accepted.")
_SETUP: Final = N_("Your organisation’s sign-in service is not set up correctly for this page.")


class SamlError(VestibuleError):
    """A SAML message, certificate or metadata document is refused. `spec` is the clause, `check` the check it fails."""

    code = "saml"
    public = _CONFUSED
    spec: ClassVar[str] = _CORE + "3.2.2"
    check: ClassVar[str] = "message"

    def __init__(self, reason: str = "", *, expected: str = "", received: str = "", **params: str) -> None:
        super().__init__(showable(reason), **params)
        self.expected = showable(expected)
        self.received = showable(received)
        self.checks: tuple[Check, ...] = ()


# The document


class NotBase64(SamlError):
    """The form field is not base64."""

    code = "saml_not_base64"
    spec = "saml-bindings-2.0-os 3.5.4"


class TooLarge(SamlError):
    """The message is longer, deeper or has more parts than any honest one."""

    code = "saml_too_large"
    spec = "saml-bindings-2.0-os 3.5"


class MalformedXml(SamlError):
    """The bytes are not well-formed XML 1.0 in UTF-8."""

    code = "saml_malformed_xml"
    spec = "REC-xml 2.1"


class ForbiddenXml(SamlError):
    """The document has a DTD, a processing instruction, or a comment inside a value: well-formed, and never honest."""

    code = "saml_forbidden_xml"
    spec = _CORE + "1.1"


class UnexpectedElement(SamlError):
    """An element, attribute or text stands where the schema has none, or where we accept none."""

    code = "saml_unexpected_element"
    spec = _CORE + "1.1"


class MissingElement(SamlError):
    """Something that the schema requires is not there."""

    code = "saml_missing_element"
    spec = _CORE + "1.1"


class InvalidValue(SamlError):
    """A value has not the form that its type asks for."""

    code = "saml_invalid_value"
    spec = _CORE + "1.3"


class InvalidTime(InvalidValue):
    """A time is not an xs:dateTime in UTC with Z."""

    code = "saml_invalid_time"
    spec = _CORE + "1.3.3"


class InvalidDuration(InvalidValue):
    """A length of time is not an xs:duration."""

    code = "saml_invalid_duration"


class DuplicateId(SamlError):
    """Two elements carry the same ID, or an attribute that looks like one."""

    code = "saml_duplicate_id"
    spec = _CORE + "1.3.4"


class NotAResponse(SamlError):
    """The document is not a samlp:Response."""

    code = "saml_not_a_response"
    spec = _CORE + "3.3.3"


class VersionUnsupported(SamlError):
    """Version is not 2.0."""

    code = "saml_version"
    spec = _CORE + "4.1"


# The response


class StatusNotSuccess(SamlError):
    """The identity provider says that it did not sign the person in."""

    code = "saml_status"
    public = N_("Your organisation’s sign-in service did not complete the sign-in.")
    spec = _CORE + "3.2.2.2"
    check = "status"


class InResponseToMismatch(SamlError):
    """The answer belongs to another request than the one that this browser made."""

    code = "saml_in_response_to"
    public = N_("This answer belongs to another sign-in. Please start again.")
    spec = _PROFILES + "4.1.4.3"
    check = "in_response_to"


class Unsolicited(InResponseToMismatch):
    """The answer belongs to no request."""

    code = "saml_unsolicited"
    public = N_("This sign-in was not started here. Please start again.")
    spec = _PROFILES + "4.1.5"


class IssuerMismatch(SamlError):
    """The issuer is not the identity provider of this connection."""

    code = "saml_issuer"
    public = _SETUP
    spec = _PROFILES + "4.1.4.2"
    check = "idp_entity_id"


class IssuerMissing(IssuerMismatch):
    """A signed response does not say who issued it."""

    code = "saml_issuer_missing"


class DestinationMismatch(SamlError):
    """The response was meant for another address."""

    code = "saml_destination"
    public = _SETUP
    spec = _CORE + "3.2.2"
    check = "destination"


class DestinationMissing(DestinationMismatch):
    """A signed response does not say where it belongs."""

    code = "saml_destination_missing"
    spec = "saml-bindings-2.0-os 3.5.5.2"


class AssertionCount(SamlError):
    """There is not exactly one assertion."""

    code = "saml_assertion_count"
    spec = _PROFILES + "4.1.4.2"
    check = "assertion"


class EncryptedNotSupported(SamlError):
    """A single attribute is encrypted; or the assertion or the NameID, and there is no key to open it."""

    code = "saml_encrypted"
    public = N_("Your organisation’s sign-in service encrypts its answers in a way that this page can’t read.")
    spec = _CORE + "2.3.4"
    check = "assertion"


# Signatures


class SignatureMissing(SamlError):
    """Neither the response nor the assertion is signed."""

    code = "saml_unsigned"
    public = _SETUP
    spec = _PROFILES + "4.1.3.5"
    check = "signature"


class SignatureInvalid(SamlError):
    """No configured certificate made this signature, or what it covers was changed."""

    code = "saml_signature"
    public = _SETUP
    spec = _DSIG + "3.2.2"
    check = "signature"


class DigestMismatch(SignatureInvalid):
    """The signed element was changed after it was signed."""

    code = "saml_digest"
    public = _CONFUSED
    spec = _DSIG + "3.2.1"


class SignatureMalformed(SignatureInvalid):
    """The ds:Signature is not of the one form that SAML needs, or stands in the wrong place."""

    code = "saml_signature_malformed"
    public = _CONFUSED
    spec = _CORE + "5.4"


class SignatureReferenceInvalid(SignatureInvalid):
    """The signature does not cover exactly the element in which it stands."""

    code = "saml_signature_reference"
    public = _CONFUSED
    spec = _CORE + "5.4.2"


class TransformNotAllowed(SignatureInvalid):
    """A transform or canonicalization other than enveloped-signature and exclusive C14N."""

    code = "saml_transform"
    public = _CONFUSED
    spec = _CORE + "5.4.3"


class AlgorithmNotAllowed(SignatureInvalid):
    """The signature or digest algorithm is not one that we accept."""

    code = "saml_algorithm"
    spec = _CORE + "5.4"


class Sha1NotAllowed(AlgorithmNotAllowed):
    """SHA-1. The sentence says what to change, because old AD FS and Shibboleth servers still use it."""

    code = "saml_sha1"
    public = N_("Your organisation’s sign-in service signs with SHA-1, which is broken. It has to sign with SHA-256.")


class CertificateMissing(SignatureInvalid):
    """There is no certificate to verify with."""

    code = "saml_no_certificate"


class CertificateExpired(SignatureInvalid):
    """The certificate that made this signature has ended, and the connection refuses such ones."""

    code = "saml_certificate_expired"
    public = _SETUP


# The assertion


class SubjectInvalid(SamlError):
    """There is no NameID, or it is empty, or it is not a plain text."""

    code = "saml_name_id"
    public = _SETUP
    spec = _CORE + "2.4.1"
    check = "name_id"


class SubjectConfirmationInvalid(SamlError):
    """No bearer confirmation is of the form that the Web SSO profile asks for."""

    code = "saml_subject_confirmation"
    public = _SETUP
    spec = _PROFILES + "4.1.4.2"
    check = "subject_confirmation"


class RecipientMismatch(SamlError):
    """The assertion was meant for another address."""

    code = "saml_recipient"
    public = _SETUP
    spec = _PROFILES + "4.1.4.2"
    check = "recipient"


class NotYetValid(SamlError):
    """The assertion is not valid yet."""

    code = "saml_not_before"
    public = N_("This sign-in is not valid yet: a clock is wrong. Please try again in some minutes.")
    spec = _CORE + "2.5.1.2"
    check = "not_before"


class IssuedInFuture(NotYetValid):
    """The message, the assertion or the sign-in itself claims a moment that is still to come."""

    code = "saml_issued_in_future"
    spec = _CORE + "2.3.3"


class Expired(SamlError):
    """The assertion is not valid any more; the instant of expiry is expired."""

    code = "saml_expired"
    public = N_("This sign-in took too long and has expired. Please try again.")
    spec = _CORE + "2.5.1.2"
    check = "not_on_or_after"


class IssuedLongAgo(Expired):
    """The message claims to be more than a day old."""

    code = "saml_issued_long_ago"
    spec = _CORE + "3.2.2"


class AudienceMismatch(SamlError):
    """The assertion was issued for another service provider."""

    code = "saml_audience"
    public = _SETUP
    spec = _CORE + "2.5.1.4"
    check = "audience"


class ConditionUnknown(SamlError):
    """There is a condition that we don't understand, so the assertion's validity can't be known."""

    code = "saml_condition"
    spec = _CORE + "2.5.1.1"
    check = "audience"


class AuthnStatementMissing(SamlError):
    """The assertion does not say that anybody was signed in."""

    code = "saml_authn_statement"
    spec = _PROFILES + "4.1.4.2"
    check = "session_not_on_or_after"


class AuthnTooOld(SamlError):
    """A request with ForceAuthn was answered with a sign-in from before it."""

    code = "saml_authn_too_old"
    public = N_("Your organisation’s sign-in service did not ask you to sign in again, which this page needs.")
    spec = _CORE + "3.4.1"
    check = "authn_instant"


class AuthnContextMismatch(SamlError):
    """The person signed in in another way than one of those that were asked for exactly."""

    code = "saml_authn_context"
    public = N_("You signed in at your organisation’s sign-in service in a way that is not enough for this page.")
    spec = _CORE + "3.3.2.2.1"
    check = "authn_context"


class SessionEnded(SamlError):
    """The session at the identity provider has already ended."""

    code = "saml_session_ended"
    public = N_("Your session at your organisation’s sign-in service has ended. Please sign in again.")
    spec = _CORE + "2.7.2"
    check = "session_not_on_or_after"
