"""One end user: profile, access and groups as differences, standing, links for a password; each at once and on the record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.support.house import House, furnish
from tests.support.people import add_person, connect, group_of, link, sign_in
from vestibule.directory.activity import ActivityFilter, Entry
from vestibule.directory.admins import Role
from vestibule.directory.end_users import AccessChange, EndUser, EndUserFilter, EndUserStatus
from vestibule.directory.one_time_links import Purpose
from vestibule.directory.sources import Source
from vestibule.flows import end_user as flow
from vestibule.flows import end_users
from vestibule.flows.parts.callers import AdminCaller
from vestibule.flows.parts.people import EmailTaken, HandedOut, NoPassword
from vestibule.flows.parts.runtime import Runtime
from vestibule.kernel.errors import Forbidden, Invalid, NotFound
from vestibule.kernel.secrets import token_hash
from vestibule.storage import access, activity, one_time_links, sessions
from vestibule.storage import end_users as storage


def change(
    shown: set[str] | None = None,
    ticked: set[str] | None = None,
    shown_groups: set[str] | None = None,
    groups: set[str] | None = None,
) -> AccessChange:
    return AccessChange(
        frozenset(shown or set()),
        frozenset(ticked or set()),
        frozenset(shown_groups or set()),
        frozenset(groups or set()),
    )


def apply(house: House, person: EndUser, wanted: AccessChange) -> None:
    flow.change_access(house.runtime, house.owner, person.id, wanted)


def entered(house: House, person: EndUser) -> set[str]:
    with house.runtime.database.reading() as tx:
        return {one.environment_id for one in access.access_of(tx, house.workspace.id, person.id)}


def joined(house: House, person: EndUser) -> set[str]:
    with house.runtime.database.reading() as tx:
        return {one.group_id for one in access.memberships_of(tx, house.workspace.id, person.id)}


def last(house: House, person: EndUser) -> Entry:
    with house.runtime.database.reading() as tx:
        wanted = ActivityFilter(subject_id=person.id)
        return activity.page(tx, house.workspace.id, wanted, before=None, after=None, size=1)[0]


def live_sessions(house: House, person: EndUser) -> int:
    with house.runtime.database.reading() as tx:
        return len(sessions.list_sessions(tx, house.workspace.id, person.id, house.clock()))


def hash_in(handed: HandedOut) -> str:
    assert handed.url
    return token_hash(handed.url.rpartition("/")[2])


def works(house: House, hashed: str) -> bool:
    with house.runtime.database.reading() as tx:
        return one_time_links.find_link(tx, hashed, house.clock()) is not None


@pytest.fixture
def maya(house: House) -> EndUser:
    person = add_person(house, "Maya Lindqvist", "maya@example.com", "dev", "test")
    with house.runtime.database.transaction() as tx:
        storage.note_sign_in(tx, house.workspace.id, person.id, house.clock())
    return person


def test_the_page_shows_access_groups_sources_links_sessions_and_what_happened(house: House) -> None:
    connection, designers = connect(house), group_of(house)
    maya = add_person(house, "Maya", "maya@example.com", "dev", "test", group=designers)
    with house.runtime.database.transaction() as tx:
        storage.note_sign_in(tx, house.workspace.id, maya.id, house.clock())
    link_id = link(house, maya, connection)
    sign_in(house, maya, "dev", connection, link_id)
    facts = flow.look_at_end_user(house.runtime, house.owner, maya.id)
    assert [place.environment.name for place in facts.places] == ["DEV", "TEST", "PROD"]
    assert [place.access is not None for place in facts.places] == [True, True, False]
    assert [place.way.password for place in facts.places] == [False, True, True]
    assert facts.places[0].memberships[designers.id].source is Source.MANUAL
    assert [one.id for one in facts.links] == [link_id]
    assert [one.idp_name for one in facts.sessions] == ["Okta Dev"]
    assert facts.entries[-1].event.action == "end_user.added"
    assert facts.may_use_password


def test_a_new_name_and_address_are_saved_and_recorded_with_the_old_ones(house: House, maya: EndUser) -> None:
    handed = flow.make_link(house.runtime, house.owner, maya.id)
    flow.change_profile(house.runtime, house.owner, maya.id, "Maya Berg", "Maya.Berg@example.com")
    entry = last(house, maya)
    assert entry.event.action == "end_user.changed"
    assert entry.event.details == {
        "name": {"from": "Maya Lindqvist", "to": "Maya Berg"},
        "email": {"from": "maya@example.com", "to": "Maya.Berg@example.com"},
    }
    assert entry.actor.name == "Ada Park"
    found = end_users.list_end_users(house.runtime, house.owner, EndUserFilter(words=("berg",))).page.rows
    assert [row.end_user.email for row in found] == ["Maya.Berg@example.com"]
    # It went to the old address.
    assert not works(house, hash_in(handed))


def test_a_profile_saved_unchanged_records_nothing_and_keeps_links(house: House, maya: EndUser) -> None:
    handed = flow.make_link(house.runtime, house.owner, maya.id)
    before = last(house, maya).id
    flow.change_profile(house.runtime, house.owner, maya.id, " Maya Lindqvist", "maya@example.com")
    assert last(house, maya).id == before
    assert works(house, hash_in(handed))


def test_ones_own_address_in_other_case_is_no_duplicate_and_anothers_is(house: House, maya: EndUser) -> None:
    bram = add_person(house, "Bram", "bram@example.com")
    flow.change_profile(house.runtime, house.owner, maya.id, "Maya", "MAYA@example.com")
    with pytest.raises(Invalid) as caught:
        flow.change_profile(house.runtime, house.owner, maya.id, "Maya", "BRAM@example.com")
    (error,) = caught.value.errors
    assert isinstance(error, EmailTaken)
    assert error.holder.id == bram.id


@pytest.mark.parametrize(
    ("name", "email"), [("", "a@b.example"), ("A", ""), ("A\u202e", "a@b.example"), ("A", "a@@b.example")]
)
def test_a_wrong_profile_changes_nothing(house: House, maya: EndUser, name: str, email: str) -> None:
    with pytest.raises(Invalid):
        flow.change_profile(house.runtime, house.owner, maya.id, name, email)
    assert flow.look_at_end_user(house.runtime, house.owner, maya.id).end_user.full_name == "Maya Lindqvist"


def test_what_was_ticked_and_unticked_is_given_and_taken_with_its_groups_and_sessions(house: House) -> None:
    dev, test, prod = (house.environments[key].id for key in ("dev", "test", "prod"))
    designers, reviewers = group_of(house, "dev"), group_of(house, "prod", "Reviewers")
    maya = add_person(house, "Maya", "maya@example.com", "dev", "test", group=designers)
    sign_in(house, maya, "dev")
    apply(house, maya, change({dev, test}, {test, prod}, {designers.id}, {designers.id, reviewers.id}))
    assert entered(house, maya) == {test, prod}
    assert joined(house, maya) == {reviewers.id}
    assert live_sessions(house, maya) == 0


def test_two_admins_who_change_the_same_person_undo_nothing_of_each_other(house: House, maya: EndUser) -> None:
    dev, test, prod = (house.environments[key].id for key in ("dev", "test", "prod"))
    designers, leads = group_of(house, "dev"), group_of(house, "dev", "Leads")
    # Both opened the page when DEV and TEST were ticked and no group was.
    apply(house, maya, change({dev, test}, {dev, test, prod}, set(), {designers.id}))
    apply(house, maya, change({dev, test}, {dev}, set(), {leads.id}))
    assert entered(house, maya) == {dev, prod}
    assert joined(house, maya) == {designers.id, leads.id}


def test_a_group_of_access_that_somebody_took_away_meanwhile_is_refused_and_nothing_is_written(
    house: House, maya: EndUser
) -> None:
    dev, test, prod = (house.environments[key].id for key in ("dev", "test", "prod"))
    designers = group_of(house, "dev")
    apply(house, maya, change({dev}, set()))
    with pytest.raises(Invalid) as caught:
        apply(house, maya, change({dev, test}, {dev, test, prod}, set(), {designers.id}))
    assert [error.field for error in caught.value.errors] == [f"group_{dev}"]
    assert entered(house, maya) == {test}


def test_a_group_ticked_under_an_unticked_environment_is_refused(house: House, maya: EndUser) -> None:
    prod, reviewers = house.environments["prod"].id, group_of(house, "prod", "Reviewers")
    with pytest.raises(Invalid) as caught:
        apply(house, maya, change(set(), set(), set(), {reviewers.id}))
    assert [error.field for error in caught.value.errors] == [f"group_{prod}"]


def test_what_a_directory_gave_may_be_removed_by_hand_and_the_record_says_where_it_came_from(house: House) -> None:
    connection, maya = connect(house), add_person(house)
    dev = house.environments["dev"].id
    with house.runtime.database.transaction() as tx:
        scim, now = Source.SCIM, house.clock()
        access.grant_access(tx, house.workspace.id, dev, maya.id, source=scim, now=now, connection_id=connection.id)
    apply(house, maya, change({dev}, set()))
    assert entered(house, maya) == set()
    assert last(house, maya).event.details["source"] == "scim"


def test_forged_ids_are_refused_or_do_nothing(house: House, maya: EndUser) -> None:
    other = furnish(house.runtime, house.clock, name="Other")
    theirs, their_group = next(iter(other.environments.values())).id, group_of(other, next(iter(other.environments)))
    before = (entered(house, maya), joined(house, maya))
    for forged in ({theirs}, {"env_x"}, {"' OR 1=1"}):
        with pytest.raises(Invalid):
            apply(house, maya, change(set(), forged))
    for forged in ({their_group.id}, {"grp_x"}):
        with pytest.raises(Invalid):
            apply(house, maya, change(set(), set(), set(), forged))
    apply(house, maya, change({theirs, "env_x"}, set(), {their_group.id, "grp_x"}, set()))
    assert (entered(house, maya), joined(house, maya)) == before


def test_a_person_of_another_workspace_does_not_exist(house: House) -> None:
    other = furnish(house.runtime, house.clock, name="Other")
    stranger = add_person(other, "Stranger", "s@example.com")
    for end_user_id in (stranger.id, "usr_x", "", "x" * 10_000, "usr_01\0"):
        for act in _acts():
            with pytest.raises(NotFound):
                act(house.runtime, house.owner, end_user_id)
    assert flow.look_at_end_user(house.runtime, other.owner, stranger.id).end_user == stranger


def _acts() -> list[Callable[[Runtime, AdminCaller, str], object]]:
    return [
        flow.look_at_end_user,
        flow.deactivate,
        flow.reactivate,
        flow.delete,
        flow.make_link,
        lambda runtime, caller, end_user_id: flow.change_profile(runtime, caller, end_user_id, "A", "a@b.example"),
        lambda runtime, caller, end_user_id: flow.change_access(runtime, caller, end_user_id, change()),
    ]


def test_an_auditor_looks_and_changes_nothing(house: House, maya: EndUser) -> None:
    auditor = house.caller(replace(house.owner.admin, role=Role.AUDITOR))
    look, *acts = _acts()
    look(house.runtime, auditor, maya.id)
    for act in acts:
        with pytest.raises(Forbidden):
            act(house.runtime, auditor, maya.id)


def test_deactivating_ends_sessions_and_links_at_once_and_keeps_access(house: House, maya: EndUser) -> None:
    sign_in(house, maya, "dev")
    sign_in(house, maya, "test")
    handed = flow.make_link(house.runtime, house.owner, maya.id)
    for _ in range(2):
        flow.deactivate(house.runtime, house.owner, maya.id)
    entry = last(house, maya)
    assert (entry.event.action, entry.event.details) == (
        "end_user.deactivated",
        {"sessions_ended": 2, "grants_ended": 0},
    )
    assert live_sessions(house, maya) == 0
    assert not works(house, hash_in(handed))
    assert len(entered(house, maya)) == 2
    with pytest.raises(flow.AccountDeactivated):
        flow.make_link(house.runtime, house.owner, maya.id)


def test_reactivating_gives_back_where_a_person_stood(house: House, maya: EndUser) -> None:
    invited = add_person(house, "New", "new@example.com")
    for person, status in ((maya, EndUserStatus.ACTIVE), (invited, EndUserStatus.INVITED)):
        flow.deactivate(house.runtime, house.owner, person.id)
        flow.reactivate(house.runtime, house.owner, person.id)
        assert flow.look_at_end_user(house.runtime, house.owner, person.id).end_user.status is status


def test_a_deleted_person_is_gone_their_address_free_and_the_activity_kept(house: House, maya: EndUser) -> None:
    sign_in(house, maya)
    flow.delete(house.runtime, house.owner, maya.id)
    with pytest.raises(NotFound):
        flow.delete(house.runtime, house.owner, maya.id)
    entry = last(house, maya)
    assert (entry.event.action, entry.event.subject.name) == ("end_user.deleted", "Maya Lindqvist")
    assert add_person(house, "Maya Again", "maya@example.com").id != maya.id


def test_a_newer_link_replaces_the_older_and_a_password_makes_it_a_reset_of_one_day(
    house: House, maya: EndUser
) -> None:
    house.clock.freeze()
    first = flow.make_link(house.runtime, house.owner, maya.id)
    second = flow.make_link(house.runtime, house.owner, maya.id)
    assert (first.purpose, works(house, hash_in(first)), works(house, hash_in(second))) == (
        Purpose.END_USER_INVITATION,
        False,
        True,
    )
    with house.runtime.database.transaction() as tx:
        storage.set_password_hash(tx, house.workspace.id, maya.id, "$argon2id$", house.clock())
    reset = flow.make_link(house.runtime, house.owner, maya.id)
    assert reset.purpose is Purpose.END_USER_RESET
    house.clock.advance(days=1, microseconds=-1)
    assert works(house, hash_in(reset))
    house.clock.advance(microseconds=1)
    assert not works(house, hash_in(reset))


def test_there_is_no_link_for_whoever_may_use_no_password(house: House) -> None:
    connect(house)
    only_saml = add_person(house, "Maya", "maya@example.com", "dev")
    nowhere = add_person(house, "Bram", "bram@example.com")
    for person in (only_saml, nowhere):
        with pytest.raises(NoPassword):
            flow.make_link(house.runtime, house.owner, person.id)
