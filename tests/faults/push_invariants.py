"""What must be true of what directories pushed, however the server ended: their word, and all that follows from it.

Holds for a house where nobody but one directory adds people and groups.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from tests.faults.invariants import State, general_violations
from tests.faults.pushers import Picture
from vestibule.kernel.text import fold


def push_violations(state: State) -> list[str]:
    """Return everything that is half-written."""
    found = general_violations(state)
    for rule in (_users, _people_recorded, _access_recorded, _groups, _memberships, _departures):
        found.extend(rule(state))
    return found


def picture_of(state: State, label: str) -> Picture:
    """Return what one client has there."""
    keys = {one.id: one.external_id for one in state.rows["scim_users"]}
    members: dict[str, set[str]] = {}
    for one in state.rows["scim_members"]:
        members.setdefault(one.scim_group_id, set()).add(keys[one.scim_user_id])
    users = {
        one.external_id: (one.attributes["displayName"], one.active, one.version)
        for one in state.rows["scim_users"]
        if one.external_id.startswith(f"{label}-")
    }
    groups = {one.display_name: frozenset(members.get(one.id, ())) for one in state.rows["scim_groups"]}
    shared = frozenset().union(*(those for name, those in groups.items() if name == "Shared"))
    own = {name: those for name, those in groups.items() if name.startswith(f"{label} ")}
    return Picture(users, own, frozenset(key for key in shared if key in users))


def ids_of(state: State) -> dict[str, str]:
    """Return the ids of users by externalId and of groups by name."""
    users = {one.external_id: one.id for one in state.rows["scim_users"]}
    return users | {one.display_name: one.id for one in state.rows["scim_groups"]}


def writes_logged(state: State) -> int:
    """Return how many writes the connection's live list has as done."""
    return sum(one.method != "GET" and one.status < 300 for one in state.rows["scim_events"])


def _users(state: State) -> Iterator[str]:
    """Each user has its account and its addresses, and access while it is active; each access has its user."""
    people = {one.id: one for one in state.rows["end_users"]}
    access = {one.end_user_id for one in state.rows["environment_access"]}
    emails: dict[str, list[str]] = {}
    for one in sorted(state.rows["scim_user_emails"], key=lambda row: row.position):
        emails.setdefault(one.scim_user_id, []).append(one.value_key)
    for one in state.rows["scim_users"]:
        person = people.get(one.end_user_id)
        if person is None or person.full_name != one.attributes["displayName"]:
            yield f"{one.external_id} is called {person.full_name if person else None} here"
        if one.active is not (one.end_user_id in access):
            yield f"{one.external_id} has {'no ' if one.active else ''}access, and active is {one.active}"
        if emails.get(one.id) != [fold(sent["value"]) for sent in one.attributes["emails"]]:
            yield f"{one.external_id} is found by {emails.get(one.id)}"
    pushed = {one.end_user_id for one in state.rows["scim_users"]}
    yield from (f"person {one} without a user" for one in people.keys() - pushed)


def _people_recorded(state: State) -> Iterator[str]:
    added, deleted = (_recorded(state, f"end_user.{what}") for what in ("added", "deleted"))
    there = Counter(one.id for one in state.rows["end_users"])
    yield from _differ("person", there, added, deleted)


def _access_recorded(state: State) -> Iterator[str]:
    granted, removed = (_recorded(state, f"end_user.access_{what}") for what in ("granted", "removed"))
    there = Counter(one.end_user_id for one in state.rows["environment_access"])
    yield from _differ("access", there, granted, removed)


def _groups(state: State) -> Iterator[str]:
    """Each pushed group is an end-user group of its name, on the record; and each of those is pushed."""
    groups = {one.id: one.name for one in state.rows["groups"] if not one.built_in}
    for one in state.rows["scim_groups"]:
        if groups.get(one.group_id) != one.display_name:
            yield f"pushed group {one.display_name} is {groups.get(one.group_id)} here"
    yield from (f"group {one} is not pushed" for one in groups.keys() - {g.group_id for g in state.rows["scim_groups"]})
    yield from _differ(
        "group", Counter(list(groups)), _recorded(state, "group.created"), _recorded(state, "group.deleted")
    )


def _memberships(state: State) -> Iterator[str]:
    """Whoever is active is in the groups here that the directory has them in, and nobody else is."""
    users = {one.id: one for one in state.rows["scim_users"]}
    groups = {one.id: one.group_id for one in state.rows["scim_groups"]}
    wanted = {
        (groups.get(one.scim_group_id), users[one.scim_user_id].end_user_id)
        for one in state.rows["scim_members"]
        if one.scim_user_id in users and users[one.scim_user_id].active
    }
    there = {(one.group_id, one.end_user_id) for one in state.rows["group_members"]}
    yield from (f"{pair} is pushed and no member here" for pair in wanted - there)
    yield from (f"{pair} is a member here and not pushed" for pair in there - wanted)


def _departures(state: State) -> Iterator[str]:
    left, counted = len(_recorded(state, "end_user.access_removed")), len(state.rows["scim_departures"])
    if left != counted:
        yield f"{left} people left, and the stop line counts {counted}"


def _recorded(state: State, action: str) -> Counter[Any]:
    return Counter(one.subject_id for one in state.acts(action))


def _differ(what: str, there: Counter[Any], come: Counter[Any], gone: Counter[Any]) -> Iterator[str]:
    for one in there | come | gone:
        if there[one] != come[one] - gone[one]:
            yield f"{what} {one} is there {there[one]} times, came {come[one]} and went {gone[one]}"
