"""Passwords: argon2id hashing and what NIST SP 800-63B asks of a new one (length and a list of common ones)."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from vestibule.kernel.errors import FieldError
from vestibule.kernel.text import N_

MIN_LENGTH: Final = 12
MAX_LENGTH: Final = 256
# OWASP's argon2id floor is 19 MiB, two passes; one pass more costs little beside the network.
_HASHER: Final = PasswordHasher(time_cost=3, memory_cost=19 * 1024, parallelism=1)


@lru_cache(maxsize=1)
def _dummy_hash() -> str:
    return _HASHER.hash("no account has this password")


@lru_cache(maxsize=1)
def _common() -> frozenset[str]:
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # noqa: PLC0415 - half a megabyte that few processes need

    return frozenset(word for words in FREQUENCY_LISTS.values() for word in words if len(word) >= MIN_LENGTH - 4)


def _normal(password: str) -> str:
    return unicodedata.normalize("NFKC", password)


def validate_new_password(password: str, *personal: str, field: str = "password") -> None:
    """Raise FieldError unless a new password may be used (NIST SP 800-63B-4, 3.1.1.2).

    Length counts in characters after NFKC. It must not be a common password, nor one with digits and signs around
    it, nor one of the `personal` words (the e-mail, the name, the product). There are no composition rules.
    """
    normal = _normal(password)
    if len(normal) < MIN_LENGTH:
        raise FieldError(field, N_("Use %(count)s characters or more; a short sentence is good."), count=str(MIN_LENGTH))
    if len(normal) > MAX_LENGTH:
        raise FieldError(field, N_("Use %(count)s characters or fewer."), count=str(MAX_LENGTH))
    folded = normal.casefold()
    core = folded.strip("0123456789!.?*#$_- ")
    if folded in _common() or core in _common() or len(set(folded)) < 5:  # noqa: PLR2004 - four letters repeated
        raise FieldError(field, N_("This is one of the passwords that attackers try first. Choose another one."))
    words = {word.casefold() for word in (*personal, "vestibule") if len(word) >= 4}  # noqa: PLR2004
    if core in words or folded in words:
        raise FieldError(field, N_("Don’t use your name or address as a password."))


def hash_password(password: str) -> str:
    """Return the argon2id hash of a password that has been validated."""
    return _HASHER.hash(_normal(password))


def password_matches(stored: str | None, password: str) -> bool:
    """Say whether `password` is the one. Costs the same when nothing is stored, so that time tells no stranger who exists.

    A bool on purpose: the caller must go on in the same way, in the same time, for both answers.
    """
    try:
        matches = _HASHER.verify(stored or _dummy_hash(), _normal(password[: MAX_LENGTH * 4]))
    except (VerificationError, InvalidHashError):
        return False
    return matches and stored is not None
