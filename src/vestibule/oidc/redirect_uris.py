"""Where an answer may be sent: to a registered address, compared character by character (RFC 9700, 2.1)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import urlencode, urlsplit

MAX_REDIRECT_URI: Final = 1_000
# Without < > " \\ ^ ` { | } and spaces, which no URI has; without # and *, which we don't take.
_ADDRESS: Final = re.compile(r"[A-Za-z0-9._~:/?\[\]@!$&'()+,;=%-]+\Z")
_PRIVATE_USE: Final = re.compile(r"[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+\Z")
_LOOPBACK: Final = frozenset({"127.0.0.1", "[::1]"})


def is_registered(registered: Iterable[str], received: str) -> bool:
    """Say whether an untrusted redirect URI is one of the registered ones.

    Exactly, but for the port of a native app's loopback address, which the system chooses at each start (RFC 8252, 7.3).
    """
    return any(received == one or _same_but_port(one, received) for one in registered)


def _same_but_port(registered: str, received: str) -> bool:
    host, rest = _loopback(registered)
    return host is not None and (host, rest) == _loopback(received)


def _loopback(uri: str) -> tuple[str | None, str]:
    """Return host and what follows the port of a loopback address on http; (None, "") for any other."""
    if not uri.startswith("http://"):
        return None, ""
    authority, slash, rest = uri.removeprefix("http://").partition("/")
    host, colon, port = authority.rpartition(":") if not authority.endswith("]") else (authority, "", "")
    host = host if colon else authority
    plain = host in _LOOPBACK and (not colon or (port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65_536))
    # What a browser would read differently from this splitting is not a native app's address.
    return (host, slash + rest) if plain and urlsplit(uri).hostname == host.strip("[]") else (None, "")


def with_parameters(uri: str, parameters: Mapping[str, str]) -> str:
    """Return a registered address with parameters behind those that it has (RFC 6749, 3.1.2)."""
    joint = "" if uri.endswith(("?", "&")) else "&" if "?" in uri else "?"
    return uri + joint + urlencode(parameters)


def is_acceptable(untrusted: str) -> bool:
    """Say whether an address may be registered: https, http on loopback, or a private-use scheme (RFC 8252, 7; RFC 9700, 2.1).

    A scheme of one's own is a reversed domain name, which has a dot: `javascript:` and `data:` have none. An address has no
    fragment, no credentials, no wildcard, and nothing that a browser reads differently from us.
    """
    if len(untrusted) > MAX_REDIRECT_URI or not _ADDRESS.match(untrusted):
        return False
    try:
        parts = urlsplit(untrusted)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if "@" in parts.netloc or any(part in {".", ".."} for part in parts.path.split("/")):
        return False
    if parts.scheme == "https":
        return bool(host)
    if parts.scheme == "http":
        return host in {"127.0.0.1", "::1", "localhost"}
    return _PRIVATE_USE.match(parts.scheme) is not None and bool(parts.path or host)
