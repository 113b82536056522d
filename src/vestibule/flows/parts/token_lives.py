"""How long a token that an admin makes may last: the choices, the same wherever one is made."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from vestibule.kernel.errors import FieldError
from vestibule.kernel.text import N_

TOKEN_LIVES: Final[dict[str, timedelta | None]] = {
    "90": timedelta(days=90),
    "180": timedelta(days=180),
    "365": timedelta(days=365),
    "never": None,
}


def parse_life(field: str, typed: str) -> timedelta | None:
    """Return how long an untrusted choice lasts, None for without an end. Raises FieldError."""
    if typed not in TOKEN_LIVES:
        raise FieldError(field, N_("Choose how long the token lasts."))
    return TOKEN_LIVES[typed]
