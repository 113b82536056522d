"""Signatures that must not be believed: missing, stripped, foreign, tampered, confused, smuggled. Each a test of its own."""

from __future__ import annotations

import base64
import re

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from tests.saml import forge
from tests.saml.forge import ENVELOPED, EXC_C14N, Recipe, Signing
from tests.saml.verifying import certificate, refused, verify
from vestibule.saml import errors

EVIL = forge.key("evil")
XSLT = "http://www.w3.org/TR/1999/REC-xslt-19991116"
XPATH = "http://www.w3.org/TR/1999/REC-xpath-19991116"
BASE64 = "http://www.w3.org/2000/09/xmldsig#base64"
BOTH_WAYS = pytest.mark.parametrize("sign", ["assertion", "response"])


def sub(data: bytes, pattern: str, replacement: str, count: int = 1) -> bytes:
    """Edit a signed document as text; the edit must happen."""
    edited, times = re.subn(pattern, lambda _: replacement, data.decode(), count=count, flags=re.DOTALL)
    assert times
    return edited.encode()


def test_an_unsigned_response_is_refused() -> None:
    error = refused(forge.response(sign="none"), errors.SignatureMissing)
    assert "signed" in error.reason


@BOTH_WAYS
def test_a_stripped_signature_is_refused(sign: forge.SignWhat) -> None:
    refused(sub(forge.response(sign=sign), r"<ds:Signature .*?</ds:Signature>", ""), errors.SignatureMissing)


def test_stripping_the_outer_of_two_signatures_leaves_a_valid_assertion() -> None:
    data = forge.response(sign="both")
    outer_gone = sub(
        data, r"</saml:Issuer><ds:Signature .*?</ds:Signature><samlp:Status>", "</saml:Issuer><samlp:Status>"
    )
    assert verify(outer_gone).signed == "assertion"


def test_stripping_the_inner_of_two_signatures_breaks_the_outer_one() -> None:
    data = forge.response(sign="both")
    inner = data.index(b"<ds:Signature", data.index(b"<saml:Assertion"))
    end = data.index(b"</ds:Signature>", inner) + len(b"</ds:Signature>")
    refused(data[:inner] + data[end:], errors.DigestMismatch)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("ada@example.com</saml:NameID>", "eve@example.com</saml:NameID>"),
        (">Engineering<", ">Owners<"),
        ('NotOnOrAfter="2026', 'NotOnOrAfter="2036'),
        ('SessionIndex="_session1"', 'SessionIndex="_session2"'),
        ("<saml:AttributeStatement>", "<saml:AttributeStatement> "),
    ],
)
@pytest.mark.parametrize("sign", ["assertion", "response", "both"])
def test_a_tampered_assertion_is_refused(before: str, after: str, sign: forge.SignWhat) -> None:
    data = forge.response(sign=sign)
    assert before.encode() in data
    refused(data.replace(before.encode(), after.encode()), errors.DigestMismatch)


def test_a_tampered_signed_response_is_refused() -> None:
    data = forge.response(sign="response").replace(b'ID="_assertion1"', b'ID="_assertion2"')
    refused(data, errors.DigestMismatch)


@BOTH_WAYS
def test_a_changed_digest_breaks_the_signature(sign: forge.SignWhat) -> None:
    changed = sub(
        forge.response(sign=sign),
        r"<ds:DigestValue>.*?<",
        f"<ds:DigestValue>{forge.digest_value(b'x', list(forge.DIGESTS)[1])}<",
    )
    refused(changed, errors.SignatureInvalid)


@pytest.mark.parametrize("value", ["", "AA==", "A" * 344, "not base64", "AAA="])
def test_an_empty_or_foreign_signature_value_is_refused(value: str) -> None:
    data = sub(forge.response(), r"<ds:SignatureValue>.*?<", f"<ds:SignatureValue>{value}<")
    with pytest.raises(errors.SignatureInvalid):
        verify(data)


