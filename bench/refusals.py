"""What refusing each hostile message of the tests' corpus costs, in CPU time of this thread, and how much memory it takes at most."""

from __future__ import annotations

import time
import tracemalloc
from dataclasses import dataclass

from tests.saml.hostile.corpus import Hostile
from tests.saml.hostile.families import CORPUS, JUDGES
from tests.saml.test_encryption import KEYS
from vestibule.saml.errors import SamlError


@dataclass(frozen=True, slots=True)
class Refusal:
    """One family: how many messages, CPU milliseconds of the middle and of the dearest one, and which that is."""

    family: str
    messages: int
    middle_ms: float
    dearest_ms: float
    dearest: str


def measure(times: int) -> list[Refusal]:
    """Refuse each message `times` times; its cheapest turn counts, so that other work on the machine does not."""
    found = []
    for family in JUDGES:
        costs = sorted((_milliseconds(message, times), message.name) for message in CORPUS if message.family == family)
        middle, dearest = costs[len(costs) // 2], costs[-1]
        found.append(Refusal(family, len(costs), middle[0], *dearest))
    return found


def most_memory() -> int:
    """Return the bytes that Python takes at most while any one message is refused; libxml2's tree comes on top."""
    most = 0
    tracemalloc.start()
    for message in CORPUS:
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        _refuse(message)
        most = max(most, tracemalloc.get_traced_memory()[1] - before)
    tracemalloc.stop()
    return most


def _milliseconds(message: Hostile, times: int) -> float:
    cheapest = float("inf")
    for _ in range(times):
        started = time.thread_time()
        _refuse(message)
        cheapest = min(cheapest, time.thread_time() - started)
    return cheapest * 1000


def _refuse(message: Hostile) -> None:
    try:
        JUDGES[message.family](message.data, **{"decryption_keys": KEYS, **message.overrides})
    except SamlError:
        return
    raise AssertionError(f"accepted: {message}")
