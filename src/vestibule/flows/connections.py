"""One connection: its page, its name and domains, its provisioning, switching it off and on, deleting it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from vestibule.directory.admins import Permission
from vestibule.directory.connections import Connection, ConnectionStatus, Provisioning
from vestibule.directory.impact import Enforcement, Move, Ties, moves
from vestibule.directory.workspaces import Environment
from vestibule.flows.parts.callers import AdminCaller
from vestibule.flows.parts.connecting import (
    ConnectionChoice,
    TypedConnection,
    clashes,
    enforcement_of,
    environment_of,
    found_connection,
    judge,
    record_connection,
    taken_meanwhile,
)
from vestibule.flows.parts.runtime import Runtime
from vestibule.kernel.errors import AlreadyTaken, Conflict, FieldError, Invalid, NotFound
from vestibule.kernel.text import N_
from vestibule.storage import connection_people, connections, grants, identity_providers, scim_directories, workspaces
from vestibule.storage.database import Transaction


@dataclass(frozen=True, slots=True)
class ConnectionFacts:
    """What the page of a connection shows. `shared_with` are the other environments that use its IdP."""

    connection: Connection
    environment: Environment
    shared_with: tuple[Environment, ...]
    ties: Ties


@dataclass(frozen=True, slots=True)
class ChangePreview:
    """What a change of a connection would do to whom, and what would end."""

    connection: Connection
    environment: Environment
    moves: tuple[Move, ...]
    ties: Ties

    @property
    def concerns_somebody(self) -> bool:
        """Say whether anybody signs in another way afterwards."""
        return any(move.changes for move in self.moves)


class NotConnectedYet(Conflict):
    """The IdP's values are missing."""

    code = "not_connected_yet"
    public = N_("Connect the identity provider first: its values are not here yet.")


def get_connection(runtime: Runtime, caller: AdminCaller, connection_id: str) -> ConnectionFacts:
    """Return a connection of the workspace. Raises NotFound, Forbidden."""
    caller.require(Permission.READ)
    with runtime.database.reading() as tx:
        connection = found_connection(tx, caller, connection_id)
        every = connections.list_connections(tx, caller.workspace_id, with_last_sign_in=True)
        connection = next((one for one in every if one.id == connection.id), connection)
        others = {one.environment_id for one in every if one.idp.id == connection.idp.id and one.id != connection.id}
        shared = tuple(one for one in workspaces.list_environments(tx, caller.workspace_id) if one.id in others)
        ties = connection_people.ties(tx, caller.workspace_id, connection.id, runtime.clock())
        return ConnectionFacts(connection, environment_of(tx, connection), shared, ties)


def preview_change(
    runtime: Runtime,
    caller: AdminCaller,
    connection_id: str,
    typed: TypedConnection,
    shown: TypedConnection | None = None,
) -> ChangePreview:
    """Return what other domains would do to whom; `shown` as for `change_connection`. Raises Invalid, NotFound, Forbidden."""
    caller.require(Permission.MANAGE_AUTHENTICATION)
    judged = judge(typed)
    with runtime.database.reading() as tx:
        connection = found_connection(tx, caller, connection_id)
        choice = _edited(connection, judged, typed, shown)
        environment = environment_of(tx, connection)
        errors = clashes(tx, environment, choice, connection_id=connection.id, idp_id=connection.idp.id)
        if errors:
            raise Invalid(*errors)
        changed = replace(connection, all_domains=choice.all_domains, domains=choice.domains)
        return _preview(tx, runtime, connection, lambda now: now.having(changed))


