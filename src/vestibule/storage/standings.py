"""How a person stands in an environment: what the question of who may enter is decided by."""

from __future__ import annotations

from vestibule.directory.entry import Standing
from vestibule.directory.workspaces import Environment
from vestibule.storage import access, end_users
from vestibule.storage.database import Transaction


def find_standing(tx: Transaction, environment: Environment, end_user_id: str) -> Standing | None:
    """Return how a person of the environment's workspace stands there, or None for nobody. Three statements."""
    person = end_users.find_end_user(tx, environment.workspace_id, end_user_id)
    if person is None:
        return None
    places = {one.environment_id for one in access.access_of(tx, environment.workspace_id, end_user_id)}
    members = access.memberships_of(tx, environment.workspace_id, end_user_id, environment.id)
    return Standing(person, environment, environment.id in places, frozenset(one.group_id for one in members))
