"""Starts relying parties: programs of others that rely on the product as an app does."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.relying_parties.apache import apache_command
from tests.support.processes import started
from tests.support.tools import tool


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """One that listens. `resource` is set for an API: what its tokens have to be for."""

    base_url: str
    resource: str = ""

    def know(self, client_id: str, client_secret: str = "", *, pushed: bool = False) -> None:
        """Tell it who it is, once the console has its addresses."""
        told = {"clientId": client_id, "clientSecret": client_secret, "pushed": pushed}
        httpx.post(f"{self.base_url}/client", json=told, trust_env=False).raise_for_status()


@contextmanager
def openid_client(issuer: str) -> Iterator[RelyingParty]:
    """Run a relying party made of the certified npm package openid-client."""
    with _node("openid_client/rp.js", issuer=issuer) as running:
        yield running


@contextmanager
def apache(issuer: str, port: int, client_id: str, client_secret: str) -> Iterator[RelyingParty]:
    """Run Apache, whose mod_auth_openidc guards `/guarded/`; it has to know who it is from the start."""
    with tempfile.TemporaryDirectory(prefix="relying-party-") as name:
        command = apache_command(Path(name), port, issuer, client_id, client_secret)
        with listening(command, Path(name), port, {"LC_ALL": "C.UTF-8"}) as base_url:
            yield RelyingParty(base_url)


@contextmanager
def listening(command: list[str], folder: Path, port: int, environment: dict[str, str]) -> Iterator[str]:
    """Run in a folder a program that knows nothing of tests and will listen on a port; give its address when it answers."""
    told = {"readyFile": str(folder / "ready.json"), "port": port, "folder": str(folder), "command": command}
    named = [f"{name}={value}" for name, value in environment.items()]
    wrapper = ["env", *named, sys.executable, "-m", "tests.relying_parties.port_process", json.dumps(told)]
    with started(wrapper, folder) as (facts, _):
        yield facts["base_url"]


@contextmanager
def mcp_server(issuer: str) -> Iterator[RelyingParty]:
    """Run an MCP server that takes access tokens of `issuer`."""
    with _node("mcp/server.js", issuer=issuer) as running:
        yield running


@contextmanager
def mcp_client(initial_access_token: str) -> Iterator[RelyingParty]:
    """Run an MCP client that finds out everything by itself but the token for registering."""
    with _node("mcp/client.js", initialAccessToken=initial_access_token) as running:
        yield running


@contextmanager
def _node(script: str, **options: str) -> Iterator[RelyingParty]:
    path = Path(__file__).with_name(script.partition("/")[0]) / script.partition("/")[2]
    if not (path.parent / "node_modules").exists():
        raise AssertionError(f"run `make test` once, or `npm ci` in tests/relying_parties/{path.parent.name}")
    with tempfile.TemporaryDirectory(prefix="relying-party-") as name:
        folder = Path(name)
        told = {"readyFile": str(folder / "ready.json"), "port": 0, **options}
        with started([tool("node"), str(path), json.dumps(told)], folder) as (facts, _):
            yield RelyingParty(**facts)
