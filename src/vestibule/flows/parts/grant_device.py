"""The grant `urn:ietf:params:oauth:grant-type:device_code`: a device asks until its person has answered (RFC 8628, 3.4)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from vestibule.directory.device_codes import DeviceCode, DeviceStatus
from vestibule.flows.parts.callers import Visitor
from vestibule.flows.parts.clients import Client
from vestibule.flows.parts.granted import end_grant, standing_of
from vestibule.flows.parts.issuing import TokenAnswer, issue, signing_keys_of
from vestibule.flows.parts.places import Place
from vestibule.flows.parts.resources import target_of
from vestibule.flows.parts.runtime import Runtime
from vestibule.kernel.secrets import token_hash
from vestibule.oidc import parameters as read
from vestibule.oidc.errors import (
    AccessDenied,
    AuthorizationPending,
    CodeReplayed,
    ExpiredToken,
    InvalidGrant,
    OAuthError,
    SlowDown,
)
from vestibule.oidc.parameters import Parameters
from vestibule.storage import device_codes, grants
from vestibule.storage.database import Transaction

_SLOWER_BY: Final = 5


def exchange_device_code(
    runtime: Runtime, visitor: Visitor, place: Place, client: Client, parameters: Parameters
) -> TokenAnswer:
    """Return tokens for a device code, once, after its person agreed. A code that comes a second time ends the grant.

    Raises OAuthError, of which AuthorizationPending and SlowDown say to ask again.
    """
    digest = token_hash(read.required(parameters, "device_code"))
    keys = signing_keys_of(runtime, place, client)
    with runtime.database.transaction() as tx:
        code = device_codes.find_device_code(tx, place.environment.id, digest)
        # Raised after the commit: when the device asked last, and what ends because of that, must stay.
        refused = _not_now(tx, runtime, visitor, place, client, code)
        if code is not None and refused is None:
            grant = grants.find_grant(tx, place.environment.id, code.grant_id or "", runtime.clock())
            try:
                if grant is None:
                    raise InvalidGrant("the grant has ended")
                standing = standing_of(tx, runtime, place, client.app, grant, named=True)
                target = target_of(tx, place, client, grant, parameters)
            except OAuthError as error:
                refused = error
            else:
                return issue(tx, runtime, place, client, grant, standing, keys, scope=grant.scope, target=target)
    raise refused or InvalidGrant("no such device code")


def _not_now(
    tx: Transaction, runtime: Runtime, visitor: Visitor, place: Place, client: Client, code: DeviceCode | None
) -> OAuthError | None:
    now = runtime.clock()
    if code is None or code.app_id != client.app.id:
        return InvalidGrant("unknown device code, or another client's")
    if code.status is DeviceStatus.DENIED:
        return AccessDenied("the person said no")
    if now >= code.expires_at:
        return ExpiredToken("nobody answered in time")
    if _too_soon(code, now):
        device_codes.note_poll(tx, code, now, code.interval_seconds + _SLOWER_BY)
        return SlowDown("asked before the interval was over")
    device_codes.note_poll(tx, code, now, code.interval_seconds)
    if code.status is DeviceStatus.WAITING:
        return AuthorizationPending("nobody has answered")
    return None if device_codes.use_device_code(tx, code) else _replayed(tx, runtime, visitor, place, client, code)


def _replayed(
    tx: Transaction, runtime: Runtime, visitor: Visitor, place: Place, client: Client, code: DeviceCode
) -> OAuthError:
    now = runtime.clock()
    grant = grants.find_grant(tx, place.environment.id, code.grant_id or "", now)
    if grant is not None:
        end_grant(tx, runtime, visitor, place, client.app, grant, "app.code_replayed")
    return CodeReplayed("the device code was used before")


def _too_soon(code: DeviceCode, now: datetime) -> bool:
    return code.polled_at is not None and now - code.polled_at < timedelta(seconds=code.interval_seconds)
