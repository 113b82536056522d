"""API clients: the page of the sidebar whose function is on the command line alone in this release. It says so."""

from __future__ import annotations

from starlette.responses import Response
from starlette.routing import Route

from vestibule.directory.admins import Permission
from vestibule.web.doors import console
from vestibule.web.pages import render
from vestibule.web.visits import Visit


def api_clients(visit: Visit) -> Response:
    """Say where API clients are made."""
    visit.admin.require(Permission.READ)
    return render(visit, "console/api_clients.html", binding=visit.admin.session_id)


ROUTES = [
    Route("/admin/api-clients", console(api_clients), methods=["GET"]),
]
