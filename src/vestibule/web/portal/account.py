"""The account page of an end user: who they are here, where they are signed in, their password, and what they allowed apps."""

from __future__ import annotations

from starlette.responses import Response
from starlette.routing import Route

from vestibule.directory.sessions import Session
from vestibule.flows import account
from vestibule.kernel.errors import FieldError, Throttled
from vestibule.kernel.text import N_
from vestibule.web import flash
from vestibule.web.entrance import place_page
from vestibule.web.pages import redirect
from vestibule.web.portal.members import member
from vestibule.web.problems import status_of
from vestibule.web.scopes import scope_sentence
from vestibule.web.visits import Visit


def account_page(visit: Visit, browser: str, session: Session) -> Response:
    """Show somebody their account."""
    return _page(visit, browser, session)


def end_session(visit: Visit, browser: str, session: Session) -> Response:  # noqa: ARG001 - every door has this signature
    """End another session of theirs."""
    account.end_session(visit.runtime, visit.visitor, session, visit.form.get("session"))
    return flash.say(redirect(_path(session)), visit, visit.gettext(N_("The session has ended")))


def end_others(visit: Visit, browser: str, session: Session) -> Response:  # noqa: ARG001 - every door has this signature
    """End all their sessions but this one."""
    account.end_other_sessions(visit.runtime, visit.visitor, session)
    return flash.say(redirect(_path(session)), visit, visit.gettext(N_("You are signed out everywhere else")))


def change_password(visit: Visit, browser: str, session: Session) -> Response:
    """Change their password."""
    form = visit.form
    try:
        account.change_password(visit.runtime, visit.visitor, session, form.get("current"), form.get("password"))
    except FieldError as error:
        return _page(visit, browser, session, {error.field: visit.gettext(error.message, **error.params)}, 422)
    except Throttled as error:
        errors = {"current": visit.gettext(error.public, **error.params)}
        response = _page(visit, browser, session, errors, status_of(error))
        response.headers["Retry-After"] = str(error.retry_after_seconds)
        return response
    said = visit.gettext(N_("Your password was changed. You are signed out everywhere else"))
    return flash.say(redirect(_path(session)), visit, said)


def withdraw(visit: Visit, browser: str, session: Session) -> Response:  # noqa: ARG001 - every door has this signature
    """Take back what an app was allowed."""
    name = account.withdraw_consent(visit.runtime, visit.visitor, session, visit.form.get("app"))
    said = visit.gettext(N_("%(name)s gets nothing about you any more"), name=name)
    return flash.say(redirect(_path(session)), visit, said)


def _page(
    visit: Visit, browser: str, session: Session, errors: dict[str, str] | None = None, status: int = 200
) -> Response:
    shown = account.look_at_account(visit.runtime, session)
    return place_page(
        visit,
        "portal/account.html",
        shown.place,
        status=status,
        binding=browser,
        account=shown,
        scopes={one.app_id: [scope_sentence(visit, scope) for scope in one.scope] for one in shown.consents},
        person=session.end_user,
        session=session,
        errors=errors or {},
    )


def _path(session: Session) -> str:
    return f"/e/{session.environment.key}/account"


ROUTES = [
    Route("/e/{env}/account", member(account_page), methods=["GET"]),
    Route("/e/{env}/account/sessions/end", member(end_session), methods=["POST"]),
    Route("/e/{env}/account/sessions/end-others", member(end_others), methods=["POST"]),
    Route("/e/{env}/account/password", member(change_password), methods=["POST"]),
    Route("/e/{env}/account/consents/withdraw", member(withdraw), methods=["POST"]),
]
