"""A pushed group has the name of one that was here: an admin says whether they are the same."""

from __future__ import annotations

from dataclasses import replace

from vestibule.directory.activity import Event, Subject
from vestibule.directory.admins import Permission
from vestibule.directory.connections import Connection
from vestibule.directory.pushed import PushedGroup
from vestibule.directory.scim import Place
from vestibule.directory.sources import Source
from vestibule.flows.parts.callers import AdminCaller
from vestibule.flows.parts.connecting import found_connection
from vestibule.flows.parts.recording import record
from vestibule.flows.parts.runtime import Runtime
from vestibule.kernel.errors import NotFound
from vestibule.kernel.ids import is_id
from vestibule.kernel.text import printable
from vestibule.storage import groups, scim_groups, scim_joining
from vestibule.storage.database import Transaction


def list_clashes(runtime: Runtime, caller: AdminCaller, connection_id: str) -> tuple[tuple[PushedGroup, str], ...]:
    """Return the pushed groups on which an admin is to decide, with the names of those that were here. Raises Forbidden."""
    caller.require(Permission.READ)
    with runtime.database.reading() as tx:
        return scim_groups.list_clashes(tx, caller.workspace_id, connection_id)


def decide_clash(
    runtime: Runtime, caller: AdminCaller, connection_id: str, scim_group_id: str, *, adopt: bool
) -> tuple[Connection, PushedGroup]:
    """Let the directory adopt the group that was here, whose members by hand stay, or keep the two apart for good.

    Raises NotFound when there is nothing (any more) to decide; Forbidden.
    """
    caller.require(Permission.MANAGE_PEOPLE)
    with runtime.database.transaction() as tx:
        connection = found_connection(tx, caller, connection_id)
        group = None
        if is_id(scim_group_id, "scim_group"):
            group = scim_groups.find_group(tx, connection.id, scim_group_id, lock=True)
        if group is None or group.clashes_with is None:
            raise NotFound(f"clash of the pushed group {printable(scim_group_id, 40)}")
        if adopt:
            group = _adopt(tx, runtime, connection, group, group.clashes_with)
        else:
            scim_groups.update_group(tx, caller.workspace_id, replace(group, clashes_with=None))
        event = Event(
            "group.adopted" if adopt else "group.kept_apart",
            Subject("group", group.group_id, group.name),
            environment_id=connection.environment_id,
            connection_id=connection.id,
        )
        record(tx, runtime, caller.workspace_id, caller.actor, event)
    return connection, group


def _adopt(tx: Transaction, runtime: Runtime, connection: Connection, group: PushedGroup, here_id: str) -> PushedGroup:
    now, workspace_id = runtime.clock(), connection.workspace_id
    place = Place(workspace_id, connection.id, connection.environment_id)
    adopted = replace(group, group_id=here_id, name=group.display_name, clashes_with=None)
    scim_groups.update_group(tx, workspace_id, adopted)
    scim_groups.settle_clashes(tx, workspace_id, here_id)
    scim_groups.give_group_to(tx, workspace_id, here_id, Source.SCIM, connection.id)
    scim_joining.move_members_by_hand(tx, workspace_id, group.group_id, here_id)
    scim_groups.move_uses(tx, group.group_id, here_id)
    groups.delete_group(tx, workspace_id, group.group_id)
    groups.rename_group(tx, workspace_id, here_id, adopted.name)
    scim_joining.fill_group(tx, place, adopted, now)
    return adopted
