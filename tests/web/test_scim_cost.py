"""What a push costs: the statements of each request are counted, and don't grow with the directory; two at once are both answered well."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.support.directories import Directory, directory, pushing, user
from tests.support.house import Server
from tests.support.statements import counted


@pytest.fixture
def okta(server: Server) -> Directory:
    return directory(server, pushing(server.house))


def test_the_statements_of_each_request_are_few_whatever_the_size_of_the_directory(
    okta: Directory, server: Server
) -> None:
    def costs() -> dict[str, int]:
        found = {}
        number = okta.get("/Users?count=0").json()["totalResults"]
        first = okta.get("/Users?count=1").json()["Resources"][0]["id"]
        group = okta.get("/Groups?excludedAttributes=members").json()["Resources"][0]["id"]
        calls: dict[str, tuple[Any, ...]] = {
            "create": ("POST", "/Users", user(f"new{number}@example.com", externalId=f"n{number}")),
            "get": ("GET", f"/Users/{first}"),
            "find": ("GET", '/Users?filter=userName eq "p1@example.com"'),
            "find by externalId": ("GET", '/Users?filter=externalId eq "p1"&count=1'),
            "find by address": ("GET", '/Users?filter=emails.value eq "P1@example.com"&startIndex=1&count=100'),
            "find nobody": ("GET", '/Users?filter=userName eq "nobody"'),
            "find group": ("GET", '/Groups?filter=displayName eq "Designers"&excludedAttributes=members'),
            "find group by externalId": ("GET", '/Groups?filter=externalId eq "g1"&excludedAttributes=members'),
            "find no group": ("GET", '/Groups?filter=displayName eq "Nobody"'),
            "group and members": ("GET", '/Groups?filter=displayName eq "Designers"&startIndex=1&count=100'),
            "list": ("GET", "/Users?count=50"),
            "patch": (
                "PATCH",
                f"/Users/{first}",
                {"Operations": [{"op": "add", "path": "title", "value": str(number)}]},
            ),
            "member": (
                "PATCH",
                f"/Groups/{group}",
                {"Operations": [{"op": "add", "path": "members", "value": [{"value": first}]}]},
            ),
            "group": ("GET", f"/Groups/{group}"),
        }
        for name, call in calls.items():
            with counted(server) as statements:
                answer = okta.send(*call)
            assert answer.status_code < 300, answer.text
            found[name] = len(statements)
        return found

    members = [okta.create(f"p{number}@example.com")["id"] for number in range(3)]
    okta.create_group("Designers", *members[1:], externalId="g1")
    few = costs()
    more = [okta.create(f"q{number}@example.com")["id"] for number in range(20)]
    okta.create_group("Others", *more)
    many = costs()
    assert many.pop("list") == few.pop("list") <= 4
    # The second time the member is in already, which is a row less.
    assert many.pop("member") <= few.pop("member") <= 11
    assert many == few
    finding = {name for name in few if name.startswith("find")}
    assert few == {"create": 13, "get": 1, **dict.fromkeys(finding, 1), "group and members": 2, "patch": 5, "group": 3}


def test_two_creates_of_one_user_at_one_instant_make_one_user(okta: Directory) -> None:
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: okta.send("POST", "/Users", user("maya@example.com")), range(4)))
    assert sorted(one.status_code for one in answers if one.status_code != 503)[:2] in ([201], [201, 409])
    assert okta.get("/Users").json()["totalResults"] == 1


def test_many_pushes_into_one_group_at_once_lose_nobody(okta: Directory) -> None:
    ids = [okta.create(f"p{number}@example.com")["id"] for number in range(12)]
    group = okta.create_group("Designers")["id"]

    def join(one: str) -> int:
        operation = {"op": "add", "path": "members", "value": [{"value": one}]}
        return okta.patch(f"/Groups/{group}", operation).status_code

    with ThreadPoolExecutor(6) as threads:
        answers = dict(zip(ids, threads.map(join, ids), strict=True))
    assert set(answers.values()) <= {204, 503}
    joined = {one["value"] for one in okta.get(f"/Groups/{group}").json()["members"]}
    assert joined == {one for one, status in answers.items() if status == 204}
    assert okta.get(f"/Groups/{group}").json()["meta"]["version"] == f'W/"{1 + len(joined)}"'
