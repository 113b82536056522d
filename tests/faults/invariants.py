"""What must be true of a database however the server ended: everything that belongs together is there together.

Holds for a house in which nobody signs out and nothing is deleted. Reads whole tables: for databases of tests only.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, not_, select, text
from sqlalchemy.sql import exists

from vestibule.directory.end_users import search_terms
from vestibule.kernel.text import fold
from vestibule.storage import tables
from vestibule.storage.database import Database, Transaction

KEPT = (
    "activity",
    "end_user_terms",
    "end_users",
    "environment_access",
    "environments",
    "group_members",
    "groups",
    "identity_links",
    "one_time_links",
    "saml_assertions",
    "saml_requests",
    "scim_departures",
    "scim_events",
    "scim_groups",
    "scim_members",
    "scim_user_emails",
    "scim_users",
    "sessions",
)


@dataclass(frozen=True)
class State:
    """The rows of the tables in KEPT, and what the database itself finds wrong."""

    rows: dict[str, list[Any]]
    broken: list[str]

    def acts(self, action: str) -> list[Any]:
        """Return what was recorded as done under a name."""
        return [one for one in self.rows["activity"] if one.action == action and one.outcome == "done"]


def read_state(database_url: str) -> State:
    """Read a database, and leave no connection open."""
    database = Database(database_url, pool_size=1)
    try:
        with database.transaction() as tx:
            rows = {name: list(tx.execute(select(tables.metadata.tables[name]))) for name in KEPT}
            return State(rows, [*_corruption(tx), *_orphans(tx)])
    finally:
        database.close()


def violations(state: State, issuer: str, strangers: frozenset[str]) -> list[str]:
    """Return everything that is half-written. `strangers` are the people who were there before any admin, put in by hand."""
    found = general_violations(state)
    for rule in (_sessions, _requests, _links):
        found.extend(rule(state))
    found.extend(_assertions(state, issuer))
    found.extend(_added(state, strangers))
    found.extend(_groups(state))
    return found


def general_violations(state: State) -> list[str]:
    """Return what is half-written whoever wrote it: broken references, environments, and people's names and addresses."""
    return [*state.broken, *_environments(state), *_people(state)]


def _corruption(tx: Transaction) -> Iterator[str]:
    if tx.dialect.name == "sqlite":
        answers = [row[0] for row in tx.execute(text("PRAGMA integrity_check"))]
        yield from (f"integrity_check: {answer}" for answer in answers if answer != "ok")
        yield from (f"foreign_key_check: {row}" for row in tx.execute(text("PRAGMA foreign_key_check")))


def _orphans(tx: Transaction) -> Iterator[str]:
    """Look for rows whose foreign key leads nowhere, on both engines."""
    for table in tables.metadata.sorted_tables:
        for constraint in table.foreign_key_constraints:
            pairs = [(element.parent, element.column) for element in constraint.elements]
            parent = constraint.referred_table.alias()
            there = exists().where(*(child == parent.c[target.name] for child, target in pairs))
            query = select(*table.primary_key.columns).where(
                and_(*(child.is_not(None) for child, _ in pairs)), not_(there)
            )
            yield from (
                f"{table.name} without {constraint.referred_table.name}: {tuple(row)}" for row in tx.execute(query)
            )


def _sessions(state: State) -> Iterator[str]:
    """Each session has its access, its used request, its link and its entry; each entry its session."""
    access = {(one.environment_id, one.end_user_id) for one in state.rows["environment_access"]}
    used = {one.id for one in state.rows["saml_requests"] if one.used_at is not None}
    links = {one.id: one.end_user_id for one in state.rows["identity_links"]}
    for one in state.rows["sessions"]:
        if (one.environment_id, one.end_user_id) not in access:
            yield f"session {one.id} without access"
        if one.session_index not in used:
            yield f"session {one.id} without a used request"
        if links.get(one.link_id) != one.end_user_id:
            yield f"session {one.id} without its person's link"
    begun = Counter(one.end_user_id for one in state.rows["sessions"])
    recorded = Counter(one.subject_id for one in state.acts("end_user.sign_in"))
    yield from (
        f"sessions and sign-ins recorded of {one} differ" for one in begun | recorded if begun[one] != recorded[one]
    )
    standing = {one.id: one for one in state.rows["end_users"]}
    for end_user_id in begun:
        if standing[end_user_id].status != "active" or standing[end_user_id].last_sign_in_at is None:
            yield f"{end_user_id} signed in, but the account does not say so"


