"""Programs beside the product, each a process of its own: started, waited for, and ended when the test is over.

A program says that it is ready by writing a JSON file, and ends when its standard input does, so that none outlives the test run that
started it, however that one died.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.support.tools import ROOT

START_SECONDS: Final = 60


@contextmanager
def started(command: list[str], folder: Path) -> Iterator[tuple[dict[str, str], subprocess.Popen[bytes]]]:
    """Run a program that was told to write `ready.json` in `folder`; give what that says, and the process."""
    log = folder / "log.txt"
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=output, stderr=output)
    try:
        yield _wait_until_ready(process, folder / "ready.json", log), process
    finally:
        _end(process)


def _wait_until_ready(process: subprocess.Popen[bytes], ready_file: Path, log: Path) -> dict[str, str]:
    deadline = time.monotonic() + START_SECONDS
    while not ready_file.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise AssertionError(f"{process.args!r} did not start:\n{log.read_text(errors='replace')}")
        time.sleep(0.02)
    facts: dict[str, str] = json.loads(ready_file.read_text(encoding="utf-8"))
    return facts


def _end(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    process.stdin.close()
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
