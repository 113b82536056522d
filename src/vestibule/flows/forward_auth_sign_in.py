"""Signing in at an app's host, which is not ours.

A browser that is not known there brings a sealed ticket to our own host, signs in if it has to, and takes a code back that works
once, within a minute, in the browser that asked. It becomes a token of that host: never a session cookie of ours.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from vestibule.directory.activity import Actor, Event, Outcome, Subject
from vestibule.directory.apps import App
from vestibule.directory.forward_auth import Code, ForwardAuthSession, Found, is_below
from vestibule.directory.sessions import Session
from vestibule.directory.workspaces import Environment
from vestibule.flows.parts.callers import Visitor
from vestibule.flows.parts.entering import end_user_actor
from vestibule.flows.parts.entry import decide
from vestibule.flows.parts.forwarding import HostUnknown, NotAllowed, refused_by
from vestibule.flows.parts.places import Place, find_place
from vestibule.flows.parts.recording import record
from vestibule.flows.parts.refusing import REFUSAL_PER_ADDRESS, REFUSAL_PER_PLACE
from vestibule.flows.parts.runtime import Runtime
from vestibule.flows.parts.throttling import count_attempt
from vestibule.kernel.errors import Throttled, VestibuleError
from vestibule.kernel.secrets import SealBroken, new_reference, new_token, same, token_hash
from vestibule.kernel.text import N_, printable
from vestibule.storage import apps, forward_auth
from vestibule.storage.database import Transaction

TICKET_TTL: Final = timedelta(minutes=10)
CODE_TTL: Final = timedelta(minutes=1)
# The clock of the node that a browser comes to may be behind that of the node which it comes from.
_SKEW: Final = timedelta(minutes=1)
# A ticket stands in an address that stands in another one, and browsers, proxies and `local_path` end at 2,000 characters.
_MAX_WANTED: Final = 1_000


class TicketRefused(VestibuleError):
    """A ticket is not of ours, is for another environment, or has expired."""

    code = "ticket_refused"
    public = N_("This way to the app has expired. Open the app again.")


class CodeRefused(VestibuleError):
    """A browser brings a code that was used, has expired, is for another host, or was given to another browser."""

    code = "code_refused"
    public = N_(
        "This sign-in was used already, took too long, or was started in another browser. Open the app again to sign in."
    )

    def __init__(self, reason: str, reference: str = "") -> None:
        super().__init__(reason)
        self.reference = reference


@dataclass(frozen=True, slots=True)
class Finished:
    """A browser that is signed in at an app's host. `token` goes into its cookie there, for all below `domain` if there is one."""

    token: str
    domain: str | None
    lasts_seconds: int
    return_to: str


def ticket(runtime: Runtime, environment_key: str, scheme: str, host: str, uri: str, browser: str) -> str:
    """Return the path of our host that a browser which is not signed in at an app's host goes to.

    Sealed: nobody else can make one, and what was wanted is not to be read in it. `browser` is its secret at the app's host.
    """
    wanted = uri if len(uri) <= _MAX_WANTED else "/"
    issued = int(runtime.clock().timestamp())
    plain = json.dumps([scheme, host, wanted, token_hash(browser), issued], separators=(",", ":")).encode()
    sealed = runtime.sealer.seal(plain, _seal_of(environment_key))
    return f"/e/{environment_key}/verify/sign-in?for={base64.urlsafe_b64encode(sealed).decode().rstrip('=')}"


def hand_over(runtime: Runtime, visitor: Visitor, session: Session, untrusted_ticket: str) -> tuple[str, App]:
    """Return the address at an app's host to which a signed-in browser takes its code, and the app.

    Raises TicketRefused, HostUnknown, NotAllowed (on the record).
    """
    environment, now = session.environment, runtime.clock()
    scheme, host, uri, browser_hash = _open_ticket(runtime, environment.key, untrusted_ticket, now)
    with runtime.database.reading() as tx:
        app = apps.find_app_at(tx, environment.id, host)
        entry = decide(tx, runtime, environment, session.end_user.id, app, session)
    if app is None or entry is None:
        raise HostUnknown(f"no app at {host}")
    reason = entry.decision.refused_by
    if reason is not None:
        raise _refused(runtime, visitor, NotAllowed(app, session, reason))
    code = new_token()
    kept = Code(
        session.workspace_id, environment.id, session.id, host, browser_hash, return_to=f"{scheme}://{host}{uri}"
    )
    with runtime.database.transaction() as tx:
        forward_auth.insert_code(tx, kept, token_hash(code), now + CODE_TTL)
    return f"{scheme}://{host}/.vestibule/callback?code={code}", app


