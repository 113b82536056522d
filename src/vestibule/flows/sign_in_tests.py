"""Test sign-in: an admin's round trip through the real identity provider, which shows each check and signs nobody in.

It makes no session, no account, no link and nobody wait. The response is verified as any other, and its assertion counts as used.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from vestibule.directory.activity import Actor, ActorKind, Event, Outcome, Subject
from vestibule.directory.admins import Permission
from vestibule.directory.connections import Connection, IdpValues, acs_url, sp_entity_id
from vestibule.directory.mending import Mend, mend
from vestibule.directory.refusals import (
    ConnectionPending,
    OtherBrowser,
    OwnKeyUnreadable,
    RequestExpired,
)
from vestibule.directory.sessions import SamlRequest
from vestibule.directory.workspaces import Environment
from vestibule.flows.parts.admitting import claim_of, look
from vestibule.flows.parts.callers import AdminCaller, Visitor
from vestibule.flows.parts.connecting import environment_of, found_connection
from vestibule.flows.parts.expecting import expectations_of
from vestibule.flows.parts.places import Place
from vestibule.flows.parts.recording import record
from vestibule.flows.parts.refusing import Attempt, refuse
from vestibule.flows.parts.runtime import Runtime
from vestibule.flows.parts.sending import Sent, send_to_idp
from vestibule.flows.parts.signing import SigningKeyUnreadable
from vestibule.flows.parts.spending import spend
from vestibule.flows.parts.testing import (
    Prospect,
    TestResult,
    open_result,
    open_values,
    prospect_of,
    record_not_begun,
    seal_result,
    seal_values,
)
from vestibule.flows.parts.unknown_keys import with_newer_keys
from vestibule.kernel.errors import Conflict, NotFound
from vestibule.kernel.secrets import SealBroken, same, token_hash
from vestibule.kernel.text import N_, printable
from vestibule.saml.captures import Captured
from vestibule.saml.errors import SamlError, SignatureInvalid
from vestibule.saml.expectations import Expectations
from vestibule.saml.inspection import inspect_message
from vestibule.saml.inspection_checks import Measure
from vestibule.saml.responses import VerifiedAssertion, decode_post, may_be_encrypted, peek_response, verify_response
from vestibule.storage import admins, saml_requests, workspaces
from vestibule.storage.database import Transaction
from vestibule.storage.saml_arrivals import load_connection_and_arrival

# Long enough to reload the page and to mend what it says; then what it says of a person is forgotten.
KEPT_FOR: Final = timedelta(minutes=30)


class NothingToTest(Conflict):
    """The connection has no values of its identity provider yet."""

    code = "nothing_to_test"
    public = N_("There is nothing to test yet. Bring the values of the identity provider first.")


class ShownTest:
    """A finished test as its page shows it."""

    __slots__ = ("connection", "environment", "kept_until", "mend", "result", "with_draft")

    def __init__(
        self,
        connection: Connection,
        environment: Environment,
        request: SamlRequest,
        result: TestResult,
        mended: Mend | None,
    ) -> None:
        self.connection = connection
        self.environment = environment
        self.result = result
        self.mend = mended
        self.kept_until: datetime = request.expires_at
        self.with_draft = request.test_values is not None


def begin_test(
    runtime: Runtime, caller: AdminCaller, connection_id: str, browser: str, values: IdpValues | None = None
) -> Sent:
    """Send an admin's browser to the identity provider; with `values` to that of a draft, which is saved nowhere else.

    The connection may be pending or disabled. Raises NothingToTest and SigningKeyUnreadable, which are on the record then;
    NotFound, Forbidden, Throttled.
    """
    caller.require(Permission.MANAGE_AUTHENTICATION)
    with runtime.database.reading() as tx:
        connection = found_connection(tx, caller, connection_id)
        place = _place(tx, connection)
    tested = _with_values(connection, values) if values else connection
    draft = values is not None
    if not tested.idp.complete:
        nothing = NothingToTest("entity ID, sign-on URL or certificate of the identity provider is missing")
        record_not_begun(runtime, caller, connection, ConnectionPending(nothing.reason), draft=draft)
        raise nothing
    try:
        return send_to_idp(
            runtime,
            caller.visitor,
            place,
            tested,
            browser=browser,
            return_to="",
            admin_session_id=caller.session_id,
            test_values=seal_values(runtime, connection.id, values) if values else None,
        )
    except SigningKeyUnreadable as error:
        record_not_begun(runtime, caller, connection, OwnKeyUnreadable(error.reason), draft=draft)
        raise


def finish_test(
    runtime: Runtime, visitor: Visitor, connection_id: str, request_id: str, saml_response: str, browser: str
) -> None:
    """Look at what answers a test, once. All but `request_id` is untrusted.

    Raises SignInRefused for another browser, too late, or a key of ours that does not open; NotFound.
    """
    with runtime.database.reading() as tx:
        connection, arrival = load_connection_and_arrival(tx, connection_id, request_id)
    request = arrival.request if arrival else None
    if connection is None or arrival is None or request is None or request.admin_session_id is None:
        raise NotFound(f"test {printable(request_id, 60)}")
    attempt = Attempt(Place(arrival.environment, arrival.workspace), visitor, connection)
    if not browser or not same(request.browser_hash, token_hash(browser)):
        raise refuse(runtime, attempt, OtherBrowser("a test is bound to the browser that began it"))
    if request.used_at is not None:
        return
    now = runtime.clock()
    if now >= request.expires_at:
        raise refuse(runtime, attempt, RequestExpired("the test has expired"))
    tested = connection
    try:
        if request.test_values is not None:
            tested = _with_values(connection, open_values(runtime, connection.id, request.test_values))
        result, assertion = _judge(runtime, tested, request, saml_response, now)
    except SealBroken as error:
        raise refuse(runtime, attempt, OwnKeyUnreadable(error.reason)) from error
    with runtime.database.transaction() as tx:
        if assertion is not None:
            result = _settle(tx, runtime, tested, attempt.place, arrival.rival_entries, result, assertion)
        sealed = seal_result(runtime, request.id, result)
        if saml_requests.finish_test(tx, connection.workspace_id, request.id, sealed, now, now + KEPT_FOR):
            _record(tx, runtime, visitor, request, connection, result)


def show_test(runtime: Runtime, caller: AdminCaller, connection_id: str, request_id: str) -> ShownTest:
    """Return a finished test of this console session. Raises NotFound for anybody else's, and once it is forgotten; Forbidden."""
    caller.require(Permission.MANAGE_AUTHENTICATION)
    with runtime.database.reading() as tx:
        connection = found_connection(tx, caller, connection_id)
        environment = environment_of(tx, connection)
        request = _mine(tx, runtime, caller, connection, request_id)
    result = open_result(runtime, request.id, request.test_result or b"")
    values = {"acs_url": result.acs_url, "sp_entity_id": result.sp_entity_id, "environment": environment.name}
    mended = mend(result.check, result.code, connection.idp.vendor, values) if result.code else None
    return ShownTest(connection, environment, request, result, mended)


