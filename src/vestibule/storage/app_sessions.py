"""App sessions: which have ended, which app is to be told next, and what came of it.

Whatever ends a browser session leaves `live_session_id` empty in the same transaction, by its foreign key; that somebody lost an app
while the session goes on is seen from apps and groups. Neither needs whoever changes them to think of apps.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, bindparam, delete, exists, or_, select, tuple_, update

from vestibule.directory.app_sessions import AppSession
from vestibule.storage.database import Transaction
from vestibule.storage.prepared import Prepared
from vestibule.storage.tables import app_groups, app_sessions, apps, group_members

_OF_SESSION_GONE: Final = app_sessions.c.live_session_id.is_(None)


def lost(app_id: ColumnElement[str], end_user_id: ColumnElement[str]) -> ColumnElement[bool]:
    """Say in SQL, of a row of `apps`, that a person may not use the app: it is disabled, or none of their groups allows it."""
    in_groups = exists().where(
        app_groups.c.app_id == app_id,
        group_members.c.group_id == app_groups.c.group_id,
        group_members.c.end_user_id == end_user_id,
    )
    return or_(apps.c.disabled, and_(apps.c.everyone.is_(False), ~in_groups))


_MINE: Final = and_(app_sessions.c.app_id == bindparam("of_app"), app_sessions.c.session_id == bindparam("of_session"))


def _ended(*, losses: bool) -> Iterable[Select[Any]]:
    """Return what finds those that have ended and don't know it: whose session is gone, and of `losses` who lost the app.

    The first by an index. The second reads the live sessions of all narrowed apps.
    """
    found = select(app_sessions.c.app_id, app_sessions.c.session_id).where(app_sessions.c.ended_at.is_(None))
    yield found.where(_OF_SESSION_GONE)
    if losses:
        yield found.join(apps, apps.c.id == app_sessions.c.app_id).where(
            lost(app_sessions.c.app_id, app_sessions.c.end_user_id)
        )


def _due(now: Any) -> ColumnElement[bool]:
    return and_(app_sessions.c.told_at.is_(None), app_sessions.c.next_at <= now)


def _look(*, losses: bool) -> Prepared:
    looks = (select(app_sessions.c.app_id).where(_due(bindparam("now"))), *_ended(losses=losses))
    return Prepared(select(or_(*(look.exists() for look in looks)).label("found")))


# Twice a second in each process, whether or not anybody is there: one statement, compiled once.
_LOOK: Final = {losses: _look(losses=losses) for losses in (False, True)}


def is_anything_due(tx: Transaction, now: datetime, *, losses: bool) -> bool:
    """Say whether there may be something to do: a look that takes no lock."""
    return bool(_LOOK[losses].rows(tx, {"now": now})[0].found)


def mark_ended(tx: Transaction, now: datetime, most: int, *, losses: bool) -> int:
    """Note of up to `most` sessions of each sort that they have ended, so that their apps are told; return of how many."""
    marked = 0
    for found in _ended(losses=losses):
        rows = tx.execute(found.limit(most).with_for_update(skip_locked=True, of=app_sessions)).all()
        for row in rows:
            _change(tx, row.app_id, row.session_id, ended_at=now, next_at=now)
        marked += len(rows)
    return marked


def lease(tx: Transaction, now: datetime, until: datetime, most: int) -> tuple[AppSession, ...]:
    """Take what is due for a while. Another node skips it; if this one dies, it is due again at `until`."""
    due = select(app_sessions).where(_due(now)).order_by(app_sessions.c.next_at).limit(most)
    rows = tx.execute(due.with_for_update(skip_locked=True)).all()
    for row in rows:
        _change(tx, row.app_id, row.session_id, next_at=until, attempts=row.attempts + 1)
    return tuple(_app_session(row, attempts=row.attempts + 1) for row in rows)


def bring_forward(tx: Transaction, now: datetime, latest: datetime) -> int:
    """Make due what waits until after `latest`: a clock that ran ahead said so. Return how many app sessions."""
    far = update(app_sessions).where(app_sessions.c.next_at > latest).values(next_at=now)
    return tx.execute(far).rowcount


def note_told(tx: Transaction, one: AppSession, now: datetime) -> None:
    """Note that the app took it."""
    _change(tx, one.app_id, one.session_id, told_at=now, next_at=None, failure=None)


def note_failed(tx: Transaction, one: AppSession, failure: str, next_at: datetime | None) -> None:
    """Note that the app could not be told, and when to try again; None gives up."""
    _change(tx, one.app_id, one.session_id, next_at=next_at, failure=failure)


def list_app_sessions(tx: Transaction, workspace_id: str, end_user_id: str, most: int) -> tuple[AppSession, ...]:
    """Return the newest app sessions of a person, those that ended too: the receipt of what signing them out has reached."""
    mine = (app_sessions.c.workspace_id == workspace_id, app_sessions.c.end_user_id == end_user_id)
    query = select(app_sessions).where(*mine).order_by(app_sessions.c.began_at.desc(), app_sessions.c.app_id)
    return tuple(_app_session(row) for row in tx.execute(query.limit(most)))


def list_told(
    tx: Transaction, workspace_id: str, end_user_id: str, entry_ids: Collection[str]
) -> tuple[AppSession, ...]:
    """Return the app sessions of a person that acts (their activity entries) have ended, the oldest first."""
    mine = (app_sessions.c.workspace_id == workspace_id, app_sessions.c.end_user_id == end_user_id)
    query = select(app_sessions).where(*mine, app_sessions.c.entry_id.in_(tuple(entry_ids)))
    return tuple(
        _app_session(row) for row in tx.execute(query.order_by(app_sessions.c.began_at, app_sessions.c.app_id))
    )


def sweep_app_sessions(tx: Transaction, ended_before: datetime, most: int) -> int:
    """Forget up to `most` that ended before an instant; return how many."""
    key = tuple_(app_sessions.c.app_id, app_sessions.c.session_id)
    old = select(app_sessions.c.app_id, app_sessions.c.session_id).where(app_sessions.c.ended_at <= ended_before)
    return tx.execute(delete(app_sessions).where(key.in_(old.limit(most)))).rowcount


def _change(tx: Transaction, app_id: str, session_id: str, **values: Any) -> None:
    tx.execute(update(app_sessions).where(_MINE).values(**values), {"of_app": app_id, "of_session": session_id})


def _app_session(row: Any, **changes: Any) -> AppSession:
    values = {name: getattr(row, name) for name in AppSession.__dataclass_fields__}
    return AppSession(**{**values, **changes})
