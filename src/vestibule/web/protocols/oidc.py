"""The endpoints of an environment as an OpenID provider that browsers come to: authorize, consent, sign-out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from urllib.parse import urlencode, urlsplit

import structlog
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from vestibule.flows import app_logout, authorization
from vestibule.flows.parts.authorizing import Answer, AskConsent, AuthorizationRefused, Browser, SignInFirst, Step
from vestibule.flows.parts.entry import resume
from vestibule.kernel.text import N_
from vestibule.oidc.errors import InvalidRequest
from vestibule.oidc.parameters import Parameters
from vestibule.oidc.redirect_uris import with_parameters
from vestibule.web.doors import open_door
from vestibule.web.entrance import (
    forget_session,
    going_page,
    home_of,
    place_page,
    portal,
    sending_page,
    session_token,
    sign_in_path,
)
from vestibule.web.pages import redirect
from vestibule.web.problems import problem_page
from vestibule.web.scopes import scope_sentence
from vestibule.web.visits import Visit

# What a browser or a proxy before us takes as an address.
_MAX_QUERY: Final = 8_000
log = structlog.get_logger()
_Take = Callable[[], Step]


def authorize(visit: Visit, browser: str) -> Response:
    """Take an app's request for a person (RFC 6749, 3.1)."""
    key = visit.path_params["env"]
    return _answered(
        visit,
        browser,
        lambda: authorization.begin(
            visit.runtime, visit.visitor, key, visit.query.fields, Browser(browser, session_token(visit, key))
        ),
        by_link=True,
    )


def by_get(visit: Visit) -> Response:
    """Turn a request that comes by POST into one by GET, which brings the session's cookie along (OpenID Connect Core 3.1.2.1)."""
    query = _query(visit.form.fields)
    if len(query) > _MAX_QUERY:
        raise HTTPException(413)
    return redirect(f"{visit.path}?{query}")


def sign_out_by_get(visit: Visit) -> Response:
    """Turn a sign-out that comes by POST into one by GET; of an ID token that is too long for an address only the app goes along."""
    fields = visit.form.fields
    if len(_query(fields)) <= _MAX_QUERY or "id_token_hint" not in fields:
        return by_get(visit)
    try:
        query = _query(app_logout.without_hint(visit.runtime, visit.path_params["env"], fields))
    except InvalidRequest as error:
        return _sign_out_refused(visit, error)
    if len(query) > _MAX_QUERY:
        raise HTTPException(413)
    return redirect(f"{visit.path}?{query}")


def go_on(visit: Visit, browser: str) -> Response:
    """Go on after signing in."""
    key = visit.path_params["env"]
    handle = visit.query.get("request")
    return _answered(
        visit,
        browser,
        lambda: authorization.come_back(
            visit.runtime, visit.visitor, key, handle, Browser(browser, session_token(visit, key))
        ),
    )


def consent(visit: Visit, browser: str) -> Response:
    """Take the answer of the consent page."""
    key, form = visit.path_params["env"], visit.form
    agreed_by = form.get("person") if form.has("agree") else ""
    return _answered(
        visit,
        browser,
        lambda: authorization.answer_consent(
            visit.runtime,
            visit.visitor,
            key,
            form.get("request"),
            Browser(browser, session_token(visit, key)),
            agreed_by=agreed_by,
        ),
    )


def sign_out_page(visit: Visit, browser: str) -> Response:
    """Sign somebody out for an app that proves that it is about this session; others have to be confirmed."""
    key = visit.path_params["env"]
    session = resume(visit.runtime, key, session_token(visit, key))
    try:
        leaving = app_logout.ask(visit.runtime, key, visit.query.fields, session)
    except InvalidRequest as error:
        return _sign_out_refused(visit, error)
    if session is None:
        return redirect(leaving.back.url or sign_in_path(key, signed_out="1"))
    if leaving.sure:
        sent = app_logout.leave(visit.runtime, visit.visitor, leaving, session, browser)
        response = redirect(leaving.back.url or sign_in_path(key, signed_out="1"))
        if sent is not None:
            response = sending_page(visit, sent, "portal/leaving.html")
        forget_session(response, visit, key)
        return response
    return place_page(
        visit,
        "portal/sign_out_of_app.html",
        leaving.place,
        binding=browser,
        session=session,
        leaving=leaving,
        query=_query(visit.query.fields),
    )


