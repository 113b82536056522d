"""What vendors' directories send, as they send it: a file for each in `vendors/`. A new one needs no code here.

A case `says` what happens, and is one of: a resource `read` (a User or Group that was `sent`, and what it `becomes`), a user `given`
and patched by operations `sent`, a group's `edits` by operations `sent`, or a `query` and the filter that it `means`. What is
`tolerated` and `ignored` must be noted, and nothing else.
"""

from __future__ import annotations

import json
from dataclasses import astuple
from pathlib import Path
from typing import Any

import pytest

from vestibule.scim.filters import parse_filter
from vestibule.scim.group_patch import group_edits
from vestibule.scim.patch import patch_resource, read_operations
from vestibule.scim.queries import parse_query
from vestibule.scim.resources import read_resource
from vestibule.scim.schemas import GROUP, USER
from vestibule.scim.tolerances import Noted, Tolerance

KINDS = {"User": USER, "Group": GROUP}
CASES: dict[str, dict[str, Any]] = {
    f"{file.stem}: {case['says']}": case
    for file in sorted(Path(__file__).with_name("vendors").glob("*.json"))
    for case in json.loads(file.read_text("utf-8"))
}
PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "scim-tolerances.md"


def replayed(case: dict[str, Any]) -> tuple[Any, Any, Noted]:
    """Return what a case comes to, what it should, and what was noted."""
    if "query" in case:
        kind = KINDS[case.get("of", "User")]
        query = parse_query(kind, case["query"])
        text = case.get("means", case["query"].get("filter"))
        return query.filter, parse_filter(kind, text) if text else None, Noted([], set(query.tolerated))
    if "read" in case:
        reading = read_resource(KINDS[case["read"]], case["sent"])
        return reading.resource, case["becomes"], reading.noted
    operations = read_operations({"Operations": case["sent"]})
    if "edits" in case:
        edits, noted = group_edits(operations)
        return json.loads(json.dumps([[type(one).__name__, *astuple(one)] for one in edits])), case["edits"], noted
    reading = patch_resource(USER, case["given"], operations)
    return reading.resource, case["becomes"], reading.noted


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_a_vendor_sends_has_the_useful_effect_and_is_noted(case: dict[str, Any]) -> None:
    found, wanted, noted = replayed(case)
    assert found == wanted
    assert sorted(one.name for one in noted.tolerated) == sorted(case.get("tolerated", []))
    assert noted.ignored == case.get("ignored", [])


def test_every_tolerance_is_somebodys_and_on_the_page() -> None:
    needed = {name for case in CASES.values() for name in case.get("tolerated", [])}
    assert needed == {one.name for one in Tolerance}
    page = PAGE.read_text("utf-8")
    assert [one.name for one in Tolerance if f"`{one.name}`" not in page] == []
