"""Resource APIs: what access tokens can be for besides ourselves. An API belongs to one environment and has scopes of its own."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from vestibule.kernel.errors import FieldError
from vestibule.kernel.text import N_, clean_name, has_unsafe_characters

MAX_SCOPES: Final = 50
MAX_IDENTIFIER: Final = 300
# Those of OpenID Connect open what we know of a person, and mean nothing at an API.
_RESERVED: Final = frozenset({"openid", "profile", "email", "address", "phone", "groups", "offline_access"})
_SCOPE: Final = re.compile(r"[a-z0-9][a-z0-9:._/-]{0,79}\Z")
_IDENTIFIER: Final = re.compile(r"[!-~]+\Z")
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True)
class ResourceApi:
    """An API by its identifier, the `resource` of RFC 8707 and the `aud` of its tokens.

    An `open` one may be asked for by every app that acts for a person who is there, also by one that registered itself. `app_id` is
    the app that the API itself is, where it introspects or exchanges what it is sent.
    """

    id: str
    workspace_id: str
    environment_id: str
    identifier: str
    name: str
    scopes: tuple[str, ...]
    open: bool
    app_id: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Reach:
    """An API, and the scopes of it that one app is allowed by name."""

    api: ResourceApi
    allowed: frozenset[str]

    def scopes(self, *, for_person: bool) -> frozenset[str]:
        """Return what the app may ask of it: for somebody who is there, or on its own account."""
        return frozenset(self.api.scopes) if for_person and self.api.open else self.allowed


@dataclass(frozen=True, slots=True)
class RegistrationToken:
    """An initial access token (RFC 7591, 3): whoever has it may register apps in an environment. Only its hash is kept."""

    id: str
    environment_id: str
    workspace_id: str
    hint: str
    created_at: datetime
    expires_at: datetime
    token_hash: str = field(repr=False, default="")


def validate_identifier(untrusted: str) -> str:
    """Return an API's identifier: an absolute https address without fragment (RFC 8707, 2), or http on loopback. Raises FieldError."""
    refused = FieldError(
        "identifier", N_("Enter an https address without a fragment, such as https://api.example.com.")
    )
    value = untrusted.strip()
    if not _IDENTIFIER.match(value) or len(value) > MAX_IDENTIFIER or set(value) & set('#\\"<>*'):
        raise refused
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise refused from error
    secure = parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)
    if not secure or not host or "@" in parts.netloc:
        raise refused
    return value


def validate_api_name(untrusted: str) -> str:
    """Return an API's name. Raises FieldError."""
    name = clean_name(untrusted)
    if not name or len(name) > 100 or has_unsafe_characters(name):
        raise FieldError("name", N_("Enter a name of up to 100 characters."))
    return name


def validate_scopes(untrusted: str) -> tuple[str, ...]:
    """Return scopes that stand between spaces or on lines, each once. Raises FieldError."""
    scopes = tuple(dict.fromkeys(untrusted.split()))
    if not scopes or len(scopes) > MAX_SCOPES:
        raise FieldError("scopes", N_("Enter between 1 and 50 scopes, such as files:read."))
    if not all(_SCOPE.match(one) for one in scopes):
        raise FieldError("scopes", N_("A scope has small letters, digits and : . _ / - only, as in files:read."))
    if not _RESERVED.isdisjoint(scopes):
        raise FieldError("scopes", N_("Scopes of OpenID Connect, such as email, can’t be an API’s own."))
    return scopes
