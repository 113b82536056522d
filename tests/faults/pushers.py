"""Directories under whose pushes the server dies: several clients at once, each of which writes one thing after the other.

Owns what each of them has been told is done, and what the next write would make of it. Whether the database agrees is the test's.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import httpx

from tests.storage.concurrently import at_once
from tests.support.directories import user


@dataclass(frozen=True)
class Picture:
    """What one client has there: users by externalId with name, active and version, groups by name, and who is in the shared one."""

    users: Mapping[str, tuple[str, bool, int]] = field(default_factory=dict)
    groups: Mapping[str, frozenset[str]] = field(default_factory=dict)
    shared: frozenset[str] = frozenset()

    def with_user(self, key: str, name: str, *, active: bool = True) -> Picture:
        """Return the picture with a user as they are now: a version more if they were there."""
        version = self.users[key][2] + 1 if key in self.users else 1
        return replace(self, users={**self.users, key: (name, active, version)})

    def without_user(self, key: str) -> Picture:
        """Return the picture without a user and all memberships of theirs."""
        groups = {name: members - {key} for name, members in self.groups.items()}
        return Picture({one: of for one, of in self.users.items() if one != key}, groups, self.shared - {key})

    def with_group(self, name: str, members: frozenset[str]) -> Picture:
        """Return the picture with a group of exactly these members."""
        return replace(self, groups={**self.groups, name: members})


@dataclass(frozen=True)
class Write:
    """One request, and the picture when it is done."""

    method: str
    path: str
    body: Any
    after: Picture


@dataclass
class Pusher:
    """One client of a directory. `pending` was sent and not answered well: it is done whole, or not at all."""

    base_url: str
    token: str
    label: str
    shared_id: str
    picture: Picture = field(default_factory=Picture)
    ids: dict[str, str] = field(default_factory=dict)
    done: int = 0
    pending: Write | None = None

    def work(self, may_go_on: Callable[[], bool], on_done: Callable[[], None]) -> None:
        """Write one thing after the other while there is more to do and somebody answers."""
        headers = {"Authorization": f"Bearer {self.token}"}
        with httpx.Client(base_url=self.base_url, headers=headers, timeout=60, trust_env=False) as http:
            while may_go_on():
                self.pending = write = self.pending or self._next()
                try:
                    answer = http.request(write.method, write.path, json=write.body)
                except httpx.TransportError:
                    return
                if answer.status_code == 503:
                    continue
                assert answer.status_code in {200, 201, 204}, (self.label, write, answer.text)
                self.settle(write.after, _ids_in(write, answer))
                on_done()

    def settle(self, picture: Picture, ids: Mapping[str, str]) -> None:
        """Take what was pending as done."""
        self.picture, self.pending = picture, None
        self.ids.update(ids)
        self.done += 1

    def _next(self) -> Write:
        number, mine = self.done, self.picture
        writes: tuple[Callable[[], Write], ...] = (
            lambda: self._create(f"{self.label}-{number}"),
            lambda: self._create_in_bulk(f"{self.label}-{number}"),
            lambda: self._create_group(f"{self.label} group {number}"),
            lambda: self._rename(max(mine.users, key=_age), f"Renamed {number}"),
            lambda: self._create(f"{self.label}-{number}"),
            lambda: self._exchange(max(mine.groups, key=_age)),
            lambda: self._deactivate(min((key for key, one in mine.users.items() if one[1]), key=_age)),
            lambda: self._replace(min((key for key, one in mine.users.items() if not one[1]), key=_age)),
            self._join_or_leave,
            self._delete,
        )
        return writes[number % len(writes)]()

    def _create(self, key: str) -> Write:
        return Write("POST", "/Users", _user(key), self.picture.with_user(key, _name(key)))

    def _create_in_bulk(self, key: str) -> Write:
        operations = [
            {"method": "POST", "path": "/Users", "bulkId": key, "data": _user(key)},
            {
                "method": "PATCH",
                "path": f"/Groups/{self.shared_id}",
                "data": _patch({"op": "add", "path": "members", "value": [{"value": f"bulkId:{key}"}]}),
            },
        ]
        after = self.picture.with_user(key, _name(key))
        return Write("POST", "/Bulk", {"Operations": operations}, replace(after, shared=after.shared | {key}))

    def _create_group(self, name: str) -> Write:
        everybody = frozenset(self.picture.users)
        body = {"displayName": name, "members": [{"value": self.ids[key]} for key in everybody]}
        return Write("POST", "/Groups", body, self.picture.with_group(name, everybody))

    def _rename(self, key: str, name: str) -> Write:
        operations = (
            {"op": "replace", "path": "displayName", "value": name},
            {"op": "add", "path": "emails", "value": [{"value": f"other.{key}@example.com", "type": "other"}]},
        )
        after = self.picture.with_user(key, name, active=self.picture.users[key][1])
        return Write("PATCH", f"/Users/{self.ids[key]}", _patch(*operations), after)

    def _exchange(self, name: str) -> Write:
        newest, oldest = max(self.picture.users, key=_age), min(self.picture.groups[name], key=_age)
        operations = (
            {"op": "remove", "path": f'members[value eq "{self.ids[oldest]}"]'},
            {"op": "add", "path": "members", "value": [{"value": self.ids[newest]}]},
        )
        after = self.picture.with_group(name, self.picture.groups[name] - {oldest} | {newest})
        return Write("PATCH", f"/Groups/{self.ids[name]}", _patch(*operations), after)

    def _deactivate(self, key: str) -> Write:
        operation = {"op": "replace", "path": "active", "value": False}
        after = self.picture.with_user(key, self.picture.users[key][0], active=False)
        return Write("PATCH", f"/Users/{self.ids[key]}", _patch(operation), after)

    def _replace(self, key: str) -> Write:
        name = f"Back {self.done}"
        body = {**_user(key), "displayName": name}
        return Write("PUT", f"/Users/{self.ids[key]}", body, self.picture.with_user(key, name))

    def _join_or_leave(self) -> Write:
        leaves = self.done % 20 == 18
        key = min(self.picture.shared, key=_age) if leaves else max(self.picture.users, key=_age)
        operation = {"op": "remove" if leaves else "add", "path": "members", "value": [{"value": self.ids[key]}]}
        after = replace(self.picture, shared=self.picture.shared - {key} if leaves else self.picture.shared | {key})
        return Write("PATCH", f"/Groups/{self.shared_id}", _patch(operation), after)

    def _delete(self) -> Write:
        if self.done % 20 == 19:
            name = min(self.picture.groups, key=_age)
            left = {one: members for one, members in self.picture.groups.items() if one != name}
            return Write("DELETE", f"/Groups/{self.ids[name]}", None, replace(self.picture, groups=left))
        key = min(self.picture.users, key=_age)
        return Write("DELETE", f"/Users/{self.ids[key]}", None, self.picture.without_user(key))


@dataclass
class Tally:
    """Counts what was acknowledged, and does something at one of them."""

    until: int
    at: int | None = None
    then: Callable[[], None] = lambda: None
    number: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def goes_on(self) -> bool:
        """Say whether there is more to do."""
        return self.number < self.until

    def count(self) -> None:
        """Count one."""
        with self._lock:
            self.number += 1
            if self.number == self.at:
                self.then()


def push_all(pushers: list[Pusher], tally: Tally) -> None:
    """Let everybody push at once until nothing more is to do or nobody answers. Raises what any of them ran into."""
    at_once(len(pushers), lambda number: pushers[number].work(tally.goes_on, tally.count))


def _ids_in(write: Write, answer: httpx.Response) -> dict[str, str]:
    if write.method != "POST":
        return {}
    if write.path != "/Bulk":
        made = answer.json()
        return {made.get("externalId") or made["displayName"]: made["id"]}
    results = answer.json()["Operations"]
    assert [one["status"] for one in results] == ["201", "204"], results
    return {results[0]["bulkId"]: results[0]["location"].rpartition("/")[2]}


def _user(key: str) -> dict[str, Any]:
    return user(f"{key}@example.com", externalId=key, displayName=_name(key))


def _name(key: str) -> str:
    return f"Person {key}"


def _patch(*operations: dict[str, Any]) -> dict[str, Any]:
    return {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": list(operations)}


def _age(name: str) -> int:
    return int(name.replace("-", " ").rpartition(" ")[2])
