"""The list of end users: filters, search and keyset pages, checked against the same question asked of everybody in Python."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from sqlalchemy import event, select

from bench.people import fill
from tests.support.house import House, TestClock, furnish, make_runtime
from tests.support.people import add_person, group_of
from tests.support.steps import counting_steps
from vestibule.directory.end_users import (
    EndUser,
    EndUserFilter,
    EndUserPage,
    EndUserStatus,
    Position,
    search_beginning,
    search_terms,
    search_words,
)
from vestibule.directory.sources import Source
from vestibule.kernel.text import fold
from vestibule.storage import access, end_user_list, groups
from vestibule.storage import end_users as storage
from vestibule.storage.database import Transaction
from vestibule.storage.tables import end_users as end_users_table


def page(
    house: House, wanted: EndUserFilter, *, after: Position | None = None, before: Position | None = None
) -> EndUserPage:
    with house.runtime.database.reading() as tx:
        return end_user_list.page(tx, house.workspace.id, wanted, after=after, before=before)


def names(found: EndUserPage) -> list[str]:
    return [row.end_user.full_name for row in found.rows]


def forwards(house: House, wanted: EndUserFilter) -> Iterator[EndUserPage]:
    found = page(house, wanted)
    yield found
    while found.next:
        found = page(house, wanted, after=found.next)
        yield found


@dataclass(frozen=True)
class Known:
    """What one person is, read by their id."""

    end_user: EndUser
    terms: frozenset[str]
    entered: frozenset[str]
    joined: frozenset[str]


@dataclass(frozen=True)
class Crowd:
    """A house with many people."""

    house: House
    group_id: str
    everybody: tuple[Known, ...]


@pytest.fixture
def crowd(house: House) -> Crowd:
    fill(house.runtime.database, house.workspace.id, list(house.environments.values()), 180, seed=7)
    with house.runtime.database.reading() as tx:
        listed = groups.list_groups(tx, house.workspace.id, house.environments["prod"].id)
        ids = tx.execute(select(end_users_table.c.id)).scalars().all()
        everybody = tuple(_known(tx, house, end_user_id) for end_user_id in ids)
    group = max((group for group in listed if not group.built_in), key=lambda group: group.members)
    return Crowd(house, group.id, everybody)


def _known(tx: Transaction, house: House, end_user_id: str) -> Known:
    one = storage.find_end_user(tx, house.workspace.id, end_user_id)
    assert one
    entered = {place.environment_id for place in access.access_of(tx, one.workspace_id, one.id)}
    joined = {group.group_id for group in access.memberships_of(tx, one.workspace_id, one.id)}
    return Known(one, search_terms(one.full_name, one.email), frozenset(entered), frozenset(joined))


def expected(crowd: Crowd, wanted: EndUserFilter) -> set[str]:
    """Answer the question person by person, without an index and without SQL's WHERE."""
    return {
        one.end_user.id
        for one in crowd.everybody
        if all(any(term.startswith(word) for term in one.terms) for word in wanted.words)
        and fold(one.end_user.full_name).startswith(wanted.beginning)
        and one.entered.issuperset(wanted.environment_ids)
        and (wanted.group_id is None or wanted.group_id in one.joined)
        and wanted.status in {None, one.end_user.status}
        and wanted.source in {None, one.end_user.source}
    }


def test_every_filter_and_search_finds_who_fits_and_nobody_else_once(crowd: Crowd) -> None:
    dev, prod = crowd.house.environments["dev"].id, crowd.house.environments["prod"].id
    some = random.Random(3)  # noqa: S311 - which questions are asked is no secret
    words = ["", "m", "ma", "maria", "example", "maria b", "b maria", "labs.example ma", "zz"]
    questions = [
        EndUserFilter(
            words=search_words(some.choice(words)),
            environment_ids=some.choice([(), (), (dev,), (prod,), (dev, prod)]),
            group_id=some.choice([None, None, crowd.group_id]),
            status=some.choice([None, None, EndUserStatus.ACTIVE, EndUserStatus.INVITED]),
            source=some.choice([None, None, Source.SCIM, Source.MANUAL]),
        )
        for _ in range(40)
    ]
    answered = 0
    for wanted in questions:
        found = [row.end_user.id for one in forwards(crowd.house, wanted) for row in one.rows]
        assert len(found) == len(set(found)), wanted
        assert set(found) == expected(crowd, wanted), wanted
        answered += bool(found)
    assert answered > 15


