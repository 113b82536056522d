"""The allow-list of signature and digest algorithms, and verifying one signature value with one key. Knows no XML."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from vestibule.saml import names
from vestibule.saml.certificates import PublicKey
from vestibule.saml.errors import AlgorithmNotAllowed, Sha1NotAllowed

Kind = Literal["RSA", "RSA-PSS", "ECDSA"]


@dataclass(frozen=True, slots=True)
class Algorithm:
    """One signature algorithm. `label` is what people read: `RSA-SHA256`."""

    label: str
    kind: Kind
    hash: hashes.HashAlgorithm


class Digested(Protocol):
    """What has been digested; `hashlib` has no public name for it."""

    def digest(self) -> bytes:
        """Return the digest."""


def _pss(hash_: hashes.HashAlgorithm) -> padding.PSS:
    # The URI fixes the salt to the length of the digest (RFC 9231 2.3.10).
    return padding.PSS(mgf=padding.MGF1(hash_), salt_length=hash_.digest_size)


SIGNATURES: Final[dict[str, Algorithm]] = {
    names.RSA_SHA256: Algorithm("RSA-SHA256", "RSA", hashes.SHA256()),
    names.RSA_SHA384: Algorithm("RSA-SHA384", "RSA", hashes.SHA384()),
    names.RSA_SHA512: Algorithm("RSA-SHA512", "RSA", hashes.SHA512()),
    names.RSA_PSS_SHA256: Algorithm("RSA-PSS-SHA256", "RSA-PSS", hashes.SHA256()),
    names.RSA_PSS_SHA384: Algorithm("RSA-PSS-SHA384", "RSA-PSS", hashes.SHA384()),
    names.RSA_PSS_SHA512: Algorithm("RSA-PSS-SHA512", "RSA-PSS", hashes.SHA512()),
    names.ECDSA_SHA256: Algorithm("ECDSA-SHA256", "ECDSA", hashes.SHA256()),
    names.ECDSA_SHA384: Algorithm("ECDSA-SHA384", "ECDSA", hashes.SHA384()),
    names.ECDSA_SHA512: Algorithm("ECDSA-SHA512", "ECDSA", hashes.SHA512()),
}
DigestMethod = Callable[[bytes], "Digested"]
DIGESTS: Final[dict[str, DigestMethod]] = {
    names.SHA256: hashlib.sha256,
    names.SHA384: hashlib.sha384,
    names.SHA512: hashlib.sha512,
}
_WANTED: Final = "RSA-SHA256"
_PKCS1: Final = padding.PKCS1v15()


def signature_algorithm(uri: str) -> Algorithm:
    """Return the algorithm that an untrusted URI names. Raises Sha1NotAllowed or AlgorithmNotAllowed (saml-core 5.4)."""
    found = SIGNATURES.get(uri)
    if found is None:
        if uri.endswith("sha1"):
            raise Sha1NotAllowed("the signature uses SHA-1", expected=_WANTED, received=uri)
        raise AlgorithmNotAllowed("the signature algorithm is not allowed", expected=_WANTED, received=uri)
    return found


def digest_algorithm(uri: str) -> DigestMethod:
    """Return hashlib's function for the digest that an untrusted URI names. Raises Sha1NotAllowed or AlgorithmNotAllowed."""
    found = DIGESTS.get(uri)
    if found is None:
        if uri.endswith("sha1"):
            raise Sha1NotAllowed("the digest uses SHA-1", expected=names.SHA256, received=uri)
        raise AlgorithmNotAllowed("the digest algorithm is not allowed", expected=names.SHA256, received=uri)
    return found


def fits(key: PublicKey, algorithm: Algorithm) -> bool:
    """Say whether a key is of the kind that the algorithm needs."""
    return isinstance(key, ec.EllipticCurvePublicKey) is (algorithm.kind == "ECDSA")


def verify_value(key: PublicKey, algorithm: Algorithm, signature: bytes, data: bytes) -> None:
    """Raise cryptography's InvalidSignature unless `key` made `signature` over `data`."""
    if isinstance(key, rsa.RSAPublicKey):
        if algorithm.kind == "ECDSA":
            raise InvalidSignature
        scheme = _PKCS1 if algorithm.kind == "RSA" else _pss(algorithm.hash)
        key.verify(signature, data, scheme, algorithm.hash)
        return
    if algorithm.kind != "ECDSA":
        raise InvalidSignature
    # XML Signature writes r and s side by side, each as long as the order (xmldsig-core1 6.4.3); no other length is one.
    size = _size(key)
    if len(signature) != 2 * size:
        raise InvalidSignature
    r, s = int.from_bytes(signature[:size], "big"), int.from_bytes(signature[size:], "big")
    if not r or not s:
        raise InvalidSignature
    key.verify(encode_dss_signature(r, s), data, ec.ECDSA(algorithm.hash))


def side_by_side(key: PublicKey, signature: bytes) -> bytes:
    """Return an ECDSA signature that came as DER (RFC 3279 2.2.3) as XML Signature writes it; anything else as it came.

    Nothing says how a query carries one: Shibboleth's SP writes r and s side by side, OpenSAML and all that signs with
    what Java, Node or OpenSSL give, DER.
    """
    if not isinstance(key, ec.EllipticCurvePublicKey) or len(signature) == 2 * _size(key):
        return signature
    try:
        r, s = decode_dss_signature(signature)
        return r.to_bytes(_size(key), "big") + s.to_bytes(_size(key), "big")
    except (ValueError, OverflowError):
        return signature


def _size(key: ec.EllipticCurvePublicKey) -> int:
    return (key.curve.key_size + 7) // 8
