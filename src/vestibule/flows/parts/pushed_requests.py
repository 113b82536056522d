"""Requests that are known before a browser brings them: checked, and kept under a name that is used once (RFC 9126)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final

from vestibule.directory.apps import GrantType
from vestibule.directory.grants import StoredRequest
from vestibule.flows.parts.clients import Client
from vestibule.flows.parts.id_token_hints import hinted_sub
from vestibule.flows.parts.issuing import scopes_of
from vestibule.flows.parts.places import Place
from vestibule.flows.parts.resources import reaches_of
from vestibule.flows.parts.runtime import Runtime
from vestibule.kernel.secrets import new_token, token_hash
from vestibule.oidc import parameters as read
from vestibule.oidc.parameters import Parameters
from vestibule.oidc.requests import AuthorizationRequest, read_addressee, read_request
from vestibule.oidc.scopes import known
from vestibule.storage import authorization
from vestibule.storage.database import Transaction

PUSHED_LIFE: Final = timedelta(seconds=90)
PUSHED_PREFIX: Final = "urn:ietf:params:oauth:request_uri:"


@dataclass(frozen=True, slots=True)
class Pushed:
    """By what a client names the request that it pushed, and for how long (RFC 9126, 2.2)."""

    request_uri: str = field(repr=False)
    seconds: int


def checked_request(runtime: Runtime, place: Place, client: Client, parameters: Parameters) -> AuthorizationRequest:
    """Return a client's request with the scopes that it may have. Raises OAuthError. Where the answer goes is checked by who calls."""
    request = read_request(parameters, read_addressee(parameters))
    client.require_grant(GrantType.AUTHORIZATION_CODE)
    hint = read.token(parameters, "id_token_hint")
    if hint is not None:
        request = replace(request, hinted_sub=hinted_sub(runtime, place, client, hint))
    if not request.resources:
        return replace(request, scope=known(request.scope, scopes_of(client.oidc)))
    with runtime.database.reading() as tx:
        reaches = reaches_of(tx, place, client, request.resources, for_person=True)
    of_apis = frozenset().union(*(one.scopes(for_person=True) for one in reaches))
    return replace(request, scope=known(request.scope, (*scopes_of(client.oidc), *of_apis)))


def keep_pushed(
    tx: Transaction, runtime: Runtime, place: Place, request: AuthorizationRequest, browser: str = ""
) -> Pushed:
    """Keep a checked request, and return its name; with `browser`, the secret of the only browser that may bring it."""
    handle, now = new_token(), runtime.clock()
    stored = StoredRequest(
        app_id=request.client_id,
        environment_id=place.environment.id,
        parameters=request.as_data(),
        browser_hash=token_hash(browser) if browser else None,
        pushed=True,
        created_at=now,
        expires_at=now + PUSHED_LIFE,
    )
    authorization.insert_request(tx, place.environment, stored, token_hash(handle))
    return Pushed(PUSHED_PREFIX + handle, int(PUSHED_LIFE.total_seconds()))
