"""Signatures judged by others: signxml (lxml) and bergshamra (Rust), neither of which shares code with us. Each says yes or no."""

from __future__ import annotations

from functools import cache

import pybergshamra
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.verifier import SignatureConfiguration, VerifyResult, XMLVerifier

from tests.saml import forge


@cache
def _config() -> SignatureConfiguration:
    return SignatureConfiguration(
        signature_methods=frozenset(SignatureMethod), digest_algorithms=frozenset(DigestAlgorithm)
    )


def signxmls(data: bytes, key: forge.IdpKey) -> bytes:
    """Return what signxml says was signed, in canonical form; raises what signxml raises."""
    # forge signs three-year certificates of 2026; only the key matters here.
    verified = XMLVerifier().verify(data, x509_cert=key.certificate_pem, expect_config=_config(), validate_schema=False)
    assert isinstance(verified, VerifyResult)
    return forge.canonical(verified.signed_xml)


def bergshamras(data: bytes, key: forge.IdpKey) -> bool:
    """Say whether bergshamra accepts the first signature of the document."""
    manager = pybergshamra.KeysManager()
    manager.add_key(pybergshamra.load_x509_cert_pem(key.certificate_pem.encode()))
    return bool(pybergshamra.verify(pybergshamra.DsigContext(manager), data.decode()))


def signxml_accepts(data: bytes, key: forge.IdpKey) -> bool:
    """Say whether signxml accepts a signature of the document; whatever it raises is a no."""
    try:
        signxmls(data, key)
    except Exception:  # noqa: BLE001 - hostile input makes it raise what it never documented: lxml's, KeyError, binascii's
        return False
    return True


def bergshamra_accepts(data: bytes, key: forge.IdpKey) -> bool:
    """Say whether bergshamra accepts the first signature of the document; whatever it raises is a no."""
    try:
        return bergshamras(data, key)
    except (pybergshamra.BergshamraError, UnicodeDecodeError):
        return False
