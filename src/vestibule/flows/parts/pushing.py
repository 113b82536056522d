"""What a directory's push carries along: who pushes, when, what there is to say about it, and how it gets on the record.

Works inside the transaction of the flow that answers the directory.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from vestibule.directory.activity import Actor, Event, Subject
from vestibule.directory.end_users import EndUser
from vestibule.directory.scim import Caller, Place
from vestibule.flows.parts.recording import record
from vestibule.flows.parts.runtime import Runtime
from vestibule.kernel.text import printable
from vestibule.scim.errors import TooMany
from vestibule.scim.tolerances import Tolerance
from vestibule.storage.database import Transaction

MOST_NOTES = 50
# Members that one request may have gone through for its filters; the first group of any size is.
MOST_LOOKED_AT = 200_000


@dataclass(frozen=True, slots=True)
class Note:
    """One thing that the admin should know of a push: an English sentence with placeholders, and what fills them."""

    message: str
    params: Mapping[str, str]


@dataclass(slots=True)
class Push:
    """One request of a directory while it is carried out."""

    runtime: Runtime
    caller: Caller
    actor: Actor
    now: datetime
    notes: list[Note] = field(default_factory=list)
    subject_id: str | None = None
    subject_name: str = ""
    looked_at: int = 0

    @property
    def place(self) -> Place:
        """Return where the directory works."""
        return self.caller.place

    @property
    def workspace_id(self) -> str:
        """Return the one workspace that the directory belongs to."""
        return self.caller.workspace_id

    @property
    def environment_id(self) -> str:
        """Return the one environment that the directory reaches."""
        return self.caller.environment_id

    @property
    def connection_id(self) -> str:
        """Return the connection that the directory stands behind."""
        return self.caller.connection_id

    def note(self, message: str, **params: str) -> None:
        """Say something to the admin who reads what the directory sent. The values are the directory's: they are made safe."""
        if len(self.notes) < MOST_NOTES:
            self.notes.append(Note(message, {name: printable(value, 120) for name, value in params.items()}))

    def tolerate(self, found: Iterable[Tolerance]) -> None:
        """Say what was taken although the RFCs have it otherwise, each once for a request."""
        for one in sorted(found, key=lambda one: one.name):
            if all(note.message != one.value for note in self.notes):
                self.note(one.value)

    def require_effort(self) -> None:
        """Raise TooMany where the request has had more gone through, one by one, than any directory needs."""
        if self.looked_at >= MOST_LOOKED_AT:
            raise TooMany("The filters of this request look at too many members.")

    def is_about(self, resource_id: str | None, name: str) -> None:
        """Remember what the request was about."""
        self.subject_id, self.subject_name = resource_id, printable(name, 120)

    def record(self, tx: Transaction, action: str, subject: Subject, **details: object) -> str:
        """Record what the directory did; return the id of the entry."""
        event = Event(
            action,
            subject,
            environment_id=self.environment_id,
            connection_id=self.connection_id,
            details={"source": "scim", **details},
        )
        return record(tx, self.runtime, self.workspace_id, self.actor, event)

    def record_person(self, tx: Transaction, action: str, person: EndUser, **details: object) -> str:
        """Record what the directory did to a person; return the id of the entry."""
        return self.record(tx, action, Subject("end_user", person.id, person.full_name), **details)
