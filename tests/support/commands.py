"""`vestibule` as an operator or a script calls it: as a process of its own, or, as that costs seconds, within the test's."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.tools import product_environment
from vestibule.cli.main import run

COMMAND = [sys.executable, "-c", "from vestibule.cli.main import main; main()"]
SECONDS = 240
Done = subprocess.CompletedProcess[str]


def vestibule(*arguments: str, folder: Path, typed: str = "", **settings: str) -> Done:
    """Run one command as a process, with `folder` as its working and data folder. `typed` is piped into it."""
    environment = product_environment(**{"VESTIBULE_DATA_DIR": str(folder), "NO_COLOR": "1", **settings})
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=folder,
        env=environment,
        input=typed,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


class Commands:
    """Runs commands in this process, with an environment and a standard input of their own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: Path) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        self.folder = folder

    def __call__(self, *arguments: str, typed: str = "", **settings: str) -> Done:
        """Run one command; `typed` is its standard input, from a file."""
        given = self.folder / "typed"
        given.write_text(typed)
        self._capsys.readouterr()
        with self._monkeypatch.context() as patched, given.open() as stdin:
            for key in [key for key in os.environ if key.startswith("VESTIBULE_")]:
                patched.delenv(key)
            for key, value in {"VESTIBULE_DATA_DIR": str(self.folder), "NO_COLOR": "1", **settings}.items():
                patched.setenv(key, value)
            patched.setattr(sys, "stdin", stdin)
            patched.setattr("vestibule.cli.serve.uvicorn.run", _never)
            status = run(arguments)
        out, err = self._capsys.readouterr()
        return Done(list(arguments), status, out, err)


def _never(*_: object, **__: object) -> None:
    raise AssertionError("the server would have started")
