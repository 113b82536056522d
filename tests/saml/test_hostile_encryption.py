"""Encrypted messages that must not be believed, or not even be answered differently from one another. Each a test of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.saml import forge
from tests.saml.forge import Recipe
from tests.saml.forge_encryption import XENC, XENC11, Encryption, encrypt, encrypted_key_xml, encrypted_response
from tests.saml.test_encryption import KEYS, decryption_key
from tests.saml.verifying import refused as refused_with
from vestibule.saml import ciphers, errors
from vestibule.saml.encryption_errors import CbcNotAllowed, DecryptionFailed, EncryptionMalformed, EncryptionNotAllowed
from vestibule.saml.errors import SamlError
from vestibule.saml.keys import DecryptionKey

ASSERTION = Recipe().assertion_xml()


def refused(data: bytes, error: type[SamlError], **changes: Any) -> SamlError:
    return refused_with(data, error, **{"decryption_keys": KEYS, **changes})


def flipped(at: int) -> Callable[[bytes], bytes]:
    """Return a change of one bit."""
    return lambda data: data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def sealed(plaintext: str | bytes, encryption: Encryption | None = None, sign: forge.SignWhat = "response") -> bytes:
    """Return a response with any plaintext, signed around the ciphertext."""
    data = Recipe().xml().replace(ASSERTION, encrypt(plaintext, encryption))
    return forge.sign_xml(data, "_response1") if sign == "response" else data.encode()


# Failures to decrypt


FAILURES = {
    "a nonce that was changed": Encryption(ciphertext=flipped(0)),
    "a ciphertext that was changed": Encryption(ciphertext=flipped(40)),
    "a tag that was changed": Encryption(ciphertext=lambda data: data[:-1] + bytes([data[-1] ^ 1])),
    "a ciphertext that was cut": Encryption(ciphertext=lambda data: data[:-1]),
    "a wrapped key that was changed": Encryption(wrapped=flipped(100)),
    "a wrapped key that begins with zero": Encryption(wrapped=lambda data: bytes(1) + data[1:]),
    "a wrapped key larger than the modulus": Encryption(wrapped=lambda data: b"\xff" * len(data)),
    "a wrapped key of zeros": Encryption(wrapped=lambda data: bytes(len(data))),
    "a wrapped key that was cut": Encryption(wrapped=lambda data: data[:-1]),
    "a wrapped key of one byte": Encryption(wrapped=lambda _: b"\x01"),
    "no wrapped key": Encryption(wrapped=lambda _: b""),
    "a key that is too short": Encryption(secret=bytes(31)),
    "an empty key": Encryption(secret=b""),
    "a key of the other cipher": Encryption(secret=bytes(16)),
    "somebody else's key": Encryption(key=forge.key("other sp")),
    "another digest than is named": Encryption(digest_uri=XENC + "sha256"),
    "another mask than is named": Encryption(wrap=XENC11 + "rsa-oaep", mask_uri=XENC11 + "mgf1sha256"),
}


def shape_of(error: SamlError) -> tuple[Any, ...]:
    return (type(error), str(error), error.reason, error.expected, error.received, error.code, error.checks)


@pytest.mark.parametrize("name", FAILURES)
def test_every_failure_to_decrypt_looks_the_same(name: str) -> None:
    reference = refused(encrypted_response(encryption=Encryption(ciphertext=flipped(40))), DecryptionFailed)
    found = refused(encrypted_response(encryption=FAILURES[name]), DecryptionFailed)
    assert shape_of(found) == shape_of(reference)


@pytest.mark.parametrize("name", FAILURES)
def test_every_failure_to_decrypt_takes_the_same_steps(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[tuple[str, int]] = []
    unwrap, open_gcm = ciphers._unwrap, ciphers._open_gcm

    def recorded_unwrap(key: DecryptionKey, wrap: ciphers.KeyWrap, wrapped: bytes, length: int) -> bytes:
        secret = unwrap(key, wrap, wrapped, length)
        steps.append(("unwrap", len(secret)))
        return secret

    def recorded_open(secret: bytes, data: bytes) -> bytes | None:
        steps.append(("open", len(secret)))
        return open_gcm(secret, data)

    monkeypatch.setattr(ciphers, "_unwrap", recorded_unwrap)
    monkeypatch.setattr(ciphers, "_open_gcm", recorded_open)
    keys = (*KEYS, decryption_key(forge.key("sp new")))
    refused(encrypted_response(encryption=FAILURES[name]), DecryptionFailed, decryption_keys=keys)
    assert steps == [("unwrap", 32), ("open", 32)] * 2


def test_a_success_takes_the_same_steps_as_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[bool] = []
    open_gcm = ciphers._open_gcm

    def recorded_open(secret: bytes, data: bytes) -> bytes | None:
        plaintext = open_gcm(secret, data)
        opened.append(plaintext is not None)
        return plaintext

    monkeypatch.setattr(ciphers, "_open_gcm", recorded_open)
    keys = (*KEYS, decryption_key(forge.key("sp new")))
    refused(encrypted_response(Recipe(audiences=())), errors.AudienceMismatch, decryption_keys=keys)
    assert opened == [True, False]


def test_the_substitute_of_a_key_is_stable_secret_and_different_for_each_message() -> None:
    wrap, other = ciphers.key_wrap(XENC + "rsa-oaep-mgf1p", None, None), decryption_key(forge.key("sp new"))
    made = [ciphers._unwrap(key, wrap, wrapped, 32) for key in (KEYS[0], other) for wrapped in (bytes(256), bytes(255))]
    assert len(set(made)) == 4
    assert made[0] == ciphers._unwrap(KEYS[0], wrap, bytes(256), 32)


# What was encrypted


@pytest.mark.parametrize("sign", ["response", "none"])
@pytest.mark.parametrize(
    ("plaintext", "error"),
    [
        ("", DecryptionFailed),
        ("not XML", DecryptionFailed),
        (b"\xff\xfe\x00", DecryptionFailed),
        (ASSERTION + ASSERTION, DecryptionFailed),
        (ASSERTION + "<x/>", DecryptionFailed),
        ("text " + ASSERTION, DecryptionFailed),
        ('<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + ASSERTION, errors.ForbiddenXml),
        (ASSERTION.replace("ada@", "ada@<!---->"), errors.ForbiddenXml),
        ("<?php x?>" + ASSERTION, errors.ForbiddenXml),
        ("<x/>", errors.UnexpectedElement),
        ("<Assertion/>", errors.UnexpectedElement),
        (Recipe().xml(), errors.UnexpectedElement),
        (f"<r>{ASSERTION}</r>", errors.UnexpectedElement),
        (encrypt(ASSERTION), errors.UnexpectedElement),
        (ASSERTION.replace("_assertion1", "_response1"), errors.AssertionCount),
        ("<a>" * 40 + "</a>" * 40, errors.TooLarge),
    ],
)
def test_a_plaintext_that_is_not_exactly_one_assertion_is_refused(
    plaintext: str | bytes, error: type[SamlError], sign: forge.SignWhat
) -> None:
    refused(sealed(plaintext or b" ", sign=sign), error)


def test_a_second_assertion_hidden_in_the_first_is_refused() -> None:
    evil = Recipe(assertion_id="_evil", name_id="eve@example.com").assertion_xml()
    hidden = Recipe(advice=f"<saml:Advice>{evil}</saml:Advice>")
    refused(encrypted_response(hidden), errors.UnexpectedElement)
    refused(encrypted_response(hidden, sign="both"), errors.UnexpectedElement)
    refused(
        encrypted_response(plaintext=lambda xml: xml.replace("</saml:Assertion>", evil + "</saml:Assertion>")),
        errors.DigestMismatch,
    )


@pytest.mark.parametrize("place", ["advice", "end_of_assertion", "subject_extra"])
def test_an_assertion_that_wraps_the_signed_one_is_refused(place: str) -> None:
    signed = forge.sign_xml(ASSERTION, "_assertion1").decode()
    changes: dict[str, Any] = {place: signed}
    wrapper = Recipe(assertion_id="_evil", name_id="eve@example.com", **changes).assertion_xml()
    refused(sealed(wrapper, sign="none"), errors.SignatureMissing)


def test_encryption_alone_proves_nothing() -> None:
    refused(encrypted_response(sign="none"), errors.SignatureMissing)


@pytest.mark.parametrize("sign", ["assertion", "both"])
def test_an_inner_signature_must_verify_even_under_an_outer_one(sign: forge.SignWhat) -> None:
    data = encrypted_response(sign=sign, plaintext=lambda xml: xml.replace("ada@example.com", "eve@example.com"))
    refused(data, errors.DigestMismatch)


def test_an_inner_signature_of_a_stranger_is_refused() -> None:
    evil = forge.Signing(key=forge.key("evil"))
    refused(encrypted_response(signing=evil), errors.SignatureInvalid)
    signed = forge.sign_xml(ASSERTION, "_assertion1", evil).decode()
    refused(sealed(signed), errors.SignatureInvalid)


def test_ciphertext_that_was_exchanged_breaks_the_outer_signature() -> None:
    evil = encrypt(Recipe(name_id="eve@example.com").assertion_xml())
    data = encrypted_response(sign="response").decode()
    start, end = data.index("<saml:EncryptedAssertion"), data.index("</samlp:Response>")
    refused((data[:start] + evil + data[end:]).encode(), errors.DigestMismatch)


def test_one_assertion_in_the_clear_and_one_encrypted_are_refused() -> None:
    extra = encrypt(forge.sign_xml(ASSERTION, "_assertion1"))
    refused(forge.response(end_of_response=extra), errors.AssertionCount)
    refused(
        encrypted_response(end_of_response=extra.replace("_data1", "_data2").replace("_key1", "_key2")),
        errors.AssertionCount,
    )


def test_an_encrypted_attribute_is_refused() -> None:
    statement = f"<saml:AttributeStatement>{encrypt('<x/>', name='EncryptedAttribute')}</saml:AttributeStatement>"
    refused(forge.response(end_of_assertion=statement), errors.EncryptedNotSupported)


@pytest.mark.parametrize("plaintext", ["<x/>", ASSERTION, f'<saml:Issuer xmlns:saml="{forge.SAML}">a</saml:Issuer>'])
def test_an_encrypted_id_that_is_not_a_name_id_is_refused(plaintext: str) -> None:
    extra = encrypt(plaintext, name="EncryptedID")
    refused(forge.response(name_id=None, subject_extra=extra), errors.SubjectInvalid)


def test_a_name_id_in_the_clear_beside_an_encrypted_one_is_refused() -> None:
    name_id = f'<saml:NameID xmlns:saml="{forge.SAML}">eve@example.com</saml:NameID>'
    refused(forge.response(subject_extra=encrypt(name_id, name="EncryptedID")), errors.SubjectInvalid)


def test_an_encrypted_id_inside_an_encrypted_id_is_refused() -> None:
    name_id = f'<saml:NameID xmlns:saml="{forge.SAML}">ada@example.com</saml:NameID>'
    twice = encrypt(encrypt(name_id, name="EncryptedID"), name="EncryptedID")
    refused(forge.response(name_id=None, subject_extra=twice), errors.SubjectInvalid)


# CBC


def test_cbc_is_refused_unless_the_connection_allows_it() -> None:
    refused(encrypted_response(sign="both", encryption=Encryption(cipher="aes256-cbc")), CbcNotAllowed)


def test_cbc_is_refused_without_an_outer_signature_before_anything_is_decrypted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ciphers, "_unwrap", None)
    refused(encrypted_response(encryption=Encryption(cipher="aes256-cbc")), CbcNotAllowed, allow_cbc=True)


def test_a_cbc_flip_under_a_signature_breaks_the_signature_before_anything_is_decrypted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = encrypted_response(sign="both", encryption=Encryption(cipher="aes256-cbc")).decode()
    at = data.rindex("</xenc:CipherValue>") - 200
    changed = data[:at] + ("B" if data[at] == "A" else "A") + data[at + 1 :]
    monkeypatch.setattr(ciphers, "_unwrap", None)
    refused(changed.encode(), errors.DigestMismatch, allow_cbc=True)


@pytest.mark.parametrize("last", [0, 17, 255])
def test_bad_cbc_padding_and_a_bad_plaintext_look_the_same(last: int) -> None:
    padding = refused(
        sealed(ASSERTION, Encryption(cipher="aes256-cbc", ciphertext=lambda data: data[:-16] + bytes([last]) * 16)),
        DecryptionFailed,
        allow_cbc=True,
    )
    text = refused(sealed("garbage", Encryption(cipher="aes256-cbc")), DecryptionFailed, allow_cbc=True)
    assert shape_of(padding) == shape_of(text)


# Algorithms


@pytest.mark.parametrize(
    "encryption",
    [
        Encryption(wrap=XENC + "rsa-1_5"),
        Encryption(wrap=XENC + "kw-aes256"),
        Encryption(wrap=""),
        Encryption(cipher_uri=XENC + "tripledes-cbc"),
        Encryption(cipher_uri=XENC + "aes192-cbc"),
        Encryption(cipher_uri=XENC11 + "aes192-gcm"),
        Encryption(cipher_uri="none"),
        Encryption(digest_uri="http://www.w3.org/2001/04/xmldsig-more#md5"),
        Encryption(digest_uri=XENC + "sha512"),
        Encryption(mask_uri=XENC11 + "mgf1sha256"),
        Encryption(wrap=XENC11 + "rsa-oaep", mask_uri=XENC11 + "mgf1sha512"),
        Encryption(wrap=XENC11 + "rsa-oaep", digest_uri=forge.DS + "sha256"),
    ],
)
def test_an_algorithm_outside_the_list_is_refused_before_anything_is_decrypted(
    encryption: Encryption, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ciphers, "_unwrap", None)
    refused(encrypted_response(encryption=encryption), EncryptionNotAllowed)


# Shape


@pytest.mark.parametrize("uri", ["file:///etc/passwd", "https://evil.example/x", "#_response1", ""])
def test_a_cipher_reference_is_refused_and_fetches_nothing(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ciphers, "_unwrap", None)
    reference = f'<xenc:CipherData><xenc:CipherReference URI="{uri}"/></xenc:CipherData>'
    refused(encrypted_response(encryption=Encryption(raw_cipher_data=reference)), EncryptionMalformed)


@pytest.mark.parametrize("uri", ["", "#_other", "file:///etc/passwd", "https://evil.example/key", "_key1"])
def test_a_key_that_is_retrieved_from_elsewhere_is_refused(uri: str) -> None:
    data = encrypted_response(encryption=Encryption(placement="beside")).replace(
        b'URI="#_key1"', f'URI="{uri}"'.encode()
    )
    refused(data, EncryptionMalformed)


@pytest.mark.parametrize(
    "encryption",
    [
        Encryption(recipient="https://other.example"),
        Encryption(raw_key_info=""),
        Encryption(raw_key_info=f'<ds:KeyInfo xmlns:ds="{forge.DS}"><ds:KeyName>k</ds:KeyName></ds:KeyInfo>'),
        Encryption(raw_key_info=f'<ds:KeyInfo xmlns:ds="{forge.DS}"><ds:Signature/></ds:KeyInfo>'),
        Encryption(more_keys="<x/>"),
        Encryption(more_keys=encrypted_key_xml(bytes(32), Encryption(placement="listed")).replace("_key1", "_key2")),
        Encryption(placement="listed", data_attributes=' Id="_other"'),
        Encryption(data_attributes=' Type="http://www.w3.org/2001/04/xmlenc#Content"'),
        Encryption(data_attributes=' evil="1"'),
        Encryption(ciphertext=lambda data: data[:28]),
        Encryption(ciphertext=lambda _: b""),
        Encryption(cipher="aes256-cbc", ciphertext=lambda data: data[:-1]),
        Encryption(cipher="aes256-cbc", ciphertext=lambda data: data[:16]),
    ],
)
def test_a_shape_that_no_product_writes_is_refused(encryption: Encryption) -> None:
    refused(encrypted_response(encryption=encryption), EncryptionMalformed, allow_cbc=True)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<xenc:CipherValue>", "<xenc:CipherValue>!"),
        ("<xenc:CipherValue>", "<xenc:CipherValue><x/>"),
        ("<xenc:CipherData>", "<xenc:CipherData>text"),
        ("</xenc:EncryptedData>", "<xenc:EncryptionProperties/></xenc:EncryptedData>"),
        ('aes256-gcm"/>', 'aes256-gcm"><xenc:KeySize>128</xenc:KeySize></xenc:EncryptionMethod>'),
        ("<ds:DigestMethod", "<xenc:OAEPparams>bGFiZWw=</xenc:OAEPparams><ds:DigestMethod"),
        ("<ds:DigestMethod", f'<ds:DigestMethod Algorithm="{forge.DS}sha1"/><ds:DigestMethod'),
        ("<ds:X509Data>", "<ds:X509Data><ds:Signature/>"),
        ("<saml:EncryptedAssertion", '<saml:EncryptedAssertion ID="x"'),
        ("<xenc:EncryptedData", "<x/><xenc:EncryptedData"),
    ],
)
def test_anything_that_the_schema_has_not_at_its_place_is_refused(before: str, after: str) -> None:
    data = encrypted_response().decode()
    assert before in data
    refused(data.replace(before, after, 1).encode(), EncryptionMalformed)


def test_a_flood_of_keys_is_refused_before_any_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ciphers, "_unwrap", None)
    one = encrypted_key_xml(bytes(32), Encryption(placement="listed"))
    flood = "".join(one.replace("_key1", f"_key{number}") for number in range(2, 60))
    refused(encrypted_response(encryption=Encryption(placement="beside", more_keys=flood)), EncryptionMalformed)


def test_a_message_that_is_too_large_is_refused_before_it_is_parsed() -> None:
    refused(sealed("<a>" + "x" * 256 * 1024 + "</a>"), errors.TooLarge)
