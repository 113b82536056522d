"""One change that a directory asks for, carried out: users and groups, by POST, PUT, PATCH and DELETE. Single requests and Bulk use it.

Works inside the transaction of the flow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vestibule.directory.pushed import PushedGroup, PushedUser
from vestibule.flows.parts import pushed_groups, pushed_users
from vestibule.flows.parts.push_errors import DeparturesHeld, DomainNotReached, PushConflict
from vestibule.flows.parts.pushing import Push
from vestibule.flows.parts.scim_answers import Answer, Renderer, user_tag
from vestibule.kernel.errors import AlreadyTaken, DatabaseBusy, VestibuleError
from vestibule.kernel.ids import is_id
from vestibule.kernel.text import N_, printable
from vestibule.scim.errors import (
    InvalidValue,
    PreconditionFailed,
    ResourceNotFound,
    ScimError,
    Unavailable,
    Uniqueness,
)
from vestibule.scim.etags import etag_matches, tag_of
from vestibule.scim.group_patch import (
    AddMembers,
    Edit,
    RemoveMatching,
    RemoveMembers,
    Rename,
    SetExternalId,
    SetMembers,
    group_edits,
    member_values,
)
from vestibule.scim.matching import matches
from vestibule.scim.patch import patch_resource, read_operations
from vestibule.scim.rendering import Projection, parse_projection
from vestibule.scim.resources import as_object, clean_text, read_resource
from vestibule.scim.schemas import GROUP, USER
from vestibule.scim.tolerances import Noted
from vestibule.storage import scim_groups, scim_members, scim_users
from vestibule.storage.database import Transaction

HELD_SECONDS = 900
BUSY_SECONDS = 5
_NAMED = 5


@dataclass(frozen=True, slots=True)
class Change:
    """What a directory asks for. `method` is POST for an `endpoint` (Users or Groups), PUT, PATCH or DELETE for a resource of it.

    Id, parameters and body are untrusted.
    """

    method: str
    endpoint: str
    resource_id: str | None
    body: Any
    parameters: Mapping[str, str] = field(default_factory=dict)
    if_match: str | None = None


def in_scim(error: VestibuleError) -> ScimError:
    """Return a refusal in SCIM's words. Raises what is no refusal of a push."""
    if isinstance(error, ScimError):
        return error
    if isinstance(error, PushConflict):
        return Uniqueness(str(error))
    if isinstance(error, DomainNotReached):
        return InvalidValue(str(error))
    if isinstance(error, AlreadyTaken):
        return Uniqueness("Another request was faster, or this exists already.")
    if isinstance(error, DeparturesHeld):
        return Unavailable(str(error), HELD_SECONDS)
    if isinstance(error, DatabaseBusy):
        return Unavailable(str(error), BUSY_SECONDS)
    raise error


def carry_out(tx: Transaction, push: Push, change: Change) -> Answer:
    """Carry out one change. Raises ScimError, PushConflict, DomainNotReached, DeparturesHeld, and nothing is half done in `tx`."""
    if change.endpoint == "Users":
        return _change_user(tx, push, change)
    return _change_group(tx, push, change)


def _change_user(tx: Transaction, push: Push, change: Change) -> Answer:
    if change.method == "POST":
        resource = _read_user(push, change.body)
        user, in_groups = pushed_users.create_user(tx, push, {"active": True, **resource})
        return _user_answer(tx, push, change, user, 201, in_groups=in_groups)
    if change.method == "DELETE":
        scim_groups.lock_groups_of(tx, push.workspace_id, change.resource_id or "")
    before = _found_user(tx, push, change.resource_id)
    push.is_about(before.id, before.user_name)
    if change.if_match is not None:
        groups = scim_members.list_groups_of(tx, [before.id]).get(before.id, ())
        _require_version(change, user_tag(before, groups))
    if change.method == "DELETE":
        pushed_users.delete_user(tx, push, before)
        return Answer(204)
    if change.method == "PUT":
        resource = {"active": before.active, **_read_user(push, change.body)}
    else:
        reading = patch_resource(USER, before.attributes, read_operations(change.body))
        _tell(push, reading.noted)
        resource = reading.resource
    user = pushed_users.change_user(tx, push, before, resource)
    return _user_answer(tx, push, change, user, 200)


def _read_user(push: Push, body: Any) -> dict[str, Any]:
    reading = read_resource(USER, body)
    push.is_about(None, str(reading.resource.get("userName", "")))
    _tell(push, reading.noted)
    return reading.resource


def _user_answer(
    tx: Transaction, push: Push, change: Change, user: PushedUser, status: int, *, in_groups: bool = True
) -> Answer:
    push.is_about(user.id, user.user_name)
    projection = parse_projection(USER, *_asked(change))
    renderer = Renderer.of(push.runtime, push.caller, projection)
    rendered = renderer.users(tx, [user])[0] if in_groups else renderer.user(user, ())
    return renderer.answer(USER, status, rendered)


