"""What ties an end user to identity providers and browsers: links, broken or moved by an admin, and sessions, ended by one."""

from __future__ import annotations

from vestibule.directory.admins import Permission
from vestibule.directory.connections import Connection
from vestibule.directory.end_users import EndUser, validate_email
from vestibule.directory.enforcement import in_reach
from vestibule.directory.sessions import IdentityLink, Subject
from vestibule.flows.parts.callers import AdminCaller
from vestibule.flows.parts.people import found_end_user, note
from vestibule.flows.parts.runtime import Runtime
from vestibule.kernel.errors import Conflict, FieldError, Invalid, NotFound
from vestibule.kernel.ids import is_id, new_id
from vestibule.kernel.text import N_, printable
from vestibule.storage import connections, end_users, grants, identity_links, sessions
from vestibule.storage.database import Transaction


class LinkHeld(Conflict):
    """The identity, or the person, got another link on this connection at the same moment."""

    code = "link_held"
    public = N_("Somebody was faster: this identity is linked already. Reload the page and look.")


def break_link(runtime: Runtime, caller: AdminCaller, end_user_id: str, link_id: str) -> EndUser:
    """Break the link between a person and an identity; sessions that began through it end at once, offline access too.

    The next sign-in with that identity is judged by its e-mail address again, as the first one was. Raises NotFound, Forbidden.
    """
    caller.require(Permission.MANAGE_PEOPLE)
    with runtime.database.transaction() as tx:
        person = found_end_user(tx, caller, end_user_id)
        link, connection = _link(tx, caller, person, link_id)
        identity_links.delete_identity_link(tx, caller.workspace_id, link.id)
        grants.delete_lasting_grants_by(tx, connection.environment_id, connection.id, person.id)
        note(
            tx, runtime, caller, person, "end_user.link_broken", connection.environment_id, connection.id,
            subject=printable(link.subject_value), connection=connection.idp.name,
        )  # fmt: skip
        return person


def look_at_link(
    runtime: Runtime, caller: AdminCaller, end_user_id: str, link_id: str
) -> tuple[EndUser, IdentityLink, Connection]:
    """Return a person's link with its connection, for the pages that ask before it is broken or moved. Raises NotFound, Forbidden."""
    caller.require(Permission.MANAGE_PEOPLE)
    with runtime.database.reading() as tx:
        person = found_end_user(tx, caller, end_user_id, lock=False)
        return person, *_link(tx, caller, person, link_id)


def move_link(
    runtime: Runtime, caller: AdminCaller, end_user_id: str, link_id: str, email: str
) -> tuple[EndUser, EndUser]:
    """Give a person's identity to another person of the workspace, named by e-mail address (typed); return both.

    From then on whoever has that identity at the IdP signs in as the other person. Sessions that began through it end, offline access too.
    Raises Invalid, LinkHeld, NotFound, Forbidden.
    """
    caller.require(Permission.MANAGE_PEOPLE)
    try:
        address = validate_email("email", email)
    except FieldError as error:
        raise Invalid(error) from error
    with runtime.database.transaction() as tx:
        person = found_end_user(tx, caller, end_user_id)
        link, connection = _link(tx, caller, person, link_id)
        target = _target(tx, person, connection, address)
        subject = Subject(link.subject_kind, link.subject_value)
        identity_links.delete_identity_link(tx, caller.workspace_id, link.id)
        grants.delete_lasting_grants_by(tx, connection.environment_id, connection.id, person.id)
        now = runtime.clock()
        fresh = new_id("link", now)
        if not identity_links.insert_identity_link(
            tx, caller.workspace_id, fresh, connection.id, target.id, subject, now
        ):
            raise LinkHeld(f"{link.id} could not be moved to {target.id}")
        details = {"subject": printable(link.subject_value), "connection": connection.idp.name}
        place = (connection.environment_id, connection.id)
        note(
            tx,
            runtime,
            caller,
            person,
            "end_user.link_moved_away",
            *place,
            to=target.full_name,
            to_id=target.id,
            **details,
        )
        note(
            tx,
            runtime,
            caller,
            target,
            "end_user.link_moved_here",
            *place,
            of=person.full_name,
            of_id=person.id,
            **details,
        )
        return person, target


def end_session(runtime: Runtime, caller: AdminCaller, end_user_id: str, session_id: str) -> EndUser:
    """End one session of a person, at once on every node; one that is over already is no error. Raises NotFound, Forbidden."""
    caller.require(Permission.MANAGE_PEOPLE)
    with runtime.database.transaction() as tx:
        person = found_end_user(tx, caller, end_user_id)
        theirs = sessions.list_sessions(tx, caller.workspace_id, person.id, runtime.clock())
        session = next((one for one in theirs if one.id == session_id), None)
        if session is not None and sessions.delete_session(tx, caller.workspace_id, session.id):
            place = session.environment
            note(
                tx,
                runtime,
                caller,
                person,
                "end_user.session_ended",
                place.id,
                session.connection_id,
                environment=place.name,
            )
        return person


def _link(tx: Transaction, caller: AdminCaller, person: EndUser, link_id: str) -> tuple[IdentityLink, Connection]:
    link = identity_links.find_identity_link(tx, caller.workspace_id, link_id) if is_id(link_id, "link") else None
    connection = connections.find_connection(tx, caller.workspace_id, link.connection_id) if link else None
    if link is None or connection is None or link.end_user_id != person.id:
        raise NotFound(f"link {printable(link_id, 40)} of {person.id}")
    return link, connection


def _target(tx: Transaction, person: EndUser, connection: Connection, address: str) -> EndUser:
    target = end_users.find_by_email(tx, person.workspace_id, address)
    if target is None:
        raise Invalid(FieldError("email", N_("Nobody here has this e-mail address. Add the person first.")))
    if target.id == person.id:
        raise Invalid(
            FieldError("email", N_("This is the person who has the link now. Enter somebody else’s address."))
        )
    names = {"name": target.full_name, "connection": connection.idp.name}
    if not in_reach(connection, target.email):
        raise Invalid(
            FieldError("email", N_("%(connection)s may not sign in %(name)s: it is for other domains."), **names)
        )
    theirs = identity_links.list_identity_links(tx, person.workspace_id, target.id)
    if any(one.connection_id == connection.id for one in theirs):
        sentence = N_("%(name)s has a link to %(connection)s already. Break that one first.")
        raise Invalid(FieldError("email", sentence, **names))
    return target
