"""Deleting what has ended by time, a bounded number of rows at once, so that no lock is held for long."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import delete, select

from vestibule.directory.app_sessions import KEPT_FOR
from vestibule.storage import scim_events as scim_log
from vestibule.storage.app_sessions import sweep_app_sessions
from vestibule.storage.database import Transaction
from vestibule.storage.receipts import sweep_receipts
from vestibule.storage.tables import (
    admin_sessions,
    app_secrets,
    app_tries,
    client_assertions,
    device_codes,
    forward_auth_codes,
    jwt_keys,
    logout_requests,
    oidc_codes,
    oidc_grants,
    oidc_refresh_tokens,
    oidc_requests,
    one_time_links,
    registration_tokens,
    saml_assertions,
    saml_requests,
    scim_departures,
    scim_events,
    sessions,
    throttles,
)

_ENDED: Final = {
    "admin_sessions": (admin_sessions.c.id, admin_sessions.c.expires_at),
    "sessions": (sessions.c.id, sessions.c.expires_at),
    "one_time_links": (one_time_links.c.token_hash, one_time_links.c.expires_at),
    "logout_requests": (logout_requests.c.id, logout_requests.c.expires_at),
    "saml_requests": (saml_requests.c.id, saml_requests.c.expires_at),
    "saml_assertions": (saml_assertions.c.assertion_key, saml_assertions.c.expires_at),
    "throttles": (throttles.c.key, throttles.c.resets_at),
    "scim_departures": (scim_departures.c.scim_user_id, scim_departures.c.counts_until),
    "scim_events": (scim_events.c.id, scim_events.c.expires_at),
    "oidc_requests": (oidc_requests.c.handle_hash, oidc_requests.c.expires_at),
    "oidc_codes": (oidc_codes.c.code_hash, oidc_codes.c.expires_at),
    "oidc_refresh_tokens": (oidc_refresh_tokens.c.token_hash, oidc_refresh_tokens.c.expires_at),
    "oidc_grants": (oidc_grants.c.id, oidc_grants.c.expires_at),
    "forward_auth_codes": (forward_auth_codes.c.code_hash, forward_auth_codes.c.expires_at),
    "device_codes": (device_codes.c.code_hash, device_codes.c.expires_at),
    "registration_tokens": (registration_tokens.c.id, registration_tokens.c.expires_at),
    "app_tries": (app_tries.c.id, app_tries.c.expires_at),
    "client_assertions": (client_assertions.c.assertion_key, client_assertions.c.expires_at),
    "app_secrets": (app_secrets.c.id, app_secrets.c.expires_at),
    "jwt_keys": (jwt_keys.c.id, jwt_keys.c.ends_at),
}
_SURPLUS: Final = "surplus_scim_events"
_APP_SESSIONS: Final = "app_sessions"
_RECEIPTS: Final = "receipts"
KINDS: Final = (*_ENDED, _SURPLUS, _APP_SESSIONS, _RECEIPTS)


def sweep(tx: Transaction, kind: str, now: datetime, most: int) -> int:
    """Delete up to `most` rows of one of KINDS, of every workspace, whose time has come; return how many."""
    if kind == _SURPLUS:
        return scim_log.sweep_surplus(tx, most)
    if kind == _APP_SESSIONS:
        return sweep_app_sessions(tx, now - KEPT_FOR, most)
    if kind == _RECEIPTS:
        return sweep_receipts(tx, now - KEPT_FOR, most)
    key, ends_at = _ENDED[kind]
    ended = select(key).where(ends_at <= now).limit(most)
    return tx.execute(delete(key.table).where(key.in_(ended))).rowcount
