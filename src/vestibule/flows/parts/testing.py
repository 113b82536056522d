"""What a test sign-in keeps for a while, sealed: the draft values that are tested, and the result that its page shows."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Final

from vestibule.directory.activity import Event, Outcome, Subject
from vestibule.directory.connections import Connection, IdpValues, Provisioning
from vestibule.directory.linking import Admit, Claim, Create, Decision, Enter, Refuse, Wait
from vestibule.directory.refusals import EntryRefusal
from vestibule.directory.rollover import dump_values, load_values
from vestibule.flows.parts.callers import AdminCaller
from vestibule.flows.parts.places import Place
from vestibule.flows.parts.provisioning import groups_after
from vestibule.flows.parts.recording import record
from vestibule.flows.parts.runtime import Runtime
from vestibule.kernel.text import printable
from vestibule.saml.errors import SamlError
from vestibule.saml.inspection_checks import Finding
from vestibule.storage import access
from vestibule.storage.database import Transaction

_OUTCOMES: Final = {Enter: "enter", Create: "create", Admit: "admit", Wait: "wait", Refuse: "refuse"}


@dataclass(frozen=True, slots=True)
class Prospect:
    """What would happen to the person at a real sign-in. Names are the IdP's words unless `end_user_id` is there; printable."""

    outcome: str
    reason: str = ""
    end_user_id: str = ""
    name: str = ""
    email: str = ""
    linked: bool = False
    groups: tuple[str, ...] = ()
    sent_groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TestResult:
    """What a test found. `verified`: the response would be accepted; `trusted`: its signature holds; `public` is a msgid."""

    __test__ = False  # not a test of pytest's

    at: datetime
    acs_url: str
    sp_entity_id: str
    verified: bool = False
    trusted: bool = False
    code: str = ""
    check: str = ""
    public: str = ""
    reason: str = ""
    expected: str = ""
    received: str = ""
    findings: tuple[Finding, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    attributes: tuple[tuple[str, tuple[str, ...]], ...] = ()
    prospect: Prospect | None = None

    @property
    def outcome(self) -> str:
        """Return in one word what would have happened, for the record."""
        return self.prospect.outcome if self.prospect else "refused"

    def refused(self, cause: SamlError | EntryRefusal) -> TestResult:
        """Return the result with what the response was refused for."""
        shown = Finding(cause.check, "", "failed", printable(cause.expected), printable(cause.received or cause.reason))
        if any(one.name == cause.check and one.outcome == "failed" for one in self.findings):
            findings = self.findings
        else:
            findings = tuple(
                replace(shown, title=one.title) if one.name == cause.check else one for one in self.findings
            )
        return replace(
            self,
            findings=findings,
            code=cause.code,
            check=cause.check,
            public=cause.public,
            reason=printable(cause.reason),
            expected=printable(cause.expected),
            received=printable(cause.received),
        )


def record_not_begun(
    runtime: Runtime, caller: AdminCaller, connection: Connection, cause: EntryRefusal, *, draft: bool
) -> None:
    """Record in a transaction of its own that a test could not begin: a real sign-in would fail for the same cause."""
    event = Event(
        "connection.test_not_begun",
        Subject("connection", connection.id, connection.idp.name),
        Outcome.REFUSED,
        environment_id=connection.environment_id,
        connection_id=connection.id,
        details={"draft": draft, "code": cause.code, "check": cause.check, "reason": printable(cause.reason)},
    )
    with runtime.database.transaction() as tx:
        record(tx, runtime, caller.workspace_id, caller.actor, event)


def prospect_of(tx: Transaction, place: Place, connection: Connection, claim: Claim, decision: Decision) -> Prospect:
    """Return what a decision would mean for somebody, with the groups that they would be in. Writes nothing."""
    person = None if isinstance(decision, Create) else decision.end_user
    groups: tuple[str, ...] = ()
    in_sync = connection.provisioning is Provisioning.JIT and connection.jit.keep_in_sync
    if isinstance(decision, Enter) and not in_sync:
        theirs = access.memberships_of(tx, place.workspace.id, decision.end_user.id, place.environment.id)
        groups = tuple(one.name for one in theirs)
    elif isinstance(decision, Enter | Create | Admit):
        groups = groups_after(tx, connection, claim, person, leaves=isinstance(decision, Enter))
    return Prospect(
        outcome=_OUTCOMES[type(decision)],
        reason=decision.reason.value if isinstance(decision, Wait | Refuse) else "",
        end_user_id=person.id if person else "",
        name=person.full_name if person else printable(claim.full_name or ""),
        email=person.email if person else printable(claim.email or ""),
        linked=isinstance(decision, Enter) and decision.link_id is not None,
        groups=groups,
        sent_groups=tuple(printable(value, 100) for value in claim.groups.values[:100]),
    )


def seal_values(runtime: Runtime, connection_id: str, values: IdpValues) -> bytes:
    """Seal draft values for a test of one connection."""
    return runtime.sealer.seal(json.dumps(dump_values(values)).encode(), f"test values/{connection_id}")


def open_values(runtime: Runtime, connection_id: str, sealed: bytes) -> IdpValues:
    """Return sealed draft values. Raises SealBroken."""
    return load_values(json.loads(runtime.sealer.open(sealed, f"test values/{connection_id}")))


def seal_result(runtime: Runtime, request_id: str, result: TestResult) -> bytes:
    """Seal a result: it says who somebody is."""
    plain = {**asdict(result), "at": result.at.isoformat()}
    return runtime.sealer.seal(json.dumps(plain).encode(), f"test result/{request_id}")


def open_result(runtime: Runtime, request_id: str, sealed: bytes) -> TestResult:
    """Return a sealed result. Raises SealBroken."""
    plain: dict[str, Any] = json.loads(runtime.sealer.open(sealed, f"test result/{request_id}"))
    prospect = plain.pop("prospect")
    if prospect is not None:
        groups, sent_groups = tuple(prospect.pop("groups")), tuple(prospect.pop("sent_groups"))
        prospect = Prospect(**prospect, groups=groups, sent_groups=sent_groups)
    return TestResult(
        at=datetime.fromisoformat(plain.pop("at")),
        findings=tuple(Finding(**one) for one in plain.pop("findings")),
        facts=tuple((name, value) for name, value in plain.pop("facts")),
        attributes=tuple((name, tuple(values)) for name, values in plain.pop("attributes")),
        prospect=prospect,
        **plain,
    )
