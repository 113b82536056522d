"""Clients at the token endpoint and its neighbours: found, and authenticated in the one way that was agreed with each."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final

from vestibule.directory.apps import App, AppKind, AppSecret, ClientAuthentication, GrantType, OidcSettings
from vestibule.directory.jwt_keys import SealedJwtKey
from vestibule.flows.parts.callers import Visitor
from vestibule.flows.parts.places import Place, find_place
from vestibule.flows.parts.runtime import Runtime
from vestibule.flows.parts.throttling import Limit, count_attempt
from vestibule.kernel.ids import is_id
from vestibule.kernel.secrets import same, token_hash
from vestibule.kernel.text import printable
from vestibule.oidc.client_authentication import Presented, verify_assertion
from vestibule.oidc.errors import InvalidClient, UnauthorizedClient
from vestibule.storage import apps, clients
from vestibule.storage.authorization import use_assertion

# Secrets have 256 random bits: what is bounded here is the noise, not a guess.
FAILURES_PER_ADDRESS: Final = Limit("client-address", 300, timedelta(minutes=5))
_NOTED_EVERY: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Client:
    """An OpenID Connect app that asks. `authenticated` is False for a public client, which can prove nothing.

    `jwt_keys` are the environment's, where they were read along with the app.
    """

    app: App
    oidc: OidcSettings
    authenticated: bool
    jwt_keys: tuple[SealedJwtKey, ...] | None = field(default=None, repr=False)

    def require_grant(self, grant: GrantType) -> None:
        """Raise UnauthorizedClient unless the app may use a grant."""
        if grant not in self.oidc.grant_types:
            raise UnauthorizedClient(f"{self.app.id} may not use {grant}")


def issuer_of(runtime: Runtime, environment_key: str) -> str:
    """Return the issuer that an environment is (OpenID Connect Discovery 1.0, 4.1)."""
    return f"{runtime.public_url}/e/{environment_key}"


def find_client(runtime: Runtime, place: Place, client_id: str) -> Client | None:
    """Return the enabled OpenID Connect app of an untrusted client_id, authenticated in no way."""
    if not is_id(client_id, "app"):
        return None
    with runtime.database.reading() as tx:
        return _client(apps.find_app_of(tx, place.environment.id, client_id))


def _client(app: App | None, keys: tuple[SealedJwtKey, ...] | None = None) -> Client | None:
    if app is None or app.kind is not AppKind.OIDC or app.oidc is None or app.disabled:
        return None
    return Client(app, app.oidc, authenticated=False, jwt_keys=keys)


def authenticate_client(
    runtime: Runtime, visitor: Visitor, environment_key: str, presented: Presented
) -> tuple[Place, Client]:
    """Return the client and its place, once it has proved itself as agreed (RFC 6749, 2.3). Raises InvalidClient, Throttled, NotFound.

    One round trip for a client that is known.
    """
    try:
        return _authenticated(runtime, environment_key, presented)
    except InvalidClient:
        count_attempt(runtime, (FAILURES_PER_ADDRESS, visitor.network))
        raise


def _authenticated(runtime: Runtime, environment_key: str, presented: Presented) -> tuple[Place, Client]:
    found = None
    if is_id(presented.client_id, "app"):
        with runtime.database.reading() as tx:
            found = clients.find_client(tx, environment_key, presented.client_id, runtime.clock())
    client = _client(found.app, found.jwt_keys) if found is not None else None
    if found is None or client is None:
        place = find_place(runtime, environment_key)
        raise InvalidClient(f"no client {printable(presented.client_id, 40)} in {place.environment.key}")
    place, agreed = Place(found.environment, found.workspace), client.oidc.authentication
    if agreed is ClientAuthentication.NONE and presented.method == "none":
        return place, client
    if agreed is ClientAuthentication.SECRET and presented.method == "client_secret":
        _require_secret(runtime, client, found.secrets, presented.secret)
    elif agreed is ClientAuthentication.PRIVATE_KEY_JWT and presented.method == "private_key_jwt":
        _require_assertion(runtime, place, client, presented.assertion)
    else:
        raise InvalidClient(f"{client.app.id}: {presented.method} instead of {agreed}")
    return place, replace(client, authenticated=True)


def _require_secret(runtime: Runtime, client: Client, live: Iterable[AppSecret], secret: str) -> None:
    digest = token_hash(secret)
    matching = [one for one in live if same(one.secret_hash, digest)]
    if not matching:
        raise InvalidClient(f"{client.app.id}: a wrong secret")
    _note_used(runtime, matching[0])


def _note_used(runtime: Runtime, secret: AppSecret) -> None:
    now = runtime.clock()
    if secret.last_used_at is None or now - secret.last_used_at > _NOTED_EVERY:
        with runtime.database.transaction() as tx:
            apps.note_secret_used(tx, secret.id, now)


def _require_assertion(runtime: Runtime, place: Place, client: Client, assertion: str) -> None:
    issuer = issuer_of(runtime, place.environment.key)
    jti, expires_at = verify_assertion(
        assertion,
        client.oidc.jwks,
        client_id=client.app.id,
        # Whichever endpoint it is brought to: RFC 9126, 2 wants all three taken.
        audiences=frozenset({issuer, f"{issuer}/oauth2/token", f"{issuer}/oauth2/par"}),
        now=runtime.clock(),
    )
    key = hashlib.sha256(f"{client.app.id}\0{jti}".encode()).hexdigest()
    with runtime.database.transaction() as tx:
        first = use_assertion(tx, client.app.workspace_id, key, expires_at)
    if not first:
        raise InvalidClient(f"{client.app.id}: an assertion that was used before")
