"""Environments of a workspace: list, add, rename, reorder, set the session length, delete an empty one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final, Literal

from vestibule.directory.activity import Event, Subject
from vestibule.directory.admins import Permission
from vestibule.directory.workspaces import (
    DEFAULT_SESSION_TTL,
    MAX_ENVIRONMENTS,
    Environment,
    key_from_name,
    validate_key,
    validate_name,
)
from vestibule.flows.parts.births import create_environment
from vestibule.flows.parts.callers import AdminCaller
from vestibule.flows.parts.recording import record
from vestibule.flows.parts.runtime import Runtime
from vestibule.kernel.errors import AlreadyTaken, Conflict, FieldError, Invalid, NotFound
from vestibule.kernel.ids import new_id
from vestibule.kernel.text import N_, fold, printable
from vestibule.storage import workspaces
from vestibule.storage.database import Transaction

MIN_SESSION_HOURS: Final = 1
MAX_SESSION_HOURS: Final = 168
Direction = Literal["up", "down"]


class EnvironmentNotEmpty(Conflict):
    """The environment has people, groups of its own, connections, apps, APIs or API clients: deleting it would take them along."""

    code = "environment_not_empty"
    public = N_("%(name)s is not empty. Take out what is in it first.")


class LastEnvironment(Conflict):
    """A workspace without an environment could let nobody in anywhere."""

    code = "last_environment"
    public = N_("A workspace needs one environment. Add another one before you delete this.")


@dataclass(frozen=True, slots=True)
class Contents:
    """How much is in an environment."""

    people: int
    groups: int
    connections: int
    apps: int
    apis: int
    api_clients: int

    @property
    def empty(self) -> bool:
        """Say whether nothing would be lost with it."""
        return not any((self.people, self.groups, self.connections, self.apps, self.apis, self.api_clients))


def list_environments(runtime: Runtime, caller: AdminCaller) -> tuple[Environment, ...]:
    """Return the workspace's environments in the order of the picker. Raises Forbidden."""
    caller.require(Permission.READ)
    return list_of_workspace(runtime, caller.workspace_id)


def list_of_workspace(runtime: Runtime, workspace_id: str) -> tuple[Environment, ...]:
    """Return a workspace's environments in the order of the picker. For the operator."""
    with runtime.database.reading() as tx:
        return workspaces.list_environments(tx, workspace_id)


def look_at_environment(runtime: Runtime, caller: AdminCaller, key: str) -> tuple[Environment, Contents]:
    """Return one environment with how much is in it. `key` is untrusted. Raises NotFound, Forbidden."""
    caller.require(Permission.READ)
    with runtime.database.reading() as tx:
        environment = _find(tx, caller, key)
        return environment, Contents(*workspaces.environment_contents(tx, caller.workspace_id, environment.id))


def add_environment(runtime: Runtime, caller: AdminCaller, name: str, key: str) -> Environment:
    """Add an environment after the others; an empty `key` is made from the name. Raises Invalid, Forbidden."""
    caller.require(Permission.MANAGE_ENVIRONMENTS)
    tidy_name, tidy_key = _validated(
        lambda: validate_name("name", name), lambda: validate_key("key", key or key_from_name(name))
    )
    now = runtime.clock()
    try:
        with runtime.database.transaction() as tx:
            workspaces.lock_workspace(tx, caller.workspace_id)
            others = workspaces.list_environments(tx, caller.workspace_id)
            _require_room(tx, others, tidy_name, tidy_key)
            position = max((one.position for one in others), default=-1) + 1
            environment = Environment(
                new_id("environment", now),
                caller.workspace_id,
                tidy_key,
                tidy_name,
                position,
                False,
                DEFAULT_SESSION_TTL,
                now,
            )
            create_environment(tx, runtime, environment)
            _record(tx, runtime, caller, "environment.added", environment, {"key": environment.key})
    except AlreadyTaken as error:
        raise Invalid(FieldError("key", N_("This key was taken a moment ago. Choose another one."))) from error
    return environment


def change_environment(
    runtime: Runtime,
    caller: AdminCaller,
    key: str,
    name: str,
    session_hours: str,
    *,
    shown: tuple[str, str] | None = None,
) -> Environment:
    """Rename an environment and set its session length, which counts from the next sign-in on. Its key stays.

    What is as it was `shown` (name, hours) stays as it is by now: another admin may have changed it.
    Raises Invalid, NotFound, Forbidden.
    """
    caller.require(Permission.MANAGE_ENVIRONMENTS)
    tidy, hours = _validated(lambda: validate_name("name", name), lambda: str(_hours(session_hours)))
    try:
        with runtime.database.transaction() as tx:
            before = _find(tx, caller, key)
            after = replace(before, name=tidy, session_ttl=timedelta(hours=int(hours)))
            if shown is not None:
                after = replace(
                    after,
                    name=before.name if name == shown[0] else after.name,
                    session_ttl=before.session_ttl if session_hours == shown[1] else after.session_ttl,
                )
            if after != before:
                workspaces.update_environment(tx, after)
                _record(tx, runtime, caller, "environment.changed", after, _difference(before, after))
    except AlreadyTaken as error:
        raise Invalid(_name_taken()) from error
    return after


