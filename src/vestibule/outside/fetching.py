"""The guarded HTTP client: fetches what an admin named, and nothing that the network here would rather keep to itself."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
from collections.abc import Iterable
from typing import ClassVar, Final
from urllib.parse import urljoin, urlsplit

import httpcore

from vestibule.kernel.errors import VestibuleError
from vestibule.kernel.text import N_, printable

TIMEOUT_SECONDS: Final = 10.0
MAX_BYTES: Final = 2 * 1024 * 1024
MAX_REDIRECTS: Final = 3


class FetchRefused(VestibuleError):
    """The address could not, or may not, be fetched."""

    code: ClassVar[str] = "fetch_refused"
    public = N_("The address could not be fetched.")


class NotHttps(FetchRefused):
    """The address is not https, and the operator did not allow http."""

    code = "fetch_not_https"
    public = N_("The address must start with https://.")


class PrivateAddress(FetchRefused):
    """The host's address is not a public one."""

    code = "fetch_private_address"
    public = N_("The address leads into a private network, which this server does not fetch from. Paste the XML instead, or ask the operator to allow it.")


class FetchFailed(FetchRefused):
    """The server there did not give the document."""

    code = "fetch_failed"
    public = N_("The server at this address did not give a document. Check the address in a browser, or paste the XML instead.")


class FetchTooLarge(FetchRefused):
    """The document is larger than any metadata is."""

    code = "fetch_too_large"
    public = N_("The document at this address is larger than 2 MiB. Use the address of this one IdP, or paste its part.")


class _GuardedBackend(httpcore.SyncBackend):
    """Connects only to addresses that were looked at: the same lookup is checked and used, so DNS can't change its mind."""

    def __init__(self, *, allow_private: bool) -> None:
        super().__init__()
        self._allow_private = allow_private

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address of `host` that answers; refuse if any of them is not public."""
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"{host} has no address") from error
        addresses = [str(sockaddr[0]) for *_, sockaddr in found]
        if not self._allow_private:
            for address in addresses:
                if not is_public(address):
                    raise PrivateAddress(f"{host} is at {address}")
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in addresses:
            try:
                return super().connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None
    ) -> httpcore.NetworkStream:
        """Refuse: no address that an admin types leads to a socket of this machine."""
        raise PrivateAddress("a unix socket")


def is_public(address: str) -> bool:
    """Say whether an IP address is one of the public internet, looking through IPv4 mapped or translated into IPv6."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            parsed = parsed.ipv4_mapped
        elif parsed.sixtofour is not None or parsed.teredo is not None or parsed in _NAT64:
            return False
    return parsed.is_global and not parsed.is_multicast


_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")


class Fetcher:
    """Fetches one document at a time: https unless allowed otherwise, public addresses only unless allowed, all bounded."""

    def __init__(self, *, allow_http: bool, allow_private: bool, ssl_context: ssl.SSLContext | None = None) -> None:
        self._allow_http = allow_http
        self._backend = _GuardedBackend(allow_private=allow_private)
        self._ssl = ssl_context or ssl.create_default_context()

    def __call__(self, url: str, /) -> bytes:
        """Return the bytes of the document at `url` (untrusted both). Raises FetchRefused.

        10 seconds in all, 2 MiB, 3 redirects, each of which is checked like the first address.
        """
        deadline = time.monotonic() + TIMEOUT_SECONDS
        with httpcore.ConnectionPool(ssl_context=self._ssl, network_backend=self._backend, max_connections=1) as pool:
            for _ in range(MAX_REDIRECTS + 1):
                self._check(url)
                try:
                    body, location = _get(pool, url, deadline)
                except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, httpcore.UnsupportedProtocol) as error:
                    raise FetchFailed(f"{printable(url)}: {type(error).__name__} {printable(str(error))}") from error
                except (OSError, ssl.SSLError, UnicodeError, ValueError) as error:
                    raise FetchFailed(f"{printable(url)}: {printable(str(error))}") from error
                if location is None:
                    return body
                url = urljoin(url, location)
        raise FetchFailed(f"{printable(url)}: more than {MAX_REDIRECTS} redirects")

    def _check(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            host, _ = parts.hostname, parts.port
        except ValueError as error:
            raise FetchFailed(f"{printable(url)}: {error}") from error
        if parts.scheme != "https" and not (parts.scheme == "http" and self._allow_http):
            raise NotHttps(printable(url))
        if not host or parts.username is not None or not url.isascii() or any(ord(char) <= 0x20 for char in url):
            raise FetchFailed(f"{printable(url)}: not an address of a document")


def _get(pool: httpcore.ConnectionPool, url: str, deadline: float) -> tuple[bytes, str | None]:
    left = max(0.1, deadline - time.monotonic())
    limits = {"timeout": {"connect": left, "read": left, "write": left, "pool": left}}
    headers = {"User-Agent": "Vestibule", "Accept": "application/samlmetadata+xml, application/xml, text/xml", "Host": urlsplit(url).netloc}
    with pool.stream("GET", url.partition("#")[0], headers=headers, extensions=limits) as response:
        if response.status in {301, 302, 303, 307, 308}:
            location = next((value for name, value in response.headers if name.lower() == b"location"), b"")
            return b"", location.decode("ascii")
        if response.status != 200:  # noqa: PLR2004 - OK
            raise FetchFailed(f"{printable(url)}: status {response.status}")
        body = b""
        for chunk in response.iter_stream():
            body += chunk
            if len(body) > MAX_BYTES:
                raise FetchTooLarge(printable(url))
            if time.monotonic() > deadline:
                raise FetchFailed(f"{printable(url)}: not done within {TIMEOUT_SECONDS:.0f} seconds")
    return body, None
