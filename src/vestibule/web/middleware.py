"""What surrounds every request: an id, the client's address, security headers, a size limit, one log line, metrics."""

from __future__ import annotations

import asyncio
import ipaddress
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Final

import structlog
from prometheus_client import Counter, Histogram
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vestibule.kernel import locales
from vestibule.kernel.secrets import new_reference

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
MAX_BODY_BYTES: Final = 3 * 1024 * 1024
BODY_SECONDS: Final = 120.0
MAX_HEADER_BYTES: Final = 64 * 1024
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9_-]{8,64}\Z")
_HOP: Final = re.compile(r"\[(?P<v6>[^\]]*)\](?::[0-9]+)?\Z|(?P<v4>[0-9.]+)(?::[0-9]+)?\Z")
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_LENGTH: Final = re.compile(r"[0-9]{1,12}\Z")
_TOO_MANY_HEADERS: Final = (
    "Your browser sent more headers than a request has. Delete the cookies of this site, then try again."
)
_BROKEN: Final = "Something went wrong on our side. Try again; if it happens again, tell your operator this code."
_QUIET: Final = frozenset({"/healthz", "/readyz", "/metrics", "/static", "/e/{env}/verify"})
CSP: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; font-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_READ: Final = frozenset(
    {b"x-forwarded-for", b"x-request-id", b"accept-language", b"content-length", b"transfer-encoding"}
)
_ID_BYTES: Final = 16
# What is longer is not remembered: strangers write it.
_SHORT: Final = 100
# An IPv6 address with its zone and port.
_LONGEST_HOP: Final = 80
_DEFAULT_HEADERS: Final = ((b"content-security-policy", CSP.encode()), (b"cache-control", b"no-store"))
_FIXED_HEADERS: Final = {
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"same-origin",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"permissions-policy": b"camera=(), geolocation=(), microphone=()",
}
_HSTS: Final = {b"strict-transport-security": b"max-age=63072000; includeSubDomains"}
REQUESTS: Final = Counter("vestibule_requests_total", "Requests by route and status", ["method", "route", "status"])
SECONDS: Final = Histogram("vestibule_request_seconds", "Time to answer by route", ["route"])
log = structlog.get_logger()


def client_address(peer: str, forwarded_for: str, trusted: Sequence[Network]) -> str:
    """Return the client's address: the peer's, or what trusted proxies say of theirs, read from the right.

    A header from anybody else is ignored, and so is everything left of the first untrusted address: clients write there.
    IPv4 mapped into IPv6 is IPv4; a port behind an address, as some proxies write it, is dropped.
    """
    address = _parse_address(peer)
    if address is None:
        return peer
    for hop in reversed([part.strip() for part in forwarded_for.split(",") if part.strip()]):
        if not _within(address, trusted):
            break
        before = _parse_address(hop) if len(hop) <= _LONGEST_HOP else None
        if before is None:
            break
        address = before
    return str(address)


@lru_cache(maxsize=4096)
def _parse_address(text: str) -> _IpAddress | None:
    found = _HOP.match(text)
    bare = (found["v6"] or found["v4"] or "") if found else text
    try:
        address = ipaddress.ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _within(address: _IpAddress | None, networks: Sequence[Network]) -> bool:
    return address is not None and any(address in network for network in networks)


