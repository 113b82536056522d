"""Taking a checked authorization request further: signing in first, asking for consent, and the code in the end."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from vestibule.directory.activity import Event, Subject
from vestibule.directory.entry import Condition
from vestibule.directory.grants import BY_PASSWORD, Authentication, Grant, StoredRequest
from vestibule.directory.sessions import Session, SignInMethod
from vestibule.flows.parts.authorizing import (
    Answer,
    AppClosed,
    AskConsent,
    Browser,
    RequestEnded,
    SignInFirst,
    Step,
    Waiting,
    answer_to,
    error_to,
    refused,
)
from vestibule.flows.parts.callers import Visitor
from vestibule.flows.parts.entering import end_user_actor
from vestibule.flows.parts.entry import Entry, decide, resume
from vestibule.flows.parts.places import Place
from vestibule.flows.parts.recording import record
from vestibule.flows.parts.runtime import Runtime
from vestibule.flows.parts.subjects import sid_of, subject_of
from vestibule.flows.parts.throttling import AUTHORIZATION_PER_ADDRESS, count_attempt
from vestibule.flows.parts.trying import is_try
from vestibule.kernel.errors import AlreadyTaken
from vestibule.kernel.ids import new_id
from vestibule.kernel.secrets import new_token, token_hash
from vestibule.oidc.errors import AccessDenied, ConsentRequired, LoginRequired
from vestibule.oidc.scopes import OFFLINE_ACCESS
from vestibule.storage import authorization, grants, sessions
from vestibule.storage.database import Transaction

CODE_LIFE: Final = timedelta(seconds=60)
# As long as somebody needs to sign in with a second factor that lies in another room.
REQUEST_LIFE: Final = timedelta(minutes=15)
_SIGNS_IN_AGAIN: Final = frozenset({"login", "select_account"})
_SKEW: Final = timedelta(seconds=120)


def go_on(
    runtime: Runtime, visitor: Visitor, place: Place, waiting: Waiting, browser: Browser, *, agreed_by: str = ""
) -> Step:
    """Take a request as far as it goes now. `agreed_by` is the id of whoever was shown the consent page and agreed.

    Raises AuthorizationRefused, Throttled.
    """
    session = resume(runtime, place.environment.key, browser.token)
    if session is None or _is_stale(session, waiting) or _is_somebody_else(runtime, session, waiting):
        return _sign_in_first(runtime, visitor, place, waiting, browser, session)
    with runtime.database.reading() as tx:
        entry = decide(tx, runtime, place.environment, session.end_user.id, waiting.client.app, session)
        agreed = agreed_by == session.end_user.id or _agreed_before(tx, waiting, session)
    if entry is None or not entry.decision.allowed:
        return _closed(runtime, visitor, place, waiting, session, entry)
    if not agreed:
        return _ask(runtime, visitor, place, waiting, browser, session)
    return _granted(runtime, visitor, place, waiting, session, agreed=bool(agreed_by))


def _sign_in_first(
    runtime: Runtime, visitor: Visitor, place: Place, waiting: Waiting, browser: Browser, session: Session | None
) -> Answer | SignInFirst:
    if "none" in waiting.request.prompt:
        reason = "nobody is signed in, not freshly enough, or not the one who is meant"
        return error_to(runtime, place, waiting, LoginRequired(reason))
    if session is not None and session.created_at >= waiting.since:
        # They signed in for this very request, and their IdP says that it asked them nothing; or somebody else than is meant did.
        return error_to(runtime, place, waiting, LoginRequired("signing in again did not help"))
    handle = waiting.handle or _store(runtime, visitor, place, waiting, browser)
    return SignInFirst(place, handle, waiting.request.login_hint or "", again=session is not None)


def _ask(
    runtime: Runtime, visitor: Visitor, place: Place, waiting: Waiting, browser: Browser, session: Session
) -> Answer | AskConsent:
    request = waiting.request
    if "none" in request.prompt:
        return error_to(runtime, place, waiting, ConsentRequired("the person has not agreed"))
    handle = waiting.handle or _store(runtime, visitor, place, waiting, browser)
    app, person = waiting.client.app, session.end_user
    return AskConsent(place, app, handle, request.scope, person, request.redirect_uri, request.resources)


def _is_somebody_else(runtime: Runtime, session: Session, waiting: Waiting) -> bool:
    """Say whether the app means another person than the one who is here (OpenID Connect Core 3.1.2.1, id_token_hint)."""
    hinted = waiting.request.hinted_sub
    return hinted is not None and hinted != subject_of(runtime, waiting.client.app, session.end_user.id)


def _is_stale(session: Session, waiting: Waiting) -> bool:
    request, fresh = waiting.request, session.created_at >= waiting.since
    if request.prompt & _SIGNS_IN_AGAIN and not fresh:
        return True
    if request.max_age is None:
        return False
    # As old as it may be when the app asks. Whoever signed in for this very request did so by the clock of their IdP.
    allowed = timedelta(seconds=request.max_age) + (_SKEW if fresh else timedelta(0))
    return waiting.since - authentication_of(session).instant > allowed


def authentication_of(session: Session) -> Authentication:
    """Return how and when a session's person signed in, as far as that is known."""
    if session.method is SignInMethod.PASSWORD:
        return Authentication(session.created_at, (BY_PASSWORD,))
    # No sign-in is later than what came of it: where the clock of their IdP is ahead of ours, ours counts.
    instant = min(session.authn_instant or session.created_at, session.created_at)
    return Authentication(instant, ("fed",), session.authn_context, session.connection_id)


