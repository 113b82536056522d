"""Finishing a SAML sign-in: from an identity provider's response to a session, or to a refusal that an admin can understand.

The message is verified with no transaction open. Everything that makes it count, counts once: one transaction.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from vestibule.directory.connections import Connection, IdpInitiated, sp_entity_id
from vestibule.directory.linking import Enter, Refuse, Unfit
from vestibule.directory.refusals import (
    EntryRefusal,
    NotLetIn,
    OtherBrowser,
    OwnKeyUnreadable,
    RequestExpired,
    RequestUnknown,
)
from vestibule.directory.sessions import SamlRequest, SignInMethod
from vestibule.flows.parts.admitting import claim_of, find_person, turn_away
from vestibule.flows.parts.callers import Visitor
from vestibule.flows.parts.entering import Basis, Entered, enter
from vestibule.flows.parts.expecting import expectations_of
from vestibule.flows.parts.places import Place
from vestibule.flows.parts.refusing import Attempt, SignInRefused, record_refusal, refuse
from vestibule.flows.parts.runtime import Runtime
from vestibule.flows.parts.sending import Sent, send_to_idp, unusable
from vestibule.flows.parts.spending import idp_name_of, reused, spend
from vestibule.flows.parts.unknown_keys import with_newer_keys
from vestibule.kernel.errors import AlreadyTaken, NotFound
from vestibule.kernel.ids import is_id
from vestibule.kernel.secrets import SealBroken, same, token_hash
from vestibule.kernel.text import printable
from vestibule.saml.errors import SamlError, SessionEnded, SignatureInvalid, Unsolicited
from vestibule.saml.responses import (
    Expectations,
    UnverifiedResponse,
    VerifiedAssertion,
    decode_post,
    peek_response,
    verify_response,
)
from vestibule.storage import saml_requests
from vestibule.storage.database import Transaction
from vestibule.storage.saml_arrivals import load_connection_and_arrival

_REQUEST_ID: Final = re.compile(r"_[0-9a-f]{40}\Z")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a browser brings from an identity provider. All of it is untrusted.

    `relay_path` is RelayState where the door found it to be a path of this server, else empty. `browser` is the browser's
    secret cookie and `sessions` are its session cookies by environment key, where it has any;
    `converted` says that an unasked response of this connection was turned into a fresh sign-in a moment ago.
    """

    saml_response: str
    relay_state: str
    relay_path: str
    browser: str
    sessions: Mapping[str, str]
    converted: bool = False


@dataclass(frozen=True, slots=True)
class _Arrived:
    """An answer at a connection that is in use, peeked at and not verified."""

    connection: Connection
    arrival: saml_requests.Arrival
    attempt: Attempt
    message: UnverifiedResponse


@dataclass(frozen=True, slots=True)
class AnswersTest:
    """What arrived answers a test sign-in of an admin: it signs nobody in, and is for `sign_in_tests` to look at."""

    request_id: str


def environment_of(runtime: Runtime, connection_id: str) -> str | None:
    """Return the key of the environment that a connection (untrusted id) belongs to, for somebody who opened its address."""
    if not is_id(connection_id, "connection"):
        return None
    with runtime.database.reading() as tx:
        arrival = saml_requests.find_arrival(tx, connection_id, None)
    return arrival.environment.key if arrival else None


def finish(
    runtime: Runtime, visitor: Visitor, connection_id: str, answer: Answer, new_browser: str
) -> Entered | Sent | AnswersTest:
    """Sign somebody in with a response (saml-profiles-2.0-os 4.1.4), or send them to sign in afresh when nobody had asked for it.

    `new_browser` is the secret that this browser gets if it has none yet. Raises NotFound for an unknown connection,
    SignInRefused for everything that is wrong with the response or the person, Throttled.
    """
    arrived = _arrive(runtime, visitor, connection_id, answer)
    if isinstance(arrived, AnswersTest):
        return arrived
    if _converts(arrived, answer):
        # The assertion is dropped unread: somebody else's response, posted into this browser, gets nobody signed in.
        place = arrived.attempt.place
        return_to = _return_to(place, answer.relay_path)
        browser = answer.browser or new_browser
        return send_to_idp(runtime, visitor, place, arrived.connection, browser=browser, return_to=return_to)
    request, assertion = _verify(runtime, arrived, answer)
    try:
        with runtime.database.transaction() as tx:
            outcome = _settle(tx, runtime, arrived, request, assertion, answer)
    except AlreadyTaken:
        # The access was taken away between our look at it and the session that would have rested on it.
        gone = NotLetIn("the access ended during the sign-in", expected="access", received="none")
        raise refuse(runtime, arrived.attempt, gone) from None
    if isinstance(outcome, SignInRefused):
        raise outcome
    return outcome


