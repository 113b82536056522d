"""A user that a directory pushes: made, changed, back again, deleted; and the account, access and profile that follow from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from vestibule.directory.activity import Subject
from vestibule.directory.end_users import EndUser, EndUserStatus, search_terms
from vestibule.directory.linking import reaches
from vestibule.directory.pushed import Account, PushedUser, Standing, email_of, full_name_of, standing_of
from vestibule.directory.sources import Source
from vestibule.flows.parts.departing import depart
from vestibule.flows.parts.push_errors import (
    AddressOfFormer,
    AddressTaken,
    DomainNotReached,
    ManagedElsewhere,
    PushConflict,
    UserExists,
    UserNameOfFormer,
)
from vestibule.flows.parts.pushing import Push
from vestibule.kernel.errors import DatabaseBusy
from vestibule.kernel.ids import new_id
from vestibule.kernel.text import N_, email_domain, email_key
from vestibule.storage import access, end_users, knocks, one_time_links, scim_groups, scim_members, scim_users
from vestibule.storage.database import Transaction

_TAKEN: Final[Mapping[Standing, type[PushConflict]]] = {
    Standing.ANOTHER_DIRECTORY: ManagedElsewhere,
    Standing.REUSED: AddressOfFormer,
}


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
            _require_reach(push, email)
        if former[0].end_user_id is not None:
            _require_own(tx, push, former[0].end_user_id)
        scim_users.delete_user(tx, push.workspace_id, push.connection_id, former[0].id)
        user = replace(user, end_user_id=former[0].end_user_id)
        if user.end_user_id is not None:
            _sync_profile(tx, push, former[0], user, user.end_user_id)
    elif user.active:
        end_user_id, fresh = _account_for(tx, push, user)
        user = replace(user, end_user_id=end_user_id)
    scim_users.insert_user(tx, push.workspace_id, push.connection_id, user)
    waited = _welcome(tx, push, user)
    if user.active and user.end_user_id:
        _arrive(tx, push, user, fresh=fresh, in_groups=waited)
    return user, waited


def change_user(tx: Transaction, push: Push, before: PushedUser, resource: Mapping[str, Any]) -> PushedUser:
    """Bring a user, who is locked, to what a canonical resource says. What says the same changes nothing, not even the version.

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
    if (after.attributes, after.active) == (before.attributes, before.active):
        return before
    _require_free_name(tx, push, before, after)
    if before.active and not after.active:
        depart(tx, push, before)
    if after.active and not before.active and after.end_user_id is not None:
        _require_own(tx, push, after.end_user_id)
    fresh = False
    if after.end_user_id is not None:
        _sync_profile(tx, push, before, after, after.end_user_id)
    elif after.active:
        end_user_id, fresh = _account_for(tx, push, after)
        after = replace(after, end_user_id=end_user_id)
    scim_users.update_user(tx, push.workspace_id, push.connection_id, before, after)
    waited = after.external_id != before.external_id and _welcome(tx, push, after)
    if after.active and after.end_user_id:
        if not (before.active and before.end_user_id):
            _arrive(tx, push, after, fresh=fresh, in_groups=True)
        elif waited:
            scim_members.join_pushed_groups(tx, push.place, after.id, after.end_user_id, push.now)
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


def _welcome(tx: Transaction, push: Push, user: PushedUser) -> bool:
    """Put a user into the groups that waited for their externalId, which have a new version now; return whether there were any."""
    waited = scim_members.welcome(tx, push.place, user.id, user.external_id) if user.external_id else ()
    scim_groups.touch_groups(tx, push.workspace_id, waited, push.now)
    return bool(waited)


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
        raise UserExists(f"another one than {before.id}")


def _require_reach(push: Push, email: str) -> None:
    if not reaches(push.caller, push.caller.rival_entries, email):
        raise DomainNotReached("out of reach", domain=email_domain(email))


def _require_own(tx: Transaction, push: Push, end_user_id: str) -> None:
    """Raise unless an account that comes back is still within the connection's reach, and no other directory's by now."""
    place = (push.workspace_id, push.environment_id, end_user_id, push.connection_id)
    person, elsewhere = scim_users.find_returning(tx, *place)
    if person is None:
        return
    if elsewhere:
        raise ManagedElsewhere(f"account {end_user_id}")
    _require_reach(push, person.email)


