"""Explaining pasted SAML messages: measured against a connection where one is chosen. Stores nothing, sends nothing, records nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from vestibule.directory.admins import Permission
from vestibule.directory.connections import Connection
from vestibule.directory.workspaces import Environment
from vestibule.flows.parts.callers import AdminCaller
from vestibule.flows.parts.connecting import found_connection
from vestibule.flows.parts.measuring import measure_of
from vestibule.flows.parts.runtime import Runtime
from vestibule.kernel.errors import NotFound
from vestibule.kernel.ids import is_id
from vestibule.kernel.text import printable
from vestibule.saml.captures import find_messages
from vestibule.saml.inspection import Inspection, inspect_message
from vestibule.saml.inspection_checks import Measure
from vestibule.storage import connections, workspaces


@dataclass(frozen=True, slots=True)
class Choice:
    """A connection that a message may be measured against."""

    connection: Connection
    environment: Environment


def list_choices(runtime: Runtime, caller: AdminCaller) -> tuple[Choice, ...]:
    """Return the connections of the workspace, in the order of its environments. Raises Forbidden."""
    caller.require(Permission.READ)
    with runtime.database.reading() as tx:
        environments = workspaces.list_environments(tx, caller.workspace_id)
        every = connections.list_connections(tx, caller.workspace_id)
    return tuple(
        Choice(one, environment)
        for environment in environments
        for one in every
        if one.environment_id == environment.id
    )


def inspect_pasted(
    runtime: Runtime, caller: AdminCaller, pasted: bytes, connection_id: str, at: datetime | None, *, redact: bool
) -> tuple[Inspection, ...]:
    """Return what an admin pasted (untrusted), explained; `connection_id` may be empty. Raises CaptureInvalid, NotFound, Forbidden."""
    caller.require(Permission.READ)
    measure = Measure(at or runtime.clock())
    if connection_id:
        with runtime.database.reading() as tx:
            connection = found_connection(tx, caller, connection_id)
        measure = replace(measure_of(runtime, connection), now=measure.now)
        if not caller.admin.may(Permission.MANAGE_AUTHENTICATION):
            # Whoever may only read is no way to have messages opened.
            measure = replace(measure, decryption_keys=())
    return tuple(inspect_message(one, measure, redact=redact) for one in find_messages(pasted))


def measure_for_operator(runtime: Runtime, connection_id: str) -> Measure:
    """Return what a connection of any workspace expects, for the command line. Raises NotFound."""
    connection = None
    if is_id(connection_id, "connection"):
        with runtime.database.reading() as tx:
            connection = connections.load_connection(tx, connection_id)
    if connection is None:
        raise NotFound(f"connection {printable(connection_id, 40)}")
    return measure_of(runtime, connection)
