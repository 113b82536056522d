"""Identity providers of a workspace and their certificates. Their use by environments is `connections`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, delete, exists, insert, select, update

from vestibule.directory.connections import IdentityProvider, IdpCertificate, IdpValues, LogoutEndpoints
from vestibule.kernel.text import fold
from vestibule.storage.database import Transaction
from vestibule.storage.tables import connections, idp_certificates
from vestibule.storage.tables import identity_providers as table

_WHOLE: Final = (
    select(table, *(column.label(f"cert_{column.name}") for column in idp_certificates.c))
    .outerjoin(idp_certificates, idp_certificates.c.idp_id == table.c.id)
    .where(table.c.workspace_id == bindparam("workspace_id"))
    .order_by(table.c.id, idp_certificates.c.position)
)


def insert_idp(tx: Transaction, idp: IdentityProvider) -> None:
    """Save a new IdP, with what is known of it. Raises IntegrityError when the workspace has one of that name."""
    tx.execute(
        insert(table).values(
            id=idp.id,
            workspace_id=idp.workspace_id,
            name=idp.name,
            name_key=fold(idp.name),
            vendor=idp.vendor,
            entity_id=idp.entity_id,
            sso_redirect_url=idp.sso_redirect_url,
            sso_post_url=idp.sso_post_url,
            **_logout_columns(idp.logout),
            metadata_url=idp.metadata_url,
            metadata_certificate=idp.metadata_certificate,
            metadata_read_at=idp.metadata_read_at,
            wants_signed_requests=idp.wants_signed_requests,
            created_at=idp.created_at,
        )
    )
    _insert_certificates(tx, idp.workspace_id, idp.id, idp.certificates)


def list_idps(tx: Transaction, workspace_id: str) -> tuple[IdentityProvider, ...]:
    """Return the IdPs of the workspace, oldest first, in one statement."""
    return tuple(_idps(tx.execute(_WHOLE, {"workspace_id": workspace_id})))


def find_idp(tx: Transaction, workspace_id: str, idp_id: str) -> IdentityProvider | None:
    """Return one IdP of the workspace."""
    rows = tx.execute(_WHOLE.where(table.c.id == idp_id), {"workspace_id": workspace_id})
    return next(iter(_idps(rows)), None)


def find_idp_by_entity_id(
    tx: Transaction, workspace_id: str, entity_id: str, except_id: str
) -> IdentityProvider | None:
    """Return the oldest IdP of the workspace with an entity ID, other than `except_id`."""
    query = _WHOLE.where(table.c.entity_id == entity_id, table.c.id != except_id)
    return next(iter(_idps(tx.execute(query, {"workspace_id": workspace_id}))), None)


def update_idp_values(tx: Transaction, idp: IdentityProvider, values: IdpValues, read_at: datetime | None) -> None:
    """Replace what is known of an IdP, certificates included. `read_at` is when its metadata was read, if it was."""
    tx.execute(
        update(table)
        .where(table.c.workspace_id == idp.workspace_id, table.c.id == idp.id)
        .values(
            entity_id=values.entity_id,
            sso_redirect_url=values.sso_redirect_url,
            sso_post_url=values.sso_post_url,
            **_logout_columns(values.logout),
            metadata_url=values.metadata_url,
            metadata_certificate=values.metadata_certificate,
            metadata_read_at=read_at,
            wants_signed_requests=values.wants_signed_requests,
        )
    )
    mine = (idp_certificates.c.workspace_id == idp.workspace_id, idp_certificates.c.idp_id == idp.id)
    tx.execute(delete(idp_certificates).where(*mine))
    _insert_certificates(tx, idp.workspace_id, idp.id, values.certificates)


def note_metadata_read(tx: Transaction, workspace_id: str, idp_id: str, now: datetime) -> None:
    """Note that an IdP's metadata was read, whatever it says."""
    mine = (table.c.workspace_id == workspace_id, table.c.id == idp_id)
    tx.execute(update(table).where(*mine).values(metadata_read_at=now))


def rename_idp(tx: Transaction, workspace_id: str, idp_id: str, name: str, vendor: str) -> None:
    """Change an IdP's name and which vendor's hints it gets. Raises IntegrityError when the name is taken."""
    mine = (table.c.workspace_id == workspace_id, table.c.id == idp_id)
    tx.execute(update(table).where(*mine).values(name=name, name_key=fold(name), vendor=vendor))


def delete_unused_idp(tx: Transaction, workspace_id: str, idp_id: str) -> bool:
    """Delete an IdP that no connection uses; return whether it was deleted."""
    used = exists().where(connections.c.idp_id == table.c.id)
    gone = delete(table).where(table.c.workspace_id == workspace_id, table.c.id == idp_id, ~used)
    return tx.execute(gone).rowcount == 1


def _logout_columns(logout: LogoutEndpoints) -> dict[str, str | None]:
    return {
        "slo_redirect_url": logout.redirect_url,
        "slo_redirect_response_url": logout.redirect_response_url,
        "slo_post_url": logout.post_url,
        "slo_post_response_url": logout.post_response_url,
    }


def _insert_certificates(
    tx: Transaction, workspace_id: str, idp_id: str, certificates: Iterable[IdpCertificate]
) -> None:
    rows = [
        {
            "idp_id": idp_id,
            "fingerprint": certificate.fingerprint,
            "workspace_id": workspace_id,
            "position": position,
            "der": certificate.der,
            "subject": certificate.subject,
            "not_before": certificate.not_before,
            "not_after": certificate.not_after,
        }
        for position, certificate in enumerate(certificates)
    ]
    if rows:
        tx.execute(insert(idp_certificates), rows)


def _idps(rows: Iterable[Any]) -> Iterable[IdentityProvider]:
    grouped: dict[str, list[Any]] = {}
    for row in rows:
        grouped.setdefault(row.id, []).append(row)
    return [to_idp(same, same[0].id) for same in grouped.values()]


def to_idp(rows: list[Any], idp_id: str, prefix: str = "") -> IdentityProvider:
    """Make an IdentityProvider of rows that differ in their certificate (columns `cert_…`) only."""

    def of(name: str) -> Any:
        return getattr(rows[0], prefix + name)

    return IdentityProvider(
        id=idp_id,
        workspace_id=rows[0].workspace_id,
        name=of("name"),
        vendor=of("vendor"),
        entity_id=of("entity_id"),
        sso_redirect_url=of("sso_redirect_url"),
        sso_post_url=of("sso_post_url"),
        metadata_url=of("metadata_url"),
        metadata_certificate=of("metadata_certificate"),
        metadata_read_at=of("metadata_read_at"),
        wants_signed_requests=of("wants_signed_requests"),
        certificates=tuple(
            IdpCertificate(
                row.cert_der, row.cert_subject, row.cert_fingerprint, row.cert_not_before, row.cert_not_after
            )
            for row in rows
            if row.cert_fingerprint is not None
        ),
        created_at=of("created_at"),
        logout=LogoutEndpoints(
            of("slo_redirect_url"), of("slo_redirect_response_url"), of("slo_post_url"), of("slo_post_response_url")
        ),
    )
