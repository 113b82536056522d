"""A message of an identity provider that arrives at a connection: the connection and what is around it, on PostgreSQL in one round trip."""

from __future__ import annotations

from vestibule.directory.connections import Connection
from vestibule.storage.connections import LOAD, to_connections
from vestibule.storage.database import Transaction
from vestibule.storage.prepared import rows_together
from vestibule.storage.saml_requests import ARRIVAL, Arrival, to_arrival


def load_connection_and_arrival(
    tx: Transaction, connection_id: str, request_id: str | None
) -> tuple[Connection | None, Arrival | None]:
    """Return a connection of any workspace, whole, and everything around a message at it. Both ids are untrusted.

    The request may be used, expired or of another connection.
    """
    connections, arrivals = rows_together(
        tx,
        (LOAD, {"connection_id": connection_id}),
        (ARRIVAL, {"connection_id": connection_id, "request_id": request_id}),
    )
    return next(iter(to_connections(connections)), None), to_arrival(arrivals[0]) if arrivals else None
