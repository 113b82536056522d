"""What a connection expects of a response: one list for sign-ins and for tests, so that a test can't promise what a sign-in refuses."""

from __future__ import annotations

from datetime import datetime

from vestibule.directory.connections import Connection, acs_url, sp_entity_id
from vestibule.directory.sessions import SamlRequest
from vestibule.flows.parts.runtime import Runtime
from vestibule.flows.parts.saml_keys import decryption_keys
from vestibule.saml.certificates import Certificate, parse_certificate
from vestibule.saml.expectations import Expectations


def expectations_of(
    runtime: Runtime,
    connection: Connection,
    request: SamlRequest | None,
    now: datetime,
    *,
    encrypted: bool,
    unsolicited: bool = False,
) -> Expectations:
    """Return what a response is measured against. Not for use inside a transaction.

    Without a `request` nothing is accepted, unless `unsolicited`. Our keys cost a statement: they are there for what is `encrypted`.
    """
    return Expectations(
        idp_entity_id=connection.idp.entity_id or "",
        certificates=certificates_of(connection),
        acs_url=acs_url(runtime.public_url, connection.id),
        sp_entity_id=sp_entity_id(runtime.public_url, connection.id),
        in_response_to=request.id if request else None,
        now=now,
        decryption_keys=decryption_keys(runtime, connection.workspace_id) if encrypted else (),
        allow_cbc=connection.allow_cbc,
        refuse_expired=connection.refuse_expired,
        unsolicited=unsolicited,
        authn_after=request.created_at if request and connection.asking.force_authn else None,
        context_classes=connection.asking.required_classes,
    )


def certificates_of(connection: Connection) -> tuple[Certificate, ...]:
    """Return the certificates that a connection's IdP signs with, as verification takes them."""
    return tuple(parse_certificate(certificate.der) for certificate in connection.idp.certificates)
