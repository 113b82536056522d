"""Counting attempts, per account and per address, in the database: shared by all nodes, and not forgotten at a restart."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from vestibule.flows.parts.callers import Visitor
from vestibule.flows.parts.runtime import Runtime
from vestibule.kernel.errors import Throttled
from vestibule.storage import throttles
from vestibule.storage.database import Transaction


@dataclass(frozen=True, slots=True)
class Limit:
    """So many attempts of one kind within a window."""

    kind: str
    attempts: int
    window: timedelta


# An account's attempts are counted per network first: from one place nobody locks its owner out everywhere else.
PASSWORD_PER_ACCOUNT_AND_ADDRESS: Final = Limit("password-account-address", 10, timedelta(minutes=15))
PASSWORD_PER_ACCOUNT: Final = Limit("password-account", 50, timedelta(hours=1))
PASSWORD_PER_ADDRESS: Final = Limit("password-address", 100, timedelta(minutes=15))
# Never reached: what is counted here was let through by the limits above.
REFUSAL_OF_NOBODY: Final = Limit("refusal-of-nobody", 1_000_000, timedelta(minutes=15))
RESET_PER_ACCOUNT: Final = Limit("reset-account", 3, timedelta(hours=1))
RESET_PER_ADDRESS: Final = Limit("reset-address", 30, timedelta(hours=1))
LINK_PER_ADDRESS: Final = Limit("link-address", 60, timedelta(minutes=15))
FETCH_PER_WORKSPACE: Final = Limit("fetch-workspace", 30, timedelta(minutes=5))
SCIM_TOKEN_PER_ADDRESS: Final = Limit("scim-token-address", 100, timedelta(minutes=5))
API_TOKEN_PER_ADDRESS: Final = Limit("api-token-address", 100, timedelta(minutes=5))
REQUEST_PER_ADDRESS: Final = Limit("saml-request-address", 600, timedelta(minutes=5))
AUTHORIZATION_PER_ADDRESS: Final = Limit("authorization-address", 600, timedelta(minutes=5))


def count_password_attempt(runtime: Runtime, visitor: Visitor, account: str) -> None:
    """Count an attempt at the password of an account, which is named whether or not anybody has it. Raises Throttled."""
    count_attempt(
        runtime,
        (PASSWORD_PER_ADDRESS, visitor.network),
        (PASSWORD_PER_ACCOUNT_AND_ADDRESS, f"{account} {visitor.network}"),
        (PASSWORD_PER_ACCOUNT, account),
    )


def forget_password_attempts(tx: Transaction, runtime: Runtime, visitor: Visitor, account: str) -> None:
    """Start over for an account: its owner is here."""
    counted = ((PASSWORD_PER_ACCOUNT_AND_ADDRESS, f"{account} {visitor.network}"), (PASSWORD_PER_ACCOUNT, account))
    for limit, who in counted:
        throttles.forget(tx, runtime.sealer.mac(f"throttle {limit.kind}", who))


def count_attempt(runtime: Runtime, *attempts: tuple[Limit, str]) -> None:
    """Count one attempt against each (limit, who) in turn, and raise Throttled at the first that is used up.

    What a limit refuses is not counted against those behind it: a flood from one address must not use up what an account
    has from everywhere. This commits by itself, before the attempt is judged: a count must outlive the refusal that it
    leads to, and the password hash is not computed with a transaction open.
    """
    now, refused = runtime.clock(), None
    with runtime.database.transaction() as tx:
        for limit, who in attempts:
            key = runtime.sealer.mac(f"throttle {limit.kind}", who)
            count, resets_at = throttles.hit(tx, key, now, limit.window)
            if count > limit.attempts:
                refused = Throttled(f"{limit.kind}: {count} attempts", max(1, int((resets_at - now).total_seconds())))
                break
    if refused is not None:
        raise refused
