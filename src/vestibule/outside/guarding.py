"""Connections to the public internet alone, within one deadline and one number of bytes: what `outside.fetching` stands on.

Owns which addresses are public and how long and how much may be read. Knows no HTTP.
"""

from __future__ import annotations

import ipaddress
import queue
import socket
import ssl
import threading
import time
from collections.abc import Iterable
from functools import cache
from typing import Any, Final

import httpcore

_GLOBAL_UNICAST: Final = ipaddress.IPv6Network("2000::/3")
# Public by its number, and yet the platform of every virtual machine at Azure: it hands out their configuration.
_AZURE_PLATFORM: Final = ipaddress.IPv4Address("168.63.129.16")
_RELAY_6TO4: Final = ipaddress.IPv4Network("192.88.99.0/24")


@cache
def system_trust() -> ssl.SSLContext:
    """Return who the system trusts, read once: the file of all authorities takes longer to read than most fetches take.

    For HTTP alone, since httpcore writes into it that HTTP is spoken (ALPN, RFC 7301).
    """
    return ssl.create_default_context()


class NotPublic(Exception):
    """The host has an address that is not a public one."""


def is_public(address: str) -> bool:
    """Say whether an IP address (text, from a resolver) is one of the public internet; whatever is no address is not.

    Looks through IPv4 mapped into IPv6; every other translation of IPv4 into IPv6 is refused, as it leads where the
    network here decides. RFC 6890, RFC 4291 2.4.
    """
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is None:
            translated = parsed.sixtofour is not None or parsed.teredo is not None
            return parsed in _GLOBAL_UNICAST and parsed.is_global and not translated
        parsed = parsed.ipv4_mapped
    return parsed.is_global and not parsed.is_multicast and parsed != _AZURE_PLATFORM and parsed not in _RELAY_6TO4


class Bounds:
    """What one fetch may take: seconds on a monotonic clock, and bytes read from the network, headers included."""

    def __init__(self, seconds: float, max_bytes: int) -> None:
        self._deadline = time.monotonic() + seconds
        self._bytes_left = max_bytes

    def seconds_left(self, error: type[Exception]) -> float:
        """Return the time that is left. Raises `error` when there is none."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise error("the time is up")
        return left

    def count(self, received: bytes) -> bytes:
        """Return what was received. Raises httpcore.ReadError when it is too much in all."""
        self._bytes_left -= len(received)
        if self._bytes_left < 0:
            raise httpcore.ReadError("more bytes than a document has")
        return received


class _BoundedStream(httpcore.NetworkStream):
    """A stream whose every operation ends at the deadline: one that sends a byte now and then gains no time by it."""

    def __init__(self, stream: httpcore.NetworkStream, bounds: Bounds) -> None:
        self._stream = stream
        self._bounds = bounds

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read what is there."""
        del timeout  # the deadline stands for it
        return self._bounds.count(self._stream.read(max_bytes, self._bounds.seconds_left(httpcore.ReadTimeout)))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write all of `buffer`."""
        del timeout
        self._stream.write(buffer, self._bounds.seconds_left(httpcore.WriteTimeout))

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """Begin TLS; the handshake counts towards the deadline."""
        del timeout
        left = self._bounds.seconds_left(httpcore.ConnectTimeout)
        return _BoundedStream(self._stream.start_tls(ssl_context, server_hostname, left), self._bounds)

    def get_extra_info(self, info: str) -> Any:
        """Return what the connection knows of itself."""
        return self._stream.get_extra_info(info)


class GuardedBackend(httpcore.NetworkBackend):
    """Connects only to addresses that were looked at: the same lookup is checked and used, so DNS can't change its mind."""

    def __init__(self, bounds: Bounds, *, allow_private: bool) -> None:
        self._bounds = bounds
        self._network = httpcore.SyncBackend()
        self._allow_private = allow_private

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address of `host` that answers. Raises NotPublic if any of them is not public."""
        del timeout
        addresses = self._look_up(host, port)
        if not self._allow_private:
            for address in addresses:
                if not is_public(address):
                    raise NotPublic(f"{host} is at {address}")
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for tried, address in enumerate(addresses):
            # A share for each: one address that swallows packets must not keep the next from being tried.
            left = self._bounds.seconds_left(httpcore.ConnectTimeout) / (len(addresses) - tried)
            try:
                stream = self._network.connect_tcp(address, port, left, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return _BoundedStream(stream, self._bounds)
        raise failure

    def _look_up(self, host: str, port: int) -> list[str]:
        # The system's resolver knows no deadline: one that does not answer is left behind in its thread, and ends by itself.
        answer: queue.SimpleQueue[list[str] | Exception] = queue.SimpleQueue()

        def ask() -> None:
            try:
                found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
                answer.put(list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found)))
            except (OSError, UnicodeError) as error:
                answer.put(error)

        left = self._bounds.seconds_left(httpcore.ConnectTimeout)
        threading.Thread(target=ask, name="lookup", daemon=True).start()
        try:
            found = answer.get(timeout=left)
        except queue.Empty as error:
            raise httpcore.ConnectTimeout(f"nobody says where {host} is") from error
        if isinstance(found, Exception):
            raise httpcore.ConnectError(f"{host} has no address") from found
        return found
