"""Dynamic client registration: an app registers itself with an initial access token that an admin made (RFC 7591)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from vestibule.directory.activity import Event, Subject
from vestibule.directory.apps import App, AppKind, AppSecret, ClientAuthentication
from vestibule.flows.parts.callers import Visitor
from vestibule.flows.parts.places import Place, find_place
from vestibule.flows.parts.recording import record
from vestibule.flows.parts.registering import information, require_no_admins_name, settings_of, tidy_name
from vestibule.flows.parts.runtime import Runtime
from vestibule.flows.parts.throttling import Limit, count_attempt
from vestibule.kernel.errors import AlreadyTaken
from vestibule.kernel.ids import new_id
from vestibule.kernel.secrets import new_token, token_hash
from vestibule.oidc.errors import RegistrationClosed
from vestibule.oidc.registration import Registration, read_registration
from vestibule.storage import apps, registrations, resource_apis

PER_ADDRESS: Final = Limit("registration-address", 30, timedelta(hours=1))
PER_TOKEN: Final = Limit("registration-token", 300, timedelta(days=1))


@dataclass(frozen=True, slots=True)
class Registered:
    """What a registration is answered with (RFC 7591, 3.2.1); the secret is shown this once."""

    body: dict[str, Any] = field(repr=False)


def register(runtime: Runtime, visitor: Visitor, environment_key: str, token: str, body: bytes) -> Registered:
    """Register an app by untrusted metadata, for whoever has an initial access token. Raises OAuthError, Throttled, NotFound.

    It is a third party's: people are asked for consent, and the page says that the app registered itself. It may use neither client
    credentials nor token exchange, and of APIs only those that are open.
    """
    place = find_place(runtime, environment_key)
    count_attempt(runtime, (PER_ADDRESS, visitor.network))
    with runtime.database.reading() as tx:
        found = resource_apis.find_registration_token(tx, place.environment.id, token_hash(token), runtime.clock())
    if found is None:
        raise RegistrationClosed("no such initial access token")
    count_attempt(runtime, (PER_TOKEN, found.id))
    wanted = read_registration(body)
    name = tidy_name(wanted.client_name)
    try:
        return _saved(runtime, visitor, place, wanted, name, found.id)
    except AlreadyTaken:
        # The same program on another computer. A name that tells them apart is not one that an admin gave.
        return _saved(runtime, visitor, place, wanted, f"{name} {secrets.token_hex(3)}", found.id)


def _saved(
    runtime: Runtime, visitor: Visitor, place: Place, wanted: Registration, name: str, token_id: str
) -> Registered:
    now, settings = runtime.clock(), settings_of(wanted)
    app = App(
        id=new_id("app", now),
        workspace_id=place.workspace.id,
        environment_id=place.environment.id,
        name=name,
        kind=AppKind.OIDC,
        icon="apps",
        launch_url=None,
        everyone=True,
        disabled=False,
        third_party=True,
        registered=True,
        created_at=now,
        oidc=settings,
    )
    secret = new_token() if settings.authentication is ClientAuthentication.SECRET else ""
    token = new_token()
    with runtime.database.transaction() as tx:
        require_no_admins_name(tx, place, name)
        apps.insert_app(tx, app)
        registrations.insert_registration(tx, app.workspace_id, app.id, token_hash(token))
        if secret:
            kept = AppSecret(new_id("app_secret", now), app.id, secret[-4:], now, None, None, token_hash(secret))
            apps.insert_secret(tx, app.workspace_id, kept)
        details = {"redirect_uris": list(wanted.redirect_uris), "initial_access_token": token_id}
        subject = Subject("app", app.id, app.name)
        event = Event("app.registered", subject, environment_id=place.environment.id, details=details)
        record(tx, runtime, place.workspace.id, visitor.anonymous, event)
    return Registered(information(runtime, place, app, settings, token, method=wanted.method, secret=secret))
