"""The page of a connection and what can be done there: edit, provisioning, switches, reading metadata again, deleting."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from starlette.responses import Response
from starlette.routing import Route

from vestibule.directory.admins import Permission
from vestibule.directory.certificate_watch import warning, watch
from vestibule.directory.connections import Connection, ConnectionStatus, Provisioning
from vestibule.directory.vendors import VENDORS, vendor
from vestibule.flows import connections, idp_values, rollover
from vestibule.flows.parts.connecting import TypedConnection
from vestibule.flows.parts.rereading import Reread
from vestibule.kernel.errors import Invalid
from vestibule.kernel.secrets import same
from vestibule.kernel.text import N_
from vestibule.web import flash, shown
from vestibule.web.console import scim
from vestibule.web.console.authentication import tab_of
from vestibule.web.console.wizard import typed_connection, values_to_carry
from vestibule.web.doors import console
from vestibule.web.forms import errors_by_field
from vestibule.web.pages import redirect, render
from vestibule.web.visits import Visit

_REREAD: Final = {
    Reread.SAME: N_("The metadata of %(name)s was read: nothing has changed"),
    Reread.APPLIED: N_("The metadata of %(name)s was read, and its new values were saved"),
    Reread.WAITS: N_("The metadata of %(name)s was read: have a look at what changed"),
}


def page(visit: Visit) -> Response:
    """Show a connection."""
    return page_with(visit, {})


def edit_page(visit: Visit) -> Response:
    """Show the form for name, vendor and domains."""
    facts = connections.get_connection(visit.runtime, visit.admin, _id(visit))
    visit.admin.require(Permission.MANAGE_AUTHENTICATION)
    one = facts.connection
    typed = TypedConnection(
        one.idp.name, one.idp.vendor, "all" if one.all_domains else "selected", ", ".join(one.domains)
    )
    return _edit(visit, typed, typed, {})


def edit(visit: Visit) -> Response:
    """Save name, vendor and domains; where that changes how somebody signs in, only after a look at who it is."""
    typed, began_with = typed_connection(visit.form), typed_connection(visit.form, "began_")
    try:
        preview = connections.preview_change(visit.runtime, visit.admin, _id(visit), typed, began_with)
        said = shown.said(visit, typed, shown.moved(preview.moves))
        if preview.concerns_somebody and not same(visit.form.get(shown.FIELD), said):
            return _edit(visit, typed, began_with, {}, preview, said)
        connection = connections.change_connection(visit.runtime, visit.admin, _id(visit), typed, began_with)
    except Invalid as error:
        return _edit(visit, typed, began_with, errors_by_field(error))
    if connection.status is ConnectionStatus.DRAFT:
        return redirect(f"/admin/connections/{connection.id}/set-up")
    return _back(visit, connection, N_("%(name)s was saved"))


def provisioning_page(visit: Visit) -> Response:
    """Show the Provisioning dialog as a page."""
    return _provisioning(visit, {})


def choose_provisioning(visit: Visit) -> Response:
    """Save the provisioning mode, and go back to the Authentication tab; to the connection, which has the values, for SCIM."""
    if _provisioning_changed(visit):
        return _provisioning(visit, {}, outdated=True)
    if visit.form.get("mode") == "scim" and (page := scim.ask_before_turning_on(visit)) is not None:
        return page
    try:
        connection = connections.choose_provisioning(visit.runtime, visit.admin, _id(visit), visit.form.get("mode"))
    except Invalid as error:
        return _provisioning(visit, errors_by_field(error))
    facts = connections.get_connection(visit.runtime, visit.admin, connection.id)
    said = N_("Provisioning of %(name)s was saved")
    if connection.status is ConnectionStatus.ACTIVE:
        said = N_("Provisioning of %(name)s was saved: the connection is active")
    if connection.provisioning is Provisioning.SCIM:
        return _back(visit, connection, said)
    return flash.say(redirect(tab_of(facts.environment.key)), visit, visit.gettext(said, name=connection.idp.name))


def set_signing(visit: Visit) -> Response:
    """Sign requests always, or only where the IdP asks for it."""
    sign = visit.form.get("sign") == "on"
    connection = connections.set_sign_requests(visit.runtime, visit.admin, _id(visit), sign=sign)
    return _back(
        visit,
        connection,
        N_("Requests to %(name)s are signed") if sign else N_("Requests to %(name)s are signed when it asks for it"),
    )


def read_again(visit: Visit) -> Response:
    """Read the IdP's metadata again."""
    try:
        connection, outcome = idp_values.read_metadata_again(visit.runtime, visit.admin, _id(visit))
    except Invalid as error:
        return page_with(visit, errors_by_field(error))
    return _back(visit, connection, _REREAD[outcome])


