"""scim2-server (PyPI) in memory under uvicorn, in the environment of the peers: one worker on the core that Vestibule's had."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench.ground import Ground, cores, pin
from bench.peers import PeerMissingError, ensure_python, running, wait_until_open
from bench.scim_requests import Endpoint, person
from tests.support.served import settled_port

_GUEST: Final = Path(__file__).with_name("guest_scim2_server.py")
_START_SECONDS: Final = 300


@contextmanager
def serving(ground: Ground, people: int) -> Iterator[Endpoint]:
    """Give the server with so many people, of whom nine tenths are in one group. Raises PeerMissingError."""
    python, port = ensure_python(), settled_port()
    bodies, ids, log = (ground.folder / f"scim2-server.{name}" for name in ("json", "ids", "out"))
    bodies.write_text(json.dumps([person(f"p{number}") for number in range(people)]))
    with running((str(python), str(_GUEST), str(port), str(bodies), str(ids)), ground.folder, log.name) as process:
        pin(process.pid, cores().server)
        end = time.monotonic() + _START_SECONDS
        while not ids.exists():
            if process.poll() is not None or time.monotonic() > end:
                raise PeerMissingError(f"scim2-server did not start: {log.read_text(errors='replace').strip()[-300:]}")
            time.sleep(0.1)
        made = json.loads(ids.read_text())
        wait_until_open(port)
        yield Endpoint(ground.folder, port, "/v2", "none", made["users"], made["group"], [process.pid])
