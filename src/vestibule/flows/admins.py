"""Access control: list, invite, change and remove workspace admins. A workspace always keeps one Owner who can sign in."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from vestibule.directory.activity import Actor, Event, Subject
from vestibule.directory.admins import Admin, AdminStatus, Permission, Role
from vestibule.directory.end_users import validate_email
from vestibule.directory.one_time_links import OneTimeLink, Purpose
from vestibule.directory.workspaces import validate_name
from vestibule.flows.parts.callers import AdminCaller
from vestibule.flows.parts.posting import Letter, post
from vestibule.flows.parts.recording import record
from vestibule.flows.parts.runtime import Runtime
from vestibule.kernel.errors import AlreadyTaken, Conflict, FieldError, Forbidden, Invalid, NotFound
from vestibule.kernel.ids import new_id
from vestibule.kernel.passwords import hash_password, validate_new_password
from vestibule.kernel.secrets import new_token, token_hash
from vestibule.kernel.text import N_
from vestibule.storage import admins, one_time_links, workspaces
from vestibule.storage.database import Transaction

INVITATION_LIFE: Final = timedelta(days=7)
RECOVERY_LIFE: Final = timedelta(hours=1)


class LastOwner(Conflict):
    """The act would leave the workspace without an Owner who can sign in."""

    code = "last_owner"
    public = N_("A workspace needs an Owner who can sign in. Make somebody else an Owner first.")


class NoSuchAdmin(NotFound):
    """The operator named an address that no admin of this install has."""

    code = "no_such_admin"
    public = N_(
        "No workspace admin has this e-mail address. To make one, run: vestibule admin create --email … --name …"
    )


def list_admins(runtime: Runtime, caller: AdminCaller) -> tuple[Admin, ...]:
    """Return the workspace's admins by name. Raises Forbidden."""
    caller.require(Permission.READ)
    with runtime.database.reading() as tx:
        return admins.list_admins(tx, caller.workspace_id)


def get_admin(runtime: Runtime, caller: AdminCaller, admin_id: str) -> Admin:
    """Return one admin of the workspace, to be changed or removed. Raises NotFound; Forbidden, also for an Owner by an Admin."""
    caller.require(Permission.MANAGE_ADMINS)
    with runtime.database.reading() as tx:
        admin = _found(admins.find_admin(tx, caller.workspace_id, admin_id))
    _require_for_role(caller, admin.role)
    return admin


def invite_admin(runtime: Runtime, caller: AdminCaller, name: str, email: str, role: str) -> tuple[Admin, str]:
    """Invite somebody to be an admin; return the admin and the one-time link to hand over. It is also posted where mail works.

    Raises Invalid field by field, Forbidden when the caller may not give that role.
    """
    caller.require(Permission.MANAGE_ADMINS)
    admin = _draft(runtime, caller.workspace_id, name, email, role)
    _require_for_role(caller, admin.role)
    try:
        with runtime.database.transaction() as tx:
            admins.insert_admin(tx, admin, None)
            url = _hand_out_link(tx, runtime, admin, Purpose.ADMIN_INVITATION, INVITATION_LIFE)
            post(tx, runtime, admin.workspace_id, Letter("admin_invitation", admin.email, admin.name, url))
            record(
                tx,
                runtime,
                admin.workspace_id,
                caller.actor,
                Event("admin.invited", _subject(admin), details={"role": admin.role.value}),
            )
    except AlreadyTaken as error:
        raise Invalid(
            FieldError("email", N_("Somebody with this e-mail address is a workspace admin already."))
        ) from error
    return admin, url


def renew_invitation(runtime: Runtime, caller: AdminCaller, admin_id: str) -> tuple[Admin, str | None]:
    """Make a new link for an invited admin, or a password reset for an active one; the older ones stop working.

    Where mail carries a reset, its URL is not returned: whoever saw it could sign in as that colleague, under their name.
    """
    caller.require(Permission.MANAGE_ADMINS)
    with runtime.database.transaction() as tx:
        admin = _found(admins.find_admin(tx, caller.workspace_id, admin_id))
        _require_for_role(caller, admin.role)
        invited = admin.status is AdminStatus.INVITED
        purpose = Purpose.ADMIN_INVITATION if invited else Purpose.ADMIN_RESET
        url = _hand_out_link(tx, runtime, admin, purpose, INVITATION_LIFE if invited else timedelta(days=1))
        post(tx, runtime, admin.workspace_id, Letter(purpose.value, admin.email, admin.name, url))
        record(
            tx,
            runtime,
            admin.workspace_id,
            caller.actor,
            Event("admin.link_made", _subject(admin), details={"purpose": purpose.value}),
        )
    return admin, url if invited or not runtime.mail_enabled else None


def change_role(runtime: Runtime, caller: AdminCaller, admin_id: str, role: str, shown: str = "") -> Admin:
    """Give an admin another role; it counts from the next request on. Return the admin as they were.

    A role that is as it was `shown` is left as it is by now: another admin may have changed it.
    Raises LastOwner, Invalid, Forbidden, NotFound.
    """
    caller.require(Permission.MANAGE_ADMINS)
    wanted = _role(role)
    with runtime.database.transaction() as tx:
        workspaces.lock_workspace(tx, caller.workspace_id)
        admin = _found(admins.find_admin(tx, caller.workspace_id, admin_id))
        _require_for_role(caller, admin.role)
        _require_for_role(caller, wanted)
        if role in {admin.role, shown}:
            return admin
        if wanted is not Role.OWNER:
            _keep_an_owner(tx, admin)
        admins.update_admin(tx, caller.workspace_id, admin.id, role=wanted.value)
        details = {"from": admin.role.value, "to": wanted.value}
        record(
            tx,
            runtime,
            caller.workspace_id,
            caller.actor,
            Event("admin.role_changed", _subject(admin), details=details),
        )
    return admin


