"""The grant `urn:ietf:params:oauth:grant-type:token-exchange`: a service or an agent acts for a person, on the record (RFC 8693)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from vestibule.directory.activity import Event, Subject
from vestibule.directory.grants import Grant
from vestibule.directory.resource_apis import Reach, ResourceApi
from vestibule.flows.parts.bearers import Bearer, is_for, scope_left, verified_bearer
from vestibule.flows.parts.callers import Visitor
from vestibule.flows.parts.clients import Client
from vestibule.flows.parts.granted import standing_of
from vestibule.flows.parts.issuing import (
    TokenAnswer,
    access_token,
    answer_for,
    life_seconds,
    person_of,
    signing_keys_of,
)
from vestibule.flows.parts.places import Place
from vestibule.flows.parts.recording import record
from vestibule.flows.parts.resources import one_resource, reaches_of
from vestibule.flows.parts.runtime import Runtime
from vestibule.kernel.ids import new_id
from vestibule.oidc import parameters as read
from vestibule.oidc.errors import (
    InvalidRequest,
    InvalidScope,
    InvalidTarget,
    InvalidToken,
    SubjectTokenRefused,
    UnauthorizedClient,
)
from vestibule.oidc.parameters import Parameters
from vestibule.storage import grants, resource_apis
from vestibule.storage.database import Transaction

ACCESS_TOKEN_TYPE: Final = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - a name of RFC 8693, 3
MAX_ACTORS: Final = 4


@dataclass(frozen=True, slots=True)
class _Asked:
    """What an exchange wants: the subject's verified token and what it still opens, for which API, with which scopes."""

    subject: Bearer
    left: str
    resource: str
    scope: tuple[str, ...]


def exchange_token(
    runtime: Runtime, visitor: Visitor, place: Place, client: Client, parameters: Parameters
) -> TokenAnswer:
    """Return a token for one API with which the client acts for the person of an access token. Raises OAuthError.

    What the person granted is never exceeded: the API is one of those they granted, and the scopes are theirs, too. An admin has to
    have allowed the client that API by name; and the person has to be allowed both apps now, the one that passes on and the one that acts.
    """
    if not client.authenticated:
        raise UnauthorizedClient("a public client can't act for anybody")
    asked = _read(runtime, place, client, parameters)
    keys = signing_keys_of(runtime, place, client)
    with runtime.database.transaction() as tx:
        parent = grants.find_grant(tx, place.environment.id, asked.subject.grant_id, runtime.clock())
        if parent is None or parent.app_id != asked.subject.client.app.id:
            raise InvalidRequest("the subject's grant has ended")
        standing_of(tx, runtime, place, asked.subject.client.app, parent)
        target, child = _narrowed(tx, runtime, place, client, asked, parent)
        standing = standing_of(tx, runtime, place, client.app, child, named=True)
        grants.insert_grant(tx, child)
        person = person_of(runtime, client.app, standing)
        scope, now = asked.scope, runtime.clock()
        token = access_token(runtime, place, client, child, person, keys, scope=scope, now=now, api=target.api)
        details = {
            "end_user": child.end_user_id,
            "from": parent.app_id,
            "resource": target.api.identifier,
            "scope": list(scope),
        }
        subject = Subject("app", client.app.id, client.app.name)
        event = Event("app.token_exchanged", subject, environment_id=place.environment.id, details=details)
        record(tx, runtime, place.workspace.id, visitor.anonymous, event)
    answer = answer_for(token, scope, life_seconds(client, now, child))
    return TokenAnswer({**answer, "issued_token_type": ACCESS_TOKEN_TYPE})


def _read(runtime: Runtime, place: Place, client: Client, parameters: Parameters) -> _Asked:
    if read.required(parameters, "subject_token_type") != ACCESS_TOKEN_TYPE:
        raise SubjectTokenRefused("the subject_token_type is not that of an access token")
    if read.optional(parameters, "requested_token_type") not in {None, ACCESS_TOKEN_TYPE}:
        raise InvalidRequest("the requested_token_type is not that of an access token")
    # The actor is who authenticated: one that is named in a parameter could be anybody.
    if "actor_token" in parameters or "actor_token_type" in parameters:
        raise InvalidRequest("the client itself is the actor")
    if "audience" in parameters:
        raise InvalidTarget("name the API by its resource")
    try:
        subject = verified_bearer(runtime, place, read.required_token(parameters, "subject_token"))
    except InvalidToken as error:
        raise InvalidRequest(error.reason) from error
    mine = subject.client.app.id == client.app.id
    if not subject.grant_id or not (mine or is_for(runtime, place, client, subject.claims)):
        raise InvalidRequest("the subject_token is no person's, or was not given to this client")
    scope = read.words(parameters, "scope")
    if not scope:
        raise InvalidScope("no scope: who acts for somebody says what for")
    left = scope_left(runtime, place, subject)
    if left is None:
        raise InvalidRequest("the subject_token opens nothing any more")
    return _Asked(subject, left, one_resource(parameters), scope)


def _narrowed(
    tx: Transaction, runtime: Runtime, place: Place, client: Client, asked: _Asked, parent: Grant
) -> tuple[Reach, Grant]:
    """Return the API, and the grant of its own that the client gets: a part of its parent, with which it ends."""
    if asked.resource not in parent.resources:
        raise InvalidTarget("the person has not granted that API")
    target = reaches_of(tx, place, client, (asked.resource,), for_person=False)[0]
    left = _left(tx, place, client, asked, parent)
    if not frozenset(asked.scope) <= left & target.scopes(for_person=False):
        raise InvalidScope("more than the subject's token, the person or an admin allows")
    # What was not asked for at this API can't be had by exchanging once more.
    kept = (left - frozenset(target.api.scopes)) | frozenset(asked.scope)
    now = runtime.clock()
    child = replace(
        parent,
        id=new_id("grant", now),
        app_id=client.app.id,
        scope=tuple(one for one in parent.scope if one in kept),
        nonce=None,
        actor=_acting(client, parent),
        parent_id=parent.id,
        created_at=now,
        expires_at=min(parent.expires_at, now + client.oidc.access_token_ttl),
    )
    return target, child


def _left(tx: Transaction, place: Place, client: Client, asked: _Asked, parent: Grant) -> frozenset[str]:
    """Return what of a grant its token still opens: at the API that it is for, only what it says."""
    said = frozenset(asked.left.split())
    audience = str(asked.subject.claims.get("aud"))
    found = resource_apis.find_reaches(tx, place.environment.id, client.app.id, (audience,))
    apis: tuple[ResourceApi, ...] = tuple(one.api for one in found)
    there = frozenset(scope for api in apis for scope in api.scopes)
    return frozenset(one for one in parent.scope if one not in there or one in said)


def _acting(client: Client, parent: Grant) -> dict[str, Any]:
    """Return who acts, and for whom they were acting already (RFC 8693, 4.1). It comes from the grant, never from a parameter."""
    acting: dict[str, Any] = {"sub": client.app.id}
    if parent.actor is not None:
        acting["act"] = dict(parent.actor)
    depth, inner = 0, acting
    while inner:
        depth, inner = depth + 1, inner.get("act", {})
    if depth > MAX_ACTORS:
        raise InvalidRequest("too many act for one another")
    return acting
