"""The console's own door: password, one-time link, sign-out."""

from __future__ import annotations

from starlette.responses import Response
from starlette.routing import Route

from vestibule.directory.one_time_links import Purpose
from vestibule.flows import admin_sign_in
from vestibule.kernel.errors import FieldError, Throttled
from vestibule.web.cookies import clear_cookie, set_cookie
from vestibule.web.doors import ADMIN_COOKIE, console, public
from vestibule.web.forms import errors_by_field, local_path
from vestibule.web.pages import redirect, render
from vestibule.web.problems import status_of
from vestibule.web.visits import Visit

_HOME = "/admin/access-control"


def show(visit: Visit, browser: str) -> Response:
    """Show the sign-in form."""
    return _page(visit, browser, ended=visit.query.has("ended"))


def sign_in(visit: Visit, browser: str) -> Response:
    """Take e-mail and password."""
    try:
        signed_in = admin_sign_in.sign_in_with_password(
            visit.runtime, visit.visitor, visit.form.get("email"), visit.form.get("password"), earlier=_earlier(visit)
        )
    except (admin_sign_in.WrongCredentials, Throttled) as error:
        return _page(visit, browser, error=error)
    return _enter(visit, signed_in, local_path(visit.form.get("next"), "/admin/", _HOME))


def show_link(visit: Visit, browser: str) -> Response:
    """Show what a one-time link is for. Looking does not use it: mail scanners and chat previews look, too."""
    return _link_page(visit, browser, {})


def use_link(visit: Visit, browser: str) -> Response:
    """Use a one-time link."""
    password = visit.form.get("password") if visit.form.has("password") else None
    try:
        signed_in = admin_sign_in.sign_in_with_link(
            visit.runtime, visit.visitor, visit.path_params["token"], password, earlier=_earlier(visit)
        )
    except FieldError as error:
        return _link_page(visit, browser, errors_by_field(error))
    return _enter(visit, signed_in, _HOME)


def sign_out(visit: Visit) -> Response:
    """End this session."""
    admin_sign_in.sign_out(visit.runtime, visit.admin)
    response = redirect("/admin/sign-in")
    clear_cookie(response, visit.site, ADMIN_COOKIE)
    return response


def _page(
    visit: Visit, browser: str, error: admin_sign_in.WrongCredentials | Throttled | None = None, *, ended: bool = False
) -> Response:
    response = render(
        visit,
        "console/sign_in.html",
        status=status_of(error) if error else 200,
        binding=browser,
        errors={"email": visit.gettext(error.public, **error.params)} if error else {},
        email=visit.form.get("email"),
        next=visit.form.get("next") or visit.query.get("next"),
        ended=ended,
    )
    if isinstance(error, Throttled):
        response.headers["Retry-After"] = str(error.retry_after_seconds)
    return response


def _link_page(visit: Visit, browser: str, errors: dict[str, str]) -> Response:
    admin, purpose = admin_sign_in.look_at_link(visit.runtime, visit.visitor, visit.path_params["token"])
    return render(
        visit,
        "console/link.html",
        status=422 if errors else 200,
        binding=browser,
        errors=errors,
        admin=admin,
        needs_password=purpose in {Purpose.ADMIN_INVITATION, Purpose.ADMIN_RESET},
        first_run=purpose is Purpose.ADMIN_FIRST_RUN,
    )


def _earlier(visit: Visit) -> str:
    return visit.cookies.get(visit.site.cookie_name(ADMIN_COOKIE), "")


def _enter(visit: Visit, signed_in: admin_sign_in.SignedIn, to: str) -> Response:
    response = redirect(to)
    set_cookie(
        response, visit.site, ADMIN_COOKIE, signed_in.token, max_age_seconds=int(admin_sign_in.LONGEST.total_seconds())
    )
    return response


ROUTES = [
    Route("/admin/sign-in", public(show), methods=["GET"]),
    Route("/admin/sign-in", public(sign_in), methods=["POST"]),
    Route("/admin/link/{token}", public(show_link), methods=["GET"]),
    Route("/admin/link/{token}", public(use_link), methods=["POST"]),
    Route("/admin/sign-out", console(sign_out), methods=["POST"]),
]
