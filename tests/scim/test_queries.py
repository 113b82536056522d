"""What a list request asks for, and what is refused of it."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestibule.scim.attributes import resolve
from vestibule.scim.errors import InvalidCount, InvalidCursor, InvalidFilter, InvalidSyntax, InvalidValue, ScimError
from vestibule.scim.filters import Compare, parse_filter
from vestibule.scim.queries import Lookup, lookup_of, parameters_of_search, parse_query
from vestibule.scim.schemas import DEFAULT_COUNT, GROUP, MAX_RESULTS, USER


def test_without_parameters_it_is_the_first_page() -> None:
    query = parse_query(USER, {})
    assert (query.start_index, query.count, query.cursor, query.filter, query.descending) == (
        1,
        DEFAULT_COUNT,
        None,
        None,
        False,
    )


@pytest.mark.parametrize(
    ("sent", "start_index", "count"),
    [
        ("0", 1, 0),
        ("-5", 1, 0),
        ("1", 1, 1),
        (str(MAX_RESULTS), MAX_RESULTS, MAX_RESULTS),
        ("9" * 30, 2_000_000_000, MAX_RESULTS),
    ],
)
def test_pages_are_brought_into_their_bounds_as_the_rfc_says(sent: str, start_index: int, count: int) -> None:
    query = parse_query(USER, {"startIndex": sent, "count": sent})
    assert (query.start_index, query.count) == (start_index, count)


@pytest.mark.parametrize("name", ["startIndex", "count"])
@pytest.mark.parametrize("sent", ["one", "1.5", "0x1", "NaN"])
def test_a_page_that_is_no_number_is_refused(name: str, sent: str) -> None:
    with pytest.raises(InvalidValue):
        parse_query(USER, {name: sent})


def test_a_count_that_is_none_is_named_by_rfc_9865_where_a_cursor_is_used() -> None:
    with pytest.raises(InvalidCount) as refused:
        parse_query(USER, {"cursor": "", "count": "many"})
    assert refused.value.body()["scimType"] == "invalidCount"


@pytest.mark.parametrize("sent", ["ascending", "DESCENDING", "Descending", ""])
def test_an_order_is_read_in_any_case(sent: str) -> None:
    assert parse_query(USER, {"sortOrder": sent}).descending is sent.lower().startswith("d")


def test_another_order_is_refused_and_an_unknown_attribute_sorts_nothing() -> None:
    with pytest.raises(InvalidValue):
        parse_query(USER, {"sortBy": "userName", "sortOrder": "down"})
    assert parse_query(USER, {"sortBy": "favouriteColour"}).sort_by is None


def test_a_cursor_goes_on_with_its_own_question_only() -> None:
    asked = {"filter": "title pr", "sortBy": "userName"}
    cursor = parse_query(USER, {**asked, "cursor": ""}).cursor_after(("maya", "scu_1"))
    assert parse_query(USER, {**asked, "cursor": cursor}).cursor == ("maya", "scu_1")
    for other in ({}, {**asked, "filter": "title eq null"}, {**asked, "sortOrder": "descending"}):
        with pytest.raises(InvalidCursor):
            parse_query(USER, {**other, "cursor": cursor})


@given(st.text(max_size=40))
def test_a_cursor_of_somebody_elses_making_is_refused(text: str) -> None:
    with suppress(InvalidCursor):
        assert parse_query(USER, {"cursor": text}).cursor == ()
        assert not text


@pytest.mark.parametrize("value", [r'"\u0000"', r'"\ud800"', "\ud800", '"a\0b"', "a\0"])
def test_a_filter_for_what_no_database_keeps_is_refused(value: str) -> None:
    with pytest.raises(InvalidFilter):
        parse_filter(USER, f"userName eq {value}")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("externalId eq 0012", "0012"),
        ("externalId eq 1.50", "1.50"),
        ("externalId eq 12345678901234567890", "12345678901234567890"),
        ("userName eq maya@example.com", "maya@example.com"),
        ("userName%20eq%20%22maya%22", "maya"),
        ('active eq "False"', False),
        ("active EQ TRUE", True),
        ("title eq null", None),
        ('meta.lastModified ge "2026-01-02T03:04:05.1234567Z"', "2026-01-02T03:04:05.123456+00:00"),
        ('meta.lastModified ge "2026-01-02T03:04:05 02:00"', "2026-01-02T01:04:05+00:00"),
    ],
)
def test_a_value_is_read_as_its_attribute_has_it(text: str, value: Any) -> None:
    found = parse_filter(USER, text)
    assert isinstance(found, Compare)
    assert found.value == value
    assert type(found.value) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        "active gt true",
        'active eq "perhaps"',
        'meta.created gt "yesterday"',
        'x509Certificates.value lt "AA=="',
        "userName eq a b",
        "not userName pr",
        "(userName pr",
        "userName pr)",
        "emails[emails[type pr]]",
        "title[value pr]",
        "userName",
        "userName eq",
        "userName is x",
        'userName eq "x',
        "(" * 41 + "userName pr" + ")" * 41,
        " or ".join(["userName pr"] * 201),
        "userName eq " + "x" * 8000,
    ],
)
def test_what_is_no_filter_is_an_invalid_filter(text: str) -> None:
    with pytest.raises(InvalidFilter) as refused:
        parse_filter(USER, text)
    assert refused.value.body()["scimType"] == "invalidFilter"


@pytest.mark.parametrize("body", [None, [], {"filter": 1.5}, {"count": True}, {"attributes": [1]}, {"sortBy": {}}])
def test_what_is_no_search_is_refused(body: Any) -> None:
    with pytest.raises(InvalidSyntax):
        parameters_of_search(body)


NAMES = ["filter", "sortBy", "sortOrder", "startIndex", "count", "cursor", "attributes", "excludedAttributes"]


@given(st.dictionaries(st.sampled_from(NAMES), st.text(max_size=20)))
def test_whatever_is_asked_it_is_a_query_or_refused_in_scims_words(parameters: dict[str, str]) -> None:
    for kind in (USER, GROUP):
        with suppress(ScimError):
            assert parse_query(kind, parameters).count <= MAX_RESULTS


@pytest.mark.parametrize(
    ("parameters", "lookup"),
    [
        ({"filter": 'userName eq "maya@example.com"'}, Lookup("userName", "maya@example.com", DEFAULT_COUNT)),
        ({"filter": ' USERNAME  Eq "Maya Park" ', "startIndex": "1"}, Lookup("userName", "Maya Park", DEFAULT_COUNT)),
        ({"filter": 'externalid eq "é"', "count": "1", "startIndex": "0"}, Lookup("externalId", "é", 1)),
        (
            {"filter": 'emails.value eq "a@b.example"', "count": "9999"},
            Lookup("emails.value", "a@b.example", MAX_RESULTS),
        ),
        ({"filter": 'userName eq "x"', "excludedAttributes": "groups"}, Lookup("userName", "x", DEFAULT_COUNT)),
    ],
)
def test_a_filter_by_one_indexed_value_is_a_lookup(parameters: dict[str, str], lookup: Lookup) -> None:
    assert lookup_of("Users", parameters) == lookup


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"filter": ""},
        {"filter": 'userName ne "x"'},
        {"filter": 'userName eq ""'},
        {"filter": "userName eq x"},
        {"filter": 'userName eq "x'},
        {"filter": 'userName eq "x" and active eq true'},
        {"filter": 'not (userName eq "x")'},
        {"filter": r'userName eq "\u0078"'},
        {"filter": 'userName eq "a\tb"'},
        {"filter": 'userName eq "a\0b"'},
        {"filter": 'userName eq "\ud800"'},
        {"filter": f'userName eq "{"x" * 501}"'},
        {"filter": 'u\u017fername eq "x"'},
        {"filter": 'title eq "x"'},
        {"filter": 'emails eq "x"'},
        {"filter": 'userName eq "x"', "startIndex": "2"},
        {"filter": 'userName eq "x"', "startIndex": "first"},
        {"filter": 'userName eq "x"', "count": "0"},
        {"filter": 'userName eq "x"', "count": "many"},
        {"filter": 'userName eq "x"', "cursor": ""},
        {"filter": 'userName eq "x"', "sortBy": "id"},
        {"filter": 'userName eq "x"', "sortOrder": "down"},
        # Python and the databases differ in which of these letters are alike.
        {"filter": 'emails.value eq "İ@example.com"'},
    ],
)
def test_whatever_has_to_be_understood_is_no_lookup(parameters: dict[str, str]) -> None:
    assert lookup_of("Users", parameters) is None


def test_groups_are_looked_up_by_what_they_have_and_users_by_what_those_have() -> None:
    named = {"filter": 'displayName eq "Designers"', "excludedAttributes": "members"}
    assert lookup_of("Groups", named) == Lookup("displayName", "Designers", DEFAULT_COUNT)
    assert lookup_of("Groups", {"filter": 'EXTERNALID eq "1"'}) == Lookup("externalId", "1", DEFAULT_COUNT)
    assert lookup_of("Users", named) is None
    for name in ("userName", "emails.value", "members"):
        assert lookup_of("Groups", {"filter": f'{name} eq "x"'}) is None


PIECES = [
    "userName",
    "externalId",
    "EMAILS.VALUE",
    "title",
    " ",
    "\t",
    "eq",
    "EQ",
    '"',
    "\\",
    "maya@b.example",
    "é",
    "(",
    "and",
]


@given(
    st.lists(st.sampled_from(PIECES), max_size=8).map("".join)
    | st.builds('{} eq "{}"'.format, st.sampled_from(PIECES[:4]), st.text(max_size=8)),
    st.dictionaries(st.sampled_from(["startIndex", "count"]), st.sampled_from(["", "0", "1", "2", "-3", "1000", "x"])),
)
def test_a_lookup_says_what_the_query_says(text: str, page: dict[str, str]) -> None:
    parameters = {"filter": text, **page}
    lookup = lookup_of("Users", parameters)
    if lookup is None:
        return
    query = parse_query(USER, parameters)
    assert query.filter == Compare(resolve(USER, lookup.by), "eq", lookup.value)
    assert (query.count, query.start_index, query.cursor, query.tolerated) == (lookup.count, 1, None, frozenset())
