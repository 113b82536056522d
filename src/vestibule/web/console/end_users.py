"""End users: the list, with search and filters, and the form for a new one."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, TypeVar
from urllib.parse import urlencode

from starlette.responses import Response
from starlette.routing import Route

from vestibule.directory.admins import Permission
from vestibule.directory.end_users import (
    AccessDraft,
    EndUserDraft,
    EndUserFilter,
    EndUserStatus,
    quoted,
    search_beginning,
    search_words,
)
from vestibule.directory.sources import Source
from vestibule.flows import end_users
from vestibule.flows.parts.people import EmailTaken, HandedOut
from vestibule.flows.waiting import NotWaiting
from vestibule.kernel.errors import Invalid
from vestibule.kernel.text import N_, printable
from vestibule.web import flash
from vestibule.web.doors import console
from vestibule.web.forms import errors_by_field
from vestibule.web.pages import redirect, render
from vestibule.web.positions import from_address, to_address
from vestibule.web.visits import Visit

HOME: Final = "/admin/end-users"
_FILTERS: Final = ("q", "environment", "group", "status", "source")
_MAX_QUERY: Final = 300
_Choice = TypeVar("_Choice", bound=StrEnum)


def list_page(visit: Visit) -> Response:
    """Show a page of the people that search and filters leave."""
    typed = {name: visit.query.get(name)[:_MAX_QUERY] for name in _FILTERS}
    beginning = search_beginning(typed["q"])
    wanted = EndUserFilter(
        words=() if beginning else search_words(typed["q"]),
        beginning=beginning,
        environment_ids=(typed["environment"],) if typed["environment"] else (),
        group_id=typed["group"] or None,
        status=_chosen(EndUserStatus, typed["status"]),
        source=_chosen(Source, typed["source"]),
    )
    after, before = (from_address(visit.query.get(name)) for name in ("after", "before"))
    listed = end_users.list_end_users(visit.runtime, visit.admin, wanted, after=after, before=before)
    page = listed.page
    return render(
        visit,
        "console/end_users.html",
        binding=visit.admin.session_id,
        listed=listed,
        typed=typed,
        narrowed=any(typed.values()),
        names={environment.id: environment.name for environment in listed.environments},
        statuses=list(EndUserStatus),
        sources=list(Source),
        previous=_page_address(typed, "before", page.previous),
        next=_page_address(typed, "after", page.next),
        by_name=_by_name(typed) if page.looked_through and len(wanted.words) > 1 else "",
        may_manage=visit.admin.admin.may(Permission.MANAGE_PEOPLE),
    )


def add_page(visit: Visit) -> Response:
    """Show the form for a new person, filled with what is known of somebody who waits."""
    wanted = visit.query.get("knock")
    knock = end_users.look_at_knock(visit.runtime, visit.admin, wanted)
    if wanted and knock is None:
        raise NotWaiting(f"knock {printable(wanted, 40)}")
    filled = {"name": knock.full_name or "", "email": knock.email or "", "knock": knock.id} if knock else {}
    return _form(visit, filled, ticked={knock.environment_id} if knock else set())


def add(visit: Visit) -> Response:
    """Add a person; where no mail goes out, show the link to hand over."""
    form = visit.form
    drafts = _access_drafts(visit)
    draft = EndUserDraft(form.get("name"), form.get("email"), drafts)
    try:
        person, link = end_users.add_end_user(visit.runtime, visit.admin, draft, form.get("knock"))
    except Invalid as error:
        holder = next((one.holder for one in error.errors if isinstance(one, EmailTaken)), None)
        typed = {name: form.get(name) for name in ("name", "email", "knock")}
        ticked = {one.environment_id for one in drafts if one.ticked}
        chosen = {one.environment_id: one.group_ids for one in drafts}
        return _form(visit, typed, ticked=ticked, chosen=chosen, errors=errors_by_field(error), holder=holder)
    if link is not None:
        return handed_over(visit, link, added=True)
    return flash.say(
        redirect(f"{HOME}/{person.id}"), visit, visit.gettext(N_("%(name)s was added"), name=person.full_name)
    )


def handed_over(visit: Visit, link: HandedOut, *, added: bool = False) -> Response:
    """Say that a one-time link is on its way by mail, or show it, this once, to be handed over."""
    person = link.end_user
    if link.url is None:
        sentence = N_("%(name)s was added. The invitation is on its way to %(email)s")
        if not added:
            sentence = N_("%(name)s: a one-time link is on its way to %(email)s")
        said = visit.gettext(sentence, name=person.full_name, email=person.email)
        return flash.say(redirect(f"{HOME}/{person.id}"), visit, said)
    return render(
        visit, "console/end_user_link.html", binding=visit.admin.session_id, link=link, person=person, added=added
    )


def _form(
    visit: Visit,
    typed: Mapping[str, str],
    *,
    ticked: set[str],
    chosen: Mapping[str, tuple[str, ...]] | None = None,
    errors: dict[str, str] | None = None,
    holder: object = None,
) -> Response:
    return render(
        visit,
        "console/end_user_new.html",
        status=422 if errors else 200,
        binding=visit.admin.session_id,
        choices=end_users.list_choices(visit.runtime, visit.admin),
        typed={"name": "", "email": "", "knock": "", **typed},
        ticked=ticked,
        chosen=chosen or {},
        errors=errors or {},
        holder=holder,
    )


def _access_drafts(visit: Visit) -> tuple[AccessDraft, ...]:
    """Return what was ticked, and groups chosen beside a box that was not, which the flow refuses."""
    ticked = visit.form.all("environment")
    named = [name.removeprefix("group_") for name in visit.form.fields if name.startswith("group_")]
    return tuple(
        AccessDraft(one, one in ticked, tuple(group for group in visit.form.all(f"group_{one}") if group))
        for one in dict.fromkeys((*ticked, *named))
        if one in ticked or any(visit.form.all(f"group_{one}"))
    )


def _chosen(kind: type[_Choice], typed: str) -> _Choice | None:
    return kind(typed) if typed in set(kind) else None


def _page_address(typed: Mapping[str, str], direction: str, position: tuple[str, ...] | None) -> str:
    if position is None:
        return ""
    kept = {name: value for name, value in typed.items() if value}
    return f"{HOME}?{urlencode({**kept, direction: to_address(position)})}"


def _by_name(typed: Mapping[str, str]) -> str:
    """Return the address of the same search for names that begin as typed: of two common names it is at once where both are."""
    kept = {name: value for name, value in typed.items() if value}
    return f"{HOME}?{urlencode({**kept, 'q': quoted(typed['q'])})}"


ROUTES = [
    Route(HOME, console(list_page), methods=["GET"]),
    Route(f"{HOME}/new", console(add_page), methods=["GET"]),
    Route(f"{HOME}/new", console(add), methods=["POST"]),
]