def tested_values(runtime: Runtime, caller: AdminCaller, connection_id: str, request_id: str) -> IdpValues:
    """Return the draft that a test of this console session passed with, to be saved. Raises NotFound, Forbidden."""
    caller.require(Permission.MANAGE_AUTHENTICATION)
    with runtime.database.reading() as tx:
        connection = found_connection(tx, caller, connection_id)
        request = _mine(tx, runtime, caller, connection, request_id)
    if request.test_values is None or not open_result(runtime, request.id, request.test_result or b"").verified:
        raise NotFound("nothing to save")
    return open_values(runtime, connection.id, request.test_values)


def _mine(
    tx: Transaction, runtime: Runtime, caller: AdminCaller, connection: Connection, request_id: str
) -> SamlRequest:
    found = saml_requests.find_test(tx, connection.id, request_id)
    if (
        found is None
        or found.admin_session_id != caller.session_id
        or found.test_result is None
        or runtime.clock() >= found.expires_at
    ):
        raise NotFound(f"test {printable(request_id, 60)}")
    return found


def _place(tx: Transaction, connection: Connection) -> Place:
    environment = environment_of(tx, connection)
    workspace = workspaces.find_workspace(tx, connection.workspace_id)
    if workspace is None:
        raise NotFound(connection.workspace_id)
    return Place(environment, workspace)


