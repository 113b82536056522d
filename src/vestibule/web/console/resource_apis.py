"""The APIs tab of an environment: APIs that tokens are for, what each app may ask of them, and letting apps register."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from starlette.responses import Response
from starlette.routing import Route

from vestibule.directory.admins import Permission
from vestibule.flows import resource_apis
from vestibule.flows.resource_apis import TypedApi
from vestibule.kernel.errors import Invalid
from vestibule.kernel.text import N_
from vestibule.web import flash
from vestibule.web.doors import console
from vestibule.web.forms import errors_by_field
from vestibule.web.pages import redirect, render
from vestibule.web.recipes import api_recipes
from vestibule.web.visits import Visit

_ALLOWED: Final = "allowed_"


def show(visit: Visit) -> Response:
    """Show the APIs of the environment, and who may register apps."""
    listed = resource_apis.list_apis(visit.runtime, visit.admin, _key(visit))
    return render(
        visit, "console/apis.html", binding=visit.admin.session_id, listed=listed, may_manage=_may_manage(visit)
    )


def add_page(visit: Visit) -> Response:
    """Show the form for a new API."""
    visit.admin.require(Permission.MANAGE_AUTHENTICATION)
    return _add_form(visit, TypedApi("", "", "", open=False), {})


def add(visit: Visit) -> Response:
    """Add an API, and go to it: what apps may ask of it comes next."""
    typed = _typed(visit)
    try:
        api = resource_apis.add_api(visit.runtime, visit.admin, _key(visit), typed)
    except Invalid as error:
        return _add_form(visit, typed, errors_by_field(error))
    said = visit.gettext(N_("%(name)s was added"), name=api.name)
    return flash.say(redirect(f"{_tab(visit)}/{api.id}"), visit, said)


def api_page(visit: Visit) -> Response:
    """Show one API."""
    return _api_form(visit, None, {})


def change(visit: Visit) -> Response:
    """Save an API."""
    typed = _typed(visit)
    try:
        api = resource_apis.change_api(
            visit.runtime,
            visit.admin,
            _key(visit),
            visit.path_params["api_id"],
            typed,
            visit.form.get("began_with"),
        )
    except Invalid as error:
        return _api_form(visit, typed, errors_by_field(error))
    return flash.say(redirect(_tab(visit)), visit, visit.gettext(N_("%(name)s was saved"), name=api.name))


def delete_page(visit: Visit) -> Response:
    """Name the consequences before an API is deleted."""
    visit.admin.require(Permission.MANAGE_AUTHENTICATION)
    page = resource_apis.look_at_api(visit.runtime, visit.admin, _key(visit), visit.path_params["api_id"])
    return render(visit, "console/api_delete.html", binding=visit.admin.session_id, page=page, tab_path=_tab(visit))


def delete(visit: Visit) -> Response:
    """Delete an API."""
    api = resource_apis.delete_api(visit.runtime, visit.admin, _key(visit), visit.path_params["api_id"])
    return flash.say(redirect(_tab(visit)), visit, visit.gettext(N_("%(name)s was deleted"), name=api.name))


def allow_registration(visit: Visit) -> Response:
    """Make an initial access token, and show it this once."""
    place, token = resource_apis.allow_registration(visit.runtime, visit.admin, _key(visit))
    return render(
        visit,
        "console/registration_token.html",
        binding=visit.admin.session_id,
        place=place,
        token=token,
        days=resource_apis.TOKEN_LIFE.days,
        endpoint=f"{visit.runtime.public_url}/e/{place.key}/oauth2/register",
        tab_path=_tab(visit),
    )


def end_registration(visit: Visit) -> Response:
    """Revoke an initial access token."""
    resource_apis.end_registration(visit.runtime, visit.admin, _key(visit), visit.path_params["token_id"])
    return flash.say(redirect(_tab(visit)), visit, visit.gettext(N_("The token was revoked")))


def _typed(visit: Visit) -> TypedApi:
    form = visit.form
    allowed = {name.removeprefix(_ALLOWED): form.get(name) for name in form.fields if name.startswith(_ALLOWED)}
    return TypedApi(
        form.get("name"), form.get("identifier"), form.get("scopes"), form.has("open"), form.get("app"), allowed
    )


def _add_form(visit: Visit, typed: TypedApi, errors: Mapping[str, str]) -> Response:
    return render(
        visit,
        "console/api_new.html",
        status=422 if errors else 200,
        binding=visit.admin.session_id,
        listed=resource_apis.list_apis(visit.runtime, visit.admin, _key(visit)),
        typed=typed,
        errors=errors,
        tab_path=_tab(visit),
    )


def _api_form(visit: Visit, typed: TypedApi | None, errors: Mapping[str, str]) -> Response:
    page = resource_apis.look_at_api(visit.runtime, visit.admin, _key(visit), visit.path_params["api_id"])
    api = page.api
    allowed = {app_id: " ".join(scopes) for app_id, scopes in page.allowed.items()}
    saved = TypedApi(api.name, api.identifier, " ".join(api.scopes), api.open, api.app_id or "", allowed)
    return render(
        visit,
        "console/api.html",
        status=422 if errors else 200,
        binding=visit.admin.session_id,
        page=page,
        typed=typed or saved,
        began_with=page.version,
        errors=errors,
        tab_path=_tab(visit),
        recipes=api_recipes(page.issuer, api.identifier, visit.site.templates),
        may_manage=_may_manage(visit),
    )


def _may_manage(visit: Visit) -> bool:
    return visit.admin.admin.may(Permission.MANAGE_AUTHENTICATION)


def _key(visit: Visit) -> str:
    return visit.path_params["environment"]


def _tab(visit: Visit) -> str:
    return f"/admin/environments/{_key(visit)}/apis"


_TAB: Final = "/admin/environments/{environment}/apis"
ROUTES: Final = [
    Route(_TAB, console(show), methods=["GET"]),
    Route(f"{_TAB}/new", console(add_page), methods=["GET"]),
    Route(f"{_TAB}/new", console(add), methods=["POST"]),
    Route(f"{_TAB}/registration", console(allow_registration), methods=["POST"]),
    Route(f"{_TAB}/registration/{{token_id}}/revoke", console(end_registration), methods=["POST"]),
    Route(f"{_TAB}/{{api_id}}", console(api_page), methods=["GET"]),
    Route(f"{_TAB}/{{api_id}}", console(change), methods=["POST"]),
    Route(f"{_TAB}/{{api_id}}/delete", console(delete_page), methods=["GET"]),
    Route(f"{_TAB}/{{api_id}}/delete", console(delete), methods=["POST"]),
]
