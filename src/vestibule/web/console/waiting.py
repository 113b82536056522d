"""Waiting: people who came through an identity provider and were not let in, and what an admin may do about each."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from starlette.responses import Response
from starlette.routing import Route

from vestibule.directory.admins import Permission
from vestibule.flows import waiting
from vestibule.kernel.text import N_
from vestibule.web import flash, shown
from vestibule.web.console.end_users import HOME
from vestibule.web.doors import console
from vestibule.web.pages import redirect, render
from vestibule.web.positions import from_address, to_address
from vestibule.web.visits import Visit

_WAITING: Final = f"{HOME}/waiting"


def list_page(visit: Visit) -> Response:
    """Show who waits."""
    before, after = (_moment(visit.query.get(name)) for name in ("before", "after"))
    listed = waiting.list_waiting(visit.runtime, visit.admin, before=before, after=after)
    return render(
        visit,
        "console/end_users_waiting.html",
        binding=visit.admin.session_id,
        listed=listed,
        names={environment.id: environment.name for environment in listed.environments},
        previous=_page_address("after", listed.newer),
        next=_page_address("before", listed.older),
        may_manage=visit.admin.admin.may(Permission.MANAGE_PEOPLE),
    )


def dismiss(visit: Visit) -> Response:
    """Forget somebody who waits."""
    waiting.dismiss(visit.runtime, visit.admin, visit.path_params["knock_id"])
    return flash.say(redirect(_WAITING), visit, visit.gettext(N_("Dismissed. Another try brings them back")))


def give_access(visit: Visit) -> Response:
    """Let somebody we know enter where they knocked."""
    person, environment = waiting.give_wanted_access(visit.runtime, visit.admin, visit.path_params["knock_id"])
    names = {"name": person.full_name, "environment": environment.name}
    return flash.say(redirect(_WAITING), visit, visit.gettext(N_("%(name)s may now enter %(environment)s"), **names))


def ask_about_address(visit: Visit) -> Response:
    """Explain a re-used address, and ask whose account it is now."""
    return _reused(visit, waiting.look_at_reused_address(visit.runtime, visit.admin, visit.path_params["knock_id"]))


def move_link(visit: Visit) -> Response:
    """Link the account to whoever came with its address."""
    reused = waiting.look_at_reused_address(visit.runtime, visit.admin, visit.path_params["knock_id"])
    if shown.outdated(visit, _said(visit, reused)):
        return _reused(visit, reused, outdated=True)
    person = waiting.move_link_to_newcomer(visit.runtime, visit.admin, visit.path_params["knock_id"])
    said = visit.gettext(N_("The new identity now signs in as %(name)s"), name=person.full_name)
    return flash.say(redirect(f"{HOME}/{person.id}"), visit, said)


def _reused(visit: Visit, reused: waiting.ReusedAddress, *, outdated: bool = False) -> Response:
    return shown.ask(visit, "console/end_user_reused.html", _said(visit, reused), outdated=outdated, reused=reused)


def _said(visit: Visit, reused: waiting.ReusedAddress) -> str:
    knock, holder, link = reused.knock, reused.holder, reused.link
    return shown.said(
        visit, knock.id, knock.email, knock.subject, holder.id, holder.full_name, holder.email, link and link.id
    )


def _page_address(direction: str, moment: waiting.Moment | None) -> str:
    return f"{_WAITING}?{direction}={to_address((moment[0].isoformat(), moment[1]))}" if moment else ""


def _moment(untrusted: str) -> waiting.Moment | None:
    position = from_address(untrusted)
    if position is None or len(position) != 2:
        return None
    try:
        at = datetime.fromisoformat(position[0]).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return at, position[1]


ROUTES = [
    Route(_WAITING, console(list_page), methods=["GET"]),
    Route(f"{_WAITING}/{{knock_id}}/dismiss", console(dismiss), methods=["POST"]),
    Route(f"{_WAITING}/{{knock_id}}/access", console(give_access), methods=["POST"]),
    Route(f"{_WAITING}/{{knock_id}}/address", console(ask_about_address), methods=["GET"]),
    Route(f"{_WAITING}/{{knock_id}}/address", console(move_link), methods=["POST"]),
]
