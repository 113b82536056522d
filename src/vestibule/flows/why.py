"""Why does this person have access? Asked on the person's page, answered from what is stored."""

from __future__ import annotations

from vestibule.directory.admins import Permission
from vestibule.directory.why import Why, explain
from vestibule.flows.parts.callers import AdminCaller
from vestibule.flows.parts.people import found_end_user
from vestibule.flows.parts.runtime import Runtime
from vestibule.storage import access, connections, identity_links, scim_users


def why(runtime: Runtime, caller: AdminCaller, end_user_id: str) -> Why:
    """Return the reason for every access, membership and profile field of a person. Raises NotFound, Forbidden."""
    caller.require(Permission.READ)
    with runtime.database.reading() as tx:
        person = found_end_user(tx, caller, end_user_id, lock=False)
        return explain(
            person,
            access.access_of(tx, caller.workspace_id, person.id),
            access.memberships_of(tx, caller.workspace_id, person.id),
            scim_users.pushed_as(tx, caller.workspace_id, person.id),
            tuple(one.connection_id for one in identity_links.list_identity_links(tx, caller.workspace_id, person.id)),
            {one.id: one for one in connections.list_connections(tx, caller.workspace_id)},
        )
