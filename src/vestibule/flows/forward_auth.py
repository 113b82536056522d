"""Forward-auth: may this browser use the app at this host. The hottest question there is, so an answer is remembered for a moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Final
from urllib.parse import urlsplit

from vestibule.directory.apps import App
from vestibule.directory.entry import Condition
from vestibule.directory.forward_auth import Found, groups_told
from vestibule.flows.parts.forwarding import (
    DECISION_SECONDS,
    HostUnknown,
    NotAllowed,
    NotSignedIn,
    headers_told,
    refused_by,
)
from vestibule.flows.parts.identity import identity_claims, identity_key, sign_identity
from vestibule.flows.parts.remembering import Memory
from vestibule.flows.parts.runtime import Runtime
from vestibule.kernel.errors import NotFound
from vestibule.kernel.secrets import token_hash
from vestibule.kernel.text import printable
from vestibule.oidc.jwt import JwtKey
from vestibule.storage import apps, forward_auth, workspaces
from vestibule.storage.database import Transaction

_MOST_DECISIONS: Final = 20_000
_IDENTITY_SECONDS: Final = 30.0
_KEY_SECONDS: Final = 2.0


@dataclass(frozen=True)
class Admission:
    """A yes: what the app is told of the person, as names and values of headers. Good for as long as it is remembered."""

    headers: tuple[tuple[str, str], ...]

    @cached_property
    def raw(self) -> tuple[tuple[bytes, bytes], ...]:
        """Return the headers of an answer without a body as they go over the wire."""
        headers = (*self.headers, ("Content-Length", "0"))
        return tuple((name.lower().encode(), value.encode()) for name, value in headers)


class Recent:
    """What one process remembers of its answers: decisions for half a second; tokens and keys, which decide nothing, for longer."""

    def __init__(self) -> None:
        self.admissions: Memory[Admission] = Memory(DECISION_SECONDS, _MOST_DECISIONS)
        self.identities: Memory[tuple[Mapping[str, Any], str, str]] = Memory(_IDENTITY_SECONDS, _MOST_DECISIONS)
        self.keys: Memory[JwtKey] = Memory(_KEY_SECONDS, _MOST_DECISIONS)


def admit(runtime: Runtime, recent: Recent, environment_key: str, host: str, token: str) -> Admission:
    """Decide whether the browser with this token (untrusted) may use the app at a host, and remember a yes for half a second.

    Two statements, one more for a password where SAML is on, and one every other second for the key.
    Raises NotSignedIn, NotAllowed, HostUnknown.
    """
    since, now = recent.admissions.monotonic(), runtime.clock()
    with runtime.database.reading() as tx:
        found = forward_auth.find(tx, environment_key, host, token_hash(token), now) if token else None
        if found is None or not found.counts_at.counts_at(host):
            _require_app(tx, runtime, environment_key, host)
            raise NotSignedIn("no live session with this token at this host")
        app = _judge(tx, found, now)
    headers = (*headers_told(found), ("X-Vestibule-Identity", _identity(runtime, recent, found, app, token, now)))
    admission = Admission(headers)
    lasts = (found.session.expires_at - now).total_seconds()
    recent.admissions.put((environment_key, host, token), admission, since, within=lasts)
    return admission


def _judge(tx: Transaction, found: Found, now: datetime) -> App:
    if found.app is None:
        raise HostUnknown("no app at this host")
    reason = refused_by(tx, found, now)
    if reason in {Condition.SAML_SIGN_IN, Condition.SESSION_LIVE}:
        raise NotSignedIn(f"{reason} does not hold any more")
    if reason is not None:
        raise NotAllowed(found.app, found.session, reason)
    return found.app


def _require_app(tx: Transaction, runtime: Runtime, environment_key: str, host: str) -> None:
    place = workspaces.find_public_environment(tx, environment_key)
    if place is None:
        raise NotFound(f"environment {printable(environment_key, 40)}")
    if apps.find_app_at(tx, place[0].id, host) is None:
        if host == urlsplit(runtime.public_url).netloc:
            raise HostUnknown("asked about our own host: a proxy before us writes that into X-Forwarded-Host")
        raise HostUnknown(f"no app at {printable(host, 80)}")


def _identity(runtime: Runtime, recent: Recent, found: Found, app: App, token: str, now: datetime) -> str:
    """Return the identity token, the one of a moment ago where it still says the same: a signature costs more than all the rest.

    Nor does it outlast its key: what replaces keys at once has ended them, and the JWK Set shows them no more.
    """
    since = recent.identities.monotonic()
    claims = identity_claims(runtime, found.standing, app, sorted(groups_told(found).values()))
    environment = found.session.environment
    key = recent.keys.get(environment.id)
    if key is None:
        key = identity_key(runtime, environment)
        recent.keys.put(environment.id, key, since)
    known = recent.identities.get((app.id, token))
    if known is not None and known[:2] == (claims, key.kid):
        return known[2]
    signed = sign_identity(claims, key, now)
    recent.identities.put((app.id, token), (claims, key.kid, signed), since)
    return signed
