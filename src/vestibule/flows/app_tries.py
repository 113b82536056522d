"""Try it: an admin's round trip through an app's real sign-in, in the app's place, which shows each step and leaves nothing behind.

The browser goes to the authorization endpoint with a request that we pushed for it, and comes back with a code to a page of ours,
where the grant and userinfo of the real endpoints are asked. No app gets anything of it.
"""

from __future__ import annotations

import hashlib
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from vestibule.directory.activity import Event, Outcome, Subject
from vestibule.directory.admins import Permission
from vestibule.directory.app_tries import KEPT_FOR, TRY_LIFE, AppTry, TryResult
from vestibule.directory.apps import App, GrantType
from vestibule.flows.parts.callers import AdminCaller
from vestibule.flows.parts.clients import Client, find_client
from vestibule.flows.parts.entry import decide, resume
from vestibule.flows.parts.issuing import scopes_of
from vestibule.flows.parts.places import Place
from vestibule.flows.parts.pushed_requests import checked_request, keep_pushed
from vestibule.flows.parts.recording import record
from vestibule.flows.parts.redeeming import redeem, shortened
from vestibule.flows.parts.runtime import Runtime
from vestibule.flows.parts.trying import open_request, open_result, seal_request, seal_result, try_address
from vestibule.kernel.errors import Conflict, NotFound
from vestibule.kernel.ids import new_id
from vestibule.kernel.secrets import new_token, token_hash
from vestibule.kernel.text import N_, printable
from vestibule.oidc import parameters as read
from vestibule.oidc.errors import InvalidClient, OAuthError
from vestibule.oidc.parameters import Parameters
from vestibule.oidc.scopes import OFFLINE_ACCESS
from vestibule.storage import app_tries, apps, grants, workspaces
from vestibule.storage.database import Transaction

_ANSWER: Final = ("code", "state", "iss", "error", "error_description")


class NothingToTry(Conflict):
    """The app is disabled, or signs nobody in by a code."""

    code = "nothing_to_try"
    public = N_("There is nothing to try: the app is disabled, or signs nobody in with a browser.")


class TryEnded(Conflict):
    """No try of this console session waits for this answer."""

    code = "try_ended"
    public = N_(
        "This try took too long, was finished already, or began in another browser. Begin it again on the app’s page."
    )


@dataclass(frozen=True, slots=True)
class ShownTry:
    """A finished try as its page shows it."""

    app: App
    place: Place
    result: TryResult
    kept_until: datetime


def begin_try(
    runtime: Runtime, caller: AdminCaller, app_id: str, browser: str, *, as_somebody_else: bool = False
) -> str:
    """Push a request in the app's place, and return the path that takes this browser, and no other, to sign in.

    Raises NothingToTry, NotFound, Forbidden.
    """
    caller.require(Permission.MANAGE_APPS)
    with runtime.database.reading() as tx:
        app, place = _found(tx, caller, app_id)
    client = find_client(runtime, place, app.id)
    if client is None or GrantType.AUTHORIZATION_CODE not in client.oidc.grant_types:
        raise NothingToTry(app.id)
    verifier, now = secrets.token_urlsafe(48), runtime.clock()
    asked = _asked(runtime, client, verifier, as_somebody_else=as_somebody_else)
    request = checked_request(runtime, place, client, {name: (value,) for name, value in asked.items()})
    try_id = new_id("app_try", now)
    begun = AppTry(
        id=try_id,
        workspace_id=caller.workspace_id,
        app_id=app.id,
        admin_session_id=caller.session_id,
        created_at=now,
        expires_at=now + TRY_LIFE,
        sealed_request=seal_request(runtime, try_id, asked, verifier),
    )
    with runtime.database.transaction() as tx:
        app_tries.insert_try(tx, begun, token_hash(asked["state"]))
        pushed = keep_pushed(tx, runtime, place, request, browser)
    query = urlencode({"client_id": app.id, "request_uri": pushed.request_uri})
    return f"/e/{place.environment.key}/oauth2/authorize?{query}"


def try_of(runtime: Runtime, caller: AdminCaller, answered: Parameters) -> tuple[AppTry, str]:
    """Return the try of this console session that an untrusted answer belongs to, and the key of its environment.

    Raises TryEnded, Forbidden.
    """
    caller.require(Permission.MANAGE_APPS)
    with runtime.database.reading() as tx:
        found = app_tries.find_try(
            tx, caller.workspace_id, caller.session_id, runtime.clock(), state_hash=token_hash(_state_of(answered))
        )
        if found is None:
            raise TryEnded("no try of this session with this state")
        return found, _found(tx, caller, found.app_id)[1].environment.key


