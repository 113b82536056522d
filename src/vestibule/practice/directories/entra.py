"""Microsoft Entra ID: a probe before each creation, operations with capital letters, booleans as strings, members with `$ref: null`.

Shapes: Microsoft's "Develop and plan provisioning for a SCIM endpoint" and what its provisioning service is known to send.
"""

from __future__ import annotations

from typing import Final

from vestibule.practice.directories.talk import (
    ENTERPRISE_SCHEMA,
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

_OLD_GROUP_SCHEMA: Final = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"
_OBJECT_ID: Final = "6f0a1f4e-2c0b-4c1e-9a55-0d6a7be0e001"
_GROUP_OBJECT_ID: Final = "6f0a1f4e-2c0b-4c1e-9a55-0d6a7be0e1"


def _by_user_name(account: Account) -> Sent:
    return filtered("Users", f'userName eq "{account.person.email}"')


def _create(account: Account) -> Talk:
    body = {
        "schemas": [USER_SCHEMA, ENTERPRISE_SCHEMA],
        "externalId": _OBJECT_ID,
        "userName": account.person.email,
        "active": True,
        "displayName": account.name,
        "emails": work_email(account),
        "meta": {"resourceType": "User"},
        "name": {"formatted": account.name, **written_name(account)},
        "roles": [],
    }
    yield from have_user(account, _by_user_name(account), Sent("POST", "/Users", body))
    yield from _join(account, account.group)


def _join(account: Account, group: str) -> Talk:
    body = {
        "schemas": [GROUP_SCHEMA, _OLD_GROUP_SCHEMA],
        "externalId": f"{_GROUP_OBJECT_ID}{account.groups.index(group):02}",
        "displayName": group,
        "meta": {"resourceType": "Group"},
    }
    probe = filtered("Groups", f'displayName eq "{group}"', "&excludedAttributes=members")
    yield from have_group(account, group, probe, Sent("POST", "/Groups", body))
    member = {"$ref": None, "value": account.user_id}
    yield patch(account.group_path(group), {"op": "Add", "path": "members", "value": [member]})


def _rename(account: Account) -> Talk:
    yield Sent("GET", account.user_path)
    yield patch(
        account.user_path,
        {"op": "Replace", "path": "displayName", "value": account.name},
        {"op": "Replace", "path": f"{USER_SCHEMA}:name.familyName", "value": account.as_person.last_name},
        {"op": "Replace", "path": "name.formatted", "value": account.name},
    )


def _move(account: Account) -> Talk:
    old, new = account.group, account.other_group
    condition = f'id eq "{account.group_ids[old]}" and members eq "{account.user_id}"'
    yield filtered("Groups", condition, "&excludedAttributes=members")
    member = {"$ref": None, "value": account.user_id}
    yield patch(account.group_path(old), {"op": "Remove", "path": "members", "value": [member]})
    account.group = new
    yield from _join(account, new)


def _deactivate(account: Account) -> Talk:
    yield patch(account.user_path, {"op": "Replace", "path": "active", "value": "False"})
    account.active = False


def _rehire(account: Account) -> Talk:
    yield _by_user_name(account)
    yield patch(account.user_path, {"op": "Replace", "path": "active", "value": "True"})
    account.active = True
    yield from _join(account, account.group)


ENTRA: Final = Vendor(
    key="entra",
    name="Microsoft Entra ID",
    habits="Probes before it creates, writes Add, Replace and Remove, says “False” where others say false, "
    "and removes members by a list with the path members.",
    person=Person("Elena Rossi", f"elena@{DOMAIN}", ("Design (Entra)",)),
    renamed="Elena Conti",
    groups=("Design (Entra)", "Research (Entra)"),
    media_type="application/scim+json",
    steps={
        Step.CREATE: _create,
        Step.RENAME: _rename,
        Step.MOVE: _move,
        Step.DEACTIVATE: _deactivate,
        Step.REHIRE: _rehire,
    },
)
