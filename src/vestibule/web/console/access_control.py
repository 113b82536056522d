"""Access control: the console's first page. Admins, their roles, invitations; and the admin's own sessions."""

from __future__ import annotations

from starlette.responses import Response
from starlette.routing import Route

from vestibule.directory.admins import Admin, Permission, Role
from vestibule.flows import admin_sign_in, admins
from vestibule.kernel.errors import Invalid
from vestibule.kernel.text import N_
from vestibule.web import flash, shown
from vestibule.web.doors import console
from vestibule.web.forms import errors_by_field
from vestibule.web.pages import redirect, render
from vestibule.web.visits import Visit

_HOME = "/admin/access-control"


def list_page(visit: Visit) -> Response:
    """Show the workspace's admins."""
    return render(
        visit,
        "console/access_control.html",
        binding=visit.admin.session_id,
        admins=admins.list_admins(visit.runtime, visit.admin),
        may_manage=visit.admin.admin.may(Permission.MANAGE_ADMINS),
        manageable=_roles(visit),
    )


def invite_page(visit: Visit) -> Response:
    """Show the invitation form."""
    visit.admin.require(Permission.MANAGE_ADMINS)
    return _invite_form(visit, {})


def invite(visit: Visit) -> Response:
    """Invite somebody, and show the link to hand over."""
    form = visit.form
    try:
        admin, url = admins.invite_admin(
            visit.runtime, visit.admin, form.get("name"), form.get("email"), form.get("role")
        )
    except Invalid as error:
        return _invite_form(visit, errors_by_field(error))
    return _handed_over(visit, admin.name, url)


def renew(visit: Visit) -> Response:
    """Make a new link for an admin, and show it to hand over."""
    admin, url = admins.renew_invitation(visit.runtime, visit.admin, visit.path_params["admin_id"])
    return _handed_over(visit, admin.name, url)


def change_page(visit: Visit) -> Response:
    """Show one admin: role, a new link, removal."""
    admin = admins.get_admin(visit.runtime, visit.admin, visit.path_params["admin_id"])
    return render(visit, "console/admin.html", binding=visit.admin.session_id, admin=admin, roles=_roles(visit))


def change_role(visit: Visit) -> Response:
    """Give an admin another role."""
    role, began_with = visit.form.get("role"), visit.form.get(shown.FIELD)
    admin = admins.change_role(visit.runtime, visit.admin, visit.path_params["admin_id"], role, began_with)
    if role in {admin.role, began_with}:
        return redirect(_HOME)
    return flash.say(redirect(_HOME), visit, visit.gettext(N_("%(name)s: role changed"), name=admin.name))


def confirm_remove(visit: Visit) -> Response:
    """Say what follows before an admin is removed."""
    return _removal(visit, admins.get_admin(visit.runtime, visit.admin, visit.path_params["admin_id"]))


def remove(visit: Visit) -> Response:
    """Remove an admin."""
    before = admins.get_admin(visit.runtime, visit.admin, visit.path_params["admin_id"])
    if shown.outdated(visit, _said(visit, before)):
        return _removal(visit, before, outdated=True)
    admin = admins.remove_admin(visit.runtime, visit.admin, visit.path_params["admin_id"])
    return flash.say(redirect(_HOME), visit, visit.gettext(N_("%(name)s was removed and signed out"), name=admin.name))


def me_page(visit: Visit) -> Response:
    """Show the admin's own sessions."""
    sessions = admin_sign_in.list_sessions(visit.runtime, visit.admin)
    return render(
        visit, "console/me.html", binding=visit.admin.session_id, sessions=sessions, session_id=visit.admin.session_id
    )


def end_session(visit: Visit) -> Response:
    """End one of the admin's own sessions."""
    admin_sign_in.end_session(visit.runtime, visit.admin, visit.path_params["session_id"])
    return flash.say(redirect("/admin/me"), visit, visit.gettext(N_("The session was ended")))


def end_others(visit: Visit) -> Response:
    """End all the admin's other sessions."""
    admin_sign_in.end_other_sessions(visit.runtime, visit.admin)
    return flash.say(redirect("/admin/me"), visit, visit.gettext(N_("All other sessions were ended")))


def _invite_form(visit: Visit, errors: dict[str, str]) -> Response:
    return render(
        visit,
        "console/invite.html",
        status=422 if errors else 200,
        binding=visit.admin.session_id,
        errors=errors,
        form=visit.form,
        roles=_roles(visit),
    )


def _removal(visit: Visit, admin: Admin, *, outdated: bool = False) -> Response:
    return shown.ask(visit, "console/admin_remove.html", _said(visit, admin), outdated=outdated, admin=admin)


def _said(visit: Visit, admin: Admin) -> str:
    return shown.said(visit, admin.id, admin.name, admin.email, admin.role.value)


def _handed_over(visit: Visit, name: str, url: str | None) -> Response:
    return render(
        visit,
        "console/link_made.html",
        binding=visit.admin.session_id,
        name=name,
        url=url,
        mailed=visit.runtime.mail_enabled,
    )


def _roles(visit: Visit) -> list[Role]:
    return [role for role in Role if role is not Role.OWNER or visit.admin.admin.may(Permission.MANAGE_OWNERS)]


ROUTES = [
    Route("/admin/access-control", console(list_page), methods=["GET"]),
    Route("/admin/access-control/invite", console(invite_page), methods=["GET"]),
    Route("/admin/access-control/invite", console(invite), methods=["POST"]),
    Route("/admin/access-control/{admin_id}", console(change_page), methods=["GET"]),
    Route("/admin/access-control/{admin_id}/role", console(change_role), methods=["POST"]),
    Route("/admin/access-control/{admin_id}/link", console(renew), methods=["POST"]),
    Route("/admin/access-control/{admin_id}/remove", console(confirm_remove), methods=["GET"]),
    Route("/admin/access-control/{admin_id}/remove", console(remove), methods=["POST"]),
    Route("/admin/me", console(me_page), methods=["GET"]),
    Route("/admin/me/sessions/end-others", console(end_others), methods=["POST"]),
    Route("/admin/me/sessions/{session_id}/end", console(end_session), methods=["POST"]),
]
