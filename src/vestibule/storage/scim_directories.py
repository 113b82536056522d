"""The directory behind a connection: its tokens, of which only hashes are kept, when it was last here, and its stop line."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, delete, func, insert, select, update

from vestibule.directory.connections import Provisioning
from vestibule.directory.scim import (
    MOST_PEOPLE,
    MOST_PERCENT,
    MOST_TOKENS,
    STOP_WINDOW,
    Caller,
    Directory,
    ScimToken,
    StopLine,
)
from vestibule.storage.database import Transaction
from vestibule.storage.inserting import PreparedInsert, insert_into
from vestibule.storage.prepared import Prepared
from vestibule.storage.tables import connection_domains, connections, identity_providers, scim_departures
from vestibule.storage.tables import scim_directories as directories
from vestibule.storage.tables import scim_tokens as tokens

_others = connections.alias("others")
# Who calls, as far as a look needs it.
LOOKER: Final = (
    select(
        *(tokens.c[name].label(f"token_{name}") for name in ("id", "name", "created_at", "expires_at", "last_used_at")),
        tokens.c.workspace_id.label("token_workspace_id"),
        tokens.c.connection_id.label("token_connection_id"),
        connections.c.environment_id,
        connections.c.idp_id,
        connections.c.provisioning,
        connections.c.disabled,
        identity_providers.c.name.label("idp_name"),
    )
    .select_from(tokens)
    .join(connections, connections.c.id == tokens.c.connection_id)
    .join(identity_providers, identity_providers.c.id == connections.c.idp_id)
    .where(tokens.c.token_hash == bindparam("token_hash"), tokens.c.connection_id == bindparam("connection_id"))
)
_CALLER: Final = Prepared(
    LOOKER.add_columns(
        connections.c.all_domains,
        directories.c.most_people,
        directories.c.most_percent,
        directories.c.held_at,
        directories.c.let_through_until,
        select(func.aggregate_strings(connection_domains.c.domain, ","))
        .where(connection_domains.c.connection_id == connections.c.id)
        .scalar_subquery()
        .label("domains"),
        select(func.aggregate_strings(connection_domains.c.domain, ","))
        .join(_others, _others.c.id == connection_domains.c.connection_id)
        .where(
            connection_domains.c.environment_id == connections.c.environment_id,
            _others.c.id != connections.c.id,
            _others.c.disabled.is_(False),
            _others.c.provisioning.is_not(None),
        )
        .correlate(connections)
        .scalar_subquery()
        .label("rivals"),
    ).outerjoin(directories, directories.c.connection_id == connections.c.id)
)
_STOP_LINE: Final = Prepared(
    select(directories)
    .where(
        directories.c.workspace_id == bindparam("in_workspace"),
        directories.c.connection_id == bindparam("in_connection"),
    )
    .with_for_update()
)
_COUNT_DEPARTURES: Final = Prepared(
    select(func.count().label("number"))
    .select_from(scim_departures)
    .where(
        scim_departures.c.connection_id == bindparam("in_connection"),
        scim_departures.c.counts_until > bindparam("now"),
        # Farther ahead only a clock that was wrong has put them.
        scim_departures.c.counts_until < bindparam("farthest"),
        scim_departures.c.scim_user_id != bindparam("without"),
    )
)
_NOTE_DEPARTURE: Final = PreparedInsert(
    scim_departures,
    lambda new: new.on_conflict_do_update(
        index_elements=["connection_id", "scim_user_id"], set_={"counts_until": new.excluded.counts_until}
    ),
)


def find_caller(tx: Transaction, connection_id: str, token_hash: str) -> Caller | None:
    """Return who calls with a token of a connection, expired or not, in one statement. Both values are untrusted."""
    found = _CALLER.rows(tx, {"connection_id": connection_id, "token_hash": token_hash})
    if not found:
        return None
    row = found[0]
    return replace(
        to_looker(row),
        all_domains=row.all_domains,
        domains=tuple(row.domains.split(",")) if row.domains else (),
        rival_entries=tuple(row.rivals.split(",")) if row.rivals else (),
        stop_line=_stop_line(row),
    )


def to_looker(row: Any) -> Caller:
    """Make a Caller of a row of LOOKER: who may look, and reaches nobody."""
    return Caller(
        token=ScimToken(
            row.token_id, row.token_name, row.token_created_at, row.token_expires_at, row.token_last_used_at
        ),
        workspace_id=row.token_workspace_id,
        connection_id=row.token_connection_id,
        environment_id=row.environment_id,
        idp_id=row.idp_id,
        name=row.idp_name,
        provisioning=Provisioning(row.provisioning) if row.provisioning else None,
        disabled=row.disabled,
    )


def open_directory(tx: Transaction, workspace_id: str, connection_id: str, now: datetime) -> None:
    """Make sure that a connection has a directory, with the stop line where it is by default."""
    values = {
        "connection_id": connection_id,
        "workspace_id": workspace_id,
        "most_people": MOST_PEOPLE,
        "most_percent": MOST_PERCENT,
        "created_at": now,
    }
    tx.execute(insert_into(tx, directories).values(values).on_conflict_do_nothing(index_elements=["connection_id"]))


def find_directory(tx: Transaction, workspace_id: str, connection_id: str) -> Directory | None:
    """Return the directory behind a connection with its tokens, oldest first."""
    mine = (directories.c.workspace_id == workspace_id, directories.c.connection_id == connection_id)
    row = tx.execute(select(directories).where(*mine)).one_or_none()
    if row is None:
        return None
    query = select(tokens).where(tokens.c.workspace_id == workspace_id, tokens.c.connection_id == connection_id)
    found = tuple(
        ScimToken(one.id, one.name, one.created_at, one.expires_at, one.last_used_at)
        for one in tx.execute(query.order_by(tokens.c.id))
    )
    return Directory(connection_id, _stop_line(row), row.last_contact_at, found)


def insert_token(
    tx: Transaction, workspace_id: str, connection_id: str, token: ScimToken, token_hash: str, now: datetime
) -> bool:
    """Save a token in a free slot, which one that has expired gives up; False when both are taken. Two at once: AlreadyTaken."""
    mine = (tokens.c.workspace_id == workspace_id, tokens.c.connection_id == connection_id)
    tx.execute(delete(tokens).where(*mine, tokens.c.expires_at <= now))
    taken = set(tx.execute(select(tokens.c.slot).where(*mine)).scalars())
    free = [slot for slot in range(1, MOST_TOKENS + 1) if slot not in taken]
    if not free:
        return False
    tx.execute(
        insert(tokens).values(
            id=token.id,
            workspace_id=workspace_id,
            connection_id=connection_id,
            slot=free[0],
            name=token.name,
            token_hash=token_hash,
            created_at=token.created_at,
            expires_at=token.expires_at,
        )
    )
    return True


def delete_token(tx: Transaction, workspace_id: str, connection_id: str, token_id: str) -> str | None:
    """Revoke a token of a connection; return its name, or None when it was not there."""
    mine = (tokens.c.workspace_id == workspace_id, tokens.c.connection_id == connection_id, tokens.c.id == token_id)
    name: str | None = tx.execute(delete(tokens).where(*mine).returning(tokens.c.name)).scalar_one_or_none()
    return name


def note_contact(tx: Transaction, caller: Caller, now: datetime) -> None:
    """Note that a directory was here with a token."""
    # In this order: whoever passes the stop line has the directory locked already.
    tx.execute(_directory(caller.workspace_id, caller.connection_id).values(last_contact_at=now))
    mine = (tokens.c.workspace_id == caller.workspace_id, tokens.c.id == caller.token.id)
    tx.execute(update(tokens).where(*mine).values(last_used_at=now))


def lock_stop_line(tx: Transaction, workspace_id: str, connection_id: str) -> StopLine:
    """Return the stop line of a connection, which nobody else passes until this transaction ends."""
    found = _STOP_LINE.rows(tx, {"in_workspace": workspace_id, "in_connection": connection_id})
    return _stop_line(found[0] if found else None)


def update_stop_line(tx: Transaction, workspace_id: str, connection_id: str, **values: Any) -> None:
    """Change columns of the stop line."""
    tx.execute(_directory(workspace_id, connection_id).values(**values))


def hold(tx: Transaction, workspace_id: str, connection_id: str, now: datetime) -> bool:
    """Begin to hold departures; False when they are held already."""
    held = _directory(workspace_id, connection_id).where(directories.c.held_at.is_(None)).values(held_at=now)
    return tx.execute(held).rowcount == 1


def count_departures(tx: Transaction, connection_id: str, now: datetime, without: str) -> int:
    """Return whose access a directory ended within the hour, the user who is about to leave left out."""
    values = {"in_connection": connection_id, "now": now, "farthest": now + 2 * STOP_WINDOW, "without": without}
    found = _COUNT_DEPARTURES.rows(tx, values)
    return int(found[0].number)


def note_departure(tx: Transaction, caller: Caller, scim_user_id: str, counts_until: datetime) -> None:
    """Count that a directory ended somebody's access."""
    row = {
        "connection_id": caller.connection_id,
        "scim_user_id": scim_user_id,
        "workspace_id": caller.workspace_id,
        "counts_until": counts_until,
    }
    _NOTE_DEPARTURE.write_later(tx, row)


def held_directories(tx: Transaction, workspace_id: str) -> tuple[str, ...]:
    """Return the connections whose departures are held."""
    query = select(directories.c.connection_id).where(
        directories.c.workspace_id == workspace_id, directories.c.held_at.is_not(None)
    )
    return tuple(tx.execute(query).scalars())


def _directory(workspace_id: str, connection_id: str) -> Any:
    return update(directories).where(
        directories.c.workspace_id == workspace_id, directories.c.connection_id == connection_id
    )


def _stop_line(row: Any) -> StopLine:
    if row is None or row.most_people is None:
        return StopLine()
    return StopLine(row.most_people, row.most_percent, row.held_at, row.let_through_until)
