"""The other side: a process that posts messages over keep-alive connections and spends as little as it can on each.

`python -m bench.client PORT CONNECTIONS FILE`: the file is what `save` wrote; it prints what came back, as JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.ground import cores, pin
from tests.support import traffic
from tests.support.tools import ROOT


@dataclass(frozen=True, slots=True)
class Posted:
    """What came back: answers by status, and how long all of it took."""

    statuses: dict[str, int]
    with_cookie: int
    seconds: float


def post(port: int, messages: Sequence[bytes], folder: Path, connections: int = 8) -> Posted:
    """Post every message from a process of its own, on cores that the server has not; return what came back."""
    path = folder / "messages"
    with path.open("wb") as file:
        for message in messages:
            file.write(len(message).to_bytes(4, "big") + message)
    command = [sys.executable, "-m", "bench.client", str(port), str(connections), str(path)]
    client = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    pin(client.pid, cores().others)
    said, _ = client.communicate()
    assert client.returncode == 0, f"the client failed: {said}"
    path.unlink()
    return Posted(**json.loads(said))


def _load(path: Path) -> list[bytes]:
    data, messages, at = path.read_bytes(), [], 0
    while at < len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        messages.append(data[at + 4 : at + 4 + length])
        at += 4 + length
    return messages


def _main(port: int, connections: int, path: Path) -> None:
    messages, statuses, cookies = _load(path), Counter[str](), 0

    def on_answer(_: int, status: int, head: bytes) -> None:
        nonlocal cookies
        statuses[str(status)] += 1
        cookies += b"\r\nset-cookie:" in head.lower()

    started = time.perf_counter()
    traffic.post_all(port, messages, connections, on_answer)
    seconds = time.perf_counter() - started
    print(json.dumps({"statuses": statuses, "with_cookie": cookies, "seconds": seconds}))


if __name__ == "__main__":
    _main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
