"""A user that a directory pushes: made, changed, back again, deleted, and the access that follows. Their account: `pushed_accounts`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from vestibule.directory.activity import Subject
from vestibule.directory.pushed import PushedUser, email_of, full_name_of
from vestibule.directory.sources import Source
from vestibule.flows.parts.departing import depart
from vestibule.flows.parts.push_errors import UserExists, UserNameOfFormer, UserNameTaken
from vestibule.flows.parts.pushed_accounts import account_for, require_own, require_reach, sync_profile
from vestibule.flows.parts.pushing import Push
from vestibule.kernel.ids import new_id
from vestibule.storage import access, end_users, knocks, scim_groups, scim_joining, scim_members, scim_users
from vestibule.storage.database import Transaction


def create_user(tx: Transaction, push: Push, resource: Mapping[str, Any]) -> tuple[PushedUser, bool]:
    """Make a user of a canonical resource (validated), or bring one back who is not active (re-hire), with no memberships.

    Returns the user, and whether any group waited for them, in which they are now.
    Raises PushConflict for a userName, an externalId or an account that is somebody else's, DomainNotReached for a domain out
    of the connection's reach.
    """
    found = scim_users.find_namesakes(tx, push.connection_id, resource.get("externalId"), resource["userName"])
    former = _same_person(found, resource)
    if former is not None and not former[1]:
        return _rehire(tx, push, former[0], resource), False
    user, fresh = _made(new_id("scim_user", push.now), push, resource), False
    if former is not None:
        # Deleted there, and here by the same externalId again: the same person, who lived on through something else.
        if user.active and (email := email_of(resource)):
            require_reach(push, email)
        if former[0].end_user_id is not None:
            require_own(tx, push, former[0].end_user_id)
        scim_users.delete_user(tx, push.workspace_id, push.connection_id, former[0].id)
        user = replace(user, end_user_id=former[0].end_user_id)
        if user.end_user_id is not None:
            sync_profile(tx, push, former[0], user, user.end_user_id)
    elif user.active:
        end_user_id, fresh = account_for(tx, push, user)
        user = replace(user, end_user_id=end_user_id)
    scim_users.insert_user(tx, push.workspace_id, push.connection_id, user)
    waited = bool(_welcome(tx, push, user))
    if user.active and user.end_user_id:
        _arrive(tx, push, user, fresh=fresh, in_groups=waited)
    return user, waited


def change_user(tx: Transaction, push: Push, before: PushedUser, resource: Mapping[str, Any]) -> PushedUser:
    """Bring a user, who is locked, to what a canonical resource says. What says the same changes nothing, not even the version.

    Unless there was no account for them, as somebody else had their address: it is made once it can be.
    Raises PushConflict, DomainNotReached, DeparturesHeld.
    """
    after = replace(
        _made(before.id, push, resource),
        end_user_id=before.end_user_id,
        # Who says nothing of it changes nothing of it: nobody leaves, or comes back, by being left out.
        active=resource.get("active", before.active),
        version=before.version + 1,
        created_at=before.created_at,
    )
    same = (after.attributes, after.active) == (before.attributes, before.active)
    if same and not (after.active and after.end_user_id is None):
        return before
    _require_free_name(tx, push, before, after)
    if before.active and not after.active:
        depart(tx, push, before)
    if after.active and not before.active and after.end_user_id is not None:
        require_own(tx, push, after.end_user_id)
    fresh = False
    if after.end_user_id is not None:
        sync_profile(tx, push, before, after, after.end_user_id)
    elif after.active:
        end_user_id, fresh = account_for(tx, push, after)
        after = replace(after, end_user_id=end_user_id)
        if same and end_user_id is None:
            return before
    scim_users.update_user(tx, push.workspace_id, push.connection_id, before, after)
    waited = _welcome(tx, push, after) if after.external_id != before.external_id else ()
    if after.active and after.end_user_id:
        if not (before.active and before.end_user_id):
            _arrive(tx, push, after, fresh=fresh, in_groups=True)
        # Not every group that they are in: out of some of those an admin may have taken them.
        for scim_group_id in waited:
            scim_joining.join_group(tx, push.place, scim_group_id, after.end_user_id, push.now)
    return after


def delete_user(tx: Transaction, push: Push, user: PushedUser) -> None:
    """Delete a user: access and sessions here end at once, and the account with them where nothing else knows it.

    Raises DeparturesHeld.
    """
    depart(tx, push, user)
    place = (push.workspace_id, push.connection_id, user.id)
    _touch_groups_of(tx, push, user.id)
    if user.end_user_id is None:
        scim_users.delete_user(tx, *place)
        return
    person = end_users.find_end_user(tx, push.workspace_id, user.end_user_id)
    if person is not None and scim_users.is_only_here(tx, user.end_user_id, push.connection_id):
        end_users.delete_end_user(tx, push.workspace_id, person.id)
        push.record_person(tx, "end_user.deleted", person, email=person.email)
        return
    scim_members.forget_memberships(tx, push.workspace_id, user.id)
    scim_users.bury_user(tx, *place, push.now)


def _made(user_id: str, push: Push, resource: Mapping[str, Any]) -> PushedUser:
    return PushedUser(
        id=user_id,
        end_user_id=None,
        external_id=resource.get("externalId"),
        user_name=resource["userName"],
        active=resource.get("active") is not False,
        attributes=dict(resource),
        version=1,
        created_at=push.now,
        last_modified_at=push.now,
    )


def _same_person(
    found: tuple[tuple[PushedUser, bool], ...], resource: Mapping[str, Any]
) -> tuple[PushedUser, bool] | None:
    """Return whom a new resource is again, with whether they were deleted there: by userName, or by an externalId of one person only.

    Whether externalIds are unique is the directory's business (RFC 7643, 3.1): one that several have, or that somebody active
    has under another userName, says nothing.
    """
    key = scim_users.user_key(resource["userName"])
    for user, gone in found:
        if not gone and scim_users.user_key(user.user_name) == key:
            return user, gone
    external_id = resource.get("externalId")
    same = [one for one in found if external_id and one[0].external_id == external_id]
    return same[0] if len(same) == 1 and not same[0][0].active else None


def _rehire(tx: Transaction, push: Push, found: PushedUser, resource: Mapping[str, Any]) -> PushedUser:
    scim_groups.lock_groups_of(tx, push.workspace_id, found.id)
    before = scim_users.find_user(tx, push.connection_id, found.id, lock=True)
    if before is None or before.active:
        raise UserExists(f"{found.id} is there, and active")
    wanted = resource.get("externalId")
    if wanted and before.external_id and wanted != before.external_id:
        raise UserNameOfFormer(f"{before.id} has another externalId")
    _touch_groups_of(tx, push, before.id)
    scim_members.forget_memberships(tx, push.workspace_id, before.id)
    return change_user(tx, push, before, resource)


def _welcome(tx: Transaction, push: Push, user: PushedUser) -> tuple[str, ...]:
    """Put a user into the groups that waited for their externalId, which have a new version now; return which these are."""
    waited = scim_members.welcome(tx, push.place, user.id, user.external_id) if user.external_id else ()
    scim_groups.touch_groups(tx, push.workspace_id, waited, push.now)
    return waited


def _touch_groups_of(tx: Transaction, push: Push, user_id: str) -> None:
    """Give the groups that a user leaves a new version: whoever reads one again must not be told that it is the same."""
    scim_groups.touch_groups(
        tx, push.workspace_id, scim_groups.lock_groups_of(tx, push.workspace_id, user_id), push.now
    )


def _require_free_name(tx: Transaction, push: Push, before: PushedUser, after: PushedUser) -> None:
    if scim_users.user_key(before.user_name) == scim_users.user_key(after.user_name):
        return
    found = scim_users.find_namesakes(tx, push.connection_id, None, after.user_name)
    if any(user.id != before.id for user, _ in found):
        raise UserNameTaken(f"another one than {before.id}")


def _arrive(tx: Transaction, push: Push, user: PushedUser, *, fresh: bool, in_groups: bool) -> None:
    """Let somebody enter the environment, and put them into the groups that the directory has them in, if there may be any.

    `fresh` is one whose account was made just now.
    """
    end_user_id = user.end_user_id or ""
    granted = access.grant_access(
        tx,
        push.workspace_id,
        push.environment_id,
        end_user_id,
        source=Source.SCIM,
        now=push.now,
        connection_id=push.connection_id,
        fresh=fresh,
    )
    if granted:
        email = email_of(user.attributes) or ""
        knocks.delete_answered(tx, push.workspace_id, push.environment_id, end_user_id, email)
        subject = Subject("end_user", end_user_id, full_name_of(user.attributes))
        push.record(tx, "end_user.access_granted", subject)
    if in_groups:
        scim_joining.join_pushed_groups(tx, push.place, user.id, end_user_id, push.now)
