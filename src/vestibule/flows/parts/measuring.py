"""What a connection expects of a message, for those who explain one. Verification of sign-ins has its own expectations."""

from __future__ import annotations

from vestibule.directory.connections import Connection, IdpInitiated, acs_url, sp_entity_id
from vestibule.flows.parts.expecting import certificates_of
from vestibule.flows.parts.runtime import Runtime
from vestibule.flows.parts.saml_keys import decryption_keys_that_open
from vestibule.saml.inspection_checks import Measure


def measure_of(runtime: Runtime, connection: Connection) -> Measure:
    """Return what a connection expects now, our keys included. Not for use inside a transaction."""
    return Measure(
        now=runtime.clock(),
        idp_entity_id=connection.idp.entity_id,
        certificates=certificates_of(connection),
        acs_url=acs_url(runtime.public_url, connection.id),
        sp_entity_id=sp_entity_id(runtime.public_url, connection.id),
        decryption_keys=decryption_keys_that_open(runtime, connection.workspace_id),
        allow_cbc=connection.allow_cbc,
        refuse_expired=connection.refuse_expired,
        context_classes=connection.asking.required_classes,
        unsolicited=connection.idp_initiated is IdpInitiated.ACCEPT and not connection.asking.force_authn,
    )
