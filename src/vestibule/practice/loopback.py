"""What counts as this machine. Owns that one rule, for the addresses we listen on and for those we answer to."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit


def is_loopback_host(host: str) -> bool:
    """Say whether `host` (name or address, untrusted) is this machine. Nothing but localhost is resolved."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_loopback_url(url: str) -> bool:
    """Say whether an untrusted `url` is a plain http(s) address on this machine, without credentials or fragment."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port  # raises when the port is no number
    except ValueError:
        return False
    if parts.scheme not in {"http", "https"} or "@" in parts.netloc or parts.fragment:
        return False
    return is_loopback_host(host) and url.isprintable() and " " not in url and "\\" not in url


def origin_of(url: str) -> str:
    """Return scheme, host and port of a loopback `url` (already judged by `is_loopback_url`), as a CSP source."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
