"""The one table from error to answer, for pages. Unknown errors are a generic 500 with a reference code."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Final

import structlog
from starlette.responses import Response

from vestibule.flows.parts.signing import SigningKeyUnreadable
from vestibule.kernel.errors import (
    AlreadyTaken,
    Conflict,
    DatabaseBusy,
    FieldError,
    Forbidden,
    Invalid,
    NotFound,
    Throttled,
    VestibuleError,
)
from vestibule.kernel.secrets import SealBroken, new_reference
from vestibule.kernel.text import N_
from vestibule.web.forgery import ForeignRequest
from vestibule.web.forms import local_path
from vestibule.web.pages import render
from vestibule.web.visits import Visit

STATUS: Final[Mapping[type[VestibuleError], int]] = {
    NotFound: 404,
    Forbidden: 403,
    ForeignRequest: 403,
    Conflict: 409,
    AlreadyTaken: 409,
    Invalid: 422,
    FieldError: 422,
    Throttled: 429,
    SealBroken: 500,
    SigningKeyUnreadable: 500,
    DatabaseBusy: 503,
}
TITLES: Final[Mapping[int, str]] = {
    400: N_("This request can’t be read"),
    403: N_("This is not open to you"),
    404: N_("There is no such page"),
    405: N_("This address can’t be used like that"),
    408: N_("This took too long"),
    409: N_("This can’t be done now"),
    413: N_("This is too large"),
    415: N_("This request can’t be read"),
    431: N_("This request can’t be read"),
    422: N_("Something needs a correction"),
    429: N_("Too many attempts"),
    500: N_("Something went wrong on our side"),
    503: N_("The server is busy"),
    504: N_("This took too long"),
}
SENTENCES: Final[Mapping[int, str]] = {
    400: N_("Your browser sent something that this page does not understand."),
    404: N_("The address may be mistyped, or the thing was deleted."),
    405: N_("Go back and use the buttons of the page."),
    408: N_("Your browser did not send all of it in time. Nothing was changed; try again."),
    413: N_("Send a file of 2 MiB or less."),
    415: N_("Your browser sent something that this page does not understand."),
    500: N_("Nothing was changed. Try again; if it happens again, tell your operator this code."),
    503: N_("Nothing was changed. Try again in a moment."),
    504: N_("The server gave up waiting. Check whether it was done before you try again."),
}
# Refusals that a rule makes and not the request's form: the sentence says which rule.
_NOT_NOW: Final = TITLES[409]
_TITLES_BY_CODE: Final[Mapping[str, str]] = {
    "link_used_up": N_("This link works no more"),
    "not_waiting": N_("This person does not wait any more"),
}
_BACK_BY_CODE: Final[Mapping[str, str]] = {"not_waiting": "/admin/end-users/waiting"}
_ENVIRONMENT: Final = re.compile(r"/e/[a-z0-9-]{1,40}/")
log = structlog.get_logger()


def status_of(error: VestibuleError) -> int:
    """Return the HTTP status of a refusal; 400 for those that have none of their own."""
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 400)


def refusal_page(visit: Visit, error: VestibuleError) -> Response:
    """Return the page for a refusal that no form shows beside its field. The private reason goes to the log."""
    status = status_of(error)
    log.log(
        logging.ERROR if status >= 500 else logging.INFO, "refused", code=error.code, reason=error.reason, status=status
    )
    sentence = visit.gettext(error.message if isinstance(error, FieldError) else error.public, **error.params)
    title = _TITLES_BY_CODE.get(error.code) or (_NOT_NOW if status == 400 else "")
    back = _BACK_BY_CODE.get(error.code) or _came_from(visit)
    response = problem_page(visit, status, sentence, title=title, back=back)
    if isinstance(error, Throttled):
        response.headers["Retry-After"] = str(error.retry_after_seconds)
    return response


def problem_page(
    visit: Visit,
    status: int,
    sentence: str = "",
    reference: str = "",
    home: str = "",
    title: str = "",
    back: str = "",
) -> Response:
    """Return a problem page in the console's dress for a signed-in admin, plain for everybody else.

    `home` is where its button leads, where the door knows better than the path, and `back` a page of ours that comes before
    that; `title` is a msgid.
    """
    values = {
        "title": title or TITLES.get(status, TITLES[500]),
        "sentence": sentence or SENTENCES.get(status, SENTENCES[500]),
        "reference": reference,
        "home": home or _home(visit.path),
        "back": back,
    }
    try:
        return _page(visit, status, values)
    except VestibuleError:
        # The console's dress asks the database for the workspace's name, and the database may be the problem.
        visit.caller = None
        return _page(visit, status, values)


def _came_from(visit: Visit) -> str:
    """Return the page of the console whose form was refused, by the browser's own word (untrusted), or nothing."""
    if visit.caller is None or visit.method != "POST":
        return ""
    site, ours, path = visit.referer.partition(visit.runtime.public_url)
    return local_path(path, "/admin/", "") if ours and not site else ""


def _home(path: str) -> str:
    """Return where somebody at `path` (untrusted) goes on: an end user at the sign-in page of the environment, never at the console's."""
    if path.startswith("/admin"):
        return "/admin/access-control"
    place = _ENVIRONMENT.match(path)
    if place is not None:
        sign_in = f"{place.group()}sign-in"
        # The sign-in page itself is missing: there is no such environment, and nowhere to go on to.
        return "" if path == sign_in else sign_in
    return "" if path.startswith(("/e/", "/saml/")) else "/"


def _page(visit: Visit, status: int, values: Mapping[str, str]) -> Response:
    binding = visit.caller.session_id if visit.caller else ""
    return render(visit, "problem.html", status=status, binding=binding, code=status, **values)


def unexpected_page(visit: Visit, error: Exception) -> Response:
    """Log an unexpected error under a reference code and return the 500 page with it."""
    reference = new_reference()
    log.error("unexpected error", reference=reference, exc_info=error)
    return problem_page(visit, 500, reference=reference)
