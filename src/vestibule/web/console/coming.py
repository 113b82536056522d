"""API clients: the page of the sidebar whose function is not in this release. It says so, and what works today."""

from __future__ import annotations

from starlette.responses import Response
from starlette.routing import Route

from vestibule.directory.admins import Permission
from vestibule.web.doors import console
from vestibule.web.pages import render
from vestibule.web.visits import Visit


def api_clients(visit: Visit) -> Response:
    """Say that API clients are not in this release."""
    visit.admin.require(Permission.READ)
    return render(visit, "console/api_clients.html", binding=visit.admin.session_id)


ROUTES = [
    Route("/admin/api-clients", console(api_clients), methods=["GET"]),
]