def _arrive(runtime: Runtime, visitor: Visitor, connection_id: str, answer: Answer) -> _Arrived | AnswersTest:
    message, malformed = _peek(answer.saml_response)
    connection = arrival = None
    if is_id(connection_id, "connection"):
        request_id = message.unverified_in_response_to if message else None
        with runtime.database.reading() as tx:
            connection, arrival = load_connection_and_arrival(tx, connection_id, request_id)
            test = _test_answered(tx, connection_id, arrival.request if arrival else None, answer)
        if test is not None:
            return test
    if connection is None or arrival is None:
        raise NotFound(f"connection {printable(connection_id, 40)}")
    mine = arrival.request if arrival.request and arrival.request.connection_id == connection.id else None
    attempt = Attempt(
        place=Place(arrival.environment, arrival.workspace),
        visitor=visitor,
        connection=connection,
        return_to=mine.return_to if mine else "",
        unverified_email=mine.typed_email if mine else None,
    )
    problem = unusable(attempt.place, connection) or malformed
    if problem is not None or message is None:
        raise refuse(runtime, attempt, problem or RequestUnknown("nothing arrived"))
    return _Arrived(connection, arrival, attempt, message)


def _test_answered(
    tx: Transaction, connection_id: str, request: SamlRequest | None, answer: Answer
) -> AnswersTest | None:
    if request is not None:
        return AnswersTest(request.id) if request.admin_session_id and request.connection_id == connection_id else None
    # What names no request of ours, or can't be read, may still bring back the RelayState of a test, and is a result of it.
    if _REQUEST_ID.match(answer.relay_state) is None:
        return None
    test = saml_requests.find_test(tx, connection_id, answer.relay_state)
    return AnswersTest(test.id) if test else None


def _peek(saml_response: str) -> tuple[UnverifiedResponse | None, SamlError | None]:
    try:
        return peek_response(decode_post(saml_response)), None
    except SamlError as error:
        return None, error


def _unasked(arrived: _Arrived) -> bool:
    """Say whether a response that answers no request is accepted as such (saml-profiles-2.0-os 4.1.5).

    Whoever must sign in again each time has to be asked, so then it is not.
    """
    connection = arrived.connection
    accepts = connection.idp_initiated is IdpInitiated.ACCEPT and not connection.asking.force_authn
    return accepts and arrived.message.unverified_in_response_to is None


def _converts(arrived: _Arrived, answer: Answer) -> bool:
    if arrived.message.unverified_in_response_to is not None or _unasked(arrived):
        return False
    # An IdP that leaves InResponseTo out of its answers would send the browser round and round: RelayState brings our
    # request's ID back, and the cookie remembers the first time.
    answers_ours = _REQUEST_ID.match(answer.relay_state) is not None
    return arrived.connection.idp_initiated is not IdpInitiated.OFF and not answers_ours and not answer.converted


def _return_to(place: Place, path: str) -> str:
    home = f"/e/{place.environment.key}/"
    return path if path.startswith(home) else home


def _verify(runtime: Runtime, arrived: _Arrived, answer: Answer) -> tuple[SamlRequest | None, VerifiedAssertion]:
    """Return the verified assertion, and the request that it answers: none where it was accepted unasked. Raises SignInRefused."""
    connection, now = arrived.connection, runtime.clock()
    request = arrived.arrival.request
    unasked = _unasked(arrived)
    problem = None if unasked else _binding_problem(connection, request, answer, now)
    try:
        expectations = expectations_of(
            runtime,
            connection,
            request if problem is None else None,
            now,
            encrypted=arrived.message.encrypted,
            unsolicited=unasked,
        )
        assertion = _verified(runtime, arrived, expectations, newer=problem is None)
    except SealBroken as error:
        raise refuse(runtime, arrived.attempt, OwnKeyUnreadable(error.reason)) from error
    except SamlError as error:
        if problem is not None and isinstance(error, Unsolicited) and arrived.message.unverified_in_response_to:
            attempt = replace(arrived.attempt, checks=error.checks)
            raise refuse(runtime, attempt, problem) from None
        raise refuse(runtime, arrived.attempt, error) from None
    if not unasked and (request is None or problem is not None):
        # Without a request to expect, verification accepts nothing; this stands behind it.
        raise refuse(runtime, arrived.attempt, problem or RequestUnknown("no stored request"))
    return request, assertion