def _requests(state: State) -> Iterator[str]:
    sessions = Counter(one.session_index for one in state.rows["sessions"])
    for one in state.rows["saml_requests"]:
        if sessions[one.id] != (one.used_at is not None):
            yield f"request {one.id} has {sessions[one.id]} sessions"


def _assertions(state: State, issuer: str) -> Iterator[str]:
    """Exactly the assertions of used requests are remembered as used."""
    expected = {
        hashlib.sha256(f"{one.connection_id}\0{issuer}\0_a{one.id}".encode()).hexdigest()
        for one in state.rows["saml_requests"]
        if one.used_at is not None
    }
    kept = {one.assertion_key for one in state.rows["saml_assertions"]}
    yield from (f"assertion {key} is remembered without its sign-in" for key in kept - expected)
    yield from (f"assertion {key} was used and is not remembered" for key in expected - kept)


def _links(state: State) -> Iterator[str]:
    made = Counter(one.end_user_id for one in state.rows["identity_links"])
    recorded = Counter(one.subject_id for one in state.acts("end_user.linked"))
    yield from (f"links and linkings recorded of {one} differ" for one in made | recorded if made[one] != recorded[one])


def _environments(state: State) -> Iterator[str]:
    everyone = Counter(one.environment_id for one in state.rows["groups"] if one.built_in)
    for one in state.rows["environments"]:
        if everyone[one.id] != 1:
            yield f"environment {one.key} has {everyone[one.id]} groups Everyone"


def _people(state: State) -> Iterator[str]:
    """Whatever repeats a person's name and address elsewhere repeats it rightly."""
    terms: dict[str, set[str]] = {}
    for one in state.rows["end_user_terms"]:
        terms.setdefault(one.end_user_id, set()).add(one.term)
    for one in state.rows["end_users"]:
        if terms.get(one.id) != set(search_terms(one.full_name, one.email)):
            yield f"{one.email} is found under {sorted(terms.get(one.id, ()))}"
    names = {one.id: fold(one.full_name) for one in state.rows["end_users"]}
    for table in ("end_user_terms", "environment_access", "group_members"):
        for one in state.rows[table]:
            if one.name_key != names.get(one.end_user_id):
                yield f"{table} of {one.end_user_id} is sorted as {one.name_key}"
    access = {(one.environment_id, one.end_user_id) for one in state.rows["environment_access"]}
    for one in state.rows["group_members"]:
        if (one.environment_id, one.end_user_id) not in access:
            yield f"member {one.end_user_id} without access"


def _added(state: State, strangers: frozenset[str]) -> Iterator[str]:
    """Whoever an admin added has all that came with it: entry, access, group and the link to hand over."""
    added = {one.subject_id: one.details for one in state.acts("end_user.added")}
    yield from (
        f"{one} was recorded as added and is not there"
        for one in added.keys() - {p.id for p in state.rows["end_users"]}
    )
    access = Counter(one.end_user_id for one in state.rows["environment_access"])
    granted = Counter(one.subject_id for one in state.acts("end_user.access_granted"))
    joined = Counter(one.subject_id for one in state.acts("end_user.group_joined"))
    members = Counter(one.end_user_id for one in state.rows["group_members"])
    links = Counter(one.end_user_id for one in state.rows["one_time_links"] if one.end_user_id)
    for person in state.rows["end_users"]:
        if joined[person.id] != members[person.id]:
            yield f"{person.email} is in {members[person.id]} groups, {joined[person.id]} recorded"
        if person.id in strangers:
            continue
        if person.id not in added:
            yield f"{person.email} is there and was never recorded as added"
            continue
        places = len(added[person.id]["environments"])
        counts = (access[person.id], granted[person.id], members[person.id], links[person.id])
        if counts != (places, places, 1, 1):
            yield f"{person.email} was added by halves: access, granted, groups, links are {counts}"


def _groups(state: State) -> Iterator[str]:
    recorded = {one.subject_id for one in state.acts("group.created")}
    made = {one.id for one in state.rows["groups"] if not one.built_in}
    yield from (f"group {one} is there and was never recorded" for one in made - recorded)
    yield from (f"group {one} was recorded and is not there" for one in recorded - made)
