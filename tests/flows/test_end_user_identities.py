"""Identities and sessions of an end user: a link is broken or moved by an admin, with the sessions that rest on it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support.house import House, furnish
from tests.support.people import add_person, connect, link, sign_in
from vestibule.directory.activity import ActivityFilter
from vestibule.directory.admins import Role
from vestibule.directory.end_users import EndUser
from vestibule.flows import end_user_identities as flow
from vestibule.kernel.errors import Forbidden, Invalid, NotFound
from vestibule.storage import activity, end_users, identity_links, sessions


@pytest.fixture
def maya(house: House) -> EndUser:
    return _active(house, "Maya", "maya@example.com")


def _active(house: House, name: str, email: str) -> EndUser:
    person = add_person(house, name, email, "dev", "test")
    with house.runtime.database.transaction() as tx:
        end_users.note_sign_in(tx, house.workspace.id, person.id, house.clock())
    return person


def links_of(house: House, person: EndUser) -> list[str]:
    with house.runtime.database.reading() as tx:
        return [one.subject_value for one in identity_links.list_identity_links(tx, house.workspace.id, person.id)]


def sessions_of(house: House, person: EndUser) -> list[str]:
    with house.runtime.database.reading() as tx:
        return [one.id for one in sessions.list_sessions(tx, house.workspace.id, person.id, house.clock())]


def actions(house: House, person: EndUser) -> list[str]:
    with house.runtime.database.reading() as tx:
        wanted = ActivityFilter(subject_id=person.id)
        entries = activity.page(tx, house.workspace.id, wanted, before=None, after=None, size=50)
    return [entry.event.action for entry in entries]


def test_breaking_a_link_ends_the_sessions_that_rest_on_it_and_no_others(house: House, maya: EndUser) -> None:
    connection = connect(house)
    link_id = link(house, maya, connection)
    sign_in(house, maya, "dev", connection, link_id)
    kept = sign_in(house, maya, "test")
    flow.break_link(house.runtime, house.owner, maya.id, link_id)
    assert links_of(house, maya) == []
    assert sessions_of(house, maya) == [kept]
    assert actions(house, maya)[0] == "end_user.link_broken"
    with pytest.raises(NotFound):
        flow.break_link(house.runtime, house.owner, maya.id, link_id)


def test_a_moved_identity_signs_in_as_the_other_person_and_both_records_say_so(house: House, maya: EndUser) -> None:
    connection, bram = connect(house), _active(house, "Bram", "bram@example.com")
    link_id = link(house, maya, connection, "00u1")
    sign_in(house, maya, "dev", connection, link_id)
    flow.move_link(house.runtime, house.owner, maya.id, link_id, " BRAM@example.com")
    assert (links_of(house, maya), links_of(house, bram)) == ([], ["00u1"])
    assert sessions_of(house, maya) == []
    assert (actions(house, maya)[0], actions(house, bram)[0]) == (
        "end_user.link_moved_away",
        "end_user.link_moved_here",
    )


def test_an_identity_moves_to_nobody_oneself_the_already_linked_and_those_out_of_reach(
    house: House, maya: EndUser
) -> None:
    connection = connect(house, domains=("example.com",))
    link_id = link(house, maya, connection, "00u1")
    bram = _active(house, "Bram", "bram@example.com")
    link(house, bram, connection, "00u2")
    _active(house, "Out Of Reach", "out@other.example")
    other = furnish(house.runtime, house.clock, name="Other")
    add_person(other, "Other", "only-there@example.com")
    for email in (
        "",
        "x",
        "nobody@example.com",
        "maya@example.com",
        "bram@example.com",
        "out@other.example",
        "only-there@example.com",
    ):
        with pytest.raises(Invalid) as caught:
            flow.move_link(house.runtime, house.owner, maya.id, link_id, email)
        assert [error.field for error in caught.value.errors] == ["email"]
    assert (links_of(house, maya), links_of(house, bram)) == (["00u1"], ["00u2"])


def test_a_link_is_found_under_its_own_person_only(house: House, maya: EndUser) -> None:
    connection, bram = connect(house), _active(house, "Bram", "bram@example.com")
    link_id = link(house, maya, connection)
    for end_user_id, of in ((bram.id, link_id), (maya.id, "lnk_x"), (maya.id, ""), ("usr_x", link_id)):
        with pytest.raises(NotFound):
            flow.look_at_link(house.runtime, house.owner, end_user_id, of)
        with pytest.raises(NotFound):
            flow.break_link(house.runtime, house.owner, end_user_id, of)
    assert links_of(house, maya) == ["00u1"]


def test_one_session_ends_and_only_ones_own(house: House, maya: EndUser) -> None:
    bram = _active(house, "Bram", "bram@example.com")
    first, second, of_bram = sign_in(house, maya), sign_in(house, maya, "test"), sign_in(house, bram)
    flow.end_session(house.runtime, house.owner, maya.id, first)
    for session_id in (first, of_bram, "ses_x", ""):
        flow.end_session(house.runtime, house.owner, maya.id, session_id)
    assert (sessions_of(house, maya), sessions_of(house, bram)) == ([second], [of_bram])
    assert actions(house, maya).count("end_user.session_ended") == 1


def test_an_auditor_ends_breaks_and_moves_nothing(house: House, maya: EndUser) -> None:
    auditor = house.caller(replace(house.owner.admin, role=Role.AUDITOR))
    link_id = link(house, maya, connect(house))
    with pytest.raises(Forbidden):
        flow.break_link(house.runtime, auditor, maya.id, link_id)
    with pytest.raises(Forbidden):
        flow.move_link(house.runtime, auditor, maya.id, link_id, "b@example.com")
    with pytest.raises(Forbidden):
        flow.end_session(house.runtime, auditor, maya.id, "ses_x")
