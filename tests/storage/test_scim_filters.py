"""Filters in SQL find what scim2-models finds, on both engines: generated filters over users as different as they can be."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from scim2_models import EnterpriseUser, ScimFilter, User

from tests.scim.generating import FILTERS
from tests.support.directories import push_of, pushing
from tests.support.house import House
from vestibule.flows.parts import pushed_users
from vestibule.scim.attributes import ENTERPRISE_URN, USER_URN
from vestibule.scim.queries import parse_query
from vestibule.scim.schemas import USER
from vestibule.storage import scim_lists

TheirUser = User[EnterpriseUser]
PEOPLE: list[dict[str, Any]] = [
    {"userName": "a", "active": True},
    {"userName": "Ab", "active": False, "title": "a", "nickName": "B"},
    {"userName": "b", "externalId": "a", "title": "A", "name": {"givenName": "é", "familyName": "ab"}, "active": True},
    {"userName": "ba", "externalId": "A", "name": {"familyName": 'q"u\\o'}, "roles": [{"value": "A"}], "active": True},
    {
        "userName": "c",
        "active": False,
        "phoneNumbers": [{"value": "a", "type": "work", "primary": True}, {"value": "b", "type": "Home"}],
        ENTERPRISE_URN: {"department": "B"},
    },
    {
        "userName": 'q"u\\o',
        "active": True,
        "phoneNumbers": [{"value": "ba"}, {"value": "a", "type": "other"}],
        "roles": [{"value": "ab", "type": "work"}, {"value": "c", "primary": True}],
        ENTERPRISE_URN: {"department": 'q"u\\o'},
    },
    {"userName": "é", "active": True, "title": "é", "nickName": "c", "phoneNumbers": [{"value": "é", "type": "WORK"}]},
]


def test_sql_finds_the_users_that_scim2_models_finds(house: House) -> None:
    connection = pushing(house)
    theirs: dict[str, Any] = {}
    with house.runtime.database.transaction() as tx:
        for person in PEOPLE:
            made, _ = pushed_users.create_user(tx, push_of(house, connection), person)
            body = {"schemas": [USER_URN, ENTERPRISE_URN], **person, "meta": {"lastModified": made.last_modified_at}}
            theirs[made.id] = TheirUser.model_validate(body)

    @given(FILTERS)
    @settings(max_examples=250, suppress_health_check=[HealthCheck.too_slow])
    def compare(text: str) -> None:
        wanted = {key for key, one in theirs.items() if ScimFilter[TheirUser](text).match(one)}
        with house.runtime.database.reading() as tx:
            found = scim_lists.list_users(tx, connection.id, parse_query(USER, {"filter": text}))
        assert {one.user_name for one in found.resources} == {theirs[key].user_name for key in wanted}
        assert found.total == len(wanted)

    compare()


@pytest.mark.parametrize(
    "text", ['title eq "É"', 'phoneNumbers[value eq "É"]', 'roles.value eq "é"', 'name.givenName sw "É"']
)
def test_letters_outside_ascii_are_compared_without_case_too(text: str, house: House) -> None:
    connection = pushing(house)
    with house.runtime.database.transaction() as tx:
        for person in [*PEOPLE, {"userName": "x", "active": True, "roles": [{"value": "É"}]}]:
            pushed_users.create_user(tx, push_of(house, connection), person)
        assert scim_lists.list_users(tx, connection.id, parse_query(USER, {"filter": text})).total == 1
