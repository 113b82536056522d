"""Counting attempts, per account and per address, in the database: shared by all nodes, and not forgotten at a restart."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from vestibule.flows.parts.runtime import Runtime
from vestibule.kernel.errors import Throttled
from vestibule.storage import throttles


@dataclass(frozen=True, slots=True)
class Limit:
    """So many attempts of one kind within a window."""

    kind: str
    attempts: int
    window: timedelta


PASSWORD_PER_ACCOUNT: Final = Limit("password-account", 10, timedelta(minutes=15))
PASSWORD_PER_ADDRESS: Final = Limit("password-address", 100, timedelta(minutes=15))
RESET_PER_ACCOUNT: Final = Limit("reset-account", 3, timedelta(hours=1))
RESET_PER_ADDRESS: Final = Limit("reset-address", 30, timedelta(hours=1))
LINK_PER_ADDRESS: Final = Limit("link-address", 60, timedelta(minutes=15))
FETCH_PER_WORKSPACE: Final = Limit("fetch-workspace", 30, timedelta(minutes=5))
REQUEST_PER_ADDRESS: Final = Limit("saml-request-address", 600, timedelta(minutes=5))


def count_attempt(runtime: Runtime, *attempts: tuple[Limit, str]) -> None:
    """Count one attempt against each (limit, who) and raise Throttled when one of them is used up.

    This commits by itself, before the attempt is judged: a count must outlive the refusal that it leads to, and
    the password hash is not computed with a transaction open.
    """
    now = runtime.clock()
    with runtime.database.transaction() as tx:
        counts = [
            (limit, *throttles.hit(tx, runtime.sealer.mac(f"throttle {limit.kind}", who), now, limit.window))
            for limit, who in attempts
        ]
    for limit, count, resets_at in counts:
        if count > limit.attempts:
            raise Throttled(f"{limit.kind}: {count} attempts", max(1, int((resets_at - now).total_seconds())))
