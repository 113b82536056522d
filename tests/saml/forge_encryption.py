"""The identity provider's encryption for tests: EncryptedAssertion and EncryptedID in the forms that products write, and in hostile ones.

Like `forge` it imports nothing of `vestibule`. Typical use:

    data = forge_encryption.encrypted_response(sign="assertion", encryption=Encryption(cipher="aes128-gcm"))
"""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from lxml import etree

from tests.saml.forge import DIGESTS, DS, SAML, IdpKey, Recipe, Signing, SignWhat, key, sign_xml

XENC: Final = "http://www.w3.org/2001/04/xmlenc#"
XENC11: Final = "http://www.w3.org/2009/xmlenc11#"
OAEP_HASHES: Final[dict[str, type[hashes.HashAlgorithm]]] = {"sha1": hashes.SHA1, "sha256": hashes.SHA256}


@dataclass(frozen=True, slots=True)
class Encryption:
    """How to encrypt. `placement` of the EncryptedKey: "inside" KeyInfo, "beside" with a RetrievalMethod, "listed" beside with
    a ReferenceList alone. `wrapped` and `ciphertext` change what was computed; the `raw_…` fields replace what is written."""

    key: IdpKey = field(default_factory=lambda: key("sp"))
    cipher: Literal["aes128-gcm", "aes256-gcm", "aes128-cbc", "aes256-cbc"] = "aes256-gcm"
    wrap: str = XENC + "rsa-oaep-mgf1p"
    digest: Literal["sha1", "sha256"] = "sha1"
    mask: Literal["sha1", "sha256"] = "sha1"
    digest_uri: str | None = None
    mask_uri: str | None = None
    cipher_uri: str | None = None
    placement: Literal["inside", "beside", "listed"] = "inside"
    recipient: str | None = None
    pretty: bool = False
    secret: bytes | None = None
    wrapped: Callable[[bytes], bytes] = bytes
    ciphertext: Callable[[bytes], bytes] = bytes
    raw_cipher_data: str | None = None
    raw_key_info: str | None = None
    more_keys: str = ""
    data_attributes: str = ' Id="_data1" Type="http://www.w3.org/2001/04/xmlenc#Element"'


def _sealed(plaintext: bytes, secret: bytes, cipher: str) -> bytes:
    if cipher.endswith("gcm"):
        nonce = os.urandom(12)
        return nonce + AESGCM(secret).encrypt(nonce, plaintext, None)
    vector, missing = os.urandom(16), 16 - len(plaintext) % 16
    encryptor = Cipher(algorithms.AES(secret), modes.CBC(vector)).encryptor()
    return vector + encryptor.update(plaintext + os.urandom(missing - 1) + bytes([missing])) + encryptor.finalize()


def _cipher_data(data: bytes) -> str:
    return f"<xenc:CipherData><xenc:CipherValue>{base64.b64encode(data).decode()}</xenc:CipherValue></xenc:CipherData>"


def encrypted_key_xml(secret: bytes, encryption: Encryption) -> str:
    """Return the EncryptedKey that wraps `secret`."""
    public = encryption.key.private_key.public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    digest, mask = OAEP_HASHES[encryption.digest](), OAEP_HASHES[encryption.mask]()
    wrapped = encryption.wrapped(public.encrypt(secret, padding.OAEP(padding.MGF1(mask), digest, None)))
    uri = encryption.digest_uri or next(uri for uri, each in DIGESTS.items() if each is type(digest))
    method = f'<ds:DigestMethod xmlns:ds="{DS}" Algorithm="{uri}"/>'
    if encryption.mask_uri or encryption.mask != "sha1":
        method += (
            f'<x11:MGF xmlns:x11="{XENC11}" Algorithm="{encryption.mask_uri or XENC11 + "mgf1" + encryption.mask}"/>'
        )
    recipient = "" if encryption.recipient is None else f' Recipient="{encryption.recipient}"'
    listed = '<xenc:ReferenceList><xenc:DataReference URI="#_data1"/></xenc:ReferenceList>'
    x509 = f"<ds:X509Data><ds:X509Certificate>{encryption.key.certificate_base64}</ds:X509Certificate></ds:X509Data>"
    return (
        f'<xenc:EncryptedKey xmlns:xenc="{XENC}" Id="_key1"{recipient}>'
        f'<xenc:EncryptionMethod Algorithm="{encryption.wrap}">{method}</xenc:EncryptionMethod>'
        f'<ds:KeyInfo xmlns:ds="{DS}">{x509}</ds:KeyInfo>'
        f"{_cipher_data(wrapped)}{'' if encryption.placement == 'inside' else listed}</xenc:EncryptedKey>"
    )


def encrypt(plaintext: str | bytes, encryption: Encryption | None = None, name: str = "EncryptedAssertion") -> str:
    """Return an EncryptedAssertion (or EncryptedID, by `name`) around any plaintext."""
    e = encryption or Encryption()
    plaintext = plaintext.encode() if isinstance(plaintext, str) else plaintext
    secret = os.urandom(16 if "128" in e.cipher else 32) if e.secret is None else e.secret
    key_xml = encrypted_key_xml(secret, e)
    content_key = secret if len(secret) in (16, 32) else bytes(32)
    data = e.raw_cipher_data or _cipher_data(e.ciphertext(_sealed(plaintext, content_key, e.cipher)))
    inner, after = (key_xml, "") if e.placement == "inside" else ("", key_xml)
    if e.placement == "beside":
        inner = f'<ds:RetrievalMethod Type="{XENC}EncryptedKey" URI="#_key1"/>'
    key_info = f'<ds:KeyInfo xmlns:ds="{DS}">{inner}</ds:KeyInfo>' if inner else ""
    key_info = key_info if e.raw_key_info is None else e.raw_key_info
    uri = e.cipher_uri or (XENC11 if e.cipher.endswith("gcm") else XENC) + e.cipher
    written = (
        f'<saml:{name} xmlns:saml="{SAML}"><xenc:EncryptedData xmlns:xenc="{XENC}"{e.data_attributes}>'
        f'<xenc:EncryptionMethod Algorithm="{uri}"/>{key_info}{data}</xenc:EncryptedData>{after}{e.more_keys}</saml:{name}>'
    )
    if not e.pretty:
        return written
    root = etree.fromstring(written)
    etree.indent(root)
    return etree.tostring(root).decode()


def encrypted_response(
    recipe: Recipe | None = None,
    sign: SignWhat = "assertion",
    encryption: Encryption | None = None,
    signing: Signing | None = None,
    plaintext: Callable[[str], str] = str,
    **changes: Any,
) -> bytes:
    """Return a response whose assertion is signed (as `sign` says), then encrypted; the response is signed over the ciphertext.

    `plaintext` edits what is encrypted, after the assertion was signed.
    """
    recipe = replace(recipe or Recipe(), **changes)
    assertion = recipe.assertion_xml()
    if sign in ("assertion", "both"):
        assertion = sign_xml(assertion, recipe.assertion_id, signing).decode()
    data = recipe.xml().replace(recipe.assertion_xml(), encrypt(plaintext(assertion), encryption))
    return sign_xml(data, recipe.response_id, signing) if sign in ("response", "both") else data.encode()
