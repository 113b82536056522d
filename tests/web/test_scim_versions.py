"""ETags: whatever changes what a user or a group means changes its version, from whichever side it was changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.directories import Directory, directory, pushing, user
from tests.support.house import Server
from vestibule.flows import end_user
from vestibule.storage import end_users


@pytest.fixture
def okta(server: Server) -> Directory:
    return directory(server, pushing(server.house))


def members(name: str, *ids: str) -> dict[str, Any]:
    return {"op": name, "path": "members", "value": [{"value": one} for one in ids]}


def version(okta: Directory, path: str) -> str:
    """Return the version of a resource, which says the same in the header, in the body, in a list, and whatever is left out."""
    whole, part = okta.get(path), okta.get(f"{path}?excludedAttributes=groups,members")
    endpoint, _, resource_id = path.rpartition("/")
    (listed,) = okta.get(endpoint, params={"filter": f'id eq "{resource_id}"'}).json()["Resources"]
    found = {whole.headers["etag"], part.headers["etag"], whole.json()["meta"]["version"], listed["meta"]["version"]}
    assert len(found) == 1, found
    return str(found.pop())


def test_a_user_has_a_new_version_when_it_comes_into_a_group_and_when_it_leaves(okta: Directory) -> None:
    maya = f"/Users/{okta.create('maya@example.com')['id']}"
    group = f"/Groups/{okta.create_group('Designers')['id']}"
    outside = version(okta, maya)
    assert okta.patch(group, members("add", maya.removeprefix("/Users/"))).status_code == 204
    inside = version(okta, maya)
    assert inside != outside
    assert okta.get(maya, headers={"If-None-Match": outside}).status_code == 200
    assert okta.get(maya, headers={"If-None-Match": inside}).status_code == 304
    title = {"op": "add", "path": "title", "value": "Designer"}
    assert okta.patch(maya, title, headers={"If-Match": outside}).status_code == 412
    changed = okta.patch(maya, title, headers={"If-Match": inside})
    assert changed.status_code == 200
    assert version(okta, maya) == changed.headers["etag"]
    okta.patch(group, {"op": "replace", "path": "displayName", "value": "Product design"})
    assert version(okta, maya) == changed.headers["etag"], "what a group is called is not what it is"
    okta.send("DELETE", group)
    assert version(okta, maya) not in {outside, inside, changed.headers["etag"]}


def leave(okta: Directory, _: Server, path: str) -> None:
    assert okta.send("DELETE", path).status_code == 204


def deleted_by_an_admin(_: Directory, server: Server, __: str) -> None:
    house = server.house
    with house.runtime.database.reading() as tx:
        person = end_users.find_by_email(tx, house.workspace.id, "maya@example.com")
    assert person is not None
    end_user.delete(house.runtime, house.owner, person.id)


def come_back(okta: Directory, _: Server, path: str) -> None:
    okta.patch(path, {"op": "replace", "path": "active", "value": False})
    assert okta.send("POST", "/Users", user("maya@example.com")).status_code == 201


@pytest.mark.parametrize("act", [leave, deleted_by_an_admin, come_back])
def test_a_group_has_a_new_version_when_a_member_goes_by_another_way_than_the_group(
    act: Callable[[Directory, Server, str], None], okta: Directory, server: Server
) -> None:
    maya, jonas = (okta.create(f"{name}@example.com")["id"] for name in ("maya", "jonas"))
    group = f"/Groups/{okta.create_group('Designers', maya, jonas)['id']}"
    other = f"/Groups/{okta.create_group('Others', jonas)['id']}"
    before, untouched = version(okta, group), version(okta, other)
    act(okta, server, f"/Users/{maya}")
    assert [one["value"] for one in okta.get(group).json()["members"]] == [jonas]
    assert version(okta, group) != before
    assert okta.get(group, headers={"If-None-Match": before}).status_code == 200
    assert okta.patch(group, members("remove", jonas), headers={"If-Match": before}).status_code == 412
    assert version(okta, other) == untouched


def test_a_group_has_a_new_version_when_somebody_arrives_whom_it_waited_for(okta: Directory) -> None:
    group = f"/Groups/{okta.create_group('Designers', '00u-maya')['id']}"
    before = version(okta, group)
    okta.create("jonas@example.com", externalId="00u-jonas")
    assert version(okta, group) == before
    okta.create("maya@example.com", externalId="00u-maya")
    assert version(okta, group) != before
