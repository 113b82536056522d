"""Letters: put into the outbox by the transaction that makes them necessary, sealed because they carry one-time links."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Final

from vestibule.flows.parts.runtime import Runtime
from vestibule.kernel.ids import new_id
from vestibule.storage import jobs
from vestibule.storage.database import Transaction

LETTER_JOB: Final = "letter"


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail of one kind to one person. `url` is the one-time link, the reason why the payload is sealed. `facts` fill its text."""

    kind: str
    to_email: str
    to_name: str
    url: str
    facts: Mapping[str, str] = field(default_factory=dict)


def post(tx: Transaction, runtime: Runtime, workspace_id: str, letter: Letter) -> None:
    """Put a letter into the outbox, where mail is configured; elsewhere the console shows the link to hand over."""
    if not runtime.mail_enabled:
        return
    now = runtime.clock()
    job_id = new_id("job", now)
    payload = runtime.sealer.seal(json.dumps(asdict(letter)).encode(), f"jobs/{job_id}")
    jobs.enqueue(tx, jobs.Job(job_id, workspace_id, LETTER_JOB, payload, 0, now), now)


def open_letter(runtime: Runtime, job: jobs.Job) -> Letter:
    """Return the letter of a job. Raises SealBroken."""
    return Letter(**json.loads(runtime.sealer.open(job.payload, f"jobs/{job.id}")))


def pretend_to_post(tx: Transaction, runtime: Runtime, workspace_id: str, letter: Letter) -> None:
    """Do the work of `post` and of taking older links back, to no effect: for an address that nobody has, in the same time."""
    if not runtime.mail_enabled:
        return
    now = runtime.clock()
    job_id = new_id("job", now)
    payload = runtime.sealer.seal(json.dumps(asdict(letter)).encode(), f"jobs/{job_id}")
    jobs.enqueue(tx, jobs.Job(job_id, workspace_id, LETTER_JOB, payload, 0, now), now)
    jobs.finish(tx, job_id)
