"""What a connection expects of the response to a test: the same as of one to a sign-in that was asked for."""

from __future__ import annotations

from datetime import datetime

from vestibule.directory.connections import Connection, acs_url, sp_entity_id
from vestibule.directory.sessions import SamlRequest
from vestibule.flows.parts.runtime import Runtime
from vestibule.flows.parts.saml_keys import decryption_keys
from vestibule.saml.certificates import parse_certificate
from vestibule.saml.expectations import Expectations


def expectations_of(runtime: Runtime, connection: Connection, request: SamlRequest, now: datetime) -> Expectations:
    """Return what a response to a stored request is measured against. Not for use inside a transaction."""
    return Expectations(
        idp_entity_id=connection.idp.entity_id or "",
        certificates=tuple(parse_certificate(certificate.der) for certificate in connection.idp.certificates),
        acs_url=acs_url(runtime.public_url, connection.id),
        sp_entity_id=sp_entity_id(runtime.public_url, connection.id),
        in_response_to=request.id,
        now=now,
        decryption_keys=decryption_keys(runtime, connection.workspace_id),
        allow_cbc=connection.allow_cbc,
        refuse_expired=connection.refuse_expired,
        authn_after=request.created_at if connection.asking.force_authn else None,
        context_classes=connection.asking.required_classes,
    )
