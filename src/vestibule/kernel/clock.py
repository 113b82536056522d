"""Time as an argument: everything that needs the present is handed a Clock. All instants are aware and UTC."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """Return the present instant, aware, UTC."""
    return datetime.now(UTC)
