"""How an IdP's metadata is followed: by itself or after approval, and what an admin says to a change that was found."""

from __future__ import annotations

from dataclasses import dataclass

from vestibule.directory.admins import Permission
from vestibule.directory.connections import Connection, IdentityProvider
from vestibule.directory.rollover import FoundChange, Reading, ValuesDifference, difference_of, values_of
from vestibule.flows.parts.callers import AdminCaller
from vestibule.flows.parts.connecting import found_connection
from vestibule.flows.parts.rereading import note, save_values
from vestibule.flows.parts.runtime import Runtime
from vestibule.kernel.errors import Conflict
from vestibule.kernel.text import N_
from vestibule.saml.certificates import Certificate, parse_certificate
from vestibule.storage import metadata_readings, workspaces
from vestibule.storage.database import Transaction


@dataclass(frozen=True, slots=True)
class Following:
    """How the metadata of a connection's IdP is followed. `found` and `difference` are there while a change waits.

    `signed_by` is the certificate that is pinned for the metadata.
    """

    reading: Reading
    found: FoundChange | None
    difference: ValuesDifference | None
    signed_by: Certificate | None


class ChangeSuperseded(Conflict):
    """The change that was looked at is not what the metadata says by now, or was decided already."""

    code = "change_superseded"
    public = N_("The metadata says something else by now, or somebody decided already. Look at it again.")


def get_following(runtime: Runtime, caller: AdminCaller, idp: IdentityProvider) -> Following:
    """Return how an IdP's metadata is followed, and the change that waits. Raises Forbidden."""
    caller.require(Permission.READ)
    with runtime.database.reading() as tx:
        reading = metadata_readings.find_reading(tx, caller.workspace_id, idp.id)
        found = metadata_readings.find_change(tx, caller.workspace_id, idp.id)
    signed_by = parse_certificate(idp.metadata_certificate) if idp.metadata_certificate else None
    before = values_of(idp)
    if found is None or found.dismissed or before is None:
        return Following(reading, None, None, signed_by)
    return Following(reading, found, difference_of(before, found.values), signed_by)


def set_applies_changes(runtime: Runtime, caller: AdminCaller, connection_id: str, *, applies: bool) -> Connection:
    """Apply changes of the metadata by themselves, or after approval: for every environment that uses the IdP.

    Raises NotFound, Forbidden.
    """
    caller.require(Permission.MANAGE_AUTHENTICATION)
    with runtime.database.transaction() as tx:
        connection = found_connection(tx, caller, connection_id)
        idp = connection.idp
        before = metadata_readings.find_reading(tx, caller.workspace_id, idp.id)
        if before.applies_changes is not applies:
            now = runtime.clock()
            metadata_readings.save_reading(tx, caller.workspace_id, idp.id, now, applies_changes=applies)
            note(tx, runtime, caller.actor, idp, "metadata_following_changed", applies_changes=applies)
    return connection


def approve_change(runtime: Runtime, caller: AdminCaller, connection_id: str, digest: str) -> Connection:
    """Put a change that was found into use. `digest` (untrusted) names what the admin saw: nothing else is approved.

    Raises ChangeSuperseded, NotFound, Forbidden.
    """
    caller.require(Permission.MANAGE_AUTHENTICATION)
    with runtime.database.transaction() as tx:
        connection, found = _waiting(tx, caller, connection_id, digest)
        save_values(tx, runtime, caller.actor, connection.idp, found.values, action="metadata_approved")
    return connection


def dismiss_change(runtime: Runtime, caller: AdminCaller, connection_id: str, digest: str) -> Connection:
    """Keep the values as they are, until the metadata says something else again. Raises ChangeSuperseded, NotFound, Forbidden."""
    caller.require(Permission.MANAGE_AUTHENTICATION)
    with runtime.database.transaction() as tx:
        connection, found = _waiting(tx, caller, connection_id, digest)
        metadata_readings.dismiss_change(tx, caller.workspace_id, connection.idp.id, found.digest)
        note(tx, runtime, caller.actor, connection.idp, "metadata_dismissed")
    return connection


def _waiting(tx: Transaction, caller: AdminCaller, connection_id: str, digest: str) -> tuple[Connection, FoundChange]:
    workspaces.lock_workspace(tx, caller.workspace_id)
    connection = found_connection(tx, caller, connection_id)
    found = metadata_readings.find_change(tx, caller.workspace_id, connection.idp.id)
    if (
        found is None
        or found.dismissed
        or found.digest != digest
        or found.values.metadata_url != connection.idp.metadata_url
    ):
        raise ChangeSuperseded(connection.idp.id)
    return connection, found
