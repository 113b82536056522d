"""What a directory says in one step: a generator yields requests, and is sent their answers, since each next one hangs on them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final
from urllib.parse import quote

from vestibule.practice.errors import AnswerUnexpected
from vestibule.practice.people import Person

USER_SCHEMA: Final = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP_SCHEMA: Final = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE_SCHEMA: Final = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PATCH_SCHEMA: Final = "urn:ietf:params:scim:api:messages:2.0:PatchOp"

_MOST_DETAIL: Final = 400


class Step(StrEnum):
    """What can happen to a person in a directory; the values are those of the form."""

    CREATE = "create"
    RENAME = "rename"
    MOVE = "move"
    DEACTIVATE = "deactivate"
    REHIRE = "rehire"


STEP_LABELS: Final[dict[Step, str]] = {
    Step.CREATE: "Create",
    Step.RENAME: "Rename",
    Step.MOVE: "Move to the other group",
    Step.DEACTIVATE: "Deactivate",
    Step.REHIRE: "Rehire",
}


@dataclass(frozen=True, slots=True)
class Sent:
    """One request, its `path` below the base URL."""

    method: str
    path: str
    body: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, untrusted: the status, and the body where it was a JSON object."""

    status: int
    body: Mapping[str, Any]

    @property
    def id(self) -> str:
        """Return the id of the resource that was answered. Raises AnswerUnexpected."""
        return _id(self.body)

    @property
    def detail(self) -> str:
        """Return what a SCIM Error says for people (RFC 7644, 3.12), bounded."""
        found = self.body.get("detail")
        return found[:_MOST_DETAIL] if isinstance(found, str) else ""

    @property
    def first_id(self) -> str:
        """Return the id of the first resource of a list, empty when there is none. Raises AnswerUnexpected."""
        found = self._resources
        return _id(found[0]) if found else ""

    def id_of_group(self, name: str) -> str:
        """Return the id of the listed group of this name, empty when there is none. Raises AnswerUnexpected."""
        found = [one for one in self._resources if isinstance(one, Mapping) and one.get("displayName") == name]
        return _id(found[0]) if found else ""

    @property
    def _resources(self) -> list[Any]:
        found = self.body.get("Resources")
        return found if isinstance(found, list) else []


Talk = Generator[Sent, Answer, None]


@dataclass(slots=True)
class Account:
    """What a directory knows of its person: the ids are the service provider's."""

    person: Person
    groups: tuple[str, str]
    name: str
    group: str
    user_id: str = ""
    active: bool = False
    group_ids: dict[str, str] = field(default_factory=dict)

    @property
    def as_person(self) -> Person:
        """Return the person by the name that they have now."""
        return Person(self.name, self.person.email)

    @property
    def user_path(self) -> str:
        """Return where the service provider keeps the person."""
        return f"/Users/{quote(self.user_id, safe='')}"

    @property
    def other_group(self) -> str:
        """Return the group that the person is not in."""
        return next(group for group in self.groups if group != self.group)

    def group_path(self, group: str) -> str:
        """Return where the service provider keeps a group that was created there."""
        return f"/Groups/{quote(self.group_ids[group], safe='')}"


@dataclass(frozen=True, slots=True)
class Vendor:
    """A product: how it speaks, and the person, the second name and the two groups that it pushes."""

    key: str
    name: str
    habits: str
    person: Person
    renamed: str
    groups: tuple[str, str]
    media_type: str
    steps: Mapping[Step, Callable[[Account], Talk]]

    def account(self) -> Account:
        """Return what the directory knows before it has pushed anything."""
        return Account(self.person, self.groups, self.person.name, self.groups[0])


def patch(path: str, *operations: dict[str, Any]) -> Sent:
    """Return a PATCH of these operations (RFC 7644, 3.5.2)."""
    return Sent("PATCH", path, {"schemas": [PATCH_SCHEMA], "Operations": list(operations)})


def filtered(kind: str, condition: str, also: str = "") -> Sent:
    """Return a search of `kind` ("Users" or "Groups") by a filter; `also` are further parameters, as the product orders them."""
    return Sent("GET", f"/{kind}?filter={quote(condition, safe='')}{also}")


def have_group(account: Account, group: str, probe: Sent, creation: Sent) -> Talk:
    """Find a group by `probe`, or create it, unless the directory knows where it is."""
    if group in account.group_ids:
        return
    answer = yield probe
    known = answer.id_of_group(group)
    if not known:
        answer = yield creation
        known = answer.id
    account.group_ids[group] = known


def have_user(account: Account, probe: Sent, creation: Sent) -> Talk:
    """Find the person by `probe`, or create them."""
    answer = yield probe
    known = answer.first_id
    if not known:
        answer = yield creation
        known = answer.id
    account.user_id, account.active = known, True


def work_email(account: Account) -> list[dict[str, Any]]:
    """Return the person's address as most products write it."""
    return [{"primary": True, "type": "work", "value": account.person.email}]


def written_name(account: Account) -> dict[str, str]:
    """Return the parts of the person's name."""
    return {"givenName": account.as_person.first_name, "familyName": account.as_person.last_name}


def _id(resource: object) -> str:
    found = resource.get("id") if isinstance(resource, Mapping) else None
    if not isinstance(found, str) or not found:
        raise AnswerUnexpected("no id in the answer")
    return found
