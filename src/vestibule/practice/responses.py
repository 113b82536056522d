"""SAML responses written from a plan. Owns the XML; what is right or wrong in it is decided in `misbehaviour`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Final

from cryptography.hazmat.primitives.asymmetric import rsa

from vestibule.practice.encrypting import encrypt_assertions
from vestibule.practice.keys import KeyPair
from vestibule.practice.people import Person
from vestibule.practice.signing import RSA_SHA256, SignatureForm, sign_element

NAME_ID_EMAIL: Final = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
AUTHN_CONTEXT: Final = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
STATUS_SUCCESS: Final = "urn:oasis:names:tc:SAML:2.0:status:Success"
STATUS_RESPONDER: Final = "urn:oasis:names:tc:SAML:2.0:status:Responder"
STATUS_AUTHN_FAILED: Final = "urn:oasis:names:tc:SAML:2.0:status:AuthnFailed"
_BEARER: Final = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
_BASIC: Final = "urn:oasis:names:tc:SAML:2.0:attrname-format:basic"

NewId = Callable[[], str]
"""Gives a fresh XML ID (an NCName) at each call; randomness comes in as an argument."""


@dataclass(frozen=True, slots=True)
class ResponsePlan:
    """Every value of a response before it is written: one assertion per person, signed as said, by `key`.

    With `encrypts_for` each assertion is encrypted for that key, between its own signature and that of the response.
    """

    issuer: str
    destination: str
    recipient: str
    audience: str
    in_response_to: str
    issue_instant: datetime
    not_before: datetime
    not_on_or_after: datetime
    people: tuple[Person, ...]
    key: KeyPair
    signs_response: bool
    signs_assertion: bool
    form: SignatureForm = RSA_SHA256
    status: str = STATUS_SUCCESS
    encrypts_for: rsa.RSAPublicKey | None = None


def build_response(plan: ResponsePlan, new_id: NewId) -> bytes:
    """Write and sign the response that `plan` describes (Core 3.3.3), as UTF-8 XML."""
    response_id = new_id()
    assertion_ids = [new_id() for _ in plan.people] if plan.status == STATUS_SUCCESS else []
    assertions = [
        _assertion(plan, person, assertion_id, new_id())
        for person, assertion_id in zip(plan.people, assertion_ids, strict=False)
    ]
    document = _response(plan, response_id, "".join(assertions)).encode()
    if plan.signs_assertion:
        for assertion_id in assertion_ids:
            document = sign_element(document, assertion_id, plan.key, plan.form)
    if plan.encrypts_for is not None:
        document = encrypt_assertions(document, plan.encrypts_for)
    if plan.signs_response:
        document = sign_element(document, response_id, plan.key, plan.form)
    return document


def _response(plan: ResponsePlan, response_id: str, assertions: str) -> str:
    if plan.status == STATUS_SUCCESS:
        status = f'<samlp:StatusCode Value="{STATUS_SUCCESS}"/>'
    else:
        status = (
            f'<samlp:StatusCode Value="{STATUS_RESPONDER}"><samlp:StatusCode Value="{plan.status}"/></samlp:StatusCode>'
            "<samlp:StatusMessage>The person could not be signed in.</samlp:StatusMessage>"
        )
    return (
        '<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"'
        ' xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"'
        f' ID="{response_id}" Version="2.0" IssueInstant="{_instant(plan.issue_instant)}"'
        f' Destination="{escape(plan.destination)}"{_in_response_to(plan)}>'
        f"<saml:Issuer>{escape(plan.issuer)}</saml:Issuer>"
        f"<samlp:Status>{status}</samlp:Status>{assertions}</samlp:Response>"
    )


def _assertion(plan: ResponsePlan, person: Person, assertion_id: str, session_index: str) -> str:
    not_on_or_after = _instant(plan.not_on_or_after)
    return (
        f'<saml:Assertion ID="{assertion_id}" Version="2.0" IssueInstant="{_instant(plan.issue_instant)}">'
        f"<saml:Issuer>{escape(plan.issuer)}</saml:Issuer>"
        f'<saml:Subject><saml:NameID Format="{NAME_ID_EMAIL}">{escape(person.email)}</saml:NameID>'
        f'<saml:SubjectConfirmation Method="{_BEARER}"><saml:SubjectConfirmationData'
        f' NotOnOrAfter="{not_on_or_after}" Recipient="{escape(plan.recipient)}"{_in_response_to(plan)}/>'
        "</saml:SubjectConfirmation></saml:Subject>"
        f'<saml:Conditions NotBefore="{_instant(plan.not_before)}" NotOnOrAfter="{not_on_or_after}">'
        f"<saml:AudienceRestriction><saml:Audience>{escape(plan.audience)}</saml:Audience></saml:AudienceRestriction>"
        "</saml:Conditions>"
        f'<saml:AuthnStatement AuthnInstant="{_instant(plan.issue_instant)}" SessionIndex="{session_index}">'
        f"<saml:AuthnContext><saml:AuthnContextClassRef>{AUTHN_CONTEXT}</saml:AuthnContextClassRef>"
        "</saml:AuthnContext></saml:AuthnStatement>"
        f"<saml:AttributeStatement>{_attributes(person)}</saml:AttributeStatement></saml:Assertion>"
    )


def _attributes(person: Person) -> str:
    values: dict[str, tuple[str, ...]] = {
        "email": (person.email,),
        "displayName": (person.name,),
        "firstName": (person.first_name,),
        "lastName": (person.last_name,),
        "groups": person.groups,
    }
    return "".join(
        f'<saml:Attribute Name="{name}" NameFormat="{_BASIC}">'
        + "".join(f"<saml:AttributeValue>{escape(value)}</saml:AttributeValue>" for value in texts)
        + "</saml:Attribute>"
        for name, texts in values.items()
        if texts
    )


def _in_response_to(plan: ResponsePlan) -> str:
    return f' InResponseTo="{escape(plan.in_response_to)}"' if plan.in_response_to else ""


def _instant(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
