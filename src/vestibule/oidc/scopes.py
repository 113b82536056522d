"""Scopes: what each opens of a person (OpenID Connect Core 5.4)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

OPENID: Final = "openid"
PROFILE: Final = "profile"
EMAIL: Final = "email"
GROUPS: Final = "groups"
OFFLINE_ACCESS: Final = "offline_access"
SCOPES: Final = (OPENID, PROFILE, EMAIL, GROUPS, OFFLINE_ACCESS)


def known(wanted: Iterable[str], allowed: Iterable[str]) -> tuple[str, ...]:
    """Return those scopes that are known here, in the order asked for; others are passed over, and the answer says what was given."""
    open_here = frozenset(allowed)
    return tuple(dict.fromkeys(scope for scope in wanted if scope in open_here))
