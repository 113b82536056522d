"""The directory sync of npm's @boxyhq/saml-jackson on PostgreSQL: one Node.js process on the core that Vestibule's worker had."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench.ground import Ground, cores, pin
from bench.peers import PeerMissingError, jackson, running
from bench.scim_requests import Endpoint, person
from tests.support.served import settled_port

_SERVER: Final = Path(__file__).with_name("directory.mjs")
_START_SECONDS: Final = 300


@contextmanager
def serving(ground: Ground, people: int) -> Iterator[Endpoint]:
    """Give the server with so many people; it has no group that could be measured. Raises PeerMissingError."""
    node, modules = jackson.ensure()
    port = settled_port()
    bodies, made, log = (ground.folder / f"jackson-directory.{name}" for name in ("json", "made", "out"))
    bodies.write_text(json.dumps([person(f"p{number}") for number in range(people)]))
    with ground.database("PostgreSQL", "memory") as url:
        command = (node, str(_SERVER), str(port), url, str(bodies), str(made))
        with running(command, modules, str(log), DO_NOT_TRACK="1", NODE_ENV="production") as process:
            pin(process.pid, cores().server)
            end = time.monotonic() + _START_SECONDS
            while not made.exists():
                if process.poll() is not None or time.monotonic() > end:
                    raise PeerMissingError(f"saml-jackson did not start: {log.read_text(errors='replace')[-300:]}")
                time.sleep(0.1)
            said = json.loads(made.read_text())
            database = ground.server_processes("memory")
            yield Endpoint(
                ground.folder, port, said["path"], said["secret"], said["users"], "", [process.pid], database
            )
