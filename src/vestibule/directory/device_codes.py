"""Devices that wait for their person to agree on another screen (RFC 8628)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class DeviceStatus(StrEnum):
    """How far a device has come."""

    WAITING = "waiting"
    ALLOWED = "allowed"
    DENIED = "denied"
    USED = "used"


@dataclass(frozen=True, slots=True)
class DeviceCode:
    """One device's request. Both of its codes are kept as hashes only; `grant_id` is set once the person agreed."""

    code_hash: str
    app_id: str
    environment_id: str
    workspace_id: str
    user_code_hash: str
    scope: tuple[str, ...]
    resources: tuple[str, ...]
    status: DeviceStatus
    grant_id: str | None
    interval_seconds: int
    polled_at: datetime | None
    created_at: datetime
    expires_at: datetime
