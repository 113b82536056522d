"""Explaining a message: never better than the real verification says, each check by itself, safe to show, redacted on request."""

from __future__ import annotations

import json
import time
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.saml import forge
from tests.saml.hostile.corpus import Hostile
from tests.saml.hostile.families import CORPUS
from tests.saml.hostile.legitimate import PASSING, Legitimate
from tests.saml.test_encryption import KEYS
from tests.saml.verifying import certificate, verify
from tests.support.metadata import idp_metadata
from vestibule.saml.captures import Captured, find_messages
from vestibule.saml.errors import SamlError
from vestibule.saml.inspection import MENDED, Inspection, as_data, inspect_message
from vestibule.saml.inspection_checks import AS_CLAIMED, FITS_OWN_CERTIFICATE, Finding, Measure, judge_response
from vestibule.saml.readable import MAX_CHARACTERS

MEASURE = Measure(
    now=forge.NOW,
    idp_entity_id=forge.IDP,
    certificates=(certificate(),),
    acs_url=forge.ACS,
    sp_entity_id=forge.SP,
    in_response_to=forge.REQUEST_ID,
)


def inspect(data: bytes, *, redact: bool = False, **changes: Any) -> Inspection:
    return inspect_message(Captured(data, "xml"), replace(MEASURE, **changes), redact=redact)


def measure_of(overrides: Any) -> Measure | None:
    known = {name: value for name, value in overrides.items() if name in Measure.__slots__}
    return replace(MEASURE, **{"decryption_keys": KEYS, **known}) if len(known) == len(overrides) else None


def outcomes(findings: tuple[Finding, ...]) -> dict[str, str]:
    return {one.name: one.outcome for one in findings}


def failed(found: Inspection) -> set[str]:
    return {one.name for one in found.findings if one.outcome == "failed"}


def safe(text: str) -> bool:
    return all(char == "\n" or unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Co", "Cn"} for char in text)


# Whoever explains a message later does not know any more that nobody had asked for it, and says so; nor which certificate was
# pinned, without which metadata that another signed is metadata like any other.
HOSTILE = [
    (one, measure)
    for one in CORPUS
    if one.family != "signed metadata"
    and one.overrides.get("in_response_to", "asked") is not None
    and (measure := measure_of(one.overrides)) is not None
    and measure.complete
]


@pytest.mark.parametrize(
    ("message", "measure"), HOSTILE, ids=lambda each: str(each) if isinstance(each, Hostile) else ""
)
def test_a_hostile_message_is_never_explained_as_acceptable_and_what_is_shown_is_harmless(
    message: Hostile, measure: Measure
) -> None:
    try:
        verify(message.data, **{"decryption_keys": KEYS, **message.overrides})
    except SamlError:
        found = inspect_message(Captured(message.data, "xml"), measure)
        assert found.verdict != "accepted"
        if found.kind == "Response":
            assert found.verdict == "refused"
            assert failed(found)
        for shown in (found, inspect_message(Captured(message.data, "xml"), measure, redact=True)):
            data = as_data(shown)
            assert safe(shown.text)
            assert safe(shown.opened_text)
            assert len(shown.text) <= MAX_CHARACTERS + 2
            assert all(safe(one.received) and len(one.received) <= 400 for one in shown.findings)
            assert all(safe(name) and safe(value) for name, value in shown.facts)
            json.dumps(data).encode()


@pytest.mark.parametrize("message", PASSING, ids=str)
def test_a_legitimate_message_passes_each_check_by_itself(message: Legitimate) -> None:
    measure = measure_of(message.overrides())
    assert measure is not None
    judged = judge_response(message.build(), measure)
    assert (set(outcomes(judged.findings).values()), judged.accepted, judged.verified) == ({"passed"}, True, True)


def test_all_that_is_wrong_shows_at_once_and_stays_a_claim_where_the_signature_fails() -> None:
    confirmation = forge.Confirmation(
        recipient="https://other.example/acs", in_response_to="_x", not_on_or_after="2026-11-23T10:00:00Z"
    )
    data = forge.response(
        forge.Recipe(audiences=(("https://other.example",),), confirmations=(confirmation,)), sign="assertion"
    )
    found = inspect(data.replace(b"Ada Park", b"Eve Park"))
    assert failed(found) == {"signature", "recipient", "in_response_to", "not_on_or_after", "audience"}
    notes = {one.name: one.note for one in found.findings}
    assert (notes["audience"], notes["destination"]) == (AS_CLAIMED, "")
    assert (found.verified, found.verdict) == (False, "refused")
    assert dict(found.attributes)["displayName"] == ("Eve Park",)


def test_a_foreign_signer_is_told_from_a_changed_message() -> None:
    foreign = forge.response(forge.Recipe(), sign="assertion", signing=forge.Signing(key=forge.key("other")))
    note = {one.name: one.note for one in inspect(foreign).findings}["signature"]
    assert note == FITS_OWN_CERTIFICATE
    changed = forge.response(sign="assertion").replace(b"Ada Park", b"Eve Park")
    assert {one.name: one.note for one in inspect(changed).findings}["signature"] == ""


def test_without_a_connection_only_the_structure_is_judged_and_nothing_is_called_accepted() -> None:
    found = inspect_message(Captured(forge.response(sign="both"), "xml"), Measure(now=forge.NOW))
    assert (found.verdict, failed(found), found.verified) == ("unknown", set(), False)
    shown = outcomes(found.findings)
    assert {name for name, outcome in shown.items() if outcome == "not_checked"} == {
        "in_response_to", "idp_entity_id", "destination", "recipient", "audience", "signature",
    }  # fmt: skip
    expired = inspect_message(
        Captured(forge.response(forge.Recipe(not_before=None, not_on_or_after="2026-11-23T14:00:00Z")), "xml"),
        Measure(now=forge.NOW),
    )
    assert (expired.verdict, failed(expired)) == ("refused", {"not_on_or_after"})


@pytest.mark.parametrize("year", [1, 9999])
def test_a_message_is_judged_as_of_any_time_that_can_be_written(year: int) -> None:
    at = datetime(year, 12, 31, 23, 59, 59, tzinfo=UTC) if year > 1 else datetime(1, 1, 1, tzinfo=UTC)
    ended = forge.response(session_not_on_or_after=forge.instant(forge.NOW), not_before="9999-12-31T23:59:59Z")
    for data in (forge.response(), ended):
        assert inspect(data, now=at).verdict == "refused"


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"<!-- a federation --><md:EntitiesDescriptor>" + b"<a/>" * 600_000, "2 MiB is the limit"),
        (b'<!DOCTYPE a><EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata"/>', "has a DTD"),
        (b"<Response>" + b"<a/>" * 600_000, "sign-in service"),
    ],
    ids=["a whole federation", "a DTD", "no metadata"],
)
def test_metadata_that_can_not_be_read_is_refused_in_the_words_of_metadata(data: bytes, sentence: str) -> None:
    found = inspect(data)
    assert (found.verdict, found.kind) == ("refused", "")
    assert sentence in found.problem


