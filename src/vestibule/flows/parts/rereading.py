"""Reading an IdP's metadata again: what is the same, what is applied, and what waits. For the worker, sign-ins and clicks."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
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
    rolled_over,
    values_of,
)
from vestibule.flows.parts.callers import system
from vestibule.flows.parts.recording import record
from vestibule.flows.parts.runtime import Runtime
from vestibule.flows.parts.understanding import MAX_CERTIFICATES, digest_of, read_metadata
from vestibule.kernel.errors import DatabaseBusy, Invalid
from vestibule.kernel.text import printable
from vestibule.storage import identity_providers, metadata_readings, workspaces
from vestibule.storage.database import Transaction

_MOST_AT_ONCE: Final = 20
# Letters wait for a round to end, by the same thread. No reading begins later in it, and one takes ten seconds at most.
ROUND_SECONDS: Final = 20.0
_STUMBLED: Final = "Something unexpected went wrong while it was read; the log has the details."
log = structlog.get_logger()


class Reread(StrEnum):
    """What came of reading metadata again."""

    SAME = "same"
    APPLIED = "applied"
    WAITS = "waits"
    REPLACED = "replaced"


def reread(
    runtime: Runtime,
    idp: IdentityProvider,
    actor: Actor,
    *,
    scheduled: bool = False,
    require: Callable[[Transaction], None] = lambda _: None,
) -> Reread:
    """Read the metadata of an IdP again, and apply or keep for an admin what changed. Opens transactions of its own.

    Only a reading that was `scheduled` counts among the failures that put off the next one: a stranger can provoke others.
    `require` raises, once the workspace is locked, where what was read may not be saved any more.
    REPLACED: somebody gave the IdP other values while its metadata was fetched, so what was read counts for nothing.
    Raises Invalid (`metadata_url`) when it can't be read, on the record once for each outage.
    """
    try:
        read = read_metadata(runtime, idp)
    except Invalid as error:
        _failed(runtime, idp, actor, str(error.errors[0]), scheduled=scheduled)
        raise
    now = runtime.clock()
    with runtime.database.transaction() as tx:
        workspaces.lock_workspace(tx, idp.workspace_id)
        require(tx)
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
            due_at=next_reading(idp.id, now, fresh_until=read.fresh_until),
            failures=0,
            failure=None,
            failing_since=None,
            answered_at=now,
        )
        return _settle(tx, runtime, actor, current, before, read.values, reading)


def reread_due(runtime: Runtime) -> int:
    """Read the metadata that is due, one after the other, as much as fits into a round; return how many were read or tried."""
    now, began, tried = runtime.clock(), time.monotonic(), 0
    with runtime.database.reading() as tx:
        due = metadata_readings.list_due(tx, now, _MOST_AT_ONCE)
        idps = [identity_providers.find_idp(tx, workspace_id, idp_id) for workspace_id, idp_id in due]
    for idp in idps:
        if time.monotonic() - began >= ROUND_SECONDS:
            break
        tried += 1
        if idp is not None:
            _reread_in_turn(runtime, idp)
    return tried


def is_more_due(runtime: Runtime) -> bool:
    """Say whether there is metadata that is to be read now."""
    with runtime.database.reading() as tx:
        return bool(metadata_readings.list_due(tx, runtime.clock(), 1))


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


def _reread_in_turn(runtime: Runtime, idp: IdentityProvider) -> None:
    """Read one of a round. Whatever is wrong with it is on the record, and the next one may be fine."""
    try:
        reread(runtime, idp, system(), scheduled=True)
    except Invalid:
        pass
    except DatabaseBusy:
        raise
    except Exception:  # a defect at one IdP must not end the rounds of all others
        log.exception("reading metadata stumbled", idp=idp.id)
        _failed(runtime, idp, system(), _STUMBLED, scheduled=True)


def _settle(
    tx: Transaction,
    runtime: Runtime,
    actor: Actor,
    idp: IdentityProvider,
    before: IdpValues,
    values: IdpValues,
    reading: Reading,
) -> Reread:
    identity_providers.note_metadata_read(tx, idp.workspace_id, idp.id, runtime.clock())
    if not difference_of(before, values):
        metadata_readings.forget_change(tx, idp.workspace_id, idp.id)
        return Reread.SAME
    if reading.applies_changes and not needs_a_look(before, values):
        save_values(tx, runtime, actor, idp, values, action="metadata_applied")
        return Reread.APPLIED
    _keep(tx, runtime, actor, idp, before, values, reading)
    return Reread.WAITS


def _keep(
    tx: Transaction,
    runtime: Runtime,
    actor: Actor,
    idp: IdentityProvider,
    before: IdpValues,
    values: IdpValues,
    reading: Reading,
) -> None:
    """Keep a change for an admin, but put certificates into use that came after it was found."""
    digest, known = digest_of(values), metadata_readings.find_change(tx, idp.workspace_id, idp.id)
    if known is not None and known.digest == digest:
        return
    came = rolled_over(before, known.values, values) if known and reading.applies_changes else ()
    if came:
        before = replace(before, certificates=(*before.certificates, *came)[-MAX_CERTIFICATES:])
        save_values(tx, runtime, actor, idp, before, action="metadata_applied")
    # Whatever an admin said to all the rest of it still counts.
    same = known if came and known and not difference_of(known.values, values).removed else None
    dismissed = same is not None and same.dismissed
    metadata_readings.save_change(tx, idp.workspace_id, idp.id, digest, values, runtime.clock(), dismissed=dismissed)
    if same is None:
        note(tx, runtime, actor, idp, "metadata_change_found", **described(difference_of(before, values)))


def _failed(runtime: Runtime, idp: IdentityProvider, actor: Actor, reason: str, *, scheduled: bool) -> None:
    now = runtime.clock()
    log.warning("metadata not read", idp=idp.id, reason=printable(reason))
    with runtime.database.transaction() as tx:
        # Two who fail at once take turns, so that one of them notes the outage.
        workspaces.lock_workspace(tx, idp.workspace_id)
        if identity_providers.find_idp(tx, idp.workspace_id, idp.id) is None:
            return
        reading = metadata_readings.find_reading(tx, idp.workspace_id, idp.id)
        failures = reading.failures + scheduled
        retry_at = next_reading(idp.id, now, failures or 1)
        metadata_readings.save_reading(
            tx,
            idp.workspace_id,
            idp.id,
            now,
            due_at=retry_at if scheduled else min(retry_at, reading.due_at or now),
            failures=failures,
            failure=printable(reason),
            failing_since=reading.failing_since or now,
            answered_at=now,
        )
        if reading.failing_since is None:
            note(tx, runtime, actor, idp, "metadata_unreadable", Outcome.REFUSED, reason=printable(reason))