@BOTH_WAYS
def test_a_foreign_key_whose_certificate_is_in_key_info_is_refused(sign: forge.SignWhat) -> None:
    error = refused(forge.response(sign=sign, signing=Signing(key=EVIL)), errors.SignatureInvalid)
    assert certificate(EVIL).short_fingerprint[:5] in error.received
    assert certificate().short_fingerprint in error.expected


def test_a_foreign_key_that_names_our_certificate_is_refused() -> None:
    refused(forge.response(signing=Signing(key=EVIL, key_info_certificate=forge.key())), errors.SignatureInvalid)


@pytest.mark.parametrize(
    "key_info",
    [
        "<ds:KeyInfo><ds:KeyName>idp</ds:KeyName></ds:KeyInfo>",
        "<ds:KeyInfo><ds:KeyValue><ds:RSAKeyValue><ds:Modulus>{n}</ds:Modulus><ds:Exponent>AQAB</ds:Exponent></ds:RSAKeyValue></ds:KeyValue></ds:KeyInfo>",
        "<ds:KeyInfo><ds:X509Data><ds:X509SubjectName>CN=idp</ds:X509SubjectName></ds:X509Data></ds:KeyInfo>",
    ],
)
def test_a_key_from_the_message_in_any_form_is_not_used(key_info: str) -> None:
    assert isinstance(EVIL.private_key, rsa.RSAPrivateKey)
    modulus = base64.b64encode(EVIL.private_key.public_key().public_numbers().n.to_bytes(256, "big")).decode()
    refused(forge.response(signing=Signing(key=EVIL, raw_key_info=key_info.format(n=modulus))), errors.SignatureInvalid)


@pytest.mark.parametrize(
    "key_info",
    [
        '<ds:KeyInfo><ds:RetrievalMethod URI="file:///etc/passwd"/></ds:KeyInfo>',
        '<ds:KeyInfo><ds:RetrievalMethod URI="https://evil.example/key"/></ds:KeyInfo>',
        f'<ds:KeyInfo><x:any xmlns:x="{forge.SAML}"/></ds:KeyInfo>',
        "<ds:KeyInfo>" + "<ds:KeyName>x</ds:KeyName>" * 65 + "</ds:KeyInfo>",
        "<ds:KeyInfo><ds:KeyName>a</ds:KeyName></ds:KeyInfo><ds:KeyInfo><ds:KeyName>b</ds:KeyName></ds:KeyInfo>",
    ],
)
def test_key_info_of_another_shape_is_refused(key_info: str) -> None:
    refused(forge.response(signing=Signing(raw_key_info=key_info)), errors.SignatureMalformed)


def test_an_object_in_the_signature_is_refused() -> None:
    refused(forge.response(signing=Signing(raw_object="<ds:Object>x</ds:Object>")), errors.SignatureMalformed)


def test_no_certificate_means_no_sign_in() -> None:
    refused(forge.response(), errors.CertificateMissing, certificates=())


def test_a_key_of_another_kind_is_refused() -> None:
    refused(forge.response(), errors.SignatureInvalid, certificates=(certificate(forge.key("curve", "p256")),))


# Algorithms


def test_a_sha1_signature_is_refused_with_what_to_change() -> None:
    error = refused(forge.response(signing=Signing(algorithm=forge.RSA_SHA1)), errors.Sha1NotAllowed)
    assert "SHA-256" in str(error)
    assert error.expected == "RSA-SHA256"


def test_a_sha1_digest_is_refused_with_what_to_change() -> None:
    error = refused(forge.response(signing=Signing(digest=forge.DS + "sha1")), errors.Sha1NotAllowed)
    assert "SHA-256" in str(error)


