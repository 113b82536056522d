"""Background work: letters of the outbox, and sweeping out what has ended. Any number of workers may run, on any number of nodes.

A job is leased before it is done and deleted after: nothing is lost when a worker dies, and no two do the same at once.
"""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import Final, Protocol

import structlog

from vestibule.directory.activity import Event, Outcome, Subject
from vestibule.flows.parts.callers import system
from vestibule.flows.parts.certificate_letters import announce_ends
from vestibule.flows.parts.posting import LETTER_JOB, open_letter
from vestibule.flows.parts.recording import record
from vestibule.flows.parts.rereading import is_more_due, reread_due
from vestibule.flows.parts.runtime import Runtime
from vestibule.flows.parts.saml_key_letters import announce_own_ends
from vestibule.flows.parts.saml_keys import retire_ended_keys
from vestibule.kernel.errors import DatabaseBusy, VestibuleError
from vestibule.kernel.secrets import SealBroken
from vestibule.kernel.text import printable
from vestibule.outside.letters import write_letter
from vestibule.outside.mail import Mail, MailNotSent
from vestibule.storage import app_sessions, jobs, sweeping, workspaces

POLL_SECONDS: Final = 2.0
LEASE: Final = timedelta(minutes=5)
# Between attempts: about two days in all, then the admin is told that it was given up.
BACKOFF: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 20, 60, 180, 480, 720, 1440))
SWEEP_JOB: Final = "sweep"
SWEEP_EVERY: Final = timedelta(hours=1)
# No job waits longer by itself, with a day to spare for clocks that differ.
FARTHEST: Final = max(BACKOFF) + timedelta(days=1)
READINGS_JOB: Final = "metadata"
READINGS_EVERY: Final = timedelta(minutes=5)
_SWEEP_ID: Final = "job_sweep"
_READINGS_ID: Final = "job_metadata"
_SWEEP_ROWS: Final = 2000
log = structlog.get_logger()


class Send(Protocol):
    """Hands one mail over. Raises MailNotSent."""

    def __call__(self, mail: Mail, /) -> None:
        """Send it."""
        ...


class Worker:
    """A thread that does what is due, every two seconds, until it is stopped."""

    def __init__(self, runtime: Runtime, send: Send) -> None:
        self._runtime = runtime
        self._send = send
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="worker", daemon=True)

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def stop(self, timeout_seconds: float = 15) -> None:
        """Finish the job at hand, then end. One that takes longer is left behind; its lease runs out and it is done again."""
        self._stopping.set()
        self._thread.join(timeout_seconds)

    @property
    def running(self) -> bool:
        """Say whether the thread is at work."""
        return self._thread.is_alive()

    def _work(self) -> None:
        schedule_at = time.monotonic()
        while not self._stopping.is_set():
            try:
                if time.monotonic() >= schedule_at:
                    schedule_sweeps(self._runtime)
                    schedule_readings(self._runtime)
                    bring_forward(self._runtime)
                    schedule_at = time.monotonic() + SWEEP_EVERY.total_seconds()
                while not self._stopping.is_set() and work_once(self._runtime, self._send):
                    pass
            except DatabaseBusy as error:
                log.warning("worker waits for the database", reason=error.reason)
            except Exception:  # a defect in one job must not end all background work
                log.exception("worker stumbled")
            self._stopping.wait(POLL_SECONDS)


def schedule_sweeps(runtime: Runtime) -> None:
    """Make sure that sweeping is among the jobs: one job for the whole install, whoever does it."""
    now = runtime.clock()
    with runtime.database.transaction() as tx:
        jobs.enqueue_once(tx, jobs.Job(_SWEEP_ID, None, SWEEP_JOB, b"", 0, now), now)


def schedule_readings(runtime: Runtime) -> None:
    """Make sure that reading metadata again is among the jobs: one round for the whole install, whoever does it."""
    now = runtime.clock()
    with runtime.database.transaction() as tx:
        jobs.enqueue_once(tx, jobs.Job(_READINGS_ID, None, READINGS_JOB, b"", 0, now), now)


def bring_forward(runtime: Runtime) -> None:
    """Make due what a clock that ran ahead put off to a time that is years away now that the clock is right."""
    now = runtime.clock()
    with runtime.database.transaction() as tx:
        brought = jobs.bring_forward(tx, now, now + FARTHEST)
        apps_to_tell = app_sessions.bring_forward(tx, now, now + FARTHEST)
    if brought or apps_to_tell:
        log.warning("work was put off by a clock that ran ahead", jobs=brought, apps_to_tell=apps_to_tell)


