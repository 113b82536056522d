"""Positions of keyset pages in addresses: opaque to people, small, and harmless when made up."""

from __future__ import annotations

import base64
import json
from typing import Final

_MAX_LENGTH: Final = 2000


def to_address(position: tuple[str, ...]) -> str:
    """Return a position as it stands in an address."""
    packed = json.dumps(position, ensure_ascii=False, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def from_address(untrusted: str) -> tuple[str, ...] | None:
    """Return the position that `to_address` packed, or None for anything else. What it holds is still untrusted text."""
    if not untrusted or len(untrusted) > _MAX_LENGTH:
        return None
    try:
        packed = base64.b64decode(untrusted + "=" * (-len(untrusted) % 4), altchars=b"-_", validate=True)
        values = json.loads(packed.decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    if not isinstance(values, list) or not all(isinstance(value, str) and _storable(value) for value in values):
        return None
    return tuple(values)


def _storable(value: str) -> bool:
    # JSON can spell what no database takes: NUL, and halves of surrogate pairs.
    return "\0" not in value and not any("\ud800" <= char <= "\udfff" for char in value)
