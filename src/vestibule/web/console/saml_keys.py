"""Settings, Keys: our own keys for SAML, and rotating them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from starlette.responses import Response
from starlette.routing import Route

from vestibule.directory.admins import Permission
from vestibule.directory.saml_keys import OVERLAP_DAYS, KeysUnreadable, RotationUnderWay
from vestibule.flows import saml_keys
from vestibule.kernel.errors import Invalid
from vestibule.kernel.text import N_
from vestibule.web import flash
from vestibule.web.doors import console
from vestibule.web.forms import errors_by_field
from vestibule.web.pages import redirect, render
from vestibule.web.visits import Visit

_HOME: Final = "/admin/settings/keys"


def show(visit: Visit) -> Response:
    """Show the keys."""
    return render(
        visit,
        "console/saml_keys.html",
        binding=visit.admin.session_id,
        keys=saml_keys.get_keys(visit.runtime, visit.admin),
        may_manage=visit.admin.admin.may(Permission.MANAGE_AUTHENTICATION),
    )


def rotate_page(visit: Visit) -> Response:
    """Name the consequences before the keys are rotated."""
    visit.admin.require(Permission.MANAGE_AUTHENTICATION)
    return _rotate(visit, {})


def rotate(visit: Visit) -> Response:
    """Rotate the keys."""
    try:
        keys = saml_keys.rotate_as_admin(visit.runtime, visit.admin, visit.form.get("overlap_days"))
    except Invalid as error:
        return _rotate(visit, errors_by_field(error))
    except (RotationUnderWay, KeysUnreadable) as error:
        return _rotate(visit, {"overlap_days": visit.gettext(error.public, **error.params)})
    said = N_("New keys are published: they take over after the overlap")
    if keys.takes_over_at is None:
        said = N_("The keys were replaced. Identity providers need the SP metadata again now")
    return flash.say(redirect(_HOME), visit, visit.gettext(said))


def _rotate(visit: Visit, errors: Mapping[str, str]) -> Response:
    keys = saml_keys.get_keys(visit.runtime, visit.admin)
    return render(
        visit,
        "console/saml_keys_rotate.html",
        status=422 if errors else 200,
        binding=visit.admin.session_id,
        keys=keys,
        overlap_days="0" if keys.takes_over_at else str(OVERLAP_DAYS),
        errors=errors,
    )


ROUTES = [
    Route(_HOME, console(show), methods=["GET"]),
    Route(f"{_HOME}/rotate", console(rotate_page), methods=["GET"]),
    Route(f"{_HOME}/rotate", console(rotate), methods=["POST"]),
]
