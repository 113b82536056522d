"""What a connection asks for and puts up with: its requests, responses that nobody asked for, and AES-CBC."""

from __future__ import annotations

from vestibule.directory.admins import Permission
from vestibule.directory.authn_requests import TypedOptions, judge_options
from vestibule.directory.connections import Connection, IdpInitiated
from vestibule.flows.parts.callers import AdminCaller
from vestibule.flows.parts.connecting import found_connection, record_connection
from vestibule.flows.parts.runtime import Runtime
from vestibule.kernel.errors import Conflict, FieldError, Invalid
from vestibule.kernel.text import N_
from vestibule.storage import connection_people, connections


class LinksWouldNotFit(Conflict):
    """Another NameID format makes the `linked` people of a connection look new. To be confirmed, not refused."""

    code = "links_would_not_fit"

    def __init__(self, linked: int) -> None:
        super().__init__(f"{linked} people are linked")
        self.linked = linked


def change_requests(
    runtime: Runtime, caller: AdminCaller, connection_id: str, typed: TypedOptions, confirmed_format: str | None = None
) -> Connection:
    """Save what our requests ask the IdP for.

    Raises Invalid field by field, NotFound, Forbidden; LinksWouldNotFit where people are linked and the NameID format is
    about to become another one than `confirmed_format`.
    """
    caller.require(Permission.MANAGE_AUTHENTICATION)
    asking = judge_options(typed)
    with runtime.database.transaction() as tx:
        connection = found_connection(tx, caller, connection_id)
        if connection.asking.name_id_format != asking.name_id_format and confirmed_format != typed.name_id_format:
            linked = connection_people.ties(tx, caller.workspace_id, connection.id, runtime.clock()).links
            if linked:
                raise LinksWouldNotFit(linked)
        if connection.asking != asking:
            connections.set_asking(tx, caller.workspace_id, connection.id, asking)
            record_connection(
                tx,
                runtime,
                caller,
                "requests_changed",
                connection,
                force_authn=asking.force_authn,
                name_id_format=asking.name_id_format,
                allow_create=asking.allow_create,
                comparison=asking.comparison.value,
                context_classes=list(asking.context_classes),
            )
    return connection


def change_idp_initiated(runtime: Runtime, caller: AdminCaller, connection_id: str, mode: str) -> Connection:
    """Save what happens to a response that nobody asked for. Raises Invalid, NotFound, Forbidden."""
    caller.require(Permission.MANAGE_AUTHENTICATION)
    if mode not in {one.value for one in IdpInitiated}:
        raise Invalid(
            FieldError("idp_initiated", N_("Choose what happens when a sign-in starts at the identity provider."))
        )
    chosen = IdpInitiated(mode)
    with runtime.database.transaction() as tx:
        connection = found_connection(tx, caller, connection_id)
        if connection.idp_initiated is not chosen:
            connections.set_idp_initiated(tx, caller.workspace_id, connection.id, chosen)
            before = connection.idp_initiated.value
            record_connection(tx, runtime, caller, "idp_initiated_changed", connection, mode=mode, mode_before=before)
    return connection


def allow_cbc(runtime: Runtime, caller: AdminCaller, connection_id: str, *, allow: bool) -> Connection:
    """Open what is encrypted with AES-CBC under a signature, or refuse it. Raises NotFound, Forbidden."""
    caller.require(Permission.MANAGE_AUTHENTICATION)
    with runtime.database.transaction() as tx:
        connection = found_connection(tx, caller, connection_id)
        if connection.allow_cbc is not allow:
            connections.set_allow_cbc(tx, caller.workspace_id, connection.id, allow_cbc=allow)
            record_connection(tx, runtime, caller, "cbc_allowed" if allow else "cbc_refused", connection)
    return connection


def refuse_expired(runtime: Runtime, caller: AdminCaller, connection_id: str, *, refuse: bool) -> Connection:
    """Refuse signatures whose certificate has ended, or take them as before. Raises NotFound, Forbidden."""
    caller.require(Permission.MANAGE_AUTHENTICATION)
    with runtime.database.transaction() as tx:
        connection = found_connection(tx, caller, connection_id)
        if connection.refuse_expired is not refuse:
            connections.set_refuse_expired(tx, caller.workspace_id, connection.id, refuse_expired=refuse)
            record_connection(tx, runtime, caller, "expired_refused" if refuse else "expired_taken", connection)
    return connection