def move_environment(runtime: Runtime, caller: AdminCaller, key: str, direction: Direction) -> Environment:
    """Move an environment one place up or down in the order of the picker; at the end nothing happens. Raises NotFound, Forbidden."""
    caller.require(Permission.MANAGE_ENVIRONMENTS)
    with runtime.database.transaction() as tx:
        workspaces.lock_workspace(tx, caller.workspace_id)
        moved = _find(tx, caller, key)
        order = list(workspaces.list_environments(tx, caller.workspace_id))
        old = [one.id for one in order].index(moved.id)
        new = min(max(old + (-1 if direction == "up" else 1), 0), len(order) - 1)
        order.insert(new, order.pop(old))
        for position, environment in enumerate(order):
            if environment.position != position:
                workspaces.update_environment(tx, replace(environment, position=position))
        if new != old:
            _record(tx, runtime, caller, "environment.moved", moved, {"from": old + 1, "to": new + 1})
    return moved


def delete_environment(runtime: Runtime, caller: AdminCaller, key: str) -> Environment:
    """Delete an empty environment with its Everyone. Raises EnvironmentNotEmpty, LastEnvironment, NotFound, Forbidden."""
    caller.require(Permission.MANAGE_ENVIRONMENTS)
    with runtime.database.transaction() as tx:
        workspaces.lock_workspace(tx, caller.workspace_id)
        environment = _find(tx, caller, key)
        # Locked, so that nobody is given access between the look and the delete, which would take that access along.
        workspaces.lock_environment(tx, caller.workspace_id, environment.id)
        if len(workspaces.list_environments(tx, caller.workspace_id)) == 1:
            raise LastEnvironment(environment.id)
        contents = Contents(*workspaces.environment_contents(tx, caller.workspace_id, environment.id))
        if not contents.empty:
            raise EnvironmentNotEmpty(f"{environment.id}: {contents}", name=environment.name)
        workspaces.delete_environment(tx, caller.workspace_id, environment.id)
        _record(tx, runtime, caller, "environment.deleted", environment, {"key": environment.key})
    return environment


def _require_room(tx: Transaction, others: tuple[Environment, ...], name: str, key: str) -> None:
    if len(others) >= MAX_ENVIRONMENTS:
        raise Invalid(
            FieldError("name", N_("A workspace may have %(count)s environments, no more."), count=str(MAX_ENVIRONMENTS))
        )
    errors = []
    if fold(name) in {fold(one.name) for one in others}:
        errors.append(_name_taken())
    if workspaces.find_public_environment(tx, key):
        sentence = N_("This key is in use in this install. Choose another one, such as “%(other)s”.")
        errors.append(FieldError("key", sentence, other=f"{key[:30]}-2"))
    if errors:
        raise Invalid(*errors)


def _name_taken() -> FieldError:
    return FieldError("name", N_("There is an environment of this name already."))


def _hours(typed: str) -> int:
    text = typed.strip()
    if text.isascii() and text.isdigit() and len(text) <= 4 and MIN_SESSION_HOURS <= int(text) <= MAX_SESSION_HOURS:
        return int(text)
    raise FieldError("session_hours", N_("Enter whole hours from 1 to 168 (one week)."))


def _validated(*validations: Callable[[], str]) -> tuple[str, ...]:
    values, errors = [], []
    for validate in validations:
        try:
            values.append(validate())
        except FieldError as error:
            errors.append(error)
    if errors:
        raise Invalid(*errors)
    return tuple(values)


def _difference(before: Environment, after: Environment) -> dict[str, object]:
    details: dict[str, object] = {}
    if before.name != after.name:
        details["name"] = {"from": before.name, "to": after.name}
    if before.session_ttl != after.session_ttl:
        hours = [one.session_ttl // timedelta(hours=1) for one in (before, after)]
        details["session_hours"] = {"from": hours[0], "to": hours[1]}
    return details


def _find(tx: Transaction, caller: AdminCaller, key: str) -> Environment:
    environment = workspaces.find_environment(tx, caller.workspace_id, key)
    if environment is None:
        raise NotFound(f"environment {printable(key, 40)}")
    return environment


def _record(
    tx: Transaction,
    runtime: Runtime,
    caller: AdminCaller,
    action: str,
    environment: Environment,
    details: dict[str, object],
) -> None:
    subject = Subject("environment", environment.id, environment.name)
    record(
        tx,
        runtime,
        caller.workspace_id,
        caller.actor,
        Event(action, subject, environment_id=environment.id, details=details),
    )