def test_base64_that_a_sign_in_would_not_take_is_explained_and_said() -> None:
    data = forge.response()
    strict = forge.post_field(data)
    for given in (strict.replace("+", "-").replace("/", "_").rstrip("="), strict):
        (captured,) = find_messages(given)
        found = inspect_message(captured, MEASURE)
        assert found.verdict == "accepted"
        assert (next(one.note for one in found.findings if one.name == "message") == MENDED) is (given != strict)


def test_redacted_nothing_personal_is_left_and_the_signature_is() -> None:
    data = forge.response(
        forge.Recipe(status_message="no ada@example.com", session_index="_session-of-ada"), sign="both"
    )
    shown = json.dumps(as_data(inspect(data, redact=True)))
    for personal in ("ada@", "Ada Park", "Engineering", "Lisbon", "_session-of-ada"):
        assert personal not in shown
    assert "SignatureValue>" in shown
    assert "[redacted]" in shown
    open_shown = json.dumps(as_data(inspect(data)))
    assert "Ada Park" in open_shown
    # What can't be read can't be redacted, so it is not shown.
    assert inspect(b"<a>ada@example.com", redact=True).text == ""
    assert "ada@" not in json.dumps(as_data(inspect(b"<a>ada@example.com", redact=True)))


SAML_1_1 = (
    '<Response xmlns="urn:oasis:names:tc:SAML:1.0:protocol"><Assertion xmlns="urn:oasis:names:tc:SAML:1.0:assertion">'
    "<Subject><NameIdentifier>secret</NameIdentifier></Subject><AttributeStatement><Attribute><AttributeValue>secret"
    "</AttributeValue></Attribute></AttributeStatement></Assertion></Response>"
)
CONTACT = (
    '<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata"><md:ContactPerson><md:GivenName>secret</md:GivenName>'
    "<md:SurName>secret</md:SurName><md:TelephoneNumber>secret</md:TelephoneNumber></md:ContactPerson></md:EntityDescriptor>"
)


