"""Values of one attribute against the filter in its square brackets (RFC 7644, 3.4.2.2 and 3.5.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vestibule.scim.filters import And, Compare, Filter, Not, Or, Present, Within


def matches(found: Filter, element: Any) -> bool:
    """Say whether a filter inside square brackets holds for one value of its attribute."""
    if isinstance(found, And):
        return all(matches(term, element) for term in found.terms)
    if isinstance(found, Or):
        return any(matches(term, element) for term in found.terms)
    if isinstance(found, Not):
        return not matches(found.term, element)
    if isinstance(found, Within) or found.path is None or found.path.sub is None:
        return False
    value = element.get(found.path.sub.name) if isinstance(element, Mapping) else element
    if isinstance(found, Present):
        return value not in (None, "", [], {})
    return _holds(found, value)


def _holds(found: Compare, value: Any) -> bool:
    wanted = found.value
    if wanted is None or value is None:
        # What is not there is neither before nor after anything, and contains nothing.
        return {"eq": value is wanted, "ne": value is not wanted}.get(found.operator, False)
    if isinstance(wanted, bool) or isinstance(value, bool):
        return (value is wanted) is (found.operator == "eq")
    left, right = str(value), str(wanted)
    if found.path is None or not found.path.target.case_exact:
        left, right = left.casefold(), right.casefold()
    return {
        "eq": left == right,
        "ne": left != right,
        "co": right in left,
        "sw": left.startswith(right),
        "ew": left.endswith(right),
        "gt": left > right,
        "ge": left >= right,
        "lt": left < right,
        "le": left <= right,
    }[found.operator]