def remove_admin(runtime: Runtime, caller: AdminCaller, admin_id: str) -> Admin:
    """Remove an admin; sessions and links end with it. Raises LastOwner, Forbidden, NotFound."""
    caller.require(Permission.MANAGE_ADMINS)
    with runtime.database.transaction() as tx:
        workspaces.lock_workspace(tx, caller.workspace_id)
        admin = _found(admins.find_admin(tx, caller.workspace_id, admin_id))
        _require_for_role(caller, admin.role)
        _keep_an_owner(tx, admin)
        admins.delete_admin(tx, caller.workspace_id, admin.id)
        record(
            tx,
            runtime,
            caller.workspace_id,
            caller.actor,
            Event("admin.removed", _subject(admin), details={"email": admin.email}),
        )
    return admin


def create_admin(
    runtime: Runtime, actor: Actor, workspace_id: str, name: str, email: str, role: str, password: str | None
) -> tuple[Admin, str | None]:
    """Create an admin from the command line: active with a password, or invited with a one-time link that is returned.

    Raises Invalid.
    """
    admin = _draft(runtime, workspace_id, name, email, role)
    hashed = None
    if password is not None:
        try:
            validate_new_password(password, admin.email, *admin.name.split())
        except FieldError as error:
            raise Invalid(error) from error
        hashed = hash_password(password)
        admin = _activated(admin)
    try:
        with runtime.database.transaction() as tx:
            admins.insert_admin(tx, admin, hashed)
            link = None if hashed else _hand_out_link(tx, runtime, admin, Purpose.ADMIN_FIRST_RUN, INVITATION_LIFE)
            record(
                tx,
                runtime,
                workspace_id,
                actor,
                Event("admin.created", _subject(admin), details={"role": admin.role.value}),
            )
    except AlreadyTaken as error:
        raise Invalid(
            FieldError("email", N_("Somebody with this e-mail address is a workspace admin already."))
        ) from error
    return admin, link


def count_admins(runtime: Runtime) -> int:
    """Return how many admins the install has. For the operator."""
    with runtime.database.reading() as tx:
        return admins.count_admins(tx)


def recover_admin(runtime: Runtime, actor: Actor, email: str) -> str:
    """Make a one-time sign-in link for an admin from the command line (break-glass), on the record. Raises NoSuchAdmin."""
    with runtime.database.transaction() as tx:
        found = admins.find_admin_by_email(tx, email.strip())
        if found is None:
            raise NoSuchAdmin("no such admin in this install")
        admin = found[0]
        url = _hand_out_link(tx, runtime, admin, Purpose.ADMIN_RECOVERY, RECOVERY_LIFE)
        record(tx, runtime, admin.workspace_id, actor, Event("admin.recovery_link_made", _subject(admin)))
    return url


def _draft(runtime: Runtime, workspace_id: str, name: str, email: str, role: str) -> Admin:
    errors: list[FieldError] = []
    values: dict[str, str] = {}
    for field, validate, typed in (
        ("name", validate_name, name),
        ("email", validate_email, email),
        ("role", _role_field, role),
    ):
        try:
            values[field] = validate(field, typed)
        except FieldError as error:
            errors.append(error)
    if errors:
        raise Invalid(*errors)
    now = runtime.clock()
    return Admin(
        new_id("admin", now),
        workspace_id,
        values["email"],
        values["name"],
        Role(values["role"]),
        AdminStatus.INVITED,
        now,
        None,
    )


def _activated(admin: Admin) -> Admin:
    return Admin(
        admin.id, admin.workspace_id, admin.email, admin.name, admin.role, AdminStatus.ACTIVE, admin.created_at, None
    )


def _role_field(field: str, typed: str) -> str:
    if typed not in set(Role):
        raise FieldError(field, N_("Choose one of the roles."))
    return typed


def _role(typed: str) -> Role:
    try:
        return Role(_role_field("role", typed))
    except FieldError as error:
        raise Invalid(error) from error


def _require_for_role(caller: AdminCaller, role: Role) -> None:
    if role is Role.OWNER and not caller.admin.may(Permission.MANAGE_OWNERS):
        raise Forbidden(f"{caller.admin.role} may not touch an Owner")


def _keep_an_owner(tx: Transaction, admin: Admin) -> None:
    sole = admin.role is Role.OWNER and admin.status is AdminStatus.ACTIVE
    if sole and admins.count_active_owners(tx, admin.workspace_id) <= 1:
        raise LastOwner(f"{admin.id} is the last active Owner")


def _hand_out_link(tx: Transaction, runtime: Runtime, admin: Admin, purpose: Purpose, life: timedelta) -> str:
    now, token = runtime.clock(), new_token()
    one_time_links.revoke_links(tx, admin_id=admin.id)
    one_time_links.insert_link(
        tx, OneTimeLink(admin.workspace_id, purpose, admin.id, None, None, now, now + life), token_hash(token)
    )
    return f"{runtime.public_url}/admin/link/{token}"


def _found(admin: Admin | None) -> Admin:
    if admin is None:
        raise NotFound("no such admin in this workspace")
    return admin


def _subject(admin: Admin) -> Subject:
    return Subject("admin", admin.id, admin.name)
