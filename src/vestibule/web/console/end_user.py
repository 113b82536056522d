"""One end user: the page with everything about them, the changes made there, and the pages that ask before something ends."""

from __future__ import annotations

from typing import Any, Final

from starlette.responses import Response
from starlette.routing import Route

from vestibule.directory.admins import Permission
from vestibule.directory.end_users import AccessChange, EndUser
from vestibule.flows import end_user, end_user_identities, explaining, receipts, why
from vestibule.flows.parts.people import EmailTaken
from vestibule.kernel.errors import Invalid
from vestibule.kernel.text import N_
from vestibule.web import flash, shown
from vestibule.web.conditions import CONDITIONS
from vestibule.web.console.activity_words import sentence
from vestibule.web.console.end_users import HOME, handed_over
from vestibule.web.doors import console
from vestibule.web.forms import errors_by_field
from vestibule.web.pages import redirect, render
from vestibule.web.visits import Visit

_ONE: Final = HOME + "/{end_user_id}"
# What happened to the person whose page it is. What they did elsewhere, as in an app, is said in the activity's whole sentences.
_ACTS: Final = {
    "end_user.added": N_("Added"),
    "end_user.adopted": N_("Adopted by a directory"),
    "end_user.changed": N_("Profile changed"),
    "end_user.access_granted": N_("Access given"),
    "end_user.access_removed": N_("Access removed"),
    "end_user.group_joined": N_("Put into a group"),
    "end_user.group_left": N_("Taken out of a group"),
    "end_user.deactivated": N_("Deactivated"),
    "end_user.reactivated": N_("Reactivated"),
    "end_user.link_made": N_("One-time link made"),
    "end_user.let_go": N_("Let go by a directory, access kept"),
    "end_user.linked": N_("Identity linked"),
    "end_user.link_broken": N_("Identity’s link broken"),
    "end_user.link_moved_away": N_("Identity moved to somebody else"),
    "end_user.link_moved_here": N_("Identity moved here"),
    "end_user.link_replaced": N_("New identity linked in place of the old one"),
    "end_user.knock_dismissed": N_("Dismissed from Waiting"),
    "end_user.session_ended": N_("Session ended"),
    "end_user.sign_in": N_("Sign-in"),
    "end_user.signed_out": N_("Sign-out"),
    "end_user.password_set": N_("Password set"),
    "end_user.reset_requested": N_("Password reset asked for"),
}


def page(visit: Visit) -> Response:
    """Show everything about a person."""
    return _page(visit)


def change_profile(visit: Visit) -> Response:
    """Change name and e-mail address."""
    form = visit.form
    began_with = (form.get("shown_name"), form.get("shown_email"))
    try:
        before = end_user.change_profile(
            visit.runtime, visit.admin, _id(visit), form.get("name"), form.get("email"), shown=began_with
        )
    except Invalid as error:
        holder = next((one.holder for one in error.errors if isinstance(one, EmailTaken)), None)
        profile = {"name": form.get("name"), "email": form.get("email")}
        return _page(visit, errors=errors_by_field(error), profile=profile, shown=began_with, holder=holder)
    return _back(visit, before, N_("Profile saved"))


def change_access(visit: Visit) -> Response:
    """Apply what was ticked and unticked."""
    form = visit.form
    change = AccessChange(
        shown_environment_ids=frozenset(form.all("shown_environment")),
        environment_ids=frozenset(form.all("environment")),
        shown_group_ids=frozenset(" ".join(form.all("shown_group")).split()),
        group_ids=frozenset(form.all("group")),
    )
    try:
        person = end_user.change_access(visit.runtime, visit.admin, _id(visit), change)
    except Invalid as error:
        return _page(visit, errors=errors_by_field(error), change=change)
    return _back(visit, person, N_("Access and groups saved"))


def ask_to_deactivate(visit: Visit) -> Response:
    """Ask before a person is deactivated."""
    return _ask(visit, "deactivate")


def deactivate(visit: Visit) -> Response:
    """Deactivate a person."""
    if shown.outdated(visit, _said(visit, "deactivate")):
        return _ask(visit, "deactivate", outdated=True)
    person = end_user.deactivate(visit.runtime, visit.admin, _id(visit))
    return _back(visit, person, N_("%(name)s was deactivated and signed out everywhere"))


def reactivate(visit: Visit) -> Response:
    """Let a deactivated person in again."""
    person = end_user.reactivate(visit.runtime, visit.admin, _id(visit))
    return _back(visit, person, N_("%(name)s may come in again"))


def ask_to_delete(visit: Visit) -> Response:
    """Ask before a person is deleted."""
    return _ask(visit, "delete")


def delete(visit: Visit) -> Response:
    """Delete a person."""
    if shown.outdated(visit, _said(visit, "delete")):
        return _ask(visit, "delete", outdated=True)
    person = end_user.delete(visit.runtime, visit.admin, _id(visit))
    said = visit.gettext(N_("%(name)s was deleted"), name=person.full_name)
    return flash.say(redirect(HOME), visit, said)


def make_link(visit: Visit) -> Response:
    """Make a one-time link for a password."""
    return handed_over(visit, end_user.make_link(visit.runtime, visit.admin, _id(visit)))


def end_session(visit: Visit) -> Response:
    """End one session."""
    person = end_user_identities.end_session(visit.runtime, visit.admin, _id(visit), visit.path_params["session_id"])
    return _back(visit, person, N_("The session was ended"))


