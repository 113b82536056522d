"""Knocks: people with a good assertion whom nobody let in yet. One row for each subject of a connection, however often they try."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, delete, func, literal, select, tuple_

from vestibule.directory.sessions import Knock, KnockReason, Subject
from vestibule.kernel.text import email_key
from vestibule.storage.database import Transaction
from vestibule.storage.inserting import insert_into
from vestibule.storage.prepared import Prepared
from vestibule.storage.tables import connections, identity_providers, knocks
from vestibule.storage.types import Instant, Key

# A flood of knocks must not make a page of thousands, nor a count of millions.
MOST_COUNTED: Final = 1000
_answered = knocks.c.end_user_id == bindparam("whose")
_DELETE_ANSWERED: Final = Prepared(
    delete(knocks).where(
        knocks.c.workspace_id == bindparam("in_workspace"),
        knocks.c.environment_id == bindparam("in_environment"),
        (_answered & (knocks.c.reason != KnockReason.ADDRESS_REUSED.value))
        | ((knocks.c.email_key == bindparam("address")) & (knocks.c.end_user_id.is_(None) | ~_answered)),
    )
)


def knock(
    tx: Transaction,
    *,
    knock_id: str,
    workspace_id: str,
    environment_id: str,
    connection_id: str,
    subject: Subject,
    email: str | None,
    full_name: str | None,
    reason: KnockReason,
    end_user_id: str | None,
    now: datetime,
) -> None:
    """Note that a verified subject of a connection wanted in, in one statement; another try counts up and renews what was said.

    `email` is cleaned, `full_name` tidied and bounded, as they were asserted. `end_user_id` is the person whose account
    it would be (no_access, address_reused).
    """
    said = {
        "email": email,
        "email_key": email_key(email) if email else None,
        "full_name": full_name,
        "reason": reason.value,
        "end_user_id": end_user_id,
        "last_at": now,
    }
    first = insert_into(tx, knocks).values(
        id=knock_id,
        workspace_id=workspace_id,
        environment_id=environment_id,
        connection_id=connection_id,
        subject_key=subject.key,
        subject_kind=subject.kind,
        subject_value=subject.value,
        attempts=1,
        first_at=now,
        **said,
    )
    again = {**said, "attempts": knocks.c.attempts + 1}
    tx.execute(first.on_conflict_do_update(index_elements=["connection_id", "subject_key"], set_=again))


def list_knocks(
    tx: Transaction,
    workspace_id: str,
    *,
    before: tuple[datetime, str] | None = None,
    after: tuple[datetime, str] | None = None,
    size: int,
) -> tuple[Knock, ...]:
    """Return up to `size` of those who wait, the latest try first.

    They are older than the (last_at, id) `before`, or the nearest ones that are newer than `after`.
    """
    query, place = _knocks(workspace_id), (knocks.c.last_at, knocks.c.id)
    if after is not None:
        newer = query.where(tuple_(*place) > _bound(after)).order_by(*place).limit(size)
        return tuple(_knock(row) for row in reversed(tx.execute(newer).all()))
    if before is not None:
        query = query.where(tuple_(*place) < _bound(before))
    older = query.order_by(*(column.desc() for column in place)).limit(size)
    return tuple(_knock(row) for row in tx.execute(older))


def find_knock(tx: Transaction, workspace_id: str, knock_id: str) -> Knock | None:
    """Return one who waits."""
    row = tx.execute(_knocks(workspace_id).where(knocks.c.id == knock_id)).one_or_none()
    return _knock(row) if row else None


def count_knocks(tx: Transaction, workspace_id: str) -> int:
    """Return how many wait, counting no further than MOST_COUNTED + 1."""
    some = select(knocks.c.id).where(knocks.c.workspace_id == workspace_id).limit(MOST_COUNTED + 1).subquery()
    return tx.execute(select(func.count()).select_from(some)).scalar_one()


def delete_knock(tx: Transaction, workspace_id: str, knock_id: str) -> bool:
    """Forget one knock; return whether it was there."""
    return (
        tx.execute(delete(knocks).where(knocks.c.workspace_id == workspace_id, knocks.c.id == knock_id)).rowcount == 1
    )


def delete_answered(tx: Transaction, workspace_id: str, environment_id: str, end_user_id: str, email: str) -> None:
    """Forget the knocks at an environment of somebody who may now enter it.

    Not one that came with the address of this very account under another identity: whom that is, an admin has to say.
    """
    whose = {"in_workspace": workspace_id, "in_environment": environment_id, "whose": end_user_id}
    _DELETE_ANSWERED.write_later(tx, {**whose, "address": email_key(email)})


def _bound(moment: tuple[datetime, str]) -> Any:
    return tuple_(literal(moment[0], Instant), literal(moment[1], Key))


def _knocks(workspace_id: str) -> Any:
    return (
        select(knocks, identity_providers.c.name.label("connection_name"))
        .join(connections, connections.c.id == knocks.c.connection_id)
        .join(identity_providers, identity_providers.c.id == connections.c.idp_id)
        .where(knocks.c.workspace_id == workspace_id)
    )


def _knock(row: Any) -> Knock:
    return Knock(
        id=row.id,
        environment_id=row.environment_id,
        connection_id=row.connection_id,
        connection_name=row.connection_name,
        subject=Subject(row.subject_kind, row.subject_value),
        email=row.email,
        full_name=row.full_name,
        reason=KnockReason(row.reason),
        attempts=row.attempts,
        first_at=row.first_at,
        last_at=row.last_at,
        end_user_id=row.end_user_id,
    )
