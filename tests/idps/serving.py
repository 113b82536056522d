"""How the Python identity providers of this folder live as processes: a sign of readiness, and an end.

A process ends when its standard input does, so that none outlives the test run that started it, however that one died.
"""

from __future__ import annotations

import json
import logging
import socket
import sys
import threading
from pathlib import Path

from starlette.types import ASGIApp

from vestibule.practice.server import practice_server


def serve_until_input_ends(app: ASGIApp, listener: socket.socket, ready_file: Path, facts: dict[str, str]) -> None:
    """Serve `app` on the bound socket and put `facts` into `ready_file`; return when standard input is closed."""
    logging.basicConfig(level=logging.WARNING)  # to standard error, which the one who started us keeps
    server = practice_server(app, listener)

    def wait_for_the_end() -> None:
        sys.stdin.read()
        server.should_exit = True

    threading.Thread(target=wait_for_the_end, daemon=True).start()
    listener.listen()  # from here on a connection waits instead of being refused
    partial = ready_file.with_suffix(".partial")
    partial.write_text(json.dumps(facts), encoding="utf-8")
    partial.rename(ready_file)
    server.run(sockets=[listener])
