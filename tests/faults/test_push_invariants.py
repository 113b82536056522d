"""The rules of `push_invariants` see what they are for: each half-pushed state is named."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from tests.faults.invariants import read_state
from tests.faults.push_invariants import picture_of, push_violations, writes_logged
from tests.support.databases import Databases
from tests.support.directories import directory, pushing
from tests.support.house import TestClock, serving

HALVES = {
    "a user without the account": ("UPDATE scim_users SET end_user_id = NULL WHERE active", "is called None"),
    "a user whose account has the old name": ("UPDATE end_users SET full_name = 'Old'", "is called Old"),
    "a user without access": ("DELETE FROM environment_access", "has no access, and active is True"),
    "a user who left and has access": ("UPDATE scim_users SET active = 0", "has access, and active is False"),
    "a user who is not found by an address": ("DELETE FROM scim_user_emails", "is found by None"),
    "an account without its user": ("DELETE FROM scim_users WHERE active", "without a user"),
    "an account that nobody recorded": (
        "UPDATE end_users SET id = 'usr_x' WHERE full_name LIKE '%0 Park'",
        "person usr_x is there 1 times, came 0",
    ),
    "access that nobody recorded": (
        "UPDATE environment_access SET end_user_id = 'usr_x'",
        "access usr_x is there 1 times, came 0",
    ),
    "a group that nobody recorded": (
        "UPDATE groups SET id = 'grp_x' WHERE NOT built_in",
        "group grp_x is there 1 times, came 0",
    ),
    "a group of an old name": ("UPDATE groups SET name = 'Old' WHERE NOT built_in", "is Old here"),
    "a group that is not pushed": ("DELETE FROM scim_groups", "is not pushed"),
    "a member who is none here": ("DELETE FROM group_members", "is pushed and no member here"),
    "a member here who is not pushed": ("DELETE FROM scim_members", "is a member here and not pushed"),
    "a departure that is not counted": ("DELETE FROM scim_departures", "the stop line counts 0"),
    "a row whose parent is gone": ("DELETE FROM connections", "foreign_key_check"),
}


@pytest.fixture(scope="module")
def whole(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a database into which a directory pushed somebody who stays, somebody who left, and a group of both."""
    with databases.migrated("sqlite", tmp_path_factory.mktemp("whole")) as url:
        with serving(url, TestClock()) as server:
            okta = directory(server, pushing(server.house))
            ids = [okta.create(f"c0-{number}@example.com", externalId=f"c0-{number}")["id"] for number in range(2)]
            okta.create_group("c0 group 1", *ids)
            left = okta.patch(f"/Users/{ids[1]}", {"op": "replace", "path": "active", "value": False})
            assert left.status_code == 200
        return Path(url.removeprefix("sqlite:///"))


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Path:
    return shutil.copyfile(whole, tmp_path / "copy.db")


def test_what_was_pushed_whole_has_no_violation(copy: Path) -> None:
    state = read_state(f"sqlite:///{copy}")
    assert push_violations(state) == []
    assert writes_logged(state) == 4
    picture = picture_of(state, "c0")
    assert picture.users == {"c0-0": ("C0-0 Park", True, 1), "c0-1": ("C0-1 Park", False, 2)}
    assert picture.groups == {"c0 group 1": frozenset({"c0-0", "c0-1"})}


@pytest.mark.parametrize(("statement", "named"), HALVES.values(), ids=HALVES)
def test_a_half_pushed_state_is_named(statement: str, named: str, copy: Path) -> None:
    broken = sqlite3.connect(copy, isolation_level=None)  # by itself SQLite looks at no foreign key
    broken.execute(statement)
    broken.close()
    found = push_violations(read_state(f"sqlite:///{copy}"))
    assert any(named in violation for violation in found), found
