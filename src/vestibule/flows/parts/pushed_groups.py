"""A group that a directory pushes: made, renamed, filled, emptied, deleted; and the end-user group of the environment that it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from vestibule.directory.activity import Subject
from vestibule.directory.groups import Group
from vestibule.directory.pushed import PushedGroup, group_names
from vestibule.directory.sources import Source
from vestibule.flows.parts.push_errors import GroupExists
from vestibule.flows.parts.pushing import Push
from vestibule.flows.parts.taking_away import take_apps
from vestibule.kernel.ids import new_id
from vestibule.kernel.text import N_, fold
from vestibule.storage import apps, groups, scim_groups, scim_members
from vestibule.storage.database import Transaction


@dataclass(frozen=True, slots=True)
class Naming:
    """What a pushed group is called here, and the group that was here, from which that keeps it apart."""

    name: str
    clashes_with: str | None


def create_group(
    tx: Transaction, push: Push, display_name: str, external_id: str | None, members: Iterable[str]
) -> PushedGroup:
    """Make a group with its members (untrusted values). Raises GroupExists when the directory pushed it already."""
    _require_free(tx, push, display_name, external_id)
    naming = _name(tx, push, display_name)
    group = Group(
        id=new_id("group", push.now),
        workspace_id=push.workspace_id,
        environment_id=push.environment_id,
        name=naming.name,
        built_in=False,
        source=Source.SCIM,
        created_at=push.now,
    )
    made = PushedGroup(
        id=new_id("scim_group", push.now),
        group_id=group.id,
        name=naming.name,
        clashes_with=naming.clashes_with,
        external_id=external_id,
        display_name=display_name,
        version=1,
        created_at=push.now,
        last_modified_at=push.now,
    )
    scim_groups.insert_group(tx, group, made, push.connection_id)
    push.record(tx, "group.created", _subject(made))
    _add(tx, push, made, members)
    return made


def rename_group(
    tx: Transaction, push: Push, before: PushedGroup, display_name: str, external_id: str | None
) -> PushedGroup:
    """Bring a group's name and externalId, and the name that it has here, to what the directory says. Raises GroupExists."""
    if (display_name, external_id) == (before.display_name, before.external_id):
        return before
    if fold(display_name) != fold(before.display_name):
        _require_free(tx, push, display_name, external_id)
    naming = Naming(before.name, before.clashes_with)
    if display_name != before.display_name:
        naming = _name(tx, push, display_name, before.group_id)
    after = replace(
        before,
        name=naming.name,
        clashes_with=naming.clashes_with,
        external_id=external_id,
        display_name=display_name,
        version=before.version + 1,
        last_modified_at=push.now,
    )
    scim_groups.update_group(tx, push.workspace_id, after)
    if after.name != before.name:
        groups.rename_group(tx, push.workspace_id, before.group_id, after.name)
        push.record(tx, "group.renamed", _subject(after), **{"from": before.name, "to": after.name})
    return after


def add_members(tx: Transaction, push: Push, group: PushedGroup, values: Iterable[str]) -> bool:
    """Put members (untrusted values) into a group; return whether anybody was new."""
    return _add(tx, push, group, values)


def remove_members(tx: Transaction, push: Push, group: PushedGroup, values: Iterable[str] | None) -> bool:
    """Take members out of a group, or all of them (None); return whether anybody went. Who was put in by hand stays."""
    removed = scim_members.remove_members(tx, push.place, group, values)
    if removed.number:
        entry_id = push.record(tx, "group.members_left", _subject(group), members=removed.number)
        if removed.people_of_apps:
            lost = apps.narrowed_to(tx, (group.group_id,))
            take_apps(tx, push.runtime, push.workspace_id, lost, entry_id, removed.people_of_apps)
    return removed.number > 0


def set_members(tx: Transaction, push: Push, group: PushedGroup, values: Sequence[str]) -> bool:
    """Bring the members of a group to exactly these values; only the differences are written. Return whether there were any."""
    new, gone = scim_members.missing_and_surplus(tx, push.connection_id, group.id, values)
    removed = remove_members(tx, push, group, gone) if gone else False
    return (_add(tx, push, group, new) if new else False) or removed


def delete_group(tx: Transaction, push: Push, group: PushedGroup) -> None:
    """Delete a group. One that an admin put people into stays here, by hand from then on, without those whom the directory put in."""
    lost = apps.narrowed_to(tx, (group.group_id,))
    if not scim_groups.has_members_by_hand(tx, group.group_id):
        groups.delete_group(tx, push.workspace_id, group.group_id)
        entry_id = push.record(tx, "group.deleted", _subject(group))
        take_apps(tx, push.runtime, push.workspace_id, lost, entry_id)
        return
    scim_members.remove_members(tx, push.place, group, None)
    scim_groups.delete_pushed_group(tx, push.workspace_id, group.id)
    scim_groups.give_group_to(tx, push.workspace_id, group.group_id, Source.MANUAL, None)
    take_apps(tx, push.runtime, push.workspace_id, lost, push.record(tx, "group.released", _subject(group)))
    push.note(N_("The group %(group)s stays, because an admin put people into it by hand."), group=group.name)


def _add(tx: Transaction, push: Push, group: PushedGroup, values: Iterable[str]) -> bool:
    added = scim_members.add_members(tx, push.place, group, values, push.now)
    if added.by_external_id:
        push.note(
            N_("Taken: members of %(group)s by externalId, such as %(member)s."),
            group=group.display_name,
            member=added.by_external_id[0],
        )
    if added.unknown:
        push.note(
            N_(
                "Of the members of %(group)s, %(count)s not known here yet: they join when they arrive. The first is %(member)s."
            ),
            count=str(len(added.unknown)),
            group=group.display_name,
            member=added.unknown[0],
        )
    if added.number:
        push.record(tx, "group.members_joined", _subject(group), members=added.number)
    return added.number > 0


def _require_free(tx: Transaction, push: Push, display_name: str, external_id: str | None) -> None:
    """Raise GroupExists unless externalIds tell groups of one displayName apart: without them a second one is a lost answer."""
    for other in scim_groups.find_namesakes(tx, push.connection_id, display_name):
        if not (external_id and other.external_id and external_id != other.external_id):
            raise GroupExists(f"{other.id} is there")


def _name(tx: Transaction, push: Push, display_name: str, group_id: str | None = None) -> Naming:
    """Choose what a group is called here. One of its name that was here is never overwritten: an admin decides what they are."""
    names = group_names(display_name, push.caller.name)
    taken = scim_groups.names_taken(tx, push.environment_id, (display_name, *names), group_id)
    free = next((name for name in names if fold(name) not in taken), None)
    if free is None:
        raise GroupExists("every name is taken")
    other, adoptable = taken.get(fold(display_name), ("", False))
    if free != names[0] or fold(free) != fold(display_name):
        push.note(
            N_("The group %(group)s is called “%(name)s” here: another group has its name."),
            group=display_name,
            name=free,
        )
    return Naming(free, other if adoptable else None)


def _subject(group: PushedGroup) -> Subject:
    return Subject("group", group.group_id, group.name)
