"""End users in storage: unique e-mail, the keys by which they are found and sorted, access and memberships as rows of their own."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select

from tests.support.house import House, furnish
from tests.support.people import add_person, connect, group_of, sign_in
from vestibule.directory.end_users import EndUser, EndUserFilter, EndUserStatus, search_terms
from vestibule.directory.sources import Source
from vestibule.kernel.errors import AlreadyTaken
from vestibule.kernel.ids import new_id
from vestibule.storage import access, end_user_list, end_users, sessions
from vestibule.storage.tables import end_user_terms, environment_access, group_members


def test_what_is_saved_comes_back(house: House) -> None:
    maya = add_person(house, "Maya Lindqvist", "Maya@Example.com")
    with house.runtime.database.transaction() as tx:
        assert end_users.find_end_user(tx, house.workspace.id, maya.id) == maya
        assert end_users.find_by_email(tx, house.workspace.id, "mAYA@example.COM") == maya
        assert end_users.password_hash_of(tx, house.workspace.id, maya.id) is None
        end_users.set_password_hash(tx, house.workspace.id, maya.id, "$argon2id$", house.clock())
        assert end_users.password_hash_of(tx, house.workspace.id, maya.id) == "$argon2id$"
        found = end_users.find_end_user(tx, house.workspace.id, maya.id)
    assert found is not None
    assert found.has_password


@pytest.mark.parametrize(
    "terms", [(), ("null",), ('"', "\\", "{", "}", ",", "{}", "a,b", '"x"', " ", "'", "\\x41", "%s", "$1", "ıß漢🙂")]
)
def test_whatever_the_terms_of_a_person_are_each_is_kept_as_it_is(house: House, terms: tuple[str, ...]) -> None:
    maya = add_person(house, "Maya", "maya@example.com")
    twin = replace(maya, id=new_id("end_user", house.clock()), email="twin@example.com")
    with house.runtime.database.transaction() as tx:
        end_users.insert_end_user(tx, twin, None, terms)
        kept = tx.execute(select(end_user_terms.c.term).where(end_user_terms.c.end_user_id == twin.id)).scalars()
        assert sorted(kept) == sorted(terms)


def test_an_address_is_unique_in_a_workspace_without_case_and_free_in_another(house: House) -> None:
    maya = add_person(house, "Maya", "maya@example.com")
    twin = replace(maya, id=new_id("end_user", house.clock()), email="MAYA@example.com")
    with pytest.raises(AlreadyTaken), house.runtime.database.transaction() as tx:
        end_users.insert_end_user(tx, twin, None, search_terms("Maya", twin.email))
    other = furnish(house.runtime, house.clock, name="Other")
    assert add_person(other, "Maya", "maya@example.com").workspace_id == other.workspace.id


def test_another_workspace_finds_and_changes_nothing(house: House) -> None:
    maya = add_person(house, "Maya", "maya@example.com", "dev")
    group = group_of(house)
    other = furnish(house.runtime, house.clock, name="Other")
    here, there, now = house.workspace.id, other.workspace.id, house.clock()
    with house.runtime.database.transaction() as tx:
        assert end_users.find_end_user(tx, there, maya.id) is None
        assert end_users.find_by_email(tx, there, "maya@example.com") is None
        assert not end_users.note_sign_in(tx, there, maya.id, now)
        assert not end_users.delete_end_user(tx, there, maya.id)
        end_users.set_status(tx, there, maya.id, EndUserStatus.DEACTIVATED, now)
        test = house.environments["test"].id
        assert not access.grant_access(tx, there, test, maya.id, source=Source.MANUAL, now=now)
        theirs = next(iter(other.environments.values())).id
        assert not access.grant_access(tx, here, theirs, maya.id, source=Source.MANUAL, now=now)
        assert not access.grant_access(tx, there, theirs, maya.id, source=Source.MANUAL, now=now)
        assert not access.add_member(tx, there, group.id, maya.id, source=Source.MANUAL, now=now)
        assert not access.revoke_access(tx, there, house.environments["dev"].id, maya.id)
        assert end_users.find_end_user(tx, here, maya.id) == maya
        assert [one.environment_id for one in access.access_of(tx, here, maya.id)] == [house.environments["dev"].id]


def test_a_new_name_is_found_and_sorted_everywhere_and_the_old_one_no_more(house: House) -> None:
    group = group_of(house)
    maya = add_person(house, "Maya Lindqvist", "maya@example.com", "dev", group=group)
    with house.runtime.database.transaction() as tx:
        terms = search_terms("Zora Berg", "zora@example.com")
        end_users.update_profile(
            tx,
            house.workspace.id,
            maya.id,
            full_name="Zora Berg",
            email="zora@example.com",
            terms=terms,
            now=house.clock(),
        )
        for table in (environment_access, group_members, end_user_terms):
            keys = tx.execute(select(table.c.name_key).where(table.c.end_user_id == maya.id)).scalars().all()
            assert keys
            assert set(keys) == {"zora berg"}
    with house.runtime.database.reading() as tx:
        for word, count in (("maya", 0), ("lindqvist", 0), ("zora", 1), ("ber", 1)):
            assert len(end_user_list.page(tx, house.workspace.id, EndUserFilter(words=(word,))).rows) == count


def test_the_first_sign_in_makes_an_invited_person_active_and_a_deactivated_one_stays_out(house: House) -> None:
    maya = add_person(house)
    with house.runtime.database.transaction() as tx:
        assert end_users.note_sign_in(tx, house.workspace.id, maya.id, house.clock.freeze())
        found = end_users.find_end_user(tx, house.workspace.id, maya.id)
        assert found is not None
        assert (found.status, found.last_sign_in_at) == (EndUserStatus.ACTIVE, house.clock())
        end_users.set_status(tx, house.workspace.id, maya.id, EndUserStatus.DEACTIVATED, house.clock())
        assert not end_users.note_sign_in(tx, house.workspace.id, maya.id, house.clock())


def test_access_given_twice_keeps_the_source_it_came_from_first(house: House) -> None:
    connection, maya = connect(house), add_person(house)
    dev, now = house.environments["dev"].id, house.clock()
    with house.runtime.database.transaction() as tx:
        given = [
            access.grant_access(
                tx, house.workspace.id, dev, maya.id, source=source, now=now, connection_id=connection_id
            )
            for source, connection_id in ((Source.SCIM, connection.id), (Source.MANUAL, None))
        ]
        (kept,) = access.access_of(tx, house.workspace.id, maya.id)
    assert given == [True, False]
    assert (kept.source, kept.connection_id) == (Source.SCIM, connection.id)


def test_only_people_with_access_become_members_and_nobody_of_everyone(house: House) -> None:
    maya, designers = add_person(house), group_of(house, "dev")
    now = house.clock()
    with house.runtime.database.transaction() as tx:
        from vestibule.storage.groups import list_group_names  # noqa: PLC0415 - for this one question

        everyone = next(one for one in list_group_names(tx, house.workspace.id) if one.built_in)
        assert not access.add_member(tx, house.workspace.id, designers.id, maya.id, source=Source.MANUAL, now=now)
        access.grant_access(
            tx, house.workspace.id, house.environments["dev"].id, maya.id, source=Source.MANUAL, now=now
        )
        access.grant_access(tx, house.workspace.id, everyone.environment_id, maya.id, source=Source.MANUAL, now=now)
        assert access.add_member(tx, house.workspace.id, designers.id, maya.id, source=Source.MANUAL, now=now)
        assert not access.add_member(tx, house.workspace.id, everyone.id, maya.id, source=Source.MANUAL, now=now)
        assert [one.name for one in access.memberships_of(tx, house.workspace.id, maya.id)] == ["Designers"]
        dev = house.environments["dev"].id
        assert len(access.memberships_of(tx, house.workspace.id, maya.id, dev)) == 1
        assert access.memberships_of(tx, house.workspace.id, maya.id, house.environments["test"].id) == ()


def test_access_that_ends_takes_memberships_and_sessions_of_that_environment_along_and_no_others(house: House) -> None:
    group = group_of(house, "dev")
    maya = add_person(house, "Maya", "maya@example.com", "dev", "test", group=group)
    sign_in(house, maya, "dev")
    kept = sign_in(house, maya, "test")
    with house.runtime.database.transaction() as tx:
        end_users.note_sign_in(tx, house.workspace.id, maya.id, house.clock())
        assert access.revoke_access(tx, house.workspace.id, house.environments["dev"].id, maya.id)
        assert access.memberships_of(tx, house.workspace.id, maya.id) == ()
        left = sessions.list_sessions(tx, house.workspace.id, maya.id, house.clock())
    assert [one.id for one in left] == [kept]


def test_a_deleted_person_leaves_no_row_behind(house: House) -> None:
    group = group_of(house)
    maya: EndUser = add_person(house, "Maya", "maya@example.com", "dev", group=group)
    sign_in(house, maya)
    with house.runtime.database.transaction() as tx:
        assert end_users.delete_end_user(tx, house.workspace.id, maya.id)
        for table in (environment_access, group_members, end_user_terms):
            assert tx.execute(select(table).where(table.c.end_user_id == maya.id)).all() == []
        assert sessions.list_sessions(tx, house.workspace.id, maya.id, house.clock()) == ()