def _with_values(connection: Connection, values: IdpValues) -> Connection:
    idp = replace(
        connection.idp,
        entity_id=values.entity_id,
        sso_redirect_url=values.sso_redirect_url,
        sso_post_url=values.sso_post_url,
        certificates=values.certificates,
        wants_signed_requests=values.wants_signed_requests,
    )
    return replace(connection, idp=idp)


def _judge(
    runtime: Runtime, connection: Connection, request: SamlRequest, saml_response: str, now: datetime
) -> tuple[TestResult, VerifiedAssertion | None]:
    """Verify as at a real sign-in; beside that, judge each check by itself for the page."""
    own = acs_url(runtime.public_url, connection.id), sp_entity_id(runtime.public_url, connection.id)
    result = TestResult(now, *own)
    try:
        data = decode_post(saml_response)
    except SamlError as error:
        return result.refused(error), None
    expected = expectations_of(runtime, connection, request, now, encrypted=may_be_encrypted(data))
    assertion, refusal = None, None
    try:
        assertion, expected = _verified(runtime, connection, request, data, expected)
    except SamlError as error:
        refusal = error
    shown = inspect_message(Captured(data, "base64", "SAMLResponse"), Measure.of(expected))
    result = replace(
        result, findings=shown.findings, facts=shown.facts, attributes=shown.attributes, trusted=shown.verified
    )
    return (result.refused(refusal) if refusal else replace(result, verified=True)), assertion


def _verified(
    runtime: Runtime, connection: Connection, request: SamlRequest, data: bytes, expected: Expectations
) -> tuple[VerifiedAssertion, Expectations]:
    """Return the assertion, and what it was measured against in the end. Raises SamlError."""
    try:
        return verify_response(peek_response(data), expected), expected
    except SignatureInvalid as error:
        # As at a real sign-in. The certificates of a draft are the admin's to change.
        newer = with_newer_keys(runtime, connection, error, expected) if request.test_values is None else None
        if newer is None:
            raise
        return verify_response(peek_response(data), newer), newer


def _settle(
    tx: Transaction,
    runtime: Runtime,
    connection: Connection,
    place: Place,
    rivals: tuple[str, ...],
    result: TestResult,
    assertion: VerifiedAssertion,
) -> TestResult:
    # Used up here, so that what passed a test can't be replayed as a sign-in.
    spent = spend(tx, runtime, connection, assertion)
    if spent is not None:
        return replace(result.refused(spent), verified=False)
    claim = claim_of(connection, result.sp_entity_id, assertion)
    decision = look(tx, place, connection, rivals, claim)
    prospect: Prospect = prospect_of(tx, place, connection, claim, decision)
    return replace(result, prospect=prospect)


def _record(
    tx: Transaction,
    runtime: Runtime,
    visitor: Visitor,
    request: SamlRequest,
    connection: Connection,
    result: TestResult,
) -> None:
    details: dict[str, object] = {"draft": request.test_values is not None, "result": result.outcome}
    if result.code:
        details |= {"code": result.code, "check": result.check, "reason": printable(result.reason)}
    event = Event(
        "connection.tested",
        Subject("connection", connection.id, connection.idp.name),
        Outcome.DONE if result.verified else Outcome.REFUSED,
        environment_id=connection.environment_id,
        connection_id=connection.id,
        details=details,
    )
    session = admins.find_session_by_id(tx, connection.workspace_id, request.admin_session_id or "")
    if session is None:
        # Signed out at this very instant: the test is gone with the session.
        return
    actor = Actor(ActorKind.ADMIN, session.admin.id, session.admin.name, visitor.address, visitor.request_id)
    record(tx, runtime, connection.workspace_id, actor, event)
