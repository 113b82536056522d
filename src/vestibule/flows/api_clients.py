"""API clients: made, listed and revoked by admins and the operator, known again by their token. What they ask is other flows' work."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog

from vestibule.directory.activity import Actor, Event, Subject
from vestibule.directory.admins import Permission
from vestibule.directory.api_clients import USE_NOTED_EVERY, ApiClient, Scope, TokenMissing, TokenRefused, parse_scopes
from vestibule.directory.workspaces import Environment, validate_name
from vestibule.flows.parts.callers import AdminCaller, Visitor
from vestibule.flows.parts.recording import record
from vestibule.flows.parts.runtime import Runtime
from vestibule.flows.parts.throttling import API_TOKEN_PER_ADDRESS, count_attempt
from vestibule.flows.parts.token_lives import parse_life
from vestibule.kernel.errors import DatabaseBusy, FieldError, Invalid, NotFound
from vestibule.kernel.ids import is_id, new_id
from vestibule.kernel.secrets import bearer_token, new_token, token_hash
from vestibule.kernel.text import N_, has_unsafe_characters, printable
from vestibule.storage import api_clients as storage
from vestibule.storage import workspaces
from vestibule.storage.database import Transaction

# Secret scanners know a token by how it begins.
TOKEN_PREFIX: Final = "vapi_"  # noqa: S105 - the beginning that all tokens share
_MOST_TOKEN_CHARACTERS: Final = 200
# Chosen in a form; no environment has this key. That nothing was chosen never means all of them.
EVERY_ENVIRONMENT: Final = "*"
PAGE_SIZE: Final = 50
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class MadeClient:
    """A client that was just made: `token` is shown now and never again."""

    client: ApiClient
    token: str


@dataclass(frozen=True, slots=True)
class ApiClientList:
    """A page of a workspace's clients, the latest made first: those that are in use, or those that were revoked.

    `newer` and `older` are the ids where the next pages begin.
    """

    clients: tuple[ApiClient, ...]
    environments: tuple[Environment, ...]
    revoked: int
    newer: str | None
    older: str | None

    @property
    def names(self) -> dict[str, str]:
        """Return the names of the environments by id."""
        return {one.id: one.name for one in self.environments}


def look_at_clients(
    runtime: Runtime, caller: AdminCaller, *, revoked: bool = False, before: str | None = None, after: str | None = None
) -> ApiClientList:
    """Return a page of API clients, made before or after the one of an untrusted id. Raises Forbidden."""
    caller.require(Permission.READ)
    with runtime.database.reading() as tx:
        found = storage.page_api_clients(
            tx, caller.workspace_id, revoked=revoked, before=before, after=after, size=PAGE_SIZE + 1
        )
        more = len(found) > PAGE_SIZE
        found = (found[1:] if more else found) if after else found[:PAGE_SIZE]
        return ApiClientList(
            clients=found,
            environments=workspaces.list_environments(tx, caller.workspace_id),
            revoked=storage.count_revoked(tx, caller.workspace_id),
            newer=found[0].id if found and (more if after else before) else None,
            older=found[-1].id if found and (after or more) else None,
        )


def list_places(runtime: Runtime, caller: AdminCaller) -> tuple[Environment, ...]:
    """Return the environments that a client may be made for. Raises Forbidden."""
    caller.require(Permission.READ)
    with runtime.database.reading() as tx:
        return workspaces.list_environments(tx, caller.workspace_id)


def add_as_admin(
    runtime: Runtime, caller: AdminCaller, name: str, scopes: Iterable[str], environment_key: str, life: str
) -> MadeClient:
    """Make a client of the admin's workspace; all as typed. Raises Invalid (`name`, `scope`, `environment`, `token_life`), Forbidden."""
    caller.require(Permission.MANAGE_AUTHENTICATION)
    try:
        lasts = parse_life("token_life", life)
    except FieldError as error:
        raise Invalid(error) from error
    key = None if environment_key == EVERY_ENVIRONMENT else environment_key
    return create_api_client(runtime, caller.actor, caller.workspace_id, name, scopes, key, lasts)


def find_as_admin(runtime: Runtime, caller: AdminCaller, client_id: str) -> ApiClient:
    """Return a client that was not revoked, to ask before it is revoked. Raises NotFound, Forbidden."""
    caller.require(Permission.MANAGE_AUTHENTICATION)
    with runtime.database.reading() as tx:
        return _not_revoked(tx, caller.workspace_id, client_id)


