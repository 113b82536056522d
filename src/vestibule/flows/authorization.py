"""The authorization endpoint: an app asks for a person, who signs in and agrees where that is wanted, and a code goes back.

RFC 6749, 4.1 in the shape that OAuth 2.1 and RFC 9700 leave of it; OpenID Connect Core 3.1.2; pushed requests by RFC 9126.
"""

from __future__ import annotations

from datetime import datetime

from vestibule.directory.grants import StoredRequest
from vestibule.flows.parts.authorizing import (
    AppChanged,
    Browser,
    RequestEnded,
    Step,
    UnknownClient,
    Waiting,
    answer_at,
    error_to,
    refused,
)
from vestibule.flows.parts.callers import Visitor
from vestibule.flows.parts.clients import Client, authenticate_client, find_client
from vestibule.flows.parts.going_on import go_on
from vestibule.flows.parts.places import Place, find_place
from vestibule.flows.parts.pushed_requests import PUSHED_PREFIX, Pushed, checked_request, keep_pushed
from vestibule.flows.parts.runtime import Runtime
from vestibule.flows.parts.throttling import AUTHORIZATION_PER_ADDRESS, count_attempt
from vestibule.flows.parts.trying import is_for_app, is_try
from vestibule.kernel.secrets import same, token_hash
from vestibule.kernel.text import printable
from vestibule.oidc.client_authentication import read_client
from vestibule.oidc.errors import (
    AccessDenied,
    InvalidRequest,
    InvalidRequestUri,
    OAuthError,
    PushedRequestRequired,
)
from vestibule.oidc.parameters import Parameters
from vestibule.oidc.requests import (
    read_addressee,
    request_from_data,
    response_mode_of,
    state_of,
)
from vestibule.storage import authorization as storage


def begin(runtime: Runtime, visitor: Visitor, environment_key: str, parameters: Parameters, browser: Browser) -> Step:
    """Take an untrusted authorization request and go as far as that goes without the person.

    Raises AuthorizationRefused, Throttled, NotFound.
    """
    place = find_place(runtime, environment_key)
    if any(one.startswith(PUSHED_PREFIX) for one in parameters.get("request_uri", ())):
        return go_on(runtime, visitor, place, _pushed(runtime, visitor, place, parameters, browser), browser)
    client, redirect_uri = _addressee(runtime, visitor, place, parameters)
    try:
        request = checked_request(runtime, place, client, parameters)
        if client.oidc.require_pushed_requests:
            raise PushedRequestRequired("not pushed")
    except OAuthError as error:
        mode, state = response_mode_of(parameters), state_of(parameters)
        return answer_at(runtime, place, client, redirect_uri, mode, state, error.body())
    return go_on(runtime, visitor, place, Waiting(client, request, runtime.clock()), browser)


def come_back(runtime: Runtime, visitor: Visitor, environment_key: str, handle: str, browser: Browser) -> Step:
    """Go on with a stored request, after the person signed in. Raises AuthorizationRefused, Throttled, NotFound."""
    place = find_place(runtime, environment_key)
    return go_on(runtime, visitor, place, _stored(runtime, visitor, place, handle, browser), browser)


def answer_consent(
    runtime: Runtime, visitor: Visitor, environment_key: str, handle: str, browser: Browser, *, agreed_by: str
) -> Step:
    """Take what was answered on the consent page; `agreed_by` is whom it was shown to (untrusted), empty for a no.

    Raises AuthorizationRefused, Throttled, NotFound.
    """
    place = find_place(runtime, environment_key)
    waiting = _stored(runtime, visitor, place, handle, browser)
    if agreed_by:
        return go_on(runtime, visitor, place, waiting, browser, agreed_by=agreed_by)
    with runtime.database.transaction() as tx:
        storage.take_request(tx, place.environment.id, token_hash(handle))
    return error_to(runtime, place, waiting, AccessDenied("the person did not agree"))


