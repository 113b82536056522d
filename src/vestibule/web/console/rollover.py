"""How a connection's IdP is followed: by itself or after approval, and the decision about a change that was found."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response
from starlette.routing import Route

from vestibule.directory.connections import Connection
from vestibule.flows import rollover
from vestibule.kernel.text import N_
from vestibule.web import flash
from vestibule.web.doors import console
from vestibule.web.pages import redirect
from vestibule.web.visits import Visit


def follow(visit: Visit) -> Response:
    """Apply changes by themselves, or after approval."""
    applies = visit.form.get("applies") == "on"
    connection = rollover.set_applies_changes(visit.runtime, visit.admin, _id(visit), applies=applies)
    said = N_("Changes in the metadata of %(name)s are applied by themselves")
    return _back(visit, connection, said if applies else N_("Changes in the metadata of %(name)s wait for approval"))


def approve(visit: Visit) -> Response:
    """Put the change that was looked at into use."""
    connection = rollover.approve_change(visit.runtime, visit.admin, _id(visit), visit.form.get("change"))
    return _back(visit, connection, N_("The new values of %(name)s are in use"))


def dismiss(visit: Visit) -> Response:
    """Keep the values as they are."""
    connection = rollover.dismiss_change(visit.runtime, visit.admin, _id(visit), visit.form.get("change"))
    return _back(visit, connection, N_("The values of %(name)s stay as they are"))


def _back(visit: Visit, connection: Connection, said: str) -> Response:
    told = visit.gettext(said, name=connection.idp.name)
    return flash.say(redirect(f"/admin/connections/{connection.id}"), visit, told)


def _id(visit: Visit) -> str:
    return visit.path_params["connection_id"]


_METADATA: Final = "/admin/connections/{connection_id}/metadata"
ROUTES = [
    Route(f"{_METADATA}/follow", console(follow), methods=["POST"]),
    Route(f"{_METADATA}/approve", console(approve), methods=["POST"]),
    Route(f"{_METADATA}/dismiss", console(dismiss), methods=["POST"]),
]
