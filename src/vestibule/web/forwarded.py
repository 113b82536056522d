"""What a reverse proxy says about the request that it asks us about. Owns reading those headers; they are untrusted.

Whoever calls may write what they like into them, and gains nothing: an answer is about the token that came along, and a token counts
at its own host. What must not happen is that a visitor's header is read where the proxy's is meant. So there are two families of
headers, one a proxy; a request with a header twice, or with some of both families, is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs, quote

from vestibule.directory.forward_auth import DEFAULT_PORTS, clean_host
from vestibule.kernel.errors import VestibuleError
from vestibule.kernel.text import N_, printable

CALLBACK_PATH: Final = "/.vestibule/callback"
SIGN_OUT_PATH: Final = "/.vestibule/sign-out"
_URL: Final = b"x-original-url"
_METHOD: Final = b"x-original-method"
_FORWARDED: Final = (b"x-forwarded-proto", b"x-forwarded-host", b"x-forwarded-uri", b"x-forwarded-method")
_DECISIVE: Final = frozenset({_URL, _METHOD, *_FORWARDED})
_ABOUT_THE_BROWSER: Final = frozenset({b"sec-fetch-mode", b"sec-fetch-site", b"accept"})
# Those that say which app: the others may be there for another reason.
_OF_BOTH: Final = frozenset({b"x-forwarded-host", b"x-forwarded-uri", b"x-forwarded-method"})
_MAX_FIELDS: Final = 10
# All else is percent-encoded, so that the address is the same to every reader.
_PRINTABLE: Final = "".join(chr(code) for code in range(0x21, 0x7F))
_WORD: Final = re.compile(r"[A-Za-z]{1,20}\Z")


class PlainHttp(VestibuleError):
    """The app is reached without https, where the session's cookie could be read on the way."""

    code = "plain_http"
    public = N_("This app is reached without https, so nobody can sign in to it. Tell the people who run it.")


class ForwardedRefused(VestibuleError):
    """The headers about the request are missing, twice there, of two families, or malformed: the proxy is not set up as shown."""

    code = "forwarded_refused"
    public = N_("The proxy in front of this app is not set up completely. Tell the people who run it.")


@dataclass(frozen=True, slots=True)
class Asked:
    """The request that a proxy asks about: made of characters that are safe in an address, and otherwise untrusted.

    `by_status` says that the proxy can only tell 2xx, 401 and 403 apart, as nginx's auth_request does; others hand our answer on.
    `opens_page` says that somebody opens a page, who can be sent to sign in: a script that fetches something can't.
    `from_own_page` says, by the browser's word, that no other site led here: a page of the app did, or the person's own typing.
    """

    scheme: str
    host: str
    uri: str
    by_status: bool
    opens_page: bool
    from_own_page: bool = False

    @property
    def origin(self) -> str:
        """Return scheme and host."""
        return f"{self.scheme}://{self.host}"

    @property
    def is_callback(self) -> bool:
        """Say whether a browser comes back from signing in."""
        return self._is_at(CALLBACK_PATH)

    @property
    def is_sign_out(self) -> bool:
        """Say whether somebody wants to sign out."""
        return self._is_at(SIGN_OUT_PATH)

    def _is_at(self, path: str) -> bool:
        return not self.by_status and self.uri.partition("?")[0] == path

    @property
    def code(self) -> str:
        """Return the code that a browser brings, or nothing unless there is exactly one."""
        try:
            codes = parse_qs(self.uri.partition("?")[2], max_num_fields=_MAX_FIELDS).get("code", [])
        except ValueError:
            return ""
        return codes[0] if len(codes) == 1 else ""


def read_asked(headers: Iterable[tuple[bytes, bytes]]) -> Asked:
    """Return what the proxy asks about, from the raw headers of its request. Raises ForwardedRefused."""
    said: dict[bytes, str] = {}
    about: dict[bytes, str] = {}
    for name, value in headers:
        if name in _ABOUT_THE_BROWSER:
            about[name] = value.decode("latin-1")
        elif name in _DECISIVE:
            if name in said:
                raise ForwardedRefused(f"{name.decode()} is there twice")
            said[name] = value.decode("latin-1")
    if _URL in said or _METHOD in said:
        if not _OF_BOTH.isdisjoint(said):
            raise ForwardedRefused("headers of nginx and of other proxies at once")
        return _of_nginx(said.get(_URL, ""), said.get(_METHOD, ""), about)
    scheme, host, uri, method = (said.get(name, "") for name in _FORWARDED)
    return _asked(scheme, host, uri, method, about, by_status=False)


def answers_by_status(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Say whether a request that could not be read came from a proxy that only tells 2xx, 401 and 403 apart."""
    return any(name == _URL for name, _ in headers)


def _of_nginx(url: str, method: str, about: Mapping[bytes, str]) -> Asked:
    scheme, separator, rest = url.partition("://")
    host, slash, uri = rest.partition("/")
    if not separator or not slash:
        raise ForwardedRefused(f"X-Original-URL is {printable(url, 100)!r}")
    return _asked(scheme, host, slash + uri, method, about, by_status=True)


def _asked(scheme: str, host: str, uri: str, method: str, about: Mapping[bytes, str], *, by_status: bool) -> Asked:
    if scheme not in DEFAULT_PORTS:
        raise ForwardedRefused(f"the scheme is {printable(scheme, 40)!r}")
    cleaned = clean_host(host, scheme)
    if cleaned is None:
        raise ForwardedRefused(f"the host is {printable(host, 100)!r}")
    if not uri.startswith("/"):
        raise ForwardedRefused(f"the URI is {printable(uri, 100)!r}")
    if not _WORD.match(method):
        raise ForwardedRefused(f"the method is {printable(method, 40)!r}")
    mode = about.get(b"sec-fetch-mode")
    navigates = mode == "navigate" if mode is not None else "text/html" in about.get(b"accept", "")
    return Asked(
        scheme=scheme,
        host=cleaned,
        uri=quote(uri.encode("latin-1"), safe=_PRINTABLE),
        by_status=by_status,
        opens_page=method in {"GET", "HEAD"} and navigates,
        from_own_page=about.get(b"sec-fetch-site") in {"same-origin", "none"},
    )
