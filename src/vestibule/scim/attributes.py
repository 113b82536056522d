"""Attributes of the resources (RFC 7643, 2 and 4): what a name means, in any case, with or without its schema's URN."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

USER_URN: Final = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP_URN: Final = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE_URN: Final = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


@dataclass(frozen=True)
class Attribute:
    """One attribute as its schema describes it. `kind` is a type of RFC 7643, 2.3."""

    name: str
    kind: str = "string"
    description: str = ""
    multi: bool = False
    required: bool = False
    case_exact: bool = False
    mutability: str = "readWrite"
    returned: str = "default"
    uniqueness: str = "none"
    canonical: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    subs: tuple[Attribute, ...] = ()

    @cached_property
    def by_name(self) -> Mapping[str, Attribute]:
        """Return the sub-attributes by their names in lower case."""
        return {one.name.lower(): one for one in self.subs}

    def sub(self, name: str) -> Attribute | None:
        """Return a sub-attribute by its name in any case."""
        return self.by_name.get(name.lower())


@dataclass(frozen=True)
class Schema:
    """The attributes of one URN."""

    urn: str
    name: str
    description: str
    attributes: tuple[Attribute, ...]

    @cached_property
    def by_name(self) -> Mapping[str, Attribute]:
        """Return the attributes by their names in lower case."""
        return {one.name.lower(): one for one in self.attributes}


@dataclass(frozen=True)
class ResourceType:
    """A kind of resource: its core schema, and the extensions that it may have."""

    name: str
    endpoint: str
    description: str
    core: Schema
    extensions: tuple[Schema, ...] = ()
    common: tuple[Attribute, ...] = field(default=())

    @cached_property
    def schemas(self) -> Mapping[str, Schema]:
        """Return core and extensions by their URNs in lower case."""
        return {one.urn.lower(): one for one in (self.core, *self.extensions)}

    @cached_property
    def paths(self) -> Mapping[str, Path]:
        """Return where most names lead, in lower case: attributes of the core and common ones, and extensions by their URNs."""
        return {
            **{urn: Path(schema.urn, None) for urn, schema in self.schemas.items() if schema is not self.core},
            **{one.name.lower(): Path(None, one) for one in (*self.common, *self.core.attributes)},
        }

    def extension(self, urn: str) -> Schema | None:
        """Return an extension by its URN in any case."""
        found = self.schemas.get(urn.lower())
        return found if found is not self.core else None

    def find(self, name: str) -> Attribute | None:
        """Return a core or common attribute by its name in any case."""
        lower = name.lower()
        return self.core.by_name.get(lower) or next((one for one in self.common if one.name.lower() == lower), None)


@dataclass(frozen=True, slots=True)
class Path:
    """Where an attribute is: in the core (`urn` None) or an extension. Without `attribute` it is the whole extension."""

    urn: str | None
    attribute: Attribute | None
    sub: Attribute | None = None

    @property
    def target(self) -> Attribute:
        """Return the attribute that the path ends at."""
        found = self.sub or self.attribute
        if found is None:
            msg = "the whole extension is no attribute"
            raise LookupError(msg)
        return found


def resolve(resource_type: ResourceType, name: str) -> Path | None:
    """Return the path of an attribute notation (RFC 7644, 3.10; untrusted), or None when the schema has no such attribute.

    Entra writes the enterprise URN with a colon before the attribute, and core attributes with the core URN before them.
    """
    lower = name.lower()
    if (known := resource_type.paths.get(lower)) is not None:
        return known
    for urn, schema in resource_type.schemas.items():
        if lower == urn:
            return None
        if lower.startswith((urn + ":", urn + ".")):
            inside = None if schema is resource_type.core else schema
            return _within(resource_type, inside, name[len(urn) + 1 :])
    return _within(resource_type, None, name)


def _within(resource_type: ResourceType, schema: Schema | None, name: str) -> Path | None:
    first, dot, rest = name.partition(".")
    attribute = schema.by_name.get(first.lower()) if schema else resource_type.find(first)
    if attribute is None:
        return None
    urn = schema.urn if schema else None
    if not dot:
        return Path(urn, attribute)
    sub = attribute.sub(rest)
    return Path(urn, attribute, sub) if sub else None


def value_at(resource: Mapping[str, Any], path: Path) -> Any:
    """Return what a canonical resource has at the attribute of a path, sub-attributes not followed."""
    holder: Any = resource.get(path.urn) if path.urn else resource
    if not isinstance(holder, Mapping) or path.attribute is None:
        return None
    return holder.get(path.attribute.name)
