"""Encrypted messages that must not be believed: flipped, tampered, hidden, wrapped, or a question to an oracle."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

from tests.saml import forge
from tests.saml.forge import Recipe
from tests.saml.forge_encryption import XENC, XENC11, Encryption, encrypt, encrypted_key_xml, encrypted_response
from tests.saml.hostile.corpus import EVE, EVIL, Family, shortened, swap
from vestibule.saml import errors
from vestibule.saml.encryption_errors import CbcNotAllowed, DecryptionFailed, EncryptionMalformed, EncryptionNotAllowed
from vestibule.saml.errors import SamlError

FAMILY = Family(
    "encryption",
    "Ciphertext that is flipped, cut, wrapped for others or weakly, hides an assertion or points to files; encryption as proof.",
    "xmlenc-core1 5, 6.1; Jager and Somorovsky, How to Break XML Encryption, CCS 2011; Jager et al., ESORICS 2012",
)
ASSERTION: Final = Recipe().assertion_xml()


def flipped(at: int) -> Callable[[bytes], bytes]:
    """Return a change of one bit."""
    return lambda data: data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def ends_with(block: bytes) -> Callable[[bytes], bytes]:
    """Return a change of the last block."""
    return lambda data: data[: -len(block)] + block


def sealed(plaintext: str | bytes, encryption: Encryption | None = None, sign: forge.SignWhat = "response") -> bytes:
    """Return a response with any plaintext, signed around the ciphertext."""
    data = Recipe().xml().replace(ASSERTION, encrypt(plaintext, encryption))
    return forge.sign_xml(data, "_response1") if sign == "response" else data.encode()


@lru_cache
def failures() -> dict[str, Encryption]:
    """Return every way in which it can't be opened; all must look and cost the same (tests/saml/test_decryption.py)."""
    return {
        "a nonce that was changed": Encryption(ciphertext=flipped(0)),
        "a ciphertext that was changed": Encryption(ciphertext=flipped(40)),
        "a tag that was changed": Encryption(ciphertext=lambda data: data[:-1] + bytes([data[-1] ^ 1])),
        "a ciphertext that was cut": Encryption(ciphertext=lambda data: data[:-1]),
        "a ciphertext that was continued": Encryption(ciphertext=lambda data: data + bytes(16)),
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


def _unopened() -> None:
    for name, encryption in failures().items():
        FAMILY.add(name, DecryptionFailed, encrypted_response(encryption=encryption))


PLAINTEXTS: Final[tuple[tuple[str | bytes, type[SamlError]], ...]] = (
    (" ", DecryptionFailed),
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
    (f'<saml:NameID xmlns:saml="{forge.SAML}">{EVE}</saml:NameID>', errors.UnexpectedElement),
    (Recipe().xml(), errors.UnexpectedElement),
    (f"<r>{ASSERTION}</r>", errors.UnexpectedElement),
    (encrypt(ASSERTION), errors.UnexpectedElement),
    (ASSERTION.replace("_assertion1", "_response1"), errors.AssertionCount),
    ("<a>" * 40 + "</a>" * 40, errors.TooLarge),
)


def _plaintexts() -> None:
    for number, (plaintext, error) in enumerate(PLAINTEXTS, 1):
        for sign in ("response", "none"):
            FAMILY.add(
                f"plaintext {number}: {shortened(plaintext[:24])}, response {'signed' if sign != 'none' else 'not signed'}",
                error,
                sealed(plaintext, sign=sign),
            )
    FAMILY.add("a message that is too large", errors.TooLarge, sealed("<a>" + "x" * 256 * 1024 + "</a>"))
    evil = Recipe(assertion_id="_evil", name_id="eve@example.com").assertion_xml()
    hidden = Recipe(advice=f"<saml:Advice>{evil}</saml:Advice>")
    ways: tuple[forge.SignWhat, ...] = ("assertion", "both")
    for sign in ways:
        FAMILY.add(
            f"a second assertion hidden in Advice, {sign} signed",
            errors.UnexpectedElement,
            encrypted_response(hidden, sign=sign),
        )
    FAMILY.add(
        "a second assertion hidden at the end of the first",
        errors.DigestMismatch,
        encrypted_response(plaintext=lambda xml: xml.replace("</saml:Assertion>", evil + "</saml:Assertion>")),
    )
    signed = forge.sign_xml(ASSERTION, "_assertion1").decode()
    for place in ("advice", "end_of_assertion", "subject_extra"):
        changes: dict[str, Any] = {place: signed}
        wrapper = Recipe(assertion_id="_evil", name_id="eve@example.com", **changes).assertion_xml()
        FAMILY.add(
            f"a forged assertion around the signed one ({place})", errors.SignatureMissing, sealed(wrapper, sign="none")
        )


def _proof() -> None:
    FAMILY.add(
        "an unsigned assertion: encryption alone proves nothing",
        errors.SignatureMissing,
        encrypted_response(sign="none"),
    )
    for sign in ("assertion", "both"):
        FAMILY.add(
            f"an assertion changed before it was encrypted, {sign} signed",
            errors.DigestMismatch,
            encrypted_response(sign=sign, plaintext=lambda xml: xml.replace("ada@example.com", "eve@example.com")),
        )
    evil = forge.Signing(key=EVIL)
    FAMILY.add("an assertion of a stranger", errors.SignatureInvalid, encrypted_response(signing=evil))
    FAMILY.add(
        "an assertion of a stranger in a signed response",
        errors.SignatureInvalid,
        sealed(forge.sign_xml(ASSERTION, "_assertion1", evil)),
    )
    exchanged = encrypted_response(sign="response").decode()
    start, end = exchanged.index("<saml:EncryptedAssertion"), exchanged.index("</samlp:Response>")
    other = encrypt(Recipe(name_id="eve@example.com").assertion_xml())
    FAMILY.add(
        "ciphertext exchanged in a signed response", errors.DigestMismatch, exchanged[:start] + other + exchanged[end:]
    )


def _identifiers() -> None:
    statement = f"<saml:AttributeStatement>{encrypt('<x/>', name='EncryptedAttribute')}</saml:AttributeStatement>"
    FAMILY.add("an encrypted attribute", errors.EncryptedNotSupported, forge.response(end_of_assertion=statement))
    name_id = f'<saml:NameID xmlns:saml="{forge.SAML}">eve@example.com</saml:NameID>'
    for plaintext in (
        "<x/>",
        ASSERTION,
        f'<saml:Issuer xmlns:saml="{forge.SAML}">a</saml:Issuer>',
        encrypt(name_id, name="EncryptedID"),
    ):
        extra = encrypt(plaintext, name="EncryptedID")
        FAMILY.add(
            f"an EncryptedID of {shortened(plaintext[:16])}",
            errors.SubjectInvalid,
            forge.response(name_id=None, subject_extra=extra),
        )
    FAMILY.add(
        "a NameID in the clear beside an encrypted one",
        errors.SubjectInvalid,
        forge.response(subject_extra=encrypt(name_id, name="EncryptedID")),
    )
    cbc = encrypt(name_id, Encryption(cipher="aes256-cbc"), "EncryptedID")
    FAMILY.add("an EncryptedID of AES-CBC", CbcNotAllowed, forge.response(name_id=None, subject_extra=cbc))
    bare = f'<saml:EncryptedAssertion xmlns:saml="{forge.SAML}"><x/></saml:EncryptedAssertion>'
    alone = Recipe().xml().replace(ASSERTION, bare)
    FAMILY.add(
        "an encrypted assertion where nobody can decrypt",
        errors.EncryptedNotSupported,
        encrypted_response(),
        decryption_keys=(),
    )
    FAMILY.add("an EncryptedAssertion of nothing", EncryptionMalformed, alone)
    FAMILY.add(
        "an EncryptedID where nobody can decrypt",
        errors.EncryptedNotSupported,
        forge.response(name_id=None, subject_extra="<saml:EncryptedID/>"),
        decryption_keys=(),
    )


def _cbc() -> None:
    for cipher in ("aes128-cbc", "aes256-cbc"):
        changes: dict[str, Any] = {"cipher": cipher}
        FAMILY.add(
            f"{cipher} where it is not allowed",
            CbcNotAllowed,
            encrypted_response(sign="both", encryption=Encryption(**changes)),
        )
        FAMILY.add(
            f"{cipher} without a signature around it",
            CbcNotAllowed,
            encrypted_response(encryption=Encryption(**changes)),
            allow_cbc=True,
        )
    data = encrypted_response(sign="both", encryption=Encryption(cipher="aes256-cbc")).decode()
    at = data.rindex("</xenc:CipherValue>") - 200
    changed = data[:at] + ("B" if data[at] == "A" else "A") + data[at + 1 :]
    FAMILY.add("a bit of AES-CBC flipped under a signature", errors.DigestMismatch, changed, allow_cbc=True)
    for last in (0, 17, 255):
        padding = Encryption(cipher="aes256-cbc", ciphertext=ends_with(bytes([last]) * 16))
        FAMILY.add(f"AES-CBC with a last block of {last}", DecryptionFailed, sealed(ASSERTION, padding), allow_cbc=True)
    FAMILY.add(
        "AES-CBC of garbage", DecryptionFailed, sealed("garbage", Encryption(cipher="aes256-cbc")), allow_cbc=True
    )


def _algorithms() -> None:
    for name, encryption in (
        ("RSA 1.5", Encryption(wrap=XENC + "rsa-1_5")),
        ("AES key wrap", Encryption(wrap=XENC + "kw-aes256")),
        ("no key transport", Encryption(wrap="")),
        ("Triple DES", Encryption(cipher_uri=XENC + "tripledes-cbc")),
        ("AES-192-CBC", Encryption(cipher_uri=XENC + "aes192-cbc")),
        ("AES-192-GCM", Encryption(cipher_uri=XENC11 + "aes192-gcm")),
        ("ChaCha20", Encryption(cipher_uri="http://www.w3.org/2021/04/xmldsig-more#chacha20poly1305")),
        ("none", Encryption(cipher_uri="none")),
        ("OAEP with MD5", Encryption(digest_uri="http://www.w3.org/2001/04/xmldsig-more#md5")),
        ("OAEP with SHA-512", Encryption(digest_uri=XENC + "sha512")),
        ("rsa-oaep-mgf1p with another mask", Encryption(mask_uri=XENC11 + "mgf1sha256")),
        ("a mask of SHA-512", Encryption(wrap=XENC11 + "rsa-oaep", mask_uri=XENC11 + "mgf1sha512")),
        ("a digest that does not exist", Encryption(wrap=XENC11 + "rsa-oaep", digest_uri=forge.DS + "sha256")),
    ):
        FAMILY.add(f"encrypted by {name}", EncryptionNotAllowed, encrypted_response(encryption=encryption))


def _shapes() -> None:
    for uri in ("file:///etc/passwd", "https://evil.example/x", "#_response1", ""):
        reference = f'<xenc:CipherData><xenc:CipherReference URI="{uri}"/></xenc:CipherData>'
        FAMILY.add(
            f"ciphertext from {uri or 'nowhere'}",
            EncryptionMalformed,
            encrypted_response(encryption=Encryption(raw_cipher_data=reference)),
        )
    for uri in ("", "#_other", "file:///etc/passwd", "https://evil.example/key", "_key1", "#_data1"):
        data = swap(encrypted_response(encryption=Encryption(placement="beside")), 'URI="#_key1"', f'URI="{uri}"')
        FAMILY.add(f"the key from {uri or 'nowhere'}", EncryptionMalformed, data)
    second = encrypted_key_xml(bytes(32), Encryption(placement="listed")).replace("_key1", "_key2")
    key_info = f'<ds:KeyInfo xmlns:ds="{forge.DS}">%s</ds:KeyInfo>'
    for name, encryption in (
        ("a key for somebody else", Encryption(recipient="https://other.example")),
        ("no KeyInfo", Encryption(raw_key_info="")),
        ("a KeyInfo with a name alone", Encryption(raw_key_info=key_info % "<ds:KeyName>k</ds:KeyName>")),
        ("a KeyInfo with a signature", Encryption(raw_key_info=key_info % "<ds:Signature/>")),
        ("a foreign element beside", Encryption(more_keys="<x/>")),
        ("two keys for us", Encryption(more_keys=second)),
        ("a key for other data", Encryption(placement="listed", data_attributes=' Id="_other"')),
        (
            "content instead of an element",
            Encryption(data_attributes=' Type="http://www.w3.org/2001/04/xmlenc#Content"'),
        ),
        ("compressed content", Encryption(data_attributes=' Type="http://www.w3.org/2009/xmlenc11#EXI"')),
        ("an unknown attribute", Encryption(data_attributes=' evil="1"')),
        ("a ciphertext of nonce and tag alone", Encryption(ciphertext=lambda data: data[:28])),
        ("an empty ciphertext", Encryption(ciphertext=lambda _: b"")),
        ("a CBC ciphertext that is no whole block", Encryption(cipher="aes256-cbc", ciphertext=lambda data: data[:-1])),
        ("a CBC ciphertext of one block", Encryption(cipher="aes256-cbc", ciphertext=lambda data: data[:16])),
    ):
        FAMILY.add(
            f"encrypted with {name}", EncryptionMalformed, encrypted_response(encryption=encryption), allow_cbc=True
        )
    for before, after in (
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
    ):
        FAMILY.add(
            f"{shortened(before)} becomes {shortened(after)}",
            EncryptionMalformed,
            encrypted_response().decode().replace(before, after, 1),
        )
    one = encrypted_key_xml(bytes(32), Encryption(placement="listed"))
    flood = "".join(one.replace("_key1", f"_key{number}") for number in range(2, 60))
    FAMILY.add(
        "60 keys", EncryptionMalformed, encrypted_response(encryption=Encryption(placement="beside", more_keys=flood))
    )


_unopened()
_plaintexts()
_proof()
_identifiers()
_cbc()
_algorithms()
_shapes()
