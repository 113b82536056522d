"""Reading a resource that a client sent into canonical form: names as the schema spells them, values of the right types, no empties.

Read-only attributes, `password` and what the schema does not have are left out; the latter is reported.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from vestibule.scim.attributes import Attribute, ResourceType, Schema, resolve
from vestibule.scim.errors import InvalidSyntax, InvalidValue
from vestibule.scim.text import is_storable
from vestibule.scim.tolerances import Noted, Tolerance

MAX_STRING: Final = 20_000
MAX_VALUES: Final = 1000
# Of one resource as JSON, so that a page of them is bounded, too.
MAX_RESOURCE: Final = 128 * 1024
# These stand in unique indexes.
MAX_KEYS: Final = {"username": 320, "externalid": 512, "displayname": 1000}
_NEVER_TOO_LONG: Final = min(MAX_STRING, *MAX_KEYS.values())
_ECHOED: Final = frozenset({"schemas", "id", "meta"})


@dataclass(slots=True)
class Reading:
    """A resource while it is read: its canonical form, and what there is to tell about it."""

    resource: dict[str, Any] = field(default_factory=dict)
    noted: Noted = field(default_factory=Noted)

    @property
    def ignored(self) -> list[str]:
        """Return the names that the schema does not have."""
        return self.noted.ignored


def read_resource(resource_type: ResourceType, body: Any, before: Mapping[str, Any] | None = None) -> Reading:
    """Return a whole resource (untrusted: POST or PUT) in canonical form. Raises InvalidSyntax, InvalidValue.

    What is still the very object that it was in `before`, a resource in canonical form, is not read again.
    """
    reading, known = Reading(), before or {}
    if not any(name.lower() == "schemas" for name in as_object(body)):
        reading.noted.tolerated.add(Tolerance.NO_SCHEMAS)
    for name, value in as_object(body).items():
        if value is not None and value is known.get(name):
            reading.resource[name] = value
        elif name.lower() not in _ECHOED:
            put(resource_type, reading, name, value)
    for attribute in resource_type.core.attributes:
        if attribute.required and not reading.resource.get(attribute.name):
            raise InvalidValue(f"“{attribute.name}” is missing.")
    if len(json.dumps(reading.resource)) > MAX_RESOURCE:
        raise InvalidValue(f"The resource has more than {MAX_RESOURCE} bytes.")
    return reading


def as_object(body: Any) -> Mapping[str, Any]:
    """Return a JSON object. Raises InvalidSyntax."""
    if not isinstance(body, Mapping):
        raise InvalidSyntax("The body is no JSON object.")
    return body


def put(resource_type: ResourceType, reading: Reading, name: str, value: Any) -> None:
    """Put one member of a body into a reading; dotted names and URNs before a name are understood. Raises InvalidValue."""
    path = resolve(resource_type, name)
    if path is None:
        reading.noted.ignored.append(name)
        return
    if path.attribute is None:
        extension = resource_type.extension(path.urn or "")
        if extension is not None and value is not None:
            _put_extension(reading, extension, value)
        return
    if path.attribute.returned == "never":
        reading.noted.tolerated.add(Tolerance.PASSWORD)
        return
    if path.attribute.mutability == "readOnly" or path.attribute.name == "schemas":
        return
    if path.sub is not None or ":" in name:
        reading.noted.tolerated.add(Tolerance.PATH_AS_NAME)
    holder = reading.resource.setdefault(path.urn, {}) if path.urn else reading.resource
    _put_at(holder, path.attribute, path.sub, value, reading.noted)
    if path.urn and not holder:
        del reading.resource[path.urn]


def _put_at(holder: dict[str, Any], attribute: Attribute, sub: Attribute | None, value: Any, noted: Noted) -> None:
    if sub is not None:
        if attribute.multi:
            noted.ignored.append(f"{attribute.name}.{sub.name}")
            return
        cleaned = clean(sub, value, noted)
        inner = dict(holder.get(attribute.name) or {})
        if cleaned is not None:
            holder[attribute.name] = inner | {sub.name: cleaned}
        return
    cleaned = clean(attribute, value, noted)
    if cleaned is None:
        holder.pop(attribute.name, None)
    else:
        holder[attribute.name] = cleaned


def _put_extension(reading: Reading, extension: Schema, value: Any) -> None:
    if not isinstance(value, Mapping):
        raise InvalidValue(f"“{extension.urn}” is no JSON object.")
    holder: dict[str, Any] = dict(reading.resource.get(extension.urn) or {})
    for name, inner in value.items():
        attribute = extension.by_name.get(name.lower())
        if attribute is None:
            reading.noted.ignored.append(f"{extension.urn}:{name}")
            continue
        _put_at(holder, attribute, None, inner, reading.noted)
    if holder:
        reading.resource[extension.urn] = holder


def clean(attribute: Attribute, value: Any, noted: Noted) -> Any:
    """Return a value as its attribute has it, None for nothing. Raises InvalidValue."""
    if value is None:
        return None
    if not attribute.multi:
        return clean_one(attribute, alone(value, noted, simple=attribute.kind != "complex"), noted)
    values = value if isinstance(value, list) else [value]
    if values is not value:
        noted.tolerated.add(Tolerance.ONE_AS_MANY)
    if len(values) > MAX_VALUES:
        raise InvalidValue(f"“{attribute.name}” has more than {MAX_VALUES} values.")
    cleaned = [found for one in values if (found := clean_one(attribute, one, noted)) is not None]
    if len(cleaned) > 1 and sum(isinstance(one, dict) and one.get("primary") is True for one in cleaned) > 1:
        # RFC 7643, 2.4: once at most. Which address is the account's would be anybody's guess.
        raise InvalidValue(f"“{attribute.name}” has more than one primary value.")
    return cleaned or None


def alone(value: Any, noted: Noted, *, simple: bool = False) -> Any:
    """Return the value of a list of one (older jobs of Entra), out of its object where the attribute is `simple`; others as they are."""
    if not isinstance(value, list) or len(value) != 1:
        return value
    noted.tolerated.add(Tolerance.MANY_AS_ONE)
    (one,) = value
    if simple and isinstance(one, Mapping):
        return next((inner for name, inner in one.items() if str(name).lower() == "value"), one)
    return one


def clean_one(attribute: Attribute, value: Any, noted: Noted) -> Any:
    """Return one value of an attribute. Raises InvalidValue."""
    if value is None:
        return None
    if attribute.kind == "complex":
        return _clean_complex(attribute, value, noted)
    if attribute.kind == "boolean":
        return _clean_boolean(attribute, value, noted)
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = json.dumps(value)
    if not isinstance(value, str):
        raise InvalidValue(f"“{attribute.name}” is no string.")
    return clean_text(attribute.name, value) or None


def clean_text(name: str, value: str) -> str:
    """Return a string that can be stored. Raises InvalidValue."""
    if len(value) > _NEVER_TOO_LONG and len(value) > MAX_KEYS.get(name.lower(), MAX_STRING):
        raise InvalidValue(f"“{name}” is too long.")
    if not is_storable(value):
        raise InvalidValue(f"“{name}” has a character that is none.")
    return value


def _clean_boolean(attribute: Attribute, value: Any, noted: Noted) -> bool:
    # Entra sends "False" where its attribute mapping says so.
    if isinstance(value, str) and value.strip().lower() in {"true", "false"}:
        noted.tolerated.add(Tolerance.BOOLEAN_AS_TEXT)
        return value.strip().lower() == "true"
    if not isinstance(value, bool):
        raise InvalidValue(f"“{attribute.name}” is true or false.")
    return value


def _clean_complex(attribute: Attribute, value: Any, noted: Noted) -> dict[str, Any] | None:
    if isinstance(value, str) and attribute.sub("value"):
        # A manager as a bare id, roles as JSON in strings.
        is_json = value.lstrip().startswith("{")
        noted.tolerated.add(Tolerance.JSON_AS_TEXT if is_json else Tolerance.BARE_VALUE)
        value = _parsed(value) if is_json else {"value": value}
    if not isinstance(value, Mapping):
        raise InvalidValue(f"“{attribute.name}” is no JSON object.")
    cleaned: dict[str, Any] = {}
    for name, inner in value.items():
        sub = attribute.sub(name)
        if sub is None:
            noted.ignored.append(f"{attribute.name}.{name}")
        elif sub.mutability != "readOnly" or attribute.name == "manager":
            found = clean(sub, inner, noted)
            if found is not None:
                cleaned[sub.name] = found
    return cleaned or None


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return {"value": text}
