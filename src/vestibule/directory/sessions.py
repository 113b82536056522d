"""Sessions of end users, stored sign-in requests, links between an IdP's subject and a person, and knocks."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from vestibule.directory.end_users import EndUser
from vestibule.directory.workspaces import Environment
from vestibule.kernel.text import printable


class SignInMethod(StrEnum):
    """How a session began."""

    SAML = "saml"
    PASSWORD = "password"  # noqa: S105 - the name of a method


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in browser of an end user in one environment."""

    id: str
    workspace_id: str
    environment: Environment
    end_user: EndUser
    connection_id: str | None
    method: SignInMethod
    created_at: datetime
    expires_at: datetime
    idp_name: str | None = None
    address: str = ""
    user_agent: str = ""


@dataclass(frozen=True, slots=True)
class SamlRequest:
    """An AuthnRequest that we sent: what its response is bound to. `typed_email` is what was typed at the start, for the record."""

    id: str
    workspace_id: str
    environment_id: str
    connection_id: str
    browser_hash: str
    return_to: str
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
    typed_email: str | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """Who an IdP says somebody is, for linking: the NameID, or the stable id where the NameID is transient."""

    kind: str
    value: str

    @property
    def key(self) -> str:
        """Return the fixed-length key under which the subject is unique within a connection."""
        return hashlib.sha256(f"{self.kind}\0{self.value}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class IdentityLink:
    """The record that a subject of a connection is a certain end user."""

    id: str
    connection_id: str
    end_user_id: str
    subject_kind: str
    subject_value: str
    created_at: datetime


class KnockReason(StrEnum):
    """Why somebody with a good assertion was not let in."""

    UNKNOWN = "unknown"
    NO_ACCESS = "no_access"
    ADDRESS_REUSED = "address_reused"


@dataclass(frozen=True, slots=True)
class Knock:
    """Somebody who proved who they are at the IdP and is waiting for an admin."""

    id: str
    environment_id: str
    connection_id: str
    connection_name: str
    subject: Subject
    email: str | None
    full_name: str | None
    reason: KnockReason
    attempts: int
    first_at: datetime
    last_at: datetime
    end_user_id: str | None

    @property
    def name(self) -> str:
        """Return what to call them: an IdP's word, so made safe to show."""
        return printable(self.full_name or self.email or self.subject.value, 100)
