"""The switches of the sign-in page: each turns a correct answer into one specific wrong one.

Owns what each switch changes. Replay changes nothing: the identity provider posts its last answer again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import Final

from vestibule.practice.encrypting import damage_ciphertext
from vestibule.practice.keys import KeyPair
from vestibule.practice.people import PEOPLE
from vestibule.practice.responses import STATUS_AUTHN_FAILED, NewId, ResponsePlan, build_response
from vestibule.practice.signing import RSA_SHA1


class Misbehaviour(StrEnum):
    """What the answer gets wrong; the values are those of the form."""

    NONE = "none"
    WRONG_AUDIENCE = "wrong-audience"
    WRONG_RECIPIENT = "wrong-recipient"
    WRONG_DESTINATION = "wrong-destination"
    WRONG_ISSUER = "wrong-issuer"
    OTHER_REQUEST = "other-request"
    NO_REQUEST = "no-request"
    EXPIRED = "expired"
    NOT_YET_VALID = "not-yet-valid"
    UNSIGNED = "unsigned"
    TAMPERED = "tampered"
    OTHER_CERTIFICATE = "other-certificate"
    SHA1 = "sha-1"
    TWO_ASSERTIONS = "two-assertions"
    REPLAY = "replay"
    AUTHN_FAILED = "authn-failed"


class Signing(StrEnum):
    """Which element carries a signature; real identity providers differ, and each form is legitimate."""

    BOTH = "both"
    ASSERTION = "assertion"
    RESPONSE = "response"


@dataclass(frozen=True, slots=True)
class Forger:
    """What a wrong answer needs beside the right one: a certificate that nobody was told about."""

    other_key: KeyPair


Change = Callable[[ResponsePlan, Forger], ResponsePlan]

LABELS: Final[dict[Misbehaviour, str]] = {
    Misbehaviour.NONE: "Behave: a correct response",
    Misbehaviour.WRONG_AUDIENCE: "Wrong audience",
    Misbehaviour.WRONG_RECIPIENT: "Wrong recipient",
    Misbehaviour.WRONG_DESTINATION: "Wrong destination",
    Misbehaviour.WRONG_ISSUER: "Wrong issuer",
    Misbehaviour.OTHER_REQUEST: "Answer to another request",
    Misbehaviour.NO_REQUEST: "Answer to no request",
    Misbehaviour.EXPIRED: "Expired",
    Misbehaviour.NOT_YET_VALID: "Not yet valid",
    Misbehaviour.UNSIGNED: "Unsigned",
    Misbehaviour.TAMPERED: "Tampered with after signing",
    Misbehaviour.OTHER_CERTIFICATE: "Signed with another certificate",
    Misbehaviour.SHA1: "SHA-1 signature",
    Misbehaviour.TWO_ASSERTIONS: "Two assertions",
    Misbehaviour.REPLAY: "Replay: the previous response again",
    Misbehaviour.AUTHN_FAILED: "Status: AuthnFailed",
}

SIGNING_LABELS: Final[dict[Signing, str]] = {
    Signing.BOTH: "Response and assertion",
    Signing.ASSERTION: "Assertion only",
    Signing.RESPONSE: "Response only",
}


def _two_people(plan: ResponsePlan, _: Forger) -> ResponsePlan:
    second = next(person for person in PEOPLE if person not in plan.people)
    return replace(plan, people=(*plan.people, second))


def _expired(plan: ResponsePlan, _: Forger) -> ResponsePlan:
    # Ten minutes: well past the two that service providers allow for clocks that differ.
    past = timedelta(minutes=10)
    return replace(plan, not_before=plan.not_before - 2 * past, not_on_or_after=plan.issue_instant - past)


def _not_yet_valid(plan: ResponsePlan, _: Forger) -> ResponsePlan:
    ahead = timedelta(minutes=10)
    return replace(plan, not_before=plan.issue_instant + ahead, not_on_or_after=plan.not_on_or_after + 2 * ahead)


_CHANGES: Final[dict[Misbehaviour, Change]] = {
    Misbehaviour.WRONG_AUDIENCE: lambda plan, _: replace(plan, audience="https://another-app.example/saml/metadata"),
    Misbehaviour.WRONG_RECIPIENT: lambda plan, _: replace(plan, recipient="https://another-app.example/saml/acs"),
    Misbehaviour.WRONG_DESTINATION: lambda plan, _: replace(plan, destination="https://another-app.example/saml/acs"),
    Misbehaviour.WRONG_ISSUER: lambda plan, _: replace(plan, issuer="https://another-idp.example/metadata"),
    Misbehaviour.OTHER_REQUEST: lambda plan, _: replace(plan, in_response_to="_a-request-that-nobody-made"),
    Misbehaviour.NO_REQUEST: lambda plan, _: replace(plan, in_response_to=""),
    Misbehaviour.EXPIRED: _expired,
    Misbehaviour.NOT_YET_VALID: _not_yet_valid,
    Misbehaviour.UNSIGNED: lambda plan, _: replace(plan, signs_response=False, signs_assertion=False),
    Misbehaviour.OTHER_CERTIFICATE: lambda plan, forger: replace(plan, key=forger.other_key),
    Misbehaviour.SHA1: lambda plan, _: replace(plan, form=RSA_SHA1),
    Misbehaviour.TWO_ASSERTIONS: _two_people,
    Misbehaviour.AUTHN_FAILED: lambda plan, _: replace(plan, status=STATUS_AUTHN_FAILED),
}


def build_answer(plan: ResponsePlan, misbehaviour: Misbehaviour, forger: Forger, new_id: NewId) -> bytes:
    """Write the response of `plan`, wrong in the one way that `misbehaviour` says (REPLAY is the caller's to do)."""
    change = _CHANGES.get(misbehaviour)
    document = build_response(change(plan, forger) if change else plan, new_id)
    return _tampered(document, plan) if misbehaviour is Misbehaviour.TAMPERED else document


def _tampered(document: bytes, plan: ResponsePlan) -> bytes:
    """Put another person in the place of the one who signed in, under the signature made for the first.

    Whoever can't read an encrypted assertion can only damage it.
    """
    if plan.encrypts_for is not None:
        return damage_ciphertext(document)
    victim = next(person for person in PEOPLE if person not in plan.people)
    return document.replace(plan.people[0].email.encode(), victim.email.encode())
