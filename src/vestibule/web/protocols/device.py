"""The device grant: the endpoint that a device calls, and the pages where its person types the code and answers (RFC 8628)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from urllib.parse import quote

from starlette.responses import Response
from starlette.routing import Route

from vestibule.directory.end_users import EndUser
from vestibule.flows import device
from vestibule.flows.device import UnknownUserCode, Waiting
from vestibule.flows.parts.authorizing import AppClosed
from vestibule.flows.parts.entry import resume
from vestibule.flows.parts.places import find_place
from vestibule.kernel.errors import Throttled
from vestibule.kernel.text import N_
from vestibule.web.entrance import home_of, place_page, portal, session_token, sign_in_path
from vestibule.web.machines import MachineRoute, json_answer, machine
from vestibule.web.pages import redirect
from vestibule.web.scopes import scope_sentence
from vestibule.web.visits import Visit

_MAX_CODE: Final = 40


def begin(visit: Visit) -> Response:
    """Let a device begin to wait."""
    key = visit.path_params["env"]
    return json_answer(device.begin(visit.runtime, visit.visitor, key, visit.form.fields, visit.authorization).body)


def code_page(visit: Visit, browser: str) -> Response:
    """Show the field for the code. One that came with the address is filled in, and still has to be looked at."""
    return _code_page(visit, browser, visit.query.get("user_code"))


def confirm(visit: Visit, browser: str) -> Response:
    """Show what a device asks for."""

    def shown(waiting: Waiting, person: EndUser) -> Response:
        return place_page(
            visit,
            "portal/device_confirm.html",
            waiting.place,
            binding=browser,
            waiting=waiting,
            person=person,
            user_code=visit.form.get("user_code")[:_MAX_CODE],
            scopes=[scope_sentence(visit, one) for one in waiting.code.scope],
        )

    key = visit.path_params["env"]
    session = resume(visit.runtime, key, session_token(visit, key))
    if session is None:
        return _sign_in_first(visit)
    return _answered(
        visit,
        browser,
        lambda: shown(
            device.look(visit.runtime, visit.visitor, session, key, visit.form.get("user_code")),
            session.end_user,
        ),
    )


def answer(visit: Visit, browser: str) -> Response:
    """Save what the person answered."""
    key, agreed = visit.path_params["env"], visit.form.has("agree")
    session = resume(visit.runtime, key, session_token(visit, key))
    if session is None:
        return _sign_in_first(visit)
    if agreed and visit.form.get("person") != session.end_user.id:
        return confirm(visit, browser)  # whoever was shown the page has to be who agrees

    def done() -> Response:
        code = visit.form.get("user_code")
        waiting = device.answer(visit.runtime, visit.visitor, session, key, code, agreed=agreed)
        return place_page(visit, "portal/device_done.html", waiting.place, app=waiting.client.app, agreed=agreed)

    return _answered(visit, browser, done)


def _answered(visit: Visit, browser: str, handler: Callable[[], Response]) -> Response:
    try:
        return handler()
    except (UnknownUserCode, AppClosed) as error:
        said = visit.gettext(error.public, **error.params)
    except Throttled:
        said = visit.gettext(N_("Too many attempts. Wait ten minutes, then try again."))
    return _code_page(visit, browser, visit.form.get("user_code"), said)


def _code_page(visit: Visit, browser: str, typed: str, said: str = "") -> Response:
    key = visit.path_params["env"]
    place = find_place(visit.runtime, key)
    if resume(visit.runtime, key, session_token(visit, key)) is None:
        return _sign_in_first(visit)
    errors = {"user_code": said} if said else {}
    status = 422 if said else 200
    typed = typed[:_MAX_CODE]
    return place_page(visit, "portal/device.html", place, status=status, binding=browser, typed=typed, errors=errors)


def _sign_in_first(visit: Visit) -> Response:
    key = visit.path_params["env"]
    typed = (visit.query.get("user_code") or visit.form.get("user_code"))[:_MAX_CODE]
    return redirect(sign_in_path(key, f"{home_of(key)}device" + (f"?user_code={quote(typed)}" if typed else "")))


ROUTES: Final = [
    MachineRoute("/e/{env}/oauth2/device_authorization", machine(begin), methods=["POST", "OPTIONS"]),
    Route("/e/{env}/device", portal(code_page), methods=["GET"]),
    Route("/e/{env}/device", portal(confirm), methods=["POST"]),
    Route("/e/{env}/device/answer", portal(answer), methods=["POST"]),
]
