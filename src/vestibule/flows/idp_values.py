"""The values of an IdP: shown as understood, saved for every environment that uses it, read again from its metadata URL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from vestibule.directory.activity import Event, Subject
from vestibule.directory.admins import Permission
from vestibule.directory.connections import Connection, IdentityProvider, IdpValues
from vestibule.directory.rollover import values_of
from vestibule.directory.vendors import GENERIC, VENDORS, vendor_for
from vestibule.directory.workspaces import Environment
from vestibule.flows.parts.callers import AdminCaller
from vestibule.flows.parts.connecting import environment_of, found_connection, found_idp, record_connection
from vestibule.flows.parts.recording import record
from vestibule.flows.parts.rereading import Reread, reread
from vestibule.flows.parts.runtime import Runtime
from vestibule.flows.parts.still_allowed import require_still
from vestibule.flows.parts.throttling import FETCH_PER_WORKSPACE, count_attempt
from vestibule.flows.parts.understanding import TypedIdp, understand, version_of
from vestibule.kernel.errors import Conflict, FieldError, Invalid, Throttled
from vestibule.kernel.text import N_
from vestibule.saml.certificates import fingerprint_of
from vestibule.storage import connections, identity_providers, metadata_readings, workspaces
from vestibule.storage.database import Transaction

_CHANGED_MEANWHILE: Final = N_(
    "These values were changed since you opened this page. Look at them in another tab first: saving again replaces what was changed."
)


@dataclass(frozen=True, slots=True)
class SetUpFacts:
    """A connection whose IdP is being connected, and the other environments for which its values count as well."""

    connection: Connection
    environment: Environment
    shared_with: tuple[Environment, ...]


class EntityIdKnown(FieldError):
    """Another IdP of the workspace has this entity ID. `reusable` is that one, unless the environment uses it already."""

    def __init__(self, idp: IdentityProvider, *, used_here: bool) -> None:
        elsewhere = N_(
            "The identity provider “%(name)s” of this workspace has this entity ID already. "
            "Reuse that one, or say that this is another app there."
        )
        here = N_(
            "The connection “%(name)s” of this environment has this entity ID already. "
            "Say that this is another app there, or check what you brought."
        )
        super().__init__("keep_apart", here if used_here else elsewhere, name=idp.name)
        self.reusable = None if used_here else idp


class ReadingNotPossible(Conflict):
    """There is no metadata URL to read, or no longer the one that was read."""

    code = "no_metadata_url"
    public = N_("This identity provider has no metadata URL to read again.")


class IdpInUse(Conflict):
    """A connection uses the IdP."""

    code = "idp_in_use"
    public = N_("This identity provider is in use. Delete its connections first.")


def get_set_up(runtime: Runtime, caller: AdminCaller, connection_id: str) -> SetUpFacts:
    """Return the connection whose IdP's values are to be entered or replaced. Raises NotFound, Forbidden."""
    caller.require(Permission.MANAGE_AUTHENTICATION)
    with runtime.database.reading() as tx:
        connection = found_connection(tx, caller, connection_id)
        every = connections.list_connections(tx, caller.workspace_id)
        others = {one.environment_id for one in every if one.idp.id == connection.idp.id and one.id != connection.id}
        shared = tuple(one for one in workspaces.list_environments(tx, caller.workspace_id) if one.id in others)
        return SetUpFacts(connection, environment_of(tx, connection), shared)


def understand_idp(
    runtime: Runtime, caller: AdminCaller, typed: TypedIdp, in_use: IdentityProvider | None = None
) -> IdpValues:
    """Return what an admin's input says of the IdP; nothing is saved. Raises Invalid field by field, Forbidden.

    Single values keep of the IdP `in_use` what they have no field for.
    """
    caller.require(Permission.MANAGE_AUTHENTICATION)
    return understand(runtime, caller.workspace_id, typed, in_use)


def refuse_known_entity_id(
    runtime: Runtime, caller: AdminCaller, connection_id: str, values: IdpValues, *, keep_apart: bool
) -> None:
    """Refuse now what `save_idp_values` would refuse of these values. Raises Invalid with EntityIdKnown, NotFound, Forbidden."""
    caller.require(Permission.MANAGE_AUTHENTICATION)
    with runtime.database.reading() as tx:
        _refuse_known(tx, found_connection(tx, caller, connection_id), values, keep_apart=keep_apart)


