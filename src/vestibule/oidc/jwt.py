"""Signing JSON Web Tokens and verifying our own (RFC 7519, RFC 8725). The algorithm comes from the key, never from the token."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, Final

from joserfc import jws
from joserfc.errors import JoseError, UnsupportedAlgorithmError
from joserfc.jwk import OKPKey, RSAKey

from vestibule.kernel.errors import VestibuleError
from vestibule.kernel.text import N_

RSA_BITS: Final = 2048
# A token that names a thousand groups, and about as much as fits into the headers of a request.
MAX_JWT_CHARACTERS: Final = 65_536
_JWT_PARTS: Final = 3


class TokenRefused(VestibuleError):
    """A token is not one of ours, is for somebody else, or has ended. Which of these is for the log."""

    code = "token_refused"
    public = N_("The token is not valid here, or has ended.")


@dataclass(frozen=True, slots=True)
class JwtKey:
    """A key with its `kid` and the one algorithm that it is for. `private` says whether it can sign."""

    kid: str
    alg: str
    key: RSAKey | OKPKey = field(repr=False)


class _Registry(jws.JWSRegistry):
    """Knows one algorithm. By the name EdDSA, which the library warns of since RFC 9864 calls it `Ed25519`: apps of today know that."""

    def get_alg(self, name: str) -> Any:
        """Return the algorithm. Raises UnsupportedAlgorithmError for any other."""
        if name not in (self.allowed or ()):
            raise UnsupportedAlgorithmError(f"not {name}")
        return self.algorithms[name]


@dataclass(frozen=True, slots=True)
class Verified:
    """What a verified token says: the claims, and the `typ` and `kid` of its header."""

    claims: Mapping[str, Any]
    typ: str
    kid: str


def new_private_key(alg: str) -> bytes:
    """Return a fresh private key for RS256 or EdDSA (Ed25519) as a JWK in JSON."""
    key: RSAKey | OKPKey
    key = (
        RSAKey.generate_key(RSA_BITS, private=True) if alg == "RS256" else OKPKey.generate_key("Ed25519", private=True)
    )
    return json.dumps(key.as_dict(private=True)).encode()


def load_private_key(jwk: bytes, kid: str, alg: str) -> JwtKey:
    """Return the key of a private JWK of ours."""
    return load_public_key(json.loads(jwk), kid, alg)


def load_public_key(jwk: Mapping[str, Any], kid: str, alg: str) -> JwtKey:
    """Return the key of a JWK of ours."""
    kind = RSAKey if alg == "RS256" else OKPKey
    return JwtKey(kid, alg, kind.import_key(dict(jwk)))


def public_jwk(key: JwtKey) -> dict[str, Any]:
    """Return what a JWK Set has of a key (RFC 7517, 4): never the private half."""
    return {**key.key.as_dict(private=False), "kid": key.kid, "use": "sig", "alg": key.alg}


def sign(claims: Mapping[str, Any], key: JwtKey, typ: str = "JWT") -> str:
    """Return a signed token. `typ` tells kinds of tokens apart, so that none passes as another (RFC 8725, 3.11)."""
    header = {"alg": key.alg, "kid": key.kid, "typ": typ}
    return jws.serialize_compact(header, _json(claims), key.key, registry=only(key.alg))


def verify(
    token: str, keys: Iterable[JwtKey], *, issuer: str, typ: str, now: datetime | None, audience: str | None = None
) -> Verified:
    """Return what an untrusted token says, once one of our keys has verified it.

    Issuer, kind, expiry and, where one is given, audience must fit. Without `audience` the caller looks at `aud`; without `now`
    a token that has ended counts, too. Raises TokenRefused.
    """
    if len(token) > MAX_JWT_CHARACTERS or token.count(".") != _JWT_PARTS - 1:
        raise TokenRefused("no compact JWS")
    by_kid = {key.kid: key for key in keys}
    try:
        unverified_header = jws.extract_compact(token.encode()).headers()
        key = by_kid.get(unverified_header.get("kid", ""))
        if key is None:
            raise TokenRefused("signed with no key of this environment")
        verified = jws.deserialize_compact(token, key.key, registry=only(key.alg))
        claims = json.loads(verified.payload)
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        raise TokenRefused(f"{type(error).__name__}: not a token of ours") from error
    header = verified.headers()
    if set(header) != {"alg", "kid", "typ"} or header["typ"] != typ:
        raise TokenRefused("another kind of token")
    if not isinstance(claims, dict):
        raise TokenRefused("its payload is no object")
    _require_claims(claims, issuer, audience, now)
    return Verified(claims, typ, key.kid)


def unverified(token: str) -> Verified:
    """Return what an untrusted token says of itself, verified by nobody: good for asking whether it is meant, and for nothing else.

    Raises TokenRefused.
    """
    if len(token) > MAX_JWT_CHARACTERS:
        raise TokenRefused("too long")
    try:
        found = jws.extract_compact(token.encode())
        header, claims = found.headers(), json.loads(found.payload)
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        raise TokenRefused(f"{type(error).__name__}: no token") from error
    if not isinstance(claims, dict):
        raise TokenRefused("its payload is no object")
    return Verified(claims, str(header.get("typ")), str(header.get("kid")))


def _require_claims(claims: Mapping[str, Any], issuer: str, audience: str | None, now: datetime | None) -> None:
    if claims.get("iss") != issuer:
        raise TokenRefused("another issuer's")
    expires = claims.get("exp")
    if not isinstance(expires, int) or (now is not None and now.timestamp() >= expires):
        raise TokenRefused("it has ended")
    if audience is not None:
        named = claims.get("aud")
        if audience not in ([named] if isinstance(named, str) else named if isinstance(named, list) else []):
            raise TokenRefused("for another audience")


def _json(claims: Mapping[str, Any]) -> bytes:
    return json.dumps(claims, separators=(",", ":"), ensure_ascii=False).encode()


@cache
def only(alg: str) -> jws.JWSRegistry:
    """Return what knows one algorithm, whatever a token's header says."""
    return _Registry(algorithms=[alg])
