"""The operator's check-up of a whole install: facts only, what they mean is said by `vestibule doctor`."""

from __future__ import annotations

from datetime import datetime, timedelta

from vestibule.directory.checkup import EndingCertificate
from vestibule.flows.parts.runtime import Runtime
from vestibule.storage import checkup


def clock_readings(runtime: Runtime) -> tuple[datetime | None, datetime | None]:
    """Return the present by the database's clock (None where it has none), and when the newest activity was recorded."""
    with runtime.database.reading() as tx:
        return checkup.database_now(tx), checkup.newest_entry_at(tx)


def ending_certificates(runtime: Runtime, within: timedelta) -> tuple[EndingCertificate, ...]:
    """Return the certificates of IdPs in use that have ended or end within a time."""
    with runtime.database.reading() as tx:
        return checkup.list_ending_certificates(tx, runtime.clock() + within)
