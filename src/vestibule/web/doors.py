"""Doors: turn a synchronous function of a Visit into an endpoint. Sessions, forgery and refusals are dealt with here, once."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from vestibule.flows import admin_sign_in
from vestibule.kernel.errors import VestibuleError
from vestibule.kernel.secrets import new_token
from vestibule.kernel.text import has_unsafe_characters
from vestibule.web.cookies import set_cookie
from vestibule.web.forgery import ForeignRequest, require_own_form
from vestibule.web.forms import local_path
from vestibule.web.pages import redirect
from vestibule.web.problems import problem_page, refusal_page, unexpected_page
from vestibule.web.threads import in_thread
from vestibule.web.visits import Visit, read_visit

ADMIN_COOKIE: Final = "admin"
BROWSER_COOKIE: Final = "browser"
_BROWSER_AGE_SECONDS: Final = 30 * 86_400
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43}\Z")

Door = Callable[[Visit], Response]
Endpoint = Callable[[Request], Awaitable[Response]]


def open_door(handler: Door) -> Endpoint:
    """Return an endpoint that reads the request, runs `handler` in a worker thread, and turns refusals into pages."""

    async def endpoint(request: Request) -> Response:
        if any(has_unsafe_characters(str(part)) for part in request.path_params.values()):
            # Nothing of ours has such a name, and PostgreSQL would stumble over a NUL.
            raise HTTPException(404)
        try:
            visit = await read_visit(request)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody reads it
        return await in_thread(answer, handler, visit)

    endpoint.__name__ = handler.__name__
    return endpoint


def answer(handler: Door, visit: Visit) -> Response:
    """Run a door; a refusal becomes its page, and anything unexpected the 500 page with a reference code."""
    try:
        return handler(visit)
    except VestibuleError as error:
        return refusal_page(visit, error)
    except HTTPException as error:
        return problem_page(visit, error.status_code)
    except Exception as error:  # noqa: BLE001 - the outermost wall: a defect must not show its insides
        return unexpected_page(visit, error)


def console(handler: Door) -> Endpoint:
    """Return an endpoint for signed-in admins only, safe against forged requests."""

    def guarded(visit: Visit) -> Response:
        token = visit.cookies.get(visit.site.cookie_name(ADMIN_COOKIE), "")
        visit.caller = admin_sign_in.resume(visit.runtime, visit.visitor, token) if token else None
        if visit.caller is None:
            # The page that was wanted comes after signing in; what a form held is gone, and the sign-in page says so.
            ended = "&ended=1" if token else ""
            wanted = _wanted(visit) if visit.method == "GET" else ""
            return redirect(f"/admin/sign-in?next={quote(wanted, safe='/')}{ended}")
        if visit.method not in {"GET", "HEAD"}:
            require_own_form(visit, visit.caller.session_id)
        return handler(visit)

    guarded.__name__ = handler.__name__
    return open_door(guarded)


def _wanted(visit: Visit) -> str:
    """Return the address of the page, with its search and filters where they can be gone on to."""
    if not visit.raw_query or not visit.raw_query.isascii():
        return visit.path
    return local_path(f"{visit.path}?{visit.raw_query.decode('ascii')}", "/admin/", visit.path)


def public(handler: Callable[[Visit, str], Response]) -> Endpoint:
    """Return an endpoint for anybody's browser. `handler` also gets the browser's own secret, which its forms are bound to.

    The cookie is made at the first visit. It comes back with an IdP's cross-site POST, which is how a response is bound
    to the browser that asked for it.
    """

    def guarded(visit: Visit) -> Response:
        known = browser_of(visit)
        fresh, browser = not known, known or new_token()
        try:
            if visit.method not in {"GET", "HEAD"}:
                if fresh:
                    raise ForeignRequest("no browser cookie came back")
                require_own_form(visit, browser)
            response = handler(visit, browser)
        except VestibuleError as error:
            response = refusal_page(visit, error)
        if fresh:
            remember_browser(response, visit, browser)
        return response

    guarded.__name__ = handler.__name__
    return open_door(guarded)


def browser_of(visit: Visit) -> str:
    """Return the browser's own secret from its cookie, or nothing when it has none of the form that we give out."""
    browser = visit.cookies.get(visit.site.cookie_name(BROWSER_COOKIE), "")
    return browser if _TOKEN.match(browser) else ""


def remember_browser(response: Response, visit: Visit, browser: str) -> None:
    """Give a browser its own secret."""
    set_cookie(response, visit.site, BROWSER_COOKIE, browser, max_age_seconds=_BROWSER_AGE_SECONDS, cross_site=True)
