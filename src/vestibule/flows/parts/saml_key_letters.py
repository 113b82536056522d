"""Telling admins in time that a certificate of our own keys ends: once for each number of days before, by one of all nodes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from vestibule.directory.activity import Event, Subject
from vestibule.directory.admins import AdminStatus, Permission
from vestibule.directory.certificate_watch import announced_at
from vestibule.directory.saml_keys import KeyUse, SealedKey, of_use
from vestibule.flows.parts.callers import system
from vestibule.flows.parts.posting import Letter, post
from vestibule.flows.parts.recording import record
from vestibule.flows.parts.runtime import Runtime
from vestibule.kernel.clock import day_in_words
from vestibule.saml.certificates import parse_certificate
from vestibule.storage import admins, certificate_letters, connections, saml_keys
from vestibule.storage.database import Transaction

_MOST_NAMED: Final = 20


def announce_own_ends(runtime: Runtime) -> int:
    """Write to the admins of every workspace whose keys end soon and have no successor yet; return how many were announced.

    One statement where nothing ends. A key is marked as announced in the transaction that puts the letters into the outbox.
    """
    now = runtime.clock()
    with runtime.database.reading() as tx:
        every = saml_keys.list_keys_of_all(tx, now)
    announced = 0
    for workspace_id in dict.fromkeys(key.workspace_id for key in every):
        ending = _ending([key for key in every if key.workspace_id == workspace_id], now)
        if ending:
            with runtime.database.transaction() as tx:
                announced += _announce(tx, runtime, workspace_id, ending, now)
    return announced


def _ending(keys: Sequence[SealedKey], now: datetime) -> list[tuple[SealedKey, int]]:
    found = []
    for use in KeyUse:
        published = of_use(keys, use, now)
        # A key that ends at a set time, or has its successor published, was seen to already.
        if published and published[0].ends_at is None and not any(key.active_at > now for key in published):
            left = parse_certificate(published[0].certificate).not_after - now
            days = announced_at(left.days) if left.days >= 0 else None
            if days is not None:
                found.append((published[0], days))
    return found


def _announce(
    tx: Transaction, runtime: Runtime, workspace_id: str, ending: Sequence[tuple[SealedKey, int]], now: datetime
) -> int:
    fresh = [key for key, days in ending if certificate_letters.mark_own(tx, workspace_id, key.id, days, now)]
    if not fresh:
        return 0
    certificates = {key.use.value: parse_certificate(key.certificate) for key in fresh}
    first = min(certificates.values(), key=lambda one: one.not_after)
    names = dict.fromkeys(one.idp.name for one in connections.list_connections(tx, workspace_id) if one.idp.complete)
    facts = {
        "day": day_in_words(first.not_after),
        "days": str((first.not_after - now).days),
        "signing": certificates["signing"].fingerprint if "signing" in certificates else "",
        "encryption": certificates["encryption"].fingerprint if "encryption" in certificates else "",
        "idps": ", ".join([*names][:_MOST_NAMED]),
    }
    details = {
        "until": f"{first.not_after:%Y-%m-%d}",
        "certificates": [one.fingerprint for one in certificates.values()],
    }
    record(
        tx,
        runtime,
        workspace_id,
        system(),
        Event("saml_keys.certificate_ends", Subject("saml_keys", None, "SAML"), details=details),
    )
    url = f"{runtime.public_url}/admin/settings/keys"
    for admin in admins.list_admins(tx, workspace_id):
        if admin.status is AdminStatus.ACTIVE and admin.may(Permission.MANAGE_AUTHENTICATION):
            post(tx, runtime, workspace_id, Letter("saml_key_ends", admin.email, admin.name, url, facts))
    return len(fresh)
