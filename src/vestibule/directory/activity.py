"""Activity: what happened, who did it, to whom, from where. Append-only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class ActorKind(StrEnum):
    """Who acts."""

    ADMIN = "admin"
    END_USER = "end_user"
    OPERATOR = "operator"
    SYSTEM = "system"
    ANONYMOUS = "anonymous"
    DIRECTORY = "directory"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, and from which address. `name` is what the console shows even after the account is gone."""

    kind: ActorKind
    id: str | None = None
    name: str = ""
    address: str = ""
    request_id: str = ""


class Outcome(StrEnum):
    """How it ended."""

    DONE = "done"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Subject:
    """What or whom an act is about, named as it was then."""

    kind: str
    id: str | None
    name: str


@dataclass(frozen=True, slots=True)
class Event:
    """One entry before it has an id and a time. `action` is `noun.verb`; `details` hold no secrets."""

    action: str
    subject: Subject
    outcome: Outcome = Outcome.DONE
    environment_id: str | None = None
    connection_id: str | None = None
    reference: str | None = None
    details: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as it was recorded."""

    id: str
    at: datetime
    actor: Actor
    event: Event


@dataclass(frozen=True, slots=True)
class ActivityFilter:
    """What the Activity page is narrowed to. `action_prefix` is `noun.` or `noun.verb`.

    `person_id` is whoever acted or was acted upon; `subject_name` finds what was refused to somebody without an account.
    """

    action_prefix: str | None = None
    environment_id: str | None = None
    outcome: Outcome | None = None
    actor_id: str | None = None
    subject_id: str | None = None
    subject_name: str | None = None
    person_id: str | None = None
    connection_id: str | None = None
    reference: str | None = None
    since: datetime | None = None
    until: datetime | None = None
