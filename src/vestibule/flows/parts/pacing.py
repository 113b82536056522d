"""How often something is done whose cost grows with an install: so often that it takes a small share of the time, and no more."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

# What took a tenth of a second is not done again for two: a twentieth of the time, however long it takes.
_WAITS: Final = 20
MOST_SECONDS: Final = 30.0


class Pace:
    """Says when it is time again, by how long it took the last time. Told by a clock that nobody sets."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._next = monotonic()

    def is_due(self) -> bool:
        """Say whether it is time: at the instant itself it is."""
        return self._monotonic() >= self._next

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Do it, and remember how long it took, also where it failed."""
        began = self._monotonic()
        try:
            yield
        finally:
            ended = self._monotonic()
            self._next = ended + min((ended - began) * _WAITS, MOST_SECONDS)
