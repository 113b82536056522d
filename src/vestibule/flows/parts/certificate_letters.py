"""Telling admins in time that a certificate of an IdP ends: once for each number of days before, by one of all nodes."""

from __future__ import annotations

from typing import Final

from vestibule.directory.activity import Event, Subject
from vestibule.directory.admins import AdminStatus, Permission
from vestibule.directory.certificate_watch import CertificateWarning, announcement, warning
from vestibule.directory.connections import Connection, IdentityProvider
from vestibule.flows.parts.callers import system
from vestibule.flows.parts.posting import Letter, post
from vestibule.flows.parts.recording import record
from vestibule.flows.parts.runtime import Runtime
from vestibule.kernel.clock import day_in_words
from vestibule.kernel.text import printable
from vestibule.storage import admins, certificate_letters, connections, metadata_readings, workspaces
from vestibule.storage.database import Transaction

_MOST_NAMED: Final = 20


def announce_ends(runtime: Runtime) -> int:
    """Write to the admins of every workspace about certificates that end soon; return how many ends were announced.

    An end is marked as announced in the transaction that puts the letters into the outbox.
    """
    now = runtime.clock()
    with runtime.database.reading() as tx:
        every = [workspace.id for workspace in workspaces.list_workspaces(tx)]
    announced = 0
    for workspace_id in every:
        with runtime.database.reading() as tx:
            found = [one for one in connections.list_connections(tx, workspace_id) if one.idp.complete]
        for users in _by_idp(found):
            told = warning(users[0].idp.certificates, now)
            days = announcement(told) if told else None
            if told is not None and days is not None:
                with runtime.database.transaction() as tx:
                    announced += _announce(tx, runtime, users, told, days)
    return announced


def _by_idp(every: list[Connection]) -> list[list[Connection]]:
    grouped: dict[str, list[Connection]] = {}
    for one in every:
        if not one.disabled:
            grouped.setdefault(one.idp.id, []).append(one)
    return list(grouped.values())


def _announce(tx: Transaction, runtime: Runtime, users: list[Connection], told: CertificateWarning, days: int) -> bool:
    idp, workspace_id, certificate = users[0].idp, users[0].workspace_id, told.certificate
    if not certificate_letters.mark(tx, workspace_id, idp.id, certificate.fingerprint, days, runtime.clock()):
        return False
    names = {one.id: one.name for one in workspaces.list_environments(tx, workspace_id)}
    places = [names[one.environment_id] for one in users][:_MOST_NAMED]
    facts = {
        "idp": idp.name,
        "day": day_in_words(certificate.not_after),
        "days": str(max(0, told.days_left)),
        "subject": printable(certificate.subject, 200),
        "fingerprint": certificate.fingerprint,
        "environments": ", ".join(places),
        "followed": _followed(tx, idp),
    }
    event = Event(
        "identity_provider.certificate_ends",
        Subject("identity_provider", idp.id, idp.name),
        details={
            "certificate": certificate.fingerprint,
            "until": f"{certificate.not_after:%Y-%m-%d}",
            "environments": places,
        },
    )
    record(tx, runtime, workspace_id, system(), event)
    url = f"{runtime.public_url}/admin/connections/{users[0].id}"
    for admin in admins.list_admins(tx, workspace_id):
        if admin.status is AdminStatus.ACTIVE and admin.may(Permission.MANAGE_AUTHENTICATION):
            post(tx, runtime, workspace_id, Letter("certificate_ends", admin.email, admin.name, url, facts))
    return True


def _followed(tx: Transaction, idp: IdentityProvider) -> str:
    """Return how the next certificate gets here: empty where an admin has to bring it."""
    reading = metadata_readings.find_reading(tx, idp.workspace_id, idp.id)
    if idp.metadata_url is None or reading.failing_since is not None:
        return ""
    found = metadata_readings.find_change(tx, idp.workspace_id, idp.id)
    if found is not None and not found.dismissed:
        return "waits"
    return "yes" if reading.applies_changes else "approval"
