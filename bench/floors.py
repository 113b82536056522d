"""The floor under a verification: the same libraries doing only what nobody can leave out, once for each signature."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Final

import pybase64
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from lxml import etree

from tests.saml import forge

_PKCS1: Final = padding.PKCS1v15()
_OAEP: Final = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), label=None)  # noqa: S303 - the mask that identity providers use
_SHA256: Final = hashes.SHA256()
_XENC: Final = "{http://www.w3.org/2001/04/xmlenc#}"


def floor(field: bytes, sign: forge.SignWhat, public_key: rsa.RSAPublicKey) -> Callable[[], None]:
    """Return base64, parse, and for each signature exclusive C14N of element and SignedInfo, SHA-256 and RSA."""
    parser = etree.XMLParser(resolve_entities=False)

    def run() -> None:
        root = etree.fromstring(pybase64.b64decode(field), parser)
        if sign in ("response", "both"):
            _check(root, public_key)
        if sign in ("assertion", "both"):
            _check(root[-1], public_key)

    return run


def encrypted_floor(field: bytes, public_key: rsa.RSAPublicKey, private_key: rsa.RSAPrivateKey) -> Callable[[], None]:
    """Return the same for a signed assertion inside an encrypted one: unwrap the key, AES-GCM, and parse what was inside."""
    parser = etree.XMLParser(resolve_entities=False)

    def run() -> None:
        root = etree.fromstring(pybase64.b64decode(field), parser)
        wrapped, data = (pybase64.b64decode(value.text or "") for value in root.iter(f"{_XENC}CipherValue"))
        secret = private_key.decrypt(wrapped, _OAEP)
        _check(etree.fromstring(AESGCM(secret).decrypt(data[:12], data[12:], None), parser), public_key)

    return run


def _check(element: etree._Element, public_key: rsa.RSAPublicKey) -> None:
    signature = element[1]
    signed_info = etree.tostring(signature[0], method="c14n", exclusive=True, with_comments=False)
    value = pybase64.b64decode(signature[1].text or "")
    element.remove(signature)
    hashlib.sha256(etree.tostring(element, method="c14n", exclusive=True, with_comments=False)).digest()
    public_key.verify(value, signed_info, _PKCS1, _SHA256)
