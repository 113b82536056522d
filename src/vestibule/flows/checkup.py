"""The operator's check-up of a whole install: facts only, what they mean is said by `vestibule doctor`."""

from __future__ import annotations

from datetime import datetime, timedelta

from vestibule.directory.checkup import EndingCertificate, MetadataTrouble, OurKeys
from vestibule.flows.parts import jwt_keys as token_keys
from vestibule.flows.parts.runtime import Runtime
from vestibule.flows.parts.saml_keys import opens
from vestibule.saml.certificates import parse_certificate
from vestibule.storage import checkup, jwt_keys, saml_keys, throttles


def try_to_write(runtime: Runtime) -> None:
    """Write a counter that nobody reads and that is swept within hours. Raises what the database does."""
    key = runtime.sealer.mac("throttle doctor", "doctor")
    with runtime.database.transaction() as tx:
        throttles.hit(tx, key, runtime.clock(), timedelta(hours=1))


def clock_readings(runtime: Runtime) -> tuple[datetime | None, datetime | None]:
    """Return the present by the database's clock (None where it has none), and when the newest activity was recorded."""
    with runtime.database.reading() as tx:
        return checkup.database_now(tx), checkup.newest_entry_at(tx)


def ending_certificates(runtime: Runtime, within: timedelta) -> tuple[EndingCertificate, ...]:
    """Return the certificates of IdPs in use that have ended or end within a time."""
    with runtime.database.reading() as tx:
        return checkup.list_ending_certificates(tx, runtime.clock() + within)


def metadata_trouble(runtime: Runtime) -> tuple[MetadataTrouble, ...]:
    """Return the metadata of IdPs in use that can't be read, or waits for somebody to approve what it says by now."""
    with runtime.database.reading() as tx:
        return checkup.list_metadata_trouble(tx)


def our_keys(runtime: Runtime, within: timedelta) -> OurKeys:
    """Return how many keys of ours there are in the whole install, and how they stand."""
    now = runtime.clock()
    with runtime.database.reading() as tx:
        keys = saml_keys.list_keys_of_all(tx, now)
    lasting = [key for key in keys if key.ends_at is None]
    return OurKeys(
        count=len(keys),
        unreadable=sum(not opens(runtime, key) for key in keys),
        ending=sum(parse_certificate(key.certificate).not_after < now + within for key in lasting),
        waiting=sum(key.active_at > now for key in keys),
    )


def keys_for_tokens(runtime: Runtime) -> tuple[int, int]:
    """Return how many keys the environments of the whole install sign tokens with, and how many of them can't be opened."""
    with runtime.database.reading() as tx:
        keys = jwt_keys.list_jwt_keys_of_all(tx, runtime.clock())
    return len(keys), sum(not token_keys.opens(runtime, key) for key in keys)
