"""Spending a verified assertion: each counts once, and none that the identity provider has ended before it arrived."""

from __future__ import annotations

from vestibule.directory.connections import Connection, sp_entity_id
from vestibule.directory.refusals import EntryRefusal, ResponseReused, SignedOutBefore
from vestibule.directory.sessions import IdpName
from vestibule.flows.parts.runtime import Runtime
from vestibule.saml.encoding import format_instant
from vestibule.saml.responses import VerifiedAssertion
from vestibule.storage import assertions
from vestibule.storage.database import Transaction


def idp_name_of(runtime: Runtime, connection: Connection, assertion: VerifiedAssertion) -> tuple[IdpName, str]:
    """Return what the IdP calls the person, and the key by which its logout requests find it."""
    name = IdpName(assertion.name_id, assertion.name_id_format, assertion.name_qualifier, assertion.sp_name_qualifier)
    return name, name.key(assertion.issuer, sp_entity_id(runtime.public_url, connection.id))


def spend(
    tx: Transaction, runtime: Runtime, connection: Connection, assertion: VerifiedAssertion
) -> EntryRefusal | None:
    """Use an assertion up; return why it does not count if it does not."""
    workspace_id, issuer, assertion_id = connection.workspace_id, assertion.issuer, assertion.assertion_id
    _, name_key = idp_name_of(runtime, connection, assertion)
    named = assertions.Named(name_key, assertion.session_index, assertion.issue_instant)
    ends = assertion.not_on_or_after
    if assertions.use_assertion(tx, workspace_id, connection.id, issuer, assertion_id, ends, named):
        return None
    if assertions.was_used(tx, connection.id, issuer, assertion_id):
        return reused()
    issued = format_instant(assertion.issue_instant)
    return SignedOutBefore(
        "the identity provider had signed the person out before it arrived",
        expected="a sign-in after the sign-out there",
        received=f"issued {issued}, signed out there since",
    )


def reused() -> ResponseReused:
    """Return the refusal of what was used before."""
    return ResponseReused("used before", expected="First use", received="Used before")
