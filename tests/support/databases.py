"""Fresh databases for tests, SQLite and PostgreSQL: each test gets its own, copied from one that was migrated once per run.

Owns the templates and the names. The PostgreSQL server is kept by `postgres_keeper`, or named by VESTIBULE_TEST_POSTGRES_URL.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import LiteralString
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from tests.support.tools import ROOT
from vestibule.storage.migrate import migrate

ENGINES = ("sqlite", "postgresql")
SERVER_START_SECONDS = 120
# Held, not waited for: a keeper outlives the process that happened to start it, and ends with the run.
_KEEPERS: list[subprocess.Popen[bytes]] = []


@dataclass
class Databases:
    """The databases of one test process. `run_folder` is shared by all processes of the run, `worker` is this one's name."""

    run_folder: Path
    owner_pid: int
    worker: str
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @contextmanager
    def migrated(self, engine: str, folder: Path) -> Iterator[str]:
        """Give the URL of a new database at this release; an SQLite file lies in `folder`. It is gone afterwards."""
        if engine == "sqlite":
            path = folder / f"vestibule-{next(self._numbers)}.db"
            shutil.copyfile(self._sqlite_template, path)
            yield f"sqlite:///{path}"
        else:
            with self._postgresql(template=self._postgresql_template) as url:
                yield url

    @contextmanager
    def empty(self, engine: str, folder: Path) -> Iterator[str]:
        """Give the URL of a new database with nothing in it, not even a schema."""
        if engine == "sqlite":
            yield f"sqlite:///{folder / f'empty-{next(self._numbers)}.db'}"
        else:
            with self._postgresql(template="template0") as url:
                yield url

    @cached_property
    def _sqlite_template(self) -> Path:
        template = self.run_folder / "template.db"
        with _locked(self.run_folder / "sqlite.lock"):
            if not template.exists():
                draft = template.with_suffix(".draft")
                migrate(f"sqlite:///{draft}")
                # Closing the last connection has folded the write-ahead log into the file: one file is the whole database.
                if draft.with_name(draft.name + "-wal").exists():
                    raise AssertionError("migrate() left a connection open")
                draft.rename(template)
        return template

    @contextmanager
    def _postgresql(self, template: str) -> Iterator[str]:
        name = f"{self._prefix}_{self.worker}_{next(self._numbers)}"
        self._execute("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY", name, template)
        try:
            yield _with_database(self._server_url, name)
        finally:
            # FORCE: a test of a killed server leaves connections behind, and must not make the next one fail.
            self._execute("DROP DATABASE {} WITH (FORCE)", name)

    @cached_property
    def _postgresql_template(self) -> str:
        name, done = f"{self._prefix}_template", self.run_folder / "postgresql.migrated"
        with _locked(self.run_folder / "postgresql.lock"):
            if not done.exists():
                self._execute("CREATE DATABASE {} TEMPLATE template0", name)
                migrate(_with_database(self._server_url, name))
                # Without connections no autovacuum either: a template that is in use can't be copied.
                self._execute("ALTER DATABASE {} WITH ALLOW_CONNECTIONS false", name)
                done.touch()
        return name

    @property
    def _prefix(self) -> str:
        return f"vestibule_test_{self.owner_pid}"

    def _execute(self, statement: LiteralString, *names: str) -> None:
        query = sql.SQL(statement).format(*(sql.Identifier(name) for name in names))
        self._administration.execute(query)

    @cached_property
    def _administration(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(self._server_url, autocommit=True)

    @cached_property
    def _server_url(self) -> str:
        named = os.environ.get("VESTIBULE_TEST_POSTGRES_URL")
        return named or _kept_server_url(self.run_folder, self.owner_pid)

    def close(self) -> None:
        """Hang up. The server stays for the other processes of the run."""
        if "_administration" in self.__dict__:
            self._administration.close()


def end_run(run_folder: Path, owner_pid: int) -> None:
    """Take down what the run shared: the kept server, or on a named server our template. Called once, after every process is done."""
    if (run_folder / "postgresql.migrated").exists() and os.environ.get("VESTIBULE_TEST_POSTGRES_URL"):
        databases = Databases(run_folder, owner_pid, "end")
        databases._execute("DROP DATABASE {} WITH (FORCE)", f"{databases._prefix}_template")
        databases.close()
    kept = run_folder / "server"
    for sign in ("url", "failure"):
        (kept / sign).unlink(missing_ok=True)
    end = time.monotonic() + 20
    while kept.exists() and time.monotonic() < end:
        time.sleep(0.05)
    shutil.rmtree(run_folder, ignore_errors=True)


def _kept_server_url(run_folder: Path, owner_pid: int) -> str:
    folder = run_folder / "server"
    with _locked(run_folder / "server.lock"):
        if not folder.exists():
            folder.mkdir()
            run_folder.chmod(0o711)  # for root the server is `nobody`, who has to pass through
            command = [sys.executable, "-m", "tests.support.postgres_keeper", str(folder), str(owner_pid)]
            with (run_folder / "keeper.log").open("wb") as log:
                keeper = subprocess.Popen(
                    command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
                )
            _KEEPERS.append(keeper)
    end = time.monotonic() + SERVER_START_SECONDS
    while time.monotonic() < end:
        if (folder / "url").exists():
            return (folder / "url").read_text()
        if (folder / "failure").exists():
            raise AssertionError((folder / "failure").read_text())
        time.sleep(0.05)
    raise AssertionError(f"PostgreSQL did not start: {(run_folder / 'keeper.log').read_text()}")


def _with_database(server_url: str, name: str) -> str:
    return urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
