"""How a client says who it is at the token endpoint: in one way, read out of untrusted headers and form (RFC 6749, 2.3; RFC 7523)."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from urllib.parse import unquote_plus

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry

from vestibule.kernel.text import has_unsafe_characters
from vestibule.oidc import parameters as read
from vestibule.oidc.client_keys import algorithms_of
from vestibule.oidc.errors import InvalidClient, InvalidRequest
from vestibule.oidc.jwt import MAX_JWT_CHARACTERS, only
from vestibule.oidc.parameters import Parameters

JWT_BEARER: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_MAX_LIFE: Final = timedelta(minutes=10)
_SKEW: Final = timedelta(seconds=60)

Method = Literal["none", "client_secret", "private_key_jwt"]


@dataclass(frozen=True, slots=True)
class Presented:
    """What a client shows of itself: an id that anybody can know, and perhaps a proof. Untrusted."""

    client_id: str
    method: Method
    secret: str = field(default="", repr=False)
    assertion: str = field(default="", repr=False)


def read_client(parameters: Parameters, authorization: str) -> Presented:
    """Return what a client shows. Raises InvalidRequest when it shows itself in two ways, InvalidClient when in none."""
    secret = read.optional(parameters, "client_secret")
    assertion = read.optional(parameters, "client_assertion")
    basic = _basic(authorization)
    if sum(one is not None for one in (secret, assertion, basic)) > 1:
        raise InvalidRequest("several ways of client authentication at once")
    named = read.optional(parameters, "client_id")
    if basic is not None:
        if named not in {None, basic.client_id}:
            raise InvalidRequest("two client_ids")
        return basic
    if assertion is not None:
        if read.optional(parameters, "client_assertion_type") != JWT_BEARER:
            raise InvalidRequest("an unknown client_assertion_type")
        unverified = _unverified_subject(assertion)
        if named not in {None, unverified}:
            raise InvalidRequest("two client_ids")
        return Presented(unverified, "private_key_jwt", assertion=assertion)
    if named is None:
        raise InvalidClient("no client_id")
    return Presented(named, "none") if secret is None else Presented(named, "client_secret", secret=secret)


def verify_assertion(
    assertion: str, jwks: str, *, client_id: str, audiences: frozenset[str], now: datetime
) -> tuple[str, datetime]:
    """Return the jti of a client assertion and when it ends, once one of the client's own keys has verified it. Raises InvalidClient.

    `jwks` is the client's registered JWK Set; `audiences` are the names that we answer to (RFC 7523, 3; OpenID Connect Core 9).
    """
    try:
        kid = jws.extract_compact(assertion.encode()).headers().get("kid")
        claims = _verified_claims(assertion, json.loads(jwks).get("keys", []), kid)
    except (JoseError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidClient(f"{type(error).__name__}: no assertion of this client") from error
    if claims.get("iss") != client_id or claims.get("sub") != client_id:
        raise InvalidClient("the assertion is another client's")
    audience = claims.get("aud")
    named = [audience] if isinstance(audience, str) else audience
    # Our names alone: an assertion for several servers could be carried from one to the other.
    if not isinstance(named, list) or not named or not all(isinstance(one, str) and one in audiences for one in named):
        raise InvalidClient("the assertion is for somebody else")
    jti, expires = claims.get("jti"), claims.get("exp")
    # A lone surrogate is a text in JSON, and no UTF-8.
    if (
        not isinstance(jti, str)
        or not 1 <= len(jti) <= 256
        or has_unsafe_characters(jti)
        or not isinstance(expires, int | float)
    ):
        raise InvalidClient("the assertion lacks jti or exp")
    if not now.timestamp() < expires <= (now + _MAX_LIFE + _SKEW).timestamp():
        raise InvalidClient("the assertion has ended, or lives too long")
    for name in ("iat", "nbf"):
        if name in claims and not (isinstance(claims[name], int | float) and claims[name] <= (now + _SKEW).timestamp()):
            raise InvalidClient(f"the assertion's {name} is in the future")
    return jti, datetime.fromtimestamp(expires, now.tzinfo)


def _verified_claims(assertion: str, keys: list[dict[str, Any]], kid: object) -> dict[str, Any]:
    for key in keys:
        if kid is not None and key.get("kid") not in (None, kid):
            continue
        for algorithm in algorithms_of(key):
            try:
                verified = jws.deserialize_compact(assertion, JWKRegistry.import_key(key), registry=only(algorithm))
            except JoseError:
                continue
            claims = json.loads(verified.payload)
            if isinstance(claims, dict):
                return claims
    raise ValueError("no key of the client made this signature")


def _basic(authorization: str) -> Presented | None:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError) as error:
        raise InvalidClient("the Authorization header is no Basic credentials") from error
    # Both halves are form-encoded before they are joined (RFC 6749, 2.3.1); ours have no character that this would change.
    client_id, secret = unquote_plus(name), unquote_plus(password)
    if not colon or not client_id or not secret:
        raise InvalidClient("the Authorization header is incomplete")
    return Presented(client_id, "client_secret", secret=secret)


def _unverified_subject(assertion: str) -> str:
    """Return whose assertion it claims to be: only to find the keys that verify it."""
    try:
        if len(assertion) > MAX_JWT_CHARACTERS:
            raise InvalidClient("the assertion is too long")
        claims = json.loads(jws.extract_compact(assertion.encode()).payload)
        subject = claims["sub"]
    except (JoseError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise InvalidClient("no assertion") from error
    if not isinstance(subject, str):
        raise InvalidClient("no assertion")
    return subject