def confirm(act: str) -> Callable[[Visit], Response]:
    """Return a page that names the consequences of an act: disable, enable or delete."""

    def handler(visit: Visit) -> Response:
        preview, said = _preview(visit, act)
        return _ask(visit, act, preview, said)

    handler.__name__ = f"confirm_{act}"
    return handler


def confirmed(act: str, handler: Callable[[Visit], Response]) -> Callable[[Visit], Response]:
    """Return a door for the act that asks again where its page said what is not so any more."""

    def checked(visit: Visit) -> Response:
        preview, said = _preview(visit, act)
        done = act != "delete" and preview.connection.disabled is (act == "disable")
        if not done and shown.outdated(visit, said):
            return _ask(visit, act, preview, said, outdated=True)
        return handler(visit)

    checked.__name__ = handler.__name__
    return checked


def disable(visit: Visit) -> Response:
    """Disable a connection."""
    connection = connections.set_disabled(visit.runtime, visit.admin, _id(visit), disabled=True)
    return _back(visit, connection, N_("%(name)s is disabled, and its sessions were ended"))


def enable(visit: Visit) -> Response:
    """Enable a connection again."""
    connection = connections.set_disabled(visit.runtime, visit.admin, _id(visit), disabled=False)
    return _back(visit, connection, N_("%(name)s is enabled"))


def delete(visit: Visit) -> Response:
    """Delete a connection."""
    facts = connections.get_connection(visit.runtime, visit.admin, _id(visit))
    connection = connections.delete_connection(visit.runtime, visit.admin, _id(visit))
    said = visit.gettext(N_("The connection %(name)s was deleted"), name=connection.idp.name)
    return flash.say(redirect(tab_of(facts.environment.key)), visit, said)


def page_with(visit: Visit, errors: Mapping[str, str]) -> Response:
    """Show a connection, with what was wrong in a form on its page."""
    facts = connections.get_connection(visit.runtime, visit.admin, _id(visit))
    idp, now = facts.connection.idp, visit.runtime.clock()
    return render(
        visit,
        "console/connection.html",
        status=422 if errors else 200,
        binding=visit.admin.session_id,
        connection=facts.connection,
        environment=facts.environment,
        shared_with=facts.shared_with,
        ties=facts.ties,
        tab_path=tab_of(facts.environment.key),
        carry=values_to_carry(visit, facts.connection),
        following=rollover.get_following(visit.runtime, visit.admin, idp),
        vendor=vendor(idp.vendor),
        watched=watch(idp.certificates, now),
        warned=warning(idp.certificates, now),
        errors=errors,
        may_manage=visit.admin.admin.may(Permission.MANAGE_AUTHENTICATION),
        **scim.card(visit, facts.connection),
    )


def _edit(
    visit: Visit,
    typed: TypedConnection,
    began_with: TypedConnection,
    errors: Mapping[str, str],
    preview: connections.ChangePreview | None = None,
    said: str = "",
) -> Response:
    facts = connections.get_connection(visit.runtime, visit.admin, _id(visit))
    return render(
        visit,
        "console/connection_edit.html",
        status=422 if errors else 200,
        binding=visit.admin.session_id,
        connection=facts.connection,
        environment=facts.environment,
        shared_with=facts.shared_with,
        typed=typed,
        began_with=began_with,
        vendors=VENDORS.values(),
        errors=errors,
        preview=preview,
        said_before=said,
    )


