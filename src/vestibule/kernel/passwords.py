"""Passwords: argon2id hashing and what NIST SP 800-63B asks of a new one (length and a list of common ones)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from vestibule.kernel.errors import FieldError
from vestibule.kernel.text import N_

MIN_LENGTH: Final = 12
MAX_LENGTH: Final = 256
# Combining characters become fewer by NFKC, never more than fourfold; what is longer than this is no password of ours.
_MAX_TYPED: Final = MAX_LENGTH * 4
_MIN_LETTERS: Final = 5
# What is left of a password without its personal words must be this long, else it is the name with a year behind it.
_MIN_OWN: Final = 6
_ROWS: Final = tuple(
    row * (MAX_LENGTH // len(row) + 2)
    for forth in (
        "abcdefghijklmnopqrstuvwxyz",
        "1234567890",
        "qwertyuiopasdfghjklzxcvbnm",
        "qwertzuiopasdfghjklyxcvbnm",
    )
    for row in (forth, forth[::-1])
)
# OWASP's argon2id floor is 19 MiB, two passes; one pass more costs little beside the network.
_HASHER: Final = PasswordHasher(time_cost=3, memory_cost=19 * 1024, parallelism=1)


@lru_cache(maxsize=1)
def _dummy_hash() -> str:
    return _HASHER.hash("no account has this password")


@lru_cache(maxsize=1)
def _common() -> frozenset[str]:
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # noqa: PLC0415 - half a megabyte that few processes need

    return frozenset(word for words in FREQUENCY_LISTS.values() for word in words)


def _normal(password: str) -> bytes:
    # Lone surrogates can't be typed; a client that makes them up gets a wrong password, not a broken page.
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")


def validate_new_password(password: str, *personal: str, field: str = "password") -> None:
    """Raise FieldError unless a new password may be used (NIST SP 800-63B-4, 3.1.1.2).

    Length counts in characters after NFKC. It must not be a common password, nor one repeated or with digits and signs
    around it, nor a row of the keyboard, nor little more than one of the `personal` words (the e-mail with its parts,
    the name, the product). There are no composition rules.
    """
    normal = unicodedata.normalize("NFKC", password[: _MAX_TYPED + 1])
    if len(normal) < MIN_LENGTH:
        raise FieldError(
            field, N_("Use %(count)s characters or more; a short sentence is good."), count=str(MIN_LENGTH)
        )
    if len(normal) > MAX_LENGTH or len(password) > _MAX_TYPED:
        raise FieldError(field, N_("Use %(count)s characters or fewer."), count=str(MAX_LENGTH))
    folded = normal.casefold()
    if _is_guessed_first(folded):
        raise FieldError(field, N_("This is one of the passwords that attackers try first. Choose another one."))
    if _is_personal(folded, _personal_words(personal)):
        raise FieldError(field, N_("Don’t use your name or address as a password."))


def _is_guessed_first(folded: str) -> bool:
    if len(set(folded)) < _MIN_LETTERS:
        return True
    for whole in (folded, _letters(folded)):
        unit = _unit(whole)
        # Who guesses a short unit once guesses it twice.
        if unit != whole and len(unit) < MIN_LENGTH // 2:
            return True
        core = unit.strip("0123456789!.?*#$_- ")
        tries = {unit, core, _unit(core)} if len(core) * 2 >= len(unit) else {unit}
        if not _common().isdisjoint(tries) and len(whole) * 2 >= len(folded):
            return True
        if len(whole) * 2 >= len(folded) and any(one in row for one in tries for row in _ROWS):
            return True
    return False


def _letters(folded: str) -> str:
    return re.sub(r"[\W_]+", "", folded)


def _unit(text: str) -> str:
    """Return the shortest text that, repeated, is the whole: `abab` gives `ab`."""
    again = (text + text).find(text, 1)
    return text[:again] if again > 0 else text


def _personal_words(personal: Iterable[str]) -> list[str]:
    words = {"vestibule"}
    for given in personal:
        folded = unicodedata.normalize("NFKC", given).casefold()
        words |= {_letters(folded), *re.split(r"[\W_]+", folded)}
    return sorted((word for word in words if len(word) >= 3), key=len, reverse=True)


def _is_personal(folded: str, words: Iterable[str]) -> bool:
    own = letters = _letters(folded)
    for word in words:
        own = own.replace(word, "")
    return own != letters and (len(own) < _MIN_OWN or own in _common())


def hash_password(password: str) -> str:
    """Return the argon2id hash of a password that has been validated."""
    return _HASHER.hash(_normal(password))


def password_matches(stored: str | None, password: str) -> bool:
    """Say whether `password` is the one. Costs the same when nothing is stored, so that time tells no stranger who exists.

    A bool on purpose: the caller must go on in the same way, in the same time, for both answers.
    """
    known = stored if stored and len(password) <= _MAX_TYPED else None
    try:
        _HASHER.verify(known or _dummy_hash(), _normal(password[:_MAX_TYPED]))
    except (VerificationError, InvalidHashError):
        return False
    return known is not None
