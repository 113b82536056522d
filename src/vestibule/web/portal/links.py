"""Passwords by one-time link: asking for one, and choosing a password with it."""

from __future__ import annotations

from starlette.responses import Response
from starlette.routing import Route

from vestibule.directory.one_time_links import Purpose
from vestibule.flows import sign_in_links
from vestibule.flows.parts.entering import Entered
from vestibule.flows.parts.places import Place, find_place
from vestibule.flows.parts.routing import SamlRequired
from vestibule.kernel.errors import FieldError, Throttled
from vestibule.web.entrance import entered_page, place_page, portal, session_token
from vestibule.web.problems import status_of
from vestibule.web.visits import Visit


def forgot_page(visit: Visit, browser: str) -> Response:
    """Ask for the e-mail address; where no mail is sent, say whom to ask."""
    return _forgot_page(visit, browser, find_place(visit.runtime, visit.path_params["env"]))


def forgot(visit: Visit, browser: str) -> Response:
    """Post a link, and give the same answer whether or not anybody has this address."""
    key = visit.path_params["env"]
    try:
        place = sign_in_links.request_reset(visit.runtime, visit.visitor, key, visit.form.get("email"))
    except (FieldError, SamlRequired) as error:
        message = error.message if isinstance(error, FieldError) else error.public
        return _forgot_page(
            visit,
            browser,
            find_place(visit.runtime, key),
            {"email": visit.gettext(message, **error.params)},
        )
    except Throttled as error:
        errors = {"email": visit.gettext(error.public, **error.params)}
        response = _forgot_page(visit, browser, find_place(visit.runtime, key), errors, status_of(error))
        response.headers["Retry-After"] = str(error.retry_after_seconds)
        return response
    return _forgot_page(visit, browser, place, asked=visit.runtime.mail_enabled)


def link_page(visit: Visit, browser: str) -> Response:
    """Show what a link is for. Looking does not use it: mail scanners and chat previews look, too."""
    return _link_page(visit, browser, {})


def use_link(visit: Visit, browser: str) -> Response:
    """Save the password that was chosen, and sign in where it lets in."""
    key = visit.path_params["env"]
    try:
        done = sign_in_links.use_link(
            visit.runtime,
            visit.visitor,
            key,
            visit.path_params["token"],
            visit.form.get("password"),
            earlier=session_token(visit, key),
        )
    except FieldError as error:
        return _link_page(visit, browser, {error.field: visit.gettext(error.message, **error.params)})
    if isinstance(done, Entered):
        return entered_page(visit, done)
    return place_page(visit, "portal/password_saved.html", done.place, by_password=done.by_password)


def _forgot_page(
    visit: Visit,
    browser: str,
    place: Place,
    errors: dict[str, str] | None = None,
    status: int = 422,
    *,
    asked: bool = False,
) -> Response:
    return place_page(
        visit,
        "portal/forgot.html",
        place,
        status=status if errors else 200,
        binding=browser,
        errors=errors or {},
        email=visit.form.get("email"),
        asked=asked,
        mailed=visit.runtime.mail_enabled,
    )


def _link_page(visit: Visit, browser: str, errors: dict[str, str]) -> Response:
    opened = sign_in_links.look_at_link(
        visit.runtime, visit.visitor, visit.path_params["env"], visit.path_params["token"]
    )
    return place_page(
        visit,
        "portal/link.html",
        opened.place,
        status=422 if errors else 200,
        binding=browser,
        errors=errors,
        person=opened.end_user,
        invited=opened.purpose is Purpose.END_USER_INVITATION,
    )


ROUTES = [
    Route("/e/{env}/forgot", portal(forgot_page), methods=["GET"]),
    Route("/e/{env}/forgot", portal(forgot), methods=["POST"]),
    Route("/e/{env}/link/{token}", portal(link_page), methods=["GET"]),
    Route("/e/{env}/link/{token}", portal(use_link), methods=["POST"]),
]