def test_pages_are_full_in_order_and_lead_back_the_way_they_came(crowd: Crowd) -> None:
    for wanted in (
        EndUserFilter(),
        EndUserFilter(words=("ex",)),
        EndUserFilter(environment_ids=(crowd.house.environments["prod"].id,)),
    ):
        pages = list(forwards(crowd.house, wanted))
        assert len(pages) > 1
        assert all(len(one.rows) == 25 for one in pages[:-1])
        assert pages[0].previous is None
        back = pages[-1]
        for one in reversed(pages[:-1]):
            assert back.previous
            back = page(crowd.house, wanted, before=back.previous)
            assert names(back) == names(one)
            assert back.next
        assert back.previous is None
    everybody = [fold(name) for one in forwards(crowd.house, EndUserFilter()) for name in names(one)]
    assert everybody == sorted(everybody)
    assert len(everybody) == 180


def test_somebody_added_or_deleted_between_two_pages_moves_nobody_else(crowd: Crowd) -> None:
    first = page(crowd.house, EndUserFilter())
    second = names(page(crowd.house, EndUserFilter(), after=first.next))
    add_person(crowd.house, "Aaa First", "first@example.com")
    with crowd.house.runtime.database.transaction() as tx:
        # The very person whose place the position names is gone.
        storage.delete_end_user(tx, crowd.house.workspace.id, first.rows[-1].end_user.id)
    assert names(page(crowd.house, EndUserFilter(), after=first.next)) == second


def test_a_row_carries_environments_in_the_order_of_the_picker_and_groups_by_name(house: House) -> None:
    designers, reviewers = group_of(house, "prod", "designers"), group_of(house, "dev", "Reviewers")
    maya = add_person(house, "Maya", "maya@example.com", "prod", "dev", group=designers)
    with house.runtime.database.transaction() as tx:
        access.add_member(tx, house.workspace.id, reviewers.id, maya.id, source=Source.SCIM, now=house.clock())
    (row,) = page(house, EndUserFilter()).rows
    assert row.environment_ids == (house.environments["dev"].id, house.environments["prod"].id)
    assert [group.name for group in row.groups] == ["designers", "Reviewers"]


@pytest.mark.parametrize(
    "typed", ["yildiz", "@example.com", "łuk", "zoë", "ZOË", "o'brien", "brien", "maya@exa", "example.com", "𝕄aya"]
)
def test_search_finds_beginnings_without_case_in_any_script(house: House, typed: str) -> None:
    add_person(house, "Elif Yildiz", "elif@example.com")
    add_person(house, "Łukasz Żak", "lukasz@other.example")
    add_person(house, "Zoë O'Brien", "zoe@other.example")
    add_person(house, "Maya Lindqvist", "maya@example.com")
    add_person(house, "Nobody Else", "else@third.test")
    found = names(page(house, EndUserFilter(words=search_words(typed))))
    assert found
    assert "Nobody Else" not in found


@pytest.mark.parametrize(
    "typed", ["%", "_", "ma%", "\\", "'; DROP TABLE end_users; --", "\U0010ffff", "\ud7ff", "a" * 500]
)
def test_search_takes_nothing_for_a_pattern_or_for_sql(house: House, typed: str) -> None:
    add_person(house, "Maya Lindqvist", "maya@example.com")
    assert names(page(house, EndUserFilter(words=search_words(typed)))) == []
    assert names(page(house, EndUserFilter())) == ["Maya Lindqvist"]