def revoke_as_admin(runtime: Runtime, caller: AdminCaller, client_id: str) -> ApiClient:
    """End the token of a client of the admin's workspace, at once. Raises NotFound, Forbidden."""
    caller.require(Permission.MANAGE_AUTHENTICATION)
    return revoke_api_client(runtime, caller.actor, caller.workspace_id, client_id)


def create_api_client(
    runtime: Runtime,
    actor: Actor,
    workspace_id: str,
    name: str,
    scopes: Iterable[str],
    environment_key: str | None = None,
    life: timedelta | None = None,
) -> MadeClient:
    """Make a client with a token. Everything typed is untrusted. Raises Invalid (`name`, `scope`, `environment`)."""
    errors: list[FieldError] = []
    tidy = ""
    allowed: frozenset[Scope] = frozenset()
    try:
        tidy = validate_name("name", name)
    except FieldError as error:
        errors.append(error)
    try:
        allowed = parse_scopes(scopes)
    except FieldError as error:
        errors.append(error)
    now, token = runtime.clock(), TOKEN_PREFIX + new_token()
    with runtime.database.transaction() as tx:
        environment_id = None
        if environment_key == "":
            errors.append(FieldError("environment", N_("Choose an environment, or the whole workspace.")))
        elif environment_key is not None:
            safe = not has_unsafe_characters(environment_key)
            place = workspaces.find_environment(tx, workspace_id, environment_key) if safe else None
            if place is None:
                errors.append(FieldError("environment", N_("There is no environment with this key.")))
            else:
                environment_id = place.id
        if errors:
            raise Invalid(*errors)
        client = ApiClient(
            id=new_id("api_client", now),
            workspace_id=workspace_id,
            name=tidy,
            scopes=allowed,
            environment_id=environment_id,
            created_at=now,
            created_by=actor.name,
            expires_at=now + life if life else None,
        )
        storage.insert_api_client(tx, client, token_hash(token))
        _record(tx, runtime, actor, "api_client.created", client)
    return MadeClient(client, token)


def list_api_clients(runtime: Runtime, workspace_id: str) -> tuple[ApiClient, ...]:
    """Return the clients of a workspace, those that were revoked with them. For the operator, who may see everything."""
    with runtime.database.reading() as tx:
        return storage.list_api_clients(tx, workspace_id)


def revoke_api_client(runtime: Runtime, actor: Actor, workspace_id: str, client_id: str) -> ApiClient:
    """End a client's token, at once. Raises NotFound, also for one that was revoked before."""
    with runtime.database.transaction() as tx:
        client = _not_revoked(tx, workspace_id, client_id)
        if not storage.revoke_api_client(tx, workspace_id, client.id, runtime.clock()):
            raise NotFound(f"API client {client.id} was revoked at the same moment")
        _record(tx, runtime, actor, "api_client.revoked", client)
    return client


def authenticate(runtime: Runtime, visitor: Visitor, authorization: str) -> ApiClient:
    """Return whose token an untrusted Authorization header brings (RFC 6750, 2.1). Raises TokenRefused, Throttled.

    Only what is refused is counted against an address.
    """
    token = bearer_token(authorization)
    if not token:
        raise TokenMissing("no bearer token")
    now, client = runtime.clock(), None
    if token.startswith(TOKEN_PREFIX) and len(token) <= _MOST_TOKEN_CHARACTERS:
        with runtime.database.reading() as tx:
            client = storage.find_by_token(tx, token_hash(token))
    if client is None or not client.works(now):
        count_attempt(runtime, (API_TOKEN_PER_ADDRESS, visitor.network))
        raise TokenRefused(f"{client.id} is revoked or expired" if client else "unknown token")
    if client.last_used_at is None or now - client.last_used_at >= USE_NOTED_EVERY:
        try:
            with runtime.database.transaction() as tx:
                storage.note_use(tx, client, now)
        except DatabaseBusy as error:
            log.warning("use of an API client not noted", reason=error.reason)
    return client


def _not_revoked(tx: Transaction, workspace_id: str, client_id: str) -> ApiClient:
    client = storage.find_api_client(tx, workspace_id, client_id) if is_id(client_id, "api_client") else None
    if client is None or client.revoked_at is not None:
        raise NotFound(f"API client {printable(client_id, 40)}")
    return client


def _record(tx: Transaction, runtime: Runtime, actor: Actor, action: str, client: ApiClient) -> None:
    details = {
        "scopes": sorted(client.scopes),
        "expires_at": client.expires_at.isoformat() if client.expires_at else None,
    }
    subject = Subject("api_client", client.id, client.name)
    event = Event(action, subject, environment_id=client.environment_id, details=details)
    record(tx, runtime, client.workspace_id, actor, event)
