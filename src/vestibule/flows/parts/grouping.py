"""What the flows about groups share: finding a group in its environment, and keeping Everyone as it is."""

from __future__ import annotations

from vestibule.directory.groups import Group
from vestibule.directory.workspaces import Environment
from vestibule.flows.parts.callers import AdminCaller
from vestibule.kernel.errors import Forbidden, NotFound
from vestibule.kernel.text import N_, printable
from vestibule.storage import groups, workspaces
from vestibule.storage.database import Transaction


class EveryoneIsLocked(Forbidden):
    """Everyone is whoever has access: it can't be renamed, deleted, or given and deprived of members."""

    code = "everyone_is_locked"
    public = N_("Everyone can’t be changed: it is whoever has access to the environment.")


def environment_by_key(tx: Transaction, caller: AdminCaller, key: str) -> Environment:
    """Return an environment of the caller's workspace by its untrusted key. Raises NotFound."""
    environment = workspaces.find_environment(tx, caller.workspace_id, key)
    if environment is None:
        raise NotFound(f"environment {printable(key, 40)}")
    return environment


def group_in(tx: Transaction, caller: AdminCaller, environment_key: str, group_id: str) -> tuple[Environment, Group]:
    """Return a group with its environment; both are untrusted and must belong together. Raises NotFound."""
    environment = environment_by_key(tx, caller, environment_key)
    group = groups.find_group(tx, caller.workspace_id, group_id)
    if group is None or group.environment_id != environment.id:
        raise NotFound(f"group {printable(group_id, 40)} in {environment.key}")
    return environment, group


def changeable_group(
    tx: Transaction, caller: AdminCaller, environment_key: str, group_id: str
) -> tuple[Environment, Group]:
    """Return a group that is not Everyone. Raises EveryoneIsLocked, NotFound."""
    environment, group = group_in(tx, caller, environment_key, group_id)
    if group.built_in:
        raise EveryoneIsLocked(f"{group.id} is Everyone")
    return environment, group
