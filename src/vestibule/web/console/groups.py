"""The End-user groups tab of an environment: the list, one group with its members, and the forms that change them."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from starlette.responses import Response
from starlette.routing import Route

from vestibule.directory.admins import Permission
from vestibule.directory.groups import Group
from vestibule.flows import group_members, groups
from vestibule.kernel.errors import Invalid
from vestibule.kernel.text import N_
from vestibule.web import flash, shown
from vestibule.web.doors import console
from vestibule.web.forms import errors_by_field
from vestibule.web.pages import redirect, render
from vestibule.web.positions import from_address, to_address
from vestibule.web.visits import Visit

_MAX_QUERY: Final = 300
_TABS: Final = {"groups", "authentication", "apis"}


def to_first(visit: Visit) -> Response:
    """Go to the environment that the picker's form names, else to the first one's groups."""
    tab = visit.query.get("tab") if visit.query.get("tab") in _TABS else "groups"
    environment = groups.first_place(visit.runtime, visit.admin, visit.query.get("environment"))
    return redirect(f"/admin/environments/{environment.key}/{tab}")


def list_page(visit: Visit) -> Response:
    """Show a page of the environment's groups."""
    typed = visit.query.get("q")[:_MAX_QUERY]
    after, before = (from_address(visit.query.get(name)) for name in ("after", "before"))
    listed = groups.list_groups(visit.runtime, visit.admin, _key(visit), typed, after=after, before=before)
    return render(
        visit,
        "console/groups.html",
        binding=visit.admin.session_id,
        listed=listed,
        typed=typed,
        further=bool(after or before),
        previous=_page_address(typed, "before", listed.previous),
        next=_page_address(typed, "after", listed.next),
        may_manage=_may_manage(visit),
    )


def create_page(visit: Visit) -> Response:
    """Show the form for a new group."""
    visit.admin.require(Permission.MANAGE_PEOPLE)
    return _create_form(visit, {})


def create(visit: Visit) -> Response:
    """Create a group, and go to it: its members come next."""
    try:
        group = groups.create_group(visit.runtime, visit.admin, _key(visit), visit.form.get("name"))
    except Invalid as error:
        return _create_form(visit, errors_by_field(error))
    said = visit.gettext(N_("%(name)s was created. Now add its members"), name=group.name)
    return flash.say(redirect(f"{_tab(visit)}/{group.id}"), visit, said)


def group_page(visit: Visit) -> Response:
    """Show a group with a page of its members."""
    typed = visit.query.get("q")[:_MAX_QUERY]
    after, before = (from_address(visit.query.get(name)) for name in ("after", "before"))
    page = group_members.look_at_group(visit.runtime, visit.admin, *_ids(visit), typed, after=after, before=before)
    return render(
        visit,
        "console/group.html",
        binding=visit.admin.session_id,
        page=page,
        typed=typed,
        tab_path=_tab(visit),
        previous=_page_address(typed, "before", page.previous),
        next=_page_address(typed, "after", page.next),
        may_manage=_may_manage(visit) and not page.group.built_in,
    )


def rename_page(visit: Visit) -> Response:
    """Show the form for another name."""
    visit.admin.require(Permission.MANAGE_PEOPLE)
    return _rename_form(visit, None, {})


def rename(visit: Visit) -> Response:
    """Rename a group."""
    typed = visit.form.get("name")
    try:
        group = groups.rename_group(visit.runtime, visit.admin, *_ids(visit), typed, visit.form.get("shown"))
    except Invalid as error:
        return _rename_form(visit, typed, errors_by_field(error))
    return flash.say(
        redirect(_group_path(visit)), visit, visit.gettext(N_("The group is now called %(name)s"), name=group.name)
    )


def delete_page(visit: Visit) -> Response:
    """Ask before a group is deleted, and say who is in it."""
    return _delete_form(visit, groups.get_changeable(visit.runtime, visit.admin, *_ids(visit)))


def delete(visit: Visit) -> Response:
    """Delete a group."""
    before = groups.get_changeable(visit.runtime, visit.admin, *_ids(visit))
    if shown.outdated(visit, _said(visit, before)):
        return _delete_form(visit, before, outdated=True)
    group = groups.delete_group(visit.runtime, visit.admin, *_ids(visit))
    return flash.say(redirect(_tab(visit)), visit, visit.gettext(N_("%(name)s was deleted"), name=group.name))


