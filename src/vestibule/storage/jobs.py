"""The outbox: work to be done after a commit, leased by one worker at a time, kept until it is done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Column, ColumnElement, bindparam, delete, insert, or_, select, update

from vestibule.storage.database import Transaction
from vestibule.storage.inserting import insert_into
from vestibule.storage.prepared import Prepared
from vestibule.storage.tables import jobs


@dataclass(frozen=True, slots=True)
class Job:
    """A piece of work. `payload` is sealed: it may hold a one-time link."""

    id: str
    workspace_id: str | None
    kind: str
    payload: bytes
    attempts: int
    created_at: datetime


def _free(now: Any) -> ColumnElement[bool]:
    return or_(jobs.c.leased_until.is_(None), jobs.c.leased_until <= now)


_now: Any = bindparam("now")
# Every two seconds in each process, whether or not anybody is there.
_IS_DUE: Final = Prepared(select(jobs.c.id).where(jobs.c.run_at <= _now, _free(_now)).limit(1))


def enqueue(tx: Transaction, job: Job, run_at: datetime) -> None:
    """Save a job in the transaction that makes it necessary."""
    tx.execute(insert(jobs).values({column.name: value for column, value in _values(job, run_at).items()}))


def enqueue_once(tx: Transaction, job: Job, run_at: datetime) -> None:
    """Save a job of a fixed id unless it is there already: work that comes round again and again."""
    values = {column.name: value for column, value in _values(job, run_at).items()}
    tx.execute(insert_into(tx, jobs).values(values).on_conflict_do_nothing(index_elements=["id"]))


def is_due(tx: Transaction, now: datetime) -> bool:
    """Say whether there may be something to lease: a look that takes no lock."""
    return bool(_IS_DUE.rows(tx, {"now": now}))


def lease(tx: Transaction, now: datetime, lease_for: timedelta) -> Job | None:
    """Take the next due job for a while. Another worker skips it; if this one dies, the lease runs out and it is done again."""
    due = (
        select(jobs.c.id)
        .where(jobs.c.run_at <= now, _free(now))
        .order_by(jobs.c.run_at, jobs.c.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    taken = (
        update(jobs)
        .where(jobs.c.id == due.scalar_subquery())
        .values(leased_until=now + lease_for, attempts=jobs.c.attempts + 1)
    )
    row = tx.execute(taken.returning(*jobs.c)).one_or_none()
    return Job(row.id, row.workspace_id, row.kind, row.payload, row.attempts, row.created_at) if row else None


def finish(tx: Transaction, job_id: str) -> None:
    """Delete a job that is done, or given up."""
    tx.execute(delete(jobs).where(jobs.c.id == job_id))


def postpone(tx: Transaction, job_id: str, run_at: datetime, error: str) -> None:
    """Put a job that failed back for later."""
    tx.execute(update(jobs).where(jobs.c.id == job_id).values(run_at=run_at, leased_until=None, last_error=error))


def come_round(tx: Transaction, job_id: str, run_at: datetime) -> None:
    """Put a job that was done back for its next turn, with its attempts forgotten."""
    tx.execute(
        update(jobs).where(jobs.c.id == job_id).values(run_at=run_at, leased_until=None, attempts=0, last_error=None)
    )


def bring_forward(tx: Transaction, now: datetime, latest: datetime) -> int:
    """Make due what waits, or is leased, until after `latest`: a clock that ran ahead said so. Return how many jobs."""
    far = or_(jobs.c.run_at > latest, jobs.c.leased_until > latest)
    return tx.execute(update(jobs).where(far).values(run_at=now, leased_until=None)).rowcount


def _values(job: Job, run_at: datetime) -> dict[Column[Any], Any]:
    return {
        jobs.c.id: job.id,
        jobs.c.workspace_id: job.workspace_id,
        jobs.c.kind: job.kind,
        jobs.c.payload: job.payload,
        jobs.c.attempts: job.attempts,
        jobs.c.created_at: job.created_at,
        jobs.c.run_at: run_at,
    }
