"""What registering and managing a registration share: what is taken of metadata, how it is answered, and whose names are taken."""

from __future__ import annotations

from typing import Any, Final

from vestibule.directory.apps import App, ClientAuthentication, GrantType, OidcSettings
from vestibule.flows.parts.clients import issuer_of
from vestibule.flows.parts.places import Place
from vestibule.flows.parts.runtime import Runtime
from vestibule.kernel.text import clean_name, fold, has_unsafe_characters
from vestibule.oidc.errors import InvalidClientMetadata, NameTaken
from vestibule.oidc.registration import Registration
from vestibule.storage import apps
from vestibule.storage.database import Transaction

_MAX_NAME: Final = 80
_METHODS: Final = {
    "none": ClientAuthentication.NONE,
    "private_key_jwt": ClientAuthentication.PRIVATE_KEY_JWT,
    "client_secret_post": ClientAuthentication.SECRET,
    "client_secret_basic": ClientAuthentication.SECRET,
}
_METHOD_OF: Final = {authentication: name for name, authentication in _METHODS.items()}


def tidy_name(untrusted: str) -> str:
    """Return the name that an app gives itself. Raises InvalidClientMetadata."""
    if has_unsafe_characters(untrusted) or len(untrusted) > _MAX_NAME:
        raise InvalidClientMetadata("client_name is too long or has characters that deceive")
    return clean_name(untrusted) or "App"


def require_no_admins_name(tx: Transaction, place: Place, name: str) -> None:
    """Raise NameTaken for the name of an app that an admin added."""
    others = apps.list_apps(tx, place.workspace.id, place.environment.id)
    if any(fold(one.name) == fold(name) and not one.registered for one in others):
        raise NameTaken("an admin's app has that name")


def settings_of(wanted: Registration) -> OidcSettings:
    """Return what checked metadata makes of an app."""
    return OidcSettings(
        redirect_uris=wanted.redirect_uris,
        authentication=_METHODS[wanted.method],
        grant_types=frozenset(GrantType(one) for one in wanted.grant_types),
        jwks=wanted.jwks,
    )


def information(
    runtime: Runtime, place: Place, app: App, oidc: OidcSettings, token: str, *, method: str = "", secret: str = ""
) -> dict[str, Any]:
    """Return the client information response (RFC 7591, 3.2.1; RFC 7592, 3). A secret is in it when it was just made."""
    body: dict[str, Any] = {
        "client_id": app.id,
        "client_id_issued_at": int(app.created_at.timestamp()),
        "client_name": app.name,
        "redirect_uris": list(oidc.redirect_uris),
        "grant_types": sorted(oidc.grant_types),
        "response_types": ["code"],
        "token_endpoint_auth_method": method or _METHOD_OF[oidc.authentication],
        "registration_client_uri": f"{issuer_of(runtime, place.environment.key)}/oauth2/register/{app.id}",
        "registration_access_token": token,
    }
    return {**body, "client_secret": secret, "client_secret_expires_at": 0} if secret else body
