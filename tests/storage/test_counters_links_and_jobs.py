"""Throttles, one-time links and jobs: the instant at which they turn, and many hands at once, on both engines."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.storage.concurrently import at_once
from tests.support.house import House
from vestibule.directory.admins import AdminSession
from vestibule.directory.one_time_links import OneTimeLink, Purpose
from vestibule.flows import admin_sign_in
from vestibule.kernel.ids import new_id
from vestibule.kernel.secrets import new_token, token_hash
from vestibule.storage import admins, jobs, one_time_links, throttles
from vestibule.storage.database import Database
from vestibule.storage.jobs import Job

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
TICK = timedelta(microseconds=1)
WINDOW = timedelta(minutes=15)
LEASE = timedelta(minutes=5)
THREADS = 8


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(database_url, lock_timeout_seconds=60)
    yield made
    made.close()


def hit(database: Database, key: str, now: datetime) -> tuple[int, datetime]:
    with database.transaction() as tx:
        return throttles.hit(tx, key, now, WINDOW)


# Throttles


def test_attempts_are_counted_within_a_window_that_the_first_one_opens(database: Database) -> None:
    assert hit(database, "a", NOW) == (1, NOW + WINDOW)
    assert hit(database, "a", NOW + timedelta(minutes=1)) == (2, NOW + WINDOW)
    assert hit(database, "b", NOW + timedelta(minutes=1)) == (1, NOW + timedelta(minutes=1) + WINDOW)


def test_a_window_ends_at_its_instant_and_the_next_attempt_opens_another(database: Database) -> None:
    hit(database, "a", NOW)
    assert hit(database, "a", NOW + WINDOW - TICK) == (2, NOW + WINDOW)
    assert hit(database, "a", NOW + WINDOW) == (1, NOW + 2 * WINDOW)


def test_a_window_that_a_clock_years_ahead_opened_lasts_no_longer_than_any_and_forgets_no_attempt(
    database: Database,
) -> None:
    hit(database, "a", NOW + timedelta(days=800))
    assert hit(database, "a", NOW) == (2, NOW + WINDOW)
    assert hit(database, "a", NOW + WINDOW - TICK) == (3, NOW + WINDOW)
    assert hit(database, "a", NOW + WINDOW) == (1, NOW + 2 * WINDOW)


def test_nodes_whose_clocks_differ_a_little_count_in_one_window(database: Database) -> None:
    behind = NOW - timedelta(seconds=2)
    assert [hit(database, "a", now)[0] for now in (NOW, behind, NOW, behind)] == [1, 2, 3, 4]


def test_attempts_at_the_same_instant_are_counted_exactly(database: Database) -> None:
    each = 5
    counts = at_once(THREADS, lambda _: [hit(database, "a", NOW)[0] for _ in range(each)])
    assert sorted(count for some in counts for count in some) == list(range(1, THREADS * each + 1))


def test_attempts_at_the_turn_of_a_window_are_counted_exactly(database: Database) -> None:
    hit(database, "a", NOW)
    assert sorted(at_once(THREADS, lambda _: hit(database, "a", NOW + WINDOW)[0])) == list(range(1, THREADS + 1))


def test_a_forgotten_counter_starts_over_and_leaves_the_others(database: Database) -> None:
    for key in ("a", "a", "b"):
        hit(database, key, NOW)
    with database.transaction() as tx:
        throttles.forget(tx, "a")
    assert hit(database, "a", NOW)[0] == 1
    assert hit(database, "b", NOW)[0] == 2


def test_only_counters_whose_window_has_ended_are_swept(database: Database) -> None:
    hit(database, "a", NOW)
    hit(database, "b", NOW + TICK)
    with database.transaction() as tx:
        assert throttles.sweep(tx, NOW + WINDOW - TICK) == 0
        assert throttles.sweep(tx, NOW + WINDOW) == 1
    assert hit(database, "b", NOW + WINDOW)[0] == 2


def test_counters_do_what_a_plain_model_does(database: Database) -> None:
    steps = st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 400)), max_size=20)
    rounds = iter(range(1000))

    @given(steps)
    @settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow])
    def agree(attempts: list[tuple[str, int]]) -> None:
        windows: dict[str, tuple[int, datetime]] = {}
        now, prefix = NOW, f"{next(rounds)}-"
        for key, seconds in attempts:
            now += timedelta(seconds=seconds)
            count, ends = windows.get(key, (0, now))
            windows[key] = (count + 1, ends) if count and now < ends else (1, now + WINDOW)
            assert hit(database, prefix + key, now) == windows[key]

    agree()


# One-time links


def save_link(house: House, token: str, expires_at: datetime, purpose: Purpose = Purpose.ADMIN_RESET) -> OneTimeLink:
    admin = house.owner.admin
    link = OneTimeLink(house.workspace.id, purpose, admin.id, None, None, NOW, expires_at)
    with house.runtime.database.transaction() as tx:
        one_time_links.insert_link(tx, link, token_hash(token))
    return link


def test_a_link_works_until_the_instant_of_its_expiry(house: House) -> None:
    link = save_link(house, "token", NOW + WINDOW)
    with house.runtime.database.reading() as tx:
        assert one_time_links.find_link(tx, token_hash("token"), NOW + WINDOW - TICK) == link
        assert one_time_links.find_link(tx, token_hash("token"), NOW + WINDOW) is None
    with house.runtime.database.transaction() as tx:
        assert one_time_links.use_link(tx, token_hash("token"), NOW + WINDOW) is None
        assert one_time_links.use_link(tx, token_hash("token"), NOW + WINDOW - TICK) == link
        assert one_time_links.use_link(tx, token_hash("token"), NOW) is None
        assert one_time_links.find_link(tx, token_hash("token"), NOW) is None


def test_eight_who_use_a_link_at_once_use_it_once(house: House) -> None:
    for round_number in range(5):
        token = f"token {round_number}"
        link = save_link(house, token, NOW + WINDOW)

        def use(_: int, token: str = token) -> OneTimeLink | None:
            with house.runtime.database.transaction() as tx:
                return one_time_links.use_link(tx, token_hash(token), NOW)

        assert [used for used in at_once(THREADS, use) if used is not None] == [link]


def test_a_link_whose_use_was_rolled_back_still_works(house: House) -> None:
    link = save_link(house, "token", NOW + WINDOW)

    def fail() -> None:
        with house.runtime.database.transaction() as tx:
            assert one_time_links.use_link(tx, token_hash("token"), NOW) == link
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        fail()
    with house.runtime.database.transaction() as tx:
        assert one_time_links.use_link(tx, token_hash("token"), NOW) == link


def test_links_are_revoked_for_one_person_and_never_for_nobody(house: House) -> None:
    save_link(house, "token", NOW + WINDOW)
    with house.runtime.database.transaction() as tx:
        one_time_links.revoke_links(tx, admin_id="adm_another")
        one_time_links.revoke_links(tx, end_user_id="usr_another")
        assert one_time_links.find_link(tx, token_hash("token"), NOW) is not None
        for nobody in ({}, {"admin_id": None}, {"admin_id": ""}, {"admin_id": "a", "end_user_id": "b"}):
            with pytest.raises(ValueError, match="one person"):
                one_time_links.revoke_links(tx, **nobody)
        assert one_time_links.find_link(tx, token_hash("token"), NOW) is not None
        one_time_links.revoke_links(tx, admin_id=house.owner.admin.id)
        assert one_time_links.find_link(tx, token_hash("token"), NOW) is None


def test_only_links_that_have_expired_are_swept(house: House) -> None:
    save_link(house, "token", NOW + WINDOW)
    with house.runtime.database.transaction() as tx:
        assert one_time_links.sweep_links(tx, NOW + WINDOW - TICK) == 0
        assert one_time_links.sweep_links(tx, NOW + WINDOW) == 1


# Sessions


def test_a_session_ends_at_the_instant_of_its_expiry(house: House) -> None:
    house.clock.freeze(NOW)
    token = new_token()
    session = AdminSession(new_id("session", NOW), house.owner.admin, NOW, NOW + WINDOW, NOW, "192.0.2.1", "a test")
    with house.runtime.database.transaction() as tx:
        admins.insert_session(tx, session, token_hash(token))
    visitor = house.owner.visitor
    # The look below is too soon after the last one to move the expiry.
    with house.runtime.database.transaction() as tx:
        admins.touch_session(tx, session.id, NOW + WINDOW - TICK, NOW + WINDOW)
    house.clock.freeze(NOW + WINDOW - TICK)
    assert admin_sign_in.resume(house.runtime, visitor, token) is not None
    house.clock.freeze(NOW + WINDOW)
    assert admin_sign_in.resume(house.runtime, visitor, token) is None


# Jobs


def save_job(database: Database, number: int = 0, run_at: datetime = NOW) -> Job:
    job = Job(f"job_{number:03}", None, "letter", b"sealed", 0, NOW)
    with database.transaction() as tx:
        jobs.enqueue(tx, job, run_at)
    return job


def lease(database: Database, now: datetime = NOW) -> Job | None:
    with database.transaction() as tx:
        return jobs.lease(tx, now, LEASE)


def test_a_job_is_due_at_its_instant_and_its_lease_ends_at_its_own(database: Database) -> None:
    save_job(database, run_at=NOW)
    with database.reading() as tx:
        assert not jobs.is_due(tx, NOW - TICK)
        assert jobs.is_due(tx, NOW)
    assert lease(database, NOW - TICK) is None
    first = lease(database, NOW)
    assert first is not None
    assert first.attempts == 1
    assert lease(database, NOW + LEASE - TICK) is None
    again = lease(database, NOW + LEASE)
    assert again is not None
    assert (again.id, again.attempts) == (first.id, 2)


def test_jobs_come_in_the_order_in_which_they_are_due(database: Database) -> None:
    for number, minutes in ((1, 3), (2, 1), (3, 2), (4, 1)):
        save_job(database, number, NOW + timedelta(minutes=minutes))
    later = NOW + WINDOW
    order = [job.id for _ in range(4) if (job := lease(database, later)) is not None]
    assert order == ["job_002", "job_004", "job_003", "job_001"]
    assert lease(database, later) is None


def test_each_job_is_leased_by_one_of_many_workers(database: Database) -> None:
    wanted = [save_job(database, number).id for number in range(20)]

    def work(_: int) -> list[str]:
        mine = []
        while (job := lease(database)) is not None:
            mine.append(job.id)
        return mine

    leased = at_once(THREADS, work)
    assert sorted(job for mine in leased for job in mine) == wanted


def test_one_job_is_leased_by_one_of_many_workers(database: Database) -> None:
    for number in range(5):
        save_job(database, number)
        assert len([job for job in at_once(THREADS, lambda _: lease(database)) if job is not None]) == 1


def test_a_worker_does_not_wait_for_a_job_that_another_is_taking(postgresql_url: str) -> None:
    database = Database(postgresql_url, lock_timeout_seconds=0.2)
    try:
        save_job(database, 1)
        save_job(database, 2)
        with database.transaction() as tx:
            first = jobs.lease(tx, NOW, LEASE)
            second = lease(database)
        assert first is not None
        assert second is not None
        assert {first.id, second.id} == {"job_001", "job_002"}
    finally:
        database.close()


def test_a_job_that_failed_comes_back_when_it_was_told_to(database: Database) -> None:
    job = save_job(database)
    lease(database)
    with database.transaction() as tx:
        jobs.postpone(tx, job.id, NOW + WINDOW, "the mail server is away")
    assert lease(database, NOW + WINDOW - TICK) is None
    again = lease(database, NOW + WINDOW)
    assert again is not None
    assert again.attempts == 2


def test_a_job_that_is_done_is_gone(database: Database) -> None:
    job = save_job(database)
    lease(database)
    with database.transaction() as tx:
        jobs.finish(tx, job.id)
    assert lease(database, NOW + timedelta(days=1)) is None


def test_a_job_whose_transaction_failed_never_was(database: Database) -> None:
    def fail() -> None:
        with database.transaction() as tx:
            jobs.enqueue(tx, Job("job_1", None, "letter", b"", 0, NOW), NOW)
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        fail()
    assert lease(database) is None


def test_a_job_of_a_fixed_id_is_there_once_however_many_ask_for_it(database: Database) -> None:
    job = Job("job_sweep", None, "sweep", b"", 0, NOW)

    def ask(_: int) -> None:
        with database.transaction() as tx:
            jobs.enqueue_once(tx, job, NOW)

    at_once(THREADS, ask)
    assert lease(database) is not None
    assert lease(database) is None
    with database.transaction() as tx:
        jobs.come_round(tx, job.id, NOW + LEASE)
    assert lease(database, NOW + LEASE - TICK) is None
    again = lease(database, NOW + LEASE)
    assert again is not None
    assert again.attempts == 1
