"""Why a person has what they have: what is said of the profile is what a push of the directory does to it, on both engines."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import update

from tests.support.directories import push_of, pushed_user, pushing
from tests.support.house import House
from tests.support.people import add_person, connect, link
from vestibule.directory.connections import Connection
from vestibule.directory.end_users import AccessChange
from vestibule.directory.provisioning import JitRules
from vestibule.directory.pushed import PushedUser
from vestibule.directory.sources import Source
from vestibule.directory.why import EndedBy, Reason
from vestibule.flows import connections, end_user
from vestibule.flows.parts import pushed_users
from vestibule.flows.why import why
from vestibule.storage import connections as storage
from vestibule.storage import tables

EMAIL = "maya@example.com"


def nothing_else(*_: object) -> None:
    pass


def in_test_by_hand(house: House, _: Connection, maya: PushedUser) -> None:
    test = frozenset({house.environments["test"].id})
    change = AccessChange(frozenset(), test, frozenset(), frozenset())
    end_user.change_access(house.runtime, house.owner, maya.end_user_id or "", change)


def in_test_by_the_same_idp(house: House, okta: Connection, _: PushedUser) -> None:
    other = pushing(house, "test", "Okta Test")
    with house.runtime.database.transaction() as tx:
        here = tables.connections.c.id == other.id
        tx.execute(update(tables.connections).where(here).values(idp_id=okta.idp.id))
    pushed_user(house, other, EMAIL)


def in_test_by_another_idp(house: House, *_: object) -> None:
    pushed_user(house, pushing(house, "test", "Entra Test"), EMAIL)


def another_directory_that_holds_them_inactive(house: House, *_: object) -> None:
    entra = pushing(house, "test", "Entra Test")
    theirs = pushed_user(house, entra, EMAIL)
    with house.runtime.database.transaction() as tx:
        pushed_users.change_user(tx, push_of(house, entra), theirs, {**theirs.attributes, "active": False})


@pytest.mark.parametrize("came", [Source.MANUAL, Source.SCIM])
@pytest.mark.parametrize(
    ("meanwhile", "follows"),
    [
        (nothing_else, True),
        (in_test_by_the_same_idp, True),
        (in_test_by_hand, False),
        (in_test_by_another_idp, False),
        (another_directory_that_holds_them_inactive, False),
    ],
)
def test_the_directory_is_named_for_the_profile_where_the_profile_follows_it(
    meanwhile: Callable[[House, Connection, PushedUser], None], follows: bool, came: Source, house: House
) -> None:
    if came is Source.MANUAL:
        add_person(house, "Maya Lindqvist", EMAIL, "dev")
    okta = pushing(house)
    maya = pushed_user(house, okta, EMAIL)
    meanwhile(house, okta, maya)
    found = profile(house, maya)
    assert (found.ended_by is EndedBy.DIRECTORY, found.directory) == (follows, "Okta Dev" if follows else None)
    assert found.source is (Source.SCIM if follows else came)
    with house.runtime.database.transaction() as tx:
        pushed_users.change_user(tx, push_of(house, okta), maya, {**maya.attributes, "displayName": "Somebody Else"})
    person = end_user.look_at_end_user(house.runtime, house.owner, maya.end_user_id or "").end_user
    assert (person.full_name == "Somebody Else") is follows


def test_a_directory_that_provisions_no_more_is_not_named_for_the_profile(house: House) -> None:
    okta = pushing(house)
    maya = pushed_user(house, okta, EMAIL)
    connections.choose_provisioning(house.runtime, house.owner, okta.id, "manual")
    assert (profile(house, maya).ended_by, profile(house, maya).directory) == (EndedBy.ADMIN, None)


def profile(house: House, user: PushedUser) -> Reason:
    """Return the reason for the name, which is that for the address as well."""
    found = why(house.runtime, house.owner, user.end_user_id or "").profile
    assert found["name"] == found["email"]
    return found["name"]


@pytest.mark.parametrize("keep_in_sync", [True, False])
@pytest.mark.parametrize("elsewhere", [True, False])
def test_a_profile_that_sign_ins_keep_in_sync_says_so(keep_in_sync: bool, elsewhere: bool, house: House) -> None:
    okta = connect(house)
    connections.choose_provisioning(house.runtime, house.owner, okta.id, "jit")
    with house.runtime.database.transaction() as tx:
        jit = JitRules(keep_in_sync=keep_in_sync)
        storage.set_mapping(tx, house.workspace.id, okta.id, okta.mapping, jit)
    person = add_person(house, "Maya Lindqvist", EMAIL, "dev", *(["test"] if elsewhere else []))
    link(house, person, okta)
    found = why(house.runtime, house.owner, person.id).profile["name"]
    follows = keep_in_sync and not elsewhere
    assert (found.ended_by, found.directory) == ((EndedBy.SIGN_IN, "Okta Dev") if follows else (EndedBy.ADMIN, None))
