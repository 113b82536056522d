"""Doors for end users who are signed in to an environment."""

from __future__ import annotations

from collections.abc import Callable

from starlette.responses import Response

from vestibule.directory.sessions import Session
from vestibule.flows.parts.entry import resume
from vestibule.web.doors import Endpoint
from vestibule.web.entrance import forget_session, portal, session_token, sign_in_path
from vestibule.web.pages import redirect
from vestibule.web.visits import Visit


def member_of(visit: Visit, environment_key: str) -> Session | None:
    """Return the live session of this browser in an environment."""
    token = session_token(visit, environment_key)
    return resume(visit.runtime, environment_key, token) if token else None


def member(handler: Callable[[Visit, str, Session], Response]) -> Endpoint:
    """Return an endpoint for people signed in to the environment in the path; others sign in first and come back."""

    def guarded(visit: Visit, browser: str) -> Response:
        key = visit.path_params["env"]
        session = member_of(visit, key)
        if session is not None:
            return handler(visit, browser, session)
        had_one = {"ended": "1"} if session_token(visit, key) else {}
        response = redirect(sign_in_path(key, visit.path if visit.method == "GET" else "", **had_one))
        if had_one:
            forget_session(response, visit, key)
        return response

    guarded.__name__ = handler.__name__
    return portal(guarded)
