"""What is kept of a directory's body: all but its secrets, wherever they stand, and never more than a bounded part."""

from __future__ import annotations

from typing import Any

import pytest

from vestibule.flows.parts.scim_logging import redacted

SECRET = "t1meMa$heen"


@pytest.mark.parametrize(
    "body",
    [
        {"password": SECRET, "userName": "maya"},
        {"PassWord": SECRET, "userName": "maya"},
        {"userName": "maya", "urn:example:User": {"oldSecrets": [SECRET], "apiToken": {"value": SECRET}}},
        {"userName": "maya", "Operations": [{"op": "replace", "path": "password", "value": SECRET}]},
        {"userName": "maya", "Operations": [{"op": "replace", "VALUE": [SECRET], "Path": "urn:x:User:PASSWORD"}]},
        {"userName": "maya", "Operations": [{"op": "add", "path": {"secret": 1}, "value": {"x": SECRET}}]},
    ],
)
def test_a_secret_is_hidden_wherever_it_stands_and_however_it_is_written(body: dict[str, Any]) -> None:
    kept = redacted(body)
    assert SECRET not in repr(kept)
    assert "•••" in repr(kept)
    assert kept["userName"] == "maya"


def test_what_is_no_secret_is_kept_as_it_was_sent() -> None:
    body = {"userName": "maya", "active": True, "n": 1.5, "x": None, "emails": [{"value": "maya@example.com"}]}
    assert redacted(body) == body


def test_long_lists_and_deep_bodies_are_cut_off() -> None:
    assert redacted([*range(25)]) == [*range(20), "… 5 more"]
    deep: Any = "end"
    for _ in range(40):
        deep = {"x": [deep]}
    assert "end" not in repr(redacted(deep))
    assert "…" in repr(redacted(deep))
