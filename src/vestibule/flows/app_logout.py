"""Signing out from an app: the app sends the browser here, and gets it back (OpenID Connect RP-Initiated Logout 1.0)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vestibule.directory.sessions import BackToApp, Session
from vestibule.flows.parts.callers import Visitor
from vestibule.flows.parts.clients import Client, find_client
from vestibule.flows.parts.id_token_hints import claims_to_leave
from vestibule.flows.parts.places import Place, find_place
from vestibule.flows.parts.runtime import Runtime
from vestibule.flows.parts.sending import Sent
from vestibule.flows.parts.signing_out import sign_out
from vestibule.flows.parts.subjects import sid_of
from vestibule.kernel.secrets import same
from vestibule.oidc import parameters as read
from vestibule.oidc.errors import InvalidRequest
from vestibule.oidc.parameters import Parameters
from vestibule.oidc.redirect_uris import with_parameters


@dataclass(frozen=True, slots=True)
class Leaving:
    """What an app asks for when it signs somebody out. `sure` says that its ID token is of this very session: nobody has to be asked."""

    place: Place
    back: BackToApp
    sure: bool


def ask(runtime: Runtime, environment_key: str, parameters: Parameters, session: Session | None) -> Leaving:
    """Read an untrusted request to sign out. Raises InvalidRequest for a hint or an address that is not the app's, NotFound.

    An address to go back to counts with the app known, by its ID token or its client_id, and registered (2 and 3).
    """
    place = find_place(runtime, environment_key)
    hint = read.token(parameters, "id_token_hint")
    claims = claims_to_leave(runtime, place, hint) if hint else {}
    client = _client(runtime, place, parameters, claims)
    registered = read.optional(parameters, "post_logout_redirect_uri") or ""
    if registered and (client is None or registered not in client.oidc.post_logout_redirect_uris):
        raise InvalidRequest("the post_logout_redirect_uri is not registered")
    state = read.optional(parameters, "state")
    url = with_parameters(registered, {"state": state}) if registered and state else registered
    sid = claims.get("sid")
    sure = bool(client and session and isinstance(sid, str) and same(sid, sid_of(runtime, client.app, session.id)))
    back = BackToApp(client.app.id, client.app.name, registered, url) if client else BackToApp("", "", "", "")
    return Leaving(place, back, sure)


def without_hint(runtime: Runtime, environment_key: str, parameters: Parameters) -> Parameters:
    """Return an untrusted request to sign out with the app's client_id in the place of its ID token. Raises InvalidRequest, NotFound.

    It proves no session any more: the person is asked.
    """
    place = find_place(runtime, environment_key)
    claims = claims_to_leave(runtime, place, read.token(parameters, "id_token_hint") or "")
    client = _client(runtime, place, parameters, claims)
    rest = {name: values for name, values in parameters.items() if name not in {"id_token_hint", "client_id"}}
    return {**rest, "client_id": (client.app.id,)} if client else rest


def leave(runtime: Runtime, visitor: Visitor, leaving: Leaving, session: Session, browser: str) -> Sent | None:
    """End the browser session, and what apps were granted in it; return where to go to end it at its IdP, too, if anywhere.

    From there the browser comes back to us, and goes on to the app's address. Twice is no error.
    """
    return sign_out(runtime, visitor, leaving.place, session, browser, leaving.back)


def _client(runtime: Runtime, place: Place, parameters: Parameters, claims: Mapping[str, Any]) -> Client | None:
    named, audience = read.optional(parameters, "client_id"), claims.get("aud")
    if named is not None and isinstance(audience, str) and named != audience:
        raise InvalidRequest("client_id and id_token_hint are of two apps")
    client_id = audience if isinstance(audience, str) else named
    return find_client(runtime, place, client_id) if client_id else None
