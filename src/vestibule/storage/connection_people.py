"""How many people a connection concerns: by domain for enforcement, by link and session for what it holds."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Integer, bindparam, case, func, select

from vestibule.directory.end_users import EndUserStatus
from vestibule.directory.impact import Population, Ties
from vestibule.storage.database import Transaction
from vestibule.storage.prepared import Prepared
from vestibule.storage.tables import end_users, environment_access, identity_links, sessions

_COUNT: Final = Prepared(
    select(func.count().label("number")).select_from(
        select(environment_access.c.end_user_id)
        .where(
            environment_access.c.workspace_id == bindparam("in_workspace"),
            environment_access.c.environment_id == bindparam("in_environment"),
        )
        .limit(bindparam("most", type_=Integer))
        .subquery()
    )
)


def count_people(tx: Transaction, workspace_id: str, environment_id: str, limit: int) -> int:
    """Return how many people have access to an environment, `limit` at most: no page waits for a count of everybody."""
    values = {"in_workspace": workspace_id, "in_environment": environment_id, "most": limit}
    return int(_COUNT.rows(tx, values)[0].number)


def populations(tx: Transaction, workspace_id: str, environment_id: str) -> tuple[Population, ...]:
    """Return the people with access to an environment by the domain of their address. Deactivated ones don't count.

    It reads everybody: for confirmation pages, and for lists only where `count_people` said that they are few.
    """
    domain = domain_of(tx, end_users.c.email_key)
    query = (
        select(domain.label("domain"), func.count(), func.sum(case((end_users.c.password_hash.is_(None), 1), else_=0)))
        .select_from(environment_access.join(end_users, end_users.c.id == environment_access.c.end_user_id))
        .where(
            environment_access.c.workspace_id == workspace_id,
            environment_access.c.environment_id == environment_id,
            end_users.c.status != EndUserStatus.DEACTIVATED.value,
        )
        .group_by(domain)
    )
    return tuple(Population(row[0], row[1], int(row[2])) for row in tx.execute(query))


def ties(tx: Transaction, workspace_id: str, connection_id: str, now: datetime) -> Ties:
    """Return how many people are linked through a connection, and how many live sessions began through it."""
    links = select(func.count()).where(
        identity_links.c.workspace_id == workspace_id, identity_links.c.connection_id == connection_id
    )
    live = select(func.count()).where(
        sessions.c.workspace_id == workspace_id, sessions.c.connection_id == connection_id, sessions.c.expires_at > now
    )
    row = tx.execute(select(links.scalar_subquery(), live.scalar_subquery())).one()
    return Ties(row[0], row[1])


def domain_of(tx: Transaction, email_key: Any) -> Any:
    """Return the expression for the domain of an address."""
    # An address has one @ only: kernel.text lets no other in.
    if tx.dialect.name == "sqlite":
        return func.substr(email_key, func.instr(email_key, "@") + 1)
    return func.split_part(email_key, "@", 2)
