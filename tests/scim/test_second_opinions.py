"""Filters, paths and PATCH, generated, and understood as scim2-models understands them.

Where we differ on purpose, the test says so: each difference is a constant below, with its reason.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scim2_models import EnterpriseUser, PatchOp, Path, ScimFilter, ScimPolicy, User
from scim2_models.exceptions import SCIMException
from scim2_models.path import Comparison as TheirComparison
from scim2_models.path import LogicalExpr, LogicalOperator
from scim2_models.path import Not as TheirNot
from scim2_models.path import Present as TheirPresent
from scim2_models.path import ValuePath as TheirValuePath

from tests.scim.generating import ENTRIES, FILTERS, INSIDE, MANY, SINGLE, TEXTS, TYPED, users, written
from vestibule.scim.attributes import ENTERPRISE_URN, USER_URN
from vestibule.scim.errors import InvalidPath, InvalidValue, ScimError
from vestibule.scim.filters import And, Not, Or, Present, Within, parse_filter, parse_path
from vestibule.scim.matching import matches
from vestibule.scim.patch import patch_resource, read_operations
from vestibule.scim.resources import read_resource
from vestibule.scim.schemas import USER

TheirUser = User[EnterpriseUser]


def tree_of_ours(found: Any, *, inside: bool = False) -> Any:
    """Return a filter of ours in a form that both can be brought into: names in lower case, values as text."""
    if isinstance(found, And | Or):
        return (type(found).__name__, *(tree_of_ours(term, inside=inside) for term in found.terms))
    if isinstance(found, Not):
        return ("Not", tree_of_ours(found.term, inside=inside))
    attribute, sub = found.path.attribute.name, found.path.sub.name if found.path.sub else None
    name = (found.path.urn, sub if inside else attribute, None if inside else sub)
    if isinstance(found, Within):
        return ("Within", name, tree_of_ours(found.filter, inside=True))
    if isinstance(found, Present):
        return ("Present", name)
    return ("Compare", name, found.operator, found.value)


def tree_of_theirs(node: Any, urn: str | None = None) -> Any:
    if isinstance(node, LogicalExpr):
        name = "And" if node.op is LogicalOperator.and_ else "Or"
        return (name, *(tree_of_theirs(term, urn) for term in node.terms))
    if isinstance(node, TheirNot):
        return ("Not", tree_of_theirs(node.expr, urn))
    uri = ENTERPRISE_URN if (node.attr_path.uri or "").lower() == ENTERPRISE_URN.lower() else urn
    where = (uri, _spelled(node.attr_path.attr), _spelled(node.attr_path.sub_attr))
    if isinstance(node, TheirValuePath):
        return ("Within", where, tree_of_theirs(node.val_filter, uri))
    if isinstance(node, TheirPresent):
        return ("Present", where)
    assert isinstance(node, TheirComparison)
    return ("Compare", where, node.op.value, node.value)


def _spelled(name: str | None) -> str | None:
    known = [*SINGLE, *MANY, "active", "value", "type", "primary", "meta.lastModified", "department"]
    parts = {part.lower(): part for one in known for part in one.split(".") if not one.startswith("urn:")}
    return parts[name.lower()] if name else None


def flat(tree: Any) -> Any:
    """Return a tree without the nesting of brackets that change nothing, and instants as they are."""
    if not isinstance(tree, tuple):
        return tree
    head, *rest = tree
    if head == "Compare" and rest[0][1] == "meta":
        return (head, rest[0], rest[1], "an instant")
    return (head, *(flat(one) for one in rest))


def their_user(resource: dict[str, Any]) -> Any:
    return TheirUser.model_validate({"schemas": [USER_URN, ENTERPRISE_URN], **resource})


@given(FILTERS)
@settings(max_examples=300)
def test_a_filter_is_the_same_tree_to_both(text: str) -> None:
    assert flat(tree_of_ours(parse_filter(USER, text))) == flat(tree_of_theirs(ScimFilter(text).ast))


@given(FILTERS)
@settings(max_examples=200)
def test_a_filter_written_and_read_again_is_the_same(text: str) -> None:
    found = parse_filter(USER, text)
    assert parse_filter(USER, written(found)) == found


@given(ENTRIES, INSIDE, st.sampled_from(MANY))
@settings(max_examples=300)
def test_brackets_choose_the_same_values(entries: list[dict[str, Any]], inside: str, name: str) -> None:
    path = parse_path(USER, f"{name}[{inside}]")
    assert path is not None
    assert path.filter is not None
    ours = [one["value"] for one in entries if matches(path.filter, one)]
    theirs = Path[TheirUser](f"{name}[{inside}]").get(their_user({"userName": "x", name: entries}), strict=False)
    found = theirs if isinstance(theirs, list) else [theirs] if theirs is not None else []
    assert ours == [one.value for one in found]


PATHS_OF_ONE = ["title", "nickName", "name.givenName", "name.familyName", f"{ENTERPRISE_URN}:department"]
# As scim2-models can be told, and as we always do: value lists with remove, and entries made of filters that find nothing.
TOLERANT = ScimPolicy(
    remove_value_as_filter=ScimPolicy.RemoveValue.apply, unmatched_path_filter=ScimPolicy.UnmatchedPathFilter.create
)


def _operation(op: str, path: str | None, value: Any = None) -> dict[str, Any]:
    return {"op": op, **({"path": path} if path else {}), **({} if value is None else {"value": value})}


# Entries of their own: to both of us one value more or less of an entry makes another one, but not the same.
PRIMARY = st.sampled_from([f'phoneNumbers[type eq "work" and value eq "{value}"].primary' for value in ("p", "q")])
OPERATIONS = st.one_of(
    st.builds(_operation, st.sampled_from(["add", "replace", "Replace"]), st.sampled_from(PATHS_OF_ONE), TEXTS),
    st.builds(_operation, st.just("remove"), st.sampled_from([*PATHS_OF_ONE, *MANY, "name", ENTERPRISE_URN])),
    st.builds(_operation, st.just("replace"), st.just("active"), st.booleans()),
    st.builds(_operation, st.just("add"), st.just("name"), st.fixed_dictionaries({"givenName": TEXTS})),
    st.builds(_operation, st.sampled_from(["add", "replace"]), st.sampled_from(MANY), TYPED.filter(bool)),
    st.builds(
        _operation,
        st.just("remove"),
        st.sampled_from(
            [
                f"{name}[{test}]{tail}"
                for name in MANY
                for test in ('value eq "a"', 'type eq "work"', "not (type pr)")
                for tail in ("", ".type")
            ]
        ),
    ),
    st.builds(
        _operation,
        st.sampled_from(["add", "replace"]),
        st.sampled_from([f'{name}[type eq "{kind}"].value' for name in MANY for kind in ("work", "home")]),
        TEXTS,
    ),
    st.builds(_operation, st.just("replace"), PRIMARY, st.just(True)),
    st.builds(
        _operation,
        st.sampled_from(["add", "replace"]),
        st.none(),
        st.fixed_dictionaries({"title": TEXTS}, optional={"nickName": TEXTS, "roles": TYPED.filter(bool)}),
    ),
)


def plain(resource: dict[str, Any]) -> dict[str, Any]:
    """Return a resource without what says nothing: `primary` false, empties, the order of values, the case of a type."""
    kept = {name: _plain(value) for name, value in resource.items() if name not in {"schemas", "meta"}}
    return {name: value for name, value in kept.items() if value not in (None, [], {})}


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return sorted((_plain(one) for one in value), key=lambda one: sorted(one.items()).__repr__())
    if isinstance(value, dict):
        # scim2-models spells canonical values as the schema does; RFC 7643, 7, leaves it to the service.
        known = {part: inner.lower() if part == "type" else inner for part, inner in value.items() if inner is not None}
        return {part: inner for part, inner in known.items() if inner is not False}
    return value


@given(users(TYPED), st.lists(OPERATIONS, min_size=1, max_size=4))
@settings(max_examples=400)
def test_a_patch_leaves_the_same_user(resource: dict[str, Any], operations: list[dict[str, Any]]) -> None:
    # What comes behind an entry that has lost its type is told from it in another way, as the next test says.
    untyped = next((index for index, one in enumerate(operations) if str(one.get("path")).endswith("].type")), None)
    assume(untyped is None or all(one["op"] == "remove" for one in operations[untyped:]))
    theirs = their_user(resource)
    try:
        ours = patch_resource(USER, read_resource(USER, resource).resource, read_operations({"Operations": operations}))
    except ScimError:
        with pytest.raises((SCIMException, ValueError)):
            PatchOp[TheirUser].model_validate({"Operations": operations}).patch(theirs, scim_policy=TOLERANT)
        return
    PatchOp[TheirUser].model_validate({"Operations": operations}).patch(theirs, scim_policy=TOLERANT)
    assert plain(ours.resource) == plain(json.loads(theirs.model_dump_json(exclude_none=True)))


ADDED = {"op": "add", "path": "phoneNumbers"}


def phones(there: list[dict[str, Any]], *operations: dict[str, Any]) -> Any:
    resource = {"userName": "x", "phoneNumbers": there}
    return patch_resource(USER, resource, read_operations({"Operations": list(operations)})).resource["phoneNumbers"]


def test_an_entry_is_told_by_value_without_case_and_by_type_where_both_have_one() -> None:
    # scim2-models makes a second entry of each: a directory that repeats itself would fill the list.
    work = {"value": "A", "type": "work", "primary": True}
    assert phones([work], {**ADDED, "value": [{"value": "a"}]}) == [{**work, "value": "a"}]
    assert phones([{"value": "a"}], {**ADDED, "value": [work]}) == [work]
    assert phones([work], {**ADDED, "value": [{"value": "A", "type": "work"}]}) == [work]
    # And as they do: one number for two purposes is two entries (RFC 7643, 2.4), and each can be removed alone.
    mobile = {"value": "A", "type": "mobile"}
    assert phones([work], {**ADDED, "value": [mobile]}) == [work, mobile]
    assert phones([work, mobile], {"op": "remove", "path": "phoneNumbers", "value": [mobile]}) == [work]


def test_which_of_two_is_primary_is_never_guessed() -> None:
    two: list[dict[str, Any]] = [{"value": "a", "type": "work"}, {"value": "b", "type": "work"}]
    preferred = {"op": "replace", "path": 'phoneNumbers[type eq "work"].primary', "value": True}
    with pytest.raises(InvalidValue, match="more than one primary"):
        phones(two, preferred)
    with pytest.raises(InvalidValue, match="more than one primary"):
        phones([], {**ADDED, "value": [{**one, "primary": True} for one in two]})
    # Where the primary one is among those meant, there is nothing to do; scim2-models prefers the other one.
    marked = [{**two[0], "primary": True}, two[1]]
    assert phones(marked, preferred) == marked


PATHS = st.sampled_from(
    [*SINGLE, *MANY, "name", "emails", "members", "a", "urn:x:y:User:title", 'emails[type eq "a"]', ""]
)
TAILS = st.sampled_from(
    ["", ".value", ".givenName", "[type pr]", "[", "]", ".", "..x", "[type eq]", " x", "[not (value pr)].type"]
)


@given(PATHS, TAILS)
@settings(max_examples=300)
def test_a_path_leads_somewhere_to_both_or_to_neither(head: str, tail: str) -> None:
    text = head + tail
    assume(text)
    with suppress(SCIMException):
        leads = Path[TheirUser](text).resolve() is not None
        try:
            assert (parse_path(USER, text) is not None) is leads
        except InvalidPath:
            assert not leads or "[" in text


@pytest.mark.parametrize("text", ["emails[", "emails[]", "emails]", 'emails[type eq "x"]value', "emails[a[b pr]]"])
def test_a_broken_path_is_refused_by_both_and_at_most_passed_over_by_us(text: str) -> None:
    with pytest.raises(SCIMException):
        Path[TheirUser](text)
    with suppress(InvalidPath):
        assert parse_path(USER, text) is None
