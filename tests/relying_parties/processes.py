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
        folder = Path(name)
        told = {"readyFile": str(folder / "ready.json"), "port": port, "issuer": issuer}
        told |= {"clientId": client_id, "clientSecret": client_secret}
        command = [sys.executable, "-m", "tests.relying_parties.apache_process", json.dumps(told)]
        with started(command, folder) as (facts, _):
            yield RelyingParty(**facts)


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