def agreed_to(scope: Iterable[str], resources: Iterable[str]) -> frozenset[str]:
    """Return what consent is given to: scopes, and the APIs where they count. The same scope at another API is asked for again."""
    return frozenset({*scope, *resources})


def _agreed_before(tx: Transaction, waiting: Waiting, session: Session) -> bool:
    app, request = waiting.client.app, waiting.request
    if "consent" in request.prompt:
        return False
    if not app.third_party:
        return True
    before = authorization.consented_scope(tx, app.id, session.end_user.id)
    return before is not None and before >= agreed_to(request.scope, request.resources)


def _store(runtime: Runtime, visitor: Visitor, place: Place, waiting: Waiting, browser: Browser) -> str:
    # Nobody has to be known for this, and each is a row.
    count_attempt(runtime, (AUTHORIZATION_PER_ADDRESS, visitor.network))
    handle = new_token()
    stored = StoredRequest(
        app_id=waiting.client.app.id,
        environment_id=place.environment.id,
        parameters=waiting.request.as_data(),
        browser_hash=token_hash(browser.secret),
        pushed=False,
        created_at=waiting.since,
        expires_at=waiting.since + REQUEST_LIFE,
    )
    with runtime.database.transaction() as tx:
        authorization.insert_request(tx, place.environment, stored, token_hash(handle))
    return handle


def _granted(
    runtime: Runtime, visitor: Visitor, place: Place, waiting: Waiting, session: Session, *, agreed: bool
) -> Answer:
    code, now = new_token(), runtime.clock()
    app, request, person = waiting.client.app, waiting.request, session.end_user
    offline, tried = OFFLINE_ACCESS in request.scope, is_try(runtime, request.redirect_uri)
    grant = Grant(
        id=new_id("grant", now),
        workspace_id=place.workspace.id,
        environment_id=place.environment.id,
        app_id=app.id,
        end_user_id=person.id,
        session_id=None if offline else session.id,
        sid=sid_of(runtime, app, session.id),
        scope=request.scope,
        resources=request.resources,
        nonce=request.nonce,
        authentication=authentication_of(session),
        created_at=now,
        expires_at=now + waiting.client.oidc.refresh_token_ttl if offline else session.expires_at,
    )
    ended = RequestEnded("answered already, or the session ended meanwhile")
    try:
        with runtime.database.transaction() as tx:
            if waiting.handle and not authorization.take_request(tx, place.environment.id, token_hash(waiting.handle)):
                raise ended
            if offline and not sessions.hold_session(tx, place.environment.id, session.id, now):
                raise ended
            grants.insert_grant(tx, grant)
            grants.insert_code(
                tx, grant, token_hash(code), request.redirect_uri, request.code_challenge, now + CODE_LIFE
            )
            if waiting.client.oidc.backchannel_logout_uri and not tried:
                authorization.note_app_session(tx, grant, session.id, subject_of(runtime, app, person.id))
            if agreed and app.third_party and not tried:
                wanted = agreed_to(request.scope, request.resources)
                authorization.save_consent(tx, place.environment, app.id, person.id, wanted, now)
            event = Event(
                "app.sign_in",
                Subject("app", app.id, app.name),
                environment_id=place.environment.id,
                details={"scope": list(request.scope), "agreed_now": agreed, **({"tried": True} if tried else {})},
            )
            record(tx, runtime, place.workspace.id, end_user_actor(person, visitor), event)
    except (AlreadyTaken, RequestEnded):
        raise refused(runtime, visitor, place, ended, app) from None
    return answer_to(runtime, place, waiting, {"code": code})


def _closed(
    runtime: Runtime, visitor: Visitor, place: Place, waiting: Waiting, session: Session, entry: Entry | None
) -> Answer:
    condition = entry.decision.refused_by if entry else Condition.PERSON_ACTIVE
    answer = error_to(runtime, place, waiting, AccessDenied(f"{condition} does not hold"))
    if "none" in waiting.request.prompt:
        return answer
    cause = AppClosed(f"{condition} does not hold", app=waiting.client.app.name)
    actor = end_user_actor(session.end_user, visitor)
    raise refused(runtime, visitor, place, cause, waiting.client.app, actor, answer)
