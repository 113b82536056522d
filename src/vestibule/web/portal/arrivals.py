"""The step after a response that nobody here asked for: here the browser brings its own session, and its person decides."""

from __future__ import annotations

from starlette.responses import Response
from starlette.routing import Route

from vestibule.flows import arrivals
from vestibule.flows.parts.places import find_place
from vestibule.web.entrance import (
    arrival_token,
    entered_page,
    forget_arrival,
    place_page,
    portal,
    session_token,
    sign_in_path,
    wanted_path,
)
from vestibule.web.pages import redirect
from vestibule.web.portal.members import member_of
from vestibule.web.visits import Visit


def arrive(visit: Visit, browser: str) -> Response:
    """Go on as the person who arrived, or ask first where somebody else is signed in here."""
    arrival = _arrival(visit)
    if arrival is None:
        return _over(visit)
    if arrival.somebody_else is None:
        return _taken_up(visit, arrival)
    return place_page(
        visit,
        "portal/arrived.html",
        find_place(visit.runtime, visit.path_params["env"]),
        binding=browser,
        arrival=arrival,
        return_to=_return_to(visit),
    )


def go_on(visit: Visit, browser: str) -> Response:  # noqa: ARG001 - every door has this signature
    """Go on as the person who arrived: whoever is signed in here has said so."""
    arrival = _arrival(visit)
    return _over(visit) if arrival is None else _taken_up(visit, arrival)


def stay(visit: Visit, browser: str) -> Response:  # noqa: ARG001 - every door has this signature
    """Stay who one is here."""
    arrival = _arrival(visit)
    if arrival is not None:
        arrivals.turn_down(visit.runtime, visit.visitor, arrival)
    return _over(visit)


def _arrival(visit: Visit) -> arrivals.Arrival | None:
    key = visit.path_params["env"]
    token = arrival_token(visit, key)
    return arrivals.find_arrival(visit.runtime, key, token, member_of(visit, key)) if token else None


def _taken_up(visit: Visit, arrival: arrivals.Arrival) -> Response:
    key = visit.path_params["env"]
    token, earlier = arrival_token(visit, key), session_token(visit, key)
    entered = arrivals.take_up(visit.runtime, arrival, token, earlier, _return_to(visit))
    response = entered_page(visit, entered)
    forget_arrival(response, visit, key)
    return response


def _over(visit: Visit) -> Response:
    key = find_place(visit.runtime, visit.path_params["env"]).environment.key
    # Somebody who is signed in goes on from there.
    response = redirect(sign_in_path(key, _return_to(visit)))
    forget_arrival(response, visit, key)
    return response


def _return_to(visit: Visit) -> str:
    return wanted_path(visit.form.get("return_to") or visit.query.get("return_to"), visit.path_params["env"])


ROUTES = [
    Route("/e/{env}/arrived", portal(arrive), methods=["GET"]),
    Route("/e/{env}/arrived", portal(go_on), methods=["POST"]),
    Route("/e/{env}/arrived/stay", portal(stay), methods=["POST"]),
]
