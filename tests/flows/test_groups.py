"""End-user groups and their members: named once per environment, Everyone locked, nobody a member without access."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.house import VISITOR, House, furnish
from tests.support.people import add_person, group_of
from vestibule.directory.activity import ActivityFilter
from vestibule.directory.admins import Admin, AdminStatus, Role
from vestibule.directory.groups import Group
from vestibule.directory.sources import Source
from vestibule.flows import group_members, groups
from vestibule.flows.parts.callers import AdminCaller
from vestibule.flows.parts.grouping import EveryoneIsLocked
from vestibule.kernel.errors import Forbidden, Invalid, NotFound
from vestibule.kernel.ids import new_id
from vestibule.storage import access, activity
from vestibule.storage import groups as stored


def everyone(house: House, key: str = "dev") -> Group:
    found = groups.list_groups(house.runtime, house.owner, key).everyone
    assert found is not None
    return found


def members(house: House, group: Group, key: str = "dev", search: str = "") -> list[str]:
    page = group_members.look_at_group(house.runtime, house.owner, key, group.id, search)
    return [one.full_name for one in page.members]


def actions(house: House, prefix: str) -> list[str]:
    with house.runtime.database.reading() as tx:
        found = activity.page(
            tx, house.workspace.id, ActivityFilter(action_prefix=prefix), before=None, after=None, size=50
        )
    return [entry.event.action for entry in found]


def of_role(house: House, role: Role) -> AdminCaller:
    admin = Admin("adm_x", house.workspace.id, "x@example.com", "X", role, AdminStatus.ACTIVE, house.clock(), None)
    return AdminCaller(admin, "ses_x", VISITOR)


def test_a_group_is_created_empty_beside_everyone(house: House) -> None:
    made = groups.create_group(house.runtime, house.owner, "dev", "  Field   engineers ")
    listed = groups.list_groups(house.runtime, house.owner, "dev")
    assert made.name == "Field engineers"
    assert (listed.count, listed.groups[0].members) == (2, 0)
    assert groups.list_groups(house.runtime, house.owner, "test").count == 1
    assert actions(house, "group.") == ["group.created"]


@pytest.mark.parametrize(
    "name", ["", "   ", "x" * 101, "designers", "ＤＥＳＩＧＮＥＲＳ", "everyone", "EVERYONE", "a\u202eb", "a\0b"]
)
def test_a_name_that_is_none_or_taken_or_reserved_is_refused(name: str, house: House) -> None:
    group_of(house, name="Designers")
    with pytest.raises(Invalid) as refused:
        groups.create_group(house.runtime, house.owner, "dev", name)
    assert {error.field for error in refused.value.errors} == {"name"}
    assert groups.list_groups(house.runtime, house.owner, "dev").count == 2


def test_the_same_name_is_free_in_another_environment(house: House) -> None:
    groups.create_group(house.runtime, house.owner, "dev", "Designers")
    groups.create_group(house.runtime, house.owner, "test", "Designers")


def test_a_rename_keeps_the_members_and_takes_no_other_groups_name(house: House) -> None:
    group = group_of(house)
    add_person(house, "Maya", "maya@example.com", "dev", group=group)
    group_of(house, name="Reviewers")
    renamed = groups.rename_group(house.runtime, house.owner, "dev", group.id, "DESIGNERS")
    assert renamed.name == "DESIGNERS"
    assert members(house, renamed) == ["Maya"]
    with pytest.raises(Invalid):
        groups.rename_group(house.runtime, house.owner, "dev", group.id, "reviewers")
    with pytest.raises(Invalid):
        groups.rename_group(house.runtime, house.owner, "dev", group.id, "Everyone")
    groups.rename_group(house.runtime, house.owner, "dev", group.id, "DESIGNERS")
    assert actions(house, "group.") == ["group.renamed"]


def test_deleting_a_group_leaves_its_members_their_access(house: House) -> None:
    group = group_of(house)
    add_person(house, "Maya", "maya@example.com", "dev", group=group)
    deleted = groups.delete_group(house.runtime, house.owner, "dev", group.id)
    assert deleted.members == 1
    assert members(house, everyone(house)) == ["Maya"]
    with pytest.raises(NotFound):
        groups.delete_group(house.runtime, house.owner, "dev", group.id)


def test_everyone_is_whoever_has_access_and_can_not_be_changed(house: House) -> None:
    maya = add_person(house, "Maya", "maya@example.com", "dev")
    add_person(house, "Bo", "bo@example.com", "test")
    locked = everyone(house)
    assert (locked.members, members(house, locked)) == (1, ["Maya"])
    for act in (
        lambda: groups.rename_group(house.runtime, house.owner, "dev", locked.id, "All"),
        lambda: groups.delete_group(house.runtime, house.owner, "dev", locked.id),
        lambda: group_members.add_member(house.runtime, house.owner, "dev", locked.id, maya.id),
        lambda: group_members.remove_member(house.runtime, house.owner, "dev", locked.id, maya.id),
        lambda: group_members.find_candidates(house.runtime, house.owner, "dev", locked.id, "m"),
    ):
        with pytest.raises(EveryoneIsLocked):
            act()
    assert members(house, everyone(house)) == ["Maya"]


def test_a_person_with_access_is_added_once_and_removed(house: House) -> None:
    group, maya = group_of(house), add_person(house, "Maya", "maya@example.com", "dev")
    for _ in range(2):
        group_members.add_member(house.runtime, house.owner, "dev", group.id, maya.id)
    page = group_members.look_at_group(house.runtime, house.owner, "dev", group.id)
    assert [(one.full_name, one.source) for one in page.members] == [("Maya", Source.MANUAL)]
    for _ in range(2):
        group_members.remove_member(house.runtime, house.owner, "dev", group.id, maya.id)
    assert members(house, group) == []
    assert actions(house, "end_user.group") == ["end_user.group_left", "end_user.group_joined"]


def test_a_person_without_access_is_not_added_and_the_way_on_is_named(house: House) -> None:
    group, bo = group_of(house), add_person(house, "Bo", "bo@example.com", "test")
    with pytest.raises(group_members.NoAccess) as refused:
        group_members.add_member(house.runtime, house.owner, "dev", group.id, bo.id)
    assert "DEV" in str(refused.value)
    assert members(house, group) == []
    found = group_members.find_candidates(house.runtime, house.owner, "dev", group.id, "BO@example.com")
    assert found.people == ()
    assert found.without_access == bo


def test_membership_ends_with_the_access(house: House) -> None:
    group = group_of(house)
    maya = add_person(house, "Maya", "maya@example.com", "dev", group=group)
    with house.runtime.database.transaction() as tx:
        access.revoke_access(tx, house.workspace.id, house.environments["dev"].id, maya.id)
    assert members(house, group) == []


def test_a_search_offers_people_with_access_and_marks_who_is_in_already(house: House) -> None:
    group = group_of(house)
    maya = add_person(house, "Maya Lindqvist", "maya@example.com", "dev", group=group)
    mats = add_person(house, "Mats Berg", "mats@example.com", "dev")
    add_person(house, "Mara Silva", "mara@example.com", "test")
    found = group_members.find_candidates(house.runtime, house.owner, "dev", group.id, "ma")
    assert {one.id for one in found.people} == {maya.id, mats.id}
    assert found.members == {maya.id}
    assert group_members.find_candidates(house.runtime, house.owner, "dev", group.id, " ").people == ()
    assert group_members.find_candidates(house.runtime, house.owner, "dev", group.id, "%").people == ()


def test_members_are_paged_by_name_in_both_directions_and_found_by_a_search(house: House) -> None:
    group = group_of(house)
    for number in range(60):
        add_person(house, f"Person {number:02}", f"p{number:02}@example.com", "dev", group=group)
    first = group_members.look_at_group(house.runtime, house.owner, "dev", group.id)
    second = group_members.look_at_group(house.runtime, house.owner, "dev", group.id, after=first.next)
    third = group_members.look_at_group(house.runtime, house.owner, "dev", group.id, after=second.next)
    back = group_members.look_at_group(house.runtime, house.owner, "dev", group.id, before=third.previous)
    seen = [one.full_name for page in (first, second, third) for one in page.members]
    assert seen == [f"Person {number:02}" for number in range(60)]
    assert back.members == second.members
    assert (first.previous, third.next) == (None, None)
    assert members(house, group, search="p42@") == ["Person 42"]
    assert members(house, everyone(house), search="Person 07") == ["Person 07"]


def test_groups_are_paged_by_name_in_both_directions_and_found_by_a_part_of_it(house: House) -> None:
    now = house.clock()
    with house.runtime.database.transaction() as tx:
        for number in range(120):
            made = Group(
                new_id("group", now),
                house.workspace.id,
                house.environments["dev"].id,
                f"Group {number:03}",
                False,
                Source.MANUAL,
                now,
            )
            stored.insert_group(tx, made)
    first = groups.list_groups(house.runtime, house.owner, "dev")
    second = groups.list_groups(house.runtime, house.owner, "dev", after=first.next)
    third = groups.list_groups(house.runtime, house.owner, "dev", after=second.next)
    back = groups.list_groups(house.runtime, house.owner, "dev", before=third.previous)
    start = groups.list_groups(house.runtime, house.owner, "dev", before=second.previous)
    assert [one.name for page in (first, second, third) for one in page.groups] == [f"Group {n:03}" for n in range(120)]
    assert (first.everyone is not None, second.everyone, first.previous, third.next) == (True, None, None, None)
    assert back.groups == second.groups
    assert (start.groups, start.previous, start.everyone is not None) == (first.groups, None, True)
    found = groups.list_groups(house.runtime, house.owner, "dev", "P 11")
    assert [one.name for one in found.groups] == [f"Group 11{n}" for n in range(10)]
    assert found.everyone is None
    assert groups.list_groups(house.runtime, house.owner, "dev", "%").groups == ()
    assert groups.list_groups(house.runtime, house.owner, "dev", "_").groups == ()


@pytest.mark.parametrize(
    "position", [("",), ("x" * 5000,), ("a", "b", "c"), ("word-0", "x", "y", "z"), ("group", "'", "%")]
)
def test_a_position_that_somebody_made_up_harms_nothing(position: tuple[str, ...], house: House) -> None:
    group = group_of(house)
    for after, before in ((position, None), (None, position)):
        groups.list_groups(house.runtime, house.owner, "dev", after=after, before=before)
        group_members.look_at_group(house.runtime, house.owner, "dev", group.id, after=after, before=before)


def test_members_are_counted_no_further_than_is_shown(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    group = group_of(house)
    for number in range(5):
        add_person(house, f"Person {number}", f"p{number}@example.com", "dev", group=group)
    monkeypatch.setattr("vestibule.storage.groups.MOST_COUNTED", 3)
    listed = groups.list_groups(house.runtime, house.owner, "dev")
    assert [one.members for one in (listed.groups[0], everyone(house))] == [4, 4]
    groups.delete_group(house.runtime, house.owner, "dev", group.id)


def test_groups_and_people_of_another_workspace_or_environment_do_not_exist(house: House) -> None:
    other = furnish(house.runtime, house.clock, ("STAGING",), name="Südwind")
    theirs = group_of(other, "staging")
    stranger = add_person(other, "Zoe", "zoe@example.com", "staging")
    mine, elsewhere = group_of(house), group_of(house, "test", "Testers")
    owner, runtime = house.owner, house.runtime
    acts: tuple[Callable[[], object], ...] = (
        lambda: groups.list_groups(runtime, owner, "staging"),
        lambda: groups.create_group(runtime, owner, "staging", "X"),
        lambda: groups.rename_group(runtime, owner, "dev", theirs.id, "X"),
        lambda: groups.delete_group(runtime, owner, "dev", theirs.id),
        lambda: groups.delete_group(runtime, owner, "dev", elsewhere.id),
        lambda: group_members.look_at_group(runtime, owner, "dev", theirs.id),
        lambda: group_members.look_at_group(runtime, owner, "dev", elsewhere.id),
        lambda: group_members.add_member(runtime, owner, "dev", mine.id, stranger.id),
        lambda: group_members.add_member(runtime, owner, "dev", mine.id, "usr_nonsense"),
        lambda: group_members.remove_member(runtime, owner, "dev", mine.id, ""),
    )
    for act in acts:
        with pytest.raises(NotFound):
            act()


def test_support_manages_groups_and_an_auditor_only_reads(house: House) -> None:
    group, support, auditor = group_of(house), of_role(house, Role.SUPPORT), of_role(house, Role.AUDITOR)
    maya = add_person(house, "Maya", "maya@example.com", "dev")
    group_members.add_member(house.runtime, support, "dev", group.id, maya.id)
    assert group_members.look_at_group(house.runtime, auditor, "dev", group.id).members[0].full_name == "Maya"
    acts: tuple[Callable[[], object], ...] = (
        lambda: groups.create_group(house.runtime, auditor, "dev", "X"),
        lambda: groups.rename_group(house.runtime, auditor, "dev", group.id, "X"),
        lambda: groups.delete_group(house.runtime, auditor, "dev", group.id),
        lambda: group_members.add_member(house.runtime, auditor, "dev", group.id, maya.id),
        lambda: group_members.remove_member(house.runtime, auditor, "dev", group.id, maya.id),
    )
    for act in acts:
        with pytest.raises(Forbidden):
            act()
