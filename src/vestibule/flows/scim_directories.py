"""The directory behind a connection, as admins see it: its tokens, last contact, what it sent, and its stop line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from vestibule.directory.admins import Permission
from vestibule.directory.connections import Connection, Provisioning
from vestibule.directory.scim import LET_THROUGH, MOST_TOKENS, Directory, ScimToken, base_url, parse_limit
from vestibule.directory.workspaces import validate_name
from vestibule.flows.parts.callers import AdminCaller
from vestibule.flows.parts.connecting import found_connection, record_connection
from vestibule.flows.parts.runtime import Runtime
from vestibule.flows.parts.token_lives import parse_life
from vestibule.kernel.errors import AlreadyTaken, Conflict, FieldError, Invalid, NotFound
from vestibule.kernel.ids import is_id, new_id
from vestibule.kernel.secrets import new_token, token_hash
from vestibule.kernel.text import N_, printable
from vestibule.storage import scim_directories as storage
from vestibule.storage.database import Transaction

# Secret scanners know a token by how it begins.
TOKEN_PREFIX: Final = "vscim_"  # noqa: S105 - the beginning that all tokens share


class NotScim(Conflict):
    """The connection's provisioning is another."""

    code = "not_scim"
    public = N_("Choose SCIM 2.0 in the Provisioning dialog of %(name)s first.")


@dataclass(frozen=True, slots=True)
class DirectoryFacts:
    """What the page of a connection shows of its directory."""

    directory: Directory
    base_url: str
    may_add_token: bool


@dataclass(frozen=True, slots=True)
class MadeToken:
    """A token that was just made: `secret` is shown now and never again."""

    connection: Connection
    token: ScimToken
    secret: str
    base_url: str


def look_at_directory(runtime: Runtime, caller: AdminCaller, connection: Connection) -> DirectoryFacts | None:
    """Return the directory behind a connection, or None where people don't come by SCIM. Raises Forbidden."""
    caller.require(Permission.READ)
    if connection.provisioning is not Provisioning.SCIM:
        return None
    with runtime.database.reading() as tx:
        found = storage.find_directory(tx, caller.workspace_id, connection.id)
    if found is None:
        return None
    live = [one for one in found.tokens if not one.expired(runtime.clock())]
    return DirectoryFacts(found, base_url(runtime.public_url, connection.id), len(live) < MOST_TOKENS)


def make_token(runtime: Runtime, caller: AdminCaller, connection_id: str, name: str, life: str) -> MadeToken:
    """Make a bearer token, the second one at most. Raises Invalid (`token_name`, `token_life`), NotScim, NotFound, Forbidden."""
    caller.require(Permission.MANAGE_AUTHENTICATION)
    errors: list[FieldError] = []
    try:
        tidy = validate_name("token_name", name)
    except FieldError as error:
        errors.append(error)
        tidy = ""
    lasts = None
    try:
        lasts = parse_life("token_life", life)
    except FieldError as error:
        errors.append(error)
    if errors:
        raise Invalid(*errors)
    now, secret = runtime.clock(), TOKEN_PREFIX + new_token()
    token = ScimToken(new_id("scim_token", now), tidy, now, now + lasts if lasts else None, None)
    full = FieldError("token_name", N_("There are two tokens already. Revoke one of them first."))
    try:
        with runtime.database.transaction() as tx:
            connection = _scim_connection(tx, caller, connection_id)
            storage.open_directory(tx, caller.workspace_id, connection.id, now)
            if not storage.insert_token(tx, caller.workspace_id, connection.id, token, token_hash(secret), now):
                raise Invalid(full)
            details = {"token": tidy, "expires_at": token.expires_at.isoformat() if token.expires_at else None}
            record_connection(tx, runtime, caller, "scim_token_made", connection, **details)
    except AlreadyTaken as error:
        raise Invalid(full) from error
    return MadeToken(connection, token, secret, base_url(runtime.public_url, connection.id))


def find_token(
    runtime: Runtime, caller: AdminCaller, connection_id: str, token_id: str
) -> tuple[Connection, ScimToken]:
    """Return a token, to ask before it is revoked. Raises NotFound, Forbidden."""
    caller.require(Permission.MANAGE_AUTHENTICATION)
    with runtime.database.reading() as tx:
        connection = found_connection(tx, caller, connection_id)
        found = storage.find_directory(tx, caller.workspace_id, connection.id)
    for token in found.tokens if found else ():
        if token.id == token_id:
            return connection, token
    raise NotFound(f"SCIM token {printable(token_id, 40)}")


def revoke_token(runtime: Runtime, caller: AdminCaller, connection_id: str, token_id: str) -> tuple[Connection, str]:
    """Revoke a token, at once; return its connection and its name. Raises NotFound, Forbidden."""
    caller.require(Permission.MANAGE_AUTHENTICATION)
    with runtime.database.transaction() as tx:
        connection = found_connection(tx, caller, connection_id)
        name = None
        if is_id(token_id, "scim_token"):
            name = storage.delete_token(tx, caller.workspace_id, connection.id, token_id)
        if name is None:
            raise NotFound(f"SCIM token {printable(token_id, 40)}")
        record_connection(tx, runtime, caller, "scim_token_revoked", connection, token=name)
    return connection, name


def change_stop_line(
    runtime: Runtime, caller: AdminCaller, connection_id: str, most_people: str, most_percent: str
) -> Connection:
    """Change how many people a directory may take the access from within an hour.

    Raises Invalid (`most_people`, `most_percent`), NotScim, NotFound, Forbidden.
    """
    caller.require(Permission.MANAGE_AUTHENTICATION)
    errors: list[FieldError] = []
    limits: dict[str, int] = {}
    for field, typed, most in (("most_people", most_people, 1_000_000), ("most_percent", most_percent, 100)):
        try:
            limits[field] = parse_limit(field, typed.strip(), most)
        except FieldError as error:
            errors.append(error)
    if errors:
        raise Invalid(*errors)
    with runtime.database.transaction() as tx:
        connection = _scim_connection(tx, caller, connection_id)
        storage.update_stop_line(tx, caller.workspace_id, connection.id, **limits)
        record_connection(tx, runtime, caller, "scim_stop_line_changed", connection, **limits)
    return connection


def decide_hold(runtime: Runtime, caller: AdminCaller, connection_id: str, *, let_through: bool) -> Connection:
    """Let everybody leave whom the directory wants to take the access from, for a while; or stop letting them.

    Raises NotScim, NotFound, Forbidden.
    """
    caller.require(Permission.MANAGE_AUTHENTICATION)
    now = runtime.clock()
    with runtime.database.transaction() as tx:
        connection = _scim_connection(tx, caller, connection_id)
        values = (
            {"held_at": None, "let_through_until": now + LET_THROUGH} if let_through else {"let_through_until": None}
        )
        storage.update_stop_line(tx, caller.workspace_id, connection.id, **values)
        action = "scim_let_through" if let_through else "scim_kept_held"
        record_connection(tx, runtime, caller, action, connection)
    return connection


def _scim_connection(tx: Transaction, caller: AdminCaller, connection_id: str) -> Connection:
    connection = found_connection(tx, caller, connection_id)
    if connection.provisioning is not Provisioning.SCIM:
        raise NotScim(f"{connection.id} has other provisioning", name=connection.idp.name)
    return connection
