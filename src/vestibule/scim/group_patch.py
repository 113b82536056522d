"""PATCH of a group as edits: what happens to its name and to which members, without reading who is in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from vestibule.scim.errors import InvalidPath, InvalidValue, Mutability, NoTarget
from vestibule.scim.filters import Compare, Filter, Or, PatchPath, parse_path
from vestibule.scim.patch import Operation, note_operation
from vestibule.scim.resources import alone, clean_text
from vestibule.scim.schemas import GROUP
from vestibule.scim.tolerances import Noted, Tolerance

MAX_MEMBER_VALUE: Final = 200
_ECHOED: Final = frozenset({"schemas", "id", "meta"})


@dataclass(frozen=True, slots=True)
class Rename:
    """The displayName."""

    display_name: str


@dataclass(frozen=True, slots=True)
class SetExternalId:
    """The externalId, or none."""

    external_id: str | None


@dataclass(frozen=True, slots=True)
class AddMembers:
    """Put these in."""

    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RemoveMembers:
    """Take these out, or everybody (None)."""

    values: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class RemoveMatching:
    """Take out those for whom a filter holds that asks for more than their ids."""

    filter: Filter


@dataclass(frozen=True, slots=True)
class SetMembers:
    """Have exactly these in."""

    values: tuple[str, ...]


Edit = Rename | SetExternalId | AddMembers | RemoveMembers | RemoveMatching | SetMembers


def group_edits(operations: Iterable[Operation]) -> tuple[tuple[Edit, ...], Noted]:
    """Return what operations (untrusted) do to a group, in order, and what to tell. Raises ScimError."""
    edits: list[Edit] = []
    noted = Noted()
    for operation in operations:
        note_operation(operation, noted)
        for name, value in _targets(operation):
            if name.lower() in _ECHOED and operation.path is None:
                noted.tolerated.add(Tolerance.READ_ONLY_ECHOED)
                continue
            target = parse_path(GROUP, name)
            if target is None:
                noted.ignored.append(name)
            else:
                edits += _edits(target, operation.op, value, noted)
    return tuple(edits), noted


def _targets(operation: Operation) -> Iterable[tuple[str, Any]]:
    if operation.path is not None:
        return [(operation.path, operation.value)]
    if operation.op == "remove":
        raise NoTarget("A remove without a path removes nothing.")
    if not isinstance(operation.value, Mapping):
        raise InvalidValue("Without a path the value is an object.")
    return list(operation.value.items())


def _edits(target: PatchPath, op: str, value: Any, noted: Noted) -> list[Edit]:
    attribute = target.path.attribute
    name = attribute.name if attribute else ""
    if name == "members":
        return _members_edits(target, op, value, noted)
    if name == "displayName":
        return [Rename(_text(name, op, value, noted) or _missing(name))]
    if name == "externalId":
        return [SetExternalId(_text(name, op, value, noted))]
    raise Mutability(f"“{name}” can’t be changed.")


def _members_edits(target: PatchPath, op: str, value: Any, noted: Noted) -> list[Edit]:
    sub = target.path.sub.name if target.path.sub else None
    if sub is not None and (sub != "value" or (target.filter is not None and op != "remove")):
        raise Mutability(f"“members.{sub}” can’t be changed: members come and go whole.")
    if target.filter is not None:
        return _edits_of_chosen(target.filter, op, value)
    if isinstance(value, Mapping) and any(str(name).lower() == "members" for name in value):
        noted.tolerated.add(Tolerance.MEMBERS_WRAPPED)
    if op == "remove":
        if value is not None:
            noted.tolerated.add(Tolerance.LISTED_REMOVED)
        # `value` absent or null removes all (the RFC, Keycloak); a list removes those listed (Entra, authentik, JumpCloud).
        return [RemoveMembers(None if value is None else member_values(value))]
    values = () if value is None else member_values(value)
    return [AddMembers(values) if op == "add" else SetMembers(values)]


def _edits_of_chosen(chosen: Filter, op: str, value: Any) -> list[Edit]:
    named = _named(chosen)
    if op == "remove":
        return [RemoveMembers(named) if named is not None else RemoveMatching(chosen)]
    if named is None:
        raise InvalidPath("Members can be added by their ids only.")
    values = named if value is None else member_values(value)
    if set(values) == set(named):
        return [AddMembers(named)]
    if op == "add":
        raise Mutability("“members.value” can’t be changed: members come and go whole.")
    # RFC 7644, 3.5.2.3: those chosen are replaced.
    return [RemoveMembers(named), AddMembers(values)]


def _named(found: Filter) -> tuple[str, ...] | None:
    """Return the ids that a filter names, when that is all it does."""
    if isinstance(found, Or):
        parts = [_named(term) for term in found.terms]
        return None if None in parts else tuple(value for part in parts for value in part or ())
    if isinstance(found, Compare) and found.operator == "eq" and isinstance(found.value, str):
        sub = found.path.sub if found.path else None
        return (found.value,) if sub is not None and sub.name == "value" else None
    return None


def member_values(sent: Any) -> tuple[str, ...]:
    """Return the ids of a list of members (untrusted): objects, bare strings, or the whole under `members` (Ping). Raises InvalidValue."""
    if isinstance(sent, Mapping):
        members = {str(name).lower(): value for name, value in sent.items()}
        sent = members.get("members", [sent])
    return tuple(_member_value(one) for one in (sent if isinstance(sent, list) else [sent]))


def _member_value(one: Any) -> str:
    if isinstance(one, Mapping):
        one = next((value for name, value in one.items() if str(name).lower() == "value"), None)
    if not isinstance(one, str) or not one or len(one) > MAX_MEMBER_VALUE:
        raise InvalidValue("A member has no value.")
    return clean_text("members.value", one)


def _text(name: str, op: str, value: Any, noted: Noted) -> str | None:
    value = alone(value, noted, simple=True)
    if value is None or op == "remove":
        return None
    if not isinstance(value, str):
        raise InvalidValue(f"“{name}” is no string.")
    return clean_text(name, value) or None


def _missing(name: str) -> str:
    raise InvalidValue(f"“{name}” can’t be without a value.")
