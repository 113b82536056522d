"""An app that registered itself reads, changes and withdraws its registration (RFC 7592).

An admin who changes, closes, opens or adorns such an app, or makes it a secret, takes it over: the token is worth nothing from then on,
so nobody turns an app that was looked at into another one.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from vestibule.directory.activity import Event, Subject
from vestibule.directory.apps import App, OidcSettings
from vestibule.flows.parts.callers import Visitor
from vestibule.flows.parts.places import Place, find_place
from vestibule.flows.parts.recording import record
from vestibule.flows.parts.registering import information, require_no_admins_name, settings_of, tidy_name
from vestibule.flows.parts.runtime import Runtime
from vestibule.flows.parts.throttling import Limit, count_attempt
from vestibule.kernel.errors import AlreadyTaken
from vestibule.kernel.secrets import token_hash
from vestibule.oidc.errors import InvalidClientMetadata, NameTaken, RegistrationTokenRefused
from vestibule.oidc.registration import read_change
from vestibule.storage import apps, authorization, registrations
from vestibule.storage.database import Transaction

PER_ADDRESS: Final = Limit("registration-management", 60, timedelta(hours=1))


def read(runtime: Runtime, visitor: Visitor, environment_key: str, client_id: str, token: str) -> dict[str, Any]:
    """Return a registration to whoever has its token (both untrusted). Raises RegistrationTokenRefused, Throttled, NotFound."""
    place = _arrive(runtime, visitor, environment_key)
    with runtime.database.reading() as tx:
        app, oidc = _found(tx, place, client_id, token)
    return information(runtime, place, app, oidc, token)


def change(
    runtime: Runtime, visitor: Visitor, environment_key: str, client_id: str, token: str, body: bytes
) -> dict[str, Any]:
    """Put metadata (untrusted) in the place of what is registered; how the app proves itself stays (RFC 7592, 2.2).

    With another address to send people to, everybody is asked for consent again. Raises OAuthError, Throttled, NotFound.
    """
    place = _arrive(runtime, visitor, environment_key)
    wanted = read_change(body, client_id)
    name, settings = tidy_name(wanted.client_name), settings_of(wanted)
    try:
        with runtime.database.transaction() as tx:
            app, _ = _found(tx, place, client_id, token)
            # An admin may be about to take the app over: what is written back whole has to be what there is then.
            apps.lock_app(tx, place.workspace.id, app.id)
            app, oidc = _found(tx, place, client_id, token)
            if settings.authentication is not oidc.authentication:
                raise InvalidClientMetadata("how a client proves itself is not changed")
            require_no_admins_name(tx, place, name)
            fresh = replace(
                oidc,
                redirect_uris=settings.redirect_uris,
                grant_types=settings.grant_types,
                jwks=settings.jwks,
            )
            changed = replace(app, name=name, oidc=fresh)
            if changed != app:
                apps.update_app(tx, changed)
                if (name, fresh.redirect_uris) != (app.name, oidc.redirect_uris):
                    authorization.delete_consents_for(tx, app.id)
                _record(tx, runtime, visitor, place, changed, "app.registration_changed")
    except AlreadyTaken as error:
        raise NameTaken("another registered app has that name") from error
    return information(runtime, place, changed, fresh, token)


def withdraw(runtime: Runtime, visitor: Visitor, environment_key: str, client_id: str, token: str) -> None:
    """Delete an app that registered itself, with all that it was granted. Raises RegistrationTokenRefused, Throttled, NotFound."""
    place = _arrive(runtime, visitor, environment_key)
    with runtime.database.transaction() as tx:
        app, _ = _found(tx, place, client_id, token)
        apps.delete_app(tx, place.workspace.id, app.id)
        _record(tx, runtime, visitor, place, app, "app.registration_withdrawn")


def _arrive(runtime: Runtime, visitor: Visitor, environment_key: str) -> Place:
    place = find_place(runtime, environment_key)
    count_attempt(runtime, (PER_ADDRESS, visitor.network))
    return place


def _found(tx: Transaction, place: Place, client_id: str, token: str) -> tuple[App, OidcSettings]:
    app_id = registrations.find_registered_app(tx, place.environment.id, token_hash(token)) if token else None
    app = apps.find_app_of(tx, place.environment.id, app_id) if app_id and app_id == client_id else None
    if app is None or app.oidc is None:
        raise RegistrationTokenRefused("no such registration access token, or another client's")
    return app, app.oidc


def _record(tx: Transaction, runtime: Runtime, visitor: Visitor, place: Place, app: App, action: str) -> None:
    details = {"redirect_uris": list(app.oidc.redirect_uris)} if app.oidc else {}
    event = Event(action, Subject("app", app.id, app.name), environment_id=place.environment.id, details=details)
    record(tx, runtime, place.workspace.id, visitor.anonymous, event)
