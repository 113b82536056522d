"""What the portal and the protocols share: an environment's session cookie, the way to an IdP, and the refused page."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote, urlsplit

import structlog
from prometheus_client import Counter
from starlette.responses import Response

from vestibule.flows.parts.entering import Entered
from vestibule.flows.parts.places import Place
from vestibule.flows.parts.refusing import SignInRefused
from vestibule.flows.parts.sending import Sent
from vestibule.web.cookies import clear_cookie, set_cookie
from vestibule.web.doors import Endpoint, public
from vestibule.web.forms import local_path
from vestibule.web.middleware import CSP
from vestibule.web.pages import redirect, render
from vestibule.web.visits import Visit

SIGN_INS: Final = Counter("vestibule_sign_ins_total", "Sign-ins of end users by outcome", ["outcome", "code"])
_SESSION: Final = "env_"
_ARRIVAL: Final = "arrived_"
_ARRIVAL_SECONDS: Final = 120
_KEY: Final = re.compile(r"[a-z0-9-]{1,32}\Z")
# What may stand in a policy: anything else in an address would be read as more of the policy.
_ORIGIN: Final = re.compile(r"https?://(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?\Z")
log = structlog.get_logger()


def portal(handler: Callable[[Visit, str], Response]) -> Endpoint:
    """Return an endpoint for end users' browsers, as `public`; a refused sign-in becomes its page."""

    def guarded(visit: Visit, browser: str) -> Response:
        try:
            return handler(visit, browser)
        except SignInRefused as refused:
            return refused_page(visit, refused)

    guarded.__name__ = handler.__name__
    return public(guarded)


def home_of(environment_key: str) -> str:
    """Return the path of an environment's launch page, below which all its pages are."""
    return f"/e/{environment_key}/"


def wanted_path(untrusted: str, environment_key: str) -> str:
    """Return the page of the environment that was wanted before signing in, or its launch page: never another site."""
    home = home_of(environment_key)
    return local_path(untrusted, home, home)


def sign_in_path(environment_key: str, return_to: str = "", **flags: str) -> str:
    """Return the path of the sign-in page; `return_to` is a path of ours."""
    home = home_of(environment_key)
    query = {**flags, **({"return_to": return_to} if return_to and return_to != home else {})}
    written = "&".join(f"{name}={quote(value, safe='/')}" for name, value in query.items())
    return f"{home}sign-in" + (f"?{written}" if written else "")


def session_token(visit: Visit, environment_key: str) -> str:
    """Return the browser's session cookie of an environment (untrusted), or nothing; also where no environment can have that key."""
    return _cookie(visit, _SESSION, environment_key)


def arrival_token(visit: Visit, environment_key: str) -> str:
    """Return the cookie of a session that waits to be taken up in this browser (untrusted), or nothing."""
    return _cookie(visit, _ARRIVAL, environment_key)


def _cookie(visit: Visit, prefix: str, environment_key: str) -> str:
    if _KEY.match(environment_key) is None:
        return ""
    return visit.cookies.get(visit.site.cookie_name(prefix + environment_key), "")


def session_tokens(visit: Visit) -> Mapping[str, str]:
    """Return the browser's session cookies by environment key (untrusted)."""
    prefix = visit.site.cookie_name(_SESSION)
    return {name.removeprefix(prefix): value for name, value in visit.cookies.items() if name.startswith(prefix)}


def entered_page(visit: Visit, entered: Entered) -> Response:
    """Give the browser its session, and send it on to the page that was wanted."""
    SIGN_INS.labels("done", "").inc()
    key = entered.place.environment.key
    response = redirect(wanted_path(entered.return_to, key))
    name = _SESSION + key
    set_cookie(response, visit.site, name, entered.token, max_age_seconds=max(1, entered.lasts_seconds))
    return response