def test_hmac_with_the_certificate_as_its_key_is_refused() -> None:
    for secret in (forge.key().certificate_der, forge.key().certificate_pem.encode(), b""):
        data = forge.response(signing=Signing(algorithm=forge.HMAC_SHA256, hmac_key=secret))
        refused(data, errors.AlgorithmNotAllowed)


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "none",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-md5",
        "http://www.w3.org/2000/09/xmldsig#dsa-sha256",
        "http://www.w3.org/2009/xmldsig11#dsa-sha256",
        "http://www.w3.org/2001/04/xmldsig-more#RSA-SHA256",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256 ",
        "http://www.w3.org/2007/05/xmldsig-more#rsa-pss",
    ],
)
def test_an_algorithm_outside_the_list_is_refused(uri: str) -> None:
    data = forge.response().replace(forge.RSA_SHA256.encode(), uri.encode())
    refused(data, errors.AlgorithmNotAllowed)


@pytest.mark.parametrize("name", ["rsa-sha384", "rsa-sha512", "ecdsa-sha256"])
def test_an_algorithm_that_does_not_fit_the_signature_is_refused(name: str) -> None:
    data = forge.response().replace(b"#rsa-sha256", f"#{name}".encode())
    refused(data, errors.SignatureInvalid)


def test_a_signature_with_padding_of_another_scheme_is_refused() -> None:
    data = forge.response().replace(
        forge.RSA_SHA256.encode(), b"http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1"
    )
    refused(data, errors.SignatureInvalid)


@pytest.mark.parametrize("value", [b"\0" * 64, b"\0" * 32 + b"\1" * 32, b"", b"\0" * 63, b"\xff" * 64, b"\0" * 128])
def test_an_ecdsa_signature_of_zeros_or_of_another_length_is_refused(value: bytes) -> None:
    key = forge.key("curve", "p256")
    data = forge.response(signing=Signing(key=key, algorithm=forge.ECDSA_SHA256))
    forged = sub(data, r"<ds:SignatureValue>.*?<", f"<ds:SignatureValue>{base64.b64encode(value).decode()}<")
    with pytest.raises(errors.SignatureInvalid):
        verify(forged, certificates=(certificate(key),))


def test_an_ecdsa_signature_in_der_is_refused() -> None:
    key = forge.key("curve", "p256")
    data = forge.response(signing=Signing(key=key, algorithm=forge.ECDSA_SHA256))
    found = re.search(rb"<ds:SignatureValue>(.*?)<", data)
    assert found
    raw = base64.b64decode(found[1])
    der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    forged = data.replace(found[1], base64.b64encode(der))
    refused(forged, errors.SignatureInvalid, certificates=(certificate(key),))


# Transforms and canonicalization


@pytest.mark.parametrize(
    "transforms",
    [
        (ENVELOPED, EXC_C14N, XSLT),
        (ENVELOPED, XSLT),
        (XSLT, ENVELOPED, EXC_C14N),
        (ENVELOPED, XPATH, EXC_C14N),
        (ENVELOPED, EXC_C14N, BASE64),
        (ENVELOPED, EXC_C14N + "WithComments"),
        (ENVELOPED, "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"),
        (ENVELOPED,),
        (EXC_C14N,),
        (EXC_C14N, ENVELOPED),
        (ENVELOPED, EXC_C14N, EXC_C14N),
        (ENVELOPED, ENVELOPED, EXC_C14N),
        (ENVELOPED,) + (EXC_C14N,) * 300,
        (),
    ],
)
def test_any_other_list_of_transforms_is_refused(transforms: tuple[str, ...]) -> None:
    refused(forge.response(signing=Signing(transforms=transforms)), errors.TransformNotAllowed)


def test_a_stylesheet_inside_an_allowed_transform_is_refused() -> None:
    reference = forge.reference_xml("#_assertion1", "{digest}", Signing())
    stylesheet = '<xsl:stylesheet xmlns:xsl="http://www.w3.org/1999/XSL/Transform" version="1.0"/></ds:Transform></ds:Transforms>'
    reference = reference.replace("</ds:Transform></ds:Transforms>", stylesheet)
    refused(forge.response(signing=Signing(raw_references=reference)), errors.SignatureMalformed)


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "none",
        EXC_C14N + "WithComments",
        "http://www.w3.org/2006/12/xml-c14n11",
        "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
    ],
)
def test_another_canonicalization_of_signed_info_is_refused(uri: str) -> None:
    refused(forge.response(signing=Signing(canonicalization=uri)), errors.TransformNotAllowed)