def change_connection(
    runtime: Runtime,
    caller: AdminCaller,
    connection_id: str,
    typed: TypedConnection,
    shown: TypedConnection | None = None,
) -> Connection:
    """Change the IdP's name and vendor, which count for all its connections, and this one's domains.

    What is typed as it was `shown` stays as it is by now: another admin may have changed it.
    Raises Invalid for a name or a domain that is not one, or is taken; NotFound, Forbidden.
    """
    caller.require(Permission.MANAGE_AUTHENTICATION)
    choice = judged = judge(typed)
    with runtime.database.reading() as tx:
        environment = environment_of(tx, found_connection(tx, caller, connection_id))
    idp_id = ""
    try:
        with runtime.database.transaction() as tx:
            before = found_connection(tx, caller, connection_id)
            idp_id = before.idp.id
            choice = _edited(before, judged, typed, shown)
            errors = clashes(tx, environment, choice, connection_id=before.id, idp_id=idp_id)
            if errors:
                raise Invalid(*errors)
            _apply(tx, runtime, caller, before, choice)
            return found_connection(tx, caller, connection_id)
    except AlreadyTaken as error:
        raise taken_meanwhile(runtime, environment, choice, connection_id=connection_id, idp_id=idp_id) from error


def preview_activation(runtime: Runtime, caller: AdminCaller, connection_id: str) -> ChangePreview:
    """Return whom a connection would concern once its provisioning is saved, or once it is enabled again. Raises NotFound, Forbidden."""
    caller.require(Permission.READ)
    with runtime.database.reading() as tx:
        connection = found_connection(tx, caller, connection_id)
        provisioning = connection.provisioning or Provisioning.MANUAL
        active = replace(connection, provisioning=provisioning, disabled=False)
        return _preview(tx, runtime, connection, lambda now: now.having(active))


def choose_provisioning(runtime: Runtime, caller: AdminCaller, connection_id: str, mode: str) -> Connection:
    """Save how people of a connection get an account; from then on it is active.

    Raises Invalid for a mode that this release does not have; NotConnectedYet, NotFound, Forbidden.
    """
    caller.require(Permission.MANAGE_AUTHENTICATION)
    provisioning = _provisioning(mode)
    with runtime.database.transaction() as tx:
        connection = found_connection(tx, caller, connection_id)
        if connection.status is ConnectionStatus.DRAFT:
            raise NotConnectedYet(connection.id)
        if connection.provisioning is not provisioning:
            connections.set_provisioning(tx, caller.workspace_id, connection.id, provisioning)
            if provisioning is Provisioning.SCIM:
                scim_directories.open_directory(tx, caller.workspace_id, connection.id, runtime.clock())
            record_connection(tx, runtime, caller, "provisioning_saved", connection, mode=provisioning.value)
        return found_connection(tx, caller, connection_id)


def set_logs_out_at_idp(runtime: Runtime, caller: AdminCaller, connection_id: str, *, logs_out: bool) -> Connection:
    """Save whether signing out here also signs out at the IdP, where that takes logout requests. Raises NotFound, Forbidden."""
    caller.require(Permission.MANAGE_AUTHENTICATION)
    with runtime.database.transaction() as tx:
        connection = found_connection(tx, caller, connection_id)
        if connection.logs_out_at_idp is not logs_out:
            connections.update_connection(tx, caller.workspace_id, connection.id, logs_out_at_idp=logs_out)
            record_connection(tx, runtime, caller, "logout_changed", connection, logs_out_at_idp=logs_out)
    return connection


def set_sign_requests(runtime: Runtime, caller: AdminCaller, connection_id: str, *, sign: bool) -> Connection:
    """Sign the requests of a connection always, or only where the IdP asks for it. Raises NotFound, Forbidden."""
    caller.require(Permission.MANAGE_AUTHENTICATION)
    with runtime.database.transaction() as tx:
        connection = found_connection(tx, caller, connection_id)
        if connection.sign_requests is not sign:
            connections.set_sign_requests(tx, caller.workspace_id, connection.id, sign_requests=sign)
            record_connection(tx, runtime, caller, "request_signing_changed", connection, sign_requests=sign)
    return connection


def preview_removal(runtime: Runtime, caller: AdminCaller, connection_id: str) -> ChangePreview:
    """Return what disabling or deleting a connection would do to whom. Raises NotFound, Forbidden."""
    caller.require(Permission.MANAGE_AUTHENTICATION)
    with runtime.database.reading() as tx:
        connection = found_connection(tx, caller, connection_id)
        return _preview(tx, runtime, connection, lambda now: now.without(connection.id))


