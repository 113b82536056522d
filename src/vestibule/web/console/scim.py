"""SCIM in the console: what a connection's page shows of its directory, tokens, the stop line, and the question before it is turned on."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response
from starlette.routing import Route

from vestibule.directory.admins import Permission
from vestibule.directory.connections import Connection
from vestibule.directory.scim import Directory, ScimEvent, StopLine
from vestibule.flows import connections, scim_clashes, scim_directories, scim_log, scim_turning_on
from vestibule.flows.parts.token_lives import TOKEN_LIVES
from vestibule.kernel.errors import Invalid
from vestibule.kernel.secrets import same
from vestibule.kernel.text import N_
from vestibule.web import flash, shown
from vestibule.web.doors import console
from vestibule.web.forms import errors_by_field
from vestibule.web.pages import redirect, render
from vestibule.web.visits import Visit


def card(visit: Visit, connection: Connection) -> dict[str, Any]:
    """Return what a connection's page shows of its directory."""
    found = scim_directories.look_at_directory(visit.runtime, visit.admin, connection)
    clashes = scim_clashes.list_clashes(visit.runtime, visit.admin, connection.id) if found else ()
    may_manage_people = visit.admin.admin.may(Permission.MANAGE_PEOPLE)
    left_a_log = found is None and scim_log.has_log(visit.runtime, visit.admin, connection)
    return {"scim": found, "left_a_log": left_a_log, "clashes": clashes, "may_manage_people": may_manage_people}


def log_page(visit: Visit) -> Response:
    """Show what the directory sent and what was done."""
    refused = visit.query.get("only") == "refused"
    before = visit.query.get("before")[:40]
    log = scim_log.read_log(visit.runtime, visit.admin, _id(visit), before=before, refused=refused)
    here = f"/admin/connections/{log.connection.id}/scim/log"
    following = {"before": log.next, **({"only": "refused"} if refused else {})}
    return render(
        visit,
        "console/scim_log.html",
        binding=visit.admin.session_id,
        connection=log.connection,
        environment=log.environment,
        events=[(event, _sentences(visit, event)) for event in log.events],
        refused=refused,
        next=f"{here}?{urlencode(following)}" if log.next else None,
    )


def decide_clash(visit: Visit) -> Response:
    """Let the directory adopt a group that was here, or keep the two apart."""
    adopt = visit.form.get("decision") == "adopt"
    connection, group = scim_clashes.decide_clash(
        visit.runtime, visit.admin, _id(visit), visit.path_params["scim_group_id"], adopt=adopt
    )
    said = N_("The directory adopted the group %(group)s") if adopt else N_("The two groups are kept apart")
    return _back(visit, connection, visit.gettext(said, group=group.name))


def _sentences(visit: Visit, event: ScimEvent) -> list[str]:
    return [visit.gettext(str(note["message"]), **note["params"]) for note in event.notes]


def ask_before_turning_on(visit: Visit) -> Response | None:
    """Show what becomes of the people who are there already, unless there are none or the admin has seen it."""
    preview = scim_turning_on.preview_scim(visit.runtime, visit.admin, _id(visit))
    if preview.already_on or not preview.predecessors:
        return None
    crowds = [(one.fate, shown.size(one.people)) for one in preview.predecessors]
    said = shown.said(visit, preview.connection.id, crowds)
    if same(visit.form.get(shown.FIELD), said):
        return None
    return render(visit, "console/scim_turn_on.html", binding=visit.admin.session_id, preview=preview, shown=said)


def token_page(visit: Visit) -> Response:
    """Show the form for a token."""
    return _token_form(visit, {})


def make_token(visit: Visit) -> Response:
    """Make a token, and show it this once."""
    form = visit.form
    try:
        made = scim_directories.make_token(
            visit.runtime, visit.admin, _id(visit), form.get("token_name"), form.get("token_life")
        )
    except Invalid as error:
        return _token_form(visit, errors_by_field(error))
    return render(visit, "console/scim_token_made.html", binding=visit.admin.session_id, made=made)


def ask_to_revoke(visit: Visit) -> Response:
    """Ask before a token is revoked."""
    connection, token = scim_directories.find_token(
        visit.runtime, visit.admin, _id(visit), visit.path_params["token_id"]
    )
    binding = visit.admin.session_id
    return render(visit, "console/scim_token_revoke.html", binding=binding, connection=connection, token=token)


