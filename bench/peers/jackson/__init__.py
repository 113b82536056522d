"""npm's @boxyhq/saml-jackson on PostgreSQL: one Node.js process on the core that Vestibule's worker had, POST to OAuth code."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench.client import post
from bench.ground import Ground, cores, pin
from bench.peers import CACHE, PeerMissingError, PeerRate, cpu_seconds, install, messages, rate, running
from scripts.test_tools import ToolMissingError, ensure_node, npm_beside
from tests.support.served import settled_port

SP: Final = "https://jackson.bench.example/sp"
_HERE: Final = Path(__file__).parent
_START_SECONDS: Final = 120


def measure(ground: Ground, number: int, clients: int) -> PeerRate:
    """Return the rate of sign-ins. Raises PeerMissingError where it can't be installed."""
    node, modules = ensure()
    port, warm = settled_port(), max(50, number // 4)
    acs = f"http://127.0.0.1:{port}/acs"
    with _served(ground, node, modules, port, number + warm) as (pid, requests):
        prepared = messages.posts(acs, SP, requests)
        post(port, prepared[:warm], ground.folder, clients)
        before = cpu_seconds([pid])
        posted = post(port, prepared[warm:], ground.folder, clients)
        spent = cpu_seconds([pid]) - before
    assert posted.statuses == {"302": number}, posted.statuses
    return rate(posted, spent)


def ensure() -> tuple[str, Path]:
    """Return Node.js and the folder with the installed package. Raises PeerMissingError when either can't be had."""
    folder = CACHE / "jackson"
    try:
        node = ensure_node()
    except ToolMissingError as error:
        raise PeerMissingError(str(error)) from error
    lock = (_HERE / "package-lock.json").read_text()
    installed = folder / "installed-lock.json"
    if not installed.exists() or installed.read_text() != lock:
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(_HERE / name, folder / name)
        command = (*npm_beside(Path(node)), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
        install(command, folder, "jackson-install.log")
        installed.write_text(lock)
    return node, folder


@contextmanager
def _served(
    ground: Ground, node: str, modules: Path, port: int, number: int
) -> Iterator[tuple[int, list[tuple[str | None, str]]]]:
    folder = ground.folder / "jackson"
    folder.mkdir()
    (folder / "idp.xml").write_text(messages.metadata())
    requests = folder / "requests.json"
    with ground.database("PostgreSQL", "memory") as url:
        command = (node, str(_HERE / "server.mjs"), str(port), url, str(folder / "idp.xml"), str(number), str(requests))
        with running(command, modules, str(folder / "jackson.out"), DO_NOT_TRACK="1", NODE_ENV="production") as process:
            pin(process.pid, cores().server)
            end = time.monotonic() + _START_SECONDS
            while not requests.exists():
                if process.poll() is not None or time.monotonic() > end:
                    said = (folder / "jackson.out").read_text(errors="replace").strip()
                    raise PeerMissingError(f"saml-jackson did not start: {said[-300:]}")
                time.sleep(0.1)
            yield process.pid, [(one["id"], one["relay_state"]) for one in json.loads(requests.read_text())]
