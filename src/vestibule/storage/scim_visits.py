"""A directory that asks for one of its users: who calls, the user, and the groups that they are in, on PostgreSQL in one round trip."""

from __future__ import annotations

from collections.abc import Sequence

from vestibule.directory.pushed import PushedMember, PushedUser
from vestibule.directory.scim import Caller
from vestibule.storage.database import Transaction
from vestibule.storage.prepared import rows_together
from vestibule.storage.scim_directories import CALLER, to_caller
from vestibule.storage.scim_members import GROUPS_OF_ONE, to_group_reference
from vestibule.storage.scim_users import FIND, to_pushed_user


def find_caller_and_user(
    tx: Transaction, connection_id: str, token_hash: str, scim_user_id: str
) -> tuple[Caller | None, PushedUser | None, Sequence[PushedMember]]:
    """Return who calls with a token of a connection, expired or not, and a user of that connection with their groups.

    All three values are untrusted; what is found of the user is for that caller only.
    """
    callers, users, groups = rows_together(
        tx,
        (CALLER, {"connection_id": connection_id, "token_hash": token_hash}),
        (FIND, {"connection_id": connection_id, "scim_user_id": scim_user_id}),
        (GROUPS_OF_ONE, {"whose": scim_user_id}),
    )
    if not callers:
        return None, None, ()
    if not users:
        return to_caller(callers[0]), None, ()
    return to_caller(callers[0]), to_pushed_user(users[0]), tuple(to_group_reference(row) for row in groups)