@pytest.mark.parametrize("before", [0, 30, 64, 200, 3_960, 3_990, 3_998, 3_999, 4_000, 4_001])
def test_redacted_an_address_where_a_long_value_is_cut_off_goes_with_it(before: int) -> None:
    address = f"{'secret' * 10}@{'secret.' * 30}example"
    text = inspect(f"<a>{'-' * before}, {address} {'-' * 9_000}</a>".encode(), redact=True).text
    assert "secret" not in text
    assert len(text) <= 4_010


@pytest.mark.parametrize(
    "data",
    [
        b"<a>" + b"a." * 1_000_000 + b"</a>",
        b"<AttributeValue>" * 30 + b"<a>x</a>" * 90_000 + b"</AttributeValue>" * 30,
    ],
    ids=["a long value", "values inside values"],
)
def test_redacting_costs_little_more_than_showing(data: bytes) -> None:
    before = time.process_time()
    inspect(data, redact=True)
    assert time.process_time() - before < 0.5


@pytest.mark.parametrize(
    "data",
    [
        forge.response(
            attributes=(
                forge.Attribute("a", (forge.Raw('<x:p xmlns:x="urn:x" code="secret"><x:n>secret</x:n></x:p>'),)),
            )
        ),
        forge.response(attributes=(forge.Attribute("a", (forge.Raw("secret<saml:NameID>secret</saml:NameID>"),)),)),
        forge.response(attributes=(forge.Attribute("a", (forge.Raw("<saml:NameID>secret</saml:NameID>secret"),)),)),
        forge.response().replace(b"<saml:AttributeValue>", b"secret<saml:AttributeValue>", 1),
        forge.response(name_id=forge.Raw("secret<x/>")),
        SAML_1_1.encode(),
        CONTACT.encode(),
    ],
    ids=["inside a value", "before a name", "behind a name", "before a value", "in a name", "SAML 1.1", "a contact"],
)
def test_redacted_what_is_personal_is_hidden_in_whatever_form_it_stands(data: bytes) -> None:
    assert "secret" in json.dumps(as_data(inspect(data)))
    assert "secret" not in json.dumps(as_data(inspect(data, redact=True)))


def test_metadata_is_compared_with_the_connection() -> None:
    read = inspect(idp_metadata(forge.IDP).encode())
    assert (read.kind, outcomes(read.findings)["metadata"]) == ("EntityDescriptor", "passed")
    other = inspect(idp_metadata("https://other.example").encode())
    assert other.verdict == "refused"
    unknown = inspect_message(Captured(idp_metadata(forge.IDP).encode(), "xml"), Measure(now=forge.NOW))
    assert (unknown.verdict, dict(unknown.facts)["entityID"]) == ("unknown", forge.IDP)


def test_requests_and_logout_messages_are_shown() -> None:
    logout = (
        f'<samlp:LogoutRequest xmlns:samlp="{forge.SAMLP}" xmlns:saml="{forge.SAML}" ID="_l" Version="2.0" '
        'IssueInstant="2026-11-23T14:18:07Z" Destination="https://sp.example/slo"><saml:Issuer>https://idp.example</saml:Issuer>'
        "<saml:NameID>ada@example.com</saml:NameID><samlp:SessionIndex>_s1</samlp:SessionIndex></samlp:LogoutRequest>"
    ).encode()
    found = inspect(logout)
    assert (found.kind, found.verdict) == ("LogoutRequest", "unknown")
    facts = dict(found.facts)
    assert (facts["Issuer"], facts["NameID"], facts["SessionIndex"]) == (
        "https://idp.example",
        "ada@example.com",
        "_s1",
    )
    hidden = json.dumps(as_data(inspect(logout, redact=True)))
    assert "ada@" not in hidden
    assert "_s1" not in hidden


def test_an_encrypted_assertion_is_opened_where_the_key_is_at_hand() -> None:
    encrypted = next(one for one in PASSING if b"EncryptedAssertion" in one.build())
    measure = measure_of(encrypted.overrides())
    assert measure is not None
    opened = inspect_message(Captured(encrypted.build(), "xml"), measure)
    assert "NameID" in opened.opened_text
    closed = inspect_message(Captured(encrypted.build(), "xml"), replace(measure, decryption_keys=()))
    assert (closed.opened_text, failed(closed)) == ("", {"assertion"})
