"""Others at the same work: each installs itself into `.cache/bench`, gets the same messages from the same client on the same core."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.client import Posted
from bench.processes import usage
from tests.support.tools import ROOT

CACHE: Final = ROOT / ".cache" / "bench"
_LOCK: Final = ROOT / "requirements" / "bench.lock"
INSTALL_SECONDS: Final = 300
OPEN_SECONDS: Final = 60
# With the system's bundle of authorities at hand, libraries under xmlsec and libcurl read it anew for each request, and look
# twenty times slower than they are.
NOWHERE: Final[Mapping[str, str]] = {"SSL_CERT_FILE": "/nonexistent", "SSL_CERT_DIR": "/nonexistent"}


class PeerMissingError(Exception):
    """A peer can't be had here; the text says why, for the table."""


@dataclass(frozen=True, slots=True)
class PeerRate:
    """What a peer did on one core: answers a second, and CPU of all its processes for each."""

    per_second: float
    cpu_ms: float


def install(command: Sequence[str], folder: Path, log: str) -> None:
    """Run an installer. Raises PeerMissingError with its last line when it fails."""
    CACHE.mkdir(parents=True, exist_ok=True)
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=INSTALL_SECONDS, env=environment(), check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PeerMissingError(f"{command[0]} did not run: {error}") from error
    (CACHE / log).write_text(done.stdout + done.stderr)
    if done.returncode != 0:
        last = (done.stderr or done.stdout).strip().rpartition("\n")[2]
        raise PeerMissingError(f"{' '.join(command[:3])} failed: {last[:200]}")


def ensure_python() -> Path:
    """Return the Python of the environment that the peers written in it share. Raises PeerMissingError when it can't be installed."""
    home = CACHE / "python"
    python, installed = home / "bin" / "python", home / "installed.lock"
    lock = _LOCK.read_text()
    if not installed.exists() or installed.read_text() != lock:
        CACHE.mkdir(parents=True, exist_ok=True)
        install((sys.executable, "-m", "venv", "--clear", str(home)), ROOT, "python-venv.log")
        # Without looking at dependencies: they are all locked, and pip stumbles over their extras.
        pip = (str(python), "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes", "-r", str(_LOCK))
        install(pip, ROOT, "python-install.log")
        installed.write_text(lock)
    return python


def environment(**more: str) -> dict[str, str]:
    """Return the environment for a peer: ours, with certificates of authorities nowhere."""
    return {**os.environ, **NOWHERE, **more}


def rate(posted: Posted, spent_seconds: float) -> PeerRate:
    """Return the rate of what came back."""
    number = sum(posted.statuses.values())
    return PeerRate(number / posted.seconds, spent_seconds / number * 1000)


def cpu_seconds(processes: Sequence[int]) -> float:
    """Return what processes have used until now, with all their children."""
    return sum(usage(pid).cpu_seconds for pid in _families(processes))


def _families(roots: Sequence[int]) -> set[int]:
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, IndexError):
                continue
    family = set(roots)
    while found := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= found
    return family


@contextmanager
def running(command: Sequence[str], folder: Path, log: str, **more: str) -> Iterator[subprocess.Popen[bytes]]:
    """Give a process, and end it with its group."""
    with (folder / log).open("ab") as out:
        process = subprocess.Popen(command, cwd=folder, stdout=out, stderr=out, env=environment(**more))
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(20)


def wait_until_open(port: int) -> None:
    """Wait until somebody listens on a port of loopback. Raises PeerMissingError."""
    end = time.monotonic() + OPEN_SECONDS
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise PeerMissingError(f"nobody listens on port {port}")
