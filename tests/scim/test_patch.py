"""PATCH on canonical resources: the RFC's rules, and what real clients send.

Vectors are from RFC 7644, 3.5.2, and from vendors' documentation.
"""

from __future__ import annotations

import contextlib
from contextlib import suppress
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.scim.generating import ENTRIES, TEXTS, users
from vestibule.scim.errors import InvalidFilter, Mutability, ScimError
from vestibule.scim.filters import parse_filter, parse_path
from vestibule.scim.group_patch import AddMembers, RemoveMembers, Rename, SetMembers, group_edits
from vestibule.scim.patch import patch_resource, read_operations
from vestibule.scim.resources import read_resource
from vestibule.scim.schemas import GROUP, USER

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
MAYA: dict[str, Any] = {
    "userName": "maya@example.com",
    "name": {"givenName": "Maya", "familyName": "Berg"},
    "active": True,
    "emails": [
        {"value": "maya@example.com", "type": "work", "primary": True},
        {"value": "m@home.example", "type": "home"},
    ],
}


def patched(*operations: dict[str, Any], resource: dict[str, Any] | None = None) -> dict[str, Any]:
    return patch_resource(USER, resource or MAYA, read_operations({"Operations": list(operations)})).resource


def op(name: str, path: str | None = None, value: Any = None) -> dict[str, Any]:
    return {"op": name, **({"path": path} if path else {}), "value": value}


@pytest.mark.parametrize("name", ["replace", "Replace", "ADD"])
def test_op_and_names_are_taken_in_any_case(name: str) -> None:
    assert patched(op(name, "TITLE", "Designer"))["title"] == "Designer"
    assert patched({"OP": name, "Path": "title", "VALUE": "Designer"})["title"] == "Designer"


@pytest.mark.parametrize("value", [False, "False", "false", "FALSE"])
def test_booleans_as_strings_are_booleans(value: Any) -> None:
    assert patched(op("Replace", "active", value))["active"] is False
    assert patched(op("replace", None, {"active": value}))["active"] is False


def test_the_enterprise_urn_stands_before_an_attribute_with_a_colon_or_holds_an_object() -> None:
    wanted = {"department": "R&D", "manager": {"value": "m1"}}
    assert (
        patched(op("add", f"{ENTERPRISE}:department", "R&D"), op("Add", f"{ENTERPRISE}:manager", "m1"))[ENTERPRISE]
        == wanted
    )
    assert (
        patched(op("add", None, {f"{ENTERPRISE}:department": "R&D", f"{ENTERPRISE}:manager": {"value": "m1"}}))[
            ENTERPRISE
        ]
        == wanted
    )
    assert patched(op("replace", None, {ENTERPRISE: wanted}))[ENTERPRISE] == wanted
    assert patched(op("add", ENTERPRISE, wanted))[ENTERPRISE] == wanted
    emptied = patched(
        op("add", ENTERPRISE, wanted), op("remove", f"{ENTERPRISE}:department"), op("remove", f"{ENTERPRISE}:manager")
    )
    assert ENTERPRISE not in emptied


def test_core_attributes_with_the_core_urn_and_dotted_keys_are_understood() -> None:
    assert patched(op("replace", f"{CORE}:name.givenName", "Mia"))["name"] == {"givenName": "Mia", "familyName": "Berg"}
    assert patched(op("replace", None, {"name.givenName": "Mia", "displayName": "Mia"}))["name"]["givenName"] == "Mia"


def test_a_filter_path_that_finds_nothing_makes_one_entry_of_what_it_says() -> None:
    bare = {"userName": "maya"}
    made = patched(
        op("Add", 'phoneNumbers[type eq "mobile"].value', "+1 555"),
        op("Add", 'phoneNumbers[type eq "mobile"].primary', "True"),
        resource=bare,
    )
    assert made["phoneNumbers"] == [{"type": "mobile", "value": "+1 555", "primary": True}]
    assert patched(op("replace", 'emails[type eq "work"].value', "x@example.com"), resource=bare)["emails"] == [
        {"type": "work", "value": "x@example.com"}
    ]


