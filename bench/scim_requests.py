"""What a directory asks of a SCIM server, the same for every server: the bytes of each kind of request, and what answering it costs."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import quote

from bench.client import post
from bench.peers import cpu_seconds

Operation = Callable[["Endpoint", int], bytes]
_PATCH: Final = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
_ENTERPRISE: Final = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
TURNS: Final = 5
_GOOD: Final = frozenset({"200", "201", "204"})


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A SCIM server with people in it: `users` are the ids of person 0, 1, … and most of them are in `group`."""

    folder: Path
    port: int
    path: str
    token: str
    users: Sequence[str]
    group: str
    processes: Sequence[int]
    database: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Cost:
    """One kind of request by one client after the other: requests a second, CPU of the server for each, and of its database."""

    per_second: float
    cpu_ms: float
    database_ms: float


@dataclass(frozen=True, slots=True)
class Asked:
    """A server, and how often each kind of request is made there."""

    endpoint: Endpoint
    numbers: Mapping[str, int]


class _Spent(NamedTuple):
    seconds: float
    cpu: float
    database: float


def person(name: str) -> dict[str, Any]:
    """Return a user as a large company's directory sends it."""
    return {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", _ENTERPRISE],
        "userName": f"{name}@example.com",
        "externalId": f"00u-{name}",
        "name": {"givenName": "Grace", "familyName": f"Okafor {name}", "formatted": f"Grace Okafor {name}"},
        "displayName": f"Grace Okafor {name}",
        "title": "Engineer",
        "emails": [{"value": f"{name}@example.com", "type": "work", "primary": True}],
        "phoneNumbers": [{"value": "+351 21 000 0000", "type": "work"}],
        "locale": "en-GB",
        "active": True,
        _ENTERPRISE: {"employeeNumber": name, "department": "Platform", "organization": "Northwind"},
    }


def request(endpoint: Endpoint, method: str, path: str, body: Any = None) -> bytes:
    """Return the bytes of one request."""
    content = b"" if body is None else json.dumps(body).encode()
    head = [
        f"{method} {endpoint.path}{path} HTTP/1.1",
        f"Host: 127.0.0.1:{endpoint.port}",
        f"Authorization: Bearer {endpoint.token}",
        "Accept: application/scim+json",
        "User-Agent: directory/1.0",
    ]
    if body is not None:
        head += ["Content-Type: application/scim+json", f"Content-Length: {len(content)}"]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + content


def create(endpoint: Endpoint, number: int) -> bytes:
    """Make somebody new."""
    return request(endpoint, "POST", "/Users", person(f"new{number}"))


def _get(endpoint: Endpoint, number: int) -> bytes:
    return request(endpoint, "GET", f"/Users/{_user(endpoint, number)}")


def _find(endpoint: Endpoint, number: int) -> bytes:
    asked = quote(f'userName eq "p{number % len(endpoint.users)}@example.com"')
    return request(endpoint, "GET", f"/Users?filter={asked}")


def _list(endpoint: Endpoint, number: int) -> bytes:
    pages = max(1, len(endpoint.users) // 100)
    return request(endpoint, "GET", f"/Users?startIndex={number % pages * 100 + 1}&count=100")


def _patch_active(endpoint: Endpoint, number: int) -> bytes:
    operation = {"op": "replace", "path": "active", "value": bool(number % 2)}
    return _patch(endpoint, f"/Users/{_user(endpoint, number // 2)}", operation)


def _remove_member(endpoint: Endpoint, number: int) -> bytes:
    operation = {"op": "remove", "path": f'members[value eq "{_user(endpoint, number)}"]'}
    return _patch(endpoint, f"/Groups/{endpoint.group}", operation)


def _add_member(endpoint: Endpoint, number: int) -> bytes:
    operation = {"op": "add", "path": "members", "value": [{"value": _user(endpoint, number)}]}
    return _patch(endpoint, f"/Groups/{endpoint.group}", operation)


def _get_group(endpoint: Endpoint, _: int) -> bytes:
    return request(endpoint, "GET", f"/Groups/{endpoint.group}?excludedAttributes=members")


# Members go before they come, so that each of both changes something.
OPERATIONS: Final[Mapping[str, Operation]] = {
    "create": create,
    "get": _get,
    "filter userName": _find,
    "list 100": _list,
    "PATCH active": _patch_active,
    "remove a member": _remove_member,
    "add a member": _add_member,
    "group without members": _get_group,
}


def measure(servers: Mapping[str, Asked], warm: int) -> dict[str, dict[str, Cost]]:
    """Return what each kind of request costs at each server, asked by one client, after `warm` of the same.

    The servers take turns: a machine that is slower for a minute is so for all of them.
    """
    for asked in servers.values():
        _require_found(asked.endpoint)
    found: dict[str, dict[str, Cost]] = {name: {} for name in servers}
    for what in OPERATIONS:
        those = {name: one for name, one in servers.items() if what in one.numbers}
        for asked in those.values():
            _spent(asked.endpoint, what, range(warm))
        turns = [
            {name: _spent(one.endpoint, what, _part(warm, one.numbers[what], turn)) for name, one in those.items()}
            for turn in range(TURNS)
        ]
        for name, one in those.items():
            found[name][what] = _cost([turn[name] for turn in turns], one.numbers[what])
    return found


def _part(warm: int, number: int, turn: int) -> range:
    return range(warm + number * turn // TURNS, warm + number * (turn + 1) // TURNS)


def _cost(spent: Sequence[_Spent], number: int) -> Cost:
    seconds, cpu, database = (sum(one) for one in zip(*spent, strict=True))
    return Cost(number / seconds, cpu / number * 1000, database / number * 1000)


def _require_found(endpoint: Endpoint) -> None:
    """Ask once and look at the answer: the figures are of servers that find whom they are asked for."""
    connection = http.client.HTTPConnection("127.0.0.1", endpoint.port)
    address = _find(endpoint, 7).split(b" ", 2)[1].decode()
    connection.request("GET", address, headers={"Authorization": f"Bearer {endpoint.token}"})
    found = json.loads(connection.getresponse().read())
    connection.close()
    assert [one["userName"] for one in found["Resources"]] == ["p7@example.com"], found


def _spent(endpoint: Endpoint, what: str, numbers: range) -> _Spent:
    messages = [OPERATIONS[what](endpoint, number) for number in numbers]
    before, database = cpu_seconds(endpoint.processes), cpu_seconds(endpoint.database)
    posted = post(endpoint.port, messages, endpoint.folder, connections=1)
    spent = _Spent(posted.seconds, cpu_seconds(endpoint.processes) - before, cpu_seconds(endpoint.database) - database)
    assert posted.statuses.keys() <= _GOOD, (messages[-1], posted.statuses)
    assert sum(posted.statuses.values()) == len(messages), posted.statuses
    return spent


def _patch(endpoint: Endpoint, path: str, operation: dict[str, Any]) -> bytes:
    return request(endpoint, "PATCH", path, {"schemas": [_PATCH], "Operations": [operation]})


def _user(endpoint: Endpoint, number: int) -> str:
    return endpoint.users[number % len(endpoint.users)]
