"""API clients: programs that ask with a bearer token of their own, what each may do, and where. Owns the rules, no SQL and no HTTP."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from vestibule.kernel.errors import FieldError, Forbidden, VestibuleError
from vestibule.kernel.text import N_, printable

# When a client was last here is written once in so long: asking must not cost a write.
USE_NOTED_EVERY: Final = timedelta(minutes=1)


class Scope(StrEnum):
    """What a client may be allowed to do."""

    EXPLAIN_READ = "explain:read"


class TokenRefused(VestibuleError):
    """There is no token, or none that works: unknown, revoked and expired are one answer to strangers."""

    code = "invalid_token"
    public = N_("This needs the token of an API client that is known, not revoked and not expired.")


class TokenMissing(TokenRefused):
    """Nobody brought a bearer token."""


class ScopeMissing(Forbidden):
    """The client is known, but was not given this scope."""

    code = "insufficient_scope"
    public = N_("This API client does not have the scope %(scope)s.")


@dataclass(frozen=True, slots=True)
class ApiClient:
    """A program of a workspace; bound to one of its environments, or none. The token itself is nowhere."""

    id: str
    workspace_id: str
    name: str
    scopes: frozenset[Scope]
    environment_id: str | None
    created_at: datetime
    created_by: str
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None

    def works(self, now: datetime) -> bool:
        """Say whether its token counts at an instant. The instant of expiry is expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    def reaches(self, environment_id: str) -> bool:
        """Say whether an environment of its workspace is within its reach."""
        return self.environment_id is None or self.environment_id == environment_id

    def require(self, scope: Scope) -> None:
        """Raise ScopeMissing unless the client was given the scope."""
        if scope not in self.scopes:
            raise ScopeMissing(f"{self.id} lacks {scope}", scope=scope.value)


def parse_scopes(typed: Iterable[str]) -> frozenset[Scope]:
    """Return untrusted names as scopes, one or more. Raises FieldError (`scope`)."""
    names, known = set(typed), {one.value for one in Scope}
    if not names:
        raise FieldError("scope", N_("Choose one scope or more."))
    unknown = sorted(names - known)
    if unknown:
        name = printable(unknown[0], 40)
        raise FieldError("scope", N_("There is no scope %(name)s."), name=name)
    return frozenset(Scope(name) for name in names)
