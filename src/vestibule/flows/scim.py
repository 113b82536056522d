"""A directory at the door: who it is, what it looks up, and what it changes, one transaction for each request."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import structlog

from vestibule.directory.activity import Actor, ActorKind
from vestibule.directory.connections import Provisioning
from vestibule.directory.pushed import PushedGroup
from vestibule.directory.scim import Caller
from vestibule.flows.parts.callers import Visitor
from vestibule.flows.parts.departing import hold
from vestibule.flows.parts.push_errors import DeparturesHeld
from vestibule.flows.parts.pushing import Push
from vestibule.flows.parts.runtime import Runtime
from vestibule.flows.parts.scim_answers import Answer, Rendered, Renderer
from vestibule.flows.parts.scim_bulk import carry_out_bulk
from vestibule.flows.parts.scim_changes import Change, carry_out, in_scim
from vestibule.flows.parts.scim_logging import log_request
from vestibule.flows.parts.throttling import SCIM_TOKEN_PER_ADDRESS, count_attempt
from vestibule.kernel.errors import AlreadyTaken, DatabaseBusy, GaveWay, Throttled, VestibuleError
from vestibule.kernel.ids import is_id
from vestibule.kernel.secrets import bearer_token, token_hash
from vestibule.kernel.text import printable
from vestibule.scim.attributes import ResourceType
from vestibule.scim.bulk import read_bulk
from vestibule.scim.errors import InvalidCursor, NotAllowed, ResourceNotFound, ScimError, TooManyRequests, Unauthorized
from vestibule.scim.etags import etag_matches
from vestibule.scim.queries import lookup_of, parse_query
from vestibule.scim.rendering import list_response, parse_projection
from vestibule.scim.schemas import GROUP, USER
from vestibule.storage import scim_directories, scim_events, scim_groups, scim_lists, scim_visits
from vestibule.storage.database import Transaction

# A directory that is busy would otherwise write the same minute again and again.
CONTACT_EVERY: Final = timedelta(minutes=1)
MOST_ATTEMPTS: Final = 3
CLOSED_EVERY: Final = timedelta(hours=1)
# Ours are shorter: whatever else a header brings is not even hashed.
_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/=-]{1,500}")
log = structlog.get_logger()


def authenticate(runtime: Runtime, visitor: Visitor, directory: tuple[str, str], method: str, path: str) -> Caller:
    """Return the directory that calls with a bearer token (RFC 6750, 2.1), and asks for something (all values untrusted).

    `directory` is the connection's id and what the header Authorization says.

    The token is found by its hash, so no comparison tells how much of it was right. Raises Unauthorized for one that opens
    nothing, TooManyRequests after too many of those, NotAllowed where the connection is disabled or people come another way.
    """
    (connection_id, authorization), found = directory, None
    claimed = _token_hash(connection_id, authorization)
    if claimed is not None:
        with runtime.database.reading() as tx:
            found = scim_directories.find_caller(tx, connection_id, claimed)
    return _admitted(runtime, visitor, found, method, path)


def _token_hash(connection_id: str, authorization: str) -> str | None:
    token = bearer_token(authorization)
    return token_hash(token) if _TOKEN.fullmatch(token) and is_id(connection_id, "connection") else None


def _admitted(runtime: Runtime, visitor: Visitor, found: Caller | None, method: str, path: str) -> Caller:
    if found is None or found.token.expired(runtime.clock()):
        try:
            count_attempt(runtime, (SCIM_TOKEN_PER_ADDRESS, visitor.network))
        except Throttled as error:
            raise TooManyRequests(str(error), error.retry_after_seconds) from error
        raise Unauthorized("The token has expired." if found else "A valid bearer token is needed.")
    closed = ""
    if found.disabled:
        closed = "This connection is disabled. An admin of the workspace can enable it."
    elif found.provisioning is not Provisioning.SCIM:
        closed = "SCIM provisioning is not turned on for this connection."
    if closed:
        raise _noted_closed(_push(runtime, visitor, found), method, path, NotAllowed(closed))
    return found


def _noted_closed(push: Push, method: str, path: str, refusal: ScimError) -> ScimError:
    """Put on the record that the connection is closed, once an hour while nothing else comes: directories retry for ever."""
    with push.runtime.database.reading() as tx:
        newest = scim_events.page(tx, push.workspace_id, push.connection_id, before=None, size=1)
    said = [note["params"] for note in newest[0].notes] if newest else []
    if said != [{"detail": refusal.detail}] or push.now - newest[0].at >= CLOSED_EVERY:
        _log_refusal(push.runtime, push, method, path, None, refusal)
    return refusal


def look_up_user(
    runtime: Runtime,
    visitor: Visitor,
    directory: tuple[str, str],
    resource_id: str,
    parameters: Mapping[str, str],
    if_none_match: str | None = None,
) -> Answer:
    """Return one user, or 304 where the directory has this version already, to who calls: all in one look at the database.

    `directory` is the connection's id and the bearer token, as for `authenticate`, which says what is raised besides ScimError.
    """
    (connection_id, authorization), caller, found = directory, None, None
    claimed = _token_hash(connection_id, authorization)
    if claimed is not None:
        with runtime.database.reading() as tx:
            if is_id(resource_id, "scim_user"):
                caller, found = scim_visits.find_caller_and_user(tx, connection_id, claimed, resource_id)
            else:
                caller = scim_directories.find_caller(tx, connection_id, claimed)
    caller = _admitted(runtime, visitor, caller, "GET", f"/Users/{resource_id}")
    with _reading(runtime, visitor, caller, f"/Users/{resource_id}"):
        projection = parse_projection(USER, parameters.get("attributes"), parameters.get("excludedAttributes"))
        if found is None:
            raise ResourceNotFound(f"There is no user {printable(resource_id, 60)}.")
    renderer = Renderer.of(runtime, caller, projection)
    return _unless_known(renderer, USER, renderer.user(found.user, found.groups), if_none_match)


def list_found(
    runtime: Runtime, visitor: Visitor, directory: tuple[str, str], endpoint: str, parameters: Mapping[str, str]
) -> Answer:
    """Return a page of Users or Groups to who calls: those of one name, address or externalId in one look at the database, and any others.

    `directory` is the connection's id and the bearer token, as for `authenticate`, which says what is raised besides ScimError.
    """
    connection_id, authorization = directory
    claimed, lookup = _token_hash(connection_id, authorization), lookup_of(endpoint, parameters)
    asked = _asked(endpoint, parameters)
    if claimed is None or lookup is None:
        caller = authenticate(runtime, visitor, directory, "GET", asked)
        return list_resources(runtime, visitor, caller, endpoint, parameters)
    users: Sequence[scim_visits.Found] | None = None
    groups: Sequence[PushedGroup] | None = None
    with runtime.database.reading() as tx:
        if endpoint == "Users":
            known, users = scim_visits.find_caller_and_users(tx, connection_id, claimed, lookup)
        else:
            known, groups = scim_visits.find_caller_and_groups(tx, connection_id, claimed, lookup)
    caller = _admitted(runtime, visitor, known, "GET", asked)
    if users is None and (groups is None or len(groups) > 1):
        # More of them than a lookup is for; of several groups the members may be too many for one page.
        return list_resources(runtime, visitor, caller, endpoint, parameters)
    with _reading(runtime, visitor, caller, asked):
        kind = USER if endpoint == "Users" else GROUP
        projection = parse_projection(kind, parameters.get("attributes"), parameters.get("excludedAttributes"))
        renderer = Renderer.of(runtime, caller, projection)
        rendered = [renderer.user(one.user, one.groups) for one in users or ()]
        if groups:
            rendered = _with_members(runtime, renderer, groups)
    return Answer(200, list_response([one.body for one in rendered], len(rendered), 1))


def _with_members(runtime: Runtime, renderer: Renderer, groups: Sequence[PushedGroup]) -> list[Rendered]:
    if not renderer.projection.wants("members"):
        return [renderer.group(one, ()) for one in groups]
    with runtime.database.reading() as tx:
        return renderer.groups(tx, groups)


def look_up_group(
    runtime: Runtime,
    visitor: Visitor,
    caller: Caller,
    resource_id: str,
    parameters: Mapping[str, str],
    if_none_match: str | None = None,
) -> Answer:
    """Return one group, or 304 where the directory has this version already. Raises ScimError."""
    projection = parse_projection(GROUP, parameters.get("attributes"), parameters.get("excludedAttributes"))
    renderer = Renderer.of(runtime, caller, projection)
    with _reading(runtime, visitor, caller, f"/Groups/{resource_id}"), runtime.database.reading() as tx:
        group = None
        if is_id(resource_id, "scim_group"):
            group = scim_groups.find_group(tx, caller.connection_id, resource_id)
        if group is None:
            raise ResourceNotFound(f"There is no group {printable(resource_id, 60)}.")
        rendered = renderer.groups(tx, [group])[0]
    return _unless_known(renderer, GROUP, rendered, if_none_match)


def _unless_known(
    renderer: Renderer, resource_type: ResourceType, rendered: Rendered, if_none_match: str | None
) -> Answer:
    answer = renderer.answer(resource_type, 200, rendered)
    return Answer(304, None, answer.headers) if etag_matches(if_none_match, rendered.tag) else answer


def list_resources(
    runtime: Runtime, visitor: Visitor, caller: Caller, endpoint: str, parameters: Mapping[str, str]
) -> Answer:
    """Return a page of users or groups. Raises ScimError."""
    resource_type = USER if endpoint == "Users" else GROUP
    with _reading(runtime, visitor, caller, _asked(endpoint, parameters)) as push:
        query = parse_query(resource_type, parameters)
        push.tolerate(query.tolerated)
        renderer = Renderer.of(runtime, caller, query.projection)
        with runtime.database.reading() as tx:
            if endpoint == "Users":
                users = scim_lists.list_users(tx, caller.connection_id, query)
                resources, total, following = renderer.users(tx, users.resources), users.total, users.next
            else:
                groups = scim_lists.list_groups(tx, caller.connection_id, query)
                resources, total, following = renderer.groups(tx, groups.resources), groups.total, groups.next
    start_index = query.start_index if query.cursor is None else None
    next_cursor = query.cursor_after(following) if following else None
    return Answer(200, list_response([one.body for one in resources], total, start_index, next_cursor))


def _asked(endpoint: str, parameters: Mapping[str, str]) -> str:
    asked = "&".join(f"{name}={value}" for name, value in parameters.items())
    return f"/{endpoint}" + (f"?{asked}" if asked else "")


def search_everything(runtime: Runtime, visitor: Visitor, caller: Caller, parameters: Mapping[str, str]) -> Answer:
    """Return a page of users and then groups (RFC 7644, 3.4.3: a search at the root). Raises ScimError."""
    with _reading(runtime, visitor, caller, "/.search"):
        if "cursor" in parameters:
            raise InvalidCursor("A search over users and groups together has pages by index only.")
        for_users, for_groups = parse_query(USER, parameters), parse_query(GROUP, parameters)
        with runtime.database.reading() as tx:
            users = scim_lists.list_users(tx, caller.connection_id, for_users)
            rest = replace(
                for_groups,
                start_index=max(1, for_groups.start_index - users.total),
                count=for_groups.count - len(users.resources),
            )
            groups = scim_lists.list_groups(tx, caller.connection_id, rest)
            resources = [
                *Renderer.of(runtime, caller, for_users.projection).users(tx, users.resources),
                *Renderer.of(runtime, caller, for_groups.projection).groups(tx, groups.resources),
            ]
    return Answer(
        200, list_response([one.body for one in resources], users.total + groups.total, for_users.start_index)
    )


def change(runtime: Runtime, visitor: Visitor, caller: Caller, asked: Change) -> Answer:
    """Carry out one change in one transaction, with what there is to say about it on the record. Raises ScimError."""
    path = f"/{asked.endpoint}" + (f"/{asked.resource_id}" if asked.resource_id else "")
    request = (asked.method, path, asked.body)
    return _changed(runtime, visitor, caller, request, lambda tx, push: carry_out(tx, push, asked))


def change_many(runtime: Runtime, visitor: Visitor, caller: Caller, body: Any) -> Answer:
    """Carry out a bulk request in one transaction: each of its operations whole or not at all. Raises ScimError."""
    request = ("POST", "/Bulk", body)
    return _changed(runtime, visitor, caller, request, lambda tx, push: carry_out_bulk(tx, push, read_bulk(body)))


def _changed(
    runtime: Runtime,
    visitor: Visitor,
    caller: Caller,
    request: tuple[str, str, Any],
    work: Callable[[Transaction, Push], Answer],
) -> Answer:
    """Do what a request asks for; from its beginning again where another one was in its way, or faster: it sees what that did then."""
    left = MOST_ATTEMPTS
    while True:
        left -= 1
        push = _push(runtime, visitor, caller)
        with _refusing(runtime, push, *request), suppress(AlreadyTaken, GaveWay) if left else nullcontext():
            with runtime.database.transaction() as tx:
                answer = work(tx, push)
                if _contact_is_due(push):
                    scim_directories.note_contact(tx, caller, push.now)
                log_request(tx, push, *request, answer.status)
            return answer


def note_look(runtime: Runtime, visitor: Visitor, caller: Caller, path: str) -> None:
    """Note that a directory has read what the service says of itself: some do nothing else while they are set up."""
    with _reading(runtime, visitor, caller, path):
        pass


def note_refusal(runtime: Runtime, visitor: Visitor, caller: Caller, method: str, path: str, error: ScimError) -> None:
    """Put on the record what was refused before it reached a flow, such as a body that is no JSON."""
    _log_refusal(runtime, _push(runtime, visitor, caller), method, path, None, error)


def _push(runtime: Runtime, visitor: Visitor, caller: Caller) -> Push:
    actor = Actor(ActorKind.DIRECTORY, caller.connection_id, caller.name, visitor.address, visitor.request_id)
    return Push(runtime, caller, actor, runtime.clock())


def _contact_is_due(push: Push) -> bool:
    last = push.caller.token.last_used_at
    return last is None or push.now - last >= CONTACT_EVERY


@contextmanager
def _reading(runtime: Runtime, visitor: Visitor, caller: Caller, path: str) -> Iterator[Push]:
    """Turn refusals into SCIM's words and on the record; a look that succeeds is on it once a minute."""
    push = _push(runtime, visitor, caller)
    with _refusing(runtime, push, "GET", path, None):
        yield push
    if _contact_is_due(push):
        try:
            with runtime.database.transaction() as tx:
                scim_directories.note_contact(tx, caller, push.now)
                log_request(tx, push, "GET", path, None, 200)
        except DatabaseBusy as error:
            log.warning("contact not noted", reason=error.reason)


@contextmanager
def _refusing(runtime: Runtime, push: Push, method: str, path: str, body: Any) -> Iterator[None]:
    try:
        yield
    except VestibuleError as error:
        refusal = in_scim(error)
        if isinstance(error, DeparturesHeld):
            # What led to it is rolled back; that it is held, and that admins are told, must stay.
            with runtime.database.transaction() as tx:
                hold(tx, push)
        _log_refusal(runtime, push, method, path, body, refusal)
        raise refusal from error


def _log_refusal(runtime: Runtime, push: Push, method: str, path: str, body: Any, refusal: ScimError) -> None:
    push.note("%(detail)s", detail=refusal.detail)
    try:
        with runtime.database.transaction() as tx:
            if _contact_is_due(push):
                scim_directories.note_contact(tx, push.caller, push.now)
            log_request(tx, push, method, path, body, refusal.status, refusal.scim_type)
    except DatabaseBusy as error:
        log.warning("refusal not on the record", reason=error.reason)
    refusal.on_record = True
