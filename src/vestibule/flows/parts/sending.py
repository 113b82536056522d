"""Sending a browser to an identity provider with an AuthnRequest of ours, which is stored first: its answer is bound to it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from vestibule.directory.connections import Connection, ConnectionStatus, acs_url, sp_entity_id
from vestibule.directory.refusals import (
    ConnectionDisabled,
    ConnectionPending,
    EntryRefusal,
    OwnKeyUnreadable,
    SamlSwitchedOff,
)
from vestibule.directory.sessions import SamlRequest
from vestibule.flows.parts.callers import Visitor
from vestibule.flows.parts.places import Place
from vestibule.flows.parts.refusing import Attempt, refuse
from vestibule.flows.parts.runtime import Runtime
from vestibule.flows.parts.signing import SigningKeyUnreadable, signing_key
from vestibule.flows.parts.throttling import REQUEST_PER_ADDRESS, count_attempt
from vestibule.kernel.secrets import SealBroken, token_hash
from vestibule.saml.requests import build_authn_request, post_form, redirect_url
from vestibule.storage import saml_requests

# Long enough for a second factor that lies in another room.
REQUEST_LIFE: Final = timedelta(minutes=10)
# SAML core 1.3.4 asks for 128 random bits or more, and an XML ID begins with a letter or underscore.
_ID_BYTES: Final = 20


@dataclass(frozen=True, slots=True)
class Sent:
    """Where the browser goes now: to `url`, by GET, or by POST with `fields` where there are any."""

    place: Place
    connection_id: str
    idp_name: str
    url: str
    fields: Mapping[str, str] = field(default_factory=dict)


def unusable(place: Place, connection: Connection) -> EntryRefusal | None:
    """Return why a connection signs nobody in now, or None when it does."""
    status = connection.status
    if status in {ConnectionStatus.DRAFT, ConnectionStatus.PENDING}:
        return ConnectionPending(f"the connection is {status}", expected="active", received=status.value)
    if status is ConnectionStatus.DISABLED:
        return ConnectionDisabled("the connection is disabled", expected="active", received=status.value)
    if not place.environment.saml_enabled:
        return SamlSwitchedOff("SAML-based SSO is off for the environment", expected="on", received="off")
    return None


def send_to_idp(
    runtime: Runtime,
    visitor: Visitor,
    place: Place,
    connection: Connection,
    *,
    browser: str,
    return_to: str,
    typed_email: str | None = None,
    admin_session_id: str | None = None,
    test_values: bytes | None = None,
    again: bool = False,
) -> Sent:
    """Store a request and return where to go with it. The connection is usable; `return_to` is a path of ours.

    Raises Throttled; where the request must be signed and our key does not open, SignInRefused, or SigningKeyUnreadable for a test.

    RelayState is the request's own ID: nothing in it leads anywhere, and an answer that brings it back without
    InResponseTo is told from one that nobody asked for. With an `admin_session_id` it is a test sign-in, of sealed
    `test_values` where those of the connection are not meant. `again` is ForceAuthn (saml-core 3.4.1).
    """
    count_attempt(runtime, (REQUEST_PER_ADDRESS, visitor.network))
    now = runtime.clock()
    request = SamlRequest(
        id=f"_{secrets.token_hex(_ID_BYTES)}",
        workspace_id=place.workspace.id,
        environment_id=place.environment.id,
        connection_id=connection.id,
        browser_hash=token_hash(browser),
        return_to=return_to,
        created_at=now,
        expires_at=now + REQUEST_LIFE,
        typed_email=typed_email,
        admin_session_id=admin_session_id,
        test_values=test_values,
    )
    try:
        sent = _message(runtime, place, connection, request, again=again)
    except SealBroken as error:
        if admin_session_id is not None:
            raise SigningKeyUnreadable(error.reason) from error
        attempt = Attempt(place, visitor, connection, return_to=return_to, unverified_email=typed_email)
        raise refuse(runtime, attempt, OwnKeyUnreadable(error.reason)) from error
    with runtime.database.transaction() as tx:
        saml_requests.insert_request(tx, request)
    return sent


def _message(runtime: Runtime, place: Place, connection: Connection, request: SamlRequest, *, again: bool) -> Sent:
    idp = connection.idp
    destination = idp.sso_redirect_url or idp.sso_post_url or ""
    message = build_authn_request(
        request.id,
        request.created_at,
        destination,
        sp_entity_id(runtime.public_url, connection.id),
        acs_url(runtime.public_url, connection.id),
        connection.asking.name_id_format,
        force_authn=again or connection.asking.force_authn,
        allow_create=connection.asking.allow_create,
        context_classes=connection.asking.context_classes,
        comparison=connection.asking.comparison.value,
    )
    signs = connection.sign_requests or idp.wants_signed_requests
    signer = signing_key(runtime, connection.workspace_id) if signs else None
    if idp.sso_redirect_url:
        url = redirect_url(destination, message, request.id, signer)
        return Sent(place, connection.id, idp.name, url)
    return Sent(place, connection.id, idp.name, destination, post_form(message, request.id, signer))
