"""The outbox on both engines: leased once, done again after a crash, postponed, coming round."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from vestibule.flows.parts.runtime import Runtime
from vestibule.kernel.ids import new_id
from vestibule.storage import jobs

LEASE = timedelta(minutes=5)


def enqueue(runtime: Runtime, count: int = 1, later: timedelta = timedelta()) -> list[str]:
    now = runtime.clock()
    ids = [new_id("job", now) for _ in range(count)]
    with runtime.database.transaction() as tx:
        for job_id in ids:
            jobs.enqueue(tx, jobs.Job(job_id, None, "letter", b"sealed", 0, now), now + later)
    return ids


def lease(runtime: Runtime, at: timedelta = timedelta()) -> jobs.Job | None:
    with runtime.database.transaction() as tx:
        return jobs.lease(tx, runtime.clock() + at, LEASE)


def is_due(runtime: Runtime) -> bool:
    with runtime.database.reading() as tx:
        return jobs.is_due(tx, runtime.clock())


def test_a_job_is_leased_by_one_worker_only_and_again_when_the_lease_has_run_out(runtime: Runtime) -> None:
    (job_id,) = enqueue(runtime)
    first = lease(runtime)
    assert first is not None
    assert (first.id, first.attempts, first.payload) == (job_id, 1, b"sealed")
    assert lease(runtime) is None
    assert not is_due(runtime)
    again = lease(runtime, at=LEASE + timedelta(seconds=1))
    assert again is not None
    assert again.attempts == 2


def test_a_job_is_not_done_before_its_time(runtime: Runtime) -> None:
    enqueue(runtime, later=timedelta(minutes=1))
    assert not is_due(runtime)
    assert lease(runtime) is None
    assert lease(runtime, at=timedelta(minutes=1)) is not None


def test_many_workers_share_the_jobs_and_none_gets_the_same_twice(runtime: Runtime) -> None:
    ids = enqueue(runtime, count=24)

    def work(_: int) -> list[str]:
        taken = []
        while job := lease(runtime):
            taken.append(job.id)
        return taken

    with ThreadPoolExecutor(6) as pool:
        taken = [job_id for mine in pool.map(work, range(6)) for job_id in mine]
    # SKIP LOCKED lets a worker stop early while another still holds a row; what is left is there for the next look.
    while job := lease(runtime):
        taken.append(job.id)
    assert sorted(taken) == sorted(ids)


def test_a_finished_job_is_gone_and_a_postponed_one_comes_later(runtime: Runtime) -> None:
    done, failed = enqueue(runtime, count=2)
    now = runtime.clock()
    with runtime.database.transaction() as tx:
        jobs.finish(tx, done)
        jobs.postpone(tx, failed, now + timedelta(minutes=1), "no answer")
    assert lease(runtime) is None
    later = lease(runtime, at=timedelta(minutes=2))
    assert later is not None
    assert later.id == failed


def test_work_that_comes_round_is_there_once_however_often_it_is_scheduled(runtime: Runtime) -> None:
    now = runtime.clock()
    for _ in range(3):
        with runtime.database.transaction() as tx:
            jobs.enqueue_once(tx, jobs.Job("job_sweep", None, "sweep", b"", 0, now), now)
    first = lease(runtime)
    assert first is not None
    assert lease(runtime) is None
    with runtime.database.transaction() as tx:
        jobs.come_round(tx, first.id, now + timedelta(hours=1))
    assert lease(runtime) is None
    again = lease(runtime, at=timedelta(hours=1, seconds=1))
    assert again is not None
    assert again.attempts == 1
