"""Text that people type: e-mail addresses, names, domains; and text that must be made safe to show. No product rules."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

# RFC 5321: 254 octets for a path; the rest of the grammar is kept narrow on purpose: quoted local parts and address
# literals have been used to smuggle other addresses past mail systems.
_EMAIL: Final = re.compile(r"[^\s@\"(),:;<>\[\\\]\x00-\x1f\x7f]{1,64}@(?P<domain>[^\s@]{1,253})\Z")
_LABEL: Final = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)\Z")
_UNSAFE: Final = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def N_(message: str) -> str:  # noqa: N802 - the name that gettext extraction knows
    """Mark an English sentence for translation where it is declared; it is translated where it is shown."""
    return message


def fold(text: str) -> str:
    """Return the key under which a text is compared and sorted: NFKC, without case, inner white space single."""
    return " ".join(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).split())


def has_unsafe_characters(text: str) -> bool:
    """Say whether a text has control, format (bidi overrides), surrogate or unassigned characters."""
    return any(unicodedata.category(char) in _UNSAFE for char in text)


def clean_name(text: str) -> str:
    """Return what a person typed as a name with its white space tidied. Characters are not changed otherwise."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def clean_domain(text: str) -> str | None:
    """Return a host name in lower-case ASCII (IDNA 2008 for others), or None if it is not one with two labels or more."""
    candidate = text.strip().rstrip(".").lower()
    if not candidate.isascii():
        try:
            candidate = candidate.encode("idna").decode("ascii")
        except UnicodeError:
            return None
    labels = candidate.split(".")
    if len(candidate) > 253 or len(labels) < 2 or labels[-1].isdigit():
        return None
    return candidate if all(_LABEL.match(label) for label in labels) else None


def clean_email(text: str) -> str | None:
    """Return an e-mail address with its domain in canonical form and its local part as typed, or None if it is not one."""
    candidate = unicodedata.normalize("NFC", text.strip())
    found = _EMAIL.match(candidate)
    if found is None or len(candidate.encode()) > 254 or has_unsafe_characters(candidate):
        return None
    local, _, domain = candidate.rpartition("@")
    if local.startswith(".") or local.endswith(".") or ".." in local:
        return None
    canonical = clean_domain(domain)
    return f"{local}@{canonical}" if canonical else None


def email_key(email: str) -> str:
    """Return the key under which e-mail addresses are unique: without case."""
    return unicodedata.normalize("NFC", email).casefold()


def email_domain(email: str) -> str:
    """Return the domain of a cleaned e-mail address."""
    return email.rpartition("@")[2].lower()


def printable(text: str, limit: int = 300) -> str:
    """Return hostile text made safe to show and to log: bounded, control and bidi characters written as escapes."""
    safe = "".join(
        char if unicodedata.category(char) not in _UNSAFE else f"\\u{{{ord(char):x}}}" for char in text[: limit + 1]
    )
    return safe if len(safe) <= limit else safe[: limit - 1] + "…"
