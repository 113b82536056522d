"""Receipts: what an act that took access away from somebody has ended, and by when the last effect of it was there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from vestibule.directory.app_sessions import AppSession, Telling


@dataclass(frozen=True, slots=True)
class GrantsEnded:
    """How many grants of one app ended, with their codes and tokens; `offline` of them would have outlived the browser's session."""

    app_id: str
    number: int
    offline: int


@dataclass(frozen=True, slots=True)
class Ended:
    """What ended in the transaction of the act: browser sessions here, those at the hosts of forward-auth apps, and grants."""

    sessions: int = 0
    host_sessions: int = 0
    grants: tuple[GrantsEnded, ...] = ()

    @property
    def number_of_grants(self) -> int:
        """Return how many grants ended, of all apps."""
        return sum(one.number for one in self.grants)

    def plus(self, more: Ended) -> Ended:
        """Return what ended in both together."""
        grants = {one.app_id: one for one in self.grants}
        for one in more.grants:
            had = grants.get(one.app_id, GrantsEnded(one.app_id, 0, 0))
            grants[one.app_id] = GrantsEnded(one.app_id, had.number + one.number, had.offline + one.offline)
        return Ended(
            self.sessions + more.sessions,
            self.host_sessions + more.host_sessions,
            tuple(sorted(grants.values(), key=lambda one: one.app_id)),
        )


@dataclass(frozen=True, slots=True)
class Receipt:
    """What one act has ended for one person. Who did what is the activity entry `entry_id`."""

    end_user_id: str
    entry_id: str
    at: datetime
    ended: Ended


def last_effect(receipt: Receipt, told: Iterable[AppSession], remembered: timedelta) -> datetime | None:
    """Return when everything had its effect, on every node; None while an app is still to be told, or could not be.

    `remembered` is how long a node may go on answering yes at an app's host.
    """
    effects = [receipt.at + remembered if receipt.ended.host_sessions else receipt.at]
    for one in told:
        if one.telling is not Telling.TOLD or one.told_at is None:
            return None
        effects.append(one.told_at)
    return max(effects)
