"""Reading an IdP's metadata again: what is the same, what is applied, and what waits. For the worker, sign-ins and clicks."""

from __future__ import annotations

from contextlib import suppress
from enum import StrEnum
from typing import Any, Final

import structlog

from vestibule.directory.activity import Actor, Event, Outcome, Subject
from vestibule.directory.connections import IdentityProvider, IdpValues
from vestibule.directory.rollover import (
    Reading,
    ValuesDifference,
    difference_of,
    needs_a_look,
    next_reading,
    values_of,
)
from vestibule.flows.parts.callers import system
from vestibule.flows.parts.recording import record
from vestibule.flows.parts.runtime import Runtime
from vestibule.flows.parts.understanding import digest_of, read_metadata
from vestibule.kernel.errors import Invalid
from vestibule.kernel.text import printable
from vestibule.storage import identity_providers, metadata_readings, workspaces
from vestibule.storage.database import Transaction

# A reading takes ten seconds at most, and the lease of the job five minutes.
_MOST_AT_ONCE: Final = 20
log = structlog.get_logger()


class Reread(StrEnum):
    """What came of reading metadata again."""

    SAME = "same"
    APPLIED = "applied"
    WAITS = "waits"
    REPLACED = "replaced"


def reread(runtime: Runtime, idp: IdentityProvider, actor: Actor) -> Reread:
    """Read the metadata of an IdP again, and apply or keep for an admin what changed. Opens transactions of its own.

    REPLACED: somebody gave the IdP other values while its metadata was fetched, so what was read counts for nothing.
    Raises Invalid (`metadata_url`) when it can't be read, on the record once for each outage.
    """
    try:
        values = read_metadata(runtime, idp)
    except Invalid as error:
        _failed(runtime, idp, actor, str(error.errors[0]))
        raise
    now = runtime.clock()
    with runtime.database.transaction() as tx:
        workspaces.lock_workspace(tx, idp.workspace_id)
        current = identity_providers.find_idp(tx, idp.workspace_id, idp.id)
        before = values_of(current) if current else None
        if current is None:
            return Reread.REPLACED
        if before is None or before != values_of(idp):
            # An older document that came late must not undo what a newer one, or an admin, brought meanwhile.
            metadata_readings.save_reading(tx, idp.workspace_id, idp.id, now, answered_at=now)
            return Reread.REPLACED
        reading = metadata_readings.find_reading(tx, idp.workspace_id, idp.id)
        metadata_readings.save_reading(
            tx,
            idp.workspace_id,
            idp.id,
            now,
            due_at=next_reading(idp.id, now, 0),
            failures=0,
            failure=None,
            failing_since=None,
            answered_at=now,
        )
        return _settle(tx, runtime, actor, current, before, values, reading)


def reread_due(runtime: Runtime) -> int:
    """Read the metadata that is due, some of it, one after the other; return how many were read or tried."""
    now = runtime.clock()
    with runtime.database.reading() as tx:
        due = metadata_readings.list_due(tx, now, _MOST_AT_ONCE)
        idps = [identity_providers.find_idp(tx, workspace_id, idp_id) for workspace_id, idp_id in due]
    for idp in idps:
        if idp is not None:
            with suppress(Invalid):  # on the record; the next one may be fine
                reread(runtime, idp, system())
    return len(due)


def save_values(
    tx: Transaction, runtime: Runtime, actor: Actor, idp: IdentityProvider, values: IdpValues, *, action: str
) -> None:
    """Put values that were read into use, with the difference on the record."""
    before = values_of(idp)
    identity_providers.update_idp_values(tx, idp, values, runtime.clock())
    metadata_readings.forget_change(tx, idp.workspace_id, idp.id)
    difference = difference_of(before, values) if before else None
    note(tx, runtime, actor, idp, action, **described(difference))


def note(
    tx: Transaction,
    runtime: Runtime,
    actor: Actor,
    idp: IdentityProvider,
    action: str,
    outcome: Outcome = Outcome.DONE,
    **details: object,
) -> None:
    """Record what happened to an IdP's metadata."""
    subject = Subject("identity_provider", idp.id, idp.name)
    event = Event(f"identity_provider.{action}", subject, outcome, details=details)
    record(tx, runtime, idp.workspace_id, actor, event)


def described(difference: ValuesDifference | None) -> dict[str, Any]:
    """Return a difference as the activity keeps it: certificates by fingerprint and last day, other values before and after."""
    if difference is None:
        return {}
    found: dict[str, Any] = {}
    for key, certificates in (("certificates_added", difference.added), ("certificates_removed", difference.removed)):
        if certificates:
            found[key] = [f"{one.fingerprint}, until {one.not_after:%Y-%m-%d}" for one in certificates]
    for name, (old, new) in difference.changed.items():
        found |= {name: new, f"{name}_before": old}
    return found


def _settle(
    tx: Transaction,
    runtime: Runtime,
    actor: Actor,
    idp: IdentityProvider,
    before: IdpValues,
    values: IdpValues,
    reading: Reading,
) -> Reread:
    workspace_id, now = idp.workspace_id, runtime.clock()
    difference = difference_of(before, values)
    if not difference:
        identity_providers.note_metadata_read(tx, workspace_id, idp.id, now)
        metadata_readings.forget_change(tx, workspace_id, idp.id)
        return Reread.SAME
    if reading.applies_changes and not needs_a_look(before, values):
        save_values(tx, runtime, actor, idp, values, action="metadata_applied")
        return Reread.APPLIED
    digest, known = digest_of(values), metadata_readings.find_change(tx, workspace_id, idp.id)
    if known is None or known.digest != digest:
        metadata_readings.save_change(tx, workspace_id, idp.id, digest, values, now)
        note(tx, runtime, actor, idp, "metadata_change_found", **described(difference))
    return Reread.WAITS


def _failed(runtime: Runtime, idp: IdentityProvider, actor: Actor, reason: str) -> None:
    now = runtime.clock()
    log.warning("metadata not read", idp=idp.id, reason=printable(reason))
    with runtime.database.transaction() as tx:
        if identity_providers.find_idp(tx, idp.workspace_id, idp.id) is None:
            return
        reading = metadata_readings.find_reading(tx, idp.workspace_id, idp.id)
        metadata_readings.save_reading(
            tx,
            idp.workspace_id,
            idp.id,
            now,
            due_at=next_reading(idp.id, now, reading.failures + 1),
            failures=reading.failures + 1,
            failure=printable(reason),
            failing_since=reading.failing_since or now,
            answered_at=now,
        )
        if not reading.failures:
            note(tx, runtime, actor, idp, "metadata_unreadable", Outcome.REFUSED, reason=printable(reason))