def push(
    runtime: Runtime, visitor: Visitor, environment_key: str, parameters: Parameters, authorization: str
) -> Pushed:
    """Take a request that a client pushes, and keep it for the browser that brings its name (RFC 9126).

    Those of a client that proves nothing are counted by address. Raises OAuthError, Throttled, NotFound.
    """
    place, client = authenticate_client(runtime, visitor, environment_key, read_client(parameters, authorization))
    whole = {**parameters, "client_id": (client.app.id,)}
    request = checked_request(runtime, place, client, whole)
    if not is_for_app(runtime, client.oidc, request.redirect_uri):
        raise InvalidRequest("the redirect URI is not registered")
    if not client.authenticated:
        count_attempt(runtime, (AUTHORIZATION_PER_ADDRESS, visitor.network))
    with runtime.database.transaction() as tx:
        return keep_pushed(tx, runtime, place, request)


def _addressee(runtime: Runtime, visitor: Visitor, place: Place, parameters: Parameters) -> tuple[Client, str]:
    try:
        addressee = read_addressee(parameters)
    except OAuthError as error:
        raise refused(runtime, visitor, place, UnknownClient(error.reason)) from error
    client = find_client(runtime, place, addressee.client_id)
    if client is None:
        raise refused(runtime, visitor, place, UnknownClient(f"no client {printable(addressee.client_id, 40)}"))
    if not is_for_app(runtime, client.oidc, addressee.redirect_uri):
        reason = f"the redirect URI is not registered: {printable(addressee.redirect_uri, 200)}"
        raise refused(runtime, visitor, place, UnknownClient(reason), client.app)
    return client, addressee.redirect_uri


def _stored(runtime: Runtime, visitor: Visitor, place: Place, handle: str, browser: Browser) -> Waiting:
    with runtime.database.reading() as tx:
        found = storage.find_request(tx, place.environment.id, token_hash(handle), runtime.clock())
    # A handle is worth nothing in another browser: who begins a sign-in finishes it (login CSRF).
    mine = found is not None and found.browser_hash is not None and same(found.browser_hash, token_hash(browser.secret))
    if found is None or not mine:
        raise refused(runtime, visitor, place, RequestEnded("no such request of this browser"))
    return _resumed(runtime, visitor, place, found, found.created_at, handle)


def _pushed(runtime: Runtime, visitor: Visitor, place: Place, parameters: Parameters, browser: Browser) -> Waiting:
    """Take a pushed request, which is used once, by whoever comes first (RFC 9126, 4); one of ours by its own browser."""
    ended = InvalidRequestUri("unknown, used, ended, or another client's")
    uris, client_ids = parameters.get("request_uri", ()), parameters.get("client_id", ())
    if len(uris) != 1 or len(client_ids) != 1:
        raise refused(runtime, visitor, place, ended)
    digest = token_hash(uris[0].removeprefix(PUSHED_PREFIX))
    with runtime.database.transaction() as tx:
        found = storage.find_request(tx, place.environment.id, digest, runtime.clock())
        usable = (
            found is not None
            and found.pushed
            and found.app_id == client_ids[0]
            and (found.browser_hash is None or same(found.browser_hash, token_hash(browser.secret)))
        )
        taken = usable and storage.take_request(tx, place.environment.id, digest)
    if found is None or not taken:
        raise refused(runtime, visitor, place, ended)
    return _resumed(runtime, visitor, place, found, runtime.clock())


def _resumed(
    runtime: Runtime, visitor: Visitor, place: Place, found: StoredRequest, since: datetime, handle: str = ""
) -> Waiting:
    """Take a stored request up again. It was checked when it came: its app may have been turned off since, or moved elsewhere.

    An address that an admin took off the list gets neither a code nor an error.
    """
    client, request = find_client(runtime, place, found.app_id), request_from_data(found.parameters)
    if client is None:
        raise refused(runtime, visitor, place, AppChanged(f"{found.app_id} was turned off, or is no client any more"))
    uri = request.redirect_uri
    if not is_try(runtime, uri) and not is_for_app(runtime, client.oidc, uri):
        reason = f"the redirect URI is not registered any more: {printable(uri, 200)}"
        raise refused(runtime, visitor, place, AppChanged(reason), client.app)
    return Waiting(client, request, since, handle)
