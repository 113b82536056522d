"""AuthnRequests that we sent, until they are answered or forgotten."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, func, insert, select, update

from vestibule.directory.sessions import SamlRequest
from vestibule.directory.workspaces import Environment, Workspace
from vestibule.storage.database import Transaction
from vestibule.storage.prepared import Prepared
from vestibule.storage.tables import connection_domains, connections, environments, saml_requests, workspaces
from vestibule.storage.workspaces import to_environment


@dataclass(frozen=True, slots=True)
class Arrival:
    """Where a response arrives: the connection's environment and workspace, the stored request if there is one, and the
    domains that other active connections of the environment are enforced for.
    """

    environment: Environment
    workspace: Workspace
    request: SamlRequest | None
    rival_entries: tuple[str, ...]


_INSERT: Final = insert(saml_requests)
_REQUEST: Final = tuple(column.label(f"request_{column.name}") for column in saml_requests.c)
_others = connections.alias("others")
_RIVALS: Final = (
    select(func.aggregate_strings(connection_domains.c.domain, ","))
    .join(_others, _others.c.id == connection_domains.c.connection_id)
    .where(
        connection_domains.c.environment_id == environments.c.id,
        _others.c.id != connections.c.id,
        _others.c.disabled.is_(False),
        _others.c.provisioning.is_not(None),
    )
    .correlate(environments, connections)
    .scalar_subquery()
    .label("rivals")
)
ARRIVAL: Final = Prepared(
    select(
        environments,
        workspaces.c.name.label("workspace_name"),
        workspaces.c.help_contact,
        workspaces.c.created_at.label("workspace_created_at"),
        *_REQUEST,
        _RIVALS,
    )
    .select_from(connections)
    .join(environments, environments.c.id == connections.c.environment_id)
    .join(workspaces, workspaces.c.id == connections.c.workspace_id)
    .outerjoin(saml_requests, saml_requests.c.id == bindparam("request_id"))
    .where(connections.c.id == bindparam("connection_id"))
)
_USE: Final = Prepared(
    update(saml_requests)
    .where(
        saml_requests.c.id == bindparam("request_id"),
        saml_requests.c.workspace_id == bindparam("in_workspace"),
        saml_requests.c.used_at.is_(None),
    )
    .values(used_at=bindparam("now"))
)


_FIND_TEST: Final = select(*_REQUEST).where(
    saml_requests.c.id == bindparam("request_id"),
    saml_requests.c.connection_id == bindparam("connection_id"),
    saml_requests.c.admin_session_id.is_not(None),
)
_FINISH_TEST: Final = (
    update(saml_requests)
    .where(
        saml_requests.c.id == bindparam("request_id"),
        saml_requests.c.workspace_id == bindparam("in_workspace"),
        saml_requests.c.admin_session_id.is_not(None),
        saml_requests.c.used_at.is_(None),
    )
    .values(used_at=bindparam("now"), test_result=bindparam("result"), expires_at=bindparam("keep_until"))
)


def insert_request(tx: Transaction, request: SamlRequest) -> None:
    """Save a request before the browser is sent away with it."""
    tx.execute(
        _INSERT,
        {
            "id": request.id,
            "workspace_id": request.workspace_id,
            "environment_id": request.environment_id,
            "connection_id": request.connection_id,
            "browser_hash": request.browser_hash,
            "return_to": request.return_to,
            "created_at": request.created_at,
            "expires_at": request.expires_at,
            "typed_email": request.typed_email,
            "admin_session_id": request.admin_session_id,
            "test_values": request.test_values,
        },
    )


def find_arrival(tx: Transaction, connection_id: str, request_id: str | None) -> Arrival | None:
    """Return everything around a response at a connection, in one statement. The request may be used, expired or of another connection."""
    rows = ARRIVAL.rows(tx, {"connection_id": connection_id, "request_id": request_id})
    return to_arrival(rows[0]) if rows else None


def to_arrival(row: Any) -> Arrival:
    """Return an arrival of a row of `ARRIVAL`."""
    return Arrival(
        environment=to_environment(row),
        workspace=Workspace(row.workspace_id, row.workspace_name, row.help_contact, row.workspace_created_at),
        request=_request(row) if row.request_id is not None else None,
        rival_entries=tuple(row.rivals.split(",")) if row.rivals else (),
    )


def use_request(tx: Transaction, workspace_id: str, request_id: str, now: datetime) -> bool:
    """Use a request: True the first time, and False ever after, also when two answers arrive at the same instant."""
    return _USE.write(tx, {"request_id": request_id, "in_workspace": workspace_id, "now": now}) == 1


def find_test(tx: Transaction, connection_id: str, request_id: str) -> SamlRequest | None:
    """Return a test sign-in of a connection, whoever began it, finished or not."""
    row = tx.execute(_FIND_TEST, {"connection_id": connection_id, "request_id": request_id}).one_or_none()
    return None if row is None else _request(row)


def finish_test(
    tx: Transaction, workspace_id: str, request_id: str, result: bytes, now: datetime, keep_until: datetime
) -> bool:
    """Use the request of a test and keep its sealed result: True the first time, and False ever after."""
    values = {"request_id": request_id, "in_workspace": workspace_id, "now": now}
    return tx.execute(_FINISH_TEST, {**values, "result": result, "keep_until": keep_until}).rowcount == 1


def _request(row: Any) -> SamlRequest:
    return SamlRequest(
        id=row.request_id,
        workspace_id=row.request_workspace_id,
        environment_id=row.request_environment_id,
        connection_id=row.request_connection_id,
        browser_hash=row.request_browser_hash,
        return_to=row.request_return_to,
        created_at=row.request_created_at,
        expires_at=row.request_expires_at,
        used_at=row.request_used_at,
        typed_email=row.request_typed_email,
        admin_session_id=row.request_admin_session_id,
        test_values=row.request_test_values,
        test_result=row.request_test_result,
    )