def test_void_canonicalization_is_refused() -> None:
    # CVE-2025-66568: libxml2 fails on relative namespaces, and the empty result was taken for the canonical form.
    empty = forge.digest_value(b"", list(forge.DIGESTS)[1])
    data = forge.response().replace(b"<saml:Conditions ", b'<saml:Conditions xmlns:r="relative/uri" r:a="1" ')
    for digest in (empty, ""):
        with pytest.raises(errors.SamlError):
            verify(sub(data, r"<ds:DigestValue>.*?<", f"<ds:DigestValue>{digest}<"))
    reference = forge.reference_xml("#_assertion1", empty, Signing())
    signed_empty = forge.response(signing=Signing(raw_references=reference))
    refused(signed_empty.replace(b"<saml:Conditions ", b'<saml:Conditions xmlns:r="rel" r:a="1" '), errors.MalformedXml)


def test_too_many_inclusive_prefixes_are_refused() -> None:
    prefixes = " ".join(f"p{i}" for i in range(33))
    refused(forge.response(signing=Signing(inclusive_prefixes=prefixes)), errors.SignatureMalformed)


# References


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "#",
        "#_response1",
        "#_ASSERTION1",
        "_assertion1",
        "#_assertion1 ",
        "#xpointer(/)",
        "#xpointer(id('_assertion1'))",
        "#element(/1)",
        "https://evil.example/document.xml#_assertion1",
        "file:///etc/passwd",
    ],
)
def test_a_reference_to_something_else_than_the_parent_is_refused(uri: str) -> None:
    refused(forge.response(signing=Signing(reference_uri=uri)), errors.SignatureReferenceInvalid)


def test_a_reference_without_uri_is_refused() -> None:
    reference = forge.reference_xml("#_assertion1", "{digest}", Signing()).replace(' URI="#_assertion1"', "")
    refused(forge.response(signing=Signing(raw_references=reference)), errors.SignatureReferenceInvalid)


def test_two_references_are_refused() -> None:
    reference = forge.reference_xml("#_assertion1", "{digest}", Signing())
    refused(forge.response(signing=Signing(raw_references=reference * 2)), errors.SignatureReferenceInvalid)


def test_no_reference_is_refused() -> None:
    data = sub(forge.response(), r"<ds:Reference .*?</ds:Reference>", "")
    refused(data, errors.SignatureReferenceInvalid)


def test_a_signature_over_the_response_inside_the_assertion_is_refused() -> None:
    reference = forge.reference_xml("#_response1", "{digest}", Signing())
    refused(forge.response(signing=Signing(raw_references=reference)), errors.SignatureReferenceInvalid)


@pytest.mark.parametrize("bad", ["_a b", "#_a", "_a'b", "é", "x" * 300])
def test_an_id_that_is_no_name_is_refused(bad: str) -> None:
    data = forge.sign_xml(Recipe(assertion_id=bad).xml(), bad)
    refused(data, errors.SignatureReferenceInvalid)


def test_an_assertion_without_id_is_refused() -> None:
    refused(forge.response().replace(b' ID="_assertion1"', b""), errors.SignatureReferenceInvalid)


# Smuggling


@pytest.mark.parametrize("place", ["before", "after"])
def test_two_signed_infos_are_refused(place: str) -> None:
    # CVE-2025-29774: the signature of one SignedInfo, the digest of the other.
    data = forge.response()
    found = re.search(rb"<ds:SignedInfo>.*?</ds:SignedInfo>", data, re.DOTALL)
    assert found
    fake = re.sub(rb"<ds:DigestValue>.*?<", b"<ds:DigestValue>AAAA<", found[0])
    both = fake + found[0] if place == "before" else found[0] + fake
    with pytest.raises(errors.SignatureInvalid):
        verify(data.replace(found[0], both))


