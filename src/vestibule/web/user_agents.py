"""A browser's User-Agent in words, such as Firefox on Linux: for people who look which of their sessions is which.

Decides nothing: anybody can send any. The large browsers and systems alone, by the marks that they have had for years; a list of
every device would be a megabyte, and stale by the next release.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

# Most browsers name others for compatibility: the first mark that is found counts.
_BROWSERS: Final[Sequence[tuple[str, Sequence[str]]]] = (
    ("Edge", ("Edg/", "EdgA/", "EdgiOS/", "Edge/")),
    ("Opera", ("OPR/", "OPT/")),
    ("Samsung Internet", ("SamsungBrowser/",)),
    ("Firefox", ("Firefox/", "FxiOS/")),
    ("Chrome", ("Chrome/", "CriOS/", "Chromium/")),
    ("Safari", ("Safari/",)),
)
_SYSTEMS: Final[Sequence[tuple[str, Sequence[str]]]] = (
    ("Windows", ("Windows",)),
    ("iPhone", ("iPhone",)),
    ("iPad", ("iPad",)),
    ("Android", ("Android",)),
    ("ChromeOS", ("CrOS",)),
    ("macOS", ("Macintosh", "Mac OS X")),
    ("Linux", ("Linux", "X11")),
)


@dataclass(frozen=True, slots=True)
class BrowserNames:
    """What a User-Agent says of browser and system, in words of ours; empty where it says nothing that we know."""

    browser: str
    system: str


def names_of(untrusted: str) -> BrowserNames:
    """Return what an untrusted User-Agent names. Nothing of it is in the answer."""
    return BrowserNames(_first(_BROWSERS, untrusted), _first(_SYSTEMS, untrusted))


def _first(known: Sequence[tuple[str, Sequence[str]]], text: str) -> str:
    return next((name for name, marks in known if any(mark in text for mark in marks)), "")
