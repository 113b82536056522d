"""Admitting the person of a verified assertion: the claim, the account that it means, the link at the first time, the knock.

Works inside the transaction of the flow. The rules are `directory.linking`; this carries them out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final, Protocol

from vestibule.directory.activity import Event, Subject
from vestibule.directory.attributes import Attributes, email_from, full_name_from
from vestibule.directory.connections import Connection
from vestibule.directory.end_users import EndUser
from vestibule.directory.linking import (
    Admit,
    Claim,
    Create,
    Decision,
    Enter,
    Refuse,
    Settled,
    Unfit,
    Wait,
    decide,
    subject_of,
)
from vestibule.directory.provisioning import NO_GROUPS, groups_from
from vestibule.directory.refusals import (
    DOOR_CHECKS,
    AddressReused,
    Deactivated,
    DomainOutOfReach,
    EmailMissing,
    EntryRefusal,
    NotLetIn,
    PersonUnknown,
    SubjectTransient,
)
from vestibule.directory.sessions import KnockReason
from vestibule.flows.parts.entering import end_user_actor
from vestibule.flows.parts.places import Place
from vestibule.flows.parts.provisioning import admit_person, create_person, keep_in_sync
from vestibule.flows.parts.recording import record
from vestibule.flows.parts.refusing import Attempt, SignInRefused, record_refusal
from vestibule.flows.parts.runtime import Runtime
from vestibule.kernel.errors import DatabaseBusy
from vestibule.kernel.ids import new_id
from vestibule.kernel.text import email_domain, printable
from vestibule.saml.responses import VerifiedAssertion
from vestibule.saml.trace import Check
from vestibule.storage import identity_links, knocks
from vestibule.storage.database import Transaction

_WAITING: Final[dict[KnockReason, Callable[[], EntryRefusal]]] = {
    KnockReason.UNKNOWN: lambda: PersonUnknown(
        "nobody has this e-mail address", expected="an account", received="none"
    ),
    KnockReason.NO_ACCESS: lambda: NotLetIn(
        "no access to the environment", expected="environment access", received="none"
    ),
    KnockReason.ADDRESS_REUSED: lambda: AddressReused(
        "the account is linked to another identity",
        expected="an account without another link",
        received="another identity",
    ),
}
_UNFIT: Final[dict[Unfit, Callable[[], EntryRefusal]]] = {
    Unfit.NO_SUBJECT: lambda: SubjectTransient(
        "the NameID is transient", expected="a lasting NameID, or a stable ID", received="a transient NameID"
    ),
    Unfit.NO_EMAIL: lambda: EmailMissing("no e-mail address", expected="an e-mail address", received="none"),
    Unfit.DEACTIVATED: lambda: Deactivated(
        "the account is deactivated", expected="an active account", received="deactivated"
    ),
}


class Named(Protocol):
    """The NameID of an assertion with its format and qualifiers (saml-core-2.0-os 2.2.3)."""

    @property
    def name_id(self) -> str:
        """Return its text."""
        ...

    @property
    def name_id_format(self) -> str | None:
        """Return its Format."""
        ...

    @property
    def name_qualifier(self) -> str | None:
        """Return its NameQualifier."""
        ...

    @property
    def sp_name_qualifier(self) -> str | None:
        """Return its SPNameQualifier."""
        ...


def claim_of(connection: Connection, sp_entity_id: str, assertion: VerifiedAssertion) -> Claim:
    """Return what a verified assertion says of a person, for finding their account."""
    return claim_from(connection, sp_entity_id, assertion, assertion.attributes)


def claim_from(connection: Connection, sp_entity_id: str, named: Named, attributes: Attributes) -> Claim:
    """Return what a name and attributes say of a person by a connection's mapping: no more to be trusted than they are."""
    own = (connection.idp.entity_id or "", sp_entity_id)
    qualifiers, mapping = (named.name_qualifier, named.sp_name_qualifier), connection.mapping
    return Claim(
        subject=subject_of(named.name_id, named.name_id_format, qualifiers, attributes, own, mapping),
        email=email_from(named.name_id, named.name_id_format, attributes, mapping),
        full_name=full_name_from(attributes, mapping),
        groups=groups_from(attributes, mapping) if connection.jit.group_syncing else NO_GROUPS,
    )


