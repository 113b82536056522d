"""PATCH (RFC 7644, 3.5.2): operations out of a body, applied to a canonical resource.

Where real clients leave the letter, what they mean is done; each tolerance stands beside its rule. Groups, whose members are not
read to be changed, have their own: `group_patch`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from vestibule.scim.attributes import Path, ResourceType
from vestibule.scim.errors import InvalidPath, InvalidSyntax, InvalidValue, Mutability, NoTarget, TooMany
from vestibule.scim.filters import And, Compare, Filter, PatchPath, parse_path
from vestibule.scim.matching import matches
from vestibule.scim.resources import MAX_VALUES, Reading, alone, as_object, clean, put, read_resource
from vestibule.scim.schemas import MAX_OPERATIONS
from vestibule.scim.tolerances import Noted, Tolerance

_ECHOED: Final = frozenset({"schemas", "id", "meta"})
_OPS: Final = frozenset({"add", "replace", "remove"})


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: what to do, where (as text), and with what. All untrusted but `op`, which is one of three."""

    op: str
    path: str | None
    value: Any
    as_sent: str = ""


def read_operations(body: Any) -> tuple[Operation, ...]:
    """Return the operations of a PatchOp message; names and `op` in any case. Raises InvalidSyntax, TooMany."""
    members = {name.lower(): value for name, value in as_object(body).items()}
    sent = members.get("operations")
    if not isinstance(sent, list) or not sent:
        raise InvalidSyntax("“Operations” is missing.")
    if len(sent) > MAX_OPERATIONS:
        raise TooMany(f"More than {MAX_OPERATIONS} operations.")
    return tuple(_operation(one) for one in sent)


def _operation(sent: Any) -> Operation:
    members = {name.lower(): value for name, value in as_object(sent).items()}
    op, path = members.get("op"), members.get("path")
    if not isinstance(op, str) or op.lower() not in _OPS:
        raise InvalidSyntax("“op” is none of add, replace and remove.")
    if path is not None and not isinstance(path, str):
        raise InvalidPath("The path is no string.")
    return Operation(op.lower(), path.strip() or None if path else None, members.get("value"), op)


def patch_resource(
    resource_type: ResourceType, resource: Mapping[str, Any], operations: Iterable[Operation]
) -> Reading:
    """Return a canonical resource as the operations leave it, which is judged as a whole. Raises ScimError.

    What they leave alone is the same object in both: whatever is changed is made anew, never changed in place.
    """
    changed = Reading(dict(resource))
    for operation in operations:
        note_operation(operation, changed.noted)
        if operation.path is None:
            _without_path(resource_type, changed, operation)
            continue
        target = parse_path(resource_type, operation.path)
        if target is None:
            changed.noted.ignored.append(operation.path)
        else:
            _apply(resource_type, changed, target, operation.op, operation.value)
    # Judged as a whole; what there is to tell has been noted on the way.
    return Reading(read_resource(resource_type, changed.resource, resource).resource, changed.noted)


def note_operation(operation: Operation, noted: Noted) -> None:
    """Note how an operation was written."""
    if operation.as_sent not in {"", operation.op}:
        noted.tolerated.add(Tolerance.OP_CASE)


def _without_path(resource_type: ResourceType, changed: Reading, operation: Operation) -> None:
    if operation.op == "remove":
        raise NoTarget("A remove without a path removes nothing.")
    if not isinstance(operation.value, Mapping):
        raise InvalidValue("Without a path the value is an object.")
    for name, value in operation.value.items():
        if name.lower() in _ECHOED:
            changed.noted.tolerated.add(Tolerance.READ_ONLY_ECHOED)
            continue
        if ("." in name or ":" in name) and resource_type.extension(name) is None:
            changed.noted.tolerated.add(Tolerance.PATH_AS_NAME)
        target = parse_path(resource_type, name)
        if target is None:
            changed.noted.ignored.append(name)
        elif target.path.attribute is None or target.path.attribute.mutability != "readOnly":
            _apply(resource_type, changed, target, operation.op, value)
        else:
            changed.noted.tolerated.add(Tolerance.READ_ONLY_ECHOED)


