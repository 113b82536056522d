"""Workspaces: create one with its environments; name it and say whom its people ask for help."""

from __future__ import annotations

from collections.abc import Sequence

from vestibule.directory.activity import Actor, Event, Subject
from vestibule.directory.admins import Permission
from vestibule.directory.workspaces import (
    DEFAULT_SESSION_TTL,
    Environment,
    Workspace,
    key_from_name,
    validate_key,
    validate_name,
)
from vestibule.flows.parts.births import create_environment
from vestibule.flows.parts.callers import AdminCaller
from vestibule.flows.parts.recording import record
from vestibule.flows.parts.runtime import Runtime
from vestibule.kernel.errors import AlreadyTaken, FieldError, Invalid, NotFound
from vestibule.kernel.ids import new_id
from vestibule.kernel.text import N_, clean_email
from vestibule.storage import workspaces
from vestibule.storage.database import Transaction


def create_workspace(
    runtime: Runtime, actor: Actor, name: str, environment_names: Sequence[str], help_contact: str | None = None
) -> Workspace:
    """Create a workspace with environments named as given, each with its group Everyone. For the operator.

    Keys are unique in the install: a second workspace's DEV gets `name-dev`. Raises Invalid.
    """
    now = runtime.clock()
    workspace = Workspace(new_id("workspace", now), validate_name("name", name), help_contact, now)
    try:
        with runtime.database.transaction() as tx:
            workspaces.insert_workspace(tx, workspace)
            for position, environment_name in enumerate(environment_names):
                typed = validate_name("environments", environment_name)
                key = validate_key("environments", key_from_name(typed))
                if workspaces.find_public_environment(tx, key):
                    key = validate_key("environments", f"{key_from_name(name)[:20]}-{key}"[:32])
                environment = Environment(
                    new_id("environment", now), workspace.id, key, typed, position, False, DEFAULT_SESSION_TTL, now
                )
                create_environment(tx, runtime, environment)
            record(
                tx,
                runtime,
                workspace.id,
                actor,
                Event("workspace.created", Subject("workspace", workspace.id, workspace.name)),
            )
    except AlreadyTaken as error:
        raise Invalid(FieldError("environments", N_("An environment of this name or key exists already."))) from error
    return workspace


def get_workspace(runtime: Runtime, workspace_id: str) -> Workspace:
    """Return a workspace. Raises NotFound."""
    with runtime.database.reading() as tx:
        return _found(tx, workspace_id)


def list_workspaces(runtime: Runtime) -> tuple[Workspace, ...]:
    """Return every workspace of the install. For the operator."""
    with runtime.database.reading() as tx:
        return workspaces.list_workspaces(tx)


def change_workspace(
    runtime: Runtime, caller: AdminCaller, name: str, help_contact: str, *, shown: tuple[str, str] | None = None
) -> None:
    """Change the workspace's name and the e-mail address that its people are told to ask.

    What is as it was `shown` (name, address) stays as it is by now: another admin may have changed it. Raises Invalid, Forbidden.
    """
    caller.require(Permission.MANAGE_ENVIRONMENTS)
    errors: list[FieldError] = []
    tidy = ""
    try:
        tidy = validate_name("name", name)
    except FieldError as error:
        errors.append(error)
    contact = clean_email(help_contact)
    if help_contact.strip() and contact is None:
        errors.append(
            FieldError("help_contact", N_("Enter a full e-mail address, such as help@example.com, or leave it empty."))
        )
    if errors:
        raise Invalid(*errors)
    with runtime.database.transaction() as tx:
        workspaces.lock_workspace(tx, caller.workspace_id)
        before = _found(tx, caller.workspace_id)
        if shown is not None:
            tidy = before.name if name == shown[0] else tidy
            contact = before.help_contact if help_contact == shown[1] else contact
        if (tidy, contact) == (before.name, before.help_contact):
            return
        workspaces.update_workspace(tx, caller.workspace_id, tidy, contact)
        subject = Subject("workspace", caller.workspace_id, tidy)
        event = Event("workspace.changed", subject, details=_difference(before, tidy, contact))
        record(tx, runtime, caller.workspace_id, caller.actor, event)


def _found(tx: Transaction, workspace_id: str) -> Workspace:
    workspace = workspaces.find_workspace(tx, workspace_id)
    if workspace is None:
        raise NotFound(f"workspace {workspace_id}")
    return workspace


def _difference(before: Workspace, name: str, contact: str | None) -> dict[str, object]:
    changes = {"name": (before.name, name), "help_contact": (before.help_contact, contact)}
    return {one: {"from": old, "to": new} for one, (old, new) in changes.items() if old != new}
