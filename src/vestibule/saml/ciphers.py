"""The allow-list of encryption algorithms, and opening one ciphertext with our keys. Knows no XML, decides no policy.

Opening takes the same steps whatever is wrong, so that nobody can learn from a refusal which step failed: Bleichenbacher's
and Manger's attacks ask exactly that, some thousand times. Where a wrapped key does not open, a substitute goes on in its
place. It is derived from the private key, so it is unknown to everybody else and needs no randomness.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vestibule.saml import names
from vestibule.saml.encryption_errors import DecryptionFailed, EncryptionNotAllowed
from vestibule.saml.keys import DecryptionKey

_BLOCK: Final = 16
_NONCE: Final = 12
_TAG: Final = 16
_WANTED: Final = "AES-GCM with RSA-OAEP"


@dataclass(frozen=True, slots=True)
class BlockCipher:
    """One way to encrypt content. `label` is what people read: `AES-256-GCM`."""

    label: str
    key_bytes: int
    authenticated: bool

    def fits(self, data: bytes) -> bool:
        """Say whether the ciphertext has a length that this cipher can have made."""
        if self.authenticated:
            return len(data) > _NONCE + _TAG
        return len(data) >= 2 * _BLOCK and len(data) % _BLOCK == 0


@dataclass(frozen=True, slots=True)
class KeyWrap:
    """One way to wrap a key: RSA-OAEP with a digest and a mask generation function."""

    digest: hashes.HashAlgorithm
    mask: hashes.HashAlgorithm


CIPHERS: Final[dict[str, BlockCipher]] = {
    names.AES128_GCM: BlockCipher("AES-128-GCM", 16, authenticated=True),
    names.AES256_GCM: BlockCipher("AES-256-GCM", 32, authenticated=True),
    names.AES128_CBC: BlockCipher("AES-128-CBC", 16, authenticated=False),
    names.AES256_CBC: BlockCipher("AES-256-CBC", 32, authenticated=False),
}
_SHA1: Final = hashes.SHA1()  # noqa: S303 - inside OAEP nothing rests on collisions, and its mask is SHA-1 in xmlenc
_SHA256: Final = hashes.SHA256()
_DIGESTS: Final[dict[str | None, hashes.HashAlgorithm]] = {None: _SHA1, names.SHA1: _SHA1, names.SHA256: _SHA256}
_MASKS: Final[dict[str | None, hashes.HashAlgorithm]] = {
    None: _SHA1,
    names.MGF1_SHA1: _SHA1,
    names.MGF1_SHA256: _SHA256,
}
# npm xml-encryption invents this name for SHA-256, and Node.js then masks with SHA-256 too.
_NODE_SHA256: Final = names.DS + "sha256"


def block_cipher(uri: str) -> BlockCipher:
    """Return the cipher that an untrusted URI names. Raises EncryptionNotAllowed (xmlenc-core1 5.2)."""
    found = CIPHERS.get(uri)
    if found is None:
        raise EncryptionNotAllowed("the encryption algorithm is not allowed", expected=_WANTED, received=uri)
    return found


def key_wrap(uri: str, digest: str | None, mask: str | None) -> KeyWrap:
    """Return the key transport that untrusted URIs name; None is an absent one. Raises EncryptionNotAllowed (xmlenc-core1 5.5.2)."""
    if uri not in (names.RSA_OAEP, names.RSA_OAEP_MGF1P):
        raise EncryptionNotAllowed("the key is wrapped in a way that is not allowed", expected=_WANTED, received=uri)
    if uri == names.RSA_OAEP_MGF1P:
        if digest == _NODE_SHA256 and mask is None:
            return KeyWrap(_SHA256, _SHA256)
        if mask not in (None, names.MGF1_SHA1):
            raise EncryptionNotAllowed("rsa-oaep-mgf1p has no other mask", expected=names.MGF1_SHA1, received=mask)
    if digest not in _DIGESTS or mask not in _MASKS:
        raise EncryptionNotAllowed(
            "the digest or mask of RSA-OAEP is not allowed", expected="SHA-1, SHA-256", received=f"{digest}, {mask}"
        )
    return KeyWrap(_DIGESTS[digest], _MASKS[mask])


def decrypt(keys: Iterable[DecryptionKey], wrap: KeyWrap, wrapped: bytes, cipher: BlockCipher, data: bytes) -> bytes:
    """Return the plaintext of untrusted `data`; every key is tried to the end. Raises DecryptionFailed, always the same.

    `data` must fit the cipher. Without a verified signature over it the plaintext is nobody's word: anybody can encrypt to us.
    """
    opened: bytes | None = None
    for key in keys:
        secret = _unwrap(key, wrap, wrapped, cipher.key_bytes)
        plaintext = _open_gcm(secret, data) if cipher.authenticated else _open_cbc(secret, data)
        opened = plaintext if opened is None else opened
    if opened is None:
        raise DecryptionFailed
    return opened


def _unwrap(key: DecryptionKey, wrap: KeyWrap, wrapped: bytes, length: int) -> bytes:
    substitute = hmac.digest(key.substitute_seed, wrapped, "sha256")[:length]
    try:
        secret = key.private_key.decrypt(wrapped, padding.OAEP(padding.MGF1(wrap.mask), wrap.digest, label=None))
    except ValueError:
        return substitute
    return secret if len(secret) == length else substitute


def _open_gcm(secret: bytes, data: bytes) -> bytes | None:
    try:
        return AESGCM(secret).decrypt(data[:_NONCE], data[_NONCE:], None)
    except InvalidTag:
        return None


def _open_cbc(secret: bytes, data: bytes) -> bytes | None:
    decryptor = Cipher(algorithms.AES(secret), modes.CBC(data[:_BLOCK])).decryptor()
    padded = decryptor.update(data[_BLOCK:]) + decryptor.finalize()
    # Only the last byte says anything, the others of the padding are arbitrary (xmlenc-core1 5.2.1).
    return padded[: -padded[-1]] if 1 <= padded[-1] <= _BLOCK else None
