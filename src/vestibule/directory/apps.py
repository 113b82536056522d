"""Apps: what end users sign in to. An app belongs to one environment and is of one kind."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

DEFAULT_ACCESS_TOKEN_TTL: Final = timedelta(minutes=10)
DEFAULT_REFRESH_TOKEN_TTL: Final = timedelta(days=30)


class AppKind(StrEnum):
    """How an app relies on Vestibule."""

    OIDC = "oidc"
    FORWARD_AUTH = "forward_auth"
    LINK = "link"


class ClientAuthentication(StrEnum):
    """How a client proves itself at the token endpoint; a public client can't.

    A secret may come by client_secret_basic or client_secret_post (OpenID Connect Core 9).
    """

    SECRET = "secret"  # noqa: S105 - the name of a method
    PRIVATE_KEY_JWT = "private_key_jwt"
    NONE = "none"


class GrantType(StrEnum):
    """The grants that an app may ask for, by their `grant_type`."""

    AUTHORIZATION_CODE = "authorization_code"
    REFRESH_TOKEN = "refresh_token"  # noqa: S105 - the name of a grant
    CLIENT_CREDENTIALS = "client_credentials"
    DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
    TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105 - the name of a grant


class SigningAlgorithm(StrEnum):
    """What an app's ID tokens are signed with. The words are those of RFC 7518 and RFC 8037."""

    RS256 = "RS256"
    EDDSA = "EdDSA"


class GroupsClaim(StrEnum):
    """What the claim `groups` holds: names, ids, or nothing because the app does not get it."""

    NAMES = "names"
    IDS = "ids"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class OidcSettings:
    """What an OpenID Connect app has agreed with us: its client metadata (RFC 7591, 2), as far as we use it.

    `sector` is shared by apps that shall know a person under the same `sub`; empty, the app is a sector of its own. `jwks` is a
    JWK Set as JSON, for private_key_jwt. `all_groups` lets the claim name groups that the app is not narrowed to.
    """

    redirect_uris: tuple[str, ...] = ()
    post_logout_redirect_uris: tuple[str, ...] = ()
    authentication: ClientAuthentication = ClientAuthentication.SECRET
    grant_types: frozenset[GrantType] = frozenset({GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN})
    id_token_alg: SigningAlgorithm = SigningAlgorithm.RS256
    groups_claim: GroupsClaim = GroupsClaim.NAMES
    all_groups: bool = False
    sector: str = ""
    jwks: str = ""
    backchannel_logout_uri: str = ""
    require_pushed_requests: bool = False
    access_token_ttl: timedelta = DEFAULT_ACCESS_TOKEN_TTL
    refresh_token_ttl: timedelta = DEFAULT_REFRESH_TOKEN_TTL


@dataclass(frozen=True, slots=True)
class App:
    """Something end users sign in to. Everyone may use it, or the groups in `group_ids` only, which may be none.

    For OpenID Connect `id` is the client_id and `oidc` is set. `hosts` are the names under which a forward-auth app is reached.
    `registered` says that the app registered itself (RFC 7591). `icon` is one of the set; `icon_digest` names a picture of its own.
    """

    id: str
    workspace_id: str
    environment_id: str
    name: str
    kind: AppKind
    icon: str
    launch_url: str | None
    everyone: bool
    disabled: bool
    third_party: bool
    registered: bool
    created_at: datetime
    group_ids: frozenset[str] = frozenset()
    hosts: tuple[str, ...] = ()
    oidc: OidcSettings | None = None
    icon_digest: str | None = None

    @property
    def sector(self) -> str:
        """Return the sector in which the app's `sub` of a person is stable (OpenID Connect Core 8.1)."""
        return (self.oidc.sector if self.oidc else "") or self.id


@dataclass(frozen=True, slots=True)
class AppSecret:
    """A client secret, of which only the hash is kept. `hint` is its end, to tell several apart."""

    id: str
    app_id: str
    hint: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    secret_hash: str = field(repr=False, default="")
