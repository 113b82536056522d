"""Setting up a connection: a new provider's first step, and reusing an IdP of the workspace in another environment."""

from __future__ import annotations

from dataclasses import dataclass, replace

from vestibule.directory.admins import Permission
from vestibule.directory.connections import Connection, ConnectionStatus, IdentityProvider, IdpInitiated
from vestibule.directory.workspaces import Environment
from vestibule.flows.parts.callers import AdminCaller
from vestibule.flows.parts.connecting import (
    ConnectionChoice,
    TypedConnection,
    clashes,
    found_connection,
    found_environment,
    found_idp,
    judge,
    record_connection,
    taken_meanwhile,
)
from vestibule.flows.parts.runtime import Runtime
from vestibule.kernel.errors import AlreadyTaken, Conflict, Invalid
from vestibule.kernel.ids import new_id
from vestibule.kernel.text import N_
from vestibule.storage import connections, identity_providers, workspaces
from vestibule.storage.database import Transaction


class ReusedAlready(Conflict):
    """The environment uses this IdP already."""

    code = "reused_already"
    public = N_("This environment uses this identity provider already.")


class NotReusable(Conflict):
    """The IdP's own set-up was not finished."""

    code = "not_reusable"
    public = N_("The set-up of this identity provider was not finished. Finish it first, then use it here.")


class NotADraft(Conflict):
    """The connection has values of its own by now."""

    code = "not_a_draft"
    public = N_("This connection was set up in the meantime.")


@dataclass(frozen=True, slots=True)
class ReuseOffer:
    """What the page for reusing an IdP starts from: `example` is a connection of it elsewhere, whose domains are proposed."""

    environment: Environment
    idp: IdentityProvider
    example: Connection | None


def get_environment(runtime: Runtime, caller: AdminCaller, environment_key: str) -> Environment:
    """Return the environment that a new provider is for. Raises NotFound, Forbidden."""
    caller.require(Permission.MANAGE_AUTHENTICATION)
    with runtime.database.reading() as tx:
        return found_environment(tx, caller, environment_key)


def begin_set_up(runtime: Runtime, caller: AdminCaller, environment_key: str, typed: TypedConnection) -> Connection:
    """Save a new provider's name and domains as a draft that claims the domains and enforces nothing.

    Raises Invalid for a name or a domain that is not one, or is taken; NotFound, Forbidden.
    """
    caller.require(Permission.MANAGE_AUTHENTICATION)
    now = runtime.clock()
    with runtime.database.reading() as tx:
        environment = found_environment(tx, caller, environment_key)
    choice = judge(typed)
    idp = IdentityProvider(
        id=new_id("identity_provider", now),
        workspace_id=caller.workspace_id,
        name=choice.name,
        vendor=choice.vendor,
        entity_id=None,
        sso_redirect_url=None,
        sso_post_url=None,
        metadata_url=None,
        metadata_read_at=None,
        wants_signed_requests=False,
        certificates=(),
        created_at=now,
    )
    try:
        with runtime.database.transaction() as tx:
            _refuse_clashes(tx, environment, choice)
            identity_providers.insert_idp(tx, idp)
            return _connect(tx, runtime, caller, environment, idp, choice)
    except AlreadyTaken as error:
        raise taken_meanwhile(runtime, environment, choice) from error


def offer_reuse(runtime: Runtime, caller: AdminCaller, environment_key: str, idp_id: str) -> ReuseOffer:
    """Return what is known for using an IdP of the workspace in another environment.

    Raises ReusedAlready, NotReusable, NotFound, Forbidden.
    """
    caller.require(Permission.MANAGE_AUTHENTICATION)
    with runtime.database.reading() as tx:
        return _offer(tx, caller, environment_key, idp_id)


