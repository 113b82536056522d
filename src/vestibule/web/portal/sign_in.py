"""The end user's way in: e-mail first, then the identity provider, a choice of them, or the password."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response
from starlette.routing import Route

from vestibule.flows import sign_in
from vestibule.flows.parts.places import Place, find_place
from vestibule.flows.parts.routing import SamlRequired
from vestibule.flows.parts.sending import Sent
from vestibule.kernel.errors import FieldError, Throttled, VestibuleError
from vestibule.kernel.text import N_
from vestibule.web.cookies import set_cookie
from vestibule.web.entrance import (
    SIGN_INS,
    entered_page,
    place_page,
    portal,
    sending_page,
    session_token,
    sign_in_path,
    wanted_path,
)
from vestibule.web.pages import redirect
from vestibule.web.portal.members import member_of
from vestibule.web.problems import status_of
from vestibule.web.visits import Visit

_CHOICE_SECONDS: Final = 180 * 86_400
_LEADS: Final = {
    "": N_("Type your work e-mail. We take it from there."),
    "ended": N_("Your session has ended. Sign in again to go on."),
    "signed_out": N_("You are signed out here. At your organisation’s sign-in service you may still be signed in."),
}


def show(visit: Visit, browser: str) -> Response:
    """Ask for the e-mail address; somebody who is signed in goes on, unless an app wants them to sign in `again`."""
    key = visit.path_params["env"]
    if not visit.query.has("again") and member_of(visit, key) is not None:
        return redirect(wanted_path(visit.query.get("return_to"), key))
    return _email_page(visit, browser, find_place(visit.runtime, key))


def begin(visit: Visit, browser: str) -> Response:
    """Take the e-mail address, and perhaps the identity provider that was chosen, and go the way that follows from it."""
    key, form = visit.path_params["env"], visit.form
    place = find_place(visit.runtime, key)
    chosen = form.get("connection")
    preferred = chosen or ("" if form.has("choose") else _remembered(visit, key))
    try:
        step = sign_in.begin(
            visit.runtime,
            visit.visitor,
            place,
            form.get("email"),
            browser=browser,
            return_to=wanted_path(form.get("return_to"), key),
            preferred=preferred,
            again=form.has("again"),
        )
    except (FieldError, Throttled) as error:
        return _email_page(visit, browser, place, error)
    if isinstance(step, Sent):
        response = sending_page(visit, step)
        if chosen == step.connection_id:
            set_cookie(response, visit.site, _choice_cookie(key), chosen, max_age_seconds=_CHOICE_SECONDS)
        return response
    if isinstance(step, sign_in.AskPassword):
        return _password_page(visit, browser, place, step.email)
    return place_page(
        visit,
        "portal/choose.html",
        place,
        binding=browser,
        email=step.email,
        connections=step.connections,
        return_to=_return_to(visit),
        again=_again(visit),
    )


def password(visit: Visit, browser: str) -> Response:
    """Take the password."""
    key, form = visit.path_params["env"], visit.form
    try:
        entered = sign_in.sign_in_with_password(
            visit.runtime,
            visit.visitor,
            key,
            form.get("email"),
            form.get("password"),
            return_to=wanted_path(form.get("return_to"), key),
            earlier=session_token(visit, key),
        )
    except (FieldError, SamlRequired) as error:
        return _email_page(visit, browser, find_place(visit.runtime, key), error)
    except (sign_in.WrongPassword, Throttled) as error:
        SIGN_INS.labels("refused", error.code).inc()
        return _password_page(visit, browser, find_place(visit.runtime, key), form.get("email"), error)
    return entered_page(visit, entered)


def password_page(visit: Visit, browser: str) -> Response:  # noqa: ARG001 - every door has this signature
    """Send whoever opens the second step by its address, or reloads it, to the first."""
    return redirect(sign_in_path(visit.path_params["env"]))


def _email_page(visit: Visit, browser: str, place: Place, error: VestibuleError | None = None) -> Response:
    key = place.environment.key
    lead = next((flag for flag in ("ended", "signed_out") if visit.query.has(flag)), "")
    return _with_retry(
        place_page(
            visit,
            "portal/sign_in.html",
            place,
            status=_status(error),
            binding=browser,
            errors={"email": _sentence(visit, error)} if error else {},
            email=visit.form.get("email") or visit.query.get("login_hint"),
            again=_again(visit),
            lead=visit.gettext(_LEADS[lead]),
            return_to=_return_to(visit),
            choose=visit.query.has("choose") or visit.form.has("choose"),
            remembered=bool(_remembered(visit, key)),
        ),
        error,
    )


def _password_page(
    visit: Visit, browser: str, place: Place, email: str, error: VestibuleError | None = None
) -> Response:
    return _with_retry(
        place_page(
            visit,
            "portal/password.html",
            place,
            status=_status(error),
            binding=browser,
            errors={"password": _sentence(visit, error)} if error else {},
            email=email,
            return_to=_return_to(visit),
        ),
        error,
    )


def _return_to(visit: Visit) -> str:
    key = visit.path_params["env"]
    return wanted_path(visit.form.get("return_to") or visit.query.get("return_to"), key)


def _again(visit: Visit) -> bool:
    return visit.form.has("again") or visit.query.has("again")


def _remembered(visit: Visit, key: str) -> str:
    return visit.cookies.get(visit.site.cookie_name(_choice_cookie(key)), "")


def _choice_cookie(key: str) -> str:
    return f"idp_{key}"


def _sentence(visit: Visit, error: VestibuleError) -> str:
    return visit.gettext(error.message if isinstance(error, FieldError) else error.public, **error.params)


def _status(error: VestibuleError | None) -> int:
    if error is None:
        return 200
    return 422 if isinstance(error, FieldError) else status_of(error)


def _with_retry(response: Response, error: VestibuleError | None) -> Response:
    if isinstance(error, Throttled):
        response.headers["Retry-After"] = str(error.retry_after_seconds)
    return response


ROUTES = [
    Route("/e/{env}/sign-in", portal(show), methods=["GET"]),
    Route("/e/{env}/sign-in", portal(begin), methods=["POST"]),
    Route("/e/{env}/sign-in/password", portal(password_page), methods=["GET"]),
    Route("/e/{env}/sign-in/password", portal(password), methods=["POST"]),
]
