"""The Attribute mapping page of a connection: attribute names, and what happens just in time at a sign-in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from starlette.responses import Response
from starlette.routing import Route

from vestibule.directory.admins import Permission
from vestibule.directory.mapping import FIELDS, PRESETS, USUAL
from vestibule.directory.vendors import VENDORS, vendor
from vestibule.flows import mapping
from vestibule.flows.mapping import MappingFacts, MappingPreview, TypedMapping
from vestibule.kernel.errors import Invalid
from vestibule.kernel.text import N_
from vestibule.web import flash
from vestibule.web.doors import console
from vestibule.web.forms import errors_by_field
from vestibule.web.pages import redirect, render
from vestibule.web.visits import Form, Visit

# Lines of the map that stand ready to be filled.
_EMPTY_LINES: Final = 2
_MORE_LINES: Final = 5
_NOT_SAVED: Final = {"preset", "lines", "preview"}


def page(visit: Visit) -> Response:
    """Show the mapping as it is."""
    visit.admin.require(Permission.MANAGE_AUTHENTICATION)
    facts = mapping.get_mapping(visit.runtime, visit.admin, _id(visit))
    return _page(visit, facts, _stored(facts))


def change(visit: Visit) -> Response:
    """Save the mapping, or show the form with a vendor's names or more lines and save nothing."""
    visit.admin.require(Permission.MANAGE_AUTHENTICATION)
    typed = _typed(visit.form)
    act = visit.form.get("act")
    if act in {"preset", "lines"}:
        facts = mapping.get_mapping(visit.runtime, visit.admin, _id(visit))
        if act == "preset":
            typed = _with_names(typed, PRESETS.get(visit.form.get("vendor"), USUAL).as_dict())
        return _page(visit, facts, typed, lines=_MORE_LINES if act == "lines" else _EMPTY_LINES)
    if act == "preview":
        return _preview(visit, typed)
    try:
        connection = mapping.save_mapping(visit.runtime, visit.admin, _id(visit), typed, visit.form.get("began_with"))
    except Invalid as error:
        facts = mapping.get_mapping(visit.runtime, visit.admin, _id(visit))
        return _page(visit, facts, typed, errors_by_field(error))
    said = visit.gettext(N_("The attribute mapping of %(name)s was saved"), name=connection.idp.name)
    return flash.say(redirect(f"/admin/connections/{connection.id}"), visit, said)


def _preview(visit: Visit, typed: TypedMapping) -> Response:
    facts = mapping.get_mapping(visit.runtime, visit.admin, _id(visit))
    pasted = visit.form.get("pasted")
    try:
        preview = mapping.preview_mapping(visit.runtime, visit.admin, _id(visit), typed, pasted.encode())
    except Invalid as error:
        return _page(visit, facts, typed, errors_by_field(error))
    return _page(visit, facts, typed, preview=preview)


def _typed(form: Form) -> TypedMapping:
    return TypedMapping(
        names={name: form.get(name) for name in FIELDS},
        group_syncing=form.has("group_syncing"),
        groups_by=form.get("groups_by"),
        unknown_groups=form.get("unknown_groups"),
        keep_in_sync=form.has("keep_in_sync"),
        entries=tuple(zip(form.all("value"), form.all("group"), strict=False)),
    )


def _with_names(typed: TypedMapping, names: Mapping[str, str]) -> TypedMapping:
    return TypedMapping(
        {name: names.get(name, "") for name in FIELDS},
        typed.group_syncing,
        typed.groups_by,
        typed.unknown_groups,
        typed.keep_in_sync,
        typed.entries,
    )


def _stored(facts: MappingFacts) -> TypedMapping:
    connection = facts.connection
    return TypedMapping(
        names={name: getattr(connection.mapping, name) for name in FIELDS},
        group_syncing=connection.jit.group_syncing,
        groups_by=connection.jit.groups_by.value,
        unknown_groups=connection.jit.unknown_groups.value,
        keep_in_sync=connection.jit.keep_in_sync,
        entries=tuple((entry.value, entry.group_id) for entry in facts.entries),
    )


def _page(
    visit: Visit,
    facts: MappingFacts,
    typed: TypedMapping,
    errors: Mapping[str, str] | None = None,
    lines: int = _EMPTY_LINES,
    preview: MappingPreview | None = None,
) -> Response:
    # With errors every line keeps its number, by which its error is found.
    kept = typed.entries if errors else tuple(pair for pair in typed.entries if any(pair))
    entries: Sequence[tuple[str, str]] = (*kept, *[("", "")] * lines)
    return render(
        visit,
        "console/mapping.html",
        status=422 if errors else 200,
        binding=visit.admin.session_id,
        connection=facts.connection,
        environment=facts.environment,
        groups=facts.groups,
        vendors=VENDORS.values(),
        vendor=vendor(visit.form.get("vendor") or facts.connection.idp.vendor),
        typed=typed,
        entries=entries,
        errors=errors or {},
        pasted=visit.form.get("pasted"),
        preview=preview,
        # A form that was not to be saved is still of the version that it was made of.
        began_with=visit.form.get("began_with") if visit.form.get("act") in _NOT_SAVED else facts.version,
    )


def _id(visit: Visit) -> str:
    return visit.path_params["connection_id"]


_MAPPING: Final = "/admin/connections/{connection_id}/mapping"
ROUTES = [
    Route(_MAPPING, console(page), methods=["GET"]),
    Route(_MAPPING, console(change), methods=["POST"]),
]
