"""The launch page of an environment, and signing out of it."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response
from starlette.routing import Route

from vestibule.directory.sessions import Session
from vestibule.flows import launch, single_logout
from vestibule.flows.parts.places import find_place
from vestibule.web.entrance import forget_session, home_of, place_page, portal, sending_page, sign_in_path
from vestibule.web.pages import redirect
from vestibule.web.portal.members import member, member_of
from vestibule.web.visits import Visit

_MAX_QUERY: Final = 100
# So many tiles are seen at a glance.
_FEW: Final = 6


def launch_page(visit: Visit, browser: str, session: Session) -> Response:
    """Show who somebody is here, and where."""
    typed = visit.query.get("q")[:_MAX_QUERY]
    shown = launch.launch(visit.runtime, session, typed)
    return place_page(
        visit,
        "portal/launch.html",
        shown.place,
        binding=browser,
        person=session.end_user,
        session=session,
        groups=shown.groups,
        tiles=shown.tiles,
        count=shown.count,
        typed=typed,
        searchable=shown.count > _FEW,
    )


def to_launch_page(visit: Visit, browser: str) -> Response:  # noqa: ARG001 - every door has this signature
    """Add the slash that was left out."""
    return redirect(home_of(find_place(visit.runtime, visit.path_params["env"]).environment.key))


def sign_out_page(visit: Visit, browser: str) -> Response:
    """Ask before signing out: a link or a picture on some page must not do it. Who is signed out already is told so."""
    place = find_place(visit.runtime, visit.path_params["env"])
    session = member_of(visit, place.environment.key)
    if session is None:
        return redirect(sign_in_path(place.environment.key, signed_out="1"))
    return place_page(visit, "portal/sign_out.html", place, binding=browser, session=session)


def sign_out(visit: Visit, browser: str) -> Response:
    """Sign out of this environment in this browser, and go on to sign out at the IdP where that is wanted. Twice is no error."""
    key = visit.path_params["env"]
    session = member_of(visit, key)
    place = find_place(visit.runtime, key)
    sent = single_logout.sign_out(visit.runtime, visit.visitor, place, session, browser) if session else None
    if sent is not None:
        response = sending_page(visit, sent, "portal/leaving.html")
    else:
        response = redirect(sign_in_path(place.environment.key, signed_out="1"))
    forget_session(response, visit, key)
    return response


ROUTES = [
    Route("/e/{env}", portal(to_launch_page), methods=["GET"]),
    Route("/e/{env}/", member(launch_page), methods=["GET"]),
    Route("/e/{env}/sign-out", portal(sign_out_page), methods=["GET"]),
    Route("/e/{env}/sign-out", portal(sign_out), methods=["POST"]),
]
