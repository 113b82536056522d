"""What stands behind a connection with SCIM provisioning: the directory with its tokens, and the line where a sync is stopped. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from vestibule.directory.connections import Provisioning
from vestibule.directory.linking import Enforced, reaches
from vestibule.kernel.errors import FieldError
from vestibule.kernel.text import N_

MOST_TOKENS: Final = 2
MOST_PEOPLE: Final = 20
MOST_PERCENT: Final = 10
# Below this number a share says nothing: one of three people who leaves is a third of the house.
FEWEST_FOR_PERCENT: Final = 5
STOP_WINDOW: Final = timedelta(hours=1)
LET_THROUGH: Final = timedelta(hours=4)


@dataclass(frozen=True, slots=True)
class ScimToken:
    """A bearer token of a connection. The token itself was shown once and is kept nowhere."""

    id: str
    name: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None

    def expired(self, now: datetime) -> bool:
        """Say whether the token has ended. The instant of expiry is expired."""
        return self.expires_at is not None and now >= self.expires_at


@dataclass(frozen=True, slots=True)
class StopLine:
    """How many people a directory may take the access from within an hour, and what was decided about more.

    `held_at` is since when departures wait for an admin; until `let_through_until` all of them pass.
    """

    most_people: int = MOST_PEOPLE
    most_percent: int = MOST_PERCENT
    held_at: datetime | None = None
    let_through_until: datetime | None = None

    def lets_through(self, now: datetime) -> bool:
        """Say whether an admin let departures pass for a while that is not over, nor farther ahead than a right clock puts it."""
        return self.let_through_until is not None and now < self.let_through_until < now + 2 * LET_THROUGH

    def people_that_matter(self, departures: int) -> int:
        """Return up to which number of people the share could hold so many departures, so that nobody counts a million."""
        if departures < FEWEST_FOR_PERCENT or departures > self.most_people:
            return 0
        return departures * 100 // self.most_percent + 1

    def holds(self, departures: int, people: int) -> bool:
        """Say whether so many departures within the hour are too many.

        `people` is how many had access before them, counted up to `people_that_matter` or further.
        """
        if departures > self.most_people:
            return True
        return departures >= FEWEST_FOR_PERCENT and departures * 100 > people * self.most_percent


@dataclass(frozen=True, slots=True)
class Directory:
    """The directory behind a connection, as the console shows it."""

    connection_id: str
    stop_line: StopLine
    last_contact_at: datetime | None
    tokens: tuple[ScimToken, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a directory works: its connection, in one environment of one workspace. It reaches nothing else."""

    workspace_id: str
    connection_id: str
    environment_id: str


@dataclass(frozen=True, slots=True)
class Caller:
    """A directory at the door with a token that is known. `rival_entries` are the domains of the environment's other connections.

    One that only looks is known without its domains and stop line: it reaches nobody.
    """

    token: ScimToken
    workspace_id: str
    connection_id: str
    environment_id: str
    idp_id: str
    name: str
    provisioning: Provisioning | None
    disabled: bool
    all_domains: bool = False
    domains: tuple[str, ...] = ()
    rival_entries: tuple[str, ...] = ()
    stop_line: StopLine = StopLine()

    @property
    def place(self) -> Place:
        """Return where the directory works."""
        return Place(self.workspace_id, self.connection_id, self.environment_id)


class Adoption(StrEnum):
    """What becomes of somebody who was there before their directory, once it pushes them."""

    ADOPTED = "adopted"
    DEACTIVATED = "deactivated"
    ANOTHER_DIRECTORY = "another_directory"
    OUT_OF_REACH = "out_of_reach"


@dataclass(frozen=True, slots=True)
class Predecessors:
    """People with access to the environment who meet the same fate: how many, and the first of them by name."""

    fate: Adoption
    people: int
    first: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ScimEvent:
    """One request of a directory. `sent` is redacted and bounded, `notes` are sentences with what fills their placeholders."""

    id: str
    at: datetime
    method: str
    path: str
    status: int
    scim_type: str | None
    resource_id: str | None
    resource_name: str
    address: str
    sent: str
    notes: Sequence[Mapping[str, Any]]


def fate_of(connection: Enforced, rival_entries: Iterable[str], email: str, *, active: bool, pushed: bool) -> Adoption:
    """Return what the first push does to somebody with access. `pushed` says that another directory of the environment did."""
    if not reaches(connection, rival_entries, email):
        return Adoption.OUT_OF_REACH
    if pushed:
        return Adoption.ANOTHER_DIRECTORY
    return Adoption.ADOPTED if active else Adoption.DEACTIVATED


def base_url(public_url: str, connection_id: str) -> str:
    """Return the SCIM base URL of a connection, which the directory is given."""
    return f"{public_url}/scim/{connection_id}/v2"


def parse_limit(field: str, typed: str, most: int) -> int:
    """Return a typed limit of the stop line. Raises FieldError."""
    number = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 8 else 0
    if not 1 <= number <= most:
        raise FieldError(field, N_("Enter a whole number from 1 to %(most)s."), most=f"{most:,}")
    return number