def work_once(runtime: Runtime, send: Send) -> bool:
    """Do the next job that is due; return whether there was one. Raises DatabaseBusy."""
    now = runtime.clock()
    with runtime.database.reading() as tx:
        if not jobs.is_due(tx, now):
            return False
    with runtime.database.transaction() as tx:
        job = jobs.lease(tx, now, LEASE)
    if job is None:
        return False
    if job.kind == SWEEP_JOB:
        _sweep(runtime, job)
    elif job.kind == READINGS_JOB:
        _read_again(runtime, job)
    elif job.kind == LETTER_JOB:
        _deliver(runtime, job, send)
    else:
        _give_up(runtime, job, f"nobody knows how to do {printable(job.kind, 40)}")
    return True


def _deliver(runtime: Runtime, job: jobs.Job, send: Send) -> None:
    # More leases than attempts allowed: the worker died each time. Something in the job kills it.
    if job.attempts > len(BACKOFF) + 1:
        _give_up(runtime, job, "too many attempts ended without an answer")
        return
    try:
        send(_mail(runtime, job))
    except (SealBroken, KeyError) as error:
        _give_up(runtime, job, f"{type(error).__name__}: {error}")
    except MailNotSent as error:
        if job.attempts > len(BACKOFF):
            _give_up(runtime, job, error.reason)
            return
        wait = BACKOFF[job.attempts - 1]
        with runtime.database.transaction() as tx:
            jobs.postpone(tx, job.id, runtime.clock() + wait, printable(error.reason))
        minutes = wait // timedelta(minutes=1)
        log.warning(
            "letter postponed", job=job.id, attempt=job.attempts, minutes=minutes, reason=printable(error.reason)
        )
    else:
        with runtime.database.transaction() as tx:
            jobs.finish(tx, job.id)
        log.info("letter sent", job=job.id, attempt=job.attempts)


def _mail(runtime: Runtime, job: jobs.Job) -> Mail:
    letter = open_letter(runtime, job)
    with runtime.database.reading() as tx:
        workspace = workspaces.find_workspace(tx, job.workspace_id or "")
    text = write_letter(
        letter.kind,
        name=letter.to_name,
        url=letter.url,
        workspace=workspace.name if workspace else "",
        facts=letter.facts,
    )
    return Mail(letter.to_email, letter.to_name, text.subject, text.text, text.html, job.id, runtime.clock())


def _give_up(runtime: Runtime, job: jobs.Job, reason: str) -> None:
    """Delete a job that can't be done, and say so in the workspace's activity: somebody waits for that letter."""
    log.error("job given up", job=job.id, kind=job.kind, attempts=job.attempts, reason=printable(reason))
    subject = Subject(job.kind, job.id, job.kind)
    try:
        letter = open_letter(runtime, job)
        subject = Subject("letter", job.id, f"{letter.to_name} <{letter.to_email}>")
    except (VestibuleError, ValueError, TypeError):
        log.warning("the job given up can’t be read", job=job.id)
    with runtime.database.transaction() as tx:
        jobs.finish(tx, job.id)
        if job.workspace_id:
            details = {"reason": printable(reason), "attempts": job.attempts}
            record(
                tx,
                runtime,
                job.workspace_id,
                system(),
                Event("letter.given_up", subject, Outcome.REFUSED, details=details),
            )


def _read_again(runtime: Runtime, job: jobs.Job) -> None:
    tried = reread_due(runtime)
    announce_ends(runtime)
    announce_own_ends(runtime)
    with runtime.database.transaction() as tx:
        # What did not fit into this round comes behind the letters that are due by now.
        wait = timedelta() if is_more_due(runtime) else READINGS_EVERY
        jobs.come_round(tx, job.id, runtime.clock() + wait)
    if tried:
        log.info("metadata read again", idps=tried)


def _sweep(runtime: Runtime, job: jobs.Job) -> None:
    now = runtime.clock()
    swept: dict[str, int] = {}
    for kind in sweeping.KINDS:
        gone = _SWEEP_ROWS
        while gone == _SWEEP_ROWS:
            with runtime.database.transaction() as tx:
                gone = sweeping.sweep(tx, kind, now, _SWEEP_ROWS)
            swept[kind] = swept.get(kind, 0) + gone
    swept["saml_keys"] = retire_ended_keys(runtime)
    with runtime.database.transaction() as tx:
        jobs.come_round(tx, job.id, now + SWEEP_EVERY)
    log.info("swept", **swept)
