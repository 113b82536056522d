"""What a change of enforcement does to the people of an environment: who signs in how before, and how after. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from vestibule.directory.connections import Connection, ConnectionStatus
from vestibule.directory.enforcement import route


@dataclass(frozen=True, slots=True)
class Population:
    """How many people with access have addresses of one domain, and how many of them have no password here."""

    domain: str
    people: int
    without_password: int


@dataclass(frozen=True, slots=True)
class Ties:
    """What ends with a connection: people linked to an identity of it, and browsers that are signed in through it."""

    links: int
    sessions: int


@dataclass(frozen=True, slots=True)
class Enforcement:
    """The switch of an environment, and its connections."""

    saml_enabled: bool
    connections: tuple[Connection, ...]

    @property
    def active(self) -> tuple[Connection, ...]:
        """Return the connections that enforce something, the switch being on."""
        return tuple(one for one in self.connections if one.status is ConnectionStatus.ACTIVE)

    def switched(self, *, on: bool) -> Enforcement:
        """Return the same connections under a switch that is on or off."""
        return Enforcement(on, self.connections)

    def without(self, connection_id: str) -> Enforcement:
        """Return the same but for one connection."""
        return Enforcement(self.saml_enabled, tuple(one for one in self.connections if one.id != connection_id))

    def having(self, connection: Connection) -> Enforcement:
        """Return the same with one connection as it would be."""
        return Enforcement(self.saml_enabled, (*self.without(connection.id).connections, connection))


@dataclass(frozen=True, slots=True)
class Move:
    """People whose way in changes, or stays. A way is the names of the IdPs to choose from; none is e-mail and password."""

    before: tuple[str, ...]
    after: tuple[str, ...]
    people: int
    without_password: int

    @property
    def changes(self) -> bool:
        """Say whether these people sign in another way afterwards."""
        return self.before != self.after

    @property
    def stranded(self) -> int:
        """Return how many can't sign in until they have chosen a password: sent back to one that they never had."""
        return self.without_password if self.before and not self.after else 0


def moves(populations: Iterable[Population], before: Enforcement, after: Enforcement) -> tuple[Move, ...]:
    """Return what happens to whom, those with a change first, then by number."""
    counted: dict[tuple[tuple[str, ...], tuple[str, ...]], tuple[int, int]] = {}
    for population in populations:
        ways = (_way(population.domain, before), _way(population.domain, after))
        people, without = counted.get(ways, (0, 0))
        counted[ways] = (people + population.people, without + population.without_password)
    found = [Move(*ways, *numbers) for ways, numbers in counted.items()]
    return tuple(sorted(found, key=lambda move: (not move.changes, -move.people, move.before, move.after)))


def covered(populations: Sequence[Population], enforcement: Enforcement) -> int:
    """Return how many people sign in through an IdP."""
    return sum(population.people for population in populations if _way(population.domain, enforcement))


def _way(domain: str, enforcement: Enforcement) -> tuple[str, ...]:
    # By the one rule that decides sign-ins, so that what is promised here is what will happen.
    found = route(f"anyone@{domain}", enforcement.saml_enabled, enforcement.connections)
    return tuple(sorted(connection.idp.name for connection in found.connections))
