"""What a connection's directory sent and what was done, for the admin who sets it up or looks for what went wrong."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from vestibule.directory.admins import Permission
from vestibule.directory.connections import Connection
from vestibule.directory.scim import ScimEvent
from vestibule.directory.workspaces import Environment
from vestibule.flows.parts.callers import AdminCaller
from vestibule.flows.parts.connecting import environment_of, found_connection
from vestibule.flows.parts.runtime import Runtime
from vestibule.flows.parts.scim_logging import laid_out
from vestibule.kernel.ids import is_id
from vestibule.storage import scim_events

EVENTS_A_PAGE: Final = 50


@dataclass(frozen=True, slots=True)
class ScimLog:
    """A page of what a directory sent, newest first. `next` is where the older ones are."""

    connection: Connection
    environment: Environment
    events: tuple[ScimEvent, ...]
    next: str | None


def read_log(runtime: Runtime, caller: AdminCaller, connection_id: str, *, before: str, refused: bool) -> ScimLog:
    """Return a page of a connection's log, of failures only if `refused`. `before` is untrusted. Raises NotFound, Forbidden."""
    caller.require(Permission.READ)
    start = before if is_id(before, "scim_event") else None
    with runtime.database.reading() as tx:
        connection = found_connection(tx, caller, connection_id)
        found = scim_events.page(
            tx, caller.workspace_id, connection.id, before=start, size=EVENTS_A_PAGE + 1, refused=refused
        )
        shown = found[:EVENTS_A_PAGE]
        following = shown[-1].id if len(found) > EVENTS_A_PAGE else None
        events = tuple(replace(one, sent=laid_out(one.sent)) for one in shown)
        return ScimLog(connection, environment_of(tx, connection), events, following)


def has_log(runtime: Runtime, caller: AdminCaller, connection: Connection) -> bool:
    """Say whether a directory has sent anything, also where people come another way by now. Raises Forbidden."""
    caller.require(Permission.READ)
    with runtime.database.reading() as tx:
        return bool(scim_events.page(tx, caller.workspace_id, connection.id, before=None, size=1))
