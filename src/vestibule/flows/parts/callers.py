"""Who calls a flow: a signed-in admin, or somebody without an account here."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from vestibule.directory.activity import Actor, ActorKind
from vestibule.directory.admins import Admin, Permission
from vestibule.kernel.errors import Forbidden


@dataclass(frozen=True, slots=True)
class Visitor:
    """A browser, as the door saw it. `address` is the client's by the trusted proxies only; all of it is for the record."""

    address: str
    user_agent: str
    request_id: str

    @property
    def network(self) -> str:
        """Return whom attempts are counted against: the address, or of IPv6 its /64, all of which one subscriber has (RFC 6177)."""
        try:
            address = ipaddress.ip_address(self.address)
        except ValueError:
            return self.address
        return str(ipaddress.ip_network((address, 64), strict=False)) if address.version == 6 else str(address)

    @property
    def anonymous(self) -> Actor:
        """Return the visitor as an actor without an account."""
        return Actor(ActorKind.ANONYMOUS, address=self.address, request_id=self.request_id)


@dataclass(frozen=True, slots=True)
class AdminCaller:
    """A signed-in workspace admin. The admin is read afresh at each request, so a changed role counts at once."""

    admin: Admin
    session_id: str
    visitor: Visitor

    @property
    def workspace_id(self) -> str:
        """Return the one workspace that this admin may see."""
        return self.admin.workspace_id

    @property
    def actor(self) -> Actor:
        """Return the admin as an actor for the activity."""
        return Actor(ActorKind.ADMIN, self.admin.id, self.admin.name, self.visitor.address, self.visitor.request_id)

    def require(self, permission: Permission) -> None:
        """Raise Forbidden unless the admin's role allows it."""
        if not self.admin.may(permission):
            raise Forbidden(f"{self.admin.role} may not {permission}")


def operator() -> Actor:
    """Return the person at the command line as an actor."""
    return Actor(ActorKind.OPERATOR, name="command line")


def system() -> Actor:
    """Return Vestibule itself as an actor."""
    return Actor(ActorKind.SYSTEM, name="Vestibule")
