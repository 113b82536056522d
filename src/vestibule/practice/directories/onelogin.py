"""OneLogin: reads the ServiceProviderConfig when it is set up, PUTs people with schema ids from before SCIM 2.0, PATCHes groups.

Shapes: OneLogin's SCIM guide and what its servers are known to send.
"""

from __future__ import annotations

from typing import Any, Final

from vestibule.practice.directories.talk import (
    GROUP_SCHEMA,
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

_OLD_USER_SCHEMA: Final = "urn:scim:schemas:core:2.0"


def _body(account: Account, *, active: bool = True) -> dict[str, Any]:
    return {
        "schemas": [_OLD_USER_SCHEMA],
        "userName": account.person.email,
        "externalId": "practice-71024",
        "name": written_name(account),
        "displayName": account.name,
        "emails": work_email(account),
        "active": active,
    }


def _create(account: Account) -> Talk:
    yield Sent("GET", "/ServiceProviderConfig")
    probe = filtered("Users", f'userName eq "{account.person.email}"')
    yield from have_user(account, probe, Sent("POST", "/Users", _body(account)))
    yield from _join(account, account.group)


def _join(account: Account, group: str) -> Talk:
    creation = Sent("POST", "/Groups", {"schemas": [GROUP_SCHEMA], "displayName": group})
    yield from have_group(account, group, filtered("Groups", f'displayName eq "{group}"'), creation)
    operation = {"op": "add", "path": "members", "value": [{"value": account.user_id}]}
    yield patch(account.group_path(group), operation)


def _rename(account: Account) -> Talk:
    yield Sent("PUT", account.user_path, _body(account))


def _move(account: Account) -> Talk:
    old, new = account.group, account.other_group
    yield patch(account.group_path(old), {"op": "remove", "path": f'members[value eq "{account.user_id}"]'})
    account.group = new
    yield from _join(account, new)


def _deactivate(account: Account) -> Talk:
    yield Sent("PUT", account.user_path, _body(account, active=False))
    account.active = False


def _rehire(account: Account) -> Talk:
    yield Sent("PUT", account.user_path, _body(account))
    account.active = True
    yield from _join(account, account.group)


ONELOGIN: Final = Vendor(
    key="onelogin",
    name="OneLogin",
    habits="Reads what the service provider can do, puts whole people with a schema id from before SCIM 2.0, and patches groups.",
    person=Person("Luca Moreau", f"luca@{DOMAIN}", ("Design (OneLogin)",)),
    renamed="Luca Bernard",
    groups=("Design (OneLogin)", "Research (OneLogin)"),
    media_type="application/scim+json",
    steps={
        Step.CREATE: _create,
        Step.RENAME: _rename,
        Step.MOVE: _move,
        Step.DEACTIVATE: _deactivate,
        Step.REHIRE: _rehire,
    },
)
