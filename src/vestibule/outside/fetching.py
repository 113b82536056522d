"""The guarded HTTP client: fetches what an admin named, and nothing that the network here would rather keep to itself."""

from __future__ import annotations

import ipaddress
import re
import ssl
from dataclasses import dataclass
from typing import ClassVar, Final
from urllib.parse import quote, urljoin, urlsplit

import httpcore

from vestibule.kernel.errors import VestibuleError
from vestibule.kernel.text import N_, clean_domain, printable
from vestibule.outside.guarding import Bounds, GuardedBackend, NotPublic, is_public, system_trust

__all__ = [
    "FetchFailed",
    "FetchRefused",
    "FetchTooLarge",
    "Fetcher",
    "NotHttps",
    "PortRefused",
    "PrivateAddress",
    "is_public",
]

TIMEOUT_SECONDS: Final = 10.0
MAX_BYTES: Final = 2 * 1024 * 1024
MAX_REDIRECTS: Final = 3
MAX_URL_LENGTH: Final = 2000
# Headers, redirects and the frames of chunks come on top of the document.
_MAX_BYTES_IN_ALL: Final = MAX_BYTES + 512 * 1024
_PORTS: Final = {"http": 80, "https": 443}
_FIRST_FREE_PORT: Final = 1024
_REDIRECTS: Final = {301, 302, 303, 307, 308}
_OK: Final = 200
_HOST: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]{0,251}[a-z0-9_])?\.?\Z")
# What a target may hold beside letters and digits (RFC 3986, 3.3 and 3.4); everything else is percent-encoded.
_IN_TARGET: Final = "%/:@!$&'()*+,;=-._~?"


class FetchRefused(VestibuleError):
    """The address could not, or may not, be fetched."""

    code: ClassVar[str] = "fetch_refused"
    public = N_("The address could not be fetched.")


class NotHttps(FetchRefused):
    """The address is not https, and the operator did not allow http; or https leads to http."""

    code = "fetch_not_https"
    public = N_("The address must start with https://.")


class PrivateAddress(FetchRefused):
    """The host's address is not a public one."""

    code = "fetch_private_address"
    public = N_(
        "The address leads into a private network, which this server does not fetch from. "
        "Paste the XML instead, or ask the operator to allow it."
    )


class PortRefused(FetchRefused):
    """The address names a port below 1024 that is not the web's: mail and remote shells listen there."""

    code = "fetch_port_refused"
    public = N_("The address names a port that is not for web pages. Check it, or paste the XML instead.")


class FetchFailed(FetchRefused):
    """The server there did not give the document."""

    code = "fetch_failed"
    public = N_(
        "The server at this address did not give a document. Check the address in a browser, or paste the XML instead."
    )


class FetchTooLarge(FetchRefused):
    """The document is larger than any metadata is."""

    code = "fetch_too_large"
    public = N_(
        "The document at this address is larger than 2 MiB. Use the address of this one IdP, or paste its part."
    )


@dataclass(frozen=True, slots=True)
class Address:
    """An address that may be asked for: taken apart once, and put together from checked parts for every use."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def authority(self) -> str:
        """Return the value of the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """Return the address as text."""
        return f"{self.scheme}://{self.authority}{self.target}"

    def __str__(self) -> str:
        # For the log: what follows the question mark may be a secret.
        return printable(f"{self.scheme}://{self.authority}{self.target.partition('?')[0]}")


class Fetcher:
    """Fetches one document at a time: https unless allowed otherwise, public addresses only unless allowed, all bounded."""

    def __init__(self, *, allow_http: bool, allow_private: bool, ssl_context: ssl.SSLContext | None = None) -> None:
        self._allow_http = allow_http
        self._allow_private = allow_private
        self._ssl = ssl_context or system_trust()

    def __call__(self, url: str, /) -> bytes:
        """Return the bytes of the document at `url` (untrusted both). Raises FetchRefused.

        10 seconds in all, 2 MiB, 3 redirects, each of which is checked like the first address and never leads from
        https to http. Nothing compressed is accepted: what is small on the way can be huge here.
        """
        address = parse_address(url.strip())
        bounds = Bounds(TIMEOUT_SECONDS, _MAX_BYTES_IN_ALL)
        backend = GuardedBackend(bounds, allow_private=self._allow_private)
        with httpcore.ConnectionPool(ssl_context=self._ssl, network_backend=backend, max_connections=1) as pool:
            for _ in range(MAX_REDIRECTS + 1):
                self._check(address)
                body, location = _ask(pool, address)
                if location is None:
                    return body
                before, address = address, parse_address(location, address.url)
                if (before.scheme, address.scheme) == ("https", "http"):
                    raise NotHttps(f"{before} leads to {address}")
        raise FetchFailed(f"{address}: more than {MAX_REDIRECTS} redirects")

    def _check(self, address: Address) -> None:
        require_allowed(address, allow_http=self._allow_http)


