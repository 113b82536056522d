"""Waiting: people who proved at an IdP who they are and were not let in. An admin lets them in, gives them the link, or dismisses them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from vestibule.directory.activity import Event
from vestibule.directory.activity import Subject as About
from vestibule.directory.admins import Permission
from vestibule.directory.connections import Connection
from vestibule.directory.end_users import EndUser
from vestibule.directory.enforcement import in_reach
from vestibule.directory.sessions import IdentityLink, Knock, KnockReason
from vestibule.directory.workspaces import Environment
from vestibule.flows.parts.callers import AdminCaller
from vestibule.flows.parts.people import found_end_user, give_access, note
from vestibule.flows.parts.recording import record
from vestibule.flows.parts.runtime import Runtime
from vestibule.kernel.errors import Conflict, NotFound
from vestibule.kernel.ids import is_id, new_id
from vestibule.kernel.text import N_, printable
from vestibule.storage import connections, end_user_list, end_users, grants, identity_links, knocks, workspaces
from vestibule.storage.database import Transaction

PAGE_SIZE = 25
Moment = tuple[datetime, str]


class NotWaiting(NotFound):
    """Nobody waits here: they never did, or were let in or dismissed."""

    code = "not_waiting"
    public = N_("They were let in or dismissed meanwhile, by another admin or in another tab.")


class NotThisWay(Conflict):
    """This is not what somebody who waits for that reason can be given."""

    code = "not_this_way"
    public = N_("This person waits for another reason by now. Reload the page and look.")


class OutOfReach(Conflict):
    """The account's e-mail address is of a domain that the connection may not sign in."""

    code = "out_of_reach"
    public = N_("%(connection)s may not sign in %(name)s: it is for other domains.")


@dataclass(frozen=True, slots=True)
class WaitingPage:
    """One page of those who wait, the latest try first. The counts stop one above 1,000."""

    knocks: tuple[Knock, ...]
    environments: tuple[Environment, ...]
    newer: Moment | None
    older: Moment | None
    total: int
    waiting: int


@dataclass(frozen=True, slots=True)
class ReusedAddress:
    """Somebody who came with the address of an account that is linked to another identity: that account, and its link."""

    knock: Knock
    holder: EndUser
    link: IdentityLink | None
    connection: Connection


def list_waiting(
    runtime: Runtime, caller: AdminCaller, *, before: Moment | None = None, after: Moment | None = None
) -> WaitingPage:
    """Return those who wait, older than `before` or newer than `after`. Raises Forbidden."""
    caller.require(Permission.READ)
    with runtime.database.reading() as tx:
        found = knocks.list_knocks(tx, caller.workspace_id, before=before, after=after, size=PAGE_SIZE + 1)
        more = len(found) > PAGE_SIZE
        found = (found[1:] if more else found) if after else found[:PAGE_SIZE]
        first, last = (_moment(found[0]), _moment(found[-1])) if found else (None, None)
        return WaitingPage(
            knocks=found,
            environments=workspaces.list_environments(tx, caller.workspace_id),
            newer=first if (more if after else before) else None,
            older=last if (after or more) else None,
            total=end_user_list.count_end_users(tx, caller.workspace_id),
            waiting=knocks.count_knocks(tx, caller.workspace_id),
        )


def dismiss(runtime: Runtime, caller: AdminCaller, knock_id: str) -> None:
    """Forget somebody who waits; another try brings them back. Done twice, it is done. Raises Forbidden."""
    caller.require(Permission.MANAGE_PEOPLE)
    with runtime.database.transaction() as tx:
        knock = knocks.find_knock(tx, caller.workspace_id, knock_id) if is_id(knock_id, "knock") else None
        if knock is not None and knocks.delete_knock(tx, caller.workspace_id, knock.id):
            about = About("end_user", knock.end_user_id, knock.name)
            event = Event(
                "end_user.knock_dismissed",
                about,
                environment_id=knock.environment_id,
                connection_id=knock.connection_id,
            )
            record(tx, runtime, caller.workspace_id, caller.actor, event)


