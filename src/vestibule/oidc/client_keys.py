"""The public keys by which an app proves itself (private_key_jwt): read out of an untrusted JWK Set (RFC 7517), strong and few.

Whoever registers a key chooses what verifying costs us: kinds, sizes, exponents and numbers are bounded before any arithmetic.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from typing import Any, Final

from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry

from vestibule.kernel.text import N_
from vestibule.oidc.errors import InvalidClientMetadata

MAX_KEYS: Final = 10
MAX_JWKS_CHARACTERS: Final = 16_384
_RSA_BITS: Final = range(2_048, 4_096 + 1)
# No larger one is in use, and the work of a verification grows with it.
_MAX_EXPONENT_BITS: Final = 32
# By kind and curve; the algorithm that a token names has to be one of its key's.
_ALGORITHMS: Final[Mapping[tuple[str, str], frozenset[str]]] = {
    ("RSA", ""): frozenset({"RS256", "PS256"}),
    ("EC", "P-256"): frozenset({"ES256"}),
    ("EC", "P-384"): frozenset({"ES384"}),
    ("EC", "P-521"): frozenset({"ES512"}),
    # By both names: RFC 9864 calls `Ed25519` what has been EdDSA.
    ("OKP", "Ed25519"): frozenset({"EdDSA", "Ed25519"}),
}
ASSERTION_ALGORITHMS: Final = sorted(frozenset().union(*_ALGORITHMS.values()))
_BASE64URL: Final = re.compile(r"[A-Za-z0-9_-]+\Z")
_PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"})


class KeySetMalformed(InvalidClientMetadata):
    """It is no JWK Set, or one of its keys can't be read."""

    code = "oauth_jwks_malformed"
    public = N_("The JWK Set, or a key in it, is malformed.")


class KeySetTooLarge(InvalidClientMetadata):
    """There is no key, there are more than anybody rotates, or they are longer than keys are."""

    code = "oauth_jwks_too_large"
    public = N_("A JWK Set has 1 to 10 keys and 16384 characters at most.")


class PrivateKeyRefused(InvalidClientMetadata):
    """A key is secret: a private one, or a symmetric one. Whoever sent it should make another."""

    code = "oauth_jwks_private"
    public = N_("A key in the JWK Set is a private one. Make a new pair, and give the public key alone.")


class KeyKindRefused(InvalidClientMetadata):
    """There are only keys of kinds and curves that we verify no assertion with."""

    code = "oauth_jwks_kind"
    public = N_("No key in the JWK Set is RSA, EC on P-256, P-384 or P-521, or Ed25519.")


class KeyUseRefused(InvalidClientMetadata):
    """The only keys of a kind that we know are for encryption, or for algorithms that we don't verify."""

    code = "oauth_jwks_use"
    public = N_(
        "No key in the JWK Set verifies our signatures: its use, key_ops or alg says that it is for something else."
    )


class KeySizeRefused(InvalidClientMetadata):
    """An RSA key is too short to trust, or so long, in modulus or exponent, that verifying with it is a burden."""

    code = "oauth_jwks_size"
    public = N_("RSA keys have 2048 to 4096 bits and a usual exponent.")


def algorithms_of(key: Mapping[str, Any]) -> frozenset[str]:
    """Return the algorithms that a JWK (untrusted) may verify signatures with: none for one of an unknown kind, or for another use.

    A key that names its algorithm is for that one alone (RFC 7517, 4.2 to 4.4).
    """
    operations, named = key.get("key_ops"), key.get("alg")
    if key.get("use") not in (None, "sig"):
        return frozenset()
    if operations is not None and not (isinstance(operations, list) and "verify" in operations):
        return frozenset()
    of_kind = _of_kind(key)
    return of_kind if named is None else of_kind & {str(named)}


def _of_kind(key: Mapping[str, Any]) -> frozenset[str]:
    kind = str(key.get("kty"))
    return _ALGORITHMS.get((kind, "" if kind == "RSA" else str(key.get("crv"))), frozenset())


def read_client_keys(untrusted: object) -> str:
    """Return a JWK Set, as JSON holds it, as text to keep. Raises one class below InvalidClientMetadata per reason (RFC 7591, 3.2.2).

    Keys of unknown kinds, and those for another use, are kept and never verify anything (RFC 7517, 5): apps publish keys for
    encryption, and of kinds to come, in the same set. One key has to be of use. A secret one is refused whatever its kind.
    """
    keys = untrusted.get("keys") if isinstance(untrusted, dict) else None
    if not isinstance(keys, list):
        raise KeySetMalformed("no JWK Set")
    if not 1 <= len(keys) <= MAX_KEYS:
        raise KeySetTooLarge(f"{len(keys)} keys")
    try:
        kept = json.dumps({"keys": keys})
    except RecursionError as error:
        raise KeySetMalformed("nested too deeply") from error
    if len(kept) > MAX_JWKS_CHARACTERS:
        raise KeySetTooLarge(f"{len(kept)} characters")
    # Each is looked at, and not only as far as the first of use: a secret one may be the last.
    usable = [key for key in keys if _is_usable(key)]
    if not usable:
        known = any(_of_kind(key) for key in keys)
        raise KeyUseRefused("keys for another use alone") if known else KeyKindRefused("keys of other kinds alone")
    return kept


def read_typed_keys(untrusted: str) -> str:
    """Return a JWK Set that was typed, as `read_client_keys` does, and raise what that raises."""
    if len(untrusted) > MAX_JWKS_CHARACTERS:
        raise KeySetTooLarge(f"{len(untrusted)} characters")
    try:
        data = json.loads(untrusted)
    except (ValueError, RecursionError) as error:
        raise KeySetMalformed("no JSON") from error
    return read_client_keys(data)


def _is_usable(key: object) -> bool:
    if not isinstance(key, dict):
        raise KeySetMalformed("a key that is no object")
    if not _PRIVATE.isdisjoint(key):
        raise PrivateKeyRefused("a key that is not a public one")
    if not algorithms_of(key):
        return False
    if key["kty"] == "RSA":
        modulus, exponent = _number(key, "n"), _number(key, "e")
        if modulus.bit_length() not in _RSA_BITS or not 3 <= exponent < 1 << _MAX_EXPONENT_BITS:
            raise KeySizeRefused(f"RSA of {modulus.bit_length()} bits, exponent of {exponent.bit_length()}")
    try:
        JWKRegistry.import_key(key)
    except (JoseError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise KeySetMalformed(f"{type(error).__name__}: a key that is none") from error
    return True


def _number(key: Mapping[str, Any], name: str) -> int:
    written = key.get(name)
    # Strictly: what one decoder passes over and another doesn't would be measured here and be another number there.
    if not isinstance(written, str) or not _BASE64URL.match(written):
        raise KeySetMalformed(f"{name} is not base64url")
    try:
        return int.from_bytes(base64.urlsafe_b64decode(written + "=" * (-len(written) % 4)))
    except binascii.Error as error:
        raise KeySetMalformed(f"{name} is not base64url") from error
