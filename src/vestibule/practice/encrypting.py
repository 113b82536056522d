"""Encrypting assertions for a service provider: the certificate that its metadata publishes, and the XML. Opens nothing."""

from __future__ import annotations

import base64
import os
import time
from typing import Final

import httpcore
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from lxml import etree

from vestibule.practice.errors import NoEncryptionCertificate, RequestUnreadable
from vestibule.practice.loopback import is_loopback_url
from vestibule.practice.requests import parse_message

_SAML: Final = "urn:oasis:names:tc:SAML:2.0:assertion"
_MD: Final = "{urn:oasis:names:tc:SAML:2.0:metadata}"
_DS: Final = "http://www.w3.org/2000/09/xmldsig#"
_XENC: Final = "http://www.w3.org/2001/04/xmlenc#"
_XENC11: Final = "http://www.w3.org/2009/xmlenc11#"
_TIMEOUT: Final = {"connect": 5.0, "read": 10.0, "write": 5.0, "pool": 5.0}
_MOST_METADATA: Final = 256 * 1024
_MOST_SECONDS: Final = 10.0
_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12


def fetch_key(metadata_url: str) -> rsa.RSAPublicKey:
    """Return the key of the first encryption certificate in the metadata at an untrusted URL on this machine.

    Raises NoEncryptionCertificate for any other URL, and for metadata that has none or can't be had.
    """
    if not (metadata_url.isascii() and is_loopback_url(metadata_url)):
        raise NoEncryptionCertificate("the metadata is not on this machine")
    try:
        root = parse_message(_fetch(metadata_url))
    except RequestUnreadable as error:
        raise NoEncryptionCertificate(error.reason) from error
    for descriptor in root.iter(f"{_MD}KeyDescriptor"):
        # Without a use, a key is for both (saml-metadata 2.4.1.1).
        if descriptor.get("use", "encryption") == "encryption":
            return _key(descriptor.findtext(f".//{{{_DS}}}X509Certificate") or "")
    raise NoEncryptionCertificate("the metadata publishes no key for encryption")


def encrypt_assertions(document: bytes, key: rsa.RSAPublicKey) -> bytes:
    """Return a response whose assertions, signed before, are encrypted: AES-256-GCM, its key by RSA-OAEP (xmlenc-core1 5.2.4, 5.5.2)."""
    root = etree.fromstring(document)
    for assertion in root.findall(f"{{{_SAML}}}Assertion"):
        plaintext = etree.tostring(assertion, method="c14n", exclusive=True, with_comments=False)
        root.replace(assertion, etree.fromstring(_encrypted(plaintext, key)))
    return etree.tostring(root, encoding="UTF-8")


def damage_ciphertext(document: bytes) -> bytes:
    """Return a response in which one bit of each ciphertext is another one: what changes it on its way can't read it."""
    root = etree.fromstring(document)
    for value in root.iterfind(f".//{{{_XENC}}}EncryptedData/{{{_XENC}}}CipherData/{{{_XENC}}}CipherValue"):
        data = bytearray(base64.b64decode(value.text or ""))
        data[-1] ^= 1
        value.text = base64.b64encode(data).decode("ascii")
    return etree.tostring(root, encoding="UTF-8")


def _fetch(url: str) -> bytes:
    found, end = b"", time.monotonic() + _MOST_SECONDS
    try:
        with (
            httpcore.ConnectionPool(retries=0) as pool,
            pool.stream("GET", url, extensions={"timeout": _TIMEOUT}) as got,
        ):
            if got.status != 200:
                raise NoEncryptionCertificate(f"status {got.status} at the metadata URL")
            for chunk in got.iter_stream():
                found += chunk
                if len(found) > _MOST_METADATA or time.monotonic() > end:
                    raise NoEncryptionCertificate("larger than metadata can be, or slower")
    except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, OSError) as error:
        raise NoEncryptionCertificate(f"{type(error).__name__} at the metadata URL") from error
    return found


def _key(certificate: str) -> rsa.RSAPublicKey:
    try:
        data = base64.b64decode("".join(certificate.split()), validate=True)
        found = x509.load_der_x509_certificate(data).public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise NoEncryptionCertificate("the encryption certificate is none") from error
    if not isinstance(found, rsa.RSAPublicKey):
        raise NoEncryptionCertificate("the encryption key is not an RSA key")
    return found


def _encrypted(plaintext: bytes, key: rsa.RSAPublicKey) -> str:
    secret, nonce = os.urandom(_KEY_BYTES), os.urandom(_NONCE_BYTES)
    oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
    return (
        f'<saml:EncryptedAssertion xmlns:saml="{_SAML}"><xenc:EncryptedData xmlns:xenc="{_XENC}" Type="{_XENC}Element">'
        f'<xenc:EncryptionMethod Algorithm="{_XENC11}aes256-gcm"/>'
        f'<ds:KeyInfo xmlns:ds="{_DS}"><xenc:EncryptedKey><xenc:EncryptionMethod Algorithm="{_XENC11}rsa-oaep">'
        f'<ds:DigestMethod Algorithm="{_XENC}sha256"/><xenc11:MGF xmlns:xenc11="{_XENC11}" Algorithm="{_XENC11}mgf1sha256"/>'
        f"</xenc:EncryptionMethod>{_cipher_data(key.encrypt(secret, oaep))}</xenc:EncryptedKey></ds:KeyInfo>"
        f"{_cipher_data(nonce + AESGCM(secret).encrypt(nonce, plaintext, None))}"
        "</xenc:EncryptedData></saml:EncryptedAssertion>"
    )


def _cipher_data(data: bytes) -> str:
    written = base64.b64encode(data).decode("ascii")
    return f"<xenc:CipherData><xenc:CipherValue>{written}</xenc:CipherValue></xenc:CipherData>"
