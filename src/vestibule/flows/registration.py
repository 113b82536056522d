"""Dynamic client registration: an app registers itself with an initial access token that an admin made (RFC 7591)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from vestibule.directory.activity import Event, Subject
from vestibule.directory.apps import App, AppKind, AppSecret, ClientAuthentication, GrantType, OidcSettings
from vestibule.flows.parts.callers import Visitor
from vestibule.flows.parts.places import Place, find_place
from vestibule.flows.parts.recording import record
from vestibule.flows.parts.runtime import Runtime
from vestibule.flows.parts.throttling import Limit, count_attempt
from vestibule.kernel.errors import AlreadyTaken
from vestibule.kernel.ids import new_id
from vestibule.kernel.secrets import new_token, token_hash
from vestibule.kernel.text import clean_name, fold, has_unsafe_characters
from vestibule.oidc.errors import InvalidClientMetadata, NameTaken, RegistrationClosed
from vestibule.oidc.registration import Registration, read_registration
from vestibule.storage import apps, resource_apis

PER_ADDRESS: Final = Limit("registration-address", 30, timedelta(hours=1))
PER_TOKEN: Final = Limit("registration-token", 300, timedelta(days=1))
_MAX_NAME: Final = 80
_METHODS: Final = {"none": ClientAuthentication.NONE, "private_key_jwt": ClientAuthentication.PRIVATE_KEY_JWT}


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
    name = _tidy(wanted.client_name)
    try:
        return _saved(runtime, visitor, place, wanted, name, found.id)
    except AlreadyTaken:
        # The same program on another computer. A name that tells them apart is not one that an admin gave.
        return _saved(runtime, visitor, place, wanted, f"{name} {secrets.token_hex(3)}", found.id)


def _tidy(untrusted: str) -> str:
    if has_unsafe_characters(untrusted) or len(untrusted) > _MAX_NAME:
        raise InvalidClientMetadata("client_name is too long or has characters that deceive")
    return clean_name(untrusted) or "App"


def _saved(
    runtime: Runtime, visitor: Visitor, place: Place, wanted: Registration, name: str, token_id: str
) -> Registered:
    now = runtime.clock()
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
        oidc=_settings(wanted),
    )
    secret = new_token() if app.oidc and app.oidc.authentication is ClientAuthentication.SECRET else ""
    with runtime.database.transaction() as tx:
        others = apps.list_apps(tx, place.workspace.id, place.environment.id)
        if any(fold(one.name) == fold(name) and not one.registered for one in others):
            raise NameTaken("an admin's app has that name")
        apps.insert_app(tx, app)
        if secret:
            kept = AppSecret(new_id("app_secret", now), app.id, secret[-4:], now, None, None, token_hash(secret))
            apps.insert_secret(tx, app.workspace_id, kept)
        details = {"redirect_uris": list(wanted.redirect_uris), "initial_access_token": token_id}
        subject = Subject("app", app.id, app.name)
        event = Event("app.registered", subject, environment_id=place.environment.id, details=details)
        record(tx, runtime, place.workspace.id, visitor.anonymous, event)
    return Registered(_answer(app, wanted, secret))


def _settings(wanted: Registration) -> OidcSettings:
    return OidcSettings(
        redirect_uris=wanted.redirect_uris,
        authentication=_METHODS.get(wanted.method, ClientAuthentication.SECRET),
        grant_types=frozenset(GrantType(one) for one in wanted.grant_types),
        jwks=wanted.jwks,
    )


def _answer(app: App, wanted: Registration, secret: str) -> dict[str, Any]:
    body: dict[str, Any] = {
        "client_id": app.id,
        "client_id_issued_at": int(app.created_at.timestamp()),
        "client_name": app.name,
        "redirect_uris": list(wanted.redirect_uris),
        "grant_types": list(wanted.grant_types),
        "response_types": ["code"],
        "token_endpoint_auth_method": wanted.method,
    }
    return {**body, "client_secret": secret, "client_secret_expires_at": 0} if secret else body
