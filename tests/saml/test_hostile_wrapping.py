"""Signature wrapping: a signed part is kept where nobody reads it, and a forged one put where everybody does. XSW1 to 8 and kin."""

from __future__ import annotations

import re

import pytest

from tests.saml import forge
from tests.saml.forge import Recipe
from tests.saml.verifying import refused, verify
from vestibule.saml import errors

EVIL = Recipe(name_id="eve@evil.example", assertion_id="_evil", response_id="_evil_response")
SIGNATURE = re.compile(r"<ds:Signature .*?</ds:Signature>", re.DOTALL)
ASSERTION = re.compile(r"<saml:Assertion .*</saml:Assertion>", re.DOTALL)


def signed_response() -> str:
    return forge.response(sign="response").decode()


def signed_assertion() -> str:
    return forge.response(sign="assertion").decode()


def part(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    assert found
    return found[0]


def without_declarations(xml: str) -> str:
    return xml.replace(f' xmlns:samlp="{forge.SAMLP}"', "", 1)


def wrapped(xml: str, error: type[errors.SamlError]) -> None:
    """The honest message passes, the wrapped one is refused, and not as ill-formed XML."""
    assert verify(forge.response()).name_id == "ada@example.com"
    assert "eve@evil.example" in xml
    refused(xml.encode(), error)


def test_xsw1_an_evil_response_whose_signature_holds_the_signed_one() -> None:
    original = signed_response()
    signature = part(SIGNATURE, original)
    holding = signature.replace("</ds:Signature>", f"{original.replace(signature, '')}</ds:Signature>")
    evil = EVIL.xml().replace("</saml:Issuer><samlp:Status>", f"</saml:Issuer>{holding}<samlp:Status>", 1)
    wrapped(evil, errors.SignatureMalformed)


def test_xsw1_with_the_signed_one_in_an_object() -> None:
    original = signed_response()
    signature = part(SIGNATURE, original)
    inside = f"<ds:Object>{original.replace(signature, '')}</ds:Object></ds:Signature>"
    holding = signature.replace("</ds:Signature>", inside)
    evil = EVIL.xml().replace("</saml:Issuer><samlp:Status>", f"</saml:Issuer>{holding}<samlp:Status>", 1)
    wrapped(evil, errors.SignatureMalformed)


def test_xsw2_an_evil_response_with_the_signed_one_beside_a_detached_signature() -> None:
    original = signed_response()
    signature = part(SIGNATURE, original)
    both = f"</saml:Issuer>{signature}{original.replace(signature, '')}<samlp:Status>"
    wrapped(EVIL.xml().replace("</saml:Issuer><samlp:Status>", both, 1), errors.MissingElement)


def test_xsw3_an_evil_assertion_before_the_signed_one() -> None:
    original = signed_assertion()
    wrapped(ASSERTION.sub(lambda found: EVIL.assertion_xml() + found[0], original), errors.AssertionCount)


def test_xsw3_an_evil_assertion_behind_the_signed_one() -> None:
    original = signed_assertion()
    wrapped(ASSERTION.sub(lambda found: found[0] + EVIL.assertion_xml(), original), errors.AssertionCount)


def test_xsw4_an_evil_assertion_around_the_signed_one() -> None:
    original = signed_assertion()
    signed = part(ASSERTION, original)
    around = EVIL.assertion_xml().replace("</saml:Assertion>", signed + "</saml:Assertion>")
    wrapped(original.replace(signed, around), errors.SignatureMissing)


def test_xsw5_an_evil_assertion_with_the_signature_and_the_signed_one_at_the_end() -> None:
    original = signed_assertion()
    signed = part(ASSERTION, original)
    signature = part(SIGNATURE, signed)
    evil = signed.replace("ada@example.com</saml:NameID>", "eve@evil.example</saml:NameID>").replace(
        "_assertion1", "_evil", 1
    )
    wrapped(original.replace(signed, evil + signed.replace(signature, "")), errors.AssertionCount)


def test_xsw6_the_signed_one_inside_the_signature_of_the_evil_one() -> None:
    original = signed_assertion()
    signed = part(ASSERTION, original)
    signature = part(SIGNATURE, signed)
    holding = signature.replace("</ds:Signature>", signed.replace(signature, "") + "</ds:Signature>")
    evil = EVIL.assertion_xml().replace("</saml:Issuer>", f"</saml:Issuer>{holding}", 1)
    wrapped(original.replace(signed, evil), errors.SignatureMalformed)


def test_xsw7_the_signed_one_in_extensions() -> None:
    original = signed_assertion()
    signed = part(ASSERTION, original)
    extensions = f"<samlp:Extensions>{signed}</samlp:Extensions><samlp:Status>"
    wrapped(
        original.replace(signed, EVIL.assertion_xml()).replace("<samlp:Status>", extensions), errors.UnexpectedElement
    )


def test_xsw8_the_signed_one_in_an_object_of_the_evil_ones_signature() -> None:
    original = signed_assertion()
    signed = part(ASSERTION, original)
    signature = part(SIGNATURE, signed)
    inside = f"<ds:Object>{signed.replace(signature, '')}</ds:Object></ds:Signature>"
    evil = EVIL.assertion_xml().replace(
        "</saml:Issuer>", f"</saml:Issuer>{signature.replace('</ds:Signature>', inside)}", 1
    )
    wrapped(original.replace(signed, evil), errors.SignatureMalformed)


@pytest.mark.parametrize("wrapper", ["{}", '<x:any xmlns:x="urn:x">{}</x:any>'])
@pytest.mark.parametrize(
    "place", ["advice", "status_detail", "confirmation", "attribute", "key_info", "subject", "context"]
)
def test_the_signed_one_at_any_other_place(place: str, wrapper: str) -> None:
    original = signed_assertion()
    signed = part(ASSERTION, original)
    hidden = wrapper.format(signed)
    evil = EVIL.assertion_xml()
    puts = {
        "advice": ("<saml:AuthnStatement", f"<saml:Advice>{hidden}</saml:Advice><saml:AuthnStatement"),
        "confirmation": ("</saml:SubjectConfirmationData>", f"{hidden}</saml:SubjectConfirmationData>"),
        "attribute": ("</saml:AttributeValue>", f"{hidden}</saml:AttributeValue>"),
        "subject": ("</saml:Subject>", f"{hidden}</saml:Subject>"),
        "context": ("</saml:AuthnContext>", f"{hidden}</saml:AuthnContext>"),
        "key_info": (
            "</saml:Issuer>",
            f"</saml:Issuer>{part(SIGNATURE, signed).replace('<ds:KeyInfo>', '<ds:KeyInfo>' + hidden)}",
        ),
    }
    if place == "status_detail":
        message = original.replace(
            "</samlp:Status>", f"<samlp:StatusDetail>{hidden}</samlp:StatusDetail></samlp:Status>"
        )
        message = message[: message.rindex("<saml:Assertion")] + evil + "</samlp:Response>"
    else:
        before, after = puts[place]
        message = original.replace(signed, evil.replace(before, after, 1))
    assert "eve@evil.example" in message
    with pytest.raises(errors.SamlError):
        verify(message.encode())


def test_a_signed_advice_of_another_assertion_is_refused_even_when_the_signer_meant_it() -> None:
    advice = f"<saml:Advice>{Recipe(assertion_id='_other').assertion_xml()}</saml:Advice>"
    refused(forge.response(advice=advice), errors.UnexpectedElement)


def test_two_signed_assertions_are_refused() -> None:
    second = Recipe(assertion_id="_assertion2").assertion_xml()
    xml = forge.sign_xml(Recipe(end_of_response=second).xml(), "_assertion1")
    refused(forge.sign_xml(xml, "_assertion2"), errors.AssertionCount)


def test_two_assertions_under_one_response_signature_are_refused() -> None:
    second = Recipe(assertion_id="_assertion2").assertion_xml()
    refused(forge.response(sign="response", end_of_response=second), errors.AssertionCount)


def test_no_assertion_is_refused() -> None:
    xml = ASSERTION.sub("", Recipe().xml())
    refused(forge.sign_xml(xml, "_response1"), errors.AssertionCount)


def test_an_assertion_of_another_namespace_beside_ours_is_refused() -> None:
    alike = Recipe(assertion_id="_evil").assertion_xml().replace(forge.SAML, forge.SAML + "#")
    refused(forge.response(after_status=alike), errors.UnexpectedElement)
    refused(forge.response(end_of_response=alike), errors.UnexpectedElement)


def test_a_lone_signed_assertion_is_no_response() -> None:
    refused(forge.sign_xml(Recipe().assertion_xml(), "_assertion1"), errors.NotAResponse)


def test_other_messages_are_no_response() -> None:
    for name in ("LogoutResponse", "ArtifactResponse", "AuthnRequest", "response"):
        xml = Recipe().xml().replace("samlp:Response", f"samlp:{name}")
        refused(forge.sign_xml(xml, "_response1"), errors.NotAResponse)


def test_a_response_in_a_response_is_refused() -> None:
    outer = EVIL.xml().replace("</samlp:Response>", f"{signed_response()}</samlp:Response>")
    refused(outer.encode(), errors.UnexpectedElement)


def test_an_encrypted_assertion_is_refused_with_a_clear_sentence() -> None:
    encrypted = f'<saml:EncryptedAssertion xmlns:saml="{forge.SAML}"><x/></saml:EncryptedAssertion>'
    alone = ASSERTION.sub(encrypted, Recipe().xml())
    error = refused(alone.encode(), errors.EncryptedNotSupported)
    assert "encrypts" in str(error)
    refused(forge.response(end_of_response=encrypted), errors.EncryptedNotSupported)


def test_an_encrypted_name_id_or_attribute_is_refused_with_a_clear_sentence() -> None:
    refused(forge.response(name_id=None, subject_extra="<saml:EncryptedID/>"), errors.EncryptedNotSupported)
    statement = "<saml:AttributeStatement><saml:EncryptedAttribute/></saml:AttributeStatement>"
    refused(forge.response(end_of_assertion=statement), errors.EncryptedNotSupported)


@pytest.mark.parametrize("name", ["ID", "Id", "id", "iD", "xml:id", "samlp:ID"])
def test_duplicate_ids_are_refused_in_any_spelling(name: str) -> None:
    data = forge.response().replace(b"<samlp:Status>", f'<samlp:Status {name}="_assertion1">'.encode())
    refused(data, errors.DuplicateId)


def test_a_duplicate_id_written_with_a_character_reference_is_refused() -> None:
    data = forge.response().replace(b"<samlp:Status>", b'<samlp:Status id = "&#95;assertion1">')
    refused(data, errors.DuplicateId)


def test_ids_that_differ_only_in_case_are_different() -> None:
    data = forge.response(Recipe(assertion_id="_A", response_id="_a"), sign="both")
    assert verify(data).assertion_id == "_A"


def test_response_and_assertion_with_one_id_are_refused() -> None:
    refused(forge.response(Recipe(assertion_id="_x", response_id="_y")).replace(b"_y", b"_x"), errors.DuplicateId)


@pytest.mark.parametrize("place", ["first", "last", "extensions", "status"])
def test_another_document_that_the_identity_provider_signed_lends_nothing(place: str) -> None:
    # CVE-2025-47949: any signed document (metadata, a logout message) was put into a forged response and vouched for it.
    logout = Recipe().xml().replace("samlp:Response", "samlp:LogoutResponse")
    signed = forge.sign_xml(
        logout[: logout.index("<saml:Assertion")] + "</samlp:LogoutResponse>", "_response1"
    ).decode()
    evil = EVIL.xml()
    places = {
        "first": evil.replace("<saml:Issuer", signed + "<saml:Issuer", 1),
        "last": evil.replace("</samlp:Response>", signed + "</samlp:Response>"),
        "extensions": evil.replace("<samlp:Status>", f"<samlp:Extensions>{signed}</samlp:Extensions><samlp:Status>"),
        "status": evil.replace("</samlp:Status>", f"<samlp:StatusDetail>{signed}</samlp:StatusDetail></samlp:Status>"),
    }
    with pytest.raises(errors.SamlError):
        verify(places[place].encode())


def test_two_readers_that_disagree_on_namespaces_are_not_fed() -> None:
    # CVE-2025-25292: one parser found the signature by its namespace, the other by its prefix and local name.
    original = signed_assertion()
    alike = (
        part(SIGNATURE, original)
        .replace("ds:", "evil:")
        .replace("xmlns:evil", "xmlns:ds")
        .replace(forge.DS, "urn:evil")
    )
    with pytest.raises(errors.SamlError):
        verify(original.replace("<samlp:Status>", alike + "<samlp:Status>").encode())
    shadowed = original.replace("<ds:Signature ", '<ds:Signature xmlns="http://www.w3.org/2000/09/xmldsig#" ', 1)
    assert verify(shadowed.encode()) == verify(original.encode())