def save_idp_values(
    runtime: Runtime,
    caller: AdminCaller,
    connection_id: str,
    values: IdpValues,
    *,
    vendor: str = "",
    keep_apart: bool = False,
    began_with: str = "",
) -> Connection:
    """Save values that `understand_idp` returned as those of a connection's IdP, for every environment that uses it.

    `keep_apart` says that this is another app of an IdP that the workspace knows: Entra ID gives all apps of a tenant
    one entity ID, and each its own certificate. Nothing is saved where the values in use are no longer the version that the
    form `began_with`. Raises Invalid, also with EntityIdKnown, NotFound, Forbidden.
    """
    caller.require(Permission.MANAGE_AUTHENTICATION)
    with runtime.database.transaction() as tx:
        # Two admins who connect one IdP under two names must take turns, or neither would be told.
        workspaces.lock_workspace(tx, caller.workspace_id)
        require_still(tx, caller, Permission.MANAGE_AUTHENTICATION)
        connection = found_connection(tx, caller, connection_id)
        if began_with not in {"", version_of(connection.idp)}:
            raise Invalid(FieldError("began_with", _CHANGED_MEANWHILE))
        _refuse_known(tx, connection, values, keep_apart=keep_apart)
        _save(tx, runtime, caller, connection, values)
        wanted = _vendor(connection.idp, vendor, values)
        if wanted != connection.idp.vendor:
            identity_providers.rename_idp(tx, caller.workspace_id, connection.idp.id, connection.idp.name, wanted)
        return found_connection(tx, caller, connection_id)


def read_metadata_again(runtime: Runtime, caller: AdminCaller, connection_id: str) -> tuple[Connection, Reread]:
    """Fetch the IdP's metadata again; what changed is applied, or waits to be looked at.

    Raises ReadingNotPossible, Invalid (field `metadata_url`), NotFound, Forbidden.
    """
    caller.require(Permission.MANAGE_AUTHENTICATION)
    with runtime.database.reading() as tx:
        connection = found_connection(tx, caller, connection_id)
    if connection.idp.metadata_url is None:
        raise ReadingNotPossible(connection.idp.id)
    try:
        count_attempt(runtime, (FETCH_PER_WORKSPACE, caller.workspace_id))
    except Throttled as error:
        raise Invalid(FieldError("metadata_url", error.public, **error.params)) from error
    outcome = reread(
        runtime,
        connection.idp,
        caller.actor,
        require=lambda tx: require_still(tx, caller, Permission.MANAGE_AUTHENTICATION),
    )
    if outcome is Reread.REPLACED:
        raise ReadingNotPossible("the values were replaced while the metadata was fetched")
    return connection, outcome


def get_idp(runtime: Runtime, caller: AdminCaller, idp_id: str) -> IdentityProvider:
    """Return an IdP of the workspace. Raises NotFound, Forbidden."""
    caller.require(Permission.READ)
    with runtime.database.reading() as tx:
        return found_idp(tx, caller, idp_id)


def delete_idp(runtime: Runtime, caller: AdminCaller, idp_id: str) -> IdentityProvider:
    """Delete an IdP that no environment uses. Raises IdpInUse, NotFound, Forbidden."""
    caller.require(Permission.MANAGE_AUTHENTICATION)
    with runtime.database.transaction() as tx:
        idp = found_idp(tx, caller, idp_id)
        if not identity_providers.delete_unused_idp(tx, caller.workspace_id, idp.id):
            raise IdpInUse(idp.id)
        event = Event("identity_provider.deleted", Subject("identity_provider", idp.id, idp.name))
        record(tx, runtime, caller.workspace_id, caller.actor, event)
    return idp


def _refuse_known(tx: Transaction, connection: Connection, values: IdpValues, *, keep_apart: bool) -> None:
    workspace_id = connection.workspace_id
    known = identity_providers.find_idp_by_entity_id(tx, workspace_id, values.entity_id, connection.idp.id)
    if known is not None and not keep_apart:
        here = connections.list_connections(tx, workspace_id, connection.environment_id)
        raise Invalid(EntityIdKnown(known, used_here=any(one.idp.id == known.id for one in here)))


def _save(tx: Transaction, runtime: Runtime, caller: AdminCaller, connection: Connection, values: IdpValues) -> None:
    before = values_of(connection.idp)
    read_at = runtime.clock() if values.metadata_url else None
    identity_providers.update_idp_values(tx, connection.idp, values, read_at)
    metadata_readings.forget_change(tx, caller.workspace_id, connection.idp.id)
    old, new = ({one.fingerprint for one in each.certificates} if each else set() for each in (before, values))
    record_connection(
        tx,
        runtime,
        caller,
        "idp_values_saved",
        connection,
        entity_id=values.entity_id,
        sso_urls=sorted(_urls(values)),
        metadata_url=values.metadata_url,
        metadata_signed_by=fingerprint_of(values.metadata_certificate) if values.metadata_certificate else None,
        certificates_added=sorted(new - old),
        certificates_removed=sorted(old - new),
    )


def _urls(values: IdpValues | None) -> set[str]:
    return {url for url in (values.sso_redirect_url, values.sso_post_url) if url} if values else set()


def _vendor(idp: IdentityProvider, chosen: str, values: IdpValues) -> str:
    if chosen in VENDORS and chosen != GENERIC.key:
        return chosen
    guessed = vendor_for(values.entity_id, values.sso_redirect_url or values.sso_post_url)
    return guessed if idp.vendor == GENERIC.key else idp.vendor
