"""What the launch page shows to somebody who is signed in."""

from __future__ import annotations

from dataclasses import dataclass

from vestibule.directory.groups import Membership
from vestibule.directory.sessions import Session
from vestibule.flows.parts.places import Place, find_place
from vestibule.flows.parts.runtime import Runtime
from vestibule.storage import access


@dataclass(frozen=True, slots=True)
class Launch:
    """What somebody signed in sees first. `groups` leave out Everyone, in which they are by being here."""

    place: Place
    session: Session
    groups: tuple[Membership, ...]


def launch(runtime: Runtime, session: Session) -> Launch:
    """Return what the launch page shows."""
    place = find_place(runtime, session.environment.key)
    with runtime.database.reading() as tx:
        groups = access.memberships_of(tx, session.workspace_id, session.end_user.id, session.environment.id)
    return Launch(place, session, groups)
