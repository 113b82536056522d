"""When the signing certificates of an IdP end, and whether the next one is there already. Pure; it refuses nobody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from vestibule.directory.connections import IdpCertificate

WARN_BEFORE: Final = timedelta(days=60)
# Days before the end at which admins are written to.
ANNOUNCED_BEFORE: Final = (60, 30, 14, 7, 1)


class CertificateState(StrEnum):
    """How one certificate stands."""

    GOOD = "good"
    NEXT = "next"
    SOON = "soon"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class WatchedCertificate:
    """A certificate with how it stands. `days_left` is whole days, 0 on the last one, negative afterwards."""

    certificate: IdpCertificate
    state: CertificateState
    days_left: int


@dataclass(frozen=True, slots=True)
class CertificateWarning:
    """The one thing to say about the certificates of an IdP: which ends, and whether another one goes on."""

    certificate: IdpCertificate
    expired: bool
    days_left: int
    next_is_here: bool


def watch(certificates: Sequence[IdpCertificate], now: datetime) -> tuple[WatchedCertificate, ...]:
    """Return every certificate with how it stands. The instant of expiry is expired."""
    ending = [one for one in certificates if now < one.not_after < now + WARN_BEFORE]
    return tuple(WatchedCertificate(one, _state(one, ending, now), _days_left(one, now)) for one in certificates)


def warning(certificates: Sequence[IdpCertificate], now: datetime) -> CertificateWarning | None:
    """Return what an admin has to know 60 days ahead, or None when there is nothing.

    An old certificate beside a good one is no news: the IdP has rolled over.
    """
    alive = sorted((one for one in certificates if now < one.not_after), key=lambda one: one.not_after)
    if not certificates:
        return None
    if not alive:
        last = max(certificates, key=lambda one: one.not_after)
        return CertificateWarning(last, True, _days_left(last, now), False)
    if alive[0].not_after >= now + WARN_BEFORE:
        return None
    return CertificateWarning(alive[0], False, _days_left(alive[0], now), alive[-1].not_after >= now + WARN_BEFORE)


def announcement(told: CertificateWarning) -> int | None:
    """Return which of ANNOUNCED_BEFORE an end is announced as now, or None when it needs no letter: the next one is here, or it is over."""
    return None if told.expired or told.next_is_here else announced_at(told.days_left)


def announced_at(days_left: int) -> int | None:
    """Return which of ANNOUNCED_BEFORE an end in so many whole days is announced as, or None when it is too early."""
    return min((days for days in ANNOUNCED_BEFORE if days_left < days), default=None)


def _state(one: IdpCertificate, ending: Sequence[IdpCertificate], now: datetime) -> CertificateState:
    if now >= one.not_after:
        return CertificateState.EXPIRED
    if one in ending:
        return CertificateState.SOON
    return CertificateState.NEXT if ending else CertificateState.GOOD


def _days_left(one: IdpCertificate, now: datetime) -> int:
    return (one.not_after - now).days
