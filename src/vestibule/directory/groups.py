"""End-user groups. Everyone is built in, locked, and holds whoever has access to its environment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from vestibule.directory.sources import Source
from vestibule.kernel.text import N_

EVERYONE = N_("Everyone")


@dataclass(frozen=True, slots=True)
class Group:
    """An end-user group of one environment. `members` is the number of people in it."""

    id: str
    workspace_id: str
    environment_id: str
    name: str
    built_in: bool
    source: Source
    created_at: datetime
    members: int = 0


@dataclass(frozen=True, slots=True)
class GroupName:
    """A group as it is named in a list of people."""

    id: str
    environment_id: str
    name: str


@dataclass(frozen=True, slots=True)
class Member:
    """One person in a group, and where the membership came from."""

    end_user_id: str
    full_name: str
    email: str
    source: Source
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Membership:
    """One group that a person is in, and where that came from."""

    group_id: str
    environment_id: str
    name: str
    source: Source
    connection_id: str | None
    created_at: datetime
