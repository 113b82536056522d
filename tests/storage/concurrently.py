"""Several threads that do the same at the same instant, each with a connection of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def at_once(threads: int, act: Callable[[int], T]) -> list[T]:
    """Run `act(number)` in so many threads that start together; return what they returned. An error of any is raised."""
    barrier = threading.Barrier(threads)
    results: list[T] = []
    failures: list[BaseException] = []

    def run(number: int) -> None:
        barrier.wait()
        try:
            results.append(act(number))
        except BaseException as error:  # noqa: BLE001 - raised below, in the thread of the test
            failures.append(error)

    running = [threading.Thread(target=run, args=(number,)) for number in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    if failures:
        raise failures[0]
    return results