def revoke_token(visit: Visit) -> Response:
    """Revoke a token."""
    connection, name = scim_directories.revoke_token(
        visit.runtime, visit.admin, _id(visit), visit.path_params["token_id"]
    )
    return _back(visit, connection, visit.gettext(N_("The token “%(token)s” was revoked"), token=name))


def stop_line_page(visit: Visit) -> Response:
    """Show the form for the stop line."""
    return _stop_line_form(visit, {})


def change_stop_line(visit: Visit) -> Response:
    """Move the stop line."""
    form = visit.form
    if shown.outdated(visit, _said_of_stop_line(visit, _directory(visit, _facts(visit)).stop_line)):
        return _stop_line_form(visit, {shown.FIELD: visit.gettext(shown.CHANGED_MEANWHILE)})
    try:
        connection = scim_directories.change_stop_line(
            visit.runtime, visit.admin, _id(visit), form.get("most_people"), form.get("most_percent")
        )
    except Invalid as error:
        return _stop_line_form(visit, errors_by_field(error))
    return _back(visit, connection, visit.gettext(N_("The stop line was saved")))


def decide_hold(visit: Visit) -> Response:
    """Let the departures through for a while, or keep them held."""
    let_through = visit.form.get("decision") == "let_through"
    connection = scim_directories.decide_hold(visit.runtime, visit.admin, _id(visit), let_through=let_through)
    said = N_("Departures are let through for four hours") if let_through else N_("Departures stay held")
    return _back(visit, connection, visit.gettext(said))


def _token_form(visit: Visit, errors: dict[str, str]) -> Response:
    facts = _facts(visit)
    return render(
        visit,
        "console/scim_token_new.html",
        status=422 if errors else 200,
        binding=visit.admin.session_id,
        connection=facts.connection,
        environment=facts.environment,
        typed={"token_name": visit.form.get("token_name"), "token_life": visit.form.get("token_life", "365")},
        lives=tuple(TOKEN_LIVES),
        errors=errors,
    )


def _stop_line_form(visit: Visit, errors: dict[str, str]) -> Response:
    facts = _facts(visit)
    line = _directory(visit, facts).stop_line
    return render(
        visit,
        "console/scim_stop_line.html",
        status=422 if errors else 200,
        binding=visit.admin.session_id,
        connection=facts.connection,
        environment=facts.environment,
        typed={
            "most_people": visit.form.get("most_people", str(line.most_people)),
            "most_percent": visit.form.get("most_percent", str(line.most_percent)),
        },
        said_before=_said_of_stop_line(visit, line),
        errors=errors,
    )


def _directory(visit: Visit, facts: connections.ConnectionFacts) -> Directory:
    found = scim_directories.look_at_directory(visit.runtime, visit.admin, facts.connection)
    if found is None:
        raise scim_directories.NotScim(facts.connection.id, name=facts.connection.idp.name)
    return found.directory


def _said_of_stop_line(visit: Visit, line: StopLine) -> str:
    return shown.said(visit, line.most_people, line.most_percent)


def _facts(visit: Visit) -> connections.ConnectionFacts:
    facts = connections.get_connection(visit.runtime, visit.admin, _id(visit))
    visit.admin.require(Permission.MANAGE_AUTHENTICATION)
    return facts


def _back(visit: Visit, connection: Connection, said: str) -> Response:
    return flash.say(redirect(f"/admin/connections/{connection.id}"), visit, said)


def _id(visit: Visit) -> str:
    return visit.path_params["connection_id"]


_ONE = "/admin/connections/{connection_id}/scim"
ROUTES = [
    Route(f"{_ONE}/tokens/new", console(token_page), methods=["GET"]),
    Route(f"{_ONE}/tokens/new", console(make_token), methods=["POST"]),
    Route(f"{_ONE}/tokens/{{token_id}}/revoke", console(ask_to_revoke), methods=["GET"]),
    Route(f"{_ONE}/tokens/{{token_id}}/revoke", console(revoke_token), methods=["POST"]),
    Route(f"{_ONE}/stop-line", console(stop_line_page), methods=["GET"]),
    Route(f"{_ONE}/stop-line", console(change_stop_line), methods=["POST"]),
    Route(f"{_ONE}/log", console(log_page), methods=["GET"]),
    Route(f"{_ONE}/groups/{{scim_group_id}}", console(decide_clash), methods=["POST"]),
    Route(f"{_ONE}/hold", console(decide_hold), methods=["POST"]),
]