def finish_try(runtime: Runtime, caller: AdminCaller, begun: AppTry, answered: Parameters, session_token: str) -> None:
    """Take what came back, once, in the app's place: bring the code, verify the ID token, ask userinfo; then end all of it.

    `session_token` is the browser's cookie of the environment: a refusal is explained of whoever it names. Both are untrusted.
    Raises NotFound, Forbidden.
    """
    caller.require(Permission.MANAGE_APPS)
    now, digest = runtime.clock(), token_hash(_state_of(answered))
    with runtime.database.transaction() as tx:
        app, place = _found(tx, caller, begun.app_id)
        if app_tries.use_try(tx, caller.workspace_id, caller.session_id, digest, now) is None:
            return
    asked, verifier = open_request(runtime, begun)
    said = {name: value for name in _ANSWER if (value := _one(answered, name))}
    client = find_client(runtime, place, app.id)
    result = TryResult(at=now, request=shortened(asked), answer=shortened(said))
    if client is None:
        result = replace(result, error="invalid_client", error_description=InvalidClient.public)
    elif "code" in said and "error" not in said:
        result = redeem(runtime, caller.visitor, place, client, result, asked, said, verifier)
    else:
        result = _explained(runtime, place, app, result, said, session_token)
    with runtime.database.transaction() as tx:
        person_id = _clear_up(tx, place, app, said.get("code", ""))
        result = replace(result, person_id=result.person_id or person_id)
        app_tries.finish_try(tx, caller.workspace_id, begun.id, seal_result(runtime, begun.id, result), now + KEPT_FOR)
        _record(tx, runtime, caller, place, app, result)


def show_try(runtime: Runtime, caller: AdminCaller, app_id: str, try_id: str) -> ShownTry:
    """Return a finished try of this console session. Raises NotFound for anybody else's, and once it is forgotten; Forbidden."""
    caller.require(Permission.MANAGE_APPS)
    with runtime.database.reading() as tx:
        app, place = _found(tx, caller, app_id)
        found = app_tries.find_try(tx, caller.workspace_id, caller.session_id, runtime.clock(), try_id=try_id)
    if found is None or found.app_id != app.id or found.sealed_result is None:
        raise NotFound(f"try {printable(try_id, 60)}")
    return ShownTry(app, place, open_result(runtime, found), found.expires_at)


def _asked(runtime: Runtime, client: Client, verifier: str, *, as_somebody_else: bool) -> dict[str, str]:
    """Return the request that an app would send. Offline access is left out: nothing of a try outlives it."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return {
        "client_id": client.app.id,
        "redirect_uri": try_address(runtime),
        "response_type": "code",
        "scope": " ".join(one for one in scopes_of(client.oidc) if one != OFFLINE_ACCESS),
        "state": new_token(),
        "nonce": new_token(),
        "code_challenge": urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
        **({"prompt": "select_account"} if as_somebody_else else {}),
    }


def _explained(
    runtime: Runtime, place: Place, app: App, result: TryResult, said: Mapping[str, str], session_token: str
) -> TryResult:
    """Add why an app gets an error: the decision about whoever is signed in, from the function that made it."""
    result = replace(
        result,
        error=printable(said.get("error") or "invalid_response", 60),
        error_description=printable(said.get("error_description", ""), 200),
    )
    session = resume(runtime, place.environment.key, session_token)
    if session is None:
        return result
    with runtime.database.reading() as tx:
        entry = decide(tx, runtime, place.environment, session.end_user.id, app, session)
    person = session.end_user
    return replace(
        result,
        person_id=person.id,
        person_name=person.full_name,
        person_email=person.email,
        reasons=entry.decision.reasons if entry else (),
    )


def _clear_up(tx: Transaction, place: Place, app: App, code: str) -> str:
    """End what the code led to: its grant, with the refresh token and whatever the access token opened. Return whose it was."""
    grant = grants.grant_of_used_code(tx, place.environment.id, token_hash(code)) if code else None
    if grant is None or grant.app_id != app.id:
        return ""
    grants.delete_grant(tx, place.environment.id, grant.id)
    return grant.end_user_id


def _found(tx: Transaction, caller: AdminCaller, app_id: str) -> tuple[App, Place]:
    app = apps.find_app(tx, caller.workspace_id, app_id)
    environment = workspaces.find_environment_by_id(tx, caller.workspace_id, app.environment_id) if app else None
    workspace = workspaces.find_workspace(tx, caller.workspace_id)
    if app is None or environment is None or workspace is None:
        raise NotFound(f"app {printable(app_id, 40)}")
    return app, Place(environment, workspace)


def _one(answered: Parameters, name: str) -> str:
    try:
        return read.optional(answered, name) or ""
    except OAuthError:
        return ""


def _state_of(answered: Parameters) -> str:
    return _one(answered, "state")


def _record(tx: Transaction, runtime: Runtime, caller: AdminCaller, place: Place, app: App, result: TryResult) -> None:
    details: dict[str, Any] = {"end_user": result.person_id} if result.person_id else {}
    if result.error:
        details |= {"error": result.error}
    event = Event(
        "app.tried",
        Subject("app", app.id, app.name),
        Outcome.DONE if result.signed_in else Outcome.REFUSED,
        environment_id=place.environment.id,
        details=details,
    )
    record(tx, runtime, caller.workspace_id, caller.actor, event)
