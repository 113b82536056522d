"""The practice app as a Starlette app: "Sign in with Vestibule", who you are, refresh, sign-out, and what it is told by back-channel.

It has no people and no passwords of its own. Its sessions are in memory, and it answers on this machine only.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from vestibule.kernel.clock import Clock
from vestibule.practice.errors import ForeignForm, NotBelieved, NotLoopback, PracticeError, ProviderRefused
from vestibule.practice.loopback import is_loopback_url, origin_of
from vestibule.practice.pages import STATIC_DIRECTORY, Pages
from vestibule.practice.relying_party import Begun, RelyingParty, SignedIn

COOKIE: Final = "practice_app"
_MOST_BROWSERS: Final = 500
_MOST_BEGUN: Final = 5
_MAX_BODY_BYTES: Final = 64 * 1024


@dataclass(slots=True)
class _Browser:
    """One browser: the requests that it began, and who is signed in in it."""

    begun: dict[str, Begun] = field(default_factory=dict)
    signed_in: SignedIn | None = None
    refreshed_at: datetime | None = None
    told_at: datetime | None = None
    refused: str = ""

    def end(self) -> None:
        """End the app's own session."""
        self.signed_in, self.refreshed_at = None, None


class PracticeApp:
    """An app at `base_url` that relies on one issuer, both on loopback addresses. Raises NotLoopback for any other."""

    def __init__(self, base_url: str, issuer: str, clock: Clock) -> None:
        if not is_loopback_url(base_url):
            raise NotLoopback(f"base_url {base_url!r}")
        self.base_url = base_url.rstrip("/")
        self.redirect_uri = f"{self.base_url}/callback"
        self.launch_url = f"{self.base_url}/sign-in"
        self.signed_out_uri = f"{self.base_url}/"
        self.backchannel_logout_uri = f"{self.base_url}/backchannel-logout"
        self.party = RelyingParty(issuer, self.redirect_uri, clock)
        self._clock = clock
        self._browsers: dict[str, _Browser] = {}
        self._pages = Pages()
        self.app = self._build_app()

    def _build_app(self) -> Starlette:
        host = urlsplit(self.base_url).hostname or ""
        return Starlette(
            routes=[
                Route("/", self._home),
                Route("/state", self._state),
                Route("/sign-in", self._sign_in),
                Route("/callback", self._callback),
                Route("/refresh", self._refresh, methods=["POST"]),
                Route("/sign-out", self._sign_out, methods=["POST"]),
                Route("/backchannel-logout", self._told, methods=["POST"]),
                Mount("/static", StaticFiles(directory=STATIC_DIRECTORY)),
            ],
            middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=[host, "localhost"], www_redirect=False)],
            exception_handlers={PracticeError: self._problem},
            max_body_size=_MAX_BODY_BYTES,
        )

    async def _home(self, request: Request) -> Response:
        browser = self._browser(request) or _Browser()
        signed_in = browser.signed_in
        values = {
            "browser": browser,
            "claims": signed_in.claims if signed_in else {},
            "since": datetime.fromtimestamp(signed_in.claims["auth_time"], UTC) if signed_in else None,
            "written": json.dumps(signed_in.claims, indent=2, ensure_ascii=False) if signed_in else "",
        }
        # Signing out leads to Vestibule, and a form's redirects are held to what it may post to.
        posts_to = f"'self' {origin_of(self.party.issuer)}"
        return self._pages.render("app_home.html", values, posts_to=posts_to, fetches="'self'")

    async def _state(self, request: Request) -> Response:
        """Say whether somebody is signed in, for the page to notice when that ends."""
        browser = self._browser(request)
        headers = {"Cache-Control": "no-store"}
        return JSONResponse({"signed_in": browser is not None and browser.signed_in is not None}, headers=headers)

    async def _sign_in(self, request: Request) -> Response:
        begun = await run_in_threadpool(self.party.begin)
        response = RedirectResponse(begun.url, 303)
        browser = self._browser(request) or self._new_browser(response)
        browser.begun[begun.state] = begun
        while len(browser.begun) > _MOST_BEGUN:
            browser.begun.pop(next(iter(browser.begun)))
        return response

    async def _callback(self, request: Request) -> Response:
        browser, query = self._browser(request), dict(request.query_params)
        begun = browser.begun.pop(query.get("state", ""), None) if browser else None
        if browser is None or begun is None:
            raise NotBelieved("an answer to nothing that this browser asked")
        signed_in = await run_in_threadpool(self.party.finish, begun, query)
        # A new name for the browser, so that whoever knew the old one has no session by it.
        response = RedirectResponse("/", 303)
        self._browsers.pop(request.cookies.get(COOKIE, ""), None)
        self._new_browser(response).signed_in = signed_in
        return response

    async def _refresh(self, request: Request) -> Response:
        browser = self._own_form(request)
        if browser is not None and browser.signed_in is not None:
            try:
                browser.signed_in = await run_in_threadpool(self.party.refresh, browser.signed_in)
                browser.refreshed_at = self._clock()
            except ProviderRefused as refused:
                browser.end()
                browser.refused = refused.reason
        return RedirectResponse("/", 303)

    async def _sign_out(self, request: Request) -> Response:
        browser = self._own_form(request)
        signed_in = browser.signed_in if browser else None
        if browser is None or signed_in is None:
            return RedirectResponse("/", 303)
        browser.end()
        return RedirectResponse(await run_in_threadpool(self.party.sign_out_url, signed_in, self.signed_out_uri), 303)

    async def _told(self, request: Request) -> Response:
        """Take a logout token, and end the sessions that it names (OpenID Connect Back-Channel Logout 1.0, 2.5 and 2.8)."""
        form = await request.form()
        headers = {"Cache-Control": "no-store"}
        try:
            subject, sid = await run_in_threadpool(self.party.read_logout, str(form.get("logout_token", "")))
        except NotBelieved:
            return JSONResponse({"error": "invalid_request"}, 400, headers=headers)
        for browser in self._browsers.values():
            claims = browser.signed_in.claims if browser.signed_in else {}
            if claims and claims["sub"] == subject and sid in {"", claims.get("sid")}:
                browser.end()
                browser.told_at = self._clock()
        return Response(status_code=200, headers=headers)

    def _browser(self, request: Request) -> _Browser | None:
        return self._browsers.get(request.cookies.get(COOKIE, ""))

    def _new_browser(self, response: Response) -> _Browser:
        name, browser = secrets.token_urlsafe(32), _Browser()
        self._browsers[name] = browser
        while len(self._browsers) > _MOST_BROWSERS:
            self._browsers.pop(next(iter(self._browsers)))
        response.set_cookie(COOKIE, name, httponly=True, samesite="lax", path="/")
        return browser

    def _own_form(self, request: Request) -> _Browser | None:
        # Every port of this machine is the same site to a browser: the cookie alone says nothing about whose form it was.
        if request.headers.get("origin") != origin_of(self.base_url):
            raise ForeignForm("a form of another page")
        return self._browser(request)

    async def _problem(self, _: Request, error: Exception) -> Response:
        refused = error.reason if isinstance(error, ProviderRefused) else ""
        values: dict[str, object] = {"sentence": str(error), "refused": refused}
        return self._pages.render("app_problem.html", values, status_code=400)
