"""Metadata that is read again: what changed in it, what may be applied by itself, and when it is read next. Pure."""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from vestibule.directory.connections import IdentityProvider, IdpCertificate, IdpValues, LogoutEndpoints

READ_EVERY: Final = timedelta(days=1)
# The readings of many IdPs spread over this time, by their ids, so that they don't all fall on one minute.
SPREAD: Final = timedelta(hours=6)
# However short the metadata says that it may be kept, it is read no more often than this.
SOONEST: Final = timedelta(hours=1)
RETRY_AFTER: Final = tuple(timedelta(minutes=minutes) for minutes in (5, 20, 60, 180, 360))
# A sign-in whose signature nobody here knows has the metadata read at once, no more often than this.
ASK_AGAIN_AFTER: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Reading:
    """How an IdP's metadata is read: when next, whether changes are applied by themselves, and since when reading fails."""

    applies_changes: bool = True
    due_at: datetime | None = None
    failures: int = 0
    failure: str | None = None
    failing_since: datetime | None = None
    asked_at: datetime | None = None
    answered_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class FoundChange:
    """What metadata says by now, and nobody agreed to. `digest` names exactly these values."""

    digest: str
    values: IdpValues
    dismissed: bool
    found_at: datetime


@dataclass(frozen=True, slots=True)
class ValuesDifference:
    """Where two sets of an IdP's values differ: certificates that come and go, and each other value before and after."""

    added: tuple[IdpCertificate, ...]
    removed: tuple[IdpCertificate, ...]
    changed: Mapping[str, tuple[Any, Any]]

    def __bool__(self) -> bool:
        """Say whether there is any difference."""
        return bool(self.added or self.removed or self.changed)


def difference_of(before: IdpValues, after: IdpValues) -> ValuesDifference:
    """Return where the values of an IdP differ. In which order certificates stand says nothing."""
    old = {one.fingerprint for one in before.certificates}
    new = {one.fingerprint for one in after.certificates}
    left, right = _plain(before), _plain(after)
    return ValuesDifference(
        added=tuple(one for one in after.certificates if one.fingerprint not in old),
        removed=tuple(one for one in before.certificates if one.fingerprint not in new),
        changed={name: (left[name], right[name]) for name in left if left[name] != right[name]},
    )


def _plain(values: IdpValues) -> dict[str, Any]:
    """Return each value but certificates under a name of its own."""
    kept = ("entity_id", "sso_redirect_url", "sso_post_url", "wants_signed_requests")
    logout = {f"logout_{name}": value for name, value in asdict(values.logout).items()}
    return {**{name: getattr(values, name) for name in kept}, **logout}


def needs_a_look(before: IdpValues, after: IdpValues) -> bool:
    """Say whether a change is too much to be applied by itself: another entity ID, or a host where people were not sent before.

    Whoever can change the metadata alone must not be able to send people to a server of their own.
    """
    return before.entity_id != after.entity_id or not hosts_of(after) <= hosts_of(before)


def rolled_over(before: IdpValues, found: IdpValues, values: IdpValues) -> tuple[IdpCertificate, ...]:
    """Return the certificates that came to metadata after a change was `found` in it that waits or was dismissed.

    The IdP goes on as it was meanwhile, and signs with them. What was found together with the change waits with it, and so does
    everything of another entity or beside a further change.
    """
    since = difference_of(found, values)
    if before.entity_id != values.entity_id or since.changed:
        return ()
    return tuple(one for one in difference_of(before, values).added if one in since.added)


def hosts_of(values: IdpValues) -> set[tuple[str, str]]:
    """Return scheme and host of every address to which browsers are sent."""
    found = {url for url in (values.sso_redirect_url, values.sso_post_url) if url} | values.logout.urls
    return {(url.scheme, url.netloc.lower()) for url in map(urlsplit, found)}


def next_reading(idp_id: str, now: datetime, failures: int = 0, fresh_until: datetime | None = None) -> datetime:
    """Return when the metadata of an IdP is read next: daily, and sooner after `failures` in a row.

    Sooner, too, where the metadata says itself that it is old by `fresh_until` (saml-metadata 2.3.1): hourly at most.
    """
    if failures:
        return now + RETRY_AFTER[min(failures, len(RETRY_AFTER)) - 1]
    share = int.from_bytes(hashlib.sha256(idp_id.encode()).digest()[:4], "big") / 2**32
    usual = now + READ_EVERY - SPREAD * share
    return usual if fresh_until is None else max(now + SOONEST, min(usual, fresh_until))


def values_of(idp: IdentityProvider) -> IdpValues | None:
    """Return the values of an IdP as they are in use, or None where its set-up was not finished."""
    if idp.entity_id is None:
        return None
    return IdpValues(**{one.name: getattr(idp, one.name) for one in fields(IdpValues)})


def dump_values(values: IdpValues) -> dict[str, Any]:
    """Return values as they are stored until somebody agreed to them."""
    stored = {one.name: getattr(values, one.name) for one in fields(IdpValues)}
    stored["logout"] = asdict(values.logout)
    if values.metadata_certificate is not None:
        stored["metadata_certificate"] = b64encode(values.metadata_certificate).decode()
    stored["certificates"] = [
        {
            "der": b64encode(one.der).decode(),
            "subject": one.subject,
            "fingerprint": one.fingerprint,
            "not_before": one.not_before.isoformat(),
            "not_after": one.not_after.isoformat(),
        }
        for one in values.certificates
    ]
    return stored


def load_values(stored: Mapping[str, Any]) -> IdpValues:
    """Return values as `dump_values` wrote them."""
    certificates = tuple(
        IdpCertificate(
            b64decode(one["der"]),
            one["subject"],
            one["fingerprint"],
            datetime.fromisoformat(one["not_before"]),
            datetime.fromisoformat(one["not_after"]),
        )
        for one in stored["certificates"]
    )
    kept = {one.name for one in fields(IdpValues)} - {"certificates", "logout", "metadata_certificate"}
    rest = {name: stored[name] for name in kept if name in stored}
    pinned = stored.get("metadata_certificate")
    return IdpValues(
        certificates=certificates,
        logout=LogoutEndpoints(**stored["logout"]),
        metadata_certificate=b64decode(pinned) if pinned else None,
        **rest,
    )
