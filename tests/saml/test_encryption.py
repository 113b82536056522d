"""Encrypted assertions and NameIDs: every form that products write is read, and whatever is opened is verified as ever."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from tests.saml import forge
from tests.saml.forge import Recipe
from tests.saml.forge_encryption import XENC, XENC11, Encryption, encrypt, encrypted_key_xml, encrypted_response
from tests.saml.verifying import refused, verify
from tests.support.tools import tool
from vestibule.saml import errors
from vestibule.saml.keys import DecryptionKey, load_decryption_key

OURS = forge.key("sp")


def decryption_key(key: forge.IdpKey = OURS) -> DecryptionKey:
    return load_decryption_key(key.private_pem.encode(), key.certificate_der)


KEYS = (decryption_key(),)


def opened(data: bytes, **changes: Any) -> Any:
    verified = verify(data, **{"decryption_keys": KEYS, **changes})
    assert verified.name_id == "ada@example.com"
    assert verified.attributes["groups"] == ("Engineering", "Everyone in Lisbon")
    return verified


@pytest.mark.parametrize("sign", ["assertion", "response", "both"])
@pytest.mark.parametrize("cipher", ["aes128-gcm", "aes256-gcm"])
def test_an_encrypted_assertion_is_opened_and_verified(sign: forge.SignWhat, cipher: Any) -> None:
    verified = opened(encrypted_response(sign=sign, encryption=Encryption(cipher=cipher)))
    assert (verified.signed, verified.encryption) == (sign, cipher.upper().replace("AES", "AES-"))
    assertion = next(check for check in verified.checks if check.name == "assertion")
    assert assertion.received == f"1, {verified.encryption}"


def test_an_assertion_in_the_clear_is_still_accepted_and_says_so() -> None:
    assert opened(forge.response()).encryption is None


@pytest.mark.parametrize(
    ("wrap", "digest", "mask"),
    [
        (XENC + "rsa-oaep-mgf1p", "sha1", "sha1"),
        (XENC + "rsa-oaep-mgf1p", "sha256", "sha1"),
        (XENC11 + "rsa-oaep", "sha1", "sha1"),
        (XENC11 + "rsa-oaep", "sha1", "sha256"),
        (XENC11 + "rsa-oaep", "sha256", "sha1"),
        (XENC11 + "rsa-oaep", "sha256", "sha256"),
    ],
)
def test_every_allowed_key_transport_is_opened(wrap: str, digest: Any, mask: Any) -> None:
    opened(encrypted_response(encryption=Encryption(wrap=wrap, digest=digest, mask=mask)))


def test_a_mask_that_is_written_out_where_it_is_the_default_is_allowed() -> None:
    opened(encrypted_response(encryption=Encryption(mask_uri=XENC11 + "mgf1sha1")))


def test_the_name_that_npm_xml_encryption_invents_for_sha256_is_read_as_nodejs_means_it() -> None:
    encryption = Encryption(digest="sha256", mask="sha256", digest_uri=forge.DS + "sha256")
    data = encrypted_response(encryption=encryption)
    mask = data.index(b"<x11:MGF")
    opened(data[:mask] + data[data.index(b"/>", mask) + 2 :])


@pytest.mark.parametrize("placement", ["inside", "beside", "listed"])
@pytest.mark.parametrize("recipient", [None, forge.SP])
@pytest.mark.parametrize("pretty", [False, True])
def test_the_key_is_found_inside_and_beside(placement: Any, recipient: str | None, pretty: bool) -> None:
    encryption = Encryption(placement=placement, recipient=recipient, pretty=pretty)
    opened(encrypted_response(encryption=encryption))


@pytest.mark.parametrize("placement", ["inside", "listed"])
def test_keys_for_other_recipients_are_passed_over(placement: Any) -> None:
    other = encrypted_key_xml(bytes(32), Encryption(recipient="https://other.example", placement="listed"))
    other = other.replace("_key1", "_key2")
    opened(encrypted_response(encryption=Encryption(placement=placement, recipient=forge.SP, more_keys=other)))


def test_the_key_that_is_retrieved_is_used_and_no_other() -> None:
    other = encrypted_key_xml(bytes(32), Encryption(placement="listed")).replace("_key1", "_key2")
    opened(encrypted_response(encryption=Encryption(placement="beside", more_keys=other)))


def test_any_of_our_keys_opens_so_that_they_can_be_rotated() -> None:
    new = decryption_key(forge.key("sp new"))
    data = encrypted_response()
    opened(data, decryption_keys=(new, *KEYS))
    opened(data, decryption_keys=(*KEYS, new))


def test_key_names_and_certificates_beside_the_key_are_allowed_and_not_read() -> None:
    encryption = Encryption(
        placement="listed", raw_key_info=f'<KeyInfo xmlns="{forge.DS}"><KeyName>n</KeyName></KeyInfo>'
    )
    opened(encrypted_response(encryption=encryption))


def test_a_key_size_that_agrees_is_allowed() -> None:
    method = b'<xenc:EncryptionMethod Algorithm="http://www.w3.org/2009/xmlenc11#aes256-gcm"'
    data = encrypted_response().replace(
        method + b"/>", method + b"><xenc:KeySize>256</xenc:KeySize></xenc:EncryptionMethod>"
    )
    assert b"KeySize" in data
    opened(data)


def test_a_plaintext_with_a_declaration_and_layout_is_read() -> None:
    opened(encrypted_response(plaintext=lambda xml: f'<?xml version="1.0" encoding="UTF-8"?>\n{xml}\n'))


@pytest.mark.parametrize("cipher", ["aes128-cbc", "aes256-cbc"])
@pytest.mark.parametrize("sign", ["response", "both"])
def test_cbc_is_opened_under_a_verified_signature_where_the_connection_allows_it(cipher: Any, sign: Any) -> None:
    verified = opened(encrypted_response(sign=sign, encryption=Encryption(cipher=cipher)), allow_cbc=True)
    assert verified.encryption.endswith("CBC")


@pytest.mark.parametrize("length", range(1, 18))
def test_cbc_padding_of_every_length_is_taken_off(length: int) -> None:
    data = encrypted_response(
        sign="response", encryption=Encryption(cipher="aes256-cbc"), plaintext=lambda xml: xml + "\n" * length
    )
    opened(data, allow_cbc=True)


@pytest.mark.parametrize("sign", ["assertion", "response", "both"])
@pytest.mark.parametrize("cipher", ["aes256-gcm", "aes256-cbc"])
def test_an_encrypted_name_id_is_opened(sign: forge.SignWhat, cipher: Any) -> None:
    # CBC too: the ciphertext stands inside of what was signed.
    name_id = f'<saml:NameID xmlns:saml="{forge.SAML}" Format="f" NameQualifier="q">ada@example.com</saml:NameID>'
    sealed = encrypt(name_id, Encryption(cipher=cipher), "EncryptedID")
    verified = opened(forge.response(name_id=None, subject_extra=sealed, sign=sign), allow_cbc=True)
    assert (verified.name_id_format, verified.name_qualifier) == ("f", "q")
    assert verified.encryption is None


def test_an_encrypted_name_id_inside_an_encrypted_assertion_is_opened() -> None:
    name_id = f'<saml:NameID xmlns:saml="{forge.SAML}">ada@example.com</saml:NameID>'
    opened(encrypted_response(Recipe(name_id=None, subject_extra=encrypt(name_id, name="EncryptedID"))))


def test_rules_are_applied_to_what_was_encrypted() -> None:
    for recipe, error in (
        (Recipe(audiences=(("https://other.example",),)), errors.AudienceMismatch),
        (Recipe(not_on_or_after=forge.instant(forge.NOW.replace(year=2025))), errors.Expired),
        (Recipe(assertion_issuer="https://other.example"), errors.IssuerMismatch),
        (Recipe(confirmations=(forge.Confirmation(recipient="https://other.example"),)), errors.RecipientMismatch),
    ):
        refused(encrypted_response(recipe), error, decryption_keys=KEYS)
        refused(encrypted_response(recipe, sign="both"), error, decryption_keys=KEYS)


def test_without_a_key_encrypted_answers_are_refused_as_not_supported() -> None:
    assert "encrypts" in str(refused(encrypted_response(), errors.EncryptedNotSupported))
    sealed = encrypt(f'<saml:NameID xmlns:saml="{forge.SAML}">a</saml:NameID>', name="EncryptedID")
    refused(forge.response(name_id=None, subject_extra=sealed), errors.EncryptedNotSupported)


def test_a_decryption_key_shows_nothing_secret() -> None:
    assert "substitute" not in repr(KEYS[0])
    assert "private" not in repr(KEYS[0])


def test_a_certificate_of_another_key_is_refused() -> None:
    with pytest.raises(errors.SamlError):
        load_decryption_key(OURS.private_pem.encode(), forge.key().certificate_der)


SAMLP_IDP = Path(__file__).parents[1] / "idps" / "samlp_idp"
SCRIPT = """
const [cipher, digest] = process.argv.slice(1);
const [xml, rsa_pub, pem] = JSON.parse(require("fs").readFileSync(0, "utf8"));
require("xml-encryption").encrypt(xml, {rsa_pub, pem, encryptionAlgorithm: cipher, keyEncryptionDigest: digest,
  keyEncryptionAlgorithm: "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p"},
  (error, result) => { if (error) throw error; process.stdout.write(result); });
"""


@pytest.mark.parametrize("digest", ["sha1", "sha256"])
@pytest.mark.parametrize("cipher", ["aes128-gcm", "aes256-gcm"])
def test_what_npm_xml_encryption_writes_is_opened(cipher: str, digest: str) -> None:
    assertion = forge.sign_xml(Recipe().assertion_xml(), "_assertion1").decode()
    public = OURS.private_key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    done = subprocess.run(
        [tool("node"), "-e", SCRIPT, XENC11 + cipher, digest],
        input=json.dumps([assertion, public.decode(), OURS.certificate_pem]),
        cwd=SAMLP_IDP,
        text=True,
        capture_output=True,
        check=True,
    )
    sealed = f'<saml:EncryptedAssertion xmlns:saml="{forge.SAML}">{done.stdout.strip()}</saml:EncryptedAssertion>'
    opened(Recipe().xml().replace(Recipe().assertion_xml(), sealed).encode())
