"""X.509 certificates as containers of keys: reading what admins paste and what metadata holds. Builds no chains.

A SAML certificate is trusted because an admin configured it, so its issuer, its own signature and its dates are shown and
watched, but they verify nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from vestibule.kernel.text import N_
from vestibule.saml.encoding import decode_base64
from vestibule.saml.errors import NotBase64, SamlError
from vestibule.saml.trace import showable

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey

_MAX_CHARACTERS: Final = 64 * 1024
_MIN_RSA_BITS: Final = 2048
# A verification with a larger key costs milliseconds, and no identity provider has one.
_MAX_RSA_BITS: Final = 8192
_CURVES: Final = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}
_PEM: Final = re.compile(r"-----BEGIN (?P<label>[A-Z0-9 ]+)-----(?P<body>[^-]*)-----END (?P=label)-----")
_CERTIFICATE_LABELS: Final = frozenset({"CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE"})


class CertificateInvalid(SamlError):
    """What was given is not a certificate that we can verify with."""

    code = "certificate"
    public = N_("This is not a certificate. Paste the text that starts with -----BEGIN CERTIFICATE-----.")
    spec = "RFC 5280 4.1"
    check = "signature"


class CertificateEmpty(CertificateInvalid):
    """Nothing was given."""

    code = "certificate_empty"
    public = N_("There is no certificate. Paste the text that starts with -----BEGIN CERTIFICATE-----.")


class CertificateTooLong(CertificateInvalid):
    """Far more than a certificate was given."""

    code = "certificate_too_long"
    public = N_("This is far too long for a certificate.")


class SeveralCertificates(CertificateInvalid):
    """More than one was given where one is wanted."""

    code = "certificate_several"
    public = N_("There is more than one certificate here. Enter them one by one.")


class PrivateKeyGiven(CertificateInvalid):
    """A private key was pasted."""

    code = "certificate_private_key"
    public = N_("This is a private key. Keep it secret, and paste the certificate that belongs to it.")


class PublicKeyGiven(CertificateInvalid):
    """A bare public key or a signing request was pasted."""

    code = "certificate_other_pem"
    public = N_(
        "This is a key or a request, not a certificate. Paste the text that starts with -----BEGIN CERTIFICATE-----."
    )


class CertificateKeyTooSmall(CertificateInvalid):
    """RSA under 2048 bits."""

    code = "certificate_key_small"
    public = N_("The key of this certificate is too small (%(bits)s bits). RSA keys need 2048 bits or more.")


class CertificateKeyTooLarge(CertificateInvalid):
    """RSA over 8192 bits."""

    code = "certificate_key_large"
    public = N_("The key of this certificate is too large (%(bits)s bits). RSA keys may have 8192 bits or fewer.")


class CertificateKeyUnsupported(CertificateInvalid):
    """DSA, Ed25519, or a curve outside the NIST three."""

    code = "certificate_key_kind"
    public = N_(
        "The key of this certificate is of a kind that SAML signatures can’t use here. RSA, P-256, P-384 and P-521 work."
    )


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate that can verify. `subject` is printable; `fingerprint` is SHA-256 as `9F:2C:…`; times are UTC."""

    der: bytes = field(repr=False)
    subject: str
    not_before: datetime
    not_after: datetime
    fingerprint: str
    key_description: str
    public_key: PublicKey = field(repr=False, compare=False)

    @property
    def short_fingerprint(self) -> str:
        """Return the fingerprint as `9F:2C…B1:04`, for traces."""
        return f"{self.fingerprint[:5]}…{self.fingerprint[-5:]}"


def fingerprint_of(der: bytes) -> str:
    """Return the SHA-256 of `der` as upper-case pairs with colons."""
    return sha256(der).digest().hex(":").upper()


def parse_certificate(data: str | bytes) -> Certificate:
    """Return the one certificate in an untrusted PEM, bare base64 or DER. Raises CertificateInvalid (RFC 5280, RFC 7468)."""
    found = parse_certificates(data)
    if len(found) > 1:
        raise SeveralCertificates(f"{len(found)} certificates where one is wanted")
    return found[0]


def parse_certificates(data: str | bytes) -> tuple[Certificate, ...]:
    """Return every certificate in an untrusted text of PEM blocks, or the one in bare base64 or DER, each once.

    Raises CertificateInvalid when any part of it is not a usable certificate, or when there is none.
    """
    if len(data) > _MAX_CHARACTERS:
        raise CertificateTooLong(f"{len(data)} characters")
    if isinstance(data, bytes):
        if data[:1] == b"\x30":
            return (_from_der(data),)
        data = data.decode("utf-8", "replace")
    text = data.replace("\\r", "").replace("\\n", "\n").strip("\ufeff \t\r\n")  # pasted out of a JSON string
    if not text:
        raise CertificateEmpty("nothing was given")
    blocks = list(_PEM.finditer(text))
    if not blocks:
        return (_from_der(_decode(text)),)
    for block in blocks:
        _validate_label(block["label"])
    return tuple(dict.fromkeys(_from_der(_decode(block["body"])) for block in blocks))


def _validate_label(label: str) -> None:
    if "PRIVATE KEY" in label:
        raise PrivateKeyGiven("a private key was given")
    if label not in _CERTIFICATE_LABELS:
        raise PublicKeyGiven(f"a PEM block of another kind: {label}")


def _decode(text: str) -> bytes:
    if "PRIVATE KEY" in text:
        raise PrivateKeyGiven("a broken private key was given")
    try:
        return decode_base64(text)
    except NotBase64 as error:
        raise CertificateInvalid("neither PEM nor base64") from error


@lru_cache(maxsize=1024)
def _from_der(der: bytes) -> Certificate:
    # Cached because reading a certificate costs as much as two verifications, and each sign-in names the same few.
    try:
        certificate = x509.load_der_x509_certificate(der)
        public_key = certificate.public_key()
        subject = certificate.subject.rfc4514_string()
        not_before, not_after = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    except UnsupportedAlgorithm as error:
        raise CertificateKeyUnsupported(f"unsupported: {error}") from error
    except (ValueError, TypeError, OverflowError, x509.InvalidVersion) as error:
        raise CertificateInvalid(f"not a certificate: {error}") from error
    description = _describe(public_key)
    if not isinstance(public_key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        raise CertificateKeyUnsupported(f"a key of kind {type(public_key).__name__}")
    return Certificate(der, showable(subject), not_before, not_after, fingerprint_of(der), description, public_key)


def _describe(public_key: object) -> str:
    if isinstance(public_key, rsa.RSAPublicKey):
        bits = public_key.key_size
        if bits < _MIN_RSA_BITS:
            raise CertificateKeyTooSmall(f"RSA with {bits} bits", bits=str(bits))
        if bits > _MAX_RSA_BITS:
            raise CertificateKeyTooLarge(f"RSA with {bits} bits", bits=str(bits))
        return f"RSA {bits}"
    if isinstance(public_key, ec.EllipticCurvePublicKey) and public_key.curve.name in _CURVES:
        return f"ECDSA {_CURVES[public_key.curve.name]}"
    raise CertificateKeyUnsupported(f"a key of kind {type(public_key).__name__}")
