"""The account that a pushed user is here: found by e-mail, made, adopted, come back to; and its profile, which follows the directory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from vestibule.directory.end_users import EndUser, EndUserStatus, search_terms
from vestibule.directory.linking import reaches
from vestibule.directory.pushed import Account, PushedUser, Standing, email_of, full_name_of, standing_of
from vestibule.directory.sources import Source
from vestibule.flows.parts.push_errors import (
    AddressOfFormer,
    AddressTaken,
    DomainNotReached,
    ManagedElsewhere,
    PushConflict,
)
from vestibule.flows.parts.pushing import Push
from vestibule.kernel.errors import GaveWay
from vestibule.kernel.ids import new_id
from vestibule.kernel.text import N_, email_domain, email_key
from vestibule.storage import end_users, one_time_links, scim_users
from vestibule.storage.database import Transaction

_TAKEN: Final[Mapping[Standing, type[PushConflict]]] = {
    Standing.ANOTHER_DIRECTORY: ManagedElsewhere,
    Standing.REUSED: AddressOfFormer,
}


def account_for(tx: Transaction, push: Push, user: PushedUser) -> tuple[str | None, bool]:
    """Return the account that a user has here by e-mail: a new one, which is said, or one that is adopted, once, on the record.

    None where they have no address, or another user's. Raises PushConflict, DomainNotReached, GaveWay.
    """
    email = email_of(user.attributes)
    if email is None:
        push.note(
            N_("%(user)s has no e-mail address yet, so there is no account to sign in with."), user=user.user_name
        )
        return None, False
    require_reach(push, email)
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
        raise GaveWay("somebody else made an account of this address at this instant")
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
    if user.attributes.get("displayName") or user.attributes.get("name"):
        _follow(tx, push, user, person.id)
    if person.status is EndUserStatus.DEACTIVATED:
        push.note(
            N_("An admin deactivated %(name)s, who can’t come in until that is taken back."), name=person.full_name
        )
    return person.id


def require_reach(push: Push, email: str) -> None:
    """Raise DomainNotReached unless an address is within the connection's reach."""
    if not reaches(push.caller, push.caller.rival_entries, email):
        raise DomainNotReached("out of reach", domain=email_domain(email))


def require_own(tx: Transaction, push: Push, end_user_id: str) -> None:
    """Raise DomainNotReached or ManagedElsewhere for an account that comes back and is out of reach, or another directory's by now."""
    place = (push.workspace_id, push.environment_id, end_user_id, push.connection_id)
    person, elsewhere = scim_users.find_returning(tx, *place)
    if person is None:
        return
    if elsewhere:
        raise ManagedElsewhere(f"account {end_user_id}")
    require_reach(push, person.email)


def sync_profile(tx: Transaction, push: Push, before: PushedUser, after: PushedUser, end_user_id: str) -> None:
    """Let name and e-mail address of an account follow the directory, where they changed there.

    Not for somebody whom another environment knows by something else than the same IdP: a directory that could change their
    address could sign somebody else in there. Raises AddressTaken, DomainNotReached.
    """
    names = (full_name_of(after.attributes), email_of(after.attributes))
    if names != (full_name_of(before.attributes), email_of(before.attributes)):
        _follow(tx, push, after, end_user_id)


def _follow(tx: Transaction, push: Push, after: PushedUser, end_user_id: str) -> None:
    full_name, email = full_name_of(after.attributes), email_of(after.attributes)
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
    require_reach(push, email)
    if email_key(email) != email_key(person.email) and end_users.find_by_email(tx, push.workspace_id, email):
        if not after.active:
            return person.email
        raise AddressTaken(f"not {person.id}")
    return email
