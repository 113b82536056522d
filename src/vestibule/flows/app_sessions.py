"""Telling apps that a session has ended (OpenID Connect Back-Channel Logout 1.0): within a second, and again until they take it.

Any number of processes look, on any number of nodes. What one has leased the others leave alone; what it leaves undone is due again.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Final, Protocol

import structlog

from vestibule.directory.activity import Event, Outcome, Subject
from vestibule.directory.app_sessions import AppSession, next_attempt
from vestibule.directory.apps import App
from vestibule.directory.workspaces import Environment
from vestibule.flows.parts.callers import system
from vestibule.flows.parts.clients import issuer_of
from vestibule.flows.parts.jwt_keys import key_to_sign, usable_jwt_keys
from vestibule.flows.parts.pacing import Pace
from vestibule.flows.parts.recording import record
from vestibule.flows.parts.runtime import Runtime
from vestibule.kernel.errors import DatabaseBusy, VestibuleError
from vestibule.kernel.secrets import new_token
from vestibule.kernel.text import printable
from vestibule.oidc.jwt import sign
from vestibule.oidc.logout_tokens import LOGOUT_TOKEN, logout_claims
from vestibule.storage import app_sessions, apps, workspaces

POLL_SECONDS: Final = 0.5
# Longer than an attempt takes; what is left undone by a node that died is due again after it.
LEASE: Final = timedelta(seconds=30)
MOST_AT_ONCE: Final = 8
_MOST_MARKED: Final = 200
log = structlog.get_logger()


class NoAddress(VestibuleError):
    """The app had an address for back-channel logout when the session began, and has none now."""

    code = "app_has_no_logout_address"


class Tell(Protocol):
    """Posts a form to an app's address. Raises NotTold, a VestibuleError."""

    def __call__(self, url: str, form: Mapping[str, str], /) -> None:
        """Post it."""
        ...


class Announcer:
    """A thread that looks twice a second whether an app has to be told, and a few more that tell: a slow app keeps no other waiting."""

    def __init__(self, runtime: Runtime, tell: Tell) -> None:
        self._runtime = runtime
        self._tell = tell
        self._pace = Pace()
        self._stopping = threading.Event()
        self._free = threading.Semaphore(MOST_AT_ONCE)
        self._thread = threading.Thread(target=self._work, name="announcer", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self, timeout_seconds: float = 15) -> None:
        """Finish what is being told, then end."""
        self._stopping.set()
        self._thread.join(timeout_seconds)

    def _work(self) -> None:
        with ThreadPoolExecutor(MOST_AT_ONCE, thread_name_prefix="telling") as pool:
            while not self._stopping.wait(POLL_SECONDS):
                try:
                    self._round(pool)
                except DatabaseBusy as error:
                    log.warning("announcer waits for the database", reason=error.reason)
                except Exception:  # a defect in one round must not end all of them
                    log.exception("announcer stumbled")

    def _round(self, pool: ThreadPoolExecutor) -> None:
        places = 0
        while self._free.acquire(blocking=False):
            places += 1
        try:
            for one in self._take(places) if places else ():
                places -= 1
                pool.submit(self._tell_one, one)
        finally:
            for _ in range(places):
                self._free.release()

    def _take(self, places: int) -> tuple[AppSession, ...]:
        if not self._pace.is_due():
            return take_due(self._runtime, places, losses=False)
        with self._pace.timed():
            return take_due(self._runtime, places)

    def _tell_one(self, one: AppSession) -> None:
        try:
            tell_app(self._runtime, self._tell, one)
        except Exception:  # its lease runs out, and it is tried again
            log.exception("an app could not be told", app=one.app_id)
        finally:
            self._free.release()


def tell_due(runtime: Runtime, tell: Tell) -> int:
    """Tell the apps that are due, one after the other; return how many were tried."""
    due = take_due(runtime, MOST_AT_ONCE)
    for one in due:
        tell_app(runtime, tell, one)
    return len(due)


def take_due(runtime: Runtime, most: int, *, losses: bool = True) -> tuple[AppSession, ...]:
    """Note which sessions have ended, and lease up to `most` whose apps have to be told. Only reads when there is nothing to do.

    Without `losses` nobody looks for those whose session goes on and who lost the app: that takes longer the more are signed in.
    """
    now = runtime.clock()
    with runtime.database.reading() as tx:
        if not app_sessions.is_anything_due(tx, now, losses=losses):
            return ()
    with runtime.database.transaction() as tx:
        app_sessions.mark_ended(tx, now, _MOST_MARKED, losses=losses)
        return app_sessions.lease(tx, now, now + LEASE, most)


def tell_app(runtime: Runtime, tell: Tell, one: AppSession) -> None:
    """Tell one app, and keep what came of it; the last failure is on the record."""
    with runtime.database.reading() as tx:
        app = apps.find_app(tx, one.workspace_id, one.app_id)
        environment = workspaces.find_environment_by_id(tx, one.workspace_id, one.environment_id)
    if app is None or environment is None:
        return  # deleted meanwhile, and the row with it
    try:
        _post(runtime, tell, one, app, environment)
    except VestibuleError as error:
        _failed(runtime, one, app, error.reason)
    else:
        with runtime.database.transaction() as tx:
            app_sessions.note_told(tx, one, runtime.clock())


def _post(runtime: Runtime, tell: Tell, one: AppSession, app: App, environment: Environment) -> None:
    url = app.oidc.backchannel_logout_uri if app.oidc else ""
    if app.oidc is None or not url:
        raise NoAddress(f"{app.id} has no address for it any more")
    claims = logout_claims(
        issuer_of(runtime, environment.key),
        app.id,
        subject=one.sub,
        sid=one.sid,
        jti=new_token(),
        now=runtime.clock(),
    )
    key = key_to_sign(runtime, usable_jwt_keys(runtime, environment), app.oidc.id_token_alg)
    tell(url, {"logout_token": sign(claims, key, LOGOUT_TOKEN)})


def _failed(runtime: Runtime, one: AppSession, app: App, reason: str) -> None:
    next_at = next_attempt(one.attempts, runtime.clock())
    log.warning("an app was not told", app=app.id, attempt=one.attempts, again=str(next_at), reason=printable(reason))
    with runtime.database.transaction() as tx:
        app_sessions.note_failed(tx, one, printable(reason, 300), next_at)
        if next_at is not None:
            return
        event = Event(
            "app.logout_given_up",
            Subject("app", app.id, app.name),
            Outcome.REFUSED,
            environment_id=app.environment_id,
            details={"end_user": one.end_user_id, "attempts": one.attempts, "reason": printable(reason, 300)},
        )
        record(tx, runtime, one.workspace_id, system(), event)
