"""Filters, resources and PATCH operations to generate: as text and JSON that the grammar of RFC 7644 allows."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from vestibule.scim.attributes import ENTERPRISE_URN, USER_URN
from vestibule.scim.filters import And, Compare, Filter, Not, Or, Present, Within

TEXTS = st.sampled_from(["a", "A", "ab", "b", "ba", "c", 'q"u\\o', "é", "É"])
TYPES = st.sampled_from(["work", "home", "Work", "other"])
OPERATORS = st.sampled_from(["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"])
SINGLE = [
    "userName",
    "title",
    "nickName",
    "name.givenName",
    "name.familyName",
    "externalId",
    f"{ENTERPRISE_URN}:department",
]
MANY = ["phoneNumbers", "roles"]
LAST_MODIFIED = st.sampled_from(["2026-01-01T00:00:00Z", "2026-01-01T01:00:00.5+01:00", "2025-12-31T23:59:59.1234567Z"])


def in_any_case(text: str) -> st.SearchStrategy[str]:
    """Return a name or operator in several cases."""
    return st.sampled_from([text, text.lower(), text.upper()])


def _comparison(path: st.SearchStrategy[str], values: st.SearchStrategy[Any], operators: Any) -> st.SearchStrategy[str]:
    return st.tuples(path, operators.flatmap(in_any_case), values.map(json.dumps)).map(" ".join)


NAMES = st.sampled_from(SINGLE).flatmap(lambda name: st.just(name) if name.startswith("urn:") else in_any_case(name))
EQUALITY = st.sampled_from(["eq", "ne"])
INSIDE = st.recursive(
    _comparison(st.just("value"), TEXTS, OPERATORS)
    | _comparison(st.just("TYPE"), TYPES, OPERATORS)
    | _comparison(st.just("primary"), st.just(True), st.just("eq"))
    | st.sampled_from(["value pr", "primary pr", "type PR"]),
    lambda inner: (
        st.tuples(inner, st.sampled_from([" and ", " OR "]), inner).map("".join)
        | inner.map(lambda one: f"not ({one})")
        | inner.map(lambda one: f"( {one} )")
    ),
    max_leaves=4,
)
LEAVES = (
    _comparison(NAMES, TEXTS, OPERATORS)
    | _comparison(st.just("active"), st.booleans(), EQUALITY)
    | NAMES.map(lambda name: f"{name} pr")
    | _comparison(st.just("phoneNumbers.type"), TYPES, st.sampled_from(["eq", "co", "sw", "ew", "gt", "le"]))
    | _comparison(st.just("roles"), TEXTS, st.sampled_from(["eq", "co", "sw", "ew", "gt", "le"]))
    | _comparison(st.just("meta.lastModified"), LAST_MODIFIED, st.sampled_from(["eq", "gt", "le"]))
    | st.tuples(st.sampled_from(MANY), INSIDE).map(lambda one: f"{one[0]}[{one[1]}]")
)
FILTERS = st.recursive(
    LEAVES,
    lambda inner: (
        st.tuples(inner, st.sampled_from([" and ", " or ", " AND "]), inner).map("".join)
        | inner.map(lambda one: f"not ({one})")
        | inner.map(lambda one: f"({one})")
    ),
    max_leaves=6,
)
ENTRIES = st.lists(
    st.fixed_dictionaries({"value": TEXTS}, optional={"type": TYPES}),
    max_size=3,
    unique_by=lambda one: one["value"].lower(),
)
# Each with a type, and no two alike but for case: those we tell apart otherwise than scim2-models does.
TYPED = st.lists(
    st.fixed_dictionaries({"value": st.sampled_from(["a", "ab", "b", "c"]), "type": st.sampled_from(["work", "home"])}),
    max_size=3,
    unique_by=lambda one: (one["value"], one["type"]),
)


def users(entries: st.SearchStrategy[list[dict[str, Any]]]) -> st.SearchStrategy[dict[str, Any]]:
    """Return users with such phone numbers and roles."""
    return (
        st.fixed_dictionaries(
            {"userName": TEXTS, "active": st.booleans()},
            optional={
                "externalId": TEXTS,
                "title": TEXTS,
                "nickName": TEXTS,
                "name": st.fixed_dictionaries({}, optional={"givenName": TEXTS, "familyName": TEXTS}),
                "phoneNumbers": entries,
                "roles": entries,
                ENTERPRISE_URN: st.fixed_dictionaries({"department": TEXTS}),
            },
        )
    ).map(lambda one: {name: value for name, value in one.items() if value not in ([], {})})


def written(found: Filter) -> str:
    """Return a filter's tree as text."""
    if isinstance(found, And):
        return " and ".join(f"({written(term)})" for term in found.terms)
    if isinstance(found, Or):
        return " or ".join(f"({written(term)})" for term in found.terms)
    if isinstance(found, Not):
        return f"not ({written(found.term)})"
    assert found.path is not None
    assert found.path.attribute is not None
    prefix = f"{found.path.urn or USER_URN}:"
    name = prefix + found.path.attribute.name + (f".{found.path.sub.name}" if found.path.sub else "")
    if isinstance(found, Within):
        return f"{name}[{_written_inside(found.filter)}]"
    return f"{name} {_test(found)}"


def _written_inside(found: Filter) -> str:
    if isinstance(found, And | Or):
        word = " and " if isinstance(found, And) else " or "
        return word.join(f"({_written_inside(term)})" for term in found.terms)
    if isinstance(found, Not):
        return f"not ({_written_inside(found.term)})"
    assert isinstance(found, Compare | Present)
    assert found.path is not None
    assert found.path.sub is not None
    return f"{found.path.sub.name} {_test(found)}"


def _test(found: Compare | Present) -> str:
    return "pr" if isinstance(found, Present) else f"{found.operator} {json.dumps(found.value)}"
