"""AuthnRequests by both bindings: exact content, exact signatures, addresses that stay whole."""

from __future__ import annotations

import base64
import zlib
from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from lxml import etree
from signxml.verifier import VerifyResult, XMLVerifier

from tests.saml import forge
from vestibule.saml import names
from vestibule.saml.certificates import CertificateInvalid
from vestibule.saml.keys import SigningKey, load_signing_key, new_signing_key
from vestibule.saml.requests import build_authn_request, post_form, redirect_url
from vestibule.saml.signatures import verify_enveloped
from vestibule.saml.xml import parse_untrusted

SSO = "https://idp.example/sso"
RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"


@pytest.fixture(scope="module")
def signer() -> SigningKey:
    return load_signing_key(*new_signing_key("vestibule", forge.NOW, 1))


def request(**changes: object) -> bytes:
    arguments: dict[str, object] = {
        "request_id": "_r1",
        "issue_instant": forge.NOW,
        "destination": SSO,
        "sp_entity_id": forge.SP,
        "acs_url": forge.ACS,
        "name_id_format": names.NAME_ID_EMAIL,
    }
    return build_authn_request(**(arguments | changes))  # type: ignore[arg-type] # each test names the fields it changes


def test_a_request_says_who_asks_where_and_for_what() -> None:
    root = etree.fromstring(request())
    assert root.tag == f"{{{forge.SAMLP}}}AuthnRequest"
    assert dict(root.attrib.items()) == {
        "ID": "_r1",
        "Version": "2.0",
        "IssueInstant": "2026-11-23T14:18:07Z",
        "Destination": SSO,
        "ProtocolBinding": names.HTTP_POST,
        "AssertionConsumerServiceURL": forge.ACS,
    }
    assert [child.tag.rpartition("}")[2] for child in root] == ["Issuer", "NameIDPolicy"]
    assert root[0].text == forge.SP
    assert dict(root[1].attrib.items()) == {"Format": names.NAME_ID_EMAIL, "AllowCreate": "true"}


def test_a_request_may_force_and_may_leave_the_format_open() -> None:
    root = etree.fromstring(request(name_id_format=None, force_authn=True))
    assert root.get("ForceAuthn") == "true"
    assert dict(root[1].attrib.items()) == {"AllowCreate": "true"}


def test_times_are_written_in_utc() -> None:
    lisbon = datetime(2026, 7, 1, 1, 0, tzinfo=timezone(timedelta(hours=1)))
    assert etree.fromstring(request(issue_instant=lisbon)).get("IssueInstant") == "2026-07-01T00:00:00Z"
    assert lisbon.astimezone(UTC).day == 1


def test_what_stands_in_a_request_is_escaped() -> None:
    strange = "https://idp.example/sso?a=1&b=\"<>'"
    root = etree.fromstring(request(destination=strange, sp_entity_id="<&>"))
    assert root.get("Destination") == strange
    assert root[0].text == "<&>"


def inflated(url: str) -> bytes:
    query = parse_qs(urlsplit(url).query, strict_parsing=True)
    return zlib.decompress(base64.b64decode(query["SAMLRequest"][0], validate=True), -15)


@pytest.mark.parametrize(
    ("sso_url", "start"),
    [
        (SSO, SSO + "?SAMLRequest="),
        (SSO + "?tenant=a", SSO + "?tenant=a&SAMLRequest="),
        (SSO + "?tenant=a&", SSO + "?tenant=a&SAMLRequest="),
        (SSO + "?", SSO + "?SAMLRequest="),
    ],
)
def test_a_redirect_carries_the_deflated_request_behind_any_query(sso_url: str, start: str) -> None:
    url = redirect_url(sso_url, request(), "token&=+ é")
    assert url.startswith(start)
    assert inflated(url) == request()
    assert parse_qs(urlsplit(url).query)["RelayState"] == ["token&=+ é"]
    assert "Signature" not in url


def test_a_redirect_without_relay_state_has_none() -> None:
    assert "RelayState" not in redirect_url(SSO, request(), None)


def test_a_signed_redirect_is_signed_over_its_own_octets(signer: SigningKey) -> None:
    url = redirect_url(SSO + "?x=1", request(), "relay", signer)
    signed, _, signature = url.partition("?x=1&")[2].partition("&Signature=")
    parameters = parse_qs(urlsplit(url).query)
    assert parameters["SigAlg"] == [RSA_SHA256]
    assert [each.partition("=")[0] for each in signed.split("&")] == ["SAMLRequest", "RelayState", "SigAlg"]
    value = base64.b64decode(parameters["Signature"][0], validate=True)
    key = signer.private_key.public_key()
    key.verify(value, signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    with pytest.raises(InvalidSignature):
        key.verify(value, signed.replace("relay", "other").encode(), padding.PKCS1v15(), hashes.SHA256())
    assert "%" in signature


@pytest.mark.parametrize("relay_state", ["x" * 81, "é" * 41])
def test_a_relay_state_over_80_bytes_is_refused(relay_state: str) -> None:
    with pytest.raises(ValueError, match="80 bytes"):
        redirect_url(SSO, request(), relay_state)
    with pytest.raises(ValueError, match="80 bytes"):
        post_form(request(), relay_state)


def test_a_post_form_carries_the_request_as_it_is() -> None:
    fields = post_form(request(), "relay")
    assert base64.b64decode(fields["SAMLRequest"], validate=True) == request()
    assert fields["RelayState"] == "relay"
    assert "RelayState" not in post_form(request(), None)


def test_a_signed_post_form_is_signed_behind_the_issuer(signer: SigningKey) -> None:
    data = base64.b64decode(post_form(request(), None, signer)["SAMLRequest"])
    root = etree.fromstring(data)
    assert [child.tag.rpartition("}")[2] for child in root] == ["Issuer", "Signature", "NameIDPolicy"]
    by_us = verify_enveloped(parse_untrusted(data), (signer.certificate,))
    by_signxml = XMLVerifier().verify(data, x509_cert=x509.load_der_x509_certificate(signer.certificate.der))
    assert isinstance(by_signxml, VerifyResult)
    assert by_us.canonical == forge.canonical(by_signxml.signed_xml)


def test_a_new_key_is_self_signed_for_ten_years(signer: SigningKey) -> None:
    certificate = x509.load_der_x509_certificate(signer.certificate.der)
    certificate.verify_directly_issued_by(certificate)
    assert signer.certificate.key_description == "RSA 3072"
    assert signer.certificate.subject == "CN=vestibule"
    assert signer.certificate.not_before <= forge.NOW - timedelta(hours=1)
    assert signer.certificate.not_after == forge.NOW + timedelta(days=3650)
    assert "PRIVATE" not in repr(signer)


def test_a_key_and_a_certificate_that_differ_are_refused(signer: SigningKey) -> None:
    with pytest.raises(CertificateInvalid):
        load_signing_key(forge.key().private_pem.encode(), signer.certificate.der)
    curve = forge.key("curve", "p256")
    with pytest.raises(CertificateInvalid):
        load_signing_key(curve.private_pem.encode(), curve.certificate_der)