def ask_about_link(visit: Visit) -> Response:
    """Ask before a link is broken, or to whom it goes."""
    return _link_page(visit, {})


def break_link(visit: Visit) -> Response:
    """Break a link to an identity."""
    person = end_user_identities.break_link(visit.runtime, visit.admin, _id(visit), visit.path_params["link_id"])
    return _back(visit, person, N_("The link was broken"))


def move_link(visit: Visit) -> Response:
    """Give an identity to another person."""
    typed = visit.form.get("email")
    try:
        _, target = end_user_identities.move_link(
            visit.runtime, visit.admin, _id(visit), visit.path_params["link_id"], typed
        )
    except Invalid as error:
        return _link_page(visit, errors_by_field(error))
    said = visit.gettext(N_("The identity now signs in as %(name)s"), name=target.full_name)
    return flash.say(redirect(f"{HOME}/{target.id}"), visit, said)


def _page(
    visit: Visit, *, errors: dict[str, str] | None = None, change: AccessChange | None = None, **typed: Any
) -> Response:
    facts = end_user.look_at_end_user(visit.runtime, visit.admin, _id(visit))
    person = facts.end_user
    if change is None:
        entered = frozenset(place.environment.id for place in facts.places if place.access)
        joined = frozenset(group_id for place in facts.places for group_id in place.memberships)
        change = AccessChange(entered, entered, joined, joined)
    return render(
        visit,
        "console/end_user.html",
        status=422 if errors else 200,
        binding=visit.admin.session_id,
        facts=facts,
        why=why.why(visit.runtime, visit.admin, person.id),
        apps=explaining.apps_of_person(visit.runtime, visit.admin, person.id),
        conditions=CONDITIONS,
        taken=receipts.receipts_of_person(visit.runtime, visit.admin, person.id),
        sentence=lambda entry: sentence(visit, entry),
        person=person,
        profile=typed.get("profile") or {"name": person.full_name, "email": person.email},
        shown=typed.get("shown") or (person.full_name, person.email),
        holder=typed.get("holder"),
        change=change,
        act=lambda entry: visit.gettext(_ACTS[entry.event.action]) if entry.event.action in _ACTS else "",
        errors=errors or {},
        may_manage=visit.admin.admin.may(Permission.MANAGE_PEOPLE),
    )


def _ask(visit: Visit, act: str, *, outdated: bool = False) -> Response:
    visit.admin.require(Permission.MANAGE_PEOPLE)
    facts = end_user.look_at_end_user(visit.runtime, visit.admin, _id(visit))
    values = {"facts": facts, "person": facts.end_user, "act": act}
    return shown.ask(visit, "console/end_user_confirm.html", _said_of(visit, act, facts), outdated=outdated, **values)


def _said(visit: Visit, act: str) -> str:
    visit.admin.require(Permission.MANAGE_PEOPLE)
    return _said_of(visit, act, end_user.look_at_end_user(visit.runtime, visit.admin, _id(visit)))


def _said_of(visit: Visit, act: str, facts: end_user.EndUserFacts) -> str:
    # Not their sessions: to come in or to leave meanwhile is what people do.
    person = facts.end_user
    entered = sorted(place.environment.id for place in facts.places if place.access)
    return shown.said(visit, act, person.id, person.full_name, person.email, entered, len(facts.links))


def _link_page(visit: Visit, errors: dict[str, str]) -> Response:
    link_id = visit.path_params["link_id"]
    person, link, connection = end_user_identities.look_at_link(visit.runtime, visit.admin, _id(visit), link_id)
    return render(
        visit,
        "console/end_user_identity.html",
        status=422 if errors else 200,
        binding=visit.admin.session_id,
        person=person,
        link=link,
        connection=connection,
        email=visit.form.get("email"),
        errors=errors,
    )


def _back(visit: Visit, person: EndUser, sentence: str) -> Response:
    said = visit.gettext(sentence, name=person.full_name)
    return flash.say(redirect(f"{HOME}/{person.id}"), visit, said)


def _id(visit: Visit) -> str:
    return visit.path_params["end_user_id"]


ROUTES = [
    Route(_ONE, console(page), methods=["GET"]),
    Route(f"{_ONE}/profile", console(change_profile), methods=["POST"]),
    Route(f"{_ONE}/access", console(change_access), methods=["POST"]),
    Route(f"{_ONE}/link", console(make_link), methods=["POST"]),
    Route(f"{_ONE}/deactivate", console(ask_to_deactivate), methods=["GET"]),
    Route(f"{_ONE}/deactivate", console(deactivate), methods=["POST"]),
    Route(f"{_ONE}/reactivate", console(reactivate), methods=["POST"]),
    Route(f"{_ONE}/delete", console(ask_to_delete), methods=["GET"]),
    Route(f"{_ONE}/delete", console(delete), methods=["POST"]),
    Route(f"{_ONE}/sessions/{{session_id}}/end", console(end_session), methods=["POST"]),
    Route(f"{_ONE}/identities/{{link_id}}", console(ask_about_link), methods=["GET"]),
    Route(f"{_ONE}/identities/{{link_id}}/break", console(break_link), methods=["POST"]),
    Route(f"{_ONE}/identities/{{link_id}}/move", console(move_link), methods=["POST"]),
]
