"""A signature that no certificate here made: perhaps the IdP has rolled over its key, so its metadata is read at once, by one for all.

A stranger can provoke this, so it is bounded: one reading of an IdP in five minutes, however many nodes and responses.
"""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import timedelta
from typing import Final

from vestibule.directory.connections import Connection, IdentityProvider
from vestibule.flows.parts.callers import system
from vestibule.flows.parts.expecting import certificates_of
from vestibule.flows.parts.rereading import reread
from vestibule.flows.parts.runtime import Runtime
from vestibule.kernel.errors import Invalid
from vestibule.saml.errors import SignatureInvalid
from vestibule.saml.expectations import Expectations
from vestibule.storage import connections, metadata_readings

# Whoever comes while another one reads waits for it: as long as a reading may take, and no longer.
_WAIT_SECONDS: Final = 12.0
_LOOK_EVERY_SECONDS: Final = 0.1
# Each who waits keeps a thread of this process from other work, and anybody can come with a bad signature.
_PLACES: Final = threading.BoundedSemaphore(8)


def with_newer_keys(
    runtime: Runtime, connection: Connection, error: SignatureInvalid, expectations: Expectations
) -> Expectations | None:
    """Return what to measure a message against once more, whose refusal was `error`; None where nothing newer is known.

    Not for use inside a transaction: it fetches, or waits for somebody who does.
    """
    # Its subclasses are of the message's own form, which no other key would mend.
    if type(error) is not SignatureInvalid or connection.idp.metadata_url is None:
        return None
    if not _PLACES.acquire(blocking=False):
        return None
    try:
        newer = _newer(runtime, connection)
    finally:
        _PLACES.release()
    if newer is None or newer.idp.entity_id != expectations.idp_entity_id:
        return None
    return replace(expectations, certificates=certificates_of(newer))


def _newer(runtime: Runtime, connection: Connection) -> Connection | None:
    idp = connection.idp
    with runtime.database.transaction() as tx:
        mine = metadata_readings.claim_reading(tx, idp.workspace_id, idp.id, runtime.clock())
    if mine:
        try:
            reread(runtime, idp, system())
        except Invalid:
            return None  # on the record already; the response is refused as it would have been
    else:
        _wait(runtime, idp)
    with runtime.database.reading() as tx:
        newer = connections.load_connection(tx, connection.id)
    return newer if newer is not None and _prints(newer.idp) != _prints(idp) else None


def _wait(runtime: Runtime, idp: IdentityProvider) -> None:
    for _ in range(int(_WAIT_SECONDS / _LOOK_EVERY_SECONDS)):
        with runtime.database.reading() as tx:
            reading = metadata_readings.find_reading(tx, idp.workspace_id, idp.id)
        if reading.asked_at is None or reading.answered_at is not None:
            return
        if runtime.clock() - reading.asked_at > timedelta(seconds=_WAIT_SECONDS):
            return  # whoever read died over it
        time.sleep(_LOOK_EVERY_SECONDS)


def _prints(idp: IdentityProvider) -> frozenset[str]:
    return frozenset(one.fingerprint for one in idp.certificates)
