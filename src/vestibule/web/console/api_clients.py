"""API clients in the console: the list, adding one, whose token is shown this once, and revoking one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final
from urllib.parse import urlencode

from starlette.responses import Response
from starlette.routing import Route

from vestibule.directory.admins import Permission
from vestibule.directory.api_clients import Scope
from vestibule.flows import api_clients
from vestibule.flows.parts.callers import operator
from vestibule.flows.parts.token_lives import TOKEN_LIVES
from vestibule.kernel.errors import Invalid
from vestibule.kernel.ids import is_id
from vestibule.kernel.text import N_
from vestibule.web import flash
from vestibule.web.doors import console
from vestibule.web.forms import errors_by_field
from vestibule.web.pages import redirect, render
from vestibule.web.scopes import API_SCOPES
from vestibule.web.visits import Visit

_HOME: Final = "/admin/api-clients"
_USUAL_LIFE: Final = "365"
# From here on the list says that a token ends soon: time to hand the program another one.
_SOON: Final = timedelta(days=14)


def show(visit: Visit) -> Response:
    """Show a page of the API clients, or of those that were revoked."""
    revoked = visit.query.has("revoked")
    before, after = (_position(visit.query.get(name)) for name in ("before", "after"))
    listed = api_clients.look_at_clients(visit.runtime, visit.admin, revoked=revoked, before=before, after=after)
    return render(
        visit,
        "console/api_clients_revoked.html" if revoked else "console/api_clients.html",
        binding=visit.admin.session_id,
        listed=listed,
        previous=_page_address("after", listed.newer, revoked=revoked),
        next=_page_address("before", listed.older, revoked=revoked),
        names=listed.names,
        operator=operator().name,
        soon=visit.runtime.clock() + _SOON,
        may_manage=visit.admin.admin.may(Permission.MANAGE_AUTHENTICATION),
    )


def add_page(visit: Visit) -> Response:
    """Show the form for a new client."""
    # Where there is but one thing to choose, it is chosen.
    ticked = tuple(Scope) if len(Scope) == 1 else ()
    return _form(visit, {"name": "", "environment": "", "token_life": _USUAL_LIFE}, ticked, {})


def add(visit: Visit) -> Response:
    """Add a client, and show its token this once."""
    form = visit.form
    typed = {name: form.get(name) for name in ("name", "environment", "token_life")}
    scopes = form.all("scope")
    try:
        made = api_clients.add_as_admin(
            visit.runtime, visit.admin, typed["name"], scopes, typed["environment"], typed["token_life"]
        )
    except Invalid as error:
        return _form(visit, typed, scopes, errors_by_field(error))
    names = {one.id: one.name for one in api_clients.list_places(visit.runtime, visit.admin)}
    return render(visit, "console/api_client_made.html", binding=visit.admin.session_id, made=made, names=names)


def ask_to_revoke(visit: Visit) -> Response:
    """Name the consequences before a client is revoked."""
    client = api_clients.find_as_admin(visit.runtime, visit.admin, _id(visit))
    return render(visit, "console/api_client_revoke.html", binding=visit.admin.session_id, client=client)


def revoke(visit: Visit) -> Response:
    """Revoke a client."""
    client = api_clients.revoke_as_admin(visit.runtime, visit.admin, _id(visit))
    said = visit.gettext(N_("The API client “%(name)s” was revoked"), name=client.name)
    return flash.say(redirect(_HOME), visit, said)


def _form(visit: Visit, typed: Mapping[str, str], ticked: tuple[str, ...], errors: Mapping[str, str]) -> Response:
    visit.admin.require(Permission.MANAGE_AUTHENTICATION)
    return render(
        visit,
        "console/api_client_new.html",
        status=422 if errors else 200,
        binding=visit.admin.session_id,
        environments=api_clients.list_places(visit.runtime, visit.admin),
        scopes=API_SCOPES,
        every_environment=api_clients.EVERY_ENVIRONMENT,
        lives=tuple(TOKEN_LIVES),
        typed=typed,
        ticked=ticked,
        errors=errors,
    )


def _page_address(direction: str, position: str | None, *, revoked: bool) -> str:
    shown = {"revoked": "1"} if revoked else {}
    return f"{_HOME}?{urlencode({**shown, direction: position})}" if position else ""


def _position(untrusted: str) -> str | None:
    return untrusted if is_id(untrusted, "api_client") else None


def _id(visit: Visit) -> str:
    return visit.path_params["api_client_id"]


ROUTES: Final = [
    Route(_HOME, console(show), methods=["GET"]),
    Route(f"{_HOME}/new", console(add_page), methods=["GET"]),
    Route(f"{_HOME}/new", console(add), methods=["POST"]),
    Route(f"{_HOME}/{{api_client_id}}/revoke", console(ask_to_revoke), methods=["GET"]),
    Route(f"{_HOME}/{{api_client_id}}/revoke", console(revoke), methods=["POST"]),
]
