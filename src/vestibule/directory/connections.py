"""Identity providers, and connections: one IdP used by one environment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from vestibule.directory.authn_requests import PLAIN, AuthnRequestOptions
from vestibule.directory.mapping import USUAL, AttributeMapping
from vestibule.directory.provisioning import FIRST_TIME_ONLY, JitRules


class Provisioning(StrEnum):
    """How people of a connection get an account."""

    MANUAL = "manual"
    JIT = "jit"
    SCIM = "scim"


class ConnectionStatus(StrEnum):
    """What a connection does now. Pending and disabled ones enforce nothing and sign nobody in."""

    DRAFT = "draft"
    PENDING = "pending"
    ACTIVE = "active"
    DISABLED = "disabled"


class IdpInitiated(StrEnum):
    """What happens to a response that nobody asked for."""

    OFF = "off"
    CONVERT = "convert"
    ACCEPT = "accept"


@dataclass(frozen=True, slots=True)
class IdpCertificate:
    """A signing certificate of an IdP, as it was read when it was saved."""

    der: bytes
    subject: str
    fingerprint: str
    not_before: datetime
    not_after: datetime


@dataclass(frozen=True, slots=True)
class LogoutEndpoints:
    """Where an IdP takes logout messages. An answer goes to the response URL of its binding where there is one (saml-metadata 2.2.2)."""

    redirect_url: str | None = None
    redirect_response_url: str | None = None
    post_url: str | None = None
    post_response_url: str | None = None

    @property
    def offered(self) -> bool:
        """Say whether the IdP takes logout messages at all."""
        return bool(self.redirect_url or self.post_url)

    @property
    def urls(self) -> frozenset[str]:
        """Return every address."""
        every = (self.redirect_url, self.redirect_response_url, self.post_url, self.post_response_url)
        return frozenset(url for url in every if url)

    def answer_to(self, *, redirected: bool) -> tuple[str, bool] | None:
        """Return where an answer goes, and whether by HTTP-Redirect: by the binding of the request if the IdP has it."""
        by_redirect = self.redirect_response_url or self.redirect_url
        by_post = self.post_response_url or self.post_url
        if by_redirect and (redirected or not by_post):
            return by_redirect, True
        return (by_post, False) if by_post else None


@dataclass(frozen=True, slots=True)
class IdentityProvider:
    """An IdP of the workspace. Without an entity ID its set-up was begun and not finished."""

    id: str
    workspace_id: str
    name: str
    vendor: str
    entity_id: str | None
    sso_redirect_url: str | None
    sso_post_url: str | None
    metadata_url: str | None
    metadata_read_at: datetime | None
    wants_signed_requests: bool
    certificates: tuple[IdpCertificate, ...]
    created_at: datetime
    logout: LogoutEndpoints = LogoutEndpoints()
    metadata_certificate: bytes | None = None

    @property
    def complete(self) -> bool:
        """Say whether everything is there that a sign-in needs."""
        return bool(self.entity_id and self.certificates and (self.sso_redirect_url or self.sso_post_url))


@dataclass(frozen=True, slots=True)
class IdpValues:
    """What is known of an IdP once it was understood: from metadata, or entered by hand. Validated.

    `metadata_certificate` (DER) is pinned for what is read from `metadata_url`: without its signature nothing is taken.
    """

    entity_id: str
    sso_redirect_url: str | None
    sso_post_url: str | None
    certificates: tuple[IdpCertificate, ...]
    wants_signed_requests: bool = False
    metadata_url: str | None = None
    logout: LogoutEndpoints = LogoutEndpoints()
    metadata_certificate: bytes | None = None


@dataclass(frozen=True, slots=True)
class Connection:
    """One IdP used by one environment. `domains` is empty when it is enforced for all."""

    id: str
    workspace_id: str
    environment_id: str
    idp: IdentityProvider
    all_domains: bool
    domains: tuple[str, ...]
    provisioning: Provisioning | None
    disabled: bool
    idp_initiated: IdpInitiated
    sign_requests: bool
    created_at: datetime
    last_sign_in_at: datetime | None = None
    logs_out_at_idp: bool = True
    mapping: AttributeMapping = USUAL
    jit: JitRules = FIRST_TIME_ONLY
    allow_cbc: bool = False
    refuse_expired: bool = False
    asking: AuthnRequestOptions = PLAIN

    @property
    def status(self) -> ConnectionStatus:
        """Derive what the connection does now."""
        if not self.idp.complete:
            return ConnectionStatus.DRAFT
        if self.provisioning is None:
            return ConnectionStatus.PENDING
        return ConnectionStatus.DISABLED if self.disabled else ConnectionStatus.ACTIVE


def acs_url(public_url: str, connection_id: str) -> str:
    """Return the Single sign-on URL of a connection: where the IdP sends its responses."""
    return f"{public_url}/saml/{connection_id}/acs"


def slo_url(public_url: str, connection_id: str) -> str:
    """Return the Single logout URL of a connection: where the IdP sends its logout messages, by either binding."""
    return f"{public_url}/saml/{connection_id}/slo"


def sp_entity_id(public_url: str, connection_id: str) -> str:
    """Return the Service provider entity ID of a connection, which is the address of its SP metadata, too."""
    return f"{public_url}/saml/{connection_id}/metadata"