def _preview(visit: Visit, act: str) -> tuple[connections.ChangePreview, str]:
    """Return what an act would do, and what its page carries of that."""
    visit.admin.require(Permission.MANAGE_AUTHENTICATION)
    ask = connections.preview_activation if act == "enable" else connections.preview_removal
    preview = ask(visit.runtime, visit.admin, _id(visit))
    one, ends = preview.connection, () if act == "enable" else (preview.ties.links, preview.ties.sessions)
    facts = (one.id, one.idp.name, one.idp.complete, preview.environment.saml_enabled, *map(shown.size, ends))
    return preview, shown.said(visit, act, *facts, shown.moved(preview.moves))


def _ask(visit: Visit, act: str, preview: connections.ChangePreview, said: str, *, outdated: bool = False) -> Response:
    return shown.ask(visit, "console/connection_confirm.html", said, outdated=outdated, act=act, preview=preview)


def _provisioning_changed(visit: Visit) -> bool:
    """Say whether the form was made of another mode than there is now, or its page said something else of who is concerned."""
    preview = connections.preview_activation(visit.runtime, visit.admin, _id(visit))
    now = preview.connection.provisioning or ""
    if visit.form.get("mode") == now:
        return False
    changed = visit.form.get("began_with", now) != now
    return changed or shown.outdated(visit, _said_of_activation(visit, preview), "shown_moves")


def _said_of_activation(visit: Visit, preview: connections.ChangePreview) -> str:
    return shown.said(visit, preview.connection.id, preview.environment.saml_enabled, shown.moved(preview.moves))


def _provisioning(visit: Visit, errors: Mapping[str, str], *, outdated: bool = False) -> Response:
    visit.admin.require(Permission.MANAGE_AUTHENTICATION)
    preview = connections.preview_activation(visit.runtime, visit.admin, _id(visit))
    if preview.connection.status is ConnectionStatus.DRAFT:
        return redirect(f"/admin/connections/{preview.connection.id}/set-up")
    return render(
        visit,
        "console/provisioning.html",
        status=422 if errors else 409 if outdated else 200,
        binding=visit.admin.session_id,
        preview=preview,
        connection=preview.connection,
        environment=preview.environment,
        tab_path=tab_of(preview.environment.key),
        said_before=_said_of_activation(visit, preview),
        outdated=outdated,
        errors=errors,
    )


def _back(visit: Visit, connection: Connection, said: str) -> Response:
    return flash.say(
        redirect(f"/admin/connections/{connection.id}"), visit, visit.gettext(said, name=connection.idp.name)
    )


def _id(visit: Visit) -> str:
    return visit.path_params["connection_id"]


_ONE = "/admin/connections/{connection_id}"
ROUTES = [
    Route(_ONE, console(page), methods=["GET"]),
    Route(f"{_ONE}/edit", console(edit_page), methods=["GET"]),
    Route(f"{_ONE}/edit", console(edit), methods=["POST"]),
    Route(f"{_ONE}/provisioning", console(provisioning_page), methods=["GET"]),
    Route(f"{_ONE}/provisioning", console(choose_provisioning), methods=["POST"]),
    Route(f"{_ONE}/signing", console(set_signing), methods=["POST"]),
    Route(f"{_ONE}/read-again", console(read_again), methods=["POST"]),
    Route(f"{_ONE}/disable", console(confirm("disable")), methods=["GET"]),
    Route(f"{_ONE}/disable", console(confirmed("disable", disable)), methods=["POST"]),
    Route(f"{_ONE}/enable", console(confirm("enable")), methods=["GET"]),
    Route(f"{_ONE}/enable", console(confirmed("enable", enable)), methods=["POST"]),
    Route(f"{_ONE}/delete", console(confirm("delete")), methods=["GET"]),
    Route(f"{_ONE}/delete", console(confirmed("delete", delete)), methods=["POST"]),
]