def _apply(resource_type: ResourceType, changed: Reading, target: PatchPath, op: str, value: Any) -> None:
    path = target.path
    attribute = path.attribute
    if attribute is None:
        _apply_to_extension(resource_type, changed, path.urn or "", op, value)
        return
    if attribute.mutability == "readOnly":
        raise Mutability(f"“{attribute.name}” can’t be changed.")
    if attribute.returned == "never":
        changed.noted.tolerated.add(Tolerance.PASSWORD)
        return
    holder: dict[str, Any] = dict(changed.resource.get(path.urn) or {}) if path.urn else changed.resource
    if attribute.multi:
        _apply_to_many(holder, target, op, value, changed.noted)
    elif path.sub is not None:
        _apply_to_sub(holder, path, op, value, changed.noted)
    else:
        _apply_to_one(holder, path, op, value, changed.noted)
    if path.urn and holder:
        changed.resource[path.urn] = holder
    elif path.urn:
        changed.resource.pop(path.urn, None)


def _apply_to_extension(resource_type: ResourceType, changed: Reading, urn: str, op: str, value: Any) -> None:
    if op == "remove":
        changed.resource.pop(urn, None)
    else:
        put(resource_type, changed, urn, value)


def _apply_to_one(holder: dict[str, Any], path: Path, op: str, value: Any, noted: Noted) -> None:
    attribute = path.target
    cleaned = None if op == "remove" else clean(attribute, value, noted)
    if cleaned is None:
        holder.pop(attribute.name, None)
    elif attribute.kind == "complex":
        # SailPoint replaces one part and means the others to stay.
        there = holder.get(attribute.name) or {}
        if op == "replace" and there.keys() - cleaned.keys():
            noted.tolerated.add(Tolerance.PARTS_KEPT)
        holder[attribute.name] = {**there, **cleaned}
    else:
        holder[attribute.name] = cleaned


def _apply_to_sub(holder: dict[str, Any], path: Path, op: str, value: Any, noted: Noted) -> None:
    if path.attribute is None or path.sub is None:
        return
    inner = dict(holder.get(path.attribute.name) or {})
    cleaned = None if op == "remove" else clean(path.sub, value, noted)
    if cleaned is None:
        inner.pop(path.sub.name, None)
    else:
        inner[path.sub.name] = cleaned
    if inner:
        holder[path.attribute.name] = inner
    else:
        holder.pop(path.attribute.name, None)


def _apply_to_many(holder: dict[str, Any], target: PatchPath, op: str, value: Any, noted: Noted) -> None:
    attribute = target.path.attribute
    if attribute is None:
        return
    there: list[Any] = list(holder.get(attribute.name) or [])
    if target.filter is not None or target.path.sub is not None:
        there = _apply_to_chosen(there, target, op, value, noted)
    elif op == "remove":
        if value is not None:
            noted.tolerated.add(Tolerance.LISTED_REMOVED)
        there = _without(there, value)
    else:
        new = clean(attribute, value, noted) or []
        there = list(new) if op == "replace" else _joined(there, new)
    if there:
        holder[attribute.name] = there
    else:
        holder.pop(attribute.name, None)


def _without(there: list[Any], value: Any) -> list[Any]:
    # A list as value removes those listed (Entra, JumpCloud); without a value the RFC's rule removes all.
    if value is None:
        return []
    kinds: dict[str, set[str]] = {}
    for one in value if isinstance(value, list) else [value]:
        name, kind = _key(one)
        kinds.setdefault(name, set()).add(kind)
    return [one for one in there if not _is_among(_key(one), kinds)]


