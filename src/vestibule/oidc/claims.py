"""What tokens and userinfo say of a person (OpenID Connect Core 2 and 5.1; RFC 9068, 2.2)."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from vestibule.oidc.scopes import EMAIL, GROUPS, PROFILE


@dataclass(frozen=True, slots=True)
class Person:
    """Whom a token is about, as the app may know them. `groups` is None for an app that does not get them."""

    subject: str
    email: str
    name: str
    environment: str
    groups: tuple[str, ...] | None


def claims_of(person: Person, scope: Iterable[str]) -> dict[str, Any]:
    """Return the claims that scopes open, `sub` and the environment always.

    The address is verified: an admin, a directory or an identity provider that speaks for its domain gave it, not the person.
    """
    opened = frozenset(scope)
    claims: dict[str, Any] = {"sub": person.subject, "environment": person.environment}
    if EMAIL in opened:
        claims |= {"email": person.email, "email_verified": True}
    if PROFILE in opened:
        claims["name"] = person.name
    if GROUPS in opened and person.groups is not None:
        claims["groups"] = list(person.groups)
    return claims


def at_hash(access_token: str) -> str:
    """Return what binds an ID token to its access token (OpenID Connect Core 3.1.3.6).

    RS256 says SHA-256. Ed25519 would say SHA-512; what libraries of today compute for EdDSA differs, so there it is left out.
    """
    half = hashlib.sha256(access_token.encode()).digest()[:16]
    return urlsafe_b64encode(half).rstrip(b"=").decode()