def finish(
    runtime: Runtime, visitor: Visitor, environment_key: str, host: str, code: str, browser: str, *, earlier: str
) -> Finished:
    """Make a token of the code that a browser brings to an app's host; all of it but `environment_key` is untrusted.

    Whoever brings it, it is used up. Raises CodeRefused and NotAllowed, which are on the record, and NotFound.
    """
    place, now, token = find_place(runtime, environment_key), runtime.clock(), new_token()
    environment = place.environment
    with runtime.database.transaction() as tx:
        taken = forward_auth.take_code(tx, environment.id, token_hash(code), now)
        found = _begin(tx, place, taken, host, browser, token, now) if taken else None
        reason = refused_by(tx, found, now) if found else None
        if found and found.app and reason is None:
            if earlier:
                forward_auth.delete_session(tx, environment.id, token_hash(earlier))
            record(
                tx, runtime, environment.workspace_id, _actor(found.session, visitor), _event(found.app, environment)
            )
        elif found:
            forward_auth.delete_session(tx, environment.id, token_hash(token))
    if found is None or found.app is None or taken is None:
        raise _code_refused(runtime, visitor, place, host, "known, but not here" if taken else "not known (any more)")
    if reason is not None:
        raise _refused(runtime, visitor, NotAllowed(found.app, found.session, reason))
    lasts = int((found.session.expires_at - now).total_seconds())
    return Finished(token, found.counts_at.domain, max(1, lasts), taken.return_to)


def leave(runtime: Runtime, environment_key: str, tokens: Sequence[str]) -> None:
    """End the sessions at an app's host that a browser has there (untrusted tokens). Raises NotFound. Twice is no error."""
    place = find_place(runtime, environment_key)
    if not tokens:
        return
    with runtime.database.transaction() as tx:
        for token in tokens:
            forward_auth.delete_session(tx, place.environment.id, token_hash(token))


def _begin(
    tx: Transaction, place: Place, taken: Code, host: str, browser: str, token: str, now: datetime
) -> Found | None:
    if taken.host != host or not browser or not same(taken.browser_hash, token_hash(browser)):
        return None
    domains = [one for one in forward_auth.list_cookie_domains(tx, taken.environment_id) if is_below(host, one)]
    domain = max(domains, key=len, default=None)
    begun = ForwardAuthSession(taken.workspace_id, taken.environment_id, taken.session_id, host, domain)
    forward_auth.insert_session(tx, begun, token_hash(token), now)
    return forward_auth.find(tx, place.environment.key, host, token_hash(token), now)


def _open_ticket(runtime: Runtime, environment_key: str, untrusted: str, now: datetime) -> tuple[str, str, str, str]:
    try:
        sealed = base64.b64decode(untrusted + "=" * (-len(untrusted) % 4), altchars=b"-_", validate=True)
        scheme, host, uri, browser_hash, issued = json.loads(runtime.sealer.open(sealed, _seal_of(environment_key)))
    except (SealBroken, binascii.Error, ValueError) as error:
        raise TicketRefused("not sealed by us for this environment") from error
    if not -_SKEW <= now - datetime.fromtimestamp(issued, now.tzinfo) < TICKET_TTL:
        raise TicketRefused("expired")
    return scheme, host, uri, browser_hash


def _refused(runtime: Runtime, visitor: Visitor, refused: NotAllowed) -> NotAllowed:
    app, session = refused.app, refused.session
    reference = _record_refusal(
        runtime, visitor, session.environment, app, _actor(session, visitor), {"reason": str(refused.refused_by)}
    )
    return NotAllowed(app, session, refused.refused_by, reference)


def _code_refused(runtime: Runtime, visitor: Visitor, place: Place, host: str, reason: str) -> VestibuleError:
    with runtime.database.reading() as tx:
        app = apps.find_app_at(tx, place.environment.id, host)
    if app is None:
        return HostUnknown(f"no app at {printable(host, 80)}")
    said = f"code {reason}"
    return CodeRefused(
        said, _record_refusal(runtime, visitor, place.environment, app, visitor.anonymous, {"reason": said})
    )


def _record_refusal(
    runtime: Runtime, visitor: Visitor, environment: Environment, app: App, actor: Actor, details: Mapping[str, object]
) -> str:
    """Record it in a transaction of its own, and return the reference code. Floods are not recorded, and get none."""
    try:
        count_attempt(runtime, (REFUSAL_PER_ADDRESS, visitor.network), (REFUSAL_PER_PLACE, environment.id))
    except Throttled:
        return ""
    reference = new_reference()
    with runtime.database.transaction() as tx:
        event = _event(app, environment, Outcome.REFUSED, reference, details)
        record(tx, runtime, environment.workspace_id, actor, event)
    return reference


def _event(
    app: App,
    environment: Environment,
    outcome: Outcome = Outcome.DONE,
    reference: str | None = None,
    details: Mapping[str, object] | None = None,
) -> Event:
    subject = Subject("app", app.id, app.name)
    return Event("app.sign_in", subject, outcome, environment.id, reference=reference, details=details or {})


def _actor(session: Session, visitor: Visitor) -> Actor:
    return end_user_actor(session.end_user, visitor)


def _seal_of(environment_key: str) -> str:
    return f"forward_auth/{environment_key}"
