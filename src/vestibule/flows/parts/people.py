"""What the flows about end users share: finding one, how they sign in where, handing out their one-time links, giving them access."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from vestibule.directory.activity import Event, Subject
from vestibule.directory.end_users import EndUser, EndUserStatus
from vestibule.directory.enforcement import Route, route
from vestibule.directory.one_time_links import OneTimeLink, Purpose
from vestibule.directory.sources import Source
from vestibule.directory.workspaces import Environment
from vestibule.flows.parts.callers import AdminCaller
from vestibule.flows.parts.posting import Letter, post
from vestibule.flows.parts.recording import record
from vestibule.flows.parts.runtime import Runtime
from vestibule.kernel.errors import Conflict, FieldError, NotFound
from vestibule.kernel.ids import is_id
from vestibule.kernel.secrets import new_token, token_hash
from vestibule.kernel.text import N_, printable
from vestibule.storage import access, connections, end_users, knocks, one_time_links, scim_joining, workspaces
from vestibule.storage.database import Transaction

INVITATION_LIFE: Final = timedelta(days=7)
RESET_LIFE: Final = timedelta(days=1)


class EmailTaken(FieldError):
    """Somebody else of the workspace has the e-mail address. Says who, so that the page can lead there."""

    def __init__(self, holder: EndUser) -> None:
        super().__init__("email", N_("%(name)s already has this e-mail address."), name=holder.full_name)
        self.holder = holder


class NoPassword(Conflict):
    """A link for a password would be of no use to this person."""

    code = "no_password"
    public = N_(
        "%(name)s has no environment where people sign in with a password, so there is nothing to make a link for."
    )


@dataclass(frozen=True, slots=True)
class HandedOut:
    """A one-time link that was made. `url` is there only when no mail carries it: the admin is to hand it over, once."""

    end_user: EndUser
    purpose: Purpose
    url: str | None


def found_end_user(tx: Transaction, caller: AdminCaller, end_user_id: str, *, lock: bool = True) -> EndUser:
    """Return a person of the caller's workspace by an untrusted id, locked against other changes. Raises NotFound."""
    find = end_users.lock_end_user if lock else end_users.find_end_user
    found = find(tx, caller.workspace_id, end_user_id) if is_id(end_user_id, "end_user") else None
    if found is None:
        raise NotFound(f"end user {printable(end_user_id, 40)}")
    return found


def subject_of(end_user: EndUser) -> Subject:
    """Return a person as the subject of an act."""
    return Subject("end_user", end_user.id, end_user.full_name)


def note(
    tx: Transaction,
    runtime: Runtime,
    caller: AdminCaller,
    end_user: EndUser,
    action: str,
    environment_id: str | None = None,
    connection_id: str | None = None,
    **details: object,
) -> str:
    """Record what an admin did to a person; return the id of the entry."""
    event = Event(
        action, subject_of(end_user), environment_id=environment_id, connection_id=connection_id, details=details
    )
    return record(tx, runtime, caller.workspace_id, caller.actor, event)


def ways_in(tx: Transaction, workspace_id: str, email: str) -> Mapping[str, Route]:
    """Return how the owner of an address signs in, by environment id in the order of the picker."""
    every = connections.list_connections(tx, workspace_id)
    return {
        environment.id: route(
            email, environment.saml_enabled, [one for one in every if one.environment_id == environment.id]
        )
        for environment in workspaces.list_environments(tx, workspace_id)
    }


def hand_out_link(tx: Transaction, runtime: Runtime, caller: AdminCaller, end_user: EndUser) -> HandedOut | None:
    """Make the one-time link with which a person chooses a password, if they may use one anywhere; older ones stop working.

    It leads to the first such environment. Somebody who must use SAML everywhere, who has no access, or who is
    deactivated needs none: None.
    """
    if end_user.status is EndUserStatus.DEACTIVATED:
        return None
    entered = {one.environment_id for one in access.access_of(tx, caller.workspace_id, end_user.id)}
    ways = ways_in(tx, caller.workspace_id, end_user.email)
    open_to = [environment_id for environment_id, way in ways.items() if environment_id in entered and way.password]
    environment = workspaces.find_environment_by_id(tx, caller.workspace_id, open_to[0]) if open_to else None
    if environment is None:
        return None
    purpose = Purpose.END_USER_RESET if end_user.has_password else Purpose.END_USER_INVITATION
    life = RESET_LIFE if end_user.has_password else INVITATION_LIFE
    now, token = runtime.clock(), new_token()
    one_time_links.revoke_links(tx, end_user_id=end_user.id)
    link = OneTimeLink(caller.workspace_id, purpose, None, end_user.id, environment.id, now, now + life)
    one_time_links.insert_link(tx, link, token_hash(token))
    url = f"{runtime.public_url}/e/{environment.key}/link/{token}"
    post(tx, runtime, caller.workspace_id, Letter(purpose.value, end_user.email, end_user.full_name, url))
    note(tx, runtime, caller, end_user, "end_user.link_made", environment.id, purpose=purpose.value)
    # With mail only the owner of the address gets it: an admin who saw it could sign in as that person.
    return HandedOut(end_user, purpose, None if runtime.mail_enabled else url)


def give_access(
    tx: Transaction, runtime: Runtime, caller: AdminCaller, end_user: EndUser, environment: Environment
) -> bool:
    """Let a person enter an environment by an admin's hand, which also answers their knocks there; return whether that is new.

    They are in the groups, too, in which a directory of the environment has them.
    """
    now = runtime.clock()
    granted = access.grant_access(tx, caller.workspace_id, environment.id, end_user.id, source=Source.MANUAL, now=now)
    if granted:
        scim_joining.join_groups_of_directories(tx, caller.workspace_id, environment.id, end_user.id, now)
        knocks.delete_answered(tx, caller.workspace_id, environment.id, end_user.id, end_user.email)
        note(tx, runtime, caller, end_user, "end_user.access_granted", environment.id, environment=environment.name)
    return granted
