"""The Authentication tab of an environment: the switch with its confirmation, connections, and IdPs to reuse."""

from __future__ import annotations

from starlette.responses import Response
from starlette.routing import Route

from vestibule.directory.admins import Permission
from vestibule.directory.certificate_watch import warning
from vestibule.directory.connections import Connection, ConnectionStatus
from vestibule.flows import authentication, idp_values
from vestibule.kernel.text import N_
from vestibule.web import flash, shown
from vestibule.web.doors import console
from vestibule.web.pages import redirect, render
from vestibule.web.visits import Visit


def tab_of(environment_key: str) -> str:
    """Return the path of an environment's Authentication tab."""
    return f"/admin/environments/{environment_key}/authentication"


def tab(visit: Visit) -> Response:
    """Show the tab."""
    found = authentication.show_authentication(visit.runtime, visit.admin, visit.path_params["environment"])
    now = visit.runtime.clock()
    return render(
        visit,
        "console/authentication.html",
        binding=visit.admin.session_id,
        shown=found,
        active=[one for one in found.connections if one.status is ConnectionStatus.ACTIVE],
        warnings={one.id: warning(one.idp.certificates, now) for one in found.connections if _watched(one)},
        may_manage=visit.admin.admin.may(Permission.MANAGE_AUTHENTICATION),
    )


def switch(visit: Visit) -> Response:
    """Turn the switch, at once where nobody is concerned, else after a look at who is."""
    key, on = visit.path_params["environment"], visit.form.get("saml") == "on"
    preview = authentication.preview_saml(visit.runtime, visit.admin, key, on=on)
    if preview.needs_confirmation and not visit.form.has("confirmed"):
        return redirect(f"{tab_of(key)}/saml?to={'on' if on else 'off'}")
    if preview.needs_confirmation and shown.outdated(visit, _said(visit, preview)):
        return _ask(visit, preview, outdated=True)
    environment = authentication.set_saml(visit.runtime, visit.admin, key, on=on)
    said = (
        N_("SAML-based SSO authentication of %(name)s is on")
        if on
        else N_("SAML-based SSO authentication of %(name)s is off")
    )
    return flash.say(redirect(tab_of(key)), visit, visit.gettext(said, name=environment.name))


def confirm_switch(visit: Visit) -> Response:
    """Show who would be affected by turning the switch."""
    on = visit.query.get("to") == "on"
    preview = authentication.preview_saml(visit.runtime, visit.admin, visit.path_params["environment"], on=on)
    if not preview.needs_confirmation:
        return redirect(tab_of(preview.environment.key))
    return _ask(visit, preview)


def confirm_delete_idp(visit: Visit) -> Response:
    """Ask before an IdP that nobody uses is deleted."""
    tab_path = tab_of(visit.path_params["environment"])
    offer = idp_values.get_idp(visit.runtime, visit.admin, visit.path_params["idp_id"])
    return render(visit, "console/idp_delete.html", binding=visit.admin.session_id, idp=offer, tab_path=tab_path)


def delete_idp(visit: Visit) -> Response:
    """Delete an IdP that nobody uses."""
    idp = idp_values.delete_idp(visit.runtime, visit.admin, visit.path_params["idp_id"])
    said = visit.gettext(N_("%(name)s was deleted"), name=idp.name)
    return flash.say(redirect(tab_of(visit.path_params["environment"])), visit, said)


def _ask(visit: Visit, preview: authentication.SwitchPreview, *, outdated: bool = False) -> Response:
    template = "console/authentication_switch.html"
    return shown.ask(visit, template, _said(visit, preview), outdated=outdated, preview=preview)


def _said(visit: Visit, preview: authentication.SwitchPreview) -> str:
    return shown.said(visit, preview.environment.id, preview.on, shown.moved(preview.moves))


def _watched(connection: Connection) -> bool:
    return connection.status in {ConnectionStatus.ACTIVE, ConnectionStatus.PENDING}


_TAB = "/admin/environments/{environment}/authentication"
ROUTES = [
    Route(_TAB, console(tab), methods=["GET"]),
    Route(f"{_TAB}/saml", console(confirm_switch), methods=["GET"]),
    Route(f"{_TAB}/saml", console(switch), methods=["POST"]),
    Route(f"{_TAB}/idps/{{idp_id}}/delete", console(confirm_delete_idp), methods=["GET"]),
    Route(f"{_TAB}/idps/{{idp_id}}/delete", console(delete_idp), methods=["POST"]),
]
