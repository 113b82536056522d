"""What an app asks of a token endpoint and its neighbours, the same for every server: the bytes of each, and what answering them costs."""

from __future__ import annotations

import hashlib
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from bench.client import post
from bench.peers import PeerRate, cpu_seconds, rate

CALLBACK: Final = "https://app.example/callback"
VERIFIER: Final = "a verifier of forty-three characters or more, the same each time".replace(" ", "-").replace(",", "")
CHALLENGE: Final = urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


def form(port: int, path: str, client_id: str, secret: str, **fields: str) -> bytes:
    """Return the bytes of a POST by a confidential client."""
    body = urlencode(fields).encode()
    head = (
        f"POST {path} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        f"Authorization: Basic {b64encode(f'{client_id}:{secret}'.encode()).decode()}",
        "Accept: application/json",
        "User-Agent: app/1.0",
        "Content-Type: application/x-www-form-urlencoded",
        f"Content-Length: {len(body)}",
    )
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def exchange(port: int, path: str, client_id: str, secret: str, code: str, redirect_uri: str = CALLBACK) -> bytes:
    """Bring a code."""
    fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri, "code_verifier": VERIFIER}
    return form(port, path, client_id, secret, **fields)


def measure(pid: int, port: int, folder: Path, messages: Sequence[bytes], clients: int) -> PeerRate:
    """Return what answering these costs a server, a fifth of them left out to warm it up."""
    warm = len(messages) // 5
    post(port, messages[:warm], folder, clients)
    before = cpu_seconds([pid])
    posted = post(port, messages[warm:], folder, clients)
    spent = cpu_seconds([pid]) - before
    assert posted.statuses == {"200": len(messages) - warm}, posted.statuses
    return rate(posted, spent)
