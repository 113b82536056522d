"""Secrets: random tokens, their hashes, reference codes, and a Sealer for what must be read back. Stores nothing."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from vestibule.kernel.errors import VestibuleError
from vestibule.kernel.text import N_

# Without vowels and look-alikes: read over the telephone, and never a word.
_CODE_ALPHABET: Final = "BCDFGHJKMNPQRSTVWXZ23456789"
_NONCE_BYTES: Final = 12


class SealBroken(VestibuleError):
    """A sealed value was altered, moved to another row, or sealed with another secret key."""

    code = "seal_broken"
    public = N_("A stored secret can’t be read with this server’s secret key.")


def new_token() -> str:
    """Return 256 random bits, URL-safe: for cookies and one-time links. Only its `token_hash` is ever stored."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """Return the SHA-256 of a token in hex. A plain hash suffices because the token is random and 256 bits long."""
    return hashlib.sha256(_bytes(token)).hexdigest()


def bearer_token(authorization: str) -> str:
    """Return what an untrusted Authorization header brings as a bearer token (RFC 6750, 2.1), empty where it brings none.

    It is as long, and of such characters, as whoever sent it liked: each caller knows its own tokens.
    """
    scheme, _, token = authorization.partition(" ")
    return token.strip(" ") if scheme.lower() == "bearer" else ""


def new_reference() -> str:
    """Return a reference code such as `VK7P-3QXD` that ties what a person reads to what the admin finds."""
    letters = "".join(secrets.choice(_CODE_ALPHABET) for _ in range(8))
    return f"{letters[:4]}-{letters[4:]}"


class Sealer:
    """Seals bytes with AES-256-GCM under keys derived from the server's secret key, bound to the row they belong to."""

    def __init__(self, secret_key: str) -> None:
        self._secret = secret_key.encode()
        self._sealing = AESGCM(self._derive(b"vestibule seal v1"))
        self._signing = self._derive(b"vestibule mac v1")

    def _derive(self, info: bytes) -> bytes:
        return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(self._secret)

    def seal(self, plain: bytes, row: str) -> bytes:
        """Return `plain` encrypted so that only `open` with the same `row` (say `keys/key_01…`) reads it."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._sealing.encrypt(nonce, plain, row.encode())

    def open(self, sealed: bytes, row: str) -> bytes:
        """Return what was sealed for `row`. Raises SealBroken."""
        try:
            return self._sealing.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], row.encode())
        except (InvalidTag, ValueError) as error:
            raise SealBroken(f"could not open the seal of {row}") from error

    def mac(self, purpose: str, value: str) -> str:
        """Return a keyed SHA-256 over `value` for one `purpose`, in hex. Compare with `same`."""
        return hmac.new(self._signing, _bytes(f"{purpose}\0{value}"), hashlib.sha256).hexdigest()


def same(left: str, right: str) -> bool:
    """Compare two strings in constant time."""
    return hmac.compare_digest(_bytes(left), _bytes(right))


def _bytes(text: str) -> bytes:
    # Tokens come from strangers: a lone surrogate makes a token that is not known, not an error.
    return text.encode("utf-8", "surrogatepass")