@pytest.mark.parametrize(
    "position",
    [
        ("name",),
        ("name", "a"),
        ("word-0", "a", "b", "c"),
        ("group", "a", "b"),
        ("", "", ""),
        ("name", "a", "b", "c"),
        ("beginning", "a", "b"),
    ],
)
def test_a_position_that_does_not_fit_leads_to_the_first_page(house: House, position: Position) -> None:
    add_person(house, "Maya", "maya@example.com")
    for found in (page(house, EndUserFilter(), after=position), page(house, EndUserFilter(), before=position)):
        assert names(found) == ["Maya"]
        assert found.previous is None


def test_nobody_of_another_workspace_is_listed_searched_or_counted(house: House) -> None:
    other = furnish(house.runtime, house.clock, name="Other")
    key = next(iter(other.environments))
    add_person(other, "Maya Other", "maya@example.com", key)
    add_person(house, "Maya Lindqvist", "maya@example.com")
    assert names(page(house, EndUserFilter())) == ["Maya Lindqvist"]
    assert names(page(house, EndUserFilter(words=("maya",)))) == ["Maya Lindqvist"]
    assert names(page(house, EndUserFilter(environment_ids=(other.environments[key].id,)))) == []
    with house.runtime.database.reading() as tx:
        assert end_user_list.count_end_users(tx, house.workspace.id) == 1


def test_a_page_takes_the_same_few_statements_however_many_people_it_shows(crowd: Crowd) -> None:
    said: list[str] = []
    engine = crowd.house.runtime.database.engine

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        said.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        page(crowd.house, EndUserFilter())
        plain = len(said)
        page(crowd.house, EndUserFilter(words=("ma", "b"), status=EndUserStatus.ACTIVE))
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert plain == 3
    assert len(said) - plain == 4  # one of them counts


