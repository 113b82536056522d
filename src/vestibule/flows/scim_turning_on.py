"""Before SCIM provisioning is turned on: what becomes of the people who are there already."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from vestibule.directory.admins import Permission
from vestibule.directory.connections import Connection, Provisioning
from vestibule.directory.scim import Adoption, Predecessors, fate_of
from vestibule.directory.workspaces import Environment
from vestibule.flows.parts.callers import AdminCaller
from vestibule.flows.parts.connecting import environment_of, found_connection
from vestibule.flows.parts.runtime import Runtime
from vestibule.storage import scim_predecessors

NAMED: Final = 10


@dataclass(frozen=True, slots=True)
class TurningOn:
    """Who will be adopted, who conflicts, and who stays manual once the directory pushes. Empty where nobody is there yet."""

    connection: Connection
    environment: Environment
    predecessors: tuple[Predecessors, ...]
    already_on: bool


def preview_scim(runtime: Runtime, caller: AdminCaller, connection_id: str) -> TurningOn:
    """Return what the first pushes would do to the people with access. Raises NotFound, Forbidden."""
    caller.require(Permission.MANAGE_AUTHENTICATION)
    with runtime.database.reading() as tx:
        connection = found_connection(tx, caller, connection_id)
        environment = environment_of(tx, connection)
        place = (caller.workspace_id, environment.id, connection.id)
        rivals = scim_predecessors.rival_entries(tx, *place)
        crowds = scim_predecessors.crowds(tx, *place)
        faces = scim_predecessors.faces(tx, *place) if crowds else ()
    counted = dict.fromkeys(Adoption, 0)
    for crowd in crowds:
        fate = fate_of(connection, rivals, f"somebody@{crowd.domain}", active=crowd.active, pushed=crowd.pushed)
        counted[fate] += crowd.people
    named: dict[Adoption, list[tuple[str, str]]] = {fate: [] for fate in Adoption}
    for face in faces:
        fate = fate_of(connection, rivals, face.email, active=face.active, pushed=face.pushed)
        if len(named[fate]) < NAMED:
            named[fate].append((face.full_name, face.email))
    found = tuple(Predecessors(fate, counted[fate], tuple(named[fate])) for fate in Adoption if counted[fate])
    return TurningOn(connection, environment, found, connection.provisioning is Provisioning.SCIM)
