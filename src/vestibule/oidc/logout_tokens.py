"""Logout tokens: what tells an app that a session has ended (OpenID Connect Back-Channel Logout 1.0, 2.4)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

LOGOUT_TOKEN: Final = "logout+jwt"  # noqa: S105 - the `typ` of a header
LOGOUT_TOKEN_LIFE: Final = timedelta(minutes=2)
EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"


def logout_claims(issuer: str, client_id: str, *, subject: str, sid: str, jti: str, now: datetime) -> dict[str, Any]:
    """Return the claims of a logout token. It has no nonce, and with its `typ` passes for no ID token (2.4)."""
    issued = int(now.timestamp())
    return {
        "iss": issuer,
        "aud": client_id,
        "sub": subject,
        "sid": sid,
        "iat": issued,
        "exp": issued + int(LOGOUT_TOKEN_LIFE.total_seconds()),
        "jti": jti,
        "events": {EVENT: {}},
    }