def sign_out(visit: Visit, browser: str) -> Response:
    """Sign out after it was confirmed."""
    key = visit.path_params["env"]
    session = resume(visit.runtime, key, session_token(visit, key))
    leaving = app_logout.ask(visit.runtime, key, visit.query.fields, session)
    sent = app_logout.leave(visit.runtime, visit.visitor, leaving, session, browser) if session else None
    if sent is not None:
        response = sending_page(visit, sent, "portal/leaving.html")
    elif leaving.back.url:
        response = going_page(visit, leaving.place, leaving.back.app_name, leaving.back.url)
    else:
        response = redirect(sign_in_path(key, signed_out="1"))
    forget_session(response, visit, key)
    return response


def _sign_out_refused(visit: Visit, error: InvalidRequest) -> Response:
    log.info("sign-out for an app refused", code=error.code, reason=error.reason)
    return problem_page(visit, 400, visit.gettext(N_("The app asked to sign you out in a way that can’t be trusted.")))


def _query(fields: Parameters) -> str:
    return urlencode([(name, value) for name, values in fields.items() for value in values])


def _answered(visit: Visit, browser: str, step: _Take, *, by_link: bool = False) -> Response:
    try:
        return _next(visit, browser, step(), by_link=by_link)
    except AuthorizationRefused as refused:
        log.info(
            "authorization refused",
            code=refused.cause.code,
            reference=refused.reference,
            environment=refused.place.environment.key,
            reason=refused.cause.reason,
        )
        back = refused.answer
        return place_page(
            visit,
            "portal/app_not_opened.html",
            refused.place,
            status=403 if back else 400,
            sentence=visit.gettext(refused.cause.public, **refused.cause.params),
            reference=refused.reference,
            app_name=back.app.name if back else "",
            back=_address(back) if back and back.response_mode == "query" else "",
            home=home_of(refused.place.environment.key) if back else "",
        )


def _next(visit: Visit, browser: str, step: Step, *, by_link: bool) -> Response:
    if isinstance(step, SignInFirst):
        key = step.place.environment.key
        flags = {"again": "1"} if step.again else {}
        if step.login_hint:
            flags["login_hint"] = step.login_hint
        return redirect(sign_in_path(key, f"{home_of(key)}oauth2/continue?request={step.handle}", **flags))
    if isinstance(step, AskConsent):
        scopes = [scope_sentence(visit, one) for one in step.scope]
        host = urlsplit(step.redirect_uri).netloc
        return place_page(
            visit, "portal/consent.html", step.place, binding=browser, step=step, scopes=scopes, app_host=host
        )
    return _to_app(visit, step, by_link=by_link)


def _to_app(visit: Visit, answer: Answer, *, by_link: bool) -> Response:
    """Send the answer to the app.

    By a page where a form may have led here: Chrome holds a form's redirects to `form-action`, too, however many there are.
    """
    if answer.response_mode == "form_post":
        return going_page(visit, answer.place, answer.app.name, answer.redirect_uri, answer.parameters)
    if by_link:
        return redirect(_address(answer))
    return going_page(visit, answer.place, answer.app.name, _address(answer))


def _address(answer: Answer) -> str:
    return with_parameters(answer.redirect_uri, answer.parameters)


ROUTES: Final = [
    Route("/e/{env}/oauth2/authorize", portal(authorize), methods=["GET"]),
    Route("/e/{env}/oauth2/authorize", open_door(by_get), methods=["POST"]),
    Route("/e/{env}/oauth2/continue", portal(go_on), methods=["GET"]),
    Route("/e/{env}/oauth2/consent", portal(consent), methods=["POST"]),
    Route("/e/{env}/oauth2/logout", portal(sign_out_page), methods=["GET"]),
    Route("/e/{env}/oauth2/logout", open_door(sign_out_by_get), methods=["POST"]),
    Route("/e/{env}/oauth2/logout/confirmed", portal(sign_out), methods=["POST"]),
]
