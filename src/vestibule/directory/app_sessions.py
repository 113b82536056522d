"""App sessions: where an app has a session of its own that rests on one of ours, and what came of telling it that ours has ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

# Between attempts: about a day in all. The first ones are quick, as an app that restarts is back in a minute.
BACKOFF: Final = (
    *(timedelta(seconds=seconds) for seconds in (2, 10, 60)),
    *(timedelta(minutes=minutes) for minutes in (5, 30, 120, 360, 960)),
)
# How long the outcome stays on the person's page.
KEPT_FOR: Final = timedelta(days=90)


class Telling(StrEnum):
    """How far an app has been told."""

    LIVE = "live"
    UNDER_WAY = "under_way"
    TOLD = "told"
    GIVEN_UP = "given_up"


@dataclass(frozen=True, slots=True)
class AppSession:
    """An app's session of a person, by the `sid` and `sub` that the app knows. `failure` is what the last attempt met.

    `entry_id` is the activity entry of the act that ended it by taking access away.
    """

    app_id: str
    session_id: str
    workspace_id: str
    environment_id: str
    end_user_id: str
    sid: str
    sub: str
    began_at: datetime
    ended_at: datetime | None
    told_at: datetime | None
    attempts: int
    next_at: datetime | None
    failure: str | None
    entry_id: str | None = None

    @property
    def telling(self) -> Telling:
        """Return how far the app has been told."""
        if self.ended_at is None:
            return Telling.LIVE
        if self.told_at is not None:
            return Telling.TOLD
        return Telling.UNDER_WAY if self.next_at is not None else Telling.GIVEN_UP


def next_attempt(attempts: int, now: datetime) -> datetime | None:
    """Return when to try again after so many attempts that failed; None when it is time to give up."""
    return now + BACKOFF[attempts - 1] if 1 <= attempts <= len(BACKOFF) else None
