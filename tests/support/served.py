"""The real server as its operator runs it: `vestibule serve`, a process of its own on a port of loopback, that may be killed.

Owns the process and its port. The database and what is in it are the caller's.
"""

from __future__ import annotations

import http.client
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.house import SECRET
from tests.support.tools import product_environment

START_SECONDS = 120
STOP_SECONDS = 60
# Below the ports that systems give to outgoing connections: one of those could take a killed server's port.
_PORTS = range(20_000, 32_000)
# The `vestibule` command, which ends when whoever started it is gone: a killed test run takes its servers with it.
_PROGRAM = """
import os, threading, time
starter = os.getppid()
def watch():
    while os.getppid() == starter:
        time.sleep(1)
    os._exit(1)
threading.Thread(target=watch, daemon=True).start()
from vestibule.cli.main import main
main()
"""


def settled_port() -> int:
    """Return a port of loopback that is free now and that no outgoing connection is given by itself."""
    for port in random.sample(_PORTS, 200):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no free port on loopback")


@dataclass
class Served:
    """One `vestibule serve`, started and ended any number of times on one port and one database; `settings` come beside the usual ones."""

    database_url: str
    folder: Path
    port: int = field(default_factory=settled_port)
    process: subprocess.Popen[bytes] | None = None
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def base_url(self) -> str:
        """Return the public URL, which is loopback's."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        """Return where all that the server ever wrote stands."""
        return self.folder / "server.log"

    def arguments(self) -> list[str]:
        """Return what stands behind `vestibule` on the command line."""
        return ["serve", "--port", str(self.port)]

    def environment(self) -> dict[str, str]:
        """Return the environment of a command on this install."""
        return product_environment(
            VESTIBULE_PUBLIC_URL=self.base_url,
            VESTIBULE_DATABASE_URL=self.database_url,
            VESTIBULE_SECRET_KEY=SECRET,
            VESTIBULE_DATA_DIR=str(self.folder),
            VESTIBULE_LOG_LEVEL="warning",
            **self.settings,
        )

    def start(self, cores: set[int] | None = None) -> int:
        """Start it, on these cores only if some are named, wait until /readyz says so, and return its process id."""
        command = [sys.executable, "-c", _PROGRAM, *self.arguments()]
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                command, env=self.environment(), cwd=self.folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        self.wait_until_ready(cores)
        return self.process.pid

    def wait_until_ready(self, cores: set[int] | None = None) -> None:
        """Keep the process on these cores, if some are named, and wait until it answers."""
        assert self.process is not None
        if cores and hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(self.process.pid, cores)
        deadline = time.monotonic() + START_SECONDS
        while not self.is_ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise AssertionError(f"the server did not start:\n{self._last_words()}")
            time.sleep(0.05)

    def _last_words(self) -> str:
        return self.log.read_text(errors="replace")[-4000:] if self.log.exists() else ""

    def is_ready(self) -> bool:
        """Ask /readyz."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def kill(self) -> None:
        """End it as a power cut would: SIGKILL, without a word."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it as an operator does, if it still runs."""
        if self.process is not None and self.process.poll() is None:
            self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(how)
        try:
            self.process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError("the server did not stop") from None
