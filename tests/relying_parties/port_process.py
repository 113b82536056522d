"""A program that listens on a port and knows nothing of tests: it is ready when it answers, and ends with our standard input.

python -m tests.relying_parties.port_process '{"readyFile": …, "port": …, "folder": …, "command": […]}'
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Final

_START_SECONDS: Final = 60


def main() -> int:
    """Run the program until standard input ends."""
    options = json.loads(sys.argv[1])
    base_url = f"http://127.0.0.1:{options['port']}"
    with subprocess.Popen(options["command"], cwd=options["folder"], stdin=subprocess.DEVNULL) as program:
        try:
            _wait(program, base_url)
            partial = Path(options["readyFile"]).with_suffix(".partial")
            partial.write_text(json.dumps({"base_url": base_url}), encoding="utf-8")
            partial.rename(options["readyFile"])
            sys.stdin.read()
        finally:
            program.terminate()
    return 0


def _wait(program: subprocess.Popen[bytes], base_url: str) -> None:
    end = time.monotonic() + _START_SECONDS
    while True:
        try:
            urllib.request.urlopen(base_url, timeout=20).close()  # noqa: S310 - ours, on loopback
        except urllib.error.HTTPError:
            return  # it answers, if only that there is nothing
        except OSError as error:
            if program.poll() is not None or time.monotonic() > end:
                raise SystemExit(f"{program.args!r} did not start: {error}") from error
            time.sleep(0.05)
        else:
            return


if __name__ == "__main__":
    sys.exit(main())