def set_disabled(runtime: Runtime, caller: AdminCaller, connection_id: str, *, disabled: bool) -> Connection:
    """Disable a connection, which ends its sessions and grants at once, or enable it again. Raises NotFound, Forbidden.

    Enabling ends them, too: one that began at the very instant of disabling counted for nothing since, and stays worthless.
    """
    caller.require(Permission.MANAGE_AUTHENTICATION)
    with runtime.database.transaction() as tx:
        connection = found_connection(tx, caller, connection_id)
        if connection.disabled is not disabled:
            connections.set_disabled(tx, caller.workspace_id, connection.id, disabled=disabled)
            ended = _end(tx, connection)
            record_connection(tx, runtime, caller, "disabled" if disabled else "enabled", connection, **ended)
    return connection


def delete_connection(runtime: Runtime, caller: AdminCaller, connection_id: str) -> Connection:
    """Delete a connection with its links; its sessions and grants end at once. A complete IdP stays in the workspace, to be reused.

    Raises NotFound, Forbidden.
    """
    caller.require(Permission.MANAGE_AUTHENTICATION)
    with runtime.database.transaction() as tx:
        connection = found_connection(tx, caller, connection_id)
        ended = _end(tx, connection)
        if not connections.delete_connection(tx, caller.workspace_id, connection.id):
            raise NotFound(f"connection {connection.id}, deleted at this very moment")
        if not connection.idp.complete:
            identity_providers.delete_unused_idp(tx, caller.workspace_id, connection.idp.id)
        record_connection(tx, runtime, caller, "deleted", connection, **ended)
    return connection


def _edited(
    connection: Connection, judged: ConnectionChoice, typed: TypedConnection, shown: TypedConnection | None
) -> ConnectionChoice:
    if shown is None:
        return judged
    same_reach = (typed.enforce, typed.domains) == (shown.enforce, shown.domains)
    return ConnectionChoice(
        name=connection.idp.name if typed.name == shown.name else judged.name,
        vendor=connection.idp.vendor if typed.vendor == shown.vendor else judged.vendor,
        all_domains=connection.all_domains if same_reach else judged.all_domains,
        domains=connection.domains if same_reach else judged.domains,
    )


def _end(tx: Transaction, connection: Connection) -> dict[str, int]:
    """End what began through a connection: sessions, and what apps were granted in them or for longer; return how many."""
    return {
        "sessions_ended": connections.end_sessions(tx, connection.workspace_id, connection.id),
        "grants_ended": grants.delete_lasting_grants_by(tx, connection.environment_id, connection.id),
    }


def _apply(
    tx: Transaction, runtime: Runtime, caller: AdminCaller, before: Connection, choice: ConnectionChoice
) -> None:
    if (choice.name, choice.vendor) != (before.idp.name, before.idp.vendor):
        identity_providers.rename_idp(tx, caller.workspace_id, before.idp.id, choice.name, choice.vendor)
    if (choice.all_domains, set(choice.domains)) != (before.all_domains, set(before.domains)):
        connections.replace_domains(tx, before, choice.domains, all_domains=choice.all_domains)
    record_connection(
        tx,
        runtime,
        caller,
        "changed",
        before,
        name=choice.name,
        domains="all" if choice.all_domains else list(choice.domains),
        domains_before="all" if before.all_domains else list(before.domains),
    )


def _provisioning(mode: str) -> Provisioning:
    if mode in {one.value for one in Provisioning}:
        return Provisioning(mode)
    raise Invalid(FieldError("mode", N_("Choose how people get an account.")))


def _preview(
    tx: Transaction, runtime: Runtime, connection: Connection, change: Callable[[Enforcement], Enforcement]
) -> ChangePreview:
    environment = environment_of(tx, connection)
    now = enforcement_of(tx, environment)
    after = change(now)
    found = connection_people.populations(tx, connection.workspace_id, environment.id)
    ties = connection_people.ties(tx, connection.workspace_id, connection.id, runtime.clock())
    return ChangePreview(connection, environment, moves(found, now, after), ties)