def add_page(visit: Visit) -> Response:
    """Show a search for people to add to a group."""
    typed = visit.query.get("q")[:_MAX_QUERY]
    found = group_members.find_candidates(visit.runtime, visit.admin, *_ids(visit), typed)
    return render(
        visit,
        "console/group_add.html",
        binding=visit.admin.session_id,
        found=found,
        typed=typed,
        group_path=_group_path(visit),
    )


def add(visit: Visit) -> Response:
    """Add a person to a group, and stay with the search: mostly several are added."""
    group, person = group_members.add_member(visit.runtime, visit.admin, *_ids(visit), visit.form.get("end_user"))
    said = visit.gettext(N_("%(name)s is in %(group)s now"), name=person.full_name, group=group.name)
    query = urlencode({"q": visit.form.get("q")[:_MAX_QUERY]})
    return flash.say(redirect(f"{_group_path(visit)}/add?{query}"), visit, said)


def remove(visit: Visit) -> Response:
    """Take a person out of a group."""
    group, person = group_members.remove_member(visit.runtime, visit.admin, *_ids(visit), visit.form.get("end_user"))
    said = visit.gettext(N_("%(name)s is not in %(group)s any more"), name=person.full_name, group=group.name)
    return flash.say(redirect(_group_path(visit)), visit, said)


def _create_form(visit: Visit, errors: dict[str, str]) -> Response:
    environment = groups.get_environment(visit.runtime, visit.admin, _key(visit))
    return render(
        visit,
        "console/group_new.html",
        status=422 if errors else 200,
        binding=visit.admin.session_id,
        environment=environment,
        typed=visit.form.get("name"),
        errors=errors,
        tab_path=_tab(visit),
    )


def _rename_form(visit: Visit, typed: str | None, errors: dict[str, str]) -> Response:
    group = groups.get_changeable(visit.runtime, visit.admin, *_ids(visit))
    return render(
        visit,
        "console/group_rename.html",
        status=422 if errors else 200,
        binding=visit.admin.session_id,
        group=group,
        typed=group.name if typed is None else typed,
        said_before=group.name if typed is None else visit.form.get("shown"),
        errors=errors,
        group_path=_group_path(visit),
    )


def _delete_form(visit: Visit, group: Group, *, outdated: bool = False) -> Response:
    values = {"group": group, "group_path": _group_path(visit)}
    return shown.ask(visit, "console/group_delete.html", _said(visit, group), outdated=outdated, **values)


def _said(visit: Visit, group: Group) -> str:
    return shown.said(visit, group.id, group.name, shown.size(group.members))


def _key(visit: Visit) -> str:
    return visit.path_params["environment"]


def _ids(visit: Visit) -> tuple[str, str]:
    return _key(visit), visit.path_params["group_id"]


def _tab(visit: Visit) -> str:
    return f"/admin/environments/{_key(visit)}/groups"


def _group_path(visit: Visit) -> str:
    return f"{_tab(visit)}/{visit.path_params['group_id']}"


def _may_manage(visit: Visit) -> bool:
    return visit.admin.admin.may(Permission.MANAGE_PEOPLE)


def _page_address(typed: str, direction: str, position: tuple[str, ...] | None) -> str:
    return "?" + urlencode({**({"q": typed} if typed else {}), direction: to_address(position)}) if position else ""


_TAB = "/admin/environments/{environment}/groups"
_GROUP = f"{_TAB}/{{group_id}}"
ROUTES = [
    Route("/admin/environments", console(to_first), methods=["GET"]),
    Route(_TAB, console(list_page), methods=["GET"]),
    Route(f"{_TAB}/new", console(create_page), methods=["GET"]),
    Route(f"{_TAB}/new", console(create), methods=["POST"]),
    Route(_GROUP, console(group_page), methods=["GET"]),
    Route(f"{_GROUP}/rename", console(rename_page), methods=["GET"]),
    Route(f"{_GROUP}/rename", console(rename), methods=["POST"]),
    Route(f"{_GROUP}/delete", console(delete_page), methods=["GET"]),
    Route(f"{_GROUP}/delete", console(delete), methods=["POST"]),
    Route(f"{_GROUP}/add", console(add_page), methods=["GET"]),
    Route(f"{_GROUP}/members", console(add), methods=["POST"]),
    Route(f"{_GROUP}/members/remove", console(remove), methods=["POST"]),
]