def test_where_every_condition_is_met_by_many_one_more_statement_says_how_far_to_look(
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(end_user_list, "MOST_LOOKED_THROUGH", 30)
    wanted = EndUserFilter(words=("ex", "e"), status=EndUserStatus.ACTIVE)
    said: list[str] = []
    engine = crowd.house.runtime.database.engine

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        said.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        found = page(crowd.house, wanted)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert found.rows
    assert len(said) == 5


def test_a_count_stops_where_counting_would_cost(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(end_user_list, "MOST_COUNTED", 2)
    for number in range(5):
        add_person(house, f"Person {number}", f"{number}@example.com")
    with house.runtime.database.reading() as tx:
        assert end_user_list.count_end_users(tx, house.workspace.id) == 3


def questions(crowd: Crowd, count: int) -> list[EndUserFilter]:
    dev, prod = crowd.house.environments["dev"].id, crowd.house.environments["prod"].id
    some = random.Random(5)  # noqa: S311 - which questions are asked is no secret
    words = ["", "m", "ma", "maria", "example", "maria b", "b maria", "labs.example ma", "ex e", "ma ja"]
    return [
        EndUserFilter(
            words=search_words(some.choice(words)),
            environment_ids=some.choice([(), (), (dev,), (prod,), (dev, prod)]),
            group_id=some.choice([None, None, crowd.group_id]),
            status=some.choice([None, EndUserStatus.ACTIVE, EndUserStatus.INVITED]),
            source=some.choice([None, Source.SCIM, Source.MANUAL]),
            beginning=some.choice(["", "", "", "maria", "ma"]),
        )
        for _ in range(count)
    ]


@pytest.mark.parametrize("budget", [35, 42, 200])
def test_searches_that_stop_before_a_page_is_full_lose_nobody_and_show_nobody_twice(
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch, budget: int
) -> None:
    monkeypatch.setattr(end_user_list, "MOST_LOOKED_THROUGH", budget)
    monkeypatch.setattr(end_user_list, "PAGE_SIZE", 6)
    stopped = 0
    for wanted in questions(crowd, 20):
        pages = list(forwards(crowd.house, wanted))
        found = [row.end_user.id for one in pages for row in one.rows]
        assert len(found) == len(set(found)), wanted
        assert set(found) == expected(crowd, wanted), wanted
        back, last = list(pages[-1].rows), pages[-1]
        while last.previous:
            last = page(crowd.house, wanted, before=last.previous)
            back = [*last.rows, *back]
        assert [row.end_user.id for row in back] == found, wanted
        stopped += any(one.looked_through for one in pages)
        assert all(one.looked_through is None or (one.next and len(one.rows) < 6) for one in pages)
    assert stopped or budget == 200


def test_the_way_back_from_pages_with_nobody_on_them_leads_over_the_same_people(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(end_user_list, "MOST_LOOKED_THROUGH", 3)
    for number in range(12):
        key = "prod" if number in {0, 11} else "dev"
        add_person(house, f"Maya {number:02}", f"maya{number}@example.com", key)
    wanted = EndUserFilter(words=("maya",), environment_ids=(house.environments["prod"].id,))
    monkeypatch.setattr(end_user_list, "_rarest", lambda _tx, choice: (choice[0], False))
    there = list(forwards(house, wanted))
    assert [names(one) for one in there if one.rows] == [["Maya 00"], ["Maya 11"]]
    assert [] in [names(one) for one in there]
    back = there[-1]
    seen = [names(back)]
    while back.previous:
        back = page(house, wanted, before=back.previous)
        seen.append(names(back))
        again = page(house, wanted, after=back.next)
        assert names(again) == seen[-2]
    assert [one for one in seen if one] == [["Maya 11"], ["Maya 00"]]


def test_the_beginning_of_a_full_name_leads_to_where_both_names_are(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(end_user_list, "MOST_LOOKED_THROUGH", 3)
    for number, name in enumerate(
        ["John Able", "John Best", "John Cole", "John Smith", "Ann Smith", "Bo Smith", "Cy Smith"]
    ):
        add_person(house, name, f"{number}@example.com")
    assert names(page(house, EndUserFilter(words=("john", "smith")))) == []
    found = page(house, EndUserFilter(beginning=search_beginning(" “John  SM” ")))
    assert names(found) == ["John Smith"]
    assert found.next is None


def test_a_search_that_a_rare_condition_narrows_is_answered_in_one_go(
    crowd: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = crowd.everybody[0].end_user
    monkeypatch.setattr(end_user_list, "MOST_LOOKED_THROUGH", 5)
    for words in (("example", one.email), (one.email, "e"), ("ex", "e", one.email[:-3])):
        found = page(crowd.house, EndUserFilter(words=words))
        assert [row.end_user.id for row in found.rows] == [one.id]
        assert found.next is None
        assert found.looked_through is None


def test_a_page_is_bounded_however_many_people_there_are(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # SQLite counts its steps. PostgreSQL takes the same statements; `make bench` compares them at a million.
    monkeypatch.setattr(end_user_list, "MOST_LOOKED_THROUGH", 50)
    clock = TestClock()
    runtime = make_runtime(sqlite_url, clock)
    taken: dict[int, list[int]] = {}
    for people in (2_000, 12_000):
        house = furnish(runtime, clock, name=f"House{people}")
        environments = list(house.environments.values())
        fill(runtime.database, house.workspace.id, environments, people)
        asked: tuple[tuple[EndUserFilter, Position | None], ...] = (
            (EndUserFilter(words=("maria", "james")), None),
            (EndUserFilter(words=("m",)), ("word-0", "maria.", "", "")),
            (EndUserFilter(words=("ma",), status=EndUserStatus.DEACTIVATED, source=Source.IMPORT), None),
            (EndUserFilter(environment_ids=(environments[-1].id,), status=EndUserStatus.DEACTIVATED), None),
        )
        taken[people] = [steps(house, *one) for one in asked]
    runtime.database.close()
    assert all(many < 2 * few for few, many in zip(*taken.values(), strict=True)), taken


def steps(house: House, wanted: EndUserFilter, after: Position | None) -> int:
    with house.runtime.database.reading() as tx, counting_steps(tx) as counted:
        end_user_list.page(tx, house.workspace.id, wanted, after=after)
    return counted.taken
