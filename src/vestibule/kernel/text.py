"""Text that people type: e-mail addresses, names, domains; and text that must be made safe to show. No product rules."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

import idna

# RFC 5321: 254 octets for a path; the rest of the grammar is kept narrow on purpose: quoted local parts and address
# literals have been used to smuggle other addresses past mail systems.
_EMAIL: Final = re.compile(r"[^\s@\"(),:;<>\[\\\]\x00-\x1f\x7f]{1,64}@(?P<domain>[^\s@]{1,253})\Z")
_LABEL: Final = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)\Z")
# What URL parsers take for the last part of an IPv4 address, in decimal or hexadecimal (WHATWG URL, "ends in a number").
_NUMBER: Final = re.compile(r"(?:[0-9]+|0x[0-9a-f]*)\Z")
_UNSAFE: Final = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
# Letters and signs by their category, and yet nothing is seen of them: a name made of them is a blank line in a list.
_BLANK: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0")
_JOINERS: Final = frozenset("\u200c\u200d")
_JOINED: Final = {"Lo", "Mc", "Mn", "Sk", "So"}
# Longer input is never a name, an address or a host name; it is not worth being looked at. Unicode's normal forms take time by the
# square of a row of combining marks, and nobody else is served meanwhile: hours for what a form may bring.
_MAX_TYPED: Final = 1000
# A character may fold to eighteen; PostgreSQL's indexes refuse a row over 2.7 kB, and so would we with a 500.
FOLD_LIMIT: Final = 400


def N_(message: str) -> str:  # noqa: N802 - the name that gettext extraction knows
    """Mark an English sentence for translation where it is declared; it is translated where it is shown."""
    return message


def fold(text: str) -> str:
    """Return the key under which a text is compared and sorted: at most FOLD_LIMIT characters.

    Without case and compatibility forms (Unicode's NFKC_Casefold, 3.13 D147), format characters left out, inner white
    space single. Folding twice changes nothing. Of what is too long for a name the beginning counts.
    """
    if text.isascii():
        return " ".join(text.lower()[:FOLD_LIMIT].split())
    folded = text[:_MAX_TYPED]
    for _ in range(3):
        folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFD", folded).casefold())
    shown = "".join(char for char in folded if unicodedata.category(char) != "Cf")
    return " ".join(unicodedata.normalize("NFKC", shown)[:FOLD_LIMIT].split())


def has_unsafe_characters(text: str) -> bool:
    """Say whether a text has control, format (bidi overrides), surrogate, unassigned or blank characters.

    The two joiners are safe between the letters that need them: Persian, Sinhala and emoji can't be written without.
    """
    if text.isascii():
        return not text.isprintable()
    return any(
        char in _BLANK or (unicodedata.category(char) in _UNSAFE and not _joins(text, index))
        for index, char in enumerate(text)
    )


def _joins(text: str, index: int) -> bool:
    around = text[max(0, index - 1) : index] + text[index + 1 : index + 2]
    return (
        text[index] in _JOINERS
        and len(around) == 2
        and all(unicodedata.category(char) in _JOINED and char not in _BLANK for char in around)
    )


def clean_name(text: str) -> str:
    """Return what a person typed as a name with its white space tidied. Characters are not changed otherwise."""
    tidy = " ".join(text.split())
    return tidy if len(tidy) > _MAX_TYPED else unicodedata.normalize("NFC", tidy)


def clean_domain(text: str) -> str | None:
    """Return a host name in lower-case ASCII, or None if it is not one with two labels or more, such as an IP address.

    Other scripts become A-labels by IDNA 2008 after the mapping of UTS 46, as browsers do it, so that one domain has one
    spelling; A-labels that stand for no valid name are refused.
    """
    typed = text.strip()
    return _clean_domain(typed) if len(typed) <= _MAX_TYPED else None


@lru_cache(maxsize=1024)
def _clean_domain(typed: str) -> str | None:
    candidate = typed.lower()
    if not candidate.isascii() or "xn--" in candidate:
        try:
            candidate = idna.encode(candidate, uts46=True, std3_rules=True).decode("ascii")
        except (idna.IDNAError, UnicodeError):
            return None
    candidate = candidate.removesuffix(".")
    labels = candidate.split(".")
    if len(candidate) > 253 or len(labels) < 2 or _NUMBER.match(labels[-1]):
        return None
    return candidate if all(_LABEL.match(label) for label in labels) else None


def clean_email(text: str) -> str | None:
    """Return an e-mail address with its domain in canonical form and its local part as typed, or None if it is not one."""
    candidate = unicodedata.normalize("NFC", text.strip()) if len(text) <= _MAX_TYPED else ""
    found = _EMAIL.match(candidate)
    if found is None:
        return None
    local, _, domain = candidate.rpartition("@")
    if local.startswith(".") or local.endswith(".") or ".." in local or _deceives(local):
        return None
    canonical = clean_domain(domain)
    address = f"{local}@{canonical}"
    return address if canonical and len(address.encode()) <= 254 else None


def _deceives(local: str) -> bool:
    # A full-width at sign, or a ligature that systems behind us fold into another person's name.
    return unicodedata.normalize("NFKC", local) != local or any(
        unicodedata.category(char) in _UNSAFE or char in _BLANK for char in local
    )


def email_key(email: str) -> str:
    """Return the key under which e-mail addresses are unique: without case.

    Lower case, not case folding: that would make `strasse@` of `straße@`, which are two mailboxes of two people.
    """
    if email.isascii() or len(email) > _MAX_TYPED:
        return email.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", email).lower())


def email_domain(email: str) -> str:
    """Return the domain of a cleaned e-mail address."""
    return email.rpartition("@")[2].lower()


def printable(text: str, limit: int = 300) -> str:
    """Return hostile text made safe to show and to log: bounded, control and bidi characters written as escapes."""
    if len(text) <= limit and text.isascii() and text.isprintable():
        return text
    safe = "".join(
        char if unicodedata.category(char) not in _UNSAFE else f"\\u{{{ord(char):x}}}" for char in text[: limit + 1]
    )
    return safe if len(safe) <= limit else safe[: limit - 1] + "…"
