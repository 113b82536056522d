"""Bulk (RFC 7644, 3.7): operations out of a body, and references by `bulkId` put in as they become known."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Any, Final

from vestibule.scim.errors import CircularReference, InvalidSyntax, InvalidValue, PayloadTooLarge
from vestibule.scim.resources import as_object
from vestibule.scim.schemas import MAX_OPERATIONS

BULK_RESPONSE_URN: Final = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"
_METHODS: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_PATH: Final = re.compile(r"/?(?:v2/)?(?P<endpoint>Users|Groups)(?:/(?P<id>[^/?#]+))?/?\Z", re.IGNORECASE)
_REFERENCE: Final = "bulkId:"


@dataclass(frozen=True, slots=True)
class BulkOperation:
    """One operation. `endpoint` is Users or Groups, `resource_id` may be a reference by bulkId; `data` is untrusted."""

    method: str
    endpoint: str
    resource_id: str | None
    bulk_id: str | None
    version: str | None
    data: Any

    @property
    def makes_a_user(self) -> bool:
        """Say whether somebody is made: they may refer to others, and to themselves, as managers."""
        return (self.method, self.endpoint) == ("POST", "Users")

    def references(self) -> frozenset[str]:
        """Return the bulkIds that this operation needs to be known."""
        found = set(_references(self.data))
        if self.resource_id and self.resource_id.startswith(_REFERENCE):
            found.add(self.resource_id[len(_REFERENCE) :])
        return frozenset(found)


@dataclass(frozen=True, slots=True)
class Bulk:
    """A bulk request. After `fail_on_errors` failures nothing more is done; 0 is never."""

    operations: tuple[BulkOperation, ...]
    fail_on_errors: int


def read_bulk(body: Any) -> Bulk:
    """Return a BulkRequest message (untrusted). Raises InvalidSyntax, PayloadTooLarge; each operation is judged when its turn comes."""
    members = {name.lower(): value for name, value in as_object(body).items()}
    sent, limit = members.get("operations"), members.get("failonerrors", 0)
    if not isinstance(sent, list):
        raise InvalidSyntax("“Operations” is missing.")
    if len(sent) > MAX_OPERATIONS:
        raise PayloadTooLarge(f"More than {MAX_OPERATIONS} operations.")
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 0:
        raise InvalidSyntax("“failOnErrors” is no whole number.")
    operations = tuple(_operation(one) for one in sent)
    makers = [one.bulk_id for one in operations if one.method == "POST"]
    if len(makers) != len(set(makers)):
        raise InvalidSyntax("Two operations have the same “bulkId”.")
    return Bulk(operations, limit)


def makers_of(bulk: Bulk) -> frozenset[str]:
    """Return the bulkIds that operations of a request stand behind."""
    return frozenset(one.bulk_id for one in bulk.operations if one.method == "POST" and one.bulk_id)


def _operation(sent: Any) -> BulkOperation:
    members = {name.lower(): value for name, value in as_object(sent).items()}
    method, path, bulk_id = members.get("method"), members.get("path"), members.get("bulkid")
    if not isinstance(method, str) or method.upper() not in _METHODS:
        raise InvalidSyntax("“method” is none of POST, PUT, PATCH and DELETE.")
    found = _PATH.match(path) if isinstance(path, str) else None
    if found is None:
        raise InvalidSyntax("“path” leads to no user and no group.")
    if (method.upper() == "POST") is (found["id"] is not None):
        raise InvalidSyntax("POST goes to an endpoint, everything else to a resource.")
    if bulk_id is not None and not isinstance(bulk_id, str):
        raise InvalidSyntax("“bulkId” is no string.")
    if method.upper() == "POST" and not bulk_id:
        raise InvalidSyntax("A POST has a “bulkId”.")
    version = members.get("version")
    return BulkOperation(
        method=method.upper(),
        endpoint=found["endpoint"].title(),
        resource_id=found["id"],
        bulk_id=bulk_id,
        version=version if isinstance(version, str) else None,
        data=members.get("data"),
    )


def put_in(value: Any, known: Mapping[str, str], to_come: AbstractSet[str] = frozenset()) -> Any:
    """Return a value with every reference by bulkId replaced by the id that it stands for.

    Raises CircularReference for one whose operation comes only later, although they are in order; InvalidValue for one that nothing
    has, or whose operation failed.
    """
    if isinstance(value, str) and value.startswith(_REFERENCE):
        name = value[len(_REFERENCE) :]
        if name in known:
            return known[name]
        if name in to_come:
            raise CircularReference(f"“{value}” needs this operation to be done first.")
        raise InvalidValue(f"“{value}” stands for nothing.")
    if isinstance(value, list):
        return [put_in(one, known, to_come) for one in value]
    if isinstance(value, Mapping):
        return {name: put_in(one, known, to_come) for name, one in value.items()}
    return value


def stands_for(resource_id: str | None, known: Mapping[str, str]) -> str | None:
    """Return the id of a resource, looked up where it is a reference by bulkId; None where that is not known."""
    if resource_id is None or not resource_id.startswith(_REFERENCE):
        return resource_id
    return known.get(resource_id[len(_REFERENCE) :])


def in_order(operations: tuple[BulkOperation, ...]) -> tuple[tuple[int, ...], ...]:
    """Return in which order to do them: as sent, but nothing before what it refers to.

    Several at once are new users in a circle (two who are each other's manager), to be done whole or not at all. Other circles
    stay one by one, and come last.
    """
    makers = {one.bulk_id: index for index, one in enumerate(operations) if one.method == "POST" and one.bulk_id}
    needs = [
        {makers[name] for name in one.references() if name in makers} - {index} for index, one in enumerate(operations)
    ]
    order, left = _sorted(set(range(len(operations))), needs)
    # Whoever nobody waits for is in no circle, and so on from there.
    behind, _ = _sorted(left, _reversed(needs, left))
    knots = [
        knot for knot in _knots(left - set(behind), needs) if all(operations[index].makes_a_user for index in knot)
    ]
    done = {index for knot in knots for index in knot}
    rest, stuck = _sorted(left - done, needs)
    return (*((one,) for one in order), *knots, *((one,) for one in (*rest, *sorted(stuck))))


def _sorted(nodes: set[int], needs: Sequence[AbstractSet[int]]) -> tuple[list[int], set[int]]:
    """Return nodes so that each comes behind those of them that it needs, the lowest first, and those that wait in circles."""
    waits = {node: needs[node] & nodes for node in nodes}
    needed_by: dict[int, list[int]] = {}
    for node, its in waits.items():
        for other in its:
            needed_by.setdefault(other, []).append(node)
    ready = sorted(node for node, its in waits.items() if not its)
    order: list[int] = []
    while ready:
        node = heappop(ready)
        order.append(node)
        for waiting in needed_by.get(node, ()):
            waits[waiting] = waits[waiting] - {node}
            if not waits[waiting]:
                heappush(ready, waiting)
    return order, nodes - set(order)


def _reversed(needs: Sequence[AbstractSet[int]], nodes: set[int]) -> list[set[int]]:
    turned: list[set[int]] = [set() for _ in needs]
    for node in nodes:
        for other in needs[node] & nodes:
            turned[other].add(node)
    return turned


def _knots(nodes: set[int], needs: Sequence[AbstractSet[int]]) -> list[tuple[int, ...]]:
    """Return nodes that hang together."""
    turned, left, knots = _reversed(needs, nodes), set(nodes), []
    while left:
        knot, found = set(), [min(left)]
        while found:
            node = found.pop()
            if node in left:
                left.discard(node)
                knot.add(node)
                found += (needs[node] | turned[node]) & left
        knots.append(tuple(sorted(knot)))
    return knots


def cut_managers(data: Any, to_come: AbstractSet[str]) -> tuple[Any, Any]:
    """Return a user (untrusted) without managers who are yet to come, and what was cut out (None for nothing), in the same shape."""
    if not isinstance(data, Mapping):
        return data, None
    now, later = {}, {}
    for name, value in data.items():
        if str(name).lower().rpartition(":")[2].partition(".")[0] == "manager" and to_come & set(_references(value)):
            later[name] = value
            continue
        now[name], cut = cut_managers(value, to_come)
        if cut is not None:
            later[name] = cut
    return now, later or None


def _references(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value[len(_REFERENCE) :]] if value.startswith(_REFERENCE) else []
    if isinstance(value, list):
        return [name for one in value for name in _references(one)]
    if isinstance(value, Mapping):
        return [name for one in value.values() for name in _references(one)]
    return []
