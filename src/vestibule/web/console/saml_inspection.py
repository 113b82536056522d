"""Inspect a message: a pasted SAML message or file explained. What was pasted is in the answer, and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from starlette.responses import Response
from starlette.routing import Route

from vestibule.directory.differences import difference
from vestibule.flows import saml_inspection
from vestibule.kernel.text import N_
from vestibule.saml.captures import CaptureInvalid
from vestibule.saml.encoding import parse_instant
from vestibule.saml.errors import InvalidTime
from vestibule.saml.inspection import Inspection
from vestibule.web.doors import console
from vestibule.web.pages import render
from vestibule.web.visits import Visit

HOME = "/admin/connections/inspect"


def page(visit: Visit) -> Response:
    """Show the form; a link from a connection chooses it."""
    return _page(visit, {"connection": visit.query.get("connection")}, {})


def inspect(visit: Visit) -> Response:
    """Explain what was pasted, in the answer itself."""
    form = visit.form
    typed = {name: form.get(name) for name in ("pasted", "connection", "at")} | {
        "redact": "on" if form.has("redact") else ""
    }
    pasted = form.files.get("file") or typed["pasted"].encode()
    try:
        at = _instant(typed["at"])
        found = saml_inspection.inspect_pasted(
            visit.runtime, visit.admin, pasted, typed["connection"], at, redact=bool(typed["redact"])
        )
    except InvalidTime:
        sentence = N_("Give a time in UTC, such as 2026-01-31T12:00:00Z.")
        return _page(visit, typed, {"at": visit.gettext(sentence)})
    except CaptureInvalid as error:
        return _page(visit, typed, {"pasted": visit.gettext(error.public)})
    if typed["redact"]:
        # What is to be handed on must not have the original above it.
        typed["pasted"] = ""
    return _page(visit, typed, {}, found)


def _instant(typed: str) -> datetime | None:
    return parse_instant(typed.strip(), "at") if typed.strip() else None


def _page(
    visit: Visit, typed: Mapping[str, str], errors: Mapping[str, str], found: tuple[Inspection, ...] = ()
) -> Response:
    return render(
        visit,
        "console/saml_inspection.html",
        status=422 if errors else 200,
        binding=visit.admin.session_id,
        choices=saml_inspection.list_choices(visit.runtime, visit.admin),
        typed={"pasted": "", "connection": "", "at": "", "redact": "", **typed},
        errors=errors,
        found=[
            (one, [(check, _difference(check.outcome, check.expected, check.received)) for check in one.findings])
            for one in found
        ],
    )


def _difference(outcome: str, expected: str, received: str) -> object:
    return difference(expected, received) if outcome == "failed" else None


ROUTES = [
    Route(HOME, console(page), methods=["GET"]),
    Route(HOME, console(inspect), methods=["POST"]),
]
