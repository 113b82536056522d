"""The card Single logout of a connection: the address to give to the IdP, and whether signing out here reaches it."""

from __future__ import annotations

from starlette.responses import Response
from starlette.routing import Route

from vestibule.flows import connections
from vestibule.kernel.text import N_
from vestibule.web import flash
from vestibule.web.doors import console
from vestibule.web.pages import redirect
from vestibule.web.visits import Visit


def set_logout(visit: Visit) -> Response:
    """Sign out at the IdP, too, or only here."""
    on = visit.form.get("logs_out") == "on"
    connection_id = visit.path_params["connection_id"]
    connection = connections.set_logs_out_at_idp(visit.runtime, visit.admin, connection_id, logs_out=on)
    said = (
        N_("Signing out here signs out at %(name)s, too")
        if on
        else N_("Signing out here leaves the session at %(name)s")
    )
    said = visit.gettext(said, name=connection.idp.name)
    return flash.say(redirect(f"/admin/connections/{connection.id}"), visit, said)


ROUTES = [Route("/admin/connections/{connection_id}/logout", console(set_logout), methods=["POST"])]
