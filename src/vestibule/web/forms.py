"""Small helpers of forms: errors by field, and paths that may be followed."""

from __future__ import annotations

from typing import Final
from urllib.parse import unquote

from vestibule.kernel import locales
from vestibule.kernel.errors import FieldError, Invalid
from vestibule.kernel.text import has_unsafe_characters

_MAX_PATH: Final = 2000


def errors_by_field(error: Invalid | FieldError) -> dict[str, str]:
    """Return the first sentence for each field that is wrong, in the visitor’s language, in the order found."""
    errors = error.errors if isinstance(error, Invalid) else (error,)
    found: dict[str, str] = {}
    for one in errors:
        found.setdefault(one.field, locales.gettext(one.message, one.params))
    return found


def local_path(untrusted: str, prefix: str, otherwise: str) -> str:
    """Return a path of this server below `prefix` to go on to, or `otherwise`: never another site (open redirect).

    `prefix` begins and ends with a slash. Browsers take `//host`, `/\\host` and control characters for the start of an
    address elsewhere, and climb by `..` however it is encoded.
    """
    plain = unquote(untrusted)
    hostile = "\\" in plain or "//" in plain or ".." in plain or " " in plain or has_unsafe_characters(plain)
    if hostile or not untrusted.startswith(prefix) or len(untrusted) > _MAX_PATH:
        return otherwise
    return untrusted
