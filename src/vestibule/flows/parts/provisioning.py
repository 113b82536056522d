"""Just-in-time provisioning, carried out: the account of somebody new, their access, their groups, and keeping both in sync.

Works inside the transaction of a sign-in. The rules are `directory.provisioning` and `directory.linking`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from vestibule.directory.activity import Event, Subject
from vestibule.directory.connections import Connection, Provisioning
from vestibule.directory.end_users import MAX_NAME_LENGTH, EndUser, EndUserStatus, search_terms
from vestibule.directory.groups import Group
from vestibule.directory.linking import Claim, reaches
from vestibule.directory.provisioning import GroupPlan, GroupsBy, plan_groups
from vestibule.directory.sources import Source
from vestibule.flows.parts.entering import end_user_actor
from vestibule.flows.parts.recording import record
from vestibule.flows.parts.refusing import Attempt
from vestibule.flows.parts.runtime import Runtime
from vestibule.flows.parts.taking_away import take_apps
from vestibule.kernel.ids import new_id
from vestibule.kernel.text import email_key, fold, printable
from vestibule.storage import access, apps, end_users, group_map, groups, one_time_links, scim_users, synced_groups
from vestibule.storage.database import Transaction

# How many names of groups one entry of the activity lists.
_MOST_NAMED = 50


def create_person(
    tx: Transaction, runtime: Runtime, attempt: Attempt, connection: Connection, claim: Claim, email: str
) -> EndUser | None:
    """Make the account of somebody new, with access to the environment and their groups; None when the address is taken by now."""
    now = runtime.clock()
    person = EndUser(
        id=new_id("end_user", now),
        workspace_id=connection.workspace_id,
        email=email,
        full_name=claim.full_name or _name_from(email),
        status=EndUserStatus.ACTIVE,
        source=Source.JIT,
        has_password=False,
        created_at=now,
        updated_at=now,
        last_sign_in_at=None,
    )
    if not end_users.insert_newcomer(tx, person, search_terms(person.full_name, email), connection.id):
        return None
    details = _arrive(tx, runtime, connection, claim, person)
    _record(tx, runtime, attempt, connection, person, "end_user.arrived", email=person.email, **details)
    return person


def admit_person(
    tx: Transaction, runtime: Runtime, attempt: Attempt, connection: Connection, claim: Claim, person: EndUser
) -> None:
    """Give somebody who is known elsewhere access to this environment and their groups. The profile stays as it is."""
    details = _arrive(tx, runtime, connection, claim, person)
    _record(tx, runtime, attempt, connection, person, "end_user.admitted", **details)


def keep_in_sync(
    tx: Transaction,
    runtime: Runtime,
    attempt: Attempt,
    connection: Connection,
    rival_entries: tuple[str, ...],
    claim: Claim,
    person: EndUser,
) -> EndUser:
    """Bring profile and groups of somebody who signs in again to what the assertion says, where the connection is to do so.

    Memberships that another source gave stay. An address that is out of the connection's reach, or somebody else's, is not
    taken over; both are on the record. Returns the person as they are then.
    """
    if connection.provisioning is not Provisioning.JIT or not connection.jit.keep_in_sync:
        return person
    current, profile = _sync_profile(tx, runtime, connection, rival_entries, claim, person)
    details = profile | _sync_groups(tx, runtime, connection, claim, current, leaves=True)
    if details.keys() - {"groups_ignored", "groups_left_out"}:
        entry_id = _record(tx, runtime, attempt, connection, current, "end_user.synced", **details)
        if "groups_left" in details:
            lost = apps.narrowed_in(tx, connection.environment_id)
            take_apps(tx, runtime, connection.workspace_id, lost, entry_id, (current.id,))
    return current


def groups_after(
    tx: Transaction, connection: Connection, claim: Claim, person: EndUser | None, *, leaves: bool
) -> tuple[str, ...]:
    """Return the groups that `_sync_groups` would leave somebody in, by name, Everyone left out. Writes nothing."""
    now = access.memberships_of(tx, connection.workspace_id, person.id, connection.environment_id) if person else ()
    if not connection.jit.group_syncing or claim.groups.overage:
        return tuple(one.name for one in now)
    plan = foreseen_groups(tx, connection, claim.groups.values)
    stays = [
        one.name for one in now if not leaves or one.connection_id != connection.id or one.group_id in plan.group_ids
    ]
    joins = [one.name for one in synced_groups.names_of(tx, connection.workspace_id, plan.group_ids)]
    return tuple(dict.fromkeys((*stays, *joins, *plan.create)))


def foreseen_groups(
    tx: Transaction, connection: Connection, values: Sequence[str], mapped: Mapping[str, str] | None = None
) -> GroupPlan:
    """Return what values that an IdP sends would lead to; with `mapped`, by that map instead of the one that is saved.

    A name that is taken by a group to which no value may lead is neither made anew nor joined. Writes nothing.
    """
    plan = _plan(tx, connection, values, mapped)
    every = groups.list_group_names(tx, connection.workspace_id) if plan.create else ()
    taken = {fold(one.name) for one in every if one.environment_id == connection.environment_id}
    passed_over = tuple(name for name in plan.create if fold(name) in taken)
    fresh = tuple(name for name in plan.create if fold(name) not in taken)
    return replace(plan, create=fresh, ignored=(*plan.ignored, *passed_over))


def _plan(
    tx: Transaction, connection: Connection, values: Sequence[str], mapped: Mapping[str, str] | None = None
) -> GroupPlan:
    own = connection.jit.groups_by is GroupsBy.MAP
    saved, named = (
        group_map.find_groups(tx, connection.workspace_id, connection.id, values, own=own) if values else ({}, {})
    )
    return plan_groups(values, connection.jit, saved if mapped is None else mapped, named)


def _name_from(email: str) -> str:
    return email.rpartition("@")[0][:MAX_NAME_LENGTH]


def _arrive(
    tx: Transaction, runtime: Runtime, connection: Connection, claim: Claim, person: EndUser
) -> dict[str, object]:
    access.grant_access(
        tx,
        connection.workspace_id,
        connection.environment_id,
        person.id,
        source=Source.JIT,
        now=runtime.clock(),
        connection_id=connection.id,
    )
    return _sync_groups(tx, runtime, connection, claim, person, leaves=False)


def _sync_profile(
    tx: Transaction,
    runtime: Runtime,
    connection: Connection,
    rival_entries: tuple[str, ...],
    claim: Claim,
    person: EndUser,
) -> tuple[EndUser, dict[str, object]]:
    full_name, email, details = claim.full_name or person.full_name, person.email, dict[str, object]()
    if claim.email is not None and claim.email != person.email:
        holder = None
        if email_key(claim.email) != email_key(person.email):
            holder = end_users.find_by_email(tx, connection.workspace_id, claim.email)
        if holder is not None:
            details["email_not_taken_over"] = "somebody else has it"
        elif not reaches(connection, rival_entries, claim.email):
            details["email_not_taken_over"] = "out of the connection’s reach"
        else:
            email = claim.email
    if (full_name, email) == (person.full_name, person.email):
        return person, details
    if scim_users.known_elsewhere(tx, connection.idp.id, connection.environment_id, person.id):
        # The IdP of a test environment must not rename somebody, or give them another address, for all the others.
        return person, {"profile_not_taken_over": "known to another environment, or to a directory"}
    end_users.update_profile(
        tx,
        connection.workspace_id,
        person.id,
        full_name=full_name,
        email=email,
        terms=search_terms(full_name, email),
        now=runtime.clock(),
    )
    if email != person.email:
        one_time_links.revoke_links(tx, end_user_id=person.id)
    before = {"name_before": person.full_name, "email_before": person.email}
    changed = {"name": full_name, "email": email} | before
    return replace(person, full_name=full_name, email=email), details | changed


def _sync_groups(
    tx: Transaction, runtime: Runtime, connection: Connection, claim: Claim, person: EndUser, *, leaves: bool
) -> dict[str, object]:
    """Join, and with `leaves` leave, the groups of an assertion; return what happened, for the record."""
    if not connection.jit.group_syncing:
        return {}
    if claim.groups.overage:
        # Entra ID sent no list: nothing is known about groups, so nothing changes.
        return {"groups_overage": True}
    workspace_id, own = connection.workspace_id, connection.jit.groups_by is GroupsBy.MAP
    plan = _plan(tx, connection, claim.groups.values)
    created = _create(tx, runtime, connection, plan)
    if len(created) < len(plan.create):
        # Somebody else's sign-in made some of them at this instant: they are joined as well, but none that others made.
        _, named = group_map.find_groups(tx, workspace_id, connection.id, plan.create, own=own)
        wanted = (*plan.group_ids, *named.values())
    else:
        wanted = (*plan.group_ids, *created)
    place = (workspace_id, connection.environment_id, person.id)
    joined = synced_groups.join_groups(
        tx, *place, wanted, source=Source.JIT, connection_id=connection.id, now=runtime.clock()
    )
    left = synced_groups.leave_groups(tx, *place, but=wanted, connection_id=connection.id) if leaves else ()
    details: dict[str, object] = {}
    names = (
        {one.id: one.name for one in synced_groups.names_of(tx, workspace_id, (*joined, *left))}
        if joined or left
        else {}
    )
    for key, group_ids in (("groups_joined", joined), ("groups_left", left), ("groups_created", created)):
        if group_ids:
            details[key] = [names[one] for one in group_ids if one in names][:_MOST_NAMED]
    if plan.ignored:
        details["groups_ignored"] = [printable(value, 100) for value in plan.ignored[:_MOST_NAMED]]
    if claim.groups.left_out:
        details["groups_left_out"] = claim.groups.left_out
    return details


def _create(tx: Transaction, runtime: Runtime, connection: Connection, plan: GroupPlan) -> tuple[str, ...]:
    now = runtime.clock()
    return synced_groups.make_groups(
        tx,
        [
            Group(
                id=new_id("group", now),
                workspace_id=connection.workspace_id,
                environment_id=connection.environment_id,
                name=name,
                built_in=False,
                source=Source.JIT,
                created_at=now,
            )
            for name in plan.create
        ],
        connection.id,
    )


def _record(
    tx: Transaction,
    runtime: Runtime,
    attempt: Attempt,
    connection: Connection,
    person: EndUser,
    action: str,
    **details: object,
) -> str:
    event = Event(
        action,
        Subject("end_user", person.id, person.full_name),
        environment_id=connection.environment_id,
        connection_id=connection.id,
        details=details,
    )
    return record(tx, runtime, connection.workspace_id, end_user_actor(person, attempt.visitor), event)