class Surroundings:
    """What is around everything. Pure ASGI: it costs no task and no copy of the body."""

    def __init__(self, app: ASGIApp, *, https: bool, trusted_proxies: Sequence[Network]) -> None:
        self.app = app
        self.https = https
        self.trusted = trusted_proxies
        self._fixed = {**_FIXED_HEADERS, **(_HSTS if https else {})}
        self._added = {**self._fixed, **dict(_DEFAULT_HEADERS)}
        self._addresses = lru_cache(maxsize=4096)(lambda peer, said: client_address(peer, said, trusted_proxies))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        size, said = _read_head(scope["headers"])
        state = scope.setdefault("state", {})
        peer = scope["client"][0] if scope.get("client") else ""
        state["client_address"] = self._address(peer, said.get(b"x-forwarded-for", ""))
        state["request_id"] = self._request_id(peer, said.get(b"x-request-id", ""))
        structlog.contextvars.bind_contextvars(request_id=state["request_id"])
        started, status = time.perf_counter(), 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._add_headers(message, state["request_id"])
            await send(message)

        try:
            if size > MAX_HEADER_BYTES:
                await _bare_page(431, _TOO_MANY_HEADERS)(scope, receive, send_with_headers)
            else:
                # Worker threads of the request speak the same language: they get a copy of this context.
                with locales.speaking(locales.choose_language(said.get(b"accept-language", ""))):
                    await self.app(scope, _limited(said, receive), send_with_headers)
        except Exception as error:
            # Outside of every door's own wall, so that even a defect in the walls answers with headers and a code.
            reference = new_reference()
            log.exception("unexpected error", reference=reference, exc_info=error)
            if status:
                raise
            await _bare_page(500, _BROKEN, reference)(scope, receive, send_with_headers)
        finally:
            self._account(scope, status or 500, time.perf_counter() - started, state["client_address"])
            structlog.contextvars.unbind_contextvars("request_id")

    def _address(self, peer: str, forwarded_for: str) -> str:
        if len(forwarded_for) > _SHORT:
            return client_address(peer, forwarded_for, self.trusted)
        return self._addresses(peer, forwarded_for)

    def _request_id(self, peer: str, given: str) -> str:
        trusted = given and _REQUEST_ID.match(given) and _within(_parse_address(peer), self.trusted)
        return given if trusted else secrets.token_hex(_ID_BYTES)

    def _add_headers(self, message: Message, request_id: str) -> None:
        # One pass over the list: setting each by itself would look for it in all the others.
        headers, given = message["headers"], {name for name, _ in message["headers"]}
        fixed = self._fixed
        if self._added.keys().isdisjoint(given):
            message["headers"] = [*headers, (b"x-request-id", request_id.encode()), *self._added.items()]
            return
        if not fixed.keys().isdisjoint(given):
            headers = [pair for pair in headers if pair[0] not in fixed]
        defaults = (pair for pair in _DEFAULT_HEADERS if pair[0] not in given)
        message["headers"] = [*headers, (b"x-request-id", request_id.encode()), *fixed.items(), *defaults]

    def _account(self, scope: Scope, status: int, seconds: float, address: str) -> None:
        # The route's pattern, never the path: one-time links stand in paths.
        route = _pattern(scope)
        # Made-up methods would each be a time series for ever.
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        counted, timed = _series(method, route, status)
        counted.inc()
        timed.observe(seconds)
        if route not in _QUIET:
            log.info("request", method=method, route=route, status=status, ms=round(seconds * 1000, 1), address=address)


# Looking a series up among the others costs more than counting in it.
@lru_cache(maxsize=4096)
def _series(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    return REQUESTS.labels(method, route, status), SECONDS.labels(route)


def _pattern(scope: Scope) -> str:
    if scope["path"].startswith("/static/"):
        return "/static"
    return str(getattr(scope.get("route"), "path", "unmatched"))


def _bare_page(status: int, sentence: str, reference: str = "") -> HTMLResponse:
    # No template, no session, no database: whatever is broken, this is not.
    code = f"<p>{reference}</p>" if reference else ""
    page = f'<!doctype html><html lang="en"><title>{status}</title><h1>{status}</h1><p>{sentence}</p>{code}</html>'
    return HTMLResponse(page, status)


def _read_head(headers: Iterable[tuple[bytes, bytes]]) -> tuple[int, dict[bytes, str]]:
    """Return the size of all headers, and those that are read here: a list as one, of anything else the first."""
    size, said = 0, dict[bytes, str]()
    for name, value in headers:
        size += len(name) + len(value)
        if name in _READ:
            if name not in said:
                said[name] = value.decode("latin-1")
            elif name == b"x-forwarded-for":
                # Proxies may add a line of their own below the client's: all lines are one list (RFC 9110, 5.3).
                said[name] += "," + value.decode("latin-1")
    return size, said


def _limited(said: Mapping[bytes, str], receive: Receive) -> Callable[[], Awaitable[Message]]:
    if b"content-length" not in said and b"transfer-encoding" not in said:
        return receive  # without either there is no body (RFC 9112, 6.3)
    declared = said.get(b"content-length", "0")
    if not _LENGTH.match(declared) or int(declared) > MAX_BODY_BYTES:
        return _refuse_body
    deadline = asyncio.get_running_loop().time() + BODY_SECONDS
    read, complete = 0, False

    async def limited() -> Message:
        nonlocal read, complete
        if complete:
            return await receive()
        try:
            async with asyncio.timeout_at(deadline):
                message = await receive()
        except TimeoutError as error:
            raise HTTPException(408, headers={"Connection": "close"}) from error
        read += len(message.get("body", b""))
        if read > MAX_BODY_BYTES:
            return await _refuse_body()
        complete = not message.get("more_body", False)
        return message

    return limited


async def _refuse_body() -> Message:
    # The rest of the body is not read: the connection can't serve another request.
    raise HTTPException(413, headers={"Connection": "close"})