def _is_among(key: tuple[str, str], kinds: Mapping[str, set[str]]) -> bool:
    found = kinds.get(key[0], set())
    return bool(found) and (not key[1] or key[1] in found or "" in found)


def _key(one: Any) -> tuple[str, str]:
    """Return value and type, by which one entry is told from another (RFC 7643, 2.4)."""
    kind = ""
    if isinstance(one, Mapping):
        members = {str(name).lower(): value for name, value in one.items()}
        kind = str(members.get("type") or "").casefold()
        one = members.get("value", sorted(members.items(), key=repr))
    return str(one).casefold(), kind


def _joined(there: list[Any], new: list[Any]) -> list[Any]:
    if any(isinstance(one, dict) and one.get("primary") for one in new):
        there = [_not_primary(one) for one in there]
    known: dict[str, dict[str, int]] = {}
    for index, one in enumerate(there):
        name, kind = _key(one)
        known.setdefault(name, {}).setdefault(kind, index)
    if len(there) + len(new) > 2 * MAX_VALUES:
        # Each operation is small, and a thousand of them are not.
        raise InvalidValue(f"There are more than {MAX_VALUES} values.")
    for one in new:
        name, kind = _key(one)
        kinds = known.setdefault(name, {})
        # One number may be the work and the mobile one; where a type is left out, it is the entry that there is.
        same = kinds.get(kind, kinds.get("") if kind else next(iter(kinds.values()), None))
        if same is None:
            kinds[kind] = len(there)
            there.append(one)
        elif isinstance(one, dict):
            there[same] = {**there[same], **one}
            kinds[kind or _key(there[same])[1]] = same
    return there


def _not_primary(one: Any) -> Any:
    return {**one, "primary": False} if isinstance(one, dict) and one.get("primary") else one


def _apply_to_chosen(there: list[Any], target: PatchPath, op: str, value: Any, noted: Noted) -> list[Any]:
    """Apply to the values that the filter finds, or to all; where nothing is found, make one as the filter says (Entra)."""
    chosen = [index for index, one in enumerate(there) if target.filter is None or matches(target.filter, one)]
    sub, attribute = target.path.sub, target.path.attribute
    if op == "remove" and sub is None:
        gone = frozenset(chosen)
        return [one for index, one in enumerate(there) if index not in gone]
    if not chosen and op != "remove":
        noted.tolerated.add(Tolerance.ENTRY_MADE)
        there.append(dict(_said_by(target.filter)))
        chosen = [len(there) - 1]
    if sub is not None and sub.name == "primary" and any(there[index].get("primary") for index in chosen):
        # One of those chosen is the primary one: which other to prefer is not said.
        chosen = [index for index in chosen if there[index].get("primary")]
    kept, demoted = frozenset(chosen), False
    for index in chosen:
        one = dict(there[index])
        if sub is not None:
            cleaned = None if op == "remove" else clean(sub, value, noted)
            one.pop(sub.name, None)
            if cleaned is not None:
                one[sub.name] = cleaned
        elif attribute is not None:
            (cleaned,) = clean(attribute, [alone(value, noted)], noted) or [{}]
            one = {**_said_by(target.filter), **cleaned} if op == "replace" else {**one, **cleaned}
        if one.get("primary") and not there[index].get("primary") and not demoted:
            # Once for all: with every entry chosen this would cost the square of them for each.
            there = [other if at in kept else _not_primary(other) for at, other in enumerate(there)]
            demoted = True
        there[index] = one
    return [one for one in there if one]


def _said_by(found: Filter | None) -> dict[str, Any]:
    """Return what a filter says of the value that it looks for: `type eq "work"` and the like."""
    if isinstance(found, And):
        return {name: value for term in found.terms for name, value in _said_by(term).items()}
    if isinstance(found, Compare) and found.operator == "eq" and found.path and found.path.sub:
        return {} if found.value is None else {found.path.sub.name: found.value}
    return {}
