"""JumpCloud: tries a user and a group when it is switched on, replaces one attribute by one, removes members by a list.

Shapes: JumpCloud's "Custom SCIM identity management" and what its servers are known to send.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

from vestibule.practice.directories.talk import (
    GROUP_SCHEMA,
    USER_SCHEMA,
    Account,
    Sent,
    Step,
    Talk,
    Vendor,
    filtered,
    have_group,
    have_user,
    patch,
    work_email,
    written_name,
)
from vestibule.practice.people import DOMAIN, Person

_TRIED_ADDRESS: Final = f"jctestuser@{DOMAIN}"
_TRIED_GROUP: Final = "jctestgroup"


def _activate(account: Account) -> Talk:
    """Try everything once: JumpCloud makes a user and a group when it is switched on, and takes both away again."""
    tried = {
        "schemas": [USER_SCHEMA],
        "userName": _TRIED_ADDRESS,
        "name": {"givenName": "Test", "familyName": "User"},
        "emails": [{"value": _TRIED_ADDRESS, "primary": True, "type": "work"}],
        "active": True,
    }
    answer = yield Sent("POST", "/Users", tried)
    user_path = f"/Users/{quote(answer.id, safe='')}"
    answer = yield Sent("POST", "/Groups", {"schemas": [GROUP_SCHEMA], "displayName": _TRIED_GROUP})
    yield Sent("DELETE", f"/Groups/{quote(answer.id, safe='')}")
    yield Sent("DELETE", user_path)
    yield from _create(account)


def _create(account: Account) -> Talk:
    body: dict[str, Any] = {
        "schemas": [USER_SCHEMA],
        "userName": account.person.email,
        "externalId": "5f3bpractice000000000001",
        "displayName": account.name,
        "name": written_name(account),
        "emails": work_email(account),
        "active": True,
    }
    probe = filtered("Users", f'userName eq "{account.person.email}"')
    yield from have_user(account, probe, Sent("POST", "/Users", body))
    yield from _join(account, account.group)


def _join(account: Account, group: str) -> Talk:
    creation = Sent("POST", "/Groups", {"schemas": [GROUP_SCHEMA], "displayName": group, "members": []})
    yield from have_group(account, group, filtered("Groups", f'displayName eq "{group}"'), creation)
    yield patch(account.group_path(group), {"op": "add", "path": "members", "value": [{"value": account.user_id}]})


def _rename(account: Account) -> Talk:
    yield patch(
        account.user_path,
        {"op": "replace", "path": "displayName", "value": account.name},
        {"op": "replace", "path": "name.givenName", "value": account.as_person.first_name},
        {"op": "replace", "path": "name.familyName", "value": account.as_person.last_name},
    )


def _move(account: Account) -> Talk:
    old, new = account.group, account.other_group
    yield patch(account.group_path(old), {"op": "remove", "path": "members", "value": [{"value": account.user_id}]})
    account.group = new
    yield from _join(account, new)


def _deactivate(account: Account) -> Talk:
    yield patch(account.user_path, {"op": "replace", "path": "active", "value": False})
    account.active = False


def _rehire(account: Account) -> Talk:
    yield patch(account.user_path, {"op": "replace", "path": "active", "value": True})
    account.active = True
    yield from _join(account, account.group)


JUMPCLOUD: Final = Vendor(
    key="jumpcloud",
    name="JumpCloud",
    habits="Makes a test user and a test group when it is switched on and deletes both, then replaces one attribute by one.",
    person=Person("Jana Novak", f"jana@{DOMAIN}", ("Design (JumpCloud)",)),
    renamed="Jana Dvorak",
    groups=("Design (JumpCloud)", "Research (JumpCloud)"),
    media_type="application/scim+json",
    steps={
        Step.CREATE: _activate,
        Step.RENAME: _rename,
        Step.MOVE: _move,
        Step.DEACTIVATE: _deactivate,
        Step.REHIRE: _rehire,
    },
)
