"""Our own keys, for signing and for decrypting: making, loading, and signing with them. Stores nothing; sealing is the caller's."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from vestibule.saml.certificates import Certificate, CertificateInvalid, parse_certificate

_BITS: Final = 3072
_LIFE: Final = timedelta(days=3650)
# Identity providers refuse a certificate from the future; their clocks differ from ours.
_EARLIER: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key with its certificate. Signs with RSA-SHA256 (PKCS#1 v1.5), which every identity provider reads."""

    private_key: rsa.RSAPrivateKey = field(repr=False, compare=False)
    certificate: Certificate

    def sign(self, data: bytes) -> bytes:
        """Return the signature over `data`."""
        return self.private_key.sign(data, padding.PKCS1v15(), hashes.SHA256())


@dataclass(frozen=True, slots=True)
class DecryptionKey:
    """A private key that opens what was encrypted for its certificate. `substitute_seed` is as secret as the key (see `ciphers`)."""

    private_key: rsa.RSAPrivateKey = field(repr=False, compare=False)
    certificate: Certificate
    substitute_seed: bytes = field(repr=False, compare=False)


def new_private_key() -> rsa.RSAPrivateKey:
    """Return a fresh RSA-3072 key, which takes a good part of a second."""
    return rsa.generate_private_key(public_exponent=65537, key_size=_BITS)


def new_signing_key(common_name: str, now: datetime, serial: int) -> tuple[bytes, bytes]:
    """Return a fresh RSA-3072 key as unencrypted PKCS#8 PEM (a secret) and its self-signed certificate in DER, good for 10 years."""
    private_key = new_private_key()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name[:64])])
    builder = x509.CertificateBuilder(
        issuer_name=name,
        subject_name=name,
        public_key=private_key.public_key(),
        serial_number=serial,
        not_valid_before=now - _EARLIER,
        not_valid_after=now + _LIFE,
    )
    certificate = builder.sign(private_key, hashes.SHA256())
    pem = private_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return pem, certificate.public_bytes(serialization.Encoding.DER)


def load_signing_key(private_key_pem: bytes, certificate_der: bytes) -> SigningKey:
    """Return a stored key. Raises CertificateInvalid when it is not RSA or the two don't belong together."""
    private_key = serialization.load_pem_private_key(private_key_pem, password=None)
    certificate = parse_certificate(certificate_der)
    if not isinstance(private_key, rsa.RSAPrivateKey) or private_key.public_key() != certificate.public_key:
        raise CertificateInvalid("the stored key and its certificate don't belong together")
    return SigningKey(private_key, certificate)


def load_decryption_key(private_key_pem: bytes, certificate_der: bytes) -> DecryptionKey:
    """Return a stored key for decrypting. Raises CertificateInvalid when it is not RSA or the two don't belong together."""
    key = load_signing_key(private_key_pem, certificate_der)
    secret = key.private_key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return DecryptionKey(key.private_key, key.certificate, sha256(b"substitute for a wrapped key" + secret).digest())
