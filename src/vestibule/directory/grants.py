"""What an app was granted for a person: the grant on which its codes, tokens and refresh tokens hang."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

# Authentication Method Reference Values (RFC 8176, 2).
BY_PASSWORD: Final = "pwd"  # noqa: S105 - a value of a claim, no password


@dataclass(frozen=True, slots=True)
class Authentication:
    """How and when the person signed in, for the claims auth_time, acr and amr (OpenID Connect Core 2); and through which connection."""

    instant: datetime
    methods: tuple[str, ...]
    context: str | None = None
    connection_id: str | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """One app's leave to act for one person. It ends with the person's access, and with the browser session `session_id`, if it has one.

    `sid` is what the app knows that session by. `actor` is who acts, where an app acts for the person by token exchange (RFC 8693, 4.1);
    `parent_id` is then the grant that this one was exchanged from, and ends with.
    """

    id: str
    workspace_id: str
    environment_id: str
    app_id: str
    end_user_id: str
    session_id: str | None
    sid: str
    scope: tuple[str, ...]
    resources: tuple[str, ...]
    nonce: str | None
    authentication: Authentication
    created_at: datetime
    expires_at: datetime
    actor: Mapping[str, Any] | None = None
    parent_id: str | None = None


@dataclass(frozen=True, slots=True)
class UsedCode:
    """A code that was just used, for the first time, and the grant that it stands for."""

    grant: Grant
    redirect_uri: str
    code_challenge: str


@dataclass(frozen=True, slots=True)
class StoredRequest:
    """An authorization request that was checked and waits: `parameters` are its data. `pushed` says that it came by RFC 9126."""

    app_id: str
    environment_id: str
    parameters: Mapping[str, Any] = field(repr=False)
    browser_hash: str | None
    pushed: bool
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Consent:
    """What a person agreed to give an app, by the app's name."""

    app_id: str
    app_name: str
    scope: tuple[str, ...]
    created_at: datetime
