"""Who must use SAML: one pure answer from the environment, its connections and the domain of an e-mail address."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from vestibule.directory.connections import Connection, ConnectionStatus
from vestibule.directory.domains import covers, most_specific
from vestibule.kernel.text import email_domain


@dataclass(frozen=True, slots=True)
class Route:
    """The way in for an address: through one of `connections` (the person chooses when there are several), or by password."""

    connections: tuple[Connection, ...]

    @property
    def password(self) -> bool:
        """Say whether the way in is e-mail and password."""
        return not self.connections


def route(email: str, saml_enabled: bool, connections: Iterable[Connection]) -> Route:
    """Decide how the owner of a cleaned address signs in to an environment (product rules, "Who must use SAML").

    The answer depends on the domain alone, never on whether the person is known, so it tells a stranger nothing.
    The most specific domain entry wins; a connection for selected domains wins over one for all.
    """
    if not saml_enabled:
        return Route(())
    active = [connection for connection in connections if connection.status is ConnectionStatus.ACTIVE]
    domain = email_domain(email)
    claimed = {entry: connection for connection in active for entry in connection.domains}
    entry = most_specific(claimed, domain)
    if entry is not None:
        return Route((claimed[entry],))
    return Route(tuple(connection for connection in active if connection.all_domains))


def in_reach(connection: Connection, email: str) -> bool:
    """Say whether a connection may sign in or create the owner of an address: no mode reaches beyond its domains."""
    return connection.all_domains or any(covers(entry, email_domain(email)) for entry in connection.domains)
