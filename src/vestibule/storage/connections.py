"""Connections with their identity provider, certificates and domains, read in one statement; and their changes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import bindparam, delete, func, insert, null, select, update

from vestibule.directory.activity import Outcome
from vestibule.directory.authn_requests import AuthnRequestOptions, Comparison
from vestibule.directory.connections import Connection, IdpInitiated, Provisioning
from vestibule.directory.mapping import AttributeMapping, mapping_from
from vestibule.directory.provisioning import GroupsBy, JitRules, UnknownGroups
from vestibule.storage.database import Transaction, take_time
from vestibule.storage.identity_providers import to_idp
from vestibule.storage.prepared import Prepared
from vestibule.storage.tables import activity, connection_domains, connections, idp_certificates, sessions
from vestibule.storage.tables import identity_providers as idps

SIGN_IN_ACTION: Final = "end_user.sign_in"
_DOMAINS: Final = (
    select(func.aggregate_strings(connection_domains.c.domain, ","))
    .where(connection_domains.c.connection_id == connections.c.id)
    .scalar_subquery()
    .label("domains")
)
_LAST_SIGN_IN: Final = (
    select(activity.c.at)
    .where(
        activity.c.connection_id == connections.c.id,
        activity.c.action == SIGN_IN_ACTION,
        activity.c.outcome == Outcome.DONE.value,
    )
    .order_by(activity.c.id.desc())
    .limit(1)
    .scalar_subquery()
    .label("last_sign_in_at")
)


def _whole(last_sign_in: Any) -> Any:
    """Select connections with all that belongs to them: one row per certificate, or one without."""
    return (
        select(
            connections,
            *(column.label(f"idp_{column.name}") for column in idps.c if column.name != "id"),
            *(column.label(f"cert_{column.name}") for column in idp_certificates.c),
            _DOMAINS,
            last_sign_in,
        )
        .join(idps, idps.c.id == connections.c.idp_id)
        .outerjoin(idp_certificates, idp_certificates.c.idp_id == connections.c.idp_id)
        .order_by(connections.c.id, idp_certificates.c.position)
    )


# Built once: each sign-in runs it, and building a statement costs more than running it.
_BY_ID: Final = _whole(null().label("last_sign_in_at")).where(connections.c.id == bindparam("connection_id"))
LOAD: Final = Prepared(_BY_ID)
_FIND: Final = _BY_ID.where(connections.c.workspace_id == bindparam("workspace_id"))
_LIST: Final = _whole(null().label("last_sign_in_at")).where(connections.c.workspace_id == bindparam("workspace_id"))
_LIST_WITH_LAST: Final = _whole(_LAST_SIGN_IN).where(connections.c.workspace_id == bindparam("workspace_id"))


def load_connection(tx: Transaction, connection_id: str) -> Connection | None:
    """Return a connection of any workspace by its public id, whole, in one statement: for the IdP's and the browser's calls."""
    return next(iter(to_connections(LOAD.rows(tx, {"connection_id": connection_id}))), None)


def find_connection(tx: Transaction, workspace_id: str, connection_id: str) -> Connection | None:
    """Return a connection of the workspace, whole."""
    rows = tx.execute(_FIND, {"connection_id": connection_id, "workspace_id": workspace_id})
    return next(iter(to_connections(rows)), None)


def list_connections(
    tx: Transaction, workspace_id: str, environment_id: str | None = None, *, with_last_sign_in: bool = False
) -> tuple[Connection, ...]:
    """Return the connections of one environment, or of all, oldest first, in one statement.

    The last sign-in is read from the activity, and only where it is wanted.
    """
    query = _LIST_WITH_LAST if with_last_sign_in else _LIST
    if environment_id is not None:
        query = query.where(connections.c.environment_id == environment_id)
    return tuple(to_connections(tx.execute(query, {"workspace_id": workspace_id})))


def insert_connection(tx: Transaction, connection: Connection) -> None:
    """Save a new connection with its domains. Raises IntegrityError when a domain is claimed in the environment already."""
    tx.execute(
        insert(connections).values(
            id=connection.id,
            workspace_id=connection.workspace_id,
            environment_id=connection.environment_id,
            idp_id=connection.idp.id,
            all_domains=connection.all_domains,
            provisioning=connection.provisioning.value if connection.provisioning else None,
            disabled=connection.disabled,
            idp_initiated=connection.idp_initiated.value,
            sign_requests=connection.sign_requests,
            logs_out_at_idp=connection.logs_out_at_idp,
            **_provisioning_columns(connection.mapping, connection.jit),
            allow_cbc=connection.allow_cbc,
            refuse_expired=connection.refuse_expired,
            **_asking_columns(connection.asking),
            created_at=connection.created_at,
        )
    )
    _insert_domains(tx, connection, connection.domains)


def replace_domains(tx: Transaction, connection: Connection, domains: Iterable[str], *, all_domains: bool) -> None:
    """Enforce a connection for all domains, or for these. Raises IntegrityError when one is claimed in the environment already."""
    update_connection(tx, connection.workspace_id, connection.id, all_domains=all_domains)
    mine = (
        connection_domains.c.workspace_id == connection.workspace_id,
        connection_domains.c.connection_id == connection.id,
    )
    tx.execute(delete(connection_domains).where(*mine))
    _insert_domains(tx, connection, () if all_domains else domains)


def set_provisioning(tx: Transaction, workspace_id: str, connection_id: str, provisioning: Provisioning) -> None:
    """Save how people of a connection get an account; from then on it is active."""
    update_connection(tx, workspace_id, connection_id, provisioning=provisioning.value)


def set_mapping(
    tx: Transaction, workspace_id: str, connection_id: str, mapping: AttributeMapping, jit: JitRules
) -> None:
    """Save which attributes say what, and how people are provisioned just in time."""
    update_connection(tx, workspace_id, connection_id, **_provisioning_columns(mapping, jit))


def set_disabled(tx: Transaction, workspace_id: str, connection_id: str, *, disabled: bool) -> None:
    """Switch a connection off or on. Ending its sessions is `end_sessions`."""
    update_connection(tx, workspace_id, connection_id, disabled=disabled)


def set_sign_requests(tx: Transaction, workspace_id: str, connection_id: str, *, sign_requests: bool) -> None:
    """Save whether our requests are signed even where the IdP does not ask for it."""
    update_connection(tx, workspace_id, connection_id, sign_requests=sign_requests)


def set_refuse_expired(tx: Transaction, workspace_id: str, connection_id: str, *, refuse_expired: bool) -> None:
    """Save whether a signature counts whose certificate has ended."""
    update_connection(tx, workspace_id, connection_id, refuse_expired=refuse_expired)


def set_allow_cbc(tx: Transaction, workspace_id: str, connection_id: str, *, allow_cbc: bool) -> None:
    """Save whether what is encrypted with AES-CBC is opened, under a signature."""
    update_connection(tx, workspace_id, connection_id, allow_cbc=allow_cbc)


def set_asking(tx: Transaction, workspace_id: str, connection_id: str, asking: AuthnRequestOptions) -> None:
    """Save what our requests ask for."""
    update_connection(tx, workspace_id, connection_id, **_asking_columns(asking))


def set_idp_initiated(tx: Transaction, workspace_id: str, connection_id: str, mode: IdpInitiated) -> None:
    """Save what happens to a response that nobody asked for."""
    update_connection(tx, workspace_id, connection_id, idp_initiated=mode.value)


def update_connection(tx: Transaction, workspace_id: str, connection_id: str, **values: Any) -> None:
    """Change columns of one connection of the workspace."""
    mine = (connections.c.workspace_id == workspace_id, connections.c.id == connection_id)
    tx.execute(update(connections).where(*mine).values(**values))


def delete_connection(tx: Transaction, workspace_id: str, connection_id: str) -> bool:
    """Delete a connection with its domains, links, knocks, stored requests and sessions; return whether it was there. The IdP stays."""
    take_time(tx)
    mine = (connections.c.workspace_id == workspace_id, connections.c.id == connection_id)
    return tx.execute(delete(connections).where(*mine)).rowcount == 1


def end_sessions(tx: Transaction, workspace_id: str, connection_id: str) -> int:
    """End every session that began through a connection; return how many."""
    take_time(tx)
    mine = (sessions.c.workspace_id == workspace_id, sessions.c.connection_id == connection_id)
    return tx.execute(delete(sessions).where(*mine)).rowcount


def _provisioning_columns(mapping: AttributeMapping, jit: JitRules) -> dict[str, Any]:
    return {
        "attribute_mapping": mapping.as_dict(),
        "group_syncing": jit.group_syncing,
        "groups_by": jit.groups_by.value,
        "unknown_groups": jit.unknown_groups.value,
        "keep_in_sync": jit.keep_in_sync,
    }


def _asking_columns(asking: AuthnRequestOptions) -> dict[str, Any]:
    return {
        "force_authn": asking.force_authn,
        "name_id_format": asking.name_id_format,
        "allow_create": asking.allow_create,
        "authn_context_comparison": asking.comparison.value,
        "authn_context_classes": list(asking.context_classes),
    }


def _insert_domains(tx: Transaction, connection: Connection, domains: Iterable[str]) -> None:
    rows = [
        {
            "environment_id": connection.environment_id,
            "domain": domain,
            "connection_id": connection.id,
            "workspace_id": connection.workspace_id,
        }
        for domain in domains
    ]
    if rows:
        tx.execute(insert(connection_domains), rows)


def to_connections(rows: Iterable[Any]) -> Iterable[Connection]:
    """Return the connections of rows, each of which is one certificate of one of them."""
    grouped: dict[str, list[Any]] = {}
    for row in rows:
        grouped.setdefault(row.id, []).append(row)
    return [_connection(same) for same in grouped.values()]


def _connection(rows: list[Any]) -> Connection:
    row = rows[0]
    return Connection(
        id=row.id,
        workspace_id=row.workspace_id,
        environment_id=row.environment_id,
        idp=to_idp(rows, row.idp_id, "idp_"),
        all_domains=row.all_domains,
        domains=tuple(sorted(row.domains.split(","))) if row.domains else (),
        provisioning=Provisioning(row.provisioning) if row.provisioning else None,
        disabled=row.disabled,
        idp_initiated=IdpInitiated(row.idp_initiated),
        sign_requests=row.sign_requests,
        logs_out_at_idp=row.logs_out_at_idp,
        created_at=row.created_at,
        last_sign_in_at=row.last_sign_in_at,
        mapping=mapping_from(row.attribute_mapping),
        allow_cbc=row.allow_cbc,
        refuse_expired=row.refuse_expired,
        asking=AuthnRequestOptions(
            force_authn=row.force_authn,
            name_id_format=row.name_id_format,
            allow_create=row.allow_create,
            comparison=Comparison(row.authn_context_comparison),
            context_classes=tuple(row.authn_context_classes),
        ),
        jit=JitRules(row.group_syncing, GroupsBy(row.groups_by), UnknownGroups(row.unknown_groups), row.keep_in_sync),
    )
