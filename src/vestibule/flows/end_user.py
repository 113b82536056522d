"""One end user: everything that the console shows of them, and the changes that an admin makes to profile, access and standing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from vestibule.directory.activity import ActivityFilter, Entry
from vestibule.directory.admins import Permission
from vestibule.directory.connections import Connection
from vestibule.directory.end_users import (
    AccessChange,
    EndUser,
    EndUserStatus,
    EnvironmentAccess,
    search_terms,
    validate_profile,
)
from vestibule.directory.enforcement import Route
from vestibule.directory.groups import Group, Membership
from vestibule.directory.sessions import IdentityLink, Session
from vestibule.directory.sources import Source
from vestibule.directory.workspaces import Environment
from vestibule.flows.parts.callers import AdminCaller
from vestibule.flows.parts.people import (
    EmailTaken,
    HandedOut,
    NoPassword,
    found_end_user,
    give_access,
    hand_out_link,
    note,
    ways_in,
)
from vestibule.flows.parts.runtime import Runtime
from vestibule.flows.parts.taking_away import take_apps, write_receipt
from vestibule.kernel.errors import AlreadyTaken, Conflict, FieldError, Invalid
from vestibule.kernel.text import N_
from vestibule.storage import (
    access,
    activity,
    apps,
    connections,
    end_users,
    grants,
    groups,
    identity_links,
    one_time_links,
    receipts,
    scim_groups,
    sessions,
    workspaces,
)
from vestibule.storage.database import Transaction

RECENT: Final = 10


class AccountDeactivated(Conflict):
    """The act is for people who may come in."""

    code = "account_deactivated"
    public = N_("%(name)s is deactivated. Reactivate the account first.")


@dataclass(frozen=True, slots=True)
class Place:
    """One environment as it is for one person: access, memberships and groups to choose from (Everyone left out), the way in."""

    environment: Environment
    access: EnvironmentAccess | None
    memberships: Mapping[str, Membership]
    groups: tuple[Group, ...]
    way: Route


@dataclass(frozen=True, slots=True)
class EndUserFacts:
    """What the console shows of a person. `connections` are by id, for naming where something came from."""

    end_user: EndUser
    places: tuple[Place, ...]
    connections: Mapping[str, Connection]
    links: tuple[IdentityLink, ...]
    sessions: tuple[Session, ...]
    entries: tuple[Entry, ...]

    @property
    def may_use_password(self) -> bool:
        """Say whether there is an environment that this person enters with a password."""
        return any(place.access and place.way.password for place in self.places)


def look_at_end_user(runtime: Runtime, caller: AdminCaller, end_user_id: str) -> EndUserFacts:
    """Return everything about a person. Raises NotFound, Forbidden."""
    caller.require(Permission.READ)
    with runtime.database.reading() as tx:
        person = found_end_user(tx, caller, end_user_id, lock=False)
        workspace_id = caller.workspace_id
        every_connection = connections.list_connections(tx, workspace_id)
        return EndUserFacts(
            end_user=person,
            places=_places(tx, person),
            connections={one.id: one for one in every_connection},
            links=identity_links.list_identity_links(tx, workspace_id, person.id),
            sessions=sessions.list_sessions(tx, workspace_id, person.id, runtime.clock()),
            entries=_recent(tx, person),
        )


def change_profile(
    runtime: Runtime,
    caller: AdminCaller,
    end_user_id: str,
    full_name: str,
    email: str,
    *,
    shown: tuple[str, str] | None = None,
) -> EndUser:
    """Change name and e-mail address; return the person as they were. What signs them in through an IdP stays linked.

    What is as it was `shown` (name, address) stays as it is by now: a directory or another admin may have changed it.
    A changed address makes unused one-time links worthless: they went to the old one. Raises Invalid, NotFound, Forbidden.
    """
    caller.require(Permission.MANAGE_PEOPLE)
    tidy_name, tidy_email = validate_profile(full_name, email)
    try:
        with runtime.database.transaction() as tx:
            person = found_end_user(tx, caller, end_user_id)
            if shown is not None:
                tidy_name = person.full_name if full_name == shown[0] else tidy_name
                tidy_email = person.email if email == shown[1] else tidy_email
            if (person.full_name, person.email) == (tidy_name, tidy_email):
                return person
            _require_free(tx, person, tidy_email)
            terms = search_terms(tidy_name, tidy_email)
            end_users.update_profile(
                tx,
                caller.workspace_id,
                person.id,
                full_name=tidy_name,
                email=tidy_email,
                terms=terms,
                now=runtime.clock(),
            )
            changes: dict[str, Any] = {}
            if person.full_name != tidy_name:
                changes["name"] = {"from": person.full_name, "to": tidy_name}
            if person.email != tidy_email:
                changes["email"] = {"from": person.email, "to": tidy_email}
                one_time_links.revoke_links(tx, end_user_id=person.id)
            note(tx, runtime, caller, person, "end_user.changed", **changes)
            return person
    except AlreadyTaken as error:
        raise Invalid(FieldError("email", N_("Somebody else was just given this e-mail address."))) from error


def change_access(runtime: Runtime, caller: AdminCaller, end_user_id: str, change: AccessChange) -> EndUser:
    """Apply the difference between what was shown and what is ticked; nothing else of the person's access is touched.

    Access that goes takes its memberships and sessions along at once. Raises Invalid, NotFound, Forbidden.
    """
    caller.require(Permission.MANAGE_PEOPLE)
    with runtime.database.transaction() as tx:
        person = found_end_user(tx, caller, end_user_id)
        places = {place.environment.id: place for place in _places(tx, person)}
        _require_known(places, change)
        for environment_id in sorted(change.shown_environment_ids - change.environment_ids):
            _take_access(tx, runtime, caller, person, places.get(environment_id))
        for environment_id in sorted(change.environment_ids - change.shown_environment_ids):
            give_access(tx, runtime, caller, person, places[environment_id].environment)
        _change_groups(tx, runtime, caller, person, places, change)
        return person


def deactivate(runtime: Runtime, caller: AdminCaller, end_user_id: str) -> EndUser:
    """Let a person in nowhere any more: sessions, grants and unused one-time links end with it, access and groups are kept.

    Raises NotFound, Forbidden.
    """
    caller.require(Permission.MANAGE_PEOPLE)
    with runtime.database.transaction() as tx:
        person = found_end_user(tx, caller, end_user_id)
        if person.status is not EndUserStatus.DEACTIVATED:
            now = runtime.clock()
            ended = receipts.count_open(tx, person.id, now)
            end_users.set_status(tx, caller.workspace_id, person.id, EndUserStatus.DEACTIVATED, now)
            sessions.delete_sessions(tx, caller.workspace_id, person.id)
            grants.delete_grants_of(tx, caller.workspace_id, person.id)
            one_time_links.revoke_links(tx, end_user_id=person.id)
            entry_id = note(
                tx, runtime, caller, person, "end_user.deactivated",
                sessions_ended=ended.sessions, grants_ended=ended.number_of_grants,
            )  # fmt: skip
            write_receipt(tx, runtime, caller.workspace_id, person.id, entry_id, ended)
        return person


def reactivate(runtime: Runtime, caller: AdminCaller, end_user_id: str) -> EndUser:
    """Let a deactivated person in again, where they have access. Raises NotFound, Forbidden."""
    caller.require(Permission.MANAGE_PEOPLE)
    with runtime.database.transaction() as tx:
        person = found_end_user(tx, caller, end_user_id)
        if person.status is EndUserStatus.DEACTIVATED:
            status = EndUserStatus.ACTIVE if person.last_sign_in_at else EndUserStatus.INVITED
            end_users.set_status(tx, caller.workspace_id, person.id, status, runtime.clock())
            note(tx, runtime, caller, person, "end_user.reactivated")
        return person


def delete(runtime: Runtime, caller: AdminCaller, end_user_id: str) -> EndUser:
    """Delete a person with access, memberships, links and sessions. What they did stays in the activity. Raises NotFound, Forbidden."""
    caller.require(Permission.MANAGE_PEOPLE)
    with runtime.database.transaction() as tx:
        person = found_end_user(tx, caller, end_user_id)
        left = scim_groups.lock_groups_of_person(tx, caller.workspace_id, person.id)
        scim_groups.touch_groups(tx, caller.workspace_id, left, runtime.clock())
        ended = sessions.delete_sessions(tx, caller.workspace_id, person.id)
        end_users.delete_end_user(tx, caller.workspace_id, person.id)
        note(tx, runtime, caller, person, "end_user.deleted", email=person.email, sessions_ended=ended)
        return person


def make_link(runtime: Runtime, caller: AdminCaller, end_user_id: str) -> HandedOut:
    """Make the one-time link with which a person chooses a password: an invitation, or a reset where there is one already.

    Raises NoPassword when every environment of theirs wants SAML, AccountDeactivated, NotFound, Forbidden.
    """
    caller.require(Permission.MANAGE_PEOPLE)
    with runtime.database.transaction() as tx:
        person = found_end_user(tx, caller, end_user_id)
        if person.status is EndUserStatus.DEACTIVATED:
            raise AccountDeactivated(f"{person.id} is deactivated", name=person.full_name)
        link = hand_out_link(tx, runtime, caller, person)
        if link is None:
            raise NoPassword(f"{person.id} enters nowhere with a password", name=person.full_name)
        return link


def _places(tx: Transaction, person: EndUser) -> tuple[Place, ...]:
    entered = {one.environment_id: one for one in access.access_of(tx, person.workspace_id, person.id)}
    memberships = access.memberships_of(tx, person.workspace_id, person.id)
    every_group = [group for group in groups.list_group_names(tx, person.workspace_id) if not group.built_in]
    ways = ways_in(tx, person.workspace_id, person.email)
    return tuple(
        Place(
            environment=environment,
            access=entered.get(environment.id),
            memberships={one.group_id: one for one in memberships if one.environment_id == environment.id},
            groups=tuple(group for group in every_group if group.environment_id == environment.id),
            way=ways.get(environment.id, Route(())),
        )
        for environment in workspaces.list_environments(tx, person.workspace_id)
    )


def _recent(tx: Transaction, person: EndUser) -> tuple[Entry, ...]:
    """Return the latest of what was done to a person and of what they did."""
    both = {
        entry.id: entry
        for wanted in (ActivityFilter(subject_id=person.id), ActivityFilter(actor_id=person.id))
        for entry in activity.page(tx, person.workspace_id, wanted, before=None, after=None, size=RECENT)
    }
    return tuple(both[entry_id] for entry_id in sorted(both, reverse=True)[:RECENT])


def _require_free(tx: Transaction, person: EndUser, email: str) -> None:
    holder = end_users.find_by_email(tx, person.workspace_id, email)
    if holder is not None and holder.id != person.id:
        raise Invalid(EmailTaken(holder))


def _require_known(places: Mapping[str, Place], change: AccessChange) -> None:
    """Raise Invalid for ids that are not this workspace's, and for groups of an environment that is not ticked."""
    group_places = {group.id: place for place in places.values() for group in place.groups}
    errors: list[FieldError] = []
    if not change.environment_ids <= places.keys():
        errors.append(FieldError("environment", N_("One of the environments was deleted meanwhile. Choose again.")))
    joining = change.group_ids - change.shown_group_ids
    if not joining <= group_places.keys():
        errors.append(FieldError("environment", N_("One of the groups was deleted meanwhile. Choose again.")))
    for group_id in sorted(joining & group_places.keys()):
        environment = group_places[group_id].environment
        if environment.id not in change.environment_ids:
            sentence = N_("Tick %(environment)s first: only people with access to it can be in its groups.")
            errors.append(FieldError(f"group_{environment.id}", sentence, environment=environment.name))
    if errors:
        raise Invalid(*errors)


