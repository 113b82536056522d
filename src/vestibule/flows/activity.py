"""Reading the activity: the list, one entry, and for a refused sign-in what to change. Nothing here writes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from vestibule.directory.activity import ActivityFilter, Entry, Outcome
from vestibule.directory.admins import Permission
from vestibule.directory.connections import Connection, acs_url, slo_url, sp_entity_id
from vestibule.directory.mending import Mend, mend
from vestibule.directory.mending_logout import mend_logout, mend_sign_out
from vestibule.directory.workspaces import Environment
from vestibule.flows.parts.callers import AdminCaller
from vestibule.flows.parts.runtime import Runtime
from vestibule.kernel.errors import NotFound
from vestibule.kernel.ids import is_id
from vestibule.kernel.text import clean_email, email_domain, printable
from vestibule.storage import activity, admins, connections, end_users, workspaces
from vestibule.storage.database import Transaction

PAGE_SIZE: Final = 50
_REFERENCE: Final = re.compile(r"[BCDFGHJKMNPQRSTVWXZ2-9]{8}\Z")
KINDS_KNOWN: Final = frozenset(
    {
        "end_user.sign_in",
        "end_user.",
        "app.",
        "api.",
        "api_client.",
        "group.",
        "connection.",
        "identity_provider.",
        "environment.",
        "admin.",
        "saml_keys.",
        "jwt_keys.",
        "workspace.",
    }
)

# Refusals that an admin can mend, by action.
_EXPLAINED: Final = {
    "end_user.sign_in": mend,
    "connection.test_not_begun": mend,
    "end_user.single_logout": mend_logout,
    "end_user.signed_out_at_idp": mend_sign_out,
}


@dataclass(frozen=True, slots=True)
class Typed:
    """What an admin asks for. Untrusted: `search` is a reference code or an e-mail address, `kind` one of the list."""

    search: str = ""
    kind: str = ""
    environment_key: str = ""
    outcome: str = ""
    person_id: str = ""


@dataclass(frozen=True, slots=True)
class ActivityPage:
    """One page of entries. `previous` and `next` are ids to go on from, if there is more; `understood` is the search's fate.

    `looked_through` says that looking stopped after so many entries, before the page was full.
    """

    entries: tuple[Entry, ...]
    environments: tuple[Environment, ...]
    previous: str | None
    next: str | None
    understood: bool
    looked_through: int | None = None


@dataclass(frozen=True, slots=True)
class EntryFacts:
    """One entry, with what it was about as far as that still exists, and what to change after a refused sign-in."""

    entry: Entry
    environment: Environment | None
    connection: Connection | None
    mend: Mend | None


def list_activity(
    runtime: Runtime, caller: AdminCaller, typed: Typed, *, before: str | None = None, after: str | None = None
) -> ActivityPage:
    """Return a page of the workspace's activity, newest first. Raises Forbidden."""
    caller.require(Permission.READ)
    before, after = (one if one and is_id(one, "activity") else None for one in (before, after))
    with runtime.database.reading() as tx:
        environments = workspaces.list_environments(tx, caller.workspace_id)
        wanted = _wanted(tx, caller, typed, environments)
        if wanted is None:
            return ActivityPage((), environments, None, None, understood=False)
        found = activity.look(
            tx, caller.workspace_id, wanted, before=None if after else before, after=after, size=PAGE_SIZE + 1
        )
    more = len(found.entries) > PAGE_SIZE
    shown = (found.entries[1:] if more else found.entries) if after else found.entries[:PAGE_SIZE]
    newer = more if after else before is not None
    older = after is not None or more
    previous = shown[0].id if shown and newer else None
    following = shown[-1].id if shown and older else None
    return ActivityPage(
        shown,
        environments,
        (found.stop if after else None) or previous,
        (None if after else found.stop) or following,
        understood=True,
        looked_through=activity.MOST_LOOKED_THROUGH if found.stop and len(shown) < PAGE_SIZE else None,
    )


def _wanted(
    tx: Transaction, caller: AdminCaller, typed: Typed, environments: tuple[Environment, ...]
) -> ActivityFilter | None:
    place = next((one for one in environments if one.key == typed.environment_key), None)
    wanted = ActivityFilter(
        action_prefix=typed.kind if typed.kind in KINDS_KNOWN else None,
        environment_id=place.id if place else None,
        outcome=Outcome(typed.outcome) if typed.outcome in set(Outcome) else None,
    )
    search = typed.search.strip()
    if not search:
        known = is_id(typed.person_id, "end_user") or is_id(typed.person_id, "admin")
        return replace(wanted, person_id=typed.person_id if known else None)
    code = re.sub(r"[\s-]", "", search).upper()
    if _REFERENCE.match(code):
        return replace(wanted, reference=f"{code[:4]}-{code[4:]}")
    email = clean_email(search)
    if email is None:
        return None
    person_id = _person(tx, caller.workspace_id, email)
    if person_id is not None:
        return replace(wanted, person_id=person_id)
    # Somebody without an account: their attempts are kept under the address, and all of them were refused.
    return replace(wanted, outcome=Outcome.REFUSED, subject_name=printable(email))


def _person(tx: Transaction, workspace_id: str, email: str) -> str | None:
    person = end_users.find_by_email(tx, workspace_id, email)
    if person is not None:
        return person.id
    found = admins.find_admin_by_email(tx, email)
    return found[0].id if found and found[0].workspace_id == workspace_id else None


def get_entry(runtime: Runtime, caller: AdminCaller, entry_id: str) -> EntryFacts:
    """Return one entry of the workspace by an untrusted id. Raises NotFound, Forbidden."""
    caller.require(Permission.READ)
    if not is_id(entry_id, "activity"):
        raise NotFound(f"activity {printable(entry_id, 40)}")
    with runtime.database.reading() as tx:
        entry = activity.find(tx, caller.workspace_id, entry_id)
        if entry is None:
            raise NotFound(f"activity {entry_id}")
        event = entry.event
        environment = connection = None
        if event.environment_id:
            environment = workspaces.find_environment_by_id(tx, caller.workspace_id, event.environment_id)
        if event.connection_id:
            connection = connections.find_connection(tx, caller.workspace_id, event.connection_id)
    return EntryFacts(entry, environment, connection, _mend(runtime, entry, environment, connection))


def _mend(
    runtime: Runtime, entry: Entry, environment: Environment | None, connection: Connection | None
) -> Mend | None:
    details = entry.event.details
    check, code = details.get("check"), details.get("code")
    explain = _EXPLAINED.get(entry.event.action)
    if explain is None or not isinstance(check, str) or not isinstance(code, str):
        return None
    return explain(
        check,
        code,
        connection.idp.vendor if connection else "generic",
        _values(runtime, details, environment, connection),
    )


def _values(
    runtime: Runtime, details: Mapping[str, object], environment: Environment | None, connection: Connection | None
) -> dict[str, str]:
    values = {}
    if connection is not None:
        values["acs_url"] = acs_url(runtime.public_url, connection.id)
        values["slo_url"] = slo_url(runtime.public_url, connection.id)
        values["sp_entity_id"] = sp_entity_id(runtime.public_url, connection.id)
    if environment is not None:
        values["sign_in_url"] = f"{runtime.public_url}/e/{environment.key}/sign-in"
        values["environment"] = environment.name
    email = details.get("email")
    if isinstance(email, str):
        values |= {"email": email, "domain": email_domain(email)}
    return values
