"""The record of a verification: each check in order, passed, failed or not reached. Decides nothing.

The values come from hostile messages, so they are bounded and printable before they are stored. Whoever has checks of its
own (used once, e-mail domain, access) adds them behind these with `extend`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Literal

from vestibule.kernel.text import N_, printable

Outcome = Literal["passed", "failed", "not_reached"]
# A function, where writing the value costs more than most sign-ins, whose traces nobody opens, should pay.
Value = str | Callable[[], str]
MAX_VALUE_CHARACTERS: Final = 300

# In the order in which they run. The titles are msgids.
CHECKS: Final[tuple[tuple[str, str], ...]] = (
    ("message", N_("Message is well formed")),
    ("status", N_("The identity provider says the sign-in succeeded")),
    ("in_response_to", N_("Response is for a sign-in we started")),
    ("idp_entity_id", N_("Issuer")),
    ("destination", N_("Destination")),
    ("assertion", N_("One assertion")),
    ("signature", N_("Signature")),
    ("name_id", N_("Subject")),
    ("subject_confirmation", N_("Subject confirmation")),
    ("recipient", N_("Recipient")),
    ("not_before", N_("Not before")),
    ("not_on_or_after", N_("Not on or after")),
    ("audience", N_("Audience")),
    ("session_not_on_or_after", N_("Session at the identity provider")),
    ("authn_instant", N_("Time of the sign-in there")),
    ("authn_context", N_("Way of signing in there")),
)


@dataclass(frozen=True, slots=True)
class Check:
    """One check. `expected` and `received` are safe to show and to log; the latter is untrusted."""

    name: str
    title: str
    outcome: Outcome
    expected: str = ""
    received: str = ""


def showable(value: str) -> str:
    """Return an untrusted value bounded to 300 characters, control and bidi characters escaped."""
    if len(value) <= MAX_VALUE_CHARACTERS and value.isprintable():
        return value
    return printable(value, MAX_VALUE_CHARACTERS)


class Trace:
    """Collects checks as they run. Made per message, never shared."""

    __slots__ = ("_known", "_ran")

    def __init__(self, checks: Iterable[tuple[str, str]] = CHECKS) -> None:
        self._known = tuple(checks)
        self._ran: dict[str, tuple[Outcome, Value, Value]] = {}

    def passed(self, name: str, expected: Value = "", received: Value = "") -> None:
        """Record that a check passed; a check that ran twice keeps its last values."""
        self._ran[name] = ("passed", expected, received)

    def failed(self, name: str, expected: Value = "", received: Value = "") -> None:
        """Record that a check failed."""
        self._ran[name] = ("failed", expected, received)

    def checks(self) -> tuple[Check, ...]:
        """Return every known check in order; what did not run is `not_reached`."""
        rows = []
        for name, title in self._known:
            outcome, expected, received = self._ran.get(name, ("not_reached", "", ""))
            rows.append(Check(name, title, outcome, _written(expected), _written(received)))
        return tuple(rows)


def _written(value: Value) -> str:
    return showable(value if isinstance(value, str) else value())


def extend(checks: tuple[Check, ...], *further: Check) -> tuple[Check, ...]:
    """Return the checks of a verification followed by checks of the caller."""
    return checks + further
