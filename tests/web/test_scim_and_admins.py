"""Directory and admin at the same people: what an admin gives or takes by hand, and what the directory says of them, on both engines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.support.directories import Directory, directory, pushing
from tests.support.house import House, Server
from vestibule.directory.end_users import AccessChange, EndUser
from vestibule.directory.sources import Source
from vestibule.flows import end_user
from vestibule.storage import access, end_users


@pytest.fixture
def okta(server: Server) -> Directory:
    return directory(server, pushing(server.house))


def someone(house: House, email: str) -> EndUser:
    with house.runtime.database.reading() as tx:
        found = end_users.find_by_email(tx, house.workspace.id, email)
    assert found is not None
    return found


def groups_of(house: House, email: str) -> Mapping[str, Source]:
    """Return the groups that somebody is in, with the source of each."""
    person = someone(house, email)
    with house.runtime.database.reading() as tx:
        return {one.name: one.source for one in access.memberships_of(tx, house.workspace.id, person.id)}


def tick_dev(house: House, email: str, *, ticked: bool) -> None:
    """Give or take somebody's access to DEV, as on their page."""
    dev, none = frozenset({house.environments["dev"].id}), frozenset[str]()
    change = AccessChange(none if ticked else dev, dev if ticked else none, none, none)
    end_user.change_access(house.runtime, house.owner, someone(house, email).id, change)


def replaced(path: str, value: Any) -> dict[str, Any]:
    return {"op": "replace", "path": path, "value": value}


def test_whoever_an_admin_lets_in_again_is_in_the_groups_in_which_the_directory_has_them(
    okta: Directory, server: Server
) -> None:
    house = server.house
    maya = okta.create("maya@example.com")
    okta.create_group("Designers", maya["id"])
    okta.create_group("Others")
    tick_dev(house, "maya@example.com", ticked=False)
    assert groups_of(house, "maya@example.com") == {}
    tick_dev(house, "maya@example.com", ticked=True)
    assert groups_of(house, "maya@example.com") == {"Designers": Source.SCIM}
    okta.patch(f"/Users/{maya['id']}", replaced("active", False))
    assert groups_of(house, "maya@example.com") == {}


def test_whom_the_directory_holds_inactive_is_in_none_of_its_groups_whoever_lets_them_in(
    okta: Directory, server: Server
) -> None:
    house = server.house
    maya = okta.create("maya@example.com")
    okta.create_group("Designers", maya["id"])
    okta.patch(f"/Users/{maya['id']}", replaced("active", False))
    tick_dev(house, "maya@example.com", ticked=True)
    okta.create_group("Writers", maya["id"])
    assert groups_of(house, "maya@example.com") == {}
    okta.patch(f"/Users/{maya['id']}", replaced("active", True))
    assert groups_of(house, "maya@example.com") == {"Designers": Source.SCIM, "Writers": Source.SCIM}
