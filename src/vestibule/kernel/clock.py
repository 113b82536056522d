"""Time as an argument: everything that needs the present is handed a Clock. All instants are aware and UTC."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

Clock = Callable[[], datetime]

_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sept", "Oct", "Nov", "Dec")


def system_clock() -> datetime:
    """Return the present instant, aware, UTC."""
    return datetime.now(UTC)


def day_in_words(at: datetime) -> str:
    """Return an instant's day in UTC in the one form in which people read days: 27 Nov 2026.

    September is "Sept", as in browsers' British English, in which the pages' script says the same days.
    """
    utc = at.astimezone(UTC)
    return f"{utc.day} {_MONTHS[utc.month - 1]} {utc.year}"
