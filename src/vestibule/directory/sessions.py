"""Sessions of end users, stored sign-in requests, links between an IdP's subject and a person, and knocks."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from vestibule.directory.end_users import EndUser
from vestibule.directory.workspaces import Environment
from vestibule.kernel.text import printable

_NAMES_1_1: Final = ("emailAddress", "X509SubjectName", "WindowsDomainQualifiedName")
_NAMES_2_0: Final = ("persistent", "transient", "kerberos", "entity")


class SignInMethod(StrEnum):
    """How a session began."""

    SAML = "saml"
    PASSWORD = "password"  # noqa: S105 - the name of a method


_ANY_FORMAT: Final = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"
_FORMATS: Final = (
    _ANY_FORMAT,
    *(f"urn:oasis:names:tc:SAML:1.1:nameid-format:{name}" for name in _NAMES_1_1),
    *(f"urn:oasis:names:tc:SAML:2.0:nameid-format:{name}" for name in _NAMES_2_0),
)


@dataclass(frozen=True, slots=True)
class IdpName:
    """What an IdP calls somebody: the NameID as it was received, which a logout message has to repeat."""

    value: str
    format: str | None = None
    name_qualifier: str | None = None
    sp_name_qualifier: str | None = None

    def key(self, idp_entity_id: str, sp_entity_id: str) -> str:
        """Return the fixed-length key of the name. Left out, a qualifier means the side it qualifies (saml-core 2.2.2)."""
        return self._key(self.format or _ANY_FORMAT, idp_entity_id, sp_entity_id)

    def keys(self, idp_entity_id: str, sp_entity_id: str) -> tuple[str, ...]:
        """Return the key of every name that this one may mean: "unspecified" leaves the format open, on either side (8.3.1)."""
        formats = _FORMATS if self.format in (None, _ANY_FORMAT) else (self.format, _ANY_FORMAT)
        return tuple(self._key(one, idp_entity_id, sp_entity_id) for one in formats)

    def _key(self, name_format: str, idp_entity_id: str, sp_entity_id: str) -> str:
        own = "" if self.name_qualifier in (None, idp_entity_id) else self.name_qualifier
        ours = "" if self.sp_name_qualifier in (None, sp_entity_id) else self.sp_name_qualifier
        return hashlib.sha256(repr((self.value, name_format, own, ours)).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class BackToApp:
    """The app that asked to sign somebody out. `url` is `registered_uri`, an address that it registered, with its state, or empty."""

    app_id: str
    app_name: str
    registered_uri: str
    url: str


@dataclass(frozen=True, slots=True)
class LogoutRequest:
    """A LogoutRequest that we sent, after the session had ended here: what its answer is bound to, and where it leads."""

    id: str
    workspace_id: str
    environment_id: str
    connection_id: str
    end_user_id: str
    browser_hash: str
    created_at: datetime
    expires_at: datetime
    back: BackToApp | None = None


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
    name_id: IdpName | None = None
    session_index: str | None = None
    authn_instant: datetime | None = None
    authn_context: str | None = None


@dataclass(frozen=True, slots=True)
class SamlRequest:
    """An AuthnRequest that we sent: what its response is bound to. `typed_email` is what was typed at the start, for the record.

    With an `admin_session_id` it is a test sign-in, which nobody is signed in by. `test_values` and `test_result` are sealed.
    """

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
    admin_session_id: str | None = None
    test_values: bytes | None = field(default=None, repr=False)
    test_result: bytes | None = field(default=None, repr=False)


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
