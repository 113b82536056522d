"""What a connection expects of a message, for those who explain one. Verification of sign-ins has its own expectations."""

from __future__ import annotations

from dataclasses import replace

from vestibule.directory.connections import Connection, IdpInitiated
from vestibule.flows.parts.expecting import expectations_of
from vestibule.flows.parts.runtime import Runtime
from vestibule.flows.parts.saml_keys import decryption_keys_that_open
from vestibule.saml.inspection_checks import Measure


def measure_of(runtime: Runtime, connection: Connection) -> Measure:
    """Return what a connection expects now, our keys included. Not for use inside a transaction."""
    unsolicited = connection.idp_initiated is IdpInitiated.ACCEPT and not connection.asking.force_authn
    expected = expectations_of(runtime, connection, None, runtime.clock(), encrypted=False, unsolicited=unsolicited)
    return replace(Measure.of(expected), decryption_keys=decryption_keys_that_open(runtime, connection.workspace_id))