def _take_access(tx: Transaction, runtime: Runtime, caller: AdminCaller, person: EndUser, place: Place | None) -> None:
    if place is None:
        return
    ended = receipts.count_open(tx, person.id, runtime.clock(), place.environment.id)
    if access.revoke_access(tx, caller.workspace_id, place.environment.id, person.id):
        source = place.access.source.value if place.access else None
        entry_id = note(
            tx, runtime, caller, person, "end_user.access_removed", place.environment.id,
            environment=place.environment.name, source=source, groups=[one.name for one in place.memberships.values()],
            sessions_ended=ended.sessions, grants_ended=ended.number_of_grants,
        )  # fmt: skip
        write_receipt(tx, runtime, caller.workspace_id, person.id, entry_id, ended)


def _change_groups(
    tx: Transaction,
    runtime: Runtime,
    caller: AdminCaller,
    person: EndUser,
    places: Mapping[str, Place],
    change: AccessChange,
) -> None:
    now = runtime.clock()
    for place in places.values():
        for group in place.groups:
            details = {"group": group.name, "group_id": group.id}
            if group.id in change.group_ids - change.shown_group_ids:
                if access.add_member(tx, caller.workspace_id, group.id, person.id, source=Source.MANUAL, now=now):
                    note(tx, runtime, caller, person, "end_user.group_joined", place.environment.id, **details)
                elif group.id not in place.memberships:
                    # Ticked as shown, but another admin took the access away meanwhile.
                    sentence = N_("%(name)s has no access to %(environment)s any more. Reload the page and look.")
                    names = {"name": person.full_name, "environment": place.environment.name}
                    raise Invalid(FieldError(f"group_{place.environment.id}", sentence, **names))
            elif group.id in change.shown_group_ids - change.group_ids and access.remove_member(
                tx, caller.workspace_id, group.id, person.id
            ):
                entry_id = note(tx, runtime, caller, person, "end_user.group_left", place.environment.id, **details)
                lost = apps.narrowed_to(tx, (group.id,))
                take_apps(tx, runtime, caller.workspace_id, lost, entry_id, (person.id,))
