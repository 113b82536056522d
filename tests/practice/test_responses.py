"""What the practice identity provider says, well and ill behaved."""

from __future__ import annotations

from datetime import datetime, timedelta

import httpx
import pytest

from tests.practice.conversation import ACS, NOW, SP, answer, values
from vestibule.practice.idp import PracticeIdp
from vestibule.practice.misbehaviour import Misbehaviour
from vestibule.practice.people import PEOPLE, STRANGER, Person

_FACTS = {
    "issuer": "//saml:Issuer/text()",
    "destination": "/samlp:Response/@Destination",
    "recipient": "//saml:SubjectConfirmationData/@Recipient",
    "audience": "//saml:Audience/text()",
    "in_response_to": "//@InResponseTo",
    "not_before": "//saml:Conditions/@NotBefore",
    "not_on_or_after": "//@NotOnOrAfter",
    "name_id": "//saml:NameID/text()",
    "status": "//samlp:StatusCode/@Value",
    "algorithm": "//ds:SignatureMethod/@Algorithm",
    "certificate": "//ds:X509Certificate/text()",
}

_CHANGED = {
    Misbehaviour.WRONG_AUDIENCE: {"audience"},
    Misbehaviour.WRONG_RECIPIENT: {"recipient"},
    Misbehaviour.WRONG_DESTINATION: {"destination"},
    Misbehaviour.WRONG_ISSUER: {"issuer"},
    Misbehaviour.OTHER_REQUEST: {"in_response_to"},
    Misbehaviour.NO_REQUEST: {"in_response_to"},
    Misbehaviour.EXPIRED: {"not_before", "not_on_or_after"},
    Misbehaviour.NOT_YET_VALID: {"not_before", "not_on_or_after"},
    Misbehaviour.UNSIGNED: {"algorithm", "certificate"},
    Misbehaviour.TAMPERED: {"name_id"},
    Misbehaviour.OTHER_CERTIFICATE: {"certificate"},
    Misbehaviour.SHA1: {"algorithm"},
    Misbehaviour.REPLAY: set(),
}


def _facts(document: bytes) -> dict[str, list[str]]:
    return {name: values(document, path) for name, path in _FACTS.items()}


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_a_good_answer_says_exactly_what_was_asked(client: httpx.Client, idp: PracticeIdp) -> None:
    facts = _facts(answer(client))
    assert facts["issuer"] == [idp.entity_id, idp.entity_id]
    assert facts["destination"] == facts["recipient"] == [ACS]
    assert facts["audience"] == [SP]
    assert facts["in_response_to"] == ["_r1", "_r1"]
    assert facts["status"] == ["urn:oasis:names:tc:SAML:2.0:status:Success"]
    assert _instant(facts["not_before"][0]) <= NOW < _instant(facts["not_on_or_after"][0])


@pytest.mark.parametrize("person", [*PEOPLE, STRANGER], ids=lambda person: person.name)
def test_everybody_is_described_by_their_own_attributes(client: httpx.Client, person: Person) -> None:
    document = answer(client, person=person.email)

    def attribute(name: str) -> tuple[str, ...]:
        return tuple(values(document, f"//saml:Attribute[@Name='{name}']/saml:AttributeValue/text()"))

    assert attribute("email") == (person.email,)
    assert attribute("displayName") == (person.name,)
    assert f"{attribute('firstName')[0]} {attribute('lastName')[0]}" == person.name
    assert attribute("groups") == person.groups


@pytest.mark.parametrize("misbehaviour", _CHANGED, ids=str)
def test_each_switch_changes_its_own_fact_and_nothing_else(client: httpx.Client, misbehaviour: Misbehaviour) -> None:
    good = _facts(answer(client))
    bad = _facts(answer(client, misbehaviour=misbehaviour))
    assert {name for name in good if good[name] != bad[name]} == _CHANGED[misbehaviour]


def test_every_switch_has_a_test() -> None:
    others = {Misbehaviour.NONE, Misbehaviour.TWO_ASSERTIONS, Misbehaviour.AUTHN_FAILED}
    assert set(_CHANGED) | others == set(Misbehaviour)


def test_the_times_are_wrong_by_more_than_clocks_may_differ(client: httpx.Client) -> None:
    expired = _facts(answer(client, misbehaviour=Misbehaviour.EXPIRED))
    early = _facts(answer(client, misbehaviour=Misbehaviour.NOT_YET_VALID))
    assert _instant(expired["not_before"][0]) < _instant(expired["not_on_or_after"][0])
    assert _instant(expired["not_on_or_after"][0]) + timedelta(minutes=5) < NOW
    assert _instant(early["not_before"][0]) - timedelta(minutes=5) > NOW
    assert _instant(early["not_before"][0]) < _instant(early["not_on_or_after"][0])


def test_two_assertions_are_about_two_people_each_signed(client: httpx.Client) -> None:
    document = answer(client, misbehaviour=Misbehaviour.TWO_ASSERTIONS)
    assert len(set(values(document, "//saml:NameID/text()"))) == 2
    assert len(values(document, "//saml:Assertion/ds:Signature/ds:SignatureValue/text()")) == 2


def test_a_failed_authentication_carries_the_status_and_no_assertion(client: httpx.Client) -> None:
    document = answer(client, misbehaviour=Misbehaviour.AUTHN_FAILED)
    assert values(document, "//samlp:StatusCode/@Value") == [
        "urn:oasis:names:tc:SAML:2.0:status:Responder",
        "urn:oasis:names:tc:SAML:2.0:status:AuthnFailed",
    ]
    assert values(document, "//saml:Assertion/@ID") == []


def test_a_replay_is_the_previous_answer_to_that_address_byte_for_byte(client: httpx.Client) -> None:
    other_acs = "http://localhost:7780/saml/con_2/acs"
    first = answer(client)
    answer(client, acs_url=other_acs)
    assert answer(client, person="chen@practice.example", misbehaviour=Misbehaviour.REPLAY) == first


def test_two_answers_share_no_id(client: httpx.Client) -> None:
    ids = [values(answer(client), "//@ID") for _ in range(2)]
    assert len(set(ids[0] + ids[1])) == 4
