"""The domains a connection is enforced for: what may be entered, what covers what, and which entry wins."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Final

from publicsuffixlist import PublicSuffixList

from vestibule.kernel.errors import FieldError
from vestibule.kernel.text import N_, clean_domain, printable

# Mail for everybody: whoever "owned" one of these in a workspace would own strangers' addresses.
_PUBLIC_MAIL_DOMAINS = """
    126.com 163.com aol.com bk.ru daum.net duck.com email.com fastmail.com free.fr freenet.de gmail.com gmx.at gmx.ch
    gmx.com gmx.de gmx.net googlemail.com hanmail.net hey.com hotmail.co.uk hotmail.com hotmail.de hotmail.fr icloud.com
    inbox.ru laposte.net libero.it list.ru live.com live.de live.fr mac.com mail.com mail.ru mailbox.org me.com
    mozmail.com msn.com naver.com orange.fr outlook.com outlook.de outlook.fr pm.me posteo.de proton.me protonmail.com
    qq.com rediffmail.com rocketmail.com seznam.cz sina.com t-online.de tutanota.com uol.com.br verizon.net wanadoo.fr
    web.de wp.pl yahoo.co.jp yahoo.co.uk yahoo.com yahoo.de yahoo.fr yandex.com yandex.ru yeah.net ymail.com zoho.com
    """
PUBLIC_MAIL_DOMAINS: Final = frozenset(_PUBLIC_MAIL_DOMAINS.split())
MAX_DOMAINS: Final = 200


def parse_domains(field: str, typed: str) -> tuple[str, ...]:
    """Return the domains of a comma-separated list in canonical form, `*.` entries kept, without doubles.

    Raises FieldError naming the entry that is not a domain, that belongs to a public mail service, or covers strangers' domains.
    """
    found: dict[str, None] = {}
    for entry in re.split(r"[,;\s]+", typed.strip()):
        if not entry:
            continue
        wildcard = entry.startswith("*.")
        domain = clean_domain(entry.removeprefix("*.").removeprefix("@"))
        if domain is None:
            raise FieldError(
                field,
                N_("“%(entry)s” is not a domain. Enter domains such as example.com, separated by commas."),
                entry=printable(entry, 80),
            )
        if domain in PUBLIC_MAIL_DOMAINS:
            raise FieldError(
                field,
                N_(
                    "“%(entry)s” is a public mail service: anybody can have an address there, so no connection can claim it."
                ),
                entry=domain,
            )
        if wildcard and is_public_suffix(domain):
            raise FieldError(
                field,
                N_("“%(entry)s” would cover the domains of strangers: anybody can register a name below it."),
                entry=f"*.{domain}",
            )
        found[f"*.{domain}" if wildcard else domain] = None
        if len(found) > MAX_DOMAINS:
            raise FieldError(field, N_("Enter %(count)s domains or fewer."), count=str(MAX_DOMAINS))
    if not found:
        raise FieldError(field, N_("Enter one domain or more, such as example.com, separated by commas."))
    return tuple(found)


def is_public_suffix(domain: str) -> bool:
    """Say whether strangers register names directly below a domain: a top-level domain, `co.uk`, `github.io` (publicsuffix.org)."""
    return _public_suffixes().is_public(domain)


@cache
def _public_suffixes() -> PublicSuffixList:
    # Read when somebody asks for the first time: ten thousand rules that few processes need.
    return PublicSuffixList()


def covers(entry: str, domain: str) -> bool:
    """Say whether a connection's entry covers a domain: `example.com` only itself, `*.example.com` all below it."""
    if entry.startswith("*."):
        return domain.endswith(entry[1:])
    return entry == domain


def covering_entries(domain: str) -> tuple[str, ...]:
    """Return every entry that would cover `domain`, the most specific first: itself, then each `*.` above it."""
    labels = domain.split(".")
    return (domain, *(f"*.{'.'.join(labels[cut:])}" for cut in range(1, len(labels))))


def most_specific(entries: Iterable[str], domain: str) -> str | None:
    """Return the entry that wins for a domain, or None when none covers it."""
    known = set(entries)
    return next((entry for entry in covering_entries(domain) if entry in known), None)
