"""Looking at an admin again: for acts that wait for another server before they write."""

from __future__ import annotations

from vestibule.directory.admins import Permission
from vestibule.flows.parts.callers import AdminCaller
from vestibule.kernel.errors import Forbidden
from vestibule.storage import admins
from vestibule.storage.database import Transaction


def require_still(tx: Transaction, caller: AdminCaller, permission: Permission) -> None:
    """Raise Forbidden unless the admin is there still, and their role allows it still.

    The transaction has locked the workspace, as those have that remove an admin or change a role: nobody does meanwhile.
    """
    admin = admins.find_admin(tx, caller.workspace_id, caller.admin.id)
    if admin is None or not admin.may(permission):
        raise Forbidden(f"{caller.admin.id} was removed, or has another role by now")
