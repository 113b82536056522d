"""Routes that are taken together by their first word are found as if each stood by itself."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.routing import BaseRoute, Match, Route

from vestibule.app import routes
from vestibule.web.areas import by_area

FLAT = routes()
TOGETHER = by_area(FLAT)
PATTERNS = [route.path for route in FLAT if isinstance(route, Route)]
SEGMENTS = st.sampled_from(["admin", "e", "dev", "saml", "scim", "x", "", "..", "connections", "account", "healthz"])


def found(among: Iterable[BaseRoute], method: str, path: str) -> tuple[Match, object, object]:
    """Look for a route as Starlette's router does: what takes it wholly, else the first that takes another method."""
    scope = {"type": "http", "method": method, "path": path, "root_path": "", "headers": []}
    partial: tuple[Match, object, object] = (Match.NONE, None, None)
    for route in among:
        match, child = route.matches(scope)
        seen = (match, child.get("route", route), child.get("path_params"))
        if match is Match.FULL:
            return seen
        if match is Match.PARTIAL and partial[0] is Match.NONE:
            partial = seen
    return partial


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PURGE"])
@pytest.mark.parametrize("pattern", PATTERNS)
def test_every_route_is_found_where_it_was(pattern: str, method: str) -> None:
    path = pattern.replace(":path}", "}").replace("{", "").replace("}", "")
    alone = found(FLAT, method, path)
    assert alone[0] is not Match.NONE
    assert found(TOGETHER, method, path) == alone


@given(st.lists(SEGMENTS, max_size=6), st.sampled_from(["GET", "POST"]))
def test_any_path_is_found_or_missed_as_before(segments: list[str], method: str) -> None:
    path = "/" + "/".join(segments)
    assert found(TOGETHER, method, path) == found(FLAT, method, path)


def test_a_request_looks_at_few_beginnings_only() -> None:
    assert len(TOGETHER) < len(FLAT) / 10
