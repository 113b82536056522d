"""Arriving by a response that nobody here asked for: it takes the place of somebody else's session only when they say so.

Otherwise anybody could post a response of their own into another's browser, who then works in the wrong account (login CSRF).
"""

from __future__ import annotations

from dataclasses import dataclass

from vestibule.directory.activity import Event, Subject
from vestibule.directory.sessions import Session
from vestibule.flows.parts.callers import Visitor
from vestibule.flows.parts.entering import Entered, end_user_actor
from vestibule.flows.parts.places import find_place
from vestibule.flows.parts.recording import record
from vestibule.flows.parts.runtime import Runtime
from vestibule.kernel.secrets import token_hash
from vestibule.storage import sessions


@dataclass(frozen=True, slots=True)
class Arrival:
    """A session that waits to be taken up in a browser, and the live one that the browser has, if it is somebody else's."""

    waiting: Session
    somebody_else: Session | None


def find_arrival(runtime: Runtime, environment_key: str, token: str, here: Session | None) -> Arrival | None:
    """Return the session that waits under a token (untrusted) for the browser whose session is `here`; None when it is over."""
    with runtime.database.reading() as tx:
        waiting = sessions.find_session(tx, token_hash(token), environment_key, runtime.clock())
    if waiting is None:
        return None
    same = here is None or here.end_user.id == waiting.end_user.id
    return Arrival(waiting, None if same else here)


def take_up(runtime: Runtime, arrival: Arrival, token: str, earlier: str, return_to: str) -> Entered:
    """Return the session that waited, for the browser to go on with; the one of its `earlier` cookie (untrusted) ends."""
    waiting = arrival.waiting
    if earlier and earlier != token:
        with runtime.database.transaction() as tx:
            sessions.delete_session_of(tx, token_hash(earlier), waiting.environment.id)
    lasts = waiting.expires_at - runtime.clock()
    place = find_place(runtime, waiting.environment.key)
    return Entered(place, waiting.end_user, token, int(lasts.total_seconds()), return_to)


def turn_down(runtime: Runtime, visitor: Visitor, arrival: Arrival) -> None:
    """End the session that waited; the browser stays with the one that it has. Twice is no error."""
    waiting = arrival.waiting
    person = waiting.end_user
    with runtime.database.transaction() as tx:
        if sessions.delete_session(tx, waiting.workspace_id, waiting.id):
            event = Event(
                "end_user.arrival_turned_down",
                Subject("end_user", person.id, person.full_name),
                environment_id=waiting.environment.id,
                connection_id=waiting.connection_id,
            )
            record(tx, runtime, waiting.workspace_id, end_user_actor(person, visitor), event)
