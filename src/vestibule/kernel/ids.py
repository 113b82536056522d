"""Identifiers: a prefix that says what it names, then a ULID, so that they sort by time of birth."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from ulid import ULID

PREFIXES: Final = {
    "workspace": "wsp",
    "environment": "env",
    "admin": "adm",
    "end_user": "usr",
    "group": "grp",
    "identity_provider": "idp",
    "connection": "con",
    "app": "app",
    "app_secret": "aps",
    "grant": "gnt",
    "app_try": "try",
    "api": "api",
    "api_client": "apc",
    "registration_token": "rgt",
    "session": "ses",
    "link": "lnk",
    "knock": "knk",
    "activity": "act",
    "job": "job",
    "key": "key",
    "scim_token": "sct",
    "scim_user": "scu",
    "scim_group": "scg",
    "scim_event": "sce",
}
_ID = re.compile(r"[a-z]{3}_[0-9a-hjkmnp-tv-z]{26}\Z")


def new_id(kind: str, now: datetime) -> str:
    """Return a fresh id for `kind` (a key of PREFIXES), as in `usr_01jd8w4tq5…`: 48 bits of time, 80 of randomness."""
    return f"{PREFIXES[kind]}_{str(ULID.from_datetime(now)).lower()}"


def is_id(value: str, kind: str) -> bool:
    """Say whether an untrusted `value` has the form of an id of that kind, before it goes near a query."""
    return value.startswith(PREFIXES[kind] + "_") and _ID.match(value) is not None
