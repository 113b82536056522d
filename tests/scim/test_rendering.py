"""Which attributes an answer has (RFC 7644, 3.9), and what the schemas say (RFC 7643, 7)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestibule.scim.attributes import ENTERPRISE_URN, USER_URN
from vestibule.scim.errors import InvalidValue
from vestibule.scim.rendering import parse_projection, project
from vestibule.scim.schemas import SCHEMAS, USER, schema_document, service_provider_config

MAYA: dict[str, Any] = {
    "schemas": [USER_URN, ENTERPRISE_URN],
    "id": "scu_1",
    "userName": "maya",
    "name": {"givenName": "Maya", "familyName": "Park"},
    "emails": [{"value": "maya@example.com", "type": "work"}, {"value": "m@home.example"}],
    ENTERPRISE_URN: {"department": "R&D", "manager": {"value": "scu_2"}},
    "meta": {"resourceType": "User", "version": 'W/"1"'},
}
ALWAYS = {"schemas": MAYA["schemas"], "id": "scu_1"}


@pytest.mark.parametrize(
    ("asked", "more"),
    [
        ("userName", {"userName": "maya"}),
        ("USERNAME, id", {"userName": "maya"}),
        (f"{USER_URN}:userName", {"userName": "maya"}),
        ("name.givenName", {"name": {"givenName": "Maya"}}),
        ("emails.type", {"emails": [{"type": "work"}]}),
        ('emails[type eq "work"]', {"emails": MAYA["emails"]}),
        (f"{ENTERPRISE_URN}:department", {ENTERPRISE_URN: {"department": "R&D"}}),
        (f"{ENTERPRISE_URN}:manager.value", {ENTERPRISE_URN: {"manager": {"value": "scu_2"}}}),
        (ENTERPRISE_URN, {ENTERPRISE_URN: MAYA[ENTERPRISE_URN]}),
        ("meta.version", {"meta": {"version": 'W/"1"'}}),
        ("favouriteColour", {}),
        ("password", {}),
    ],
)
def test_only_what_is_asked_for_is_answered_and_what_always_is(asked: str, more: dict[str, Any]) -> None:
    assert project(MAYA, parse_projection(USER, asked, None)) == {**ALWAYS, **more}


@pytest.mark.parametrize(
    ("excluded", "left"),
    [
        ("id,schemas", MAYA),
        ("favouriteColour", MAYA),
        ("EMAILS", {name: value for name, value in MAYA.items() if name != "emails"}),
        ("name.givenName", {**MAYA, "name": {"familyName": "Park"}}),
        (f"{ENTERPRISE_URN}:department", {**MAYA, ENTERPRISE_URN: {"manager": {"value": "scu_2"}}}),
        (ENTERPRISE_URN, {name: value for name, value in MAYA.items() if name != ENTERPRISE_URN}),
    ],
)
def test_what_is_excluded_is_left_out_but_never_what_is_always_there(excluded: str, left: dict[str, Any]) -> None:
    assert project(MAYA, parse_projection(USER, None, excluded)) == left


def test_both_at_once_are_refused() -> None:
    with pytest.raises(InvalidValue):
        parse_projection(USER, "id", "name")


@given(st.text(max_size=40), st.booleans())
def test_whatever_is_asked_for_nothing_is_added_and_id_and_schemas_stay(text: str, exclude: bool) -> None:
    found = project(MAYA, parse_projection(USER, None, text) if exclude else parse_projection(USER, text, None))
    assert ALWAYS.items() <= found.items()
    assert found.keys() <= MAYA.keys()


def test_the_schemas_say_what_entra_and_the_rfc_want() -> None:
    documents = {one.urn: schema_document(one, "https://x.example/v2") for one in SCHEMAS}
    user = {one["name"]: one for one in documents[USER_URN]["attributes"]}
    # Entra's test of schemas fails where `emails` has a `display`.
    assert [one["name"] for one in user["emails"]["subAttributes"]] == ["value", "type", "primary"]
    assert (user["password"]["returned"], user["password"]["mutability"]) == ("never", "writeOnly")
    assert (user["userName"]["required"], user["userName"]["uniqueness"]) == (True, "server")
    (value,) = [one for one in user["x509Certificates"]["subAttributes"] if one["name"] == "value"]
    assert (value["type"], value["caseExact"]) == ("binary", True)
    for document in documents.values():
        assert document["meta"]["location"] == f"https://x.example/v2/Schemas/{document['id']}"


def test_the_configuration_states_the_limits_that_clients_read() -> None:
    config = service_provider_config("https://x.example/v2")
    # authentik takes the size of its chunks from here.
    assert config["bulk"]["maxOperations"] == 1000
    assert config["pagination"]["cursor"] is True
    assert all(config[name]["supported"] for name in ("patch", "bulk", "filter", "sort", "etag"))
    assert [one["type"] for one in config["authenticationSchemes"]] == ["oauthbearertoken"]
