"""Answers: a resource with its meta, narrowed to what was asked for, and lists of them (RFC 7644, 3.4.2 and 3.9)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from vestibule.scim.attributes import ResourceType, resolve
from vestibule.scim.errors import InvalidValue
from vestibule.scim.etags import etag

LIST_URN: Final = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
_ALWAYS: Final = ("schemas", "id")


@dataclass(frozen=True, slots=True)
class Projection:
    """Which attributes are wanted, by their canonical names: `name`, `name.givenName`, an extension's URN, `URN:department`."""

    only: frozenset[str] = frozenset()
    without: frozenset[str] = frozenset()

    def wants(self, name: str) -> bool:
        """Say whether anything of a top-level attribute is wanted."""
        if self.only:
            return any(one == name or one.startswith(name + ".") for one in self.only)
        return name not in self.without


_EVERYTHING: Final = Projection()


def parse_projection(resource_type: ResourceType, attributes: str | None, excluded: str | None) -> Projection:
    """Return what `attributes` and `excludedAttributes` (untrusted) ask for; names that the schema does not have are passed over.

    Raises InvalidValue where both are given.
    """
    if not attributes and not excluded:
        return _EVERYTHING
    if attributes and excluded:
        raise InvalidValue("attributes and excludedAttributes exclude each other.")
    if attributes:
        # `schemas` and `id` come always; so a list of unknown names leaves those, not everything.
        return Projection(only=_names(resource_type, attributes) | {"id"})
    return Projection(without=_names(resource_type, excluded or "") - set(_ALWAYS))


def _names(resource_type: ResourceType, listed: str) -> frozenset[str]:
    found = set()
    for name in listed.split(","):
        # emails[type eq "work"] is no attribute name: what stands before the bracket is.
        path = resolve(resource_type, name.partition("[")[0].strip())
        if path is None:
            continue
        prefix = f"{path.urn}:" if path.urn else ""
        parts = [one.name for one in (path.attribute, path.sub) if one]
        found.add(prefix + ".".join(parts) if parts else path.urn or "")
    return frozenset(found)


def project(resource: Mapping[str, Any], projection: Projection) -> dict[str, Any]:
    """Return a rendered resource narrowed to what is wanted. `schemas` and `id` are always there (RFC 7643, 7: returned)."""
    if projection.only:
        kept = {name: resource[name] for name in _ALWAYS if name in resource}
        for name, value in resource.items():
            if name not in kept and (part := _only(name, value, projection.only)) is not None:
                kept[name] = part
        return kept
    if not projection.without:
        return dict(resource)
    left = {}
    for name, value in resource.items():
        if name not in projection.without and (part := _except(name, value, projection.without)) is not None:
            left[name] = part
    return left


def _separator(name: str) -> str:
    return ":" if name.startswith("urn:") else "."


def _only(name: str, value: Any, names: frozenset[str]) -> Any:
    if name in names:
        return value
    prefix = name + _separator(name)
    inner = frozenset(one[len(prefix) :] for one in names if one.startswith(prefix))
    if not inner:
        return None
    if isinstance(value, list):
        return [found for one in value if (found := _only_inside(one, inner))] or None
    return _only_inside(value, inner) or None


def _only_inside(value: Any, names: frozenset[str]) -> Any:
    if not isinstance(value, Mapping):
        return None
    return {sub: part for sub, inner in value.items() if (part := _only(sub, inner, names)) is not None}


def _except(name: str, value: Any, names: frozenset[str]) -> Any:
    prefix = name + _separator(name)
    inner = frozenset(one[len(prefix) :] for one in names if one.startswith(prefix))
    if not inner:
        return value
    if isinstance(value, list):
        return [found for one in value if (found := _except_inside(one, inner))] or None
    return _except_inside(value, inner) or None


def _except_inside(value: Any, names: frozenset[str]) -> Any:
    if not isinstance(value, Mapping):
        return value
    return {
        sub: part
        for sub, inner in value.items()
        if sub not in names and (part := _except(sub, inner, names)) is not None
    }


def meta(
    resource_type: ResourceType, location: str, tag: str, created: datetime, last_modified: datetime
) -> dict[str, Any]:
    """Return the meta of a resource (RFC 7643, 3.1)."""
    return {
        "resourceType": resource_type.name,
        "created": instant(created),
        "lastModified": instant(last_modified),
        "location": location,
        "version": etag(tag),
    }


def instant(at: datetime) -> str:
    """Return an instant as SCIM's dateTime, in UTC with milliseconds."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def schemas_of(resource_type: ResourceType, resource: Iterable[str]) -> list[str]:
    """Return the URNs of the schemas that a canonical resource uses."""
    return [resource_type.core.urn, *(one.urn for one in resource_type.extensions if one.urn in resource)]


def list_response(
    resources: Sequence[Mapping[str, Any]],
    total: int,
    start_index: int | None = None,
    next_cursor: str | None = None,
    previous_cursor: str | None = None,
) -> dict[str, Any]:
    """Return a ListResponse, of an index page or (without `start_index`) of a cursor page (RFC 9865, 2)."""
    response: dict[str, Any] = {"schemas": [LIST_URN], "totalResults": total, "itemsPerPage": len(resources)}
    if start_index is not None:
        response["startIndex"] = start_index
    if next_cursor is not None:
        response["nextCursor"] = next_cursor
    if previous_cursor is not None:
        response["previousCursor"] = previous_cursor
    return {**response, "Resources": list(resources)}
