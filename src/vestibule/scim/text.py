"""Text out of JSON: which characters can be kept at all."""

from __future__ import annotations

import re
from typing import Final

# NUL can't be stored by PostgreSQL, half a character by nobody.
_NONE: Final = re.compile("[\0\ud800-\udfff]")


def is_storable(text: str) -> bool:
    """Say whether a text (untrusted) has only characters that a database can keep."""
    return "\0" not in text if text.isascii() else _NONE.search(text) is None
