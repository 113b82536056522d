"""What a refusal tells: the stranger a plain sentence, the admin what was expected, what was received and what to change."""

from __future__ import annotations

from tests.saml import forge
from tests.saml.forge import Confirmation, Recipe, Signing
from tests.saml.hostile.corpus import EVIL
from tests.saml.verifying import certificate, refused
from vestibule.saml import errors, xml

STATUS = "urn:oasis:names:tc:SAML:2.0:status:"


def test_a_refusal_of_the_identity_provider_is_told_with_its_reason() -> None:
    data = Recipe(status=STATUS + "Responder", status_inner=STATUS + "AuthnFailed", status_message="locked out").xml()
    data = data[: data.index("<saml:Assertion")] + "</samlp:Response>"
    error = refused(data.encode(), errors.StatusNotSuccess)
    assert error.received == "Responder / AuthnFailed: locked out"
    assert "locked out" not in str(error)


def test_the_detail_that_pingfederate_adds_does_not_hide_why_it_refused() -> None:
    data = Recipe(status=STATUS + "Responder", status_message="Invalid signature").xml()
    detail = (
        "<samlp:StatusDetail><Cause>org.sourceid.saml20.profiles.StatusResponseException</Cause></samlp:StatusDetail>"
    )
    data = data[: data.index("</samlp:Status>")] + f"{detail}</samlp:Status></samlp:Response>"
    error = refused(data.encode(), errors.StatusNotSuccess)
    assert error.received == "Responder: Invalid signature"


def test_sha1_is_refused_with_what_to_change() -> None:
    error = refused(forge.response(signing=Signing(algorithm=forge.RSA_SHA1)), errors.Sha1NotAllowed)
    assert "SHA-256" in str(error)
    assert error.expected == "RSA-SHA256"
    assert "SHA-256" in str(refused(forge.response(signing=Signing(digest=forge.DS + "sha1")), errors.Sha1NotAllowed))


def test_the_certificate_of_a_stranger_is_shown_beside_ours() -> None:
    error = refused(forge.response(signing=Signing(key=EVIL)), errors.SignatureInvalid)
    assert certificate(EVIL).short_fingerprint[:5] in error.received
    assert certificate().short_fingerprint in error.expected


def test_the_expected_recipient_is_shown() -> None:
    data = forge.response(confirmations=(Confirmation(recipient="https://other.example/acs"),))
    error = refused(data, errors.RecipientMismatch)
    assert (error.expected, error.received) == (forge.ACS, "https://other.example/acs")


def test_a_missing_signature_and_encryption_without_a_key_say_so() -> None:
    assert "signed" in refused(forge.response(sign="none"), errors.SignatureMissing).reason
    encrypted = f'<saml:EncryptedAssertion xmlns:saml="{forge.SAML}"><x/></saml:EncryptedAssertion>'
    alone = Recipe().xml().replace(Recipe().assertion_xml(), encrypted)
    assert "encrypts" in str(refused(alone.encode(), errors.EncryptedNotSupported))


def test_what_a_hostile_message_says_is_shown_bounded_and_without_control_characters() -> None:
    evil = "https://evil.example/\u202e<script>" + "x" * 5000
    error = refused(forge.response(response_issuer=evil), errors.IssuerMismatch)
    assert len(error.received) == 300
    assert error.received.startswith("https://evil.example/\\u{202e}<script>")


def test_attributes_are_counted_by_element() -> None:
    root = xml.parse_untrusted(b"<r>" + b'<e a="1" b="2" c="3"/>' * 200 + b"</r>")
    assert len(root) == 200