def find_person(
    tx: Transaction,
    runtime: Runtime,
    attempt: Attempt,
    connection: Connection,
    rival_entries: tuple[str, ...],
    claim: Claim,
) -> Settled:
    """Find whom a claim means; provision and link at the first time. Two first times at one instant make one account and one link."""
    decision, arrived = look(tx, attempt.place, connection, rival_entries, claim), False
    if isinstance(decision, Create):
        made = create_person(tx, runtime, attempt, connection, claim, decision.email)
        arrived = made is not None
        # Without one, somebody made the account at this very instant: mostly the same person, in another tab.
        decision = Enter(made, None) if made else look(tx, attempt.place, connection, rival_entries, claim)
    if isinstance(decision, Admit):
        admit_person(tx, runtime, attempt, connection, claim, decision.end_user)
        decision, arrived = Enter(decision.end_user, None), True
    settled = _settled(decision)
    if isinstance(settled, Enter) and settled.link_id is None:
        settled = _link(tx, runtime, attempt, connection, rival_entries, claim, settled.end_user)
    if arrived or not isinstance(settled, Enter):
        return settled
    person = keep_in_sync(tx, runtime, attempt, connection, rival_entries, claim, settled.end_user)
    return Enter(person, settled.link_id)


def _link(
    tx: Transaction,
    runtime: Runtime,
    attempt: Attempt,
    connection: Connection,
    rival_entries: tuple[str, ...],
    claim: Claim,
    person: EndUser,
) -> Settled:
    place, now = attempt.place, runtime.clock()
    link_id = new_id("link", now)
    if claim.subject is None:
        return Refuse(Unfit.NO_SUBJECT)
    if not identity_links.insert_identity_link(
        tx, place.workspace.id, link_id, connection.id, person.id, claim.subject, now
    ):
        return _settled(look(tx, attempt.place, connection, rival_entries, claim))
    details = {
        "by": "email",
        "email": person.email,
        "subject": printable(claim.subject.value),
        "kind": printable(claim.subject.kind),
    }
    event = Event(
        "end_user.linked",
        Subject("end_user", person.id, person.full_name),
        environment_id=place.environment.id,
        connection_id=connection.id,
        details=details,
    )
    record(tx, runtime, place.workspace.id, end_user_actor(person, attempt.visitor), event)
    return Enter(person, link_id)


def _settled(decision: Decision) -> Settled:
    if isinstance(decision, Create | Admit):
        # Made and gone again between two statements of ours: nothing to build on, and the next try finds it quiet.
        raise DatabaseBusy("an account came and went during a sign-in")
    return decision


def look(
    tx: Transaction, place: Place, connection: Connection, rival_entries: tuple[str, ...], claim: Claim
) -> Decision:
    """Return whom a claim means and what would follow. Writes nothing."""
    linked, by_email = identity_links.find_candidates(
        tx, place.workspace.id, place.environment.id, connection.id, claim.subject, claim.email
    )
    return decide(connection, rival_entries, claim, linked, by_email)


def turn_away(
    tx: Transaction, runtime: Runtime, attempt: Attempt, connection: Connection, claim: Claim, decision: Wait | Refuse
) -> SignInRefused:
    """Record that somebody with a verified claim is not let in, with a knock where an admin may let them in; return the error."""
    person = decision.end_user
    if isinstance(decision, Wait):
        cause = _WAITING[decision.reason]()
        _knock(tx, runtime, attempt, connection, claim, decision)
    elif decision.reason is Unfit.OUT_OF_REACH:
        cause = _out_of_reach(connection, person.email if person else claim.email or "")
    else:
        cause = _UNFIT[decision.reason]()
    checks = attempt.checks + _passed_before(cause, person.email if person else claim.email or "")
    return record_refusal(tx, runtime, replace(attempt, end_user=person, checks=checks), cause)


def _knock(
    tx: Transaction, runtime: Runtime, attempt: Attempt, connection: Connection, claim: Claim, decision: Wait
) -> None:
    if claim.subject is None:
        return
    now = runtime.clock()
    knocks.knock(
        tx,
        knock_id=new_id("knock", now),
        workspace_id=attempt.place.workspace.id,
        environment_id=attempt.place.environment.id,
        connection_id=connection.id,
        subject=claim.subject,
        email=claim.email,
        full_name=claim.full_name,
        reason=decision.reason,
        end_user_id=decision.end_user.id if decision.end_user else None,
        now=now,
    )


def _out_of_reach(connection: Connection, email: str) -> EntryRefusal:
    reach = ", ".join(connection.domains) or "a domain that no other connection claims"
    return DomainOutOfReach(
        "the connection is not enforced for this domain", expected=reach, received=email_domain(email)
    )


def _passed_before(cause: EntryRefusal, email: str) -> tuple[Check, ...]:
    values = {"replay": "First use", "connection": "Active", "email": email, "domain": email_domain(email)}
    names = [name for name, _ in DOOR_CHECKS]
    before = names[: names.index(cause.check)] if cause.check in names else []
    return tuple(Check(name, "", "passed", values.get(name, ""), values.get(name, "")) for name in before)