def reuse_idp(
    runtime: Runtime, caller: AdminCaller, environment_key: str, idp_id: str, enforce: str, domains: str
) -> Connection:
    """Use an IdP of the workspace in another environment: a second connection, with addresses and domains of its own.

    Raises Invalid, ReusedAlready, NotReusable, NotFound, Forbidden.
    """
    caller.require(Permission.MANAGE_AUTHENTICATION)
    with runtime.database.reading() as tx:
        offer = _offer(tx, caller, environment_key, idp_id)
    choice = judge(TypedConnection(offer.idp.name, offer.idp.vendor, enforce, domains))
    try:
        with runtime.database.transaction() as tx:
            offer = _offer(tx, caller, environment_key, idp_id)
            choice = replace(choice, name=offer.idp.name)
            _refuse_clashes(tx, offer.environment, choice, idp_id=offer.idp.id)
            return _connect(tx, runtime, caller, offer.environment, offer.idp, choice)
    except AlreadyTaken as error:
        with runtime.database.reading() as tx:
            _offer(tx, caller, environment_key, idp_id)
        raise taken_meanwhile(runtime, offer.environment, choice, idp_id=offer.idp.id) from error


def adopt_idp(runtime: Runtime, caller: AdminCaller, connection_id: str, idp_id: str) -> Connection:
    """Let a draft use an IdP that the workspace knows already, in place of the one that was begun, which goes.

    Raises NotADraft, ReusedAlready, NotReusable, NotFound, Forbidden.
    """
    caller.require(Permission.MANAGE_AUTHENTICATION)
    try:
        with runtime.database.transaction() as tx:
            # Its values may be saved at this instant, after which it is no draft any more.
            workspaces.lock_workspace(tx, caller.workspace_id)
            connection = found_connection(tx, caller, connection_id)
            idp = found_idp(tx, caller, idp_id)
            if connection.status is not ConnectionStatus.DRAFT:
                raise NotADraft(connection.id)
            if not idp.complete:
                raise NotReusable(idp.id)
            connections.update_connection(tx, caller.workspace_id, connection.id, idp_id=idp.id)
            identity_providers.delete_unused_idp(tx, caller.workspace_id, connection.idp.id)
            adopted = found_connection(tx, caller, connection_id)
            record_connection(tx, runtime, caller, "idp_adopted", adopted, idp=idp.id, draft_of=connection.idp.name)
            return adopted
    except AlreadyTaken as error:
        raise ReusedAlready(f"{idp_id} for {connection_id}") from error


def _offer(tx: Transaction, caller: AdminCaller, environment_key: str, idp_id: str) -> ReuseOffer:
    environment = found_environment(tx, caller, environment_key)
    idp = found_idp(tx, caller, idp_id)
    every = [one for one in connections.list_connections(tx, caller.workspace_id) if one.idp.id == idp.id]
    if any(one.environment_id == environment.id for one in every):
        raise ReusedAlready(f"{idp.id} in {environment.key}")
    if not idp.complete:
        raise NotReusable(idp.id)
    return ReuseOffer(environment, idp, every[0] if every else None)


def _refuse_clashes(tx: Transaction, environment: Environment, choice: ConnectionChoice, idp_id: str = "") -> None:
    errors = clashes(tx, environment, choice, idp_id=idp_id)
    if errors:
        raise Invalid(*errors)


def _connect(
    tx: Transaction,
    runtime: Runtime,
    caller: AdminCaller,
    environment: Environment,
    idp: IdentityProvider,
    choice: ConnectionChoice,
) -> Connection:
    now = runtime.clock()
    connection = Connection(
        id=new_id("connection", now),
        workspace_id=caller.workspace_id,
        environment_id=environment.id,
        idp=idp,
        all_domains=choice.all_domains,
        domains=choice.domains,
        provisioning=None,
        disabled=False,
        idp_initiated=IdpInitiated.CONVERT,
        sign_requests=False,
        created_at=now,
    )
    connections.insert_connection(tx, connection)
    record_connection(tx, runtime, caller, "added", connection, idp=idp.id, domains=_domains_of(choice))
    return connection


def _domains_of(choice: ConnectionChoice) -> list[str] | str:
    return "all" if choice.all_domains else list(choice.domains)
