"""Facts about the whole install, for the operator: the database's clock, the newest entry, certificates near their end."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import func, select

from vestibule.directory.checkup import EndingCertificate
from vestibule.storage.database import Transaction
from vestibule.storage.tables import activity, connections, identity_providers, idp_certificates, workspaces


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
    used = (
        select(connections.c.id)
        .where(connections.c.idp_id == identity_providers.c.id, connections.c.disabled.is_(False))
        .exists()
    )
    query = (
        select(
            workspaces.c.name.label("workspace"),
            identity_providers.c.name,
            idp_certificates.c.fingerprint,
            idp_certificates.c.not_after,
        )
        .join(identity_providers, identity_providers.c.id == idp_certificates.c.idp_id)
        .join(workspaces, workspaces.c.id == identity_providers.c.workspace_id)
        .where(idp_certificates.c.not_after < before, used)
        .order_by(idp_certificates.c.not_after, identity_providers.c.id)
    )
    return tuple(
        EndingCertificate(row.workspace, row.name, row.fingerprint, row.not_after) for row in tx.execute(query)
    )
