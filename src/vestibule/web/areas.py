"""Routes that begin alike, taken together: a request looks through those of its area alone, not through all of the server's.

Starlette's router tries one route after the other, which for the last of two hundred costs more than some answers do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from starlette.routing import BaseRoute, Match, Route
from starlette.types import Receive, Scope, Send

_ROUTE: Final = "route"


def by_area(routes: Iterable[BaseRoute]) -> list[BaseRoute]:
    """Return the same routes, all whose path begins with a whole word as one; among those of one word the order stays."""
    areas: dict[str, list[Route]] = {}
    rest: list[BaseRoute] = []
    for route in routes:
        word = _first_word(route)
        if isinstance(route, Route) and word:
            areas.setdefault(word, []).append(route)
        else:
            rest.append(route)
    return [Areas(areas), *rest]


def _first_word(route: BaseRoute) -> str:
    """Return what a path certainly begins with, "" where that is only a part of a word, or nothing."""
    word, slash, _ = getattr(route, "path", "").removeprefix("/").partition("/")
    return word if slash and "{" not in word else ""


class Areas(BaseRoute):
    """Routes by their first word. Which of them it is stands in the scope, as if there were no areas."""

    def __init__(self, routes: Mapping[str, Sequence[Route]]) -> None:
        self.routes = routes

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Return the first route that takes the request, else the first that would with another method."""
        partial: tuple[Match, Scope] = (Match.NONE, {})
        if scope["type"] != "http":
            return partial
        word, slash, _ = scope["path"].removeprefix("/").partition("/")
        for route in self.routes.get(word, ()) if slash else ():
            match, child = route.matches(scope)
            if match is Match.FULL:
                return match, {**child, _ROUTE: route}
            if match is Match.PARTIAL and partial[0] is Match.NONE:
                partial = match, {**child, _ROUTE: route}
        return partial

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on to the route that was found."""
        await scope[_ROUTE].handle(scope, receive, send)
