"""What an access token of ours is still worth: userinfo for the app, introspection for who was shown it, revocation by its owner.

Each looks the grant up and asks again whether the person may enter: a token that was signed is not therefore still good.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from vestibule.directory.activity import Event, Subject
from vestibule.directory.apps import App
from vestibule.directory.entry import Standing
from vestibule.directory.grants import Grant
from vestibule.flows.parts.bearers import is_for, scope_left, verified_bearer
from vestibule.flows.parts.callers import Visitor
from vestibule.flows.parts.clients import Client, authenticate_client, issuer_of
from vestibule.flows.parts.granted import standing_of
from vestibule.flows.parts.person_claims import claims_for
from vestibule.flows.parts.places import Place, find_place
from vestibule.flows.parts.recording import record
from vestibule.flows.parts.runtime import Runtime
from vestibule.flows.parts.subjects import subject_of
from vestibule.kernel.secrets import token_hash
from vestibule.oidc import parameters as read
from vestibule.oidc.client_authentication import read_client
from vestibule.oidc.errors import InvalidClient, InvalidToken, OAuthError, UnsupportedTokenType
from vestibule.oidc.parameters import Parameters
from vestibule.oidc.scopes import EMAIL
from vestibule.storage import grants

_INACTIVE: dict[str, Any] = {"active": False}


def userinfo(runtime: Runtime, environment_key: str, token: str) -> dict[str, Any]:
    """Return the claims of the person of an untrusted access token (OpenID Connect Core 5.3). Raises InvalidToken, InsufficientScope."""
    place = find_place(runtime, environment_key)
    return claims_for(runtime, place, verified_bearer(runtime, place, token))


def introspect(
    runtime: Runtime, visitor: Visitor, environment_key: str, parameters: Parameters, authorization: str
) -> dict[str, Any]:
    """Return what a token is worth now, to the client whose it is (RFC 7662, 2.2). Raises OAuthError."""
    place, client = authenticate_client(runtime, visitor, environment_key, read_client(parameters, authorization))
    if not client.authenticated:
        raise InvalidClient("a public client may not introspect")
    token = read.required_token(parameters, "token")
    return (
        _of_access_token(runtime, place, client, token) or _of_refresh_token(runtime, place, client, token) or _INACTIVE
    )


def revoke(
    runtime: Runtime, visitor: Visitor, environment_key: str, parameters: Parameters, authorization: str
) -> None:
    """End the grant of a client's own refresh or access token; of what is not its own nothing is said (RFC 7009, 2.2).

    Raises OAuthError, also for a token of its own that hangs on no grant: nothing would end.
    """
    place, client = authenticate_client(runtime, visitor, environment_key, read_client(parameters, authorization))
    token = read.required_token(parameters, "token")
    now = runtime.clock()
    grant_id = ""
    with suppress(InvalidToken):
        bearer = verified_bearer(runtime, place, token, client)
        grant_id = bearer.grant_id
        if not grant_id and bearer.client.app.id == client.app.id:
            raise UnsupportedTokenType("it has no grant")
    with runtime.database.transaction() as tx:
        if grant_id:
            grant = grants.find_grant(tx, place.environment.id, grant_id, now)
        else:
            grant = grants.grant_of_refresh_token(tx, place.environment.id, token_hash(token), now)
        if grant is None or grant.app_id != client.app.id:
            return
        grants.delete_grant(tx, place.environment.id, grant.id)
        event = Event(
            "app.grant_revoked",
            Subject("app", client.app.id, client.app.name),
            environment_id=place.environment.id,
            details={"end_user": grant.end_user_id, "grant": grant.id},
        )
        record(tx, runtime, place.workspace.id, visitor.anonymous, event)


def _of_access_token(runtime: Runtime, place: Place, asker: Client, token: str) -> dict[str, Any] | None:
    try:
        bearer = verified_bearer(runtime, place, token, asker)
    except InvalidToken:
        return None
    if bearer.client.app.id != asker.app.id and not is_for(runtime, place, asker, bearer.claims):
        return None
    person = {}
    if bearer.grant_id:
        found = _granted(runtime, place, bearer.client.app, bearer.grant_id)
        if found is None:
            return None
        person = _named(found[1], "email" in bearer.claims)
    scope = scope_left(runtime, place, bearer)
    if scope is None:
        return None
    told = ("iss", "sub", "aud", "client_id", "iat", "exp", "jti", "act", "auth_time")
    return {
        "active": True,
        "token_type": "Bearer",
        **person,
        **{name: bearer.claims[name] for name in told if name in bearer.claims},
        "scope": scope,
    }


def _of_refresh_token(runtime: Runtime, place: Place, asker: Client, token: str) -> dict[str, Any] | None:
    with runtime.database.reading() as tx:
        grant = grants.grant_of_refresh_token(tx, place.environment.id, token_hash(token), runtime.clock())
    if grant is None or grant.app_id != asker.app.id:
        return None
    found = _granted(runtime, place, asker.app, grant.id)
    if found is None:
        return None
    return {
        "active": True,
        "iss": issuer_of(runtime, place.environment.key),
        "sub": subject_of(runtime, asker.app, grant.end_user_id),
        "client_id": asker.app.id,
        "scope": " ".join(grant.scope),
        "exp": int(grant.expires_at.timestamp()),
        "iat": int(grant.created_at.timestamp()),
        **_named(found[1], EMAIL in grant.scope),
    }


def _named(standing: Standing, opened: bool) -> dict[str, str]:
    """Return what people know somebody by, where the scope for it was granted: asking is no way around it."""
    return {"username": standing.end_user.email} if opened else {}


def _granted(runtime: Runtime, place: Place, app: App, grant_id: str) -> tuple[Grant, Standing] | None:
    with runtime.database.reading() as tx:
        grant = grants.find_grant(tx, place.environment.id, grant_id, runtime.clock())
        if grant is None or grant.app_id != app.id:
            return None
        try:
            return grant, standing_of(tx, runtime, place, app, grant)
        except OAuthError:
            return None
