"""The group map of a connection: which group here a value stands for that its IdP sends. And finding groups for what was sent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import delete, insert, literal, select, union_all

from vestibule.directory.provisioning import MapEntry, value_key
from vestibule.directory.sources import Source
from vestibule.storage.database import Transaction
from vestibule.storage.tables import connections, group_map, groups


def list_entries(tx: Transaction, workspace_id: str, connection_id: str) -> tuple[MapEntry, ...]:
    """Return the map of a connection, by value."""
    query = (
        select(group_map.c.value, group_map.c.group_id)
        .where(group_map.c.workspace_id == workspace_id, group_map.c.connection_id == connection_id)
        .order_by(group_map.c.value_key)
    )
    return tuple(MapEntry(row.value, row.group_id) for row in tx.execute(query))


def replace_entries(tx: Transaction, workspace_id: str, connection_id: str, entries: Iterable[MapEntry]) -> None:
    """Save the map of a connection, whose values must differ. Raises IntegrityError when a group is gone."""
    mine = (group_map.c.workspace_id == workspace_id, group_map.c.connection_id == connection_id)
    tx.execute(delete(group_map).where(*mine))
    rows = [
        {
            "connection_id": connection_id,
            "value_key": value_key(entry.value),
            "value": entry.value,
            "group_id": entry.group_id,
            "workspace_id": workspace_id,
        }
        for entry in entries
    ]
    if rows:
        tx.execute(insert(group_map), rows)


def find_groups(
    tx: Transaction, workspace_id: str, connection_id: str, values: Sequence[str], *, own: bool
) -> tuple[dict[str, str], dict[str, str]]:
    """Return the groups that values lead to by the map, and by name in the connection's environment: ids by `value_key`.

    With `own`, names lead only to groups that this very connection made. One statement, however many values. Everyone is never
    among them: it is the access itself.
    """
    keys = sorted({value_key(value) for value in values})
    mine = (connections.c.workspace_id == workspace_id, connections.c.id == connection_id)
    mapped = (
        select(literal("map").label("how"), group_map.c.value_key.label("key"), group_map.c.group_id.label("group_id"))
        .join(connections, connections.c.id == group_map.c.connection_id)
        .where(*mine, group_map.c.value_key.in_(keys))
    )
    named = (
        select(literal("name").label("how"), groups.c.name_key.label("key"), groups.c.id.label("group_id"))
        .join(connections, connections.c.environment_id == groups.c.environment_id)
        .where(*mine, groups.c.name_key.in_(keys), groups.c.built_in.is_(False))
    )
    if own:
        made_here = (groups.c.source == Source.JIT.value, groups.c.source_connection_id == connection_id)
        named = named.where(*made_here)
    found: dict[str, dict[str, str]] = {"map": {}, "name": {}}
    for row in tx.execute(union_all(mapped, named)):
        found[row.how][row.key] = row.group_id
    return found["map"], found["name"]
