"""The device grant's two screens: a device begins and shows a code, and its person types that here and answers (RFC 8628)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from vestibule.directory.activity import Event, Subject
from vestibule.directory.apps import GrantType
from vestibule.directory.device_codes import DeviceCode, DeviceStatus
from vestibule.directory.grants import Grant
from vestibule.directory.sessions import Session
from vestibule.flows.parts.authorizing import AppClosed
from vestibule.flows.parts.callers import Visitor
from vestibule.flows.parts.clients import Client, authenticate_client, find_client, issuer_of
from vestibule.flows.parts.entering import end_user_actor
from vestibule.flows.parts.entry import decide
from vestibule.flows.parts.going_on import agreed_to, authentication_of
from vestibule.flows.parts.issuing import scopes_of
from vestibule.flows.parts.places import Place, find_place
from vestibule.flows.parts.recording import record
from vestibule.flows.parts.resources import reaches_of
from vestibule.flows.parts.runtime import Runtime
from vestibule.flows.parts.subjects import sid_of, subject_of
from vestibule.flows.parts.throttling import Limit, count_attempt
from vestibule.kernel.errors import VestibuleError
from vestibule.kernel.ids import new_id
from vestibule.kernel.secrets import new_reference, new_token, token_hash
from vestibule.kernel.text import N_
from vestibule.oidc import parameters as read
from vestibule.oidc.client_authentication import read_client
from vestibule.oidc.parameters import Parameters
from vestibule.oidc.requests import read_resources
from vestibule.oidc.scopes import OFFLINE_ACCESS, known
from vestibule.storage import authorization, device_codes, grants, sessions
from vestibule.storage.database import Transaction

CODE_LIFE: Final = timedelta(minutes=10)
INTERVAL_SECONDS: Final = 5
# A code has 38 random bits and lives ten minutes: who may try so few hits none (RFC 8628, 5.1).
PER_PERSON: Final = Limit("user-code-person", 10, timedelta(minutes=10))
PER_ADDRESS: Final = Limit("user-code-address", 60, timedelta(minutes=10))
BEGUN_PER_ADDRESS: Final = Limit("device-address", 60, timedelta(minutes=10))


class UnknownUserCode(VestibuleError):
    """No device waits under this code: mistyped, too late, or answered."""

    code = "unknown_user_code"
    public = N_("No device waits with this code. Look at it again, or let the device begin once more.")


@dataclass(frozen=True, slots=True)
class Begun:
    """What a device is answered (RFC 8628, 3.2)."""

    body: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A device that waits for the person who is here."""

    place: Place
    client: Client
    code: DeviceCode


def begin(
    runtime: Runtime, visitor: Visitor, environment_key: str, parameters: Parameters, authorization: str
) -> Begun:
    """Let a client's device begin to wait for an untrusted request (RFC 8628, 3.1). Raises OAuthError, Throttled, NotFound."""
    place, client = authenticate_client(runtime, visitor, environment_key, read_client(parameters, authorization))
    client.require_grant(GrantType.DEVICE_CODE)
    count_attempt(runtime, (BEGUN_PER_ADDRESS, visitor.network))
    wanted, resources = read.words(parameters, "scope"), read_resources(parameters)
    device_code, user_code, now = new_token(), new_reference(), runtime.clock()
    with runtime.database.transaction() as tx:
        reaches = reaches_of(tx, place, client, resources, for_person=True)
        of_apis = frozenset[str]().union(*(one.scopes(for_person=True) for one in reaches))
        code = DeviceCode(
            code_hash=token_hash(device_code),
            app_id=client.app.id,
            environment_id=place.environment.id,
            workspace_id=place.workspace.id,
            user_code_hash=_hash_of(user_code),
            scope=known(wanted, (*scopes_of(client.oidc), *of_apis)),
            resources=resources,
            status=DeviceStatus.WAITING,
            grant_id=None,
            interval_seconds=INTERVAL_SECONDS,
            polled_at=None,
            created_at=now,
            expires_at=now + CODE_LIFE,
        )
        device_codes.insert_device_code(tx, code)
    page = f"{issuer_of(runtime, place.environment.key)}/device"
    return Begun(
        {
            "device_code": device_code,
            "user_code": user_code,
            "verification_uri": page,
            "verification_uri_complete": f"{page}?user_code={user_code}",
            "expires_in": int(CODE_LIFE.total_seconds()),
            "interval": INTERVAL_SECONDS,
        }
    )


