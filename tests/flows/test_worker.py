"""The worker: letters go out by real SMTP, failures are tried again and given up in the open, crashes lose nothing, what ended is swept."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Table, func, select

from tests.support.house import House, TestClock, furnish, make_runtime
from tests.support.mail import Mailbox, smtp_server
from vestibule.directory.activity import ActivityFilter, Entry, Outcome
from vestibule.flows import admin_sign_in, admins
from vestibule.flows.parts.callers import Visitor
from vestibule.flows.worker import (
    BACKOFF,
    FARTHEST,
    LEASE,
    SWEEP_EVERY,
    Worker,
    bring_forward,
    schedule_readings,
    schedule_sweeps,
    work_once,
)
from vestibule.outside.mail import Mail, Mailer, MailNotSent
from vestibule.storage import activity, jobs, throttles
from vestibule.storage.tables import admin_sessions, one_time_links
from vestibule.storage.tables import jobs as jobs_table
from vestibule.storage.tables import throttles as throttles_table

VISITOR = Visitor("192.0.2.7", "a test", "request-1")


@pytest.fixture
def house(database_url: str, clock: TestClock) -> Iterator[House]:
    clock.freeze()
    runtime = make_runtime(database_url, clock, "https://sso.example.com", mail_enabled=True)
    yield furnish(runtime, clock)
    runtime.database.close()


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with smtp_server() as running:
        yield running


def mailer(box: Mailbox) -> Mailer:
    return Mailer(f"smtp://127.0.0.1:{box.port}?starttls=off", None, "https://sso.example.com")


def invite(house: House) -> str:
    _, url = admins.invite_admin(house.runtime, house.owner, "Bo", "bo@example.com", "admin")
    return url


def given_up(house: House) -> tuple[Entry, ...]:
    with house.runtime.database.reading() as tx:
        wanted = ActivityFilter(action_prefix="letter.")
        return activity.page(tx, house.workspace.id, wanted, before=None, after=None, size=10)


def count(house: House, table: Table) -> int:
    with house.runtime.database.reading() as tx:
        return tx.execute(select(func.count()).select_from(table)).scalar_one()


def refuse(_: Mail) -> None:
    raise MailNotSent("451 later, please")


def test_an_invitation_arrives_by_mail_and_its_link_works(house: House, box: Mailbox) -> None:
    url = invite(house)
    assert work_once(house.runtime, mailer(box))
    (mail,) = box.mails
    assert str(mail["To"]) == "Bo <bo@example.com>"
    body = mail.get_body(("plain",))
    assert body is not None
    assert url in body.get_content()
    admin, _ = admin_sign_in.look_at_link(house.runtime, VISITOR, url.rpartition("/")[2])
    assert admin.name == "Bo"
    assert not work_once(house.runtime, mailer(box))


def test_a_letter_is_sealed_while_it_waits(house: House) -> None:
    url = invite(house)
    with house.runtime.database.reading() as tx:
        (payload,) = tx.execute(select(jobs_table.c.payload)).scalars()
    assert b"bo@example.com" not in payload
    assert url.rpartition("/")[2].encode() not in payload


def test_a_letter_that_fails_is_tried_again_later_and_then_arrives_once(house: House, box: Mailbox) -> None:
    invite(house)
    box.refusals = ["451 later, please", "421 still busy"]
    assert work_once(house.runtime, mailer(box))
    assert not work_once(house.runtime, mailer(box))
    house.clock.advance(seconds=BACKOFF[0].total_seconds())
    assert work_once(house.runtime, mailer(box))
    house.clock.advance(seconds=BACKOFF[1].total_seconds() - 1)
    assert not work_once(house.runtime, mailer(box))
    house.clock.advance(seconds=1)
    assert work_once(house.runtime, mailer(box))
    assert len(box.mails) == 1
    assert given_up(house) == ()
    house.clock.advance(days=7)
    assert not work_once(house.runtime, mailer(box))


def test_a_letter_that_always_fails_is_given_up_and_the_activity_says_so(house: House) -> None:
    url = invite(house)
    attempts = 0
    for wait in (*BACKOFF, timedelta(days=30)):
        assert work_once(house.runtime, refuse)
        attempts += 1
        house.clock.advance(seconds=wait.total_seconds())
    assert not work_once(house.runtime, refuse)
    (entry,) = given_up(house)
    assert (entry.event.action, entry.event.outcome) == ("letter.given_up", Outcome.REFUSED)
    assert entry.event.subject.name == "Bo <bo@example.com>"
    assert entry.event.details["attempts"] == attempts
    assert url not in repr(entry)


def test_a_worker_that_dies_while_sending_loses_no_letter(house: House, box: Mailbox) -> None:
    invite(house)

    def die(_: Mail) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work_once(house.runtime, die)
    assert not work_once(house.runtime, mailer(box))
    house.clock.advance(seconds=LEASE.total_seconds())
    assert work_once(house.runtime, mailer(box))
    assert len(box.mails) == 1


def test_a_letter_that_kills_every_worker_is_given_up_in_the_end(house: House) -> None:
    invite(house)

    def die(_: Mail) -> None:
        raise KeyboardInterrupt

    for _ in range(len(BACKOFF) + 1):
        with pytest.raises(KeyboardInterrupt):
            work_once(house.runtime, die)
        house.clock.advance(seconds=LEASE.total_seconds())
    assert work_once(house.runtime, die)
    assert len(given_up(house)) == 1


def test_a_letter_that_can_not_be_unsealed_is_given_up_at_once(house: House, box: Mailbox) -> None:
    invite(house)
    with house.runtime.database.transaction() as tx:
        tx.execute(jobs_table.update().values(payload=b"\0" * 64))
    assert work_once(house.runtime, mailer(box))
    assert box.mails == []
    assert len(given_up(house)) == 1
    assert not work_once(house.runtime, mailer(box))


def test_a_job_of_an_unknown_kind_does_not_stop_the_others(house: House, box: Mailbox) -> None:
    now = house.clock()
    with house.runtime.database.transaction() as tx:
        jobs.enqueue(tx, jobs.Job("job_1", None, "from the future", b"", 0, now), now - timedelta(hours=1))
    invite(house)
    assert work_once(house.runtime, mailer(box))
    assert work_once(house.runtime, mailer(box))
    assert len(box.mails) == 1


def test_without_mail_nothing_is_put_into_the_outbox(house: House) -> None:
    silent = replace(house.runtime, mail_enabled=False)
    admins.invite_admin(silent, house.owner, "Bo", "bo@example.com", "admin")
    assert count(house, jobs_table) == 0


def test_sweeping_takes_what_has_ended_leaves_the_rest_and_comes_round(house: House, box: Mailbox) -> None:
    old = invite(house)
    admin_sign_in.sign_in_with_link(house.runtime, VISITOR, old.rpartition("/")[2], "a fine sentence for nobody else")
    with house.runtime.database.transaction() as tx:
        throttles.hit(tx, "old", house.clock(), timedelta(minutes=15))
    while work_once(house.runtime, mailer(box)):
        pass
    house.clock.advance(days=8)
    fresh = admins.recover_admin(house.runtime, house.owner.actor, "ada@example.com")
    with house.runtime.database.transaction() as tx:
        throttles.hit(tx, "fresh", house.clock(), timedelta(minutes=15))
    schedule_sweeps(house.runtime)
    assert work_once(house.runtime, mailer(box))
    assert count(house, admin_sessions) == 0
    assert count(house, throttles_table) == 1
    assert count(house, one_time_links) == 1
    assert admin_sign_in.look_at_link(house.runtime, VISITOR, fresh.rpartition("/")[2])
    assert not work_once(house.runtime, mailer(box))
    house.clock.advance(seconds=SWEEP_EVERY.total_seconds())
    assert work_once(house.runtime, mailer(box))


def test_sweeping_goes_on_past_the_rows_of_one_transaction(
    house: House, box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vestibule.flows.worker._SWEEP_ROWS", 3)
    with house.runtime.database.transaction() as tx:
        for number in range(10):
            throttles.hit(tx, f"key-{number}", house.clock(), timedelta(minutes=1))
    house.clock.advance(hours=1)
    schedule_sweeps(house.runtime)
    assert work_once(house.runtime, mailer(box))
    assert count(house, throttles_table) == 0


def test_what_a_clock_that_ran_ahead_put_off_for_years_is_done_soon_after_it_is_right(
    house: House, box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vestibule.flows.worker.POLL_SECONDS", 0.02)
    invite(house)
    schedule_sweeps(house.runtime)
    schedule_readings(house.runtime)
    house.clock.advance(days=800)
    while work_once(house.runtime, refuse):
        pass
    with house.runtime.database.transaction() as tx:
        throttles.hit(tx, "old", house.clock() - timedelta(days=801), timedelta(minutes=15))
    house.clock.advance(days=-800)
    assert not work_once(house.runtime, mailer(box))
    worker = Worker(house.runtime, mailer(box))
    worker.start()
    deadline = time.monotonic() + 30
    while (not box.mails or count(house, throttles_table)) and time.monotonic() < deadline:
        time.sleep(0.02)
    worker.stop()
    assert len(box.mails) == 1
    assert count(house, throttles_table) == 0


def test_a_letter_that_waits_as_long_as_any_does_is_left_to_wait(house: House, box: Mailbox) -> None:
    invite(house)
    with house.runtime.database.transaction() as tx:
        tx.execute(jobs_table.update().values(run_at=house.clock() + FARTHEST))
    bring_forward(house.runtime)
    assert not work_once(house.runtime, mailer(box))


def test_the_thread_sends_by_itself_survives_a_defect_and_stops(
    house: House, box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vestibule.flows.worker.POLL_SECONDS", 0.02)
    send, failed = mailer(box), threading.Event()

    def send_at_second_try(mail: Mail) -> None:
        if not failed.is_set():
            failed.set()
            raise ZeroDivisionError
        send(mail)

    invite(house)
    worker = Worker(house.runtime, send_at_second_try)
    worker.start()
    assert failed.wait(30)
    house.clock.advance(seconds=LEASE.total_seconds())
    deadline = time.monotonic() + 30
    while not box.mails and time.monotonic() < deadline:
        time.sleep(0.02)
    worker.stop()
    assert len(box.mails) == 1
    assert not worker.running


def test_no_time_is_read_but_the_runtimes(house: House, box: Mailbox) -> None:
    at: datetime = house.clock()
    invite(house)
    work_once(house.runtime, mailer(box))
    assert box.mails[0]["Date"].datetime == at
