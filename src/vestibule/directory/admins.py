"""Workspace admins, their roles, and what each role may do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """What a workspace admin is."""

    OWNER = "owner"
    ADMIN = "admin"
    SUPPORT = "support"
    AUDITOR = "auditor"


class Permission(StrEnum):
    """What a role may allow."""

    READ = "read"
    MANAGE_PEOPLE = "manage_people"
    MANAGE_AUTHENTICATION = "manage_authentication"
    MANAGE_APPS = "manage_apps"
    MANAGE_ENVIRONMENTS = "manage_environments"
    MANAGE_ADMINS = "manage_admins"
    MANAGE_OWNERS = "manage_owners"


_ADMIN: Final = frozenset(Permission) - {Permission.MANAGE_OWNERS}
PERMISSIONS: Final[Mapping[Role, frozenset[Permission]]] = {
    Role.OWNER: frozenset(Permission),
    Role.ADMIN: _ADMIN,
    Role.SUPPORT: frozenset({Permission.READ, Permission.MANAGE_PEOPLE}),
    Role.AUDITOR: frozenset({Permission.READ}),
}


class AdminStatus(StrEnum):
    """Whether an admin has taken up the invitation."""

    INVITED = "invited"
    ACTIVE = "active"


@dataclass(frozen=True, slots=True)
class Admin:
    """A person who signs in to the console of one workspace."""

    id: str
    workspace_id: str
    email: str
    name: str
    role: Role
    status: AdminStatus
    created_at: datetime
    last_sign_in_at: datetime | None

    def may(self, permission: Permission) -> bool:
        """Say whether the admin's role allows something."""
        return permission in PERMISSIONS[self.role]


@dataclass(frozen=True, slots=True)
class AdminSession:
    """A signed-in browser of an admin."""

    id: str
    admin: Admin
    created_at: datetime
    expires_at: datetime
    last_seen_at: datetime
    address: str
    user_agent: str
