"""Running a coroutine from a test, whatever else runs in its thread."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Return what the coroutine returns, from an event loop in a thread of its own.

    `asyncio.run` alone would fail in a process that also runs journeys: their browser keeps a loop running in the main thread.
    """
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()
