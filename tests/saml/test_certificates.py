"""Certificates in every form that admins paste and metadata holds; and what is not one."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ed25519
from hypothesis import given
from hypothesis import strategies as st

from tests.saml import forge
from vestibule.saml import certificates
from vestibule.saml.certificates import parse_certificate, parse_certificates

KEY = forge.key()
PEM, DER, BASE64 = KEY.certificate_pem, KEY.certificate_der, KEY.certificate_base64


@pytest.mark.parametrize(
    "data",
    [
        PEM,
        PEM.encode(),
        DER,
        BASE64,
        BASE64.encode(),
        f"\n\t {PEM}\r\n\n",
        PEM.replace("\n", "\r\n"),
        PEM.replace("\n", "\\n"),
        "\ufeff" + PEM,
        f"Subject: CN=idp\nIssuer: CN=idp\n{PEM}",
        "\n".join(BASE64[i : i + 64] for i in range(0, len(BASE64), 64)),
        "\n".join("    " + BASE64[i : i + 76] for i in range(0, len(BASE64), 76)),
        "-----BEGIN CERTIFICATE-----" + BASE64 + "-----END CERTIFICATE-----",
    ],
)
def test_every_form_gives_the_same_certificate(data: str | bytes) -> None:
    found = parse_certificate(data)
    assert found.der == DER
    assert found.subject == "CN=idp"
    assert found.not_before == forge.NOW - timedelta(days=30)
    assert found.not_after == found.not_before + timedelta(days=1095)
    assert found.key_description == "RSA 2048"


def test_the_fingerprint_is_what_openssl_prints() -> None:
    found = parse_certificate(PEM)
    assert len(found.fingerprint) == 95
    assert found.fingerprint == found.fingerprint.upper()
    assert found.short_fingerprint == f"{found.fingerprint[:5]}…{found.fingerprint[-5:]}"


@pytest.mark.parametrize(
    ("kind", "description"),
    [("rsa3072", "RSA 3072"), ("p256", "ECDSA P-256"), ("p384", "ECDSA P-384"), ("p521", "ECDSA P-521")],
)
def test_the_key_is_described(kind: str, description: str) -> None:
    assert parse_certificate(forge.key("k", kind).certificate_der).key_description == description


def test_several_blocks_are_read_each_once_in_order() -> None:
    other = forge.key("other")
    found = parse_certificates(f"{other.certificate_pem}\n{PEM}\n{PEM}")
    assert [each.subject for each in found] == ["CN=other", "CN=idp"]


def refused(data: Any, error: type[certificates.CertificateInvalid]) -> certificates.CertificateInvalid:
    with pytest.raises(certificates.CertificateInvalid) as caught:
        parse_certificate(data)
    assert type(caught.value) is error, repr(caught.value)
    return caught.value


@pytest.mark.parametrize("data", ["", b"", "  \n"])
def test_nothing_is_refused(data: str | bytes) -> None:
    refused(data, certificates.CertificateEmpty)


@pytest.mark.parametrize(
    "data",
    [
        "garbage",
        b"\x30\x82",
        DER[:-1],
        DER + b"x",
        BASE64[:-8],
        PEM[:200],
        "é",
        "<xml/>",
        "MII",
        "AAAA",
        b"\xff\xfe",
        DER[:40],
    ],
)
def test_garbage_is_refused(data: str | bytes) -> None:
    assert "BEGIN CERTIFICATE" in str(refused(data, certificates.CertificateInvalid))


def test_two_where_one_is_wanted_are_refused() -> None:
    refused(PEM + forge.key("other").certificate_pem, certificates.SeveralCertificates)


def test_a_private_key_is_refused_with_a_warning_and_is_not_repeated() -> None:
    for text in (KEY.private_pem, PEM + KEY.private_pem, KEY.private_pem[:-20]):
        error = refused(text, certificates.PrivateKeyGiven)
        assert "secret" in str(error)
        assert text[40:80] not in error.reason


def test_a_public_key_or_a_request_is_refused() -> None:
    public = KEY.private_key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    refused(public, certificates.PublicKeyGiven)
    refused(PEM.replace("CERTIFICATE", "CERTIFICATE REQUEST"), certificates.PublicKeyGiven)


def test_too_much_is_refused() -> None:
    refused("A" * 100_000, certificates.CertificateTooLong)


def test_a_small_rsa_key_is_refused_with_its_size() -> None:
    error = refused(forge.key("small", "rsa1024").certificate_der, certificates.CertificateKeyTooSmall)
    assert "1024" in str(error)


def test_keys_of_other_kinds_are_refused() -> None:
    refused(forge.key("koblitz", "k1").certificate_der, certificates.CertificateKeyUnsupported)
    refused(forge.self_signed(dsa.generate_private_key(2048), "dsa"), certificates.CertificateKeyUnsupported)
    edwards = ed25519.Ed25519PrivateKey.generate()
    from cryptography import x509  # noqa: PLC0415 - Ed25519 signs without naming a hash, which forge does not know

    name = x509.Name([])
    builder = x509.CertificateBuilder(name, name, edwards.public_key(), 1, forge.NOW, forge.NOW + timedelta(days=1))
    refused(
        builder.sign(edwards, None).public_bytes(serialization.Encoding.DER), certificates.CertificateKeyUnsupported
    )


def test_a_hostile_subject_is_shown_safely() -> None:
    found = parse_certificate(forge.self_signed(KEY.private_key, "a\u202eb\nc"))
    assert found.subject.isprintable()


@given(st.one_of(st.text(max_size=200), st.binary(max_size=200)))
def test_arbitrary_input_raises_only_our_own_errors(data: str | bytes) -> None:
    with pytest.raises(certificates.CertificateInvalid):
        parse_certificates(data)


@given(st.integers(0, len(DER) - 1), st.integers(0, 255))
def test_a_flipped_byte_raises_only_our_own_errors(position: int, value: int) -> None:
    data = bytearray(DER)
    data[position] = value
    try:
        found = parse_certificate(bytes(data))
    except certificates.CertificateInvalid:
        return
    assert found.der == bytes(data)


def test_pem_inside_other_text_is_found_in_base64_too() -> None:
    assert parse_certificate(base64.b64encode(DER) + b"\n").der == DER
