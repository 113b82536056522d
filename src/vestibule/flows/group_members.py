"""The members of an end-user group: list, search, add by hand, remove."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from vestibule.directory.admins import Permission
from vestibule.directory.end_users import EndUser, EndUserFilter, Position, search_beginning, search_words
from vestibule.directory.groups import Group, Member
from vestibule.directory.sources import Source
from vestibule.directory.workspaces import Environment
from vestibule.flows.parts.callers import AdminCaller
from vestibule.flows.parts.grouping import changeable_group, group_in
from vestibule.flows.parts.people import found_end_user, note
from vestibule.flows.parts.runtime import Runtime
from vestibule.flows.parts.taking_away import take_apps
from vestibule.kernel.errors import Conflict
from vestibule.kernel.text import N_, clean_email
from vestibule.storage import access, apps, end_user_list, end_users, groups
from vestibule.storage.database import Transaction

_OFFERED: Final = 10


class NoAccess(Conflict):
    """Somebody without access to the environment can't be in a group of it."""

    code = "no_access"
    public = N_("This person has no access to %(environment)s. Give access on their page first; then add them here.")


@dataclass(frozen=True, slots=True)
class GroupPage:
    """One group with a page of its members. `looked_through`: see EndUserPage."""

    environment: Environment
    group: Group
    members: tuple[Member, ...]
    previous: Position | None
    next: Position | None
    looked_through: int | None


@dataclass(frozen=True, slots=True)
class Candidates:
    """People with access to the environment who fit a search, and somebody found by their e-mail who has none.

    `looked_through`: see EndUserPage.
    """

    environment: Environment
    group: Group
    people: tuple[EndUser, ...]
    members: frozenset[str]
    without_access: EndUser | None
    looked_through: int | None = None


def look_at_group(
    runtime: Runtime,
    caller: AdminCaller,
    environment_key: str,
    group_id: str,
    search: str = "",
    *,
    after: Position | None = None,
    before: Position | None = None,
) -> GroupPage:
    """Return a group with a page of its members by name, or of those that fit a search. Raises NotFound, Forbidden."""
    caller.require(Permission.READ)
    with runtime.database.reading() as tx:
        environment, group = group_in(tx, caller, environment_key, group_id)
        beginning = search_beginning(search)
        wanted = EndUserFilter(
            words=() if beginning else search_words(search),
            beginning=beginning,
            environment_ids=(environment.id,) if group.built_in else (),
            group_id=None if group.built_in else group.id,
        )
        page = end_user_list.page(tx, caller.workspace_id, wanted, after=after, before=before)
        people = [row.end_user for row in page.rows]
        return GroupPage(environment, group, _members(tx, group, people), page.previous, page.next, page.looked_through)


def find_candidates(
    runtime: Runtime, caller: AdminCaller, environment_key: str, group_id: str, search: str
) -> Candidates:
    """Return up to ten people whom a search finds in the environment, to add to a group. Raises EveryoneIsLocked, NotFound, Forbidden."""
    caller.require(Permission.MANAGE_PEOPLE)
    beginning = search_beginning(search)
    words = () if beginning else search_words(search)
    with runtime.database.reading() as tx:
        environment, group = changeable_group(tx, caller, environment_key, group_id)
        if not words and not beginning:
            return Candidates(environment, group, (), frozenset(), None)
        page = end_user_list.page(
            tx, caller.workspace_id, EndUserFilter(words=words, beginning=beginning, environment_ids=(environment.id,))
        )
        people = tuple(row.end_user for row in page.rows[:_OFFERED])
        members = groups.members_among(tx, group, (one.id for one in people))
        outsider = _outsider(tx, caller, environment, search)
        looked_through = None if len(people) == _OFFERED else page.looked_through
        return Candidates(environment, group, people, frozenset(members), outsider, looked_through)


def add_member(
    runtime: Runtime, caller: AdminCaller, environment_key: str, group_id: str, end_user_id: str
) -> tuple[Group, EndUser]:
    """Put a person into a group by hand; a second time changes nothing. Raises NoAccess, EveryoneIsLocked, NotFound, Forbidden."""
    caller.require(Permission.MANAGE_PEOPLE)
    with runtime.database.transaction() as tx:
        environment, group = changeable_group(tx, caller, environment_key, group_id)
        person = found_end_user(tx, caller, end_user_id)
        if not any(
            one.environment_id == environment.id for one in access.access_of(tx, caller.workspace_id, person.id)
        ):
            raise NoAccess(f"{person.id} has no access to {environment.id}", environment=environment.name)
        if access.add_member(tx, caller.workspace_id, group.id, person.id, source=Source.MANUAL, now=runtime.clock()):
            note(
                tx,
                runtime,
                caller,
                person,
                "end_user.group_joined",
                environment.id,
                group=group.name,
                group_id=group.id,
            )
    return group, person


def remove_member(
    runtime: Runtime, caller: AdminCaller, environment_key: str, group_id: str, end_user_id: str
) -> tuple[Group, EndUser]:
    """Take a person out of a group, wherever the membership came from. Raises EveryoneIsLocked, NotFound, Forbidden."""
    caller.require(Permission.MANAGE_PEOPLE)
    with runtime.database.transaction() as tx:
        _, group = changeable_group(tx, caller, environment_key, group_id)
        person = found_end_user(tx, caller, end_user_id)
        if access.remove_member(tx, caller.workspace_id, group.id, person.id):
            details = {"group": group.name, "group_id": group.id}
            entry_id = note(tx, runtime, caller, person, "end_user.group_left", group.environment_id, **details)
            lost = apps.narrowed_to(tx, (group.id,))
            take_apps(tx, runtime, caller.workspace_id, lost, entry_id, (person.id,))
    return group, person


def _members(tx: Transaction, group: Group, people: Sequence[EndUser]) -> tuple[Member, ...]:
    came = groups.members_among(tx, group, (one.id for one in people))
    return tuple(Member(one.id, one.full_name, one.email, *came[one.id]) for one in people if one.id in came)


def _outsider(tx: Transaction, caller: AdminCaller, environment: Environment, search: str) -> EndUser | None:
    """Return who has exactly the e-mail searched for and no access here: otherwise the search would seem to say they don't exist."""
    email = clean_email(search)
    person = end_users.find_by_email(tx, caller.workspace_id, email) if email else None
    if person is None or any(
        one.environment_id == environment.id for one in access.access_of(tx, caller.workspace_id, person.id)
    ):
        return None
    return person
