"""What a list request asks for (RFC 7644, 3.4.2 and 3.4.3; RFC 9865): filter, order, page, and which attributes."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from vestibule.kernel.text import fold
from vestibule.scim.attributes import Path, ResourceType, resolve
from vestibule.scim.errors import InvalidCount, InvalidCursor, InvalidSyntax, InvalidValue
from vestibule.scim.filters import Filter, parse_filter
from vestibule.scim.rendering import Projection, parse_projection
from vestibule.scim.schemas import DEFAULT_COUNT, MAX_RESULTS
from vestibule.scim.text import is_storable
from vestibule.scim.tolerances import Tolerance

SEARCH_URN: Final = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
_MAX_INDEX: Final = 2_000_000_000
_KNOWN: Final = (
    "filter",
    "sortBy",
    "sortOrder",
    "startIndex",
    "count",
    "cursor",
    "attributes",
    "excludedAttributes",
)
# The letter of the RFC, and nothing that needs to be understood: whatever else there is, `parse_query` reads.
_LOOKUP: Final = re.compile(r'\s*(?P<by>[A-Za-z.]{1,20})\s+[eE][qQ]\s+"(?P<value>[^"\\\0-\x1f]{1,500})"\s*\Z')
_LOOKED_UP_BY: Final = {
    "Users": {name.lower(): name for name in ("userName", "externalId", "emails.value")},
    "Groups": {name.lower(): name for name in ("displayName", "externalId")},
}
_OF_LOOKUPS: Final = frozenset({"filter", "startIndex", "count", "attributes", "excludedAttributes"})


@dataclass(frozen=True, slots=True)
class Lookup:
    """The first page of the users or groups that have one value: all that most directories ever ask for. Names as the schema has them."""

    by: str
    value: str
    count: int

    @property
    def key(self) -> str:
        """Return the value as it is kept to be looked up: of these attributes externalId alone has case."""
        return self.value if self.by == "externalId" else fold(self.value)


@dataclass(frozen=True, slots=True)
class Query:
    """A list request, understood. `cursor` is None for index pages, and the position to go on after (empty: the start) otherwise."""

    filter: Filter | None
    sort_by: Path | None
    descending: bool
    start_index: int
    count: int
    cursor: tuple[str, ...] | None
    projection: Projection
    digest: str
    tolerated: frozenset[Tolerance] = frozenset()

    def cursor_after(self, position: tuple[str, ...]) -> str:
        """Return the cursor that goes on after a position; only the same question may use it."""
        packed = json.dumps([self.digest, *position], ensure_ascii=False).encode()
        return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def lookup_of(endpoint: str, parameters: Mapping[str, str]) -> Lookup | None:
    """Return the lookup that the parameters (untrusted) of a request for a list, of Users or Groups, are, if they are that and no more.

    Cheap, and without a word about what is wrong with them: it is done before it is known who asks.
    """
    found = _LOOKUP.match(parameters.get("filter", ""))
    by = _LOOKED_UP_BY[endpoint].get(found["by"].lower()) if found else None
    if found is None or by is None or not _OF_LOOKUPS.issuperset(parameters) or not is_storable(found["value"]):
        return None
    if by == "emails.value" and not found["value"].isascii():
        return None  # which letters are alike is for the database to say, as it does in a search
    try:
        count = _count(parameters.get("count"), by_cursor=False)
        first = _integer("startIndex", parameters.get("startIndex"), 1) <= 1
    except InvalidValue:
        return None
    return Lookup(by, found["value"], count) if first and count else None


def parse_query(resource_type: ResourceType, parameters: Mapping[str, str]) -> Query:
    """Return what the parameters (untrusted, by their exact names) of a list request ask for. Raises ScimError."""
    text = parameters.get("filter")
    sort_by = resolve(resource_type, parameters["sortBy"]) if parameters.get("sortBy") else None
    descending = _descending(parameters.get("sortOrder"))
    digest = hashlib.sha256(f"{text}\0{parameters.get('sortBy')}\0{descending}".encode("utf-8", "replace")).hexdigest()[
        :16
    ]
    tolerated: set[Tolerance] = set()
    return Query(
        filter=parse_filter(resource_type, text, tolerated) if text and text.strip() else None,
        sort_by=sort_by if sort_by and sort_by.attribute else None,
        descending=descending,
        start_index=max(1, _integer("startIndex", parameters.get("startIndex"), 1)),
        count=_count(parameters.get("count"), by_cursor="cursor" in parameters),
        cursor=_cursor(parameters["cursor"], digest) if "cursor" in parameters else None,
        projection=parse_projection(resource_type, parameters.get("attributes"), parameters.get("excludedAttributes")),
        digest=digest,
        tolerated=frozenset(tolerated),
    )


def parameters_of_search(body: Any) -> dict[str, str]:
    """Return the parameters of a SearchRequest message (untrusted). Raises InvalidSyntax."""
    if not isinstance(body, Mapping):
        raise InvalidSyntax("The body is no JSON object.")
    members = {str(name).lower(): value for name, value in body.items()}
    found: dict[str, str] = {}
    for name in _KNOWN:
        value = members.get(name.lower())
        if value is None:
            continue
        if isinstance(value, list) and all(isinstance(one, str) for one in value):
            value = ",".join(value)
        if not isinstance(value, str | int) or isinstance(value, bool):
            raise InvalidSyntax(f"“{name}” is of the wrong type.")
        found[name] = str(value)
    return found


def _descending(order: str | None) -> bool:
    if order and order.strip().lower() not in {"ascending", "descending"}:
        raise InvalidValue("sortOrder is ascending or descending.")
    return (order or "").strip().lower() == "descending"


def _count(text: str | None, *, by_cursor: bool) -> int:
    try:
        return max(0, min(MAX_RESULTS, _integer("count", text, DEFAULT_COUNT)))
    except InvalidValue as error:
        if by_cursor:
            raise InvalidCount(error.detail) from error
        raise


def _integer(name: str, text: str | None, otherwise: int) -> int:
    if text is None or not text.strip():
        return otherwise
    try:
        return max(-1, min(_MAX_INDEX, int(text[:20])))
    except ValueError as error:
        raise InvalidValue(f"“{name}” is no whole number.") from error


def _cursor(text: str, digest: str) -> tuple[str, ...]:
    if not text:
        return ()
    try:
        unpacked = json.loads(base64.urlsafe_b64decode((text + "=" * (-len(text) % 4)).encode("ascii")))
        whose, *position = unpacked
    except (ValueError, TypeError) as error:
        raise InvalidCursor("The cursor is none of ours.") from error
    if whose != digest or not position or not all(isinstance(one, str) and is_storable(one) for one in position):
        raise InvalidCursor("The cursor belongs to another question.")
    return tuple(position)
