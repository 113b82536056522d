"""What a browser gets at an app's host, where nothing else of ours is: its cookies there, the way to sign in, and pages without files."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import structlog
from markupsafe import Markup
from starlette.responses import PlainTextResponse, Response

from vestibule.directory.entry import Condition
from vestibule.flows import forward_auth_sign_in as signing_in
from vestibule.flows.parts.forwarding import NotAllowed
from vestibule.flows.parts.places import find_place
from vestibule.kernel.errors import NotFound, VestibuleError
from vestibule.kernel.secrets import new_token
from vestibule.kernel.text import N_
from vestibule.web.entrance import home_of
from vestibule.web.forwarded import Asked, PlainHttp
from vestibule.web.pages import redirect, render
from vestibule.web.problems import status_of
from vestibule.web.visits import Visit, parse_cookies

_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43}\Z")
_STYLE: Final = (Path(__file__).parent / "templates" / "portal" / "_closed.css").read_text(encoding="utf-8")
_DIGEST: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_CSP: Final = (
    f"default-src 'none'; style-src 'sha256-{_DIGEST}'; img-src data:; form-action 'none'; frame-ancestors 'none'; "
    "base-uri 'none'"
)
_BROWSER_SECONDS: Final = 600
_SENTENCES: Final[Mapping[Condition, str]] = {
    Condition.PERSON_ACTIVE: N_("Your account is switched off. Ask your admin if you should have access."),
    Condition.ENVIRONMENT_ACCESS: N_("You have no access to this environment (any more)."),
    Condition.APP_ENABLED: N_("The app is switched off at the moment."),
    Condition.APP_GROUPS: N_("None of your groups may use it. Ask your admin if you should have access."),
}
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Names:
    """What the cookies are called; `common` is how all of them begin."""

    at_host: str
    at_domain: str
    browser: str
    common: str


@lru_cache(maxsize=4096)
def _names(environment_key: str, port: str, secure: bool) -> _Names:
    host, domain = ("__Host-", "__Secure-") if secure else ("", "")
    # Cookies know no ports: two apps on one host would take each other's.
    at_host = f"{host}vestibule_app_{environment_key}" + (f"_{port}" if port else "")
    common = "__" if secure else "vestibule_"
    return _Names(at_host, f"{domain}vestibule_domain_{environment_key}", f"{host}vestibule_appbrowser", common)


class HostCookies:
    """The cookies of ours at an app's host. All are untrusted, and none is one of our own host's.

    `__Host-` keeps other hosts from setting the one that counts here only. The one of a registered domain can't have that: whoever
    has a host below the domain can set it, which is what an admin takes on who registers one.
    """

    def __init__(self, headers: Iterable[tuple[bytes, bytes]], environment_key: str, asked: Asked) -> None:
        self._secure = asked.scheme == "https"
        self._names = _names(environment_key, asked.host.partition(":")[2], self._secure)
        lines = [value.decode("latin-1") for name, value in headers if name == b"cookie"]
        found = parse_cookies(lines, self._names.common) if lines else {}
        self._given = {name: value for name, value in found.items() if _TOKEN.match(value)}

    @property
    def tokens(self) -> tuple[str, ...]:
        """Return what may be the token of a session here: this host's first."""
        given = self._given
        return tuple(given[name] for name in (self._names.at_host, self._names.at_domain) if name in given)

    @property
    def browser(self) -> str:
        """Return the browser's secret at this host, which a sign-in is bound to, or nothing."""
        return self._given.get(self._names.browser, "")

    def remember_browser(self, response: Response, browser: str) -> None:
        """Keep the browser's secret for as long as signing in may take: the same for every tab that asks meanwhile."""
        self._set(response, self._names.browser, browser, _BROWSER_SECONDS)

    def begin(self, response: Response, done: signing_in.Finished) -> None:
        """Keep the token of a session that began."""
        name = self._names.at_host if done.domain is None else self._names.at_domain
        self._set(response, name, done.token, done.lasts_seconds, done.domain)

    def end(self, response: Response) -> None:
        """Clear the cookie of the session at this host; one of a whole domain is worth nothing by now, and goes when the browser does."""
        if self._names.at_host in self._given:
            self._set(response, self._names.at_host, "", 0)

    def _set(self, response: Response, name: str, value: str, seconds: int, domain: str | None = None) -> None:
        response.set_cookie(
            name, value, max_age=seconds, path="/", domain=domain, secure=self._secure, httponly=True, samesite="lax"
        )


def start_sign_in(visit: Visit, asked: Asked, cookies: HostCookies, error: VestibuleError) -> Response:
    """Send a page that somebody opened to our host and on to signing in; whatever else asked learns that it is not signed in."""
    if visit.site.https and asked.scheme != "https":
        return closed_page(visit, asked, PlainHttp(f"{asked.host} is reached over http"))
    if not asked.opens_page:
        return PlainTextResponse(visit.gettext(error.public), 401)
    browser = cookies.browser or new_token()
    key = visit.path_params["env"]
    path = signing_in.ticket(visit.runtime, key, asked.scheme, asked.host, asked.uri, browser)
    response = redirect(visit.runtime.public_url + path, 302)
    cookies.remember_browser(response, browser)
    return response


def take_back(visit: Visit, asked: Asked, cookies: HostCookies) -> Response:
    """Take the code that a browser brings from our host, give it its session here, and send it on to the page that it wanted."""
    key = visit.path_params["env"]
    earlier = cookies.tokens[0] if cookies.tokens else ""
    done = signing_in.finish(
        visit.runtime, visit.visitor, key, asked.host, asked.code, cookies.browser, earlier=earlier
    )
    response = redirect(done.return_to)
    cookies.begin(response, done)
    return response


def to_sign_out(visit: Visit, asked: Asked, cookies: HostCookies) -> Response:
    """End the session at this host, and send the browser to the page at ours that asks and signs out of all apps.

    Where another site led here nothing ends before that page has asked: a link or a picture must sign nobody out.
    """
    key = visit.path_params["env"]
    response = redirect(f"{visit.runtime.public_url}{home_of(key)}sign-out")
    if asked.from_own_page:
        signing_in.leave(visit.runtime, key, cookies.tokens)
        cookies.end(response)
    return response


def closed_page(visit: Visit, asked: Asked, error: VestibuleError) -> Response:
    """Return the page for somebody who does not get through to an app."""
    status = status_behind(error)
    if isinstance(error, NotFound) or status >= 500:
        return PlainTextResponse(visit.gettext(error.public, **error.params), status)
    place = find_place(visit.runtime, visit.path_params["env"])
    response = render(
        visit,
        "portal/closed.html",
        status=status,
        style=Markup(_STYLE),  # noqa: S704 - a file of ours
        place=place,
        refused=error if isinstance(error, NotAllowed) else None,
        sentence=sentence_of(visit, error),
        reference=getattr(error, "reference", ""),
        home=visit.runtime.public_url + home_of(place.environment.key),
        again=f"{asked.origin}/",
    )
    response.headers["Content-Security-Policy"] = _CSP
    return response


def status_behind(error: VestibuleError) -> int:
    """Return the status of what is no yes: 403, but where the server itself is at fault."""
    status = status_of(error)
    return status if status >= 500 else 403


def sentence_of(visit: Visit, error: VestibuleError) -> str:
    """Return why somebody does not get through, in words for them."""
    if isinstance(error, NotAllowed):
        return visit.gettext(_SENTENCES.get(error.refused_by, error.public))
    return visit.gettext(error.public, **error.params)
