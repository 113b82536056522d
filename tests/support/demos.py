"""`vestibule demo` as a process of its own, on ports of its own."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.commands import COMMAND
from tests.support.tools import product_environment


@dataclass(frozen=True)
class Demo:
    """A running demo, what it printed, and its temporary folder's parent."""

    process: subprocess.Popen[str]
    console: str
    sign_in: str
    practice_idp: str
    practice_app: str
    folder: Path


@contextmanager
def running_demo(folder: Path, port: int = 18080) -> Iterator[Demo]:
    """Start a demo, and end it if nobody else did."""
    # A setting of a real install, and a wrong one at that: the demo looks at neither.
    environment = product_environment(TMPDIR=str(folder), VESTIBULE_DATABASE_URL="postgresql://nobody@127.0.0.1:1/x")
    process = subprocess.Popen(
        [*COMMAND, "demo", "--port", str(port), "--json"],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        cwd=folder,
    )
    assert process.stdout is not None
    said = json.loads(process.stdout.readline())
    try:
        yield Demo(process, said["console"], said["sign_in"], said["practice_idp"], said["practice_app"], folder)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        process.stdout.close()
