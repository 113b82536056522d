"""Tries of an app's sign-in: an admin's round trip through the real flow, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from vestibule.directory.entry import Reason

# Long enough to sign in with a second factor that lies in another room.
TRY_LIFE: Final = timedelta(minutes=15)
# Long enough to read what it says, and to change something and try again; then what it says of a person is forgotten.
KEPT_FOR: Final = timedelta(minutes=30)

Said = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AppTry:
    """A try that an admin session began for an app. `sealed_request` is what was asked, with its verifier."""

    id: str
    workspace_id: str
    app_id: str
    admin_session_id: str
    created_at: datetime
    expires_at: datetime
    sealed_request: bytes = field(repr=False)
    sealed_result: bytes | None = field(repr=False, default=None)


@dataclass(frozen=True, slots=True)
class TryResult:
    """What was asked and answered at each step. No secret, code or token in it is whole: the ends of each are left.

    `error` is what the app would get instead of tokens; `reasons` are then those of the decision about the person, if anybody was
    signed in. `checks` are what an app has to verify before it believes, and whether it holds.
    """

    at: datetime
    request: Said
    answer: Said
    token_request: Said = field(default_factory=dict)
    token_answer: Said = field(default_factory=dict)
    id_token_header: Said = field(default_factory=dict)
    id_token: Said = field(default_factory=dict)
    userinfo: Said = field(default_factory=dict)
    checks: tuple[tuple[str, bool], ...] = ()
    error: str = ""
    error_description: str = ""
    person_id: str = ""
    person_name: str = ""
    person_email: str = ""
    reasons: tuple[Reason, ...] = ()

    @property
    def may_enter(self) -> bool:
        """Say whether a decision was asked, and every condition held."""
        return bool(self.reasons) and all(one.holds for one in self.reasons)

    @property
    def signed_in(self) -> bool:
        """Say whether the app would have somebody signed in."""
        return not self.error and bool(self.checks) and all(holds for _, holds in self.checks)
