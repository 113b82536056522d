"""Identity providers, and connections: one IdP used by one environment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

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

    @property
    def complete(self) -> bool:
        """Say whether everything is there that a sign-in needs."""
        return bool(self.entity_id and self.certificates and (self.sso_redirect_url or self.sso_post_url))


@dataclass(frozen=True, slots=True)
class IdpValues:
    """What is known of an IdP once it was understood: from metadata, or entered by hand. Validated."""

    entity_id: str
    sso_redirect_url: str | None
    sso_post_url: str | None
    certificates: tuple[IdpCertificate, ...]
    wants_signed_requests: bool = False
    metadata_url: str | None = None


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
    mapping: AttributeMapping = USUAL
    jit: JitRules = FIRST_TIME_ONLY

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


def sp_entity_id(public_url: str, connection_id: str) -> str:
    """Return the Service provider entity ID of a connection, which is the address of its SP metadata, too."""
    return f"{public_url}/saml/{connection_id}/metadata"
