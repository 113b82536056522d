"""Settings: the workspace's name and help contact; its environments: add, change, reorder, delete an empty one."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from starlette.responses import Response
from starlette.routing import Route

from vestibule.directory.admins import Permission
from vestibule.directory.workspaces import Environment, key_from_name
from vestibule.flows import environments, workspaces
from vestibule.kernel.errors import Invalid
from vestibule.kernel.text import N_
from vestibule.web import flash
from vestibule.web.doors import console
from vestibule.web.forms import errors_by_field
from vestibule.web.pages import redirect, render
from vestibule.web.visits import Visit

_HOME: Final = "/admin/settings"


def show(visit: Visit) -> Response:
    """Show the settings."""
    return _page(visit, {})


def change(visit: Visit) -> Response:
    """Save the workspace's name and help contact."""
    form = visit.form
    shown = (form.get("shown_name"), form.get("shown_help_contact"))
    try:
        workspaces.change_workspace(visit.runtime, visit.admin, form.get("name"), form.get("help_contact"), shown=shown)
    except Invalid as error:
        return _page(visit, errors_by_field(error))
    return flash.say(redirect(_HOME), visit, visit.gettext(N_("The settings were saved")))


def add_page(visit: Visit) -> Response:
    """Show the form for a new environment."""
    visit.admin.require(Permission.MANAGE_ENVIRONMENTS)
    return _add_form(visit, {})


def add(visit: Visit) -> Response:
    """Add an environment."""
    form = visit.form
    try:
        environment = environments.add_environment(visit.runtime, visit.admin, form.get("name"), form.get("key"))
    except Invalid as error:
        return _add_form(visit, errors_by_field(error))
    said = visit.gettext(N_("%(name)s was added. Nobody has access to it yet"), name=environment.name)
    return flash.say(redirect(_HOME), visit, said)


def change_page(visit: Visit) -> Response:
    """Show one environment: name, session length, deletion."""
    visit.admin.require(Permission.MANAGE_ENVIRONMENTS)
    return _change_form(visit, None, {})


def change_environment(visit: Visit) -> Response:
    """Save an environment's name and session length."""
    form = visit.form
    typed = {"name": form.get("name"), "session_hours": form.get("session_hours")}
    shown = (form.get("shown_name"), form.get("shown_hours"))
    try:
        environment = environments.change_environment(visit.runtime, visit.admin, _key(visit), **typed, shown=shown)
    except Invalid as error:
        return _change_form(visit, typed, errors_by_field(error), shown)
    return flash.say(redirect(_HOME), visit, visit.gettext(N_("%(name)s was saved"), name=environment.name))


def move(visit: Visit) -> Response:
    """Move an environment one place up or down."""
    direction: environments.Direction = "up" if visit.form.get("direction") == "up" else "down"
    environment = environments.move_environment(visit.runtime, visit.admin, _key(visit), direction)
    said = N_("%(name)s was moved up") if direction == "up" else N_("%(name)s was moved down")
    return flash.say(redirect(_HOME), visit, visit.gettext(said, name=environment.name))


def delete_page(visit: Visit) -> Response:
    """Ask before an environment is deleted, or say what is still in it."""
    visit.admin.require(Permission.MANAGE_ENVIRONMENTS)
    environment, contents = environments.look_at_environment(visit.runtime, visit.admin, _key(visit))
    last = len(environments.list_environments(visit.runtime, visit.admin)) == 1
    return render(
        visit,
        "console/environment_delete.html",
        binding=visit.admin.session_id,
        environment=environment,
        contents=contents,
        last=last,
    )


def delete(visit: Visit) -> Response:
    """Delete an empty environment."""
    environment = environments.delete_environment(visit.runtime, visit.admin, _key(visit))
    return flash.say(redirect(_HOME), visit, visit.gettext(N_("%(name)s was deleted"), name=environment.name))


def _page(visit: Visit, errors: dict[str, str]) -> Response:
    workspace = workspaces.get_workspace(visit.runtime, visit.admin.workspace_id)
    typed = {"name": workspace.name, "help_contact": workspace.help_contact or ""}
    shown = {f"shown_{name}": value for name, value in typed.items()}
    if errors:
        typed, shown = ({name: visit.form.get(name) for name in one} for one in (typed, shown))
    return render(
        visit,
        "console/settings.html",
        status=422 if errors else 200,
        binding=visit.admin.session_id,
        typed=typed,
        shown=shown,
        errors=errors,
        environments=environments.list_environments(visit.runtime, visit.admin),
        hours_of=_hours_of,
        public_url=visit.runtime.public_url,
        may_manage=visit.admin.admin.may(Permission.MANAGE_ENVIRONMENTS),
    )


def _add_form(visit: Visit, errors: dict[str, str]) -> Response:
    form = visit.form
    key = form.get("key") or (key_from_name(form.get("name")) if form.get("name").strip() else "")
    return render(
        visit,
        "console/environment_new.html",
        status=422 if errors else 200,
        binding=visit.admin.session_id,
        typed={"name": form.get("name"), "key": key},
        errors=errors,
        public_url=visit.runtime.public_url,
    )


def _change_form(
    visit: Visit, typed: dict[str, str] | None, errors: dict[str, str], shown: tuple[str, str] | None = None
) -> Response:
    environment, contents = environments.look_at_environment(visit.runtime, visit.admin, _key(visit))
    now = (environment.name, str(_hours_of(environment)))
    return render(
        visit,
        "console/environment.html",
        status=422 if errors else 200,
        binding=visit.admin.session_id,
        environment=environment,
        contents=contents,
        typed=typed or dict(zip(("name", "session_hours"), now, strict=True)),
        shown=shown or now,
        errors=errors,
        public_url=visit.runtime.public_url,
    )


def _hours_of(environment: Environment) -> int:
    return environment.session_ttl // timedelta(hours=1)


def _key(visit: Visit) -> str:
    return visit.path_params["environment"]


_ONE = f"{_HOME}/environments/{{environment}}"
ROUTES = [
    Route(_HOME, console(show), methods=["GET"]),
    Route(_HOME, console(change), methods=["POST"]),
    # Not below /environments/…, where a key may be “new”.
    Route(f"{_HOME}/add-environment", console(add_page), methods=["GET"]),
    Route(f"{_HOME}/add-environment", console(add), methods=["POST"]),
    Route(_ONE, console(change_page), methods=["GET"]),
    Route(_ONE, console(change_environment), methods=["POST"]),
    Route(f"{_ONE}/move", console(move), methods=["POST"]),
    Route(f"{_ONE}/delete", console(delete_page), methods=["GET"]),
    Route(f"{_ONE}/delete", console(delete), methods=["POST"]),
]
