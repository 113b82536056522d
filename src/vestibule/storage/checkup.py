"""Facts about the whole install, for the operator: the database's clock, the newest entry, certificates near their end."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from sqlalchemy import func, null, select

from vestibule.directory.checkup import EndingCertificate, MetadataTrouble
from vestibule.storage.database import Transaction
from vestibule.storage.tables import (
    activity,
    connections,
    identity_providers,
    idp_certificates,
    metadata_changes,
    metadata_readings,
    workspaces,
)

_USED: Final = (
    select(connections.c.id)
    .where(connections.c.idp_id == identity_providers.c.id, connections.c.disabled.is_(False))
    .exists()
)


def database_now(tx: Transaction) -> datetime | None:
    """Return the present by the database server's own clock; None for SQLite, which has none."""
    if tx.dialect.name == "sqlite":
        return None
    now: datetime = tx.execute(select(func.clock_timestamp())).scalar_one()
    return now.astimezone(UTC)


def newest_entry_at(tx: Transaction) -> datetime | None:
    """Return when the newest activity of the install was recorded: ids sort by time of birth."""
    return tx.execute(select(activity.c.at).order_by(activity.c.id.desc()).limit(1)).scalar_one_or_none()


def list_ending_certificates(tx: Transaction, before: datetime) -> tuple[EndingCertificate, ...]:
    """Return the signing certificates of IdPs in use that end before an instant, the first to end first."""
    query = (
        select(
            workspaces.c.name.label("workspace"),
            identity_providers.c.name,
            idp_certificates.c.fingerprint,
            idp_certificates.c.not_after,
        )
        .join(identity_providers, identity_providers.c.id == idp_certificates.c.idp_id)
        .join(workspaces, workspaces.c.id == identity_providers.c.workspace_id)
        .where(idp_certificates.c.not_after < before, _USED)
        .order_by(idp_certificates.c.not_after, identity_providers.c.id)
    )
    return tuple(
        EndingCertificate(row.workspace, row.name, row.fingerprint, row.not_after) for row in tx.execute(query)
    )


def list_metadata_trouble(tx: Transaction) -> tuple[MetadataTrouble, ...]:
    """Return what is wrong with the metadata of IdPs in use: what can't be read first, then what waits for approval."""
    told = (workspaces.c.name.label("workspace"), identity_providers.c.name)
    whose = identity_providers.c.metadata_url.is_not(None)
    failing = (
        select(*told, metadata_readings.c.failing_since.label("since"), metadata_readings.c.failure)
        .join(identity_providers, identity_providers.c.id == metadata_readings.c.idp_id)
        .join(workspaces, workspaces.c.id == identity_providers.c.workspace_id)
        .where(metadata_readings.c.failing_since.is_not(None), whose, _USED)
        .order_by(metadata_readings.c.failing_since, identity_providers.c.id)
    )
    waiting = (
        select(*told, metadata_changes.c.found_at.label("since"), null().label("failure"))
        .join(identity_providers, identity_providers.c.id == metadata_changes.c.idp_id)
        .join(workspaces, workspaces.c.id == identity_providers.c.workspace_id)
        .where(metadata_changes.c.dismissed.is_(False), whose, _USED)
        .order_by(metadata_changes.c.found_at, identity_providers.c.id)
    )
    rows = [*tx.execute(failing), *tx.execute(waiting)]
    return tuple(MetadataTrouble(row.workspace, row.name, row.since, row.failure) for row in rows)
