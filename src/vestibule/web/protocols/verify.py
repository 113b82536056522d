"""`/e/{env}/verify`: what nginx, Caddy and Traefik ask before they let a request through to an app.

A yes of a moment ago is answered from memory, on the event loop, before a route is looked for; all else runs in a worker thread. What is
not a yes is answered at the app's host, where no other page of ours is: `web.protocols.app_host`.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote

import structlog
from prometheus_client import Counter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from vestibule.flows import forward_auth
from vestibule.flows import forward_auth_sign_in as signing_in
from vestibule.flows.forward_auth import Admission
from vestibule.flows.parts.entry import resume
from vestibule.flows.parts.forwarding import NotAllowed, NotSignedIn
from vestibule.flows.parts.places import find_place
from vestibule.kernel.errors import VestibuleError
from vestibule.kernel.text import N_, has_unsafe_characters
from vestibule.web.app_host import (
    HostCookies,
    closed_page,
    sentence_of,
    start_sign_in,
    status_behind,
    take_back,
    to_sign_out,
)
from vestibule.web.doors import answer
from vestibule.web.entrance import going_page, place_page, portal, session_token, sign_in_path
from vestibule.web.forwarded import Asked, ForwardedRefused, answers_by_status, read_asked
from vestibule.web.pages import redirect
from vestibule.web.threads import in_thread
from vestibule.web.visits import Visit, read_visit

_ANSWERS: Final = Counter("vestibule_forward_auth_answers_total", "Answers of forward-auth by outcome", ["outcome"])
_YES, _NO, _UNKNOWN, _BROKEN = (_ANSWERS.labels(one) for one in ("allowed", "refused", "not_signed_in", "malformed"))
# Longer than an environment's key may be. What stands there is remembered in the names of cookies, and strangers write it.
_MAX_KEY: Final = 40
_ASKS: Final = re.compile(rf"/e/([^/]{{1,{_MAX_KEY}}})/verify\Z")
_METHODS: Final = frozenset({"GET", "HEAD"})
_TICKET: Final = re.compile(r"[A-Za-z0-9_-]{1,1900}\Z")
log = structlog.get_logger()


class FromMemory:
    """Gives a yes of a moment ago, before anybody looks for a route: what Starlette does until there costs as much as the answer.

    Everything else goes on to the app behind it, to `Verify` in the end.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer from memory, or hand on."""
        asks = _ASKS.match(scope["path"]) if scope["type"] == "http" and scope["method"] in _METHODS else None
        remembered = _remembered(scope, asks[1]) if asks else None
        if remembered is None:
            await self.app(scope, receive, send)
            return
        _YES.inc()
        scope["route"] = _VERIFY
        await send({"type": "http.response.start", "status": 200, "headers": [*remembered.raw]})
        await send({"type": "http.response.body", "body": b""})


def _remembered(scope: Scope, key: str) -> Admission | None:
    raw, admissions = scope["headers"], scope["app"].state.site.recent.admissions
    try:
        asked = read_asked(raw)
    except ForwardedRefused:
        return None
    if asked.is_callback or asked.is_sign_out:
        return None
    tokens = HostCookies(raw, key, asked).tokens
    return next((yes for one in tokens if (yes := admissions.get((key, asked.host, one))) is not None), None)


class Verify:
    """Answers a proxy's question: 200 lets the request through, with headers about the person; 401 and 403 don't."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Go and look."""
        raw = scope["headers"]
        try:
            asked = read_asked(raw)
        except ForwardedRefused as error:
            _BROKEN.inc()
            log.warning("forward-auth refused", code=error.code, reason=error.reason)
            status = 403 if answers_by_status(raw) else 400
            await Response(str(error), status, media_type="text/plain")(scope, receive, send)
            return
        key = scope["path_params"]["env"]
        if len(key) > _MAX_KEY or has_unsafe_characters(key):
            raise HTTPException(404)
        cookies = HostCookies(raw, key, asked)
        visit = await read_visit(Request(scope, receive))
        response = await in_thread(answer, lambda given: _look(given, asked, cookies), visit)
        await response(scope, receive, send)


def _look(visit: Visit, asked: Asked, cookies: HostCookies) -> Response:
    try:
        if asked.is_callback:
            return take_back(visit, asked, cookies)
        if asked.is_sign_out:
            return to_sign_out(visit, asked, cookies)
        admission = _admit(visit, asked, cookies)
        _YES.inc()
        return _yes(admission)
    except NotSignedIn as error:
        _UNKNOWN.inc()
        return Response(status_code=401) if asked.by_status else start_sign_in(visit, asked, cookies, error)
    except VestibuleError as error:
        _NO.inc()
        log.info("forward-auth refused", code=error.code, host=asked.host, reason=error.reason)
        if asked.is_callback and isinstance(error, signing_in.CodeRefused) and _is_in(visit, asked, cookies):
            return redirect(f"{asked.origin}/")  # the Back button, or a reload
        return Response(status_code=status_behind(error)) if asked.by_status else closed_page(visit, asked, error)


def _is_in(visit: Visit, asked: Asked, cookies: HostCookies) -> bool:
    try:
        _admit(visit, asked, cookies)
    except VestibuleError:
        return False
    return True


def _admit(visit: Visit, asked: Asked, cookies: HostCookies) -> Admission:
    key, recent = visit.path_params["env"], visit.site.recent
    for token in cookies.tokens[:-1]:
        try:
            return forward_auth.admit(visit.runtime, recent, key, asked.host, token)
        except NotSignedIn:
            continue
    last = cookies.tokens[-1] if cookies.tokens else ""
    return forward_auth.admit(visit.runtime, recent, key, asked.host, last)


def _yes(admission: Admission) -> Response:
    response = Response()
    response.raw_headers = [*admission.raw]
    return response


def sign_in(visit: Visit, browser: str) -> Response:
    """Take a browser that came from an app's host, let it sign in here if it has to, and send it back with a code."""
    key, ticket = visit.path_params["env"], visit.query.get("for")
    if not _TICKET.match(ticket):
        raise signing_in.TicketRefused("not even of the form of one")
    token = session_token(visit, key)
    session = resume(visit.runtime, key, token) if token else None
    if session is None:
        return redirect(sign_in_path(key, f"{visit.path}?for={quote(ticket)}&signed_in=1"))
    try:
        url, app = signing_in.hand_over(visit.runtime, visit.visitor, session, ticket)
    except NotAllowed as refused:
        _NO.inc()
        return _refused_page(visit, browser, refused)
    if visit.query.has("signed_in"):
        # A page, not a redirect: Chrome holds the redirects behind a form, such as the one for the password, to `form-action`.
        lead = visit.gettext(N_("You are signed in. If nothing happens, continue yourself."))
        return going_page(visit, find_place(visit.runtime, key), app.name, url, lead=lead)
    return redirect(url)


def _refused_page(visit: Visit, browser: str, refused: NotAllowed) -> Response:
    place = find_place(visit.runtime, refused.session.environment.key)
    return place_page(
        visit,
        "portal/app_refused.html",
        place,
        status=403,
        binding=browser,
        app=refused.app,
        person=refused.session.end_user,
        sentence=sentence_of(visit, refused),
        reference=refused.reference,
    )


_VERIFY: Final = Route("/e/{env}/verify", Verify(), methods=["GET"])
ROUTES = [
    _VERIFY,
    Route("/e/{env}/verify/sign-in", portal(sign_in), methods=["GET"]),
]