def test_a_filter_path_changes_what_it_finds_and_nothing_else() -> None:
    emails = patched(op("replace", 'emails[type eq "work"].value', "new@example.com"))["emails"]
    assert emails == [
        {"value": "new@example.com", "type": "work", "primary": True},
        {"value": "m@home.example", "type": "home"},
    ]
    assert patched(op("remove", 'emails[type eq "home"]'))["emails"] == MAYA["emails"][:1]
    assert patched(op("remove", 'emails[type eq "other"]'))["emails"] == MAYA["emails"]


OPERATIONS = st.builds(
    op,
    st.sampled_from(["add", "replace", "remove"]),
    st.sampled_from(
        [
            *("userName", "active", "title", "name", "name.givenName", "phoneNumbers", "roles", "phoneNumbers.value"),
            *('phoneNumbers[type eq "work"]', 'roles[value eq "a"].primary', f"{ENTERPRISE}:department", ENTERPRISE),
        ]
    )
    | st.none(),
    TEXTS
    | st.booleans()
    | st.none()
    | ENTRIES
    | st.fixed_dictionaries({}, optional={"givenName": TEXTS, "department": TEXTS, "title": TEXTS, "roles": ENTRIES}),
)


@given(users(ENTRIES), st.lists(OPERATIONS, min_size=1, max_size=4))
def test_operations_change_nothing_of_what_they_were_given_and_leave_what_would_be_read_the_same(
    resource: dict[str, Any], operations: list[dict[str, Any]]
) -> None:
    before = read_resource(USER, resource).resource
    there = deepcopy(before)
    with suppress(ScimError):
        after = patched(*operations, resource=before)
        # Only what was changed is read again; all of it must stand a whole reading.
        assert read_resource(USER, after).resource == after
    assert before == there


@pytest.mark.parametrize(
    ("operation", "because"),
    [
        (op("remove", "userName"), "missing"),
        (op("add", "emails", [{"value": "x@example.com"}] * 1001), "more than 1000 values"),
        (op("add", "title", "x" * 20_001), "too long"),
        (op("add", "addresses", [{"formatted": "x" * 20_000, "type": str(n)} for n in range(7)]), "more than 131072"),
    ],
)
def test_what_operations_make_is_judged_as_a_whole(operation: dict[str, Any], because: str) -> None:
    with pytest.raises(ScimError, match=because):
        patched(operation)


def test_one_entry_is_primary_at_most() -> None:
    emails = patched(op("add", "emails", [{"value": "n@example.com", "primary": True}]))["emails"]
    assert [one.get("primary") for one in emails] == [False, None, True]
    emails = patched(op("replace", 'emails[type eq "home"].primary', True))["emails"]
    assert [one.get("primary") for one in emails] == [False, True]


def test_replace_of_a_complex_attribute_keeps_the_parts_it_does_not_name() -> None:
    assert patched(op("replace", "name", {"familyName": "Lind"}))["name"] == {"givenName": "Maya", "familyName": "Lind"}
    assert "name" not in patched(op("remove", "name"))


def test_roles_as_json_in_strings_and_a_bare_manager_are_read() -> None:
    roles = patched(op("add", "roles", ['{"id":"1","value":"Admin","primary":"true"}', "Plain"]))["roles"]
    assert roles == [{"value": "Admin", "primary": True}, {"value": "Plain"}]
    assert read_resource(USER, {"userName": "x", "roles": []}).resource == {"userName": "x"}


def test_a_value_list_removes_those_listed_only() -> None:
    assert patched(op("remove", "emails", [{"value": "M@home.example"}]))["emails"] == MAYA["emails"][:1]
    assert "emails" not in patched(op("remove", "emails"))


def test_echoes_and_unknown_names_are_passed_over_and_reported() -> None:
    body = {
        "id": "x",
        "meta": {},
        "schemas": [],
        "favouriteColour": "blue",
        "urn:x:y": {"a": 1},
        "password": "s",
        "groups": [],
    }
    reading = patch_resource(USER, MAYA, read_operations({"Operations": [op("add", None, body)]}))
    assert reading.resource == MAYA
    assert reading.ignored == ["favouriteColour", "urn:x:y"]


