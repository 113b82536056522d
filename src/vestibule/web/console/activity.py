"""The activity in the console: the list, one entry, a refused sign-in with its checks, and the same as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from starlette.responses import Response
from starlette.routing import Route

from vestibule.directory.activity import Entry, Outcome
from vestibule.directory.differences import difference
from vestibule.flows import activity
from vestibule.flows.activity import EntryFacts
from vestibule.web.console.activity_words import KINDS, actor, sentence
from vestibule.web.doors import console
from vestibule.web.pages import moment, render
from vestibule.web.visits import Visit

HOME: Final = "/admin/activity"
_FILTERS: Final = ("q", "kind", "environment", "outcome", "person")
_MAX_QUERY: Final = 300
# What has a place of its own on the page of an entry.
_SHOWN_ELSEWHERE: Final = frozenset({"checks", "email", "unverified_email", "reason", "code", "check"})


def list_page(visit: Visit) -> Response:
    """Show a page of what happened, newest first."""
    typed = {name: visit.query.get(name)[:_MAX_QUERY] for name in _FILTERS}
    asked = activity.Typed(typed["q"], typed["kind"], typed["environment"], typed["outcome"], typed["person"])
    before, after = visit.query.get("before")[:40], visit.query.get("after")[:40]
    listed = activity.list_activity(visit.runtime, visit.admin, asked, before=before, after=after)
    return render(
        visit,
        "console/activity.html",
        binding=visit.admin.session_id,
        listed=listed,
        rows=[(entry, sentence(visit, entry)) for entry in listed.entries],
        names={environment.id: environment.name for environment in listed.environments},
        typed=typed,
        narrowed=any(typed.values()),
        kinds=[(kind, visit.gettext(name)) for kind, name in KINDS],
        previous=_address(typed, "after", listed.previous),
        next=_address(typed, "before", listed.next),
    )


def entry_page(visit: Visit) -> Response:
    """Show one entry; a refused sign-in with what to change first, then the attempt, then every check."""
    facts = _facts(visit)
    event = facts.entry.event
    checks = _checks(visit, event.details)
    outcomes = [check["outcome"] for check in checks]
    refused = event.action in {"end_user.sign_in", "end_user.single_logout"} and event.outcome is Outcome.REFUSED
    return render(
        visit,
        "console/refusal.html" if refused else "console/activity_entry.html",
        binding=visit.admin.session_id,
        entry=facts.entry,
        facts=facts,
        sentence=sentence(visit, facts.entry),
        actor=actor(visit, facts.entry),
        details=_plain_details(event.details),
        mend_title=facts.mend.title_text(visit.gettext) if facts.mend else "",
        mend_parts=facts.mend.parts(visit.gettext) if facts.mend else (),
        checks=checks,
        counts={name: str(outcomes.count(name)) for name in ("passed", "failed", "not_reached")},
        reason=str(event.details.get("reason", "")),
        emails=[event.details.get(name) for name in ("email", "unverified_email")],
    )


def entry_as_json(visit: Visit) -> Response:
    """Give one entry as JSON, to hand on or to keep."""
    entry = _facts(visit).entry
    name = f"vestibule-{entry.event.reference or entry.id}.json"
    return Response(
        json.dumps(_as_data(entry), ensure_ascii=False, indent=2) + "\n",
        media_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _facts(visit: Visit) -> EntryFacts:
    return activity.get_entry(visit.runtime, visit.admin, visit.path_params["entry_id"])


def _checks(visit: Visit, details: Mapping[str, object]) -> list[dict[str, Any]]:
    """Return the recorded checks for the page; of the failed one, what differs stands apart."""
    checks = details.get("checks")
    shown = []
    for check in checks if isinstance(checks, list) else []:
        expected, received = str(check.get("expected", "")), str(check.get("received", ""))
        shown.append(
            {
                "name": check.get("name", ""),
                "title": visit.gettext(str(check.get("title", ""))),
                "outcome": check.get("outcome", ""),
                "expected": expected,
                "received": received,
                "difference": difference(expected, received) if check.get("outcome") == "failed" else None,
            }
        )
    return shown


def _plain_details(details: Mapping[str, object]) -> list[tuple[str, str]]:
    return [
        (name.replace("_", " ").capitalize(), _instant(value) if name.endswith("_at") else _plain(value))
        for name, value in details.items()
        if name not in _SHOWN_ELSEWHERE
    ]


def _instant(value: object) -> str:
    """Return an instant as every other of the page is said; what is none stays as it was recorded."""
    try:
        return moment(datetime.fromisoformat(str(value)), "exact")
    except ValueError:
        return _plain(value)


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{name.replace('_', ' ')}: {_plain(one)}" for name, one in value.items())
    if isinstance(value, list):
        return ", ".join(_plain(one) for one in value) or "–"
    return "–" if value is None else str(value)


def _as_data(entry: Entry) -> dict[str, object]:
    actor_of, event = entry.actor, entry.event
    return {
        "id": entry.id,
        "at": entry.at.isoformat(),
        "action": event.action,
        "outcome": event.outcome.value,
        "reference": event.reference,
        "actor": {"kind": actor_of.kind.value, "id": actor_of.id, "name": actor_of.name, "address": actor_of.address},
        "subject": {"kind": event.subject.kind, "id": event.subject.id, "name": event.subject.name},
        "environment_id": event.environment_id,
        "connection_id": event.connection_id,
        "request_id": actor_of.request_id,
        "details": dict(event.details),
    }


def _address(typed: Mapping[str, str], direction: str, entry_id: str | None) -> str:
    if entry_id is None:
        return ""
    kept = {name: value for name, value in typed.items() if value}
    return f"{HOME}?{urlencode({**kept, direction: entry_id})}"


ROUTES = [
    Route(HOME, console(list_page), methods=["GET"]),
    Route(HOME + "/{entry_id}", console(entry_page), methods=["GET"]),
    Route(HOME + "/{entry_id}/json", console(entry_as_json), methods=["GET"]),
]
