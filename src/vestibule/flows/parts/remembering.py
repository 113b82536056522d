"""What a process remembers for a moment, so that a question asked a thousand times a second reaches the database twice."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Memory(Generic[Value]):
    """Values by key, each no older than `seconds`, and no more than `most` of them: the oldest goes first.

    The age counts from before what a value rests on was read, so that nothing older than `seconds` is ever answered. It is told by
    a clock that nobody sets: if the wall clock is put back, nothing lives longer.
    """

    def __init__(self, seconds: float, most: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._most = seconds, most
        self.monotonic = monotonic
        self._kept: dict[Hashable, tuple[float, Value]] = {}
        self._changing = threading.Lock()

    def get(self, key: Hashable) -> Value | None:
        """Return what is remembered under a key. At the instant of its end it is forgotten."""
        found = self._kept.get(key)
        return found[1] if found is not None and self.monotonic() < found[0] else None

    def put(self, key: Hashable, value: Value, since: float, *, within: float | None = None) -> None:
        """Remember a value that was read at `since` (by `monotonic`) or later, for `within` seconds if that is shorter."""
        ends = since + (self._seconds if within is None else min(self._seconds, within))
        with self._changing:
            # A key goes to the end again: what stands first was put first.
            self._kept.pop(key, None)
            self._kept[key] = (ends, value)
            while len(self._kept) > self._most or self._first_has_ended():
                del self._kept[next(iter(self._kept))]

    def __len__(self) -> int:
        """Say how much is kept, of which some may have ended."""
        return len(self._kept)

    def _first_has_ended(self) -> bool:
        first = next(iter(self._kept.values()), None)
        return first is not None and first[0] <= self.monotonic()
