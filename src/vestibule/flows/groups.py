"""End-user groups of an environment: list, create, rename, delete. Their members are `group_members`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from vestibule.directory.activity import Event, Subject
from vestibule.directory.admins import Permission
from vestibule.directory.end_users import Position
from vestibule.directory.groups import EVERYONE, Group
from vestibule.directory.sources import Source
from vestibule.directory.workspaces import Environment, validate_name
from vestibule.flows.parts.callers import AdminCaller
from vestibule.flows.parts.grouping import changeable_group, environment_by_key
from vestibule.flows.parts.recording import record
from vestibule.flows.parts.runtime import Runtime
from vestibule.flows.parts.taking_away import take_apps
from vestibule.kernel.errors import AlreadyTaken, FieldError, Invalid, NotFound
from vestibule.kernel.ids import new_id
from vestibule.kernel.text import N_, fold
from vestibule.storage import apps, groups, workspaces
from vestibule.storage.database import Transaction

GROUPS_A_PAGE: Final = 50


@dataclass(frozen=True, slots=True)
class GroupList:
    """The End-user groups tab. `everyone` is on the first page only; `previous` and `next` are where other pages are."""

    environment: Environment
    environments: tuple[Environment, ...]
    count: int
    everyone: Group | None
    groups: tuple[Group, ...]
    previous: Position | None
    next: Position | None


def first_place(runtime: Runtime, caller: AdminCaller, wanted_key: str) -> Environment:
    """Return the environment of an untrusted key, or the one that the picker starts with. Raises NotFound, Forbidden."""
    caller.require(Permission.READ)
    with runtime.database.reading() as tx:
        found = workspaces.list_environments(tx, caller.workspace_id)
    if not found:
        raise NotFound("a workspace without an environment")
    return next((one for one in found if one.key == wanted_key), found[0])


def get_environment(runtime: Runtime, caller: AdminCaller, key: str) -> Environment:
    """Return one environment by its untrusted key. Raises NotFound, Forbidden."""
    caller.require(Permission.READ)
    with runtime.database.reading() as tx:
        return environment_by_key(tx, caller, key)


def count_groups(runtime: Runtime, caller: AdminCaller, environment_id: str) -> int:
    """Return how many groups an environment has, for the tab. Raises Forbidden."""
    caller.require(Permission.READ)
    with runtime.database.reading() as tx:
        return groups.count_groups(tx, caller.workspace_id, environment_id)


def list_groups(
    runtime: Runtime,
    caller: AdminCaller,
    environment_key: str,
    search: str = "",
    *,
    after: Position | None = None,
    before: Position | None = None,
) -> GroupList:
    """Return a page of an environment's groups by name. Key, search and positions are untrusted. Raises NotFound, Forbidden."""
    caller.require(Permission.READ)
    words = fold(search)[:100]
    following, preceding = (after[0] if after else None), (before[0] if before and not after else None)
    with runtime.database.reading() as tx:
        environment = environment_by_key(tx, caller, environment_key)
        found = groups.page_groups(
            tx,
            caller.workspace_id,
            environment.id,
            words=words,
            after=following,
            before=preceding,
            size=GROUPS_A_PAGE + 1,
        )
        more = len(found) > GROUPS_A_PAGE
        found = found[-GROUPS_A_PAGE:] if preceding is not None else found[:GROUPS_A_PAGE]
        first = following is None and (preceding is None or not more)
        everyone = (
            groups.find_everyone(tx, caller.workspace_id, environment.id) if first and words in fold(EVERYONE) else None
        )
        return GroupList(
            environment=environment,
            environments=workspaces.list_environments(tx, caller.workspace_id),
            count=groups.count_groups(tx, caller.workspace_id, environment.id),
            everyone=everyone,
            groups=found,
            previous=(fold(found[0].name),) if found and not first else None,
            next=(fold(found[-1].name),) if found and (more or preceding is not None) else None,
        )


def create_group(runtime: Runtime, caller: AdminCaller, environment_key: str, name: str) -> Group:
    """Create a group in an environment. Raises Invalid (`name`), NotFound, Forbidden."""
    caller.require(Permission.MANAGE_PEOPLE)
    tidy = _validated_name(name)
    now = runtime.clock()
    try:
        with runtime.database.transaction() as tx:
            environment = environment_by_key(tx, caller, environment_key)
            group = Group(new_id("group", now), caller.workspace_id, environment.id, tidy, False, Source.MANUAL, now)
            groups.insert_group(tx, group)
            _record(tx, runtime, caller, "group.created", group)
    except AlreadyTaken as error:
        raise Invalid(_name_taken()) from error
    return group


def get_changeable(runtime: Runtime, caller: AdminCaller, environment_key: str, group_id: str) -> Group:
    """Return a group that is not Everyone, to be changed. Raises EveryoneIsLocked, NotFound, Forbidden."""
    caller.require(Permission.MANAGE_PEOPLE)
    with runtime.database.reading() as tx:
        return changeable_group(tx, caller, environment_key, group_id)[1]


def rename_group(
    runtime: Runtime, caller: AdminCaller, environment_key: str, group_id: str, name: str, shown: str = ""
) -> Group:
    """Rename a group; a name that is as it was `shown` is left as it is by now.

    Raises Invalid (`name`), EveryoneIsLocked, NotFound, Forbidden.
    """
    caller.require(Permission.MANAGE_PEOPLE)
    tidy = _validated_name(name)
    try:
        with runtime.database.transaction() as tx:
            _, before = changeable_group(tx, caller, environment_key, group_id)
            after = replace(before, name=before.name if name == shown else tidy)
            if after != before:
                groups.rename_group(tx, caller.workspace_id, before.id, after.name)
                _record(tx, runtime, caller, "group.renamed", after, {"from": before.name, "to": after.name})
    except AlreadyTaken as error:
        raise Invalid(_name_taken()) from error
    return after


def delete_group(runtime: Runtime, caller: AdminCaller, environment_key: str, group_id: str) -> Group:
    """Delete a group; its members keep their access and their other groups, and lose the apps that only it allowed.

    Raises EveryoneIsLocked, NotFound, Forbidden.
    """
    caller.require(Permission.MANAGE_PEOPLE)
    with runtime.database.transaction() as tx:
        _, group = changeable_group(tx, caller, environment_key, group_id)
        lost = apps.narrowed_to(tx, (group.id,))
        if not groups.delete_group(tx, caller.workspace_id, group.id):
            raise NotFound(f"group {group.id}, deleted at this very moment")
        counted = group.members if group.members <= groups.MOST_COUNTED else f"more than {groups.MOST_COUNTED}"
        entry_id = _record(tx, runtime, caller, "group.deleted", group, {"members": counted})
        take_apps(tx, runtime, caller.workspace_id, lost, entry_id)
    return group


def _validated_name(name: str) -> str:
    try:
        tidy = validate_name("name", name)
    except FieldError as error:
        raise Invalid(error) from error
    if fold(tidy) == fold(EVERYONE):
        raise Invalid(FieldError("name", N_("“Everyone” is the built-in group. Choose another name.")))
    return tidy


def _name_taken() -> FieldError:
    return FieldError("name", N_("This environment has a group of this name already."))


def _record(
    tx: Transaction,
    runtime: Runtime,
    caller: AdminCaller,
    action: str,
    group: Group,
    details: dict[str, object] | None = None,
) -> str:
    event = Event(
        action, Subject("group", group.id, group.name), environment_id=group.environment_id, details=details or {}
    )
    return record(tx, runtime, caller.workspace_id, caller.actor, event)
