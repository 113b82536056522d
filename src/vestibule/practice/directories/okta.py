"""Okta, as an app of its catalogue: looks up before it creates, reads and PUTs the whole profile, and never deletes a person.

Shapes: Okta's SCIM 2.0 reference and what its servers are known to send (application/json, `groups: []`, a password).
"""

from __future__ import annotations

from typing import Any, Final

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


def _body(account: Account) -> dict[str, Any]:
    return {
        "schemas": [USER_SCHEMA],
        "userName": account.person.email,
        "name": written_name(account),
        "emails": work_email(account),
        "displayName": account.name,
        "locale": "en-US",
        "externalId": "00u1practice0okta01",
        "groups": [],
        "active": True,
    }


def _posted(account: Account) -> Sent:
    # Where passwords are not synced, Okta makes one up.
    return Sent("POST", "/Users", {**_body(account), "password": "made-up-by-the-directory"})


def _by_user_name(account: Account) -> Sent:
    return filtered("Users", f'userName eq "{account.person.email}"', "&startIndex=1&count=100")


def _create(account: Account) -> Talk:
    yield from have_user(account, _by_user_name(account), _posted(account))
    yield from _push(account, account.group)


def _rehire(account: Account) -> Talk:
    """Assign again: the same person is posted again, and the service provider finds who it was."""
    yield _by_user_name(account)
    answer = yield _posted(account)
    account.user_id, account.active = answer.id, True
    yield from _push(account, account.group)


def _push(account: Account, group: str) -> Talk:
    """Push a group with the person in it: by its full name first, which Okta says before each change."""
    creation = Sent("POST", "/Groups", {"schemas": [GROUP_SCHEMA], "displayName": group, "members": []})
    yield from have_group(account, group, Sent("GET", "/Groups?startIndex=1&count=100"), creation)
    yield _named(account, group)
    member = {"value": account.user_id, "display": account.person.email}
    yield patch(account.group_path(group), {"op": "add", "path": "members", "value": [member]})


def _named(account: Account, group: str) -> Sent:
    said = {"id": account.group_ids[group], "displayName": group}
    return patch(account.group_path(group), {"op": "replace", "value": said})


def _rename(account: Account) -> Talk:
    answer = yield Sent("GET", account.user_path)
    echoed = {name: answer.body[name] for name in ("id", "meta") if name in answer.body}
    yield Sent("PUT", account.user_path, {**_body(account), **echoed})


def _move(account: Account) -> Talk:
    old, new = account.group, account.other_group
    yield _named(account, old)
    yield patch(account.group_path(old), {"op": "remove", "path": f'members[value eq "{account.user_id}"]'})
    account.group = new
    yield from _push(account, new)


def _deactivate(account: Account) -> Talk:
    yield patch(account.user_path, {"op": "replace", "value": {"active": False}})
    account.active = False


OKTA: Final = Vendor(
    key="okta",
    name="Okta",
    habits="Asks by userName before it creates, sends the whole profile by PUT, names a group before it changes it, "
    "and never deletes a person.",
    person=Person("Oscar Lind", f"oscar@{DOMAIN}", ("Design (Okta)",)),
    renamed="Oscar Berg",
    groups=("Design (Okta)", "Research (Okta)"),
    media_type="application/json",
    steps={
        Step.CREATE: _create,
        Step.RENAME: _rename,
        Step.MOVE: _move,
        Step.DEACTIVATE: _deactivate,
        Step.REHIRE: _rehire,
    },
)
