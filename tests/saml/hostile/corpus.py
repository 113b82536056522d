"""What a hostile message is, how a family of them is gathered, and how forged documents are edited. Knows no single attack."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tests.saml import forge
from tests.saml.verifying import verify
from vestibule.saml.errors import SamlError

EVIL: Final = forge.key("evil")
SHA256: Final = "http://www.w3.org/2001/04/xmlenc#sha256"
SIGNATURE: Final = r"<ds:Signature .*?</ds:Signature>"
ASSERTION: Final = r"<saml:Assertion .*</saml:Assertion>"
EVERY_WAY: Final[tuple[forge.SignWhat, ...]] = ("assertion", "response", "both")
# Honest messages in each way of signing, to be spoilt.
SIGNED: Final[dict[str, bytes]] = {sign: forge.response(sign=sign) for sign in EVERY_WAY}
EVE: Final = "eve@evil.example"
FORGED: Final = forge.Recipe(name_id=EVE, assertion_id="_evil", response_id="_evil_response")


@dataclass(frozen=True, slots=True)
class Hostile:
    """One message that must be refused as `error`. `overrides` are the expectations that differ from the usual ones."""

    family: str
    name: str
    source: str
    error: type[SamlError]
    data: bytes = field(repr=False)
    overrides: Mapping[str, Any] = field(repr=False, default_factory=dict)

    def __str__(self) -> str:
        return f"{self.family}: {self.name}"


@dataclass(frozen=True)
class Family:
    """Messages that try the same thing. `attempt` says what, `source` where it is described; `judge` is the door they come to."""

    name: str
    attempt: str
    source: str
    judge: Callable[..., object] = verify
    messages: list[Hostile] = field(default_factory=list)

    def add(
        self, name: str, error: type[SamlError], data: bytes | str, source: str | None = None, **overrides: Any
    ) -> None:
        """Add one message."""
        data = data.encode() if isinstance(data, str) else data
        self.messages.append(Hostile(self.name, name, source or self.source, error, data, overrides))


def swap(data: bytes, before: str, after: str, times: int = -1) -> bytes:
    """Replace a text, which must be there."""
    assert before.encode() in data, before
    return data.replace(before.encode(), after.encode(), times)


def sub(data: bytes, pattern: str, replacement: str, times: int = 1) -> bytes:
    """Replace a pattern, which must be there, by a plain text."""
    edited, made = re.subn(pattern, lambda _: replacement, data.decode(), count=times, flags=re.DOTALL)
    assert made, pattern
    return edited.encode()


def part(data: bytes, pattern: str) -> str:
    """Return the first part of the document that matches, or what its group matches."""
    found = re.search(pattern, data.decode(), re.DOTALL)
    assert found, pattern
    return found[found.re.groups and 1]


def shortened(value: object) -> str:
    """Name a hostile value in a test's name: printable, 50 characters."""
    text = ascii(value)
    return text if len(text) <= 50 else f"{text[:24]}…{text[-25:]}"