def look(runtime: Runtime, visitor: Visitor, session: Session, environment_key: str, user_code: str) -> Waiting:
    """Return the device that waits under an untrusted user code, for the person of a session. Every look is counted.

    Raises UnknownUserCode, AppClosed, Throttled, NotFound.
    """
    place = find_place(runtime, environment_key)
    count_attempt(runtime, (PER_ADDRESS, visitor.network), (PER_PERSON, session.end_user.id))
    with runtime.database.reading() as tx:
        code = device_codes.find_waiting(tx, place.environment.id, _hash_of(user_code), runtime.clock())
    client = find_client(runtime, place, code.app_id) if code else None
    if code is None or client is None or session.environment.id != place.environment.id:
        raise UnknownUserCode("no device waits under it")
    with runtime.database.reading() as tx:
        entry = decide(tx, runtime, place.environment, session.end_user.id, client.app, session)
    if entry is None or not entry.decision.allowed:
        condition = entry.decision.refused_by if entry else "nobody"
        raise AppClosed(f"{condition} does not hold", app=client.app.name)
    return Waiting(place, client, code)


def answer(
    runtime: Runtime, visitor: Visitor, session: Session, environment_key: str, user_code: str, *, agreed: bool
) -> Waiting:
    """Save what the person of a session answered to the device that waits under an untrusted code.

    Raises UnknownUserCode, AppClosed, Throttled, NotFound.
    """
    waiting = look(runtime, visitor, session, environment_key, user_code)
    place, code, app = waiting.place, waiting.code, waiting.client.app
    with runtime.database.transaction() as tx:
        grant = _grant(runtime, waiting, session) if agreed else None
        if grant is not None:
            if not sessions.hold_session(tx, place.environment.id, session.id, grant.created_at):
                raise UnknownUserCode("the session ended meanwhile")
            grants.insert_grant(tx, grant)
            _remember(tx, runtime, waiting, session, grant)
        status = DeviceStatus.ALLOWED if agreed else DeviceStatus.DENIED
        if not device_codes.answer_device(tx, code, status, grant.id if grant else None):
            raise UnknownUserCode("answered a moment ago")
        if agreed:
            event = Event(
                "app.device_signed_in",
                Subject("app", app.id, app.name),
                environment_id=place.environment.id,
                details={"scope": list(code.scope), "resources": list(code.resources)},
            )
            record(tx, runtime, place.workspace.id, end_user_actor(session.end_user, visitor), event)
    return waiting


def _remember(tx: Transaction, runtime: Runtime, waiting: Waiting, session: Session, grant: Grant) -> None:
    """Remember what an authorization request is remembered for, too: whom to tell that the session ended, and what can be taken back."""
    app, person, place = waiting.client.app, session.end_user, waiting.place
    if waiting.client.oidc.backchannel_logout_uri:
        authorization.note_app_session(tx, grant, session.id, subject_of(runtime, app, person.id))
    if app.third_party:
        before = authorization.consented_scope(tx, app.id, person.id) or frozenset()
        agreed = before | agreed_to(grant.scope, grant.resources)
        authorization.save_consent(tx, place.environment, app.id, person.id, agreed, grant.created_at)


def _grant(runtime: Runtime, waiting: Waiting, session: Session) -> Grant:
    place, client, code, now = waiting.place, waiting.client, waiting.code, runtime.clock()
    offline = OFFLINE_ACCESS in code.scope
    return Grant(
        id=new_id("grant", now),
        workspace_id=place.workspace.id,
        environment_id=place.environment.id,
        app_id=client.app.id,
        end_user_id=session.end_user.id,
        session_id=None if offline else session.id,
        sid=sid_of(runtime, client.app, session.id),
        scope=code.scope,
        resources=code.resources,
        nonce=None,
        authentication=authentication_of(session),
        created_at=now,
        expires_at=now + client.oidc.refresh_token_ttl if offline else session.expires_at,
    )


def _hash_of(user_code: str) -> str:
    """Return what is kept of a code that people type: in any case, with or without its hyphen."""
    return token_hash("".join(letter for letter in user_code.upper()[:40] if letter.isalnum()))
