"""Rendering: templates with gettext, and answers with the headers that every page has."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup
from starlette.responses import HTMLResponse, RedirectResponse, Response

from vestibule.directory.admins import Role
from vestibule.flows.workspaces import get_workspace
from vestibule.kernel import locales
from vestibule.kernel.clock import day_in_words
from vestibule.kernel.text import N_, printable
from vestibule.web import flash, forgery
from vestibule.web.icons import icon
from vestibule.web.user_agents import names_of
from vestibule.web.visits import Visit

_HERE: Final = Path(__file__).parent
_ROLE_NAMES: Final[Mapping[Role, str]] = {
    Role.OWNER: N_("Owner"),
    Role.ADMIN: N_("Admin"),
    Role.SUPPORT: N_("Support"),
    Role.AUDITOR: N_("Auditor"),
}


@cache
def template_environment() -> Environment:
    """Return the process's Jinja environment: autoescape always on, undefined names are errors, texts through gettext."""
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    locales.install(environment, unbroken)
    environment.filters["unbroken"] = unbroken
    environment.globals["language"] = locales.language
    environment.globals["icon"] = icon
    environment.globals["role_name"] = _ROLE_NAMES.__getitem__
    environment.filters["moment"] = moment
    environment.filters["day"] = day
    environment.filters["printable"] = printable
    environment.filters["browser"] = names_of
    return environment


def unbroken(sentence: str) -> str:
    """Return a sentence of ours with word joiners in it (U+2060), so that no line ends in "e-"."""
    return sentence.replace("e-mail", "e-\u2060mail").replace("E-mail", "E-\u2060mail")


def moment(value: datetime | None, style: str = "relative") -> Markup:
    """Return a `time` element: UTC in the markup and on hover; the script shows it in the viewer's zone."""
    if value is None:
        return Markup("")
    utc = value.astimezone(UTC)
    plain = f"{day_in_words(utc)}, {utc.strftime('%H:%M:%S' if style == 'exact' else '%H:%M')} UTC"
    return Markup('<time datetime="{}" data-moment="{}" title="{}">{}</time>').format(
        utc.isoformat(timespec="seconds"), style, plain, plain
    )


def day(value: datetime) -> Markup:
    """Return a `time` element with a calendar day, such as a certificate's last one."""
    utc = value.astimezone(UTC)
    text = day_in_words(utc)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        utc.date().isoformat(), f"{text}, {utc:%H:%M} UTC", text
    )


def render(visit: Visit, template: str, *, status: int = 200, binding: str = "", **values: Any) -> Response:
    """Return a page. `binding` is the secret cookie that the page's forms are tied to."""
    said, said_kind = flash.read(visit)
    html = visit.site.templates.get_template(template).render(
        csrf_token=forgery.token_for(visit, binding) if binding else "",
        me=visit.caller.admin if visit.caller else None,
        path=visit.path,
        now=visit.runtime.clock(),
        workspace_name=lambda workspace_id: get_workspace(visit.runtime, workspace_id).name,
        said=said,
        said_kind=said_kind,
        **values,
    )
    response = HTMLResponse(html, status_code=status)
    if said:
        flash.forget(response, visit)
    return response


def redirect(to: str, status: int = 303) -> Response:
    """Send the browser on, with GET. `to` is a path of ours or an address that was validated."""
    return RedirectResponse(to, status_code=status)
