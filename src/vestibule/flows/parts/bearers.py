"""Access tokens of ours that somebody brings: whose each is, and whether it was meant for who brings it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from vestibule.directory.apps import GrantType
from vestibule.flows.parts.clients import Client, find_client, issuer_of
from vestibule.flows.parts.issuing import ACCESS_TOKEN
from vestibule.flows.parts.jwt_keys import keys_to_verify, usable_jwt_keys
from vestibule.flows.parts.places import Place
from vestibule.flows.parts.runtime import Runtime
from vestibule.oidc.errors import InvalidToken
from vestibule.oidc.jwt import TokenRefused, verify
from vestibule.storage import resource_apis


@dataclass(frozen=True, slots=True)
class Bearer:
    """An access token that verified, with the grant and the app that it belongs to, where there is one still."""

    claims: dict[str, Any]
    grant_id: str
    client: Client


def verified_bearer(runtime: Runtime, place: Place, token: str, asker: Client | None = None) -> Bearer:
    """Return an untrusted access token once one of the environment's keys has verified it. Raises InvalidToken.

    `asker` is the client that brings it, where that is known: most bring their own.
    """
    known = asker.jwt_keys if asker is not None else None
    keys = keys_to_verify(usable_jwt_keys(runtime, place.environment, known))
    issuer = issuer_of(runtime, place.environment.key)
    try:
        claims = dict(verify(token, keys, issuer=issuer, typ=ACCESS_TOKEN, now=runtime.clock()).claims)
    except TokenRefused as error:
        raise InvalidToken(error.reason) from error
    mine = asker is not None and claims.get("client_id") == asker.app.id
    client = asker if mine else find_client(runtime, place, str(claims.get("client_id")))
    if client is None:
        raise InvalidToken("its app is gone or disabled")
    return Bearer(claims, str(claims.get("gid", "")), client)


def scope_left(runtime: Runtime, place: Place, bearer: Bearer) -> str | None:
    """Return what of a token's scope its app may still have where the token is for; None where it opens nothing any more.

    An admin may have taken an API away from the app since, or a part of it, or the API itself.
    """
    said, audience = str(bearer.claims["scope"]), str(bearer.claims["aud"])
    if audience == issuer_of(runtime, place.environment.key):
        return said
    if not bearer.grant_id and GrantType.CLIENT_CREDENTIALS not in bearer.client.oidc.grant_types:
        return None
    with runtime.database.reading() as tx:
        found = resource_apis.find_reaches(tx, place.environment.id, bearer.client.app.id, (audience,))
    for_person = bool(bearer.grant_id) and "act" not in bearer.claims
    allowed = frozenset[str]().union(*(one.scopes(for_person=for_person) for one in found))
    left = " ".join(one for one in said.split() if one in allowed)
    return left if left or (allowed and not said) else None


def is_for(runtime: Runtime, place: Place, client: Client, claims: dict[str, Any]) -> bool:
    """Say whether verified claims are for an API that this client is: what it was sent, it may ask about and act on."""
    with runtime.database.reading() as tx:
        found = resource_apis.find_reaches(tx, place.environment.id, client.app.id, (str(claims.get("aud")),))
    return any(one.api.app_id == client.app.id for one in found)
