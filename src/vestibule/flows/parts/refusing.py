"""Refusing a sign-in: the record that an admin finds under a reference code, and the error that a door makes a page of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from vestibule.directory.activity import Event, Outcome, Subject
from vestibule.directory.connections import Connection
from vestibule.directory.end_users import EndUser
from vestibule.directory.refusals import DOOR_CHECKS, EntryRefusal, NotLetIn
from vestibule.flows.parts.callers import Visitor
from vestibule.flows.parts.places import Place
from vestibule.flows.parts.recording import record
from vestibule.flows.parts.runtime import Runtime
from vestibule.flows.parts.throttling import Limit, count_attempt
from vestibule.kernel.errors import Throttled, VestibuleError
from vestibule.kernel.secrets import new_reference
from vestibule.kernel.text import printable
from vestibule.saml.errors import SamlError
from vestibule.saml.trace import CHECKS, Check
from vestibule.storage.database import Transaction

# Whoever floods a door with rubbish must not fill the activity with it. What is beyond is counted in the metrics only.
REFUSAL_PER_ADDRESS: Final = Limit("refusal-address", 60, timedelta(minutes=5))
REFUSAL_PER_PLACE: Final = Limit("refusal-place", 1200, timedelta(minutes=5))


@dataclass(frozen=True, slots=True)
class Attempt:
    """What is known of a sign-in that fails. `email` and `subject` are verified; `unverified_email` is what was typed."""

    place: Place
    visitor: Visitor
    connection: Connection | None = None
    checks: tuple[Check, ...] = ()
    return_to: str = ""
    end_user: EndUser | None = None
    email: str | None = None
    subject: str | None = None
    unverified_email: str | None = None
    details: Mapping[str, object] = field(default_factory=dict)


class SignInRefused(VestibuleError):
    """A sign-in was refused, and recorded under `reference`. `cause` has the sentence for the person."""

    code = "sign_in_refused"

    def __init__(
        self, attempt: Attempt, cause: SamlError | EntryRefusal, reference: str, *, recorded: bool = True
    ) -> None:
        super().__init__(cause.reason)
        self.attempt = attempt
        self.cause = cause
        self.reference = reference
        self.recorded = recorded

    @property
    def malformed(self) -> bool:
        """Say whether what arrived was no SAML response at all."""
        return self.cause.check == "message"

    @property
    def waits(self) -> bool:
        """Say whether the person is known to be who they say, and only lacks access."""
        return isinstance(self.cause, NotLetIn)


def refuse(runtime: Runtime, attempt: Attempt, cause: SamlError | EntryRefusal) -> SignInRefused:
    """Record a refusal in a transaction of its own, and return the error to raise. Floods are not recorded."""
    where = attempt.connection.id if attempt.connection else attempt.place.environment.id
    try:
        count_attempt(runtime, (REFUSAL_PER_ADDRESS, attempt.visitor.network), (REFUSAL_PER_PLACE, where))
    except Throttled:
        return SignInRefused(attempt, cause, new_reference(), recorded=False)
    with runtime.database.transaction() as tx:
        return record_refusal(tx, runtime, attempt, cause)


def record_refusal(
    tx: Transaction, runtime: Runtime, attempt: Attempt, cause: SamlError | EntryRefusal
) -> SignInRefused:
    """Record a refusal in the caller's transaction, and return the error to raise once that is committed."""
    reference = new_reference()
    person = attempt.end_user
    name = person.full_name if person else attempt.email or attempt.unverified_email or attempt.subject or ""
    event = Event(
        "end_user.sign_in",
        Subject("end_user", person.id if person else None, printable(name)),
        Outcome.REFUSED,
        environment_id=attempt.place.environment.id,
        connection_id=attempt.connection.id if attempt.connection else None,
        reference=reference,
        details=_details(attempt, cause),
    )
    record(tx, runtime, attempt.place.workspace.id, attempt.visitor.anonymous, event)
    return SignInRefused(attempt, cause, reference)


def _details(attempt: Attempt, cause: SamlError | EntryRefusal) -> dict[str, object]:
    said = {
        "email": attempt.email,
        "subject": attempt.subject,
        "unverified_email": attempt.unverified_email,
        "spec": cause.spec if isinstance(cause, SamlError) else None,
    }
    return {
        "code": cause.code,
        "check": cause.check,
        "reason": printable(cause.reason),
        "checks": [check_as_data(check) for check in checks_of(attempt.checks, cause)] if attempt.connection else [],
        **{name: printable(value) for name, value in said.items() if value},
        **attempt.details,
    }


def checks_of(
    checks: tuple[Check, ...],
    cause: SamlError | EntryRefusal,
    titles: Sequence[tuple[str, str]] = (*CHECKS, *DOOR_CHECKS),
    failed_check: str = "",
) -> tuple[Check, ...]:
    """Return the whole list of checks that an admin sees: those of the message, then those of the door, the failed one marked.

    `titles` are those of another message than a response, and `failed_check` what the cause fails among them.
    """
    wanted = failed_check or cause.check
    known = {check.name: check for check in checks or (cause.checks if isinstance(cause, SamlError) else ())}
    failed = Check(wanted, "", "failed", printable(cause.expected), printable(cause.received or cause.reason))
    whole = []
    for name, title in titles:
        found = known.get(name, Check(name, title, "not_reached"))
        if name == wanted:
            found = failed
        whole.append(Check(name, title, found.outcome, found.expected, found.received))
    return tuple(whole)


def check_as_data(check: Check) -> dict[str, str]:
    """Return a check as the record keeps it."""
    return {
        "name": check.name,
        "title": check.title,
        "outcome": check.outcome,
        "expected": check.expected,
        "received": check.received,
    }
