"""An app's own icon in the console: uploaded, and taken away again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from starlette.responses import Response
from starlette.routing import Route

from vestibule.directory.admins import Permission
from vestibule.directory.app_icons import FIELD, IconRefused
from vestibule.flows import app_icons, apps
from vestibule.kernel.text import N_
from vestibule.web import flash
from vestibule.web.doors import console
from vestibule.web.forms import errors_by_field
from vestibule.web.pages import redirect, render
from vestibule.web.visits import Visit

_NOTHING: Final[Mapping[str, str]] = {}


def upload_page(visit: Visit) -> Response:
    """Show the icon, and ask for a file."""
    visit.admin.require(Permission.MANAGE_APPS)
    return _page(visit, _NOTHING)


def upload(visit: Visit) -> Response:
    """Take a file."""
    try:
        app = app_icons.upload_icon(visit.runtime, visit.admin, _id(visit), visit.form.files.get(FIELD, b""))
    except IconRefused as error:
        return _page(visit, errors_by_field(error))
    said = visit.gettext(N_("%(name)s has its own icon now"), name=app.name)
    return flash.say(redirect(f"/admin/apps/{app.id}"), visit, said)


def remove(visit: Visit) -> Response:
    """Go back to the icon of the set."""
    app = app_icons.remove_icon(visit.runtime, visit.admin, _id(visit))
    said = visit.gettext(N_("The icon of %(name)s was removed"), name=app.name)
    return flash.say(redirect(f"/admin/apps/{app.id}"), visit, said)


def _page(visit: Visit, errors: Mapping[str, str]) -> Response:
    facts = apps.look_at_app(visit.runtime, visit.admin, _id(visit))
    return render(
        visit,
        "console/app_icon.html",
        status=422 if errors else 200,
        binding=visit.admin.session_id,
        facts=facts,
        here=f"/admin/apps/{facts.app.id}",
        errors=errors,
    )


def _id(visit: Visit) -> str:
    return str(visit.path_params["app_id"])


_ONE: Final = "/admin/apps/{app_id}/icon"
ROUTES: Final = [
    Route(_ONE, console(upload_page), methods=["GET"]),
    Route(_ONE, console(upload), methods=["POST"]),
    Route(f"{_ONE}/remove", console(remove), methods=["POST"]),
]
