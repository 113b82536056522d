"""The cards of a connection about its requests, about responses that nobody asked for, and about encryption."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import Response
from starlette.routing import Route

from vestibule.directory.admins import Permission
from vestibule.directory.authn_requests import NAME_ID_FORMATS, Comparison, TypedOptions
from vestibule.directory.connections import Connection
from vestibule.flows import connection_options, connections
from vestibule.kernel.errors import Invalid
from vestibule.kernel.text import N_
from vestibule.web import flash, shown
from vestibule.web.console.connections import page_with
from vestibule.web.doors import console
from vestibule.web.forms import errors_by_field
from vestibule.web.pages import redirect, render
from vestibule.web.visits import Visit


def requests_page(visit: Visit) -> Response:
    """Show the form for what our requests ask for."""
    visit.admin.require(Permission.MANAGE_AUTHENTICATION)
    asking = connections.get_connection(visit.runtime, visit.admin, _id(visit)).connection.asking
    typed = TypedOptions(
        asking.force_authn,
        asking.name_id_format or "",
        asking.allow_create,
        asking.comparison.value,
        "\n".join(asking.context_classes),
    )
    return _requests(visit, typed, {})


def change_requests(visit: Visit) -> Response:
    """Save what our requests ask for."""
    form = visit.form
    typed = TypedOptions(
        form.get("force_authn") == "on",
        form.get("name_id_format"),
        form.get("allow_create") == "on",
        form.get("comparison"),
        form.get("context_classes"),
    )
    now = connections.get_connection(visit.runtime, visit.admin, _id(visit)).connection
    visit.admin.require(Permission.MANAGE_AUTHENTICATION)
    if shown.outdated(visit, shown.said(visit, now.asking)):
        return _requests(visit, typed, {shown.FIELD: visit.gettext(shown.CHANGED_MEANWHILE)})
    try:
        confirmed = form.get("confirmed_format") if form.has("confirmed_format") else None
        connection = connection_options.change_requests(visit.runtime, visit.admin, _id(visit), typed, confirmed)
    except Invalid as error:
        return _requests(visit, typed, errors_by_field(error))
    except connection_options.LinksWouldNotFit as error:
        return _requests(visit, typed, {}, linked=error.linked)
    return _back(visit, connection, N_("What we ask %(name)s for was saved"))


def change_idp_initiated(visit: Visit) -> Response:
    """Save what happens to a response that nobody asked for."""
    mode = visit.form.get("idp_initiated")
    try:
        connection = connection_options.change_idp_initiated(visit.runtime, visit.admin, _id(visit), mode)
    except Invalid as error:
        return page_with(visit, errors_by_field(error))
    return _back(visit, connection, N_("Sign-ins that start at %(name)s: saved"))


def allow_cbc(visit: Visit) -> Response:
    """Allow AES-CBC, or refuse it."""
    allow = visit.form.get("allow_cbc") == "on"
    connection = connection_options.allow_cbc(visit.runtime, visit.admin, _id(visit), allow=allow)
    said = N_("AES-CBC is allowed for %(name)s") if allow else N_("AES-CBC is refused for %(name)s")
    return _back(visit, connection, said)


def refuse_expired(visit: Visit) -> Response:
    """Refuse signatures whose certificate has ended, or take them."""
    refuse = visit.form.get("refuse_expired") == "on"
    connection = connection_options.refuse_expired(visit.runtime, visit.admin, _id(visit), refuse=refuse)
    said = (
        N_("Expired certificates of %(name)s are refused")
        if refuse
        else N_("Expired certificates of %(name)s are taken")
    )
    return _back(visit, connection, said)


def _requests(visit: Visit, typed: TypedOptions, errors: Mapping[str, str], linked: int = 0) -> Response:
    facts = connections.get_connection(visit.runtime, visit.admin, _id(visit))
    return render(
        visit,
        "console/connection_requests.html",
        status=422 if errors else 200,
        binding=visit.admin.session_id,
        connection=facts.connection,
        environment=facts.environment,
        typed=typed,
        formats=NAME_ID_FORMATS,
        comparisons=[one.value for one in Comparison],
        said_before=shown.said(visit, facts.connection.asking),
        errors=errors,
        linked=linked,
    )


def _back(visit: Visit, connection: Connection, said: str) -> Response:
    return flash.say(
        redirect(f"/admin/connections/{connection.id}"), visit, visit.gettext(said, name=connection.idp.name)
    )


def _id(visit: Visit) -> str:
    return visit.path_params["connection_id"]


_ONE = "/admin/connections/{connection_id}"
ROUTES = [
    Route(f"{_ONE}/requests", console(requests_page), methods=["GET"]),
    Route(f"{_ONE}/requests", console(change_requests), methods=["POST"]),
    Route(f"{_ONE}/idp-initiated", console(change_idp_initiated), methods=["POST"]),
    Route(f"{_ONE}/encryption", console(allow_cbc), methods=["POST"]),
    Route(f"{_ONE}/expiry", console(refuse_expired), methods=["POST"]),
]
