"""Somebody leaves by their directory's word: the stop line first, then access, memberships and sessions end at once."""

from __future__ import annotations

from vestibule.directory.activity import Event, Outcome, Subject
from vestibule.directory.admins import Permission
from vestibule.directory.end_users import EndUser
from vestibule.directory.pushed import PushedUser
from vestibule.directory.scim import STOP_WINDOW
from vestibule.flows.parts.callers import system
from vestibule.flows.parts.posting import Letter, post
from vestibule.flows.parts.push_errors import DeparturesHeld
from vestibule.flows.parts.pushing import Push
from vestibule.flows.parts.recording import record
from vestibule.flows.parts.taking_away import write_receipt, write_receipt_of_part
from vestibule.kernel.text import N_
from vestibule.storage import admins, apps, connection_people, receipts, scim_directories, scim_users
from vestibule.storage.database import Transaction


def depart(tx: Transaction, push: Push, user: PushedUser) -> None:
    """End what the directory gave a user who is no longer active there. Raises DeparturesHeld; nothing is written then."""
    if user.end_user_id is None:
        return
    whose = (push.workspace_id, push.environment_id, user.end_user_id, push.connection_id)
    person, follows = scim_users.find_leaving(tx, *whose)
    if follows:
        _require_below_stop_line(tx, push, user)
        scim_directories.note_departure(tx, push.caller, user.id, push.now + STOP_WINDOW)
    ended = receipts.count_open(tx, user.end_user_id, push.now, push.environment_id)
    gone = scim_users.end_access(tx, *whose)
    if person is not None and gone:
        numbers = {"sessions_ended": ended.sessions, "grants_ended": ended.number_of_grants}
        entry_id = push.record_person(tx, "end_user.access_removed", person, **numbers)
        write_receipt(tx, push.runtime, push.workspace_id, person.id, entry_id, ended)
    elif person is not None and scim_users.has_access(tx, push.environment_id, person.id):
        _let_go(tx, push, user, person)


def _let_go(tx: Transaction, push: Push, user: PushedUser, person: EndUser) -> None:
    """End what the directory gave somebody who keeps access by another hand: it is on the record, with a receipt of what ended."""
    push.note(N_("%(name)s keeps the access that was given otherwise."), name=person.full_name)
    ended = receipts.count_through(tx, person.id, push.now, push.connection_id)
    left = scim_users.let_go(tx, push.workspace_id, push.environment_id, person.id, push.connection_id)
    if not (user.active or left or ended.sessions):
        # Let go before, and deleted there now.
        return
    numbers = {"sessions_ended": ended.sessions, "groups_left": len(left)}
    entry_id = push.record_person(tx, "end_user.let_go", person, **numbers)
    lost = apps.narrowed_to(tx, left) if left else frozenset()
    write_receipt_of_part(tx, push.runtime, push.workspace_id, person.id, entry_id, ended, lost)


def _require_below_stop_line(tx: Transaction, push: Push, user: PushedUser) -> None:
    line = scim_directories.lock_stop_line(tx, push.workspace_id, push.connection_id)
    if line.lets_through(push.now):
        return
    if line.held_at is not None:
        raise DeparturesHeld(f"held since {line.held_at}")
    gone = scim_directories.count_departures(tx, push.connection_id, push.now, user.id)
    here, matter = 0, line.people_that_matter(gone + 1)
    if matter:
        here = connection_people.count_people(tx, push.workspace_id, push.environment_id, matter)
    if line.holds(gone + 1, here + gone):
        raise DeparturesHeld(f"{gone + 1} departures within the hour")


def hold(tx: Transaction, push: Push) -> None:
    """Hold departures from now on and tell the admins: activity and letter, once. The console shows it by itself."""
    if not scim_directories.hold(tx, push.workspace_id, push.connection_id, push.now):
        return
    event = Event(
        "connection.scim_held",
        Subject("connection", push.connection_id, push.caller.name),
        Outcome.DONE,
        environment_id=push.environment_id,
        connection_id=push.connection_id,
    )
    record(tx, push.runtime, push.workspace_id, system(), event)
    url = f"{push.runtime.public_url}/admin/connections/{push.connection_id}"
    for admin in admins.list_admins(tx, push.workspace_id):
        if admin.may(Permission.MANAGE_AUTHENTICATION):
            post(tx, push.runtime, push.workspace_id, Letter("scim_held", admin.email, admin.name, url))
