"""Receipts: counting what is about to end with somebody's access, ending what apps that they lost were granted, and the rows."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    literal,
    select,
    tuple_,
    union_all,
    update,
)

from vestibule.directory.receipts import Ended, GrantsEnded, Receipt
from vestibule.storage.app_sessions import lost
from vestibule.storage.database import Transaction
from vestibule.storage.prepared import Prepared
from vestibule.storage.tables import (
    app_hosts,
    app_sessions,
    apps,
    forward_auth_sessions,
    oidc_grants,
    receipts,
    sessions,
)
from vestibule.storage.types import Key

_SESSIONS: Final = "sessions"
_HOST_SESSIONS: Final = "host_sessions"
_GRANTS: Final = "grants"
_OFFLINE: Final = func.sum(case((oidc_grants.c.session_id.is_(None), 1), else_=0))
_INSERT: Final = Prepared(insert(receipts))


def _counting(*narrowed: str) -> Prepared:
    def theirs(table: Any) -> tuple[ColumnElement[bool], ...]:
        live = (table.c.end_user_id == bindparam("whose"), table.c.expires_at > bindparam("now"))
        return (*live, *(table.c[name] == bindparam(name) for name in narrowed if name in table.c))

    no_app, none = literal(None, Key), literal(0)
    at_hosts = forward_auth_sessions.join(sessions, sessions.c.id == forward_auth_sessions.c.session_id)
    return Prepared(
        union_all(
            select(
                literal(_SESSIONS).label("what"), no_app.label("app_id"), func.count().label("n"), none.label("offline")
            )
            .select_from(sessions)
            .where(*theirs(sessions)),
            select(literal(_HOST_SESSIONS), no_app, func.count(), none).select_from(at_hosts).where(*theirs(sessions)),
            select(literal(_GRANTS), oidc_grants.c.app_id, func.count(), _OFFLINE)
            .where(*theirs(oidc_grants), *_on_sessions(narrowed))
            .group_by(oidc_grants.c.app_id),
        )
    )


def _on_sessions(narrowed: Collection[str]) -> tuple[ColumnElement[bool], ...]:
    """Return what finds the grants that end with the sessions of one connection; others are found without."""
    if "connection_id" not in narrowed:
        return ()
    through = select(sessions.c.id).where(
        sessions.c.end_user_id == bindparam("whose"), sessions.c.connection_id == bindparam("connection_id")
    )
    return (oidc_grants.c.session_id.in_(through),)


_COUNT: Final = _counting("environment_id")
_COUNT_EVERYWHERE: Final = _counting()
_COUNT_THROUGH: Final = _counting("connection_id")


def count_open(tx: Transaction, end_user_id: str, now: datetime, environment_id: str | None = None) -> Ended:
    """Return what somebody has open, in one environment or in all of them, in one statement: it is about to end."""
    whose: dict[str, Any] = {"whose": end_user_id, "now": now}
    here = {} if environment_id is None else {"environment_id": environment_id}
    return _counted((_COUNT if here else _COUNT_EVERYWHERE).rows(tx, whose | here))


def count_through(tx: Transaction, end_user_id: str, now: datetime, connection_id: str) -> Ended:
    """Return what ends with the sessions that somebody began through a connection, in one statement."""
    return _counted(_COUNT_THROUGH.rows(tx, {"whose": end_user_id, "now": now, "connection_id": connection_id}))


def _counted(found: Iterable[Any]) -> Ended:
    found = list(found)
    grants = [GrantsEnded(row.app_id, row.n, int(row.offline)) for row in found if row.what == _GRANTS]
    numbers = {row.what: row.n for row in found if row.what != _GRANTS}
    return Ended(**numbers, grants=tuple(sorted(grants, key=lambda one: one.app_id)))


def note_ended(tx: Transaction, workspace_id: str, end_user_id: str, entry_id: str, now: datetime) -> None:
    """Note of the app sessions of somebody whose browser sessions have just ended that their apps are to be told, and why."""
    mine = (app_sessions.c.workspace_id == workspace_id, app_sessions.c.end_user_id == end_user_id)
    ended = (app_sessions.c.ended_at.is_(None), app_sessions.c.live_session_id.is_(None))
    tx.execute(update(app_sessions).where(*mine, *ended).values(ended_at=now, next_at=now, entry_id=entry_id))


def end_lost(
    tx: Transaction,
    app_ids: Collection[str],
    entry_id: str,
    now: datetime,
    people: Collection[str] | None = None,
) -> Mapping[str, Ended]:
    """End what apps were granted by people (all, unless named) who may not use them any more; return what of each person.

    Their own sessions at the apps' hosts end, too, and apps that want to be told are told. Access and browser sessions stay.
    """
    ended: dict[str, Ended] = {}
    grants = delete(oidc_grants).where(*_lost(oidc_grants, app_ids, people))
    columns = (oidc_grants.c.end_user_id, oidc_grants.c.app_id, oidc_grants.c.session_id)
    for row in tx.execute(grants.returning(*columns)):
        ended[row.end_user_id] = _with_grant(ended.get(row.end_user_id, Ended()), row.app_id, row.session_id is None)
    for end_user_id, number in _end_at_hosts(tx, app_ids, people):
        ended[end_user_id] = replace(ended.get(end_user_id, Ended()), host_sessions=number)
    open_there = (app_sessions.c.ended_at.is_(None), app_sessions.c.live_session_id.is_not(None))
    told = update(app_sessions).where(*_lost(app_sessions, app_ids, people), *open_there)
    told = told.values(ended_at=now, next_at=now, entry_id=entry_id)
    for end_user_id in tx.execute(told.returning(app_sessions.c.end_user_id)).scalars():
        ended.setdefault(end_user_id, Ended())
    return ended


def insert_receipts(
    tx: Transaction, workspace_id: str, entry_id: str, now: datetime, ended: Mapping[str, Ended]
) -> None:
    """Save what an act has ended, a row for each person."""
    rows = [
        {
            "end_user_id": end_user_id,
            "entry_id": entry_id,
            "workspace_id": workspace_id,
            "at": now,
            "sessions": one.sessions,
            "host_sessions": one.host_sessions,
            "grants": [[grants.app_id, grants.number, grants.offline] for grants in one.grants],
        }
        for end_user_id, one in sorted(ended.items())
    ]
    _INSERT.write_later(tx, *rows)


def list_receipts(tx: Transaction, workspace_id: str, end_user_id: str, most: int) -> tuple[Receipt, ...]:
    """Return the newest receipts of a person."""
    mine = (receipts.c.workspace_id == workspace_id, receipts.c.end_user_id == end_user_id)
    query = select(receipts).where(*mine).order_by(receipts.c.entry_id.desc()).limit(most)
    return tuple(
        Receipt(
            row.end_user_id,
            row.entry_id,
            row.at,
            Ended(row.sessions, row.host_sessions, tuple(GrantsEnded(*one) for one in row.grants)),
        )
        for row in tx.execute(query)
    )


def sweep_receipts(tx: Transaction, written_before: datetime, most: int) -> int:
    """Forget up to `most` that were written before an instant; return how many."""
    key = tuple_(receipts.c.end_user_id, receipts.c.entry_id)
    old = select(receipts.c.end_user_id, receipts.c.entry_id).where(receipts.c.at <= written_before)
    return tx.execute(delete(receipts).where(key.in_(old.limit(most)))).rowcount


def _lost(table: Any, app_ids: Collection[str], people: Collection[str] | None) -> tuple[ColumnElement[bool], ...]:
    among = (table.c.app_id.in_(tuple(app_ids)),)
    gone = exists().where(apps.c.id == table.c.app_id, lost(table.c.app_id, table.c.end_user_id))
    return (*among, gone) if people is None else (*among, table.c.end_user_id.in_(tuple(people)), gone)


def _end_at_hosts(
    tx: Transaction, app_ids: Collection[str], people: Collection[str] | None
) -> tuple[tuple[str, int], ...]:
    """End the sessions at the hosts of apps of those who may not use them; one that counts below a whole domain stays for the others."""
    there = forward_auth_sessions.join(sessions, sessions.c.id == forward_auth_sessions.c.session_id)
    at_host = and_(
        app_hosts.c.environment_id == forward_auth_sessions.c.environment_id,
        app_hosts.c.host == forward_auth_sessions.c.host,
    )
    there = there.join(app_hosts, at_host).join(apps, apps.c.id == app_hosts.c.app_id)
    which = [
        app_hosts.c.app_id.in_(tuple(app_ids)),
        forward_auth_sessions.c.domain.is_(None),
        lost(app_hosts.c.app_id, sessions.c.end_user_id),
    ]
    if people is not None:
        which.append(sessions.c.end_user_id.in_(tuple(people)))
    counted = select(sessions.c.end_user_id, func.count().label("n")).select_from(there).where(*which)
    found = tx.execute(counted.group_by(sessions.c.end_user_id)).all()
    if found:
        gone = select(forward_auth_sessions.c.token_hash).select_from(there).where(*which)
        tx.execute(delete(forward_auth_sessions).where(forward_auth_sessions.c.token_hash.in_(gone)))
    return tuple((row.end_user_id, row.n) for row in found)


def _with_grant(ended: Ended, app_id: str, offline: bool) -> Ended:
    before = next((one for one in ended.grants if one.app_id == app_id), GrantsEnded(app_id, 0, 0))
    others = tuple(one for one in ended.grants if one.app_id != app_id)
    return replace(ended, grants=(*others, GrantsEnded(app_id, before.number + 1, before.offline + int(offline))))
