"""Settings of an environment: the domains below which one sign-in counts for every app behind a proxy."""

from __future__ import annotations

from starlette.responses import Response
from starlette.routing import Route

from vestibule.directory.admins import Permission
from vestibule.flows import cookie_domains
from vestibule.kernel.errors import FieldError
from vestibule.kernel.text import N_, printable
from vestibule.web import flash
from vestibule.web.doors import console
from vestibule.web.forms import errors_by_field
from vestibule.web.pages import redirect, render
from vestibule.web.visits import Visit


def show(visit: Visit) -> Response:
    """Show the registered domains."""
    visit.admin.require(Permission.MANAGE_ENVIRONMENTS)
    return _page(visit, {})


def register(visit: Visit) -> Response:
    """Register a domain."""
    try:
        domain = cookie_domains.register_cookie_domain(
            visit.runtime, visit.admin, _key(visit), visit.form.get("domain")
        )
    except FieldError as error:
        return _page(visit, errors_by_field(error))
    return flash.say(redirect(visit.path), visit, visit.gettext(N_("%(domain)s was registered"), domain=domain))


def remove(visit: Visit) -> Response:
    """Take a domain back."""
    domain = visit.form.get("domain")
    cookie_domains.remove_cookie_domain(visit.runtime, visit.admin, _key(visit), domain)
    said = visit.gettext(N_("%(domain)s was removed"), domain=printable(domain, 80))
    return flash.say(redirect(visit.path.removesuffix("/remove")), visit, said)


def _page(visit: Visit, errors: dict[str, str]) -> Response:
    environment, domains = cookie_domains.list_cookie_domains(visit.runtime, visit.admin, _key(visit))
    return render(
        visit,
        "console/cookie_domains.html",
        status=422 if errors else 200,
        binding=visit.admin.session_id,
        environment=environment,
        domains=domains,
        typed=visit.form.get("domain") if errors else "",
        errors=errors,
    )


def _key(visit: Visit) -> str:
    return visit.path_params["environment"]


_HERE = "/admin/settings/environments/{environment}/cookie-domains"
ROUTES = [
    Route(_HERE, console(show), methods=["GET"]),
    Route(_HERE, console(register), methods=["POST"]),
    Route(f"{_HERE}/remove", console(remove), methods=["POST"]),
]