def test_what_the_letter_does_not_allow_is_refused() -> None:
    for operation in (
        op("replace", "id", "x"),
        op("remove", "userName"),
        op("replace", "active", "perhaps"),
        op("remove"),
    ):
        with pytest.raises(ScimError):
            patched(operation)


def edits(*operations: dict[str, Any]) -> tuple[Any, ...]:
    return group_edits(read_operations({"Operations": list(operations)}))[0]


def test_members_are_edited_without_being_read_in_every_form() -> None:
    assert edits(op("Add", "members", [{"value": "a", "$ref": None}])) == (AddMembers(("a",)),)
    assert edits(op("remove", "members", [{"value": "a"}, {"value": "b"}])) == (RemoveMembers(("a", "b")),)
    assert edits(op("remove", "members")) == (RemoveMembers(None),)
    assert edits(op("remove", 'members[value eq "a" or value eq "b"]')) == (RemoveMembers(("a", "b")),)
    assert edits(op("replace", "members", [])) == (SetMembers(()),)
    assert edits(op("replace", "members", None)) == (SetMembers(()),)
    assert edits(op("remove", "members", {"members": [{"value": "a"}]})) == (RemoveMembers(("a",)),)
    assert edits(op("replace", None, {"id": "g", "displayName": "D"})) == (Rename("D"),)
    assert edits(op("add", None, {"members": [{"value": "a"}], "urn:ms:x": 1})) == (AddMembers(("a",)),)


WORDS = st.sampled_from(
    [
        "userName",
        "emails",
        "active",
        "and",
        "or",
        "not",
        "(",
        ")",
        "[",
        "]",
        "eq",
        "pr",
        "co",
        '"x"',
        "true",
        "type",
        ".value",
        "1",
        "urn:x",
    ]
)


@given(st.lists(WORDS, max_size=14).map(" ".join) | st.text(max_size=60))
def test_whatever_is_typed_a_filter_is_understood_or_an_invalid_filter(text: str) -> None:
    with contextlib.suppress(InvalidFilter):
        parse_filter(USER, text)
    for kind in (USER, GROUP):
        with contextlib.suppress(ScimError):
            parse_path(kind, text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["userName", "emails", "value", "name", "members", "active", "op", "path", ENTERPRISE, "x"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(
    JSON,
    st.sampled_from(["add", "replace", "remove"]),
    st.sampled_from([None, "emails", "name", 'emails[type eq "work"]', "members"]),
)
def test_whatever_is_sent_it_is_read_or_refused_in_scims_words(body: Any, name: str, path: str | None) -> None:
    for attempt in (
        lambda: read_resource(USER, body),
        lambda: patched(op(name, path, body)),
        lambda: edits(op(name, path, body)),
        lambda: read_operations(body),
    ):
        with suppress(ScimError):
            attempt()


@pytest.mark.parametrize(
    "operation",
    [
        op("replace", 'members[value eq "m1"].value', "m2"),
        op("add", 'members[value eq "m1"].display', "Maya"),
        op("remove", 'members[value eq "m1"].display'),
        op("remove", "members.type"),
    ],
)
def test_members_come_and_go_whole_no_part_of_one_is_changed(operation: dict[str, Any]) -> None:
    with pytest.raises(Mutability):
        edits(operation)


def test_a_member_goes_by_its_value_as_by_itself() -> None:
    assert edits(op("remove", 'members[value eq "m1"].value')) == (RemoveMembers(("m1",)),)
    assert edits(op("add", "members.value", ["m1"])) == (AddMembers(("m1",)),)


@pytest.mark.parametrize("name", ["add", "replace"])
def test_members_that_a_filter_names_are_put_in_and_others_only_in_their_place(name: str) -> None:
    path = 'members[value eq "a" or value eq "b"]'
    assert edits(op(name, path)) == (AddMembers(("a", "b")),)
    assert edits(op(name, path, [{"value": "b"}, {"value": "a", "display": "Ada"}])) == (AddMembers(("a", "b")),)
    other = op(name, path, {"value": "c"})
    if name == "replace":
        assert edits(other) == (RemoveMembers(("a", "b")), AddMembers(("c",)))
    else:
        with pytest.raises(Mutability):
            edits(other)
