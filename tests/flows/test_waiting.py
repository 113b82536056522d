"""Waiting: who knocked is listed once, let in with one click, linked anew, or dismissed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support.house import House, furnish
from tests.support.people import add_person, connect, knock, link, sign_in
from vestibule.directory.admins import Role
from vestibule.directory.end_users import EndUser
from vestibule.directory.sessions import KnockReason
from vestibule.flows import waiting as flow
from vestibule.kernel.errors import Forbidden, NotFound
from vestibule.storage import access, end_users, identity_links, knocks, sessions


def names(page: flow.WaitingPage) -> list[str]:
    return [one.name for one in page.knocks]


def entered(house: House, person: EndUser) -> list[str]:
    with house.runtime.database.reading() as tx:
        return [one.environment_id for one in access.access_of(tx, house.workspace.id, person.id)]


def test_another_try_counts_up_renews_what_was_said_and_comes_first(house: House) -> None:
    connection = connect(house)
    house.clock.freeze()
    first = knock(house, connection, None, None, "1")
    house.clock.advance(minutes=1)
    knock(house, connection, "Priya", "priya@example.com", "2")
    house.clock.advance(minutes=1)
    again = knock(house, connection, "Jonas", "jonas@example.com", "1")
    page = flow.list_waiting(house.runtime, house.owner)
    assert names(page) == ["Jonas", "Priya"]
    assert page.waiting == 2
    assert (again.id, again.attempts, again.first_at) == (first.id, 2, first.first_at)
    assert again.last_at > first.last_at


def test_pages_go_back_and_forth_and_nobody_is_lost(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow, "PAGE_SIZE", 3)
    connection = connect(house)
    house.clock.freeze()
    for number in range(8):
        knock(house, connection, f"{number}", None, f"{number}")
        house.clock.advance(seconds=number % 2)
    first = flow.list_waiting(house.runtime, house.owner)
    second = flow.list_waiting(house.runtime, house.owner, before=first.older)
    third = flow.list_waiting(house.runtime, house.owner, before=second.older)
    assert (len(first.knocks), len(second.knocks), len(third.knocks)) == (3, 3, 2)
    assert len({*names(first), *names(second), *names(third)}) == 8
    assert (first.newer, third.older) == (None, None)
    assert names(flow.list_waiting(house.runtime, house.owner, after=third.newer)) == names(second)
    back = flow.list_waiting(house.runtime, house.owner, after=second.newer)
    assert (names(back), back.newer) == (names(first), None)
    assert back.older


def test_what_an_idp_says_of_somebody_is_made_safe_to_show(house: House) -> None:
    connection = connect(house)
    knock(house, connection, "evil\u202etxt.exe", "e@example.com", "1")
    knock(house, connection, None, None, "\u2066id\u0007")
    shown = names(flow.list_waiting(house.runtime, house.owner))
    assert shown == ["\\u{2066}id\\u{7}", "evil\\u{202e}txt.exe"]


def test_access_is_given_with_one_click_to_whom_we_know_and_the_wait_is_over(house: House) -> None:
    connection, bram = connect(house), add_person(house, "Bram", "bram@example.com", "test")
    waiting = knock(house, connection, "Bram", "bram@example.com", "1", KnockReason.NO_ACCESS, bram.id)
    person, environment = flow.give_wanted_access(house.runtime, house.owner, waiting.id)
    assert (person.id, environment.name) == (bram.id, "DEV")
    assert environment.id in entered(house, bram)
    assert flow.list_waiting(house.runtime, house.owner).waiting == 0
    with pytest.raises(NotFound):
        flow.give_wanted_access(house.runtime, house.owner, waiting.id)


def test_access_is_not_given_for_an_unknown_person_or_a_reused_address(house: House) -> None:
    connection, old = connect(house), add_person(house, "Old", "shared@example.com", "test")
    unknown = knock(house, connection, "Jonas", "jonas@example.com", "1")
    reused = knock(house, connection, "New", "shared@example.com", "2", KnockReason.ADDRESS_REUSED, old.id)
    for waiting in (unknown, reused):
        with pytest.raises(flow.NotThisWay):
            flow.give_wanted_access(house.runtime, house.owner, waiting.id)
    with pytest.raises(flow.NotThisWay):
        flow.move_link_to_newcomer(house.runtime, house.owner, unknown.id)
    assert len(entered(house, old)) == 1


def test_dismissing_forgets_once_and_another_try_brings_them_back(house: House) -> None:
    connection = connect(house)
    waiting = knock(house, connection)
    for _ in range(2):
        flow.dismiss(house.runtime, house.owner, waiting.id)
    assert flow.list_waiting(house.runtime, house.owner).waiting == 0
    assert knock(house, connection).attempts == 1


def test_the_newcomer_takes_the_accounts_link_and_the_old_identitys_sessions_end(house: House) -> None:
    connection, old = connect(house), add_person(house, "Old", "shared@example.com", "dev")
    with house.runtime.database.transaction() as tx:
        end_users.note_sign_in(tx, house.workspace.id, old.id, house.clock())
    sign_in(house, old, "dev", connection, link(house, old, connection, "before"))
    waiting = knock(house, connection, "New", "shared@example.com", "now", KnockReason.ADDRESS_REUSED, old.id)
    seen = flow.look_at_reused_address(house.runtime, house.owner, waiting.id)
    assert (seen.holder.id, seen.link and seen.link.subject_value) == (old.id, "before")
    flow.move_link_to_newcomer(house.runtime, house.owner, waiting.id)
    with house.runtime.database.reading() as tx:
        links = identity_links.list_identity_links(tx, house.workspace.id, old.id)
        assert [one.subject_value for one in links] == ["now"]
        assert sessions.list_sessions(tx, house.workspace.id, old.id, house.clock()) == ()
        assert knocks.count_knocks(tx, house.workspace.id) == 0


def test_no_link_moves_to_an_account_out_of_the_connections_reach(house: House) -> None:
    connection = connect(house, domains=("example.com",))
    old = add_person(house, "Old", "old@other.example", "dev")
    waiting = knock(house, connection, "New", "old@example.com", "1", KnockReason.ADDRESS_REUSED, old.id)
    with pytest.raises(flow.OutOfReach):
        flow.move_link_to_newcomer(house.runtime, house.owner, waiting.id)
    with house.runtime.database.reading() as tx:
        assert identity_links.list_identity_links(tx, house.workspace.id, old.id) == ()


def test_nobody_sees_or_touches_who_waits_in_another_workspace(house: House) -> None:
    other = furnish(house.runtime, house.clock, name="Other")
    key = next(iter(other.environments))
    stranger = add_person(other, "Stranger", "s@example.com")
    theirs = knock(other, connect(other, key), "S", "s@example.com", "1", KnockReason.NO_ACCESS, stranger.id)
    assert flow.list_waiting(house.runtime, house.owner).knocks == ()
    flow.dismiss(house.runtime, house.owner, theirs.id)
    with pytest.raises(NotFound):
        flow.give_wanted_access(house.runtime, house.owner, theirs.id)
    with pytest.raises(NotFound):
        flow.look_at_reused_address(house.runtime, house.owner, theirs.id)
    assert flow.list_waiting(house.runtime, other.owner).waiting == 1


def test_an_auditor_sees_who_waits_and_changes_nothing(house: House) -> None:
    auditor = house.caller(replace(house.owner.admin, role=Role.AUDITOR))
    waiting = knock(house, connect(house))
    assert flow.list_waiting(house.runtime, auditor).waiting == 1
    for act in (flow.dismiss, flow.give_wanted_access, flow.move_link_to_newcomer, flow.look_at_reused_address):
        with pytest.raises(Forbidden):
            act(house.runtime, auditor, waiting.id)
    assert flow.list_waiting(house.runtime, auditor).waiting == 1