def _verified(runtime: Runtime, arrived: _Arrived, expectations: Expectations, *, newer: bool) -> VerifiedAssertion:
    """Verify a response; where no certificate here made its signature, once more with what the IdP's metadata says by now.

    `newer` is for answers that say they are the IdP's, to a request of this browser or unasked where that is accepted:
    no other makes us fetch.
    """
    try:
        return verify_response(arrived.message, expectations)
    except SignatureInvalid as error:
        if not newer or arrived.message.unverified_issuer != expectations.idp_entity_id:
            raise
        newest = with_newer_keys(runtime, arrived.connection, error, expectations)
        if newest is None:
            raise
        return verify_response(arrived.message, newest)


def _binding_problem(
    connection: Connection, request: SamlRequest | None, answer: Answer, now: datetime
) -> EntryRefusal | None:
    """Return why a response can't belong to a sign-in of this browser that is still open (saml-profiles-2.0-os 4.1.4.3).

    Without the binding to the browser, an attacker could post a response of their own into somebody else's browser, who
    then works in the attacker's account.
    """
    if request is None:
        return RequestUnknown(
            "no stored request has this ID", expected="a sign-in that we started", received="unknown, or forgotten"
        )
    if request.connection_id != connection.id:
        return RequestUnknown(
            "the request is another connection's", expected="this connection", received="another connection"
        )
    if not answer.browser or not same(request.browser_hash, token_hash(answer.browser)):
        received = "another browser" if answer.browser else "no cookie"
        return OtherBrowser(
            f"the request is bound to another browser: {received}",
            expected="the browser that started",
            received=received,
        )
    if now >= request.expires_at:
        expected = f"before {request.expires_at:%H:%M:%S} UTC"
        return RequestExpired("the request has expired", expected=expected, received=f"{now:%H:%M:%S} UTC")
    return None


def _settle(
    tx: Transaction,
    runtime: Runtime,
    arrived: _Arrived,
    request: SamlRequest | None,
    assertion: VerifiedAssertion,
    answer: Answer,
) -> Entered | SignInRefused:
    connection, place = arrived.connection, arrived.attempt.place
    workspace_id, now = place.workspace.id, runtime.clock()
    claim = claim_of(connection, sp_entity_id(runtime.public_url, connection.id), assertion)
    attempt = replace(
        arrived.attempt,
        email=claim.email,
        subject=claim.subject.value if claim.subject else assertion.name_id,
    )
    asked = request is None or saml_requests.use_request(tx, workspace_id, request.id, now)
    spent = spend(tx, runtime, connection, assertion) if asked else reused()
    if spent is not None:
        return record_refusal(tx, runtime, replace(attempt, checks=assertion.checks), spent)
    if assertion.session_not_on_or_after is not None and now >= assertion.session_not_on_or_after:
        ended = SessionEnded("the session there has ended", received=str(assertion.session_not_on_or_after))
        return record_refusal(tx, runtime, replace(attempt, checks=assertion.checks), ended)
    decision = find_person(tx, runtime, attempt, connection, arrived.arrival.rival_entries, claim)
    if isinstance(decision, Enter):
        basis = _basis(runtime, decision, connection, assertion, asked=request is not None)
        return_to = request.return_to if request else _return_to(place, answer.relay_path)
        # Who was not asked takes nobody's place here: `flows.arrivals` does, when it knows whose.
        earlier = answer.sessions.get(place.environment.key, "") if request else ""
        entered = enter(
            tx, runtime, attempt.visitor, place, decision.end_user, basis, return_to=return_to, earlier=earlier
        )
        if entered is not None:
            return replace(entered, asked=request is not None)
        decision = Refuse(Unfit.DEACTIVATED, decision.end_user)
    return turn_away(tx, runtime, replace(attempt, checks=assertion.checks), connection, claim, decision)


def _basis(
    runtime: Runtime, decision: Enter, connection: Connection, assertion: VerifiedAssertion, *, asked: bool
) -> Basis:
    name, name_key = idp_name_of(runtime, connection, assertion)
    return Basis(
        method=SignInMethod.SAML,
        connection_id=connection.id,
        link_id=decision.link_id,
        session_index=assertion.session_index,
        authn_context=assertion.authn_context_class_ref,
        authn_instant=assertion.authn_instant,
        name_id=name,
        name_key=name_key,
        not_on_or_after=assertion.session_not_on_or_after,
        details={
            "signed": assertion.signed,
            "signature": assertion.signature_algorithm,
            **({} if asked else {"started": "at the identity provider"}),
            **({"encryption": assertion.encryption} if assertion.encryption else {}),
            "subject": printable(assertion.name_id),
        },
    )