@pytest.mark.parametrize("where", ["start", "end", "middle"])
def test_a_comment_in_the_digest_is_refused(where: str) -> None:
    # CVE-2025-29775: comments vanish in canonical form but not in every reader's text.
    found = re.search(rb"<ds:DigestValue>(.*?)<", data := forge.response())
    assert found
    value = found[1]
    fake = {"start": b"<!--AAAA-->" + value, "end": value + b"<!--x-->", "middle": value[:4] + b"<!--x-->" + value[4:]}
    refused(data.replace(value, fake[where]), errors.ForbiddenXml)


def test_a_digest_value_hidden_elsewhere_is_refused() -> None:
    # CVE-2024-45409: a DigestValue outside of SignedInfo, found by a search over the whole document.
    detail = f'<samlp:StatusDetail><ds:DigestValue xmlns:ds="{forge.DS}">AAAA</ds:DigestValue></samlp:StatusDetail></samlp:Status>'
    refused(forge.response().replace(b"</samlp:Status>", detail.encode()), errors.UnexpectedElement)


def test_an_element_inside_the_digest_is_refused() -> None:
    found = re.search(rb"<ds:DigestValue>(.*?)<", data := forge.response())
    assert found
    refused(data.replace(found[1], found[1] + b"<ds:KeyName/>"), errors.SignatureMalformed)


def test_two_digest_values_are_refused() -> None:
    data = sub(forge.response(), r"<ds:DigestValue>", "<ds:DigestValue>AAAA</ds:DigestValue><ds:DigestValue>")
    refused(data, errors.SignatureMalformed)


def test_two_signatures_on_one_element_are_refused() -> None:
    data = forge.response()
    found = re.search(rb"<ds:Signature .*?</ds:Signature>", data, re.DOTALL)
    assert found
    refused(data.replace(found[0], found[0] * 2), errors.SignatureMalformed)


def test_a_signature_at_another_place_in_its_parent_is_refused() -> None:
    data = forge.response()
    found = re.search(rb"<ds:Signature .*?</ds:Signature>", data, re.DOTALL)
    assert found
    moved = data.replace(found[0], b"").replace(b"</saml:Subject>", b"</saml:Subject>" + found[0])
    refused(moved, errors.SignatureMalformed)


def test_an_invalid_outer_signature_is_not_made_good_by_a_valid_inner_one() -> None:
    data = forge.sign_xml(forge.response(), "_response1", Signing(key=EVIL))
    refused(data, errors.SignatureInvalid)


def test_an_invalid_inner_signature_is_not_made_good_by_a_valid_outer_one() -> None:
    data = forge.sign_xml(forge.response(signing=Signing(key=EVIL)), "_response1")
    refused(data, errors.SignatureInvalid)


def test_signed_info_in_another_namespace_is_refused() -> None:
    data = forge.response().replace(b"<ds:SignedInfo>", b'<ds:SignedInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig">')
    refused(data, errors.SignatureMalformed)


def test_prefixes_rebound_inside_signed_info_are_refused() -> None:
    data = forge.response().replace(b"<ds:Reference ", b'<ds:Reference xmlns:ds="urn:evil" ')
    refused(data, errors.SignatureReferenceInvalid)
    data = forge.response().replace(b"<ds:DigestValue>", b'<ds:DigestValue xmlns:ds="urn:evil">')
    with pytest.raises(errors.SignatureInvalid):
        verify(data)


def test_a_look_alike_signature_does_not_count_as_one() -> None:
    data = forge.response().replace(forge.DS.encode(), b"http://www.w3.org/2000/09/XMLdsig#")
    with pytest.raises(errors.SamlError):
        verify(data)
