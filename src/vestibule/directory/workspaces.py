"""Workspaces and their environments."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from vestibule.kernel.errors import FieldError
from vestibule.kernel.text import N_, clean_name, has_unsafe_characters

DEFAULT_SESSION_TTL: Final = timedelta(hours=8)
MAX_ENVIRONMENTS: Final = 50
_MAX_NAME: Final = 100
_KEY: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?\Z")


@dataclass(frozen=True, slots=True)
class Workspace:
    """The tenant: everything else belongs to exactly one."""

    id: str
    name: str
    help_contact: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Environment:
    """A stage of a workspace. `key` is public and unique in the install; `position` orders the picker."""

    id: str
    workspace_id: str
    key: str
    name: str
    position: int
    saml_enabled: bool
    session_ttl: timedelta
    created_at: datetime


def validate_name(field: str, typed: str, max_length: int = _MAX_NAME) -> str:
    """Return a typed name with tidy white space. Raises FieldError if it is empty, too long, or has hidden characters."""
    name = clean_name(typed)
    if not name:
        raise FieldError(field, N_("Enter a name."))
    if len(name) > max_length:
        raise FieldError(field, N_("Use %(count)s characters or fewer."), count=str(max_length))
    if has_unsafe_characters(name):
        raise FieldError(field, N_("Remove the invisible characters from this name."))
    return name


def key_from_name(name: str) -> str:
    """Suggest an environment's key from its name: `Pré-production 2` gives `pre-production-2`."""
    letters = "".join(
        char for char in unicodedata.normalize("NFKD", name[:_MAX_NAME].casefold()) if not unicodedata.combining(char)
    )
    return re.sub(r"[^a-z0-9]+", "-", letters).strip("-")[:32].strip("-") or "env"


def validate_key(field: str, typed: str) -> str:
    """Return an environment's key. Raises FieldError unless it is 1 to 32 of a-z, 0-9 and inner hyphens."""
    key = typed.strip().lower()
    if not _KEY.match(key):
        raise FieldError(field, N_("Use 1 to 32 lower-case letters, digits and hyphens, such as “test-2”."))
    return key
