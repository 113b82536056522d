"""Bulk requests: what one is, in which order its operations are done, and what references stand for."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestibule.scim.attributes import ENTERPRISE_URN
from vestibule.scim.bulk import Bulk, cut_managers, in_order, makers_of, put_in, read_bulk
from vestibule.scim.errors import CircularReference, InvalidSyntax, InvalidValue, PayloadTooLarge, ScimError
from vestibule.scim.schemas import MAX_OPERATIONS


def made(bulk_id: str, *needs: str) -> dict[str, Any]:
    members = [{"value": f"bulkId:{one}"} for one in needs]
    return {
        "method": "POST",
        "path": "/Groups",
        "bulkId": bulk_id,
        "data": {"displayName": bulk_id, "members": members},
    }


def read(*operations: Any, **more: Any) -> Bulk:
    return read_bulk({"Operations": list(operations), **more})


def order(*operations: Any) -> list[int]:
    return [index for together in in_order(read(*operations).operations) for index in together]


def test_operations_stay_as_sent_but_for_what_must_come_first() -> None:
    assert order(made("a"), made("b"), made("c")) == [0, 1, 2]
    assert order(made("a", "c"), made("b"), made("c")) == [1, 2, 0]
    later = {"method": "PATCH", "path": "/Groups/bulkId:z", "data": {}}
    assert order(later, made("z")) == [1, 0]


def test_a_thousand_operations_each_waiting_for_the_next_are_done_from_the_end() -> None:
    chain = [made(str(index), str(index + 1)) for index in range(MAX_OPERATIONS - 1)] + [made(str(MAX_OPERATIONS - 1))]
    assert order(*chain) == list(range(MAX_OPERATIONS - 1, -1, -1))


def test_circles_come_last_and_are_refused_as_a_conflict() -> None:
    assert order(made("a", "b"), made("b", "a"), made("c"), made("d", "d")) == [2, 3, 0, 1]
    with pytest.raises(CircularReference) as refused:
        put_in({"members": [{"value": "bulkId:b"}]}, {}, {"b"})
    assert refused.value.body()["status"] == "409"


def person(bulk_id: str, manager: str = "") -> dict[str, Any]:
    more = {ENTERPRISE_URN: {"manager": {"value": f"bulkId:{manager}"}, "department": "Design"}} if manager else {}
    return {"method": "POST", "path": "/Users", "bulkId": bulk_id, "data": {"userName": bulk_id, **more}}


def test_users_in_a_circle_are_done_together_and_who_waits_for_them_afterwards() -> None:
    operations = read(
        made("staff", "a", "c"),
        person("c", "b"),
        person("a", "b"),
        person("b", "a"),
        person("x", "y"),
        person("y", "x"),
    ).operations
    assert in_order(operations) == ((2, 3), (4, 5), (1,), (0,))
    mixed = read(person("a", "b"), person("b", "g"), made("g", "a"), person("d")).operations
    assert in_order(mixed) == ((3,), (0,), (1,), (2,))


def test_managers_who_are_yet_to_come_are_cut_out_in_the_shape_in_which_they_were_sent() -> None:
    sent = person("a", "b")["data"] | {f"{ENTERPRISE_URN}:manager": "bulkId:b", "title": "bulkId:b"}
    now, later = cut_managers(sent, {"b"})
    assert now == {"userName": "a", "title": "bulkId:b", ENTERPRISE_URN: {"department": "Design"}}
    assert later == {f"{ENTERPRISE_URN}:manager": "bulkId:b", ENTERPRISE_URN: {"manager": {"value": "bulkId:b"}}}
    assert cut_managers(sent, {"c"}) == (sent, None)
    assert cut_managers(["bulkId:b"], {"b"}) == (["bulkId:b"], None)


def test_references_stand_for_ids_wherever_they_are() -> None:
    known = {"a": "usr_1"}
    assert put_in({"x": ["bulkId:a", {"y": "bulkId:a"}], "z": 1}, known) == {"x": ["usr_1", {"y": "usr_1"}], "z": 1}
    with pytest.raises(InvalidValue):
        put_in("bulkId:other", known, {"b"})


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        {"Operations": {}},
        {"Operations": [1]},
        {"Operations": [made("a"), made("a")]},
        {"Operations": [{**made("a"), "bulkId": None}]},
        {"Operations": [{**made("a"), "bulkId": 7}]},
        {"Operations": [{**made("a"), "path": "/Groups/1"}]},
        {"Operations": [{**made("a"), "path": "/Roles"}]},
        {"Operations": [{**made("a"), "path": "//evil.example/Users"}]},
        {"Operations": [{**made("a"), "method": "GET"}]},
        {"Operations": [{"method": "DELETE", "path": "/Users"}]},
        {"Operations": [], "failOnErrors": -1},
        {"Operations": [], "failOnErrors": True},
        {"Operations": [], "failOnErrors": "1"},
    ],
)
def test_what_is_no_bulk_request_is_refused_whole(body: Any) -> None:
    with pytest.raises(InvalidSyntax):
        read_bulk(body)


def test_one_operation_too_many_is_refused_with_413() -> None:
    assert len(read(*[made(str(index)) for index in range(MAX_OPERATIONS)]).operations) == MAX_OPERATIONS
    with pytest.raises(PayloadTooLarge) as refused:
        read(*[made(str(index)) for index in range(MAX_OPERATIONS + 1)])
    assert refused.value.status == 413


@given(
    st.lists(
        st.tuples(st.integers(0, 7), st.sets(st.integers(0, 9), max_size=3)), max_size=8, unique_by=lambda one: one[0]
    )
)
def test_whoever_refers_to_whom_each_is_done_once_and_makers_first_unless_in_a_circle(
    drawn: list[tuple[int, set[int]]],
) -> None:
    bulk = read(*[made(str(name), *map(str, needs)) for name, needs in drawn])
    found = [index for together in in_order(bulk.operations) for index in together]
    assert sorted(found) == list(range(len(drawn)))
    to_come = set(makers_of(bulk))
    stuck = False
    for index in found:
        operation = bulk.operations[index]
        to_come.discard(operation.bulk_id or "")
        waits = bool(operation.references() & to_come)
        # Once something is in a circle, only what is in one, or waits for one, is left.
        assert waits or not stuck or operation.references()
        stuck = stuck or waits


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=9)
    | st.sampled_from(["bulkId:a", "POST", "/Users", "PUT"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["Operations", "operations", "method", "path", "bulkId", "data", "version", "failOnErrors"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=14,
)


@given(JSON)
def test_whatever_is_sent_is_a_bulk_request_or_refused_in_scims_words(body: Any) -> None:
    with suppress(ScimError):
        bulk = read_bulk(body)
        assert sum(len(together) for together in in_order(bulk.operations)) == len(bulk.operations)
