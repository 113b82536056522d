"""Carrying our logout messages to an IdP: a request of ours after a session has ended here, an answer to a request of theirs."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import timedelta
from typing import Final

from vestibule.directory.connections import Connection, slo_url, sp_entity_id
from vestibule.directory.sessions import BackToApp, LogoutRequest, Session
from vestibule.flows.parts.expecting import certificates_of
from vestibule.flows.parts.places import Place
from vestibule.flows.parts.runtime import Runtime
from vestibule.flows.parts.saml_keys import decryption_keys_that_open
from vestibule.flows.parts.sending import Sent
from vestibule.flows.parts.signing import signing_key
from vestibule.kernel.secrets import token_hash
from vestibule.saml import logouts
from vestibule.saml.expectations import Expectations
from vestibule.saml.requests import post_form, redirect_url

# How long an answer may take: a person waits for it, in front of the page of the IdP.
REQUEST_LIFE: Final = timedelta(minutes=10)
# How long the IdP may act upon our request (saml-core 3.7.1).
_VALID: Final = timedelta(minutes=5)
_ID_BYTES: Final = 20


def new_message_id() -> str:
    """Return a fresh ID of a message: 160 random bits, and an underscore since an XML ID can't begin with a digit (saml-core 1.3.4)."""
    return f"_{secrets.token_hex(_ID_BYTES)}"


def expectations_of(runtime: Runtime, connection: Connection) -> Expectations:
    """Return what a logout message at a connection is measured against."""
    return Expectations(
        idp_entity_id=connection.idp.entity_id or "",
        certificates=certificates_of(connection),
        acs_url=slo_url(runtime.public_url, connection.id),
        sp_entity_id=sp_entity_id(runtime.public_url, connection.id),
        in_response_to=None,
        now=runtime.clock(),
        # One that does not open must keep nobody signed in: most requests name people in the clear.
        decryption_keys=decryption_keys_that_open(runtime, connection.workspace_id),
    )


def write_request(
    runtime: Runtime, place: Place, connection: Connection, session: Session, browser: str, back: BackToApp | None
) -> tuple[LogoutRequest, Sent] | None:
    """Return a signed request about an ended session, and where the browser goes with it; None where nobody would take it."""
    logout, name = connection.idp.logout, session.name_id
    destination = logout.redirect_url or logout.post_url
    if destination is None or name is None:
        return None
    now = runtime.clock()
    request = LogoutRequest(
        id=new_message_id(),
        workspace_id=connection.workspace_id,
        environment_id=place.environment.id,
        connection_id=connection.id,
        end_user_id=session.end_user.id,
        browser_hash=token_hash(browser),
        created_at=now,
        expires_at=now + REQUEST_LIFE,
        back=back if back and back.url else None,
    )
    message = logouts.logout_request(
        request.id,
        now,
        now + _VALID,
        destination,
        sp_entity_id(runtime.public_url, connection.id),
        logouts.NameId(name.value, name.format, name.name_qualifier, name.sp_name_qualifier),
        session.session_index,
    )
    signer = signing_key(runtime, connection.workspace_id)
    sent = Sent(place, connection.id, connection.idp.name, destination)
    if logout.redirect_url:
        return request, replace(sent, url=redirect_url(destination, message, None, signer))
    return request, replace(sent, fields=post_form(message, None, signer))


def write_answer(
    runtime: Runtime, place: Place, connection: Connection, request: logouts.LogoutRequest, *, redirected: bool
) -> Sent | None:
    """Return a signed answer to a verified request, and where it goes; None where the IdP has no address for it.

    RelayState goes back as it came, to an address that an admin configured (saml-bindings 3.4.3, 3.5.3).
    """
    there = connection.idp.logout.answer_to(redirected=redirected)
    if there is None:
        return None
    destination, by_redirect = there
    message = logouts.logout_response(
        new_message_id(),
        runtime.clock(),
        destination,
        sp_entity_id(runtime.public_url, connection.id),
        request.request_id,
    )
    signer = signing_key(runtime, connection.workspace_id)
    sent = Sent(place, connection.id, connection.idp.name, destination)
    if by_redirect:
        return replace(sent, url=redirect_url(destination, message, request.relay_state, signer, kind="SAMLResponse"))
    return replace(sent, fields=post_form(message, request.relay_state, signer, kind="SAMLResponse"))
