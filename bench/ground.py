"""Where it is measured: fresh databases on both engines, in memory and on this machine's disk, and the cores of the machine.

Everything lies in temporary folders and is gone afterwards. PostgreSQL is the tests' throw-away server with one difference:
it waits for the disk at each commit, as in production. VESTIBULE_TEST_POSTGRES_URL names another one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from tests.support.postgres_keeper import MEMORY, MIN_FREE_BYTES
from tests.support.tools import ROOT
from vestibule.storage.migrate import migrate

Engine = Literal["SQLite", "PostgreSQL"]
Where = Literal["memory", "disk"]
ENGINES: Final[tuple[Engine, ...]] = ("SQLite", "PostgreSQL")
START_SECONDS: Final = 120


@dataclass(frozen=True, slots=True)
class Cores:
    """One core for the server under measurement, the rest for everything else. None of both where they can't be chosen."""

    server: set[int] | None
    others: set[int] | None


def cores() -> Cores:
    """Return how the cores are shared out; with a single one nothing is pinned."""
    if not hasattr(os, "sched_getaffinity"):
        return Cores(None, None)
    mine = sorted(os.sched_getaffinity(0))
    return Cores({mine[0]}, set(mine[1:])) if len(mine) > 1 else Cores(None, None)


def pin(pid: int, which: set[int] | None) -> None:
    """Keep a process and its later children on some cores."""
    if which:
        os.sched_setaffinity(pid, which)


@dataclass
class Ground:
    """The databases of one run."""

    folder: Path
    memory_folder: Path
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))
    _keepers: dict[Where, subprocess.Popen[bytes]] = field(default_factory=dict)

    def folder_of(self, where: Where) -> Path:
        """Return the folder for files in memory (where there is such a thing) or on the disk."""
        return self.memory_folder if where == "memory" else self.folder

    @contextmanager
    def database(self, engine: Engine, where: Where) -> Iterator[str]:
        """Give the URL of a fresh database at this release."""
        number = next(self._numbers)
        if engine == "SQLite":
            path = self.folder_of(where) / f"bench-{number}.db"
            migrate(f"sqlite:///{path}")
            yield f"sqlite:///{path}"
            for left in path.parent.glob(path.name + "*"):
                left.unlink()
            return
        name = sql.Identifier(f"vestibule_bench_{os.getpid()}_{number}")
        server = self._server(where)
        with psycopg.connect(server, autocommit=True) as administration:
            administration.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(name))
            url = urlunsplit(urlsplit(server)._replace(path=f"/vestibule_bench_{os.getpid()}_{number}"))
            try:
                migrate(url)
                yield url
            finally:
                administration.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))

    def _server(self, where: Where) -> str:
        named = os.environ.get("VESTIBULE_TEST_POSTGRES_URL")
        if named:
            return named
        home = self.folder / f"postgres-{where}"
        if where not in self._keepers:
            home.mkdir()
            command = [sys.executable, "-m", "bench.ground", str(home), str(os.getpid()), where]
            with (self.folder / f"postgres-{where}.log").open("wb") as log:
                self._keepers[where] = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
            pin(self._keepers[where].pid, cores().others)
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            if (home / "url").exists():
                return (home / "url").read_text()
            if (home / "failure").exists():
                raise AssertionError((home / "failure").read_text())
            time.sleep(0.05)
        raise AssertionError("PostgreSQL did not start")

    def server_processes(self, where: Where) -> list[int]:
        """Return the process that PostgreSQL runs below, where it is ours."""
        return [self._keepers[where].pid] if where in self._keepers else []

    def close(self) -> None:
        """End the servers, and remove everything."""
        for where, keeper in self._keepers.items():
            (self.folder / f"postgres-{where}" / "url").unlink(missing_ok=True)
            keeper.wait(timeout=60)
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.rmtree(self.memory_folder, ignore_errors=True)


@contextmanager
def ground() -> Iterator[Ground]:
    """Give the ground of one run."""
    folder = Path(tempfile.mkdtemp(prefix="vestibule-bench-"))
    folder.chmod(0o711)  # for root the server is `nobody`, who has to pass through
    in_memory = MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= MIN_FREE_BYTES
    made = Ground(folder, Path(tempfile.mkdtemp(prefix="vestibule-bench-", dir=MEMORY if in_memory else None)))
    try:
        yield made
    finally:
        made.close()


def _keep(folder: str, owner_pid: str, where: str) -> None:
    from tests.support import postgres_keeper as keeper  # noqa: PLC0415  # its settings are changed, in this process alone

    durable = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
    keeper.SETTINGS.update(
        durable, shared_buffers="512MB", maintenance_work_mem="512MB", max_wal_size="8GB", checkpoint_timeout="1h"
    )
    if where == "disk":
        keeper.MEMORY = Path("/nonexistent")
    keeper.main(Path(folder), int(owner_pid))


if __name__ == "__main__":
    _keep(*sys.argv[1:])