def _found_user(tx: Transaction, push: Push, resource_id: str | None) -> PushedUser:
    found = None
    if resource_id is not None and is_id(resource_id, "scim_user"):
        found = scim_users.find_user(tx, push.connection_id, resource_id, lock=True)
    if found is None:
        raise ResourceNotFound(f"There is no user {printable(resource_id or '', 60)}.")
    return found


def _change_group(tx: Transaction, push: Push, change: Change) -> Answer:
    if change.method == "POST":
        resource, values = _read_group(push, change.body)
        name, external_id = resource["displayName"], resource.get("externalId")
        group = pushed_groups.create_group(tx, push, name, external_id, values)
        return _group_answer(tx, push, change, group, 201)
    before = _found_group(tx, push, change.resource_id)
    push.is_about(before.id, before.display_name)
    _require_version(change, tag_of(before.version))
    if change.method == "DELETE":
        pushed_groups.delete_group(tx, push, before)
        return Answer(204)
    if change.method == "PUT":
        resource, values = _read_group(push, change.body)
        group = pushed_groups.rename_group(tx, push, before, resource["displayName"], resource.get("externalId"))
        _touch(tx, push, before, group, members_changed=pushed_groups.set_members(tx, push, group, values))
        return _group_answer(tx, push, change, _found_group(tx, push, group.id), 200)
    edits, noted = group_edits(read_operations(change.body))
    _tell(push, noted)
    group, members_changed = before, False
    for edit in edits:
        if isinstance(edit, Rename | SetExternalId):
            name = edit.display_name if isinstance(edit, Rename) else group.display_name
            external_id = edit.external_id if isinstance(edit, SetExternalId) else group.external_id
            group = pushed_groups.rename_group(tx, push, group, name, external_id)
        else:
            members_changed = _edit_members(tx, push, group, edit) or members_changed
    _touch(tx, push, before, group, members_changed=members_changed)
    if any(_asked(change)):
        return _group_answer(tx, push, change, _found_group(tx, push, group.id), 200)
    return Answer(204)


def _edit_members(tx: Transaction, push: Push, group: PushedGroup, edit: Edit) -> bool:
    if isinstance(edit, AddMembers):
        return pushed_groups.add_members(tx, push, group, edit.values)
    if isinstance(edit, SetMembers):
        return pushed_groups.set_members(tx, push, group, edit.values)
    if isinstance(edit, RemoveMembers):
        return pushed_groups.remove_members(tx, push, group, edit.values)
    if isinstance(edit, RemoveMatching):
        push.require_effort()
        there = scim_members.list_members(tx, [group.id]).get(group.id, ())
        push.looked_at += len(there)
        known = [{"value": one.value, "display": one.display, "type": "User"} for one in there]
        leaving = tuple(str(one["value"]) for one in known if matches(edit.filter, one))
        return pushed_groups.remove_members(tx, push, group, leaving) if leaving else False
    return False


def _touch(tx: Transaction, push: Push, before: PushedGroup, after: PushedGroup, *, members_changed: bool) -> None:
    if members_changed and after.version == before.version:
        scim_groups.touch_groups(tx, push.workspace_id, [after.id], push.now)


def _read_group(push: Push, body: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    sent = {name: value for name, value in as_object(body).items() if name.lower() != "members"}
    members = next((value for name, value in as_object(body).items() if name.lower() == "members"), None)
    reading = read_resource(GROUP, sent)
    reading.resource.pop("members", None)
    clean_text("displayName", reading.resource["displayName"])
    push.is_about(None, reading.resource["displayName"])
    _tell(push, reading.noted)
    return reading.resource, () if members is None else member_values(members)


def _group_answer(tx: Transaction, push: Push, change: Change, group: PushedGroup, status: int) -> Answer:
    push.is_about(group.id, group.display_name)
    projection: Projection = parse_projection(GROUP, *_asked(change))
    renderer = Renderer.of(push.runtime, push.caller, projection)
    return renderer.answer(GROUP, status, *renderer.groups(tx, [group]))


def _found_group(tx: Transaction, push: Push, resource_id: str | None) -> PushedGroup:
    found = None
    if resource_id is not None and is_id(resource_id, "scim_group"):
        found = scim_groups.find_group(tx, push.connection_id, resource_id, lock=True)
    if found is None:
        raise ResourceNotFound(f"There is no group {printable(resource_id or '', 60)}.")
    return found


def _asked(change: Change) -> tuple[str | None, str | None]:
    return change.parameters.get("attributes"), change.parameters.get("excludedAttributes")


def _require_version(change: Change, tag: str) -> None:
    if change.if_match is not None and not etag_matches(change.if_match, tag):
        raise PreconditionFailed("The resource has changed since.")


def _tell(push: Push, noted: Noted) -> None:
    different = list(dict.fromkeys(noted.ignored))
    if different:
        push.note(N_("Not known here, and ignored: %(names)s."), names=", ".join(different[:_NAMED]))
    push.tolerate(noted.tolerated)
