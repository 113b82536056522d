"""What verifying one response costs, as a ratio to the floor, and beside python3-saml.

All in CPU seconds of one thread. Ours and the floor run in turns and the best turn of each counts, so that a busy machine changes
the figures little.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from cryptography.hazmat.primitives.asymmetric import rsa

from bench.floors import encrypted_floor, floor
from bench.sign_ins import GROUPS
from tests.saml import forge
from tests.saml.forge_encryption import encrypted_response
from tests.saml.verifying import certificate, expectations
from vestibule.saml.keys import load_decryption_key
from vestibule.saml.responses import Expectations, decode_post, verify_response

Way = Literal["assertion", "response", "both", "encrypted"]
WAYS: Final[tuple[Way, ...]] = ("assertion", "response", "both", "encrypted")
_CALLS: Final = 20


@dataclass(frozen=True, slots=True)
class Verification:
    """One message: its bytes, and the CPU microseconds of the floor and of all that we do, from form field to verified assertion."""

    name: str
    size: int
    floor: float
    ours: float

    @property
    def ratio(self) -> float:
        """Return how much of our time is the floor's."""
        return self.floor / self.ours


def measure(rounds: int) -> Iterator[tuple[Way, Verification]]:
    """Give the response of about 14 kB with 30 groups in each way in which it is protected."""
    attributes = (*forge.DEFAULT_ATTRIBUTES[:2], GROUPS)
    for way in WAYS:
        if way == "encrypted":
            yield way, _measure(f"{way}, assertion signed", encrypted_response(attributes=attributes), way, rounds)
        else:
            yield way, _measure(f"{way} signed", forge.response(attributes=attributes, sign=way), way, rounds)


def measure_growth(rounds: int) -> Iterator[Verification]:
    """Give longer and longer responses: what they cost should grow as their floor does."""
    for groups, attributes in ((30, 0), (300, 0), (0, 100), (0, 1000)):
        values = [
            f"CN=Applied Engineering and Research {number:03},OU=Groups,DC=example,DC=com" for number in range(groups)
        ]
        many = [forge.Attribute(f"attribute{number}", (f"value {number}",)) for number in range(attributes)]
        data = forge.response(attributes=(forge.Attribute("groups", values, typed=True), *many))
        yield _measure(f"{groups} groups, {attributes} attributes", data, "assertion", rounds)


def _measure(name: str, data: bytes, way: Way, rounds: int) -> Verification:
    field = forge.post_field(data).encode()
    public_key = certificate().public_key
    assert isinstance(public_key, rsa.RSAPublicKey)
    if way == "encrypted":
        key = forge.key("sp")
        decryption_key = load_decryption_key(key.private_pem.encode(), key.certificate_der)
        least = encrypted_floor(field, public_key, decryption_key.private_key)
        ours = _ours(field, expectations(decryption_keys=(decryption_key,)))
    else:
        least, ours = floor(field, way, public_key), _ours(field, expectations())
    return Verification(name, len(data), *_compare(least, ours, rounds))


def _ours(field: bytes, expected: Expectations) -> Callable[[], object]:
    return lambda: verify_response(decode_post(field), expected)


def _compare(least: Callable[[], object], ours: Callable[[], object], rounds: int) -> tuple[float, float]:
    best = [float("inf"), float("inf")]
    for _ in range(rounds):
        for index, call in enumerate((least, ours)):
            started = time.process_time_ns()
            for _ in range(_CALLS):
                call()
            best[index] = min(best[index], (time.process_time_ns() - started) / _CALLS / 1000)
    return best[0], best[1]