def require_allowed(address: Address, *, allow_http: bool) -> None:
    """Raise NotHttps or PortRefused for an address that nothing is asked of."""
    if address.scheme != "https" and not allow_http:
        raise NotHttps(str(address))
    if address.port < _FIRST_FREE_PORT and address.port not in _PORTS.values():
        raise PortRefused(str(address))


def parse_address(url: str, base: str = "") -> Address:
    """Return a web address (untrusted) taken apart. Raises NotHttps for another scheme, FetchFailed for anything odd."""
    try:
        url = urljoin(base, url)
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise FetchFailed(f"{_shown(url)}: {printable(str(error))}") from error
    if parts.scheme not in _PORTS:
        raise NotHttps(_shown(url))
    # An address with a name and a password before the host is made to deceive the one who reads it.
    odd = (
        "@" in parts.netloc or parts.netloc.endswith(":") or any(ord(char) <= 0x20 or ord(char) == 0x7F for char in url)
    )
    name = _parse_host(host)
    if odd or name is None or len(url) > MAX_URL_LENGTH or "\\" in url:
        raise FetchFailed(f"{_shown(url)}: not an address of a document")
    path = quote(parts.path or "/", safe=_IN_TARGET, errors="replace")
    query = quote(parts.query, safe=_IN_TARGET, errors="replace")
    number = _PORTS[parts.scheme] if port is None else port
    return Address(parts.scheme, name, number, f"{path}?{query}" if query else path)


def _shown(url: str) -> str:
    # Neither a password before the host nor a secret in the query reaches the log.
    return printable(re.sub(r"//[^/]*@", "//…@", url.partition("?")[0]))


def _parse_host(host: str) -> str | None:
    if ":" in host:
        try:
            # A zone (`fe80::1%eth0`) names an interface of this machine.
            return None if "%" in host else str(ipaddress.IPv6Address(host))
        except ValueError:
            return None
    if not host.isascii():
        return clean_domain(host)
    return host if _HOST.match(host) else None


def _ask(pool: httpcore.ConnectionPool, address: Address) -> tuple[bytes, str | None]:
    """Return the document, or where it is said to be. Raises FetchRefused."""
    try:
        return _get(pool, address)
    except NotPublic as error:
        raise PrivateAddress(f"{address}: {error}") from error
    except (
        httpcore.NetworkError,
        httpcore.TimeoutException,
        httpcore.ProtocolError,
        httpcore.UnsupportedProtocol,
        OSError,
        ValueError,
    ) as error:
        raise FetchFailed(f"{address}: {type(error).__name__} {printable(str(error))}") from error


def _get(pool: httpcore.ConnectionPool, address: Address) -> tuple[bytes, str | None]:
    url = httpcore.URL(
        scheme=address.scheme.encode(), host=address.host.encode(), port=address.port, target=address.target.encode()
    )
    headers: dict[bytes | str, bytes | str] = {
        "Host": address.authority,
        "User-Agent": "Vestibule",
        "Accept": "application/samlmetadata+xml, application/xml, text/xml",
        "Accept-Encoding": "identity",
    }
    with pool.stream("GET", url, headers=headers) as response:
        if response.status in _REDIRECTS:
            location = _header(response, b"location")
            if not location:
                raise FetchFailed(f"{address}: a redirect without an address")
            return b"", location
        if response.status != _OK:
            raise FetchFailed(f"{address}: status {response.status}")
        if _header(response, b"content-encoding").lower() not in {"", "identity"}:
            raise FetchFailed(f"{address}: compressed, although only identity was accepted")
        body = bytearray()
        for chunk in response.iter_stream():
            body += chunk
            if len(body) > MAX_BYTES:
                raise FetchTooLarge(str(address))
    return bytes(body), None


def _header(response: httpcore.Response, wanted: bytes) -> str:
    values = [value for name, value in response.headers if name.lower() == wanted]
    if len(set(values)) > 1:
        raise FetchFailed(f"several different {wanted.decode()} headers")
    return values[0].decode("ascii").strip() if values else ""
