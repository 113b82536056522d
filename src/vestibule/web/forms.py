"""Small helpers of forms: errors by field, and paths that may be followed."""

from __future__ import annotations

from typing import Final
from urllib.parse import unquote, urlsplit

from vestibule.kernel.errors import FieldError, Invalid

_MAX_PATH: Final = 2000


def errors_by_field(error: Invalid | FieldError) -> dict[str, str]:
    """Return the first sentence for each field that is wrong, in the order found."""
    errors = error.errors if isinstance(error, Invalid) else (error,)
    found: dict[str, str] = {}
    for one in errors:
        found.setdefault(one.field, str(one))
    return found


def local_path(untrusted: str, prefix: str, otherwise: str) -> str:
    """Return a path of this server below `prefix` to go on to, or `otherwise`: never another site (open redirect).

    Browsers take `//host`, `/\\host` and control characters for the start of an address elsewhere.
    """
    plain = unquote(untrusted)
    parts = urlsplit(untrusted)
    hostile = parts.scheme or parts.netloc or "\\" in plain or "//" in plain or ".." in plain or any(ord(char) <= 0x20 for char in plain)
    if hostile or not parts.path.startswith(prefix) or len(untrusted) > _MAX_PATH:
        return otherwise
    return untrusted
