"""Devices that wait: their codes as hashes, each answered once and used once."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update

from vestibule.directory.device_codes import DeviceCode, DeviceStatus
from vestibule.storage.database import Transaction
from vestibule.storage.tables import device_codes


def insert_device_code(tx: Transaction, code: DeviceCode) -> None:
    """Save a device that begins to wait. Raises AlreadyTaken when the environment has that user code out."""
    tx.execute(
        insert(device_codes).values(
            code_hash=code.code_hash,
            workspace_id=code.workspace_id,
            environment_id=code.environment_id,
            app_id=code.app_id,
            user_code_hash=code.user_code_hash,
            scope=" ".join(code.scope),
            resources=list(code.resources),
            status=code.status.value,
            grant_id=code.grant_id,
            interval_seconds=code.interval_seconds,
            polled_at=code.polled_at,
            created_at=code.created_at,
            expires_at=code.expires_at,
        )
    )


def find_waiting(tx: Transaction, environment_id: str, user_code_hash: str, now: datetime) -> DeviceCode | None:
    """Return the device of an environment that waits under a user code."""
    table = device_codes
    waits = (table.c.status == DeviceStatus.WAITING.value, table.c.expires_at > now)
    here = (table.c.environment_id == environment_id, table.c.user_code_hash == user_code_hash)
    row = tx.execute(select(table).where(*here, *waits)).one_or_none()
    return _code(row) if row else None


def find_device_code(tx: Transaction, environment_id: str, code_hash: str) -> DeviceCode | None:
    """Return a device of an environment by its own code, also when it has ended."""
    here = (device_codes.c.environment_id == environment_id, device_codes.c.code_hash == code_hash)
    row = tx.execute(select(device_codes).where(*here)).one_or_none()
    return _code(row) if row else None


def answer_device(tx: Transaction, code: DeviceCode, status: DeviceStatus, grant_id: str | None) -> bool:
    """Save what the person answered; return whether the device still waited."""
    return _move(tx, code, DeviceStatus.WAITING, status=status.value, grant_id=grant_id)


def use_device_code(tx: Transaction, code: DeviceCode) -> bool:
    """Use an allowed device's code up; return whether that is the first time."""
    return _move(tx, code, DeviceStatus.ALLOWED, status=DeviceStatus.USED.value)


def note_poll(tx: Transaction, code: DeviceCode, now: datetime, interval_seconds: int) -> None:
    """Note that a device asked, and how long it has to wait from now on."""
    polled = update(device_codes).where(device_codes.c.code_hash == code.code_hash)
    tx.execute(polled.values(polled_at=now, interval_seconds=interval_seconds))


def _move(tx: Transaction, code: DeviceCode, was: DeviceStatus, **values: Any) -> bool:
    still = (device_codes.c.code_hash == code.code_hash, device_codes.c.status == was.value)
    return tx.execute(update(device_codes).where(*still).values(**values)).rowcount == 1


def _code(row: Any) -> DeviceCode:
    return DeviceCode(
        code_hash=row.code_hash,
        app_id=row.app_id,
        environment_id=row.environment_id,
        workspace_id=row.workspace_id,
        user_code_hash=row.user_code_hash,
        scope=tuple(row.scope.split()),
        resources=tuple(row.resources),
        status=DeviceStatus(row.status),
        grant_id=row.grant_id,
        interval_seconds=row.interval_seconds,
        polled_at=row.polled_at,
        created_at=row.created_at,
        expires_at=row.expires_at,
    )