def _account_for(tx: Transaction, push: Push, user: PushedUser) -> tuple[str | None, bool]:
    """Return the account that a user has here by e-mail: a new one, which is said, or one that is adopted, once, on the record."""
    email = email_of(user.attributes)
    if email is None:
        push.note(
            N_("%(user)s has no e-mail address yet, so there is no account to sign in with."), user=user.user_name
        )
        return None, False
    _require_reach(push, email)
    place = (push.workspace_id, push.environment_id, push.connection_id)
    account = scim_users.find_account(tx, *place, email)
    standing = standing_of(account, user.external_id)
    if standing in _TAKEN:
        raise _TAKEN[standing](f"account {account.end_user.id if account else None}")
    if standing is Standing.SHARED:
        push.note(
            N_("%(user)s has the e-mail address of another user, %(email)s, so there is no account of their own."),
            user=user.user_name,
            email=email,
        )
        return None, False
    if account is None:
        return _make_account(tx, push, user, email), True
    return _adopt(tx, push, user, account), False


def _make_account(tx: Transaction, push: Push, user: PushedUser, email: str) -> str:
    person = EndUser(
        id=new_id("end_user", push.now),
        workspace_id=push.workspace_id,
        email=email,
        full_name=full_name_of(user.attributes),
        status=EndUserStatus.ACTIVE,
        source=Source.SCIM,
        has_password=False,
        created_at=push.now,
        updated_at=push.now,
        last_sign_in_at=None,
    )
    if not end_users.insert_newcomer(tx, person, search_terms(person.full_name, email), push.connection_id):
        raise DatabaseBusy("somebody else made an account of this address at this instant")
    push.record_person(tx, "end_user.added", person, email=email)
    return person.id


def _adopt(tx: Transaction, push: Push, user: PushedUser, account: Account) -> str:
    person = account.end_user
    if account.gone and account.holder_id:
        scim_users.delete_user(tx, push.workspace_id, push.connection_id, account.holder_id)
    if account.has_access:
        scim_users.take_over_access(tx, push.workspace_id, push.environment_id, person.id, push.connection_id)
    push.record_person(tx, "end_user.adopted", person, by="email", email=person.email, user_name=user.user_name)
    push.note(N_("%(name)s was here already and was adopted, found by e-mail address."), name=person.full_name)
    if person.status is EndUserStatus.DEACTIVATED:
        push.note(
            N_("An admin deactivated %(name)s, who can’t come in until that is taken back."), name=person.full_name
        )
    return person.id


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
        scim_members.join_pushed_groups(tx, push.place, user.id, end_user_id, push.now)


def _sync_profile(tx: Transaction, push: Push, before: PushedUser, after: PushedUser, end_user_id: str) -> None:
    """Let name and e-mail address follow the directory, where they changed there.

    Not for somebody whom another environment knows by something else than the same IdP: a directory that could change their
    address could sign somebody else in there.
    """
    full_name, email = full_name_of(after.attributes), email_of(after.attributes)
    if (full_name, email) == (full_name_of(before.attributes), email_of(before.attributes)):
        return
    person = end_users.lock_end_user(tx, push.workspace_id, end_user_id)
    if person is None or (full_name, email or person.email) == (person.full_name, person.email):
        return
    if scim_users.known_elsewhere(tx, push.caller.idp_id, push.environment_id, end_user_id):
        push.note(N_("%(name)s is known to another environment, so name and address stay as they are."), name=full_name)
        return
    address = _new_address(tx, push, after, person, email)
    end_users.update_profile(
        tx,
        push.workspace_id,
        person.id,
        full_name=full_name,
        email=address,
        terms=search_terms(full_name, address),
        now=push.now,
    )
    changes: dict[str, object] = {}
    if full_name != person.full_name:
        changes["name"] = {"from": person.full_name, "to": full_name}
    if address != person.email:
        changes["email"] = {"from": person.email, "to": address}
        one_time_links.revoke_links(tx, end_user_id=person.id)
    if changes:
        push.record_person(tx, "end_user.changed", person, **changes)


def _new_address(tx: Transaction, push: Push, after: PushedUser, person: EndUser, email: str | None) -> str:
    if email is None or email == person.email:
        return person.email
    if not after.active and not reaches(push.caller, push.caller.rival_entries, email):
        # Nobody is kept in by an address that is no good.
        return person.email
    _require_reach(push, email)
    if email_key(email) != email_key(person.email) and end_users.find_by_email(tx, push.workspace_id, email):
        if not after.active:
            return person.email
        raise AddressTaken(f"not {person.id}")
    return email
