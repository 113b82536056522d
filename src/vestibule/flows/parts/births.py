"""Making an environment whole: it never exists without its group Everyone."""

from __future__ import annotations

from vestibule.directory.groups import EVERYONE, Group
from vestibule.directory.sources import Source
from vestibule.directory.workspaces import Environment
from vestibule.flows.parts.runtime import Runtime
from vestibule.kernel.ids import new_id
from vestibule.storage import groups, workspaces
from vestibule.storage.database import Transaction


def create_environment(tx: Transaction, runtime: Runtime, environment: Environment) -> None:
    """Save an environment and its Everyone. Raises IntegrityError when the name or key is taken."""
    now = runtime.clock()
    workspaces.insert_environment(tx, environment)
    groups.insert_group(
        tx,
        Group(new_id("group", now), environment.workspace_id, environment.id, EVERYONE, True, Source.MANUAL, now),
    )
