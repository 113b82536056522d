"""npm's @boxyhq/saml-jackson on PostgreSQL: one Node.js process on the core that Vestibule's worker had, POST to code, code to tokens."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx

from bench import token_requests
from bench.client import post
from bench.ground import Ground, cores, pin
from bench.peers import CACHE, PeerMissingError, PeerRate, cpu_seconds, install, messages, rate, running
from scripts.test_tools import ToolMissingError, ensure_node, npm_beside
from tests.support.served import settled_port

SP: Final = "https://jackson.bench.example/sp"
_HERE: Final = Path(__file__).parent
_START_SECONDS: Final = 120


@dataclass(frozen=True, slots=True)
class _Running:
    """The server: its sign-ins that wait for their response, and how its one app authenticates."""

    pid: int
    port: int
    client_id: str
    client_secret: str = field(repr=False)
    requests: list[tuple[str | None, str]]

    def posts(self) -> list[bytes]:
        """Return the response to each of its sign-ins."""
        return messages.posts(f"http://127.0.0.1:{self.port}/acs", SP, self.requests)


def measure(ground: Ground, number: int, clients: int) -> PeerRate:
    """Return the rate of sign-ins. Raises PeerMissingError where it can't be installed."""
    warm = max(50, number // 4)
    with _serving(ground, number + warm) as server:
        prepared = server.posts()
        post(server.port, prepared[:warm], ground.folder, clients)
        before = cpu_seconds([server.pid])
        posted = post(server.port, prepared[warm:], ground.folder, clients)
        spent = cpu_seconds([server.pid]) - before
    assert posted.statuses == {"302": number}, posted.statuses
    return rate(posted, spent)


def measure_tokens(ground: Ground, number: int, clients: int) -> PeerRate:
    """Return the rate of codes exchanged for an ID token signed with RS256. Raises PeerMissingError where it can't be installed."""
    with _serving(ground, number, token_requests.CHALLENGE) as server:
        post(server.port, server.posts(), ground.folder, clients)
        home = f"http://127.0.0.1:{server.port}"
        codes = httpx.get(f"{home}/codes", trust_env=False).json()
        mine = (server.client_id, server.client_secret)
        sent = [token_requests.exchange(server.port, "/token", *mine, code, f"{home}/done") for code in codes]
        first = httpx.post(
            f"{home}/token",
            content=sent[0].partition(b"\r\n\r\n")[2],
            auth=mine,
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            trust_env=False,
        )
        assert first.json()["id_token"], first.text
        return token_requests.measure(server.pid, server.port, ground.folder, sent[1:], clients)


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
def _serving(ground: Ground, number: int, challenge: str = "") -> Iterator[_Running]:
    node, modules = ensure()
    port, folder = settled_port(), ground.folder / f"jackson-{'tokens' if challenge else 'acs'}"
    folder.mkdir()
    (folder / "idp.xml").write_text(messages.metadata())
    requests = folder / "requests.json"
    with ground.database("PostgreSQL", "memory") as url:
        told = (str(port), url, str(folder / "idp.xml"), str(number), str(requests), challenge)
        command = (node, str(_HERE / "server.mjs"), *told)
        with running(command, modules, str(folder / "jackson.out"), DO_NOT_TRACK="1", NODE_ENV="production") as process:
            pin(process.pid, cores().server)
            end = time.monotonic() + _START_SECONDS
            while not requests.exists():
                if process.poll() is not None or time.monotonic() > end:
                    said = (folder / "jackson.out").read_text(errors="replace").strip()
                    raise PeerMissingError(f"saml-jackson did not start: {said[-300:]}")
                time.sleep(0.1)
            made = json.loads(requests.read_text())
            begun = [(one["id"], one["relay_state"]) for one in made["requests"]]
            yield _Running(process.pid, port, made["client_id"], made["client_secret"], begun)
