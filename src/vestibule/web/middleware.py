"""What surrounds every request: an id, the client's address, security headers, a size limit, one log line, metrics."""

from __future__ import annotations

import ipaddress
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import structlog
from prometheus_client import Counter, Histogram
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from ulid import ULID

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
MAX_BODY_BYTES: Final = 3 * 1024 * 1024
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9_-]{8,64}\Z")
CSP: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; font-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
REQUESTS: Final = Counter("vestibule_requests_total", "Requests by route and status", ["method", "route", "status"])
SECONDS: Final = Histogram("vestibule_request_seconds", "Time to answer by route", ["route"])
log = structlog.get_logger()


def client_address(peer: str, forwarded_for: str, trusted: Sequence[Network]) -> str:
    """Return the client's address: the peer's, or what trusted proxies say of theirs, read from the right.

    A header from anybody else is ignored, and so is everything left of the first untrusted address: clients write there.
    """
    address = peer
    for hop in reversed([part.strip() for part in forwarded_for.split(",") if part.strip()]):
        if not _within(address, trusted):
            break
        candidate = hop.partition("%")[0].strip("[]")
        try:
            address = str(ipaddress.ip_address(candidate))
        except ValueError:
            break
    return address


def _within(address: str, networks: Sequence[Network]) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in networks)


class Surroundings:
    """The one middleware. Pure ASGI: it costs no task and no copy of the body."""

    def __init__(self, app: ASGIApp, *, https: bool, trusted_proxies: Sequence[Network]) -> None:
        self.app = app
        self.https = https
        self.trusted = trusted_proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        state = scope.setdefault("state", {})
        peer = scope["client"][0] if scope.get("client") else ""
        state["client_address"] = client_address(peer, headers.get("x-forwarded-for", ""), self.trusted)
        state["request_id"] = self._request_id(peer, headers)
        structlog.contextvars.bind_contextvars(request_id=state["request_id"])
        started, status = time.perf_counter(), 500

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._add_headers(MutableHeaders(scope=message), state["request_id"])
            await send(message)

        try:
            await self.app(scope, _limited(headers, receive), send_with_headers)
        finally:
            self._account(scope, status, time.perf_counter() - started, state["client_address"])
            structlog.contextvars.unbind_contextvars("request_id")

    def _request_id(self, peer: str, headers: Headers) -> str:
        given = headers.get("x-request-id", "")
        return given if _REQUEST_ID.match(given) and _within(peer, self.trusted) else str(ULID()).lower()

    def _add_headers(self, headers: MutableHeaders, request_id: str) -> None:
        headers["X-Request-Id"] = request_id
        headers.setdefault("Content-Security-Policy", CSP)
        headers.setdefault("Cache-Control", "no-store")
        headers["X-Content-Type-Options"] = "nosniff"
        headers["X-Frame-Options"] = "DENY"
        headers["Referrer-Policy"] = "same-origin"
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
        headers["Cross-Origin-Resource-Policy"] = "same-origin"
        headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
        if self.https:
            headers["Strict-Transport-Security"] = "max-age=63072000; includeSubDomains"

    def _account(self, scope: Scope, status: int, seconds: float, address: str) -> None:
        # The route's pattern, never the path: one-time links stand in paths.
        route = _pattern(scope)
        REQUESTS.labels(scope["method"] if len(scope["method"]) < 8 else "OTHER", route, status).inc()
        SECONDS.labels(route).observe(seconds)
        if route not in {"/healthz", "/readyz", "/metrics", "/static"}:
            log.info("request", method=scope["method"], route=route, status=status, ms=round(seconds * 1000, 1), address=address)


def _pattern(scope: Scope) -> str:
    route: Any = scope.get("route")
    if route is not None:
        return str(getattr(route, "path", "unmatched"))
    return "/static" if scope["path"].startswith("/static/") else "unmatched"


def _limited(headers: Headers, receive: Receive) -> Callable[[], Awaitable[Message]]:
    declared = headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > MAX_BODY_BYTES:
        return _refuse_body
    read = 0

    async def limited() -> Message:
        nonlocal read
        message = await receive()
        read += len(message.get("body", b""))
        if read > MAX_BODY_BYTES:
            return await _refuse_body()
        return message

    return limited


async def _refuse_body() -> Message:
    raise HTTPException(413)