def give_wanted_access(runtime: Runtime, caller: AdminCaller, knock_id: str) -> tuple[EndUser, Environment]:
    """Let somebody we know enter the environment they knocked at. Raises NotWaiting, NotThisWay, NotFound, Forbidden."""
    caller.require(Permission.MANAGE_PEOPLE)
    with runtime.database.transaction() as tx:
        knock = _found(tx, caller, knock_id)
        if knock.reason is not KnockReason.NO_ACCESS or knock.end_user_id is None:
            raise NotThisWay(f"{knock.id} waits for {knock.reason}")
        person = found_end_user(tx, caller, knock.end_user_id)
        environment = workspaces.find_environment_by_id(tx, caller.workspace_id, knock.environment_id)
        if environment is None:
            raise NotFound(f"environment {knock.environment_id}")
        give_access(tx, runtime, caller, person, environment)
        knocks.delete_knock(tx, caller.workspace_id, knock.id)
        return person, environment


def look_at_reused_address(runtime: Runtime, caller: AdminCaller, knock_id: str) -> ReusedAddress:
    """Return what an admin needs to know about a re-used address. Raises NotWaiting, NotThisWay, NotFound, Forbidden."""
    caller.require(Permission.MANAGE_PEOPLE)
    with runtime.database.reading() as tx:
        return _reused(tx, caller, _found(tx, caller, knock_id))


def move_link_to_newcomer(runtime: Runtime, caller: AdminCaller, knock_id: str) -> EndUser:
    """Link the account to the identity that came with its address, in place of the one before, whose sessions end at once.

    Raises NotWaiting, NotThisWay, OutOfReach, NotFound, Forbidden.
    """
    caller.require(Permission.MANAGE_PEOPLE)
    with runtime.database.transaction() as tx:
        reused = _reused(tx, caller, _found(tx, caller, knock_id))
        knock, connection = reused.knock, reused.connection
        person = found_end_user(tx, caller, reused.holder.id)
        if not in_reach(connection, person.email):
            names = {"name": person.full_name, "connection": connection.idp.name}
            raise OutOfReach(f"{person.id} is out of the reach of {connection.id}", **names)
        if reused.link is not None:
            identity_links.delete_identity_link(tx, caller.workspace_id, reused.link.id)
            grants.delete_lasting_grants_by(tx, connection.environment_id, connection.id, person.id)
        now = runtime.clock()
        fresh = new_id("link", now)
        if not identity_links.insert_identity_link(
            tx, caller.workspace_id, fresh, connection.id, person.id, knock.subject, now
        ):
            raise NotThisWay(f"the identity of {knock.id} was linked meanwhile")
        knocks.delete_knock(tx, caller.workspace_id, knock.id)
        note(
            tx, runtime, caller, person, "end_user.link_replaced", connection.environment_id, connection.id,
            subject=printable(knock.subject.value), connection=connection.idp.name,
            before=printable(reused.link.subject_value) if reused.link else None,
        )  # fmt: skip
        return person


def _found(tx: Transaction, caller: AdminCaller, knock_id: str) -> Knock:
    knock = knocks.find_knock(tx, caller.workspace_id, knock_id) if is_id(knock_id, "knock") else None
    if knock is None:
        raise NotWaiting(f"knock {printable(knock_id, 40)}")
    return knock


def _reused(tx: Transaction, caller: AdminCaller, knock: Knock) -> ReusedAddress:
    if knock.reason is not KnockReason.ADDRESS_REUSED or knock.end_user_id is None:
        raise NotThisWay(f"{knock.id} waits for {knock.reason}")
    holder = end_users.find_end_user(tx, caller.workspace_id, knock.end_user_id)
    connection = connections.find_connection(tx, caller.workspace_id, knock.connection_id)
    if holder is None or connection is None:
        raise NotFound(f"the account or connection of {knock.id}")
    theirs = identity_links.list_identity_links(tx, caller.workspace_id, holder.id)
    link = next((one for one in theirs if one.connection_id == connection.id), None)
    return ReusedAddress(knock, holder, link, connection)


def _moment(knock: Knock) -> Moment:
    return knock.last_at, knock.id