def arriving_page(visit: Visit, entered: Entered) -> Response:
    """Keep the session of somebody who was not asked apart for two minutes, and see in the next step who is here.

    An identity provider's POST comes from another site, without the browser's session: only the next step has that.
    """
    key = entered.place.environment.key
    home, wanted = home_of(key), wanted_path(entered.return_to, key)
    response = redirect(f"{home}arrived" + ("" if wanted == home else f"?return_to={quote(wanted, safe='/')}"))
    set_cookie(response, visit.site, _ARRIVAL + key, entered.token, max_age_seconds=_ARRIVAL_SECONDS)
    return response


def forget_arrival(response: Response, visit: Visit, environment_key: str) -> None:
    """Clear the cookie of a session that waited."""
    clear_cookie(response, visit.site, _ARRIVAL + environment_key)


def forget_session(response: Response, visit: Visit, environment_key: str) -> None:
    """Clear the browser's session cookie of an environment."""
    clear_cookie(response, visit.site, _SESSION + environment_key)


def sending_page(visit: Visit, sent: Sent, template: str = "portal/sending.html") -> Response:
    """Return the page that takes the browser to an identity provider.

    A page and not a redirect: Chrome holds a form's redirect to `form-action`, too. For HTTP-POST the policy is opened to
    that one origin.
    """
    response = place_page(visit, template, sent.place, sent=sent)
    if sent.fields:
        open_to(response, sent.url)
    return response


def answering_page(visit: Visit, sent: Sent) -> Response:
    """Return the page that carries our answer to a logout request back by HTTP-POST.

    The identity provider may show it in a frame, one for each app, as many do that sign people out everywhere at once.
    """
    response = sending_page(visit, sent, "portal/answering.html")
    policy, origin = response.headers.get("Content-Security-Policy"), _origin_of(sent.url)
    if policy and origin:
        # Browsers that know frame-ancestors pass over X-Frame-Options (CSP 3, 6.4.2.2).
        policy = policy.replace("frame-ancestors 'none'", f"frame-ancestors {origin}")
        response.headers["Content-Security-Policy"] = policy
    return response


def going_page(
    visit: Visit, place: Place, app_name: str, url: str, fields: Mapping[str, str] | None = None, lead: str = ""
) -> Response:
    """Return the page that takes the browser to an app: by a link, or with `fields` by a form that sends itself. `lead` is said first.

    A page and not a redirect, for the reason of `sending_page`.
    """
    response = place_page(visit, "portal/going.html", place, app_name=app_name, url=url, fields=fields or {}, lead=lead)
    if fields:
        open_to(response, url)
    return response


def open_to(response: Response, url: str) -> None:
    """Let the forms of a page be posted to the origin of an address, too."""
    origin = _origin_of(url)
    if origin:
        response.headers["Content-Security-Policy"] = CSP.replace("form-action 'self'", f"form-action 'self' {origin}")


def _origin_of(url: str) -> str:
    parts = urlsplit(url)
    origin = f"{parts.scheme}://{parts.netloc}".lower()
    return origin if _ORIGIN.match(origin) else ""


def refused_page(visit: Visit, refused: SignInRefused) -> Response:
    """Return the page of a refused sign-in: one sentence, the reference code, a way on."""
    SIGN_INS.labels("refused", refused.cause.code).inc()
    place = refused.attempt.place
    log.info(
        "sign-in refused",
        code=refused.cause.code,
        reference=refused.reference,
        recorded=refused.recorded,
        environment=place.environment.key,
        reason=refused.cause.reason,
    )
    return place_page(
        visit,
        "portal/refused.html",
        place,
        status=400 if refused.malformed else 403,
        sentence=visit.gettext(refused.cause.public, **refused.cause.params),
        reference=refused.reference,
        waits=refused.waits,
        again=sign_in_path(place.environment.key, refused.attempt.return_to),
        used=refused.cause.check == "replay",
    )


def place_page(
    visit: Visit, template: str, place: Place, *, status: int = 200, binding: str = "", **values: Any
) -> Response:
    """Return a page of an environment's front door."""
    return render(visit, template, status=status, binding=binding, place=place, **values)
